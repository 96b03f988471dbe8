//! `GET /services`

use serde::Serialize;
use stoa_kit::{Problem, Request, Response};

use crate::representation::{Shown, answer};
use crate::store::{self, Bucket};

#[derive(Serialize)]
struct Page<'a> {
    data: Vec<Shown<'a>>,
    /// Always null: a lattice has few services, and all are on one page.
    next: Option<&'a str>,
}

/// Lists the services that have a live instance, ordered by id.
///
/// Errors: `invalid_query` (400), for there are no parameters.
pub(crate) fn run(bucket: &impl Bucket, request: &Request, now: i64) -> Result<Response, Problem> {
    request.query().finish()?;
    let records = store::read_all(bucket)?;
    let data = records
        .iter()
        .filter_map(|record| Shown::of(record, now))
        .collect();
    answer(&Page { data, next: None })
}

//! `GET /services/{id}`

use stoa_kit::{Problem, Response};
use stoa_services::ServiceId;

use crate::representation::{Shown, answer, not_found};
use crate::store::{self, Bucket};

/// Shows where a service is, and its live instances.
///
/// Errors: `not_found`, also for a service that expired or was removed.
pub(crate) fn run(bucket: &impl Bucket, id: &str, now: i64) -> Result<Response, Problem> {
    let id = ServiceId::parse(id).ok_or_else(not_found)?;
    let record = store::read(bucket, &id)?.ok_or_else(not_found)?;
    answer(&Shown::of(&record, now).ok_or_else(not_found)?)
}

//! `DELETE /services/{id}`

use stoa_kit::{Problem, Response};
use stoa_services::ServiceId;

use crate::representation::{Shown, answer, not_found};
use crate::store::{self, Bucket};

/// Removes a service and answers with what it was. Beats bring it back only
/// when one lease has passed.
///
/// Errors: `not_found`, also for a service that expired or was removed.
pub(crate) fn run(bucket: &impl Bucket, id: &str, now: i64) -> Result<Response, Problem> {
    let id = ServiceId::parse(id).ok_or_else(not_found)?;
    let removed = store::change(bucket, &id, |record| {
        let before = record.clone();
        if record.remove(now) {
            Ok(before)
        } else {
            Err(())
        }
    })?
    .map_err(|()| not_found())?;
    answer(&Shown::of(&removed, now).ok_or_else(not_found)?)
}

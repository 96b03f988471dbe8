//! `PATCH /products/{id}`

use stoa_kit::request::Condition;
use stoa_kit::{Problem, Request, Response, Timestamp};

use crate::product::{Draft, cacheable, not_found, parse_id};
use crate::queries::{self, Guarded};

/// How often a patch is applied when somebody else was faster. Each time one
/// patch gets through, so this many may come at once and none is refused.
const ATTEMPTS: usize = 32;

/// Changes some fields of a product (JSON merge patch, RFC 7396): null resets
/// a field to its default. Only the version that was read is written over;
/// when it is gone, the patch is applied to the new one, unless `If-Match`
/// names the version it is meant for.
///
/// Errors: `not_found`, `version_mismatch` (412), `invalid` (422),
/// `sku_taken`, `slug_taken` (409), `unavailable` (503) when others were
/// faster every time.
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    request.require_admin()?;
    let id = parse_id(id)?;
    let condition = request.if_match()?;
    let patch = request.json()?;
    let mut current = queries::find(id)?.ok_or_else(not_found)?;
    for _ in 0..ATTEMPTS {
        if condition != Condition::Any && condition != Condition::Version(current.version) {
            return Err(Problem::version_mismatch());
        }
        let draft = Draft::merged(&current, &patch)?;
        match queries::replace(id, &draft, Some(current.version), Timestamp::now())? {
            Guarded::Done(product) => {
                let response = Response::json(&product)?.etag(product.version);
                return Ok(cacheable(request, response));
            }
            Guarded::Stale(newer) => current = newer,
            Guarded::Missing => return Err(not_found()),
        }
    }
    Err(Problem::unavailable(
        "Others are changing this product all the time. Try again.",
        format!("lost the race for {id} {ATTEMPTS} times"),
    ))
}

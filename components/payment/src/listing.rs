//! What a list is asked for, and the cursor to its next page.

use serde::{Deserialize, Serialize};
use stoa_kit::{Problem, Request, cursor};

use crate::caller::Caller;
use crate::state::State;

/// The query of `GET /payments`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listing {
    pub(crate) limit: i64,
    /// Only payments of this account.
    pub(crate) account: Option<String>,
    pub(crate) status: Option<State>,
    pub(crate) reference: Option<String>,
    /// The number behind which the page begins.
    pub(crate) after: Option<i64>,
}

/// A place in a list: the number of the payment there, and the filters.
#[derive(Serialize, Deserialize)]
struct Cursor {
    status: Option<String>,
    reference: Option<String>,
    after: i64,
}

impl Listing {
    /// Reads the query.
    ///
    /// Errors: `invalid_query` (400) with every parameter that is wrong.
    pub(crate) fn read(request: &Request, caller: &Caller) -> Result<Self, Problem> {
        let mut query = request.query();
        let limit = query.integer("limit", 1, 100).unwrap_or(20);
        let status = query.parsed("status", "a status of payments", State::parse);
        let reference = query.text("reference").map(str::to_owned);
        let after = match query.text("cursor").map(cursor::decode::<Cursor>) {
            None => None,
            Some(Some(cursor)) if cursor.fits(status, reference.as_deref()) => Some(cursor.after),
            Some(_) => {
                let message = "must be `next` of an answer with the same filters";
                query.refuse("cursor", "value", message);
                None
            }
        };
        query.finish()?;
        Ok(Self {
            limit,
            account: (!caller.is_admin).then(|| caller.account.clone()),
            status,
            reference,
            after,
        })
    }

    /// The cursor to what comes behind the payment with this number.
    pub(crate) fn cursor(&self, number: i64) -> String {
        cursor::encode(&Cursor {
            status: self.status.map(|status| status.name().to_owned()),
            reference: self.reference.clone(),
            after: number,
        })
    }
}

impl Cursor {
    fn fits(&self, status: Option<State>, reference: Option<&str>) -> bool {
        self.status.as_deref() == status.map(State::name) && self.reference.as_deref() == reference
    }
}

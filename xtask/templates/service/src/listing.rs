//! What a list is asked for, and the cursor to its next page.

use serde::{Deserialize, Serialize};
use stoa_kit::{Problem, Request, cursor};

/// The query of `GET /new-service`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listing {
    pub(crate) limit: i64,
    /// Only entries of this account.
    pub(crate) author: Option<String>,
    /// The number behind which the page begins.
    pub(crate) after: Option<i64>,
}

/// A place in a list: the number of the entry there, and the filter.
#[derive(Serialize, Deserialize)]
struct Cursor {
    author: Option<String>,
    after: i64,
}

impl Listing {
    /// Reads the query.
    ///
    /// Errors: `invalid_query` (400) with every parameter that is wrong.
    pub(crate) fn read(request: &Request) -> Result<Self, Problem> {
        let mut query = request.query();
        let limit = query.integer("limit", 1, 100).unwrap_or(20);
        let author = query.text("author").map(str::to_owned);
        let after = match query.text("cursor").map(cursor::decode::<Cursor>) {
            None => None,
            Some(Some(cursor)) if cursor.author == author => Some(cursor.after),
            Some(_) => {
                let message = "must be `next` of an answer with the same filter";
                query.refuse("cursor", "value", message);
                None
            }
        };
        query.finish()?;
        Ok(Self {
            limit,
            author,
            after,
        })
    }

    /// The cursor to what comes behind the entry with this number.
    pub(crate) fn cursor(&self, number: i64) -> String {
        cursor::encode(&Cursor {
            author: self.author.clone(),
            after: number,
        })
    }
}

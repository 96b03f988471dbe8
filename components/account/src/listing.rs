//! What a list is asked for, and the cursor to its next page.

use serde::{Deserialize, Serialize};
use stoa_domain::Email;
use stoa_kit::{Problem, Request, Role, cursor};

/// The query of `GET /accounts`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listing {
    pub(crate) limit: i64,
    /// Only the account with this address.
    pub(crate) email: Option<Email>,
    /// Only accounts that have this role.
    pub(crate) role: Option<Role>,
    /// The number behind which the page begins.
    pub(crate) after: Option<i64>,
}

/// A place in a list: the number of the account there, and the filter. With an
/// address there is one account at most, and no next page.
#[derive(Serialize, Deserialize)]
struct Cursor {
    role: Option<String>,
    after: i64,
}

impl Listing {
    /// Reads the query.
    ///
    /// Errors: `invalid_query` (400) with every parameter that is wrong.
    pub(crate) fn read(request: &Request) -> Result<Self, Problem> {
        let mut query = request.query();
        let limit = query.integer("limit", 1, 100).unwrap_or(20);
        let email = query.parsed("email", "an address such as name@example.com", |text| {
            Email::parse(text).ok()
        });
        let role = query.parsed("role", "customer or admin", Role::parse);
        let after = match query.text("cursor").map(cursor::decode::<Cursor>) {
            None => None,
            Some(Some(cursor)) if cursor.fits(email.as_ref(), role) => Some(cursor.after),
            Some(_) => {
                let message = "must be `next` of an answer with the same filters";
                query.refuse("cursor", "value", message);
                None
            }
        };
        query.finish()?;
        Ok(Self {
            limit,
            email,
            role,
            after,
        })
    }

    /// The cursor to what comes behind the account with this number.
    pub(crate) fn cursor(&self, number: i64) -> String {
        cursor::encode(&Cursor {
            role: self.role.map(|role| role.name().to_owned()),
            after: number,
        })
    }
}

impl Cursor {
    fn fits(&self, email: Option<&Email>, role: Option<Role>) -> bool {
        email.is_none() && self.role.as_deref() == role.map(Role::name)
    }
}

#[cfg(test)]
mod tests {
    use stoa_kit::Method;
    use stoa_kit::problem::Place;

    use super::*;
    use crate::fixtures::ask;

    fn read(query: &[(&str, &str)]) -> Result<Listing, Problem> {
        Listing::read(&ask(Method::Get, "/accounts").query(query).0)
    }

    fn wrong(query: &[(&str, &str)]) -> Vec<String> {
        let problem = read(query).unwrap_err();
        assert_eq!((problem.status(), problem.code()), (400, "invalid_query"));
        let name = |place: &Place| match place {
            Place::Parameter(name) => name.clone(),
            other => format!("{other:?}"),
        };
        problem.errors().iter().map(|e| name(&e.place)).collect()
    }

    #[test]
    fn a_page_has_twenty_accounts_by_default() {
        let listing = read(&[]).unwrap();
        assert_eq!((listing.limit, listing.after), (20, None));
        assert_eq!((listing.email, listing.role), (None, None));
    }

    #[test]
    fn every_wrong_parameter_is_named_at_once() {
        let query = [
            ("limit", "101"),
            ("email", "ann"),
            ("role", "root"),
            ("cursor", "?"),
            ("name", "Ann"),
        ];
        assert_eq!(wrong(&query), ["limit", "email", "role", "cursor", "name"]);
        assert_eq!(wrong(&[("limit", "0")]), ["limit"]);
        assert_eq!(wrong(&[("role", "admin"), ("role", "admin")]), ["role"]);
    }

    #[test]
    fn a_cursor_leads_back_to_its_list_and_to_no_other() {
        let cursor = read(&[("role", "admin")]).unwrap().cursor(7);
        let next = [
            ("role", "admin"),
            ("cursor", cursor.as_str()),
            ("limit", "5"),
        ];
        assert_eq!(read(&next).unwrap().after, Some(7));
        assert_eq!(wrong(&[("cursor", &cursor)]), ["cursor"]);
        assert_eq!(
            wrong(&[("role", "customer"), ("cursor", &cursor)]),
            ["cursor"]
        );
        let with_email = [("role", "admin"), ("email", "a@b"), ("cursor", &cursor)];
        assert_eq!(wrong(&with_email), ["cursor"]);
    }
}

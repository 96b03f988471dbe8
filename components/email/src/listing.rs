//! What a list is asked for, and the cursor to its next page.

use serde::{Deserialize, Serialize};
use stoa_domain::Email;
use stoa_kit::{Problem, Request, cursor};

use crate::mail::Status;
use crate::template::Template;

/// The query of `GET /emails`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listing {
    pub(crate) limit: i64,
    pub(crate) status: Option<Status>,
    pub(crate) recipient: Option<Email>,
    pub(crate) template: Option<Template>,
    /// The number behind which the page begins.
    pub(crate) after: Option<i64>,
}

/// A place in a list: the number of the mail there, and the filters.
#[derive(Serialize, Deserialize)]
struct Cursor {
    status: Option<String>,
    recipient: Option<String>,
    template: Option<String>,
    after: i64,
}

impl Listing {
    /// Reads the query.
    ///
    /// Errors: `invalid_query` (400) with every parameter that is wrong.
    pub(crate) fn read(request: &Request) -> Result<Self, Problem> {
        let mut query = request.query();
        let limit = query.integer("limit", 1, 100).unwrap_or(20);
        let statuses = "queued, sending, sent, failed or abandoned";
        let status = query.parsed("status", statuses, Status::parse);
        let recipient = query.parsed("recipient", "an address such as name@example.com", |text| {
            Email::parse(text).ok()
        });
        let template = query.parsed("template", "the name of a template", Template::parse);
        let mut listing = Self {
            limit,
            status,
            recipient,
            template,
            after: None,
        };
        if let Some(text) = query.text("cursor") {
            listing.after = cursor::decode(text)
                .filter(|cursor| listing.is_of(cursor))
                .map(|cursor| cursor.after);
            if listing.after.is_none() {
                let message = "must be `next` of an answer with the same filters";
                query.refuse("cursor", "value", message);
            }
        }
        query.finish()?;
        Ok(listing)
    }

    /// The cursor to what comes behind the mail with this number.
    pub(crate) fn cursor(&self, number: i64) -> String {
        cursor::encode(&Cursor {
            status: self.status.map(|status| status.name().to_owned()),
            recipient: self.recipient.as_ref().map(Email::key),
            template: self.template.map(|template| template.name().to_owned()),
            after: number,
        })
    }

    fn is_of(&self, cursor: &Cursor) -> bool {
        self.status.map(Status::name) == cursor.status.as_deref()
            && self.recipient.as_ref().map(Email::key) == cursor.recipient
            && self.template.map(Template::name) == cursor.template.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use stoa_kit::Method;
    use stoa_kit::problem::Place;

    use super::*;
    use crate::fixtures::ask;

    fn read(query: &[(&str, &str)]) -> Result<Listing, Problem> {
        Listing::read(&ask(Method::Get, "/emails").query(query).0)
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
    fn every_wrong_parameter_is_named_at_once() {
        let query = [
            ("limit", "101"),
            ("status", "lost"),
            ("recipient", "ann"),
            ("template", "newsletter"),
            ("cursor", "?"),
            ("name", "Ann"),
        ];
        assert_eq!(wrong(&query), query.map(|(name, _)| name));
    }

    #[test]
    fn a_cursor_leads_back_to_its_list_and_to_no_other() {
        let filters = [
            ("status", "sent"),
            ("recipient", "Ann@b.c"),
            ("template", "verify"),
        ];
        let cursor = read(&filters).unwrap().cursor(7);
        let with = |filters: &[(&'static str, &'static str)]| {
            let mut query: Vec<(&str, &str)> = filters.to_vec();
            query.push(("cursor", &cursor));
            read(&query).map(|listing| listing.after)
        };
        assert_eq!(with(&filters).unwrap(), Some(7));
        for without in 0..3 {
            let mut fewer = filters.to_vec();
            fewer.remove(without);
            assert!(with(&fewer).is_err());
        }
    }
}

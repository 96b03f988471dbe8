//! What a list is asked for, and the cursor to its next page.

use serde::{Deserialize, Serialize};
use stoa_domain::{Currency, Money};
use stoa_kit::{Problem, Request, cursor};

use crate::fields::Status;

/// The query of `GET /products`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listing {
    pub(crate) limit: i64,
    pub(crate) order: Order,
    pub(crate) filters: Filters,
    /// The position behind which the page begins.
    pub(crate) after: Option<Position>,
}

/// How a list is sorted: by `key`, and by creation where that is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) key: Key,
    pub(crate) descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Key {
    Created,
    Name,
    Price,
}

/// What a list is narrowed to. `status` is what the caller may see, whether
/// asked for or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Filters {
    pub(crate) status: Option<Status>,
    pub(crate) min_price: Option<i64>,
    pub(crate) max_price: Option<i64>,
    pub(crate) currency: Option<Currency>,
    pub(crate) q: Option<String>,
}

/// A place in a list: what it is sorted by, and the number of the product
/// there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Position {
    Created(i64),
    Name(String, i64),
    Price(i64, i64),
}

/// A position, and the list it is a place in.
#[derive(Serialize, Deserialize)]
struct Cursor {
    order: Order,
    filters: Filters,
    after: Position,
}

const NEWEST_FIRST: Order = Order {
    key: Key::Created,
    descending: true,
};

impl Order {
    /// `name` is ascending, `-name` descending.
    fn parse(text: &str) -> Option<Self> {
        let (key, descending) = match text.strip_prefix('-') {
            Some(key) => (key, true),
            None => (text, false),
        };
        let key = match key {
            "created" => Key::Created,
            "name" => Key::Name,
            "price" => Key::Price,
            _ => return None,
        };
        Some(Self { key, descending })
    }
}

impl Position {
    fn key(&self) -> Key {
        match self {
            Self::Created(_) => Key::Created,
            Self::Name(..) => Key::Name,
            Self::Price(..) => Key::Price,
        }
    }
}

impl Listing {
    /// Reads the query.
    ///
    /// Errors: `invalid_query` (400) with every parameter that is wrong;
    /// `unauthorized` (401) or `forbidden` (403) for drafts.
    pub(crate) fn read(request: &Request) -> Result<Self, Problem> {
        let mut query = request.query();
        let limit = query.integer("limit", 1, 100).unwrap_or(20);
        let sort = "created, name or price, or one of these after a '-' for descending";
        let order = query
            .parsed("sort", sort, Order::parse)
            .unwrap_or(NEWEST_FIRST);
        let asked_status = query.parsed("status", "published or draft", Status::parse);
        let filters = Filters {
            status: asked_status.or((!request.is_admin()).then_some(Status::Published)),
            min_price: query.integer("min_price", 0, Money::MAX_AMOUNT),
            max_price: query.integer("max_price", 0, Money::MAX_AMOUNT),
            currency: query.parsed("currency", "an ISO 4217 code such as EUR", Currency::parse),
            q: query.parsed("q", "1 to 200 characters of text", search_text),
        };
        if let (Some(min), Some(max)) = (filters.min_price, filters.max_price)
            && max < min
        {
            query.refuse("max_price", "range", "must not be less than min_price");
        }
        let after = query.text("cursor").map(cursor::decode::<Cursor>);
        let after = match after {
            None => None,
            Some(Some(cursor)) if cursor.fits(order, &filters) => Some(cursor.after),
            Some(_) => {
                let message = "must be `next` of an answer with the same sort and filters";
                query.refuse("cursor", "value", message);
                None
            }
        };
        query.finish()?;
        if asked_status == Some(Status::Draft) {
            request.require_admin()?;
        }
        Ok(Self {
            limit,
            order,
            filters,
            after,
        })
    }

    /// The cursor to what comes behind `position`.
    pub(crate) fn cursor(&self, position: Position) -> String {
        cursor::encode(&Cursor {
            order: self.order,
            filters: self.filters.clone(),
            after: position,
        })
    }
}

impl Cursor {
    fn fits(&self, order: Order, filters: &Filters) -> bool {
        self.order == order && self.filters == *filters && self.after.key() == order.key
    }
}

fn search_text(text: &str) -> Option<String> {
    let length = text.chars().count();
    let fits = (1..=200).contains(&length) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use stoa_kit::Method;
    use stoa_kit::problem::Place;

    use super::*;
    use crate::fixtures::{Ask, ask};

    fn list(query: &[(&str, &str)]) -> Ask {
        ask(Method::Get, "/products").query(query)
    }

    fn read(query: &[(&str, &str)]) -> Result<Listing, Problem> {
        Listing::read(&list(query).0)
    }

    fn errors(query: &[(&str, &str)]) -> Vec<(String, &'static str)> {
        let problem = read(query).unwrap_err();
        assert_eq!((problem.status(), problem.code()), (400, "invalid_query"));
        let name = |place: &Place| match place {
            Place::Parameter(name) => name.clone(),
            other => format!("{other:?}"),
        };
        problem
            .errors()
            .iter()
            .map(|e| (name(&e.place), e.code))
            .collect()
    }

    #[test]
    fn the_newest_published_come_first_by_default() {
        let listing = read(&[]).unwrap();
        assert_eq!(
            (listing.limit, listing.order, listing.after),
            (20, NEWEST_FIRST, None)
        );
        assert_eq!(listing.filters.status, Some(Status::Published));
    }

    #[test]
    fn every_wrong_parameter_is_named_at_once() {
        let long = "q".repeat(201);
        assert_eq!(
            errors(&[
                ("limit", "101"),
                ("sort", "stock"),
                ("status", "sold"),
                ("min_price", "-1"),
                ("max_price", "1.5"),
                ("currency", "eur"),
                ("q", &long),
                ("cursor", "?"),
                ("page", "2"),
            ]),
            [
                "limit",
                "sort",
                "status",
                "min_price",
                "max_price",
                "currency",
                "q",
                "cursor",
            ]
            .map(|name| (name.to_owned(), "value"))
            .into_iter()
            .chain([("page".to_owned(), "unknown")])
            .collect::<Vec<_>>()
        );
        assert_eq!(errors(&[("q", "")]), [("q".to_owned(), "value")]);
        assert_eq!(errors(&[("q", "a\u{0}")]), [("q".to_owned(), "value")]);
        let range = errors(&[("min_price", "2"), ("max_price", "1")]);
        assert_eq!(range, [("max_price".to_owned(), "range")]);
    }

    #[test]
    fn drafts_are_for_administrators() {
        let query = [("status", "draft")];
        assert_eq!(read(&query).unwrap_err().status(), 401);
        let refused = Listing::read(&list(&query).by_customer().0).unwrap_err();
        assert_eq!(refused.status(), 403);
        let listing = Listing::read(&list(&query).by_admin().0).unwrap();
        assert_eq!(listing.filters.status, Some(Status::Draft));
        let listing = Listing::read(&list(&[]).by_admin().0).unwrap();
        assert_eq!(listing.filters.status, None);
    }

    #[test]
    fn a_cursor_leads_back_to_its_list() {
        let query = [("sort", "-name"), ("q", "red \"shoe\""), ("min_price", "5")];
        let position = Position::Name("shoe".to_owned(), 7);
        let cursor = read(&query).unwrap().cursor(position.clone());
        let mut next = query.to_vec();
        next.extend([("cursor", cursor.as_str()), ("limit", "1")]);
        assert_eq!(read(&next).unwrap().after, Some(position));
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = read(&[("sort", "name")])
            .unwrap()
            .cursor(Position::Name("a".into(), 1));
        for other in [("sort", "-name"), ("sort", "price"), ("limit", "5")] {
            let query = [other, ("cursor", cursor.as_str())];
            assert_eq!(
                errors(&query),
                [("cursor".to_owned(), "value")],
                "{other:?}"
            );
        }
        let query = [("sort", "name"), ("currency", "EUR"), ("cursor", &cursor)];
        assert_eq!(errors(&query), [("cursor".to_owned(), "value")]);
        let forged = read(&[]).unwrap().cursor(Position::Price(1, 1));
        assert_eq!(
            errors(&[("cursor", &forged)]),
            [("cursor".to_owned(), "value")]
        );
    }

    #[test]
    fn the_longest_cursor_is_one_that_is_read() {
        let q = "\u{10FFFF}".repeat(200);
        let query = [("sort", "name"), ("q", q.as_str())];
        let position = Position::Name("\u{10FFFF}".repeat(100), i64::MAX);
        let cursor = read(&query).unwrap().cursor(position.clone());
        let mut next = query.to_vec();
        next.push(("cursor", &cursor));
        assert_eq!(read(&next).unwrap().after, Some(position));
    }
}

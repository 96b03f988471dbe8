//! The statements of lists: what they say, and how SQLite runs them.

use stoa_kit::Method;

use super::*;
use crate::fixtures::ask;
use crate::memory;

fn statement(query: &[(&str, &str)], after: Option<i64>) -> Statement {
    let request = ask(Method::Get, "/accounts").query(query).0;
    let mut listing = Listing::read(&request).unwrap();
    listing.after = after;
    select_page(&listing)
}

/// The text behind the columns.
fn tail(statement: &Statement) -> &str {
    statement.sql.split_once(" FROM ").unwrap().1
}

#[test]
fn the_page_begins_beyond_the_cursor() {
    let first = statement(&[], None);
    assert_eq!(
        tail(&first),
        "accounts WHERE deleted IS NULL ORDER BY number DESC LIMIT ?1"
    );
    let next = statement(&[("role", "admin"), ("limit", "5")], Some(9));
    assert_eq!(
        tail(&next),
        "accounts WHERE deleted IS NULL AND admin = 1 AND number < ?2 ORDER BY number DESC LIMIT ?1"
    );
    assert_eq!(next.params, [6_i64.into(), 9_i64.into()]);
}

#[test]
fn values_are_bound_and_never_in_the_text() {
    let statement = statement(&[("email", "o'neil@example.com")], None);
    assert!(!statement.sql.contains("neil"), "{}", statement.sql);
    assert_eq!(
        statement.params,
        [21_i64.into(), "o'neil@example.com".into()]
    );
}

#[test]
fn no_list_is_sorted_and_few_are_found_without_looking_at_many() {
    memory::open();
    for (query, index) in [
        (&[][..], "accounts"),
        (&[("role", "customer")], "accounts"),
        (&[("role", "admin")], "accounts_admins"),
        (&[("email", "a@b.c")], "(email_key=?)"),
        (&[("email", "a@b.c"), ("role", "customer")], "(email_key=?)"),
    ] {
        for after in [None, Some(5)] {
            let plan = memory::plan(&statement(query, after));
            assert!(!plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
            assert!(plan.contains(index), "{query:?}: {plan}");
        }
    }
}

//! How SQLite runs the statements that are run often, or over many rows.

use stoa_kit::{Method, Timestamp};

use crate::fixtures::ask;
use crate::listing::Listing;
use crate::mail::Status;
use crate::memory;
use crate::queries::{housekeeping, mails};

#[test]
fn no_list_is_sorted() {
    memory::open();
    for query in [
        &[][..],
        &[("status", "failed")],
        &[("recipient", "a@b.c")],
        &[("template", "verify")],
    ] {
        for after in [None, Some(5)] {
            let request = ask(Method::Get, "/emails").query(query).0;
            let mut listing = Listing::read(&request).unwrap();
            listing.after = after;
            let plan = memory::plan(&mails::select_page(&listing));
            assert!(!plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
        }
    }
}

#[test]
fn what_is_due_or_old_is_found_without_looking_at_the_rest() {
    memory::open();
    let due = stoa_kit::Statement::new(
        "SELECT number FROM emails WHERE due <= ?1 ORDER BY due, number LIMIT 1",
    );
    let plan = memory::plan(&due.bind(Timestamp(0)));
    assert!(
        plan.contains("emails_due") && !plan.contains("TEMP"),
        "{plan}"
    );
    let deletes = housekeeping::delete(Status::Sent, Timestamp(0));
    for statement in deletes {
        let plan = memory::plan(&statement);
        assert!(plan.contains("emails_old"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}

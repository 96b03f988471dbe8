//! The routes, from request to SQL and back.

use serde_json::{Value, json};
use stoa_kit::problem::Place;
use stoa_kit::{Id, Method, Problem};

use crate::fixtures::{Ask, ask, ask_as, create, path};
use crate::listing::Listing;
use crate::{memory, queries};

const ALL: &str = "/new-service";

fn refused(problem: &Problem) -> (u16, &'static str) {
    (problem.status(), problem.code())
}

/// The places that a problem names, and the code of each.
fn errors(problem: &Problem) -> Vec<(&str, &'static str)> {
    let errors = problem.errors().iter();
    errors
        .map(|error| match &error.place {
            Place::Pointer(name) | Place::Parameter(name) | Place::Header(name) => {
                (name.as_str(), error.code)
            }
        })
        .collect()
}

fn post(body: &Value) -> Ask {
    ask_as("ann", Method::Post, ALL).json(body)
}

fn list(query: &[(&str, &str)]) -> Ask {
    ask_as("ann", Method::Get, ALL).query(query)
}

#[test]
fn only_the_routes_there_are_answer() {
    memory::open();
    let one = format!("{ALL}/x");
    for (method, path) in [
        (Method::Put, ALL),
        (Method::Delete, ALL),
        (Method::Post, &one),
        (Method::Delete, &one),
    ] {
        let problem = ask_as("ann", method, path).send().unwrap_err();
        assert_eq!(refused(&problem), (405, "method_not_allowed"), "{path}");
    }
    for path in ["/", "/entries", &format!("{one}/y")] {
        let problem = ask_as("ann", Method::Get, path).send().unwrap_err();
        assert_eq!(refused(&problem), (404, "no_route"), "{path}");
    }
}

#[test]
fn nobody_reads_or_writes_without_being_signed_in() {
    memory::open();
    let entry = create("ann", "Tea");
    memory::calls();
    for (method, path) in [
        (Method::Get, ALL),
        (Method::Post, ALL),
        (Method::Get, &path(&entry)),
    ] {
        let problem = ask(method, path).json(&json!({"title": "Tea"})).send();
        assert_eq!(refused(&problem.unwrap_err()), (401, "unauthorized"));
    }
    assert_eq!(memory::calls(), 0);
}

#[test]
fn an_entry_is_created_whole_and_its_author_is_who_asks() {
    memory::open();
    let sent = json!({"title": "Tea", "text": "Green,\nand hot."});
    let response = post(&sent).send().unwrap();
    let created: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(response.status, 201);
    assert_eq!(response.get_header("location"), Some(&*path(&created)));
    assert_eq!(response.get_header("etag"), Some("\"1\""));
    let control = response.get_header("cache-control");
    assert_eq!(control, Some("private, no-store"));
    for field in ["title", "text"] {
        assert_eq!(created[field], sent[field]);
    }
    assert_eq!(
        (&created["author"], &created["version"]),
        (&json!("ann"), &json!(1))
    );
    assert_eq!(created["created"], created["updated"]);

    let forged = json!({"title": "Tea", "author": "bob"});
    let problem = post(&forged).send().unwrap_err();
    assert_eq!(errors(&problem), [("/author", "unknown")]);
}

#[test]
fn everybody_who_is_signed_in_reads_an_entry() {
    memory::open();
    let entry = create("ann", "Tea");
    for account in ["ann", "bob"] {
        let response = ask_as(account, Method::Get, &path(&entry)).send().unwrap();
        let shown: Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!(shown, entry);
        assert_eq!(response.get_header("etag"), Some("\"1\""));
    }
}

#[test]
fn what_is_no_id_names_no_entry() {
    memory::open();
    for id in ["x".to_owned(), Id::new().to_string()] {
        let path = format!("{ALL}/{id}");
        let problem = ask_as("ann", Method::Get, &path).send().unwrap_err();
        assert_eq!(refused(&problem), (404, "not_found"));
        assert_eq!(problem.detail(), "There is no entry with this id.");
    }
}

#[test]
fn every_wrong_field_is_named_at_once() {
    memory::open();
    memory::calls();
    let wrong = json!({"id": "x", "title": "", "text": 1, "colour": "blue"});
    let problem = post(&wrong).send().unwrap_err();
    assert_eq!(refused(&problem), (422, "invalid"));
    let expected = [
        ("/id", "read_only"),
        ("/title", "length"),
        ("/text", "type"),
        ("/colour", "unknown"),
    ];
    assert_eq!(errors(&problem), expected);
    let problem = post(&json!({})).send().unwrap_err();
    assert_eq!(errors(&problem), [("/title", "required")]);
    assert_eq!(memory::calls(), 0);
}

#[test]
fn pages_lead_to_every_entry_newest_first() {
    memory::open();
    let titles = ["One", "Two", "Three", "Four", "Five"];
    for (number, title) in titles.iter().enumerate() {
        create(["ann", "bob"][number % 2], title);
    }
    let all = |filter: &[(&str, &str)]| -> Vec<String> {
        let mut found = Vec::new();
        let mut cursor = None::<String>;
        loop {
            let mut query = filter.to_vec();
            query.push(("limit", "2"));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page = list(&query).body();
            let data = page["data"].as_array().unwrap();
            found.extend(data.iter().map(|e| e["title"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return found,
            }
        }
    };
    assert_eq!(all(&[]), ["Five", "Four", "Three", "Two", "One"]);
    assert_eq!(all(&[("author", "ann")]), ["Five", "Three", "One"]);
    assert_eq!(all(&[("author", "eve")]), [""; 0]);
}

#[test]
fn every_wrong_parameter_is_named_at_once() {
    memory::open();
    let query = [("limit", "101"), ("cursor", "?"), ("title", "Tea")];
    let problem = list(&query).send().unwrap_err();
    assert_eq!(refused(&problem), (400, "invalid_query"));
    let expected = [
        ("limit", "value"),
        ("cursor", "value"),
        ("title", "unknown"),
    ];
    assert_eq!(errors(&problem), expected);
}

#[test]
fn a_cursor_leads_back_to_its_list_and_to_no_other() {
    let read = |query: &[(&str, &str)]| Listing::read(&list(query).0);
    let cursor = read(&[("author", "ann")]).unwrap().cursor(7);
    let next = read(&[("author", "ann"), ("cursor", &cursor)]);
    assert_eq!(next.unwrap().after, Some(7));
    for other in [
        &[("cursor", &*cursor)][..],
        &[("author", "bob"), ("cursor", &cursor)],
    ] {
        assert_eq!(errors(&read(other).unwrap_err()), [("cursor", "value")]);
    }
}

#[test]
fn no_list_sorts_what_an_index_has_in_order() {
    memory::open();
    for (query, index) in [
        (&[][..], "new_service"),
        (&[("author", "ann")], "new_service_by_author"),
    ] {
        let mut listing = Listing::read(&list(query).0).unwrap();
        for after in [None, Some(5)] {
            listing.after = after;
            let plan = memory::plan(&queries::select_page(&listing));
            assert!(!plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
            assert!(plan.contains(index), "{query:?}: {plan}");
        }
    }
}

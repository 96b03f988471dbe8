//! `GET /accounts`

use serde_json::{Value, json};

use super::{found, path, stored};
use crate::shared;

pub(crate) fn pages_lead_to_every_account_newest_first() {
    let made: Vec<_> = (0..7)
        .map(|number| stored(&format!("list.page-{number}@example.com"), &json!({})))
        .collect();
    let admin = shared().admin();
    let mut seen = Vec::new();
    let mut path = "/accounts?limit=3".to_owned();
    // Other tests create accounts, too: these may be on any page.
    loop {
        let page = admin.get(&path).send().expect(200);
        assert_eq!(page.header("cache-control"), "private, no-store");
        let data = page.body["data"].as_array().expect("a page");
        assert!(data.len() <= 3);
        seen.extend(data.iter().cloned());
        if made.iter().all(|account| seen.contains(account)) {
            break;
        }
        let next = page.body["next"].as_str().expect("a next page");
        path = format!("/accounts?limit=3&cursor={next}");
        assert_eq!(page.header("link"), format!("<{path}>; rel=\"next\""));
    }
    let order: Vec<_> = seen
        .iter()
        .filter(|account| made.contains(account))
        .collect();
    assert_eq!(order, made.iter().rev().collect::<Vec<_>>());
}

pub(crate) fn an_address_finds_one_account_or_none() {
    let account = stored("List.Address@example.com", &json!({}));
    for email in ["List.Address@example.com", "LIST.ADDRESS%40EXAMPLE.COM"] {
        assert_eq!(found(email), std::slice::from_ref(&account));
    }
    assert_eq!(found("list.nobody@example.com"), Vec::<Value>::new());
}

pub(crate) fn a_role_narrows_the_list() {
    let email = "list.role@example.com";
    let account = stored(email, &json!({"roles": ["admin"]}));
    let admin = shared().admin();
    let listed = |role: &str| {
        let page = admin
            .get(&format!("/accounts?role={role}&limit=100"))
            .send();
        let page = page.expect(200).body;
        let data = page["data"].as_array().expect("a page").clone();
        for account in &data {
            let roles = account["roles"].as_array().expect("roles");
            assert!(roles.contains(&json!(role)), "{account}");
        }
        data
    };
    assert!(listed("admin").contains(&account));
    assert!(!listed("customer").contains(&account));
    let none = admin.get(&format!("/accounts?email={email}&role=customer"));
    assert_eq!(none.send().expect(200).body["data"], json!([]));
}

pub(crate) fn every_wrong_parameter_is_named_at_once() {
    let query = "limit=101&email=nobody&role=root&cursor=x&name=Ann&sort=name";
    let answer = shared().admin().get(&format!("/accounts?{query}")).send();
    answer.problem(400, "invalid_query").names(&[
        ("limit", "value"),
        ("email", "value"),
        ("role", "value"),
        ("cursor", "value"),
        ("name", "unknown"),
        ("sort", "unknown"),
    ]);
}

pub(crate) fn a_cursor_of_another_list_is_refused() {
    for number in 0..2 {
        stored(&format!("list.cursor-{number}@example.com"), &json!({}));
    }
    let admin = shared().admin();
    let first = admin.get("/accounts?limit=1").send().expect(200);
    let next = first.body["next"].as_str().expect("a next page");
    for query in ["role=customer", "email=list.cursor-0@example.com"] {
        let answer = admin
            .get(&format!("/accounts?{query}&cursor={next}"))
            .send();
        answer
            .problem(400, "invalid_query")
            .names(&[("cursor", "value")]);
    }
}

pub(crate) fn accounts_are_listed_for_administrators() {
    let account = stored("list.anonymous@example.com", &json!({}));
    for query in ["", "?email=list.anonymous@example.com", "?role=admin"] {
        let answer = shared()
            .anonymous()
            .get(&format!("/accounts{query}"))
            .send();
        answer.problem(401, "unauthorized");
    }
    let shown = shared().anonymous().get(&path(&account)).send();
    shown.problem(401, "unauthorized");
}

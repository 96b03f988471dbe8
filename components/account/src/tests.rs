//! The routes, from request to SQL and back.

use serde_json::{Value, json};
use stoa_kit::problem::Place;
use stoa_kit::sql::Value as Column;
use stoa_kit::{Id, Method, Problem};

use crate::fixtures::{Ask, admin, ask, ask_as, auth, create, customer, path};
use crate::memory;

const ITEM: [Method; 4] = [Method::Get, Method::Put, Method::Patch, Method::Delete];

fn refused(problem: &Problem) -> (u16, &'static str) {
    (problem.status(), problem.code())
}

fn nobody() -> String {
    format!("/accounts/{}", Id::new())
}

fn post(body: &Value) -> Ask {
    ask(Method::Post, "/accounts").by_admin().json(body)
}

/// The events so far: type, subject and data of each.
fn events() -> Vec<(String, String, Value)> {
    let text = |column: &Column| match column {
        Column::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let rows = memory::rows("SELECT type, subject, data FROM outbox ORDER BY number");
    let event = |row: Vec<Column>| {
        let data = serde_json::from_str(&text(&row[2])).unwrap();
        (text(&row[0]), text(&row[1]), data)
    };
    rows.into_iter().map(event).collect()
}

#[test]
fn only_the_routes_there_are_answer() {
    memory::open();
    for (method, path) in [
        (Method::Put, "/accounts"),
        (Method::Delete, "/accounts"),
        (Method::Post, "/accounts/x"),
        (Method::Post, "/account/x"),
    ] {
        let problem = ask(method, path).by_admin().send().unwrap_err();
        assert_eq!(refused(&problem), (405, "method_not_allowed"), "{path}");
    }
    for path in ["/", "/account", "/accounts/x/y", "/people/x"] {
        let problem = ask(Method::Get, path).by_admin().send().unwrap_err();
        assert_eq!(refused(&problem), (404, "no_route"), "{path}");
    }
}

#[test]
fn the_collection_is_for_administrators() {
    memory::open();
    let body = json!({"email": "ann@example.com"});
    for method in [Method::Get, Method::Post] {
        let ask = || ask(method, "/accounts").json(&body);
        assert_eq!(ask().status(), 401);
        assert_eq!(ask().by_customer().status(), 403);
    }
    assert_eq!(memory::calls(), 0);
}

#[test]
fn an_account_is_there_for_its_owner_and_for_administrators_only() {
    memory::open();
    let ann = customer("ann@example.com");
    let bob = customer("bob@example.com");
    let gone = customer("gone@example.com");
    assert_eq!(ask(Method::Delete, &path(&gone)).by_admin().status(), 204);
    let body = json!({"name": "Ann"});
    let unknown = ask(Method::Get, &nobody()).by_admin().send().unwrap_err();
    for method in ITEM {
        assert_eq!(ask(method, &path(&ann)).json(&body).status(), 401);
        assert_eq!(ask(method, "/accounts/x").json(&body).status(), 401);
        let strangers = [
            ask_as(&bob, method, &path(&ann)),
            ask_as(&bob, method, &path(&gone)),
            ask_as(&bob, method, &nobody()),
            ask_as(&bob, method, "/accounts/x"),
            ask_as(&gone, method, &path(&gone)),
            ask(method, "/accounts/x").by_admin(),
            ask(method, &path(&gone)).by_admin(),
        ];
        for stranger in strangers {
            let stranger = stranger.json(&body).header("if-match", "\"1\"");
            let problem = stranger.send().unwrap_err();
            assert_eq!(refused(&problem), (404, "not_found"), "{method:?}");
            assert_eq!(problem.detail(), unknown.detail());
        }
    }
    assert_eq!(ask_as(&ann, Method::Get, &path(&ann)).body(), ann);
    assert_eq!(ask(Method::Get, &path(&ann)).by_admin().body(), ann);
}

#[test]
fn the_path_of_the_seed_leads_to_the_same_account() {
    memory::open();
    let ann = customer("ann@example.com");
    let alias = format!("/account/{}", ann["id"].as_str().unwrap());
    assert_eq!(ask_as(&ann, Method::Get, &alias).body(), ann);
    let patch = ask_as(&ann, Method::Patch, &alias).json(&json!({"name": "Ann"}));
    assert_eq!(patch.body()["name"], "Ann");
    let put = ask_as(&ann, Method::Put, &alias).json(&json!({"name": "Anna"}));
    assert_eq!(put.body()["name"], "Anna");
    assert_eq!(ask_as(&ann, Method::Delete, &alias).status(), 204);
    assert_eq!(ask(Method::Get, &path(&ann)).by_admin().status(), 404);
}

#[test]
fn an_account_is_created_whole() {
    memory::open();
    let sent = json!({"email": "Ann@Example.com", "email_verified": true, "name": "Ann",
        "roles": ["customer", "admin"], "metadata": {"sizes": [41, 42]}});
    let response = post(&sent).send().unwrap();
    assert_eq!(memory::calls(), 1);
    let account: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(response.status, 201);
    assert_eq!(
        response.get_header("location"),
        Some(path(&account).as_str())
    );
    assert_eq!(response.get_header("etag"), Some("\"1\""));
    assert_eq!(
        response.get_header("cache-control"),
        Some("private, no-store")
    );
    for name in ["email", "email_verified", "name", "metadata"] {
        assert_eq!(account[name], sent[name], "{name}");
    }
    assert_eq!(account["roles"], json!(["admin", "customer"]));
    assert_eq!(account["created"], account["updated"]);
    let id: Id = serde_json::from_value(account["id"].clone()).unwrap();
    assert!(id.is_v7());
    let order = [
        "id",
        "email",
        "email_verified",
        "name",
        "roles",
        "metadata",
        "created",
        "updated",
        "version",
    ];
    let places = order.map(|name| response.body.find(&format!("\"{name}\":")).unwrap());
    assert!(places.is_sorted(), "{}", response.body);
    assert_eq!(account.as_object().unwrap().len(), order.len());
    assert_eq!(
        events(),
        [(
            "account.created".to_owned(),
            id.to_string(),
            json!({"email": "Ann@Example.com", "name": "Ann", "roles": ["admin", "customer"]}),
        )]
    );
}

#[test]
fn an_address_is_taken_once_whatever_its_case() {
    memory::open();
    customer("Strasse@example.com");
    customer("ΟΔΟΣ@example.com");
    let bob = customer("bob@example.com");
    for email in [
        "STRASSE@EXAMPLE.COM",
        "οδος@example.com",
        "οδοσ@example.com",
    ] {
        let body = json!({ "email": email });
        for ask in [
            post(&body),
            ask(Method::Put, &path(&bob)).by_admin().json(&body),
            ask(Method::Patch, &path(&bob)).by_admin().json(&body),
        ] {
            let problem = ask.send().unwrap_err();
            assert_eq!(refused(&problem), (409, "email_taken"));
            assert_eq!(
                problem.errors()[0].place,
                Place::Pointer("/email".to_owned())
            );
        }
    }
    customer("straße@example.com");
    let own = ask(Method::Patch, &path(&bob)).by_admin();
    assert_eq!(own.json(&json!({"email": "BOB@example.com"})).status(), 200);
    assert_eq!(events().len(), 5, "none of what was refused");
}

#[test]
fn the_index_decides_between_two_at_once() {
    memory::open();
    let first = customer("first@example.com");
    memory::interfere(["UPDATE accounts SET email = 'Ann@b.c', email_key = 'ann@b.c'"]);
    let problem = post(&json!({"email": "ann@b.c"})).send().unwrap_err();
    assert_eq!(refused(&problem), (409, "email_taken"));
    let shown = ask(Method::Get, &path(&first)).by_admin().body();
    assert_eq!(shown["email"], "Ann@b.c");
}

#[test]
fn owners_write_name_and_metadata_and_nothing_else() {
    memory::open();
    let ann = customer("ann@example.com");
    let put = |body: &Value| ask_as(&ann, Method::Put, &path(&ann)).json(body);
    let whole = json!({"email": "ann@example.com", "email_verified": false, "name": "Ann",
        "roles": ["customer"], "metadata": {"size": 42}});
    let written = put(&whole).body();
    assert_eq!(
        (&written["name"], &written["version"]),
        (&json!("Ann"), &json!(2))
    );
    for (field, value) in [
        ("email", json!("new@example.com")),
        ("email_verified", json!(true)),
        ("roles", json!(["admin", "customer"])),
    ] {
        let body = json!({ field: value });
        for ask in [
            put(&body),
            ask_as(&ann, Method::Patch, &path(&ann)).json(&body),
        ] {
            let problem = ask.send().unwrap_err();
            assert_eq!(refused(&problem), (422, "invalid"));
            assert_eq!(
                problem.errors()[0].place,
                Place::Pointer(format!("/{field}"))
            );
            assert_eq!(problem.errors()[0].code, "read_only");
        }
    }
    let emptied = put(&json!({})).body();
    assert_eq!(
        (&emptied["name"], &emptied["metadata"]),
        (&json!(""), &json!({}))
    );
    assert_eq!(emptied["email"], "ann@example.com");
}

#[test]
fn administrators_write_addresses_and_roles() {
    memory::open();
    let ann = create(
        "ann@example.com",
        &json!({"email_verified": true, "name": "Ann"}),
    );
    let body = json!({"email": "new@example.com", "roles": ["admin"]});
    let put = ask(Method::Put, &path(&ann)).by_admin().json(&body);
    let written = put.body();
    assert_eq!(written["email"], "new@example.com");
    assert_eq!(written["email_verified"], false);
    assert_eq!(
        (&written["roles"], &written["name"]),
        (&json!(["admin"]), &json!(""))
    );
    let patch = json!({"email_verified": true, "roles": ["admin", "customer"]});
    let patched = ask(Method::Patch, &path(&ann))
        .by_admin()
        .json(&patch)
        .body();
    assert_eq!(patched["email_verified"], true);
    assert_eq!(patched["roles"], json!(["admin", "customer"]));
    let missing = ask(Method::Put, &nobody()).by_admin().json(&body);
    assert_eq!(missing.status(), 404);
}

#[test]
fn there_is_always_an_administrator_left() {
    memory::open();
    let ann = admin("ann@example.com");
    let demote = |account: &Value| {
        let body = json!({"roles": ["customer"]});
        ask(Method::Patch, &path(account)).by_admin().json(&body)
    };
    let own = ask_as(&ann, Method::Patch, &path(&ann)).json(&json!({"roles": ["customer"]}));
    assert_eq!(own.send().unwrap_err().errors()[0].code, "self");
    assert_eq!(
        refused(&demote(&ann).send().unwrap_err()),
        (409, "last_admin")
    );
    let delete = |account: &Value| ask_as(account, Method::Delete, &path(account));
    assert_eq!(
        refused(&delete(&ann).send().unwrap_err()),
        (409, "last_admin")
    );
    assert_eq!(ask(Method::Get, &path(&ann)).by_admin().body(), ann);
    assert_eq!(events().len(), 1, "what was refused is told nobody");

    let bob = admin("bob@example.com");
    let carol = admin("carol@example.com");
    assert_eq!(demote(&carol).status(), 200);
    assert_eq!(delete(&ann).status(), 204);
    assert_eq!(
        refused(&delete(&bob).send().unwrap_err()),
        (409, "last_admin")
    );
    assert_eq!(delete(&carol).status(), 204, "she is none any more");
}

#[test]
fn the_last_administrator_stays_also_when_two_leave_at_once() {
    memory::open();
    let ann = admin("ann@example.com");
    let bob = admin("bob@example.com");
    let leaves = format!(
        "UPDATE accounts SET customer = 1, admin = 0 WHERE id = '{}'",
        bob["id"].as_str().unwrap()
    );
    memory::interfere([leaves]);
    let problem = ask_as(&ann, Method::Delete, &path(&ann))
        .send()
        .unwrap_err();
    assert_eq!(refused(&problem), (409, "last_admin"));
}

#[test]
fn if_match_guards_every_write() {
    memory::open();
    let ann = customer("ann@example.com");
    for method in [Method::Put, Method::Patch, Method::Delete] {
        let with = |tag: &str| {
            let body = json!({"name": "Other"});
            let ask = ask_as(&ann, method, &path(&ann)).json(&body);
            ask.header("if-match", tag).send().unwrap_err()
        };
        assert_eq!(refused(&with("\"7\"")), (412, "version_mismatch"));
        assert_eq!(refused(&with("7")), (400, "invalid_header"));
    }
    for (version, method) in [(1, Method::Put), (2, Method::Patch)] {
        let body = json!({"name": format!("Ann {version}")});
        let ask = ask_as(&ann, method, &path(&ann)).json(&body);
        let response = ask.header("if-match", &format!("\"{version}\"")).send();
        let response = response.unwrap();
        let next = format!("\"{}\"", version + 1);
        assert_eq!(response.get_header("etag"), Some(next.as_str()));
        assert_eq!(
            response.get_header("cache-control"),
            Some("private, no-store")
        );
    }
    let delete = || ask_as(&ann, Method::Delete, &path(&ann)).header("if-match", "\"3\"");
    assert_eq!(delete().status(), 204);
    assert_eq!(delete().status(), 404);
}

#[test]
fn what_changes_nothing_is_not_written() {
    memory::open();
    let ann = customer("ann@example.com");
    for method in [Method::Put, Method::Patch] {
        let same = ask_as(&ann, method, &path(&ann)).json(&json!({}));
        assert_eq!(same.body(), ann);
    }
    assert_eq!(events().len(), 1);
}

#[test]
fn a_change_that_lost_the_race_is_made_to_what_won() {
    memory::open();
    let ann = customer("ann@example.com");
    let patch = |name: &str| {
        let body = json!({ "name": name });
        ask_as(&ann, Method::Patch, &path(&ann)).json(&body)
    };
    memory::interfere(["UPDATE accounts SET metadata = '{\"a\":1}', version = version + 1"]);
    let patched = patch("Ann").body();
    assert_eq!(
        (&patched["name"], &patched["metadata"]),
        (&json!("Ann"), &json!({"a": 1}))
    );
    assert_eq!(patched["version"], 3);

    memory::interfere(["UPDATE accounts SET version = version + 1"]);
    let guarded = patch("Anna")
        .header("if-match", "\"3\"")
        .send()
        .unwrap_err();
    assert_eq!(guarded.code(), "version_mismatch");

    memory::interfere(["UPDATE accounts SET version = version + 1"; 31]);
    assert_eq!(patch("Anna").status(), 200);
    memory::interfere(["UPDATE accounts SET version = version + 1"; 32]);
    assert_eq!(patch("Annie").status(), 503);
    memory::interfere(["DELETE FROM accounts"]);
    assert_eq!(patch("Ann").status(), 404);
}

#[test]
fn a_deleted_account_keeps_nothing_that_says_who_it_was() {
    memory::open();
    let ann = create(
        "ann@example.com",
        &json!({"name": "Ann", "metadata": {"size": 42}}),
    );
    assert_eq!(ask_as(&ann, Method::Delete, &path(&ann)).status(), 204);
    let rows = memory::rows(
        "SELECT id, version, created > 0, updated = deleted, email, email_key, email_verified, \
             customer, admin, name, metadata FROM accounts",
    );
    let (one, zero) = (Column::Integer(1), Column::Integer(0));
    let expected = vec![
        Column::Text(ann["id"].as_str().unwrap().to_owned()),
        Column::Integer(2),
        one.clone(),
        one,
        Column::Null,
        Column::Null,
        zero.clone(),
        zero.clone(),
        zero,
        Column::Null,
        Column::Null,
    ];
    assert_eq!(rows, [expected]);
    let list = ask(Method::Get, "/accounts").by_admin().body();
    assert_eq!(list["data"], json!([]));
    let again = customer("ann@example.com");
    assert_ne!(again["id"], ann["id"]);
}

#[test]
fn each_change_is_told_with_what_changed() {
    memory::open();
    let ann = customer("ann@example.com");
    let id = ann["id"].as_str().unwrap();
    let patch = json!({"email": "new@example.com", "email_verified": true, "name": "Ann"});
    assert_eq!(
        ask(Method::Patch, &path(&ann))
            .by_admin()
            .json(&patch)
            .status(),
        200
    );
    let put = ask_as(&ann, Method::Put, &path(&ann)).json(&json!({"metadata": {"a": 1}}));
    assert_eq!(put.status(), 200);
    assert_eq!(ask_as(&ann, Method::Delete, &path(&ann)).status(), 204);
    let told: Vec<_> = events().into_iter().skip(1).collect();
    let event = |kind: &str, data: Value| (kind.to_owned(), id.to_owned(), data);
    assert_eq!(
        told,
        [
            event(
                "account.updated",
                json!({
                    "fields": ["email", "email_verified", "name"],
                    "previous_email": "ann@example.com",
                })
            ),
            event("account.updated", json!({"fields": ["name", "metadata"]})),
            event("account.deleted", json!({"email": "new@example.com"})),
        ]
    );
    let rows = memory::rows("SELECT count(DISTINCT id), sum(sent IS NULL) FROM outbox");
    assert_eq!(rows, [[Column::Integer(4), Column::Integer(4)]]);
}

#[test]
fn who_may_do_less_than_before_or_is_gone_is_signed_out() {
    memory::open();
    let ann = admin("ann@example.com");
    let bob = admin("bob@example.com");
    let id = bob["id"].as_str().unwrap();
    let patch = |body: Value| {
        let ask = ask(Method::Patch, &path(&bob)).by_admin().json(&body);
        assert_eq!(ask.status(), 200);
        auth::told()
    };
    assert_eq!(
        patch(json!({"name": "Bob", "email": "b@example.com"})),
        [""; 0]
    );
    assert_eq!(
        patch(json!({"roles": ["customer"]})),
        [format!("end all of {id}")]
    );
    assert_eq!(patch(json!({"roles": ["admin", "customer"]})), [""; 0]);
    let delete = |account: &Value, tag: &str| {
        let delete = ask_as(account, Method::Delete, &path(account));
        delete.header("if-match", tag).status()
    };
    assert_eq!(delete(&ann, "\"7\""), 412);
    assert_eq!(auth::told(), [""; 0]);
    assert_eq!(delete(&bob, "*"), 204);
    assert_eq!(auth::told(), [format!("forget {id}")]);
}

#[test]
fn who_has_the_current_version_gets_304() {
    memory::open();
    let ann = customer("ann@example.com");
    let ask = |tag: &str| {
        let ask = ask_as(&ann, Method::Get, &path(&ann)).header("if-none-match", tag);
        stoa_kit::service::serve::<crate::Account>(&ask.0)
    };
    let current = ask("\"1\"");
    assert_eq!((current.status, current.body.as_str()), (304, ""));
    assert_eq!(
        current.get_header("cache-control"),
        Some("private, no-store")
    );
    assert_eq!(ask("\"2\"").status, 200);
}

#[test]
fn pages_come_newest_first_without_gaps() {
    memory::open();
    let made: Vec<_> = (0..5)
        .map(|number| customer(&format!("{number}@example.com"))["email"].clone())
        .collect();
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("limit", "2")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let ask = ask(Method::Get, "/accounts").by_admin().query(&query);
        let response = ask.send().unwrap();
        assert_eq!(
            response.get_header("cache-control"),
            Some("private, no-store")
        );
        let page: Value = serde_json::from_str(&response.body).unwrap();
        let data = page["data"].as_array().unwrap();
        seen.extend(data.iter().map(|account| account["email"].clone()));
        let link = response.get_header("link");
        match page["next"].as_str() {
            None => {
                assert_eq!(link, None);
                break;
            }
            Some(next) => {
                let expected = format!("</accounts?limit=2&cursor={next}>; rel=\"next\"");
                assert_eq!(link, Some(expected.as_str()));
                cursor = Some(next.to_owned());
            }
        }
    }
    seen.reverse();
    assert_eq!(seen, made);
}

#[test]
fn a_list_is_narrowed_by_address_and_by_role() {
    memory::open();
    customer("Ann@example.com");
    admin("bob@example.com");
    create("carol@example.com", &json!({"roles": ["admin"]}));
    let found = |query: &[(&str, &str)]| {
        let page = ask(Method::Get, "/accounts").by_admin().query(query).body();
        assert_eq!(page["next"], Value::Null);
        let data = page["data"].as_array().unwrap().clone();
        let emails = data
            .iter()
            .map(|account| account["email"].as_str().unwrap());
        emails.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found(&[("email", "ANN@EXAMPLE.com")]), ["Ann@example.com"]);
    assert_eq!(found(&[("email", "nobody@example.com")]), [""; 0]);
    assert_eq!(
        found(&[("role", "admin")]),
        ["carol@example.com", "bob@example.com"]
    );
    assert_eq!(
        found(&[("role", "customer")]),
        ["bob@example.com", "Ann@example.com"]
    );
    let both = [("email", "ann@example.com"), ("role", "admin")];
    assert_eq!(found(&both), [""; 0]);
}

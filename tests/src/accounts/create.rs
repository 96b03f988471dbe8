//! `POST /accounts`

use serde_json::{Value, json};

use super::{draft, found, path, stored};
use crate::products::at_once;
use crate::shared;

pub(crate) fn a_created_account_is_where_location_says() {
    let given = json!({
        "email": "Create.Full@example.com",
        "email_verified": true,
        "name": "Zoë",
        "roles": ["customer", "admin"],
        "metadata": {"sizes": [41, {"b": null}]},
    });
    let admin = shared().admin();
    let created = admin.post("/accounts", &given).send().expect(201);
    assert_eq!(created.header("etag"), "\"1\"");
    assert_eq!(created.header("content-type"), "application/json");
    assert_eq!(created.header("cache-control"), "private, no-store");
    assert_eq!(created.header("location"), path(&created.body));
    for name in ["email", "email_verified", "name", "metadata"] {
        assert_eq!(created.body[name], given[name], "{name}");
    }
    assert_eq!(created.body["roles"], json!(["admin", "customer"]));
    assert_eq!(created.body["version"], 1);
    assert_eq!(created.body["created"], created.body["updated"]);
    let id = created.body["id"].as_str().expect("an id");
    assert_eq!((id.len(), id.as_bytes()[14]), (36, b'7'), "{id}");
    let shown = admin.get(created.header("location")).send().expect(200);
    assert_eq!(shown.text, created.text);
}

pub(crate) fn what_is_left_out_or_null_takes_its_default() {
    let nulls = json!({"email_verified": null, "name": null, "roles": null, "metadata": null});
    for (email, fields) in [
        ("create.least@example.com", json!({})),
        ("create.nulls@example.com", nulls),
    ] {
        let account = stored(email, &fields);
        assert_eq!(account["email_verified"], false);
        assert_eq!(account["name"], "");
        assert_eq!(account["roles"], json!(["customer"]));
        assert_eq!(account["metadata"], json!({}));
    }
}

pub(crate) fn every_wrong_field_is_named_at_once() {
    let given = json!({
        "id": "0195c9d2-7c1e-7b4a-9d1c-2f6f3f0a1b2c",
        "email": "create.wrong",
        "email_verified": "yes",
        "name": "two\nlines",
        "roles": ["root"],
        "metadata": {"": 1},
        "password": "secret",
        "version": 7,
    });
    let answer = shared().admin().post("/accounts", &given).send();
    answer.problem(422, "invalid").names(&[
        ("/id", "read_only"),
        ("/version", "read_only"),
        ("/email", "format"),
        ("/email_verified", "type"),
        ("/name", "characters"),
        ("/roles/0", "value"),
        ("/metadata/", "length"),
        ("/password", "unknown"),
    ]);
    let answer = shared().admin().post("/accounts", &json!({})).send();
    answer
        .problem(422, "invalid")
        .names(&[("/email", "required")]);
    for body in [json!([]), json!("a"), Value::Null] {
        let answer = shared().admin().post("/accounts", &body).send();
        answer.problem(422, "invalid").names(&[("", "type")]);
    }
}

pub(crate) fn what_is_no_address_is_refused() {
    for (email, code) in [
        ("", "length"),
        (" create@example.com", "characters"),
        ("create@example.com\n", "characters"),
        ("create@@example.com", "format"),
        ("create@-example.com", "format"),
        ("create＠example@example.com", "format"),
        (&format!("{}@example.com", "c".repeat(65)), "length"),
        (&format!("c@{}example.com", "d.".repeat(121)), "length"),
    ] {
        let given = draft(email, &json!({}));
        let answer = shared().admin().post("/accounts", &given).send();
        answer.problem(422, "invalid").names(&[("/email", code)]);
    }
}

pub(crate) fn a_taken_address_is_a_conflict_whatever_its_case() {
    stored("Create.Straßenfest@example.com", &json!({}));
    let admin = shared().admin();
    for email in [
        "Create.Straßenfest@example.com",
        "CREATE.STRAßENFEST@EXAMPLE.COM",
        "create.straßenfest@example.com",
        "ｃreate.straßenfest@example.com",
    ] {
        let answer = admin.post("/accounts", &draft(email, &json!({}))).send();
        answer
            .problem(409, "email_taken")
            .names(&[("/email", "email_taken")]);
    }
}

pub(crate) fn of_twenty_creates_with_one_address_at_the_same_time_one_wins() {
    for round in 0..5 {
        let create = |number: u32| {
            let local = format!("create.race-{round}");
            let local = if number.is_multiple_of(2) {
                local
            } else {
                local.to_uppercase()
            };
            let draft = draft(&format!("{local}@example.com"), &json!({}));
            let request = shared().admin().post("/accounts", &draft);
            move || request.send()
        };
        let answers = at_once((0..20).map(create).collect());
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status == 201);
        assert_eq!((won.len(), lost.len()), (1, 19));
        for answer in lost {
            answer
                .problem(409, "email_taken")
                .names(&[("/email", "email_taken")]);
        }
        let found = found(&format!("create.race-{round}@example.com"));
        assert_eq!(found, [won[0].body.clone()]);
    }
}

pub(crate) fn nobody_creates_without_a_token() {
    let given = draft("create.anonymous@example.com", &json!({}));
    let answer = shared().anonymous().post("/accounts", &given).send();
    answer.problem(401, "unauthorized");
    assert_eq!(found("create.anonymous@example.com"), Vec::<Value>::new());
}

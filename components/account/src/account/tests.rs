use serde_json::json;
use stoa_kit::problem::Place;

use super::*;

const OWNER: Caller = Caller {
    is_owner: true,
    is_admin: false,
};
const ADMIN: Caller = Caller {
    is_owner: false,
    is_admin: true,
};
const ADMIN_HIMSELF: Caller = Caller {
    is_owner: true,
    is_admin: true,
};

fn errors(problem: &Problem) -> Vec<(String, &'static str)> {
    assert_eq!((problem.status(), problem.code()), (422, "invalid"));
    let place = |place: &Place| match place {
        Place::Pointer(pointer) => pointer.clone(),
        other => format!("{other:?}"),
    };
    problem
        .errors()
        .iter()
        .map(|e| (place(&e.place), e.code))
        .collect()
}

fn at(pointer: &str, code: &'static str) -> (String, &'static str) {
    (pointer.to_owned(), code)
}

/// A verified administrator with a name and metadata.
fn stored() -> Account {
    let draft = Draft::read(json!({
        "email": "Ann@example.com",
        "email_verified": true,
        "name": "Ann",
        "roles": ["customer", "admin"],
        "metadata": {"a": {"b": 1, "c": 2}},
    }))
    .unwrap();
    Account {
        id: Id::new(),
        email: draft.email,
        email_verified: draft.email_verified,
        name: draft.name,
        roles: draft.roles,
        metadata: draft.metadata,
        created: Timestamp(0),
        updated: Timestamp(0),
        version: 3,
    }
}

fn replaced(caller: Caller, body: Value) -> Result<Draft, Problem> {
    Draft::replacing(&stored(), caller, body)
}

fn merged(caller: Caller, patch: &Value) -> Result<Draft, Problem> {
    Draft::merged(&stored(), caller, patch)
}

#[test]
fn what_is_left_out_or_null_takes_its_default() {
    let least = json!({"email": "a@b.c"});
    let nulls = json!({"email": "a@b.c", "email_verified": null, "name": null, "roles": null,
        "metadata": null});
    let draft = Draft::read(least).unwrap();
    assert_eq!(draft, Draft::read(nulls).unwrap());
    let email = Email::parse("a@b.c").unwrap();
    assert_eq!(draft, Draft::new(email, Name::default()));
    assert_eq!(draft.roles, Roles::default());
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let wrong = json!({
        "id": "x", "updated": null, "email": "ann", "email_verified": 1, "name": "a\nb",
        "roles": [], "metadata": [], "password": "secret",
    });
    let expected = [
        at("/id", "read_only"),
        at("/updated", "read_only"),
        at("/email", "format"),
        at("/email_verified", "type"),
        at("/name", "characters"),
        at("/roles", "length"),
        at("/metadata", "type"),
        at("/password", "unknown"),
    ];
    assert_eq!(errors(&Draft::read(wrong.clone()).unwrap_err()), expected);
    let mut replaced = errors(&replaced(ADMIN, wrong.clone()).unwrap_err());
    replaced.sort_unstable();
    let mut sorted = expected.to_vec();
    sorted.sort_unstable();
    assert_eq!(replaced, sorted);
    assert_eq!(
        errors(&Draft::read(json!({})).unwrap_err()),
        [at("/email", "required")]
    );
    assert_eq!(
        errors(&Draft::read(json!([])).unwrap_err()),
        [at("", "type")]
    );
}

#[test]
fn an_owner_writes_name_and_metadata() {
    let body = json!({"name": "Anna", "metadata": {"size": 42}});
    for draft in [replaced(OWNER, body.clone()), merged(OWNER, &body)] {
        let draft = draft.unwrap();
        assert_eq!(draft.name.0, "Anna");
        assert_eq!(json!(draft.metadata)["size"], 42);
        let kept = Draft::of(&stored());
        assert_eq!(
            (draft.email, draft.email_verified, draft.roles),
            (kept.email, kept.email_verified, kept.roles)
        );
    }
}

#[test]
fn what_an_owner_leaves_out_takes_its_default_if_it_is_his_to_write() {
    let draft = replaced(OWNER, json!({})).unwrap();
    let expected = Draft {
        name: Name::default(),
        metadata: Attributes::default(),
        ..Draft::of(&stored())
    };
    assert_eq!(draft, expected);
}

#[test]
fn an_owner_may_send_back_what_he_got() {
    let same = json!({"email": "Ann@example.com", "email_verified": true, "name": "Ann",
        "roles": ["customer", "admin"], "metadata": {"a": {"b": 1, "c": 2}}});
    assert_eq!(replaced(OWNER, same.clone()).unwrap(), Draft::of(&stored()));
    assert_eq!(merged(OWNER, &same).unwrap(), Draft::of(&stored()));
}

#[test]
fn what_administrators_write_is_read_only_for_the_owner() {
    let other = json!({"email": "ann@example.com", "email_verified": false,
        "roles": ["customer"]});
    for problem in [replaced(OWNER, other.clone()), merged(OWNER, &other)] {
        let problem = problem.unwrap_err();
        let expected = ["/email", "/email_verified", "/roles"].map(|place| at(place, "read_only"));
        assert_eq!(errors(&problem), expected);
        let messages: Vec<_> = problem.errors().iter().map(|e| &e.message[..]).collect();
        assert!(messages[0].contains("confirming the new address"));
        assert!(messages[2].contains("by administrators"));
    }
}

#[test]
fn an_owner_cannot_remove_what_is_not_his_to_write() {
    let nulls = json!({"email": null, "email_verified": null, "roles": null});
    let mut refused = errors(&merged(OWNER, &nulls).unwrap_err());
    refused.sort_unstable();
    let expected = ["/email", "/email_verified", "/roles"].map(|place| at(place, "read_only"));
    assert_eq!(refused, expected);
}

#[test]
fn an_administrator_writes_everything_but_what_the_server_sets() {
    let body = json!({"email": "bob@example.com", "email_verified": true, "name": "Bob",
        "roles": ["customer"], "metadata": {"x": 1}});
    let draft = replaced(ADMIN, body.clone()).unwrap();
    assert_eq!(draft, Draft::read(body).unwrap());
    for patch in [json!({"version": 9}), json!({"version": null})] {
        for caller in [OWNER, ADMIN] {
            let refused = errors(&merged(caller, &patch).unwrap_err());
            assert_eq!(refused, [at("/version", "read_only")]);
            let whole = json!({"email": "a@b.c", "version": 3});
            let refused = errors(&replaced(ADMIN, whole).unwrap_err());
            assert_eq!(refused, [at("/version", "read_only")]);
        }
    }
}

#[test]
fn roles_that_are_left_out_stay_and_the_address_is_required() {
    let draft = replaced(ADMIN, json!({"email": "Ann@example.com"})).unwrap();
    assert_eq!(draft.roles, stored().roles);
    assert_eq!(
        (draft.name.0.as_str(), json!(draft.metadata)),
        ("", json!({}))
    );
    let refused = errors(&replaced(ADMIN, json!({"name": "Ann"})).unwrap_err());
    assert_eq!(refused, [at("/email", "required")]);
}

#[test]
fn a_new_address_is_not_verified_unless_that_is_said() {
    let verified = |email: &str| {
        let body = json!({ "email": email });
        let replaced = replaced(ADMIN, body.clone()).unwrap().email_verified.0;
        let merged = merged(ADMIN, &body).unwrap().email_verified.0;
        assert_eq!(replaced, merged);
        replaced
    };
    assert!(verified("Ann@example.com"));
    assert!(verified("ANN@example.com"), "the same in another case");
    assert!(!verified("bob@example.com"));
    let said = json!({"email": "bob@example.com", "email_verified": true});
    assert!(replaced(ADMIN, said.clone()).unwrap().email_verified.0);
    assert!(merged(ADMIN, &said).unwrap().email_verified.0);
    let patch = json!({"name": "Bob"});
    assert!(merged(ADMIN, &patch).unwrap().email_verified.0);
}

#[test]
fn a_patch_changes_what_it_names_and_null_resets() {
    let patch = json!({"name": null, "metadata": {"a": {"b": null, "d": 4}}});
    for caller in [OWNER, ADMIN] {
        let draft = merged(caller, &patch).unwrap();
        assert_eq!(draft.name.0, "");
        assert_eq!(json!(draft.metadata), json!({"a": {"c": 2, "d": 4}}));
    }
    let nulls = json!({"email_verified": null, "roles": null, "metadata": null});
    let draft = merged(ADMIN, &nulls).unwrap();
    assert_eq!(draft.roles, Roles::default());
    assert!(!draft.email_verified.0);
    assert_eq!(json!(draft.metadata), json!({}));
    let refused = errors(&merged(ADMIN, &json!({"email": null})).unwrap_err());
    assert_eq!(refused, [at("/email", "required")]);
    assert_eq!(
        errors(&merged(ADMIN, &json!([1])).unwrap_err()),
        [at("", "type")]
    );
}

#[test]
fn nobody_takes_admin_away_from_himself() {
    let body = json!({"email": "Ann@example.com", "roles": ["customer"]});
    let expected = [at("/roles", "self")];
    assert_eq!(
        errors(&replaced(ADMIN_HIMSELF, body.clone()).unwrap_err()),
        expected
    );
    assert_eq!(errors(&merged(ADMIN_HIMSELF, &body).unwrap_err()), expected);
    assert_eq!(replaced(ADMIN, body).unwrap().roles, Roles::default());
    let others = json!({"email": "Ann@example.com", "roles": ["admin"]});
    assert!(
        replaced(ADMIN_HIMSELF, others)
            .unwrap()
            .roles
            .has(Role::Admin)
    );
}

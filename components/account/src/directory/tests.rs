use serde_json::json;
use stoa_kit::Method;

use super::*;
use crate::fixtures::{ask, customer, path};
use crate::memory;

fn new_id() -> String {
    Id::new().to_string()
}

fn made(email: &str) -> Account {
    create(&new_id(), email, String::new()).unwrap()
}

fn reason(error: &Error) -> &str {
    match error {
        Error::Invalid(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_account_is_a_customers_and_not_verified() {
    memory::open();
    let id = new_id();
    let account = create(&id, "Ann@example.com", "Ann".to_owned()).unwrap();
    assert_eq!(memory::calls(), 1);
    let entry = Entry::from(account);
    assert_eq!(
        (entry.id.as_str(), entry.email.as_str()),
        (id.as_str(), "Ann@example.com")
    );
    assert_eq!((entry.name.as_str(), entry.version), ("Ann", 1));
    assert!(!entry.email_verified);
    assert!(entry.created > 1_700_000_000_000);
    assert_eq!(entry.roles, [Role::Customer]);
    let shown = ask(Method::Get, &format!("/accounts/{id}"))
        .by_admin()
        .body();
    assert_eq!(
        (&shown["name"], &shown["metadata"]),
        (&json!("Ann"), &json!({}))
    );
}

#[test]
fn the_same_call_again_is_answered_with_the_account_as_it_is() {
    memory::open();
    let id = new_id();
    create(&id, "ann@example.com", "Ann".to_owned()).unwrap();
    grant(&id, Role::Admin).unwrap();
    let again = create(&id, "ANN@example.com", "Ann".to_owned()).unwrap();
    assert_eq!((again.id.to_string(), again.version), (id, 2));
    let events = memory::rows("SELECT type FROM outbox");
    assert_eq!(events.len(), 2, "{events:?}");
}

#[test]
fn a_taken_address_and_a_taken_id_are_told_apart() {
    memory::open();
    let ann = made("ann@example.com");
    let taken = create(&new_id(), "ANN@example.com", String::new());
    assert!(matches!(taken, Err(Error::EmailTaken)), "{taken:?}");
    let bob = made("bob@example.com");
    for email in ["new@example.com", "ann@example.com"] {
        let error = create(&bob.id.to_string(), email, String::new()).unwrap_err();
        assert!(reason(&error).starts_with("id: "), "{error:?}");
    }
    let deleted = ask(Method::Delete, &format!("/accounts/{}", ann.id)).by_admin();
    assert_eq!(deleted.status(), 204);
    let error = create(&ann.id.to_string(), "new@example.com", String::new()).unwrap_err();
    assert!(reason(&error).starts_with("id: "), "{error:?}");
    made("ann@example.com");
}

#[test]
fn an_argument_that_is_no_good_is_named() {
    memory::open();
    for (id, email, name, argument) in [
        ("1", "a@b.c", "", "id: "),
        ("6ba7b810-9dad-41d1-80b4-00c04fd430c8", "a@b.c", "", "id: "),
        (&new_id(), "a b@c", "", "email: "),
        (&new_id(), "a@b.c", "a\nb", "name: "),
        (&new_id(), "a@b.c", &"n".repeat(201), "name: "),
    ] {
        let error = create(id, email, name.to_owned()).unwrap_err();
        assert!(reason(&error).starts_with(argument), "{error:?}");
    }
    assert_eq!(memory::calls(), 0);
}

#[test]
fn accounts_are_found_by_id_and_by_address() {
    memory::open();
    let account = made("Jürgen@example.com");
    let id = account.id.to_string();
    assert_eq!(find(&id).unwrap().as_ref(), Some(&account));
    assert_eq!(find(&id.to_uppercase()).unwrap().as_ref(), Some(&account));
    for email in ["JÜRGEN@Example.com", "ju\u{308}rgen@example.com"] {
        assert_eq!(find_by_email(email).unwrap().as_ref(), Some(&account));
    }
    for none in [
        find(&new_id()),
        find("1"),
        find_by_email("jurgen@example.com"),
    ] {
        assert_eq!(none.unwrap(), None);
    }
    memory::calls();
    assert_eq!(find_by_email("no address").unwrap(), None);
    assert_eq!(memory::calls(), 0);
}

#[test]
fn a_deleted_account_is_not_found() {
    memory::open();
    let account = customer("ann@example.com");
    let id = account["id"].as_str().unwrap();
    let deleted = ask(Method::Delete, &path(&account)).by_admin();
    assert_eq!(deleted.status(), 204);
    assert_eq!(find(id).unwrap(), None);
    assert_eq!(find_by_email("ann@example.com").unwrap(), None);
    assert_eq!(verify_email(id, "ann@example.com").unwrap(), None);
    assert_eq!(grant(id, Role::Admin).unwrap(), None);
}

#[test]
fn the_address_that_an_account_has_is_verified_and_no_other() {
    memory::open();
    let id = made("ann@example.com").id.to_string();
    assert_eq!(verify_email(&id, "old@example.com").unwrap(), None);
    assert_eq!(verify_email(&id, "no address").unwrap(), None);
    assert_eq!(verify_email(&new_id(), "ann@example.com").unwrap(), None);
    assert!(!find(&id).unwrap().unwrap().email_verified.0);
    for _ in 0..2 {
        let account = verify_email(&id, "ANN@example.com").unwrap().unwrap();
        assert!(account.email_verified.0);
        assert_eq!(
            (account.version, account.email.as_str()),
            (2, "ann@example.com")
        );
    }
}

#[test]
fn an_address_that_changes_meanwhile_is_not_verified() {
    memory::open();
    let id = made("ann@example.com").id.to_string();
    memory::interfere([
        "UPDATE accounts SET email = 'new@b.c', email_key = 'new@b.c', version = version + 1",
    ]);
    assert_eq!(verify_email(&id, "ann@example.com").unwrap(), None);
    assert!(!find(&id).unwrap().unwrap().email_verified.0);
}

#[test]
fn a_role_is_granted_once_and_beside_the_others() {
    memory::open();
    let id = made("ann@example.com").id.to_string();
    for _ in 0..2 {
        let entry = Entry::from(grant(&id, Role::Admin).unwrap().unwrap());
        assert_eq!(entry.roles, [Role::Admin, Role::Customer]);
        assert_eq!(entry.version, 2);
    }
    assert_eq!(grant(&new_id(), Role::Admin).unwrap(), None);
    assert_eq!(grant("1", Role::Admin).unwrap(), None);
}

#[test]
fn another_address_comes_with_its_proof() {
    memory::open();
    let account = made("ann@example.com");
    let id = account.id.to_string();
    let changed = change_email(&id, "new@example.com").unwrap().unwrap();
    assert_eq!(
        (changed.email.as_str(), changed.email_verified),
        ("new@example.com", Verified(true))
    );
    assert_eq!(changed.name, account.name);
    let again = change_email(&id, "new@example.com").unwrap().unwrap();
    assert_eq!(
        again.version, changed.version,
        "what was done is not done again"
    );
    made("bob@example.com");
    let taken = change_email(&id, "BOB@example.com");
    assert!(matches!(taken, Err(Error::EmailTaken)));
    assert_eq!(
        reason(&change_email(&id, "bob").unwrap_err()),
        "email: must have an @, as in name@example.com"
    );
    assert!(
        change_email(&new_id(), "eve@example.com")
            .unwrap()
            .is_none()
    );
}

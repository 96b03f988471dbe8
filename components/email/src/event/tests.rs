use super::*;

fn event(kind: &str, data: &Value) -> Event {
    Event {
        id: "0190".to_owned(),
        type_: kind.to_owned(),
        subject: "ann".to_owned(),
        occurred: 0,
        data: data.to_string(),
        traceparent: None,
    }
}

fn wanted(kind: &str, data: &Value) -> Wanted {
    read(&event(kind, data)).unwrap().unwrap()
}

fn why(kind: &str, data: &Value) -> String {
    read(&event(kind, data)).unwrap_err().why
}

fn payment(email: Option<&str>, account: Option<&str>) -> Value {
    json!({"payment": "p", "account": account, "email": email, "reference": "Order 42",
        "amount": {"amount": 1999, "currency": "EUR"}, "reason": null})
}

#[test]
fn what_asks_for_a_mail_with_a_token_names_address_and_token() {
    for (kind, template) in [
        ("email.verify_requested", Template::Verify),
        ("email.change_requested", Template::ConfirmAddress),
        ("password.reset_requested", Template::Reset),
        ("account.signup_repeated", Template::SignupRepeated),
    ] {
        let data = json!({"email": "Ann@b.c", "name": "Ann", "token_id": "t", "new": 1});
        let expected = Wanted {
            template,
            account: Some("ann".to_owned()),
            recipient: Some(Email::parse("Ann@b.c").unwrap()),
            token: Some("t".to_owned()),
            data: json!({"name": "Ann", "replaces_password": false}),
        };
        assert_eq!(wanted(kind, &data), expected);
    }
}

#[test]
fn changes_of_an_account_are_told_to_whom_they_concern() {
    let changed = wanted(
        "password.changed",
        &json!({"email": "a@b.c", "name": "Ann"}),
    );
    assert_eq!(changed.template, Template::PasswordChanged);
    let data = json!({"fields": ["email"], "previous_email": "old@b.c"});
    let moved = wanted("account.updated", &data);
    assert_eq!(moved.template, Template::AddressChanged);
    assert_eq!(moved.recipient.unwrap().as_str(), "old@b.c");
    let gone = wanted("account.deleted", &json!({"email": "a@b.c"}));
    assert_eq!(gone.template, Template::AccountDeleted);
    for wanted in [changed, gone] {
        assert_eq!(wanted.recipient.unwrap().as_str(), "a@b.c");
        assert_eq!(
            (wanted.account.as_deref(), wanted.token),
            (Some("ann"), None)
        );
    }
}

#[test]
fn what_concerns_nobody_leads_to_no_mail() {
    for (kind, data) in [
        ("account.updated", json!({"fields": ["name"]})),
        ("account.created", json!({"email": "a@b.c"})),
        ("product.created", json!(null)),
    ] {
        assert_eq!(read(&event(kind, &data)), Ok(None), "{kind}");
    }
}

#[test]
fn payments_go_to_their_address_or_to_the_account() {
    for (kind, template) in [
        ("payment.succeeded", Template::Receipt),
        ("payment.failed", Template::PaymentFailed),
        ("payment.refunded", Template::Refund),
    ] {
        let mail = wanted(kind, &payment(Some("a@b.c"), Some("bob")));
        assert_eq!(
            (mail.template, mail.account.as_deref()),
            (template, Some("bob"))
        );
        assert_eq!(mail.recipient.unwrap().as_str(), "a@b.c");
        assert_eq!(
            mail.data,
            json!({"name": "", "reference": "Order 42", "amount": "19.99 EUR", "explanation": null})
        );
    }
    let mail = wanted("payment.succeeded", &payment(None, Some("bob")));
    assert_eq!(
        (mail.recipient, mail.account.as_deref()),
        (None, Some("bob"))
    );
    assert_eq!(
        why("payment.succeeded", &payment(None, None)),
        "neither email nor account"
    );
}

#[test]
fn what_cannot_be_read_is_said_without_the_data() {
    for (kind, data) in [
        ("email.verify_requested", json!({"email": "secret@b.c"})),
        (
            "email.verify_requested",
            json!({"email": ["secret"], "name": "", "token_id": ""}),
        ),
        ("password.changed", json!({"email": "secret", "name": ""})),
        ("account.deleted", json!("secret")),
        ("account.updated", json!({"previous_email": 1})),
    ] {
        let why = why(kind, &data);
        assert!(!why.contains("secret"), "{why}");
    }
    let mut wrong = payment(Some("a@b.c"), None);
    wrong["amount"]["currency"] = json!("EURO");
    assert_eq!(why("payment.failed", &wrong), "amount is no money");
    let mut broken = event("account.deleted", &json!(null));
    broken.data = "{".to_owned();
    assert_eq!(
        read(&broken).unwrap_err().template,
        Template::AccountDeleted
    );
}

//! What becomes of events and mails, and what administrators see: through the
//! same functions, on a real SQLite, with a clock that stands still.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};
use stoa_kit::bindings::exports::stoa::clock::ticks::Timing;
use stoa_kit::sql::Value as Column;
use stoa_kit::{Method, Problem, Service as _};

use crate::fixtures::peers::Answer;
use crate::fixtures::{
    Ask, DAY, HOUR, MINUTE, account, answers, ask, configure, event, get, hear,
    hear_without_sending, open, others_are_away, pass, password_changed, permanent, sent,
    temporary, tokens_are_gone, verify,
};
use crate::peers::MailError;
use crate::queries::delivery::{LEASE, Outcome, Which, claim, settle};
use crate::queries::housekeeping::MOST;
use crate::queries::queue::PER_HOUR;
use crate::{backoff, memory, peers, work};

/// All mails, oldest first.
fn mails() -> Vec<Value> {
    let mut mails = get("/emails")["data"].as_array().unwrap().clone();
    mails.reverse();
    mails
}

/// The only mail, with all that is known of it.
fn mail() -> Value {
    let mails = mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    get(&path(&mails[0]))
}

fn path(mail: &Value) -> String {
    format!("/emails/{}", mail["id"].as_str().unwrap())
}

/// Status and reason of each mail, oldest first.
fn states() -> Vec<(String, Value)> {
    let state = |mail: Value| (text(&mail["status"]), mail["reason"].clone());
    mails().into_iter().map(state).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn abandoned(reason: &str) -> (String, Value) {
    ("abandoned".to_owned(), json!(reason))
}

fn in_state(status: &str) -> (String, Value) {
    (status.to_owned(), Value::Null)
}

fn retry(mail: &Value) -> Ask {
    ask(Method::Post, &format!("{}/retry", path(mail))).by_admin()
}

fn refused(ask: Ask) -> (u16, &'static str) {
    let problem: Problem = ask.send().unwrap_err();
    (problem.status(), problem.code())
}

fn payment(email: Option<&str>, account: Option<&str>) -> Value {
    json!({"payment": "p", "account": account, "email": email, "reference": "Order 42",
        "amount": {"amount": 1999, "currency": "EUR"}, "reason": null})
}

// --- events -----------------------------------------------------------------

#[test]
fn an_event_becomes_a_mail_that_leaves_at_once() {
    open();
    hear(&verify("Ann@example.com"));
    let message = sent().pop().unwrap();
    assert_eq!(message.to.address, "Ann@example.com");
    assert_eq!(
        message.subject,
        "Welcome to Stoa: please confirm your address"
    );
    let link = "http://localhost:3000/verify#token=secret-of-t";
    assert!(message.text.contains(link), "{}", message.text);
    assert!(message.text.starts_with("Hello Ann,\n"));
    assert!(message.html.unwrap().contains("token=secret-of-t"));
    let mail = mail();
    assert_eq!(
        (&mail["status"], &mail["tries"]),
        (&json!("sent"), &json!(1))
    );
    assert_eq!(
        (&mail["template"], &mail["account"]),
        (&json!("verify"), &json!("ann"))
    );
    assert_eq!(message.id, mail["id"].as_str().unwrap());
    work::send().unwrap();
    assert!(sent().is_empty());
}

#[test]
fn an_event_that_comes_twice_is_one_mail() {
    open();
    let event = verify("ann@example.com");
    hear(&event);
    hear(&event);
    assert_eq!((sent().len(), mails().len()), (1, 1));
}

#[test]
fn each_kind_of_event_has_its_mail() {
    open();
    account("bob", "bob@example.com");
    let with_token = json!({"email": "a@b.c", "name": "Ann", "token_id": "t"});
    for (kind, data, recipient, template) in [
        ("email.verify_requested", &with_token, "a@b.c", "verify"),
        (
            "email.change_requested",
            &with_token,
            "a@b.c",
            "confirm_address",
        ),
        ("password.reset_requested", &with_token, "a@b.c", "reset"),
        (
            "account.signup_repeated",
            &with_token,
            "a@b.c",
            "signup_repeated",
        ),
        ("password.changed", &with_token, "a@b.c", "password_changed"),
        (
            "account.updated",
            &json!({"fields": ["email"], "previous_email": "old@b.c"}),
            "old@b.c",
            "address_changed",
        ),
        (
            "payment.succeeded",
            &payment(Some("guest@b.c"), None),
            "guest@b.c",
            "receipt",
        ),
        (
            "payment.failed",
            &payment(None, Some("bob")),
            "bob@example.com",
            "payment_failed",
        ),
        (
            "payment.refunded",
            &payment(Some("guest@b.c"), Some("bob")),
            "guest@b.c",
            "refund",
        ),
    ] {
        hear(&event(kind, data));
        let message = sent().pop().unwrap();
        assert_eq!(message.to.address, recipient, "{kind}");
        let last = mails().pop().unwrap();
        assert_eq!(
            (&last["template"], &last["recipient"]),
            (&json!(template), &json!(recipient))
        );
    }
}

#[test]
fn events_about_nothing_to_be_told_are_dealt_with() {
    open();
    hear(&event("account.created", &json!({"email": "a@b.c"})));
    hear(&event("account.updated", &json!({"fields": ["name"]})));
    hear(&event("something.else", &json!(null)));
    assert_eq!((mails().len(), sent().len()), (0, 0));
}

#[test]
fn an_event_that_cannot_be_read_is_kept_and_not_asked_for_again() {
    open();
    let event = event(
        "password.changed",
        &json!({"email": "no address", "name": ""}),
    );
    hear(&event);
    hear(&event);
    let mail = mail();
    assert_eq!(
        (&mail["reason"], &mail["event"]),
        (&json!("unreadable"), &json!(event.id))
    );
    assert_eq!(mail["recipient"], Value::Null);
    assert!(text(&mail["error"]).contains("must not have spaces"));
    assert_eq!(refused(retry(&mail)), (409, "no_recipient"));
    work::send().unwrap();
    assert!(sent().is_empty());
}

#[test]
fn an_event_is_dealt_with_once_its_mail_is_stored() {
    open();
    others_are_away(true);
    hear(&verify("ann@example.com"));
    assert_eq!(states(), [in_state("failed")]);
    others_are_away(false);
    pass(MINUTE);
    work::send().unwrap();
    assert_eq!(states(), [in_state("sent")]);
}

// --- sending ----------------------------------------------------------------

#[test]
fn what_may_pass_is_tried_later_under_the_same_id() {
    open();
    answers([
        temporary("451 busy"),
        Answer::Refuse(MailError::Uncertain("the connection was lost".to_owned())),
    ]);
    hear(&verify("ann@example.com"));
    assert_eq!(mail()["error"], "451 busy");
    work::send().unwrap();
    assert_eq!(mail()["tries"], 1, "it waits");
    pass(backoff::delay(1, 0));
    work::send().unwrap();
    assert_eq!(mail()["error"], "the connection was lost");
    pass(backoff::delay(2, 0) - 1);
    work::send().unwrap();
    assert!(sent().is_empty());
    pass(1);
    work::send().unwrap();
    let mail = mail();
    assert_eq!(sent()[0].id, mail["id"].as_str().unwrap());
    assert_eq!(
        (&mail["status"], &mail["error"]),
        (&json!("sent"), &Value::Null)
    );
    let history: Vec<_> = mail["history"].as_array().unwrap().iter().collect();
    let seen: Vec<_> = history
        .iter()
        .map(|a_try| (text(&a_try["outcome"]), text(&a_try["detail"])))
        .collect();
    let expected = [
        ("failed", "451 busy"),
        ("failed", "the connection was lost"),
        ("sent", "250 2.0.0 queued"),
    ];
    assert_eq!(seen, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert_eq!(history[0]["started"], history[0]["ended"]);
}

#[test]
fn after_the_last_try_a_mail_is_abandoned() {
    open();
    answers((0..30).map(|_| temporary("451 busy")));
    hear(&password_changed("ann@example.com"));
    let begin = peers::now();
    for tries in 1..backoff::TRIES {
        assert_eq!(mail()["tries"], tries);
        assert_eq!(states(), [in_state("failed")]);
        pass(backoff::delay(tries, 0));
        work::send().unwrap();
    }
    assert_eq!(states(), [abandoned("out_of_tries")]);
    assert_eq!(
        (&mail()["tries"], &mail()["error"]),
        (&json!(18), &json!("451 busy"))
    );
    let took = peers::now().0 - begin.0;
    assert!((3 * DAY..4 * DAY).contains(&took), "{took}");
    pass(30 * DAY);
    work::send().unwrap();
    assert_eq!(mail()["tries"], 18);
}

#[test]
fn what_is_refused_for_good_is_not_tried_again() {
    open();
    answers([permanent(552, "5.3.4", "message too large")]);
    hear(&password_changed("ann@example.com"));
    assert_eq!(states(), [abandoned("refused")]);
    assert_eq!(mail()["error"], "552 5.3.4 message too large");
    pass(DAY);
    hear(&password_changed("ann@example.com"));
    assert_eq!(sent().len(), 1, "the address is not to blame");
    assert_eq!(get("/emails/suppressions")["data"], json!([]));
}

#[test]
fn an_address_that_does_not_exist_gets_no_mail_until_it_is_taken_off_the_list() {
    open();
    answers([permanent(550, "5.1.1", "no such user")]);
    hear(&password_changed("Ann@example.com"));
    assert_eq!(states(), [abandoned("refused")]);
    let suppressions = get("/emails/suppressions");
    let entry = &suppressions["data"][0];
    assert_eq!(entry["address"], "Ann@example.com");
    assert_eq!(entry["reason"], "550 5.1.1 no such user");
    assert_eq!(entry["email"], mails()[0]["id"]);

    hear(&verify("ann@EXAMPLE.com"));
    assert_eq!(states()[1], abandoned("suppressed"));
    let last = mails().pop().unwrap();
    assert_eq!(refused(retry(&last)), (409, "suppressed"));
    assert!(sent().is_empty());

    let off = || ask(Method::Delete, "/emails/suppressions/ANN@example.com").by_admin();
    assert_eq!(off().status(), 204);
    assert_eq!(refused(off()), (404, "not_found"));
    assert_eq!(retry(&last).status(), 202);
    work::send().unwrap();
    assert_eq!(sent()[0].to.address, "ann@EXAMPLE.com");
}

#[test]
fn an_account_whose_address_is_suppressed_gets_no_mail_either() {
    open();
    answers([permanent(550, "5.1.1", "no such user")]);
    hear(&password_changed("bob@example.com"));
    account("bob", "bob@example.com");
    let receipt = event("payment.succeeded", &payment(None, Some("bob")));
    hear(&receipt);
    assert_eq!(states()[1], abandoned("suppressed"));
    assert!(sent().is_empty());
}

#[test]
fn a_mail_to_an_account_waits_for_the_directory() {
    open();
    others_are_away(true);
    account("bob", "bob@example.com");
    hear(&event("payment.succeeded", &payment(None, Some("bob"))));
    assert_eq!(mail()["error"], "nobody answers");
    assert_eq!(mail()["recipient"], Value::Null);
    others_are_away(false);
    pass(MINUTE);
    work::send().unwrap();
    assert_eq!(sent()[0].to.address, "bob@example.com");
    hear(&event("payment.succeeded", &payment(None, Some("nobody"))));
    assert_eq!(states()[1], abandoned("no_recipient"));
}

#[test]
fn a_mail_whose_token_is_gone_is_not_sent() {
    open();
    tokens_are_gone();
    hear(&verify("ann@example.com"));
    assert_eq!(states(), [abandoned("token_gone")]);
    assert_eq!(mail()["error"], "the token was used or has expired");
    assert!(sent().is_empty());
}

#[test]
fn no_token_is_stored() {
    open();
    hear(&verify("ann@example.com"));
    answers([temporary("451 busy")]);
    hear(&verify("bob@example.com"));
    for table in ["emails", "tries"] {
        let rows = format!("{:?}", memory::rows(&format!("SELECT * FROM {table}")));
        assert!(!rows.contains("secret-of"), "{rows}");
    }
}

#[test]
fn a_configuration_that_is_wrong_is_waited_for() {
    open();
    configure("verify_url", "https://shop.example/verify");
    hear(&verify("ann@example.com"));
    assert!(text(&mail()["error"]).starts_with("verify_url: "));
    configure("verify_url", "https://shop.example/v?t={token}");
    pass(MINUTE);
    work::send().unwrap();
    assert!(
        sent()[0]
            .text
            .contains("https://shop.example/v?t=secret-of-t\n")
    );
}

#[test]
fn what_cannot_be_filled_in_is_abandoned_and_the_others_go_out() {
    open();
    hear_without_sending(&password_changed("ann@example.com"));
    hear_without_sending(&password_changed("bob@example.com"));
    memory::rows("UPDATE emails SET data = '{}' WHERE recipient = 'ann@example.com'");
    pass(MINUTE);
    work::send().unwrap();
    assert_eq!(states(), [abandoned("unrenderable"), in_state("sent")]);
}

// --- who holds a mail -------------------------------------------------------

#[test]
fn a_mail_is_held_by_one_at_a_time() {
    open();
    hear_without_sending(&verify("ann@example.com"));
    pass(MINUTE);
    let first = claim(Which::Due, peers::now()).unwrap();
    assert!(first.is_some());
    assert_eq!(claim(Which::Due, peers::now()).unwrap(), None);
    assert_eq!(
        claim(Which::One(first.unwrap().id), peers::now()).unwrap(),
        None
    );
    work::send().unwrap();
    assert!(sent().is_empty());
    assert_eq!(states(), [in_state("sending")]);
}

#[test]
fn a_tick_in_the_middle_of_another_sends_nothing_twice() {
    open();
    for name in ["ann", "bob", "carol"] {
        hear_without_sending(&password_changed(&format!("{name}@example.com")));
    }
    pass(MINUTE);
    answers([Answer::Meanwhile(Box::new(|| work::send().unwrap()))]);
    work::send().unwrap();
    let mut to: Vec<_> = sent()
        .into_iter()
        .map(|message| message.to.address)
        .collect();
    to.sort();
    assert_eq!(
        to,
        ["ann@example.com", "bob@example.com", "carol@example.com"]
    );
    assert!(states().iter().all(|state| *state == in_state("sent")));
}

#[test]
fn what_was_lost_is_taken_up_when_its_lease_ends() {
    open();
    answers([Answer::Trap]);
    let event = verify("ann@example.com");
    let died = catch_unwind(AssertUnwindSafe(|| hear(&event)));
    assert!(died.is_err());
    let id = text(&mail()["id"]);
    hear(&event);
    assert_eq!(
        (mail()["tries"].clone(), states()),
        (json!(1), vec![in_state("sending")])
    );
    pass(LEASE - 1);
    work::send().unwrap();
    assert!(sent().is_empty());
    pass(1);
    work::send().unwrap();
    assert_eq!(sent()[0].id, id);
    let mail = mail();
    assert_eq!(
        (&mail["status"], &mail["tries"]),
        (&json!("sent"), &json!(2))
    );
    assert_eq!(
        mail["history"][0]["ended"],
        Value::Null,
        "the first try has no end"
    );
}

#[test]
fn a_mail_over_which_everybody_dies_hides_no_other_and_is_given_up() {
    open();
    hear_without_sending(&password_changed("bad@example.com"));
    pass(1);
    hear_without_sending(&password_changed("good@example.com"));
    pass(MINUTE);
    answers([Answer::Trap]);
    assert!(catch_unwind(work::send).is_err());
    work::send().unwrap();
    assert_eq!(sent()[0].to.address, "good@example.com");
    for _ in 2..backoff::TRIES {
        pass(LEASE);
        answers([Answer::Trap]);
        assert!(catch_unwind(work::send).is_err());
    }
    pass(LEASE);
    work::send().unwrap();
    assert_eq!(states(), [abandoned("out_of_tries"), in_state("sent")]);
    assert_eq!(mails()[0]["tries"], 18);
}

#[test]
fn whoever_has_lost_a_mail_notes_nothing_about_it() {
    open();
    hear_without_sending(&password_changed("ann@example.com"));
    pass(MINUTE);
    let slow = claim(Which::Due, peers::now()).unwrap().unwrap();
    pass(LEASE);
    let other = claim(Which::Due, peers::now()).unwrap().unwrap();
    assert_eq!(slow.id, other.id);
    let sent = Outcome::Sent("250 ok".to_owned());
    assert!(settle(&other, &sent, false, peers::now()).unwrap());
    let late = Outcome::Failed("451 busy".to_owned(), peers::now());
    assert!(!settle(&slow, &late, true, peers::now()).unwrap());
    assert_eq!(states(), [in_state("sent")]);
    assert_eq!(get("/emails/suppressions")["data"], json!([]));
}

#[test]
fn the_tick_for_it_is_known_by_its_name() {
    open();
    hear_without_sending(&password_changed("ann@example.com"));
    pass(MINUTE);
    let timing = Timing {
        name: "work-email".to_owned(),
        sequence: 1,
        interval: 1_000,
    };
    crate::Email::tick(&timing).unwrap();
    assert_eq!(sent().len(), 1);
}

#[test]
fn a_tick_sends_a_bounded_number_longest_due_first() {
    open();
    for number in 0..work::MOST + 5 {
        hear_without_sending(&password_changed(&format!("{number}@example.com")));
        pass(1);
    }
    pass(MINUTE);
    work::send().unwrap();
    let first = sent();
    assert_eq!(first.len(), work::MOST);
    assert_eq!(first[0].to.address, "0@example.com");
    work::send().unwrap();
    assert_eq!(sent().len(), 5);
}

#[test]
fn a_slow_tick_leaves_the_rest_to_the_next() {
    open();
    for number in 0..3 {
        hear_without_sending(&password_changed(&format!("{number}@example.com")));
    }
    pass(MINUTE);
    answers([Answer::Meanwhile(Box::new(|| pass(1_500)))]);
    work::send().unwrap();
    assert_eq!(sent().len(), 1);
    work::send().unwrap();
    assert_eq!(sent().len(), 2);
}

// --- limits, and forgetting -------------------------------------------------

#[test]
fn nobody_can_be_flooded_by_others() {
    open();
    for _ in 0..PER_HOUR + 3 {
        hear(&verify("ann@example.com"));
    }
    assert_eq!(i64::try_from(sent().len()), Ok(PER_HOUR));
    let last = states().pop().unwrap();
    assert_eq!(last, abandoned("too_many"));
    hear(&verify("ANN@example.com"));
    assert!(sent().is_empty(), "it is the same mailbox");
    hear(&password_changed("ann@example.com"));
    hear(&verify("bob@example.com"));
    assert_eq!(sent().len(), 2, "others, and what nobody can trigger");
    pass(HOUR);
    hear(&verify("ann@example.com"));
    assert_eq!(sent().len(), 1, "an hour later it is another hour");
}

#[test]
fn what_is_old_is_deleted_with_its_tries() {
    open();
    hear(&password_changed("sent@example.com"));
    answers([permanent(554, "5.6.0", "no")]);
    hear(&password_changed("abandoned@example.com"));
    pass(30 * DAY + 1);
    work::tidy_up();
    let left = |table: &str| memory::rows(&format!("SELECT count(*) FROM {table}"))[0][0].clone();
    assert_eq!(states(), [abandoned("refused")]);
    assert_eq!(left("tries"), Column::Integer(1));
    pass(60 * DAY);
    work::tidy_up();
    assert_eq!(
        (left("emails"), left("tries")),
        (Column::Integer(0), Column::Integer(0))
    );
}

#[test]
fn what_is_still_on_its_way_is_never_old() {
    open();
    hear_without_sending(&password_changed("ann@example.com"));
    pass(365 * DAY);
    work::tidy_up();
    assert_eq!(states(), [in_state("failed")]);
}

#[test]
fn not_all_is_deleted_at_once() {
    open();
    hear(&password_changed("ann@example.com"));
    memory::rows(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 299) \
         INSERT INTO emails (id, event, template, status, created, updated, tries, tries_left, \
             forget, data) \
         SELECT 'id' || i, 'event' || i, template, status, created, updated, 1, 1, 0, '{}' \
         FROM emails, n",
    );
    pass(31 * DAY);
    work::tidy_up();
    let left = memory::rows("SELECT count(*) FROM emails");
    assert_eq!(left, [[Column::Integer(300 - MOST)]]);
}

#[test]
fn after_the_farewell_nothing_says_who_it_was() {
    open();
    hear(&password_changed("old@example.com"));
    hear(&event(
        "payment.succeeded",
        &payment(Some("Ann@example.com"), Some("ann")),
    ));
    let bob = json!({"email": "bob@example.com", "name": "Bob"});
    let mut other = event("password.changed", &bob);
    other.subject = "bob".to_owned();
    hear(&other);
    hear_without_sending(&password_changed("ann@example.com"));
    pass(1);
    answers([temporary("450 ann@example.com is busy")]);
    hear(&event(
        "account.deleted",
        &json!({"email": "ann@example.com"}),
    ));
    assert_eq!(
        mails()[0]["recipient"],
        "old@example.com",
        "not before it is sent"
    );

    pass(backoff::delay(1, 0) - 1);
    answers([temporary("451 still busy")]);
    work::send().unwrap();
    pass(1);
    work::send().unwrap();
    let recipients = || -> Vec<_> {
        let mails = mails().into_iter();
        mails.map(|mail| mail["recipient"].clone()).collect()
    };
    let (none, bob) = (Value::Null, json!("bob@example.com"));
    let waiting = json!("ann@example.com");
    assert_eq!(states()[3..], [in_state("failed"), in_state("sent")]);
    assert_eq!(
        recipients(),
        [
            none.clone(),
            none.clone(),
            bob.clone(),
            waiting,
            none.clone()
        ]
    );
    pass(MINUTE);
    work::send().unwrap();
    assert_eq!(states()[3], in_state("sent"));
    assert_eq!(
        recipients(),
        [none.clone(), none.clone(), bob, none.clone(), none]
    );
    for table in ["emails", "tries"] {
        let rows = format!("{:?}", memory::rows(&format!("SELECT * FROM {table}")));
        assert!(!rows.to_lowercase().contains("ann@"), "{rows}");
        assert!(!rows.contains("Ann"), "{rows}");
    }
    let shown = get(&path(&mails()[0]));
    assert_eq!(
        (&shown["subject"], &shown["text"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn who_comes_back_with_the_same_address_is_somebody_new() {
    open();
    answers([temporary("451 busy")]);
    hear(&event(
        "account.deleted",
        &json!({"email": "ann@example.com"}),
    ));
    let mut again = password_changed("ann@example.com");
    again.subject = "ann again".to_owned();
    hear(&again);
    pass(MINUTE);
    work::send().unwrap();
    assert_eq!(mails()[0]["recipient"], Value::Null);
    assert_eq!(mails()[1]["recipient"], "ann@example.com");
}

// --- what administrators see ------------------------------------------------

#[test]
fn everything_but_the_mailbox_is_for_administrators() {
    open();
    hear(&verify("ann@example.com"));
    let one = path(&mails()[0]);
    let retry = format!("{one}/retry");
    for (method, path) in [
        (Method::Get, "/emails"),
        (Method::Get, one.as_str()),
        (Method::Post, retry.as_str()),
        (Method::Get, "/emails/suppressions"),
        (Method::Delete, "/emails/suppressions/ann@example.com"),
    ] {
        assert_eq!(ask(method, path).status(), 401, "{path}");
        assert_eq!(ask(method, path).by_customer().status(), 403, "{path}");
    }
}

#[test]
fn a_mail_is_shown_without_its_link() {
    open();
    hear(&verify("ann@example.com"));
    let response = ask(Method::Get, &path(&mails()[0]))
        .by_admin()
        .send()
        .unwrap();
    assert_eq!(
        response.get_header("cache-control"),
        Some("private, no-store")
    );
    assert!(!response.body.contains("secret-of"), "{}", response.body);
    assert!(!response.body.contains("token="), "{}", response.body);
    let mail = mail();
    assert_eq!(
        mail["subject"],
        "Welcome to Stoa: please confirm your address"
    );
    assert!(text(&mail["text"]).contains("\n[link withheld]\n"));
    for id in ["42", "0190a000-0000-7000-8000-000000000000"] {
        let ask = ask(Method::Get, &format!("/emails/{id}")).by_admin();
        assert_eq!(refused(ask), (404, "not_found"));
    }
}

#[test]
fn a_list_is_narrowed_and_paged() {
    open();
    for name in ["ann", "bob", "ann", "ann"] {
        hear(&password_changed(&format!("{name}@example.com")));
    }
    answers([permanent(554, "5.6.0", "no")]);
    hear(&verify("ann@example.com"));
    let count = |query: &[(&str, &str)]| {
        let page = ask(Method::Get, "/emails").by_admin().query(query).body();
        page["data"].as_array().unwrap().len()
    };
    assert_eq!(count(&[("recipient", "ANN@example.com")]), 4);
    assert_eq!(count(&[("status", "sent")]), 4);
    assert_eq!(count(&[("template", "verify")]), 1);
    let all = [
        ("recipient", "ann@example.com"),
        ("status", "sent"),
        ("template", "reset"),
    ];
    assert_eq!(count(&all), 0);

    let page = |cursor: Option<&str>| {
        let mut query = vec![("limit", "2"), ("status", "sent")];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        ask(Method::Get, "/emails").by_admin().query(&query).body()
    };
    let first = page(None);
    let second = page(first["next"].as_str());
    assert_eq!(second["next"], Value::Null);
    let mut ids: Vec<_> = [&first, &second]
        .into_iter()
        .flat_map(|page| page["data"].as_array().unwrap())
        .map(|mail| text(&mail["id"]))
        .collect();
    assert_eq!(ids.len(), 4);
    assert!(
        ids.is_sorted_by(|one, other| one > other),
        "newest first: {ids:?}"
    );
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn suppressions_are_paged() {
    open();
    for number in 0..3 {
        answers([permanent(550, "5.1.1", "no such user")]);
        hear(&password_changed(&format!("{number}@example.com")));
    }
    let first = ask(Method::Get, "/emails/suppressions").by_admin();
    let first = first.query(&[("limit", "2")]).body();
    assert_eq!(first["data"][0]["address"], "2@example.com");
    let cursor = first["next"].as_str().unwrap();
    let second = ask(Method::Get, "/emails/suppressions").by_admin();
    let second = second.query(&[("limit", "2"), ("cursor", cursor)]).body();
    assert_eq!(second["data"][0]["address"], "0@example.com");
    assert_eq!(second["next"], Value::Null);
}

#[test]
fn a_mail_that_was_given_up_can_be_tried_anew() {
    open();
    answers([permanent(554, "5.6.0", "no")]);
    hear(&password_changed("ann@example.com"));
    let given_up = mail();
    let response = retry(&given_up).send().unwrap();
    assert_eq!(response.status, 202);
    assert_eq!(states(), [in_state("queued")]);
    assert_eq!(refused(retry(&given_up)), (409, "not_failed"));
    work::send().unwrap();
    let mail = mail();
    assert_eq!(
        (&mail["status"], &mail["tries"]),
        (&json!("sent"), &json!(2))
    );
    assert_eq!(sent()[0].id, text(&mail["id"]));
    assert_eq!(refused(retry(&mail)), (409, "not_failed"));
    let missing = json!({"id": "0190a000-0000-7000-8000-000000000000"});
    assert_eq!(refused(retry(&missing)), (404, "not_found"));
}

#[test]
fn who_was_forgotten_gets_no_mail_any_more() {
    open();
    answers([permanent(554, "5.6.0", "no")]);
    hear(&password_changed("ann@example.com"));
    hear(&event(
        "account.deleted",
        &json!({"email": "ann@example.com"}),
    ));
    assert_eq!(refused(retry(&mails()[0])), (409, "no_recipient"));
}

// --- the mailbox ------------------------------------------------------------

#[test]
fn without_being_switched_on_there_is_no_mailbox() {
    open();
    assert_eq!(refused(ask(Method::Get, "/mailbox")), (404, "no_route"));
    configure("mailbox", "off");
    assert_eq!(refused(ask(Method::Get, "/mailbox")), (404, "no_route"));
}

#[test]
fn the_mailbox_shows_the_last_mails_with_their_links() {
    open();
    configure("mailbox", "on");
    configure("shop_name", "<Shop>");
    hear(&verify("ann@example.com"));
    let page = ask(Method::Get, "/mailbox").send().unwrap();
    let header = |name| page.get_header(name).unwrap();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("cache-control"), "no-store");
    assert!(header("content-security-policy").starts_with("default-src 'none';"));
    let link = "<a href=\"http:&#x2f;&#x2f;localhost:3000&#x2f;verify#token=secret-of-t\"";
    assert!(page.body.contains(link), "{}", page.body);
    assert!(page.body.contains("ann@example.com"));
    assert!(!page.body.contains("<Shop>"), "{}", page.body);

    tokens_are_gone();
    let page = ask(Method::Get, "/mailbox").send().unwrap();
    assert!(page.body.contains("(the token was used or has expired)"));
    for number in 0..60 {
        hear(&password_changed(&format!("{number}@example.com")));
    }
    let page = ask(Method::Get, "/mailbox").send().unwrap();
    assert_eq!(page.body.matches("<article>").count(), 50);
    assert!(page.body.contains("59@example.com"));
}

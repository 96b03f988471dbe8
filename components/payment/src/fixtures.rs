//! For tests: a processor in memory, a clock that stands still, requests and
//! payments.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use stoa_domain::{Currency, Money};
use stoa_kit::attributes::Attributes;
use stoa_kit::{Id, Method, Role, Timestamp};

use crate::Payments;
use crate::bindings::stoa::payments::types::{ChargeState, Outcome, Standing};
use crate::fields::CaptureMethod;
use crate::memory;
use crate::operation::{Intent, Kind, Operation};
use crate::payment::{Balances, Payment};
use crate::peers::Trouble;
use crate::state::State;

/// What the processor does with the next call whose key it does not know.
#[derive(Clone, Debug)]
pub(crate) enum Next {
    /// It does it and says so.
    Answer(Outcome),
    /// It does it, and the answer gets lost.
    LoseAnswer,
    /// The call gets lost.
    LoseCall,
    /// It refuses the call.
    Refuse,
    /// We die while it is done.
    Crash,
}

type Hook = Box<dyn FnOnce()>;

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(0) };
    static SCRIPT: RefCell<VecDeque<Next>> = const { RefCell::new(VecDeque::new()) };
    static DONE: RefCell<BTreeMap<String, Outcome>> = const { RefCell::new(BTreeMap::new()) };
    static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static STANDING: RefCell<Option<Standing>> = const { RefCell::new(None) };
    static SILENT: RefCell<Option<String>> = const { RefCell::new(None) };
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    static KEYS: Cell<u32> = const { Cell::new(0) };
}

/// The first thing in a test: nothing stored, nothing done.
pub(crate) fn open() {
    memory::open();
    NOW.set(1_800_000_000_000);
    SCRIPT.take();
    DONE.take();
    CALLS.take();
    STANDING.take();
    SILENT.take();
    HOOK.take();
}

pub(crate) fn now() -> Timestamp {
    Timestamp(NOW.get())
}

/// Lets time pass.
pub(crate) fn advance(milliseconds: i64) {
    NOW.set(NOW.get() + milliseconds);
}

pub(crate) fn processors() -> Vec<String> {
    vec!["sandbox".to_owned(), "other".to_owned()]
}

/// Says what the processor does next.
pub(crate) fn script(next: impl IntoIterator<Item = Next>) {
    SCRIPT.with_borrow_mut(|script| script.extend(next));
}

/// Says where the charge stands from now on.
pub(crate) fn stands(standing: Option<Standing>) {
    STANDING.set(standing);
}

/// Lets a processor not say any more where charges stand.
pub(crate) fn is_silent(processor: &str) {
    SILENT.set(Some(processor.to_owned()));
}

/// Lets this happen during the next call or question.
pub(crate) fn meanwhile(hook: impl FnOnce() + 'static) {
    HOOK.set(Some(Box::new(hook)));
}

/// The calls since this was asked last: their keys without the payment's id.
pub(crate) fn calls() -> Vec<String> {
    CALLS.take()
}

/// What the processor has done, each thing once.
pub(crate) fn done() -> Vec<String> {
    DONE.with_borrow(|done| done.keys().map(|key| short(key)).collect())
}

fn short(key: &str) -> String {
    key.split_once(':').unwrap().1.to_owned()
}

/// The processor.
pub(crate) mod processor {
    use stoa_kit::bindings::stoa::http::types::Header;

    use super::*;
    use crate::bindings::stoa::payments::types::Webhook;
    use crate::peers::Call;

    pub(crate) fn call(_: &str, call: &Call) -> Result<Outcome, Trouble> {
        let order = match call {
            Call::Authorize(call) => &call.order,
            Call::Capture(call) => &call.order,
            Call::Cancel(call) => &call.order,
            Call::Refund(call) => &call.order,
        };
        CALLS.with_borrow_mut(|calls| calls.push(short(&order.key)));
        if let Some(hook) = HOOK.take() {
            hook();
        }
        let known = DONE.with_borrow(|done| done.get(&order.key).cloned());
        if let Some(outcome) = known {
            return Ok(outcome);
        }
        let approved = Outcome::Approved(match call {
            Call::Refund(_) => "re_1".to_owned(),
            _ => "ch_1".to_owned(),
        });
        let next = SCRIPT.with_borrow_mut(VecDeque::pop_front);
        let record = |outcome: &Outcome| {
            DONE.with_borrow_mut(|done| done.insert(order.key.clone(), outcome.clone()));
        };
        match next.unwrap_or_else(|| Next::Answer(approved.clone())) {
            Next::Answer(outcome) => {
                record(&outcome);
                Ok(outcome)
            }
            Next::LoseAnswer => {
                record(&approved);
                Err(Trouble::Uncertain("no answer".to_owned()))
            }
            Next::LoseCall => Err(Trouble::Uncertain("no answer".to_owned())),
            Next::Refuse => Err(Trouble::Permanent("bad request".to_owned())),
            Next::Crash => {
                record(&approved);
                panic!("a crash")
            }
        }
    }

    pub(crate) fn status(payment: &Payment) -> Result<Option<Standing>, Trouble> {
        CALLS.with_borrow_mut(|calls| calls.push(format!("status {}", payment.processor)));
        if SILENT.with_borrow(|silent| silent.as_ref() == Some(&payment.processor)) {
            return Err(Trouble::Uncertain("no answer".to_owned()));
        }
        let standing = STANDING.with_borrow(Clone::clone);
        if let Some(hook) = HOOK.take() {
            hook();
        }
        Ok(standing)
    }

    /// The body is the event's id and the charge's; the signature is `good`.
    pub(crate) fn parse_webhook(
        _: &str,
        headers: &[Header],
        body: &str,
    ) -> Result<Webhook, Trouble> {
        let signature = headers
            .iter()
            .find(|header| header.name == "stoa-signature");
        match signature.map(|header| header.value.as_str()) {
            Some("good") => {}
            Some("away") => return Err(Trouble::Uncertain("away".to_owned())),
            _ => return Err(Trouble::Permanent("wrong signature".to_owned())),
        }
        let (event, charge) = body.split_once(' ').unwrap();
        Ok(Webhook {
            event: event.to_owned(),
            kind: "charge.changed".to_owned(),
            charge: Some(charge.to_owned()),
            payment: None,
        })
    }
}

/// A payment of 19.99 euros by Ann.
pub(crate) fn payment(state: State) -> Payment {
    Payment {
        id: Id::new(),
        account: "ann".to_owned(),
        reference: "order 1".to_owned(),
        amount: Money::new(1999, Currency::parse("EUR").unwrap()).unwrap(),
        capture: CaptureMethod::Automatic,
        processor: "sandbox".to_owned(),
        method: Some("tok_approved".to_owned()),
        state,
        charge: None,
        balances: Balances::default(),
        failure: None,
        action: None,
        reason: None,
        metadata: Attributes::default(),
        created: Timestamp(0),
        updated: Timestamp(0),
        version: 1,
    }
}

/// An open operation about all of such a payment.
pub(crate) fn operation(kind: Kind, previous: State) -> Operation {
    let payment = Id::new();
    Operation {
        key: format!("{payment}:{}:1", kind.name()),
        payment,
        intent: Intent {
            kind,
            amount: 1999,
            method: None,
            refund: None,
            reason: None,
        },
        previous,
        is_acknowledged: false,
        is_open: true,
        created: Timestamp(0),
    }
}

/// A charge of 19.99 euros.
pub(crate) fn standing(state: ChargeState) -> Standing {
    let amount = |is: bool| if is { 1999 } else { 0 };
    Standing {
        charge: "ch_1".to_owned(),
        state,
        authorized: amount(state == ChargeState::Authorized),
        captured: amount(state == ChargeState::Captured),
        decline: None,
        action: None,
        refunds: Vec::new(),
    }
}

/// A request that is being put together.
pub(crate) type Ask = stoa_fixtures::Ask<Payments>;

/// A request by Ann, with a key of its own where it is a POST.
pub(crate) fn ask(method: Method, path: &str) -> Ask {
    ask_by("ann", method, path)
}

/// A request by a customer.
pub(crate) fn ask_by(account: &str, method: Method, path: &str) -> Ask {
    keyed(Ask::new(method, path).by(account, &[Role::Customer]))
}

/// A request by an administrator.
pub(crate) fn admin(method: Method, path: &str) -> Ask {
    keyed(Ask::new(method, path).by("root", &[Role::Admin]))
}

fn keyed(ask: Ask) -> Ask {
    if ask.0.method != Method::Post {
        return ask;
    }
    KEYS.set(KEYS.get() + 1);
    ask.header("idempotency-key", &format!("key-{}", KEYS.get()))
}

/// The same request once more.
pub(crate) fn again(ask: &Ask) -> Ask {
    let mut copy = Ask::new(ask.0.method, "/");
    copy.0 = ask.0.clone();
    copy
}

/// A request to pay 19.99 euros, with these fields on top.
pub(crate) fn pay(fields: &Value) -> Ask {
    let mut body = json!({
        "amount": {"amount": 1999, "currency": "EUR"},
        "reference": "order 1",
        "payment_method": "tok_approved",
        "confirm": true,
    });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    ask(Method::Post, "/payments").json(&body)
}

/// A payment that was made so.
pub(crate) fn paid(fields: &Value) -> Value {
    pay(fields).body()
}

/// The path of something about a payment.
pub(crate) fn path(payment: &Value, rest: &str) -> String {
    format!("/payments/{}{rest}", payment["id"].as_str().unwrap())
}

/// A payment as it is now.
pub(crate) fn shown(payment: &Value) -> Value {
    admin(Method::Get, &path(payment, "")).body()
}

//! A payment as it is stored and shown, and the draft of one that a client
//! sends.

use serde::Serialize;
use stoa_domain::Money;
use stoa_kit::attributes::Attributes;
use stoa_kit::{Form, Id, Problem, Response, Timestamp};

use crate::fields::{Amount, CaptureMethod, ProcessorName, Reference, Token};
use crate::peers;
use crate::state::State;

/// A payment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Payment {
    pub(crate) id: Id,
    /// Whose it is.
    pub(crate) account: String,
    pub(crate) reference: String,
    pub(crate) amount: Money,
    pub(crate) capture: CaptureMethod,
    /// Whom it goes through.
    pub(crate) processor: String,
    /// The processor's token for the means of payment.
    pub(crate) method: Option<String>,
    pub(crate) state: State,
    /// The processor's id of it, once there is one.
    pub(crate) charge: Option<String>,
    pub(crate) balances: Balances,
    /// What came of the last try that failed.
    pub(crate) failure: Option<Failure>,
    /// What the customer has to do.
    pub(crate) action: Option<Action>,
    /// Why it was canceled.
    pub(crate) reason: Option<String>,
    pub(crate) metadata: Attributes,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) version: i64,
}

/// What the ledger adds up to, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Balances {
    /// Held now.
    pub(crate) held: i64,
    /// Ever taken.
    pub(crate) captured: i64,
    /// Of it, on its way back.
    pub(crate) refunding: i64,
    /// Of it, given back.
    pub(crate) refunded: i64,
}

impl Balances {
    /// What can still be given back.
    pub(crate) fn refundable(self) -> i64 {
        self.captured - self.refunding - self.refunded
    }
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// What a customer has to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Action {
    /// A page to visit.
    Url { url: String },
    /// What the processor's script needs.
    Data { data: String },
}

impl Payment {
    /// Whether it has ended. Refunds may still come.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.state, State::Succeeded | State::Canceled)
    }

    /// 200 with the payment, 202 while the processor is at it.
    pub(crate) fn into_response(self) -> Result<Response, Problem> {
        let body = self.view();
        let response = if self.state == State::Processing {
            Response::accepted(&body)?
        } else {
            Response::json(&body)?
        };
        Ok(response.etag(self.version).private())
    }

    /// 201 with the new payment, 202 while the processor is at it.
    pub(crate) fn into_created(self) -> Result<Response, Problem> {
        let location = format!("/payments/{}", self.id);
        let mut response = Response::created(&location, &self.view())?;
        if self.state == State::Processing {
            response.status = 202;
        }
        Ok(response.etag(self.version).private())
    }

    /// The payment as it is shown.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            id: self.id,
            status: self.state,
            amount: self.amount,
            amount_capturable: self.balances.held,
            amount_captured: self.balances.captured,
            amount_refunding: self.balances.refunding,
            amount_refunded: self.balances.refunded,
            reference: &self.reference,
            account: &self.account,
            capture_method: self.capture,
            processor: &self.processor,
            payment_method: self.method.as_deref(),
            next_action: self.action.as_ref(),
            last_error: self.failure.as_ref(),
            cancellation_reason: self.reason.as_deref(),
            metadata: &self.metadata,
            created: self.created,
            updated: self.updated,
            version: self.version,
        }
    }
}

/// A payment, with its fields in the order in which they are shown.
#[derive(Debug, Serialize)]
pub(crate) struct View<'a> {
    id: Id,
    status: State,
    amount: Money,
    amount_capturable: i64,
    amount_captured: i64,
    amount_refunding: i64,
    amount_refunded: i64,
    reference: &'a str,
    account: &'a str,
    capture_method: CaptureMethod,
    processor: &'a str,
    payment_method: Option<&'a str>,
    next_action: Option<&'a Action>,
    last_error: Option<&'a Failure>,
    cancellation_reason: Option<&'a str>,
    metadata: &'a Attributes,
    created: Timestamp,
    updated: Timestamp,
    version: i64,
}

/// A new payment, as a client sends it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    pub(crate) amount: Money,
    pub(crate) reference: String,
    pub(crate) capture: CaptureMethod,
    pub(crate) processor: String,
    pub(crate) method: Option<String>,
    pub(crate) confirm: bool,
    pub(crate) metadata: Attributes,
}

impl Draft {
    /// Errors: `invalid` (422) with one entry for each field that is wrong.
    pub(crate) fn read(mut form: Form) -> Result<Self, Problem> {
        let amount: Option<Amount> = form.required("amount");
        let reference: Option<Reference> = form.required("reference");
        let capture = form.or("capture_method", CaptureMethod::Automatic);
        let processor = form.optional::<ProcessorName>("processor");
        let method = form.optional::<Token>("payment_method");
        let confirm = form.or("confirm", false);
        let metadata = form.or("metadata", Attributes::default());
        if confirm == Some(true) && method == Some(None) {
            let message = "is required where the payment is to be confirmed";
            form.refuse("payment_method", "required", message);
        }
        let processors = peers::processors();
        let processor = match processor {
            Some(None) => processors.into_iter().next(),
            Some(Some(name)) if processors.contains(&name.0) => Some(name.0),
            Some(Some(_)) => {
                let message = format!("must be one of: {}", processors.join(", "));
                form.refuse("processor", "value", &message);
                None
            }
            None => None,
        };
        form.complete(|| {
            Some(Self {
                amount: amount?.0,
                reference: reference?.0,
                capture: capture?,
                processor: processor?,
                method: method?.map(|token| token.0),
                confirm: confirm?,
                metadata: metadata?,
            })
        })
    }
}

/// 404, for what is not there and for what is somebody else's.
pub(crate) fn not_found() -> Problem {
    Problem::not_found("There is no payment with this id.")
}

/// 409: the payment is in a state in which that cannot be done.
pub(crate) fn illegal_state(payment: &Payment, what: &str) -> Problem {
    Problem::conflict(
        "illegal_state",
        format!(
            "A payment that is {} cannot be {what}.",
            payment.state.name()
        ),
    )
}

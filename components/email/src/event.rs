//! What happened, and the mail that it leads to. Only here is known what other
//! services say in their events.

use serde::Deserialize;
use serde_json::{Value, json};
use stoa_domain::{Email, Money};
use stoa_kit::Field as _;
use stoa_kit::form::Errors;

use crate::bindings::stoa::events::types::Event;
use crate::template::Template;
use crate::{payment, salutation};

/// A mail that an event leads to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) template: Template,
    /// The id of the account that it is about.
    pub(crate) account: Option<String>,
    /// Where it goes; `None`: to the account's address.
    pub(crate) recipient: Option<Email>,
    /// The id of its one-time token.
    pub(crate) token: Option<String>,
    /// What the template needs.
    pub(crate) data: Value,
}

/// An event that is about a mail and cannot be understood. Another time will
/// not do better.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unreadable {
    pub(crate) template: Template,
    /// For people, without what the event says of anybody.
    pub(crate) why: String,
}

/// The mail that an event leads to; `None` where it leads to none.
pub(crate) fn read(event: &Event) -> Result<Option<Wanted>, Unreadable> {
    let Some((template, read)) = reader(&event.type_) else {
        return Ok(None);
    };
    read(template, event).map_err(|why| Unreadable { template, why })
}

type Read = fn(Template, &Event) -> Result<Option<Wanted>, String>;

/// Which mail a type of event is about, and how it is read.
fn reader(kind: &str) -> Option<(Template, Read)> {
    Some(match kind {
        "email.verify_requested" => (Template::Verify, with_token),
        "email.change_requested" => (Template::ConfirmAddress, with_token),
        "password.reset_requested" => (Template::Reset, with_token),
        "account.signup_repeated" => (Template::SignupRepeated, with_token),
        "password.changed" => (Template::PasswordChanged, password_changed),
        "account.updated" => (Template::AddressChanged, address_changed),
        "account.deleted" => (Template::AccountDeleted, account_deleted),
        "payment.succeeded" => (Template::Receipt, about_payment),
        "payment.failed" => (Template::PaymentFailed, about_payment),
        "payment.refunded" => (Template::Refund, about_payment),
        _ => return None,
    })
}

fn with_token(template: Template, event: &Event) -> Result<Option<Wanted>, String> {
    #[derive(Deserialize)]
    struct Data {
        email: String,
        name: String,
        token_id: String,
        /// Whether the link sets a password as well: that of a second sign-up.
        #[serde(default)]
        replaces_password: bool,
    }
    let data: Data = data(event)?;
    let mut wanted = to_person(template, event, &data.email, &data.name)?;
    wanted.token = Some(data.token_id);
    wanted.data["replaces_password"] = data.replaces_password.into();
    Ok(Some(wanted))
}

fn password_changed(template: Template, event: &Event) -> Result<Option<Wanted>, String> {
    #[derive(Deserialize)]
    struct Data {
        email: String,
        name: String,
    }
    let data: Data = data(event)?;
    to_person(template, event, &data.email, &data.name).map(Some)
}

/// Only a change of the address is told, and to the old one: whoever has taken
/// the account reads the mail at the new one.
fn address_changed(template: Template, event: &Event) -> Result<Option<Wanted>, String> {
    #[derive(Deserialize)]
    struct Data {
        previous_email: Option<String>,
    }
    let data: Data = data(event)?;
    let email = data.previous_email;
    email
        .map(|email| to_person(template, event, &email, ""))
        .transpose()
}

fn account_deleted(template: Template, event: &Event) -> Result<Option<Wanted>, String> {
    #[derive(Deserialize)]
    struct Data {
        email: String,
    }
    let data: Data = data(event)?;
    to_person(template, event, &data.email, "").map(Some)
}

fn about_payment(template: Template, event: &Event) -> Result<Option<Wanted>, String> {
    #[derive(Deserialize)]
    struct Data {
        account: Option<String>,
        email: Option<String>,
        reference: String,
        amount: Value,
        reason: Option<String>,
    }
    let data: Data = data(event)?;
    if data.email.is_none() && data.account.is_none() {
        return Err("neither email nor account".to_owned());
    }
    let amount = Money::read(&data.amount, &mut Errors::default()).ok_or("amount is no money")?;
    Ok(Some(Wanted {
        template,
        account: data.account,
        recipient: data.email.as_deref().map(address).transpose()?,
        token: None,
        data: json!({
            "name": "",
            "reference": payment::reference(&data.reference),
            "amount": amount.to_string(),
            "explanation": data.reason.as_deref().and_then(payment::explain),
        }),
    }))
}

/// A mail about the account that is the event's subject.
fn to_person(template: Template, event: &Event, email: &str, name: &str) -> Result<Wanted, String> {
    Ok(Wanted {
        template,
        account: Some(event.subject.clone()),
        recipient: Some(address(email)?),
        token: None,
        data: json!({"name": salutation::of(name)}),
    })
}

/// The data of an event. Fields that are not known here are for others.
fn data<'a, T: Deserialize<'a>>(event: &'a Event) -> Result<T, String> {
    serde_json::from_str(&event.data).map_err(|error| {
        // What serde says of a wrong type has the value in it.
        format!(
            "line {}, column {} of the data",
            error.line(),
            error.column()
        )
    })
}

fn address(text: &str) -> Result<Email, String> {
    Email::parse(text).map_err(|(_, what)| format!("the address {what}"))
}

#[cfg(test)]
mod tests;

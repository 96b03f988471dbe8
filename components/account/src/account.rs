//! An account as it is stored and shown, and the draft of one that a client
//! sends.

use serde::Serialize;
use serde_json::{Value, json};
use stoa_domain::{Email, Name};
use stoa_kit::attributes::Attributes;
use stoa_kit::{Field, Form, Id, Problem, Role, Timestamp, merge};

use crate::caller::Caller;
use crate::fields::{Roles, Verified};

/// An account, with its fields in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Account {
    pub(crate) id: Id,
    pub(crate) email: Email,
    pub(crate) email_verified: Verified,
    pub(crate) name: Name,
    pub(crate) roles: Roles,
    pub(crate) metadata: Attributes,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) version: i64,
}

/// What clients may write. All of it is for administrators; owners write their
/// name and metadata.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    pub(crate) email: Email,
    pub(crate) email_verified: Verified,
    pub(crate) name: Name,
    pub(crate) roles: Roles,
    pub(crate) metadata: Attributes,
}

/// How an address comes to be another one, for owners.
const CONFIRMED: &str = "is changed by confirming the new address: leave it out";

impl Draft {
    /// An account of a customer who has shown nothing yet.
    pub(crate) fn new(email: Email, name: Name) -> Self {
        Self {
            email,
            email_verified: Verified::default(),
            name,
            roles: Roles::default(),
            metadata: Attributes::default(),
        }
    }

    /// What an account is now.
    pub(crate) fn of(account: &Account) -> Self {
        Self {
            email: account.email.clone(),
            email_verified: account.email_verified,
            name: account.name.clone(),
            roles: account.roles,
            metadata: account.metadata.clone(),
        }
    }

    /// Reads a new account; fields left out or null take their defaults.
    ///
    /// Errors: `invalid` (422) with one entry for each field that is wrong;
    /// its code is `read_only` for fields only the server sets.
    pub(crate) fn read(body: Value) -> Result<Self, Problem> {
        let mut form = Form::of_resource(body)?;
        let email = form.required("email");
        let email_verified = form.or("email_verified", Verified::default());
        let name = form.or("name", Name::default());
        let roles = form.or("roles", Roles::default());
        let metadata = form.or("metadata", Attributes::default());
        form.complete(|| {
            Some(Self {
                email: email?,
                email_verified: email_verified?,
                name: name?,
                roles: roles?,
                metadata: metadata?,
            })
        })
    }

    /// Reads what takes the place of an account. What is left out or null takes
    /// its default, except that roles stay; and that of what only
    /// administrators write, an owner may leave out all.
    ///
    /// Errors: those of [`Draft::read`]; `read_only` also where an owner sends
    /// what he may not write and it is not what is there; `self` for an
    /// administrator who would be none afterwards.
    pub(crate) fn replacing(
        account: &Account,
        caller: Caller,
        body: Value,
    ) -> Result<Self, Problem> {
        Self::fields(Form::of_resource(body)?, account, caller)
    }

    /// Reads what an account becomes by a merge patch (RFC 7396). Null resets
    /// a field to its default.
    ///
    /// Errors: those of [`Draft::replacing`], about the merged document.
    pub(crate) fn merged(
        account: &Account,
        caller: Caller,
        patch: &Value,
    ) -> Result<Self, Problem> {
        let mut document = merge::document(account, patch)?;
        if let Value::Object(document) = &mut document {
            // Left out, these would stay as they are.
            for (name, default) in [
                ("email_verified", json!(Verified::default())),
                ("roles", json!(Roles::default())),
            ] {
                if patch.get(name).is_some_and(Value::is_null) {
                    document.insert(name.to_owned(), default);
                }
            }
            // What was shown is shown of the address as it was.
            if caller.is_admin && patch.get("email_verified").is_none() {
                document.remove("email_verified");
            }
        }
        let mut form = Form::of_resource(document)?;
        if !caller.is_admin && patch.get("email").is_some_and(Value::is_null) {
            form.refuse("email", "read_only", CONFIRMED);
        }
        Self::fields(form, account, caller)
    }

    fn fields(mut form: Form, account: &Account, caller: Caller) -> Result<Self, Problem> {
        let (email, email_verified, roles) = if caller.is_admin {
            let email: Option<Email> = form.required("email");
            let verified = form.optional("email_verified");
            let roles = form.or("roles", account.roles);
            let resigns = |roles: Roles| account.roles.has(Role::Admin) && !roles.has(Role::Admin);
            if caller.is_owner && roles.is_some_and(resigns) {
                let message = "must keep admin: nobody takes it away from himself, others may";
                form.refuse("roles", "self", message);
            }
            let still = email
                .as_ref()
                .is_some_and(|email| account.email_verified.0 && email.is_same_as(&account.email));
            let verified = verified.map(|given| given.unwrap_or(Verified(still)));
            (email, verified, roles)
        } else {
            (
                kept(&mut form, "email", &account.email, CONFIRMED),
                kept(
                    &mut form,
                    "email_verified",
                    &account.email_verified,
                    "is set by confirming the address: leave it out",
                ),
                kept(
                    &mut form,
                    "roles",
                    &account.roles,
                    "are given by administrators: leave them out",
                ),
            )
        };
        let name = form.or("name", Name::default());
        let metadata = form.or("metadata", Attributes::default());
        form.complete(|| {
            Some(Self {
                email: email?,
                email_verified: email_verified?,
                name: name?,
                roles: roles?,
                metadata: metadata?,
            })
        })
    }
}

/// Takes a field that may be sent and not be changed.
fn kept<T: Field + Clone + PartialEq>(
    form: &mut Form,
    name: &str,
    stored: &T,
    message: &str,
) -> Option<T> {
    let given = form.or(name, stored.clone())?;
    if given == *stored {
        Some(given)
    } else {
        form.refuse(name, "read_only", message);
        None
    }
}

/// The id in a path.
///
/// Errors: `not_found` (404) for anything that is no UUID.
pub(crate) fn parse_id(id: &str) -> Result<Id, Problem> {
    Id::parse(id, "account")
}

/// 404, in the words of [`parse_id`].
pub(crate) fn not_found() -> Problem {
    Problem::not_found("There is no account with this id.")
}

#[cfg(test)]
mod tests;

//! The directory: what other services ask (see `wit/stoa-accounts`).

use stoa_domain::{Email, Name};
use stoa_kit::request::Condition;
use stoa_kit::{Id, Problem, Role, Timestamp};

use crate::account::{Account, Draft};
use crate::bindings::exports::stoa::accounts::directory::{
    Account as Entry, Error, Guest, RpcError,
};
use crate::fields::Verified;
use crate::{change, queries};

impl Guest for crate::Account {
    fn create(id: String, email: String, name: String) -> Result<Result<Entry, Error>, RpcError> {
        Ok(create(&id, &email, name).map(Entry::from))
    }

    fn find(id: String) -> Result<Result<Option<Entry>, Error>, RpcError> {
        Ok(find(&id).map(|found| found.map(Entry::from)))
    }

    fn find_by_email(email: String) -> Result<Result<Option<Entry>, Error>, RpcError> {
        Ok(find_by_email(&email).map(|found| found.map(Entry::from)))
    }

    fn verify_email(id: String, email: String) -> Result<Result<Option<Entry>, Error>, RpcError> {
        Ok(verify_email(&id, &email).map(|found| found.map(Entry::from)))
    }

    fn change_email(id: String, email: String) -> Result<Result<Option<Entry>, Error>, RpcError> {
        Ok(change_email(&id, &email).map(|found| found.map(Entry::from)))
    }

    fn grant(id: String, role: Role) -> Result<Result<Option<Entry>, Error>, RpcError> {
        Ok(grant(&id, role).map(|found| found.map(Entry::from)))
    }
}

/// Stores an account, or finds the one that the same call stored before.
fn create(id: &str, email: &str, name: String) -> Result<Account, Error> {
    let id = parse(id)
        .filter(|id| id.is_v7())
        .ok_or_else(|| Error::Invalid("id: must be a UUIDv7".to_owned()))?;
    let email = address(email)?;
    let name = Name::parse(name).map_err(|reason| Error::Invalid(format!("name: {reason}")))?;
    let error = match queries::insert(id, &Draft::new(email.clone(), name), Timestamp::now()) {
        Ok(account) => return Ok(account),
        Err(error) if error.violated().is_some() => error,
        Err(error) => return Err(Problem::from(error).into()),
    };
    match queries::find(id)? {
        Some(account) if account.email.is_same_as(&email) => Ok(account),
        Some(_) => Err(taken_id()),
        None => match queries::refused(error) {
            problem if problem.code() == "email_taken" => Err(Error::EmailTaken),
            _ => Err(taken_id()),
        },
    }
}

fn find(id: &str) -> Result<Option<Account>, Error> {
    match parse(id) {
        Some(id) => Ok(queries::find(id)?),
        None => Ok(None),
    }
}

fn find_by_email(email: &str) -> Result<Option<Account>, Error> {
    match Email::parse(email) {
        Ok(email) => Ok(queries::find_by_email(&email)?),
        Err(_) => Ok(None),
    }
}

/// Verified is an address, not an account: one that was changed in between is
/// not.
fn verify_email(id: &str, email: &str) -> Result<Option<Account>, Error> {
    let (Some(id), Ok(email)) = (parse(id), Email::parse(email)) else {
        return Ok(None);
    };
    let account = change::to(id, Condition::Any, |account| {
        let mut draft = Draft::of(account);
        if account.email.is_same_as(&email) {
            draft.email_verified = Verified(true);
        }
        Ok(draft)
    })?;
    Ok(account.filter(|account| account.email.is_same_as(&email)))
}

/// The address comes with its proof, so it is verified from the start.
fn change_email(id: &str, email: &str) -> Result<Option<Account>, Error> {
    let Some(id) = parse(id) else {
        return Ok(None);
    };
    let email = address(email)?;
    let changed = change::to(id, Condition::Any, |account| {
        Ok(Draft {
            email: email.clone(),
            email_verified: Verified(true),
            ..Draft::of(account)
        })
    });
    match changed {
        Err(problem) if problem.code() == "email_taken" => Err(Error::EmailTaken),
        other => Ok(other?),
    }
}

fn grant(id: &str, role: Role) -> Result<Option<Account>, Error> {
    let Some(id) = parse(id) else {
        return Ok(None);
    };
    let account = change::to(id, Condition::Any, |account| {
        let mut draft = Draft::of(account);
        draft.roles = draft.roles.and(role);
        Ok(draft)
    })?;
    Ok(account)
}

fn parse(id: &str) -> Option<Id> {
    Id::parse(id, "account").ok()
}

fn address(text: &str) -> Result<Email, Error> {
    Email::parse(text).map_err(|(_, reason)| Error::Invalid(format!("email: {reason}")))
}

fn taken_id() -> Error {
    Error::Invalid("id: is another account's, make a new one".to_owned())
}

impl From<Account> for Entry {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.to_string(),
            email: account.email.as_str().to_owned(),
            email_verified: account.email_verified.0,
            name: account.name.0,
            roles: account.roles.list(),
            created: account.created.0,
            version: u64::try_from(account.version).unwrap_or_default(),
        }
    }
}

/// What goes wrong below is never the caller's doing: arguments are checked
/// before, and taken addresses are dealt with.
impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        problem.log("directory");
        Self::Unavailable(problem.detail().to_owned())
    }
}

#[cfg(test)]
mod tests;

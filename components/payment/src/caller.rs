//! Who asks for a payment.

use stoa_kit::{Id, Problem, Request};

use crate::payment::{Payment, not_found};

/// Whoever is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) is_admin: bool,
}

impl Caller {
    /// Errors: `unauthorized` (401).
    pub(crate) fn of(request: &Request) -> Result<Self, Problem> {
        let identity = request
            .identity()
            .ok_or_else(|| Problem::unauthorized("This needs an access token."))?;
        Ok(Self {
            account: identity.account_id.clone(),
            is_admin: request.is_admin(),
        })
    }

    /// The payment, for its owner and for administrators. For others nothing
    /// tells whether there is such a payment.
    ///
    /// Errors: `not_found` (404).
    pub(crate) fn admit(&self, payment: Option<Payment>) -> Result<Payment, Problem> {
        payment
            .filter(|payment| self.is_admin || payment.account == self.account)
            .ok_or_else(not_found)
    }

    /// Lets administrators pass: what a customer could harm the shop with.
    ///
    /// Errors: `forbidden` (403).
    pub(crate) fn require_admin(&self) -> Result<(), Problem> {
        if self.is_admin {
            Ok(())
        } else {
            Err(Problem::forbidden("This needs an administrator."))
        }
    }
}

/// The id in a path.
///
/// Errors: `not_found` (404) for anything that is no UUID.
pub(crate) fn parse_id(id: &str) -> Result<Id, Problem> {
    Id::parse(id, "payment")
}

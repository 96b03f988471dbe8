//! The ledger: what moved, and whether it adds up to what payments say.
//!
//! Every entry takes from one account what it gives to another, so that all of
//! them together are always nothing. Balances of payments are derived from the
//! entries; that they are is checked again and again.

use stoa_kit::Id;

use crate::payment::Balances;

/// Where money can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// With the customer.
    Customer,
    /// Held for the shop.
    Held,
    /// With the shop.
    Shop,
    /// On its way back.
    Refunding,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Authorized,
    Captured,
    Released,
    RefundPending,
    Refunded,
    RefundFailed,
    /// It had reached the customer, and came back.
    RefundReturned,
    /// Something was refused; nothing moved.
    Failed,
    /// It was given up; what was held is released by an entry of its own.
    Canceled,
}

impl Account {
    /// As it is stored and shown.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Held => "held",
            Self::Shop => "shop",
            Self::Refunding => "refunding",
        }
    }
}

impl Kind {
    /// As it is stored and shown.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Released => "released",
            Self::RefundPending => "refund_pending",
            Self::Refunded => "refunded",
            Self::RefundFailed => "refund_failed",
            Self::RefundReturned => "refund_returned",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// From where to where it moves money.
    pub(crate) fn way(self) -> (Account, Account) {
        match self {
            Self::Authorized => (Account::Customer, Account::Held),
            Self::Captured => (Account::Held, Account::Shop),
            Self::Released => (Account::Held, Account::Customer),
            Self::RefundPending => (Account::Shop, Account::Refunding),
            Self::Refunded => (Account::Refunding, Account::Customer),
            Self::RefundFailed => (Account::Refunding, Account::Shop),
            Self::RefundReturned => (Account::Customer, Account::Shop),
            Self::Failed | Self::Canceled => (Account::Customer, Account::Customer),
        }
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// In minor units.
    pub(crate) amount: i64,
    /// The refund it is about.
    pub(crate) refund: Option<Id>,
    /// Why.
    pub(crate) code: Option<String>,
}

impl Entry {
    pub(crate) fn new(kind: Kind, amount: i64) -> Self {
        Self {
            kind,
            amount,
            refund: None,
            code: None,
        }
    }

    /// That nothing moved, and why.
    pub(crate) fn note(kind: Kind, code: Option<&str>) -> Self {
        Self {
            code: code.map(str::to_owned),
            ..Self::new(kind, 0)
        }
    }

    pub(crate) fn of_refund(self, refund: Id) -> Self {
        Self {
            refund: Some(refund),
            ..self
        }
    }
}

/// What the entries of a payment add up to, by account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) customer: i64,
    pub(crate) held: i64,
    pub(crate) shop: i64,
    pub(crate) refunding: i64,
    /// All that was ever captured.
    pub(crate) captured: i64,
}

/// What does not agree, in words for the log; nothing, where all does.
pub(crate) fn differences(amount: i64, balances: Balances, sums: Sums) -> Vec<String> {
    let Balances {
        held,
        captured,
        refunding,
        refunded,
    } = balances;
    let mut differences = Vec::new();
    for (what, stored, derived) in [
        (
            "all accounts together",
            0,
            sums.customer + sums.held + sums.shop + sums.refunding,
        ),
        ("held", held, sums.held),
        ("captured", captured, sums.captured),
        ("refunding", refunding, sums.refunding),
        ("kept by the shop", balances.refundable(), sums.shop),
        (
            "paid by the customer",
            held + captured - refunded,
            -sums.customer,
        ),
    ] {
        if stored != derived {
            differences.push(format!(
                "{what}: {stored} is stored, the ledger says {derived}"
            ));
        }
    }
    if [held, captured, refunding, refunded, balances.refundable()]
        .iter()
        .any(|balance| *balance < 0)
        || held + captured > amount
    {
        differences.push(format!("out of bounds: {balances:?} of {amount}"));
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Kind; 8] = [
        Kind::Authorized,
        Kind::Captured,
        Kind::Released,
        Kind::RefundPending,
        Kind::Refunded,
        Kind::RefundFailed,
        Kind::Failed,
        Kind::Canceled,
    ];

    fn add(entries: &[(Kind, i64)]) -> Sums {
        let mut sums = Sums::default();
        for (kind, amount) in entries {
            let (from, to) = kind.way();
            for (account, amount) in [(from, -amount), (to, *amount)] {
                match account {
                    Account::Customer => sums.customer += amount,
                    Account::Held => sums.held += amount,
                    Account::Shop => sums.shop += amount,
                    Account::Refunding => sums.refunding += amount,
                }
            }
            if *kind == Kind::Captured {
                sums.captured += amount;
            }
        }
        sums
    }

    #[test]
    fn whatever_happens_all_accounts_together_are_nothing() {
        for kind in ALL {
            let sums = add(&[(kind, 7)]);
            assert_eq!(
                sums.customer + sums.held + sums.shop + sums.refunding,
                0,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_life_of_a_payment_agrees() {
        let entries = [
            (Kind::Failed, 0),
            (Kind::Authorized, 100),
            (Kind::Captured, 80),
            (Kind::Released, 20),
            (Kind::RefundPending, 30),
            (Kind::Refunded, 30),
            (Kind::RefundPending, 10),
            (Kind::RefundPending, 5),
            (Kind::RefundFailed, 5),
        ];
        let balances = Balances {
            held: 0,
            captured: 80,
            refunding: 10,
            refunded: 30,
        };
        assert_eq!(differences(100, balances, add(&entries)), [""; 0]);
        assert_eq!(balances.refundable(), 40);
    }

    #[test]
    fn every_difference_is_found() {
        let sums = add(&[(Kind::Authorized, 100), (Kind::Captured, 100)]);
        let right = Balances {
            captured: 100,
            ..Balances::default()
        };
        assert!(differences(100, right, sums).is_empty());
        for wrong in [
            Balances { held: 1, ..right },
            Balances {
                captured: 99,
                ..right
            },
            Balances {
                refunding: 1,
                ..right
            },
            Balances {
                refunded: 1,
                ..right
            },
        ] {
            assert!(!differences(100, wrong, sums).is_empty(), "{wrong:?}");
        }
        assert!(
            !differences(99, right, sums).is_empty(),
            "more than was due"
        );
        let lost = Sums {
            customer: -99,
            ..sums
        };
        assert!(!differences(100, right, lost).is_empty(), "out of nothing");
        let twice = add(&[(Kind::RefundPending, 5), (Kind::Refunded, 5)]);
        let negative = Balances {
            refunded: 5,
            ..Balances::default()
        };
        assert!(
            !differences(100, negative, twice).is_empty(),
            "back what never came"
        );
    }
}

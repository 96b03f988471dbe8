//! Amounts of money: integers of the minor unit, never fractions.

use serde::Serialize;
use serde_json::Value;
use stoa_kit::form::{self, Errors};
use stoa_kit::{Field, Form};

use crate::Currency;

/// An amount of 0 to [`Money::MAX_AMOUNT`] minor units; JSON is
/// `{"amount": 1999, "currency": "EUR"}` for 19.99 euros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Money {
    amount: i64,
    currency: Currency,
}

impl Money {
    /// The largest amount, in minor units. A million of them can be added up
    /// without leaving `i64`, and each is exact in a double.
    pub const MAX_AMOUNT: i64 = 1_000_000_000_000;

    /// `None` when the amount is negative or too large.
    pub fn new(amount: i64, currency: Currency) -> Option<Self> {
        (0..=Self::MAX_AMOUNT)
            .contains(&amount)
            .then_some(Self { amount, currency })
    }

    /// The amount in minor units.
    pub fn amount(self) -> i64 {
        self.amount
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }
}

impl std::fmt::Display for Money {
    /// The amount in major units and the code: `19.99 EUR`, `500 JPY`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = usize::from(self.currency.exponent());
        let unit = 10_i64.pow(self.currency.exponent().into());
        write!(formatter, "{}", self.amount / unit)?;
        if digits > 0 {
            write!(formatter, ".{:0digits$}", self.amount % unit)?;
        }
        write!(formatter, " {}", self.currency)
    }
}

struct Amount(i64);

impl Field for Amount {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        form::integer(value, 0, Money::MAX_AMOUNT, errors).map(Self)
    }
}

impl Field for Money {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        Form::nested(value, errors, |form| {
            let amount = form.required::<Amount>("amount");
            let currency = form.required("currency");
            Self::new(amount?.0, currency?)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stoa_kit::problem::Place;

    use super::*;

    fn money(amount: i64, code: &str) -> Money {
        Money::new(amount, Currency::parse(code).unwrap()).unwrap()
    }

    #[test]
    fn an_amount_is_within_its_bounds() {
        let euro = Currency::parse("EUR").unwrap();
        assert!(Money::new(0, euro).is_some());
        assert!(Money::new(Money::MAX_AMOUNT, euro).is_some());
        assert!(Money::new(-1, euro).is_none());
        assert!(Money::new(Money::MAX_AMOUNT + 1, euro).is_none());
    }

    #[test]
    fn money_reads_as_people_write_it() {
        assert_eq!(money(1999, "EUR").to_string(), "19.99 EUR");
        assert_eq!(money(5, "EUR").to_string(), "0.05 EUR");
        assert_eq!(money(500, "JPY").to_string(), "500 JPY");
        assert_eq!(money(1, "KWD").to_string(), "0.001 KWD");
    }

    #[test]
    fn every_part_that_is_wrong_is_named() {
        let mut errors = Errors::default();
        let value = json!({"amount": -1, "currency": "EURO", "tax": 1});
        assert!(Money::read(&value, &mut errors).is_none());
        let found: Vec<_> = errors
            .into_list()
            .into_iter()
            .map(|error| (error.place, error.code))
            .collect();
        let at = |pointer: &str| Place::Pointer(pointer.to_owned());
        assert_eq!(
            found,
            [
                (at("/amount"), "range"),
                (at("/currency"), "currency"),
                (at("/tax"), "unknown"),
            ]
        );
    }

    #[test]
    fn money_survives_json() {
        let price = money(1999, "EUR");
        let json = serde_json::to_value(price).unwrap();
        assert_eq!(json, json!({"amount": 1999, "currency": "EUR"}));
        assert_eq!(Money::read(&json, &mut Errors::default()), Some(price));
    }
}

//! Amounts as Stripe counts them: in minor units as well, but not always those
//! of ISO 4217 (docs.stripe.com/currencies, "special cases").

use stoa_domain::Currency;

/// The decimal digits of Stripe's unit, where they are not those of ISO 4217.
const DIFFERENT: [(&str, u8); 3] = [("ISK", 2), ("MGA", 0), ("UGX", 2)];

/// An amount in minor units of ISO 4217 in Stripe's. `None` for one that Stripe
/// cannot express.
pub(crate) fn to_stripe(amount: i64, currency: &str) -> Option<i64> {
    let (ours, theirs) = digits(currency)?;
    let amount = scale(amount, ours, theirs)?;
    // The last of three digits is always 0.
    (ours != 3 || amount % 10 == 0).then_some(amount)
}

/// An amount of Stripe's in minor units of ISO 4217.
pub(crate) fn from_stripe(amount: i64, currency: &str) -> Option<i64> {
    let (ours, theirs) = digits(currency)?;
    scale(amount, theirs, ours)
}

fn digits(currency: &str) -> Option<(u8, u8)> {
    let currency = Currency::parse(&currency.to_ascii_uppercase())?;
    let ours = currency.exponent();
    let other = DIFFERENT.iter().find(|(code, _)| *code == currency.code());
    Some((ours, other.map_or(ours, |(_, digits)| *digits)))
}

fn scale(amount: i64, from: u8, to: u8) -> Option<i64> {
    if to >= from {
        amount.checked_mul(10_i64.checked_pow((to - from).into())?)
    } else {
        let unit = 10_i64.checked_pow((from - to).into())?;
        (amount % unit == 0).then(|| amount / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_those_of_iso_4217_with_three_exceptions() {
        for (amount, currency, stripe) in [
            (1999, "EUR", Some(1999)),
            (500, "JPY", Some(500)),
            (500, "ISK", Some(50_000)),
            (500, "UGX", Some(50_000)),
            (500, "MGA", Some(5)),
            (550, "MGA", None),
            (1_230, "KWD", Some(1_230)),
            (1_234, "KWD", None),
            (1, "XXX", None),
            (i64::MAX, "ISK", None),
        ] {
            assert_eq!(to_stripe(amount, currency), stripe, "{amount} {currency}");
            if let Some(stripe) = stripe {
                let lower = currency.to_lowercase();
                assert_eq!(from_stripe(stripe, &lower), Some(amount));
            }
        }
    }
}

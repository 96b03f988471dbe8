//! Currencies: the alphabetic codes of ISO 4217.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use stoa_kit::Field;
use stoa_kit::form::{Errors, wrong_type};

/// A currency in which a price can be: an active code of ISO 4217 (list one,
/// up to amendment 180) that has a minor unit. Metals, drawing rights and the
/// codes for testing have none, so they are not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency {
    code: &'static str,
    exponent: u8,
}

/// The codes by the exponent of their minor unit: 2 for EUR, as 100 cents are
/// one euro.
const BY_EXPONENT: [(u8, &[&str]); 4] = [
    (
        0,
        &[
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
            "VND", "VUV", "XAF", "XOF", "XPF",
        ],
    ),
    (
        2,
        &[
            "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT",
            "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF",
            "CHE", "CHF", "CHW", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP",
            "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD",
            "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES",
            "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL",
            "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR",
            "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR",
            "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP",
            "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP",
            "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "UYU", "UZS", "VED", "VES", "WST",
            "XAD", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (4, &["CLF", "UYW"]),
];

impl Currency {
    /// The currency with this code, in upper case as the standard writes it.
    pub fn parse(code: &str) -> Option<Self> {
        BY_EXPONENT.iter().find_map(|(exponent, codes)| {
            let at = codes.binary_search(&code).ok()?;
            Some(Self {
                code: codes.get(at)?,
                exponent: *exponent,
            })
        })
    }

    /// The alphabetic code: `EUR`.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// How many decimal digits the minor unit is: 2 for EUR, 0 for JPY, 3 for
    /// KWD.
    pub fn exponent(self) -> u8 {
        self.exponent
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| de::Error::custom(format!("{code} is no currency")))
    }
}

impl Field for Currency {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let Value::String(code) = value else {
            return wrong_type(value, "a string", errors);
        };
        Self::parse(code).or_else(|| {
            errors.refuse(
                "currency",
                "must be a current ISO 4217 code in upper case, such as EUR",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_list_is_found_with_its_exponent() {
        let mut count = 0;
        for (exponent, codes) in BY_EXPONENT {
            assert!(codes.is_sorted(), "binary search needs order: {codes:?}");
            for code in codes {
                let currency = Currency::parse(code).unwrap();
                assert_eq!((currency.code(), currency.exponent()), (*code, exponent));
                assert!(code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()));
                count += 1;
            }
        }
        // No code is listed twice: each was found under its own exponent.
        assert_eq!(count, 17 + 139 + 7 + 2);
    }

    #[test]
    fn what_is_not_current_money_is_no_currency() {
        for code in [
            "", "eur", "EU", "EURO", "XYZ", "DEM", "HRK", "BGN", "ANG", "XAU", "XTS", "XXX",
        ] {
            assert_eq!(Currency::parse(code), None, "{code}");
        }
    }

    #[test]
    fn a_currency_is_its_code_in_json() {
        let euro = Currency::parse("EUR").unwrap();
        assert_eq!(serde_json::to_string(&euro).unwrap(), "\"EUR\"");
        assert_eq!(serde_json::from_str::<Currency>("\"EUR\"").unwrap(), euro);
        assert!(serde_json::from_str::<Currency>("\"EURO\"").is_err());
    }
}

//! What several services say in the same way: [`Money`] and [`Currency`].
//!
//! A type belongs here when two services hand it to each other or show it to
//! the same client. What only one service knows stays with that service.

pub mod currency;
pub mod money;

pub use currency::Currency;
pub use money::Money;

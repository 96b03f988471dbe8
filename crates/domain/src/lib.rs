//! What several services say in the same way: [`Money`] and [`Currency`],
//! [`Email`] and [`Name`].
//!
//! A type belongs here when two services hand it to each other or show it to
//! the same client. What only one service knows stays with that service.

pub mod currency;
pub mod email;
pub mod money;
pub mod name;

pub use currency::Currency;
pub use email::Email;
pub use money::Money;
pub use name::Name;

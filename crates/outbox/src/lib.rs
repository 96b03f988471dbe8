//! Events of a service. One is stored in the transaction of the change it is
//! about, so there is none without the other, and is published afterwards,
//! at least once and in order.
//!
//! A service puts [`MIGRATIONS`] at the end of its own, adds
//! [`Event::statement`] to the transaction of a change, calls [`nudge`] when
//! that is through, and relays when it is told to:
//!
//! ```
//! use stoa_kit::bindings::exports::stoa::clock::ticks::Timing;
//! use stoa_kit::sql::Schema;
//! use stoa_kit::{Service, heartbeat};
//! # struct Product;
//! # static SCHEMA: Schema = Schema(&stoa_outbox::MIGRATIONS);
//!
//! impl Service for Product {
//! #   const ID: &'static str = "product";
//! #   const VERSION: &'static str = "1.0.0";
//! #   fn handle(_: &stoa_kit::Request) -> Result<stoa_kit::Response, stoa_kit::Problem> { todo!() }
//!     fn tick(timing: &Timing) -> Result<(), String> {
//!         if stoa_outbox::is_due(timing) {
//!             return stoa_outbox::relay(&SCHEMA, stoa_outbox::publish)
//!                 .map_err(|error| error.to_string());
//!         }
//!         heartbeat::publish(Self::ID, Self::VERSION, timing)
//!     }
//! }
//! ```
//!
//! The name of a tick decides what is done: the ticker's link `outbox-product`
//! with an interval of a second relays, `heartbeat-product` beats.

mod event;
mod nudge;
mod publisher;
mod relay;
#[cfg(test)]
mod tests;

use stoa_kit::sql::{Dialect, Migration};

pub use event::Event;
pub use nudge::{SUBJECT_PREFIX, is_due, nudge};
pub use publisher::{Event as Published, Refusal, publish};
pub use relay::{Error, PAGE, relay};

/// The table, as the account service has it for its second migration.
pub const OUTBOX: Migration = Migration {
    name: "outbox",
    scripts: &[(
        Dialect::Sqlite,
        include_str!("../migrations/outbox.sqlite.sql"),
    )],
};

/// What came later. A service that has [`OUTBOX`] already adds this one.
pub const TRACES: Migration = Migration {
    name: "outbox-traces",
    scripts: &[(
        Dialect::Sqlite,
        include_str!("../migrations/traces.sqlite.sql"),
    )],
};

/// Both, in order.
pub const MIGRATIONS: [Migration; 2] = [OUTBOX, TRACES];

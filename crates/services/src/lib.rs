//! The service record as it stands in key-value: the registry writes it, the
//! gateway routes by it.
//!
//! Every service has one record under its id ([`ServiceId`]), and in it its
//! [`Instance`]s with their leases. All rules about them are pure functions of
//! the record, a message and the time `now`, which is, as every time in a
//! record, in milliseconds since the Unix epoch by the clock of whoever asks:
//! hosts are expected to keep time (NTP).
//!
//! **Who may say where a service is.** Beats come over NATS, where everyone
//! who may publish can send them. So a beat may only say what the lattice
//! itself makes true: that the service is the component of the same id
//! (`lattice://<lattice>/<service id>`). Any other location, above all one
//! outside the lattice, takes an operator (`POST /services`), and what an
//! operator registered is renewed only by beats that name exactly the same
//! location; until it expires or is deleted, other beats of that instance
//! change nothing.

mod beat;
mod location;
mod names;
mod record;
mod rules;

pub use beat::{BadBeat, Heartbeat, MAX_BEAT_BYTES};
pub use location::{Location, Scheme};
pub use names::{InstanceName, ServiceId, Version};
pub use record::{Instance, Origin, ServiceRecord};
pub use rules::{Full, Ignored, Registration};

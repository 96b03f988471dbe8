//! What the providers have in common.
//!
//! | module | what it is |
//! |---|---|
//! | `process` | a provider's process and the host that started it |
//! | `serving` | how such a process starts, serves and ends |
//! | [`lost`] | finds links that a provider was never told of |
//! | `lattice` | where a provider reaches components |
//! | `caller` | who calls: a component, by the name of its link |
//! | `health` | the answer to a health check |

mod caller;
mod health;
mod lattice;
pub mod lost;
mod process;
mod serving;

pub use caller::Caller;
pub use health::health;
pub use lattice::{Lattice, OwnProcess};
pub use process::end_with_host;
pub use serving::{serve_until, start};

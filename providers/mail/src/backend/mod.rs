//! Where mail goes. One value of a [`Backend`] is one server, or the folder;
//! the rest of the provider knows no more of it than this trait.

mod folder;
mod smtp;

use futures::future::BoxFuture;

pub(crate) use folder::Folder;
pub(crate) use smtp::Smtp;

use crate::attempts::Outcome;
use crate::mail::Mail;

/// A way for mail. It connects at its first message, not when it is made.
pub(crate) trait Backend: Send + Sync {
    /// Hands a message over, once.
    fn deliver<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Outcome>;

    /// Why the last message did not get as far as being looked at, if it did
    /// not.
    fn fault(&self) -> Option<String>;

    /// Closes what is open and not in use.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Now, as receipts have it.
fn now_ms() -> i64 {
    let now = time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    i64::try_from(now).unwrap_or(i64::MAX)
}

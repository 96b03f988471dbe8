//! Events: each that leads to a mail is stored as one, and then sent, as far as
//! that goes at once.

use stoa_kit::{Problem, log};

use crate::bindings::exports::stoa::events::handler::{Error, Event, Guest, RpcError};
use crate::queries::delivery::Which;
use crate::{delivery, event, peers, queries};

impl Guest for crate::Email {
    fn handle(event: Event) -> Result<Result<(), Error>, RpcError> {
        Ok(handle(&event).map_err(|problem| {
            problem.log(&event.id);
            Error::Unavailable(problem.detail().to_owned())
        }))
    }
}

/// Stores the mail of an event, if it leads to one. Once that is done, the
/// event is dealt with: whether the mail goes out now is no matter of the event.
pub(crate) fn handle(event: &Event) -> Result<(), Problem> {
    let now = peers::now();
    let wanted = match event::read(event) {
        Ok(None) => return Ok(()),
        Ok(Some(wanted)) => wanted,
        Err(unreadable) => {
            let what = format!("{} {}: {}", event.type_, event.id, unreadable.why);
            log::error("event", &what);
            return queries::queue::insert_unreadable(&event.id, &unreadable, now);
        }
    };
    if let Some(id) = queries::queue::insert(&event.id, &wanted, now)?
        && let Err(problem) = delivery::run(Which::One(id))
    {
        // The next tick tries again.
        problem.log(&event.id);
    }
    Ok(())
}

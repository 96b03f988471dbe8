//! SMTP: a few connections to one server, kept for the next message.

mod failure;
mod lines;
mod pool;
mod session;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures::future::{BoxFuture, FutureExt as _};

use super::Backend;
use crate::attempts::Outcome;
use crate::compose::compose;
use crate::config::Server;
use crate::mail::Mail;
use crate::types::Error;
use pool::Pool;

/// A server that takes mail for others (RFC 6409), or a relay.
pub(crate) struct Smtp {
    pool: Pool,
    fault: Mutex<Option<String>>,
}

impl Smtp {
    /// The server is connected to at the first message. `patience` is how
    /// long a message waits for its turn.
    pub(crate) fn new(server: Server, patience: Duration) -> Self {
        Self {
            pool: Pool::new(server, patience),
            fault: Mutex::default(),
        }
    }

    async fn run(&self, mail: &Mail) -> Outcome {
        let message = compose(mail, SystemTime::now())
            .map_err(|_| Error::Temporary("the message cannot be written".to_owned()))?;
        let slot = self.pool.slot().await.map_err(Error::Temporary)?;
        let session = slot.session().await;
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) =
            session.as_ref().err().cloned();
        let mut session = session.map_err(Error::Temporary)?;
        let outcome = session.send(mail, &message).await;
        slot.give_back(session);
        outcome
    }
}

impl Backend for Smtp {
    fn deliver<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Outcome> {
        self.run(mail).boxed()
    }

    fn fault(&self) -> Option<String> {
        self.fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.pool.close().boxed()
    }
}

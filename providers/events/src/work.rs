//! The work on one event: the handler's call, and what follows from it. When
//! it is done, the broker knows.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::message::Acker;
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use tracing::{error, warn};

use crate::dead::DeadLetter;
use crate::event::Event;
use crate::handler::{Failure, Handler, Target};
use crate::streams::{Broker, Unavailable, bounded};

pub(crate) struct Work<T> {
    pub(crate) broker: Broker,
    pub(crate) stream: Stream,
    pub(crate) target: Arc<T>,
    pub(crate) handler: Handler,
    pub(crate) timeout: Duration,
    pub(crate) tries: u32,
    pub(crate) acker: Arc<Acker>,
    /// `None`: it has to be fetched.
    pub(crate) event: Option<Event>,
    pub(crate) number: u64,
    /// How often it failed before.
    pub(crate) failures: u32,
    /// It was handled before, and only the broker does not know.
    pub(crate) handled: bool,
}

pub(crate) enum Outcome {
    /// Handled or dead, and acknowledged.
    Done,
    /// Handled or dead, but perhaps not acknowledged.
    Handled(Unavailable),
    /// To be tried again.
    Failed(String),
}

impl<T: Target> Work<T> {
    pub(crate) async fn run(mut self) -> Outcome {
        if self.handled {
            return self.acknowledge().await;
        }
        let event = match self.event().await {
            Ok(Some(event)) => event,
            Ok(None) => {
                warn!(
                    number = self.number,
                    "an event is gone, for its age or size"
                );
                return self.acknowledge().await;
            }
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let call = tokio::time::timeout(self.timeout, self.target.handle(&event));
        let failure = match call.await {
            Ok(Ok(())) => return self.acknowledge().await,
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Call("no answer in time".to_owned()),
        };
        let tries = self.failures.saturating_add(1);
        if tries < self.tries {
            return Outcome::Failed(failure.to_string());
        }
        let (id, handler) = (event.id.clone(), self.handler.clone());
        error!(?handler, event = id, %failure, "event given up");
        let letter = DeadLetter::new(event, handler, failure.to_string(), tries);
        // It is there before it is gone from here, so it is never nowhere.
        match bounded(letter.bury(&self.broker, self.number)).await {
            Ok(()) => self.acknowledge().await,
            Err(error) => Outcome::Failed(format!("not taken by the dead letters: {error}")),
        }
    }

    /// The next event of the lane begins after this one, so the broker's word
    /// is waited for: if it were lost, this one would come again after that.
    async fn acknowledge(&self) -> Outcome {
        let acknowledged = async { self.acker.double_ack().await.map_err(Unavailable::because) };
        match bounded(acknowledged).await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Handled(error),
        }
    }

    async fn event(&mut self) -> Result<Option<Event>, Unavailable> {
        if let Some(event) = self.event.take() {
            return Ok(Some(event));
        }
        let fetch = self.stream.get_raw_message(self.number);
        bounded(async {
            match fetch.await {
                Ok(message) => serde_json::from_slice(&message.payload)
                    .map(Some)
                    .map_err(Unavailable::because),
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
                Err(error) => Err(Unavailable::because(error)),
            }
        })
        .await
    }
}

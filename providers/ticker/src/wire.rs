//! A component on the lattice as the target of ticks.

use async_nats::HeaderMap;
use wrpc_transport::{Invoke, SendFuture as _};

use crate::bindings::stoa::clock::ticks;
use crate::ticking::{Failure, Target, Timing};

/// A component, called over wRPC.
pub(crate) struct Component<C>(pub(crate) C);

impl<C: Invoke<Context = Option<HeaderMap>> + 'static> Target for Component<C> {
    async fn tick(&self, timing: Timing) -> Result<(), Failure> {
        let Timing {
            name,
            sequence,
            interval,
        } = timing;
        let timing = ticks::Timing {
            name,
            sequence,
            interval,
        };
        match ticks::tick(&self.0, None, &timing).send().await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(problem)) => Err(Failure::Component(problem)),
            Err(error) => Err(Failure::Call(format!("{error:#}"))),
        }
    }
}

//! A component on the lattice as the target of ticks.

use std::time::Duration;

use wasmcloud_provider_sdk::ProviderConnection;
use wasmcloud_provider_sdk::provider::WrpcClient;

use crate::bindings::stoa::clock::ticks;
use crate::ticking::{Failure, Target, Timing};

/// A component, called over wRPC.
pub(crate) struct Component(WrpcClient);

impl Component {
    /// A client for all calls of a link: to make one subscribes to NATS.
    pub(crate) async fn new(
        connection: &ProviderConnection,
        id: &str,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let client = connection.get_wrpc_client_custom(id, Some(timeout)).await?;
        Ok(Self(client))
    }
}

impl Target for Component {
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
        match ticks::tick(&self.0, None, &timing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(problem)) => Err(Failure::Component(problem)),
            Err(error) => Err(Failure::Call(format!("{error:#}"))),
        }
    }
}

//! Components as a provider reaches them: a provider that is a process of its
//! own by the lattice, one inside a host by that host.

use std::future::Future;
use std::time::Duration;

use async_nats::HeaderMap;
use wasmcloud_provider_sdk::provider::WrpcClient;
use wasmcloud_provider_sdk::{ProviderConnection, get_connection};
use wrpc_transport::Invoke;

/// Where components are reached.
pub trait Lattice: Clone + Send + Sync + 'static {
    /// Calls one component.
    type Client: Invoke<Context = Option<HeaderMap>> + 'static;

    /// A client for all calls of a link: to make one may subscribe to NATS.
    fn client(
        &self,
        component: &str,
        timeout: Duration,
    ) -> impl Future<Output = anyhow::Result<Self::Client>> + Send;
}

/// The lattice as a process of its own reaches it.
#[derive(Clone, Copy, Debug)]
pub struct OwnProcess;

impl Lattice for OwnProcess {
    type Client = WrpcClient;

    async fn client(&self, component: &str, timeout: Duration) -> anyhow::Result<WrpcClient> {
        get_connection().client(component, timeout).await
    }
}

impl Lattice for ProviderConnection {
    type Client = WrpcClient;

    async fn client(&self, component: &str, timeout: Duration) -> anyhow::Result<WrpcClient> {
        self.get_wrpc_client_custom(component, Some(timeout)).await
    }
}

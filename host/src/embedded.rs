//! The capability providers that are built into this host.

use std::time::Duration;

use stoa_events_provider::EventsProvider;
use stoa_keyvalue_provider::KeyValueProvider;
use stoa_keyvalue_provider::config::NatsServer;
use stoa_mail_provider::MailProvider;
use stoa_sql_provider::{Config, SqlProvider};
use stoa_ticker_provider::{Lattice, TickerProvider};
use wasmcloud_host::wasmbus::exchange::Client;
use wasmcloud_host::wasmbus::{Caller, EmbeddedProviders, ProviderHost};

/// All of them, by the names of their archives.
pub fn providers() -> EmbeddedProviders {
    EmbeddedProviders::default()
        .with("events", events)
        .with("keyvalue", keyvalue)
        .with("mail", mail)
        .with("sql", sql)
        .with("ticker", ticker)
}

async fn events(host: ProviderHost) -> anyhow::Result<()> {
    let nats = async_nats::Client::clone(&host.connection().nats);
    let provider = EventsProvider::new(Exchange(host.caller()), Some(nats));
    let exports = host.exports();
    let serving = stoa_events_provider::bindings::serve(&exports, provider.clone());
    let calls = Box::pin(serving).await?;
    host.run(provider, exports, calls).await
}

async fn keyvalue(host: ProviderHost) -> anyhow::Result<()> {
    let nats = match NatsServer::from_config(host.config())? {
        Some(server) => server.connect().await?,
        None => async_nats::Client::clone(&host.connection().nats),
    };
    let provider = KeyValueProvider::new(Some(nats));
    let exports = host.exports();
    let serving = stoa_keyvalue_provider::bindings::serve(&exports, provider.clone());
    let calls = Box::pin(serving).await?;
    host.run(provider, exports, calls).await
}

async fn mail(host: ProviderHost) -> anyhow::Result<()> {
    let provider = MailProvider::new(stoa_mail_provider::Config::parse(host.config()));
    let exports = host.exports();
    let calls = stoa_mail_provider::serve(&exports, provider.clone()).await?;
    host.run(provider, exports, calls).await
}

async fn sql(host: ProviderHost) -> anyhow::Result<()> {
    let provider = SqlProvider::new(Config::parse(host.config()));
    let exports = host.exports();
    let calls = stoa_sql_provider::serve(&exports, provider.clone()).await?;
    host.run(provider, exports, calls).await
}

async fn ticker(host: ProviderHost) -> anyhow::Result<()> {
    let provider = TickerProvider::new(Exchange(host.caller()));
    let exports = host.exports();
    host.run(provider, exports, Vec::new()).await
}

/// Components as this host reaches them.
#[derive(Clone)]
struct Exchange(Caller);

impl Lattice for Exchange {
    type Client = Client;

    async fn client(&self, component: &str, timeout: Duration) -> anyhow::Result<Client> {
        Ok(self.0.client(component, timeout))
    }
}

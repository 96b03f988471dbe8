//! The auth service as whoever runs the lattice calls it: over NATS, by the
//! interface `stoa:auth/operator`, which no client of the shop can reach.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::time::timeout;
use wrpc_transport_nats::Client;

use crate::lattice;
use crate::state::Folder;

pub use bindings::stoa::auth::operator::{Done, Key};

use bindings::stoa::auth::operator;

/// The interface, as generated.
#[allow(
    clippy::pedantic,
    clippy::all,
    unused_qualifications,
    reason = "generated code; documented in wit/"
)]
mod bindings {
    wit_bindgen_wrpc::generate!({
        inline: "
            package stoa:host;

            world operators {
                import stoa:auth/operator@0.1.0;
            }
        ",
        world: "stoa:host/operators",
        path: ["../wit/deps/wasi-io", "../wit/deps/wrpc-rpc", "../wit/stoa-auth"],
        generate_all,
    });
}

/// The component that serves it.
const AUTH: &str = "auth";
/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Which lattice is meant.
#[derive(clap::Args)]
pub struct Lattice {
    /// The NATS server of a lattice that `stoa up` has not started; without
    /// this, the lattice that runs on the data folder is meant.
    #[arg(long)]
    nats: Option<String>,
}

impl Lattice {
    /// Its auth service.
    pub async fn operator(&self, data: &Path) -> anyhow::Result<Operator> {
        Operator::of(&self.url(data)?).await
    }

    /// A connection to its NATS server.
    pub async fn nats(&self, data: &Path) -> anyhow::Result<async_nats::Client> {
        connect(&self.url(data)?).await
    }

    fn url(&self, data: &Path) -> anyhow::Result<String> {
        match &self.nats {
            Some(nats) => Ok(nats.clone()),
            None => Ok(Folder::of_a_lattice(data)?.running()?.nats),
        }
    }
}

async fn connect(nats: &str) -> anyhow::Result<async_nats::Client> {
    async_nats::connect(nats)
        .await
        .with_context(|| format!("cannot reach NATS at {nats}"))
}

/// The auth service, for operators.
pub struct Operator(Client);

impl Operator {
    /// The auth service of the lattice on a NATS server.
    pub async fn of(nats: &str) -> anyhow::Result<Self> {
        let client = Client::new(
            connect(nats).await?,
            format!("{}.{AUTH}", lattice::NAME),
            None,
        )
        .await;
        client.map(Self).context("NATS does not answer")
    }

    /// See `create-admin`.
    pub async fn create_admin(
        &self,
        email: &str,
        name: &str,
        password: &str,
    ) -> anyhow::Result<Done> {
        answer(operator::create_admin(&self.0, None, email, name, password)).await
    }

    /// See `access-token`.
    pub async fn access_token(&self, email: &str) -> anyhow::Result<String> {
        answer(operator::access_token(&self.0, None, email)).await
    }

    /// See `signing-keys`.
    pub async fn signing_keys(&self, rotate: bool) -> anyhow::Result<Vec<Key>> {
        answer(operator::signing_keys(&self.0, None, rotate)).await
    }
}

async fn answer<T>(
    call: impl Future<Output = anyhow::Result<Result<T, String>>>,
) -> anyhow::Result<T> {
    timeout(PATIENCE, call)
        .await
        .context("the auth service did not answer in time")?
        .context("the auth service does not answer")?
        .map_err(|why| anyhow!(why))
}

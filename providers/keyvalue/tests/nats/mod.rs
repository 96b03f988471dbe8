//! A NATS server for one test: a random port, a store of its own. The ticker's
//! tests use it, too.

use std::env;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_nats::Client;
use stoa_harness::patience;
use tempfile::TempDir;

/// How long a server may take until it answers.
const START: Duration = Duration::from_mins(1);

/// The server. It dies with this value.
pub(crate) struct Nats {
    port: u16,
    store: TempDir,
    server: Child,
}

impl Nats {
    /// Starts a server with JetStream and waits until it answers.
    pub(crate) async fn start() -> Self {
        let store = TempDir::new().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let server = spawn(port, &store);
        let nats = Self {
            port,
            store,
            server,
        };
        nats.client().await;
        nats
    }

    /// Kills the server, leaving its store.
    pub(crate) fn stop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Starts it again, on the same port and store.
    pub(crate) async fn restart(&mut self) {
        self.server = spawn(self.port, &self.store);
        self.client().await;
    }

    /// A new client, connected, of a server whose JetStream answers.
    pub(crate) async fn client(&self) -> Client {
        let address = format!("127.0.0.1:{}", self.port);
        let attempts = async {
            loop {
                if let Ok(client) = async_nats::connect(&address).await
                    && let Ok(_) = async_nats::jetstream::new(client.clone())
                        .query_account()
                        .await
                {
                    return client;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(patience(START), attempts)
            .await
            .expect("the NATS server does not answer")
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

fn spawn(port: u16, store: &TempDir) -> Child {
    let binary = binary();
    Command::new(&binary)
        .args(["--addr", "127.0.0.1", "--port", &port.to_string()])
        .arg("--jetstream")
        .arg("--store_dir")
        .arg(store.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| {
            panic!(
                "no NATS server at {}: {error}. These tests need nats-server >= 2.10: \
                 `cargo xtask test` provides it, or name one by STOA_NATS_SERVER, \
                 or have one on PATH",
                binary.display()
            )
        })
}

/// `STOA_NATS_SERVER`, else the one that xtask keeps under the target
/// directory, else whatever PATH has.
fn binary() -> PathBuf {
    if let Some(path) = env::var_os("STOA_NATS_SERVER") {
        return path.into();
    }
    // target/<profile>/deps/<this test>
    let test = env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    let kept = target.join("tools").join("nats-server");
    if kept.is_file() {
        return kept;
    }
    "nats-server".into()
}

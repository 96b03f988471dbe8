//! The NATS server: a child process with JetStream, on loopback only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::state::Folder;

/// The oldest server that has what wadm needs (subject transforms).
const OLDEST: (u32, u32) = (2, 10);

/// How long the server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server. Dropping it kills it.
pub struct Nats {
    child: Child,
    /// `nats://127.0.0.1:<port>`
    pub url: String,
}

impl Nats {
    /// Starts the server. Port 0 takes a free one.
    pub async fn start(program: &Path, folder: &Folder, port: u16) -> anyhow::Result<Self> {
        check_version(program).await?;
        let store = folder.path("nats");
        let ports = folder.path("nats/ports");
        // A run that was killed leaves its file there.
        let _ = fs::remove_dir_all(&ports);
        fs::create_dir_all(&ports).with_context(|| format!("cannot make {}", ports.display()))?;
        let config = folder.path("nats/server.conf");
        fs::write(&config, configuration(&store, &ports, port))
            .with_context(|| format!("cannot write {}", config.display()))?;
        let mut command = Command::new(program);
        command
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        die_with_parent(&mut command);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let url = wait_for_port(&mut child, &ports).await?;
        Ok(Self { child, url })
    }

    /// Resolves when the server is gone though nobody stopped it.
    pub async fn died(&mut self) -> anyhow::Error {
        match self.child.wait().await {
            Ok(status) => {
                anyhow::anyhow!("the NATS server ended by itself ({status}); see stoa.log")
            }
            Err(error) => anyhow::Error::from(error).context("the NATS server is lost"),
        }
    }

    /// Whether the server still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Stops the server and waits until it has written everything.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        timeout(PATIENCE, self.child.wait())
            .await
            .context("the NATS server did not stop in time")??;
        Ok(())
    }
}

/// The configuration file, in the JSON that its dialect contains.
fn configuration(store: &Path, ports: &Path, port: u16) -> String {
    let port = if port == 0 { -1 } else { i32::from(port) };
    let configuration = serde_json::json!({
        "server_name": "stoa",
        "host": "127.0.0.1",
        "port": port,
        "ports_file_dir": ports.to_string_lossy(),
        "jetstream": { "store_dir": store.to_string_lossy() },
    });
    format!("{configuration:#}\n")
}

async fn check_version(program: &Path) -> anyhow::Result<()> {
    let output = Command::new(program)
        .arg("--version")
        .output()
        .await
        .with_context(|| {
            format!(
                "there is no NATS server at `{}`: install nats-server 2.10 or newer, or name one with --nats-server",
                program.display()
            )
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    match version(&text) {
        Some(version) if version >= OLDEST => Ok(()),
        _ => bail!(
            "`{}` is {}: the lattice needs nats-server 2.10 or newer",
            program.display(),
            text.trim()
        ),
    }
}

/// Major and minor version in `nats-server: v2.15.1`.
fn version(text: &str) -> Option<(u32, u32)> {
    let (_, version) = text.split_once(": v")?;
    let mut parts = version.trim().split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The server writes its address to a file when it listens.
async fn wait_for_port(child: &mut Child, ports: &Path) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Ports {
        nats: Vec<String>,
    }
    let file: PathBuf = ports.join(format!(
        "nats-server_{}.ports",
        child.id().unwrap_or_default()
    ));
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            bail!("the NATS server did not start ({status}); see stoa.log");
        }
        let ports = fs::read(&file)
            .ok()
            .and_then(|json| serde_json::from_slice::<Ports>(&json).ok());
        if let Some(url) = ports.and_then(|ports| ports.nats.into_iter().next()) {
            return Ok(url);
        }
        sleep(Duration::from_millis(5)).await;
    }
    bail!("the NATS server did not start in time; see stoa.log")
}

/// Makes the kernel end the child when this process is killed.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "pre_exec is unsafe; prctl is async-signal-safe")]
fn die_with_parent(command: &mut Command) {
    // SAFETY: the closure only makes one system call and allocates nothing.
    unsafe {
        command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?));
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version("nats-server: v2.15.1\n"), Some((2, 15)));
        assert!(version("nats-server: v2.9.10").unwrap() < OLDEST);
        assert_eq!(version("something else"), None);
    }

    #[test]
    fn port_zero_asks_for_a_free_one() {
        let text = configuration(Path::new("/a b"), Path::new("/p"), 0);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["port"], -1);
        assert_eq!(json["jetstream"]["store_dir"], "/a b");
    }
}

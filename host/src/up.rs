//! `stoa up`: starts NATS, wadm and the host, deploys the manifest, waits
//! until everything answers, and takes it all down again in order.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::stat::{Mode, umask};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, timeout};
use tracing_subscriber::EnvFilter;

use crate::api::Api;
use crate::deployment::{Deployment, Progress, Wadm};
use crate::engine;
use crate::lattice::Lattice;
use crate::manifest::{self, Setting};
use crate::nats::Nats;
use crate::state::{Folder, Run};
use crate::swap;
use crate::terminal::Terminal;

/// How often it is said what is waited for.
const REPORT: Duration = Duration::from_secs(3);

/// How `stoa up` runs.
#[derive(clap::Args)]
pub struct Options {
    /// What to deploy.
    #[arg(long, default_value = "wadm.yaml")]
    manifest: PathBuf,
    /// Where the gateway listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    http: SocketAddr,
    /// The NATS server's port on loopback; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    nats_port: u16,
    /// The NATS server's program, version 2.10 or newer.
    #[arg(long, env = "STOA_NATS_SERVER", default_value = "nats-server")]
    nats_server: PathBuf,
    /// How many seconds everything may take to answer.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    /// What goes to stoa.log, as in `RUST_LOG`.
    #[arg(
        long,
        env = "STOA_LOG",
        default_value = engine::LOG
    )]
    log: String,
    #[command(flatten)]
    engine: engine::Options,
    #[command(flatten)]
    code: engine::CodeCache,
}

/// Runs a lattice until Ctrl-C, SIGTERM or the death of a part.
pub async fn run(
    folder: &Folder,
    options: &Options,
    terminal: &mut Terminal,
) -> anyhow::Result<()> {
    let _lock = folder.lock()?;
    let text = std::fs::read_to_string(&options.manifest)
        .with_context(|| format!("cannot read the manifest {}", options.manifest.display()))?;
    let name = manifest::name(&text)?;
    let http = free_address(options.http)?;
    if options.nats_port != 0 {
        free_address(SocketAddr::from(([127, 0, 0, 1], options.nats_port)))?;
    }
    // Databases and logs are the owner's alone; providers inherit this.
    umask(Mode::from_bits_truncate(0o077));
    let code = options.code.folder(Some(folder.path("code")))?;
    let _temporary = folder.make_temporary()?;
    // Every run begins with the builds that the manifest names.
    swap::forget(folder);
    let log = folder.open_log()?;
    let filter =
        EnvFilter::try_new(&options.log).context("--log is not a filter as in RUST_LOG")?;
    Terminal::redirect_others(&log)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(log)
        .with_ansi(false)
        .init();

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;

    let mut nats = Nats::start(&options.nats_server, folder, options.nats_port).await?;
    terminal.step(format_args!("NATS        {}", nats.url));
    let mut deployment = Deployment::start(&nats.url).await?;
    let lattice = Lattice::start(&nats.url, options.engine, code).await?;
    terminal.step(format_args!(
        "wasmCloud   host and wadm ({})",
        engine::KIND.words()
    ));

    let settings = settings(
        &http.to_string(),
        &nats.url,
        &folder.path("data").to_string_lossy(),
        &folder.path("mail").to_string_lossy(),
    );
    let base = options.manifest.parent().unwrap_or(Path::new("."));
    let url = format!("http://{http}");
    let start = async {
        deployment.wadm.wait_for_host().await?;
        deployment
            .wadm
            .deploy(
                &name,
                manifest::render(&text, base, &settings, options.engine)?,
            )
            .await?;
        wait_until_ready(&deployment.wadm, &name, &url, options.timeout, terminal).await
    };
    let started = tokio::select! {
        result = start => result.map(|()| true),
        _ = interrupt.recv() => Ok(false),
        _ = terminate.recv() => Ok(false),
        error = nats.died() => Err(error),
    };
    let ended = match started {
        Ok(true) => {
            folder.write_run(&Run {
                pid: i32::try_from(std::process::id())?,
                application: name.clone(),
                http: url.clone(),
                nats: nats.url.clone(),
            })?;
            terminal.step(format_args!("ready       {url}/products"));
            terminal.step(format_args!(
                "log         {}",
                folder.path("stoa.log").display()
            ));
            terminal.line("         Ctrl-C stops it. `stoa admin create --email you@example.com`");
            terminal.line("         makes an administrator.");
            tokio::select! {
                _ = interrupt.recv() => Ok(()),
                _ = terminate.recv() => Ok(()),
                () = lattice.stopped() => Ok(()),
                error = nats.died() => Err(error),
                error = deployment.died() => Err(error),
            }
        }
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };

    terminal.step("stopping");
    folder.remove_run();
    deployment.stop().await;
    let stopped = if nats.is_running() {
        timeout(Duration::from_secs(30), lattice.stop())
            .await
            .context("the host did not stop in time")
            .flatten()
    } else {
        // Nothing reaches host and providers any more: they end with this
        // process.
        Ok(())
    };
    let nats_stopped = nats.stop().await;
    ended.and(stopped).and(nats_stopped)?;
    terminal.step("stopped");
    Ok(())
}

/// The manifest's properties that are this machine's to know.
pub fn settings(http: &str, nats: &str, data: &str, mail: &str) -> Vec<Setting<'static>> {
    [
        ("http-server", "address", http),
        ("messaging", "cluster_uris", nats),
        ("heartbeats", "cluster_uris", nats),
        ("sql", "data_dir", data),
        ("mail", "folder", mail),
    ]
    .into_iter()
    .map(|(config, property, value)| Setting {
        config,
        property,
        value: value.to_owned(),
    })
    .collect()
}

/// The address, with a free port for port 0. A taken one is an error now and
/// not a lattice that never answers.
fn free_address(address: SocketAddr) -> anyhow::Result<SocketAddr> {
    match TcpListener::bind(address) {
        Ok(listener) => Ok(listener.local_addr()?),
        Err(error) => bail!("cannot listen on {address}: {error}; choose another address"),
    }
}

async fn wait_until_ready(
    wadm: &Wadm,
    name: &str,
    url: &str,
    seconds: u64,
    terminal: &mut Terminal,
) -> anyhow::Result<()> {
    let api = Api::new(url)?;
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let mut report = Instant::now() + REPORT;
    loop {
        // Ready is what clients can use; deployed is all that the manifest
        // names, links and providers included. wadm is asked seldom while
        // clients can use nothing.
        let ready = api.ready().await;
        let (is_late, is_over) = (Instant::now() > report, Instant::now() > deadline);
        if ready.is_ok() || is_late || is_over {
            let missing = match (ready, wadm.progress(name).await?) {
                (Ok(()), Progress::Deployed) => return Ok(()),
                (Err(services), Progress::Deployed) => services,
                (Ok(()), Progress::Waiting(parts)) => parts,
                (Err(services), Progress::Waiting(parts)) => services.and(parts),
            };
            if is_over {
                bail!("not ready after {seconds} s: Not there yet: {missing}; see stoa.log");
            }
            if is_late {
                report = Instant::now() + REPORT;
                terminal.step(format_args!("waiting     {}", missing.briefly()));
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_a_clear_error() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = free_address(address).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()), "{error}");
        assert_ne!(
            free_address("127.0.0.1:0".parse().unwrap()).unwrap().port(),
            0
        );
    }
}

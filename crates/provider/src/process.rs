//! A provider's process and the host that started it: it lives as long as the
//! host, and ends when the host says so.
//!
//! The host ends its providers by a message, after which they finish what they
//! do. Two things get past it: a host that is killed sends none, and its
//! providers would stay, to serve the next host that comes to their NATS
//! server; and Ctrl-C in a terminal reaches every process of the group, which
//! would end providers in the middle of a call.

use std::os::unix::process::parent_id;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// How soon the end of the host is noticed.
const EVERY: Duration = Duration::from_millis(250);

/// Ties this process to the one that started it: from now on an interrupt
/// changes nothing, and the process ends when the host is gone. It does so at
/// once, for whoever could be waiting for it is gone as well.
///
/// To be called at the start, in a runtime with time and signals.
pub fn end_with_host() -> std::io::Result<()> {
    // A signal that was listened to once is never deadly again.
    drop(signal(SignalKind::interrupt())?);
    let host = parent_id();
    tokio::spawn(async move {
        changed(host, parent_id).await;
        tracing::error!(host, "the host is gone: ending");
        std::process::exit(1);
    });
    Ok(())
}

/// Resolves when the parent is no longer `host`: whoever loses its parent gets
/// another.
async fn changed(host: u32, parent: impl Fn() -> u32) {
    let mut clock = tokio::time::interval(EVERY);
    loop {
        clock.tick().await;
        if parent() != host {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn an_orphan_notices() {
        let left = Cell::new(2);
        changed(7, || match left.get() {
            0 => 1,
            more => {
                left.set(more - 1);
                7
            }
        })
        .await;
        assert_eq!(left.get(), 0);
    }

    #[tokio::test]
    async fn an_interrupt_is_left_to_the_host() {
        end_with_host().unwrap();
        let me = std::process::id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-INT", &me])
            .status();
        assert!(sent.unwrap().success());
        let more = tokio::time::timeout(EVERY * 2, changed(parent_id(), parent_id)).await;
        assert!(more.is_err(), "the parent is there, and so is this process");
    }
}

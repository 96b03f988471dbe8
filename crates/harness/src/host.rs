//! Another host on a lattice: `stoa host`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use crate::lattice::program;
use crate::process::ended;
use crate::until;

/// A host that joined a lattice.
pub struct Host {
    child: Child,
    id: String,
}

impl Host {
    /// Joins the lattice on this NATS server, `nats://127.0.0.1:<port>`.
    pub fn join(nats: &str) -> Self {
        let port = nats.rsplit(':').next().expect("a port");
        let mut child = Command::new(program())
            .args(["host", "--nats-port", port])
            .stderr(Stdio::piped())
            .spawn()
            .expect("stoa starts");
        let lines = child.stderr.take().expect("stderr is piped");
        let mut lines = BufReader::new(lines).lines().map_while(Result::ok);
        let (joined, started) = mpsc::channel();
        std::thread::spawn(move || {
            let found = lines
                .by_ref()
                .find(|line| line.contains("joined the lattice"));
            let _ = joined.send(found);
            // Nobody else reads what it says.
            lines.for_each(drop);
        });
        let started = until("a host that joins", || started.try_recv());
        let started = started.expect("the host starts");
        let id = started.split("host=\"").nth(1).expect("its id");
        let id = id.split('"').next().expect("its id").to_owned();
        Self { child, id }
    }

    /// The host's id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        ended(&mut self.child);
    }
}

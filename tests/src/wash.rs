//! The lattice that wasmCloud's own shell runs, from a NATS server to a shop:
//! the way that `docs/operations.md` describes, with nothing downloaded.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use stoa_harness::{Client, PRODUCT, Process, eventually, root, stoa};
use tempfile::TempDir;

/// A token, and its SHA-256.
const TOKEN: &str = "wash";
const DIGEST: &str = "476994559e873a621c524b49c195ad4d14876ac168022ae43c0b3fe2868d82ef";

/// What is there before `wash up`: a NATS server and wadm.
struct Ground {
    folder: TempDir,
    nats_port: u16,
    http_port: u16,
    parts: Vec<Child>,
}

impl Ground {
    fn new() -> Self {
        let mut ground = Self {
            folder: TempDir::with_prefix("stoa-test-").expect("a temporary folder"),
            nats_port: free_port(),
            http_port: free_port(),
            parts: Vec::new(),
        };
        let port = ground.nats_port.to_string();
        let mut nats = Command::new(variable("STOA_NATS_SERVER"));
        nats.args(["--jetstream", "--addr", "127.0.0.1", "--port", &port]);
        nats.arg("--store_dir").arg(ground.folder.path());
        ground.start(&mut nats);
        let address = format!("127.0.0.1:{port}");
        eventually("NATS", || std::net::TcpStream::connect(&address).is_ok());
        let mut wadm = stoa(ground.folder.path());
        wadm.args(["wadm", "--nats-port", &port]);
        ground.start(&mut wadm);
        ground
    }

    fn start(&mut self, command: &mut Command) {
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        self.parts.push(command.spawn().expect("it starts"));
    }

    /// The manifest with what is this lattice's own.
    fn manifest(&self) -> String {
        let text = fs::read_to_string(root().join("wadm.yaml")).expect("the manifest");
        let text = text
            .replace("file://.", &format!("file://{}", root().display()))
            .replace(
                "admin_token_sha256: \"\"",
                &format!("admin_token_sha256: {DIGEST}"),
            )
            .replace(":8080", &format!(":{}", self.http_port))
            .replace(":4222", &format!(":{}", self.nats_port))
            .replace(
                ".stoa/data",
                self.folder.path().join("data").to_str().expect("text"),
            );
        let path = self.folder.path().join("wadm.yaml");
        fs::write(&path, text).expect("a manifest");
        path.to_str().expect("text").to_owned()
    }

    /// What `wash` says, in JSON.
    fn wash(&self, arguments: &[&str]) -> Value {
        let port = self.nats_port.to_string();
        let output = Command::new(variable("STOA_WASH"))
            .args(["--output", "json"])
            .args(arguments)
            .env("HOME", self.folder.path())
            .env("WASMCLOUD_NATS_PORT", &port)
            .env("WASMCLOUD_CTL_PORT", &port)
            .current_dir(root())
            .output()
            .expect("wash runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        let json = said.lines().rev().find(|line| line.starts_with('{'));
        serde_json::from_str(json.unwrap_or("null")).expect("JSON")
    }

    fn client(&self, token: Option<&str>) -> Client {
        let base = format!("http://127.0.0.1:{}", self.http_port);
        Client::new(&base, token.map(str::to_owned))
    }

    /// The process of the host that `wash` started.
    fn host(&self) -> Option<u32> {
        let pid = find(self.folder.path(), "pid")?;
        serde_json::from_str::<Value>(&pid).ok()?["pid"].as_u64()?.try_into().ok()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // The host first, where a test did not come to the end.
        let host = self.host();
        for id in host.into_iter().chain(self.parts.iter().rev().map(Child::id)) {
            let _ = Command::new("kill").arg(id.to_string()).stderr(Stdio::null()).status();
        }
        for part in &mut self.parts {
            let _ = part.wait();
        }
    }
}

//! The lattice that wasmCloud's own shell runs, from a NATS server to a shop:
//! the way that `docs/operations.md` describes, with nothing downloaded.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use stoa_harness::{ADMIN, Client, PRODUCT, Process, eventually, make_admin, outcome, root, stoa};
use tempfile::TempDir;

use crate::life::draft;

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
        let mut wash = Command::new(program());
        wash.args(["--output", "json"])
            .args(arguments)
            .env("HOME", self.folder.path())
            .env("WASMCLOUD_NATS_PORT", &port)
            .env("WASMCLOUD_CTL_PORT", &port)
            .current_dir(root());
        let output = outcome(&mut wash);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        // It may greet a newcomer after what it was asked for.
        let json = said.find('{').map_or("null", |start| &said[start..]);
        let mut values = serde_json::Deserializer::from_str(json).into_iter();
        values.next().expect("a value").expect("JSON")
    }

    fn client(&self) -> Client {
        Client::new(&format!("http://127.0.0.1:{}", self.http_port), None)
    }

    /// An access token of an administrator, who is made for it.
    fn token(&self) -> String {
        let nats = format!("nats://127.0.0.1:{}", self.nats_port);
        // It is no lattice of this folder: NATS is all that there is to go by.
        make_admin(&mut stoa(Path::new("nowhere")), &["--nats", &nats]);
        let mut stoa = stoa(Path::new("nowhere"));
        let token = outcome(stoa.args(["admin", "--nats", &nats, "token", "--email", ADMIN]));
        String::from_utf8(token.stdout)
            .expect("text")
            .trim()
            .to_owned()
    }

    /// The process of the host that `wash` started.
    fn host(&self) -> Option<u32> {
        let file = fs::read(find(self.folder.path(), "wasmcloud.pid")?).ok()?;
        let noted: Value = serde_json::from_slice(&file).ok()?;
        noted["pid"].as_u64()?.try_into().ok()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // The host first, where a test did not come to the end.
        let host = self.host();
        for id in host
            .into_iter()
            .chain(self.parts.iter().rev().map(Child::id))
        {
            let _ = Command::new("kill")
                .arg(id.to_string())
                .stderr(Stdio::null())
                .status();
        }
        for part in &mut self.parts {
            let _ = part.wait();
        }
    }
}

/// The `wash` program.
fn program() -> OsString {
    variable("STOA_WASH")
}

/// Whether there is a `wash` to test with.
pub(crate) fn is_there() -> bool {
    std::env::var_os("STOA_WASH").is_some()
}

fn variable(name: &str) -> OsString {
    let found = std::env::var_os(name);
    found.unwrap_or_else(|| panic!("{name} is not set: run these tests by `cargo xtask test`"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// The file of this name somewhere below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.find_map(|path| {
        if path.is_dir() {
            return find(&path, name);
        }
        (path.file_name()? == name).then_some(path)
    })
}

pub(crate) fn wash_runs_the_lattice_with_our_host() {
    let ground = Ground::new();
    let host = root().join("target/stoa/wasmcloud");
    let host = host.to_str().expect("text");
    let up = [
        "up",
        "--detached",
        "--nats-connect-only",
        "--host-path",
        host,
    ];
    // By their versions, so that it asks nobody which is the newest.
    let versions = ["--wasmcloud-version", "v1.9.2", "--wadm-version", "v0.21.1"];
    let up = ground.wash(&[&up[..], &versions[..]].concat());
    assert_eq!(up["success"], true, "{up}");
    let process = ground.host().expect("the host runs");

    let manifest = ground.manifest();
    ground.wash(&["app", "deploy", &manifest]);
    let anonymous = ground.client();
    eventually("the shop", || {
        let ready = anonymous.get("/health/ready").try_send();
        ready.is_ok_and(|answer| answer.status == 200)
    });
    let ids = |what: &str| -> BTreeSet<String> {
        let inventory = ground.wash(&["get", "inventory"]);
        let list = inventory["inventories"][0][what].as_array().cloned();
        let ids = list.into_iter().flatten();
        ids.filter_map(|found| found["id"].as_str().map(str::to_owned))
            .collect()
    };
    let components = crate::capabilities::components();
    eventually("all components", || ids("components") == components);
    let providers = ids("providers");
    for provider in [
        "events",
        "http-server",
        "keyvalue",
        "mail",
        "messaging",
        "sql",
        "ticker",
    ] {
        assert!(providers.contains(provider), "{providers:?}");
    }

    let admin = anonymous.with_token(&ground.token());
    let created = admin.post("/products", &draft("WASHED")).send().expect(201);
    let id = created.body["id"].as_str().expect("an id");
    admin.get(&format!("/products/{id}")).send().expect(200);

    let other = format!(
        "file://{}",
        PRODUCT.altered_in(ground.folder.path()).display()
    );
    ground.wash(&["update", "component", "product", &other]);
    eventually("the other build", || PRODUCT.is_other(&anonymous));
    admin.get(&format!("/products/{id}")).send().expect(200);

    ground.wash(&["down"]);
    eventually("the host's end", || Process::with_id(process).is_none());
    for program in ["nats-server", "wadm", "wasmcloud_host"] {
        let downloaded = find(ground.folder.path(), program);
        assert_eq!(downloaded, None);
    }
}

pub(crate) fn wash_builds_a_component_in_its_folder() {
    let keys = TempDir::with_prefix("stoa-test-").expect("a temporary folder");
    let built = root().join("target/wash/registry.wasm");
    let _ = fs::remove_file(&built);
    let mut wash = Command::new(program());
    wash.args(["build", "--keys-directory"])
        .arg(keys.path())
        .current_dir(root().join("components/registry"))
        .env_remove("CARGO_TARGET_DIR");
    let output = outcome(&mut wash);
    assert!(output.status.success(), "{output:?}");
    let component = fs::read(built).expect("the component that was built");
    assert_eq!(&component[..8], b"\0asm\x0d\0\x01\0", "a component");
}

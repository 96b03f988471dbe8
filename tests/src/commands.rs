//! The commands of `stoa`, and what they say when they cannot do their work.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use stoa_harness::{Lattice, PRODUCT, Process, eventually, outcome, root, stoa, until};
use tempfile::TempDir;

use crate::shared;

/// `stoa` with these arguments on this folder fails, with one sentence that
/// has `why` in it, and leaves no process behind.
#[track_caller]
fn fails(folder: &Path, arguments: &[&str], why: &str) {
    let (_, error) = failed(folder, arguments);
    assert!(error.contains(why), "{error}");
}

/// What `stoa` prints with these arguments, and the sentence with which it
/// fails. It leaves no process behind.
#[track_caller]
fn failed(folder: &Path, arguments: &[&str]) -> (String, String) {
    let before = Process::all_of(folder);
    let output = outcome(stoa(folder).args(arguments));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} ended well");
    assert!(error.starts_with("stoa: "), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert_eq!(Process::all_of(folder), before, "nothing is left behind");
    assert!(!folder.join("tmp").exists() || !before.is_empty());
    (String::from_utf8_lossy(&output.stdout).into_owned(), error)
}

fn folder() -> TempDir {
    TempDir::with_prefix("stoa-test-").expect("a temporary folder")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path is text")
}

/// The manifest in a folder, with a change.
fn manifest(folder: &Path, change: impl Fn(String) -> String) -> String {
    let manifest = fs::read_to_string(root().join("wadm.yaml")).expect("the manifest");
    let manifest = manifest.replace("file://.", &format!("file://{}", root().display()));
    let path = folder.join("wadm.yaml");
    fs::write(&path, change(manifest)).expect("a manifest");
    text(&path).to_owned()
}

/// Arguments of `stoa up` with a manifest.
fn up(manifest: &str) -> [&str; 5] {
    ["up", "--http", "127.0.0.1:0", "--manifest", manifest]
}

pub(crate) fn up_names_a_port_that_is_taken() {
    let folder = folder();
    let manifest = manifest(folder.path(), |text| text);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let arguments = ["up", "--manifest", &manifest, "--http", &address];
    fails(
        folder.path(),
        &arguments,
        &format!("cannot listen on {address}"),
    );
    let port = taken.local_addr().expect("an address").port().to_string();
    let mut arguments = up(&manifest).to_vec();
    arguments.extend(["--nats-port", &port]);
    fails(
        folder.path(),
        &arguments,
        &format!("cannot listen on {address}"),
    );
}

pub(crate) fn up_does_not_share_its_folder() {
    let manifest = root().join("wadm.yaml");
    let why = "a lattice already runs on";
    fails(shared().folder(), &up(text(&manifest)), why);
    shared().anonymous().get("/products").send().expect(200);
}

pub(crate) fn up_says_which_nats_server_it_needs() {
    let folder = folder();
    let manifest = manifest(folder.path(), |text| text);
    let missing = folder.path().join("nowhere/nats-server");
    let mut arguments = up(&manifest).to_vec();
    arguments.extend(["--nats-server", text(&missing)]);
    fails(
        folder.path(),
        &arguments,
        "install nats-server 2.10 or newer",
    );

    let old = folder.path().join("nats-server");
    fs::write(&old, "#!/bin/sh\necho 'nats-server: v2.9.10'\n").expect("a script");
    fs::set_permissions(&old, Permissions::from_mode(0o755)).expect("a program");
    let mut arguments = up(&manifest).to_vec();
    arguments.extend(["--nats-server", text(&old)]);
    let why = "is nats-server: v2.9.10: the lattice needs nats-server 2.10 or newer";
    fails(folder.path(), &arguments, why);
}

pub(crate) fn up_says_what_is_wrong_with_the_manifest() {
    let folder = folder();
    let path = folder.path();
    let missing = path.join("missing.yaml");
    fails(path, &up(text(&missing)), "cannot read the manifest");

    let no_yaml = manifest(path, |_| "not: [yaml".to_owned());
    fails(path, &up(&no_yaml), "the manifest is not YAML");

    let image = manifest(path, |text| text.replace("/product.wasm", "/nothing.wasm"));
    fails(path, &up(&image), "nothing.wasm, which does not exist");

    let no_place = manifest(path, |text| text.replace("data_dir:", "folder:"));
    let why = "has no config `sql` with a property `data_dir`";
    fails(path, &up(&no_place), why);

    // Two links of one component with the same name.
    let twice = manifest(path, |text| {
        text.replacen(
            "            name: registry\n",
            "            name: product\n",
            1,
        )
    });
    fails(
        path,
        &up(&twice),
        "wadm refuses the manifest: Duplicate link",
    );
}

pub(crate) fn up_says_who_is_missing_when_it_takes_too_long() {
    let folder = folder();
    // Nobody tells product the time, so it never beats.
    let manifest = manifest(folder.path(), |text| {
        text.replace("            name: heartbeat-product\n            target:\n              name: product\n",
            "            name: heartbeat-product\n            target:\n              name: registry\n")
    });
    // In as many seconds as this machine needs for all the others.
    let mut seconds = 10;
    let said = loop {
        let time = seconds.to_string();
        let arguments = [&up(&manifest)[..], &["--timeout", &time]].concat();
        let (said, error) = failed(folder.path(), &arguments);
        let missing = format!("not ready after {seconds} s: Not there yet: ");
        let (_, missing) = error.split_once(&missing).expect(&error);
        if missing.starts_with("product; see") {
            break said;
        }
        assert!(seconds < 160, "{error}");
        seconds *= 2;
    };
    let mut waiting = said
        .lines()
        .filter_map(|line| line.split_once("waiting     "));
    let is_short = |missing: &str| missing.split(", ").count() <= 3 && missing.len() < 250;
    assert!(waiting.clone().count() > 0, "{said}");
    assert!(waiting.all(|(_, missing)| is_short(missing)), "{said}");
}

pub(crate) fn without_a_lattice_the_other_commands_say_so() {
    let folder = folder();
    let nowhere = folder.path().join("nowhere");
    for arguments in [
        &["status"][..],
        &["seed", "--email", "a@b.example"],
        &["admin", "token", "--email", "a@b.example"],
        &["keys", "list"],
        &["swap", "product", "x.wasm"],
        &["down"],
    ] {
        fails(folder.path(), arguments, "no lattice runs on");
        fails(&nowhere, arguments, "no lattice runs on");
        assert!(!nowhere.exists(), "{arguments:?} makes no folder");
    }
}

pub(crate) fn status_shows_what_runs_and_how_it_is() {
    // A provider has a second to say how it is.
    let status = until("a status with all answers", || {
        let status = shared().stoa(&["status"]).expect("a status");
        let late = status.contains("no answer");
        if late { Err(status) } else { Ok(status) }
    });
    let rows: Vec<Vec<_>> = status
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|c| !c.is_empty())
                .collect()
        })
        .collect();
    let row = |start: &[&str]| {
        let found = rows.iter().find(|row| row.starts_with(start));
        found.unwrap_or_else(|| panic!("no row {start:?} in\n{status}"))
    };
    row(&[&format!("gateway http://{}", shared().address())]);
    row(&["hasher", "4"]);
    for (component, instances) in [
        ("account", "100"),
        ("auth", "100"),
        ("email", "100"),
        ("gateway", "500"),
        ("payment", "100"),
        ("product", "500"),
        ("registry", "100"),
    ] {
        let row = row(&[component, instances]);
        assert!(row[2].starts_with(component), "{row:?}");
        let row = service(&rows, component);
        assert!(row[1].ends_with(" s ago"), "{row:?}");
    }
    let providers = [
        "events",
        "http-client",
        "http-server",
        "keyvalue",
        "mail",
        "messaging",
        "sql",
        "ticker",
    ];
    for provider in providers {
        row(&[provider, "healthy"]);
    }
    for (link, name) in [
        ("gateway -> account", "account"),
        ("gateway -> auth", "auth"),
        ("gateway -> email", "email"),
        ("email -> auth", "default"),
        ("email -> mail", "default"),
        ("events -> email", "email"),
        ("events -> auth", "outbox-auth"),
        ("events -> payment", "outbox-payment"),
        ("auth -> events", "default"),
        ("payment -> events", "default"),
        ("account -> auth", "default"),
        ("auth -> account", "default"),
        ("auth -> hasher", "default"),
        ("payment -> processor-sandbox", "sandbox"),
        ("payment -> processor-stripe", "stripe"),
        ("gateway -> product", "product"),
        ("gateway -> registry", "registry"),
        ("gateway -> keyvalue", "default"),
        ("account -> sql", "default"),
        ("product -> sql", "default"),
        ("ticker -> product", "heartbeat-product"),
        ("messaging -> registry", "default"),
    ] {
        row(&[link, name]);
    }
}

/// The row of a service.
fn service<'a>(rows: &'a [Vec<&'a str>], id: &str) -> &'a [&'a str] {
    let url = format!("lattice://default/{id}");
    let row = rows.iter().find(|row| row.last() == Some(&&url[..]));
    row.expect("the service is there")
}

pub(crate) fn seed_writes_products_once_and_down_stops_the_lattice() {
    let mut lattice = Lattice::start();
    let processes = Process::all_of(lattice.folder());
    let seed = || lattice.seed(50);
    let first = seed().expect("products");
    assert!(first.contains("50 products written in"), "{first}");
    assert!(first.contains(", 0 were there already"), "{first}");
    let second = seed().expect("products");
    assert!(second.contains("0 products written in"), "{second}");
    assert!(second.contains(", 50 were there already"), "{second}");
    let page = lattice.anonymous().get("/products?limit=100").send();
    let page = page.expect(200).body;
    assert_eq!(page["data"].as_array().map(Vec::len), Some(50));

    let down = lattice.stoa(&["down"]).expect("it stops");
    assert_eq!(down, "stopped\n");
    // Stopped is stopped: nobody has to wait for anything any more.
    let ended = lattice.ended();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.printed.ends_with("stopped\n"), "{ended:?}");
    assert!(processes.iter().all(|process| !process.is_alive()));
    fails(lattice.folder(), &["down"], "no lattice runs on");
}

/// What was compiled: how often each was used, as the engine notes it down.
fn compiled(folder: &Path) -> Vec<u64> {
    let mut folders = vec![folder.join("code")];
    let mut used = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "stats")
            {
                let text = fs::read_to_string(path).expect("a file");
                let usages = text.lines().find_map(|line| line.strip_prefix("usages = "));
                used.extend(usages.and_then(|usages| usages.parse::<u64>().ok()));
            }
        }
    }
    used
}

pub(crate) fn a_component_is_compiled_once_and_again_when_it_is_another() {
    let lattice = Lattice::start();
    let before = compiled(lattice.folder());
    assert!(before.len() > 7, "{before:?}");
    assert!(before.iter().all(|used| *used == 1), "{before:?}");
    let lattice = Lattice::start_on(lattice.stop());
    eventually("that all were used again", || {
        let now = compiled(lattice.folder());
        now.len() == before.len() && now.iter().all(|used| *used == 2)
    });
    let other = PRODUCT.altered(&lattice);
    let said = lattice.stoa(&["swap", "product", other.to_str().expect("text")]);
    said.expect("the swap");
    eventually("one more", || {
        compiled(lattice.folder()).len() == before.len() + 1
    });
    let metadata = fs::metadata(lattice.folder().join("code")).expect("it is there");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o700);
}

pub(crate) fn compiled_code_is_kept_where_nobody_else_writes() {
    let folder = TempDir::with_prefix("stoa-test-").expect("a temporary folder");
    let code = folder.path().join("code");
    fs::create_dir(&code).expect("a folder");
    fs::set_permissions(&code, Permissions::from_mode(0o777)).expect("its owner");
    let manifest = root().join("wadm.yaml");
    let manifest = manifest.to_str().expect("text");
    let up = ["up", "--http", "127.0.0.1:0", "--manifest", manifest];
    fails(folder.path(), &up, "nobody else may write to it");
}

pub(crate) fn what_a_lattice_keeps_is_its_owners_alone() {
    let lattice = Lattice::start();
    lattice.admin().get("/services").send().expect(200);
    for file in ["stoa.log", "data/auth.db", "data/account.db"] {
        let metadata = fs::metadata(lattice.folder().join(file)).expect("it is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{file}");
    }
    assert!(!lattice.log().contains(&lattice.token()));
}

//! A service that `cargo xtask new service` makes, from the command to its
//! answers: in a copy of the repository that shares the target folder, so that
//! little is compiled.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;
use stoa_harness::{Lattice, root};
use tempfile::TempDir;

use crate::auth::Person;
use crate::capabilities;

/// The service's id; with a dash, so that its names differ.
const ID: &str = "product-reviews";

/// A copy of the repository.
///
/// Cargo takes two crates in one target folder for the same if they have the
/// same name and version, and the same place in their workspace, wherever that
/// is. So those of the copy have a version of their own; all others are the same.
struct Copy(PathBuf);

impl Copy {
    /// Always at the same place, so that what is compiled of it takes the place
    /// of what was.
    fn new() -> Self {
        let folder = root().join("target/newcomer");
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the last copy goes");
        }
        copy(&root(), &folder);
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| root().join("target"));
        symlink(target, folder.join("target")).expect("a link");
        let copy = Self(folder);
        let version = format!("version = \"{}\"", env!("CARGO_PKG_VERSION"));
        let workspace = copy.read("Cargo.toml");
        assert_eq!(workspace.matches(&version).count(), 1);
        let its_own = format!("{}-newcomer\"", version.trim_end_matches('"'));
        let workspace = workspace.replace(&version, &its_own);
        fs::write(copy.0.join("Cargo.toml"), workspace).expect("its version");
        copy
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).expect("a file")
    }

    /// A program in the folder, with all that it needs on this machine.
    fn command(&self, program: impl AsRef<OsStr>, folder: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.0.join(folder))
            .env("CARGO_NET_OFFLINE", "true");
        // What cargo says about the program of the tests would make build
        // scripts run again.
        for (name, _) in std::env::vars_os() {
            let about_this = [
                "CARGO_PKG_",
                "CARGO_MANIFEST_",
                "CARGO_BIN_",
                "CARGO_CRATE_",
            ];
            let text = name.to_string_lossy();
            if about_this.iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command
    }

    /// Cargo ends well.
    #[track_caller]
    fn cargo(&self, arguments: &[&str]) {
        let output = self.try_cargo(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo {arguments:?}: {error}");
    }

    fn try_cargo(&self, arguments: &[&str]) -> Output {
        let mut cargo = self.command("cargo", "");
        cargo.args(arguments).output().expect("cargo runs")
    }

    /// `cargo xtask new service` refuses a name, and says why.
    #[track_caller]
    fn refuses(&self, name: &str, why: &str) {
        let output = self.try_cargo(&["xtask", "new", "service", name]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{name} was made");
        assert!(error.contains(why), "{error}");
    }

    /// Builds the service; the file.
    fn component(&self) -> PathBuf {
        let build = ["build", "--locked", "--profile", "component"];
        let what = ["--target", "wasm32-wasip2", "--package", ID];
        self.cargo(&[build.as_slice(), &what].concat());
        let file = format!("{}.wasm", ID.replace('-', "_"));
        let file = self.0.join("target/wasm32-wasip2/component").join(file);
        file.canonicalize().expect("a component")
    }

    /// The manifest with the service's file, and with those of the repository
    /// for all else.
    fn manifest(&self, folder: &Path, component: &Path) -> PathBuf {
        let image = format!("file://./target/stoa/{ID}.wasm");
        let manifest = self.read("wadm.yaml");
        assert_eq!(manifest.matches(&image).count(), 1);
        let manifest = manifest
            .replace(&image, &format!("file://{}", component.display()))
            .replace("file://.", &format!("file://{}", root().display()));
        let file = folder.join("wadm.yaml");
        fs::write(&file, manifest).expect("a manifest");
        file
    }
}

/// Copies a folder without what was built or is git's.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        let kind = entry.file_type().expect("a type");
        if ["target", ".git", ".stoa"].iter().any(|left| name == *left) {
            continue;
        }
        if kind.is_dir() {
            copy(&entry.path(), &to.join(&name));
        } else if kind.is_file() {
            fs::copy(entry.path(), to.join(&name)).expect("a copy");
        }
    }
}

pub(crate) fn a_service_made_by_one_command_is_built_and_answers() {
    let copy = Copy::new();
    copy.refuses("Product_Reviews", "is no id of a service");
    copy.refuses("payments", "the API has `/payments` already");
    let before = copy.read("wadm.yaml");
    assert_eq!(
        before,
        fs::read_to_string(root().join("wadm.yaml")).expect("it")
    );
    copy.cargo(&["xtask", "new", "service", ID]);
    copy.refuses(ID, "is there already");

    copy.cargo(&["fmt", "--all", "--check"]);
    let package = ["--locked", "--package", ID];
    copy.cargo(&[&["test"], &package[..]].concat());
    let warnings = ["--all-targets", "--", "-D", "warnings"];
    copy.cargo(&[&["clippy"], &package[..], &warnings].concat());
    let description = [
        "test",
        "--locked",
        "--package",
        "gateway",
        "--test",
        "openapi",
    ];
    copy.cargo(&description);

    let component = copy.component();
    let row = capabilities::row(ID, &component);
    let table = copy.read("docs/capabilities.md");
    assert!(table.contains(&row), "the row would be: {row}");

    let folder = TempDir::with_prefix("stoa-test-").expect("a temporary folder");
    let manifest = copy.manifest(folder.path(), &component);
    it_answers(&Lattice::start_on_with(folder, &manifest, &[]));
}

/// What the template promises, over HTTP.
fn it_answers(lattice: &Lattice) {
    let all = format!("/{ID}");
    let ann = Person::on(lattice, "ann@newcomer.example");
    let bob = Person::on(lattice, "bob@newcomer.example");
    // It is there from its first beat on.
    let empty = ann.client.wait_for(&all, |answer| answer.status == 200);
    assert_eq!(empty.body, json!({"data": [], "next": null}));

    let draft = json!({"title": "A fine mug", "text": "It keeps the tea warm."});
    let created = ann.client.post(&all, &draft).send().expect(201);
    let path = created.header("location");
    let id = created.body["id"].as_str().expect("an id");
    assert_eq!(path, format!("{all}/{id}"));
    assert_eq!(created.header("etag"), "\"1\"");
    assert_eq!(created.body["author"], ann.id);
    assert_eq!(created.body["title"], draft["title"]);
    assert_eq!(created.body["text"], draft["text"]);

    let shown = bob.client.get(path).send().expect(200);
    assert_eq!(shown.body, created.body);
    let current = bob.client.get(path).header("if-none-match", "\"1\"");
    current.send().expect(304);

    let draft = json!({"title": "Another one"});
    let second = bob.client.post(&all, &draft).send().expect(201);
    let listed = ann.client.get(&format!("{all}?limit=1")).send().expect(200);
    assert_eq!(listed.body["data"], json!([second.body]));
    let next = listed.body["next"].as_str().expect("a cursor");
    let next = format!("{all}?limit=1&cursor={next}");
    assert_eq!(listed.header("link"), format!("<{next}>; rel=\"next\""));
    let last = ann.client.get(&next).send().expect(200);
    assert_eq!(last.body, json!({"data": [created.body], "next": null}));
    let by_bob = ann.client.get(&format!("{all}?author={}", bob.id)).send();
    assert_eq!(by_bob.expect(200).body["data"], json!([second.body]));

    let wrong = json!({"title": "", "text": 1, "author": bob.id});
    let refused = ann.client.post(&all, &wrong).send();
    refused.problem(422, "invalid").names(&[
        ("/title", "length"),
        ("/text", "type"),
        ("/author", "unknown"),
    ]);
    let refused = ann.client.get(&format!("{all}?limit=0&page=2")).send();
    refused
        .problem(400, "invalid_query")
        .names(&[("limit", "value"), ("page", "unknown")]);
    let missing = ann.client.get(&format!("{all}/x")).send();
    missing.problem(404, "not_found");
    let unknown = ann.client.get(&format!("{path}/x")).send();
    unknown.problem(404, "no_route");
    let delete = ann.client.delete(path).send();
    let delete = delete.problem(405, "method_not_allowed");
    assert_eq!(delete.header("allow"), "GET");
    for request in [ann.visitor.get(path), ann.visitor.post(&all, &draft)] {
        request.send().problem(401, "unauthorized");
    }

    let service = lattice.admin().get(&format!("/services/{ID}")).send();
    let url = &service.expect(200).body["url"];
    assert_eq!(*url, format!("lattice://default/{ID}"));
}

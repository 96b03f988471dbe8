//! A real lattice for tests: `stoa up` with its own ports and data folder,
//! gone without a trace when it is dropped.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::ended;
use crate::{Client, Wire, eventually, outcome, patience};

/// How long a lattice may take to be ready.
const START: Duration = Duration::from_mins(2);

/// How often services beat.
const BEATS: Duration = Duration::from_secs(5);
/// No lease may be longer than ten minutes.
const LONGEST_BEATS: Duration = Duration::from_secs(200);

/// A running lattice.
pub struct Lattice {
    child: Child,
    printed: Mutex<Receiver<String>>,
    folder: TempDir,
    base: String,
    /// The administrator's token, and when it was given.
    token: Mutex<Option<(String, Instant)>>,
}

/// Who administers a lattice of tests.
pub const ADMIN: &str = "admin@stoa.example";
/// The administrator's password.
pub const ADMIN_PASSWORD: &str = "a password for tests only";
/// How long a token is used: half as long as it holds.
const TOKEN_LIFE: Duration = Duration::from_mins(5);

/// How a lattice came to its end.
#[derive(Debug)]
pub struct Ended {
    /// How `stoa up` ended.
    pub status: ExitStatus,
    /// What it printed after it was ready, its errors last.
    pub printed: String,
}

impl Lattice {
    /// Starts a lattice on an empty folder.
    pub fn start() -> Self {
        Self::start_on(TempDir::with_prefix("stoa-test-").expect("a temporary folder"))
    }

    /// Starts a lattice on a folder that another one has used.
    pub fn start_on(folder: TempDir) -> Self {
        let manifest = manifest(folder.path(), &[]);
        Self::run(&program(), folder, &manifest, &[])
    }

    /// Starts a lattice on a folder with a manifest and more options.
    pub fn start_on_with(folder: TempDir, manifest: &Path, options: &[&str]) -> Self {
        Self::run(&program(), folder, manifest, options)
    }

    /// Starts a lattice on an empty folder with more options of `stoa up`.
    pub fn start_as(options: &[&str]) -> Self {
        Self::start_with_options(&[], options)
    }

    /// Starts a lattice on an empty folder with another manifest: the usual
    /// one, with some of its text replaced.
    pub fn start_with(changes: &[(&str, &str)]) -> Self {
        Self::start_with_options(changes, &[])
    }

    /// Starts a lattice with another manifest and with more options.
    pub fn start_with_options(changes: &[(&str, &str)], options: &[&str]) -> Self {
        Self::start_of(&program(), changes, options)
    }

    /// The same by another build of `stoa`.
    pub fn start_of(program: &OsStr, changes: &[(&str, &str)], options: &[&str]) -> Self {
        let folder = TempDir::with_prefix("stoa-test-").expect("a temporary folder");
        let manifest = manifest(folder.path(), changes);
        Self::run(program, folder, &manifest, options)
    }

    fn run(program: &OsStr, folder: TempDir, manifest: &Path, options: &[&str]) -> Self {
        let seconds = patience(START).as_secs().to_string();
        let mut child = Command::new(program)
            .arg("--data")
            .arg(folder.path())
            .args(["up", "--http", "127.0.0.1:0", "--timeout", &seconds])
            .arg("--manifest")
            .arg(manifest)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("stoa starts");
        match ready(&mut child) {
            Ok((base, printed)) => Self {
                child,
                printed: Mutex::new(printed),
                folder,
                base,
                token: Mutex::default(),
            },
            Err(output) => {
                let _ = child.kill();
                let log = std::fs::read_to_string(folder.path().join("stoa.log"));
                let log = log.unwrap_or_default();
                let tail: Vec<_> = log.lines().rev().take(60).collect();
                let tail: Vec<_> = tail.into_iter().rev().collect();
                panic!("no lattice:\n{output}\n{}", tail.join("\n"));
            }
        }
    }

    /// A client without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.base, None)
    }

    /// A client with this access token.
    pub fn with_token(&self, token: &str) -> Client {
        Client::new(&self.base, Some(token.to_owned()))
    }

    /// A client without a token at another address of this machine, such as
    /// `127.0.0.2`: for what is counted by address.
    pub fn from_address(&self, address: IpAddr) -> Client {
        Client::at(address, &self.base)
    }

    /// A client of the administrator.
    pub fn admin(&self) -> Client {
        self.with_token(&self.token())
    }

    /// An access token of the administrator, who is made by the first that
    /// asks.
    pub fn token(&self) -> String {
        let mut token = self.token.lock().expect("nobody failed here");
        if token.is_none() {
            make_admin(&mut stoa(self.folder.path()), &[]);
        }
        match &*token {
            Some((token, given)) if given.elapsed() < TOKEN_LIFE => token.clone(),
            _ => {
                let said = self.stoa(&["admin", "token", "--email", ADMIN]);
                let new = said.expect("a token").trim().to_owned();
                *token = Some((new.clone(), Instant::now()));
                new
            }
        }
    }

    /// The gateway's address, `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// A connection to the gateway for requests made by hand.
    pub fn wire(&self) -> Wire {
        Wire::connect(self.address())
    }

    /// The NATS server's URL.
    pub fn nats(&self) -> String {
        let run = std::fs::read(self.folder.path().join("run.json")).expect("run.json");
        let run: serde_json::Value = serde_json::from_slice(&run).expect("run.json is JSON");
        run["nats"]
            .as_str()
            .expect("run.json names NATS")
            .to_owned()
    }

    /// What host, wadm, NATS and providers logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stoa.log")).expect("the log")
    }

    /// Waits until a text is in the log this many times.
    pub fn wait_for_log(&self, text: &str, times: usize) {
        eventually(&format!("{text:?} in the log, {times} times"), || {
            self.log().matches(text).count() >= times
        });
    }

    /// The lattice's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Process id of `stoa up`.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `stoa` with these arguments on this lattice: its output, if it ends
    /// well, and what it complains of otherwise.
    pub fn stoa(&self, arguments: &[&str]) -> Result<String, String> {
        let output = outcome(stoa(self.folder.path()).args(arguments));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }

    /// Lets `stoa seed` write so many products; what it says.
    pub fn seed(&self, products: u32) -> Result<String, String> {
        // It asks in the name of the administrator, who must be there.
        self.token();
        self.stoa(&[
            "seed",
            "--email",
            ADMIN,
            "--products",
            &products.to_string(),
        ])
    }

    /// Stops the lattice in order and returns its folder.
    pub fn stop(mut self) -> TempDir {
        self.interrupt();
        self.take_folder()
    }

    /// Kills `stoa up`, which gets no time for anything, and returns the
    /// folder.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().expect("stoa up is there to be killed");
        self.child.wait().expect("a child");
        self.take_folder()
    }

    /// Waits until the lattice ends, for whatever reason.
    pub fn ended(&mut self) -> Ended {
        let status = ended(&mut self.child);
        let printed: Vec<_> = self.printed.get_mut().expect("one reader").iter().collect();
        Ended {
            status,
            printed: printed.join("\n"),
        }
    }

    fn take_folder(&mut self) -> TempDir {
        let other = TempDir::with_prefix("stoa-test-").expect("a temporary folder");
        std::mem::replace(&mut self.folder, other)
    }

    /// Stops the lattice by `stoa down` and removes its folder: for the one
    /// that is never dropped.
    pub fn end(&self) {
        self.stoa(&["down"]).expect("the lattice stops");
        let _ = std::fs::remove_dir_all(self.folder.path());
    }

    fn interrupt(&mut self) {
        if self.child.try_wait().expect("a child").is_some() {
            return;
        }
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        ended(&mut self.child);
    }
}

impl Drop for Lattice {
    fn drop(&mut self) {
        self.interrupt();
    }
}

/// The manifest in a lattice's folder, with some of its text replaced.
fn manifest(folder: &Path, changes: &[(&str, &str)]) -> PathBuf {
    let text = std::fs::read_to_string(root().join("wadm.yaml")).expect("the manifest");
    // Images are named relative to the manifest, which lies elsewhere now.
    let mut text = text.replace("file://.", &format!("file://{}", root().display()));
    for (old, new) in changes {
        assert!(text.contains(old), "the manifest has no {old}");
        text = text.replace(old, new);
    }
    // A service whose beats are late is gone when its lease, three intervals,
    // runs out: where all takes longer, leases do too.
    let longer = patience(BEATS).min(LONGEST_BEATS).as_millis();
    let usual = beats(BEATS.as_millis());
    assert!(text.contains(&usual), "the manifest has no{usual}");
    let text = text.replace(&usual, &beats(longer));
    let path = folder.join("wadm.yaml");
    std::fs::write(&path, text).expect("a manifest");
    path
}

/// How often a service beats, as the manifest says it.
fn beats(interval: u128) -> String {
    format!(
        "-heartbeat\n                  properties:\n                    interval_ms: \"{interval}\""
    )
}

/// Makes the administrator of the lattice that `stoa admin` finds with these
/// options.
pub fn make_admin(stoa: &mut Command, options: &[&str]) {
    let mut child = stoa
        .arg("admin")
        .args(options)
        .args(["create", "--email", ADMIN, "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("stoa starts");
    let mut password = child.stdin.take().expect("its input is piped");
    writeln!(password, "{ADMIN_PASSWORD}").expect("it reads the password");
    drop(password);
    assert!(ended(&mut child).success(), "no administrator");
}

/// Waits until the lattice says that it is ready; returns the gateway's base
/// URL and what comes after it, or what was printed instead.
fn ready(child: &mut Child) -> Result<(String, Receiver<String>), String> {
    let stdout = child.stdout.take().expect("stdout is piped");
    let mut stderr = child.stderr.take().expect("stderr is piped");
    let (lines, printed) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
        let mut error = String::new();
        let _ = stderr.read_to_string(&mut error);
        let _ = lines.send(error);
    });
    // A little more than it gives itself: it says what is missing.
    let deadline = Instant::now() + patience(START) + patience(Duration::from_secs(30));
    let mut output = String::new();
    while let Ok(line) = printed.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        if line.contains(" ready ")
            && let Some(at) = line.find("http://")
        {
            let base = line[at..].trim_end_matches("/products").to_owned();
            return Ok((base, printed));
        }
        output.push_str(&line);
        output.push('\n');
    }
    Err(output)
}

/// The `stoa` program.
pub(crate) fn program() -> OsString {
    std::env::var_os("STOA_BIN")
        .expect("STOA_BIN names the stoa program: run these tests by `cargo xtask test`")
}

/// The `stoa` program on a data folder.
pub fn stoa(folder: &Path) -> Command {
    let mut command = Command::new(program());
    command.arg("--data").arg(folder);
    command
}

/// The repository's root. Asked for when it runs, as one target folder may
/// serve several checkouts.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("run this by cargo");
    Path::new(&here)
        .ancestors()
        .find(|folder| folder.join("wadm.yaml").exists())
        .expect("the repository")
        .to_owned()
}

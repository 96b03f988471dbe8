//! A real mail server: `aiosmtpd`, which pip installs below the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;
use stoa_harness::{Packages, patience};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::ChildStdout;

/// The server and what it needs.
const PACKAGES: Packages = Packages {
    name: "aiosmtpd-1.4.6",
    wheels: "\
        aiosmtpd==1.4.6 --hash=sha256:72c99179ba5aa9ae0abbda6994668239b64a5ce054471955fe75f581d2592475\n\
        atpublic==9.0.0 --hash=sha256:449c3c4f0c74df79749d6fe225ba55e2a2fce34b303f0329211e4d6989ed6f6e\n\
        attrs==26.1.0 --hash=sha256:c647aa4a12dfbad9333ca4e71fe62ddc36f4e63b2d260a37a8b83d2f043ac309\n",
    sources: "",
};

/// Where they are. Many tests start a server at once, and one installs it.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| PACKAGES.folder());

/// How long a mail may take to show up.
const SHOWS: Duration = Duration::from_mins(1);

/// A server that runs. It ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    printed: Lines<BufReader<ChildStdout>>,
    pub(crate) port: u16,
}

impl Server {
    /// A server without encryption.
    pub(crate) async fn plain(options: &[&str]) -> Self {
        Self::start(
            ["--protection", "none"]
                .iter()
                .chain(options)
                .map(Path::new),
        )
        .await
    }

    /// A server with `tls` or `starttls`, as `localhost`.
    pub(crate) async fn encrypted(how: &str, identity: &Identity, options: &[&str]) -> Self {
        let (certificate, key) = (identity.certificate(), identity.key());
        let own = [Path::new("--protection"), Path::new(how)];
        let own = own
            .into_iter()
            .chain([Path::new("--certificate"), &certificate]);
        let own = own.chain([Path::new("--key"), &key]);
        Self::start(own.chain(options.iter().map(Path::new))).await
    }

    async fn start<'a>(options: impl Iterator<Item = &'a Path>) -> Self {
        let packages = tokio::task::spawn_blocking(|| FOLDER.as_path())
            .await
            .unwrap();
        let mut child = Command::new("python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/server.py"))
            .args(options)
            .env("PYTHONPATH", packages)
            .stdout(Stdio::piped())
            // It tells of every client that does not trust it.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = ChildStdout::from_std(child.stdout.take().unwrap()).unwrap();
        let mut server = Self {
            child,
            printed: BufReader::new(stdout).lines(),
            port: 0,
        };
        server.port = server.line().await.parse().unwrap();
        server
    }

    /// The next mail that it took.
    pub(crate) async fn mail(&mut self) -> Mail {
        Mail(serde_json::from_str(&self.line().await).unwrap())
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(patience(SHOWS), self.printed.next_line()).await;
        line.expect("the server prints nothing")
            .unwrap()
            .expect("the server has ended")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A mail as the server saw it.
pub(crate) struct Mail(Value);

impl Mail {
    pub(crate) fn get(&self, key: &str) -> &Value {
        &self.0[key]
    }

    pub(crate) fn content(&self) -> &str {
        self.0["content"].as_str().unwrap()
    }
}

/// A key of `localhost`, and its certificate.
pub(crate) struct Identity(TempDir);

impl Identity {
    pub(crate) fn new() -> Self {
        let identity = Self(TempDir::new().unwrap());
        let config = identity.0.path().join("openssl.cnf");
        let text = "[req]\ndistinguished_name = name\nx509_extensions = own\n[name]\n\
            [own]\nsubjectAltName = DNS:localhost\nbasicConstraints = critical, CA:FALSE\n";
        fs::write(&config, text).unwrap();
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ])
            .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .arg("-config")
            .arg(&config)
            .arg("-keyout")
            .arg(identity.key())
            .arg("-out")
            .arg(identity.certificate())
            .stderr(Stdio::null())
            .status()
            .expect("tests need OpenSSL's program");
        assert!(made.success());
        identity
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.0.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }
}

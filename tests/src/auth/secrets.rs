//! No secret is in a log: at the end of a run, the log of the lattice that the
//! tests shared is searched for all that they used.

use std::collections::HashSet;
use std::sync::Mutex;

use stoa_harness::Lattice;

use super::PASSWORD;

static SEEN: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// Remembers secrets that were used.
pub(crate) fn remember(secrets: &[&str]) {
    let mut seen = SEEN.lock().expect("nobody failed here");
    let seen = seen.get_or_insert_default();
    seen.extend(secrets.iter().map(|secret| (*secret).to_owned()));
}

/// A secret that is in the log, if any is.
pub(crate) fn leaked(lattice: &Lattice) -> Option<String> {
    remember(&[PASSWORD, stoa_harness::ADMIN_PASSWORD]);
    remember(&[&lattice.token()]);
    let log = lattice.log();
    assert!(!log.is_empty(), "there is a log");
    let seen = SEEN
        .lock()
        .expect("nobody failed here")
        .take()
        .unwrap_or_default();
    seen.into_iter().find(|secret| log.contains(secret))
}

/// Events name tokens by their ids, and databases have hashes.
pub(crate) fn no_secret_is_stored_as_it_is() {
    let person = super::Person::new("stored@auth.example");
    let token = super::mail::token(crate::shared(), &person.id);
    let folder = crate::shared().folder().join("data");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a file");
        for secret in [
            PASSWORD,
            &person.access_token,
            &person.refresh_token,
            &token,
        ] {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{} has {secret}", path.display());
        }
        files += 1;
    }
    assert!(files >= 3, "databases were searched");
}

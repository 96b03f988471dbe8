//! Without a server: every message is a file in a folder, for people and tests
//! to look at. Names sort by time, end with the message's id and are there
//! once for each id, also after a restart.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures::future::{BoxFuture, FutureExt as _};
use time::OffsetDateTime;
use tokio::task::spawn_blocking;

use super::{Backend, now_ms};
use crate::attempts::Outcome;
use crate::compose::compose;
use crate::mail::Mail;
use crate::types::{Error, Receipt};

/// A folder of messages.
pub(crate) struct Folder {
    path: PathBuf,
    /// Held from the look for a message until it is written.
    writing: Arc<Mutex<()>>,
    fault: Mutex<Option<String>>,
}

impl Folder {
    /// The folder is made at the first message.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            writing: Arc::default(),
            fault: Mutex::default(),
        }
    }

    async fn run(&self, mail: &Mail) -> Outcome {
        let message = compose(mail, SystemTime::now())
            .map_err(|_| Error::Temporary("the message cannot be written".to_owned()))?;
        let (folder, writing) = (self.path.clone(), Arc::clone(&self.writing));
        let id = mail.id.as_str().to_owned();
        let write = move || {
            let _alone = writing.lock().unwrap_or_else(PoisonError::into_inner);
            keep(&folder, &id, &message)
        };
        let name = spawn_blocking(write)
            .await
            .unwrap_or_else(|failure| Err(io::Error::other(failure)));
        let fault = name
            .as_ref()
            .err()
            .map(|error| format!("{}: {error}", self.path.display()));
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
        match name {
            Ok(answer) => Ok(Receipt {
                accepted_at: now_ms(),
                answer,
            }),
            Err(error) => Err(Error::Temporary(format!("the folder: {error}"))),
        }
    }
}

impl Backend for Folder {
    fn deliver<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Outcome> {
        self.run(mail).boxed()
    }

    fn fault(&self) -> Option<String> {
        self.fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

/// Writes a message, unless one with its id is there, and names its file. Only
/// the owner may read it: mail has links that open accounts.
fn keep(folder: &Path, id: &str, message: &[u8]) -> io::Result<String> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if let Some(name) = name.to_str()
            && id_of(name) == Some(id)
        {
            return Ok(name.to_owned());
        }
    }
    let name = format!("{}-{id}.eml", stamp(OffsetDateTime::now_utc()));
    let partial = folder.join(format!(".{id}.partial"));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(message)?;
    file.sync_all()?;
    fs::rename(partial, folder.join(&name))?;
    Ok(name)
}

/// A time to the millisecond, in UTC and without hyphens.
fn stamp(time: OffsetDateTime) -> String {
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second, milli) = time.to_hms_milli();
    let month = u8::from(month);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{milli:03}Z")
}

/// The id in a file's name.
fn id_of(name: &str) -> Option<&str> {
    let (_time, id) = name.strip_suffix(".eml")?.split_once('-')?;
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time_and_have_the_id() {
        let at = |seconds| stamp(OffsetDateTime::from_unix_timestamp(seconds).unwrap());
        assert_eq!(at(1_700_000_000), "20231114T221320.000Z");
        assert!(at(1_699_999_999) < at(1_700_000_000));
        assert_eq!(id_of("20231114T221320.000Z-a-b_c.eml"), Some("a-b_c"));
        for other in [".a.partial", "a.eml", "20231114T221320.000Z-a.txt"] {
            assert_eq!(id_of(other), None, "{other}");
        }
    }

    #[test]
    fn an_id_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("mail");
        let name = keep(&folder, "a", b"one").unwrap();
        assert_eq!(keep(&folder, "a", b"two").unwrap(), name);
        assert_ne!(keep(&folder, "b-a", b"three").unwrap(), name);
        assert_eq!(fs::read(folder.join(name)).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
    }
}

//! What SQLite's errors mean to a caller. No message carries a parameter's
//! value: messages end up in logs, and values are people's data.

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::types::{ConstraintKind, ConstraintViolation, Error, Value};

/// The error of a statement that ran with these parameters.
pub(super) fn of_statement(error: rusqlite::Error, params: &[Value]) -> Error {
    match own(error) {
        Error::Invalid(message) => Error::Invalid(without_values(&message, params)),
        error => error,
    }
}

/// The error of a statement without parameters.
pub(super) fn own(error: rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => of_code(code, message),
        rusqlite::Error::SqlInputError { error, msg, .. } => of_code(error, Some(msg)),
        rusqlite::Error::MultipleStatement => {
            Error::Invalid("more than one statement in one text".to_owned())
        }
        rusqlite::Error::InvalidPath(_) => {
            Error::Unavailable("the folder for databases cannot be made".to_owned())
        }
        other => Error::Invalid(other.to_string()),
    }
}

/// Whether somebody else holds a lock.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn of_code(error: ffi::Error, message: Option<String>) -> Error {
    let message = message.unwrap_or_else(|| error.to_string());
    match error.code {
        ErrorCode::ConstraintViolation => {
            Error::Constraint(violation(error.extended_code, &message))
        }
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::SchemaChanged => Error::Busy(message),
        ErrorCode::OperationInterrupted => {
            Error::Busy("stopped: the call took longer than it may".to_owned())
        }
        // What SQLite says of running the nothing that a comment compiles to.
        ErrorCode::ApiMisuse => Error::Invalid("the text contains no statement".to_owned()),
        ErrorCode::TooBig => Error::TooLarge("a value or a row is too large".to_owned()),
        ErrorCode::AuthorizationForStatementDenied => Error::Invalid(
            "not for callers: transaction control, ATTACH, PRAGMA, VACUUM, temporary objects \
             and changes of the migrations' ledger"
                .to_owned(),
        ),
        ErrorCode::CannotOpen
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::DiskFull
        | ErrorCode::InternalMalfunction
        | ErrorCode::NoLargeFileSupport
        | ErrorCode::NotADatabase
        | ErrorCode::OutOfMemory
        | ErrorCode::PermissionDenied
        | ErrorCode::ReadOnly
        | ErrorCode::SystemIoFailure => {
            tracing::warn!(code = error.extended_code, message, "the database failed");
            // The message may name files; the code's description does not.
            Error::Unavailable(error.to_string())
        }
        _ => Error::Invalid(message),
    }
}

/// Takes SQLite's message apart: `UNIQUE constraint failed: products.sku`.
fn violation(extended_code: i32, message: &str) -> ConstraintViolation {
    let kind = match extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => ConstraintKind::Unique,
        ffi::SQLITE_CONSTRAINT_NOTNULL => ConstraintKind::NotNull,
        ffi::SQLITE_CONSTRAINT_CHECK => ConstraintKind::Check,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ConstraintKind::ForeignKey,
        _ => ConstraintKind::Other,
    };
    let name = match message.split_once(" constraint failed") {
        Some((_, name)) => name.trim_start_matches(": "),
        // A trigger's RAISE, or a type that a STRICT table does not take.
        None => message,
    };
    // A unique index over expressions is named by itself: `index 'by_lower_name'`.
    let index = name
        .strip_prefix("index '")
        .and_then(|rest| rest.strip_suffix('\''));
    ConstraintViolation {
        kind,
        name: index.unwrap_or(name).to_owned(),
    }
}

/// Hides the words of a message that occur in a text parameter: full-text
/// search and the JSON functions quote their input.
fn without_values(message: &str, params: &[Value]) -> String {
    let is_value = |word: &str| {
        let word = word.trim_matches(['"', '\'', ':', ',', ';', '.', '(', ')', '[', ']']);
        let holds = |param: &Value| matches!(param, Value::Text(text) if text.contains(word));
        !word.is_empty() && params.iter().any(holds)
    };
    let shown = |word| if is_value(word) { "…" } else { word };
    message.split(' ').map(shown).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_is_named_as_sqlite_names_it() {
        let name = |code, message| violation(code, message).name;
        let unique = ffi::SQLITE_CONSTRAINT_UNIQUE;
        assert_eq!(
            name(unique, "UNIQUE constraint failed: a.x, a.y"),
            "a.x, a.y"
        );
        assert_eq!(
            name(unique, "UNIQUE constraint failed: index 'by_x'"),
            "by_x"
        );
        let key = ffi::SQLITE_CONSTRAINT_FOREIGNKEY;
        assert_eq!(name(key, "FOREIGN KEY constraint failed"), "");
        let trigger = ffi::SQLITE_CONSTRAINT_TRIGGER;
        assert_eq!(name(trigger, "append only"), "append only");
    }

    #[test]
    fn values_do_not_show_in_messages() {
        let params = [Value::Integer(1), Value::Text("secret \" words".to_owned())];
        assert_eq!(
            without_values("syntax error near \"secret", &params),
            "syntax error near …"
        );
        assert_eq!(
            without_values("no such table: x", &params),
            "no such table: x"
        );
    }
}

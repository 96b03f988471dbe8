//! The service's log, which the host adds to its own. No secrets and no
//! personal data go here.

use crate::bindings::wasi::logging::logging::{Level, log};

/// Something that someone has to look at.
pub fn error(context: &str, message: &str) {
    write(Level::Error, context, message);
}

/// Something odd that was dealt with.
pub fn warn(context: &str, message: &str) {
    write(Level::Warn, context, message);
}

/// Something worth knowing.
pub fn info(context: &str, message: &str) {
    write(Level::Info, context, message);
}

/// Something that any client can cause at will, so that it is not written
/// unless the host is told to.
pub fn debug(context: &str, message: &str) {
    write(Level::Debug, context, message);
}

fn write(level: Level, context: &str, message: &str) {
    // Natively there is no host; tests read the problems themselves.
    if cfg!(target_family = "wasm") {
        log(level, context, message);
    }
}

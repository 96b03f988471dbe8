//! The provider called in-process: into a folder, against a mail server
//! (`aiosmtpd`), and against a peer that does what no mail server should.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

mod aiosmtpd;
mod delivery;
mod faults;
mod folder;
mod peer;
mod pool;
mod shop;
mod starttls;

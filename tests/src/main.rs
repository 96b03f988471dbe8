//! Tests of the whole system: every request goes through a real HTTP server,
//! gateway, lattice, NATS and database.
//!
//! One lattice is started for all tests that leave it as it is ([`shared`]);
//! a test that stops or breaks something starts its own. Run them by
//! `cargo xtask test`, which builds what they need.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on ends with what it missed"
)]

mod products;

use std::process::ExitCode;
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Trial};

use stoa_harness::Lattice;

/// Lists the tests of a module by their names.
macro_rules! trials {
    ($($module:ident: [$($test:ident),* $(,)?])*) => {
        vec![$($(
            Trial::test(concat!(stringify!($module), "::", stringify!($test)), || {
                $module::$test();
                Ok(())
            })
        ),*),*]
    };
}

static SHARED: OnceLock<Lattice> = OnceLock::new();

/// The lattice that tests share, started by the first that needs it.
pub(crate) fn shared() -> &'static Lattice {
    SHARED.get_or_init(Lattice::start)
}

fn main() -> ExitCode {
    let tests = trials! {
        products: [a_product_is_created_and_read_back]
    };
    let conclusion = libtest_mimic::run(&Arguments::from_args(), tests);
    if let Some(lattice) = SHARED.get() {
        lattice.end();
    }
    conclusion.exit_code()
}

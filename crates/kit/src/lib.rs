//! What Stoa's services share, so that each of them is only its own business.
//!
//! A service implements [`Service`] and names itself in [`export_service!`];
//! the kit turns the gateway's calls into [`Request`]s, errors into
//! problem+json ([`Problem`]), and ticks into heartbeats.
//!
//! Everything here also builds natively, where calls to the host panic: pure
//! logic is tested without a lattice.

pub mod attributes;
pub mod config;
pub mod cursor;
pub mod digest;
pub mod form;
pub mod heartbeat;
pub mod id;
pub mod keyvalue;
pub mod log;
pub mod merge;
pub mod page;
pub mod problem;
pub mod query;
pub mod request;
pub mod response;
mod role;
pub mod service;
pub mod sql;
pub mod timestamp;

/// The interfaces of `wit/`, as generated.
#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; documented in wit/"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../wit/deps/wasi-io",
            "../../wit/deps/wrpc-rpc",
            "../../wit/deps/wasi-config",
            "../../wit/deps/wasi-logging",
            "../../wit/deps/wasmcloud-messaging",
            "../../wit/stoa-clock",
            "../../wit/stoa-http",
            "../../wit/stoa-keyvalue",
            "../../wit/stoa-lattice",
            "../../wit/stoa-sql",
            "wit",
        ],
        world: "stoa:kit/service",
        additional_derives: [PartialEq, serde::Deserialize, serde::Serialize],
        additional_derives_ignore: ["error"],
        default_bindings_module: "stoa_kit::bindings",
        generate_all,
        generate_unused_types: true,
        pub_export_macro: true,
    });
}

pub use bindings::stoa::http::types::{Identity, Method, Principal, Request, Response, Role};
pub use form::{Field, Form};
pub use id::Id;
pub use problem::Problem;
pub use service::Service;
pub use sql::Statement;
pub use timestamp::Timestamp;

//! Runs the unit tests of files that are added to dependencies, where these
//! stand by themselves: a dependency's own tests cannot be run from here.
#![expect(
    unreachable_pub,
    clippy::pedantic,
    reason = "they are written for another crate, of which this is none"
)]

#[rustfmt::skip]
#[path = "../patches/wasmcloud-host-0.27.1/src/wasmbus/providers/http_server/connections.rs"]
mod connections;
#[rustfmt::skip]
#[path = "../patches/wasmcloud-host-0.27.1/src/wasmbus/pipe.rs"]
mod pipe;
#[rustfmt::skip]
#[allow(dead_code, reason = "types come from components, of which there is none here")]
#[path = "../patches/wrpc-runtime-wasmtime-0.30.0/src/plan.rs"]
mod plan;

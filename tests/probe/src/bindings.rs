//! The interfaces of `wit/`, as generated.
#![allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; documented in wit/"
)]

wit_bindgen::generate!({
    path: [
        "../../wit/deps/wasi-io",
        "../../wit/deps/wrpc-rpc",
        "../../wit/deps/wasi-config",
        "wit",
    ],
    world: "stoa:probe/probe",
    generate_all,
});

// The names of exports (`wasi:http/...#handle`) mean nothing to a native linker.
#[cfg(target_family = "wasm")]
mod exports_of_probe {
    use crate::Probe;

    super::export!(Probe with_types_in super);
    wasi::http::proxy::export!(Probe);
}

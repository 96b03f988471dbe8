//! The interfaces of `wit/`, as generated. Types that the kit has already are
//! the kit's.
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
        "../../wit/deps/wasmcloud-bus",
        "../../wit/stoa-clock",
        "../../wit/stoa-http",
        "wit",
    ],
    world: "stoa:gateway/gateway",
    with: {
        "stoa:http/service@0.1.0": generate,
        "stoa:http/types@0.1.0": stoa_kit::bindings::stoa::http::types,
        "wasi:io/error@0.2.0": stoa_kit::bindings::wasi::io::error,
        "wasmcloud:bus/lattice@2.0.0": generate,
        "wrpc:rpc/error@0.1.0": stoa_kit::bindings::wrpc::rpc::error,
    },
});

// The names of exports (`wasi:http/...#handle`) mean nothing to a native linker.
#[cfg(target_family = "wasm")]
mod exports_of_gateway {
    use crate::Gateway;

    super::export!(Gateway with_types_in super);
    wasi::http::proxy::export!(Gateway);
}

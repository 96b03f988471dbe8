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
        "../../wit/deps/wasmcloud-secrets",
        "../../wit/stoa-http",
        "../../wit/stoa-payments",
        "wit",
    ],
    world: "stoa:processor-stripe/stripe",
    with: {
        "stoa:http/types@0.1.0": stoa_kit::bindings::stoa::http::types,
        "stoa:payments/types@0.1.0": generate,
        "wasi:io/error@0.2.0": stoa_kit::bindings::wasi::io::error,
        "wasmcloud:bus/lattice@2.0.0": generate,
        "wasmcloud:secrets/reveal@0.1.0-draft": generate,
        "wasmcloud:secrets/store@0.1.0-draft": generate,
        "wrpc:rpc/error@0.1.0": stoa_kit::bindings::wrpc::rpc::error,
    },
});

#[cfg(target_family = "wasm")]
mod exports_of_stripe {
    use crate::Stripe;

    super::export!(Stripe with_types_in super);
}

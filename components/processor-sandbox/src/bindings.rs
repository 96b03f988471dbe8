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
        "../../wit/stoa-clock",
        "../../wit/stoa-http",
        "../../wit/stoa-payments",
        "wit",
    ],
    world: "stoa:processor-sandbox/sandbox",
    with: {
        "stoa:http/types@0.1.0": stoa_kit::bindings::stoa::http::types,
        "stoa:payments/types@0.1.0": generate,
        "stoa:payments/webhooks@0.1.0": generate,
        "wasi:io/error@0.2.0": stoa_kit::bindings::wasi::io::error,
        "wrpc:rpc/error@0.1.0": stoa_kit::bindings::wrpc::rpc::error,
    },
    additional_derives: [PartialEq],
});

#[cfg(target_family = "wasm")]
mod exports_of_sandbox {
    use crate::Sandbox;

    super::export!(Sandbox with_types_in super);
}

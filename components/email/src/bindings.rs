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
        "../../wit/stoa-http",
        "../../wit/stoa-accounts",
        "../../wit/stoa-auth",
        "../../wit/stoa-events",
        "../../wit/stoa-mail",
        "wit",
    ],
    world: "stoa:email/email",
    with: {
        "stoa:accounts/directory@0.1.0": generate,
        "stoa:accounts/types@0.1.0": generate,
        "stoa:auth/one-time@0.1.0": generate,
        "stoa:auth/types@0.1.0": generate,
        "stoa:events/handler@0.1.0": generate,
        "stoa:events/types@0.1.0": generate,
        "stoa:http/types@0.1.0": stoa_kit::bindings::stoa::http::types,
        "stoa:mail/sender@0.1.0": generate,
        "stoa:mail/types@0.1.0": generate,
        "wasi:io/error@0.2.0": stoa_kit::bindings::wasi::io::error,
        "wrpc:rpc/error@0.1.0": stoa_kit::bindings::wrpc::rpc::error,
    },
    additional_derives: [PartialEq],
});

#[cfg(target_family = "wasm")]
mod exports_of_email {
    use crate::Email;

    super::export!(Email with_types_in super);
}

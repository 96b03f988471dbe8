//! What `wit-bindgen-wrpc` makes of the interface in `wit/`.
#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

wit_bindgen_wrpc::generate!({
    path: "wit",
    world: "provider",
    generate_all,
});

//! What `wit_bindgen_wrpc` makes of the interfaces this provider serves.

#![allow(
    missing_docs,
    clippy::pedantic,
    unused_qualifications,
    reason = "generated code; the WIT files carry the documentation"
)]

wit_bindgen_wrpc::generate!({
    world: "stoa:keyvalue/provider",
    path: ["../../wit/deps/wrpc-keyvalue", "wit"],
    generate_all,
});

//! What `wit_bindgen_wrpc` makes of the interfaces this provider serves and
//! calls.

#![allow(
    missing_docs,
    clippy::pedantic,
    unused_qualifications,
    reason = "generated code; the WIT files carry the documentation"
)]

wit_bindgen_wrpc::generate!({
    world: "stoa:events/provider",
    path: ["../../wit/stoa-clock", "wit"],
    generate_all,
});

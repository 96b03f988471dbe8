//! What `wit_bindgen_wrpc` makes of the interface this provider calls.

#![allow(
    missing_docs,
    clippy::pedantic,
    unused_qualifications,
    reason = "generated code; the WIT files carry the documentation"
)]

wit_bindgen_wrpc::generate!({
    inline: "
        package stoa:ticker;

        world provider {
            import stoa:clock/ticks@0.1.0;
        }
    ",
    world: "stoa:ticker/provider",
    path: "../../wit/stoa-clock",
    generate_all,
});

//! Lattices with products.

use std::time::{Duration, Instant};

use stoa_harness::Lattice;

/// Starts a lattice and lets `stoa seed` fill it; returns how long that took.
pub(crate) fn start(products: u32) -> anyhow::Result<(Lattice, Duration)> {
    let lattice = Lattice::start();
    lattice
        .anonymous()
        .wait_for("/products?limit=1", |answer| answer.status == 200);
    let start = Instant::now();
    lattice.seed(products).map_err(anyhow::Error::msg)?;
    Ok((lattice, start.elapsed()))
}

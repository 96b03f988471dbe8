//! wadm behind a boxed future.
//!
//! Async code is compiled where it is polled. Polled here, all of wadm is
//! compiled once, and not again with each change of the program that runs it.

use futures::future::BoxFuture;
use tokio::task::JoinSet;

pub use wadm::StreamPersistence;
pub use wadm::config::WadmConfig;

/// Starts wadm; the tasks are what it consists of.
pub fn start(
    config: WadmConfig,
) -> BoxFuture<'static, anyhow::Result<JoinSet<anyhow::Result<()>>>> {
    Box::pin(wadm::start_wadm(config))
}

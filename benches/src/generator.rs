//! The load generator: connections that each send a request as soon as the
//! last one was answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::connection::{Call, Connection};
use crate::samples::Samples;

/// How long answers are waited for after the end.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// Makes the next request.
pub(crate) type Next = Arc<dyn Fn() -> Call + Send + Sync>;

/// What a stretch of load came to.
pub(crate) struct Outcome {
    pub(crate) samples: Samples,
    /// Requests that were answered 2xx, per second.
    pub(crate) rate: f64,
}

/// Loads the gateway at `address` for a while over so many connections.
///
/// Answers that come after the end do not count in the rate, but they are
/// waited for a little, and are among the samples.
pub(crate) async fn run(
    address: &str,
    connections: usize,
    length: Duration,
    next: &Next,
) -> anyhow::Result<Outcome> {
    let mut open = Vec::new();
    for _ in 0..connections {
        let mut connection = Connection::new(address);
        connection.open().await?;
        open.push(connection);
    }
    let end = Instant::now() + length;
    let mut workers = JoinSet::new();
    for mut connection in open {
        let next = Arc::clone(next);
        workers.spawn(async move {
            let mut samples = Samples::default();
            let mut in_time = 0;
            let mut start = Instant::now();
            while start < end {
                let answer = connection.send(next(), end + GRACE - start).await;
                let now = Instant::now();
                let good = samples.record(now - start, &answer);
                in_time += u32::from(good && now < end);
                start = now;
            }
            (samples, in_time)
        });
    }
    let mut samples = Samples::default();
    let mut in_time = 0;
    while let Some(worker) = workers.join_next().await {
        let (others, count) = worker?;
        samples.append(others);
        in_time += count;
    }
    Ok(Outcome {
        samples,
        rate: f64::from(in_time) / length.as_secs_f64(),
    })
}

//! Subscriptions that can be ended without losing a call.

use core::future::Future;

use std::sync::Arc;

use async_nats::{HeaderMap, Subject};
use futures::{stream, Stream, StreamExt as _};
use tokio::select;
use tracing::warn;

use super::{async_nats, handle_message, invocation_subject, new_inbox, Client, Reader, SubjectWriter};

impl Client {
    /// Serves a function as [`wrpc_transport::Serve::serve`] does, until `stop`
    /// resolves. From then on no new calls are asked for; the stream ends
    /// after those that were under way.
    ///
    /// # Errors
    ///
    /// Fails if NATS cannot be subscribed to.
    pub async fn serve_until(
        &self,
        instance: &str,
        func: &str,
        paths: impl Into<Arc<[Box<[Option<usize>]>]>>,
        stop: impl Future + Send + 'static,
    ) -> anyhow::Result<
        impl Stream<Item = anyhow::Result<(Option<HeaderMap>, SubjectWriter, Reader)>> + Send + 'static,
    > {
        let subject = invocation_subject(&self.prefix, instance, func);
        let calls = match &self.queue_group {
            Some(group) => self.nats.queue_subscribe(subject, group.to_string()).await?,
            None => self.nats.subscribe(subject).await?,
        };
        let stop = Some(Box::pin(stop));
        let messages = stream::unfold((calls, stop), |(mut calls, mut stop)| async move {
            loop {
                let stopped = async {
                    match stop.as_mut() {
                        Some(stop) => drop(stop.await),
                        None => core::future::pending().await,
                    }
                };
                select! {
                    biased;
                    () = stopped => stop = None,
                    message = calls.next() => return Some((message?, (calls, stop))),
                }
                if let Err(err) = calls.drain().await {
                    warn!(?err, "failed to drain a subscription");
                    return None;
                }
            }
        });
        let this = self.clone();
        let paths = paths.into();
        Ok(messages.then(move |message| {
            let this = this.clone();
            let paths = Arc::clone(&paths);
            async move {
                let rx = Subject::from(new_inbox(&this.inbox));
                let commands = this.commands.clone();
                let tasks = Arc::clone(&this.tasks);
                handle_message(&this.nats, rx, commands, message, &paths, tasks).await
            }
        }))
    }
}

//! The links to handlers and to outboxes, each in a task of its own.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use crate::handler::{Handler, Target};
use crate::nudges::{Nudges, Relay};
use crate::pushing::{Pushing, Trouble};

/// All links. One that is put again goes on when the former one has ended.
#[derive(Default)]
pub struct Links(Mutex<HashMap<Handler, Running>>);

struct Running {
    /// Dropping it ends the task, after the calls under way.
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    trouble: Trouble,
}

impl Links {
    /// Begins to bring events. A former link of the same handler ends first.
    pub async fn put<T: Target>(&self, pushing: Pushing<T>) {
        let trouble = Trouble::clone(&pushing.trouble);
        let handler = pushing.handler.clone();
        self.run(handler, trouble, |stopped| pushing.run(stopped))
            .await;
    }

    /// Begins to listen to nudges. A former link of the same service ends
    /// first.
    pub async fn put_nudges<R: Relay>(&self, nudges: Nudges<R>) {
        let service = nudges.service.clone();
        self.run(service, Trouble::default(), |stopped| nudges.run(stopped))
            .await;
    }

    async fn run<F: Future<Output = ()> + Send + 'static>(
        &self,
        handler: Handler,
        trouble: Trouble,
        run: impl FnOnce(oneshot::Receiver<()>) -> F + Send + 'static,
    ) {
        let mut links = self.0.lock().await;
        let former = links.remove(&handler);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            if let Some(former) = former {
                former.end().await;
            }
            Box::pin(run(stopped)).await;
        });
        let running = Running {
            stop: Some(stop),
            task,
            trouble,
        };
        links.insert(handler, running);
        links.retain(|_, link| !link.task.is_finished());
    }

    /// Ends the deliveries to a handler. What it has not had yet stays on the
    /// broker. The link is kept in mind until the calls under way have
    /// returned, for one that may follow.
    pub async fn delete(&self, handler: &Handler) {
        if let Some(link) = self.0.lock().await.get_mut(handler) {
            link.stop = None;
        }
    }

    /// Whether a handler is linked.
    pub async fn has(&self, handler: &Handler) -> bool {
        let links = self.0.lock().await;
        links.get(handler).is_some_and(|link| link.stop.is_some())
    }

    /// Why handlers hear nothing right now.
    pub async fn troubles(&self) -> Vec<(Handler, String)> {
        let links = self.0.lock().await;
        let linked = links.iter().filter(|(_, link)| link.stop.is_some());
        let troubles = linked.filter_map(|(handler, link)| {
            let trouble = link.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            Some((handler.clone(), trouble.clone()?))
        });
        troubles.collect()
    }

    /// Ends all deliveries and waits for the calls under way, but not longer than
    /// this.
    pub async fn stop(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut links = std::mem::take(&mut *self.0.lock().await);
        for link in links.values_mut() {
            link.stop = None;
        }
        for (handler, mut link) in links {
            if timeout_at(deadline, &mut link.task).await.is_err() {
                warn!(?handler, "calls are cut off");
                link.task.abort();
            }
        }
    }
}

impl Running {
    async fn end(self) {
        drop(self.stop);
        // It can only fail by a panic, which has been reported then.
        self.task.await.ok();
    }
}

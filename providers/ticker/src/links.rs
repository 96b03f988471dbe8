//! The links that tick, each in a task of its own.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use crate::ticking::{Target, Ticking};

/// The component's id and the link's name.
type LinkKey = (String, String);

/// All links. Per link there is at most one call at any time, also while one
/// schedule takes over from another.
#[derive(Default)]
pub struct Links(Mutex<HashMap<LinkKey, Running>>);

struct Running {
    /// Dropping it ends the task, after the call under way.
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Links {
    /// Begins to tick. A former schedule of the same link ends first.
    pub async fn put<T: Target>(&self, ticking: Ticking<T>) {
        let key = (ticking.component.clone(), ticking.name.clone());
        let mut links = self.0.lock().await;
        let former = links.remove(&key);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            if let Some(former) = former {
                former.end().await;
            }
            ticking.run(stopped).await;
        });
        let stop = Some(stop);
        links.insert(key, Running { stop, task });
        links.retain(|_, link| !link.task.is_finished());
    }

    /// Ends the ticks of a link. It is kept in mind until the call under way
    /// has returned, for a schedule that may follow.
    pub async fn delete(&self, component: &str, name: &str) {
        let key = (component.to_owned(), name.to_owned());
        if let Some(link) = self.0.lock().await.get_mut(&key) {
            link.stop = None;
        }
    }

    /// Whether a link has a schedule.
    pub async fn has(&self, component: &str, name: &str) -> bool {
        let key = (component.to_owned(), name.to_owned());
        let links = self.0.lock().await;
        links.get(&key).is_some_and(|link| link.stop.is_some())
    }

    /// Ends all ticks and waits for the calls under way, but not longer than
    /// this.
    pub async fn stop(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut links = std::mem::take(&mut *self.0.lock().await);
        for link in links.values_mut() {
            link.stop = None;
        }
        for ((component, name), mut link) in links {
            if timeout_at(deadline, &mut link.task).await.is_err() {
                warn!(component, link = name, "tick is cut off");
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

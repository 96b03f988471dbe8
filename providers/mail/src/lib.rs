//! The mail provider: answers `stoa:mail/sender` for components, each by the
//! server that its link names, or into a folder.
//!
//! This module is the wiring: [`MailProvider`] finds the way of a caller's mail
//! and sends the message on it. It serves the lattice through the provider SDK
//! (see `main.rs`) and can as well be called directly, in the same process.
//!
//! | module | what it is |
//! |---|---|
//! | `config` | what provider and links may say |
//! | `mail`, `address`, `line` | a message, in types that cannot be wrong |
//! | `compose` | the message as it travels |
//! | `attempts` | the mails under way, and those accepted of late |
//! | `backend` | the folder and SMTP, behind one trait |

mod address;
mod attempts;
mod backend;
mod bindings;
mod compose;
mod config;
mod line;
mod links;
mod mail;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use futures::future::join_all;
use stoa_provider::health;
use tokio::sync::Notify;
use tracing::instrument;
use wasmcloud_provider_sdk::core::secrets::SecretValue;
use wasmcloud_provider_sdk::{
    Context, HealthCheckRequest, HealthCheckResponse, LinkConfig, LinkDeleteInfo, Provider,
    ProviderConfigUpdate, propagate_trace_for_ctx,
};

pub use bindings::serve;
pub use config::Config;
pub use stoa_provider::Caller;

/// The interface's types.
pub mod types {
    pub use crate::bindings::stoa::mail::types::*;
}

use attempts::Attempts;
use backend::{Backend, Folder, Smtp};
use bindings::exports::stoa::mail::sender;
use config::Route;
use links::{Links, Mailer, NoMailer};
use mail::Mail;
use types::{Error, Message, Receipt};

/// The provider. Clones are the same provider.
#[derive(Clone)]
pub struct MailProvider {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    /// The one folder of all links that have no server.
    folder: Arc<Folder>,
    /// `None` after the shutdown.
    links: RwLock<Option<Links>>,
    attempts: Arc<Attempts>,
    started: Instant,
    link_lost: Notify,
}

impl MailProvider {
    /// A provider without links. Nothing is connected to before the first
    /// message.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            shared: Arc::new(Shared {
                folder: Arc::new(Folder::new(config.folder.clone())),
                config,
                links: RwLock::new(Some(Links::default())),
                attempts: Arc::default(),
                started: Instant::now(),
                link_lost: Notify::new(),
            }),
        }
    }

    /// Links a caller as `config` says. What is wrong in it is reported to the
    /// caller, at its calls, and by the health check. Must be called on a tokio
    /// runtime, as all that is async here.
    pub fn link(
        &self,
        caller: Caller,
        config: &HashMap<String, String>,
        secrets: &HashMap<String, SecretValue>,
    ) {
        let config = config::LinkConfig::parse(config, secrets, &self.shared.config);
        match &config {
            Ok(_) => tracing::info!(?caller, "linked"),
            Err(error) => tracing::warn!(?caller, %error, "linked with a wrong config"),
        }
        let mailer = config.map(|config| Mailer {
            from: config.from,
            backend: self.backend(config.route),
        });
        self.change_links(|links| links.put(caller, mailer));
    }

    /// Takes a link away. Its mails under way go on.
    pub fn unlink(&self, caller: Caller) {
        tracing::info!(?caller, "unlinked");
        self.change_links(|links| links.remove(caller));
    }

    /// `stoa:mail/sender.send`
    pub async fn send(&self, caller: Caller, message: Message) -> Result<Receipt, Error> {
        let mailer = self.mailer(&caller).map_err(Error::Temporary)?;
        let mail = Mail::read(message, Some(&mailer.from)).map_err(Error::Permanent)?;
        let key = (caller, mail.id.clone());
        let deliver = async move {
            let outcome = mailer.backend.deliver(&mail).await;
            note(&mail, &outcome);
            outcome
        };
        let attempt = self.shared.attempts.attempt(key, deliver);
        match tokio::time::timeout(self.shared.config.answer_time, attempt).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Uncertain("there is no answer yet".to_owned())),
        }
    }

    /// What is wrong: links with a wrong config, and servers that could not be
    /// reached for the last message.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let links = self.shared.links.read();
        let links = links.unwrap_or_else(PoisonError::into_inner);
        links.iter().flat_map(Links::faults).collect()
    }

    /// Waits for the mails under way, but not for ever, and takes leave of the
    /// servers. Later messages are refused as `temporary`.
    pub async fn close(&self) {
        let links = self.lock_links().take();
        let left = self
            .shared
            .attempts
            .close(self.shared.config.drain_time)
            .await;
        if left > 0 {
            tracing::warn!(left, "mails are cut off");
        }
        let mailers = links.iter().flat_map(Links::mailers);
        join_all(mailers.map(|mailer| mailer.backend.close())).await;
    }

    /// Resolves when a caller shows up whose link never arrived, though the
    /// provider had time to get it. The host sends a provider its links again
    /// only when it starts it: the process should end then. Who embeds the
    /// provider sets its links himself and need not wait for this.
    pub async fn link_lost(&self) {
        self.shared.link_lost.notified().await;
    }

    fn backend(&self, route: Route) -> Arc<dyn Backend> {
        match route {
            Route::Folder => Arc::clone(&self.shared.folder) as Arc<dyn Backend>,
            // Half of the caller's time for the wait, and half for the rest.
            Route::Server(server) => {
                Arc::new(Smtp::new(*server, self.shared.config.answer_time / 2))
            }
        }
    }

    /// The way of a caller's mail. `Err` says why there is none: something that
    /// an operator can change, and no fault of the message.
    fn mailer(&self, caller: &Caller) -> Result<Mailer, String> {
        let links = self.shared.links.read();
        let links = links.unwrap_or_else(PoisonError::into_inner);
        let Some(links) = links.as_ref() else {
            return Err("the provider is shutting down".to_owned());
        };
        let Caller { component, link } = caller;
        links.mailer(caller).map_err(|why| match why {
            NoMailer::Misconfigured(error) => format!("the link's config is wrong: {error}"),
            NoMailer::Removed => format!("the link {link:?} of {component} was removed"),
            NoMailer::Unknown => {
                tracing::warn!(component, link, "called without a link");
                if self.shared.started.elapsed() > self.shared.config.grace {
                    self.shared.link_lost.notify_one();
                }
                format!("{component} has no link {link:?} to this provider")
            }
        })
    }

    fn lock_links(&self) -> std::sync::RwLockWriteGuard<'_, Option<Links>> {
        let links = self.shared.links.write();
        links.unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the links and closes what that leaves unused, in the background.
    fn change_links(&self, change: impl FnOnce(&mut Links) -> Option<Mailer>) {
        let unused = self.lock_links().as_mut().and_then(change);
        if let Some(mailer) = unused {
            tokio::spawn(async move { mailer.backend.close().await });
        }
    }
}

/// Writes to the log what became of a message, but not to whom it goes: an
/// answer often has the address in it, and goes to the caller only.
fn note(mail: &Mail, outcome: &Result<Receipt, Error>) {
    let id = mail.id.as_str();
    match outcome {
        Ok(_) => tracing::info!(id, "accepted"),
        Err(Error::Permanent(refusal)) => {
            tracing::warn!(id, code = refusal.code, status = refusal.status, "refused");
        }
        Err(Error::Temporary(_)) => tracing::warn!(id, "not accepted for now"),
        Err(Error::Uncertain(_)) => tracing::warn!(id, "it is uncertain whether it was accepted"),
    }
}

impl Provider for MailProvider {
    async fn on_config_update(&self, update: impl ProviderConfigUpdate) -> anyhow::Result<()> {
        let (new, old) = (Config::parse(update.get_values()), &self.shared.config);
        if new.folder != old.folder || new.allow_plaintext != old.allow_plaintext {
            tracing::warn!("a new config is used from the provider's next start");
        }
        Ok(())
    }

    async fn receive_link_config_as_target(&self, link: LinkConfig<'_>) -> anyhow::Result<()> {
        let caller = Caller::new(link.source_id, link.link_name);
        self.link(caller, link.config, link.secrets);
        Ok(())
    }

    async fn delete_link_as_target(&self, link: impl LinkDeleteInfo) -> anyhow::Result<()> {
        let caller = Caller::new(link.get_source_id(), link.get_link_name());
        self.unlink(caller);
        Ok(())
    }

    async fn health_request(&self, _: &HealthCheckRequest) -> anyhow::Result<HealthCheckResponse> {
        Ok(health(&self.faults()))
    }

    async fn shutdown(&self) -> anyhow::Result<()> {
        self.close().await;
        Ok(())
    }
}

/// The outer result is the transport's; what became of the message is the inner
/// one.
impl sender::Handler<Option<Context>> for MailProvider {
    #[instrument(level = "debug", skip_all)]
    async fn send(
        &self,
        context: Option<Context>,
        message: Message,
    ) -> anyhow::Result<Result<Receipt, Error>> {
        propagate_trace_for_ctx!(context);
        let caller = Caller::of(context.as_ref());
        Ok(MailProvider::send(self, caller, message).await)
    }
}

//! Starting, replacing and stopping components.
//!
//! What is to be done to one component is done in the order in which it was
//! asked for, each step after the one before has ended ([`Turns`]). New code
//! is compiled and linked while the old one serves; only then do requests and
//! calls change over, and what the old code has begun it ends. Where something
//! fails on the way the old code stays.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{anyhow, bail, Context as _};
use futures::future::{BoxFuture, FutureExt as _};
use secrecy::SecretBox;
use tokio::sync::{oneshot, RwLock};
use tokio::time::{Duration, Instant};
use tracing::{error, info, instrument};
use wasmcloud_runtime::capability::secrets::store::SecretValue;
use wasmcloud_runtime::component::{claims_token, Limits};

use super::config::ConfigBundle;
use super::handler::Handler;
use super::{
    component_import_links, event, Annotations, Claims, Component, ComponentSpecification, Host,
    HostConfig,
};
use crate::PolicyResponse;

/// The annotation by which wadm's scalers know their components.
const SCALER: &str = "wasmcloud.dev/scaler";

/// How long a scaler's stop waits for another scaler's start.
const SUCCESSION: Duration = Duration::from_secs(2);

/// A host, and how to end it.
pub type Started = (Arc<Host>, BoxFuture<'static, anyhow::Result<()>>);

/// The order of what is to be done, per component.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<Box<str>, Last>>);

/// What was asked for last.
struct Last {
    end: oneshot::Receiver<()>,
    asked: Instant,
}

/// A place in the order. Dropping it is the next one's turn.
pub(crate) struct Turn {
    before: Option<oneshot::Receiver<()>>,
    _done: oneshot::Sender<()>,
}

impl Turns {
    /// Takes the next place.
    pub(crate) fn next(&self, component_id: &str) -> Turn {
        let (done, end) = oneshot::channel();
        let asked = Instant::now();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.insert(component_id.into(), Last { end, asked });
        Turn {
            before: before.map(|before| before.end),
            _done: done,
        }
    }

    /// Whether something was asked for after this.
    fn went_on(&self, component_id: &str, after: Instant) -> bool {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(component_id)
            .is_some_and(|last| last.asked > after)
    }
}

impl Turn {
    /// Waits for those before.
    async fn begin(&mut self) {
        if let Some(before) = self.before.take() {
            let _ = before.await;
        }
    }
}

/// What a component is to be.
pub(crate) struct Wanted {
    pub(crate) id: Arc<str>,
    /// Where its code is.
    pub(crate) image: Arc<str>,
    pub(crate) instances: Instances,
    /// `None`: as they are.
    pub(crate) annotations: Option<Annotations>,
    /// `None`: as it is.
    pub(crate) config: Option<Vec<String>>,
    /// Only for a component that does not run yet.
    pub(crate) limits: Option<Limits>,
}

/// How many calls of a component may run at once.
#[derive(Clone, Copy)]
pub(crate) enum Instances {
    /// It is not to run.
    None,
    /// As many as now: it has to run.
    Same,
    Max(NonZeroUsize),
}

/// Code that can be instantiated, and the token in it.
struct Compiled {
    component: wasmcloud_runtime::Component<Handler>,
    token: Option<String>,
}

impl Host {
    /// As [`Host::new`], compiled here and not in every crate that calls it.
    #[must_use]
    pub fn start(config: HostConfig) -> BoxFuture<'static, anyhow::Result<Started>> {
        Box::pin(async {
            let (host, shutdown) = Self::new(config).await?;
            Ok((host, shutdown.boxed()))
        })
    }

    /// Takes the turn of a command, unless the command has to wait for those
    /// that may come after it: when wadm replaces a scaler, it tells the new one
    /// to start and the old one to stop, in any order.
    pub(crate) fn turn(&self, wanted: &Wanted) -> Option<Turn> {
        let scaler = wanted.annotations.as_ref().and_then(|a| a.get(SCALER));
        let waits = matches!(wanted.instances, Instances::None) && scaler.is_some();
        (!waits).then(|| self.turns.next(&wanted.id))
    }

    /// Does what a command says, in its turn.
    pub(crate) async fn obey(&self, turn: Option<Turn>, wanted: Wanted) -> anyhow::Result<()> {
        let turn = match turn {
            Some(turn) => turn,
            None => {
                let asked = Instant::now();
                tokio::time::sleep(SUCCESSION).await;
                if self.turns.went_on(&wanted.id, asked) {
                    info!(id = %wanted.id, "component goes on: it was wanted again");
                    return Ok(());
                }
                self.turns.next(&wanted.id)
            }
        };
        self.settle(turn, wanted).await
    }

    /// Makes a component what is wanted. Failures are published as an event
    /// and returned.
    #[instrument(level = "debug", skip_all, fields(id = %wanted.id))]
    async fn settle(&self, mut turn: Turn, wanted: Wanted) -> anyhow::Result<()> {
        turn.begin().await;
        let running = self.components.read().await.get(&*wanted.id).cloned();
        let annotations = wanted.annotations.clone();
        let annotations = annotations.or_else(|| running.as_ref().map(|c| c.annotations.clone()));
        let annotations = annotations.unwrap_or_default();
        let done = match (running, wanted.instances) {
            (None, Instances::None) => {
                let (id, image) = (&wanted.id, &wanted.image);
                self.scaled(id, image, &annotations, 0, None).await
            }
            (None, Instances::Same) => Err(anyhow!("component is not running")),
            (None, Instances::Max(max)) => self.start_component(&wanted, max, &annotations).await,
            (Some(running), Instances::None) => self.stop_component(&running, &wanted).await,
            (Some(running), Instances::Same) => {
                let max = running.max_instances;
                self.replace_component(&running, &wanted, max, &annotations)
                    .await
            }
            (Some(running), Instances::Max(max)) => {
                self.replace_component(&running, &wanted, max, &annotations)
                    .await
            }
        };
        let Err(error) = done else { return Ok(()) };
        error!(id = %wanted.id, image = %wanted.image, ?error, "failed to scale component");
        let max = match wanted.instances {
            Instances::Max(max) => max.get(),
            Instances::None | Instances::Same => 0,
        };
        let failed = event::component_scale_failed(
            None,
            &annotations,
            self.host_key.public_key(),
            &wanted.image,
            &wanted.id,
            u32::try_from(max).unwrap_or(u32::MAX),
            &error,
        );
        if let Err(error) = self.publish_event("component_scale_failed", failed).await {
            error!(?error, "failed to publish component scale failed event");
        }
        Err(error)
    }

    async fn start_component(
        &self,
        wanted: &Wanted,
        max: NonZeroUsize,
        annotations: &Annotations,
    ) -> anyhow::Result<()> {
        let id = &wanted.id;
        let compiled = self.compile(&wanted.image, wanted.limits).await?;
        self.permit(wanted, max, annotations, &compiled).await?;
        let (config, secrets) = self.configuration(wanted, annotations, &compiled).await?;
        self.ensure_component_spec(id, &wanted.image).await?;
        let handler = Handler {
            exchange: Arc::clone(&self.exchange),
            config_data: Arc::new(RwLock::new(config)),
            lattice: Arc::clone(&self.host_config.lattice),
            component_id: Arc::clone(id),
            secrets: Arc::new(RwLock::new(secrets)),
            targets: Arc::default(),
            instance_links: Arc::default(),
            messaging_links: {
                let mut links = self.messaging_links.write().await;
                Arc::clone(links.entry(Arc::clone(id)).or_default())
            },
            invocation_timeout: Duration::from_secs(10),
            experimental_features: self.experimental_features,
            host_labels: Arc::clone(&self.labels),
        };
        let links = Arc::clone(&handler.instance_links);
        let (component, exports) = self
            .instantiate_component(
                annotations,
                Arc::clone(&wanted.image),
                Arc::clone(id),
                max,
                wanted.limits,
                compiled.component,
                handler,
            )
            .await
            .context("failed to instantiate component")?;
        let mut components = self.components.write().await;
        components.insert(id.to_string(), Arc::clone(&component));
        drop(components);
        // Links that are put from now on are put into this handler, and those
        // from before are stored.
        let ready = async {
            let spec = self.get_component_spec(id).await?.unwrap_or_default();
            *links.write().await = component_import_links(&spec.links);
            exports.publish().await.context("failed to take calls")
        };
        if let Err(error) = ready.await {
            self.components.write().await.remove(&**id);
            return Err(error);
        }
        info!(%id, image = %wanted.image, "component started");
        self.scaled(id, &wanted.image, annotations, max.get(), Some(&component))
            .await
    }

    /// Puts other code, another number of instances, another configuration or
    /// other annotations in the place of what runs.
    async fn replace_component(
        &self,
        running: &Component,
        wanted: &Wanted,
        max: NonZeroUsize,
        annotations: &Annotations,
    ) -> anyhow::Result<()> {
        let id = &wanted.id;
        let mut image = Arc::clone(&running.image_reference);
        let mut failure = None;
        let mut compiled = Compiled {
            component: running.component.clone(),
            token: None,
        };
        if wanted.image != image {
            let new = async {
                let new = self.compile(&wanted.image, running.limits).await?;
                self.permit(wanted, max, annotations, &new).await?;
                anyhow::Ok(new)
            };
            match new.await {
                Ok(new) => {
                    compiled = new;
                    image = Arc::clone(&wanted.image);
                }
                // Whoever wants it owns the component from now on all the
                // same: what is left of the owner before must not stop it.
                Err(error) => failure = Some(error),
            }
        }
        let mut handler = running.handler.copy_for_new();
        let config_changed = match &wanted.config {
            Some(config) => config != running.handler.config_data.read().await.config_names(),
            None => false,
        };
        if failure.is_none() && config_changed {
            let (config, secrets) = self.configuration(wanted, annotations, &compiled).await?;
            // Not in place: the old code keeps the configuration it has.
            handler.config_data = Arc::new(RwLock::new(config));
            handler.secrets = Arc::new(RwLock::new(secrets));
        }
        let changed = config_changed
            || image != running.image_reference
            || max != running.max_instances
            || *annotations != running.annotations;
        if changed {
            let instantiated = self.instantiate_component(
                annotations,
                Arc::clone(&image),
                Arc::clone(id),
                max,
                running.limits,
                compiled.component,
                handler,
            );
            let (component, exports) = instantiated
                .await
                .context("failed to instantiate component")?;
            exports.publish().await.context("failed to take calls")?;
            let mut components = self.components.write().await;
            components.insert(id.to_string(), component);
        }
        if *annotations != running.annotations {
            // wadm must not think that the owner before still has it: coming
            // back, it would see no reason to take it over again.
            let (image, owner) = (&running.image_reference, &running.annotations);
            self.scaled(id, image, owner, 0, Some(running)).await?;
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        if changed {
            info!(%id, %image, max, "component replaced");
        }
        self.scaled(id, &image, annotations, max.get(), Some(running))
            .await
    }

    async fn stop_component(&self, running: &Component, wanted: &Wanted) -> anyhow::Result<()> {
        // A scaler that was replaced tidies up after itself, when its
        // component is another's already.
        let theirs = wanted.annotations.as_ref().and_then(|a| a.get(SCALER));
        let owner = running.annotations.get(SCALER);
        if theirs.is_some() && owner.is_some() && theirs != owner {
            info!(id = %wanted.id, "component is another scaler's now and goes on");
            return Ok(());
        }
        self.components.write().await.remove(&*wanted.id);
        self.exchange.withdraw(&wanted.id).await;
        info!(id = %wanted.id, image = %running.image_reference, "component stopped");
        let (image, annotations) = (&running.image_reference, &running.annotations);
        self.scaled(&wanted.id, image, annotations, 0, Some(running))
            .await
    }

    /// Fetches, compiles and links, on a thread that may block.
    async fn compile(&self, image: &str, limits: Option<Limits>) -> anyhow::Result<Compiled> {
        let wasm = self.fetch_component(image).await?;
        let runtime = self.runtime.clone();
        let compiled = tokio::task::spawn_blocking(move || {
            let token = claims_token(&wasm)?.map(|token| token.jwt);
            let component = wasmcloud_runtime::Component::new(&runtime, &wasm, limits)
                .context("failed to initialize component")?;
            anyhow::Ok(Compiled { component, token })
        });
        let compiled = compiled.await.context("the compiler panicked")??;
        if let Some(claims) = compiled.component.claims() {
            self.store_claims(Claims::Component(claims.clone()))
                .await
                .context("failed to store claims")?;
        }
        Ok(compiled)
    }

    /// Asks the policy service whether the code may run.
    async fn permit(
        &self,
        wanted: &Wanted,
        max: NonZeroUsize,
        annotations: &Annotations,
        compiled: &Compiled,
    ) -> anyhow::Result<()> {
        let PolicyResponse {
            permitted, message, ..
        } = self
            .policy_manager
            .evaluate_start_component(
                &wanted.id,
                &wanted.image,
                u32::try_from(max.get()).unwrap_or(u32::MAX),
                annotations,
                compiled.component.claims(),
            )
            .await?;
        if !permitted {
            let id = &wanted.id;
            bail!("Policy denied request to scale component `{id}`: `{message:?}`");
        }
        Ok(())
    }

    async fn configuration(
        &self,
        wanted: &Wanted,
        annotations: &BTreeMap<String, String>,
        compiled: &Compiled,
    ) -> anyhow::Result<(ConfigBundle, HashMap<String, SecretBox<SecretValue>>)> {
        self.fetch_config_and_secrets(
            wanted.config.as_deref().unwrap_or_default(),
            compiled.token.as_ref(),
            annotations.get("wasmcloud.dev/appspec"),
        )
        .await
    }

    async fn scaled(
        &self,
        id: &Arc<str>,
        image: &Arc<str>,
        annotations: &Annotations,
        max_instances: usize,
        component: Option<&Component>,
    ) -> anyhow::Result<()> {
        let scaled = event::component_scaled(
            component.and_then(|component| component.claims()),
            annotations,
            self.host_key.public_key(),
            max_instances,
            image,
            id,
        );
        self.publish_event("component_scaled", scaled).await
    }

    /// Makes the specification of a component, which holds its links, unless
    /// it is there.
    pub(crate) async fn ensure_component_spec(&self, id: &str, image: &str) -> anyhow::Result<()> {
        if self.get_component_spec(id).await?.is_none() {
            let spec = ComponentSpecification::new(image);
            self.store_component_spec_at(id, &spec, 0).await?;
        }
        Ok(())
    }

    /// The specification of a component and the revision it has: 0 where there
    /// is none yet.
    pub(crate) async fn component_spec_at(
        &self,
        id: &str,
    ) -> anyhow::Result<(ComponentSpecification, u64)> {
        let entry = self.data.entry(format!("COMPONENT_{id}")).await;
        let Some(entry) = entry.context("failed to get component spec")? else {
            return Ok((ComponentSpecification::default(), 0));
        };
        if entry.value.is_empty() {
            return Ok((ComponentSpecification::default(), entry.revision));
        }
        let spec = serde_json::from_slice(&entry.value)
            .with_context(|| format!("failed to deserialize component specification for {id}"))?;
        Ok((spec, entry.revision))
    }

    /// Stores the specification if the one that is stored has this revision,
    /// and tells whether it had: two links put at once must both be kept.
    pub(crate) async fn store_component_spec_at(
        &self,
        id: &str,
        spec: &ComponentSpecification,
        revision: u64,
    ) -> anyhow::Result<bool> {
        let bytes = serde_json::to_vec(spec).context("failed to serialize component spec")?;
        let stored = self
            .data
            .update(format!("COMPONENT_{id}"), bytes.into(), revision)
            .await;
        match stored {
            Ok(_) => Ok(true),
            Err(error)
                if error.kind()
                    == async_nats::jetstream::kv::UpdateErrorKind::WrongLastRevision =>
            {
                Ok(false)
            }
            Err(error) => Err(error).context("failed to put component spec"),
        }
    }
}

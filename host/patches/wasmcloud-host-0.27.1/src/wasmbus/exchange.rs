//! Calls between components and providers.
//!
//! A target is a component or a provider of this host, and each function that
//! it exports has a queue. A call from this host goes straight into the queue;
//! one from elsewhere arrives by a NATS subscription, which feeds the same
//! queue. Calls to what does not run here, and calls that find the queue full,
//! go over NATS, where any host of the target's queue group may take them.
//!
//! Queues and subscriptions belong to the target, not to the code behind it.
//! New code is published by [`Draft::publish`], which puts its queues in the
//! place of the old ones in one step: a call that was taken before is served
//! by the old code, a later one by the new, none falls between. What loses its
//! queue serves what is in it and then ends, and so does what is withdrawn.

use core::fmt;
use core::pin::Pin;
use core::task::{Context as TaskContext, Poll};
use core::time::Duration;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anyhow::Context as _;
use async_nats::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, oneshot, OnceCell};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tracing::warn;
use wasmcloud_tracing::context::TraceContextInjector;
use wrpc_transport::{Index, Invoke, InvokeExt as _};

use super::pipe::{self, pipe};

/// Names of the headers by which calls over NATS say where they come from.
const SOURCE_ID: &str = "source-id";
const LINK_NAME: &str = "link-name";

/// How long the last calls from elsewhere may take to arrive.
const DRAIN: Duration = Duration::from_secs(2);

/// Clients to other hosts' targets that are kept. More are made as needed.
const KEPT_CLIENTS: usize = 1024;

type Paths = Arc<[Box<[Option<usize>]>]>;

/// The calls of a host.
pub struct Exchange {
    nats: Arc<async_nats::Client>,
    lattice: Arc<str>,
    /// Whether calls to this host's own targets stay on it.
    local: bool,
    targets: RwLock<HashMap<Arc<str>, Arc<Target>>>,
    clients: Mutex<HashMap<Arc<str>, wrpc_transport_nats::Client>>,
}

#[derive(Default)]
struct Target {
    functions: RwLock<Functions>,
    /// Where calls from other hosts come in.
    nats: OnceCell<wrpc_transport_nats::Client>,
}

/// Functions by instance and name.
type Functions = HashMap<Box<str>, HashMap<Box<str>, Arc<Function>>>;

struct Function {
    queue: Queue,
    paths: Paths,
    subscription: Mutex<Option<Subscription>>,
}

/// What feeds a queue from NATS.
struct Subscription {
    /// Dropping it ends the feeding, after what is under way.
    _stop: oneshot::Sender<()>,
    feeding: JoinHandle<()>,
}

/// Where the calls of a function wait.
#[derive(Clone)]
struct Queue(Arc<RwLock<mpsc::Sender<Call>>>);

/// A call that waits to be served.
pub struct Call {
    /// Who calls.
    pub context: CallContext,
    /// Where the results go.
    pub outgoing: Outgoing,
    /// Where the parameters come from.
    pub incoming: Incoming,
}

/// What a call says about itself.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// The caller's id.
    pub source: Option<Arc<str>>,
    /// The name of the link that is used.
    pub link_name: Option<Arc<str>>,
    /// The trace that the call belongs to, and whatever else it carries.
    pub headers: HashMap<String, String>,
}

/// Bytes to the other side of a call.
pub enum Outgoing {
    /// On this host.
    Local(pipe::Writer),
    /// Parameters to another.
    Parameters(wrpc_transport_nats::ParamWriter),
    /// Results to another.
    Results(wrpc_transport_nats::SubjectWriter),
}

/// Bytes from the other side of a call.
pub enum Incoming {
    /// On this host.
    Local(pipe::Reader),
    /// On another.
    Remote(wrpc_transport_nats::Reader),
}

/// Functions that are about to be published.
pub struct Draft {
    exchange: Arc<Exchange>,
    target: Arc<str>,
    capacity: usize,
    functions: Mutex<Vec<Drafted>>,
}

struct Drafted {
    instance: Box<str>,
    function: Box<str>,
    paths: Paths,
    queue: mpsc::Sender<Call>,
}

/// Calls one target.
#[derive(Clone)]
pub struct Client {
    exchange: Arc<Exchange>,
    source: Arc<str>,
    target: Arc<str>,
    timeout: Duration,
}

// Nothing panics while it holds one of these locks.

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("lattice", &self.lattice)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

impl Exchange {
    pub(crate) fn new(nats: Arc<async_nats::Client>, lattice: Arc<str>, local: bool) -> Arc<Self> {
        Arc::new(Self {
            nats,
            lattice,
            local,
            targets: RwLock::default(),
            clients: Mutex::default(),
        })
    }

    /// Begins to publish functions of a target, each with a queue for
    /// `capacity` calls.
    pub(crate) fn draft(self: &Arc<Self>, target: impl Into<Arc<str>>, capacity: usize) -> Draft {
        Draft {
            exchange: Arc::clone(self),
            target: target.into(),
            capacity,
            functions: Mutex::default(),
        }
    }

    /// Takes a target away. Calls that were accepted are served to their end.
    ///
    /// Until NATS sends no more calls, those of this host go on being taken
    /// here: sent there they would come back, to nobody.
    pub(crate) async fn withdraw(&self, target: &str) {
        let Some(withdrawn) = read(&self.targets).get(target).cloned() else {
            return;
        };
        let subscriptions: Vec<_> = read(&withdrawn.functions)
            .values()
            .flat_map(HashMap::values)
            .filter_map(|function| lock(&function.subscription).take())
            .map(|subscription| subscription.feeding)
            .collect();
        let ended = futures::future::join_all(subscriptions);
        if timeout(DRAIN, ended).await.is_err() {
            warn!(target, "calls are still coming in");
        }
        write(&self.targets).remove(target);
    }

    /// A client of one target.
    pub(crate) fn client(
        self: &Arc<Self>,
        source: impl Into<Arc<str>>,
        target: impl Into<Arc<str>>,
        timeout: Duration,
    ) -> Client {
        Client {
            exchange: Arc::clone(self),
            source: source.into(),
            target: target.into(),
            timeout,
        }
    }

    /// Calls a function of a target, here or elsewhere.
    pub(crate) async fn invoke<P>(
        &self,
        target: &str,
        context: CallContext,
        instance: &str,
        function: &str,
        params: Bytes,
        paths: &[P],
        timeout: Duration,
    ) -> anyhow::Result<(Outgoing, Incoming)>
    where
        P: AsRef<[Option<usize>]> + Send + Sync,
    {
        let context = match self.local(target, instance, function) {
            None => context,
            Some(queue) => match queue.offer(context, params.clone()) {
                Ok(accepted) => return Ok(accepted),
                // Another host may be idle; if none is, the call comes back
                // to this queue and waits for its turn.
                Err(context) => context,
            },
        };
        // On the heap: local calls are to be small.
        Box::pin(async move {
            let client = self.remote(target, paths.is_empty()).await?;
            let (outgoing, incoming) = client
                .timeout(timeout)
                .invoke(Some(context.into()), instance, function, params, paths)
                .await?;
            Ok((Outgoing::Parameters(outgoing), Incoming::Remote(incoming)))
        })
        .await
    }

    /// The queue of a function, if calls to it may stay on this host.
    fn local(&self, target: &str, instance: &str, function: &str) -> Option<Queue> {
        if !self.local {
            return None;
        }
        let targets = read(&self.targets);
        let functions = read(&targets.get(target)?.functions);
        Some(functions.get(instance)?.get(function)?.queue.clone())
    }

    /// A client to a target over NATS. To make one subscribes, so they are
    /// kept: but answers that stream in by and by hold each other up in a
    /// client that is shared.
    async fn remote(
        &self,
        target: &str,
        shared: bool,
    ) -> anyhow::Result<wrpc_transport_nats::Client> {
        if let Some(client) = lock(&self.clients).get(target).filter(|_| shared) {
            return Ok(client.clone());
        }
        let prefix = format!("{}.{target}", self.lattice);
        let client = wrpc_transport_nats::Client::new(Arc::clone(&self.nats), prefix, None).await?;
        let mut clients = lock(&self.clients);
        if shared && clients.len() < KEPT_CLIENTS {
            clients.insert(Arc::from(target), client.clone());
        }
        Ok(client)
    }
}

impl Queue {
    /// Puts a call of this host into the queue, or gives it back when that is
    /// full, or its server is gone.
    fn offer(
        &self,
        context: CallContext,
        params: Bytes,
    ) -> Result<(Outgoing, Incoming), CallContext> {
        let queue = read(&self.0);
        let Ok(place) = queue.try_reserve() else {
            return Err(context);
        };
        let (params, incoming) = pipe(params);
        let (outgoing, results) = pipe(Bytes::new());
        place.send(Call {
            context,
            outgoing: Outgoing::Local(outgoing),
            incoming: Incoming::Local(incoming),
        });
        Ok((Outgoing::Local(params), Incoming::Local(results)))
    }

    /// Puts a call from elsewhere into the queue, as soon as it has room.
    async fn accept(&self, call: Call) {
        let queue = read(&self.0).clone();
        if queue.send(call).await.is_err() {
            warn!("what should serve a call has ended");
        }
    }
}

/// Fills a queue with the calls from elsewhere, until there will be no more.
async fn feed(
    queue: Queue,
    calls: impl Stream<
        Item = anyhow::Result<(
            Option<HeaderMap>,
            wrpc_transport_nats::SubjectWriter,
            wrpc_transport_nats::Reader,
        )>,
    >,
) {
    let mut calls = core::pin::pin!(calls);
    while let Some(call) = calls.next().await {
        match call {
            Ok((headers, outgoing, incoming)) => {
                let call = Call {
                    context: headers.unwrap_or_default().into(),
                    outgoing: Outgoing::Results(outgoing),
                    incoming: Incoming::Remote(incoming),
                };
                queue.accept(call).await;
            }
            Err(error) => warn!(?error, "failed to accept invocation"),
        }
    }
}

impl Draft {
    /// The calls of a function, once this is published.
    pub fn calls(
        &self,
        instance: &str,
        function: &str,
        paths: impl Into<Paths>,
    ) -> impl Stream<Item = Call> + Send + Unpin + 'static {
        let (queue, calls) = mpsc::channel(self.capacity);
        lock(&self.functions).push(Drafted {
            instance: instance.into(),
            function: function.into(),
            paths: paths.into(),
            queue,
        });
        ReceiverStream::new(calls).filter(|call| {
            let waits = !call.outgoing.is_abandoned();
            core::future::ready(waits)
        })
    }

    /// Puts these functions in the place of those that the target has now.
    ///
    /// # Errors
    ///
    /// Fails if NATS cannot be subscribed to, and then changes nothing.
    pub async fn publish(self) -> anyhow::Result<()> {
        let target = read(&self.exchange.targets).get(&self.target).cloned();
        let target = target.unwrap_or_default();
        let mut functions = Functions::new();
        let mut swaps = Vec::new();
        let drafted = core::mem::take(&mut *lock(&self.functions));
        for Drafted {
            instance,
            function,
            paths,
            queue,
        } in drafted
        {
            let served = target.function(&instance, &function);
            let published = match served.filter(|served| served.paths == paths) {
                Some(served) => {
                    swaps.push((served.queue.clone(), queue));
                    served
                }
                None => {
                    let calls = self.subscribe(&target, &instance, &function, paths, queue);
                    calls.await?
                }
            };
            functions
                .entry(instance)
                .or_default()
                .insert(function, published);
        }
        // Nothing can fail from here on.
        let mut served = write(&target.functions);
        for (queue, next) in swaps {
            *write(&queue.0) = next;
        }
        *served = functions;
        drop(served);
        write(&self.exchange.targets).insert(Arc::clone(&self.target), target);
        Ok(())
    }

    /// Begins to take a function's calls from other hosts.
    async fn subscribe(
        &self,
        target: &Target,
        instance: &str,
        function: &str,
        paths: Paths,
        queue: mpsc::Sender<Call>,
    ) -> anyhow::Result<Arc<Function>> {
        let client = target.nats.get_or_try_init(|| {
            let prefix: Arc<str> = format!("{}.{}", self.exchange.lattice, self.target).into();
            let nats = Arc::clone(&self.exchange.nats);
            wrpc_transport_nats::Client::new(nats, Arc::clone(&prefix), Some(prefix))
        });
        let queue = Queue(Arc::new(RwLock::new(queue)));
        let (going, stop) = oneshot::channel::<()>();
        let calls = client
            .await?
            .serve_until(instance, function, Arc::clone(&paths), stop)
            .await
            .with_context(|| format!("failed to serve `{instance}.{function}`"))?;
        let feeding = tokio::spawn(feed(queue.clone(), calls));
        Ok(Arc::new(Function {
            queue,
            paths,
            subscription: Mutex::new(Some(Subscription {
                _stop: going,
                feeding,
            })),
        }))
    }
}

impl Target {
    fn function(&self, instance: &str, function: &str) -> Option<Arc<Function>> {
        let functions = read(&self.functions);
        functions.get(instance)?.get(function).cloned()
    }
}

/// Serves a provider: its functions get what the provider SDK would tell them.
impl wrpc_transport::Serve for Draft {
    type Context = Option<wasmcloud_provider_sdk::Context>;
    type Outgoing = Outgoing;
    type Incoming = Incoming;

    async fn serve(
        &self,
        instance: &str,
        func: &str,
        paths: impl Into<Paths> + Send,
    ) -> anyhow::Result<
        impl Stream<Item = anyhow::Result<(Self::Context, Self::Outgoing, Self::Incoming)>>
            + Send
            + 'static,
    > {
        let calls = self.calls(instance, func, paths);
        Ok(calls.map(|call| Ok((Some(call.context.into()), call.outgoing, call.incoming))))
    }
}

impl Invoke for Client {
    type Context = Option<HeaderMap>;
    type Outgoing = Outgoing;
    type Incoming = Incoming;

    async fn invoke<P>(
        &self,
        cx: Self::Context,
        instance: &str,
        func: &str,
        params: Bytes,
        paths: impl AsRef<[P]> + Send,
    ) -> anyhow::Result<(Self::Outgoing, Self::Incoming)>
    where
        P: AsRef<[Option<usize>]> + Send + Sync,
    {
        let context = CallContext {
            source: Some(Arc::clone(&self.source)),
            ..cx.unwrap_or_default().into()
        };
        self.exchange
            .invoke(
                &self.target,
                context,
                instance,
                func,
                params,
                paths.as_ref(),
                self.timeout,
            )
            .await
    }
}

impl CallContext {
    /// A call that belongs to the current trace.
    pub(crate) fn new(source: &Arc<str>, link_name: &str) -> Self {
        let trace = TraceContextInjector::default_with_span();
        Self {
            source: Some(Arc::clone(source)),
            link_name: Some(Arc::from(link_name)),
            headers: trace.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        }
    }
}

impl From<CallContext> for HeaderMap {
    fn from(context: CallContext) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in context.headers {
            // There is nothing to be done about what does not parse.
            if let (Ok(name), Ok(value)) =
                (name.parse::<HeaderName>(), value.parse::<HeaderValue>())
            {
                headers.insert(name, value);
            }
        }
        if let Some(source) = context.source {
            headers.insert(SOURCE_ID, &*source);
        }
        if let Some(link_name) = context.link_name {
            headers.insert(LINK_NAME, &*link_name);
        }
        headers
    }
}

impl From<HeaderMap> for CallContext {
    fn from(headers: HeaderMap) -> Self {
        let mut headers = wasmcloud_core::nats::convert_header_map_to_hashmap(&headers);
        Self {
            source: headers.remove(SOURCE_ID).map(Arc::from),
            link_name: headers.remove(LINK_NAME).map(Arc::from),
            headers,
        }
    }
}

impl From<CallContext> for wasmcloud_provider_sdk::Context {
    fn from(context: CallContext) -> Self {
        let mut tracing = context.headers;
        if let Some(link_name) = context.link_name {
            tracing.insert(LINK_NAME.to_owned(), link_name.to_string());
        }
        Self {
            component: context.source.map(|source| source.to_string()),
            tracing,
        }
    }
}

impl Outgoing {
    /// Whether the other side is known not to want this any more.
    fn is_abandoned(&self) -> bool {
        matches!(self, Self::Local(writer) if writer.is_abandoned())
    }
}

impl Index<Self> for Outgoing {
    fn index(&self, path: &[usize]) -> anyhow::Result<Self> {
        match self {
            Self::Local(writer) => writer.index(path).map(Self::Local),
            Self::Parameters(writer) => writer.index(path).map(Self::Parameters),
            Self::Results(writer) => writer.index(path).map(Self::Results),
        }
    }
}

impl Index<Self> for Incoming {
    fn index(&self, path: &[usize]) -> anyhow::Result<Self> {
        match self {
            Self::Local(reader) => reader.index(path).map(Self::Local),
            Self::Remote(reader) => reader.index(path).map(Self::Remote),
        }
    }
}

impl AsyncWrite for Outgoing {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Local(writer) => Pin::new(writer).poll_write(cx, bytes),
            Self::Parameters(writer) => Pin::new(writer).poll_write(cx, bytes),
            Self::Results(writer) => Pin::new(writer).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Local(writer) => Pin::new(writer).poll_flush(cx),
            Self::Parameters(writer) => Pin::new(writer).poll_flush(cx),
            Self::Results(writer) => Pin::new(writer).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Local(writer) => Pin::new(writer).poll_shutdown(cx),
            Self::Parameters(writer) => Pin::new(writer).poll_shutdown(cx),
            Self::Results(writer) => Pin::new(writer).poll_shutdown(cx),
        }
    }
}

impl AsyncRead for Incoming {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Local(reader) => Pin::new(reader).poll_read(cx, into),
            Self::Remote(reader) => Pin::new(reader).poll_read(cx, into),
        }
    }
}

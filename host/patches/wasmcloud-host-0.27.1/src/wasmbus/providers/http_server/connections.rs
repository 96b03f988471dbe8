//! The connections of the HTTP server: how many, for how long, and what
//! clients are told when a component does not answer.

use core::fmt;
use core::future::Future;
use core::net::{IpAddr, SocketAddr};
use core::pin::pin;
use core::time::Duration;

use std::sync::Arc;

use anyhow::Context as _;
use http::{header, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{watch, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, error, warn};
use wasmtime_wasi_http::body::HyperOutgoingBody;

/// Connections at once. More wait until others close.
const MOST: usize = 10_000;
/// How long the head of a request may take to arrive, and how long a
/// connection may be kept without one.
const HEAD: Duration = Duration::from_secs(30);
/// Where a request has been: its client first, whoever asks us last.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// How long to wait before accepting again when the system refuses.
const PAUSE: Duration = Duration::from_millis(50);

/// The connections of a server. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    free: Arc<Semaphore>,
    answer: Duration,
}

/// There is no component to answer.
#[derive(Debug)]
pub(crate) struct NotRunning(pub(crate) Arc<str>);

impl fmt::Display for NotRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "component {} is not running", self.0)
    }
}

impl core::error::Error for NotRunning {}

/// The request is none that a component could be given.
#[derive(Debug)]
pub(crate) struct Unusable;

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request has no usable Host or target")
    }
}

impl core::error::Error for Unusable {}

impl Connections {
    /// Connections whose requests have to be answered within this time.
    pub(crate) fn new(answer: Duration) -> Self {
        Self {
            free: Arc::new(Semaphore::new(MOST)),
            answer,
        }
    }

    /// Resolves when all connections are closed.
    pub(crate) async fn closed(&self) {
        let most = u32::try_from(MOST).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.free.acquire_many(most).await;
    }
}

/// Serves HTTP on an address until the returned tasks are dropped. Connections
/// then finish the request that they are at, and close.
pub(crate) async fn listen<F, S>(
    address: SocketAddr,
    connections: Connections,
    svc: F,
) -> anyhow::Result<JoinSet<()>>
where
    F: Fn(hyper::Request<hyper::body::Incoming>) -> S,
    F: Clone + Send + Sync + 'static,
    S: Future<Output = anyhow::Result<Response<HyperOutgoingBody>>>,
    S: Send + 'static,
{
    let socket = match &address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(!cfg!(windows))?;
    socket.set_nodelay(true)?;
    socket
        .bind(address)
        .with_context(|| format!("cannot listen on {address}"))?;
    let listener = socket.listen(8196)?;
    // Its end, with that of the task, is the signal to finish.
    let (listening, stop) = watch::channel(());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let _listening = listening;
        loop {
            let Ok(permit) = Arc::clone(&connections.free).acquire_owned().await else {
                return;
            };
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    error!(%error, "failed to accept HTTP server connection");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let (svc, peer) = (svc.clone(), address_of(peer.ip()));
            let svc = move |request| svc(forwarded(request, &peer));
            let serving = serve(stream, connections.answer, svc, stop.clone());
            tokio::spawn(async move {
                let _permit = permit;
                serving.await;
            });
        }
    });
    Ok(tasks)
}

/// An address as a header has it. What can be an IPv4 address is one.
fn address_of(peer: IpAddr) -> HeaderValue {
    HeaderValue::from_str(&peer.to_canonical().to_string())
        .unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// Says whom the request comes from, as a proxy does: behind whatever the
/// client itself claims.
fn forwarded<B>(mut request: hyper::Request<B>, peer: &HeaderValue) -> hyper::Request<B> {
    request.headers_mut().append(FORWARDED_FOR, peer.clone());
    request
}

/// Serves one connection.
async fn serve<F, S>(stream: TcpStream, answer: Duration, svc: F, mut stop: watch::Receiver<()>)
where
    F: Fn(hyper::Request<hyper::body::Incoming>) -> S + Send + Sync + 'static,
    S: Future<Output = anyhow::Result<Response<HyperOutgoingBody>>> + Send + 'static,
{
    let svc = hyper::service::service_fn(|request| {
        let response = timeout(answer, svc(request));
        // On the heap, as it is large and would be moved several times.
        Box::pin(async {
            anyhow::Ok(match response.await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) if error.is::<NotRunning>() => {
                    warn!(%error, "no component for a request");
                    problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable")
                }
                Ok(Err(error)) if error.is::<Unusable>() => {
                    problem(StatusCode::BAD_REQUEST, "bad_request")
                }
                Ok(Err(error)) => {
                    error!(?error, "a component failed to answer a request");
                    problem(StatusCode::INTERNAL_SERVER_ERROR, "internal")
                }
                Err(_) => {
                    error!("a component did not answer a request in time");
                    problem(StatusCode::GATEWAY_TIMEOUT, "gateway_timeout")
                }
            })
        })
    });
    let mut server = Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD);
    server.http2().timer(TokioTimer::new());
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), svc));
    let served = tokio::select! {
        served = connection.as_mut() => served,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        debug!(%error, "a connection ended early");
    }
}

/// An answer in the place of the component's (RFC 9457).
fn problem(status: StatusCode, code: &str) -> Response<HyperOutgoingBody> {
    let number = status.as_u16();
    let title = status.canonical_reason().unwrap_or_default();
    let id = uuid::Uuid::new_v4();
    let detail = match status {
        StatusCode::BAD_REQUEST => "The request names no host, or no path on it.",
        StatusCode::SERVICE_UNAVAILABLE => "Nothing serves this just now. Try again in a moment.",
        StatusCode::GATEWAY_TIMEOUT => "It took too long. What was asked for may have been done.",
        _ => "Something went wrong on our side. What was asked for may have been done.",
    };
    let body = format!(
        r#"{{"type":"urn:stoa:problem:{code}","title":"{title}","status":{number},"detail":"{detail}","code":"{code}","request_id":"{id}"}}"#
    );
    let body = Full::from(body).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/problem+json");
    headers.insert(header::CONTENT_TYPE, json);
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert("x-request-id", id);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;

    use super::*;

    /// Longer than anything here takes, on whichever machine.
    const LONG: Duration = Duration::from_secs(600);

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n";

    type Answer = anyhow::Result<Response<HyperOutgoingBody>>;

    /// A server of this answer, and a connection to it.
    async fn serve<S>(
        connections: &Connections,
        svc: impl Fn() -> S + Clone + Send + Sync + 'static,
    ) -> (JoinSet<()>, TcpStream)
    where
        S: Future<Output = Answer> + Send + 'static,
    {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let tasks = listen(address, connections.clone(), move |_| svc()).await;
        (tasks.unwrap(), TcpStream::connect(address).await.unwrap())
    }

    fn ok() -> Response<HyperOutgoingBody> {
        let body = Full::from("fine").map_err(|never| match never {}).boxed();
        Response::new(body)
    }

    async fn answer(mut connection: TcpStream) -> String {
        connection.write_all(REQUEST).await.unwrap();
        let mut answer = vec![0; 4096];
        let length = connection.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    #[tokio::test]
    async fn what_fails_is_answered_with_a_problem() {
        let connections = Connections::new(LONG);
        let not_running = || async { Err(NotRunning("shop".into()).into()) };
        let (_tasks, connection) = serve(&connections, not_running).await;
        let told = answer(connection).await;
        assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
        assert!(told.contains("application/problem+json") && told.contains("retry-after: 1"));

        let failing = || async { anyhow::bail!("a trap") };
        let (_tasks, connection) = serve(&connections, failing).await;
        let told = answer(connection).await;
        assert!(told.starts_with("HTTP/1.1 500 "), "{told}");
        assert!(!told.contains("trap"), "{told}");

        let unusable = || async { Err(Unusable.into()) };
        let (_tasks, connection) = serve(&connections, unusable).await;
        let told = answer(connection).await;
        assert!(told.starts_with("HTTP/1.1 400 "), "{told}");

        let connections = Connections::new(Duration::from_millis(50));
        let (_tasks, connection) = serve(&connections, core::future::pending::<Answer>).await;
        let told = answer(connection).await;
        assert!(told.starts_with("HTTP/1.1 504 "), "{told}");
    }

    #[test]
    fn whom_a_request_comes_from_is_said_behind_what_it_claims() {
        for (peer, said) in [
            ("127.0.0.2", "127.0.0.2"),
            ("::ffff:127.0.0.2", "127.0.0.2"),
            ("2001:DB8::1", "2001:db8::1"),
        ] {
            let claimed = hyper::Request::builder().header("X-Forwarded-For", "10.0.0.1");
            let request = forwarded(claimed.body(()).unwrap(), &address_of(peer.parse().unwrap()));
            let values: Vec<_> = request.headers().get_all(FORWARDED_FOR).iter().collect();
            assert_eq!(values, ["10.0.0.1", said]);
        }
    }

    #[tokio::test]
    async fn a_request_that_runs_is_finished_and_its_connection_closed() {
        let connections = Connections::new(LONG);
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = {
            let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
            move || {
                let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
                async move {
                    begun.notify_one();
                    go_on.notified().await;
                    Ok(ok())
                }
            }
        };
        let (tasks, mut connection) = serve(&connections, slow).await;
        connection.write_all(REQUEST).await.unwrap();
        begun.notified().await;
        drop(tasks);
        // The end of the tasks, by which nobody listens any more.
        let address = connection.peer_addr().unwrap();
        while TcpStream::connect(address).await.is_ok() {}
        go_on.notify_one();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("fine"));
        timeout(LONG, connections.closed()).await.unwrap();
    }
}

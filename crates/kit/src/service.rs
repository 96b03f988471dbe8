//! What makes a component a service.

use crate::bindings::exports::stoa::clock::ticks::Timing;
use crate::{Method, Problem, Request, Response, heartbeat};

/// A service behind the gateway. [`export_service!`](crate::export_service)
/// makes a component of it.
pub trait Service {
    /// The service's id: its link from the gateway, its first path segment,
    /// its heartbeat.
    const ID: &'static str;

    /// The service's version; `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;

    /// Answers a request.
    fn handle(request: &Request) -> Result<Response, Problem>;

    /// What is due at each tick: a heartbeat.
    fn tick(timing: &Timing) -> Result<(), String> {
        heartbeat::publish(Self::ID, Self::VERSION, timing)
    }
}

/// Answers a request by way of a service: problems become answers, and a GET
/// whose entity tag the client has already becomes 304.
pub fn serve<S: Service>(request: &Request) -> Response {
    match S::handle(request) {
        Ok(response) => not_modified(request, response),
        Err(problem) => problem.into_response(&request.id),
    }
}

fn not_modified(request: &Request, mut response: Response) -> Response {
    let current = response
        .get_header("etag")
        .is_some_and(|etag| request.has_current(etag));
    if request.method == Method::Get && response.status == 200 && current {
        response.status = 304;
        response.body.clear();
        // RFC 9110, section 15.4.5: no representation metadata but these.
        response.headers.retain(|header| {
            matches!(
                header.name.as_str(),
                "etag" | "cache-control" | "vary" | "link"
            )
        });
    }
    response
}

/// Exports a [`Service`] as a component: `stoa_kit::export_service!(Product);`
#[macro_export]
macro_rules! export_service {
    ($service:ident) => {
        impl $crate::bindings::exports::stoa::http::service::Guest for $service {
            fn handle(
                request: $crate::Request,
            ) -> Result<
                $crate::Response,
                $crate::bindings::exports::stoa::http::service::RpcError,
            > {
                Ok($crate::service::serve::<$service>(&request))
            }
        }

        impl $crate::bindings::exports::stoa::clock::ticks::Guest for $service {
            fn tick(
                timing: $crate::bindings::exports::stoa::clock::ticks::Timing,
            ) -> Result<(), String> {
                <$service as $crate::Service>::tick(&timing)
            }
        }

        // Only a component has exports; a native linker refuses their names.
        #[cfg(target_family = "wasm")]
        $crate::bindings::export!($service with_types_in $crate::bindings);
    };
}

//! The API gateway: the only component that speaks HTTP.
//!
//! It knows which routes there are and who may use them ([`routes`]), who asks
//! ([`auth`], [`client`]), where a service is ([`registry`]), and how to get
//! there: over the lattice ([`lattice`]) or by HTTP to a service outside it
//! ([`outside`]). It answers health checks, the API's description and the keys
//! of its tokens itself ([`own`]). The order of the steps is in [`exchange`],
//! and who is let in in [`admission`].
//!
//! A fresh instance answers each request, so nothing is kept between two of
//! them. Nothing that comes from outside makes it trap: a trap would close the
//! client's connection without an answer.

pub mod admission;
pub mod answer;
pub mod auth;
mod bindings;
pub mod body;
pub mod client;
pub mod cors;
pub mod exchange;
pub mod headers;
pub mod health;
pub mod jwks;
pub mod lattice;
pub mod lookup;
pub mod outside;
pub mod own;
pub mod path;
pub mod references;
pub mod registry;
pub mod routes;

use stoa_kit::bindings::exports::stoa::clock::ticks::Timing;
use stoa_kit::{Service as _, config};
use wasi::exports::http::incoming_handler;
use wasi::http::types::{IncomingRequest, Method, ResponseOutparam};

use crate::bindings::exports::stoa::clock::ticks;
use crate::exchange::Exchange;
use crate::own::Own;

struct Gateway;

impl incoming_handler::Guest for Gateway {
    fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
        let exchange = Exchange::new(incoming);
        exchange
            .respond()
            .unwrap_or_else(|problem| problem.into_response(&exchange.id).into())
            .dress(&exchange.id, &exchange.cors, config::get("hsts").as_deref())
            .send(out, matches!(exchange.method, Method::Head));
    }
}

impl ticks::Guest for Gateway {
    fn tick(timing: ticks::Timing) -> Result<(), String> {
        Own::tick(&Timing {
            name: timing.name,
            sequence: timing.sequence,
            interval: timing.interval,
        })
    }
}

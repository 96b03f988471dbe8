//! What the email service would do: read what auth asks for, and ask for the
//! token that goes into the mail, by the interface made for it.

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use stoa_harness::Lattice;
use tokio::runtime::Runtime;

use super::secrets;

mod bindings {
    wit_bindgen_wrpc::generate!({
        inline: "
            package stoa:tests;

            world mail {
                import stoa:auth/one-time@0.1.0;
            }
        ",
        world: "stoa:tests/mail",
        path: "wit",
        generate_all,
    });
}

use bindings::stoa::auth::one_time;

/// An event, as it waits in the outbox.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) data: Value,
}

/// What auth has to tell of an account, in order.
pub(crate) fn events(lattice: &Lattice, account: &str) -> Vec<Event> {
    events_of(&database(lattice, "auth"), account)
}

/// What the account service has to tell of it.
pub(crate) fn events_of_account(lattice: &Lattice, account: &str) -> Vec<Event> {
    events_of(&database(lattice, "account"), account)
}

fn events_of(database: &Connection, account: &str) -> Vec<Event> {
    let mut select = database
        .prepare("SELECT type, data FROM outbox WHERE subject = ?1 ORDER BY number")
        .expect("an outbox");
    let rows = select.query_map([account], |row| {
        let data: String = row.get(1)?;
        Ok(Event {
            kind: row.get(0)?,
            data: serde_json::from_str(&data).expect("JSON"),
        })
    });
    rows.expect("rows").map(|row| row.expect("a row")).collect()
}

/// The database of a service.
pub(crate) fn database(lattice: &Lattice, service: &str) -> Connection {
    let path = lattice.folder().join(format!("data/{service}.db"));
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a database")
}

/// The token in the mail that was asked for last.
pub(crate) fn token(lattice: &Lattice, account: &str) -> String {
    let last = events(lattice, account).pop().expect("an event");
    let id = last.data["token_id"]
        .as_str()
        .expect("a token's id")
        .to_owned();
    taken(lattice, &id).expect("a token")
}

/// The token with this id, if it is still good.
pub(crate) fn taken(lattice: &Lattice, id: &str) -> Option<String> {
    let runtime = Runtime::new().expect("a runtime");
    let token = runtime.block_on(async {
        let nats = async_nats::connect(lattice.nats()).await;
        let nats = nats.expect("the NATS server answers");
        let auth = wrpc_transport_nats::Client::new(nats, "default.auth", None).await;
        one_time::token(&auth.expect("a client"), None, id).await
    });
    let token = token.expect("an answer").expect("no error");
    secrets::remember(&token.iter().map(String::as_str).collect::<Vec<_>>());
    token
}

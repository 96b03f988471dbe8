//! From an event to a mail at a server, whatever the server does: over HTTP, a
//! real SMTP connection, and what administrators see of it.

pub(crate) mod kills;
mod server;

use std::sync::OnceLock;

use serde_json::{Value, json};
use stoa_harness::{Lattice, eventually};

use crate::auth::{Person, credentials, visitor_of};
use server::{Mail, Server};

/// The manifest's text with mail that goes to a server in plain text.
fn by(server: &Server) -> [(String, String); 2] {
    let from = "                    from: Stoa <noreply@localhost>\n";
    let folder = "              folder: .stoa/mail\n";
    let url = server.url();
    [
        (
            from.to_owned(),
            format!("{from}                    url: {url}\n                    tls: none\n"),
        ),
        (
            folder.to_owned(),
            format!("{folder}              allow_plaintext: \"true\"\n"),
        ),
    ]
}

fn start(server: &Server, options: &[&str]) -> Lattice {
    let changes = by(server);
    let changes: Vec<_> = changes
        .iter()
        .map(|(old, new)| (old.as_str(), new.as_str()))
        .collect();
    Lattice::start_with_options(&changes, options)
}

static SHOP: OnceLock<(Lattice, Server)> = OnceLock::new();

/// One lattice and one server for the tests of this file, until [`end`].
fn shop() -> &'static (Lattice, Server) {
    SHOP.get_or_init(|| {
        let server = Server::start();
        (start(&server, &[]), server)
    })
}

/// Stops the lattice of these tests, if there was one.
pub(crate) fn end() {
    if let Some((lattice, _)) = SHOP.get() {
        lattice.end();
    }
}

/// Signs somebody up.
fn sign_up(email: &str) {
    let visitor = visitor_of(&shop().0);
    visitor
        .post("/signup", &credentials(email))
        .send()
        .expect(202);
}

/// The mails to an address, as administrators see them.
fn shown(email: &str) -> Vec<Value> {
    let page = shop().0.admin().get(&format!("/emails?recipient={email}"));
    let page = page.send().expect(200).body;
    page["data"].as_array().expect("a list").clone()
}

/// Waits until the one mail to an address has this status.
fn wait_for(email: &str, status: &str) -> Value {
    let mut last = json!(null);
    eventually(&format!("{email} {status}"), || {
        last = json!(shown(email));
        last.as_array().is_some_and(|mails| mails.len() == 1) && last[0]["status"] == status
    });
    last[0].take()
}

/// The one mail that was accepted for an address, when it is there.
fn accepted(email: &str) -> Mail {
    let server = &shop().1;
    eventually(&format!("a mail to {email}"), || {
        !server.accepted(email).is_empty()
    });
    let mut mails = server.accepted(email);
    assert_eq!(mails.len(), 1, "{mails:?}");
    mails.remove(0)
}

/// The token in a mail's link.
fn token(mail: &Mail) -> String {
    // Quoted-printable breaks lines by `=`, and writes `=` as `=3D`.
    let text = mail.text.replace("=\r\n", "").replace("=3D", "=");
    let (_, rest) = text.split_once("#token=").expect("a link with a token");
    rest.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect()
}

pub(crate) fn who_signs_up_gets_one_mail_whose_link_verifies_the_address() {
    let (lattice, _) = shop();
    let person = Person::on(lattice, "welcome@mail.example");
    let mail = accepted("welcome@mail.example");
    assert!(
        mail.id.starts_with('<') && mail.id.ends_with('>'),
        "{mail:?}"
    );
    let verify = json!({"token": token(&mail)});
    person.visitor.post("/verify", &verify).send().expect(204);
    let account = person.client.get(&person.path()).send().expect(200).body;
    assert_eq!(account["email_verified"], true);
    let shown = wait_for("welcome@mail.example", "sent");
    assert_eq!(shown["template"], "verify");
    let id = shown["id"].as_str().expect("an id");
    let whole = lattice
        .admin()
        .get(&format!("/emails/{id}"))
        .send()
        .expect(200);
    assert!(
        !whole.text.contains(&token(&mail)),
        "its token is shown to nobody"
    );
    person
        .client
        .get("/emails")
        .send()
        .problem(403, "forbidden");
}

pub(crate) fn a_forgotten_password_is_set_by_the_link_of_a_mail() {
    let (lattice, server) = shop();
    let person = Person::on(lattice, "forgot@mail.example");
    accepted("forgot@mail.example");
    let forgot = json!({"email": "forgot@mail.example"});
    person
        .visitor
        .post("/password/forgot", &forgot)
        .send()
        .expect(202);
    eventually("two mails", || {
        server.accepted("forgot@mail.example").len() == 2
    });
    let reset = server
        .accepted("forgot@mail.example")
        .pop()
        .expect("a mail");
    let body = json!({"token": token(&reset), "password": "quite another password"});
    person
        .visitor
        .post("/password/reset", &body)
        .send()
        .expect(204);
    // And the owner hears of it.
    eventually("three mails", || {
        server.accepted("forgot@mail.example").len() == 3
    });
    person.is_signed_out();
}

pub(crate) fn what_is_refused_for_now_arrives_later_and_once() {
    sign_up("later.a@mail.example");
    let mail = accepted("later.a@mail.example");
    assert_eq!(shop().1.tries("later.a@mail.example"), 2);
    let shown = wait_for("later.a@mail.example", "sent");
    assert!(mail.id.contains(shown["id"].as_str().expect("an id")));
}

pub(crate) fn what_is_refused_for_good_is_tried_once_and_the_address_is_suppressed() {
    sign_up("never.a@mail.example");
    let shown = wait_for("never.a@mail.example", "abandoned");
    assert_eq!(shown["reason"], "refused");
    let admin = shop().0.admin();
    let list = admin.get("/emails/suppressions").send().expect(200).text;
    assert!(list.contains("never.a@mail.example"), "{list}");
    // The next mail is not even tried.
    let visitor = visitor_of(&shop().0);
    let forgot = json!({"email": "never.a@mail.example"});
    visitor.post("/password/forgot", &forgot).send().expect(202);
    eventually("the other one", || {
        let mails = self::shown("never.a@mail.example");
        mails.iter().any(|mail| mail["reason"] == "suppressed")
    });
    assert_eq!(shop().1.tries("never.a@mail.example"), 1);
    let off = "/emails/suppressions/never.a@mail.example";
    admin.delete(off).send().expect(204);
    admin.delete(off).send().problem(404, "not_found");
}

pub(crate) fn what_may_have_been_accepted_is_sent_again_under_the_same_id() {
    sign_up("dropped.a@mail.example");
    let mail = accepted("dropped.a@mail.example");
    let all = shop().1.mails("dropped.a@mail.example");
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|one| one.id == mail.id));
    wait_for("dropped.a@mail.example", "sent");
}

pub(crate) fn a_slow_answer_holds_up_nobody_else() {
    for number in 0..4 {
        sign_up(&format!("slow.{number}@mail.example"));
    }
    sign_up("quick@mail.example");
    accepted("quick@mail.example");
    for number in 0..4 {
        let email = format!("slow.{number}@mail.example");
        wait_for(&email, "sent");
        accepted(&email);
    }
}

pub(crate) fn an_administrator_has_a_mail_tried_again() {
    sign_up("never.b@mail.example");
    let shown = wait_for("never.b@mail.example", "abandoned");
    let retry = format!("/emails/{}/retry", shown["id"].as_str().expect("an id"));
    let admin = shop().0.admin();
    admin.request("POST", &retry).send().expect(409);
    admin
        .delete("/emails/suppressions/never.b@mail.example")
        .send()
        .expect(204);
    admin.request("POST", &retry).send().expect(202);
    eventually("another try", || {
        shop().1.tries("never.b@mail.example") == 2
    });
    shop()
        .0
        .anonymous()
        .request("POST", &retry)
        .send()
        .expect(401);
}

pub(crate) fn without_a_server_mails_go_into_the_folder() {
    Person::new("folder@mail.example");
    let folder = crate::shared().folder().join("mail");
    let read = || -> Vec<String> {
        let entries = std::fs::read_dir(&folder).into_iter().flatten();
        let files = entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
        files
            .filter(|mail| mail.contains("folder@mail.example"))
            .collect()
    };
    eventually("a mail", || !read().is_empty());
    assert_eq!(read().len(), 1);
    assert!(read()[0].contains("Message-ID: <"), "{:?}", read());
}

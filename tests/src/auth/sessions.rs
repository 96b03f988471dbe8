//! `GET /sessions`, `DELETE /sessions/{id}`

use serde_json::json;

use super::{PASSWORD, Person, credentials};

pub(crate) fn people_see_where_they_are_signed_in() {
    let person = Person::new("sessions@auth.example");
    let request = person.visitor.post("/signin", &credentials(&person.email));
    let answer = request.header("user-agent", "Phone/1.0").send().expect(200);
    let phone = Person::of(&person.visitor, &answer);
    let list = phone.client.get("/sessions").send().expect(200);
    assert_eq!(list.header("cache-control"), "no-store");
    let sessions = list.body["data"].as_array().expect("a list");
    assert_eq!(sessions.len(), 2);
    assert_eq!(list.body["next"], json!(null));
    let current: Vec<_> = sessions.iter().filter(|it| it["current"] == true).collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0]["device"], "Phone/1.0");
    let ip = current[0]["ip"].as_str().expect("an address");
    assert!(ip.starts_with("127.") && ip.ends_with(".1"), "{ip}");
    for name in ["id", "created", "last_used", "expires"] {
        assert!(current[0][name].is_string(), "{name}");
    }
    assert!(!list.text.contains(PASSWORD) && !list.text.contains(&phone.refresh_token));
}

pub(crate) fn a_session_is_ended_from_another() {
    let here = Person::new("elsewhere@auth.example");
    let there = here.again();
    let list = here.client.get("/sessions").send().expect(200).body;
    let sessions = list["data"].as_array().expect("a list").iter();
    let mut others = sessions.filter(|session| session["current"] == false);
    let id = others
        .next()
        .and_then(|it| it["id"].as_str())
        .expect("another");
    let path = format!("/sessions/{id}");
    let stranger = Person::new("stranger@auth.example");
    stranger
        .client
        .delete(&path)
        .send()
        .problem(404, "not_found");
    here.visitor
        .delete(&path)
        .send()
        .problem(401, "unauthorized");
    here.client.delete(&path).send().expect(204);
    there.is_signed_out();
    here.client.delete(&path).send().problem(404, "not_found");
    here.client
        .delete("/sessions/1")
        .send()
        .problem(404, "not_found");
    assert!(here.is_known());
}

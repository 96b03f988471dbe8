//! `POST /signout` and `GET /signout`

use super::forgery::Forge;
use super::{Person, refresh, visitor};
use crate::shared;

pub(crate) fn a_sign_out_ends_both_tokens_within_a_second() {
    for method in ["POST", "GET"] {
        let person = Person::new(&format!("out.{method}@auth.example"));
        let other = person.again();
        person.client.request(method, "/signout").send().expect(204);
        refresh(&person.visitor, &person.refresh_token).problem(401, "invalid_grant");
        person.is_signed_out();
        assert!(other.is_known());
    }
}

pub(crate) fn the_others_or_all_sessions_are_signed_out_on_request() {
    let here = Person::new("out.all@auth.example");
    let (one, two) = (here.again(), here.again());
    here.client
        .request("POST", "/signout?scope=others")
        .send()
        .expect(204);
    one.is_signed_out();
    two.is_signed_out();
    assert!(here.is_known());
    let three = here.again();
    here.client
        .request("POST", "/signout?scope=global")
        .send()
        .expect(204);
    here.is_signed_out();
    three.is_signed_out();
}

pub(crate) fn an_expired_access_token_still_signs_out_and_does_nothing_else() {
    let person = Person::new("out.expired@auth.example");
    let expired = Forge::of(shared()).expired(&person);
    let client = person.visitor.with_token(&expired);
    for (method, path) in [
        ("GET", "/sessions"),
        ("GET", &*person.path()),
        ("GET", "/products"),
    ] {
        let answer = client.request(method, path).send();
        let detail = answer.problem(401, "invalid_token").body["detail"].clone();
        assert!(
            detail.as_str().is_some_and(|text| text.contains("expired")),
            "{detail}"
        );
    }
    client.request("POST", "/signout").send().expect(204);
    person.is_signed_out();
}

pub(crate) fn nobody_signs_out_without_a_token() {
    let visitor = visitor();
    visitor
        .request("POST", "/signout")
        .send()
        .problem(401, "unauthorized");
    visitor
        .request("GET", "/signout")
        .send()
        .problem(401, "unauthorized");
    let person = Person::new("out.scope@auth.example");
    let answer = person
        .client
        .request("POST", "/signout?scope=everybody")
        .send();
    answer
        .problem(400, "invalid_query")
        .names(&[("scope", "value")]);
    assert!(person.is_known());
}

//! `GET /openapi.yaml`

use crate::shared;

pub(crate) fn the_description_is_the_file_of_the_repository() {
    let file = std::fs::read_to_string(stoa_harness::root().join("docs/openapi.yaml"));
    for client in [shared().anonymous(), shared().admin()] {
        let answer = client.get("/openapi.yaml").send().expect(200);
        assert_eq!(answer.text, *file.as_ref().expect("the description"));
        assert_eq!(answer.header("content-type"), "application/yaml");
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
    }
}

pub(crate) fn who_has_the_current_description_gets_304() {
    let anonymous = shared().anonymous();
    let tag = anonymous.get("/openapi.yaml").send().expect(200);
    let tag = tag.header("etag");
    let ask = |tags: &str| {
        let request = anonymous.get("/openapi.yaml");
        request.header("if-none-match", tags).send()
    };
    for tags in [tag, &format!("W/{tag}"), &format!("\"1\", {tag}"), "*"] {
        let answer = ask(tags).expect(304);
        assert_eq!((answer.text.as_str(), answer.header("etag")), ("", tag));
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
    }
    ask("\"1\"").expect(200);
}

use serde_json::{Value, json};
use stoa_kit::Method;

use crate::fixtures::{ask, create, draft, path};
use crate::memory;

/// The names on all pages, two products each; every page is one call.
fn names(query: &[(&str, &str)]) -> Vec<String> {
    let mut names = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = query.to_vec();
        query.push(("limit", "2"));
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor));
        }
        memory::calls();
        let page = ask(Method::Get, "/products").query(&query).body();
        assert!(memory::calls() <= 1, "a list is one call");
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= 2);
        names.extend(
            data.iter()
                .map(|product| product["name"].as_str().unwrap().to_owned()),
        );
        match &page["next"] {
            Value::Null => return names,
            next => cursor = Some(next.as_str().unwrap().to_owned()),
        }
    }
}

fn teas() {
    memory::open();
    for (sku, name, amount) in [
        ("T-1", "Sencha", 900),
        ("T-2", "assam", 500),
        ("T-3", "Éclair tea", 500),
        ("T-4", "Darjeeling", 700),
        ("T-5", "Assam", 1200),
    ] {
        create(&draft(sku, name, amount));
    }
    let mut hidden = draft("T-6", "Hidden", 100);
    hidden["status"] = json!("draft");
    create(&hidden);
}

#[test]
fn every_order_is_paged_without_gaps_or_repeats() {
    teas();
    let by_creation = ["Sencha", "assam", "Éclair tea", "Darjeeling", "Assam"];
    let by_name = ["assam", "Assam", "Darjeeling", "Éclair tea", "Sencha"];
    let by_price = ["assam", "Éclair tea", "Darjeeling", "Sencha", "Assam"];
    for (sort, order) in [
        ("created", by_creation),
        ("name", by_name),
        ("price", by_price),
    ] {
        assert_eq!(names(&[("sort", sort)]), order, "{sort}");
        let reversed: Vec<_> = order.into_iter().rev().collect();
        assert_eq!(names(&[("sort", &format!("-{sort}"))]), reversed, "-{sort}");
    }
    let newest_first: Vec<_> = by_creation.into_iter().rev().collect();
    assert_eq!(names(&[]), newest_first);
}

#[test]
fn a_list_is_narrowed_by_price_and_currency() {
    teas();
    let mut yen = draft("T-7", "Gyokuro", 700);
    yen["price"]["currency"] = json!("JPY");
    create(&yen);
    assert_eq!(
        names(&[("min_price", "700"), ("max_price", "900")]),
        ["Gyokuro", "Darjeeling", "Sencha"]
    );
    assert_eq!(
        names(&[("max_price", "500"), ("sort", "name")]),
        ["assam", "Éclair tea"]
    );
    assert_eq!(
        names(&[("min_price", "701"), ("sort", "-price")]),
        ["Assam", "Sencha"]
    );
    assert_eq!(names(&[("currency", "JPY")]), ["Gyokuro"]);
    assert_eq!(
        names(&[("currency", "JPY"), ("sort", "price")]),
        ["Gyokuro"]
    );
}

#[test]
fn search_finds_words_by_their_beginning_in_name_description_and_sku() {
    teas();
    let mut described = draft("GP-77", "Gunpowder", 650);
    described["description"] = json!("A smoky green tea, rolled; <b>crème</b> de la crème.");
    create(&described);
    assert_eq!(names(&[("q", "ass")]), ["Assam", "assam"]);
    assert_eq!(names(&[("q", "ECLAIR")]), ["Éclair tea"]);
    assert_eq!(
        names(&[("q", "tea"), ("sort", "name")]),
        ["Éclair tea", "Gunpowder"]
    );
    assert_eq!(
        names(&[("q", "tea"), ("sort", "-price")]),
        ["Gunpowder", "Éclair tea"]
    );
    assert_eq!(names(&[("q", "rolled gre")]), ["Gunpowder"]);
    assert_eq!(names(&[("q", "gp-77")]), ["Gunpowder"]);
    assert_eq!(names(&[("q", "crè")]), ["Gunpowder"]);
    assert_eq!(
        names(&[("q", "t"), ("max_price", "500")]),
        ["Éclair tea", "assam"]
    );
    assert_eq!(names(&[("q", "moky")]), Vec::<String>::new());
    assert_eq!(names(&[("q", "hidden")]), Vec::<String>::new());
}

#[test]
fn nothing_in_a_search_is_syntax() {
    teas();
    for q in [
        "assam OR sencha",
        "assam NOT x",
        "words:assam",
        "NEAR(assam)",
        "\"",
        "*",
        "a\"b",
        "(",
        "'; --",
    ] {
        let page = ask(Method::Get, "/products").query(&[("q", q)]).body();
        assert_eq!(page["data"], json!([]), "{q}");
    }
    let many: String = ('a'..='z')
        .cycle()
        .take(100)
        .map(|letter| format!("{letter} "))
        .collect();
    assert_eq!(names(&[("q", many.trim())]), Vec::<String>::new());
    memory::calls();
    let page = ask(Method::Get, "/products").query(&[("q", "-!-")]).body();
    assert_eq!(page, json!({"data": [], "next": null}));
    assert_eq!(
        memory::calls(),
        0,
        "without a word there is nothing to ask for"
    );
}

#[test]
fn search_follows_every_write() {
    teas();
    let page = ask(Method::Get, "/products")
        .query(&[("q", "sencha")])
        .body();
    let sencha = path(&page["data"][0]);
    let patch = json!({"name": "Bancha"});
    assert_eq!(
        ask(Method::Patch, &sencha).by_admin().json(&patch).status(),
        200
    );
    assert_eq!(names(&[("q", "sencha")]), Vec::<String>::new());
    assert_eq!(names(&[("q", "bancha")]), ["Bancha"]);
    let patch = json!({"stock": 3});
    assert_eq!(
        ask(Method::Patch, &sencha).by_admin().json(&patch).status(),
        200
    );
    assert_eq!(names(&[("q", "bancha")]), ["Bancha"]);
    assert_eq!(ask(Method::Delete, &sencha).by_admin().status(), 204);
    assert_eq!(names(&[("q", "bancha")]), Vec::<String>::new());
}

#[test]
fn only_administrators_see_drafts() {
    teas();
    let count = |page: &Value| page["data"].as_array().unwrap().len();
    let list = |status: &[(&str, &str)]| ask(Method::Get, "/products").query(status);
    assert_eq!(count(&list(&[]).body()), 5);
    assert_eq!(count(&list(&[]).by_customer().body()), 5);
    assert_eq!(count(&list(&[]).by_admin().body()), 6);
    assert_eq!(
        count(&list(&[("status", "published")]).by_admin().body()),
        5
    );
    assert_eq!(count(&list(&[("status", "draft")]).by_admin().body()), 1);
    assert_eq!(list(&[("status", "draft")]).by_customer().status(), 403);
    assert_eq!(list(&[("status", "draft")]).status(), 401);
}

#[test]
fn the_link_to_the_next_page_keeps_the_query() {
    teas();
    let query = [("q", "t"), ("limit", "1"), ("sort", "-price")];
    let first = ask(Method::Get, "/products").query(&query).send().unwrap();
    let next: Value = serde_json::from_str(&first.body).unwrap();
    let next = next["next"].as_str().unwrap();
    let link = format!("</products?q=t&limit=1&sort=-price&cursor={next}>; rel=\"next\"");
    assert_eq!(first.get_header("link"), Some(link.as_str()));

    let mut query = query.to_vec();
    query.extend([("cursor", next)]);
    let second = ask(Method::Get, "/products").query(&query).send().unwrap();
    let link = second.get_header("link").unwrap();
    assert_eq!(link.matches("cursor=").count(), 1);
    assert!(!link.contains(next));

    let text = [("q", "é \"&=+/ t"), ("limit", "1")];
    let link = stoa_kit::page::next_link(&ask(Method::Get, "/products").query(&text).0, "C");
    assert_eq!(
        link,
        "</products?q=%C3%A9%20%22%26%3D%2B%2F%20t&limit=1&cursor=C>; rel=\"next\""
    );
}

#[test]
fn a_list_says_who_may_keep_it() {
    teas();
    let list = || ask(Method::Get, "/products");
    let anonymous = list().send().unwrap();
    assert_eq!(
        anonymous.get_header("cache-control"),
        Some("public, max-age=60, stale-while-revalidate=300")
    );
    assert_eq!(anonymous.get_header("vary"), Some("authorization"));
    assert_eq!(
        anonymous.get_header("etag"),
        list().send().unwrap().get_header("etag")
    );
    assert_eq!(anonymous.get_header("link"), None);
    let admin = list().by_admin().send().unwrap();
    assert_eq!(admin.get_header("cache-control"), Some("private, no-store"));
    assert_ne!(admin.get_header("etag"), anonymous.get_header("etag"));
}

#[test]
fn a_page_of_large_products_is_shorter_and_none_is_left_out() {
    memory::open();
    let image = json!({"url": format!("https://a.example/{}", "p".repeat(2030))});
    for number in 0..100 {
        let mut large = draft(&format!("L-{number}"), &number.to_string(), 1);
        large["images"] = json!(vec![image.clone(); 20]);
        large["description"] = json!("\u{1f375}".repeat(10_000));
        large["attributes"] = json!({"text": "t".repeat(16_000)});
        create(&large);
    }
    let all = [("sort", "created"), ("limit", "100")];
    let first = ask(Method::Get, "/products").query(&all).body();
    let next = [all[0], all[1], ("cursor", first["next"].as_str().unwrap())];
    let second = ask(Method::Get, "/products").query(&next).body();
    let pages = [&first, &second].map(|page| page["data"].as_array().unwrap());
    assert_eq!(pages.map(Vec::len), [50, 50]);
    for (number, product) in pages.into_iter().flatten().enumerate() {
        assert_eq!(product["name"], number.to_string());
    }
    assert_eq!(second["next"], Value::Null);
}

//! `GET /products`
//!
//! Other tests create products at the same time, so each list here is of one
//! word that only its own products have.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stoa_harness::{Answer, Client};

use super::{path, stored};
use crate::shared;

/// A product whose name is `name` and that `word` finds.
fn found_by(word: &str, number: usize, name: &str, amount: i64) -> Value {
    let sku = format!("{word}-{number}");
    let price = json!({"amount": amount, "currency": "EUR"});
    stored(&sku, &json!({"name": name, "price": price}))
}

/// A text as it is in a query: everything escaped that might mean something.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn list(client: &Client, query: &str) -> Answer {
    client.get(&format!("/products?{query}")).send()
}

fn sku(product: &Value) -> String {
    product["sku"].as_str().expect("a SKU").to_owned()
}

/// The SKUs of a page.
fn skus(page: &Value) -> Vec<String> {
    let products = page["data"].as_array().expect("a page");
    products.iter().map(sku).collect()
}

/// The SKUs that the public finds, in order.
fn search(query: &str) -> Vec<String> {
    skus(&list(&shared().anonymous(), query).expect(200).body)
}

/// The target of the `Link` to the next page.
fn next_link(answer: &Answer) -> Option<String> {
    let link = answer.header("link").strip_prefix('<')?;
    let target = link.strip_suffix(">; rel=\"next\"");
    Some(target.expect("a link to the next page").to_owned())
}

pub(crate) fn pages_have_no_duplicates_and_no_gaps_while_products_come_and_go() {
    const WORD: &str = "paging";
    // Names and prices repeat, so that ties are broken inside and between pages.
    let names = [
        "Ähre",
        "ahre",
        "Birne",
        "birne 2",
        "Chicorée",
        "Dattel",
        "茶",
    ];
    let mut number = 0;
    let mut add = || {
        number += 1;
        let amount = i64::try_from(number % 5).expect("a price") * 100;
        found_by(WORD, number, names[number % names.len()], amount)
    };
    let kept: BTreeSet<_> = (0..30).map(|_| sku(&add())).collect();

    for sort in ["created", "-created", "name", "-name", "price", "-price"] {
        let mut doomed = vec![add(), add(), add()];
        let mut next = Some(format!("/products?q={WORD}&limit=7&sort={sort}"));
        let mut seen = Vec::new();
        while let Some(page) = next {
            let page = shared().anonymous().get(&page).send().expect(200);
            seen.extend(page.body["data"].as_array().expect("a page").clone());
            // Something comes and something goes between any two pages.
            add();
            if let Some(product) = doomed.pop() {
                let delete = shared().admin().delete(&path(&product)).send();
                delete.expect(204);
            }
            let link = next_link(&page);
            assert_eq!(link.is_some(), page.body["next"].is_string());
            next = link;
        }
        let skus: Vec<_> = seen.iter().map(sku).collect();
        let distinct: BTreeSet<_> = skus.iter().cloned().collect();
        assert_eq!(distinct.len(), skus.len(), "{sort}: {skus:?}");
        assert!(distinct.is_superset(&kept), "{sort}: {skus:?}");
        assert_sorted(&seen, sort);
    }
}

fn assert_sorted(products: &[Value], sort: &str) {
    let key = sort.trim_start_matches('-');
    let position = |product: &Value| {
        let number: Option<usize> = sku(product)
            .rsplit('-')
            .next()
            .and_then(|number| number.parse().ok());
        let name = product["name"].as_str().expect("a name").to_lowercase();
        let name = name.replace('ä', "a").replace('é', "e");
        let amount = product["price"]["amount"].as_i64().expect("a price");
        (
            if key == "name" { name } else { String::new() },
            if key == "price" { amount } else { 0 },
            number.expect("a number"),
        )
    };
    let mut positions: Vec<_> = products.iter().map(position).collect();
    if sort.starts_with('-') {
        positions.reverse();
    }
    assert!(positions.is_sorted(), "{sort}: {positions:?}");
}

pub(crate) fn the_link_to_the_next_page_is_usable_as_it_is() {
    let name = "Ampersand & Söhne, 100 % + \"mehr\" #1?";
    for number in 0..3 {
        found_by("ampersand", number, name, 1);
    }
    let query = format!(
        "q={}&sort=-name&limit=1&min_price=1&max_price=1&currency=EUR&status=published",
        escaped(name)
    );
    for client in [shared().anonymous(), shared().admin()] {
        let mut page = list(&client, &query).expect(200);
        let mut seen = skus(&page.body);
        while let Some(link) = next_link(&page) {
            assert!(link.starts_with("/products?q=Ampersand%20"), "{link}");
            let cursor = page.body["next"].as_str().expect("a cursor").to_owned();
            assert!(link.ends_with(&format!("&cursor={cursor}")), "{link}");
            // The cursor with the same query is the same page.
            let by_hand = list(&client, &format!("{query}&cursor={cursor}"));
            page = client.get(&link).send().expect(200);
            assert_eq!(page.text, by_hand.expect(200).text);
            seen.extend(skus(&page.body));
        }
        assert_eq!(seen, ["ampersand-2", "ampersand-1", "ampersand-0"]);
        assert_eq!(page.body["next"], Value::Null);
    }
}

pub(crate) fn a_page_has_twenty_products_and_the_newest_come_first() {
    for number in 0..21 {
        found_by("twenty", number, "A thing", 1);
    }
    let newest_first: Vec<_> = (0..21).rev().map(|n| format!("twenty-{n}")).collect();
    assert_eq!(search("q=twenty"), newest_first[..20]);
    assert_eq!(search("q=twenty&limit=100"), newest_first);
    assert_eq!(search("q=twenty&limit=1"), newest_first[..1]);
    // A last page that is full says that it is the last.
    let full = list(&shared().anonymous(), "q=twenty&limit=21").expect(200);
    assert_eq!(full.body["next"], Value::Null);
    assert_eq!(full.header("link"), "");
}

pub(crate) fn drafts_are_listed_for_administrators_only() {
    stored("HIDDEN-DRAFT", &json!({"status": "draft"}));
    stored("HIDDEN-NOT", &json!({}));
    let admin = shared().admin();
    let all = list(&admin, "q=hidden").expect(200);
    assert_eq!(skus(&all.body), ["HIDDEN-NOT", "HIDDEN-DRAFT"]);
    assert_eq!(search("q=hidden"), ["HIDDEN-NOT"]);
    assert_eq!(search("q=hidden&status=published"), ["HIDDEN-NOT"]);
    let drafts = list(&admin, "q=hidden&status=draft").expect(200);
    assert_eq!(skus(&drafts.body), ["HIDDEN-DRAFT"]);
    let published = list(&admin, "q=hidden&status=published").expect(200);
    assert_eq!(skus(&published.body), ["HIDDEN-NOT"]);
    let asked = list(&shared().anonymous(), "q=hidden&status=draft");
    let asked = asked.problem(401, "unauthorized");
    assert_eq!(asked.header("www-authenticate"), "Bearer realm=\"stoa\"");
}

pub(crate) fn filters_narrow_a_list_and_their_bounds_are_inclusive() {
    for (number, (amount, currency)) in [(100, "SEK"), (200, "SEK"), (300, "SEK"), (200, "NOK")]
        .into_iter()
        .enumerate()
    {
        let price = json!({"amount": amount, "currency": currency});
        stored(&format!("FILTER-{number}"), &json!({ "price": price }));
    }
    for (query, expected) in [
        ("", &["FILTER-0", "FILTER-1", "FILTER-2", "FILTER-3"][..]),
        ("&currency=SEK", &["FILTER-0", "FILTER-1", "FILTER-2"]),
        ("&currency=NOK", &["FILTER-3"]),
        ("&currency=DKK", &[]),
        ("&min_price=200", &["FILTER-1", "FILTER-2", "FILTER-3"]),
        ("&max_price=200", &["FILTER-0", "FILTER-1", "FILTER-3"]),
        ("&min_price=200&max_price=200", &["FILTER-1", "FILTER-3"]),
        ("&min_price=201&max_price=299", &[]),
        ("&max_price=0", &[]),
        (
            "&max_price=1000000000000&currency=SEK&min_price=300",
            &["FILTER-2"],
        ),
    ] {
        for sort in ["created", "-created", "name", "-name", "price", "-price"] {
            let mut found = search(&format!("q=filter{query}&sort={sort}"));
            found.sort();
            assert_eq!(found, expected, "{query} {sort}");
        }
    }
    // Also without words, where another index is read.
    assert_eq!(search("currency=NOK&sort=price"), ["FILTER-3"]);
}

pub(crate) fn every_word_must_begin_a_word_of_name_description_or_sku() {
    stored(
        "Quokka-Mug.9",
        &json!({"name": "Ünïcödé quokka", "description": "Straße, Łódź, 茶壺 и чайник, ﬁne 12½."}),
    );
    for (q, is_found) in [
        ("quokka", true),
        ("QUO", true),
        ("q", true),
        ("uokka", false),
        ("quokkas", false),
        ("quokka mug", true),
        ("mu   quo  unicode", true),
        ("quokka bottle", false),
        ("Quokka-Mug.9", true),
        ("quokka unicode", true),
        ("quokka u\u{308}nicode", true),
        ("quokka strasse", true),
        ("quokka STRASSE", true),
        ("quokka lodz", true),
        ("quokka 茶", true),
        ("quokka 壺", false),
        ("quokka ЧАЙ", true),
        ("quokka fine", true),
        ("quokka 12", true),
    ] {
        let found = search(&format!("q={}", escaped(q)));
        let found = found.contains(&"Quokka-Mug.9".to_owned());
        assert_eq!(found, is_found, "{q}");
    }
}

pub(crate) fn the_syntax_of_the_search_engine_is_only_text() {
    stored("WOMBAT-1", &json!({"name": "Wombat near OR not"}));
    stored("WOMBAT-2", &json!({"name": "Wombat 🐻"}));
    for (q, expected) in [
        ("wombat*", &["WOMBAT-2", "WOMBAT-1"][..]),
        ("\"wombat\"", &["WOMBAT-2", "WOMBAT-1"]),
        ("\"wombat", &["WOMBAT-2", "WOMBAT-1"]),
        ("-wombat", &["WOMBAT-2", "WOMBAT-1"]),
        ("^wombat", &["WOMBAT-2", "WOMBAT-1"]),
        ("(wombat", &["WOMBAT-2", "WOMBAT-1"]),
        ("wombat) --", &["WOMBAT-2", "WOMBAT-1"]),
        ("wombat'; DROP TABLE products", &[]),
        ("wombat 🐻", &["WOMBAT-2", "WOMBAT-1"]),
        ("NEAR(wombat", &["WOMBAT-1"]),
        ("NEAR(wombat not, 2)", &[]),
        ("wombat OR quokka", &[]),
        ("wombat OR near", &["WOMBAT-1"]),
        ("wombat AND near", &[]),
        ("wombat NOT near", &["WOMBAT-1"]),
        ("words:wombat", &[]),
        ("{words} : wombat", &[]),
        ("wom%", &["WOMBAT-2", "WOMBAT-1"]),
        ("wo_bat", &[]),
    ] {
        assert_eq!(search(&format!("q={}", escaped(q))), expected, "{q}");
    }
}

pub(crate) fn a_search_without_words_finds_nothing() {
    for q in [
        "\"", "*", "-", "()", "🐻", " ", "%", "\u{300}", "\"\"*", "–",
    ] {
        let page = list(&shared().anonymous(), &format!("q={}", escaped(q)));
        let page = page.expect(200);
        assert_eq!(page.body, json!({"data": [], "next": null}), "{q}");
    }
}

pub(crate) fn a_search_finds_what_is_there_now() {
    let product = stored("NUMBAT-1", &json!({"name": "Numbat before"}));
    let admin = shared().admin();
    assert_eq!(search("q=numbat+before"), ["NUMBAT-1"]);
    let patch = json!({"name": "Numbat after"});
    let patched = admin.patch(&path(&product), &patch).send().expect(200);
    assert_eq!(search("q=numbat+before"), [""; 0]);
    assert_eq!(search("q=numbat+after"), ["NUMBAT-1"]);
    // The same words, in another order and another product in their place.
    let put = admin.put(&path(&product), &super::draft("NUMBAT-2", &patch));
    put.header("if-match", patched.header("etag"))
        .send()
        .expect(200);
    assert_eq!(search("q=numbat"), ["NUMBAT-2"]);
    admin.delete(&path(&product)).send().expect(204);
    assert_eq!(search("q=numbat"), [""; 0]);
}

pub(crate) fn the_longest_search_has_a_next_page() {
    // Two hundred characters of four bytes are the longest cursor there is.
    let name = "𝒶".repeat(200);
    for number in 0..3 {
        found_by("longest", number, &name, 1_000_000_000_000);
    }
    let word = "𐐨".repeat(150);
    for number in 3..6 {
        found_by("longest", number, &word, 1_000_000_000_000);
    }
    for q in [&name, &word] {
        let query = format!(
            "q={}&sort=-name&limit=2&min_price=1000000000000&max_price=1000000000000&\
             currency=EUR&status=published",
            escaped(q)
        );
        let first = list(&shared().anonymous(), &query).expect(200);
        let link = next_link(&first).expect("a next page");
        let second = shared().anonymous().get(&link).send().expect(200);
        assert_eq!(skus(&first.body).len() + skus(&second.body).len(), 3);
    }
}

pub(crate) fn a_page_of_large_products_is_shorter_and_none_is_left_out() {
    // Together they are more than the database gives in one answer.
    let image = json!({"url": format!("https://a.example/{}", "p".repeat(2030)),
        "alt": "🍵".repeat(300)});
    let large = json!({
        "description": "🍵".repeat(10_000),
        "images": vec![image; 20],
        "attributes": {"text": "t".repeat(16_000)},
    });
    for number in 0..70 {
        stored(&format!("ENORMOUS-{number}"), &large);
    }
    let anonymous = shared().anonymous();
    let page = list(&anonymous, "q=enormous&sort=created&limit=100").expect(200);
    let mut found = skus(&page.body);
    assert!(found.len() < 70);
    let mut next = next_link(&page);
    while let Some(link) = next {
        let page = anonymous.get(&link).send().expect(200);
        found.extend(skus(&page.body));
        next = next_link(&page);
    }
    let all: Vec<_> = (0..70).map(|number| format!("ENORMOUS-{number}")).collect();
    assert_eq!(found, all);
}

pub(crate) fn every_wrong_parameter_is_named_at_once() {
    let query = format!(
        "limit=0&sort=stock&status=sold&min_price=-1&max_price=1e3&currency=eur&q={}&cursor=x\
         &page=2&Limit=5&=&q%00",
        "q".repeat(201)
    );
    // A NUL is refused before anything else.
    list(&shared().anonymous(), &query).problem(400, "invalid_query");
    let query = query.trim_end_matches("&q%00");
    let answer = list(&shared().anonymous(), query);
    answer.problem(400, "invalid_query").names(&[
        ("limit", "value"),
        ("sort", "value"),
        ("status", "value"),
        ("min_price", "value"),
        ("max_price", "value"),
        ("currency", "value"),
        ("q", "value"),
        ("cursor", "value"),
        ("page", "unknown"),
        ("Limit", "unknown"),
        ("", "unknown"),
    ]);
}

pub(crate) fn a_repeated_parameter_is_refused() {
    for name in [
        "limit",
        "sort",
        "status",
        "min_price",
        "max_price",
        "currency",
        "q",
        "cursor",
    ] {
        let answer = list(&shared().anonymous(), &format!("{name}=1&{name}=1"));
        let answer = answer.problem(400, "invalid_query");
        answer.names(&[(name, "repeated")]);
    }
}

pub(crate) fn numbers_have_their_bounds() {
    for limit in [
        "0",
        "101",
        "-1",
        "",
        "1.0",
        "1e1",
        "ten",
        "%201",
        "0x10",
        "9".repeat(30).as_str(),
    ] {
        let answer = list(&shared().anonymous(), &format!("limit={limit}"));
        let answer = answer.problem(400, "invalid_query");
        answer.names(&[("limit", "value")]);
    }
    for name in ["min_price", "max_price"] {
        for amount in ["-1", "1000000000001", "", "1.5"] {
            let answer = list(&shared().anonymous(), &format!("{name}={amount}"));
            let answer = answer.problem(400, "invalid_query");
            answer.names(&[(name, "value")]);
        }
    }
    let answer = list(&shared().anonymous(), "min_price=2&max_price=1");
    let answer = answer.problem(400, "invalid_query");
    answer.names(&[("max_price", "range")]);
}

pub(crate) fn a_cursor_of_another_list_is_refused() {
    for number in 0..2 {
        found_by("cursors", number, "A thing", 5);
    }
    let anonymous = shared().anonymous();
    let page = list(&anonymous, "q=cursors&limit=1&sort=price").expect(200);
    let cursor = page.body["next"].as_str().expect("a cursor");
    for other in [
        "q=cursors&limit=1&sort=-price",
        "q=cursors&limit=1&sort=name",
        "q=cursors&limit=1",
        "q=cursor&limit=1&sort=price",
        "limit=1&sort=price",
        "q=cursors&limit=1&sort=price&currency=EUR",
        "q=cursors&limit=1&sort=price&min_price=0",
        "q=cursors&limit=1&sort=price&max_price=9",
    ] {
        let answer = list(&anonymous, &format!("{other}&cursor={cursor}"));
        let answer = answer.problem(400, "invalid_query");
        answer.names(&[("cursor", "value")]);
    }
    // The administrator's list has drafts in it: it is another one.
    let answer = list(
        &shared().admin(),
        &format!("q=cursors&sort=price&cursor={cursor}"),
    );
    answer
        .problem(400, "invalid_query")
        .names(&[("cursor", "value")]);
    // How many are asked for makes no difference.
    let next = search(&format!("q=cursors&sort=price&limit=50&cursor={cursor}"));
    assert_eq!(next, ["cursors-1"]);
}

pub(crate) fn a_cursor_that_is_none_is_refused() {
    for number in 0..2 {
        found_by("forgery", number, "A thing", 5);
    }
    let page = list(&shared().anonymous(), "q=forgery&limit=1").expect(200);
    let cursor = page.body["next"].as_str().expect("a cursor");
    let (short, cut) = (&cursor[1..], &cursor[..cursor.len() - 4]);
    let (padded, long) = (format!("{cursor}%3D"), "A".repeat(3000));
    for bad in [
        "",
        "x",
        "%22",
        "null",
        "bnVsbA",
        "e30",
        "%F0%9F%90%BB",
        short,
        cut,
        &padded,
        &long,
    ] {
        let answer = list(
            &shared().anonymous(),
            &format!("q=forgery&limit=1&cursor={bad}"),
        );
        let answer = answer.problem(400, "invalid_query");
        answer.names(&[("cursor", "value")]);
    }
}

pub(crate) fn who_has_the_current_page_gets_304() {
    stored("TAGGED-1", &json!({}));
    let anonymous = shared().anonymous();
    let page = list(&anonymous, "q=tagged").expect(200);
    assert_eq!(
        page.header("cache-control"),
        "public, max-age=60, stale-while-revalidate=300"
    );
    let tag = page.header("etag");
    let again = || {
        anonymous
            .get("/products?q=tagged")
            .header("if-none-match", tag)
    };
    let same = again().send().expect(304);
    assert_eq!((same.text.as_str(), same.header("etag")), ("", tag));
    stored("TAGGED-2", &json!({}));
    assert_ne!(again().send().expect(200).header("etag"), tag);
    let private = list(&shared().admin(), "q=tagged").expect(200);
    assert_eq!(private.header("cache-control"), "private, no-store");
}

//! The statements themselves: what they say, how SQLite runs them, and that
//! they cost no more in a large catalogue than in a small one.

use serde_json::json;
use stoa_kit::Method;

use super::*;
use crate::fixtures::ask;
use crate::memory;

fn listing(query: &[(&str, &str)], admin: bool) -> Listing {
    let ask = ask(Method::Get, "/products").query(query);
    Listing::read(&if admin { ask.by_admin() } else { ask }.0).unwrap()
}

fn statement(query: &[(&str, &str)]) -> Statement {
    select_page(&listing(query, false)).unwrap()
}

fn after(query: &[(&str, &str)], position: Position) -> Statement {
    let mut listing = listing(query, false);
    listing.after = Some(position);
    select_page(&listing).unwrap()
}

/// The text behind the columns.
fn tail(statement: &Statement) -> &str {
    statement.sql.split_once(" FROM ").unwrap().1
}

/// Fills the catalogue: every tenth product has the word `wordsworth`.
fn fill(count: usize) {
    memory::open();
    let draft = |number: usize| {
        let draft = json!({
            "sku": format!("SKU-{number}"),
            "name": format!("Product {number}"),
            "description": if number.is_multiple_of(10) { "By Wordsworth himself" } else { "By others" },
            "status": "published",
            "price": {"amount": number % 1000, "currency": "EUR"},
        });
        Draft::read(draft).unwrap()
    };
    for number in 0..count {
        insert(Id::new(), &draft(number), Timestamp(0)).unwrap();
    }
}

#[test]
fn the_page_begins_beyond_the_cursor_in_the_order_of_the_list() {
    let newest = statement(&[]);
    assert_eq!(
        tail(&newest),
        "products WHERE status = ?1 ORDER BY number DESC LIMIT ?2"
    );
    assert_eq!(newest.params, ["published".into(), Value::Integer(21)]);

    let sql = after(&[("sort", "created")], Position::Created(9));
    assert!(
        tail(&sql).contains("AND number > ?2 ORDER BY number ASC"),
        "{}",
        sql.sql
    );
    let sql = after(&[("sort", "-name")], Position::Name("a".into(), 9));
    assert!(
        tail(&sql).contains(
            "AND (sort_name, number) < (?2, ?3) ORDER BY sort_name DESC, number DESC LIMIT ?4"
        ),
        "{}",
        sql.sql
    );
    let sql = after(
        &[("sort", "price"), ("min_price", "5")],
        Position::Price(7, 9),
    );
    assert!(
        tail(&sql).contains(
            "AND price_amount >= ?2 AND (price_amount, number) > (?3, ?4) \
             ORDER BY price_amount ASC, number ASC LIMIT ?5"
        ),
        "{}",
        sql.sql
    );
    let sql = after(&[("q", "tea")], Position::Created(9));
    assert_eq!(
        tail(&sql),
        "product_words CROSS JOIN products ON products.number = product_words.rowid \
         WHERE product_words MATCH ?1 AND status = ?2 AND product_words.rowid < ?3 \
         ORDER BY product_words.rowid DESC LIMIT ?4"
    );
}

#[test]
fn values_are_bound_and_never_in_the_text() {
    let query = [
        ("q", "x'; DROP TABLE products"),
        ("currency", "EUR"),
        ("max_price", "4711"),
    ];
    let statement = statement(&query);
    for value in ["DROP", "EUR", "4711", "published"] {
        assert!(!statement.sql.contains(value), "{}", statement.sql);
    }
}

#[test]
fn no_list_sorts_what_an_index_has_in_order() {
    memory::open();
    let filters: [&[(&str, &str)]; 4] = [
        &[],
        &[("min_price", "1"), ("max_price", "9")],
        &[("currency", "EUR")],
        &[("currency", "EUR"), ("min_price", "1")],
    ];
    for admin in [false, true] {
        for (sort, position) in [
            ("created", Position::Created(5)),
            ("name", Position::Name("n".into(), 5)),
            ("price", Position::Price(5, 5)),
        ] {
            for (sign, after) in [
                ("", None),
                ("-", None),
                ("", Some(&position)),
                ("-", Some(&position)),
            ] {
                for filter in filters {
                    let sort = format!("{sign}{sort}");
                    let mut query = filter.to_vec();
                    query.push(("sort", &sort));
                    let mut listing = listing(&query, admin);
                    listing.after = after.cloned();
                    let plan = memory::plan(&select_page(&listing).unwrap());
                    assert!(!plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
                }
            }
        }
    }
}

#[test]
fn a_search_is_driven_by_the_words_in_order_of_creation() {
    memory::open();
    for sort in ["created", "-created"] {
        let query = [
            ("q", "tea"),
            ("sort", sort),
            ("min_price", "1"),
            ("currency", "EUR"),
        ];
        let plan = memory::plan(&after(&query, Position::Created(5)));
        let lines: Vec<_> = plan.lines().collect();
        assert!(
            lines[0].starts_with("SCAN product_words VIRTUAL TABLE"),
            "{plan}"
        );
        assert!(
            lines[1].starts_with("SEARCH products USING INTEGER PRIMARY KEY"),
            "{plan}"
        );
        assert_eq!(lines.len(), 2, "{plan}");
    }
}

#[test]
fn a_page_costs_the_same_in_a_large_catalogue() {
    let queries: [&[(&str, &str)]; 6] = [
        &[],
        &[("sort", "name")],
        &[("sort", "-price")],
        &[("min_price", "0")],
        &[("q", "wordsworth")],
        &[("q", "w")],
    ];
    let work = |count: usize| {
        fill(count);
        queries.map(|query| {
            assert_eq!(list(&mut listing(query, false)).unwrap().len(), 21);
            memory::steps()
        })
    };
    let (small, large) = (work(300), work(3_000));
    for ((query, small), large) in queries.iter().zip(small).zip(large) {
        assert!(
            large <= small + small / 10,
            "{query:?}: {small} steps, then {large}"
        );
    }
}

/// Run with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement: fills a catalogue of 100,000"]
fn how_long_a_page_takes() {
    let queries: [&[(&str, &str)]; 9] = [
        &[],
        &[("sort", "name")],
        &[("sort", "-price")],
        &[("min_price", "990"), ("currency", "EUR")],
        &[("q", "w")],
        &[("q", "words")],
        &[("q", "wordsworth")],
        &[("q", "wordsworth himself")],
        &[("q", "wordsworth"), ("sort", "price")],
    ];
    for count in [1_000, 100_000] {
        let start = std::time::Instant::now();
        fill(count);
        println!("{count} products, made in {:?}", start.elapsed());
        for query in queries {
            let mut listing = listing(query, false);
            let mut times: Vec<_> = (0..201)
                .map(|_| {
                    let start = std::time::Instant::now();
                    list(&mut listing).unwrap();
                    start.elapsed()
                })
                .collect();
            times.sort();
            println!("  {query:?}: median {:?}", times[100]);
        }
    }
}

#[test]
fn the_words_index_is_in_step_with_the_table() {
    fill(50);
    let id = list(&mut listing(&[("q", "wordsworth")], false)).unwrap()[0]
        .product
        .id;
    assert!(matches!(delete(id, None), Ok(Guarded::Done(_))));
    let check = Statement::new(
        "INSERT INTO product_words (product_words, rank) VALUES ('integrity-check', 1)",
    );
    DATABASE.transact(&[check]).unwrap();
    assert_eq!(
        list(&mut listing(&[("q", "wordsworth")], false))
            .unwrap()
            .len(),
        4
    );
}

//! Lists and searches must not get slower with the catalogue: the same
//! requests to a small shop and to a large one, one here, one there.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use stoa_harness::Lattice;

use crate::Bench;
use crate::connection::{Call, Connection};
use crate::report::{Table, milliseconds, thousands};
use crate::samples::{Samples, median};
use crate::seeded;

const ROUNDS: usize = 5;

/// How long an answer may take, before it counts as none.
const PATIENCE: Duration = Duration::from_secs(30);

/// A lattice with so many products.
struct Shop {
    // Before the lattice, so that it closes first.
    connection: Connection,
    products: u32,
    questions: Vec<Question>,
    lattice: Lattice,
}

/// A request, and what is to be found in the answer.
struct Question {
    title: &'static str,
    /// The same question in different words, asked in turn.
    paths: Vec<String>,
    /// How many products the answer has.
    products: usize,
}

pub(crate) fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let (small, large) = bench.size((1_000, 100_000), (1_000, 10_000));
    let repeats = bench.size(200, 20);
    let mut shops = [open(bench, small)?, open(bench, large)?];
    for shop in &mut shops {
        bench.runtime.block_on(check(shop))?;
    }
    let measured = bench.runtime.block_on(measure(&mut shops, repeats));

    bench.report.line(format_args!(
        "\n{ROUNDS} rounds of {repeats} requests for each line and shop, one at a time, to both shops in turn."
    ))?;
    let titles = shops.each_ref().map(|shop| thousands(shop.products.into()));
    let [small, large] = &titles;
    let mut table = Table::new([
        "GET",
        &format!("{small}: median ms"),
        "p99 ms",
        &format!("{large}: median ms"),
        "p99 ms",
        "ratio",
        "rounds",
        "not 2xx",
    ]);
    for (question, [small, large]) in shops[0].questions.iter().zip(&measured) {
        let ratios: Vec<_> = small
            .rounds
            .iter()
            .zip(&large.rounds)
            .map(|(small, large)| large / small)
            .collect();
        let lowest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = ratios.iter().copied().fold(0.0, f64::max);
        let bad = [&small.all, &large.all].map(|samples| samples.refused + samples.failed);
        table.row([
            question.title.to_owned(),
            milliseconds(small.all.median()),
            milliseconds(small.all.percentile(99)),
            milliseconds(large.all.median()),
            milliseconds(large.all.percentile(99)),
            format!("{:.2}", median(ratios)),
            format!("{lowest:.2}-{highest:.2}"),
            bad.iter().sum::<u32>().to_string(),
        ]);
    }
    bench.report.table(&table)?;
    bench.report.line(format_args!(
        "The ratio is that of the medians, large to small: the median of the rounds, and their range.\n\
         It should be at most 1.5 for `?limit=20` and `?q=lamp`. A search that is sorted by\n\
         price reads and sorts all its matches ({} and {}), and so grows with them.",
        thousands(f64::from(shops[0].products) / 10.0),
        thousands(f64::from(shops[1].products) / 10.0),
    ))?;
    Ok(())
}

/// Starts a lattice and fills it.
fn open(bench: &mut Bench, products: u32) -> anyhow::Result<Shop> {
    let (lattice, time) = seeded::start(products)?;
    let seconds = time.as_secs_f64();
    bench.report.line(format_args!(
        "{} products written over HTTP in {seconds:.1} s, 16 at a time: {} per second",
        thousands(products.into()),
        thousands(f64::from(products) / seconds),
    ))?;
    let questions = questions(&lattice, products)?;
    Ok(Shop {
        connection: Connection::new(lattice.address()),
        products,
        questions,
        lattice,
    })
}

/// What is asked. Every tenth product of the seed is a lamp, and all of them
/// are made to last.
fn questions(lattice: &Lattice, products: u32) -> anyhow::Result<Vec<Question>> {
    let (ids, middle) = walk_to_the_middle(lattice, products)?;
    let list = |title, path: &str| Question {
        title,
        paths: vec![path.to_owned()],
        products: 20,
    };
    Ok(vec![
        list("/products?limit=20", "/products?limit=20"),
        list("?q=lamp (10 % match)", "/products?q=lamp&limit=20"),
        list("?q=la (all match)", "/products?q=la&limit=20"),
        list("?sort=price", "/products?sort=price&limit=20"),
        list("?sort=name", "/products?sort=name&limit=20"),
        list(
            "the page in the middle",
            &format!("/products?limit=20&cursor={middle}"),
        ),
        Question {
            title: "/products/{id}",
            paths: ids.iter().map(|id| format!("/products/{id}")).collect(),
            products: 1,
        },
        list("?q=lamp&sort=price", "/products?q=lamp&sort=price&limit=20"),
    ])
}

/// The ids on the way to the middle of the list, the newest first and one of
/// each page, and the cursor there.
fn walk_to_the_middle(lattice: &Lattice, products: u32) -> anyhow::Result<(Vec<String>, String)> {
    let client = lattice.anonymous();
    let (mut ids, mut path) = (Vec::new(), "/products?limit=100".to_owned());
    let mut cursor = String::new();
    for _ in 0..products / 200 {
        // A call may get lost; reading again does no harm.
        let page = client.wait_for(&path, |answer| answer.status == 200).body;
        ids.push(text(&page["data"][0]["id"])?);
        cursor = text(&page["next"])?;
        path = format!("/products?limit=100&cursor={cursor}");
    }
    Ok((ids, cursor))
}

fn text(value: &Value) -> anyhow::Result<String> {
    let text = value.as_str().context("an answer lacks a text")?;
    Ok(text.to_owned())
}

/// Asks each question once and looks at the answer.
async fn check(shop: &mut Shop) -> anyhow::Result<()> {
    for question in &shop.questions {
        let answer = shop
            .connection
            .send(Call::get(&question.paths[0]), PATIENCE)
            .await
            .with_context(|| format!("{} at {}", question.title, shop.lattice.address()))?;
        let body: Value = serde_json::from_slice(&answer.body)?;
        let products = body["data"].as_array().map_or(1, Vec::len);
        ensure!(
            answer.status == 200 && products == question.products,
            "{} was answered {} with {products} products",
            question.title,
            answer.status
        );
    }
    Ok(())
}

/// What a question took in one shop.
#[derive(Default)]
struct Measured {
    all: Samples,
    /// The median of each round, in seconds.
    rounds: Vec<f64>,
}

/// Asks every question of both shops; the answers are in the order of the
/// questions.
async fn measure(shops: &mut [Shop; 2], repeats: usize) -> Vec<[Measured; 2]> {
    let count = shops[0].questions.len();
    let mut measured: Vec<[Measured; 2]> = Vec::new();
    measured.resize_with(count, Default::default);
    for _ in 0..ROUNDS {
        for (question, measured) in measured.iter_mut().enumerate() {
            let mut round = [Samples::default(), Samples::default()];
            for repeat in 0..repeats {
                for (shop, samples) in shops.iter_mut().zip(&mut round) {
                    let paths = &shop.questions[question].paths;
                    let call = Call::get(&paths[repeat % paths.len()]);
                    let start = Instant::now();
                    let answer = shop.connection.send(call, PATIENCE).await;
                    samples.record(start.elapsed(), &answer);
                }
            }
            for (measured, samples) in measured.iter_mut().zip(round) {
                measured.rounds.push(samples.median().as_secs_f64());
                measured.all.append(samples);
            }
        }
    }
    measured
}

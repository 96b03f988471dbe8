//! `stoa seed`: fills the shop with products, through the API like anyone
//! else, and the same ones every time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::api::Api;
use crate::operator::Operator;
use crate::state::Folder;
use crate::terminal::Terminal;

/// What to write.
#[derive(clap::Args)]
pub struct Options {
    /// The administrator in whose name it is done.
    #[arg(long)]
    email: String,
    /// How many products.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    products: u64,
    /// How many requests at the same time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=256))]
    parallel: u64,
}

/// Well before the ten minutes are over for which an access token holds.
const RENEWAL: Duration = Duration::from_mins(5);

const COLOURS: [&str; 10] = [
    "amber", "black", "blue", "coral", "green", "ivory", "olive", "red", "teal", "white",
];
const MATERIALS: [&str; 10] = [
    "bamboo", "canvas", "ceramic", "cotton", "denim", "leather", "linen", "oak", "steel", "wool",
];
const THINGS: [&str; 10] = [
    "backpack", "blanket", "bottle", "chair", "jacket", "lamp", "mug", "scarf", "shirt", "shoe",
];

/// Writes the products and says how fast.
pub async fn run(
    folder: &Folder,
    options: &Options,
    terminal: &mut Terminal,
) -> anyhow::Result<()> {
    let run = folder.running()?;
    let operator = Operator::of(&run.nats).await?;
    let api = Api::new(&run.http)?;
    api.renew(operator.access_token(&options.email).await?);
    let next = Arc::new(AtomicU64::new(0));
    let created = Arc::new(AtomicU64::new(0));
    let total = options.products;
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..options.parallel {
        let (api, next, created) = (api.clone(), Arc::clone(&next), Arc::clone(&created));
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= total {
                    return anyhow::Ok(());
                }
                if api.create_product(&product(number)).await? {
                    created.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    let mut report = tokio::time::interval(Duration::from_secs(1));
    report.tick().await;
    let mut renewal = tokio::time::interval(RENEWAL);
    renewal.tick().await;
    loop {
        tokio::select! {
            worker = workers.join_next() => match worker {
                Some(result) => result.context("a worker ended early")??,
                None => break,
            },
            _ = renewal.tick() => api.renew(operator.access_token(&options.email).await?),
            _ = report.tick() => {
                let done = next.load(Ordering::Relaxed).min(total);
                terminal.progress(format_args!("{done} of {total} products"), false);
            }
        }
    }
    let created = created.load(Ordering::Relaxed);
    let seconds = start.elapsed().as_secs_f64();
    terminal.progress(
        format_args!(
            "{created} products written in {seconds:.1} s, {} were there already",
            total - created
        ),
        true,
    );
    Ok(())
}

/// The product with this number. Every tenth is a lamp, every tenth is red,
/// and prices spread from 1.00 to 500.99.
fn product(number: u64) -> Value {
    let pick = |words: [&'static str; 10], divisor: u64| {
        words[usize::try_from(number / divisor % 10).unwrap_or_default()]
    };
    let (thing, colour, material) = (pick(THINGS, 1), pick(COLOURS, 10), pick(MATERIALS, 100));
    let serial = number + 1;
    json!({
        "sku": format!("SEED-{serial:07}"),
        "slug": format!("{colour}-{material}-{thing}-{serial}"),
        "name": format!("{colour} {material} {thing} {serial}"),
        "description": format!("A {thing} of {material} in {colour}, made to last."),
        "status": "published",
        "price": { "amount": 100 + number * 7919 % 50_000, "currency": "EUR" },
        "stock": number * 31 % 200,
        "attributes": { "colour": colour, "material": material },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_the_same_every_time_and_differ_from_each_other() {
        assert_eq!(product(41), product(41));
        let skus: std::collections::HashSet<_> =
            (0..1000).map(|n| product(n)["sku"].to_string()).collect();
        assert_eq!(skus.len(), 1000);
        let lamps = (0..1000).filter(|n| product(*n)["name"].to_string().contains("lamp"));
        assert_eq!(lamps.count(), 100);
    }
}

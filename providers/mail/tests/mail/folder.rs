//! Without a server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use futures::future::join_all;
use mail_parser::MessageParser;
use stoa_mail_provider::Config;

use crate::shop::{Shop, temporary};

fn shop(folder: &Path) -> Shop {
    Shop::with(Config::new(folder), "", &[])
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_message_is_a_file_that_its_owner_may_read() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("not/there/yet");
    let receipt = shop(&folder).send("order-7").await.unwrap();
    assert_eq!(names(&folder), std::slice::from_ref(&receipt.answer));
    assert!(receipt.answer.ends_with("Z-order-7.eml"));
    let file = folder.join(receipt.answer);
    let content = fs::read(&file).unwrap();
    let message = MessageParser::default().parse(&content).unwrap();
    assert_eq!(message.message_id(), Some("order-7@example.com"));
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn the_same_id_is_written_once_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = shop(dir.path());
    let outcomes = join_all((0..20).map(|n| {
        let (shop, id) = (first.clone(), format!("order-{}", n % 4));
        async move { shop.send(&id).await.unwrap() }
    }));
    outcomes.await;
    assert_eq!(names(dir.path()).len(), 4);
    let before = first.send("order-1").await.unwrap().answer;
    first.0.close().await;
    let after = shop(dir.path()).send("order-1").await.unwrap().answer;
    assert_eq!(after, before);
    assert_eq!(names(dir.path()).len(), 4);
}

#[tokio::test]
async fn files_are_in_the_order_of_time() {
    let dir = tempfile::tempdir().unwrap();
    let shop = shop(dir.path());
    let mut written = Vec::new();
    for id in ["z", "m", "a"] {
        written.push(shop.send(id).await.unwrap().answer);
        // Names have milliseconds.
        let now = std::time::Instant::now();
        while now.elapsed().as_millis() < 2 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(names(dir.path()), written);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_a_fault_until_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("mail");
    fs::write(&folder, "a file").unwrap();
    let shop = shop(&folder);
    temporary(shop.send("a").await);
    assert_eq!(shop.0.faults().len(), 1);
    fs::remove_file(&folder).unwrap();
    shop.send("a").await.unwrap();
    assert!(shop.0.faults().is_empty());
}

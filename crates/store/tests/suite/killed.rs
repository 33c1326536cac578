//! `kill -9`, for real: a child process appends until it is killed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use portolan_core::{AccountId, GenerationId, Money};
use portolan_ledger::Entry;
use portolan_store::GenerationFilter;

use crate::fixture::{closed, id, open, opened, sqlite};

const CHILD: &str = "PORTOLAN_TEST_APPEND_IN";

/// Not a test: the child. Prints the number of each generation once its end is acknowledged.
#[tokio::test]
#[ignore = "the child process of the test below"]
async fn append_until_killed() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let open = open(Path::new(&dir));
    let first = open.recovered.accounts.first().map_or(0, |(_, spend)| spend.total.0.unsigned_abs());
    let mut out = std::io::stdout();
    // Starts behind whatever was there: the charges are 1 each, those of orphans too.
    for n in first.. {
        open.append(&Entry::Opened(opened(n, 1, 1))).await;
        open.append(&closed(n, 1, 1)).await;
        writeln!(out, "acknowledged {n}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn whatever_was_acknowledged_before_a_kill_is_there_after_it() {
    let place = sqlite();
    let mut acknowledged: Vec<GenerationId> = Vec::new();
    for round in 0..6usize {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::append_until_killed", "--ignored", "--nocapture"])
            .env(CHILD, place.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let number = |line: String| line.rsplit_once("acknowledged ").map(|(_, n)| n.parse().unwrap());
        let mut numbers = lines.filter_map(number);
        acknowledged.extend(numbers.by_ref().take(37 * round * round + 1).map(id));
        child.kill().unwrap();
        // What it had printed before it died was acknowledged too.
        acknowledged.extend(numbers.map(id));
        child.wait().unwrap();
    }
    let open = open(place.path());
    for id in &acknowledged {
        assert!(open.store.generation(id).await.unwrap().is_some(), "{id} is lost");
    }
    let (mut total, mut after) = (Money::ZERO, None);
    loop {
        let page = open.store.generations(GenerationFilter::default(), after).await.unwrap();
        total += page.generations.iter().map(|g| g.charge).sum();
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    assert_eq!(open.recovered.accounts[0], (AccountId(1), open.store.spend(AccountId(1), crate::fixture::NOON.day()).await.unwrap()));
    assert_eq!(open.recovered.accounts[0].1.total, total, "the ledger is the sum of the charges");
}

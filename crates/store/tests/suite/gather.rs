//! Many appenders at once.

use std::sync::Arc;

use portolan_core::{AccountId, Money};
use portolan_ledger::Entry;
use portolan_store::{Durability, Options};

use crate::fixture::{NOON, closed, open, open_with, opened, sqlite};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "the test is the owner of the tasks")]
async fn ten_thousand_appends_at_once_gather_and_all_survive() {
    for durability in [Durability::Process, Durability::Disk] {
        let place = sqlite();
        let options = Options { durability, pending_bytes_max: 100_000, segment_bytes_max: 1 << 20, ..Options::default() };
        let first = Arc::new(open_with(place.path(), &options, NOON));
        let tasks: Vec<_> = (0..5_000)
            .map(|n| {
                let open = Arc::clone(&first);
                tokio::spawn(async move {
                    open.append(&Entry::Opened(opened(n, 1, 9))).await;
                    open.append(&closed(n, 1, 1)).await;
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(first.store.spend(AccountId(1), NOON.day()).await.unwrap().total, Money(5_000));
        Arc::into_inner(first).unwrap().close().await;
        let again = open(place.path());
        assert!(again.recovered.orphans.is_empty());
        assert_eq!(again.recovered.accounts[0].1.total, Money(5_000));
    }
}

#[tokio::test]
async fn an_append_that_is_dropped_after_its_first_poll_is_written_all_the_same() {
    let place = sqlite();
    let open = open(place.path());
    let journal = open.store.journal();
    let entry = closed(1, 1, 10);
    {
        let mut append = std::pin::pin!(journal.append(&entry));
        assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(append.as_mut().poll(cx).is_pending())).await);
    }
    open.append(&closed(2, 1, 10)).await;
    assert_eq!(open.store.spend(AccountId(1), NOON.day()).await.unwrap().total, Money(20));
}

#[tokio::test]
async fn an_append_that_moves_to_another_task_is_still_woken() {
    let place = sqlite();
    let open = open(place.path());
    let entry = closed(1, 1, 10);
    let mut append = Box::pin(open.store.journal().append(&entry));
    // Polled first with a waker that leads nowhere, as a `select!` in a task that ends does.
    let mut nowhere = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(append.as_mut().poll(&mut nowhere).is_pending());
    append.await.unwrap();
}

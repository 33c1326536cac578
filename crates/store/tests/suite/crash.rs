//! Crashes, as what they leave on the disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use portolan_core::{AccountId, Money};
use portolan_ledger::{End, Entry};
use portolan_store::{Durability, Options, StoreError};

use crate::fixture::{NOON, closed, generation, id, open, open_with, opened, snapshot, sqlite, try_open, with_journal_of};

const SEGMENT: &str = "journal/0000000000000001.jsonl";

#[tokio::test]
async fn a_write_torn_at_any_byte_is_cut_off_and_what_was_whole_is_kept() {
    let place = sqlite();
    let first = open(place.path());
    let before = snapshot(place.path());
    first.append(&closed(1, 1, 10)).await;
    let whole = fs::read(place.path().join(SEGMENT)).unwrap();
    first.append(&closed(2, 1, 10)).await;
    let both = fs::read(place.path().join(SEGMENT)).unwrap();
    for length in whole.len()..both.len() {
        let torn = snapshot(before.path());
        fs::write(torn.path().join(SEGMENT), &both[..length]).unwrap();
        let (store, recovered) = try_open(torn.path(), &Options::default()).unwrap();
        assert_eq!(recovered.accounts, [(AccountId(1), spend(10))], "{length}");
        drop(store);
        assert_eq!(fs::read(torn.path().join(SEGMENT)).unwrap(), whole, "{length}");
    }
}

fn spend(charge: i64) -> portolan_ledger::Spend {
    let charge = Money(charge);
    portolan_ledger::Spend { total: charge, daily: charge, weekly: charge, monthly: charge, as_of: NOON.day() }
}

#[tokio::test]
async fn a_damaged_line_that_others_follow_is_an_error_that_names_file_and_byte() {
    let place = sqlite();
    let first = open(place.path());
    let before = snapshot(place.path());
    first.append(&closed(1, 1, 10)).await;
    let second_starts = fs::read(place.path().join(SEGMENT)).unwrap().len();
    for n in 2..5 {
        first.append(&closed(n, 1, 10)).await;
    }
    let mut bytes = fs::read(place.path().join(SEGMENT)).unwrap();
    bytes[second_starts + 60] ^= 1;
    fs::write(before.path().join(SEGMENT), &bytes).unwrap();
    let error = try_open(before.path(), &Options::default()).unwrap_err();
    let StoreError::Corrupt { path, offset, .. } = &error else { panic!("{error}") };
    assert_eq!((path, *offset), (&before.path().join(SEGMENT), second_starts as u64));
    assert_eq!(fs::read(before.path().join(SEGMENT)).unwrap(), bytes, "nothing was changed");
}

#[tokio::test]
async fn a_crash_before_the_commit_of_the_fold_loses_and_doubles_nothing() {
    let place = sqlite();
    let open_store = open(place.path());
    let mut moments = vec![snapshot(place.path())];
    for n in 0..5 {
        open_store.append(&closed(n, 1, 10)).await;
        open_store.store.flush().await.unwrap();
        moments.push(snapshot(place.path()));
    }
    // The database of any moment beside the journal of a later one is what a crash in between leaves.
    for (journal_at, journal) in moments.iter().enumerate() {
        for database in &moments[..=journal_at] {
            let crashed = with_journal_of(database.path(), journal.path());
            let charged = 10 * i64::try_from(journal_at).unwrap();
            for _ in 0..2 {
                let recovered = try_open(crashed.path(), &Options::default()).unwrap().1;
                let total: Money = recovered.accounts.iter().map(|(_, spend)| spend.total).sum();
                assert_eq!(total, Money(charged), "journal of {journal_at}");
            }
        }
    }
}

#[tokio::test]
async fn a_journal_that_lost_its_folded_end_goes_on_without_reusing_a_position() {
    let place = sqlite();
    let first = open(place.path());
    first.append(&closed(1, 1, 10)).await;
    let short = snapshot(place.path());
    first.append(&closed(2, 1, 10)).await;
    first.store.flush().await.unwrap();
    let crashed = with_journal_of(place.path(), short.path());
    let second = open(crashed.path());
    assert_eq!(second.recovered.accounts, [(AccountId(1), spend(20))]);
    for n in 3..6 {
        second.append(&closed(n, 1, 10)).await;
    }
    assert_eq!(second.store.spend(AccountId(1), NOON.day()).await.unwrap().total, Money(50));
    second.close().await;
    assert_eq!(open(crashed.path()).recovered.accounts, [(AccountId(1), spend(50))]);
}

#[tokio::test]
async fn a_missing_segment_is_an_error() {
    let place = sqlite();
    let first = open(place.path());
    first.append(&closed(1, 1, 10)).await;
    first.store.flush().await.unwrap();
    first.close().await;
    fs::remove_file(place.path().join(SEGMENT)).unwrap();
    assert!(matches!(try_open(place.path(), &Options::default()), Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn what_was_open_at_the_crash_is_charged_its_hold_once_and_flagged() {
    let place = sqlite();
    let first = open(place.path());
    first.append(&Entry::Opened(opened(1, 1, 50))).await;
    first.append(&Entry::Opened(opened(2, 1, 60))).await;
    let mut dearer = opened(2, 1, 75);
    dearer.endpoint = "other".to_owned();
    first.append(&Entry::Extended(dearer)).await;
    first.append(&Entry::Opened(opened(3, 1, 80))).await;
    first.append(&closed(3, 1, 10)).await;
    first.store.flush().await.unwrap();
    let crashed = snapshot(place.path());
    let second = open(crashed.path());
    let mut orphans = second.recovered.orphans.clone();
    orphans.sort_by_key(|orphan| orphan.charge);
    assert_eq!(
        orphans.iter().map(|o| (o.id.clone(), o.charge, o.end)).collect::<Vec<_>>(),
        [(id(1), Money(50), End::Orphaned), (id(2), Money(75), End::Orphaned)]
    );
    assert!(orphans.iter().all(|o| o.flags.orphaned));
    assert_eq!(orphans[1].attempts.iter().map(|a| a.endpoint.as_str()).collect::<Vec<_>>(), ["provider/region", "other"]);
    assert_eq!(second.recovered.accounts, [(AccountId(1), spend(135))]);
    assert_eq!(second.store.generation(&id(2)).await.unwrap().unwrap().charge, Money(75));
    second.close().await;
    let third = open(crashed.path());
    assert!(third.recovered.orphans.is_empty());
    assert_eq!(third.recovered.accounts, [(AccountId(1), spend(135))]);
}

#[tokio::test]
async fn segments_are_deleted_once_everything_in_them_has_ended() {
    let place = sqlite();
    for durability in [Durability::Process, Durability::Disk] {
        let options = Options { segment_bytes_max: 8_000, durability, ..Options::default() };
        let open = open_with(place.path(), &options, NOON);
        let base = if durability == Durability::Disk { 1000 } else { 0 };
        let segments = || fs::read_dir(place.path().join("journal")).unwrap().count();
        open.append(&Entry::Opened(opened(base, 1, 50))).await;
        for n in 1..100 {
            open.append(&closed(base + n, 1, 10)).await;
            open.store.flush().await.unwrap();
        }
        assert!(segments() > 8, "one is open in the first of {}", segments());
        open.append(&closed(base, 1, 10)).await;
        for n in 100..130 {
            open.append(&closed(base + n, 1, 10)).await;
            open.store.flush().await.unwrap();
        }
        assert!(segments() <= 3, "{}", segments());
        open.close().await;
    }
    let again = open(place.path());
    assert!(again.recovered.orphans.is_empty());
    assert_eq!(again.recovered.accounts, [(AccountId(1), spend(2600))]);
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let place = sqlite();
    open(place.path()).close().await;
    let database = rusqlite::Connection::open(place.path().join("portolan.db")).unwrap();
    database.execute("INSERT INTO schema_versions (version, applied_at) VALUES (999, 0)", []).unwrap();
    drop(database);
    let error = try_open(place.path(), &Options::default()).unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 999, .. }), "{error}");
}

#[tokio::test]
async fn only_the_owner_may_read_what_is_stored() {
    let place = sqlite();
    let dir = place.path().join("data");
    let open = open(&dir);
    open.append(&closed(1, 1, 1)).await;
    open.store.flush().await.unwrap();
    let mode = |path: &str| fs::metadata(dir.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("journal")), (0o700, 0o700));
    for file in ["portolan.lock", "portolan.db", "portolan.db-wal", "portolan.db-shm", SEGMENT] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[tokio::test]
async fn while_the_database_refuses_nothing_is_lost_and_the_health_says_so() {
    let place = sqlite();
    let open = open(place.path());
    let other = rusqlite::Connection::open(place.path().join("portolan.db")).unwrap();
    other.execute_batch("ALTER TABLE generations RENAME TO hidden").unwrap();
    open.append(&closed(1, 1, 10)).await;
    assert!(matches!(open.store.flush().await, Err(StoreError::Unfolded(_))));
    assert!(!open.store.health().database_ok);
    open.append(&closed(2, 1, 10)).await;
    other.execute_batch("ALTER TABLE hidden RENAME TO generations").unwrap();
    assert_eq!(open.store.spend(AccountId(1), NOON.day()).await.unwrap().total, Money(20));
    assert!(open.store.health().is_ok());
    let found = open.store.generation(&id(1)).await.unwrap().unwrap();
    assert_eq!(found.charge, generation(1, 1, 10).charge);
}

#[tokio::test]
async fn a_write_that_fails_ends_the_journal_until_a_restart() {
    let place = sqlite();
    let options = Options { segment_bytes_max: 100, ..Options::default() };
    let open = open_with(place.path(), &options, NOON);
    open.append(&closed(1, 1, 10)).await;
    // Where the next segment should be made, something is already.
    fs::write(place.path().join("journal/0000000000000002.jsonl"), "").unwrap();
    for n in 2..4 {
        let refused = open.store.journal().append(&closed(n, 1, 10)).await.unwrap_err();
        assert!(refused.to_string().contains("until the program is restarted"), "{refused}");
    }
    assert!(!open.store.health().journal_ok);
    assert_eq!(open.store.spend(AccountId(1), NOON.day()).await.unwrap().total, Money(10), "what was acknowledged is folded");
    open.close().await;
    let again = open_with(place.path(), &Options::default(), NOON);
    again.append(&closed(2, 1, 10)).await;
    assert_eq!(again.store.spend(AccountId(1), NOON.day()).await.unwrap().total, Money(20));
}

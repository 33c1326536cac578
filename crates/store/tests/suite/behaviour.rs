//! What every engine does alike.

use portolan_core::{AccountId, ApiKey, Day, Enforcement, Money, Reset, SeededRandom, UnixMillis};
use portolan_ledger::{Entry, Spend};
use portolan_store::{GenerationFilter, KeyPageFilter, Options, Order, StoreError};
use portolan_tenancy::{KeyDraft, KeyPatch, KeyRecord, KeyScope};
use tempfile::TempDir;

use crate::fixture::{NOON, closed, generation, id, open, open_with, opened, try_open};

/// The behaviour suite. `$place` makes an empty place for a store.
#[macro_export]
macro_rules! store_suite {
    ($name:ident, $place:path) => {
        mod $name {
            $crate::store_suite!(@tests $place:
                a_first_run_makes_one_organization_and_one_key,
                a_key_given_from_outside_takes_the_place_of_the_first_key,
                a_second_opener_is_refused_and_told_who_has_the_directory,
                a_closed_generation_is_found_and_charged_from_its_acknowledgement_on,
                the_same_generation_is_charged_once,
                charges_count_in_the_windows_of_the_day_they_end_in,
                a_key_keeps_everything_that_was_saved_of_it,
                a_rotated_key_is_found_by_its_old_records,
                keys_are_listed_newest_first_and_filtered,
                generations_are_listed_in_pages_and_filtered,
                small_facts_are_kept,
                a_closed_journal_takes_nothing_and_says_so,
            );
        }
    };
    (@tests $place:path: $($test:ident,)*) => {
        $(#[tokio::test]
        async fn $test() {
            $crate::behaviour::$test($place()).await;
        })*
    };
}

fn draft(n: u64, scope: &KeyScope) -> KeyDraft {
    KeyDraft::unlimited(&ApiKey::new(&SeededRandom::new(n)), &format!("key {n}"), scope.clone(), NOON)
}

pub(crate) async fn a_first_run_makes_one_organization_and_one_key(place: TempDir) {
    let first = open(place.path());
    let scope = first.recovered.scope.clone();
    assert!(first.recovered.keys.is_empty());
    let made = first.store.first_key(draft(1, &scope)).await.unwrap();
    assert!(made.is_some());
    assert_eq!(first.store.first_key(draft(2, &scope)).await.unwrap(), None);
    first.close().await;
    let second = open(place.path());
    assert_eq!(second.recovered.scope, scope);
    assert_eq!(second.recovered.keys, made.into_iter().collect::<Vec<_>>());
    assert_eq!(second.store.first_key(draft(3, &scope)).await.unwrap(), None);
}

pub(crate) async fn a_key_given_from_outside_takes_the_place_of_the_first_key(place: TempDir) {
    let open = open(place.path());
    let scope = open.recovered.scope.clone();
    let given = open.store.ensure_key(draft(1, &scope)).await.unwrap();
    assert_eq!(open.store.ensure_key(draft(1, &scope)).await.unwrap(), given);
    assert_eq!(open.store.first_key(draft(2, &scope)).await.unwrap(), None);
    open.store.save_key(KeyRecord { deleted_at: Some(NOON), ..given }).await.unwrap();
    assert_eq!(open.store.ensure_key(draft(1, &scope)).await.unwrap().deleted_at, Some(NOON), "what was deleted stays deleted");
    assert!(open.store.keys().await.unwrap().is_empty());
}

pub(crate) async fn a_second_opener_is_refused_and_told_who_has_the_directory(place: TempDir) {
    let first = open(place.path());
    let refused = try_open(place.path(), &Options::default()).unwrap_err();
    assert!(matches!(&refused, StoreError::Locked { pid, .. } if *pid == std::process::id().to_string()), "{refused}");
    first.close().await;
    assert!(try_open(place.path(), &Options::default()).is_ok());
}

pub(crate) async fn a_closed_generation_is_found_and_charged_from_its_acknowledgement_on(place: TempDir) {
    let open = open(place.path());
    for n in 0..20 {
        open.append(&Entry::Opened(opened(n, 1, 50))).await;
        assert!(open.store.generation(&id(n)).await.unwrap().is_none());
        open.append(&closed(n, 1, 10)).await;
        let found = open.store.generation(&id(n)).await.unwrap().unwrap();
        assert_eq!(serde_json::to_string(&found).unwrap(), serde_json::to_string(&generation(n, 1, 10)).unwrap());
        let spend = open.store.spend(AccountId(1), NOON.day()).await.unwrap();
        assert_eq!(spend.total, Money(10 * (i64::try_from(n).unwrap() + 1)));
    }
    let health = open.store.health();
    assert!(health.is_ok() && health.unfolded_bytes == 0, "{health:?}");
}

pub(crate) async fn the_same_generation_is_charged_once(place: TempDir) {
    let first = open(place.path());
    first.append(&closed(1, 1, 10)).await;
    first.append(&closed(1, 1, 10)).await;
    first.store.flush().await.unwrap();
    first.append(&closed(1, 1, 99)).await;
    assert_eq!(first.store.spend(AccountId(1), NOON.day()).await.unwrap().total, Money(10));
    first.close().await;
    assert_eq!(open(place.path()).recovered.accounts[0].1.total, Money(10));
}

pub(crate) async fn charges_count_in_the_windows_of_the_day_they_end_in(place: TempDir) {
    let open = open(place.path());
    let day = |n: i64| UnixMillis(n * 86_400_000);
    // 2026-11-22 is a Sunday: the week began on the 16th (day 20,773), the month on the 1st (day 20,758).
    for (n, at, charge) in [
        (1, day(20_779), 1),
        (2, UnixMillis(day(20_779).0 - 3), 20),
        (3, UnixMillis(day(20_779).0 - 6), 300),
        (4, day(20_773), 4_000),
        (5, day(20_772), 50_000),
        (6, day(20_757), 600_000),
    ] {
        let mut generation = generation(n, 1, charge);
        generation.at = at;
        open.append(&Entry::Closed(Box::new(generation))).await;
    }
    let spend = open.store.spend(AccountId(1), Day(20_779)).await.unwrap();
    // The second began before midnight and ended, 5 ms later, after it; the third ended before it.
    let expected = Spend { total: Money(654_321), daily: Money(21), weekly: Money(4_321), monthly: Money(54_321), as_of: Day(20_779) };
    assert_eq!(spend, expected);
    assert_eq!(open.store.spends(Day(20_779)).await.unwrap(), vec![(AccountId(1), expected)]);
    let next = open.store.spend(AccountId(1), Day(20_780)).await.unwrap();
    assert_eq!((next.daily, next.weekly, next.monthly), (Money(0), Money(0), Money(54_321)));
    let unknown = open.store.spend(AccountId(9), Day(20_779)).await.unwrap();
    assert_eq!(unknown, Spend { as_of: Day(20_779), ..Spend::default() });
}

pub(crate) async fn a_key_keeps_everything_that_was_saved_of_it(place: TempDir) {
    let first = open(place.path());
    let scope = first.recovered.scope.clone();
    let full = KeyDraft {
        limit: Some(Money(1_000_000_001)),
        limit_reset: Some(Reset::Weekly),
        enforcement: Enforcement::Strict,
        include_byok_in_limit: true,
        max_tokens_default: Some(512),
        expires_at: Some(UnixMillis(NOON.0 + 1)),
        ..draft(1, &scope)
    };
    let made = first.store.insert_key(full).await.unwrap();
    let plain = first.store.insert_key(draft(2, &scope)).await.unwrap();
    assert_ne!(made.account, plain.account);
    assert_eq!(first.store.keys().await.unwrap(), vec![made.clone(), plain.clone()]);
    let patch =
        KeyPatch { name: Some("new".to_owned()), disabled: Some(true), limit: Some(None), limit_reset: Some(None), ..Default::default() };
    let changed = patch.apply(&made, UnixMillis(NOON.0 + 5));
    first.store.save_key(changed.clone()).await.unwrap();
    first.close().await;
    assert_eq!(open(place.path()).recovered.keys, vec![changed, plain]);
}

pub(crate) async fn a_rotated_key_is_found_by_its_old_records(place: TempDir) {
    let open = open(place.path());
    let key = open.store.insert_key(draft(1, &open.recovered.scope)).await.unwrap();
    let mut before = generation(1, key.account.0, 10);
    before.key = key.hash;
    open.append(&Entry::Closed(Box::new(before))).await;
    let (rotated, _) = key.rotated(&SeededRandom::new(9), NOON);
    open.store.save_key(rotated.clone()).await.unwrap();
    let mut after = generation(2, key.account.0, 10);
    after.key = rotated.hash;
    open.append(&Entry::Closed(Box::new(after))).await;
    open.append(&closed(3, 77, 10)).await;
    let filter = GenerationFilter { key: Some(key.id), ..Default::default() };
    assert_eq!(open.store.generations(filter, None).await.unwrap().generations.len(), 2);
    let found = open.store.key(key.hash).await.unwrap().unwrap();
    assert_eq!((found.hash, found.last_used_at), (rotated.hash, Some(NOON)));
    assert_eq!(open.store.spend(key.account, NOON.day()).await.unwrap().total, Money(20));
}

pub(crate) async fn keys_are_listed_newest_first_and_filtered(place: TempDir) {
    let open = open(place.path());
    let scope = open.recovered.scope.clone();
    for n in 1..=103 {
        let expires_at = (n == 102).then_some(NOON);
        let key = open.store.insert_key(KeyDraft { expires_at, ..draft(n, &scope) }).await.unwrap();
        let disabled = n == 103;
        let deleted_at = (n == 101).then_some(NOON);
        open.store.save_key(KeyRecord { disabled, deleted_at, ..key }).await.unwrap();
    }
    let filter = KeyPageFilter { workspace: scope.workspace, include_disabled: false, alive_at: Some(NOON), offset: 0 };
    let names = |keys: Vec<KeyRecord>| keys.into_iter().map(|k| k.name).collect::<Vec<_>>();
    let page = names(open.store.key_page(filter.clone()).await.unwrap());
    assert_eq!((page.len(), page[0].as_str(), page[99].as_str()), (100, "key 100", "key 1"));
    let rest = open.store.key_page(KeyPageFilter { offset: 98, ..filter.clone() }).await.unwrap();
    assert_eq!(names(rest), ["key 2", "key 1"]);
    let all = open.store.key_page(KeyPageFilter { include_disabled: true, alive_at: None, ..filter }).await.unwrap();
    assert_eq!(names(all)[..3], ["key 103", "key 102", "key 100"]);
}

pub(crate) async fn generations_are_listed_in_pages_and_filtered(place: TempDir) {
    let open = open_with(place.path(), &Options::default(), NOON);
    for n in 0..1200 {
        open.append(&closed(n, 1, 1)).await;
    }
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let (mut after, mut ids) = (None, Vec::new());
        loop {
            let page = open.store.generations(GenerationFilter { order, ..Default::default() }, after).await.unwrap();
            ids.extend(page.generations.into_iter().map(|g| g.id));
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert_eq!(ids.len(), 1200);
        assert!(ids.windows(2).all(|pair| (pair[0] < pair[1]) == (order == Order::OldestFirst)));
    }
    let count = async |filter| open.store.generations(filter, None).await.unwrap().generations.len();
    let later = UnixMillis(NOON.0 + 1);
    assert_eq!(count(GenerationFilter { since: Some(later), ..Default::default() }).await, 0);
    assert_eq!(count(GenerationFilter { since: Some(NOON), ..Default::default() }).await, 500);
    let page = open.store.generations(GenerationFilter { simulated: Some(true), ..Default::default() }, None).await.unwrap();
    assert!(page.generations.iter().all(|g| g.simulated) && page.generations.len() == 500);
}

pub(crate) async fn small_facts_are_kept(place: TempDir) {
    let first = open(place.path());
    assert_eq!(first.store.meta("instance").await.unwrap(), None);
    first.store.set_meta("instance", "a").await.unwrap();
    first.store.set_meta("instance", "b").await.unwrap();
    first.close().await;
    assert_eq!(open(place.path()).store.meta("instance").await.unwrap().as_deref(), Some("b"));
}

pub(crate) async fn a_closed_journal_takes_nothing_and_says_so(place: TempDir) {
    let open = open(place.path());
    open.store.journal().close();
    assert!(open.store.journal().append(&closed(1, 1, 1)).await.is_err());
    assert!(!open.store.health().is_ok());
}

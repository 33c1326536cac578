//! Who is let in, under change.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::collections::HashMap;
use std::sync::Arc;

use portolan_core::{AccountId, ApiKey, ExposeSecret, KeyHash, KeyId, OrgId, SeededRandom, UnixMillis, WorkspaceId};
use portolan_tenancy::{Denied, KeyDraft, KeyRecord, KeyScope, Snapshot};
use proptest::prelude::*;

const NOW: UnixMillis = UnixMillis(1_000);

fn key(n: u64) -> (KeyRecord, ApiKey) {
    let secret = ApiKey::new(&SeededRandom::new(n));
    let scope = KeyScope { org: OrgId::from_saved("o"), workspace: WorkspaceId::from_saved("w") };
    let id = i64::try_from(n).unwrap();
    (KeyDraft::unlimited(&secret, "k", scope, NOW).into_record(KeyId(id), AccountId(id)), secret)
}

#[test]
fn only_a_live_key_is_let_in_and_a_text_that_is_no_key_is_as_unknown_as_any() {
    let (live, secret) = key(1);
    let (off, off_secret) = key(2);
    let (old, old_secret) = key(3);
    let (gone, gone_secret) = key(4);
    let snapshot = Snapshot::new(
        1,
        [
            live.clone(),
            KeyRecord { disabled: true, ..off },
            KeyRecord { expires_at: Some(NOW), ..old.clone() },
            KeyRecord { deleted_at: Some(NOW), ..gone },
        ],
    );
    let ask = |text: &str| snapshot.authenticate(text, NOW);
    assert_eq!(*ask(secret.expose_secret()).unwrap(), live);
    assert_eq!(ask(off_secret.expose_secret()), Err(Denied::Disabled));
    assert_eq!(ask(old_secret.expose_secret()), Err(Denied::Expired));
    assert!(snapshot.authenticate(old_secret.expose_secret(), UnixMillis(NOW.0 - 1)).is_ok(), "it ends at its moment, not before");
    for unknown in [gone_secret.expose_secret(), key(5).1.expose_secret(), "", "sk-or-v1-", "nonsense", &live.hash.to_string()] {
        assert_eq!(ask(unknown), Err(Denied::Unknown));
    }
}

#[test]
fn a_rotation_ends_the_old_secret_and_keeps_all_else() {
    let (before, old) = key(1);
    let snapshot = Snapshot::new(1, [before.clone()]);
    let (after, new) = before.rotated(&SeededRandom::new(99), UnixMillis(5));
    let next = snapshot.with(after.clone(), &before.hash);
    assert_eq!(next.authenticate(old.expose_secret(), NOW), Err(Denied::Unknown));
    assert_eq!(*next.authenticate(new.expose_secret(), NOW).unwrap(), after);
    assert_eq!((after.id, after.account, next.len(), next.epoch()), (before.id, before.account, 1, 2));
    assert!(snapshot.authenticate(old.expose_secret(), NOW).is_ok(), "who reads the snapshot of before is not disturbed");
}

#[test]
fn a_change_among_100_000_keys_shares_all_but_one_shard() {
    let base = key(1).0;
    let keys = (0..100_000u32).map(|n| KeyRecord { hash: KeyHash::of(&n.to_string()), ..base.clone() });
    let before = Snapshot::new(1, keys);
    assert_eq!(before.len(), 100_000);
    let hash = KeyHash::of("77");
    let after = before.with(KeyRecord { disabled: true, hash, ..base }, &hash);
    assert_eq!(after.len(), 100_000);
    assert!(after.get(&hash).unwrap().disabled && !before.get(&hash).unwrap().disabled);
    let other = KeyHash::of("78");
    assert!(Arc::ptr_eq(before.get(&other).unwrap(), after.get(&other).unwrap()));
}

proptest! {
    #[test]
    fn a_snapshot_is_the_map_of_its_changes(changes in proptest::collection::vec((0u64..20, 0u8..4), 0..60)) {
        let mut snapshot = Snapshot::new(0, []);
        let mut model: HashMap<KeyHash, KeyRecord> = HashMap::new();
        for (n, kind) in &changes {
            let (record, _) = key(*n);
            match kind {
                0 => {
                    model.remove(&record.hash);
                    snapshot = snapshot.without(&record.hash);
                }
                1 => {
                    model.remove(&record.hash);
                    snapshot = snapshot.with(KeyRecord { deleted_at: Some(NOW), ..record.clone() }, &record.hash);
                }
                _ => {
                    let record = KeyRecord { disabled: *kind == 3, ..record };
                    model.insert(record.hash, record.clone());
                    let hash = record.hash;
                    snapshot = snapshot.with(record, &hash);
                }
            }
        }
        prop_assert_eq!(snapshot.epoch(), changes.len() as u64);
        prop_assert_eq!(snapshot.len(), model.len());
        let all: HashMap<KeyHash, KeyRecord> = snapshot.keys().map(|k| (k.hash, (**k).clone())).collect();
        prop_assert_eq!(all, model);
    }
}

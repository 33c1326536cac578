use portolan_core::{KeyHash, Meter, Price, Rates, UnixMillis, WorkspaceId};
use portolan_sim::{End as Served, Totals};
use proptest::prelude::*;

use super::*;

const HELD: i64 = 900_000;

/// A world in which everything agrees: `n` answers, recorded and charged.
#[derive(Debug, Clone)]
struct World {
    served: LedgerView,
    records: Vec<Generation>,
    accounts: HashMap<AccountId, Account>,
    known: HashMap<(Arc<str>, String), Known>,
    in_flight: u64,
}

fn card() -> PriceCard {
    PriceCard::new(Rates::default().with(Meter::Input, Price(1_000_000)).with(Meter::Output, Price(2_000_000)), vec![])
}

fn request(n: usize, input: u64, output: u64) -> ServedRequest {
    ServedRequest {
        id: format!("answer-{n}"),
        dialect: "openai_chat".into(),
        model: "sim-up".into(),
        stream: true,
        status: 200,
        input_tokens: input,
        cache_read_tokens: 0,
        cache_write_tokens: 0,
        cache_write_1h_tokens: 0,
        output_tokens: output,
        reasoning_tokens: 0,
        bytes: 100,
        end: Served::Completed,
    }
}

fn generation(n: usize, served: &ServedRequest, end: End) -> Generation {
    let usage = usage_of(served, &Usage::default().with(Meter::Request, 1));
    let paid = cost(&card(), &usage).total;
    let attempt = Attempt {
        model: "m".into(),
        provider: "p".into(),
        endpoint: "p".into(),
        lane: "raw".into(),
        lane_reason: "".into(),
        dropped: vec![],
        upstream_id: Some(served.id.clone()),
        served_model: None,
        served_provider: None,
        status: Some(200),
        fault: None,
        started_ms: 0,
        took_ms: 1,
        usage,
        cost: paid,
        price_version: card().version,
    };
    Generation {
        id: GenerationId::parse(&format!("gen-1-{n:020}")).unwrap(),
        at: UnixMillis(1),
        key: KeyHash::of("key"),
        workspace: WorkspaceId::from_saved("w"),
        requested: vec!["m".into()],
        model: "m".into(),
        provider: "p".into(),
        endpoint: "p".into(),
        stream: true,
        simulated: false,
        end,
        status: 200,
        finish: None,
        native_finish: None,
        attempts: vec![attempt],
        needs: Default::default(),
        preferences: Default::default(),
        candidates: vec![],
        epoch: 1,
        seed: 1,
        usage,
        cost: paid,
        charge: charge(end, paid, Money(HELD)),
        price_version: card().version,
        held: vec![(AccountId(1), Money(HELD))],
        flags: Default::default(),
        latency: Default::default(),
        max_tokens: None,
        trace_id: None,
        app: Default::default(),
        user: None,
        session: None,
        routed: Vec::new(),
        sticky: None,
        tags: vec![],
    }
}

impl World {
    fn new(n: usize) -> Self {
        let requests: Vec<_> = (0..n).map(|i| request(i, 10 + i as u64, 20)).collect();
        let records = requests.iter().enumerate().map(|(i, r)| generation(i, r, End::Completed)).collect();
        let endpoint = Known { prices: Arc::new(card()), upstream_model: "sim-up".into(), elsewhere: false };
        let mut world = Self {
            served: LedgerView { requests, totals: Totals::default() },
            records,
            accounts: HashMap::new(),
            known: HashMap::from([(("m".into(), "p".to_owned()), endpoint)]),
            in_flight: 0,
        };
        world.settle();
        world
    }

    /// Makes the accounts what the records say.
    fn settle(&mut self) {
        let settled = self.records.iter().map(|g| g.charge).sum();
        self.accounts = HashMap::from([(AccountId(1), Account { settled, in_memory: Some(settled) })]);
    }

    /// The last generation was open when the process was killed.
    fn orphan_last(&mut self) {
        let last = self.records.last_mut().unwrap();
        (last.end, last.charge, last.cost) = (End::Orphaned, Money(HELD), Money(HELD));
        (last.flags.orphaned, last.flags.estimated) = (true, true);
        last.attempts[0].upstream_id = None;
        last.attempts[0].cost = Money::ZERO;
        self.settle();
    }

    fn report(&self) -> Report {
        let World { served, records, accounts, known, in_flight } = self;
        compare(&Evidence { served, records, accounts, known, in_flight: *in_flight })
    }

    fn problems(&self) -> Vec<String> {
        self.report().classes.into_iter().flat_map(|c| c.named).collect()
    }
}

#[test]
fn what_agrees_to_the_last_token_and_nanodollar_is_ok() {
    let report = World::new(3).report();
    assert!(report.ok, "{report:?}");
    assert_eq!((report.records, report.unpriced, report.charges), (3, 0, Money(3 * 40_000 + 33_000)));
}

#[test]
fn every_way_of_cheating_is_found() {
    type Cheat = fn(&mut World);
    let cases: &[(&str, Cheat)] = &[
        ("recorded Usage", |w| w.records[1].attempts[0].usage[Meter::Output] += 1),
        ("recorded Usage", |w| w.served.requests[1].output_tokens += 1),
        ("recorded Usage", |w| w.served.requests[1].reasoning_tokens = 1),
        ("recorded Usage", |w| w.served.requests[1].cache_read_tokens = 3),
        ("costs $", |w| {
            let generation = &mut w.records[1];
            generation.attempts[0].cost += Money(1);
            (generation.cost, generation.charge) = (generation.cost + Money(1), generation.charge + Money(1));
            w.settle();
        }),
        ("means $", |w| {
            w.records[1].charge = Money::ZERO;
            w.settle();
        }),
        ("it says $", |w| w.records[1].cost += Money(1)),
        ("the charge is negative", |w| {
            w.records[1].charge = Money(-1);
            w.settle();
        }),
        ("the simulator knows no", |w| w.records[1].attempts[0].upstream_id = Some("made-up".into())),
        ("no response id to join by", |w| w.records[1].attempts[0].upstream_id = None),
        ("recorded twice", |w| {
            let again = w.records[1].clone();
            w.records.push(again);
            w.settle();
        }),
        ("is recorded twice", |w| {
            let mut again = w.records[1].clone();
            again.id = GenerationId::parse(&format!("gen-1-{:020}", 99)).unwrap();
            w.records.push(again);
            w.settle();
        }),
        ("is nobody's", |w| {
            w.records.pop();
            w.settle();
        }),
        ("the ledger has", |w| {
            w.records.pop();
            w.served.requests.pop();
        }),
        ("the budget counts", |w| w.accounts.get_mut(&AccountId(1)).unwrap().in_memory = Some(Money(1))),
        ("no such account", |w| w.accounts.clear()),
        ("charged $0, held", |w| {
            w.orphan_last();
            w.records.last_mut().unwrap().charge = Money::ZERO;
            w.settle();
        }),
        ("flagged: false", |w| {
            w.orphan_last();
            w.records.last_mut().unwrap().flags.orphaned = false;
        }),
        ("received 20 tokens, served 19", |w| {
            w.records[1].end = End::CallerGoneAfterContent;
            w.served.requests[1].output_tokens = 19;
        }),
    ];
    for (expected, cheat) in cases {
        let mut world = World::new(3);
        cheat(&mut world);
        let problems = world.problems();
        assert!(problems.iter().any(|p| p.contains(expected)), "`{expected}` is not in {problems:?}");
        assert!(!world.report().ok);
    }
}

#[test]
fn an_orphans_answer_is_its_own_and_no_other() {
    let mut world = World::new(3);
    world.orphan_last();
    assert_eq!(world.problems(), Vec::<String>::new());
    // One orphan explains one answer of its model.
    world.served.requests.push(request(7, 1, 1));
    assert!(world.problems()[0].contains("answer-7"), "{:?}", world.problems());
    world.in_flight = 1;
    assert_eq!(world.problems(), Vec::<String>::new(), "it may be under way");
    world.in_flight = 0;
    let spare = world.served.requests.last_mut().unwrap();
    (spare.model, spare.status) = ("another".into(), 500);
    assert_eq!(world.problems(), Vec::<String>::new(), "an error is no answer");
}

#[test]
fn what_somebody_else_served_is_counted_and_not_compared() {
    let mut world = World::new(2);
    world.known.values_mut().for_each(|k| k.elsewhere = true);
    assert!(world.report().ok, "found in this ledger, it is compared wherever it was sent: {:?}", world.problems());
    world.served.requests.clear();
    let report = world.report();
    assert!(report.ok, "{report:?}");
    assert_eq!((report.classes[0].name, report.classes[0].requests), ("served elsewhere (not compared)", 2));
}

#[test]
fn a_price_list_that_is_gone_is_told_and_not_guessed() {
    let mut world = World::new(2);
    world.records[0].attempts[0].price_version += 1;
    let report = world.report();
    assert_eq!((report.ok, report.unpriced), (true, 1));
}

proptest! {
    #[test]
    fn whatever_is_taken_from_or_added_to_one_side_alone_is_found(
        n in 1usize..20, which in any::<prop::sample::Index>(), tokens in 1u64..1_000, side in any::<bool>(), input in any::<bool>(),
    ) {
        let mut world = World::new(n);
        prop_assert!(world.report().ok);
        let which = which.index(n);
        match (side, input) {
            (true, true) => world.served.requests[which].input_tokens += tokens,
            (true, false) => world.served.requests[which].output_tokens += tokens,
            (false, true) => world.records[which].attempts[0].usage[Meter::Input] += tokens,
            (false, false) => world.records[which].attempts[0].usage[Meter::Output] += tokens,
        }
        prop_assert!(!world.report().ok);
    }

    #[test]
    fn the_order_of_the_evidence_does_not_matter(n in 1usize..12, turns in 0usize..12, orphaned in any::<bool>()) {
        let mut world = World::new(n);
        if orphaned {
            world.orphan_last();
        }
        let before = world.report();
        world.records.rotate_left(turns % n);
        world.served.requests.rotate_right(turns % n);
        let after = world.report();
        prop_assert!(before.ok && after.ok);
        prop_assert_eq!((before.charges, before.ledger, before.classes.len()), (after.charges, after.ledger, after.classes.len()));
    }
}

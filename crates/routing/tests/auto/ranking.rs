//! The order of candidates.

use portolan_catalog::ModelIx;
use portolan_core::{ModelSlug, Price};
use portolan_routing::auto::{AutoCandidate, Judgement, Knob, TaskKind, choose};
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_higher_knob_never_picks_a_cheaper_or_a_weaker_model(
        rows in prop::collection::vec((0_u64..6, 0_u8..=10), 1..12),
        complexity in 0.0_f32..=1.0,
        low in 0_u8..=100,
        more in 0_u8..=100,
    ) {
        let candidates: Vec<_> = rows.iter().zip(0..).map(|((price, tenths), at)| candidate(at, *price, f32::from(*tenths) / 10.0)).collect();
        let judgement = Judgement { task: TaskKind::General, complexity };
        let first = |percent: u8| choose(&judgement, candidates.clone(), Knob::of_percent(percent)).models.remove(0);
        let (below, above) = (first(low), first(low.saturating_add(more).min(100)));
        prop_assert!(below.price <= above.price && below.strength <= above.strength, "{below:?} {above:?}");
    }

    #[test]
    fn a_harder_prompt_never_gets_a_weaker_model(rows in prop::collection::vec((0_u64..6, 0_u8..=10), 1..12), a in 0.0_f32..=1.0, b in 0.0_f32..=1.0) {
        let candidates: Vec<_> = rows.iter().zip(0..).map(|((price, tenths), at)| candidate(at, *price, f32::from(*tenths) / 10.0)).collect();
        let first = |complexity| choose(&Judgement { task: TaskKind::General, complexity }, candidates.clone(), Knob::default()).models.remove(0);
        prop_assert!(first(a.min(b)).strength <= first(a.max(b)).strength);
    }
}

fn candidate(at: u32, price: u64, strength: f32) -> AutoCandidate {
    AutoCandidate { model: ModelIx(at), slug: ModelSlug::parse(&format!("t/m{at}")).unwrap(), strength, price: Price(price) }
}

#[test]
fn the_cheapest_that_is_strong_enough_comes_first_and_fallbacks_follow_by_price_then_by_strength() {
    let candidates = vec![candidate(0, 1, 0.3), candidate(1, 2, 0.4), candidate(2, 3, 0.8), candidate(3, 9, 1.0), candidate(4, 5, 0.7)];
    let pick = |complexity, percent| {
        let judgement = Judgement { task: TaskKind::General, complexity };
        let ranking = choose(&judgement, candidates.clone(), Knob::of_percent(percent));
        (ranking.models.iter().map(|c| c.model.0).collect::<Vec<_>>(), ranking.sufficient)
    };
    assert_eq!(pick(0.0, 80), (vec![2, 4, 1, 0], 2), "the lean of 80 percent is 0.512, the strongest under the ceiling has 0.8");
    assert_eq!(pick(0.0, 40), (vec![0, 1], 2));
    assert_eq!(pick(1.0, 40), (vec![1, 0], 1));
    assert_eq!(pick(0.0, 100), (vec![3, 2, 4, 1, 0], 1), "at 100 percent the strongest, however simple the prompt");
    assert_eq!(pick(1.0, 0), (vec![0], 1), "one is always under the ceiling");
}

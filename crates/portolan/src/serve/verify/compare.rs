//! The comparison itself. Pure: the same evidence gives the same report.
//!
//! Attempts are joined with what was served by the provider's response id. What completed, or was read on after
//! a hang-up, must agree to the last token and nanodollar. What was broken off cannot be known exactly: received
//! must not exceed served. What was served and stands in no record must belong to attempts that never learned
//! their response id, model by model.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use portolan_core::{AccountId, GenerationId, Meter, Money, PriceCard, Usage};
use portolan_ledger::{Attempt, End, Generation, charge, cost};
use portolan_sim::{LedgerView, ServedRequest};

use super::report::{ClassReport, Report};

/// Everything that a proof looks at.
pub(super) struct Evidence<'a> {
    pub(super) served: &'a LedgerView,
    pub(super) records: &'a [Generation],
    pub(super) accounts: &'a HashMap<AccountId, Account>,
    /// By model and endpoint tag.
    pub(super) known: &'a HashMap<(Arc<str>, String), Known>,
    /// Generations that may be served and not be recorded yet.
    pub(super) in_flight: u64,
}

/// An account's sum of charges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    /// In the ledger.
    pub(super) settled: Money,
    /// In the engine, where budgets are decided.
    pub(super) in_memory: Option<Money>,
}

/// What the catalog knows of an endpoint.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) prices: Arc<PriceCard>,
    /// What the provider calls the model.
    pub(super) upstream_model: String,
    /// It is served by somebody else than the simulator in question.
    pub(super) elsewhere: bool,
}

pub(super) fn compare(evidence: &Evidence<'_>) -> Report {
    let mut comparison = Comparison::new(evidence);
    for generation in evidence.records {
        comparison.generation(generation);
    }
    comparison.finish()
}

struct Comparison<'a> {
    evidence: &'a Evidence<'a>,
    served: HashMap<&'a str, &'a ServedRequest>,
    joined: HashSet<&'a str>,
    seen: HashSet<&'a GenerationId>,
    /// By the provider's name of the model: attempts that were sent and never learned their response id.
    nameless: HashMap<&'a str, u64>,
    classes: BTreeMap<&'static str, ClassReport>,
    /// What the records charge to each account.
    charged: BTreeMap<AccountId, Money>,
    unpriced: u64,
}

impl<'a> Comparison<'a> {
    fn new(evidence: &'a Evidence<'a>) -> Self {
        Self {
            evidence,
            served: evidence.served.requests.iter().map(|r| (r.id.as_str(), r)).collect(),
            joined: HashSet::new(),
            seen: HashSet::new(),
            nameless: HashMap::new(),
            classes: BTreeMap::new(),
            charged: BTreeMap::new(),
            unpriced: 0,
        }
    }

    fn generation(&mut self, generation: &'a Generation) {
        for (account, _) in &generation.held {
            *self.charged.entry(*account).or_default() += generation.charge;
        }
        let problem = if self.seen.insert(&generation.id) { self.problem(generation) } else { Some("recorded twice".to_owned()) };
        let name = if self.is_elsewhere(generation) { "served elsewhere (not compared)" } else { class(generation) };
        let report = self.classes.entry(name).or_insert_with(|| ClassReport::new(name));
        report.requests += 1;
        report.charged += generation.charge;
        report.cost += generation.cost;
        if let Some(problem) = problem {
            report.note(&format!("{}: {problem}", generation.id));
        }
    }

    fn problem(&mut self, generation: &'a Generation) -> Option<String> {
        let mut problem = table_problem(generation);
        for attempt in &generation.attempts {
            let found = self.attempt_problem(generation, attempt);
            problem = problem.or(found);
        }
        problem
    }

    /// Every attempt is looked at, for each join counts.
    fn attempt_problem(&mut self, generation: &Generation, attempt: &'a Attempt) -> Option<String> {
        let evidence = self.evidence;
        let known = evidence.known.get(&(attempt.model.clone(), attempt.endpoint.clone()));
        let serves = serves(generation, attempt);
        let Some(id) = attempt.upstream_id.as_deref() else {
            if let Some(known) = known.filter(|_| may_have_been_served(generation, attempt)) {
                *self.nameless.entry(&known.upstream_model).or_default() += 1;
            }
            let must_join = serves && generation.charge != Money::ZERO && generation.end != End::Orphaned;
            return (must_join && !known.is_some_and(|k| k.elsewhere)).then(|| "charged, with no response id to join by".to_owned());
        };
        let Some(served) = self.served.get(id).copied() else {
            return (!known.is_some_and(|k| k.elsewhere)).then(|| format!("the simulator knows no {id}"));
        };
        if !self.joined.insert(id) {
            return Some(format!("the answer {id} is recorded twice"));
        }
        let truth = usage_of(served, &attempt.usage);
        if serves && is_exact(generation) {
            if truth != attempt.usage {
                return Some(format!("recorded {:?}, served {truth:?}", attempt.usage));
            }
            return self.cost_problem(attempt, known, &truth);
        }
        let (received, given) = (attempt.usage.completion_tokens(), served.output_tokens);
        let counted = serves
            && generation.charge > Money::ZERO
            && !generation.flags.estimated
            && !generation.flags.odd_usage
            && !generation.flags.over_hold;
        (counted && received > given).then(|| format!("received {received} tokens, served {given}"))
    }

    fn cost_problem(&mut self, attempt: &Attempt, known: Option<&Known>, truth: &Usage) -> Option<String> {
        let Some(known) = known.filter(|k| k.prices.version == attempt.price_version) else {
            self.unpriced += 1;
            return None;
        };
        let expected = cost(&known.prices, truth).total;
        (expected != attempt.cost).then(|| format!("costs ${expected}, recorded ${}", attempt.cost))
    }

    fn is_elsewhere(&self, generation: &Generation) -> bool {
        let elsewhere = |a: &Attempt| {
            let known = self.evidence.known.get(&(a.model.clone(), a.endpoint.clone()));
            (generation.simulated || known.is_some_and(|k| k.elsewhere))
                && a.upstream_id.as_deref().is_none_or(|id| !self.served.contains_key(id))
        };
        !generation.attempts.is_empty() && generation.attempts.iter().all(elsewhere)
    }

    fn finish(mut self) -> Report {
        let unrecorded = self.unrecorded();
        let sums = self.sums();
        let (charges, ledger) = (sums.charged, sums.cost);
        let classes: Vec<_> = std::mem::take(&mut self.classes).into_values().chain([unrecorded, sums]).collect();
        Report {
            ok: classes.iter().all(|c| c.mismatches == 0),
            classes,
            served: self.evidence.served.totals.requests,
            records: self.evidence.records.len() as u64,
            charges,
            ledger,
            unpriced: self.unpriced,
            in_flight: self.evidence.in_flight,
        }
    }

    /// What was served, and no record names.
    fn unrecorded(&mut self) -> ClassReport {
        let mut report = ClassReport::new("served, in no record (its attempt never learned the response id)");
        let mut under_way = self.evidence.in_flight;
        let prices: HashMap<&str, &PriceCard> = self.evidence.known.values().map(|k| (k.upstream_model.as_str(), &*k.prices)).collect();
        for request in self.evidence.served.requests.iter().filter(|r| was_served(r) && !self.joined.contains(r.id.as_str())) {
            report.requests += 1;
            if let Some(card) = prices.get(request.model.as_str()) {
                report.cost += cost(card, &usage_of(request, &Usage::default().with(Meter::Request, 1))).total;
            }
            let nameless = self.nameless.get_mut(request.model.as_str()).filter(|left| **left > 0);
            match nameless {
                Some(left) => *left -= 1,
                None if under_way > 0 => under_way -= 1,
                None => report
                    .note(&format!("{} ({}, {:?}, {} tokens) is nobody's", request.id, request.model, request.end, request.output_tokens)),
            }
        }
        report
    }

    /// Charges of the records, sums of the ledger, sums in memory: account by account.
    fn sums(&self) -> ClassReport {
        let mut report = ClassReport::new("sums (charged: by the records; cost: by the accounts)");
        for (id, account) in self.evidence.accounts {
            report.requests += 1;
            report.cost += account.settled;
            let charged = self.charged.get(id).copied().unwrap_or_default();
            if charged != account.settled {
                report.note(&format!("account {}: the records charge ${charged}, the ledger has ${}", id.0, account.settled));
            }
            if let Some(in_memory) = account.differs() {
                report.note(&format!("account {}: the ledger has ${}, the budget counts ${in_memory}", id.0, account.settled));
            }
        }
        for (id, charged) in &self.charged {
            report.charged += *charged;
            if *charged != Money::ZERO && !self.evidence.accounts.contains_key(id) {
                report.note(&format!("account {}: the records charge ${charged}, the ledger has no such account", id.0));
            }
        }
        report
    }
}

/// The classes are printed apart: only the first two are exact by nature.
fn class(generation: &Generation) -> &'static str {
    match generation.end {
        End::Orphaned => "orphaned",
        _ if generation.flags.over_hold => "over the hold",
        _ if generation.flags.drained && generation.flags.estimated => "drained without usage (estimated)",
        _ if generation.flags.drained => "drained",
        End::Completed | End::ZeroCompletion if generation.flags.odd_usage => "completed with odd usage",
        End::Completed | End::ZeroCompletion if generation.flags.estimated => "completed without usage (estimated)",
        End::Completed | End::ZeroCompletion => "completed",
        End::CallerGoneBeforeContent | End::CallerGoneAfterContent => "cancelled",
        End::CutByMeter => "cut by the meter",
        End::UpstreamErrorBeforeContent | End::TimeoutBeforeContent | End::DrainedBeforeContent => "failed before content",
        End::UpstreamErrorAfterContent | End::TimeoutAfterContent | End::DrainedAfterContent => "broken off after content",
    }
}

/// Whether usage must agree to the last token.
fn is_exact(generation: &Generation) -> bool {
    let flags = generation.flags;
    let whole = flags.drained || matches!(generation.end, End::Completed | End::ZeroCompletion);
    whole && !flags.estimated && !flags.odd_usage && !flags.over_hold
}

/// Whether this is the attempt that the generation's charge is about.
fn serves(generation: &Generation, attempt: &Attempt) -> bool {
    attempt.model == generation.model && attempt.endpoint == generation.endpoint
}

/// Sent, and neither refused by the provider nor named: what it led to is unknown.
fn may_have_been_served(generation: &Generation, attempt: &Attempt) -> bool {
    generation.end == End::Orphaned || (!attempt.lane.is_empty() && attempt.status.is_none_or(|status| status < 300))
}

fn was_served(request: &ServedRequest) -> bool {
    request.status < 300 && (request.output_tokens > 0 || request.input_tokens > 0)
}

/// Charge and cost of a record follow from its attempts by the billing table.
fn table_problem(generation: &Generation) -> Option<String> {
    if generation.end == End::Orphaned {
        let held = generation.held.iter().map(|(_, held)| *held).max().unwrap_or(Money::ZERO);
        let flagged = generation.flags.orphaned && generation.flags.estimated;
        return (generation.charge != held || !flagged)
            .then(|| format!("charged ${}, held ${held}, flagged: {flagged}", generation.charge));
    }
    let costs: Money = generation.attempts.iter().map(|a| a.cost).sum();
    if costs != generation.cost {
        return Some(format!("its attempts cost ${costs}, it says ${}", generation.cost));
    }
    if generation.charge < Money::ZERO {
        return Some(format!("the charge is negative: ${}", generation.charge));
    }
    let serving = generation.attempts.iter().rfind(|a| serves(generation, a)).map_or(Money::ZERO, |a| a.cost);
    let due = charge(generation.end, serving, Money::ZERO);
    (due != generation.charge).then(|| format!("charged ${}, but {} means ${due}", generation.charge, generation.end.as_str()))
}

/// What the simulator served, as a usage. Requests are ours to count.
fn usage_of(served: &ServedRequest, recorded: &Usage) -> Usage {
    let cached = served.cache_read_tokens + served.cache_write_tokens;
    // OpenAI's usage has one word for what was written to a cache, however long it is kept.
    let for_an_hour = if served.dialect == "openai_chat" { 0 } else { served.cache_write_1h_tokens };
    Usage::default()
        .with(Meter::Input, served.input_tokens.saturating_sub(cached))
        .with(Meter::CacheRead, served.cache_read_tokens)
        .with(Meter::CacheWrite5m, served.cache_write_tokens.saturating_sub(for_an_hour))
        .with(Meter::CacheWrite1h, for_an_hour)
        .with(Meter::Output, served.output_tokens.saturating_sub(served.reasoning_tokens))
        .with(Meter::Reasoning, served.reasoning_tokens)
        .with(Meter::Request, recorded[Meter::Request])
}

#[cfg(test)]
mod tests;

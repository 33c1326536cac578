//! The end of a generation: what it cost, what is charged, its record; then the caller's last word.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use portolan_catalog::{Endpoint, EndpointIx};
use portolan_core::{Class, Fault, Meter, Money, Origin, Price, Usage};
use portolan_dialect::relay::{Bill, Relay, Seen};
use portolan_ledger::{Attempt, Candidate, Cost, End, Entry, Flags, Generation, Latency, charge, cost};
use serde_json::{Value, json};

use crate::Refused;
use crate::generation::{Ended, Run, internal, millis_since};
use crate::quote;
use crate::reply::{Head, Line, Reply};
use crate::sticky::Answered;
use crate::wanted::pinned;

/// A fault of the last endpoint is told to the caller with those of the others, at most this many.
const PREVIOUS_ERRORS_MAX: usize = 16;

struct Priced {
    usage: Usage,
    cost: Cost,
    charge: Money,
    flags: Flags,
}

impl Run {
    /// The endpoint of the attempt under way.
    pub(crate) fn serving(&self) -> EndpointIx {
        self.planned.plan.attempts[self.current].endpoint
    }

    /// The record of the attempt that served, or was sent last: those after it were skipped.
    fn served_attempt(&mut self) -> Option<&mut Attempt> {
        let (model, tag) = (self.planned.slug(self.current).as_str(), &self.planned.endpoint(self.current).tag);
        self.attempts.iter_mut().rfind(|a| &*a.model == model && a.endpoint == *tag)
    }

    /// What a failed attempt consumed all the same: the provider bills it, whoever serves in the end.
    pub(crate) fn consumed(&self, seen: &Seen) -> (Usage, Money) {
        let (usage, _) = self.usage(End::UpstreamErrorBeforeContent, seen);
        (usage, cost(&self.planned.endpoint(self.current).prices, &usage).total)
    }

    /// Prices, records, settles, and says the last word, in this order: what the caller saw the end of is recorded.
    pub(crate) async fn settle(mut self: Box<Self>, mut ended: Ended, mut line: Line) {
        let seen = ended.relay.as_deref().map(Relay::seen);
        let priced = self.price(ended.end, seen);
        if let Some(attempt) = self.served_attempt() {
            (attempt.usage, attempt.cost) = (priced.usage, priced.cost.total);
        }
        self.note_health(&ended, &priced.usage, &line);
        let word = self.last_word(&ended, &priced, &line);
        let status = word.status(ended.end, &line);
        let entry = Entry::Closed(Box::new(self.record(&ended, &priced, status)));
        let (engine, head, caller) = (self.engine.clone(), self.head.clone(), self.planned.inbound.caller.clone());
        let relay = match ended.relay.take() {
            Some(relay) => relay,
            None => Box::new(Relay::raw(self.relay_spec(self.current))),
        };
        let stream = self.planned.inbound.peek.stream;
        let journaled = engine.journal().append(&entry).await;
        caller.settle(self.held, priced.charge, engine.clock().now().day());
        if let Entry::Closed(generation) = &entry {
            engine.observer().closed(generation);
        }
        let word = match journaled {
            Ok(()) => word,
            Err(error) => {
                tracing::error!(%error, "a generation could not be recorded");
                LastWord::Fail(internal("the generation could not be recorded"))
            }
        };
        word.say(relay, stream, &head, &mut line).await;
    }

    fn last_word(&self, ended: &Ended, priced: &Priced, line: &Line) -> LastWord {
        match &ended.fault {
            Some(fault) if line.has_begun() => LastWord::Fail(fault.clone()),
            Some(fault) => LastWord::Refuse(self.refusal(fault)),
            None => {
                // What costs the caller nothing has no parts that cost something.
                let parts = if priced.charge == Money::ZERO { Cost::default() } else { priced.cost };
                LastWord::Complete(Bill {
                    usage: priced.usage,
                    cost: priced.charge,
                    prompt_cost: parts.prompt,
                    completion_cost: parts.completion,
                    router: self.router_metadata().map(|metadata| metadata.to_string().into()),
                })
            }
        }
    }

    fn price(&self, end: End, seen: Option<&Seen>) -> Priced {
        let endpoint = self.planned.endpoint(self.current);
        let (usage, estimated) = seen.map_or((Usage::default(), false), |seen| self.usage(end, seen));
        let cost = reported(endpoint, seen).unwrap_or_else(|| cost(&endpoint.prices, &usage));
        let charge = charge(end, cost.total, self.held.quote().worst);
        let over_hold = self.planned.wanted.strict && charge > self.held.quote().worst;
        if over_hold {
            self.planned.health().bar_strict(self.serving());
            tracing::error!(
                generation.id = %self.planned.inbound.id, endpoint.tag = endpoint.tag, charge = %charge, held = %self.held.quote().worst,
                "a provider reported more usage than was held; it gets no more strict traffic"
            );
        }
        let flags = Flags {
            estimated,
            odd_usage: seen.is_some_and(|s| s.odd_usage.is_some())
                || (self.states_limit() && usage.completion_tokens() > self.output_bound()),
            over_hold,
            orphaned: false,
            drained: self.abandoned.is_some() && seen.is_some_and(|s| s.done || s.finish.is_some()),
            lowered_max_tokens: self.limit.lowered,
        };
        Priced { usage, cost, charge, flags }
    }

    /// What was consumed, and whether that is an estimate.
    fn usage(&self, end: End, seen: &Seen) -> (Usage, bool) {
        let began = seen.content || seen.usage.is_some() || seen.upstream_id.is_some() || seen.finish.is_some();
        if !began {
            return (Usage::default(), false);
        }
        let whole = seen.finish.is_some() || seen.done;
        let (usage, estimated) = match seen.usage {
            Some(usage) if whole => (usage, false),
            // Reported along the way: the input is known, the output may be behind.
            Some(usage) => {
                let behind = quote::output_estimate(seen.output_bytes).saturating_sub(usage.completion_tokens());
                (usage.with(Meter::Output, usage[Meter::Output] + behind), true)
            }
            None => {
                let input = quote::input_estimate(&self.planned.inbound.peek);
                let output = quote::output_estimate(seen.output_bytes);
                (Usage::default().with(Meter::Input, input).with(Meter::Output, output), true)
            }
        };
        let served = !matches!(end, End::UpstreamErrorBeforeContent | End::ZeroCompletion);
        (usage.with(Meter::Request, u64::from(served)), estimated)
    }

    /// The error, where nothing was said yet.
    fn refusal(&self, fault: &Fault) -> Refused {
        let mut refused = Refused::after(fault, &self.planned.provider(self.current).name);
        refused.simulated = self.head.simulated;
        refused.router = self.router_metadata();
        refused.retry_after = match fault.class {
            Class::Draining => Some(Duration::from_secs(1)),
            _ => self.attempts.iter().filter_map(|a| a.fault.as_ref()?.retry_after).min(),
        };
        let previous = self.attempts.split_last().map_or(&[][..], |(_, before)| before);
        if !previous.is_empty() && refused.status != 500 {
            let errors: Vec<_> = previous.iter().take(PREVIOUS_ERRORS_MAX).filter_map(|a| self.previous_error(a)).collect();
            refused = refused.with("previous_errors", errors);
        }
        refused.availability = self.unavailable(fault);
        refused
    }

    fn previous_error(&self, attempt: &Attempt) -> Option<Value> {
        let fault = attempt.fault.as_ref()?;
        Some(json!({ "provider": self.planned.provider_name(attempt), "code": fault.class.error_type(), "status": fault.status }))
    }

    /// OpenRouter's `error.availability`, where every provider was too busy.
    fn unavailable(&self, fault: &Fault) -> Option<Value> {
        let code = match fault.class {
            Class::RateLimitExceeded if fault.origin == Origin::Upstream => "capacity_exhausted",
            Class::ProviderOverloaded => "temporarily_unavailable",
            _ => return None,
        };
        // Not those that the budget skipped.
        let failed = |attempt: &&Attempt| attempt.fault.as_ref().is_some_and(|fault| fault.origin == Origin::Upstream);
        let providers: BTreeSet<&str> = self.attempts.iter().filter(failed).map(|attempt| self.planned.provider_name(attempt)).collect();
        let models = &self.planned.inbound.peek.models;
        Some(json!({ "code": code, "retryable": true, "requested_models": models, "affected_providers": providers }))
    }

    /// The record. It takes the attempts: nothing needs them afterwards.
    fn record(&mut self, ended: &Ended, priced: &Priced, status: u16) -> Generation {
        let attempts = std::mem::take(&mut self.attempts);
        let (planned, inbound) = (&self.planned, &self.planned.inbound);
        let endpoint = planned.endpoint(self.current);
        let finish = ended.relay.as_ref().and_then(|r| r.seen().finish.clone());
        Generation {
            id: inbound.id.clone(),
            at: inbound.at,
            key: inbound.caller.key.hash,
            workspace: inbound.caller.key.scope.workspace.clone(),
            requested: inbound.peek.models.clone(),
            model: planned.slug(self.current).shared(),
            provider: planned.provider(self.current).slug.shared(),
            endpoint: endpoint.tag.clone(),
            stream: inbound.peek.stream,
            simulated: self.head.simulated,
            end: ended.end,
            status,
            finish: finish.as_ref().map(|(f, _)| f.as_str().to_owned()),
            native_finish: finish.map(|(_, native)| native),
            needs: inbound.peek.needs,
            preferences: inbound.peek.preferences.clone(),
            candidates: self.candidates(),
            epoch: planned.deployment.epoch,
            seed: planned.plan.seed,
            usage: priced.usage,
            cost: attempts.iter().map(|a| a.cost).sum(),
            attempts,
            charge: priced.charge,
            price_version: endpoint.prices.version,
            held: self.held.entries().to_vec(),
            flags: priced.flags,
            latency: Latency {
                first_token_ms: self.first_token_ms,
                total_ms: millis_since(inbound.begun),
                gateway_us: self.gateway_us.unwrap_or(0),
            },
            max_tokens: Some(self.limit.tokens),
            trace_id: inbound.origins.trace_id.clone(),
            app: inbound.origins.app.clone(),
            user: inbound.peek.user.clone(),
            session: inbound.peek.session_id.clone().or_else(|| inbound.origins.session.clone()),
            routed: planned.wanted.routed.clone(),
            sticky: self.pin(ended, priced),
            tags: inbound.origins.tags.clone(),
        }
    }

    /// Keeps the conversation where it was answered, where the rules of stickiness say so. Answers its key, for the record.
    fn pin(&self, ended: &Ended, priced: &Priced) -> Option<String> {
        let (planned, place) = (&self.planned, self.planned.wanted.place.as_ref()?);
        if ended.end != End::Completed {
            return None;
        }
        let endpoint = planned.endpoint(self.current);
        // Under the name that the record has, from which the table is filled after a restart.
        let served = pinned(planned.slug(self.current).as_str(), &endpoint.tag);
        let answered = Answered {
            is_session: place.is_session,
            before: place.before.as_ref(),
            before_failed: place.has_failed(&planned.plan.attempts, self.current),
            served: &served,
            usage: &priced.usage,
            prices: &endpoint.prices,
        };
        let (key, place) = place.pin(&answered)?;
        self.engine.sticky().pin(key, place, self.engine.clock().now());
        Some(key.to_hex())
    }

    fn candidates(&self) -> Vec<Candidate> {
        let (catalog, plan) = (&self.planned.deployment.catalog, &self.planned.plan);
        let ask = self.planned.wanted.ask(&self.planned.inbound);
        let planned = plan.attempts.iter().enumerate().map(|(i, choice)| Candidate {
            model: self.planned.slug(i).shared(),
            endpoint: catalog.endpoint(choice.endpoint).tag.clone(),
            order: u16::try_from(i + 1).unwrap_or(u16::MAX),
            rule: choice.reason.as_str().into(),
            source: String::new(),
            detail: String::new(),
            weight_ppm: ppm(choice.weight),
            price: choice.price,
            failed_recently: choice.failed_recently,
            probes: choice.probes,
        });
        let rejected = plan.rejected.iter().map(|rejection| Candidate {
            model: self.planned.slug_of(rejection.endpoint, rejection.requested).shared(),
            endpoint: catalog.endpoint(rejection.endpoint).tag.clone(),
            order: 0,
            rule: rejection.rule.as_str().into(),
            source: rejection.source_name(&ask).into_owned(),
            detail: portolan_routing::detail(catalog, &ask, rejection).unwrap_or_default(),
            weight_ppm: 0,
            price: Price::default(),
            failed_recently: false,
            probes: false,
        });
        planned.chain(rejected).collect()
    }
}

/// What a reseller says that it charges: it knows whom it bought from. Its parts are not told.
fn reported(endpoint: &Endpoint, seen: Option<&Seen>) -> Option<Cost> {
    let total = seen?.cost.filter(|_| endpoint.charged_by_report)?;
    Some(Cost { total, prompt: Money::ZERO, completion: total })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share lies between 0 and 1")]
pub(crate) fn ppm(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * 1e6).round() as u32
}

/// What the caller hears at the end.
enum LastWord {
    /// An error with its own status.
    Refuse(Refused),
    /// An error within the stream.
    Fail(Fault),
    /// The end of a whole answer, with its price.
    Complete(Bill),
}

impl LastWord {
    /// The status that the caller has seen, or would have.
    fn status(&self, end: End, line: &Line) -> u16 {
        let is_gone = end == End::CallerGoneBeforeContent || line.is_closed();
        match self {
            _ if is_gone && !line.has_begun() => 499,
            LastWord::Refuse(refused) => refused.status,
            LastWord::Fail(_) | LastWord::Complete(_) => 200,
        }
    }

    /// Says it. A caller who is gone misses it, and nothing else.
    async fn say(self, mut relay: Box<Relay>, stream: bool, head: &Head, line: &mut Line) {
        let mut out = Vec::new();
        let said = match self {
            LastWord::Refuse(refused) => line.answer(Reply::Refused(refused)),
            LastWord::Fail(_) if !line.has_begun() => line.answer(Reply::Refused(Refused::internal())),
            LastWord::Fail(fault) => {
                relay.fail(&fault, &mut out);
                line.send(head, Bytes::from(out)).await
            }
            LastWord::Complete(bill) => {
                relay.complete(&bill, &mut out);
                if stream { line.send(head, Bytes::from(out)).await } else { line.answer(Reply::Body(head.clone(), Bytes::from(out))) }
            }
        };
        if said.is_err() {
            tracing::debug!("the caller was gone before the last word");
        }
    }
}

//! One generation from its hold to its settlement: attempts in plan order until one serves.
//!
//! Runs in a task of its own. Whatever happens (failover, a caller who hangs up, a shutdown), it ends in
//! exactly one `Closed` entry of the journal and one settlement.

use portolan_core::{Class, Fault, Origin, Retry, UnixMillis, Usage};
use portolan_dialect::ir;
use portolan_dialect::relay::Relay;
use portolan_ledger::{Attempt, End, Entry, Held, Opened};
use portolan_store::JournalError;
use tokio::time::Instant;

use crate::Engine;
use crate::chat::{OutputLimit, Planned};
use crate::reply::{Head, Line};
use crate::watch::{Interrupt, Watch};

/// A generation under way.
pub(crate) struct Run {
    pub(crate) engine: Engine,
    pub(crate) planned: Planned,
    pub(crate) held: Held,
    pub(crate) limit: OutputLimit,
    pub(crate) head: Head,
    /// The place in the plan of the attempt under way.
    pub(crate) current: usize,
    /// The models, by their place in the request, of which every endpoint would refuse it.
    refusing: Vec<u16>,
    /// What was tried, in order.
    pub(crate) attempts: Vec<Attempt>,
    /// The canonical form, once an attempt needed it.
    pub(crate) request: Option<ir::Request>,
    pub(crate) gateway_us: Option<u32>,
    pub(crate) first_token_ms: Option<u32>,
    /// The caller hung up, and the provider is read on for its usage; `true`: after content.
    pub(crate) abandoned: Option<bool>,
}

/// How a generation ended, before it is settled.
pub(crate) struct Ended {
    pub(crate) end: End,
    /// What the caller shall be told went wrong, and at which provider.
    pub(crate) fault: Option<Fault>,
    /// The answer of the attempt that served. Boxed, for it goes from hand to hand.
    pub(crate) relay: Option<Box<Relay>>,
}

/// How an attempt ended.
pub(crate) enum Tried {
    /// The generation ends with it.
    Ended(Ended),
    /// It failed before content.
    Failed(Fault, Option<Box<Relay>>),
}

impl Ended {
    pub(crate) fn with(end: End, fault: Option<Fault>, relay: Option<Box<Relay>>) -> Self {
        Self { end, fault, relay }
    }
}

impl Run {
    pub(crate) fn new(engine: Engine, planned: Planned, held: Held, limit: OutputLimit) -> Self {
        let simulated = planned.plan.simulator_use == portolan_routing::SimulatorUse::OnlySimulated;
        let head = Head { simulated, lowered_max_tokens: limit.lowered.then_some(limit.tokens) };
        Self {
            engine,
            planned,
            held,
            limit,
            head,
            current: 0,
            attempts: Vec::with_capacity(1),
            request: None,
            gateway_us: None,
            first_token_ms: None,
            refusing: Vec::new(),
            abandoned: None,
        }
    }

    /// The whole of it.
    pub(crate) async fn run(mut self: Box<Self>, mut line: Line) {
        let ended = self.serve(&mut line).await;
        self.settle(ended, line).await;
    }

    async fn serve(&mut self, line: &mut Line) -> Ended {
        let settings = self.engine.settings();
        let keep_alive = self.planned.inbound.peek.stream.then_some(settings.keep_alive);
        let mut watch = Watch::new(self.engine.tasks().cut(), keep_alive);
        let mut last = None;
        let mut next = Some(0);
        // Only what is tried first is probed for sure.
        self.planned.release_probes(1);
        while let Some(index) = next {
            if let Err(skipped) = self.make_room(index) {
                self.skip(index, skipped);
                next = self.after(index);
                continue;
            }
            self.current = index;
            match self.attempt(index, line, &mut watch).await {
                Tried::Ended(ended) => return ended,
                Tried::Failed(fault, relay) => {
                    next = self.failed(index, &fault, line);
                    last = Some(Ended::with(end_before_content(&fault), Some(fault), relay));
                }
            }
        }
        match (self.abandoned, last) {
            (Some(_), last) => Ended::with(End::CallerGoneBeforeContent, None, last.and_then(|l| l.relay)),
            (None, Some(last)) => last,
            (None, None) => Ended::with(End::UpstreamErrorBeforeContent, Some(internal("a plan had no attempt")), None),
        }
    }

    /// Notes a failed attempt; answers which to try next.
    fn failed(&mut self, index: usize, fault: &Fault, line: &Line) -> Option<usize> {
        let choice = self.planned.plan.attempts[index];
        self.planned.health().failed(choice.endpoint, fault, self.now());
        if fault.retry == Retry::Never {
            self.refusing.push(choice.requested);
        }
        tracing::info!(
            generation.id = %self.planned.inbound.id, attempt.index = index, endpoint.tag = self.planned.endpoint(index).tag,
            fault.class = ?fault.class, fault.status = fault.status, "an attempt failed"
        );
        let out_of_time = self.planned.inbound.begun.elapsed() >= self.engine.settings().timeouts.total;
        let nobody_waits = self.abandoned.is_some() || line.is_closed();
        if out_of_time || nobody_waits || fault.class == Class::Draining { None } else { self.after(index) }
    }

    /// The attempt after `index`. What every endpoint of a model would refuse may still suit the next model that the caller named.
    fn after(&self, index: usize) -> Option<usize> {
        let attempts = &self.planned.plan.attempts;
        (index + 1..attempts.len()).find(|i| !self.refusing.contains(&attempts[*i].requested))
    }

    /// Extends the hold to this attempt.
    fn make_room(&mut self, index: usize) -> Result<(), Fault> {
        if index == 0 {
            return Ok(());
        }
        // A limit is lowered only where no endpoint had room for its own.
        let limit = if self.limit.lowered { self.limit } else { self.planned.output_limit(index) };
        let quote = self.planned.quote(index, limit.tokens);
        let today = self.engine.clock().now().day();
        self.planned.inbound.caller.extend(&mut self.held, quote, today).map_err(|refusal| {
            Fault::new(
                Origin::Gateway,
                Class::RateLimitExceeded,
                Retry::NextEndpoint,
                format!("skipped: the budget does not reach for this endpoint: {refusal}"),
            )
        })?;
        // Not before: the record of an endpoint that failed keeps the limit that it was sent.
        self.limit = limit;
        Ok(())
    }

    fn skip(&mut self, index: usize, fault: Fault) {
        let mut attempt = self.attempt_record(index);
        attempt.fault = Some(fault);
        self.attempts.push(attempt);
    }

    /// Writes that money may be spent from here on. Before every send.
    pub(crate) async fn note_opening(&self, index: usize) -> Result<(), JournalError> {
        let planned = &self.planned;
        let opened = Opened {
            id: planned.inbound.id.clone(),
            at: planned.inbound.at,
            key: planned.inbound.caller.key.hash,
            model: planned.slug(index).shared(),
            provider: planned.provider(index).slug.shared(),
            endpoint: planned.endpoint(index).tag.clone(),
            price_version: planned.endpoint(index).prices.version,
            held: self.held.entries().to_vec(),
            simulated: self.head.simulated,
        };
        // The first that is sent opens, also after attempts that could not even be written.
        let entry = if self.gateway_us.is_none() { Entry::Opened(opened) } else { Entry::Extended(opened) };
        self.engine.journal().append(&entry).await
    }

    pub(crate) fn attempt_record(&self, index: usize) -> Attempt {
        let planned = &self.planned;
        Attempt {
            model: planned.slug(index).shared(),
            provider: planned.provider(index).slug.shared(),
            endpoint: planned.endpoint(index).tag.clone(),
            lane: "".into(),
            lane_reason: "".into(),
            dropped: Vec::new(),
            upstream_id: None,
            served_model: None,
            served_provider: None,
            status: None,
            fault: None,
            started_ms: millis_since(planned.inbound.begun),
            took_ms: 0,
            usage: Usage::default(),
            cost: portolan_core::Money::ZERO,
            price_version: planned.endpoint(index).prices.version,
        }
    }

    /// What an interruption means while there is no content yet.
    pub(crate) fn interrupted_before_content(&self, why: Interrupt, relay: Option<Box<Relay>>) -> Tried {
        match why {
            Interrupt::Gone => Tried::Ended(Ended::with(End::CallerGoneBeforeContent, None, relay)),
            Interrupt::Cut => Tried::Ended(Ended::with(End::DrainedBeforeContent, Some(draining()), relay)),
            Interrupt::Late => {
                let message = "the provider did not begin to answer in time";
                Tried::Failed(Fault::new(Origin::Upstream, Class::Timeout, Retry::NextEndpoint, message), relay)
            }
        }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.engine.clock().now()
    }
}

fn end_before_content(fault: &Fault) -> End {
    match fault.class {
        Class::Timeout => End::TimeoutBeforeContent,
        Class::Draining => End::DrainedBeforeContent,
        _ => End::UpstreamErrorBeforeContent,
    }
}

pub(crate) fn draining() -> Fault {
    Fault::new(Origin::Gateway, Class::Draining, Retry::Never, "the gateway is shutting down; send the request again")
}

pub(crate) fn internal(message: &str) -> Fault {
    Fault::new(Origin::Gateway, Class::Internal, Retry::Never, message)
}

pub(crate) fn millis_since(begun: Instant) -> u32 {
    u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX)
}

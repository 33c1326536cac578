//! From the first byte of an answer to its last: commit at the first content, then relay.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use portolan_core::{Class, Fault, Origin, Retry};
use portolan_dialect::ir::Finish;
use portolan_dialect::relay::Relay;
use portolan_ledger::End;
use tokio::time::Instant;

use crate::generation::{Ended, Run, Tried, draining, millis_since};
use crate::reply::Line;
use crate::watch::{Interrupt, Watch};

/// What is gathered from one wake-up at most before the caller gets it.
const GATHER_BYTES_MAX: usize = 64 * 1024;
/// Under a strict limit: output bytes for each token of the bound, at most. Single tokens may be longer, but no text averages near it.
const BYTES_PER_TOKEN_MAX: u64 = 16;
/// No answer is longer, whatever its limit says: a provider that never ends is cut.
const STREAM_BYTES_MAX: u64 = 256 * 1024 * 1024;

enum Frames {
    More,
    End,
    Broken(String),
}

impl Run {
    pub(crate) async fn relay(
        &mut self,
        index: usize,
        mut relay: Box<Relay>,
        mut body: Incoming,
        line: &mut Line,
        watch: &mut Watch,
    ) -> Tried {
        let mut out = Vec::new();
        let mut committed = false;
        loop {
            let frames = watch.wait(line, &self.head, |cx| poll_frames(&mut body, &mut relay, &mut out, cx)).await;
            // Whatever came with it in one wake-up: content is content, and there is no failover after it.
            if !committed && relay.seen().content && self.planned.inbound.peek.stream {
                committed = true;
                self.commit();
            }
            let ended = match frames {
                Ok(Frames::More) if relay.seen().done => true,
                Ok(Frames::More) => false,
                Ok(Frames::End) => {
                    relay.end(&mut out);
                    true
                }
                Ok(Frames::Broken(error)) => return self.broken_off(relay, committed, out, line, &error).await,
                Err(Interrupt::Gone) if self.reads_on(index, line, watch, committed) => continue,
                Err(why) => return self.interrupted(why, relay, committed, line),
            };
            if let Some(fault) = relay.seen().fault.clone() {
                return self.faulted(relay, committed, out, line, fault).await;
            }
            if let Some(cut) = self.meter(&relay) {
                return self.cut(relay, committed, cut);
            }
            match self.pass_on(line, &mut out, relay.seen().content).await {
                // The end was not passed on: the answer must not look whole.
                Err(Interrupt::Cut) => return self.interrupted(Interrupt::Cut, relay, committed, line),
                _ if ended => return Tried::Ended(Ended::with(self.end_of(&relay), None, Some(relay))),
                Err(why) if !self.reads_on(index, line, watch, true) => return self.interrupted(why, relay, committed, line),
                Ok(()) | Err(_) => {}
            }
            // Hidden reasoning is no content yet, and proof of life all the same.
            if relay.seen().output_bytes > 0 && self.abandoned.is_none() {
                watch.until(self.idle_due());
            }
            // A provider that always has more ready leaves the watch no moment to look.
            if watch.is_late() {
                return self.interrupted(Interrupt::Late, relay, committed, line);
            }
        }
    }

    /// The first content: no failover after it, and the request is needed no more.
    fn commit(&mut self) {
        self.first_token_ms = Some(millis_since(self.planned.inbound.begun));
        self.planned.inbound.body = Bytes::new();
        self.request = None;
    }

    fn idle_due(&self) -> Instant {
        let timeouts = self.engine.settings().timeouts;
        (Instant::now() + timeouts.idle).min(self.planned.inbound.begun + timeouts.total)
    }

    /// Whether the time is over because the caller did not read: else a slow reader would have the answer for nothing.
    fn is_held_up(&self, line: &Line) -> bool {
        line.held_up() >= self.engine.settings().timeouts.idle
    }

    /// Sends what is ready. Before content nothing goes out; JSON answers go out whole, after settlement.
    async fn pass_on(&mut self, line: &mut Line, out: &mut Vec<u8>, content: bool) -> Result<(), Interrupt> {
        if out.is_empty() || !self.planned.inbound.peek.stream || !content {
            return Ok(());
        }
        let ready = Bytes::from(std::mem::take(out));
        line.send(&self.head, ready).await
    }

    fn end_of(&self, relay: &Relay) -> End {
        let seen = relay.seen();
        if let Some(after_content) = self.abandoned {
            return if after_content { End::CallerGoneAfterContent } else { End::CallerGoneBeforeContent };
        }
        match &seen.finish {
            Some((Finish::Error, _)) if seen.content => End::UpstreamErrorAfterContent,
            Some((Finish::Error, _)) => End::UpstreamErrorBeforeContent,
            _ if !seen.content && seen.usage.is_none_or(|u| u.completion_tokens() == 0) => End::ZeroCompletion,
            _ => End::Completed,
        }
    }

    async fn broken_off(&mut self, relay: Box<Relay>, committed: bool, out: Vec<u8>, line: &mut Line, error: &str) -> Tried {
        let message = format!("the provider broke off its answer: {error}");
        let fault = Fault::new(Origin::Upstream, Class::ProviderUnavailable, Retry::NextEndpoint, message);
        self.faulted(relay, committed, out, line, fault).await
    }

    /// The answer failed. Before the commit another endpoint may serve; after it the caller gets what was ready, then the error.
    async fn faulted(&mut self, relay: Box<Relay>, committed: bool, mut out: Vec<u8>, line: &mut Line, fault: Fault) -> Tried {
        match self.abandoned {
            Some(true) => Tried::Ended(Ended::with(End::CallerGoneAfterContent, None, Some(relay))),
            Some(false) => Tried::Ended(Ended::with(End::CallerGoneBeforeContent, None, Some(relay))),
            None if !committed => Tried::Failed(fault, Some(relay)),
            None => {
                let _ = self.pass_on(line, &mut out, relay.seen().content).await;
                self.planned.health().failed(self.serving(), &fault, self.now());
                Tried::Ended(Ended::with(End::UpstreamErrorAfterContent, Some(fault), Some(relay)))
            }
        }
    }

    fn interrupted(&mut self, why: Interrupt, relay: Box<Relay>, committed: bool, line: &Line) -> Tried {
        match (why, self.abandoned) {
            // The bound of reading on was reached: what was seen so far counts.
            (_, Some(true)) => Tried::Ended(Ended::with(End::CallerGoneAfterContent, None, Some(relay))),
            (_, Some(false)) => Tried::Ended(Ended::with(End::CallerGoneBeforeContent, None, Some(relay))),
            (_, None) if !committed => self.interrupted_before_content(why, Some(relay)),
            (Interrupt::Gone, None) => Tried::Ended(Ended::with(End::CallerGoneAfterContent, None, Some(relay))),
            (Interrupt::Cut, None) => Tried::Ended(Ended::with(End::DrainedAfterContent, Some(draining()), Some(relay))),
            (Interrupt::Late, None) if self.is_held_up(line) => read_too_slowly(relay),
            (Interrupt::Late, None) => {
                let fault =
                    Fault::new(Origin::Upstream, Class::Timeout, Retry::NextEndpoint, "the provider stopped in the middle of its answer");
                self.planned.health().failed(self.serving(), &fault, self.now());
                Tried::Ended(Ended::with(End::TimeoutAfterContent, Some(fault), Some(relay)))
            }
        }
    }

    /// Why the answer must be cut, if it must: it passed a bound that no honest answer passes.
    fn meter(&self, relay: &Relay) -> Option<&'static str> {
        let seen = relay.seen();
        if seen.output_bytes > STREAM_BYTES_MAX {
            return Some("the answer is longer than any answer may be");
        }
        if !self.planned.wanted.strict {
            return None;
        }
        let bound = self.output_bound();
        // After the finish there is nothing left to cut: the answer is the caller's, and what it cost above the hold is flagged.
        if seen.finish.is_none() && seen.usage.is_some_and(|u| u.completion_tokens() > bound) {
            return Some("the provider reported more output tokens than the limit that it was sent");
        }
        (seen.output_bytes > bound.saturating_mul(BYTES_PER_TOKEN_MAX))
            .then_some("the provider sent more output than the limit that it was sent")
    }

    fn cut(&mut self, relay: Box<Relay>, committed: bool, why: &'static str) -> Tried {
        let fault = Fault::new(Origin::Upstream, Class::InvalidAnswer, Retry::NextEndpoint, why);
        self.planned.health().bar_strict(self.serving());
        tracing::error!(generation.id = %self.planned.inbound.id, committed, "an answer was cut: {why}");
        Tried::Ended(Ended::with(End::CutByMeter, Some(fault), Some(relay)))
    }
}

fn read_too_slowly(relay: Box<Relay>) -> Tried {
    let message = "the answer was read too slowly: the time for the whole request is over";
    let fault = Fault::new(Origin::Caller, Class::CallerGone, Retry::Never, message);
    Tried::Ended(Ended::with(End::CallerGoneAfterContent, Some(fault), Some(relay)))
}

/// All frames that are ready now.
fn poll_frames(body: &mut Incoming, relay: &mut Relay, out: &mut Vec<u8>, cx: &mut Context<'_>) -> Poll<Frames> {
    let mut any = false;
    loop {
        match Pin::new(&mut *body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    relay.push(data, out);
                    any = true;
                }
                if relay.seen().fault.is_some() || out.len() >= GATHER_BYTES_MAX {
                    return Poll::Ready(Frames::More);
                }
            }
            Poll::Ready(None) => return Poll::Ready(Frames::End),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Frames::Broken(error.to_string())),
            Poll::Pending if any => return Poll::Ready(Frames::More),
            Poll::Pending => return Poll::Pending,
        }
    }
}

//! What a generation tells health about the endpoint that it ended at.

use portolan_core::{Class, Fault, Meter, Origin, Retry, UnixMillis, Usage};
use portolan_dialect::relay::ToolCalls;
use portolan_ledger::End;
use portolan_routing::Rule;

use super::{HealthTable, Served};
use crate::chat::Planned;
use crate::generation::{Ended, Run};
use crate::reply::Line;

/// Fewer tokens after the first say little about a speed.
const TOKENS_MIN: u64 = 16;
/// What took less time came in one piece, and says little as well.
const STREAMED_MS_MIN: f64 = 50.0;

/// When what happened in an attempt, in milliseconds from its beginning.
#[derive(Debug, Clone, Copy)]
struct Timing {
    /// The first content. `None`: the answer was not streamed.
    first_token: Option<f64>,
    /// The end.
    end: f64,
    /// How much of it the answer waited for its reader.
    held_up: f64,
}

impl Timing {
    /// Tokens per second after the first.
    ///
    /// Reasoning may have been produced before anything was shown: an answer with reasoning is measured from the beginning
    /// of its attempt, which understates its speed by the wait for the first token and never overstates it.
    #[expect(clippy::cast_precision_loss, reason = "a measured speed")]
    fn throughput(&self, usage: &Usage) -> Option<f64> {
        let first = self.first_token?;
        let (tokens, from) = match usage.completion_tokens() {
            tokens if usage[Meter::Reasoning] > 0 => (tokens, 0.0),
            tokens => (tokens.saturating_sub(1), first),
        };
        let ms = self.end - from - self.held_up;
        (tokens >= TOKENS_MIN && ms >= STREAMED_MS_MIN).then(|| tokens as f64 * 1_000.0 / ms)
    }
}

impl Run {
    /// Notes how the generation ended. Faults of attempts were noted where they came up.
    pub(crate) fn note_health(&self, ended: &Ended, usage: &Usage, line: &Line) {
        let (health, now) = (self.planned.health(), self.now());
        match ended.end {
            End::Completed | End::ZeroCompletion => {
                let timing = self.timing(line);
                #[expect(clippy::cast_possible_truncation, reason = "milliseconds of one attempt")]
                let began = UnixMillis(now.0.saturating_sub(timing.end as i64));
                let output_tokens = (ended.end == End::Completed).then(|| usage.completion_tokens());
                let served = Served { began, output_tokens, latency_ms: timing.first_token, throughput: timing.throughput(usage) };
                health.served(self.serving(), &served, now);
                if let Some(calls) = self.tool_calls(ended) {
                    health.tool_calls(self.serving(), calls == ToolCalls::Bad, now);
                }
            }
            End::UpstreamErrorBeforeContent | End::UpstreamErrorAfterContent if ended.fault.is_none() => {
                let message = "the provider ended its answer with an error";
                let fault = Fault::new(Origin::Upstream, Class::ProviderUnavailable, Retry::NextEndpoint, message);
                health.failed(self.serving(), &fault, now);
            }
            _ => {}
        }
        // A probe that told neither way, because its caller hung up, say, is somebody else's now.
        self.planned.release_probes(0);
    }

    /// What the tool calls of a completed answer are like.
    fn tool_calls(&self, ended: &Ended) -> Option<ToolCalls> {
        let relay = ended.relay.as_ref().filter(|_| ended.end == End::Completed)?;
        relay.tool_calls(&self.planned.inbound.peek.offered, &self.planned.inbound.body)
    }

    fn timing(&self, line: &Line) -> Timing {
        // The last attempt is the one that served.
        let (started, took) = self.attempts.last().map_or((0, 0), |attempt| (attempt.started_ms, attempt.took_ms));
        Timing {
            first_token: self.first_token_ms.map(|ms| f64::from(ms.saturating_sub(started))),
            end: f64::from(took),
            held_up: line.held_up().as_secs_f64() * 1_000.0,
        }
    }
}

impl Planned {
    /// The health of the endpoints, or of those that the simulator plays.
    pub(crate) fn health(&self) -> &HealthTable {
        self.deployment.health(self.inbound.simulate)
    }

    /// Gives back the permits to probe that this plan took, but for those of the attempts before `from`.
    pub(crate) fn release_probes(&self, from: usize) {
        let attempts = self.plan.attempts.iter().skip(from).filter(|choice| choice.probes).map(|choice| choice.endpoint);
        // Whether fallbacks are allowed is asked when they have been ordered.
        let cut = self.plan.rejected.iter().filter(|rejection| rejection.rule == Rule::FallbackNotAllowed).map(|r| r.endpoint);
        self.health().release(attempts.chain(cut), self.inbound.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_is_told_of_streams_that_are_long_enough() {
        // Tokens, of which reasoning; the first token, the end and the waiting for the reader; the speed.
        let cases = [
            ((101, 0), (Some(500.0), 1_500.0, 0.0), Some(100.0)),
            ((101, 0), (Some(500.0), 2_500.0, 1_000.0), Some(100.0)),
            ((101, 50), (Some(500.0), 2_020.0, 0.0), Some(50.0)),
            ((16, 0), (Some(500.0), 1_500.0, 0.0), None),
            ((17, 0), (Some(500.0), 1_500.0, 0.0), Some(16.0)),
            ((101, 0), (Some(500.0), 549.0, 0.0), None),
            ((101, 0), (Some(500.0), 400.0, 0.0), None),
            ((101, 0), (None, 1_500.0, 0.0), None),
        ];
        for ((tokens, reasoning), (first_token, end, held_up), expected) in cases {
            let usage = Usage::default().with(Meter::Output, tokens - reasoning).with(Meter::Reasoning, reasoning);
            let found = Timing { first_token, end, held_up }.throughput(&usage);
            assert_eq!(found, expected, "{tokens} {reasoning} {first_token:?} {end} {held_up}");
        }
    }
}

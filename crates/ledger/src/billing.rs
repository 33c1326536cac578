//! The billing table: what the end of a generation makes of its cost. `docs/money.md` shows the same table.

use portolan_core::Money;
use serde::{Deserialize, Serialize};

/// How a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The answer is whole.
    Completed,
    /// The provider finished and said nothing (no output tokens, no content).
    ZeroCompletion,
    /// Every attempt failed before content.
    UpstreamErrorBeforeContent,
    /// The provider broke off, or sent an error, after content.
    UpstreamErrorAfterContent,
    /// The first token did not come in time, at any endpoint.
    TimeoutBeforeContent,
    /// The stream paused too long, or the whole took too long, after content.
    TimeoutAfterContent,
    /// The caller hung up before content.
    CallerGoneBeforeContent,
    /// The caller hung up after content.
    CallerGoneAfterContent,
    /// The gateway shut down before content.
    DrainedBeforeContent,
    /// The gateway shut down after content.
    DrainedAfterContent,
    /// The meter cut the answer: it passed its bound.
    CutByMeter,
    /// The process ended before the generation did; found at the next start.
    Orphaned,
}

impl End {
    /// All of them.
    pub const ALL: &[End] = &[
        End::Completed,
        End::ZeroCompletion,
        End::UpstreamErrorBeforeContent,
        End::UpstreamErrorAfterContent,
        End::TimeoutBeforeContent,
        End::TimeoutAfterContent,
        End::CallerGoneBeforeContent,
        End::CallerGoneAfterContent,
        End::DrainedBeforeContent,
        End::DrainedAfterContent,
        End::CutByMeter,
        End::Orphaned,
    ];

    /// The word that records, metrics and documents use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            End::Completed => "completed",
            End::ZeroCompletion => "zero_completion",
            End::UpstreamErrorBeforeContent => "upstream_error_before_content",
            End::UpstreamErrorAfterContent => "upstream_error_after_content",
            End::TimeoutBeforeContent => "timeout_before_content",
            End::TimeoutAfterContent => "timeout_after_content",
            End::CallerGoneBeforeContent => "caller_gone_before_content",
            End::CallerGoneAfterContent => "caller_gone_after_content",
            End::DrainedBeforeContent => "drained_before_content",
            End::DrainedAfterContent => "drained_after_content",
            End::CutByMeter => "cut_by_meter",
            End::Orphaned => "orphaned",
        }
    }
}

/// The charge of a generation: `served` is the cost of the attempt that served (or would have), `held` the hold.
#[must_use]
pub fn charge(end: End, served: Money, held: Money) -> Money {
    match end {
        End::Completed | End::CallerGoneBeforeContent | End::CallerGoneAfterContent | End::CutByMeter => served,
        End::ZeroCompletion
        | End::UpstreamErrorBeforeContent
        | End::UpstreamErrorAfterContent
        | End::TimeoutBeforeContent
        | End::TimeoutAfterContent
        | End::DrainedBeforeContent
        | End::DrainedAfterContent => Money::ZERO,
        End::Orphaned => held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_is_in_the_table_of_the_documentation() {
        let page = include_str!("../../../docs/money.md");
        for end in End::ALL {
            let row =
                page.lines().find(|l| l.starts_with(&format!("| `{}`", end.as_str()))).unwrap_or_else(|| panic!("no row for {end:?}"));
            let expected = match charge(*end, Money(1), Money(2)) {
                Money(1) => "what was served",
                Money(2) => "what was held",
                _ => "nothing",
            };
            assert!(row.contains(expected), "{row} does not say `{expected}`");
        }
    }
}

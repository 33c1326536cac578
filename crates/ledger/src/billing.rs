//! The billing table: what the end of a generation makes of its cost. `docs/money.md` shows the same table.

use portolan_core::Money;

portolan_core::words! {
    /// How a generation ended.
    pub enum End {
        /// The answer is whole.
        Completed = "completed",
        /// The provider finished and said nothing (no output tokens, no content).
        ZeroCompletion = "zero_completion",
        /// Every attempt failed before content.
        UpstreamErrorBeforeContent = "upstream_error_before_content",
        /// The provider broke off, or sent an error, after content.
        UpstreamErrorAfterContent = "upstream_error_after_content",
        /// The first token did not come in time, at any endpoint.
        TimeoutBeforeContent = "timeout_before_content",
        /// The stream paused too long, or the whole took too long, after content.
        TimeoutAfterContent = "timeout_after_content",
        /// The caller hung up before content.
        CallerGoneBeforeContent = "caller_gone_before_content",
        /// The caller hung up after content.
        CallerGoneAfterContent = "caller_gone_after_content",
        /// The gateway shut down before content.
        DrainedBeforeContent = "drained_before_content",
        /// The gateway shut down after content.
        DrainedAfterContent = "drained_after_content",
        /// The meter cut the answer: it passed its bound.
        CutByMeter = "cut_by_meter",
        /// The process ended before the generation did; found at the next start.
        Orphaned = "orphaned",
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
            let expected = match charge(end, Money(1), Money(2)) {
                Money(1) => "what was served",
                Money(2) => "what was held",
                _ => "nothing",
            };
            assert!(row.contains(expected), "{row} does not say `{expected}`");
        }
    }
}

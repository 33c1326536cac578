//! What was truly served, and the ways in which a provider may report it.

use serde_json::Value;

/// Tokens of one answer. `input` includes what was read from and written to the cache; `output` includes reasoning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) input: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_write_5m: u64,
    pub(crate) cache_write_1h: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
}

impl Usage {
    /// Input that neither came from the cache nor went there.
    pub(crate) fn uncached(&self) -> u64 {
        self.input - self.cache_read - self.cache_write()
    }

    pub(crate) fn cache_write(&self) -> u64 {
        self.cache_write_5m + self.cache_write_1h
    }
}

/// How the report differs from the truth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Lie {
    /// It does not.
    #[default]
    None,
    /// There is no report.
    Missing,
    /// Every count is negative.
    Negative,
    /// Every count is a string.
    Text,
    /// Every count is 9 * 10^18.
    Huge,
    /// The report comes twice; adding them up is the trap.
    Twice,
    /// An early report is higher than the last, which is true.
    Falling,
    /// Ten times the output that the caller allowed.
    Over,
    /// Every count is 0.
    Zero,
}

/// A report as it goes over the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reported {
    usage: Usage,
    lie: Lie,
    early: bool,
}

impl Reported {
    /// The last report of an answer, or its only one. `None` when this provider does not report.
    pub(crate) fn last(truth: Usage, lie: Lie, max_tokens: Option<u64>) -> Option<Reported> {
        let mut usage = truth;
        match lie {
            Lie::Missing => return None,
            Lie::Over => usage.output = max_tokens.unwrap_or(truth.output.max(1)).saturating_mul(10),
            _ => {}
        }
        Some(Reported { usage, lie, early: false })
    }

    /// A report before the content; output counts what is there so far.
    pub(crate) fn early(truth: Usage, lie: Lie) -> Option<Reported> {
        let usage = Usage { output: truth.output.min(1), reasoning: 0, ..truth };
        (lie != Lie::Missing).then_some(Reported { usage, lie, early: true })
    }

    /// The counts to report, before [`Reported::number`] writes them.
    pub(crate) fn usage(&self) -> Usage {
        self.usage
    }

    /// A count as this provider writes it.
    pub(crate) fn number(&self, count: u64) -> Value {
        match self.lie {
            Lie::Negative => Value::from(-1 - i64::try_from(count).unwrap_or(i64::MAX - 1)),
            Lie::Text => Value::from(count.to_string()),
            Lie::Huge => Value::from(9_000_000_000_000_000_000_u64),
            Lie::Zero => Value::from(0),
            Lie::Falling if self.early => Value::from(count.saturating_add(1_000)),
            _ => Value::from(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lie_writes_its_own_numbers() {
        let truth = Usage { input: 10, output: 7, ..Usage::default() };
        let output = |lie, max| Reported::last(truth, lie, max).map(|report| report.number(report.usage().output));
        assert_eq!(output(Lie::None, None), Some(Value::from(7)));
        assert_eq!(output(Lie::Missing, None), None);
        assert_eq!(output(Lie::Negative, None), Some(Value::from(-8)));
        assert_eq!(output(Lie::Text, None), Some(Value::from("7")));
        assert_eq!(output(Lie::Over, Some(20)), Some(Value::from(200)));
        assert_eq!(output(Lie::Over, None), Some(Value::from(70)));
        assert_eq!(output(Lie::Zero, None), Some(Value::from(0)));
        let early = Reported::early(truth, Lie::Falling).expect("it reports");
        assert_eq!(early.number(early.usage().input), Value::from(1_010), "the first report is the higher one");
        assert_eq!(output(Lie::Falling, None), Some(Value::from(7)), "and the last is true");
    }
}

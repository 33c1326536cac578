//! Reported usage: spread over several events, cumulative, each field on its own.

use std::fmt;

use portolan_core::{Meter, Usage};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A count, or why it is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Count {
    /// Missing, or `null`.
    #[default]
    Absent,
    /// A count.
    Is(u64),
    /// Negative, a fraction, a text ...
    Odd,
}

/// `usage`, as it is sent.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    input_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    output_tokens: Count,
    cache_creation: Option<Creation>,
    output_tokens_details: Option<Details>,
    server_tool_use: Option<Searches>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Creation {
    ephemeral_5m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Details {
    thinking_tokens: Count,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Searches {
    web_search_requests: Count,
}

/// What has been reported so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    input: Option<u64>,
    cache_read: Option<u64>,
    written: Option<u64>,
    written_5m: Option<u64>,
    written_1h: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    searches: Option<u64>,
    odd: Option<&'static str>,
}

impl Tally {
    /// Takes a `usage` object in. `None`: it said nothing that can be counted.
    pub(super) fn take(&mut self, json: &str) -> Option<Usage> {
        match serde_json::from_str::<Report>(json) {
            Ok(report) => self.merge(&report).then(|| self.usage()),
            Err(_) => {
                self.odd = self.odd.or(Some("usage is not an object of counts"));
                None
            }
        }
    }

    /// Why a reported count made no sense, where one did not.
    pub(super) fn odd(&self) -> Option<&'static str> {
        self.odd
    }

    fn merge(&mut self, report: &Report) -> bool {
        let creation = report.cache_creation.unwrap_or_default();
        let pairs = [
            (&mut self.input, report.input_tokens),
            (&mut self.cache_read, report.cache_read_input_tokens),
            (&mut self.written, report.cache_creation_input_tokens),
            (&mut self.written_5m, creation.ephemeral_5m_input_tokens),
            (&mut self.written_1h, creation.ephemeral_1h_input_tokens),
            (&mut self.output, report.output_tokens),
            (&mut self.thinking, report.output_tokens_details.unwrap_or_default().thinking_tokens),
            (&mut self.searches, report.server_tool_use.unwrap_or_default().web_search_requests),
        ];
        let mut any = false;
        for (field, count) in pairs {
            match count {
                Count::Absent => {}
                Count::Odd => self.odd = self.odd.or(Some("a count is not a whole number of units")),
                // Counts are cumulative: some proxies repeat zeros at the end for what the start had right.
                Count::Is(n) if field.is_some_and(|before| n < before) => self.odd = self.odd.or(Some("a count decreased")),
                Count::Is(n) => {
                    *field = Some(n);
                    any = true;
                }
            }
        }
        any
    }

    fn usage(&self) -> Usage {
        let known = |field: Option<u64>| field.unwrap_or(0);
        let (five, hour) = (known(self.written_5m), known(self.written_1h));
        // Later events often repeat the total without its split; what the split does not explain was kept for minutes.
        let unexplained = known(self.written).saturating_sub(five.saturating_add(hour));
        let output = known(self.output);
        let thinking = known(self.thinking).min(output);
        Usage::default()
            .with(Meter::Input, known(self.input))
            .with(Meter::CacheRead, known(self.cache_read))
            .with(Meter::CacheWrite5m, five.saturating_add(unexplained))
            .with(Meter::CacheWrite1h, hour)
            .with(Meter::Output, output - thinking)
            .with(Meter::Reasoning, thinking)
            .with(Meter::Search, known(self.searches))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count")
            }
            fn visit_unit<E>(self) -> Result<Count, E> {
                Ok(Count::Absent)
            }
            fn visit_u64<E>(self, n: u64) -> Result<Count, E> {
                // Beyond this no provider counts: two such numbers still add up without a care.
                Ok(if n <= u64::from(u32::MAX) { Count::Is(n) } else { Count::Odd })
            }
            fn visit_i64<E>(self, _: i64) -> Result<Count, E> {
                Ok(Count::Odd)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Count, E> {
                Ok(Count::Odd)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Count, E> {
                Ok(Count::Odd)
            }
            fn visit_str<E>(self, _: &str) -> Result<Count, E> {
                Ok(Count::Odd)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Count, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Count::Odd)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Count::Odd)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_count_of_each_field_holds_and_silence_changes_nothing() {
        let mut tally = Tally::default();
        tally.take(r#"{"input_tokens":10,"cache_read_input_tokens":5,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":1}"#);
        let usage = tally
            .take(r#"{"input_tokens":null,"output_tokens":40,"output_tokens_details":{"thinking_tokens":15},"server_tool_use":{"web_search_requests":2}}"#)
            .unwrap();
        let expected = Usage::default()
            .with(Meter::Input, 10)
            .with(Meter::CacheRead, 5)
            .with(Meter::CacheWrite5m, 10)
            .with(Meter::CacheWrite1h, 20)
            .with(Meter::Output, 25)
            .with(Meter::Reasoning, 15)
            .with(Meter::Search, 2);
        assert_eq!(usage, expected);
        assert_eq!(tally.odd(), None);
    }

    #[test]
    fn cache_writes_without_a_split_were_kept_for_minutes() {
        let usage = Tally::default().take(r#"{"cache_creation_input_tokens":318,"output_tokens":1}"#).unwrap();
        assert_eq!((usage[Meter::CacheWrite5m], usage[Meter::CacheWrite1h]), (318, 0));
    }

    #[test]
    fn a_count_that_makes_no_sense_is_absent_and_said_to_be_odd() {
        for odd in [
            r#"{"output_tokens":-3}"#,
            r#"{"output_tokens":"12"}"#,
            r#"{"output_tokens":1.5}"#,
            r#"{"output_tokens":[1,{"a":2}]}"#,
            r#"{"output_tokens":{"n":1}}"#,
            r#"{"output_tokens":true}"#,
            r#"{"output_tokens":18446744073709551615}"#,
            r#"{"output_tokens":3}"#,
        ] {
            let mut tally = Tally::default();
            tally.take(r#"{"output_tokens":7}"#);
            assert_eq!(tally.take(odd), None, "{odd}");
            assert!(tally.odd().is_some(), "{odd}");
            assert_eq!(tally.usage()[Meter::Output], 7, "{odd}");
        }
        let mut tally = Tally::default();
        assert_eq!((tally.take("[]"), tally.take("7")), (None, None));
        assert!(tally.odd().is_some());
    }
}

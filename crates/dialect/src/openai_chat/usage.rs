//! Usage: OpenAI's objects, with the deviations of those who follow it, to our disjoint vector; and the object that callers see.
//!
//! A count that makes no sense (negative, a fraction, a text, absurdly large, and but for reasoning more than what it is a
//! part of) is treated as absent and reported as odd. Nothing here can fail, and no count is ever negative.

use portolan_core::{Meter, Money, Usage};

use super::decimal;
use crate::json::{JsonError, Kind, Reader};
use crate::relay::Bill;

/// No answer has more tokens than this: what is above is an error of the provider.
const TOKENS_MAX: u64 = 1 << 40;

/// What a usage object says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// The vector; `None` when neither prompt nor completion was counted sensibly.
    pub usage: Option<Usage>,
    /// What the endpoint says that it charges (`cost`, in US dollars), where it says so: resellers do.
    pub cost: Option<Money>,
    /// What makes no sense in it.
    pub odd: Option<&'static str>,
}

#[derive(Debug, Default)]
struct Counts {
    prompt: Option<u64>,
    completion: Option<u64>,
    total: Option<u64>,
    cached: u64,
    written: u64,
    written_1h: u64,
    input_audio: u64,
    input_image: u64,
    reasoning: u64,
    output_audio: u64,
    output_image: u64,
    cost: Option<Money>,
    /// Served with a key of the buyer's own (`is_byok`): `cost` is then only the fee.
    own_key: bool,
    /// What the provider behind a reseller charges (`cost_details.upstream_inference_cost`).
    upstream: Option<Money>,
    odd: Option<&'static str>,
    odd_cost: Option<&'static str>,
}

/// Reads the usage value that comes next; `null` is no usage.
///
/// # Errors
/// When it is no JSON.
pub fn read(r: &mut Reader<'_>, reasoning_beside_completion: bool) -> Result<Reading, JsonError> {
    if r.kind()? != Kind::Object {
        let odd = (r.kind()? != Kind::Null).then_some("usage is no object");
        r.skip()?;
        return Ok(Reading { odd, ..Reading::default() });
    }
    let mut counts = Counts::default();
    r.object(|r, key| counts.top(r, key.raw))?;
    Ok(counts.reading(reasoning_beside_completion))
}

impl Counts {
    fn top(&mut self, r: &mut Reader<'_>, key: &str) -> Result<(), JsonError> {
        match key {
            "prompt_tokens" => self.prompt = self.count(r)?,
            "completion_tokens" => self.completion = self.count(r)?,
            "cost" => self.cost = self.money(r)?,
            "is_byok" => self.own_key = r.raw()? == "true",
            "cost_details" if r.kind()? == Kind::Object => r.object(|r, key| self.cost_detail(r, key.raw)).map(drop)?,
            "total_tokens" => self.total = self.count(r)?,
            // DeepSeek; Together and Moonshot; Mistral; hosts that count as Anthropic does.
            "prompt_cache_hit_tokens" | "cached_tokens" | "num_cached_tokens" | "cache_read_input_tokens" => {
                self.cached = self.cached.max(self.some(r)?)
            }
            "cache_creation_input_tokens" => self.written = self.written.max(self.some(r)?),
            "reasoning_tokens" => self.reasoning = self.reasoning.max(self.some(r)?),
            "prompt_tokens_details" if r.kind()? == Kind::Object => r.object(|r, key| self.prompt_detail(r, key.raw)).map(drop)?,
            "completion_tokens_details" if r.kind()? == Kind::Object => r.object(|r, key| self.completion_detail(r, key.raw)).map(drop)?,
            "cache_creation" if r.kind()? == Kind::Object => r.object(|r, key| self.cache_creation(r, key.raw)).map(drop)?,
            _ => r.skip().map(drop)?,
        }
        Ok(())
    }

    fn cost_detail(&mut self, r: &mut Reader<'_>, key: &str) -> Result<(), JsonError> {
        if key == "upstream_inference_cost" {
            self.upstream = self.money(r)?;
            return Ok(());
        }
        r.skip().map(drop)
    }

    fn prompt_detail(&mut self, r: &mut Reader<'_>, key: &str) -> Result<(), JsonError> {
        match key {
            "cached_tokens" => self.cached = self.cached.max(self.some(r)?),
            "cache_write_tokens" => self.written = self.written.max(self.some(r)?),
            "audio_tokens" => self.input_audio = self.some(r)?,
            "image_tokens" => self.input_image = self.some(r)?,
            _ => r.skip().map(drop)?,
        }
        Ok(())
    }

    fn completion_detail(&mut self, r: &mut Reader<'_>, key: &str) -> Result<(), JsonError> {
        match key {
            "reasoning_tokens" => self.reasoning = self.reasoning.max(self.some(r)?),
            "audio_tokens" => self.output_audio = self.some(r)?,
            "image_tokens" => self.output_image = self.some(r)?,
            _ => r.skip().map(drop)?,
        }
        Ok(())
    }

    fn cache_creation(&mut self, r: &mut Reader<'_>, key: &str) -> Result<(), JsonError> {
        if key == "ephemeral_1h_input_tokens" {
            self.written_1h = self.some(r)?;
            return Ok(());
        }
        r.skip().map(drop)
    }

    /// A cost, digit by digit. One that makes no sense is absent and odd, as a count is.
    fn money(&mut self, r: &mut Reader<'_>) -> Result<Option<Money>, JsonError> {
        let kind = r.kind()?;
        let text = r.raw()?;
        let found = match kind {
            Kind::Number => decimal::money(text).ok(),
            Kind::String => decimal::money(text.trim_matches('"')).ok(),
            // Perplexity's is an object, and of no use here.
            _ => return Ok(None),
        };
        if found.is_none() {
            self.odd_cost = Some("a cost is no amount of money");
        }
        Ok(found)
    }

    fn some(&mut self, r: &mut Reader<'_>) -> Result<u64, JsonError> {
        self.count(r).map(Option::unwrap_or_default)
    }

    fn count(&mut self, r: &mut Reader<'_>) -> Result<Option<u64>, JsonError> {
        let kind = r.kind()?;
        let text = r.raw()?;
        let odd = match (kind, text.parse::<u64>()) {
            (Kind::Null, _) => return Ok(None),
            (Kind::Number, Ok(count)) if count <= TOKENS_MAX => return Ok(Some(count)),
            (Kind::Number, Ok(_)) => "a token count is absurdly large",
            (Kind::Number, Err(_)) if text.starts_with('-') => "a token count is negative",
            (Kind::Number, Err(_)) if text.bytes().all(|b| b.is_ascii_digit()) => "a token count is absurdly large",
            (Kind::Number, Err(_)) => "a token count is no whole number",
            _ => "a token count is no number",
        };
        self.odd = Some(odd);
        Ok(None)
    }

    /// Details are part of their totals, and absent where they are more; where counts stand beside a total, the grand total shows it.
    fn reading(mut self, reasoning_beside_completion: bool) -> Reading {
        let (Some(mut prompt), Some(mut completion)) = (self.prompt, self.completion.or(Some(0))) else {
            return self.reported(None);
        };
        // A count that was reported and is odd is unknown, not zero.
        if self.completion.is_none() && self.odd.is_some() {
            return self.reported(None);
        }
        let beyond = self.total.unwrap_or(0).saturating_sub(prompt + completion);
        if self.reasoning > 0 && (reasoning_beside_completion || beyond == self.reasoning) {
            completion += self.reasoning;
        } else if self.input_audio > 0 && beyond == self.input_audio {
            prompt += self.input_audio;
        }
        // Not reasoning: several providers count it otherwise than their completion. It is bounded by its whole below.
        for (part, whole) in [
            (&mut self.cached, prompt),
            (&mut self.written, prompt),
            (&mut self.input_audio, prompt),
            (&mut self.input_image, prompt),
            (&mut self.output_audio, completion),
            (&mut self.output_image, completion),
        ] {
            if *part > whole {
                *part = 0;
                self.odd = Some("a part of the tokens is larger than its whole");
            }
        }
        let mut usage = Usage::default();
        let mut left = prompt;
        let written_1h = self.written_1h.min(self.written);
        for (meter, count) in [
            (Meter::CacheRead, self.cached),
            (Meter::CacheWrite1h, written_1h),
            (Meter::CacheWrite5m, self.written - written_1h),
            (Meter::InputAudio, self.input_audio),
            (Meter::InputImage, self.input_image),
        ] {
            usage[meter] = count.min(left);
            left -= usage[meter];
        }
        usage[Meter::Input] = left;
        let mut left = completion;
        for (meter, count) in
            [(Meter::Reasoning, self.reasoning), (Meter::OutputAudio, self.output_audio), (Meter::OutputImage, self.output_image)]
        {
            usage[meter] = count.min(left);
            left -= usage[meter];
        }
        usage[Meter::Output] = left;
        self.reported(Some(usage))
    }

    fn reported(self, usage: Option<Usage>) -> Reading {
        // With a key of one's own the provider's bill comes beside the fee. Where it is not told, nobody knows the whole.
        let cost = if self.own_key { self.cost.zip(self.upstream).map(|(fee, upstream)| fee + upstream) } else { self.cost };
        Reading { usage, cost, odd: self.odd.or(self.odd_cost) }
    }
}

/// Appends OpenRouter's usage object, and the member `openrouter_metadata` after it where the bill has one.
pub fn write(bill: &Bill, out: &mut Vec<u8>) {
    let u = &bill.usage;
    let (prompt, completion) = (u.prompt_tokens(), u.completion_tokens());
    let total = prompt.saturating_add(completion);
    let written = u[Meter::CacheWrite5m].saturating_add(u[Meter::CacheWrite1h]);
    // Not by one format text: this is written for every answer, and such a text costs four times as much.
    let count = |out: &mut Vec<u8>, name: &str, count: u64| {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
    };
    let amount = |out: &mut Vec<u8>, name: &str, amount: Money| {
        out.extend_from_slice(name.as_bytes());
        amount.push_to(out);
    };
    count(out, r#"{"prompt_tokens":"#, prompt);
    count(out, r#","completion_tokens":"#, completion);
    count(out, r#","total_tokens":"#, total);
    amount(out, r#","cost":"#, bill.cost);
    count(out, r#","is_byok":false,"prompt_tokens_details":{"cached_tokens":"#, u[Meter::CacheRead]);
    count(out, r#","cache_write_tokens":"#, written);
    count(out, r#","audio_tokens":"#, u[Meter::InputAudio]);
    amount(out, r#","video_tokens":0},"cost_details":{"upstream_inference_cost":"#, bill.cost);
    amount(out, r#","upstream_inference_prompt_cost":"#, bill.prompt_cost);
    amount(out, r#","upstream_inference_completions_cost":"#, bill.completion_cost);
    count(out, r#"},"completion_tokens_details":{"reasoning_tokens":"#, u[Meter::Reasoning]);
    count(out, r#","image_tokens":"#, u[Meter::OutputImage]);
    count(out, r#","audio_tokens":"#, u[Meter::OutputAudio]);
    out.extend_from_slice(b"}}");
    if let Some(router) = &bill.router {
        out.extend_from_slice(b",\"openrouter_metadata\":");
        out.extend_from_slice(router.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(json: &str) -> Reading {
        read(&mut Reader::new(json), false).unwrap()
    }

    #[test]
    fn the_conventions_of_providers_become_one_disjoint_vector() {
        use Meter::{CacheRead, CacheWrite1h, CacheWrite5m, Input, InputAudio, InputImage, Output, OutputAudio, Reasoning};
        for (json, expected) in [
            (r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}"#, vec![(Input, 10), (Output, 5)]),
            (
                r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":1},"completion_tokens_details":{"reasoning_tokens":3,"audio_tokens":1}}"#,
                vec![(Input, 5), (CacheRead, 4), (InputAudio, 1), (Output, 1), (Reasoning, 3), (OutputAudio, 1)],
            ),
            (
                r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":6}"#,
                vec![(Input, 6), (CacheRead, 4), (Output, 5)],
            ),
            (r#"{"prompt_tokens":10,"completion_tokens":5,"cached_tokens":4}"#, vec![(Input, 6), (CacheRead, 4), (Output, 5)]),
            (
                r#"{"prompt_tokens":10,"completion_tokens":5,"cache_creation_input_tokens":6,"cache_creation":{"ephemeral_1h_input_tokens":2}}"#,
                vec![(Input, 4), (CacheWrite5m, 4), (CacheWrite1h, 2), (Output, 5)],
            ),
            // The total shows that reasoning, or audio, stands beside.
            (
                r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":35,"completion_tokens_details":{"reasoning_tokens":20}}"#,
                vec![(Input, 10), (Output, 5), (Reasoning, 20)],
            ),
            (
                r#"{"prompt_tokens":9,"completion_tokens":201,"total_tokens":585,"prompt_tokens_details":{"audio_tokens":375}}"#,
                vec![(Input, 9), (InputAudio, 375), (Output, 201)],
            ),
            // Details that overlap never exceed their total together.
            (
                r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":8,"image_tokens":6},"completion_tokens_details":{"reasoning_tokens":4,"audio_tokens":3}}"#,
                vec![(CacheRead, 8), (InputImage, 2), (Reasoning, 4), (OutputAudio, 1)],
            ),
            (r#"{"prompt_tokens":10,"completion_tokens":null,"total_tokens":null}"#, vec![(Input, 10)]),
        ] {
            let found = reading(json);
            let mut expected = expected;
            expected.sort_unstable();
            assert_eq!(found.usage.unwrap().counted().collect::<Vec<_>>(), expected, "{json}");
            assert_eq!(found.odd, None, "{json}");
        }
    }

    #[test]
    fn counts_that_make_no_sense_are_absent_and_told() {
        for (json, completion) in [
            (r#"{"prompt_tokens":-1,"completion_tokens":5}"#, None),
            (r#"{"prompt_tokens":10,"completion_tokens":-5}"#, None),
            (r#"{"prompt_tokens":10,"completion_tokens":1.5}"#, None),
            (r#"{"prompt_tokens":10,"completion_tokens":1e308}"#, None),
            (r#"{"prompt_tokens":10,"completion_tokens":99999999999999999999999}"#, None),
            (r#"{"prompt_tokens":10,"completion_tokens":18446744073709551615}"#, None),
            (r#"{"prompt_tokens":"10","completion_tokens":5}"#, None),
            (r#"{"prompt_tokens":10,"completion_tokens":[5]}"#, None),
            (r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":-4}}"#, Some(5)),
            (r#"{"prompt_tokens":10,"completion_tokens":5,"cached_tokens":"4"}"#, Some(5)),
            (r#""many""#, None),
            ("7", None),
        ] {
            let found = reading(json);
            assert!(found.odd.is_some(), "{json}");
            assert_eq!(found.usage.map(|u| u.completion_tokens()), completion, "{json}");
            assert!(found.usage.is_none_or(|u| u.prompt_tokens() == 10));
        }
        assert_eq!(reading("null"), Reading::default());
        assert_eq!(reading("{}"), Reading::default());
    }

    #[test]
    fn a_part_larger_than_its_whole_is_odd_and_makes_nothing_cheaper() {
        for (place, part) in [
            ("prompt_tokens_details", "cached_tokens"),
            ("prompt_tokens_details", "cache_write_tokens"),
            ("prompt_tokens_details", "audio_tokens"),
            ("prompt_tokens_details", "image_tokens"),
            ("completion_tokens_details", "audio_tokens"),
            ("completion_tokens_details", "image_tokens"),
        ] {
            let of = |count| reading(&format!(r#"{{"prompt_tokens":10,"completion_tokens":10,"{place}":{{"{part}":{count}}}}}"#));
            assert_eq!(of(500).usage, of(0).usage, "{part}");
            assert!(of(500).odd.is_some() && of(10).odd.is_none(), "{part}");
            assert_ne!(of(10).usage, of(0).usage, "{part}");
        }
        let written = r#"{"prompt_tokens":10,"cache_creation_input_tokens":12,"cache_creation":{"ephemeral_1h_input_tokens":6}}"#;
        assert_eq!(reading(written).usage, Some(Usage::default().with(Meter::Input, 10)));
    }

    #[test]
    fn a_reported_cost_is_read_digit_by_digit() {
        for (cost, want, odd) in [
            ("0.00014", Some(140_000), false),
            ("1.425e-05", Some(14_250), false),
            ("0", Some(0), false),
            ("\"0.25\"", Some(250_000_000), false),
            ("0.0000000015", Some(2), false),
            ("null", None, false),
            (r#"{"total_cost":0.5}"#, None, false),
            ("-0.5", None, true),
            ("1e300", None, true),
            ("\"much\"", None, true),
        ] {
            let found = reading(&format!(r#"{{"prompt_tokens":1,"cost":{cost}}}"#));
            assert_eq!((found.cost, found.odd.is_some()), (want.map(Money), odd), "{cost}");
            assert!(found.usage.is_some(), "{cost}");
        }
    }

    #[test]
    fn with_a_key_of_ones_own_the_cost_is_the_fee_and_the_providers_bill() {
        for (json, want) in [
            (r#""cost":0.05,"is_byok":true,"cost_details":{"upstream_inference_cost":1}"#, Some(1_050_000_000)),
            (r#""cost_details":{"upstream_inference_cost":1},"is_byok":true,"cost":0"#, Some(1_000_000_000)),
            (r#""cost":0.05,"is_byok":true,"cost_details":{"upstream_inference_cost":null}"#, None),
            (r#""cost":0.05,"is_byok":true"#, None),
            (r#""cost":0.05,"is_byok":false,"cost_details":{"upstream_inference_cost":0.05}"#, Some(50_000_000)),
            (r#""cost":0.05,"is_byok":null,"cost_details":null"#, Some(50_000_000)),
        ] {
            assert_eq!(reading(&format!(r#"{{"prompt_tokens":1,{json}}}"#)).cost, want.map(Money), "{json}");
        }
    }

    #[test]
    fn usage_that_decreases_is_odd_and_does_not_count() {
        let mut seen = crate::relay::Seen::default();
        for completion in [5, 9, 3] {
            seen.note_usage(Some(Usage::default().with(Meter::Input, 10).with(Meter::Output, completion)), None);
        }
        assert_eq!(seen.usage.unwrap().completion_tokens(), 9);
        assert_eq!(seen.odd_usage, Some("reported usage decreases"));
    }

    proptest::proptest! {
        #[test]
        fn the_vector_adds_up_whatever_the_details_say(counts in proptest::array::uniform8(0u64..1 << 40), total in 0u64..1 << 42) {
            let [p, c, cached, written, audio, image, reasoning, spoken] = counts;
            let json = format!(
                r#"{{"prompt_tokens":{p},"completion_tokens":{c},"total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":{cached},"cache_write_tokens":{written},"audio_tokens":{audio},"image_tokens":{image}}},"completion_tokens_details":{{"reasoning_tokens":{reasoning},"audio_tokens":{spoken}}}}}"#
            );
            let usage = reading(&json).usage.unwrap();
            proptest::prop_assert!(usage.prompt_tokens() == p || usage.prompt_tokens() == p + audio);
            proptest::prop_assert!(usage.completion_tokens() == c || usage.completion_tokens() == c + reasoning);
        }
    }
}

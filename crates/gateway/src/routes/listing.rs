//! What a list of models is asked for: the query of `GET /models` and of its like.
//!
//! Names that nobody knows are passed over, as OpenRouter does. A name that OpenRouter knows either works or is refused,
//! for a list that ignored it would look like an answer to it.

use portolan_catalog::{ModelFilter, ModelSort};
use portolan_core::{Area, Price, UnixMillis};
use portolan_engine::{Refused, Rule};

/// The modalities of OpenRouter's schema.
const INPUTS: &[&str] = &["text", "image", "file", "audio", "video"];
const OUTPUTS: &[&str] = &["text", "image", "embeddings", "audio", "video", "rerank", "decisions", "speech", "transcription"];

/// Stands for every output.
const ALL: &str = "all";

/// The length of a page that states none, and of the longest.
const LIMIT_DEFAULT: usize = 500;
const LIMIT_MAX: usize = 1000;

const SECONDS_OF_A_DAY: i64 = 86_400;

/// Names and values of a query together. Each word of it is looked for in each row, and anyone may ask.
const QUERY_BYTES_MAX: usize = 4096;

/// What of a wrong value is told back.
const SHOWN_CHARS_MAX: usize = 60;

/// What is no list, and so stands once: of two values only one could count, and nobody could see which.
const ONCE: &[&str] = &[
    "offset",
    "limit",
    "sort",
    "q",
    "arch",
    "distillable",
    "zdr",
    "region",
    "context",
    "min_price",
    "max_price",
    "min_output_price",
    "max_output_price",
    "min_age_days",
    "max_age_days",
    "use_rss",
];

/// Parameters of OpenRouter's for which there is no data here.
const NOT_SERVED: &[(&str, &str)] = &[
    ("category", "use cases of models are not known here"),
    ("min_intelligence_index", NO_SCORES),
    ("max_intelligence_index", NO_SCORES),
    ("min_coding_index", NO_SCORES),
    ("max_coding_index", NO_SCORES),
    ("min_agentic_index", NO_SCORES),
    ("max_agentic_index", NO_SCORES),
    ("min_tool_success_rate", NO_RATES),
    ("max_tool_success_rate", NO_RATES),
];
const NO_SCORES: &str = "benchmark scores are not known here";
const NO_RATES: &str = "the success of tool calls is not measured per model yet";

/// A query, read.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Asked {
    pub(crate) filter: ModelFilter,
    pub(crate) sort: Option<ModelSort>,
    offset: Option<usize>,
    limit: Option<usize>,
}

impl Asked {
    /// Reads the pairs of a query. An empty value is none; a list that stands twice is one list, and nothing else may.
    pub(crate) fn read(pairs: &[(String, String)], now: UnixMillis) -> Result<Self, Refused> {
        if pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > QUERY_BYTES_MAX {
            let message = format!("The query is longer than {QUERY_BYTES_MAX} bytes; ask for less at once");
            return Err(Refused::new(400, "invalid_request", message).by(Rule::Limit));
        }
        let stated: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
        let mut asked = Self::default();
        for (i, (name, value)) in stated.iter().enumerate() {
            if ONCE.contains(&name.as_str()) && stated[..i].iter().any(|(before, _)| before == name) {
                return Err(Refused::field(name, format!("{name}: stands twice; give it once")));
            }
            asked.take(name, value, now)?;
        }
        Ok(asked)
    }

    /// Whether it asks for all that OpenRouter shows to who asks for nothing.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The filter, for what gives this output where the query says nothing of it.
    pub(crate) fn filter_or(mut self, output: &str) -> Self {
        let wanted = self.filter.output_modalities.get_or_insert_with(|| vec![output.to_owned()]);
        if wanted.iter().any(|one| one == ALL) {
            self.filter.output_modalities = None;
        }
        self
    }

    /// The filter, for a list whose models all give the same, whatever the query says of it.
    pub(crate) fn filter_any_output(mut self) -> Self {
        self.filter.output_modalities = None;
        self
    }

    /// The part of `total` rows that is wanted: where it starts and ends, and where the next page starts.
    pub(crate) fn page(&self, total: usize) -> (usize, usize, Option<usize>) {
        if self.offset.is_none() && self.limit.is_none() {
            return (0, total, None);
        }
        let start = self.offset.unwrap_or(0).min(total);
        let end = start.saturating_add(self.limit.unwrap_or(LIMIT_DEFAULT)).min(total);
        (start, end, (end < total).then_some(end))
    }

    fn take(&mut self, name: &str, value: &str, now: UnixMillis) -> Result<(), Refused> {
        let filter = &mut self.filter;
        match name {
            "offset" => self.offset = Some(number(name, value)?),
            "limit" => self.limit = Some(limit(value)?),
            "sort" => self.sort = Some(ModelSort::parse(value).ok_or_else(|| unknown_sort(value))?),
            "output_modalities" => filter.output_modalities.get_or_insert_default().extend(output_modalities(value)?),
            "input_modalities" => filter.input_modalities.extend(each_of(name, value, INPUTS)?),
            "supported_parameters" => filter.parameters.extend(list(value)),
            "q" => filter.words = value.split_whitespace().map(str::to_lowercase).collect(),
            "arch" => filter.family = Some(value.to_owned()),
            "model_authors" => filter.authors.extend(list(value)),
            "providers" => filter.providers.extend(list(value)),
            "distillable" => filter.distillable = Some(boolean(name, value)?),
            "zdr" => filter.zdr = boolean(name, value)?,
            "region" => filter.area = Some(Area::parse(value).ok_or_else(|| unknown(name, value, &["eu", "us"]))?),
            "context" => filter.context_min = Some(number(name, value)?),
            "min_price" => filter.prompt_price.min = Some(price(name, value)?),
            "max_price" => filter.prompt_price.max = Some(price(name, value)?),
            "min_output_price" => filter.completion_price.min = Some(price(name, value)?),
            "max_output_price" => filter.completion_price.max = Some(price(name, value)?),
            "min_age_days" => filter.created_max = Some(days_ago(name, value, now)?),
            "max_age_days" => filter.created_min = Some(days_ago(name, value, now)?),
            "use_rss" if boolean(name, value)? => return Err(not_served(name, "no feed is made here")),
            _ => {
                if let Some((_, why)) = NOT_SERVED.iter().find(|(known, _)| *known == name) {
                    return Err(not_served(name, why));
                }
            }
        }
        Ok(())
    }
}

fn list(value: &str) -> impl Iterator<Item = String> {
    value.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty())
}

fn each_of(name: &str, value: &str, known: &[&str]) -> Result<Vec<String>, Refused> {
    match list(value).find(|one| !known.contains(&one.as_str())) {
        None => Ok(list(value).collect()),
        Some(other) => Err(unknown(name, &other, known)),
    }
}

fn output_modalities(value: &str) -> Result<Vec<String>, Refused> {
    each_of("output_modalities", value, &[OUTPUTS, &[ALL]].concat())
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Refused> {
    value.parse().map_err(|_| wrong(name, value, "is not a whole number from 0 on"))
}

fn limit(value: &str) -> Result<usize, Refused> {
    let range = 1..=LIMIT_MAX;
    value.parse().ok().filter(|n| range.contains(n)).ok_or_else(|| wrong("limit", value, &format!("is not between 1 and {LIMIT_MAX}")))
}

fn boolean(name: &str, value: &str) -> Result<bool, Refused> {
    value.parse().map_err(|_| unknown(name, value, &["true", "false"]))
}

/// US dollars per million tokens.
fn price(name: &str, value: &str) -> Result<Price, Refused> {
    Price::parse(value).map_err(|e| Refused::field(name, format!("{name}: {e}; write US dollars per million tokens, such as 0.25")))
}

/// Unix seconds.
fn days_ago(name: &str, value: &str, now: UnixMillis) -> Result<i64, Refused> {
    let days: u32 = number(name, value)?;
    Ok(now.seconds() - i64::from(days) * SECONDS_OF_A_DAY)
}

fn unknown_sort(value: &str) -> Refused {
    let names = ModelSort::ALL.map(ModelSort::as_str);
    unknown("sort", value, &names).by(Rule::NotSupported)
}

fn unknown(name: &str, value: &str, known: &[&str]) -> Refused {
    wrong(name, value, &format!("is not known here; use one of {}", known.join(", ")))
}

fn wrong(name: &str, value: &str, problem: &str) -> Refused {
    let value: String = value.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS_MAX).collect();
    Refused::field(name, format!("{name}: `{value}` {problem}"))
}

fn not_served(name: &str, why: &str) -> Refused {
    Refused::field(name, format!("{name}: {why}; leave it out")).by(Rule::NotSupported)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn read(query: &str) -> Result<Asked, Refused> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect::<Vec<_>>();
        Asked::read(&pairs, NOW)
    }

    #[test]
    fn a_wrong_value_is_refused_by_name_and_told_what_would_be_right() {
        for (query, field, said) in [
            ("limit=0", "limit", "between 1 and 1000"),
            ("limit=1001", "limit", "between 1 and 1000"),
            ("offset=-1", "offset", "whole number"),
            ("context=many", "context", "whole number"),
            ("sort=fanciest", "sort", "newest, pricing-low-to-high"),
            ("sort=top-weekly", "sort", "throughput-high-to-low"),
            ("output_modalities=text,smell", "output_modalities", "`smell` is not known here; use one of text, image"),
            ("input_modalities=all", "input_modalities", "`all`"),
            ("region=mars", "region", "eu, us"),
            ("zdr=yes", "zdr", "true, false"),
            ("distillable=1", "distillable", "true, false"),
            ("min_price=-1", "min_price", "negative"),
            ("max_output_price=1e-5", "max_output_price", "US dollars per million tokens"),
            ("max_age_days=x", "max_age_days", "whole number"),
            ("use_rss=true", "use_rss", "leave it out"),
            ("category=programming", "category", "leave it out"),
            ("min_coding_index=50", "min_coding_index", "benchmark"),
        ] {
            let refused = read(query).expect_err(query);
            assert_eq!((refused.status, refused.metadata["field"].as_str()), (400, Some(field)), "{query}");
            assert!(refused.message.contains(said), "{query}: {}", refused.message);
        }
    }

    #[test]
    fn a_query_that_is_too_long_is_refused() {
        assert!(read(&format!("q={}", "a".repeat(QUERY_BYTES_MAX - 1))).is_ok());
        let refused = read(&format!("q={}", "a ".repeat(QUERY_BYTES_MAX / 2))).unwrap_err();
        assert_eq!((refused.status, refused.rule), (400, Some(Rule::Limit)));
    }

    #[test]
    fn what_is_empty_or_unknown_asks_for_nothing() {
        for query in ["", "q=", "supported_parameters=,", "colour=blue", "use_rss=false", "zdr=false", "use_rss_chat_links=true"] {
            assert!(read(query).unwrap().is_plain(), "{query}");
        }
    }

    #[test]
    fn a_list_gives_its_own_output_unless_the_query_names_another_or_all() {
        let given = |outputs: &[&str]| Some(outputs.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        for (query, output, expected) in [
            ("", "text", given(&["text"])),
            ("", "all", None),
            ("q=a", "all", None),
            ("output_modalities=image,audio", "text", given(&["image", "audio"])),
            ("output_modalities=image", "all", given(&["image"])),
            ("output_modalities=all", "text", None),
            ("output_modalities=image,all", "text", None),
        ] {
            assert_eq!(read(query).unwrap().filter_or(output).filter.output_modalities, expected, "{query} {output}");
            assert_eq!(read(query).unwrap().filter_any_output().filter.output_modalities, None, "{query}");
        }
    }

    #[test]
    fn ages_count_back_from_now() {
        let asked = read("min_age_days=10&max_age_days=20").unwrap().filter;
        assert_eq!((asked.created_min, asked.created_max), (Some(1_798_272_000), Some(1_799_136_000)));
    }

    #[test]
    fn a_list_that_stands_twice_is_one_and_what_is_no_list_stands_once() {
        for (name, one, other, is_list) in [
            ("output_modalities", "text", "image", true),
            ("input_modalities", "image", "file", true),
            ("supported_parameters", "tools", "seed", true),
            ("model_authors", "openai", "google", true),
            ("providers", "azure", "groq", true),
            ("offset", "0", "5", false),
            ("limit", "5", "5", false),
            ("sort", "newest", "pricing-low-to-high", false),
            ("q", "gpt", "mini", false),
            ("arch", "GPT", "Claude", false),
            ("distillable", "true", "false", false),
            ("zdr", "true", "false", false),
            ("region", "eu", "us", false),
            ("context", "8000", "4000", false),
            ("min_price", "1", "2", false),
            ("max_price", "1", "2", false),
            ("min_output_price", "1", "2", false),
            ("max_output_price", "1", "2", false),
            ("min_age_days", "1", "2", false),
            ("max_age_days", "1", "2", false),
            ("use_rss", "false", "false", false),
        ] {
            let twice = read(&format!("{name}={one}&colour=blue&{name}={other}"));
            match is_list {
                true => assert_eq!(twice.unwrap(), read(&format!("{name}={one},{other}")).unwrap(), "{name}"),
                false => {
                    let refused = twice.expect_err(name);
                    assert_eq!((refused.status, refused.metadata["field"].as_str()), (400, Some(name)), "{name}");
                    assert!(refused.message.contains("twice"), "{name}: {}", refused.message);
                }
            }
            assert!(read(&format!("{name}=&{name}={one}&{name}=")).is_ok(), "{name}: an empty value is none");
        }
        assert!(read("colour=blue&colour=red").is_ok(), "what nobody knows is passed over");
    }

    #[test]
    fn pages_are_cut_where_the_rows_end() {
        for (query, page) in [
            ("", (0, 600, None)),
            ("offset=0", (0, 500, Some(500))),
            ("limit=250", (0, 250, Some(250))),
            ("offset=500&limit=100", (500, 600, None)),
            ("offset=700", (600, 600, None)),
            ("offset=18446744073709551615&limit=1", (600, 600, None)),
        ] {
            assert_eq!(read(query).unwrap().page(600), page, "{query}");
        }
    }

    /// Whatever OpenRouter's document lists is known here: no filter is passed over in silence.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests find the reference material by an environment variable")]
    fn every_documented_parameter_works_or_is_refused_by_name() {
        let folder = std::env::var("PORTOLAN_SHARED").unwrap_or_else(|_| format!("{}/../../../shared", env!("CARGO_MANIFEST_DIR")));
        let path = Path::new(&folder).join("reference/openrouter/openapi-2026-10-reconstructed.json");
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("SKIPPED: {} is not there", path.display());
            return;
        };
        let api: serde_json::Value = serde_json::from_str(&text).unwrap();
        let parameters = api["paths"]["/models"]["get"]["parameters"].as_array().unwrap();
        let names: Vec<&str> = parameters.iter().filter(|p| p["in"] == "query").filter_map(|p| p["name"].as_str()).collect();
        assert!(names.len() > 25, "{names:?}");
        for name in names {
            match read(&format!("{name}=x")) {
                Ok(asked) => assert!(!asked.is_plain(), "{name} is passed over"),
                Err(refused) => assert_eq!(refused.metadata["field"], name),
            }
        }
    }
}

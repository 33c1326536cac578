//! From the model's name, or the header, to a shape.

use super::{Fault, ForcedFinish, Midway, Shape};
use crate::usage::Lie;

/// Bounds of the numbers, so that one request cannot take the simulator's memory: a million chunks, 64 MiB, one hour.
const CHUNKS_MAX: u32 = 1_000_000;
const BYTES_MAX: u32 = 64 << 20;
const WAIT_MS_MAX: u32 = 3_600_000;

/// The interval of `drip` without a number.
const DRIP_MS: u32 = 1_000;
/// The reasoning of `reason` without a number, and of requests that ask for reasoning.
pub(crate) const REASONING_CHUNKS: u32 = 8;

impl Shape {
    /// The shape in a model's name: the parts after the first part `sim` of the last section of its path, or `echo`.
    /// Other names, and parts that mean nothing, ask for nothing: names are chosen by other people.
    pub(crate) fn of_model(model: &str) -> Shape {
        let mut shape = Shape::default();
        let section = model.rsplit('/').next().unwrap_or(model);
        let section = section.split(':').next().unwrap_or(section);
        let mut parts = section.split('-');
        let marker = parts.find(|part| *part == "sim" || *part == "echo");
        if marker == Some("echo") {
            shape.content.echo = true;
        }
        if marker.is_some() {
            for part in parts {
                let _means_something = shape.apply(part);
            }
        }
        shape
    }

    /// The shape in the header, which was written for the simulator: a part that means nothing is an error.
    pub(crate) fn of_header(text: &str) -> Result<Shape, String> {
        let mut shape = Shape::default();
        for part in text.trim().split('-').filter(|part| !part.is_empty() && *part != "sim") {
            if !shape.apply(part) {
                return Err(part.to_owned());
            }
        }
        Ok(shape)
    }

    /// Adds one part. `false`: it means nothing.
    fn apply(&mut self, part: &str) -> bool {
        let digits = part.find(|c: char| c.is_ascii_digit()).unwrap_or(part.len());
        let (word, number) = part.split_at(digits);
        match number.parse::<u32>() {
            Ok(number) => self.apply_number(word, number),
            Err(_) => number.is_empty() && self.apply_word(word),
        }
    }

    fn apply_number(&mut self, word: &str, n: u32) -> bool {
        match word {
            "c" => self.content.chunks = Some(n.min(CHUNKS_MAX)),
            "s" => self.content.bytes = Some(n.min(BYTES_MAX)),
            "reason" => self.content.reasoning = Some(n.min(CHUNKS_MAX)),
            "tool" => self.content.tools = n,
            "d" => self.pace.delay_ms = Some(n.min(WAIT_MS_MAX)),
            "l" => self.pace.latency_ms = Some(n.min(WAIT_MS_MAX)),
            "t" => self.pace.first_ms = n.min(WAIT_MS_MAX),
            "drip" => self.pace.drip_ms = Some(n.min(WAIT_MS_MAX)),
            "in" => self.report.input = Some(n),
            "cache" => self.report.cache_read = n,
            "cachew" => self.report.cache_write_5m = n,
            "cacheh" => self.report.cache_write_1h = n,
            "p" => self.fault_percent = Some(n.min(100)),
            "ra" => self.retry_after = Some(n),
            "e" => return self.apply_status(n),
            "err" if n == 200 => self.fault = Some(Fault::ErrorInOk),
            _ => return self.apply_midway(word, n),
        }
        true
    }

    fn apply_status(&mut self, status: u32) -> bool {
        let known = (400..600).contains(&status);
        if let (true, Ok(status)) = (known, u16::try_from(status)) {
            self.fault = Some(Fault::Status(status));
        }
        known
    }

    fn apply_midway(&mut self, word: &str, after: u32) -> bool {
        let midway = match word {
            "hang" => Midway::Hang,
            "cut" => Midway::Cut,
            "eof" => Midway::Eof,
            "garble" => Midway::Garble,
            "errevent" => Midway::Failure,
            "bigline" => Midway::BigLine,
            _ => return false,
        };
        self.fault = Some(Fault::After(after, midway));
        true
    }

    fn apply_word(&mut self, word: &str) -> bool {
        match word {
            "echo" => self.content.echo = true,
            "reason" => self.content.reasoning = Some(REASONING_CHUNKS),
            "redact" => self.content.redacted = true,
            "tool" => self.content.tools = 1,
            "empty" => self.content.empty = true,
            "len" => self.content.finish = Some(ForcedFinish::Length),
            "filter" => self.content.finish = Some(ForcedFinish::Filter),
            "refuse" => self.content.finish = Some(ForcedFinish::Refusal),
            "nomax" => self.content.unlimited = true,
            "tiny" => self.pace.tiny = true,
            "drip" => self.pace.drip_ms = Some(DRIP_MS),
            "ping" => self.pace.ping = true,
            "crlf" => self.pace.crlf = true,
            "gzip" => self.gzip = true,
            "lax" => self.lax = true,
            "html" => {
                self.html = true;
                self.fault.get_or_insert(Fault::Status(502));
            }
            "hang" => self.fault = Some(Fault::Hang),
            "cut" => self.fault = Some(Fault::Cut),
            "redirect" => self.fault = Some(Fault::Redirect),
            "echokey" => self.fault = Some(Fault::EchoKey),
            "eof" | "garble" | "errevent" | "bigline" => return self.apply_midway(word, 0),
            _ => return self.apply_lie(word),
        }
        true
    }

    fn apply_lie(&mut self, word: &str) -> bool {
        self.report.lie = match word {
            "nousage" => Lie::Missing,
            "usageneg" => Lie::Negative,
            "usagestr" => Lie::Text,
            "usagehuge" => Lie::Huge,
            "usagetwice" => Lie::Twice,
            "usagedec" => Lie::Falling,
            "usageover" => Lie::Over,
            "usagezero" => Lie::Zero,
            _ => return false,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_models_name_say_what_to_answer() {
        let shape = Shape::of_model("my-org/sim-c200-d5");
        assert_eq!((shape.content.chunks, shape.pace.delay_ms, shape.fault), (Some(200), Some(5), None));
        assert_eq!(Shape::of_model("sim-cut20:free").fault, Some(Fault::After(20, Midway::Cut)));
        assert_eq!(Shape::of_model("sim-cut").fault, Some(Fault::Cut));
        assert_eq!(Shape::of_model("sim-e429-ra7").retry_after, Some(7));
        assert_eq!(Shape::of_model("gpt-4o-sim-err200").fault, Some(Fault::ErrorInOk));
        assert_eq!(Shape::of_model("sim-html-e403").fault, Some(Fault::Status(403)));
        assert!(Shape::of_model("simulator/echo").content.echo);
        assert!(Shape::of_model("sim-echo-tiny").content.echo);
    }

    #[test]
    fn names_of_real_models_ask_for_nothing() {
        for model in ["l3-lunaris-8b", "s1-32b", "c4ai-command-r", "gpt-4o", "claude-haiku-4.5", "sim", "sim-large", "simulator/sim-e99"] {
            assert_eq!(Shape::of_model(model), Shape::default(), "{model}");
        }
    }

    #[test]
    fn a_header_part_that_means_nothing_is_named() {
        assert_eq!(Shape::of_header("c3-slow"), Err("slow".to_owned()));
        assert_eq!(Shape::of_header("c3-c99999999999"), Err("c99999999999".to_owned()));
        assert_eq!(Shape::of_header(" sim-c3 ").map(|shape| shape.content.chunks), Ok(Some(3)));
    }

    #[test]
    fn numbers_are_bounded() {
        assert_eq!(Shape::of_model("sim-c4000000000").content.chunks, Some(CHUNKS_MAX));
        assert_eq!(Shape::of_model("sim-s4000000000").content.bytes, Some(BYTES_MAX));
    }
}

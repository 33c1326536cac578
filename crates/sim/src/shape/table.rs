//! The grammar as one table: the help text, and the list that a test holds the parser against.

/// One part of a shape.
struct Row {
    /// How it is written; `N` stands for a number.
    form: &'static str,
    /// One that can be tried.
    #[cfg_attr(not(test), allow(dead_code, reason = "the tests hold the parser against the examples"))]
    example: &'static str,
    meaning: &'static str,
}

const fn row(form: &'static str, example: &'static str, meaning: &'static str) -> Row {
    Row { form, example, meaning }
}

const SECTIONS: &[(&str, &[Row])] = &[
    (
        "Content (default: three sentences that follow from the seed, the model and the last user message)",
        &[
            row("cN", "c200", "N chunks of text, one token each, streamed or not"),
            row("sN", "s600", "N bytes of text, a token per 4 bytes; with cN: N bytes in so many chunks"),
            row("echo", "echo", "the text of the last user message (a model named `echo` does so too)"),
            row("reason, reasonN", "reason12", "reasoning first: 8, or N, chunks; also when the request asks for it"),
            row("redact", "redact", "reasoning is withheld: counted, and for anthropic a redacted_thinking block"),
            row("tool, toolN", "tool2", "calls the first, or the first N, offered tools; text once results are there"),
            row("empty", "empty", "no content, 0 output tokens, an ordinary finish"),
            row("len", "len", "finish reason: the token limit"),
            row("filter", "filter", "finish reason: the provider's content filter"),
            row("refuse", "refuse", "the model refuses"),
            row("nomax", "nomax", "ignores the request's token limit"),
        ],
    ),
    (
        "Pace (milliseconds)",
        &[
            row("lN", "l100", "before the headers"),
            row("tN", "t100", "between the headers and the first content (streams)"),
            row("dN", "d5", "between chunks; an answer that is not streamed takes as long as its stream would"),
            row("tiny", "tiny", "every byte is a write of its own, also within a UTF-8 character"),
            row("drip, dripN", "drip20", "one byte every 1,000 or N ms"),
            row("ping", "ping", "a keep-alive before each chunk, and every dN ms (default 1,000) while hanging"),
            row("crlf", "crlf", "lines of the stream end with CR LF"),
        ],
    ),
    (
        "Usage (the ledger keeps the truth)",
        &[
            row("inN", "in1000", "N input tokens, in place of the count by text"),
            row("cacheN", "cache100", "N of the input tokens were read from the cache"),
            row("cachewN", "cachew100", "N of them were written to the cache, for 5 minutes"),
            row("cachehN", "cacheh100", "N of them were written to the cache, for an hour"),
            row("nousage", "nousage", "usage is not reported"),
            row("usageneg", "usageneg", "counts are negative"),
            row("usagestr", "usagestr", "counts are strings"),
            row("usagehuge", "usagehuge", "counts are 9 * 10^18"),
            row("usagezero", "usagezero", "counts are 0"),
            row("usagetwice", "usagetwice", "a stream reports twice; the sum is wrong"),
            row("usagedec", "usagedec", "an early report of a stream is 1,000 too high; the last is true"),
            row("usageover", "usageover", "10 times the output that the request allowed"),
        ],
    ),
    (
        "Faults (one at a time, the last one named; N counts chunks of content before it, 0 is after the opening frame)",
        &[
            row("eNNN", "e429", "status 400 to 599 with the dialect's error body"),
            row("raN", "ra7", "Retry-After: N seconds, on an error"),
            row("html", "html", "an HTML page as the error's body; status 502 unless eNNN names another"),
            row("redirect", "redirect", "302 to /sim/followed, which counts who comes"),
            row("echokey", "echokey", "401 whose message repeats the credential in full"),
            row("err200", "err200", "status 200, and the body is an error object"),
            row("hang, hangN", "hang3", "silence before the headers, or after N chunks"),
            row("cut, cutN", "cut20", "the connection closes before the headers, or after N chunks, without an end of the body"),
            row("eof, eofN", "eof3", "the body ends cleanly after 0 or N chunks, without a finish marker"),
            row("garble, garbleN", "garble3", "a frame that is no JSON and no UTF-8 after 0 or N chunks; then it goes on"),
            row("errevent, erreventN", "errevent3", "an error event after N chunks; without N or with 0 it is the very first frame"),
            row("bigline, biglineN", "bigline3", "one line of 10 MB after 0 or N chunks; then it goes on"),
            row("gzip", "gzip", "claims content-encoding: gzip, and sends plain bytes"),
            row("pN", "p10", "the fault hits N of 100 requests"),
        ],
    ),
    ("Checks", &[row("lax", "lax", "does not check the request (otherwise a malformed one gets the provider's 400)")]),
];

const INTRODUCTION: &str = "\
Shapes are the dash-separated parts after `sim` in the last section of the model's name
(`sim-c200-d5`, `my-org/sim-e429-ra7`), or the header `X-Sim: c200-d5`, which wins.
In an answer that is not streamed, N = 0 is before the body and any other N in the middle of it;
errevent becomes err200 there.
";

const CLOSING: &str = "\
Input tokens are ceil(bytes of text / 4) + 3 per message + 3 + 256 per image, file or audio part;
text is that of messages, system, tool calls and results, and the JSON of the tool definitions.
";

/// The grammar of shapes, as `portolan sim --help` prints it.
#[must_use]
pub fn shapes_help() -> String {
    let mut text = String::from(INTRODUCTION);
    for (title, rows) in SECTIONS {
        text.push_str(&format!("\n{title}\n"));
        for row in *rows {
            text.push_str(&format!("  {:<20} {}\n", row.form, row.meaning));
        }
    }
    text.push('\n');
    text.push_str(CLOSING);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Shape;

    #[test]
    fn every_row_of_the_table_is_understood_and_changes_the_shape() {
        for row in SECTIONS.iter().flat_map(|(_, rows)| *rows) {
            let shape = Shape::of_header(row.example).unwrap_or_else(|part| panic!("{part} is not understood"));
            assert_ne!(shape, Shape::default(), "{} changes nothing", row.example);
            let word = |text: &str| text.trim_end_matches(|c: char| c.is_ascii_digit() || c == 'N').to_owned();
            assert!(row.form.split(", ").any(|form| word(form) == word(row.example)), "{} is no example of {}", row.example, row.form);
            for form in row.form.split(", ").filter(|form| !form.ends_with('N')) {
                assert!(Shape::of_header(form).is_ok(), "{form} is listed and not understood");
            }
        }
    }

    #[test]
    fn the_help_lists_every_form() {
        let help = shapes_help();
        for row in SECTIONS.iter().flat_map(|(_, rows)| *rows) {
            assert!(help.contains(&format!("  {} ", row.form)), "{}", row.form);
        }
        assert!(help.lines().all(|line| line.len() <= 130));
    }
}

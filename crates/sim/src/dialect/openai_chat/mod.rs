//! OpenAI's Chat Completions.

mod answer;
mod check;
mod error;
mod report;
mod request;
mod stream;

pub(crate) use answer::{body, models};
pub(crate) use check::check;
pub(crate) use error::{error, missing_key, wrong_key};
pub(crate) use request::read;
pub(crate) use stream::Frames;

use crate::content::Finish;

/// A model's refusal is a message of its own kind, and an ordinary stop.
fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Refusal => "stop",
        Finish::Length => "length",
        Finish::Tools => "tool_calls",
        Finish::Filter => "content_filter",
    }
}

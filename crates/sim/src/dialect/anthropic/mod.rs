//! Anthropic's Messages.

mod answer;
mod check;
mod error;
mod messages;
mod report;
mod request;
mod stream;

pub(crate) use answer::{body, models};
pub(crate) use check::{check, check_headers};
pub(crate) use error::{error, missing_key, wrong_key};
pub(crate) use request::read;
pub(crate) use stream::write_frame;

use serde_json::{Value, json};

use crate::content::Finish;

fn stop_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Tools => "tool_use",
        Finish::Filter | Finish::Refusal => "refusal",
    }
}

/// More on a stop reason; only a refusal has some.
fn stop_details(finish: Finish) -> Value {
    match finish {
        Finish::Filter | Finish::Refusal => json!({"type": "refusal", "category": null, "explanation": null}),
        Finish::Stop | Finish::Length | Finish::Tools => Value::Null,
    }
}

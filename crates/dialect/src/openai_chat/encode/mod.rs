//! The canonical form as a request for an endpoint of this dialect.

mod messages;
mod settings;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bytes::Bytes;
use portolan_core::{Dialect, Quirk};

use super::patch::{limit_name, tier_json};
use super::reseller;
use crate::ir;
use crate::json::Writer;
use crate::target::{Encoded, Target};

/// Encodes a request. What the endpoint's dialect cannot say stands in [`Encoded::dropped`].
#[must_use]
pub fn encode(request: &ir::Request, target: &Target<'_>) -> Encoded {
    let mut encoded = Encoded { path: Cow::Borrowed("/chat/completions"), ..Encoded::default() };
    let mut json = Writer::with_capacity(1024);
    json.object();
    json.text_member("model", target.upstream_id);
    messages::write(&request.messages, &mut json, &mut encoded);
    settings::write(request, target, &mut json, &mut encoded);
    if let Some(max) = target.max_tokens {
        json.raw_member(limit_name(target), &max.to_string());
    }
    if target.stream {
        json.raw_member("stream", "true");
        if !target.has(Quirk::NoStreamOptions) {
            json.raw_member("stream_options", r#"{"include_usage":true}"#);
        }
    }
    if request.user.is_some()
        && let Some(hash) = target.user_hash
    {
        json.text_member("user", hash);
    }
    if let Some(tier) = target.service_tier {
        json.raw_member("service_tier", tier_json(tier));
    }
    if let Some(reseller) = &target.reseller {
        json.raw_member("provider", &reseller::provider(reseller));
        json.raw_member("usage", reseller::USAGE);
    }
    write_extra(request, target, &mut json, &mut encoded);
    json.end_object();
    encoded.body = vec![Bytes::from(json.finish())];
    encoded
}

fn write_extra(request: &ir::Request, target: &Target<'_>, json: &mut Writer, encoded: &mut Encoded) {
    for (name, value) in &request.extra {
        // A name with a bracket is the path of something within a message, which cannot be put back.
        if target.caller != Dialect::OpenAiChat || name.contains('[') || !target.takes(name) {
            encoded.drop_parameter(name.as_str());
        } else if name == "safety_identifier" {
            if let Some(hash) = target.user_hash {
                json.text_member(name, hash);
            }
        } else {
            json.raw_member(name, value.get());
        }
    }
}

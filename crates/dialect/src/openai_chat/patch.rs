//! The raw lane's request: the caller's bytes, edited where they must be.

use bytes::Bytes;
use portolan_core::{Quirk, ServiceTier};

use super::peek::{Field, GATEWAY_ONLY, Peek};
use crate::json::quote;
use crate::openai_chat::reseller;
use crate::target::Target;

/// Writes the body for an endpoint of this dialect: slices of `body`, which must be the one that `peek` saw,
/// and small pieces between them. Fields that are not edited keep their bytes and their order.
#[must_use]
pub fn patch(body: &Bytes, peek: &Peek, target: &Target<'_>) -> Vec<Bytes> {
    let mut wanted = Wanted::new(target);
    let mut writer = Writer { body, fields: &peek.fields, out: Vec::with_capacity(8), run: None, end: 0 };
    // Additions go in front, so that the messages, which may be long, are the last piece when nothing after them is edited.
    writer.add(wanted.values.iter().filter(|(name, _)| peek.fields.iter().all(|f| f.name != *name)));
    for field in &peek.fields {
        match wanted.edit(field, body) {
            Edit::Keep => writer.keep(field),
            Edit::Drop => writer.flush(),
            Edit::Replace(value) => writer.replace(field, value),
        }
    }
    writer.finish()
}

/// The settings that [`patch`] leaves out because the endpoint does not take them.
#[must_use]
pub fn left_out(peek: &Peek, target: &Target<'_>) -> Vec<String> {
    peek.fields.iter().filter(|f| !f.null && !target.takes(&f.name)).map(|f| f.name.to_string()).collect()
}

/// What becomes of a member.
enum Edit {
    Keep,
    Drop,
    Replace(Bytes),
}

/// The members that the endpoint must get, with their values.
struct Wanted<'a> {
    target: &'a Target<'a>,
    values: Vec<(&'static str, Bytes)>,
}

impl<'a> Wanted<'a> {
    fn new(target: &'a Target<'a>) -> Self {
        let mut values = vec![("model", quoted(target.upstream_id))];
        if let Some(max) = target.max_tokens {
            values.push((limit_name(target), Bytes::from(max.to_string())));
        }
        if target.stream {
            values.push(("stream", Bytes::from_static(b"true")));
            if !target.has(Quirk::NoStreamOptions) {
                values.push(("stream_options", Bytes::from_static(br#"{"include_usage":true}"#)));
            }
        }
        if let Some(tier) = target.service_tier {
            values.push(("service_tier", Bytes::from_static(tier_json(tier).as_bytes())));
        }
        if let Some(reseller) = &target.reseller {
            values.push(("provider", Bytes::from(reseller::provider(reseller))));
            values.push(("usage", Bytes::from_static(reseller::USAGE.as_bytes())));
        }
        Self { target, values }
    }

    fn edit(&mut self, field: &Field, body: &Bytes) -> Edit {
        if let Some(i) = self.values.iter().position(|(name, _)| *name == field.name) {
            let (_, value) = self.values.swap_remove(i);
            return if body.get(field.value.clone()) == Some(&value[..]) { Edit::Keep } else { Edit::Replace(value) };
        }
        match field.name.as_ref() {
            "user" | "safety_identifier" => match self.target.user_hash {
                Some(hash) if !field.null => Edit::Replace(quoted(hash)),
                _ => Edit::Drop,
            },
            // The limit under its other name, and what only a stream may hold.
            "max_tokens" | "max_completion_tokens" | "stream_options" => Edit::Drop,
            "stream" => Edit::Replace(Bytes::from_static(b"false")),
            "service_tier" => Edit::Drop,
            name if self.target.reseller.is_some() && reseller::UNDERSTANDS.contains(&name) => Edit::Keep,
            name if GATEWAY_ONLY.contains(&name) || !self.target.takes(name) => Edit::Drop,
            _ => Edit::Keep,
        }
    }
}

/// What the endpoint calls the bound on output tokens.
pub(super) fn limit_name(target: &Target<'_>) -> &'static str {
    if target.has(Quirk::MaxCompletionTokens) { "max_completion_tokens" } else { "max_tokens" }
}

/// A tier as JSON.
pub(super) fn tier_json(tier: ServiceTier) -> &'static str {
    match tier {
        ServiceTier::Flex => "\"flex\"",
        ServiceTier::Priority => "\"priority\"",
    }
}

fn quoted(text: &str) -> Bytes {
    let mut out = Vec::new();
    quote(text, &mut out);
    Bytes::from(out)
}

/// Collects slices; neighbours that are kept stay one slice, with the commas and the space between them.
struct Writer<'a> {
    body: &'a Bytes,
    fields: &'a [Field],
    out: Vec<Bytes>,
    /// Where the slice under way begins.
    run: Option<usize>,
    /// Where the last member ends that was kept.
    end: usize,
}

impl Writer<'_> {
    fn add<'v>(&mut self, members: impl Iterator<Item = &'v (&'static str, Bytes)>) {
        let mut added = Vec::new();
        for (name, value) in members {
            added.push(if added.is_empty() { b'{' } else { b',' });
            quote(name, &mut added);
            added.push(b':');
            added.extend_from_slice(value);
        }
        if !added.is_empty() {
            self.out.push(Bytes::from(added));
        }
    }

    fn open(&mut self, member: usize) {
        if self.run.is_some() {
            return;
        }
        if self.out.is_empty() && self.fields.first().is_some_and(|f| f.member.start == member) {
            self.run = Some(0);
        } else {
            self.out.push(Bytes::from_static(if self.out.is_empty() { b"{" } else { b"," }));
            self.run = Some(member);
        }
    }

    fn keep(&mut self, field: &Field) {
        self.open(field.member.start);
        self.end = field.member.end;
    }

    fn replace(&mut self, field: &Field, value: Bytes) {
        self.open(field.member.start);
        self.end = field.value.start;
        self.flush();
        self.out.push(value);
        self.run = Some(field.value.end);
        self.end = field.value.end;
    }

    fn flush(&mut self) {
        if let Some(start) = self.run.take()
            && start < self.end
        {
            self.out.push(self.body.slice(start..self.end));
        }
    }

    fn finish(mut self) -> Vec<Bytes> {
        if let Some(start) = self.run.filter(|_| self.fields.last().is_some_and(|f| f.member.end == self.end)) {
            self.out.push(self.body.slice(start..));
            return self.out;
        }
        self.flush();
        self.out.push(Bytes::from_static(if self.out.is_empty() { b"{}" } else { b"}" }));
        self.out
    }
}

#[cfg(test)]
mod tests;

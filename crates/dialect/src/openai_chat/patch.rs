//! The raw lane's request: the caller's bytes, edited where they must be.

use bytes::Bytes;
use portolan_core::Quirk;

use super::peek::{Field, GATEWAY_ONLY, Peek};
use crate::json::quote;
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
            name if GATEWAY_ONLY.contains(&name) || !self.target.takes(name) => Edit::Drop,
            _ => Edit::Keep,
        }
    }
}

/// What the endpoint calls the bound on output tokens.
pub(super) fn limit_name(target: &Target<'_>) -> &'static str {
    if target.has(Quirk::MaxCompletionTokens) { "max_completion_tokens" } else { "max_tokens" }
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
mod tests {
    use portolan_core::Dialect;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::openai_chat::peek::peek;

    const QUIRKS: [&[Quirk]; 3] = [&[], &[Quirk::NoStreamOptions], &[Quirk::MaxCompletionTokens]];

    fn target<'a>(stream: bool, max_tokens: Option<u64>, user_hash: Option<&'a str>, quirks: &'a [Quirk]) -> Target<'a> {
        Target { caller: Dialect::OpenAiChat, upstream_id: "up", stream, max_tokens, user_hash, quirks, supported: &[] }
    }

    fn patched(body: &str, target: &Target<'_>) -> String {
        let body = Bytes::from(body.to_owned());
        let found = peek(&body).unwrap_or_else(|e| panic!("{e}: {body:?}"));
        String::from_utf8(patch(&body, &found, target).concat()).unwrap()
    }

    /// The same edit, made on the parsed body.
    fn edited(body: &Map<String, Value>, target: &Target<'_>) -> Map<String, Value> {
        let mut out = body.clone();
        out.retain(|name, _| {
            !GATEWAY_ONLY.contains(&name.as_str()) && !["max_tokens", "max_completion_tokens", "stream_options"].contains(&name.as_str())
        });
        out.insert("model".into(), json!(target.upstream_id));
        if let Some(max) = target.max_tokens {
            out.insert(limit_name(target).into(), json!(max));
        }
        if target.stream {
            out.insert("stream".into(), json!(true));
            if !target.has(Quirk::NoStreamOptions) {
                out.insert("stream_options".into(), json!({"include_usage": true}));
            }
        } else if out.contains_key("stream") {
            out.insert("stream".into(), json!(false));
        }
        for name in ["user", "safety_identifier"] {
            match (out.get(name).cloned(), target.user_hash) {
                (Some(Value::String(_)), Some(hash)) => drop(out.insert(name.into(), json!(hash))),
                _ => drop(out.remove(name)),
            }
        }
        out
    }

    /// Members of a body, any of which may be there, in any order.
    fn members() -> Vec<(&'static str, Value)> {
        vec![
            ("model", json!("a/b")),
            ("models", json!(["c/d"])),
            ("stream", json!(true)),
            ("stream", json!(false)),
            ("stream", json!(null)),
            ("stream_options", json!({"include_usage": false})),
            ("max_tokens", json!(7)),
            ("max_tokens", json!(null)),
            ("max_completion_tokens", json!(7)),
            ("user", json!("someone")),
            ("user", json!(null)),
            ("safety_identifier", json!("someone")),
            ("provider", json!({"order": ["x"], "zdr": false})),
            ("trace", json!({"trace_id": "t"})),
            ("session_id", json!("s")),
            ("usage", json!({"include": true})),
            ("reasoning", json!({"exclude": true})),
            ("temperature", json!(0.5)),
            ("a \"quoted\" name", json!({"b": [1, "}", "{"]})),
            ("unknown", json!("x")),
            ("tools", json!([])),
        ]
    }

    #[test]
    fn a_setting_that_the_endpoint_does_not_take_is_left_out_and_named() {
        let body =
            Bytes::from_static(br#"{"model":"a/b","temperature":1,"messages":[{"role":"user","content":"x"}],"custom":2,"top_k":3}"#);
        let peek = super::super::peek::peek(&body).unwrap();
        let supported = ["top_k".to_owned()];
        let target = Target { supported: &supported, ..target(false, None, None, &[]) };
        assert_eq!(left_out(&peek, &target), ["temperature"]);
        let patched: Value = serde_json::from_slice(&patch(&body, &peek, &target).concat()).unwrap();
        assert_eq!(patched, json!({ "model": "up", "messages": [{ "role": "user", "content": "x" }], "custom": 2, "top_k": 3 }));
    }

    proptest! {
        #[test]
        fn a_patched_body_is_the_edit_of_the_parsed_one(
            chosen in prop::sample::subsequence(members(), 0..=21).prop_shuffle(),
            place: prop::sample::Index,
            pretty: bool,
            stream: bool,
            max_tokens in prop::option::of(1..9u64),
            hash in prop::option::of(Just("h4sh")),
            quirks in 0..3usize,
        ) {
            let mut list = chosen;
            list.insert(place.index(list.len() + 1), ("messages", json!([{"role": "user", "content": "h\"i"}])));
            list.push(("models", json!(["c/d"])));
            // Each name once: the first one stays.
            let mut body = Map::new();
            for (name, value) in list {
                body.entry(name).or_insert(value);
            }
            let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) }.unwrap();
            let target = target(stream, max_tokens, hash, QUIRKS[quirks]);
            let found = patched(&text, &target);
            let parsed: Map<String, Value> = serde_json::from_str(&found).map_err(|e| TestCaseError::fail(format!("{e}: {found}")))?;
            let mut want = edited(&body, &target);
            // What stays keeps its order.
            let order: Vec<_> = parsed.keys().filter(|name| body.contains_key(*name)).collect();
            let before: Vec<_> = body.keys().filter(|name| parsed.contains_key(*name)).collect();
            prop_assert_eq!(order, before);
            prop_assert_eq!(parsed.len(), want.len());
            for (name, value) in &parsed {
                prop_assert_eq!(want.remove(name), Some(value.clone()), "{}", name);
            }
        }
    }

    #[test]
    fn what_is_not_edited_keeps_its_bytes() {
        let body = " {\"x\" : 1e999999,\n \"model\":\"a/b\", \"y\":\"\\ud800\" ,\"provider\":{},\"z\": -0 ,\"messages\":[ {\"role\":\"user\",\"content\":\"\\u00e9\"} ]}\n";
        let want = " {\"x\" : 1e999999,\n \"model\":\"up\", \"y\":\"\\ud800\",\"z\": -0 ,\"messages\":[ {\"role\":\"user\",\"content\":\"\\u00e9\"} ]}\n";
        assert_eq!(patched(body, &target(false, None, None, &[])), want);
        let want = want.replacen(" {", "{\"max_tokens\":9,", 1);
        assert_eq!(patched(body, &target(false, Some(9), None, &[])), want);
    }

    #[test]
    fn the_messages_are_not_copied() {
        let body =
            Bytes::from(format!(r#"{{"model":"a/b","messages":[{{"role":"user","content":"{}"}}],"stream":true}}"#, "x".repeat(100_000)));
        let pieces = patch(&body, &peek(&body).unwrap(), &target(true, None, None, &[]));
        let inside = body.as_ptr_range();
        assert!(pieces.iter().filter(|p| p.len() > 1000).all(|p| inside.contains(&p.as_ptr())));
        assert!(pieces.len() <= 5, "{}", pieces.len());
    }
}

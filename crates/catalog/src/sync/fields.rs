//! JSON of others, field by field: what is absent, `null` or of another type is `None`, and what is unknown is not looked at.

use std::collections::HashMap;

use serde_json::value::RawValue;

/// The fields of one object.
pub(super) struct Fields<'a>(HashMap<String, &'a RawValue>);

/// What should be an object: it, or what stands there instead, in words.
pub(super) type Item<'a> = Result<Fields<'a>, &'static str>;

/// What a field should hold.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Flag,
    /// A number of tokens, zero included.
    Tokens,
    /// Seconds from 1970 to the year 9999.
    Time,
    List,
    Object,
}

/// The first second that no date of four digits has.
const TIME_END: i64 = 253_402_300_800;

impl<'a> Fields<'a> {
    /// `None`: no object.
    pub(super) fn of(raw: &'a RawValue) -> Option<Self> {
        Self::read(raw.get())
    }

    /// As [`Fields::of`], with a word for what is no object.
    pub(super) fn item(raw: &'a RawValue) -> Item<'a> {
        Self::of(raw).ok_or(match raw.get().as_bytes().first() {
            Some(b'"') => "a text",
            Some(b'[') => "a list",
            Some(b'n') => "null",
            Some(b't' | b'f') => "true or false",
            _ => "a number",
        })
    }

    /// As [`Fields::of`], a whole text.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    fn get<T: serde::Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    /// The fields among these that hold something else, in words. What is absent or `null` says nothing.
    pub(super) fn misfits(&self, fields: &[(&'static str, Kind)]) -> Option<String> {
        let is_misfit = |(name, kind): &&(&'static str, Kind)| {
            let Some(raw) = self.0.get(*name).map(|raw| raw.get()).filter(|raw| *raw != "null") else { return false };
            !match kind {
                Kind::Text => raw.starts_with('"'),
                Kind::Flag => raw == "true" || raw == "false",
                Kind::Tokens => self.get::<u32>(name).is_some(),
                Kind::Time => self.time(name).is_some(),
                Kind::List => raw.starts_with('['),
                Kind::Object => raw.starts_with('{'),
            }
        };
        let wrong: Vec<&str> = fields.iter().filter(is_misfit).map(|(name, _)| *name).collect();
        (!wrong.is_empty()).then(|| format!("{} cannot be read", wrong.join(", ")))
    }

    /// Unix seconds of a time that can be one.
    pub(super) fn time(&self, name: &str) -> Option<i64> {
        self.int(name).filter(|seconds| (0..TIME_END).contains(seconds))
    }

    /// All fields, by name.
    pub(super) fn entries(&self) -> Vec<(&str, &'a RawValue)> {
        let mut all: Vec<_> = self.0.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all
    }

    /// A text that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get::<String>(name).filter(|text| !text.is_empty())
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.get(name)
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.get(name)
    }

    pub(super) fn float(&self, name: &str) -> Option<f64> {
        self.get::<f64>(name).filter(|number| number.is_finite())
    }

    /// A number of tokens. Zero says "unknown" in every source.
    pub(super) fn tokens(&self, name: &str) -> Option<u32> {
        self.get::<u32>(name).filter(|n| *n > 0)
    }

    /// Texts of a list; other items are left out. `None`: no list.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let items: Vec<&RawValue> = self.get(name)?;
        Some(items.into_iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect())
    }

    /// Whole numbers of a list; other items are left out. `None`: no list.
    pub(super) fn numbers(&self, name: &str) -> Option<Vec<u32>> {
        let items: Vec<&RawValue> = self.get(name)?;
        Some(items.into_iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect())
    }

    pub(super) fn object(&self, name: &str) -> Option<Fields<'a>> {
        Fields::of(self.0.get(name)?)
    }

    /// The same, with a word for what is no object. `None`: absent.
    pub(super) fn maybe_object(&self, name: &str) -> Option<Item<'a>> {
        Some(Fields::item(self.0.get(name)?))
    }

    /// Items of a list. `None`: no list.
    pub(super) fn items(&self, name: &str) -> Option<Vec<Item<'a>>> {
        Some(self.get::<Vec<&'a RawValue>>(name)?.into_iter().map(Fields::item).collect())
    }

    /// A list of nothing but objects; an empty one where it is absent or `null`. `None`: anything else stands there.
    pub(super) fn objects(&self, name: &str) -> Option<Vec<Fields<'a>>> {
        match self.items(name) {
            Some(items) => items.into_iter().map(Result::ok).collect(),
            None => self.0.get(name).is_none_or(|raw| raw.get() == "null").then(Vec::new),
        }
    }

    /// The digits of a number, or of a text that is one. `None`: absent or `null`.
    pub(super) fn digits(&self, name: &str) -> Option<String> {
        let raw = self.0.get(name)?.get();
        match raw.as_bytes().first() {
            Some(b'"') => serde_json::from_str(raw).ok(),
            _ if raw == "null" => None,
            _ => Some(raw.to_owned()),
        }
    }
}

//! The raw settings as a tree, each with the place that it came from. Knows no setting by name.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::problem::{Origin, Problem};

/// The keys of a section.
pub(super) type Table = BTreeMap<String, Node>;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    /// Where the key stands, for mistakes in the key.
    pub(super) key_origin: Origin,
    /// Where the value stands.
    pub(super) origin: Origin,
    /// The text as written, where `${...}` in it was replaced. Messages show this one: what was put in may be a secret.
    pub(super) template: Option<String>,
    /// What this value overrides. It holds again where an environment variable has to be ignored.
    pub(super) shadowed: Option<Box<Node>>,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float,
    Bool(bool),
    Datetime,
    List(Vec<Node>),
    Table(Table),
}

impl Value {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "text",
            Value::Integer(_) => "an integer",
            Value::Float => "a number with a decimal point",
            Value::Bool(_) => "a boolean",
            Value::Datetime => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

impl Node {
    pub(super) fn new(value: Value, origin: Origin) -> Self {
        Self { value, key_origin: origin.clone(), origin, template: None, shadowed: None }
    }
}

/// Reads a TOML document.
///
/// # Errors
/// All syntax errors. Their messages name what was expected and never repeat a line of the file, which may hold a secret.
pub(super) fn parse(source: &str, path: &Arc<str>) -> Result<Table, Vec<Problem>> {
    let place = Place::File { lines: Lines::of(source), path };
    let (table, errors) = DeTable::parse_recoverable(source);
    if errors.is_empty() {
        return Ok(place.table(table.into_inner()));
    }
    let problem = |e: &toml::de::Error| Problem::new(place.origin(&e.span().unwrap_or(0..0)), "", format!("not TOML: {}", e.message()));
    let mut problems: Vec<Problem> = errors.iter().map(problem).collect();
    problems.truncate(20); // after some errors the rest are echoes of the first
    Err(problems)
}

/// Reads one TOML value, as an environment variable may hold it for a list.
pub(super) fn parse_value(source: &str, origin: &Origin) -> Option<Node> {
    let value = DeValue::parse(source).ok()?;
    Some(Node::new(Place::Elsewhere(origin).value(value.into_inner()), origin.clone()))
}

enum Place<'a> {
    File { lines: Lines<'a>, path: &'a Arc<str> },
    Elsewhere(&'a Origin),
}

impl Place<'_> {
    fn origin(&self, span: &Range<usize>) -> Origin {
        match self {
            Place::Elsewhere(origin) => (*origin).clone(),
            Place::File { lines, path } => {
                let (line, column) = lines.position(span.start);
                Origin::File { path: Arc::clone(path), line, column }
            }
        }
    }

    fn table(&self, table: DeTable<'_>) -> Table {
        let entry = |(key, value): (toml::Spanned<toml::de::DeString<'_>>, toml::Spanned<DeValue<'_>>)| {
            let key_origin = self.origin(&key.span());
            let origin = self.origin(&value.span());
            let node = Node { key_origin, ..Node::new(self.value(value.into_inner()), origin) };
            (key.into_inner().into_owned(), node)
        };
        table.into_iter().map(entry).collect()
    }

    fn value(&self, value: DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.into_owned()),
            // An integer beyond 64 bits is no setting of ours: it fails as the wrong type.
            DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix()).map_or(Value::Float, Value::Integer),
            DeValue::Float(_) => Value::Float,
            DeValue::Boolean(value) => Value::Bool(value),
            DeValue::Datetime(_) => Value::Datetime,
            DeValue::Array(items) => {
                let item = |item: toml::Spanned<DeValue<'_>>| {
                    let origin = self.origin(&item.span());
                    Node::new(self.value(item.into_inner()), origin)
                };
                Value::List(items.into_iter().map(item).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        }
    }
}

/// Turns byte offsets into lines and columns.
struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(source: &'a str) -> Self {
        let starts = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { source, starts }
    }

    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.source.get(start..offset).map_or(1, |before| before.chars().count() + 1);
        (line, column)
    }
}

//! Takes settings out of the tree by name and type, and notes what is wrong, unknown or not built.
//!
//! Reading a setting is what makes it known: there is no second list of names to keep in step.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::environment::Environment;
use super::interpolate::{interpolate, referenced};
use super::nearest::nearest;
use super::problem::{Origin, Problem};
use super::setting::{Setting, explain, quoted};
use super::settings::Entry;
use super::tree::{Node, Table, Value, parse_value};

/// What reading has brought so far.
pub(super) struct Reader<'e> {
    env: &'e Environment,
    /// What relative paths in `${file:...}` start from: the folder of the configuration file.
    base: PathBuf,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
    pub(super) entries: Vec<Entry>,
    /// The environment variables that values refer to, which are therefore not strays.
    pub(super) referenced: BTreeSet<String>,
    unknown: Vec<Unknown>,
    known: Vec<String>,
}

struct Unknown {
    section: String,
    key: String,
    siblings: Vec<&'static str>,
    origin: Origin,
}

/// The keys of one table, taken out one by one. What is left at the end is unknown.
pub(super) struct Section<'r, 'e> {
    pub(super) reader: &'r mut Reader<'e>,
    pub(super) origin: Origin,
    path: String,
    table: Table,
    known: Vec<&'static str>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(env: &'e Environment, base: PathBuf) -> Self {
        Self {
            env,
            base,
            problems: Vec::new(),
            warnings: Vec::new(),
            entries: Vec::new(),
            referenced: BTreeSet::new(),
            unknown: Vec::new(),
            known: Vec::new(),
        }
    }

    /// Reads a whole tree.
    pub(super) fn root<T>(&mut self, table: Table, read: impl FnOnce(&mut Section<'_, 'e>) -> T) -> T {
        let read = self.within(String::new(), table, Origin::Default, read);
        for unknown in std::mem::take(&mut self.unknown) {
            self.report(&unknown);
        }
        read
    }

    fn within<T>(&mut self, path: String, table: Table, origin: Origin, read: impl FnOnce(&mut Section<'_, 'e>) -> T) -> T {
        let mut section = Section { reader: self, origin, path, table, known: Vec::new() };
        let value = read(&mut section);
        let Section { path, table, known, .. } = section;
        self.known.extend(known.iter().map(|key| join(&path, key)));
        for (key, node) in table {
            self.stray(&path, &key, &known, node);
        }
        value
    }

    fn stray(&mut self, section: &str, key: &str, siblings: &[&'static str], node: Node) {
        match node.value {
            // A table that variables made: each of them is named.
            Value::Table(table) if node.origin.is_env() => {
                for (inner, node) in table {
                    self.stray(&join(section, key), &inner, &[], node);
                }
            }
            _ => self.unknown.push(Unknown {
                section: section.to_owned(),
                key: key.to_owned(),
                siblings: siblings.to_vec(),
                origin: node.key_origin,
            }),
        }
    }

    fn report(&mut self, unknown: &Unknown) {
        if let Origin::Env(name) = &unknown.origin {
            let near = nearest(&join(&unknown.section, &unknown.key), self.known.iter().map(String::as_str));
            let hint = near.map_or(String::new(), |path| format!("; did you mean {}?", super::overrides::variable(path)));
            self.warnings.push(format!("{name} is no setting and is ignored{hint}"));
            return;
        }
        let hint = if let Some(near) = nearest(&unknown.key, unknown.siblings.iter().copied()) {
            format!("did you mean `{near}`?")
        } else if let Some(path) = self.known.iter().find(|path| path.rsplit('.').next() == Some(&unknown.key)) {
            format!("did you mean `{path}`?")
        } else {
            format!("known here: {}", unknown.siblings.join(", "))
        };
        let message = format!("unknown key; {hint}");
        self.problems.push(Problem::new(unknown.origin.clone(), join(&unknown.section, &unknown.key), message));
    }

    /// Replaces `${...}` in a value. `None`: that failed, and is noted.
    fn resolve(&mut self, key: &str, mut node: Node) -> Option<Node> {
        match &mut node.value {
            Value::Text(text) => {
                self.referenced.extend(referenced(text).map(str::to_owned));
                match interpolate(text, self.env, &self.base) {
                    Ok(None) => {}
                    Ok(Some(replaced)) => node.template = Some(std::mem::replace(text, replaced)),
                    Err(why) => {
                        self.problems.push(Problem::new(node.origin, key, why));
                        return None;
                    }
                }
            }
            Value::List(items) => {
                let resolved = std::mem::take(items).into_iter().map(|item| self.resolve(key, item)).collect::<Option<Vec<_>>>();
                *items = resolved?;
            }
            _ => {}
        }
        Some(node)
    }
}

impl<'e> Section<'_, 'e> {
    /// The dotted path of a key of this section.
    pub(super) fn key(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Whether the key is set, rightly or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A setting that may be absent.
    pub(super) fn optional<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        self.built(key, |_: &T| None)
    }

    /// A setting with a default.
    pub(super) fn or<T: Setting>(&mut self, key: &'static str, default: T) -> T {
        self.or_built(key, default, |_| None)
    }

    /// A setting with a default, some of whose values are not built yet.
    pub(super) fn or_built<T: Setting>(&mut self, key: &'static str, default: T, not_built: impl Fn(&T) -> Option<String>) -> T {
        self.built(key, not_built).unwrap_or_else(|| {
            let entry = Entry { key: self.key(key), value: default.show(), origin: Origin::Default };
            self.reader.entries.push(entry);
            default
        })
    }

    /// A setting that must be there. `remedy` says what to write.
    pub(super) fn required<T: Setting>(&mut self, key: &'static str, remedy: &str) -> Option<T> {
        self.required_built(key, remedy, |_: &T| None)
    }

    /// A setting that must be there, some of whose values are not built yet.
    pub(super) fn required_built<T: Setting>(
        &mut self,
        key: &'static str,
        remedy: &str,
        not_built: impl Fn(&T) -> Option<String>,
    ) -> Option<T> {
        if !self.has(key) {
            self.problem(key, format!("is missing: {remedy}"));
        }
        self.built(key, not_built)
    }

    /// A setting that belongs to a part which is not built yet, whatever its value.
    pub(super) fn not_built(&mut self, key: &'static str, why: &str) {
        self.known.push(key);
        if let Some(node) = self.table.remove(key) {
            self.refuse(key, &node, why);
        }
    }

    /// A setting that may be absent, some of whose values are not built yet: `not_built` says which part a value needs.
    /// In a file that is a mistake; an environment variable is ignored, and what it overrides holds again.
    pub(super) fn built<T: Setting>(&mut self, key: &'static str, not_built: impl Fn(&T) -> Option<String>) -> Option<T> {
        self.known.push(key);
        let mut next = self.table.remove(key);
        loop {
            let mut node = next?;
            if node.origin.is_env() && matches!(node.value, Value::Table(_)) {
                self.reader.stray(&self.path, key, &[], node);
                return None;
            }
            next = node.shadowed.take().map(|below| *below);
            let path = self.key(key);
            let node = self.reader.resolve(&path, node)?;
            let value = match T::read(&node) {
                Ok(value) => value,
                Err(wrong) => {
                    let message = explain::<T>(&node, &wrong);
                    self.reader.problems.push(Problem::new(node.origin, path, message));
                    return None;
                }
            };
            let Some(why) = not_built(&value) else {
                let shown = node.template.filter(|_| T::FREE_TEXT).map_or_else(|| value.show(), |template| quoted(&template));
                self.reader.entries.push(Entry { key: path, value: shown, origin: node.origin });
                return Some(value);
            };
            self.refuse(key, &node, &why);
            if !node.origin.is_env() {
                return None;
            }
        }
    }

    fn refuse(&mut self, key: &str, node: &Node, why: &str) {
        match &node.origin {
            Origin::Env(name) => self.reader.warnings.push(format!("{name} is ignored: {why}")),
            origin => self.reader.problems.push(Problem::new(origin.clone(), join(&self.path, key), format!("{why}; remove this setting"))),
        }
    }

    /// Whether something stands here that nobody has asked for: once all keys are read, an unknown one.
    pub(super) fn has_more(&self) -> bool {
        !self.table.is_empty()
    }

    /// Notes a mistake of a key, at its value if it has one. Without, and of the section's name (`""`), at the section.
    pub(super) fn problem(&mut self, key: &str, message: impl Into<String>) {
        let key = if key.is_empty() { self.path.clone() } else { self.key(key) };
        let stated = |entry: &&Entry| entry.key == key && entry.origin != Origin::Default;
        let origin = self.reader.entries.iter().find(stated).map_or(&self.origin, |entry| &entry.origin);
        let problem = Problem::new(origin.clone(), key, message);
        self.reader.problems.push(problem);
    }

    /// A section below this one. Absent is empty.
    pub(super) fn section<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Section<'_, 'e>) -> T) -> T {
        self.known.push(name);
        let path = self.key(name);
        let (table, origin) = match self.table.remove(name) {
            Some(node) => self.reader.table(&path, node).unwrap_or_else(|| (Table::new(), Origin::Default)),
            None => (Table::new(), self.origin.clone()),
        };
        self.reader.within(path, table, origin, read)
    }

    /// A section whose keys are names of the user's: one section each.
    pub(super) fn named<T>(&mut self, name: &'static str, mut read: impl FnMut(&str, &mut Section<'_, 'e>) -> Option<T>) -> Vec<T> {
        self.known.push(name);
        let path = self.key(name);
        let Some((table, _)) = self.table.remove(name).and_then(|node| self.reader.table(&path, node)) else { return Vec::new() };
        let one = |(key, node): (String, Node)| {
            let path = join(&path, &key);
            let (table, origin) = self.reader.table(&path, node)?;
            self.reader.within(path, table, origin, |section| read(&key, section))
        };
        table.into_iter().filter_map(one).collect()
    }

    /// A list of sections. An environment variable holds it as TOML.
    pub(super) fn tables<T>(&mut self, name: &'static str, mut read: impl FnMut(&mut Section<'_, 'e>) -> Option<T>) -> Vec<T> {
        self.known.push(name);
        let path = self.key(name);
        let Some(mut node) = self.table.remove(name) else { return Vec::new() };
        if let (Value::Text(text), true) = (&node.value, node.origin.is_env()) {
            node.value = parse_value(text.trim(), &node.origin).map_or(Value::Float, |parsed| parsed.value);
        }
        let Value::List(items) = node.value else {
            self.reader.problems.push(Problem::new(
                node.origin,
                path,
                "expected a list of tables, such as [[...]] with one key on each line",
            ));
            return Vec::new();
        };
        let one = |(i, node): (usize, Node)| {
            let path = format!("{path}[{i}]");
            let (table, origin) = self.reader.table(&path, node)?;
            self.reader.within(path, table, origin, &mut read)
        };
        items.into_iter().enumerate().filter_map(one).collect()
    }
}

impl Reader<'_> {
    fn table(&mut self, path: &str, node: Node) -> Option<(Table, Origin)> {
        match node.value {
            Value::Table(table) => Some((table, node.origin)),
            // A variable that names a section and no key of it.
            _ if node.origin.is_env() => {
                let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
                self.stray(section, key, &[], node);
                None
            }
            other => {
                self.problems.push(Problem::new(node.origin, path, format!("expected a table, found {}", other.kind())));
                None
            }
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

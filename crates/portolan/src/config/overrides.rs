//! `PORTOLAN_SECTION__KEY`: environment variables put over the file.

use super::environment::Environment;
use super::keys::BuiltinProvider;
use super::nearest::nearest;
use super::problem::Origin;
use super::tree::{Node, Table, Value};

/// Settings without a section.
const TOP: &[&str] = &["PROFILE", "SIMULATOR"];

/// Names that are read elsewhere.
const RESERVED: &[&str] =
    &["CONFIG", "DATA_DIR", "INIT_API_KEY", "INIT_MANAGEMENT_KEY", "INIT_ORG", "INIT_ADMIN_EMAIL", "INIT_ADMIN_PASSWORD_FILE"];

/// Puts the variables over the tree. Answers the names (after `PORTOLAN_`) that are no settings.
pub(super) fn apply(root: &mut Table, env: &Environment, builtins: &[BuiltinProvider]) -> Vec<String> {
    let mut strays = Vec::new();
    for (name, value) in env.ours().filter(|(name, _)| !RESERVED.contains(name)) {
        let path: Vec<String> = name.split("__").map(str::to_ascii_lowercase).collect();
        let right = if TOP.contains(&name) { true } else { path.len() > 1 && path[0] != "profile" && path[0] != "simulator" };
        let node = Node::new(Value::Text(value.to_owned()), Origin::Env(format!("PORTOLAN_{name}")));
        if !right || path.iter().any(String::is_empty) || !insert(root, &with_slug(path, root, builtins), node) {
            strays.push(name.to_owned());
        }
    }
    strays.extend(unknown_providers(root, builtins));
    strays
}

/// A provider's slug in a variable has `_` for `-`. A provider that nobody knows gets dashes: slugs have no underscores.
fn with_slug(mut path: Vec<String>, root: &Table, builtins: &[BuiltinProvider]) -> Vec<String> {
    if path[0] == "providers" && path.len() > 2 {
        let in_file = match root.get("providers").map(|node| &node.value) {
            Some(Value::Table(table)) => table.keys().find(|slug| slug.replace('-', "_") == path[1]).cloned(),
            _ => None,
        };
        let builtin = || builtins.iter().find(|row| row.slug.replace('-', "_") == path[1]).map(|row| row.slug.clone());
        path[1] = in_file.or_else(builtin).unwrap_or_else(|| path[1].replace('_', "-"));
    }
    path
}

fn insert(table: &mut Table, path: &[String], mut node: Node) -> bool {
    match path {
        [] => false,
        [key] => {
            if matches!(table.get(key), Some(Node { value: Value::Table(_), .. })) {
                return false;
            }
            node.shadowed = table.remove(key).map(Box::new);
            table.insert(key.clone(), node);
            true
        }
        [section, rest @ ..] => {
            let below = table.entry(section.clone()).or_insert_with(|| Node::new(Value::Table(Table::new()), node.origin.clone()));
            match &mut below.value {
                Value::Table(table) => insert(table, rest, node),
                _ => false,
            }
        }
    }
}

/// Takes out the providers that only variables name and that have no `base_url`: they cannot be meant as rows of one's own.
fn unknown_providers(root: &mut Table, builtins: &[BuiltinProvider]) -> Vec<String> {
    let Some(Node { value: Value::Table(providers), .. }) = root.get_mut("providers") else { return Vec::new() };
    let unknown = |slug: &String, node: &mut Node| {
        let Value::Table(columns) = &node.value else { return false };
        node.origin.is_env() && !columns.contains_key("base_url") && !builtins.iter().any(|row| row.slug == *slug)
    };
    let gone: Vec<Node> = providers.extract_if(.., unknown).map(|(_, node)| node).collect();
    gone.into_iter().flat_map(|node| variables(&node)).collect()
}

fn variables(node: &Node) -> Vec<String> {
    match (&node.value, &node.origin) {
        (Value::Table(table), _) => table.values().flat_map(variables).collect(),
        (_, Origin::Env(name)) => vec![name.trim_start_matches("PORTOLAN_").to_owned()],
        _ => Vec::new(),
    }
}

/// The variable that overrides the setting of this dotted path.
pub(super) fn variable(path: &str) -> String {
    format!("PORTOLAN_{}", path.replace('.', "__").replace('-', "_").to_ascii_uppercase())
}

/// One line for what is nearly a name of ours, one line for all the rest: Kubernetes alone sets seven for a service of this name.
pub(super) fn warnings(strays: &[String], builtins: &[BuiltinProvider]) -> Vec<String> {
    let (mut lines, mut rest) = (Vec::new(), Vec::new());
    for name in strays {
        if let Some((provider, _)) = name.strip_prefix("PROVIDERS__").and_then(|rest| rest.split_once("__")) {
            let slug = provider.to_ascii_lowercase().replace('_', "-");
            let near = nearest(&slug, builtins.iter().map(|row| row.slug.as_str()));
            let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            lines.push(format!("PORTOLAN_{name} is ignored: no provider {slug} is built in or configured{hint}"));
        } else if let Some(near) = nearest(name, TOP.iter().chain(RESERVED).copied()) {
            lines.push(format!("PORTOLAN_{name} is no setting and is ignored; did you mean PORTOLAN_{near}?"));
        } else {
            rest.push(format!("PORTOLAN_{name}"));
        }
    }
    if !rest.is_empty() {
        lines.push(format!("ignored environment variables that are no settings: {}", rest.join(", ")));
    }
    lines
}

//! Any JSON object as a sheet: one line per field, lists of objects as tables.

use comfy_table::{Table, presets};
use serde_json::{Map, Value};

use super::json::plain;

/// A table without lines, for eyes and for `grep`.
pub(super) fn table<R: IntoIterator<Item = String>>(header: &[&str], rows: impl IntoIterator<Item = R>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row.into_iter().collect::<Vec<_>>());
    }
    // The padding at the left of the first column would look like a mistake.
    table.lines().map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(&line).trim_end())).collect()
}

/// An object, field by field in its own order.
pub(super) fn sheet(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(fields) => section(fields, 0, &mut out),
        other => {
            out.push_str(&plain(other));
            out.push('\n');
        }
    }
    out
}

fn section(fields: &Map<String, Value>, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let width = fields.iter().filter(|(_, v)| inline(v).is_some()).map(|(k, _)| k.chars().count()).max().unwrap_or(0);
    for (key, value) in fields {
        match (inline(value), value) {
            (Some(text), _) => out.push_str(&format!("{indent}{key:width$}  {text}\n")),
            (None, Value::Object(inner)) => {
                out.push_str(&format!("{indent}{key}\n"));
                section(inner, depth + 1, out);
            }
            (None, Value::Array(rows)) => {
                out.push_str(&format!("{indent}{key}\n"));
                list(rows, depth + 1, out);
            }
            (None, _) => {}
        }
    }
}

/// What fits on the line of its key.
fn inline(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) if fields.is_empty() => Some("-".into()),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            Some(if items.is_empty() { "-".into() } else { items.iter().map(plain).collect::<Vec<_>>().join(", ") })
        }
        Value::Object(_) | Value::Array(_) => None,
        scalar => Some(plain(scalar)),
    }
}

fn list(rows: &[Value], depth: usize, out: &mut String) {
    let mut columns: Vec<&str> = Vec::new();
    for key in rows.iter().filter_map(Value::as_object).flat_map(Map::keys) {
        if !columns.contains(&key.as_str()) {
            columns.push(key);
        }
    }
    if columns.is_empty() {
        // A list of lists: a line each.
        rows.iter().filter_map(inline).for_each(|line| out.push_str(&format!("{}{line}\n", "  ".repeat(depth))));
        return;
    }
    let cell = |row: &Value, column: &str| inline(&row[column]).unwrap_or_else(|| plain(&row[column]));
    let text = table(&columns, rows.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect::<Vec<_>>()));
    text.lines().for_each(|line| out.push_str(&format!("{}{line}\n", "  ".repeat(depth))));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn an_object_is_a_sheet_with_its_lists_as_tables() {
        let value = json!({
            "id": "gen-1", "cost": 0.000000125, "tags": ["a", "b"], "none": null,
            "usage": { "input": 12, "output": 3 }, "held": [[1, 0.25], [2, 0.5]],
            "attempts": [{ "provider": "groq", "fault": "timeout" }, { "provider": "openai", "extra": { "a": 1 } }],
        });
        insta::assert_snapshot!(super::sheet(&value));
    }
}

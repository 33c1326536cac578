//! `portolan verify`: the proof that what was charged is what was served.

use http::Method;
use serde_json::{Value, json};

use super::admin::Admin;
use super::exit::{CliError, ExitCode};
use super::json::at;
use super::output::Output;
use super::sheet::{sheet, table};

pub(super) async fn run(sim: &str, admin: &Admin, output: Output) -> Result<ExitCode, CliError> {
    let body = json!({ "sim_url": sim }).to_string();
    let answer = admin.call(Method::POST, "/verify", Some(body.into())).await?;
    let report = if answer.value["data"].is_object() { &answer.value["data"] } else { &answer.value };
    let ok = report["ok"] == true;
    output.data(&if output.json { answer.text.clone() } else { render(report) })?;
    Ok(if ok { ExitCode::Ok } else { ExitCode::Failure })
}

/// The classes apart, what does not match one by one, then the verdict.
fn render(report: &Value) -> String {
    let classes = report["classes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let columns = ["name", "requests", "charged", "cost", "mismatches"];
    let row = |class: &Value| {
        columns.map(|column| match &class[column] {
            Value::Array(items) => items.len().to_string(),
            _ => at(class, column),
        })
    };
    let mut out = table(&["class", "requests", "charged", "cost", "mismatches"], classes.iter().map(row));
    let mut rest = report.clone();
    if let Value::Object(fields) = &mut rest {
        fields.retain(|name, _| name != "classes" && name != "ok");
        if !fields.is_empty() {
            out.push('\n');
            out.push_str(&sheet(&rest));
        }
    }
    out.push('\n');
    out.push_str(if report["ok"] == true { "ok: every charge matches what was served\n" } else { "NOT OK: see the mismatches\n" });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_prints_the_classes_apart_and_what_does_not_match() {
        let report = json!({
            "classes": [
                { "name": "completed", "requests": 2000, "charged": 0.512, "cost": 0.512, "mismatches": 0 },
                { "name": "orphaned", "requests": 3, "charged": 0.000000125, "cost": 0.0000001, "mismatches": [{ "id": "gen-1" }] },
            ],
            "mismatches": [{ "id": "gen-1", "what": "tokens", "ours": 12, "theirs": 13 }],
            "ok": false,
        });
        insta::assert_snapshot!(render(&report));
    }
}

//! `portolan catalog ...`: what can be called, and the live catalog over the built-in one.

use http::Method;
use portolan_catalog::sync::Diff;
use serde_json::{Value, json};

use super::admin::{Admin, Answer};
use super::args::{Catalog, SyncCatalog};
use super::exit::{CliError, ExitCode};
use super::json::{at, plain};
use super::output::Output;
use super::sheet::{sheet, table};

pub(super) async fn run(command: Catalog, admin: &Admin, output: Output) -> Result<ExitCode, CliError> {
    match command {
        Catalog::Sync(args) => sync(&args, admin, output).await,
        Catalog::List => {
            let answer = admin.call(Method::GET, "/catalog", None).await?;
            print(&answer, output, list)
        }
        Catalog::Show { model } => {
            let path = path_of(&model)?;
            let answer = admin.call(Method::GET, &path, None).await?;
            print(&answer, output, show)
        }
        Catalog::Status => {
            let answer = admin.call(Method::GET, "/catalog/status", None).await?;
            print(&answer, output, |data| sheet(&with_times(data)))
        }
        Catalog::Probe { provider } => {
            let body = json!({ "provider": provider }).to_string();
            let answer = admin.call(Method::POST, "/catalog/probe", Some(body.into())).await?;
            print(&answer, output, probed)?;
            let failed = rows(&answer.value["data"]).iter().any(|report| report["ok"] != true);
            Ok(if failed { ExitCode::Provider } else { ExitCode::Ok })
        }
    }
}

fn print(answer: &Answer, output: Output, human: impl Fn(&Value) -> String) -> Result<ExitCode, CliError> {
    output.data(&if output.json { answer.text.clone() } else { human(&answer.value["data"]) })?;
    Ok(ExitCode::Ok)
}

/// Fetches, shows what would change, then applies just that.
async fn sync(args: &SyncCatalog, admin: &Admin, output: Output) -> Result<ExitCode, CliError> {
    let asked = json!({ "source": args.source, "url": args.url, "dry_run": args.dry_run });
    let fetched = admin.call(Method::POST, "/catalog/fetch", Some(asked.to_string().into())).await?;
    let data = &fetched.value["data"];
    if !output.json {
        output.data(&difference(data)?)?;
    }
    let applied = match data["candidate"].as_str() {
        Some(candidate) if !args.dry_run => {
            let chosen = json!({ "candidate": candidate }).to_string();
            Some(admin.call(Method::POST, "/catalog/apply", Some(chosen.into())).await?)
        }
        _ => None,
    };
    if output.json {
        let mut whole = data.clone();
        whole["applied"] = applied.is_some().into();
        whole["status"] = applied.map_or(Value::Null, |answer| answer.value["data"].clone());
        output.data(&json!({ "data": whole }).to_string())?;
    } else {
        output.note(match (applied.is_some(), data["changed"] == true) {
            (true, _) => "applied",
            (false, true) => "nothing was applied (--dry-run)",
            (false, false) => "the source has nothing newer",
        });
    }
    Ok(ExitCode::Ok)
}

fn difference(data: &Value) -> Result<String, CliError> {
    let diff: Diff = serde_json::from_value(data["diff"].clone())
        .map_err(|e| CliError::new(ExitCode::Failure, format!("the server's difference cannot be read: {e}")))?;
    let mut text = diff.to_string();
    let unread = "not answered, the last good answers stand in";
    for (what, lines, count) in [("left out", "skipped", "skipped_count"), (unread, "unread", "unread_count")] {
        let lines = rows(&data[lines]);
        if !lines.is_empty() {
            let all = data[count].as_u64().unwrap_or_default();
            let shown = if all > lines.len() as u64 { format!(", of which the first {}", lines.len()) } else { String::new() };
            text.push_str(&format!("{what}: {all}{shown}\n"));
            lines.iter().for_each(|line| text.push_str(&format!("  {}\n", plain(line))));
        }
    }
    Ok(text)
}

/// A model is named as in a request. What cannot stand in a path is no name of one.
fn path_of(model: &str) -> Result<String, CliError> {
    portolan_core::ModelSlug::parse(model).map(|slug| format!("/catalog/models/{slug}")).map_err(|e| {
        CliError::new(ExitCode::Usage, e.to_string()).hint("a model is named author/name, as `portolan catalog list` shows it")
    })
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn list(data: &Value) -> String {
    let columns = ["id", "origin", "endpoints", "callable", "prompt", "completion"];
    table(&columns, rows(data).iter().map(|row| columns.map(|column| at(row, column))))
}

/// The model, then its endpoints one below the other.
fn show(data: &Value) -> String {
    let mut model = data.clone();
    let endpoints = model.as_object_mut().and_then(|fields| fields.remove("endpoints")).unwrap_or_default();
    let mut out = sheet(&model);
    for endpoint in rows(&endpoints) {
        out.push('\n');
        out.push_str(&sheet(&in_words(endpoint)));
    }
    out
}

/// Why zero data retention is believed, in words.
const ZDR_BASES: &[(&str, &str)] = &[
    ("endpoint", "the endpoint's own policy"),
    ("administrator", "an administrator says so"),
    ("other_region", "only the same model's in another region: no fact, and no rule relies on it"),
    ("provider", "only the provider's other endpoints: no fact, and no rule relies on it"),
];

/// An endpoint with what people would have to look up in words, and a date that has passed as one.
fn in_words(endpoint: &Value) -> Value {
    let mut endpoint = endpoint.clone();
    if let Some((_, words)) = ZDR_BASES.iter().find(|(basis, _)| endpoint["zdr_basis"] == *basis) {
        endpoint["zdr_basis"] = (*words).into();
    }
    let passed = endpoint.as_object_mut().and_then(|fields| fields.remove("deprecation_passed"));
    if passed == Some(Value::Bool(true)) {
        endpoint["deprecation_date"] = format!("{}, which has passed", at(&endpoint, "deprecation_date")).into();
    }
    endpoint
}

/// The same with times that people read.
fn with_times(status: &Value) -> Value {
    let mut status = status.clone();
    for name in ["fetched_at", "checked_at", "failed_at"] {
        if let Some(time) = status[name].as_i64().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()) {
            status[name] = time.to_string().into();
        }
    }
    status
}

fn probed(data: &Value) -> String {
    let count = |report: &Value, column: &str| match &report[column] {
        Value::Array(items) => items.len().to_string(),
        other => plain(other),
    };
    let columns = ["models_there", "has", "lacks", "not_in_catalog"];
    let row = |report: &Value| {
        let shown = columns.map(|column| count(report, column));
        std::iter::once(at(report, "provider")).chain(shown).chain(std::iter::once(at(report, "error"))).collect::<Vec<_>>()
    };
    let mut out = table(&["provider", "models there", "has", "lacks", "not in catalog", "error"], rows(data).iter().map(row));
    // What a credential has is told where one was asked for: of all of them it would be the whole catalog.
    let told = |endpoint: &&Value| endpoint["has"] == false || rows(data).len() == 1;
    for report in rows(data) {
        for endpoint in rows(&report["endpoints"]).iter().filter(told) {
            let verb = if endpoint["has"] == true { "has" } else { "lacks" };
            let [model, tag, id] = ["model", "endpoint", "upstream_id"].map(|column| at(endpoint, column));
            out.push_str(&format!("{} {verb} {id}: {model} @ {tag}\n", at(report, "provider")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_prints_what_each_credential_has_and_lacks() {
        let data = json!([
            { "provider": "openai", "ok": true, "models_there": 3, "has": ["a"], "lacks": ["b\u{1b}[31m"], "not_in_catalog": 2, "endpoints": [
                { "model": "openai/a", "endpoint": "openai", "upstream_id": "a", "has": true },
                { "model": "openai/b", "endpoint": "openai/eu", "upstream_id": "b\u{1b}[31m", "has": false },
            ] },
            { "provider": "groq", "ok": false, "error": "answers 401" },
        ]);
        let text = probed(&data);
        assert!(text.contains("openai lacks b\u{fffd}[31m: openai/b @ openai/eu") && !text.contains("openai has"), "{text}");
        assert!(probed(&json!([data[0]])).contains("openai has a: openai/a @ openai\n"));
        assert!(text.lines().any(|line| line.starts_with("groq") && line.ends_with("answers 401")), "{text}");
    }

    #[test]
    fn an_endpoint_shows_when_it_ends_and_why_it_is_believed_to_keep_nothing() {
        // the endpoint, its line, what the line holds
        for (endpoint, line, words) in [
            (json!({ "deprecation_date": "2026-08-10", "deprecation_passed": true }), "deprecation_date", "2026-08-10, which has passed"),
            (json!({ "deprecation_date": "2098-12-31", "deprecation_passed": false }), "deprecation_date", "2098-12-31"),
            (json!({ "deprecation_date": null, "deprecation_passed": null }), "deprecation_date", "-"),
            (json!({ "zdr": false, "zdr_basis": "other_region" }), "zdr_basis", ZDR_BASES[2].1),
            (json!({ "zdr": false, "zdr_basis": "provider" }), "zdr_basis", ZDR_BASES[3].1),
            (json!({ "zdr": true, "zdr_basis": "administrator" }), "zdr_basis", ZDR_BASES[1].1),
            (json!({ "zdr": true, "zdr_basis": "endpoint" }), "zdr_basis", ZDR_BASES[0].1),
            (json!({ "zdr": false, "zdr_basis": null }), "zdr_basis", "-"),
        ] {
            let text = show(&json!({ "id": "a/b", "endpoints": [endpoint] }));
            let shown = text.lines().find_map(|l| l.strip_prefix(line)).map(str::trim);
            assert_eq!(shown, Some(words), "{text}");
            assert!(!text.contains("deprecation_passed"), "{text}");
        }
    }

    #[test]
    fn what_is_no_slug_reaches_no_path() {
        assert_eq!(path_of("openai/gpt-4o-mini:free").unwrap(), "/catalog/models/openai/gpt-4o-mini:free");
        assert_eq!(path_of("../keys?x").unwrap_err().code, ExitCode::Usage);
    }
}

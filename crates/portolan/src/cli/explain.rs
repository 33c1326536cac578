//! `portolan explain`: the plan of a request, without sending it.

use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use super::admin::Admin;
use super::args::Explain;
use super::exit::{CliError, ExitCode};
use super::json::{at, plain};
use super::keys;
use super::output::Output;
use super::sheet::table;

/// The server's own default limit of a body.
const BODY_BYTES_MAX: u64 = 50 << 20;

/// So many models of a router are shown. One that finds none has looked at the whole catalog.
const MODELS_MAX: usize = 50;

pub(super) async fn run(args: &Explain, admin: &Admin, output: Output) -> Result<ExitCode, CliError> {
    let body = read(&args.body)?;
    let mut path = format!("/explain?task={}", args.task);
    if let Some(seed) = args.seed {
        path.push_str(&format!("&seed={seed}"));
    }
    if let Some(key) = &args.key {
        path.push_str(&format!("&key={}", keys::find(admin, key).await?));
    }
    let answer = admin.call(Method::POST, &path, Some(body)).await?;
    output.data(&if output.json { answer.text } else { render(&answer.value["data"]) })?;
    Ok(ExitCode::Ok)
}

fn read(path: &Path) -> Result<Bytes, CliError> {
    let fail = |e: std::io::Error| {
        let code = if e.kind() == std::io::ErrorKind::NotFound { ExitCode::NotFound } else { ExitCode::Failure };
        CliError::new(code, format!("the body {} cannot be read: {e}", path.display()))
    };
    let mut body = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(BODY_BYTES_MAX + 1).read_to_end(&mut body).map_err(fail)?;
    } else {
        std::fs::File::open(path).and_then(|file| file.take(BODY_BYTES_MAX + 1).read_to_end(&mut body)).map_err(fail)?;
    }
    if body.len() as u64 > BODY_BYTES_MAX {
        return Err(CliError::new(ExitCode::Usage, format!("the body is larger than {BODY_BYTES_MAX} bytes")));
    }
    Ok(body.into())
}

fn render(data: &Value) -> String {
    let rows = |key: &str| data[key].as_array().map(Vec::as_slice).unwrap_or_default().to_vec();
    let models = data["requested_models"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut out = format!("models    {}\n", models.iter().map(plain).collect::<Vec<_>>().join(", "));
    for key in ["strategy", "epoch", "seed"] {
        out.push_str(&format!("{key:8}  {}\n", at(data, key)));
    }
    for router in rows("routers") {
        out.push_str(&decision(&router));
    }
    // A router without a model has looked at all endpoints of the models above.
    if rows("routers").is_empty() || rows("candidates").iter().any(|row| row["status"] == "eligible") {
        let header = ["#", "status", "model", "provider", "lane", "price", "expected", "worst", "why"];
        out.push('\n');
        out.push_str(&table(&header, rows("candidates").iter().map(candidate)));
    }
    if !rows("budgets").is_empty() {
        let header = ["budget", "enforcement", "limit", "settled", "held", "fits"];
        let budget = |row: &Value| ["scope", "enforcement", "limit", "settled", "held", "fits"].map(|path| at(row, path));
        out.push('\n');
        out.push_str(&table(&header, rows("budgets").iter().map(budget)));
    }
    if !rows("notes").is_empty() {
        out.push('\n');
    }
    for note in rows("notes") {
        out.push_str(&format!("note: {}\n", plain(&note)));
    }
    out.push('\n');
    out.push_str(&refusal(&data["refusal"]));
    out
}

/// What a router decided, and what it made of each model. Of a request that ended the models are not known.
fn decision(router: &Value) -> String {
    let mut out = "\n".to_owned();
    for key in ["router", "task", "complexity", "strength", "ceiling_percent", "kept"] {
        if !router[key].is_null() {
            out.push_str(&format!("{key:15}  {}\n", at(router, key)));
        }
    }
    let model = |row: &Value| {
        let why = if row["rule"].is_string() { why(row) } else { at(row, "order_reason") };
        [at(row, "order"), at(row, "status"), at(row, "model"), at(row, "strength"), at(row, "price"), why]
    };
    let models = router["models"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !models.is_empty() {
        out.push_str(&table(&["#", "status", "model", "strength", "price", "why"], models.iter().take(MODELS_MAX).map(model)));
    }
    if models.len() > MODELS_MAX {
        out.push_str(&format!("... and {} more; -o json shows all\n", models.len() - MODELS_MAX));
    }
    out
}

fn candidate(row: &Value) -> [String; 9] {
    let provider = if row["tag"].is_string() { at(row, "tag") } else { at(row, "provider") };
    [
        at(row, "order"),
        at(row, "status"),
        at(row, "model"),
        provider,
        at(row, "lane"),
        at(row, "score.price"),
        at(row, "quote.expected"),
        at(row, "quote.worst"),
        why(row),
    ]
}

/// Which rule rejected it, where that comes from and what it says; for an eligible one, why it stands
/// where it stands, and what will be lost on the way.
fn why(row: &Value) -> String {
    if let Some(rule) = row["rule"].as_str() {
        let detail = row["detail"].as_str().map_or(String::new(), |_| format!(": {}", at(row, "detail")));
        return format!("{rule} ({}){detail}", at(row, "source"));
    }
    let placed = match row["score"]["weight"].as_f64().filter(|weight| *weight > 0.0) {
        Some(weight) => format!("{} ({:.0} %)", at(row, "order_reason"), weight * 100.0),
        None => at(row, "order_reason"),
    };
    let dropped = row["dropped"].as_array().map(Vec::as_slice).unwrap_or_default();
    if dropped.is_empty() {
        return placed;
    }
    format!("{placed}; drops {}", dropped.iter().map(plain).collect::<Vec<_>>().join(", "))
}

fn refusal(refusal: &Value) -> String {
    match refusal {
        Value::Null => "would be sent\n".into(),
        Value::Object(_) => {
            let error = if refusal["error"].is_object() { &refusal["error"] } else { refusal };
            let rule = error["metadata"]["rule"].as_str().or(error["rule"].as_str());
            format!(
                "would be refused: {} {}{}\n",
                at(error, "code"),
                at(error, "message"),
                rule.map_or(String::new(), |r| format!(" ({r})"))
            )
        }
        other => format!("would be refused: {}\n", plain(other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_explanation_is_a_table_with_the_rule_that_rejected() {
        let data = json!({
            "requested_models": ["anthropic/claude-sonnet-4.6"], "strategy": "direct", "epoch": 17, "seed": 1,
            "candidates": [
                { "model": "anthropic/claude-sonnet-4.6", "provider": "anthropic", "tag": "anthropic", "region": null,
                  "status": "eligible", "order": 1, "order_reason": "drawn", "lane": "translated", "lane_reason": "dialect",
                  "score": { "price": "0.000009", "weight": 0.52 }, "quote": { "expected": "0.00042", "worst": "0.0615" }, "dropped": [] },
                { "model": "anthropic/claude-sonnet-4.6", "provider": "amazon-bedrock", "tag": "amazon-bedrock/us-east-1",
                  "status": "rejected", "rule": "provider_not_allowed", "source": "request.provider.only", "detail": "only: anthropic" },
            ],
            "budgets": [{ "scope": "key", "enforcement": "strict", "limit": "1", "settled": "0.2", "held": "0", "fits": true }],
            "refusal": null,
        });
        insta::assert_snapshot!(render(&data));
    }

    #[test]
    fn a_router_shows_what_it_made_of_each_model() {
        let data = json!({
            "requested_models": ["openrouter/auto"], "strategy": "auto", "epoch": 1, "seed": 1, "candidates": [], "budgets": [], "refusal": null,
            "routers": [{
                "router": "openrouter/auto", "task": "code_writing", "complexity": 0.62, "ceiling_percent": 18, "strength": 0.31, "kept": null,
                "models": [
                    { "model": "openai/gpt-5-nano", "status": "chosen", "order": 1, "order_reason": "strong_enough", "strength": 0.38, "price": "0.0000002" },
                    { "model": "openai/gpt-5", "status": "rejected", "strength": 0.8, "price": "0.000005", "rule": "cost_ceiling", "source": "router" },
                    { "model": "z-ai/glm-5", "status": "rejected", "rule": "provider_not_allowed", "source": "request.provider.only", "detail": "only: openai" },
                ],
            }],
        });
        insta::assert_snapshot!(render(&data));
    }

    #[test]
    fn notes_stand_below_the_tables_each_on_a_line() {
        let told = |notes: Value| render(&json!({ "candidates": [], "budgets": [], "refusal": null, "notes": notes }));
        let notes = json!(["provider.ignore: no provider is called foo", "provider.order: no endpoint has azure/swedncentral"]);
        let expected = "\n\nnote: provider.ignore: no provider is called foo\nnote: provider.order: no endpoint has azure/swedncentral\n\nwould be sent\n";
        assert!(told(notes.clone()).ends_with(expected), "{}", told(notes));
        for none in [json!([]), Value::Null] {
            assert!(!told(none.clone()).contains("note"), "{}", told(none));
        }
    }

    #[test]
    fn a_refusal_says_what_the_request_would_be_answered() {
        let error = json!({ "code": 402, "message": "the key's budget is spent", "metadata": { "rule": "budget_exhausted" } });
        let expected = "would be refused: 402 the key's budget is spent (budget_exhausted)\n";
        assert_eq!(refusal(&error), expected);
        assert_eq!(refusal(&json!({ "error": error })), expected);
    }
}

//! `portolan keys ...`: OpenRouter's key routes, from the shell.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Method;
use portolan_core::{Clock, KeyHash, Money, SystemClock};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::admin::{Admin, Answer};
use super::args::{CreateKey, Keys};
use super::exit::{CliError, ExitCode};
use super::json::at;
use super::output::Output;
use super::sheet::{sheet, table};

/// Pages of a list. At 100 keys a page, more than any installation has; a server that pages forever ends here.
const PAGES_MAX: usize = 10_000;

/// Fewer digits of a hash are taken for a name.
const PREFIX_DIGITS_MIN: usize = 6;

/// The body of `POST /keys`.
#[derive(Serialize)]
struct NewKey<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_reset: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enforcement: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens_default: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
}

pub(super) async fn run(command: Keys, admin: &Admin, output: Output) -> Result<ExitCode, CliError> {
    match command {
        Keys::Create(args) => show_secret(&create(&args, admin).await?, output)?,
        Keys::List => list(admin, output).await?,
        Keys::Show(key) => show(&on(admin, Method::GET, &key.key, "", None).await?, output)?,
        Keys::Disable(key) => show(&disabled(admin, &key.key, true).await?, output)?,
        Keys::Enable(key) => show(&disabled(admin, &key.key, false).await?, output)?,
        Keys::Delete(key) => deleted(&on(admin, Method::DELETE, &key.key, "", None).await?, &key.key, output)?,
        Keys::Rotate(key) => show_secret(&on(admin, Method::POST, &key.key, "/rotate", None).await?, output)?,
    }
    Ok(ExitCode::Ok)
}

async fn create(args: &CreateKey, admin: &Admin) -> Result<Answer, CliError> {
    let new = NewKey {
        name: &args.name,
        limit: args.limit,
        limit_reset: args.limit_reset.as_deref(),
        enforcement: args.enforcement.as_deref(),
        max_tokens_default: args.max_tokens_default,
        expires_at: args.expires_at.map(|time| time.to_string()),
    };
    let body = serde_json::to_vec(&new).map_err(|e| CliError::new(ExitCode::Failure, e.to_string()))?;
    admin.call(Method::POST, "/keys", Some(body.into())).await
}

async fn disabled(admin: &Admin, key: &str, disabled: bool) -> Result<Answer, CliError> {
    let body = format!("{{\"disabled\":{disabled}}}");
    on(admin, Method::PATCH, key, "", Some(body.into())).await
}

/// A request about one key, however it is named.
async fn on(admin: &Admin, method: Method, key: &str, below: &str, body: Option<Bytes>) -> Result<Answer, CliError> {
    let hash = find(admin, key).await?;
    admin.call(method, &format!("/keys/{hash}{below}"), body).await
}

/// The hash of the key that is named by its hash, by the start of it, or by its name.
pub(super) async fn find(admin: &Admin, named: &str) -> Result<String, CliError> {
    if KeyHash::parse(named).is_some() {
        return Ok(named.to_ascii_lowercase());
    }
    let rows = all(admin).await?.iter().map(|row| serde_json::from_str(row.get()).unwrap_or(Value::Null)).collect::<Vec<_>>();
    pick(named, &rows)
}

fn pick(named: &str, rows: &[Value]) -> Result<String, CliError> {
    let start = named.to_ascii_lowercase();
    let by_hash = named.len() >= PREFIX_DIGITS_MIN && named.bytes().all(|b| b.is_ascii_hexdigit());
    let meant = |row: &&Value| row["name"] == named || by_hash && row["hash"].as_str().is_some_and(|hash| hash.starts_with(&start));
    let found: Vec<&str> = rows.iter().filter(meant).filter_map(|row| row["hash"].as_str()).collect();
    match found[..] {
        [hash] => Ok(hash.to_owned()),
        [] => Err(CliError::new(ExitCode::NotFound, format!("no key has the name or the hash `{named}`"))
            .hint("`portolan keys list` shows all keys")),
        _ => {
            let hashes: Vec<&str> = found.iter().map(|hash| &hash[..hash.len().min(12)]).collect();
            Err(CliError::new(ExitCode::Usage, format!("`{named}` could be any of {} keys", found.len()))
                .hint(format!("name it by its hash: {}", hashes.join(", "))))
        }
    }
}

/// All keys, page by page, as they were sent.
async fn all(admin: &Admin) -> Result<Vec<Box<RawValue>>, CliError> {
    let (mut rows, mut seen) = (Vec::new(), BTreeSet::new());
    for _ in 0..PAGES_MAX {
        let path = format!("/keys?include_disabled=true&offset={}", rows.len());
        let answer = admin.call(Method::GET, &path, None).await?;
        let page: Page = serde_json::from_str(&answer.text)
            .map_err(|e| CliError::new(ExitCode::Failure, format!("the server's list of keys cannot be read: {e}")))?;
        let before = rows.len();
        rows.extend(page.data.into_iter().filter(|row| seen.insert(row.get().to_owned())));
        if rows.len() == before {
            break;
        }
    }
    Ok(rows)
}

async fn list(admin: &Admin, output: Output) -> Result<(), CliError> {
    let rows = all(admin).await?;
    if output.json {
        return output.data(&format!("{{\"data\":[{}]}}", rows.iter().map(|row| row.get()).collect::<Vec<_>>().join(",")));
    }
    let rows: Vec<Value> = rows.iter().map(|row| serde_json::from_str(row.get()).unwrap_or(Value::Null)).collect();
    if rows.is_empty() {
        output.note("no keys yet; make one with `portolan keys create --name NAME`");
        return Ok(());
    }
    let header = ["hash", "name", "key", "state", "limit", "used", "left", "reset", "expires"];
    output.data(&table(&header, rows.iter().map(row)))
}

fn row(key: &Value) -> [String; 9] {
    let state = if key["disabled"] == true { "disabled" } else { "enabled" };
    let hash = at(key, "hash").chars().take(12).collect();
    let column = |path| at(key, path);
    [
        hash,
        column("name"),
        column("label"),
        state.into(),
        column("limit"),
        column("usage"),
        column("limit_remaining"),
        column("limit_reset"),
        column("expires_at"),
    ]
}

fn show(answer: &Answer, output: Output) -> Result<(), CliError> {
    if output.json { output.data(&answer.text) } else { output.data(&sheet(&answer.value["data"])) }
}

fn deleted(answer: &Answer, key: &str, output: Output) -> Result<(), CliError> {
    if output.json {
        return output.data(if answer.text.is_empty() { "{\"deleted\":true}" } else { &answer.text });
    }
    output.note(&format!("deleted {key}"));
    Ok(())
}

/// The one time that a key is shown. On standard output stands nothing but the key, so that `$(...)` takes it.
fn show_secret(answer: &Answer, output: Output) -> Result<(), CliError> {
    if output.json {
        return output.data(&answer.text);
    }
    let data = &answer.value["data"];
    let limit = data["limit"]
        .is_number()
        .then(|| format!(", limit {} USD {}", at(data, "limit"), data["limit_reset"].as_str().unwrap_or("in all")));
    output.note(&format!("key {} ({}{})", at(data, "name"), at(data, "label"), limit.unwrap_or_default()));
    output.data(answer.value["key"].as_str().unwrap_or_default())?;
    output.note("this is the only time that the key is shown: keep it in a safe place");
    Ok(())
}

/// Reads `2027-01-31T12:00:00Z`, `2027-01-31` (its start, in UTC) or `30d` (from now).
pub(super) fn time(text: &str) -> Result<jiff::Timestamp, String> {
    let wrong = || "expected 2027-01-31, 2027-01-31T12:00:00Z, or 30d, 12h or 45m from now".to_owned();
    if let Some(seconds) = relative(text) {
        let at = SystemClock.now().seconds().checked_add(seconds).ok_or_else(wrong)?;
        return jiff::Timestamp::from_second(at).map_err(|_| wrong());
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(time);
    }
    let date: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    date.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(|_| wrong())
}

fn relative(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let unit = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_found_by_its_name_or_by_enough_of_its_hash() {
        let hash = |start: &str| format!("{start:0<64}");
        let rows = [
            json!({ "hash": hash("abcdef1"), "name": "ci" }),
            json!({ "hash": hash("abcdef2"), "name": "twice" }),
            json!({ "hash": hash("123456"), "name": "twice" }),
            json!({ "hash": hash("777777"), "name": "abcdef10" }),
        ];
        for (named, expected) in [("ci", Ok("abcdef1")), ("123456", Ok("123456")), ("ABCDEF2", Ok("abcdef2"))] {
            assert_eq!(pick(named, &rows).map_err(|e| e.code), expected.map(hash), "{named}");
        }
        for (named, code) in [
            ("12345", ExitCode::NotFound),
            ("nobody", ExitCode::NotFound),
            ("twice", ExitCode::Usage),
            ("abcdef", ExitCode::Usage),
            ("abcdef10", ExitCode::Usage),
        ] {
            assert_eq!(pick(named, &rows).unwrap_err().code, code, "{named}");
        }
    }

    #[test]
    fn times_are_read_in_three_forms_and_sent_in_utc() {
        for (text, utc) in [
            ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z"),
            ("2027-01-31T12:00:00+02:00", "2027-01-31T10:00:00Z"),
            ("2027-01-31", "2027-01-31T00:00:00Z"),
        ] {
            assert_eq!(time(text).unwrap().to_string(), utc, "{text}");
        }
        let day = time("1d").unwrap().as_second() - SystemClock.now().seconds();
        assert!((86_399..=86_401).contains(&day), "{day}");
        for wrong in ["", "soon", "30", "30 d", "99999999999999999d", "2027-02-30"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_limit_is_sent_with_all_its_digits_and_what_is_not_stated_is_not_sent() {
        let new = NewKey {
            name: "ci",
            limit: Some(Money(1_234_567_891_000_000_001)),
            limit_reset: Some("daily"),
            enforcement: Some("strict"),
            max_tokens_default: None,
            expires_at: None,
        };
        let sent = serde_json::to_string(&new).unwrap();
        assert_eq!(sent, r#"{"name":"ci","limit":1234567891.000000001,"limit_reset":"daily","enforcement":"strict"}"#);
    }
}

//! Settings that are a quantity, an address, a name, a price or a secret.

use std::net::SocketAddr;
use std::time::Duration;

use portolan_core::{ExposeSecret, ModelSlug, Price, SecretString};
use portolan_upstream::{Base, EgressRule, UpstreamError};
use tracing_subscriber::filter::LevelFilter;

use super::setting::{Setting, Wrong, explain, quoted};
use super::tree::{Node, Value, parse_value};

/// A number of bytes: `52428800`, `"50MiB"`, `"50MB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByteSize(pub(super) u64);

/// An `http` or `https` URL without credentials, query or fragment, and without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HttpUrl(pub(super) String);

/// Enough of a secret to recognize it, too little to use it.
pub(super) fn mask(secret: &str) -> String {
    let chars: Vec<char> = secret.chars().collect();
    if chars.len() < 16 {
        return "***".into();
    }
    let (start, end) = (&chars[..3], &chars[chars.len() - 3..]);
    format!("{}...{}", start.iter().collect::<String>(), end.iter().collect::<String>())
}

/// Splits `90s` into its number and its unit.
fn quantity(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..digits].parse().ok()?, text[digits..].trim()))
}

impl Setting for Duration {
    fn expects() -> String {
        "a duration such as \"500ms\", \"2s\", \"10m\" or \"1h\"".into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        let (number, unit) = quantity(node.text()?).ok_or(Wrong::Kind)?;
        let millis = match unit {
            "ms" => Some(number),
            "s" => number.checked_mul(1_000),
            "m" => number.checked_mul(60_000),
            "h" => number.checked_mul(3_600_000),
            _ => return Err(Wrong::Kind),
        };
        // A day: what takes longer is a mistake, and timers must not overflow.
        let day = |millis: &u64| *millis <= 86_400_000;
        millis.filter(day).map(Duration::from_millis).ok_or_else(|| Wrong::Because("is longer than 24h".into()))
    }

    fn show(&self) -> String {
        let millis = self.as_millis();
        let units = [(3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        let unit = units.into_iter().find(|(of, _)| millis > 0 && millis.is_multiple_of(*of)).unwrap_or((1, "ms"));
        quoted(&format!("{}{}", millis / unit.0, unit.1))
    }
}

impl Setting for ByteSize {
    fn expects() -> String {
        "a number of bytes such as 52428800, \"50MiB\" or \"50MB\"".into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        let Value::Text(text) = &node.value else { return node.number().map(Self) };
        let (number, unit) = quantity(text).ok_or(Wrong::Kind)?;
        let factor = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            _ => return Err(Wrong::Kind),
        };
        number.checked_mul(factor).map(Self).ok_or(Wrong::Kind)
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

impl Setting for SocketAddr {
    fn expects() -> String {
        "an address with a port such as \"127.0.0.1:4747\" or \"[::1]:4747\"".into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        let text = node.text()?;
        let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        local.as_deref().unwrap_or(text).parse().map_err(|_| Wrong::Kind)
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for EgressRule {
    fn expects() -> String {
        "a network with an optional port such as \"10.0.0.0/8:8000\", \"192.168.1.5\" or \"[fd00::/8]:8000\"".into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        node.text()?.parse().map_err(|e: portolan_upstream::UpstreamError| Wrong::Because(e.to_string()))
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for HttpUrl {
    const FREE_TEXT: bool = true;

    fn expects() -> String {
        "a URL such as \"https://api.example.com/v1\"".into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        let refuse = |why: &str| Err(Wrong::Because(why.into()));
        let text = node.text()?;
        let url: http::Uri = text.parse().map_err(|_| Wrong::Kind)?;
        match (url.scheme_str(), url.authority()) {
            (Some("http" | "https"), Some(at)) if at.as_str().contains('@') => {
                refuse("must not hold a user name or a password: a URL is shown in logs; use api_key")
            }
            (Some("http" | "https"), Some(_)) if text.contains('@') => refuse("must not hold an @ in its path; write %40"),
            (Some("http" | "https"), Some(at)) if at.host().is_empty() => Err(Wrong::Kind),
            (Some("http" | "https"), Some(_)) if url.query().is_some() || text.contains('#') => {
                refuse("must not hold a query or a fragment: the dialect appends its path")
            }
            (Some("http" | "https"), Some(_)) => match Base::parse(text) {
                Err(UpstreamError::BaseUrl { reason, .. }) => Err(Wrong::Because(format!("cannot be called: {reason}"))),
                _ => Ok(Self(text.trim_end_matches('/').to_owned())),
            },
            (Some(_), _) => refuse("must start with http:// or https://"),
            _ => Err(Wrong::Kind),
        }
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// What is logged: a level, or levels by target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogLevel(pub(super) String);

impl Setting for LogLevel {
    fn expects() -> String {
        "a level (\"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\") or levels by target such as \"info,portolan_engine=debug\""
            .into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        let text = node.text()?;
        let is_level = |directive: &str| {
            let level = directive.rsplit('=').next().unwrap_or_default().trim();
            !level.is_empty() && level.parse::<LevelFilter>().is_ok()
        };
        if text.split(',').all(is_level) { Ok(Self(text.to_owned())) } else { Err(Wrong::Kind) }
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// A day, `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Date(pub(super) jiff::civil::Date);

impl Setting for Date {
    fn expects() -> String {
        "a day such as \"2026-11-20\"".into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        let text = node.text()?;
        text.parse().map(Self).map_err(|_| Wrong::Kind)
    }

    fn show(&self) -> String {
        quoted(&self.0.to_string())
    }
}

impl Setting for bool {
    fn expects() -> String {
        "true or false".into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        match &node.value {
            Value::Bool(value) => Ok(*value),
            Value::Text(text) if node.origin.is_env() => text.parse().map_err(|_| Wrong::Kind),
            _ => Err(Wrong::Kind),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for u32 {
    fn expects() -> String {
        format!("a whole number from 1 to {}", u32::MAX)
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        u32::try_from(node.number()?).ok().filter(|n| *n > 0).ok_or(Wrong::Kind)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for String {
    const FREE_TEXT: bool = true;

    fn expects() -> String {
        "a text that is not empty".into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        let text = node.text()?;
        if text.trim().is_empty() { Err(Wrong::Kind) } else { Ok(text.to_owned()) }
    }

    fn show(&self) -> String {
        quoted(self)
    }
}

impl Setting for SecretString {
    const SECRET: bool = true;

    fn expects() -> String {
        "a text that is not empty".into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        let text = node.text()?;
        if text.is_empty() {
            return Err(Wrong::Kind);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Wrong::Because("holds a space, a line break or a letter beyond ASCII, which no HTTP header can carry".into()));
        }
        Ok(text.to_owned().into())
    }

    fn show(&self) -> String {
        quoted(&mask(self.expose_secret()))
    }
}

impl Setting for ModelSlug {
    fn expects() -> String {
        "a model such as \"my-org/my-model\"".into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        ModelSlug::parse(node.text()?).map_err(|_| Wrong::Kind)
    }

    fn show(&self) -> String {
        quoted(self.as_str())
    }
}

impl Setting for Price {
    fn expects() -> String {
        "US dollars per unit as decimal text in quotes, such as \"0.0000002\"".into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        match &node.value {
            Value::Integer(_) | Value::Float => Err(Wrong::Because("must stand in quotes: a number would lose digits".into())),
            Value::Text(text) => Price::parse(text).map_err(|_| Wrong::Kind),
            _ => Err(Wrong::Kind),
        }
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

/// A list. An environment variable holds it as TOML (`["a", "b"]`) or with commas (`a,b`).
impl<T: Setting> Setting for Vec<T> {
    const SECRET: bool = T::SECRET;

    fn expects() -> String {
        format!("a list, each item {}", T::expects())
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        let parsed;
        let items = match &node.value {
            Value::List(items) => items,
            Value::Text(text) if node.origin.is_env() => {
                parsed = items_of(text, node).ok_or(Wrong::Kind)?;
                &parsed
            }
            _ => return Err(Wrong::Kind),
        };
        let item = |(i, item): (usize, &Node)| {
            T::read(item).map_err(|wrong| Wrong::Because(format!("item {}: {}", i + 1, explain::<T>(item, &wrong))))
        };
        items.iter().enumerate().map(item).collect()
    }

    fn show(&self) -> String {
        format!("[{}]", self.iter().map(T::show).collect::<Vec<_>>().join(", "))
    }
}

fn items_of(text: &str, node: &Node) -> Option<Vec<Node>> {
    if text.trim_start().starts_with('[') {
        return match parse_value(text.trim(), &node.origin)?.value {
            Value::List(items) => Some(items),
            _ => None,
        };
    }
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    Some(words.map(|word| Node::new(Value::Text(word.to_owned()), node.origin.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::super::problem::Origin;
    use super::*;

    fn read<T: Setting>(text: &str) -> Option<String> {
        T::read(&Node::new(Value::Text(text.into()), Origin::Default)).ok().map(|value| value.show())
    }

    #[test]
    fn quantities_are_read_with_their_units_and_shown_in_the_largest_that_fits() {
        for (text, shown) in [("500ms", "500ms"), ("90s", "90s"), ("120s", "2m"), ("60m", "1h"), ("0s", "0ms"), ("24h", "24h")] {
            assert_eq!(read::<Duration>(text), Some(format!("\"{shown}\"")), "{text}");
        }
        for wrong in ["", "s", "2", "2 weeks", "-1s", "1.5s", "25h", "99999999999999999999s"] {
            assert_eq!(read::<Duration>(wrong), None, "{wrong}");
        }
        assert_eq!(read::<ByteSize>("50MiB"), Some("52428800".into()));
        assert_eq!(read::<ByteSize>("1 kb"), Some("1000".into()));
        assert_eq!(read::<ByteSize>("50 potatoes"), None);
    }

    #[test]
    fn egress_rules_take_networks_of_both_families_with_and_without_a_port() {
        for (text, shown) in [
            ("10.0.0.0/8:8000", "10.0.0.0/8:8000"),
            ("192.168.1.5", "192.168.1.5/32"),
            ("192.168.1.5:80", "192.168.1.5/32:80"),
            ("fd00::/8", "fd00::/8"),
            ("[fd00::/8]:8000", "[fd00::/8]:8000"),
            ("::1", "::1/128"),
        ] {
            assert_eq!(read::<EgressRule>(text), Some(format!("\"{shown}\"")), "{text}");
        }
        for wrong in ["", "example.com", "10.1.2.3/8", "10.0.0.0/33", "10.0.0.0/8:99999", "[fd00::/8]8000", "10.0.0.0/8:"] {
            assert_eq!(read::<EgressRule>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_url_is_http_without_credentials_query_or_fragment() {
        assert_eq!(read::<HttpUrl>("https://api.example.com/v1/"), Some("\"https://api.example.com/v1\"".into()));
        assert_eq!(read::<HttpUrl>("http://[::1]:8000"), Some("\"http://[::1]:8000\"".into()));
        for wrong in ["", "api.example.com", "ftp://x/", "http://u:p@x/", "http://x/?a=1", "http://x/#a", "/v1", "http://"] {
            assert_eq!(read::<HttpUrl>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_masked_secret_shows_six_characters_at_most() {
        assert_eq!(mask("sk-proj-0123456789abcdef"), "sk-...def");
        assert_eq!(mask("short-secret"), "***");
    }
}

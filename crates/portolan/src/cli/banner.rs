//! What a start prints.

use std::fmt::Write;
use std::path::Path;

use portolan_core::{ApiKey, ExposeSecret};

/// What there is to say at a start.
#[derive(Debug)]
pub(crate) struct Banner<'a> {
    pub(crate) version: &'a str,
    pub(crate) profile: &'a str,
    pub(crate) data_dir: &'a Path,
    /// The base URL of OpenRouter's API: `http://127.0.0.1:4747/api/v1`.
    pub(crate) api_url: &'a str,
    pub(crate) providers: &'a [BannerProvider],
    /// Whether the simulator stands behind what has no credential.
    pub(crate) simulator: bool,
    /// The key that this start made. Only for a terminal.
    pub(crate) key: Option<&'a ApiKey>,
    /// The model of the `curl` line.
    pub(crate) model: &'a str,
    /// Where the secrets went instead of the terminal.
    pub(crate) first_run: Option<&'a Path>,
}

/// A provider with a credential.
#[derive(Debug, Clone)]
pub(crate) struct BannerProvider {
    pub(crate) name: String,
    pub(crate) masked: String,
    /// `env OPENAI_API_KEY`, `portolan.toml:12`.
    pub(crate) origin: String,
}

/// A line that works when pasted into a POSIX shell.
pub(crate) fn curl(api_url: &str, key: &ApiKey, model: &str) -> String {
    let body = serde_json::json!({ "model": model, "messages": [{ "role": "user", "content": "Hello!" }] });
    format!(
        "curl {api_url}/chat/completions -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' -d '{body}'",
        key.expose_secret()
    )
}

impl std::fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "Portolan {} ({} profile)\n", self.version, self.profile)?;
        writeln!(f, "  API        {}", self.api_url)?;
        writeln!(f, "  Data       {}", self.data_dir.display())?;
        for (i, provider) in self.providers.iter().enumerate() {
            let label = if i == 0 { "Providers" } else { "" };
            writeln!(f, "  {label:9}  {} {} ({})", provider.name, provider.masked, provider.origin)?;
        }
        if self.simulator {
            let why = if self.providers.is_empty() { "no provider has a key, so every answer is simulated" } else { "on for simulator/*" };
            writeln!(f, "  Simulator  {why} (X-Portolan-Simulated: true)")?;
        }
        self.secrets(f)
    }
}

impl Banner<'_> {
    fn secrets(&self, f: &mut impl Write) -> std::fmt::Result {
        if let Some(path) = self.first_run {
            return writeln!(f, "\n  The first key is in {} (readable by this user only)", path.display());
        }
        let Some(key) = self.key else { return Ok(()) };
        writeln!(f, "\n  Your API key, shown only this once:\n\n    {}\n", key.expose_secret())?;
        writeln!(f, "  Try it:\n\n    {}", curl(self.api_url, key, self.model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner(key: Option<&ApiKey>, first_run: Option<&Path>, providers: &[BannerProvider]) -> String {
        Banner {
            version: "1.2.3",
            profile: "development",
            data_dir: Path::new("/data"),
            api_url: "http://127.0.0.1:4747/api/v1",
            providers,
            simulator: providers.is_empty(),
            key,
            model: "openai/gpt-4o-mini",
            first_run,
        }
        .to_string()
    }

    #[test]
    fn a_first_start_in_a_terminal_shows_the_key_and_a_line_to_paste() {
        let key = ApiKey::parse(&format!("sk-or-v1-{}", "0a".repeat(32))).unwrap();
        insta::assert_snapshot!(banner(Some(&key), None, &[]));
    }

    #[test]
    fn a_start_without_a_terminal_prints_the_path_and_no_secret() {
        let provider = |name: &str| BannerProvider { name: name.into(), masked: "sk-...abc".into(), origin: "env X_API_KEY".into() };
        insta::assert_snapshot!(banner(None, Some(Path::new("/data/first-run.json")), &[provider("openai"), provider("groq")]));
    }
}

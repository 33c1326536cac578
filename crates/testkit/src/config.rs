//! A configuration, written as TOML.

use std::fmt::Write;

/// The configuration of a [`crate::TestApp`]. The listeners are added at the start.
#[derive(Debug, Clone, Default)]
pub struct Config {
    pub(crate) top: String,
    pub(crate) server: String,
    pub(crate) tables: String,
    pub(crate) env: Vec<(String, String)>,
}

impl Config {
    /// The defaults: the development profile, with the simulator.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A line before all tables: `profile = "production"`.
    #[must_use]
    pub fn top(mut self, line: &str) -> Self {
        let _ = writeln!(self.top, "{line}");
        self
    }

    /// A line of `[server]`.
    #[must_use]
    pub fn server(mut self, line: &str) -> Self {
        let _ = writeln!(self.server, "{line}");
        self
    }

    /// Whole tables.
    #[must_use]
    pub fn tables(mut self, text: &str) -> Self {
        let _ = writeln!(self.tables, "{text}");
        self
    }

    /// `[timeouts]`, in milliseconds: the first token, the pause between two, the whole.
    #[must_use]
    pub fn timeouts(self, first_token: u32, idle: u32, total: u32) -> Self {
        self.tables(&format!("[timeouts]\nfirst_token = \"{first_token}ms\"\nidle = \"{idle}ms\"\ntotal = \"{total}ms\""))
    }

    /// A variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A provider of one's own.
    #[must_use]
    pub fn provider(self, provider: &Provider) -> Self {
        let text = provider.toml();
        self.tables(&text)
    }

    /// The text of the file, with listeners on these ports.
    pub(crate) fn toml(&self, main: u16, admin: u16) -> String {
        let Self { top, server, tables, .. } = self;
        format!("{top}[server]\nlisten = \"127.0.0.1:{main}\"\n{server}[admin]\nlisten = \"127.0.0.1:{admin}\"\n{tables}")
    }
}

/// A row of `[providers]`.
#[derive(Debug, Clone)]
pub struct Provider {
    slug: String,
    dialect: &'static str,
    base_url: String,
    api_key: String,
    on_hangup: &'static str,
    models: Vec<String>,
}

impl Provider {
    /// Nanodollars per input token.
    pub const PROMPT_NANOS: u64 = 1_000;
    /// Nanodollars per output token.
    pub const COMPLETION_NANOS: u64 = 2_000;

    /// A provider that speaks `openai_chat`.
    #[must_use]
    pub fn openai_chat(slug: &str, base_url: &str) -> Self {
        Self::new(slug, "openai_chat", base_url)
    }

    /// A provider that speaks `anthropic`.
    #[must_use]
    pub fn anthropic(slug: &str, base_url: &str) -> Self {
        Self::new(slug, "anthropic", base_url)
    }

    fn new(slug: &str, dialect: &'static str, base_url: &str) -> Self {
        let api_key = format!("canary-{slug}-0123456789abcdef");
        Self { slug: slug.to_owned(), dialect, base_url: base_url.to_owned(), api_key, on_hangup: "cancel", models: Vec::new() }
    }

    /// With this credential.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.api_key);
        self
    }

    /// Reads on when the caller hangs up.
    #[must_use]
    pub fn drains(mut self) -> Self {
        self.on_hangup = "drain";
        self
    }

    /// A model, and what the provider calls it: for a simulator, the shape. At the usual price.
    #[must_use]
    pub fn model(self, id: &str, upstream_id: &str) -> Self {
        self.priced(id, upstream_id, "0.000001", "0.000002")
    }

    /// A model at this price (USD per token).
    #[must_use]
    pub fn priced(mut self, id: &str, upstream_id: &str, prompt: &str, completion: &str) -> Self {
        self.models.push(format!(
            "[[providers.{}.models]]\nid = \"{id}\"\nupstream_id = \"{upstream_id}\"\ncontext_length = 131072\nmax_output = 8192\npricing = {{ prompt = \"{prompt}\", completion = \"{completion}\" }}\n",
            self.slug
        ));
        self
    }

    fn toml(&self) -> String {
        let Self { slug, dialect, base_url, api_key, on_hangup, models } = self;
        format!(
            "[providers.{slug}]\nname = \"{slug}\"\nbase_url = \"{base_url}\"\ndialect = \"{dialect}\"\napi_key = \"{api_key}\"\non_hangup = \"{on_hangup}\"\n{}",
            models.concat()
        )
    }
}

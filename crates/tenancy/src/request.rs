//! `POST /keys`: what a new key shall be.

use portolan_core::{ApiKey, Enforcement, Money, Random, Reset, UnixMillis};
use serde::Deserialize;

use crate::field::{self, Field, written};
use crate::{Invalid, KeyDraft, KeyScope};

/// A valid request for a new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its name: 1 to 200 characters.
    pub name: String,
    /// See [`crate::KeyRecord::limit`].
    pub limit: Option<Money>,
    /// See [`crate::KeyRecord::limit_reset`].
    pub limit_reset: Option<Reset>,
    /// See [`crate::KeyRecord::enforcement`].
    pub enforcement: Enforcement,
    /// See [`crate::KeyRecord::include_byok_in_limit`].
    pub include_byok_in_limit: bool,
    /// See [`crate::KeyRecord::max_tokens_default`].
    pub max_tokens_default: Option<u64>,
    /// See [`crate::KeyRecord::expires_at`].
    pub expires_at: Option<UnixMillis>,
    /// The workspace; the default one where absent.
    pub workspace_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default, deserialize_with = "written")]
    name: Field,
    #[serde(default, deserialize_with = "written")]
    limit: Field,
    #[serde(default, deserialize_with = "written")]
    limit_reset: Field,
    #[serde(default, deserialize_with = "written")]
    enforcement: Field,
    #[serde(default, deserialize_with = "written")]
    include_byok_in_limit: Field,
    #[serde(default, deserialize_with = "written")]
    max_tokens_default: Field,
    #[serde(default, deserialize_with = "written")]
    expires_at: Field,
    #[serde(default, deserialize_with = "written")]
    workspace_id: Field,
    #[serde(default, deserialize_with = "written")]
    creator_user_id: Field,
    #[serde(default, deserialize_with = "written")]
    external: Field,
}

impl NewKey {
    /// A request with a name and nothing else.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            limit: None,
            limit_reset: None,
            enforcement: Enforcement::Standard,
            include_byok_in_limit: false,
            max_tokens_default: None,
            expires_at: None,
            workspace_id: None,
        }
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// Names the field that is wrong and what to send instead.
    pub fn parse(body: &[u8], now: UnixMillis) -> Result<Self, Invalid> {
        let body: Body = serde_json::from_slice(body).map_err(|e| Invalid::body(&e))?;
        for (name, value) in [("creator_user_id", &body.creator_user_id), ("external", &body.external)] {
            if field::read(name, value, |_, _| Ok(()))?.flatten().is_some() {
                return Err(Invalid::field(name, "is not supported yet; leave it out"));
            }
        }
        let name = field::read("name", &body.name, field::name)?.flatten();
        let reset = |f, j: &str| field::word(f, j, Reset::parse, RESETS);
        let enforcement = |f, j: &str| field::word(f, j, Enforcement::parse, ENFORCEMENTS);
        Ok(Self {
            name: name.ok_or_else(|| Invalid::field("name", "is missing; send a text of 1 to 200 characters"))?,
            limit: field::read("limit", &body.limit, field::limit)?.flatten(),
            limit_reset: field::read("limit_reset", &body.limit_reset, reset)?.flatten(),
            enforcement: field::read("enforcement", &body.enforcement, enforcement)?.flatten().unwrap_or(Enforcement::Standard),
            include_byok_in_limit: field::read("include_byok_in_limit", &body.include_byok_in_limit, field::flag)?
                .flatten()
                .unwrap_or(false),
            max_tokens_default: field::read("max_tokens_default", &body.max_tokens_default, field::max_tokens)?.flatten(),
            expires_at: field::read("expires_at", &body.expires_at, |f, j| field::future(f, j, now))?.flatten(),
            workspace_id: field::read("workspace_id", &body.workspace_id, field::text)?.flatten(),
        })
    }

    /// The key to insert, and its secret, which exists nowhere else.
    #[must_use]
    pub fn draft(self, scope: KeyScope, random: &dyn Random, now: UnixMillis) -> (KeyDraft, ApiKey) {
        let key = ApiKey::new(random);
        let draft = KeyDraft {
            name: self.name,
            limit: self.limit,
            limit_reset: self.limit_reset,
            enforcement: self.enforcement,
            include_byok_in_limit: self.include_byok_in_limit,
            max_tokens_default: self.max_tokens_default,
            expires_at: self.expires_at,
            ..KeyDraft::unlimited(&key, "", scope, now)
        };
        (draft, key)
    }
}

pub(crate) const RESETS: &str = "`daily`, `weekly`, `monthly`, or null for a limit that never starts anew";
pub(crate) const ENFORCEMENTS: &str = "`standard` or `strict`";

//! Typed identities. Each is made before its first write, from the injected clock and random source.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Random, UnixMillis, bits};

/// The identity of one inference: `gen-<unix seconds>-<20 characters of base 62>`, as OpenRouter's. Ours say the millisecond in
/// the first two of them, so that ids sort by time: tables grow at their end, and lists come in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct GenerationId(Arc<str>);

/// A text that is no id of the expected form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a generation id (gen-<unix seconds>-<20 letters or digits>)")]
pub struct IdError(String);

impl GenerationId {
    /// A new id.
    #[must_use]
    pub fn new(now: UnixMillis, random: &dyn Random) -> Self {
        let mut text = String::with_capacity(35);
        text.push_str("gen-");
        let _ = write!(text, "{}", now.seconds());
        text.push('-');
        bits::push_base62_pair(&mut text, usize::try_from(now.0.rem_euclid(1000)).unwrap_or(0));
        bits::push_base62(&mut text, 18, random);
        Self(text.into())
    }

    /// Reads an id.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let fits = text.strip_prefix("gen-").and_then(|rest| rest.split_once('-')).is_some_and(|(secs, tail)| {
            (1..=12).contains(&secs.len())
                && secs.bytes().all(|b| b.is_ascii_digit())
                && tail.len() == 20
                && tail.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if fits { Ok(Self(text.into())) } else { Err(IdError(text.chars().take(64).collect())) }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for GenerationId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl fmt::Display for GenerationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id!(
    /// A key's row. Outside it is known by its hash only.
    KeyId
);
number_id!(
    /// A ledger account: what a budget counts against. Accounts are locked in the order of their ids.
    AccountId
);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// A new random id (UUID version 4, RFC 9562).
            #[must_use]
            pub fn new(random: &dyn Random) -> Self {
                Self(uuid(random).into())
            }

            /// An id that was saved before.
            #[must_use]
            pub fn from_saved(text: &str) -> Self {
                Self(text.into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

uuid_id!(
    /// An organization.
    OrgId
);
uuid_id!(
    /// A workspace of an organization.
    WorkspaceId
);

fn uuid(random: &dyn Random) -> String {
    let mut bytes = [0u8; 16];
    bytes[..8].copy_from_slice(&random.next_u64().to_be_bytes());
    bytes[8..].copy_from_slice(&random.next_u64().to_be_bytes());
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let room = &mut [0; 32];
    let hex = bits::hex(&bytes, room);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRandom;

    #[test]
    fn a_new_generation_id_has_the_form_that_parse_accepts() {
        let id = GenerationId::new(UnixMillis(1_760_000_000_123), &SeededRandom::new(1));
        assert!(id.as_str().starts_with("gen-1760000000-"));
        assert_eq!(GenerationId::parse(id.as_str()), Ok(id));
        for wrong in ["", "gen-", "gen-1-short", "gen-x-01234567890123456789", "gen-1-0123456789012345678!"] {
            assert!(GenerationId::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn generation_ids_sort_by_the_millisecond() {
        let random = SeededRandom::new(1);
        let ids: Vec<_> = (0..2000).map(|ms| GenerationId::new(UnixMillis(1_760_000_000_000 + ms), &random)).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn a_workspace_id_is_a_version_4_uuid() {
        let id = WorkspaceId::new(&SeededRandom::new(7));
        assert_eq!(id.as_str().len(), 36);
        assert_eq!(&id.as_str()[14..15], "4");
    }
}

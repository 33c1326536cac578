//! API keys: the secret that a caller sends, and the hash that we keep.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{Random, bits};

const PREFIX: &str = "sk-or-v1-";

/// A key in clear: `sk-or-v1-` and 64 hexadecimal digits, the form that OpenRouter's tools check.
/// It has no `Display`; `Debug` hides it.
#[derive(Clone)]
pub struct ApiKey(SecretString);

/// A text that is no key. It never repeats the text: that may be a secret of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an API key: expected sk-or-v1- and 64 hexadecimal digits")]
pub struct KeyError;

impl ApiKey {
    /// A new key with 256 random bits.
    #[must_use]
    pub fn new(random: &dyn Random) -> Self {
        let mut bytes = [0u8; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&random.next_u64().to_be_bytes());
        }
        Self(format!("{PREFIX}{}", bits::hex(&bytes, &mut [0; 64])).into())
    }

    /// Reads a key.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let digits = text.strip_prefix(PREFIX).ok_or(KeyError)?;
        if digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()) { Ok(Self(text.to_owned().into())) } else { Err(KeyError) }
    }

    /// What is stored and looked up instead of the key.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(self.0.expose_secret())
    }

    /// The masked form that lists show: `sk-or-v1-abc...123`.
    #[must_use]
    pub fn label(&self) -> String {
        let digits = &self.0.expose_secret()[PREFIX.len()..];
        format!("{PREFIX}{}...{}", &digits[..3], &digits[61..])
    }
}

impl ExposeSecret<str> for ApiKey {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey([hidden])")
    }
}

/// The SHA-256 of a key: its identity in URLs, tables and logs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Hashes whatever a caller sent. A look-up by hash needs no comparison of secrets.
    #[must_use]
    pub fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).into())
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        bits::unhex(text).map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<String> for KeyHash {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a key hash has 64 hexadecimal digits")
    }
}

impl Serialize for KeyHash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(bits::hex(&self.0, &mut [0; 64]))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(bits::hex(&self.0, &mut [0; 64]))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRandom;

    #[test]
    fn a_key_hides_itself_and_its_hash_is_the_sha_256_of_its_text() {
        let key = ApiKey::new(&SeededRandom::new(3));
        assert_eq!(format!("{key:?}"), "ApiKey([hidden])");
        assert!(ApiKey::parse(key.expose_secret()).is_ok());
        assert_eq!(key.label().len(), "sk-or-v1-abc...123".len());
        let known = KeyHash::of("abc").to_string();
        assert_eq!(known, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(KeyHash::parse(&known), Some(KeyHash::of("abc")));
        assert_eq!(ApiKey::parse("sk-or-v1-short").err(), Some(KeyError));
    }
}

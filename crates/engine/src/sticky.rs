//! Stickiness: a conversation stays at the endpoint that has its prompt in the cache.
//!
//! The rules are pure functions; the table is behind [`Sticky`], so that replicas can share it. Nobody is refused because
//! of it: an endpoint that stands in the table and not in the plan is passed over.
//!
//! Source: OpenRouter's documentation of sessions and prompt caching.

mod memory;

use std::sync::Arc;

use portolan_core::{KeyHash, Meter, Preferences, PriceCard, UnixMillis, Usage};
use sha2::{Digest, Sha256};

pub use memory::{ENTRIES_MAX, IDLE_DEFAULT, MemorySticky};

/// What makes requests one conversation, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversation<'a> {
    /// `session_id` of the body, or the header `x-session-id`.
    Session(&'a str),
    /// `prompt_cache_key`.
    CacheKey(&'a str),
    /// How it began: a digest of the first system or developer message, and the first that is neither.
    Opening(u64),
}

/// A conversation of one key about one model, as a digest: the same on every replica, and tells nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StickyKey([u8; 16]);

/// Where a conversation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The slug of the model that served: with fallbacks it may be another than the requested one.
    pub model: Arc<str>,
    /// The endpoint's tag.
    pub tag: Arc<str>,
}

/// Where conversations are.
pub trait Sticky: Send + Sync {
    /// Where this one is, unless it was idle for too long. Does not count as use.
    fn get(&self, key: &StickyKey, now: UnixMillis) -> Option<Pinned>;

    /// It is there now. For the same place this counts as use.
    fn pin(&self, key: StickyKey, pinned: Pinned, now: UnixMillis);
}

/// An answer, as far as the rules look at it.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// Whether a session made it a conversation.
    pub is_session: bool,
    /// Where the conversation was when the request was planned.
    pub before: Option<&'a Pinned>,
    /// Whether that place failed, in this request or shortly before, where another served.
    pub before_failed: bool,
    /// Who served.
    pub served: &'a Pinned,
    /// What was consumed.
    pub usage: &'a Usage,
    /// The prices of the endpoint that served.
    pub prices: &'a PriceCard,
}

impl<'a> Conversation<'a> {
    /// The conversation of a request: the session of the body wins over that of the header, then comes the cache key, then
    /// how it began. Empty texts count as absent.
    #[must_use]
    pub fn of(session: Option<&'a str>, header: Option<&'a str>, cache_key: Option<&'a str>, opening: u64) -> Self {
        let stated = |text: Option<&'a str>| text.filter(|text| !text.is_empty());
        let session = stated(session).or(stated(header)).map(Self::Session);
        session.or_else(|| stated(cache_key).map(Self::CacheKey)).unwrap_or(Self::Opening(opening))
    }
}

impl StickyKey {
    /// The key of a conversation that the API key `owner` has about the model or router that it calls `name`.
    #[must_use]
    pub fn new(owner: &KeyHash, name: &str, conversation: Conversation<'_>) -> Self {
        let opening;
        let (kind, text) = match conversation {
            Conversation::Session(id) => (0, id.as_bytes()),
            Conversation::CacheKey(key) => (1, key.as_bytes()),
            Conversation::Opening(digest) => {
                opening = digest.to_be_bytes();
                (2, &opening[..])
            }
        };
        // A name holds no zero, and all but the last part have an end: no two conversations are written alike.
        let written = Sha256::new().chain_update(owner.bytes()).chain_update(name).chain_update([0, kind]).chain_update(text);
        let mut short = [0; 16];
        short.copy_from_slice(&written.finalize()[..16]);
        Self(short)
    }

    /// The key as a record keeps it: 32 hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    /// The key that a record keeps.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten().map(|number| Self(number.to_be_bytes()))
    }

    /// A number that spreads keys evenly.
    fn spread(&self) -> usize {
        usize::from(self.0[0])
    }
}

/// Whether stickiness applies at all: who names an order wants that order.
#[must_use]
pub fn applies(preferences: &Preferences) -> bool {
    preferences.order.is_empty()
}

/// Whether the conversation is to be pinned where it was served, after an answer that came to its end. A request that
/// failed pins nothing and is not asked about.
///
/// What serves from its place keeps it. A place that failed keeps the conversation until it was idle for too long: its cache
/// may still be there. Otherwise a session is pinned by its first answer, anything else only once a cache was seen to help.
#[must_use]
pub fn pins(answered: &Answered<'_>) -> bool {
    match answered.before {
        Some(before) if before == answered.served => true,
        Some(_) if answered.before_failed => false,
        _ => answered.is_session || cache_helped(answered.usage, answered.prices),
    }
}

/// Whether a part of the prompt came from the cache, at less than the price of the rest.
#[must_use]
pub fn cache_helped(usage: &Usage, prices: &PriceCard) -> bool {
    let rates = prices.rates(usage.prompt_tokens());
    usage[Meter::CacheRead] > 0 && rates.effective(Meter::CacheRead) < rates.effective(Meter::Input)
}

#[cfg(test)]
mod tests {
    use portolan_core::{Price, Rates};

    use super::*;

    fn at(tag: &str) -> Pinned {
        Pinned { model: "t/m".into(), tag: tag.into() }
    }

    #[test]
    fn the_session_wins_over_the_cache_key_and_that_over_the_opening() {
        let cases = [
            ((Some("body"), Some("header"), Some("cache")), Conversation::Session("body")),
            ((None, Some("header"), Some("cache")), Conversation::Session("header")),
            ((Some(""), Some("header"), None), Conversation::Session("header")),
            ((None, None, Some("cache")), Conversation::CacheKey("cache")),
            ((None, Some(""), Some("")), Conversation::Opening(7)),
        ];
        for ((session, header, cache_key), expected) in cases {
            assert_eq!(Conversation::of(session, header, cache_key, 7), expected);
        }
    }

    #[test]
    fn keys_differ_by_owner_model_kind_and_text_and_are_the_same_on_every_replica() {
        let (owner, other) = (KeyHash::of("a"), KeyHash::of("b"));
        let all = [
            StickyKey::new(&owner, "t/m", Conversation::Session("x")),
            StickyKey::new(&other, "t/m", Conversation::Session("x")),
            StickyKey::new(&owner, "t/n", Conversation::Session("x")),
            StickyKey::new(&owner, "t/m", Conversation::Session("y")),
            StickyKey::new(&owner, "t/m", Conversation::CacheKey("x")),
            StickyKey::new(&owner, "t/m", Conversation::Opening(7)),
            StickyKey::new(&owner, "t/m", Conversation::Opening(8)),
        ];
        for (i, key) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|k| k == key), Some(i));
        }
        assert_eq!(all[0], StickyKey::new(&KeyHash::of("a"), "t/m", Conversation::Session("x")));
        let written = [&owner.bytes()[..], b"t/m", &[0, 0], b"x"].concat();
        assert_eq!(all[0].0[..], Sha256::digest(written)[..16]);
    }

    #[test]
    fn an_order_of_the_callers_own_turns_it_off() {
        assert!(applies(&Preferences::default()));
        assert!(applies(&Preferences { only: vec!["a".into()], ..Preferences::default() }));
        assert!(!applies(&Preferences { order: vec!["a".into()], ..Preferences::default() }));
    }

    #[test]
    fn a_conversation_is_pinned_by_the_rules() {
        let (a, b) = (at("a"), at("b"));
        let (session, key) = (true, false);
        // The conversation; where it was, and whether that failed; tokens from the cache and their price (the
        // prompt's is 10); whether the answer of `a` pins it there.
        let cases = [
            ("a session by its first answer", session, None, 0, Some(10), true),
            ("another not without a cache hit", key, None, 0, Some(1), false),
            ("another with a hit that is cheaper", key, None, 5, Some(1), true),
            ("not with a hit at the same price", key, None, 5, Some(10), false),
            ("not with a hit that has no price of its own", key, None, 5, None, false),
            ("what is there stays, also without a hit", key, Some((&a, true)), 0, Some(1), true),
            ("a session does not leave a place that failed", session, Some((&b, true)), 5, Some(1), false),
            ("nor does another", key, Some((&b, true)), 5, Some(1), false),
            ("a session leaves a place that may not serve or is not reached", session, Some((&b, false)), 0, Some(1), true),
            ("another leaves it with a hit", key, Some((&b, false)), 5, Some(1), true),
            ("and not without one", key, Some((&b, false)), 0, Some(1), false),
        ];
        for (name, is_session, before, cached, cache_price, expected) in cases {
            let base = Rates::default().with(Meter::Input, Price(10));
            let prices = PriceCard::new(cache_price.map_or(base, |price| base.with(Meter::CacheRead, Price(price))), Vec::new());
            let usage = Usage::default().with(Meter::Input, 100).with(Meter::CacheRead, cached);
            let answered = Answered {
                is_session,
                before: before.map(|(pinned, _)| pinned),
                before_failed: before.is_some_and(|(_, failed)| failed),
                served: &a,
                usage: &usage,
                prices: &prices,
            };
            assert_eq!(pins(&answered), expected, "{name}");
        }
    }
}

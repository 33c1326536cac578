//! What every other crate speaks of: ids, money, usage, capabilities, faults, time and secrets.
//!
//! Knows nothing of HTTP, of a database, of a provider or of a wire dialect. Everything here is a
//! value; nothing here waits.

mod bits;
mod capability;
mod fault;
mod ids;
mod key;
mod limit;
mod money;
mod parameter;
mod preferences;
mod provider;
mod slug;
mod suffix;
mod task;
mod time;
mod usage;
mod words;

pub use capability::{Capabilities, Capability};
pub use fault::{Class, Fault, Origin, Retry};
pub use ids::{AccountId, GenerationId, IdError, KeyId, OrgId, WorkspaceId};
pub use key::{ApiKey, KeyError, KeyHash};
pub use limit::{Enforcement, Reset};
pub use money::{Money, MoneyError, Price, round_half_up};
pub use parameter::Parameters;
pub use preferences::{Area, MaxPrice, Partition, Percentiles, Preferences, Quantization, ServiceTier, Sort, SortBy};
pub use provider::{Auth, Dialect, OnHangup, Quirk};
pub use secrecy::{ExposeSecret, SecretString};
pub use slug::{ModelSlug, ProviderSlug, SlugError};
pub use suffix::Suffix;
pub use task::Task;
pub use time::{Clock, Day, FixedClock, Random, SeededRandom, SystemClock, SystemRandom, UnixMillis};
pub use usage::{Meter, PriceCard, PriceTier, Rates, Usage};

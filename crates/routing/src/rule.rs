//! The closed list of rules that can reject an endpoint. Names are stable: errors, explanations and records use them.

use portolan_catalog::NotCallable;
use portolan_core::Capabilities;
use serde::{Deserialize, Serialize};

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// All of them, in their declared order.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The name in errors, explanations and records.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }
    };
}

named!(
    /// Why an endpoint is out, in the order in which the rules are asked.
    Rule {
        /// Nobody could call it.
        NotCallable = "not_callable",
        /// No credential stands behind it.
        NoCredential = "no_credential",
        /// It is simulated and the plan is real, or the reverse.
        SimulatedApart = "simulated_apart",
        /// `only` or `ignore` leaves it out.
        ProviderNotAllowed = "provider_not_allowed",
        /// It can not take what the request holds.
        Capability = "capability",
        /// The prompt is longer than it takes.
        ContextLength = "context_length",
        /// The request asks for a longer answer than it gives.
        MaxOutput = "max_output",
        /// It reported more usage than was held, and the budget is strict.
        StrictBarred = "strict_barred",
        /// Others can do what the request asks for, and it can not.
        CapabilityPreferred = "capability_preferred",
        /// `order` does not name it and fallbacks are not allowed.
        NotInOrder = "not_in_order",
        /// It would have been a fallback, and fallbacks are not allowed.
        FallbackNotAllowed = "fallback_not_allowed",
    }
);

named!(
    /// Where a rule comes from.
    Source {
        /// The row of the endpoint.
        Catalog = "catalog",
        /// The operator's configuration of credentials and of the simulator.
        Configuration = "configuration",
        /// `provider.only` of the request.
        RequestOnly = "request.provider.only",
        /// `provider.ignore` of the request.
        RequestIgnore = "request.provider.ignore",
        /// `provider.allow_fallbacks` of the request.
        RequestAllowFallbacks = "request.provider.allow_fallbacks",
        /// The length of the request's messages.
        RequestMessages = "request.messages",
        /// `max_tokens` of the request.
        RequestMaxTokens = "request.max_tokens",
        /// What the request's messages, tools and output format need.
        RequestNeeds = "request",
        /// What earlier requests met.
        Health = "health",
    }
);

/// The terms of a rejection, kept as codes and rendered when someone reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// The rule says it all, or its words are those of the request's preferences.
    None,
    /// Why it is not callable.
    NotCallable(NotCallable),
    /// What it lacks.
    Lacks(Capabilities),
    /// What is asked and what it has, in tokens.
    Limit {
        /// Asked.
        needs: u64,
        /// There.
        has: u64,
    },
}

//! Settings that are one word of a few.

use portolan_core::{Area, Auth, Capability, Dialect, OnHangup, Quirk};

use super::nearest::nearest;
use super::setting::{Setting, Wrong, quoted};
use super::tree::Node;

macro_rules! choice {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub(crate) enum $name { $($(#[$vdoc])* $variant,)* }

            impl $name {
                /// All values.
                pub(crate) const ALL: &[$name] = &[$($name::$variant,)*];

                /// The word in the configuration.
                pub(crate) fn as_str(self) -> &'static str {
                    match self { $($name::$variant => $text,)* }
                }
            }
        )*
    };
}

choice! {
    /// What the installation is for.
    Profile {
        /// On one's own machine.
        Development = "development",
        /// For others: the simulator is off.
        Production = "production",
    }
    /// When the simulator serves.
    Simulator {
        /// While no provider has a credential.
        Auto = "auto",
        /// Also beside real providers, for `simulator/*` and requests that ask for it.
        On = "on",
        /// Never.
        Off = "off",
    }
    /// What the journal survives.
    JournalSync {
        /// A crash of the process.
        Process = "process",
        /// A loss of power.
        Disk = "disk",
    }
    /// Which live catalog is fetched on a schedule.
    LiveSource {
        /// None.
        Off = "off",
        /// OpenRouter's public routes.
        OpenRouter = "openrouter",
        /// The file of models.dev.
        ModelsDev = "models-dev",
    }
    /// How log lines are written.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object per line.
        Json = "json",
    }
}

/// Where the control data and the ledger live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StorageUrl {
    /// In the data directory.
    Sqlite,
    /// In PostgreSQL; the URL holds a password.
    Postgres,
}

impl Setting for StorageUrl {
    const SECRET: bool = true;

    fn expects() -> String {
        "\"sqlite\" (or \"postgres://...\")".into()
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        match node.text()? {
            "sqlite" => Ok(StorageUrl::Sqlite),
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => Ok(StorageUrl::Postgres),
            _ => Err(Wrong::Kind),
        }
    }

    fn show(&self) -> String {
        match self {
            StorageUrl::Sqlite => quoted("sqlite"),
            StorageUrl::Postgres => quoted("postgres://***"),
        }
    }
}

macro_rules! words {
    ($($name:ident)*) => {
        $(impl Setting for $name {
            fn expects() -> String {
                let words: Vec<String> = $name::ALL.iter().map(|one| format!("\"{}\"", one.as_str())).collect();
                format!("one of {}", words.join(", "))
            }

            fn read(node: &Node) -> Result<Self, Wrong> {
                let text = node.text()?;
                let word = || nearest(text, $name::ALL.iter().map(|one| one.as_str()));
                let unknown = || word().map_or(Wrong::Kind, Wrong::DidYouMean);
                $name::ALL.iter().copied().find(|one| one.as_str() == text).ok_or_else(unknown)
            }

            fn show(&self) -> String {
                quoted(self.as_str())
            }
        })*
    };
}

words!(Area Profile Simulator JournalSync LiveSource LogFormat Dialect Auth OnHangup Quirk Capability);

//! What can be wrong with the settings that name a destination.

/// A setting of the way out that cannot be used. Failed requests are [`portolan_core::Fault`]s instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// An entry of `[egress] allow` that is none.
    #[error("egress rule {text:?}: {reason}; write a network and perhaps a port, like 10.0.0.0/8, 10.0.0.5:8000 or [fd00::/8]:8000")]
    EgressRule {
        /// The entry as written.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A base URL that names no destination beyond doubt.
    #[error("base URL {text:?}: {reason}")]
    BaseUrl {
        /// The URL as written; hidden where it holds a password.
        text: String,
        /// What is wrong with it, and what to write instead.
        reason: &'static str,
    },
    /// A path or query that cannot be appended to a base URL.
    #[error("path {text:?}: {reason}")]
    Path {
        /// The path as given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A secret that cannot stand in a header. It is not shown.
    #[error("the credential for {host} cannot be sent in a header: {reason}")]
    Secret {
        /// The host that it is for.
        host: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No TLS client can be made.
    #[error("TLS: {reason}")]
    Tls {
        /// What the library says.
        reason: String,
    },
}

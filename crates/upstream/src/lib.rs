//! The one egress dialer: the only place that opens outbound connections.
//!
//! A destination is parsed once, into a [`Base`]; requests go to a [`Target`] under it, so that no text
//! of a caller ever becomes a host. Every new connection resolves the name, vets **all** answers against
//! the [`Egress`] rules and connects to a vetted address only. A [`Credential`] is bound to an [`Origin`]
//! and leaves for no other. HTTP/1.1 only; redirects are answers like any other and never followed; proxy
//! variables of the environment are ignored.
//!
//! **Sent at most once.** A pooled connection that the provider closed while it was idle is replaced in
//! silence, for no byte of the request has left. Once the first byte may have left, a broken connection is a
//! [`portolan_core::Fault`], also when the provider had closed just before, unnoticed: whether to send again
//! is the engine's decision, never the client's.
//!
//! Knows nothing of dialects, money or plans. The connect timeout is kept here; first token, idle and
//! total time are the engine's.

mod address;
mod base;
mod call;
mod client;
mod connector;
mod credential;
mod egress;
mod encoding;
mod error;
mod fault;
mod host;
mod in_process;
mod mask;
mod path;
mod resolver;
mod segments;
mod stream;
mod target;
mod tls;

pub use base::{Base, Origin};
pub use call::Call;
pub use client::{Client, ClientOptions};
pub use credential::Credential;
pub use egress::{Egress, EgressRule, Refusal};
pub use encoding::check_encoding;
pub use error::UpstreamError;
pub use in_process::InProcess;
pub use resolver::{Resolver, Resolving, SystemResolver};
pub use rustls::pki_types::CertificateDer;
pub use segments::Segments;
pub use target::Target;

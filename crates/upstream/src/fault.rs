//! What goes wrong on the way, as faults. Messages name the host and never a credential.

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper_util::client::legacy;
use portolan_core::{Class, Fault, Origin, Retry};

use crate::connector::ConnectFault;
use crate::egress::Refusal;

fn unavailable(message: String) -> Fault {
    Fault::new(Origin::Upstream, Class::ProviderUnavailable, Retry::NextEndpoint, message)
}

pub(crate) fn unresolved(host: &str, error: &io::Error) -> Fault {
    unavailable(format!("cannot resolve {host}: {error}"))
}

pub(crate) fn unreachable(host: &str, address: SocketAddr, error: &io::Error) -> Fault {
    let message = format!("cannot connect to {host} at {address}: {error}");
    let class = if error.kind() == io::ErrorKind::TimedOut { Class::Timeout } else { Class::ProviderUnavailable };
    Fault::new(Origin::Upstream, class, Retry::NextEndpoint, message)
}

pub(crate) fn tls(host: &str, error: &dyn Display) -> Fault {
    unavailable(format!("no TLS connection to {host}: {error}"))
}

pub(crate) fn connect_timeout(host: &str, limit: Duration) -> Fault {
    let message = format!("connecting to {host} took longer than {} ms", limit.as_millis());
    Fault::new(Origin::Upstream, Class::Timeout, Retry::NextEndpoint, message)
}

pub(crate) fn refused(host: &str, refusal: &Refusal) -> Fault {
    let message = format!("no connection to {host}: {refusal}");
    Fault::new(Origin::Gateway, Class::EgressRefused, Retry::NextEndpoint, message)
}

pub(crate) fn internal(message: String) -> Fault {
    Fault::new(Origin::Gateway, Class::Internal, Retry::NextEndpoint, message)
}

/// What hyper says about a request: a failed connect brings its own fault; anything else broke an open connection.
pub(crate) fn exchange(host: &str, error: &legacy::Error) -> Fault {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let mut said = error.to_string();
    while let Some(inner) = cause {
        if let Some(ConnectFault(fault)) = inner.downcast_ref() {
            return fault.clone();
        }
        if let Some(hyper) = inner.downcast_ref::<hyper::Error>()
            && hyper.is_parse()
        {
            let message = format!("{host} did not answer in HTTP: {hyper}");
            return Fault::new(Origin::Upstream, Class::InvalidAnswer, Retry::NextEndpoint, message);
        }
        said = inner.to_string();
        cause = inner.source();
    }
    unavailable(format!("the connection to {host} broke before it answered: {said}"))
}

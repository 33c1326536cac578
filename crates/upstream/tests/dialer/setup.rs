//! Clients and calls for the tests.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use portolan_core::Fault;
use portolan_upstream::{Base, Call, Client, ClientOptions, Credential, Egress, Resolver, Resolving, Segments, Target};

/// What the development profile permits.
pub(crate) fn development() -> ClientOptions {
    ClientOptions::new(Egress::new(vec![], true))
}

/// What the production profile permits with these rules.
pub(crate) fn production(rules: &[String]) -> ClientOptions {
    ClientOptions::new(Egress::new(rules.iter().map(|rule| rule.parse().expect("a rule")).collect(), false))
}

pub(crate) fn client(options: ClientOptions) -> Client {
    Client::new(options).expect("a client")
}

pub(crate) fn post(base: Base, body: impl Into<Segments>) -> Call {
    Call {
        target: Arc::new(Target::new(&Arc::new(base), "/chat/completions").expect("a path")),
        method: Method::POST,
        headers: HeaderMap::new(),
        body: body.into(),
        credential: Arc::new(Credential::none()),
    }
}

/// Posts `{}` to the URL and reads the answer to its end.
pub(crate) async fn fetch(client: &Client, url: &str) -> Result<(u16, String), Fault> {
    let base = Base::parse(url).expect("a base URL");
    let response = client.send(post(base, Bytes::from("{}"))).await?;
    Ok((response.status().as_u16(), text(response).await))
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.expect("a whole body").to_bytes().into()).expect("UTF-8")
}

/// Answers each look-up with the next of its answers.
pub(crate) struct Script(Mutex<VecDeque<Vec<SocketAddr>>>);

impl Script {
    pub(crate) fn new(answers: Vec<Vec<SocketAddr>>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(answers.into())))
    }
}

impl Resolver for Script {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Resolving<'a> {
        let next = self.0.lock().expect("no panic").pop_front();
        Box::pin(async move { next.ok_or_else(|| io::Error::other("no such host")) })
    }
}

//! A client with one connection per request, so that hanging up is a thing of one line.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use crate::sse::ChatStream;

/// No test waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    address: SocketAddr,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Request {
    /// A request without credential or body.
    #[must_use]
    pub fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        Self { address, method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Bytes::new() }
    }

    /// With one more header. A `host` takes the place of the address.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this key.
    #[must_use]
    pub fn bearer(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// With this JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// Sends it, and answers at the headers. Dropping the future or what it answers hangs up.
    ///
    /// # Errors
    /// When there is no connection, or no answer on it.
    pub async fn open(self) -> Result<Live> {
        let socket = TcpStream::connect(self.address).await.context("no connection")?;
        socket.set_nodelay(true)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
        let connection = HangUp(tokio::spawn(async move { drop(connection.await) }).abort_handle());
        let mut request = http::Request::builder().method(self.method.as_str()).uri(&self.path);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", self.address.to_string());
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = sender.send_request(request.body(Full::new(self.body))?).await.context("no answer")?;
        let (head, body) = response.into_parts();
        Ok(Live { status: head.status.as_u16(), headers: head.headers, body, _connection: connection })
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn send(self) -> Result<Answer> {
        let what = format!("{} {}", self.method, self.path);
        let whole = async { self.open().await?.rest().await };
        tokio::time::timeout(PATIENCE, whole).await.with_context(|| format!("{what}: no answer in time"))?.with_context(|| what)
    }
}

/// Closes the connection.
struct HangUp(AbortHandle);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An answer whose body is still coming.
pub struct Live {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    body: Incoming,
    _connection: HangUp,
}

impl Live {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
    }

    /// Reads until at least so many bytes came; answers how many did. Fewer: the body ended.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn read_bytes(&mut self, least: usize) -> Result<usize> {
        let mut read = 0;
        while read < least {
            match self.next().await? {
                Some(bytes) => read += bytes.len(),
                None => break,
            }
        }
        Ok(read)
    }

    /// Reads to the end.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn rest(mut self) -> Result<Answer> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.next().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(Answer { status: self.status, headers: self.headers, body: Bytes::from(whole) })
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{} with no JSON ({e}): {}", self.status, self.text()))
    }

    /// The body as a chat stream.
    #[must_use]
    pub fn stream(&self) -> ChatStream {
        ChatStream::parse(&self.text())
    }

    /// The generation that the answer belongs to.
    #[must_use]
    pub fn generation(&self) -> String {
        self.header("x-generation-id").unwrap_or_else(|| panic!("{} without X-Generation-Id: {}", self.status, self.text())).to_owned()
    }
}

/// Writes bytes as they are, and reads what comes until the other side closes or is silent for `patience`.
///
/// # Errors
/// When there is no connection. One that breaks while bytes are written ends the writing.
pub async fn raw(address: SocketAddr, bytes: &[u8], patience: Duration) -> Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    let written = tokio::time::timeout(patience, socket.write_all(bytes)).await;
    drop(written);
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(Ok(read @ 1..)) = tokio::time::timeout(patience, socket.read(&mut buffer)).await {
        answer.extend_from_slice(&buffer[..read]);
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

//! A client that sees what a real client library hides: how a body was framed, and whether it ended or broke.

use std::time::Duration;

use portolan_sim::{Sim, SimOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Silence longer than this is a hang. Everything answers at once, but the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Duplex,
}

pub(crate) const TRANSPORTS: [Transport; 2] = [Transport::Tcp, Transport::Duplex];

/// A simulator and the tasks that serve it.
pub(crate) struct Host {
    pub(crate) sim: Sim,
    pub(crate) transport: Transport,
    /// How long to wait for more.
    pub(crate) patience: Duration,
    tasks: JoinSet<()>,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As HTTP says that it should.
    Whole,
    /// The connection closed first.
    Broken,
    /// Nothing more came.
    Silent,
}

/// An answer, with what came of it. Status 0: there was none.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) ending: Ending,
    /// Sizes of the chunks, of a chunked body.
    pub(crate) chunks: Vec<usize>,
}

impl Raw {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The `data` of each event, parsed; `[DONE]` is left out.
    pub(crate) fn events(&self) -> Vec<Value> {
        let data =
            |line: &str| line.strip_prefix("data: ").filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap());
        self.text().lines().filter_map(data).collect()
    }
}

impl Host {
    pub(crate) fn new(transport: Transport) -> Host {
        Host::with(transport, SimOptions::default())
    }

    pub(crate) fn with(transport: Transport, options: SimOptions) -> Host {
        Host { sim: Sim::new(options), transport, patience: PATIENCE, tasks: JoinSet::new() }
    }

    pub(crate) async fn connect(&mut self) -> Box<dyn Io> {
        let sim = self.sim.clone();
        match self.transport {
            Transport::Duplex => {
                let (client, server) = tokio::io::duplex(4 << 10);
                self.tasks.spawn(async move { sim.serve_connection(server).await });
                Box::new(client)
            }
            Transport::Tcp => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                self.tasks.spawn(async move { sim.serve(listener, std::future::pending()).await });
                Box::new(TcpStream::connect(address).await.unwrap())
            }
        }
    }

    pub(crate) async fn call(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Raw {
        let mut io = self.connect().await;
        send(&mut io, method, path, headers, body).await;
        receive_within(self.patience, &mut io).await
    }

    pub(crate) async fn chat(&mut self, body: Value) -> Raw {
        self.call("POST", "/v1/chat/completions", &[("authorization", "Bearer sk-test-0123")], body.to_string().as_bytes()).await
    }

    pub(crate) async fn messages(&mut self, body: Value) -> Raw {
        let headers = [("x-api-key", "sk-ant-test-0123"), ("anthropic-version", "2023-06-01")];
        self.call("POST", "/v1/messages", &headers, body.to_string().as_bytes()).await
    }

    /// Waits until the ledger says what it should: a hang-up is noticed by another task.
    pub(crate) async fn ledger_until(&self, enough: impl Fn(&portolan_sim::LedgerView) -> bool) -> portolan_sim::LedgerView {
        for _ in 0..10_000 {
            let view = self.sim.ledger();
            if enough(&view) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("the ledger never got there: {:?}", self.sim.ledger());
    }
}

/// A request of either dialect for one model.
pub(crate) fn ask(model: &str, stream: bool) -> Value {
    let mut body =
        json!({"model": model, "max_tokens": 1_000, "messages": [{"role": "user", "content": "Where does the wind come from?"}]});
    if stream {
        body["stream"] = Value::Bool(true);
    }
    body
}

pub(crate) async fn send(io: &mut Box<dyn Io>, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: sim\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    io.write_all(head.as_bytes()).await.unwrap();
    io.write_all(body).await.unwrap();
}

pub(crate) async fn receive(io: &mut Box<dyn Io>) -> Raw {
    receive_within(PATIENCE, io).await
}

async fn receive_within(patience: Duration, io: &mut Box<dyn Io>) -> Raw {
    let mut raw = Raw { status: 0, headers: Vec::new(), body: Vec::new(), ending: Ending::Broken, chunks: Vec::new() };
    let mut reader = Reader { io, patience, buffer: Vec::new() };
    raw.ending = reader.answer(&mut raw).await.err().unwrap_or(Ending::Whole);
    raw
}

struct Reader<'a> {
    io: &'a mut Box<dyn Io>,
    patience: Duration,
    buffer: Vec<u8>,
}

impl Reader<'_> {
    async fn answer(&mut self, raw: &mut Raw) -> Result<(), Ending> {
        let first = self.line().await?;
        raw.status = first.split(' ').nth(1).unwrap().parse().unwrap();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(": ") else { break };
            raw.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        if let Some(length) = raw.header("content-length").map(|length| length.parse::<usize>().unwrap()) {
            return self.take(length, &mut raw.body).await;
        }
        assert_eq!(raw.header("transfer-encoding"), Some("chunked"));
        loop {
            let size = usize::from_str_radix(&self.line().await?, 16).unwrap();
            if size > 0 {
                raw.chunks.push(size);
            }
            self.take(size, &mut raw.body).await?;
            assert_eq!(self.line().await?, "");
            if size == 0 {
                return Ok(());
            }
        }
    }

    async fn more(&mut self) -> Result<(), Ending> {
        let mut bytes = vec![0; 64 << 10];
        match timeout(self.patience, self.io.read(&mut bytes)).await {
            Err(_) => Err(Ending::Silent),
            Ok(Ok(0) | Err(_)) => Err(Ending::Broken),
            Ok(Ok(read)) => {
                self.buffer.extend_from_slice(&bytes[..read]);
                Ok(())
            }
        }
    }

    async fn line(&mut self) -> Result<String, Ending> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8(self.buffer[..end].to_vec()).unwrap();
                self.buffer.drain(..end + 2);
                return Ok(line);
            }
            self.more().await?;
        }
    }

    /// What came of the bytes is kept, also when the rest does not come.
    async fn take(&mut self, mut length: usize, into: &mut Vec<u8>) -> Result<(), Ending> {
        loop {
            let now = length.min(self.buffer.len());
            into.extend(self.buffer.drain(..now));
            length -= now;
            if length == 0 {
                return Ok(());
            }
            self.more().await?;
        }
    }
}

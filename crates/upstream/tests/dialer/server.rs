//! A provider that plays a script: one answer per request, over blocking sockets in threads of its own.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// What to do with a request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Send these bytes and wait for the next request on the connection.
    Answer(String),
    /// Send these bytes and close.
    AnswerAndClose(String),
    /// Read the request, and hang up.
    HangUp,
}

pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    closed: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Server {
    pub(crate) fn start(script: Vec<Step>) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST, script, plain)
    }

    /// `accept` turns a socket into what is spoken over.
    pub(crate) fn start_at<S: Read + Write>(ip: Ipv4Addr, script: Vec<Step>, accept: impl Fn(TcpStream) -> S + Send + 'static) -> Self {
        let listener = TcpListener::bind((ip, 0)).expect("a loopback port");
        let address = listener.local_addr().expect("bound");
        let (requests, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (closing, closed) = mpsc::channel();
        let (seen, opened) = (Arc::clone(&requests), Arc::clone(&connections));
        thread::spawn(move || {
            let mut script = script.into_iter();
            for socket in listener.incoming().flatten() {
                opened.fetch_add(1, Ordering::SeqCst);
                serve(accept(socket), &mut script, &seen);
                let _ = closing.send(());
            }
        });
        Self { address, requests, connections, closed: Arc::new(Mutex::new(closed)) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic").clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until the server has closed a connection and the runtime has heard of it: the kernel knows when the signal
    /// arrives, and a timer makes the runtime ask the kernel once. (A request that is written before it asks is a fault.)
    pub(crate) async fn wait_for_close(&self) {
        let closed = Arc::clone(&self.closed);
        let wait = move || closed.lock().expect("no panic").recv().expect("the server runs");
        tokio::task::spawn_blocking(wait).await.expect("no panic");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub(crate) fn plain(socket: TcpStream) -> TcpStream {
    socket
}

fn serve(mut stream: impl Read + Write, script: &mut impl Iterator<Item = Step>, seen: &Mutex<Vec<String>>) {
    while let Some(request) = read_request(&mut stream) {
        seen.lock().expect("no panic").push(request);
        let (answer, close) = match script.next() {
            Some(Step::Answer(answer)) => (answer, false),
            Some(Step::AnswerAndClose(answer)) => (answer, true),
            Some(Step::HangUp) | None => return,
        };
        if stream.write_all(answer.as_bytes()).and_then(|()| stream.flush()).is_err() || close {
            return;
        }
    }
}

/// A head and as much body as its `Content-Length` says.
fn read_request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a length"))];
    stream.read_exact(&mut body).ok()?;
    bytes.extend(body);
    String::from_utf8(bytes).ok()
}

//! A provider that can be broken and mended while it runs: a door in front of a simulator.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// It passes.
    Pass,
    /// 503.
    Status,
    /// No answer ever comes.
    Hang,
    /// The head of an answer comes, a byte at a time, too slowly to be of use.
    Drip,
    /// The connection is closed.
    Cut,
}

impl Mode {
    /// Every way to fail.
    pub const FAULTS: [Mode; 4] = [Mode::Status, Mode::Hang, Mode::Drip, Mode::Cut];

    fn of(code: u8) -> Self {
        Self::FAULTS.into_iter().find(|mode| *mode as u8 == code).unwrap_or(Mode::Pass)
    }
}

/// The door. It listens as long as its runtime lives.
pub struct Switch {
    address: SocketAddr,
    mode: Arc<AtomicU8>,
}

impl Switch {
    /// A door in front of `target`, open.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn new(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port can be had");
        let address = listener.local_addr().expect("a bound socket has an address");
        let mode = Arc::new(AtomicU8::new(Mode::Pass as u8));
        let shared = mode.clone();
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                tokio::spawn(pass(caller, target, shared.clone()));
            }
        });
        Self { address, mode }
    }

    /// The base URL of a provider row.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// From the next request on.
    pub fn set(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::SeqCst);
    }
}

/// Serves one connection. A test's request is small: what comes in one piece begins one.
async fn pass(mut caller: TcpStream, target: SocketAddr, mode: Arc<AtomicU8>) {
    let Ok(mut provider) = TcpStream::connect(target).await else { return };
    let (mut request, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = caller.read(&mut request) => {
                let Ok(n @ 1..) = read else { return };
                let piece = request.get(..n).unwrap_or_default();
                match Mode::of(mode.load(Ordering::SeqCst)) {
                    Mode::Pass if provider.write_all(piece).await.is_ok() => {}
                    Mode::Pass | Mode::Cut => return,
                    Mode::Status => {
                        let _ = caller.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
                        return;
                    }
                    // Until the caller gives up.
                    Mode::Hang => while matches!(caller.read(&mut request).await, Ok(1..)) {},
                    Mode::Drip => return drip(&mut caller).await,
                }
            }
            read = provider.read(&mut answer) => {
                let Ok(n @ 1..) = read else { return };
                if caller.write_all(answer.get(..n).unwrap_or_default()).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn drip(caller: &mut TcpStream) {
    for byte in b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-slow: ".iter().chain([b'z'; 10_000].iter()) {
        if caller.write_all(&[*byte]).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

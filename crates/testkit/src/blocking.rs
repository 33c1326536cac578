//! One HTTP exchange without a runtime: for control calls, and for `Drop`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// No control call takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where to.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// A listener.
    Tcp(SocketAddr),
    /// The administrators' socket.
    Unix(&'a Path),
}

/// Sends a request and reads the whole answer: its status, and its body.
///
/// # Errors
/// When there is no connection, or no answer on it.
pub fn exchange(target: Target<'_>, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<(u16, String)> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = match target {
        Target::Tcp(address) => {
            let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            talk(socket, &request)?
        }
        Target::Unix(path) => {
            let socket = UnixStream::connect(path)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            talk(socket, &request)?
        }
    };
    parse(&answer).ok_or_else(|| std::io::Error::other(format!("no HTTP answer: {answer:.200}")))
}

fn talk(mut socket: impl Read + Write, request: &str) -> std::io::Result<String> {
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Some((status, if chunked { unchunk(body)? } else { body.to_owned() }))
}

fn unchunk(mut body: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.push_str(rest.get(..size)?);
        body = rest.get(size + 2..)?;
    }
}

//! What a request looks like on the wire, and what comes back.

use std::process::Command;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use portolan_core::{Class, Origin};
use portolan_upstream::{Base, Call};

use crate::server::{Server, Step, ok};
use crate::setup::{client, development, fetch, post, text};

#[tokio::test]
async fn a_body_of_several_pieces_has_a_content_length_and_arrives_whole() {
    let server = Server::start(vec![Step::Answer(ok("{}"))]);
    let large = "x".repeat(300_000);
    let pieces: Vec<Bytes> = ["{\"model\":", "", "\"m\"", ",\"rest\":\"", &large, "\"}"].map(|piece| Bytes::from(piece.to_owned())).into();
    let whole = pieces.concat();
    let mut call = post(Base::parse(&server.url()).expect("a URL"), pieces);
    call.headers.insert("content-type", HeaderValue::from_static("application/json"));
    text(client(development()).send(call).await.expect("an answer")).await;
    let request = server.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    assert_eq!(body.as_bytes(), whole);
    let mut lines: Vec<&str> = head.lines().collect();
    lines[1..].sort_unstable();
    let (length, host) = (format!("content-length: {}", whole.len()), format!("host: {}", server.address));
    let agent = concat!("user-agent: portolan/", env!("CARGO_PKG_VERSION"));
    let expected =
        ["POST /v1/chat/completions HTTP/1.1", "accept-encoding: identity", &length, "content-type: application/json", &host, agent];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Server::start(vec![]);
        let answer = format!("HTTP/1.1 {status} Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url());
        let server = Server::start(vec![Step::Answer(answer)]);
        let (seen, _) = fetch(&client(development()), &server.url()).await.expect("an answer");
        assert_eq!((seen, elsewhere.connections()), (status, 0));
    }
}

#[tokio::test]
async fn an_answer_that_is_no_http_or_has_an_endless_head_is_an_invalid_answer() {
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = "y".repeat(200_000);
    for answer in [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{many}content-length: 0\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nx: {long}\r\ncontent-length: 0\r\n\r\n"),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx".to_owned(),
    ] {
        let server = Server::start(vec![Step::AnswerAndClose(answer.clone())]);
        let fault = fetch(&client(development()), &server.url()).await.expect_err("no answer");
        assert_eq!((fault.origin, fault.class), (Origin::Upstream, Class::InvalidAnswer), "{fault} after {:.40}", answer);
    }
}

#[tokio::test]
async fn headers_of_framing_and_identity_are_not_taken_from_a_call() {
    let server = Server::start(vec![]);
    let client = client(development());
    for name in ["host", "content-length", "transfer-encoding", "connection", "authorization", "x-api-key", "cookie", "proxy-authorization"]
    {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static("1"));
        let call = Call { headers, ..post(Base::parse(&server.url()).expect("a URL"), Bytes::from("{}")) };
        let fault = client.send(call).await.expect_err(name);
        assert!(fault.class == Class::Internal && fault.message.contains(name), "{fault}");
    }
    assert_eq!(server.connections(), 0);
}

/// The environment of this process cannot be changed without `unsafe`, so the test runs itself again with one.
#[tokio::test]
async fn proxy_variables_of_the_environment_are_ignored() {
    const NAME: &str = "exchange::proxy_variables_of_the_environment_are_ignored";
    let server = Server::start(vec![Step::Answer(ok("direct"))]);
    if std::env::args().any(|argument| argument == "--include-ignored") {
        assert_eq!(fetch(&client(development()), &server.url()).await.expect("an answer").1, "direct");
        return;
    }
    let proxy = Server::start(vec![]);
    let mut again = Command::new(std::env::current_exe().expect("this test"));
    again.args(["--exact", NAME, "--include-ignored"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        again.env(name, format!("http://{}", proxy.address));
    }
    let output = again.output().expect("this test runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    assert_eq!(proxy.connections(), 0);
}

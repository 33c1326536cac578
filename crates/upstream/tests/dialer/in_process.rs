//! The service of this process, over a pipe.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use portolan_core::Class;
use portolan_upstream::{Base, ClientOptions, InProcess};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::setup::{Script, client, development, fetch, post, text};

/// Answers each request of a connection with its own head's length.
async fn answer(mut pipe: DuplexStream) {
    let mut seen = Vec::new();
    while let Ok(byte) = pipe.read_u8().await {
        seen.push(byte);
        if seen.ends_with(b"\r\n\r\n{}") {
            let body = String::from_utf8_lossy(&seen).lines().next().expect("a request line").to_owned();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            pipe.write_all(head.as_bytes()).await.expect("the client reads");
            seen.clear();
        }
    }
}

fn service(opened: &Arc<AtomicUsize>) -> InProcess {
    let opened = Arc::clone(opened);
    let serve = move |pipe| {
        opened.fetch_add(1, Ordering::SeqCst);
        #[expect(clippy::disallowed_methods, reason = "a test has no owner of tasks")]
        tokio::spawn(answer(pipe));
    };
    InProcess { authority: "simulator.internal", serve: Arc::new(serve) }
}

#[tokio::test]
async fn a_call_to_the_service_of_this_process_goes_over_a_pipe_and_reuses_it() {
    let opened = Arc::new(AtomicUsize::new(0));
    // No rule permits anything, and the resolver knows no name: neither is asked.
    let client = client(ClientOptions { resolver: Script::new(vec![]), in_process: Some(service(&opened)), ..development() });
    for _ in 0..3 {
        let base = Base::in_process("simulator.internal", "/v1").expect("a name");
        let response = client.send(post(base, Bytes::from("{}"))).await.expect("an answer");
        assert_eq!(text(response).await, "POST /v1/chat/completions HTTP/1.1");
    }
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_url_reaches_the_service_of_this_process() {
    let opened = Arc::new(AtomicUsize::new(0));
    let client = client(ClientOptions { resolver: Script::new(vec![]), in_process: Some(service(&opened)), ..development() });
    // Even while a pipe to the service waits in a pool.
    let base = Base::in_process("simulator.internal", "").expect("a name");
    text(client.send(post(base, Bytes::from("{}"))).await.expect("an answer")).await;
    for url in ["http://simulator.internal", "https://simulator.internal", "http://SIMULATOR.internal.:80/v1"] {
        let fault = fetch(&client, url).await.expect_err(url);
        assert_eq!(fault.class, Class::ProviderUnavailable, "{fault}");
    }
    let base = Base::in_process("another.internal", "").expect("a name");
    assert_eq!(client.send(post(base, Bytes::from("{}"))).await.expect_err("no such service").class, Class::Internal);
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

//! Connections are used again, and a request is sent at most once.

use bytes::Bytes;
use portolan_core::{Class, Origin, Retry};
use portolan_upstream::Base;

use crate::server::{Server, Step, ok};
use crate::setup::{client, development, fetch, post};

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::start(vec![Step::Answer(ok("{}")); 20]);
    let client = client(development());
    for _ in 0..20 {
        fetch(&client, &server.url()).await.expect("an answer");
    }
    assert_eq!((server.requests().len(), server.connections()), (20, 1));
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced_in_silence() {
    let server = Server::start(vec![Step::AnswerAndClose(ok("{}")); 20]);
    let client = client(development());
    for _ in 0..20 {
        fetch(&client, &server.url()).await.expect("an answer");
        server.wait_for_close().await;
    }
    assert_eq!((server.requests().len(), server.connections()), (20, 20));
}

#[tokio::test]
async fn a_request_that_was_written_is_never_sent_again() {
    // On a new connection, and on one that has served before: the provider may have done the work.
    for used in [0, 1, 2] {
        let mut script = vec![Step::Answer(ok("{}")); used];
        script.extend([Step::HangUp, Step::Answer(ok("twice"))]);
        let server = Server::start(script);
        let client = client(development());
        for _ in 0..used {
            fetch(&client, &server.url()).await.expect("an answer");
        }
        let fault = fetch(&client, &server.url()).await.expect_err("a broken connection");
        assert_eq!(
            (fault.origin, fault.class, fault.retry),
            (Origin::Upstream, Class::ProviderUnavailable, Retry::NextEndpoint),
            "{fault}"
        );
        assert!(fault.message.contains("127.0.0.1"), "{fault}");
        assert_eq!((server.requests().len(), server.connections()), (used + 1, 1));
    }
}

#[tokio::test]
async fn a_caller_who_drops_the_answer_closes_the_connection() {
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nbegin".to_owned();
    let server = Server::start(vec![Step::Answer(endless)]);
    let client = client(development());
    let response = client.send(post(Base::parse(&server.url()).expect("a URL"), Bytes::from("{}"))).await.expect("a head");
    drop(response);
    server.wait_for_close().await;
}

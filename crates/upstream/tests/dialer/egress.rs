//! Where connections may go.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use portolan_core::{Class, Origin, Retry};
use portolan_upstream::{ClientOptions, Resolver, Resolving};

use crate::server::{Server, Step, ok, plain};
use crate::setup::{Script, client, development, fetch, production};

#[tokio::test]
async fn a_listener_on_loopback_sees_no_packet_from_production() {
    let server = Server::start(vec![Step::Answer(ok("inside"))]);
    let port = server.address.port();
    let closed = client(production(&[]));
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "0.0.0.0", "[::]", "[::127.0.0.1]", "[2002:7f00:1::]"] {
        let fault = fetch(&closed, &format!("http://{host}:{port}")).await.expect_err(host);
        assert_eq!((fault.origin, fault.class, fault.retry), (Origin::Gateway, Class::EgressRefused, Retry::NextEndpoint), "{fault}");
        assert!(fault.message.contains("[egress] allow"), "{fault}");
    }
    // A name is vetted by what it resolves to.
    let fault = fetch(&closed, &format!("http://localhost:{port}")).await.expect_err("localhost");
    assert!(fault.class == Class::EgressRefused && fault.message.contains("localhost") && fault.message.contains("loopback"), "{fault}");
    assert_eq!(server.connections(), 0);
    // The same listener, when a rule names it, and in the development profile.
    let open = client(production(&[format!("127.0.0.1/32:{port}")]));
    assert_eq!(fetch(&open, &server.url()).await.expect("permitted").1, "inside");
}

#[tokio::test]
async fn private_and_metadata_addresses_are_refused_at_once_also_in_the_development_profile() {
    let client = client(ClientOptions { connect_timeout: Duration::from_secs(60), ..development() });
    for host in ["10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00:ec2::254]"] {
        let fault = fetch(&client, &format!("http://{host}")).await.expect_err(host);
        assert_eq!(fault.class, Class::EgressRefused, "{fault}");
    }
}

#[tokio::test]
async fn a_rule_opens_its_port_only() {
    let server = Server::start(vec![Step::Answer(ok("inside"))]);
    let other = server.address.port() ^ 1;
    let fault = fetch(&client(production(&[format!("127.0.0.0/8:{other}")])), &server.url()).await.expect_err("another port");
    assert_eq!((fault.class, server.connections()), (Class::EgressRefused, 0));
}

/// Two listeners on one port of two addresses: the first is permitted, the second is not.
fn pair() -> (Server, TcpListener, SocketAddr) {
    let permitted = Server::start_at(Ipv4Addr::LOCALHOST, vec![Step::AnswerAndClose(ok("public")); 3], plain);
    let refused = SocketAddr::from(([127, 0, 0, 2], permitted.address.port()));
    let listener = TcpListener::bind(refused).expect("the same port of another address");
    listener.set_nonblocking(true).expect("a socket");
    (permitted, listener, refused)
}

#[tokio::test]
async fn a_name_that_is_rebound_is_vetted_again_for_the_next_connection() {
    let (server, listener, refused) = pair();
    let resolver = Script::new(vec![vec![server.address], vec![refused]]);
    let rules = [format!("127.0.0.1/32:{}", refused.port())];
    let client = client(ClientOptions { resolver, ..production(&rules) });
    let url = format!("http://rebound.example:{}", refused.port());
    assert_eq!(fetch(&client, &url).await.expect("permitted").1, "public");
    server.wait_for_close().await;
    let fault = fetch(&client, &url).await.expect_err("rebound");
    assert!(fault.class == Class::EgressRefused && fault.message.contains("127.0.0.2"), "{fault}");
    assert!(listener.accept().is_err(), "no packet was sent to the refused address");
    assert!(server.requests()[0].contains(&format!("host: rebound.example:{}\r\n", refused.port())), "the host stays the name");
}

#[tokio::test]
async fn a_name_with_one_refused_address_among_its_answers_is_refused_whole() {
    let (server, listener, refused) = pair();
    let rules = [format!("127.0.0.1/32:{}", refused.port())];
    for answers in [vec![server.address, refused], vec![refused, server.address]] {
        let client = client(ClientOptions { resolver: Script::new(vec![answers]), ..production(&rules) });
        let fault = fetch(&client, "http://mixed.example").await.expect_err("mixed");
        assert_eq!(fault.class, Class::EgressRefused, "{fault}");
    }
    assert!(listener.accept().is_err() && server.connections() == 0);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_answer() {
    let server = Server::start(vec![Step::Answer(ok("second"))]);
    let gone = SocketAddr::from(([127, 0, 0, 3], server.address.port()));
    let client = client(ClientOptions { resolver: Script::new(vec![vec![gone, server.address]]), ..development() });
    assert_eq!(fetch(&client, "http://two.example").await.expect("the second address").1, "second");
}

#[tokio::test]
async fn no_name_no_listener_and_no_answer_in_time_are_faults_of_the_upstream() {
    let unused = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let fault = fetch(&client(development()), &format!("http://{unused}")).await.expect_err("nobody listens");
    assert_eq!((fault.origin, fault.class, fault.retry), (Origin::Upstream, Class::ProviderUnavailable, Retry::NextEndpoint), "{fault}");

    let nowhere = ClientOptions { resolver: Script::new(vec![vec![]]), ..development() };
    let nowhere = client(nowhere);
    for _ in ["an empty answer", "an error"] {
        let fault = fetch(&nowhere, "http://nowhere.example").await.expect_err("no address");
        assert!(fault.class == Class::ProviderUnavailable && fault.message.contains("resolve nowhere.example"), "{fault}");
    }
}

/// A resolver that never answers.
struct Silent;

impl Resolver for Silent {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Resolving<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn the_connect_timeout_covers_the_resolver() {
    let client = client(ClientOptions { resolver: Arc::new(Silent), ..development() });
    let started = tokio::time::Instant::now();
    let fault = fetch(&client, "http://slow.example").await.expect_err("a timeout");
    assert_eq!((fault.origin, fault.class, fault.retry), (Origin::Upstream, Class::Timeout, Retry::NextEndpoint));
    assert!(fault.message.contains("slow.example") && started.elapsed() >= Duration::from_secs(2), "{fault}");
}

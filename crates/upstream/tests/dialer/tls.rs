//! TLS: who is trusted, and under which name.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use portolan_core::{Class, Origin};
use portolan_upstream::{CertificateDer, ClientOptions};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::server::{Server, Step, ok};
use crate::setup::{Script, client, development, fetch};

/// A server with a certificate of its own for `provider.example`, and that certificate.
fn provider() -> (Server, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["provider.example".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a certificate and its key");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let accept = move |socket: TcpStream| StreamOwned::new(ServerConnection::new(Arc::clone(&config)).expect("a configuration"), socket);
    (Server::start_at(Ipv4Addr::LOCALHOST, vec![Step::Answer(ok("encrypted")); 2], accept), cert.der().clone())
}

#[tokio::test]
async fn a_trusted_certificate_for_the_name_is_accepted_and_http_1_1_is_spoken() {
    let (server, root) = provider();
    let resolver = Script::new(vec![vec![server.address]]);
    let client = client(ClientOptions { resolver, extra_roots: vec![root], ..development() });
    for _ in 0..2 {
        let answer = fetch(&client, "https://provider.example/v1").await.expect("an answer");
        assert_eq!(answer, (200, "encrypted".to_owned()));
    }
    assert_eq!(server.connections(), 1);
    assert!(server.requests()[0].contains("host: provider.example\r\n"));
}

#[tokio::test]
async fn an_untrusted_certificate_is_refused_before_anything_is_sent() {
    let (server, _) = provider();
    let client = client(ClientOptions { resolver: Script::new(vec![vec![server.address]]), ..development() });
    let fault = fetch(&client, "https://provider.example").await.expect_err("self-signed");
    assert_eq!((fault.origin, fault.class), (Origin::Upstream, Class::ProviderUnavailable));
    assert!(fault.message.contains("TLS") && fault.message.contains("provider.example"), "{fault}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (server, root) = provider();
    let resolver = Script::new(vec![vec![server.address]]);
    let client = client(ClientOptions { resolver, extra_roots: vec![root], ..development() });
    for url in ["https://another.example".to_owned(), format!("https://{}", server.address)] {
        let fault = fetch(&client, &url).await.expect_err(&url);
        assert!(fault.class == Class::ProviderUnavailable && fault.message.contains("TLS"), "{fault}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_sees_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("bound"));
    let seen = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a connection");
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("the client reads");
        let mut seen = Vec::new();
        // The client may reset the connection: what came before it counts.
        let _ = socket.read_to_end(&mut seen);
        seen
    });
    let fault = fetch(&client(development()), &url).await.expect_err("no TLS");
    assert!(fault.class == Class::ProviderUnavailable && fault.message.contains("TLS"), "{fault}");
    let seen = String::from_utf8_lossy(&seen.join().expect("no panic")).into_owned();
    assert!(!seen.contains("POST") && !seen.contains("HTTP"), "{seen}");
}

#[tokio::test]
async fn the_connect_timeout_covers_the_handshake() {
    // The kernel accepts the connection; nobody speaks on it.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("bound"));
    let client = client(ClientOptions { connect_timeout: Duration::from_millis(50), ..development() });
    let fault = fetch(&client, &url).await.expect_err("silence");
    assert!(fault.class == Class::Timeout && fault.message.contains("50 ms"), "{fault}");
}

//! A credential reaches its own origin and no other.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderName;
use portolan_core::{Class, Origin as FaultOrigin, SecretString};
use portolan_upstream::{Base, Call, Credential};

use crate::server::{Server, Step, ok};
use crate::setup::{client, development, post, text};

const SECRET: &str = "sk-canary-0123456789abcdef";

fn base(url: &str) -> Base {
    Base::parse(url).expect("a URL")
}

fn bearer(url: &str) -> Arc<Credential> {
    Arc::new(Credential::bearer(base(url).origin().clone(), SecretString::from(SECRET)).expect("a secret"))
}

#[tokio::test]
async fn a_credential_is_attached_to_its_own_origin() {
    let server = Server::start(vec![Step::Answer(ok("{}")); 2]);
    let client = client(development());
    let name = HeaderName::from_static("x-api-key");
    let header = Credential::header(base(&server.url()).origin().clone(), name, SecretString::from(SECRET)).expect("a secret");
    for credential in [bearer(&server.url()), Arc::new(header)] {
        let call = Call { credential, ..post(base(&server.url()), Bytes::from("{}")) };
        text(client.send(call).await.expect("an answer")).await;
    }
    let requests = server.requests();
    assert!(requests[0].contains(&format!("authorization: Bearer {SECRET}\r\n")), "{}", requests[0]);
    assert!(requests[1].contains(&format!("x-api-key: {SECRET}\r\n")) && !requests[1].contains("authorization"), "{}", requests[1]);
}

#[tokio::test]
async fn another_origin_never_sees_a_credential() {
    let other = Server::start(vec![Step::Answer(ok("{}"))]);
    let client = client(development());
    let port = other.address.port();
    for origin in [
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{}", port ^ 1),
        format!("http://localhost:{port}"),
        "http://127.0.0.1".to_owned(),
        "https://api.openai.com/v1".to_owned(),
    ] {
        let call = Call { credential: bearer(&origin), ..post(base(&other.url()), Bytes::from("{}")) };
        let fault = client.send(call).await.expect_err(&origin);
        assert_eq!((fault.origin, fault.class), (FaultOrigin::Gateway, Class::Internal), "{fault}");
        assert!(!fault.message.contains("canary"), "{fault}");
    }
    assert_eq!(other.connections(), 0);
}

#[test]
fn a_credential_is_bound_to_scheme_host_and_port_and_not_to_the_path_or_the_spelling() {
    let origin = base("https://api.example.com/v1").origin().clone();
    for same in ["https://API.example.com:443", "https://api.example.com/v2/", "https://api.example.com."] {
        assert_eq!(*base(same).origin(), origin);
    }
    for other in ["http://api.example.com:443", "https://api.example.com:8443", "https://example.com", "https://api.example.com.evil.net"] {
        assert_ne!(*base(other).origin(), origin);
    }
}

#[test]
fn a_secret_is_shown_nowhere() {
    let credential = bearer("https://api.example.com");
    let call = Call { credential: Arc::clone(&credential), ..post(base("https://api.example.com"), Bytes::new()) };
    for text in [format!("{credential:?}"), format!("{call:?}")] {
        assert!(!text.contains("canary"), "{text}");
    }
    let echoed = format!("Incorrect API key provided: {SECRET}. Or: sk-canary-0***cdef");
    assert_eq!(credential.mask(&echoed), "Incorrect API key provided: [redacted]. Or: [redacted]");
    assert_eq!(Credential::none().mask(&echoed), echoed);
}

#[test]
fn a_secret_that_could_add_a_header_is_refused_without_being_shown() {
    for secret in ["", "sk canary", "sk-canary\r\nx: y", "sk-canary\n", "sk-cañary", "sk-canary\0"] {
        let origin = base("https://api.example.com").origin().clone();
        let error = Credential::bearer(origin, SecretString::from(secret)).expect_err("no header value").to_string();
        assert!(error.contains("api.example.com") && !error.contains("canary"), "{error}");
    }
}

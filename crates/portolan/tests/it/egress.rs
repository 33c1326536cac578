//! The way out: where no rule leads, nothing is sent; and a credential goes to its own host only.

use std::net::SocketAddr;

use portolan_testkit::{Config, Provider, Sim, TestApp};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::BINARY;

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_no_rule_permits_is_not_connected_to() {
    let sim = Sim::start(BINARY.as_ref());
    let (port, production) = (sim.address.port(), "profile = \"production\"");
    let loopback = format!("http://127.0.0.1:{port}/v1");
    // The profile; the rules; the base URL; whether the simulator is reached.
    let cases: &[(&str, String, String, bool)] = &[
        ("", String::new(), loopback.clone(), true),
        (production, String::new(), loopback.clone(), false),
        (production, String::new(), format!("http://localhost:{port}/v1"), false),
        (production, String::new(), format!("http://[::ffff:127.0.0.1]:{port}/v1"), false),
        (production, String::new(), format!("http://0.0.0.0:{port}/v1"), false),
        (production, format!("127.0.0.1:{}", port.wrapping_add(1).max(1)), loopback.clone(), false),
        (production, format!("127.0.0.1:{port}"), loopback.clone(), true),
        (production, "127.0.0.0/8".to_owned(), loopback, true),
        ("", String::new(), "http://10.0.0.1:9/v1".to_owned(), false),
        ("", String::new(), "http://192.168.0.1:9/v1".to_owned(), false),
        ("", String::new(), "http://169.254.169.254/v1".to_owned(), false),
        ("", "0.0.0.0/0".to_owned(), "http://169.254.169.254/v1".to_owned(), false),
        ("", String::new(), "http://[fd00::1]:9/v1".to_owned(), false),
        ("", String::new(), "http://100.64.0.1:9/v1".to_owned(), false),
    ];
    let mut reached = 0;
    for (profile, rules, base_url, reaches) in cases {
        let allow = if rules.is_empty() { String::new() } else { format!("\"{rules}\"") };
        let provider = Provider::openai_chat("mine", base_url).model("m/x", "sim-c5");
        let app = TestApp::start(
            BINARY.as_ref(),
            &Config::new().top(profile).tables(&format!("[egress]\nallow = [{allow}]")).provider(&provider),
        );
        let body = json!({ "model": "m/x", "messages": [{ "role": "user", "content": "Hello" }] });
        let answer = app.chat(&body).send().await.unwrap();
        let record = app.record(&answer.generation()).unwrap();
        let fault = &record["attempts"][0]["fault"];
        if *reaches {
            reached += 1;
            assert_eq!(answer.status, 200, "{profile} {rules} {base_url}: {}", answer.text());
        } else {
            assert_eq!(
                (answer.status, &fault["class"], &fault["origin"]),
                (502, &json!("egress_refused"), &json!("gateway")),
                "{profile} {rules} {base_url}: {}",
                answer.text()
            );
            assert_eq!(record["charge"], 0);
        }
        assert_eq!(sim.ledger().totals.requests, reached, "{profile} {rules} {base_url}");
    }
}

/// A provider that answers every request with the same answer, and tells what it was sent.
async fn listening() -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let told = Handle::current().spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let (mut got, mut buffer) = (Vec::new(), [0; 8192]);
        while !String::from_utf8_lossy(&got).contains("\"messages\"") {
            let read = socket.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the request broke off");
            got.extend_from_slice(&buffer[..read]);
        }
        let body = r#"{"id":"x-1","object":"chat.completion","created":1,"model":"x","choices":[{"index":0,"message":{"role":"assistant","content":"Aye"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        socket.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&got).into_owned()
    });
    (address, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_gets_its_own_credential_and_nothing_of_the_callers() {
    let ((first, first_got), (second, second_got)) = (listening().await, listening().await);
    let config = Config::new()
        .provider(&Provider::openai_chat("first", &format!("http://{first}/v1")).key("key-of-the-first").model("m/first", "one"))
        .provider(&Provider::openai_chat("second", &format!("http://{second}/v1")).key("key-of-the-second").model("m/second", "two"));
    let app = TestApp::start(BINARY.as_ref(), &config);
    for model in ["m/first", "m/second"] {
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": "Hello" }], "user": "alice@example.test" });
        let request = app
            .chat(&body)
            .header("cookie", "session=1")
            .header("x-sim", "c5")
            .header("http-referer", "https://app.test")
            .header("x-forwarded-for", "1.2.3.4");
        assert_eq!(request.header("x-custom", "y").send().await.unwrap().status, 200);
    }
    for (got, own, foreign) in [(first_got, "key-of-the-first", "key-of-the-second"), (second_got, "key-of-the-second", "key-of-the-first")]
    {
        let got = got.await.unwrap().to_ascii_lowercase();
        assert!(got.contains(&format!("authorization: bearer {own}")), "{got}");
        for word in [foreign, "sk-or-v1-", "cookie", "x-sim", "app.test", "x-forwarded", "x-custom", "alice"] {
            assert!(!got.contains(word), "{word} went upstream: {got}");
        }
    }
}

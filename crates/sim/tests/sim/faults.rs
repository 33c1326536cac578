//! Every fault, in both dialects, streamed and not, over both transports.

use portolan_sim::End;
use serde_json::json;

use crate::client::{Ending, Host, Raw, Transport, ask};

/// What the client sees and the ledger says: status, ending, output tokens, end.
type Seen = (u16, Ending, u64, End);

/// Shape, then what is seen of a stream, then of an answer that is not streamed.
const CASES: &[(&str, Seen, Seen)] = &[
    ("c6-e429-ra7", (429, Ending::Whole, 0, End::Error), (429, Ending::Whole, 0, End::Error)),
    ("c6-e529", (529, Ending::Whole, 0, End::Error), (529, Ending::Whole, 0, End::Error)),
    ("c6-err200", (200, Ending::Whole, 0, End::Error), (200, Ending::Whole, 0, End::Error)),
    ("c6-html", (502, Ending::Whole, 0, End::Error), (502, Ending::Whole, 0, End::Error)),
    ("c6-redirect", (302, Ending::Whole, 0, End::Error), (302, Ending::Whole, 0, End::Error)),
    ("c6-echokey", (401, Ending::Whole, 0, End::Error), (401, Ending::Whole, 0, End::Error)),
    ("c6-hang", (0, Ending::Silent, 0, End::Hang), (0, Ending::Silent, 0, End::Hang)),
    ("c6-hang0", (200, Ending::Silent, 0, End::Hang), (200, Ending::Silent, 6, End::Hang)),
    ("c6-hang4", (200, Ending::Silent, 4, End::Hang), (200, Ending::Silent, 6, End::Hang)),
    ("c6-cut", (0, Ending::Broken, 0, End::Cut), (0, Ending::Broken, 0, End::Cut)),
    ("c6-cut0", (200, Ending::Broken, 0, End::Cut), (200, Ending::Broken, 6, End::Cut)),
    ("c6-cut4", (200, Ending::Broken, 4, End::Cut), (200, Ending::Broken, 6, End::Cut)),
    ("c6-cut4-d1", (200, Ending::Broken, 4, End::Cut), (200, Ending::Broken, 6, End::Cut)),
    ("c6-cut4-tiny", (200, Ending::Broken, 4, End::Cut), (200, Ending::Broken, 6, End::Cut)),
    ("c6-eof", (200, Ending::Whole, 0, End::Eof), (200, Ending::Whole, 6, End::Eof)),
    ("c6-eof4", (200, Ending::Whole, 4, End::Eof), (200, Ending::Whole, 6, End::Eof)),
    ("c6-garble", (200, Ending::Whole, 6, End::Garbled), (200, Ending::Whole, 6, End::Garbled)),
    ("c6-garble4", (200, Ending::Whole, 6, End::Garbled), (200, Ending::Whole, 6, End::Garbled)),
    ("c6-errevent", (200, Ending::Whole, 0, End::Error), (200, Ending::Whole, 0, End::Error)),
    ("c6-errevent4", (200, Ending::Whole, 4, End::Error), (200, Ending::Whole, 0, End::Error)),
    ("c6-bigline4", (200, Ending::Whole, 6, End::Completed), (200, Ending::Whole, 6, End::Completed)),
    ("c6-gzip", (200, Ending::Whole, 6, End::Completed), (200, Ending::Whole, 6, End::Completed)),
    ("c6-tiny", (200, Ending::Whole, 6, End::Completed), (200, Ending::Whole, 6, End::Completed)),
    ("c6-crlf", (200, Ending::Whole, 6, End::Completed), (200, Ending::Whole, 6, End::Completed)),
];

async fn both(host: &mut Host, shape: &str, stream: bool) -> [Raw; 2] {
    let model = format!("sim-{shape}");
    [host.chat(ask(&model, stream)).await, host.messages(ask(&model, stream)).await]
}

async fn matrix(transport: Transport) {
    for (shape, streamed, whole) in CASES {
        for (stream, expected) in [(true, streamed), (false, whole)] {
            let mut host = Host::new(transport);
            if expected.1 == Ending::Silent {
                host.patience = std::time::Duration::from_millis(300);
            }
            let answers = both(&mut host, shape, stream).await;
            for (raw, served) in answers.iter().zip(&host.sim.ledger().requests) {
                let seen = (raw.status, raw.ending, served.output_tokens, served.end);
                assert_eq!(seen, *expected, "{shape} stream: {stream} {transport:?} {}", served.dialect);
                assert_eq!(served.status, raw.status, "{shape} {transport:?}");
                if raw.status > 0 {
                    assert_eq!(raw.header("x-sim"), Some("1"));
                }
                if raw.ending != Ending::Silent || raw.status == 200 {
                    assert_eq!(
                        served.bytes,
                        raw.body.len() as u64,
                        "{shape} stream: {stream} {transport:?}: nothing was lost before the fault"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn each_fault_is_as_described_over_tcp() {
    matrix(Transport::Tcp).await;
}

#[tokio::test]
async fn each_fault_is_as_described_in_process() {
    matrix(Transport::Duplex).await;
}

#[tokio::test]
async fn errors_carry_what_their_shape_says() {
    let mut host = Host::new(Transport::Duplex);
    let [chat, messages] = both(&mut host, "e429-ra7", true).await;
    assert_eq!((chat.header("retry-after"), chat.json()["error"]["code"].clone()), (Some("7"), json!("rate_limit_exceeded")));
    assert_eq!((messages.header("retry-after"), messages.json()["error"]["type"].clone()), (Some("7"), json!("rate_limit_error")));
    let [chat, messages] = both(&mut host, "echokey", false).await;
    assert!(chat.text().contains("sk-test-0123") && messages.text().contains("sk-ant-test-0123"));
    let [chat, messages] = both(&mut host, "html-e403", false).await;
    assert!(chat.status == 403 && chat.text().starts_with("<html>") && messages.header("content-type") == Some("text/html"));
    let [chat, messages] = both(&mut host, "err200", true).await;
    assert!(chat.json()["error"].is_object() && messages.json()["error"].is_object());
    assert!(both(&mut host, "gzip", true).await.iter().all(|raw| raw.header("content-encoding") == Some("gzip")));
}

#[tokio::test]
async fn a_redirect_that_is_followed_is_counted() {
    let mut host = Host::new(Transport::Duplex);
    let [raw, _] = both(&mut host, "redirect", false).await;
    let location = raw.header("location").unwrap().to_owned();
    assert_eq!(host.sim.ledger().totals.redirects_followed, 0);
    host.call("POST", &location, &[], b"{}").await;
    assert_eq!(host.sim.ledger().totals.redirects_followed, 1);
}

#[tokio::test]
async fn error_events_come_where_they_are_asked_for() {
    let mut host = Host::new(Transport::Duplex);
    let [chat, messages] = both(&mut host, "c5-errevent", true).await;
    assert!(chat.text().starts_with("data: {\"error\":{") && messages.text().starts_with("event: error\n"));
    let [chat, messages] = both(&mut host, "c5-errevent2", true).await;
    assert!(!chat.text().contains("[DONE]") && chat.events().last().unwrap()["error"].is_object());
    assert_eq!(messages.events().last().unwrap()["type"], "error");
}

#[tokio::test]
async fn frames_are_as_small_as_asked_and_lines_as_long() {
    let mut host = Host::new(Transport::Tcp);
    for raw in both(&mut host, "c20-tiny", true).await {
        assert!(raw.chunks.iter().all(|size| *size == 1));
    }
    for raw in both(&mut host, "c3-bigline", true).await {
        assert!(raw.text().lines().map(str::len).max().unwrap() >= 10 << 20);
        assert!(raw.events().len() > 3, "the long line and the others are still events");
    }
    for raw in both(&mut host, "c3-garble1", true).await {
        assert!(std::str::from_utf8(&raw.body).is_err());
    }
    for raw in both(&mut host, "c3-crlf", true).await {
        assert_eq!(raw.text().matches('\n').count(), raw.text().matches("\r\n").count());
    }
    for raw in both(&mut host, "c3-garble", false).await {
        assert!(serde_json::from_slice::<serde_json::Value>(&raw.body).is_err());
    }
}

#[tokio::test]
async fn wrong_usage_is_streamed_as_asked_while_the_ledger_keeps_the_truth() {
    let mut host = Host::new(Transport::Duplex);
    for (shape, outputs, reports) in [
        ("nousage", vec![], vec![]),
        ("usageneg", vec![json!(-6)], vec![json!(-2), json!(-6)]),
        ("usagestr", vec![json!("5")], vec![json!("1"), json!("5")]),
        ("usagezero", vec![json!(0)], vec![json!(0), json!(0)]),
        ("usagetwice", vec![json!(5), json!(5)], vec![json!(1), json!(5), json!(5)]),
        ("usagedec", vec![json!(1_001), json!(5)], vec![json!(1_001), json!(5)]),
        ("usageover", vec![json!(10_000)], vec![json!(1), json!(10_000)]),
    ] {
        let model = format!("sim-c5-{shape}");
        let mut request = ask(&model, true);
        request["stream_options"] = json!({"include_usage": true});
        let events = host.chat(request).await.events();
        let seen: Vec<_> = events.iter().filter_map(|event| event["usage"].get("completion_tokens").cloned()).collect();
        assert_eq!(seen, outputs, "{shape}");
        let events = host.messages(ask(&model, true)).await.events();
        let usage =
            |event: &serde_json::Value| event["message"]["usage"].get("output_tokens").or(event["usage"].get("output_tokens")).cloned();
        assert_eq!(events.iter().filter_map(usage).collect::<Vec<_>>(), reports, "{shape}");
        assert!(host.sim.ledger().requests.iter().rev().take(2).all(|request| request.output_tokens == 5));
    }
}

#[tokio::test(start_paused = true)]
async fn time_passes_where_the_shape_says() {
    for (shape, stream, least_ms) in
        [("c3-l5000", true, 5_000), ("c5-d2000", true, 8_000), ("c5-d2000", false, 10_000), ("c3-t3000", true, 3_000)]
    {
        let mut host = Host::new(Transport::Duplex);
        let before = tokio::time::Instant::now();
        let model = format!("sim-{shape}");
        let mut io = host.connect().await;
        let body = ask(&model, stream).to_string();
        crate::client::send(&mut io, "POST", "/chat/completions", &[], body.as_bytes()).await;
        host.ledger_until(|view| view.totals.ends.contains_key(&End::Completed)).await.requests.pop().unwrap();
        let passed = before.elapsed().as_millis();
        assert!((least_ms..least_ms + 100).contains(&passed), "{shape}: {passed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_drip_takes_its_time_for_every_byte_and_a_hanging_stream_can_keep_alive() {
    let mut host = Host::new(Transport::Duplex);
    let mut io = host.connect().await;
    let before = tokio::time::Instant::now();
    crate::client::send(&mut io, "POST", "/chat/completions", &[], ask("sim-c1-drip20", true).to_string().as_bytes()).await;
    let raw = crate::client::receive(&mut io).await;
    assert_eq!(raw.ending, Ending::Whole);
    assert!(before.elapsed().as_millis() >= 20 * (raw.body.len() as u128 - 1));
    let mut io = host.connect().await;
    crate::client::send(&mut io, "POST", "/chat/completions", &[], ask("sim-c9-hang2-ping-d100", true).to_string().as_bytes()).await;
    let raw = tokio::time::timeout(std::time::Duration::from_secs(10), crate::client::receive(&mut io)).await;
    assert!(raw.is_err(), "it never falls silent, and never ends");
    assert_eq!(host.sim.ledger().requests[1].output_tokens, 2);
}

#[tokio::test]
async fn a_percentage_of_requests_is_hit() {
    let mut host = Host::new(Transport::Duplex);
    let mut hit = 0;
    for _ in 0..200 {
        hit += u32::from(host.chat(ask("sim-c1-e500-p30", false)).await.status == 500);
    }
    assert!((30..90).contains(&hit), "{hit} of 200");
}

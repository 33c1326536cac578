//! The ledger tells the truth: about what was served whole, in part, and not at all.

use portolan_sim::{End, LedgerView};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Host, TRANSPORTS, Transport, ask, send};

#[tokio::test]
async fn an_answer_and_its_entry_agree_and_join_on_the_id() {
    let mut host = Host::new(Transport::Tcp);
    for stream in [false, true] {
        let mut request = ask("my-org/sim-c7-reason3-cache4", stream);
        if stream {
            request["stream_options"] = json!({"include_usage": true});
        }
        let raw = host.chat(request).await;
        let last = if stream { raw.events().pop().unwrap() } else { raw.json() };
        let view = host.sim.ledger();
        let served = view.requests.last().unwrap();
        assert_eq!((served.id.as_str(), served.model.as_str()), (last["id"].as_str().unwrap(), "my-org/sim-c7-reason3-cache4"));
        let usage = &last["usage"];
        assert_eq!(usage["prompt_tokens"], served.input_tokens);
        assert_eq!(usage["completion_tokens"], served.output_tokens);
        assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], served.reasoning_tokens);
        assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], served.cache_read_tokens);
        assert_eq!((served.output_tokens, served.reasoning_tokens, served.cache_read_tokens), (10, 3, 4));
        // 30 bytes of text are 8 tokens; 3 for the message, 3 for the request.
        assert_eq!((served.input_tokens, served.bytes, served.end), (14, raw.body.len() as u64, End::Completed));
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_is_noted_with_what_it_was_served() {
    for transport in TRANSPORTS {
        for path in ["/v1/chat/completions", "/v1/messages"] {
            let mut host = Host::new(transport);
            let mut io = host.connect().await;
            send(&mut io, "POST", path, &[("anthropic-version", "1")], ask("sim-c100000-d3-nomax", true).to_string().as_bytes()).await;
            let open = host.ledger_until(|view| view.totals.output_tokens >= 5).await;
            assert_eq!(open.requests[0].end, End::Open, "partial service is seen while it lasts");
            let mut some = [0; 512];
            io.read_exact(&mut some).await.unwrap();
            drop(io);
            let view = host.ledger_until(|view| view.requests[0].end != End::Open).await;
            let served = &view.requests[0];
            assert_eq!(served.end, End::HungUp, "{transport:?} {path}");
            assert!((5..1_000).contains(&served.output_tokens) && served.input_tokens > 0);
            assert_eq!(view.totals.output_tokens, served.output_tokens);
        }
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_before_the_headers_was_served_nothing() {
    for transport in TRANSPORTS {
        let mut host = Host::new(transport);
        let mut io = host.connect().await;
        send(&mut io, "POST", "/v1/chat/completions", &[], ask("sim-l60000", false).to_string().as_bytes()).await;
        host.ledger_until(|view| view.totals.requests == 1).await;
        drop(io);
        let view = host.ledger_until(|view| view.requests[0].end != End::Open).await;
        assert_eq!((view.requests[0].end, view.totals.output_tokens, view.totals.input_tokens), (End::HungUp, 0, 0), "{transport:?}");
    }
}

#[tokio::test]
async fn the_ledger_is_read_and_reset_over_http() {
    let mut host = Host::new(Transport::Tcp);
    host.chat(ask("sim-c3", false)).await;
    host.messages(ask("sim-c4", true)).await;
    host.chat(ask("sim-e500", false)).await;
    let raw = host.call("GET", "/sim/ledger", &[], b"").await;
    let json = raw.json();
    for field in ["id", "dialect", "model", "input_tokens", "output_tokens", "bytes", "end"] {
        assert!(json["requests"].as_array().unwrap().iter().all(|request| request.get(field).is_some()), "{field}");
    }
    assert_eq!(json["totals"]["ends"], json!({"completed": 2, "error": 1}));
    let view: LedgerView = serde_json::from_value(json).unwrap();
    assert_eq!((view.requests, view.totals.output_tokens), (host.sim.ledger().requests, 7));
    let raw = host.call("DELETE", "/sim/ledger", &[], b"").await;
    assert_eq!((raw.status, raw.json()["requests"].clone()), (200, json!([])));
    assert_eq!(host.sim.ledger().totals.requests, 0);
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let mut host = Host::new(Transport::Tcp);
    let mut io = host.connect().await;
    for stream in [true, false, true] {
        send(&mut io, "POST", "/chat/completions", &[], ask("sim-c30", stream).to_string().as_bytes()).await;
        assert_eq!(crate::client::receive(&mut io).await.status, 200);
    }
    assert_eq!(host.sim.ledger().totals.output_tokens, 90);
}

#[tokio::test]
async fn a_request_that_breaks_off_is_no_request() {
    let mut host = Host::new(Transport::Duplex);
    let mut io = host.connect().await;
    io.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nhost: sim\r\ncontent-length: 100\r\n\r\n{\"model\"").await.unwrap();
    io.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _closed = io.read_to_end(&mut rest).await;
    assert_eq!((rest.len(), host.sim.ledger().totals.requests), (0, 0));
}

#[tokio::test]
async fn open_streams_end_when_the_server_is_shut_down() {
    let sim = portolan_sim::Sim::new(portolan_sim::SimOptions::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut io: Box<dyn crate::client::Io> = Box::new(tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = sim.serve(listener, async { drop(stopped.await) });
    let using = async {
        send(&mut io, "POST", "/chat/completions", &[], ask("sim-c3-hang1", true).to_string().as_bytes()).await;
        while sim.ledger().totals.output_tokens == 0 {
            tokio::task::yield_now().await;
        }
        stop.send(()).unwrap();
        let mut rest = Vec::new();
        io.read_to_end(&mut rest).await
    };
    let ((), read) = tokio::join!(serving, using);
    assert!(read.is_ok() || read.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
    assert_eq!(sim.ledger().requests[0].end, End::Hang);
}

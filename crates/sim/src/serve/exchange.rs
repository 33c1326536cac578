//! One request to a model, from its bytes to the response.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::{Map, Value};

use super::body::{PacedBody, Source, Tempo};
use super::plan::{Step, plan};
use super::route::FOLLOWED;
use super::sim::State;
use crate::content::compose;
use crate::dialect::{Answer, Asked, BIG_LINE_BYTES, Dialect, Frames, Problem};
use crate::ledger::{End, Receipt};
use crate::random::Rng;
use crate::shape::{Fault, Midway, Report, Shape};
use crate::usage::Usage;

/// A request body beyond it is refused. More than any gateway passes on by default (50 MiB).
const BODY_BYTES_MAX: usize = 64 << 20;

/// Of the last user message, so much decides the content: hashing more would only cost a load test.
const SEED_BYTES_MAX: usize = 256;

/// The connection ends without an answer, for this reason.
#[derive(Debug)]
pub(super) struct Severed(&'static str);

impl std::fmt::Display for Severed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for Severed {}

/// A request that was accepted, and all that its answer needs.
struct Exchange<'a> {
    state: &'a State,
    severed: Arc<AtomicBool>,
    dialect: Dialect,
    /// Number of the request, and the characters of its ids.
    count: u64,
    minted: String,
    receipt: Receipt,
}

/// Answers a request to a model.
pub(super) async fn exchange(
    state: &State,
    severed: Arc<AtomicBool>,
    dialect: Dialect,
    request: Request<Incoming>,
) -> Result<Response<PacedBody>, Severed> {
    let (head, body) = request.into_parts();
    let received = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let (count, minted) = state.ids.mint();
    let body = match received {
        Ok(body) => serde_json::from_slice::<Map<String, Value>>(&body.to_bytes())
            .map_err(|error| Problem::status(400, format!("the body is no JSON object: {error}")).with_code("invalid_json")),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::status(413, "the body is larger than 64 MiB")),
        // The client went away within its request, so that there is none.
        Err(_) => return Err(Severed("the request broke off")),
    };
    let asked = dialect.read(body.as_ref().unwrap_or(&Map::new()));
    let receipt = state.ledger.open(dialect.response_id(&minted), dialect, asked.model.clone(), asked.stream);
    let exchange = Exchange { state, severed, dialect, count, minted, receipt };
    let shape = match &body {
        Err(problem) => return Ok(exchange.refuse(problem)),
        Ok(_) => match shape(&head.headers, &asked.model) {
            Ok(shape) => exchange.draw(shape),
            Err(problem) => return Ok(exchange.refuse(&problem)),
        },
    };
    let credential = dialect.credential(&head.headers);
    if state.options.require_credential && credential.is_none() {
        return Ok(exchange.refuse(&dialect.missing_key()));
    }
    let checked = if shape.lax {
        Ok(())
    } else {
        dialect.check_headers(&head.headers).and_then(|()| dialect.check(body.as_ref().unwrap_or(&Map::new())))
    };
    if let Err(problem) = checked {
        return Ok(exchange.refuse(&problem));
    }
    exchange.answer(asked, shape, credential.unwrap_or_default()).await
}

/// The shape that the header asks for, else the model's name.
fn shape(headers: &HeaderMap, model: &str) -> Result<Shape, Problem> {
    match headers.get("x-sim") {
        None => Ok(Shape::of_model(model)),
        Some(value) => value.to_str().map_err(|_| "not text".to_owned()).and_then(Shape::of_header).map_err(|part| {
            Problem::status(400, format!("X-Sim: '{part}' is no part of a shape; `portolan sim --help` lists them"))
                .with_code("unknown_shape")
        }),
    }
}

impl Exchange<'_> {
    /// Draws whether the fault hits this request, where only some are to be hit. Follows from the seed and the number.
    fn draw(&self, mut shape: Shape) -> Shape {
        let drawn = Rng::seeded(self.state.options.seed ^ self.count.rotate_left(32), &["fault"]).below(100);
        if shape.fault_percent.is_some_and(|percent| drawn >= u64::from(percent)) {
            shape.fault = None;
        }
        shape
    }

    async fn answer(self, asked: Asked, shape: Shape, credential: &str) -> Result<Response<PacedBody>, Severed> {
        let dialect = self.dialect;
        let latency = shape.pace.latency_ms.map_or(self.state.options.latency, milliseconds);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        match shape.fault {
            Some(Fault::Hang) => {
                self.receipt.end(End::Hang);
                std::future::pending().await
            }
            Some(Fault::Cut) => {
                self.receipt.end(End::Cut);
                Err(Severed("cut before the headers, as the shape asks"))
            }
            Some(Fault::Status(status)) => Ok(self.error(&shape, &Problem::status(status, format!("simulated error {status}")))),
            Some(Fault::EchoKey) => Ok(self.error(&shape, &dialect.wrong_key(credential))),
            Some(Fault::Redirect) => Ok(self.redirect()),
            Some(Fault::ErrorInOk) => Ok(self.error_in_ok(&shape)),
            Some(Fault::After(_, Midway::Failure)) if !asked.stream => Ok(self.error_in_ok(&shape)),
            Some(Fault::After(..)) | None => Ok(self.content(asked, shape).await),
        }
    }

    async fn content(self, asked: Asked, shape: Shape) -> Response<PacedBody> {
        let told = &asked.last_user[..asked.last_user.floor_char_boundary(SEED_BYTES_MAX)];
        let mut rng = Rng::seeded(self.state.options.seed, &[&asked.model, told]);
        let script = compose(&asked, &shape.content, &self.minted, &mut rng);
        let (output, reasoning) = script.tokens();
        let usage = Usage { output, reasoning, ..input(&asked, &shape.report) };
        let delay = shape.pace.delay_ms.map_or(self.state.options.chunk_delay, milliseconds);
        if !asked.stream && !delay.is_zero() {
            tokio::time::sleep(delay.saturating_mul(script.chunks())).await;
        }
        let answer = Answer {
            dialect: self.dialect,
            id: self.dialect.response_id(&self.minted),
            model: asked.model,
            created: unix_seconds(),
            script,
            usage,
            lie: shape.report.lie,
            max_tokens: asked.max_tokens,
            include_usage: asked.include_usage,
        };
        self.receipt.read_input(&usage);
        if asked.stream { self.stream(answer, &shape, delay) } else { self.whole(&answer, &shape) }
    }

    fn stream(self, answer: Answer, shape: &Shape, delay: Duration) -> Response<PacedBody> {
        let steps = plan(&answer.script, shape);
        let source = Source::Stream { frames: Frames::of(&answer), answer: Box::new(answer), steps, next: 0 };
        let mut response = self.response(200, source, Tempo::of(&shape.pace, delay));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        claim_gzip(&mut response, shape);
        response
    }

    /// An answer that is not streamed. The model has said everything by now, whatever becomes of the body.
    fn whole(self, answer: &Answer, shape: &Shape) -> Response<PacedBody> {
        self.receipt.served(answer.usage.output, answer.usage.reasoning);
        let full = to_bytes(&self.dialect.body(answer));
        let (body, last, length) = broken(full, shape.fault);
        let source = Source::Whole { parts: VecDeque::from_iter((!body.is_empty()).then_some(body)), last };
        let mut response = self.response(200, source, Tempo::of(&shape.pace, Duration::ZERO));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(length) = length {
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        claim_gzip(&mut response, shape);
        response
    }

    /// What the simulator's own checks found.
    fn refuse(self, problem: &Problem) -> Response<PacedBody> {
        self.receipt.end(End::Refused);
        self.error(&Shape::default(), problem)
    }

    fn error(self, shape: &Shape, problem: &Problem) -> Response<PacedBody> {
        let (body, kind) = if shape.html {
            let page = format!(
                "<html>\r\n<head><title>{0}</title></head>\r\n<body><h1>{0} Bad Gateway</h1></body>\r\n</html>\r\n",
                problem.status
            );
            (Bytes::from(page), "text/html")
        } else {
            (to_bytes(&self.dialect.error(problem, &self.request_id())), "application/json")
        };
        self.failed(problem.status, body, kind, shape)
    }

    fn error_in_ok(self, shape: &Shape) -> Response<PacedBody> {
        let body = to_bytes(&self.dialect.error(&Problem::status(500, "simulated error in an answer of status 200"), &self.request_id()));
        self.failed(200, body, "application/json", shape)
    }

    fn failed(self, status: u16, body: Bytes, kind: &'static str, shape: &Shape) -> Response<PacedBody> {
        let length = HeaderValue::from(body.len());
        let source = Source::Whole { parts: VecDeque::from([body]), last: Step::End(End::Error) };
        let mut response = self.response(status, source, Tempo::of(&shape.pace, Duration::ZERO));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response.headers_mut().insert(CONTENT_LENGTH, length);
        if let Some(seconds) = shape.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        claim_gzip(&mut response, shape);
        response
    }

    fn redirect(self) -> Response<PacedBody> {
        let source = Source::Whole { parts: VecDeque::new(), last: Step::End(End::Error) };
        let mut response = self.response(302, source, Tempo::default());
        response.headers_mut().insert(LOCATION, HeaderValue::from_static(FOLLOWED));
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(0));
        response
    }

    fn request_id(&self) -> String {
        format!("req_01{}", self.minted)
    }

    fn response(self, status: u16, source: Source, tempo: Tempo) -> Response<PacedBody> {
        let request_id = HeaderValue::from_str(&self.request_id()).expect("ids are letters and digits");
        let header = HeaderName::from_static(self.dialect.request_id_header());
        self.receipt.answered(status);
        if let Source::Whole { parts, last: Step::End(end) } = &source
            && parts.is_empty()
        {
            // A body without bytes is never asked for its end.
            self.receipt.end(*end);
        }
        let mut response = Response::new(PacedBody::new(source, tempo, Some(self.receipt), self.severed));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(header, request_id);
        response
    }
}

/// What a fault makes of a body that is not streamed: its bytes, what follows them, and the length to announce.
fn broken(full: Bytes, fault: Option<Fault>) -> (Bytes, Step, Option<usize>) {
    let length = full.len();
    let Some(Fault::After(after, midway)) = fault else { return (full, Step::End(End::Completed), Some(length)) };
    let begun = full.slice(..if after == 0 { 0 } else { length / 2 });
    match midway {
        Midway::Hang => (begun, Step::Hang, Some(length)),
        Midway::Cut => (begun, Step::Cut, Some(length)),
        Midway::Eof => (begun, Step::End(End::Eof), None),
        Midway::Garble => {
            let garbled = Bytes::from([&begun[..], b"{\"\xff\xfe\": ]"].concat());
            let length = garbled.len();
            (garbled, Step::End(End::Garbled), Some(length))
        }
        Midway::BigLine => {
            let long = Bytes::from([&full[..], " ".repeat(BIG_LINE_BYTES).as_bytes()].concat());
            let length = long.len();
            (long, Step::End(End::Completed), Some(length))
        }
        Midway::Failure => (full, Step::End(End::Error), Some(length)),
    }
}

fn claim_gzip(response: &mut Response<PacedBody>, shape: &Shape) {
    if shape.gzip {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
}

/// The input of a request; the cache can not hold more than there is.
fn input(asked: &Asked, report: &Report) -> Usage {
    let input = report.input.map_or_else(|| asked.input.tokens(), u64::from);
    let mut left = input;
    let mut take = |wanted: u32| {
        let taken = left.min(u64::from(wanted));
        left -= taken;
        taken
    };
    let cache_read = take(report.cache_read);
    let cache_write_5m = take(report.cache_write_5m);
    let cache_write_1h = take(report.cache_write_1h);
    Usage { input, cache_read, cache_write_5m, cache_write_1h, output: 0, reasoning: 0 }
}

fn milliseconds(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}

fn to_bytes(value: &Value) -> Bytes {
    serde_json::to_vec(value).expect("the simulator's own values are JSON").into()
}

/// The provider's clock, which is not the gateway's.
pub(super) fn unix_seconds() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the simulator plays an outside party, whose clock nobody injects")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

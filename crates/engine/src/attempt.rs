//! One attempt: choose the lane, write the request, send it, classify what comes back.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use portolan_core::{Class, Dialect, Fault, OnHangup, Origin, Retry};
use portolan_dialect::classify::RetryHeaders;
use portolan_dialect::relay::{Relay, RelaySpec};
use portolan_dialect::{openai_chat, registry};
use portolan_upstream::{Call, Segments, check_encoding};
use tokio::time::{Duration, Instant};

use crate::Route;
use crate::chat::Planned;
use crate::generation::{Run, Tried, internal, millis_since};
use crate::reply::Line;
use crate::watch::{Interrupt, Watch};

/// How much of an error answer is read: enough for any message.
const ERROR_BODY_BYTES_MAX: usize = 64 * 1024;
/// How long an error answer may take to come.
const ERROR_BODY_TIME_MAX: Duration = Duration::from_secs(5);

const X_SIM: HeaderName = HeaderName::from_static("x-sim");
const VIA: HeaderName = HeaderName::from_static("x-portolan-via");

/// How a request reaches an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The caller's bytes, patched.
    Raw,
    /// Through the canonical form.
    Translated,
}

impl Lane {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Lane::Raw => "raw",
            Lane::Translated => "translated",
        }
    }
}

/// The lane of an attempt, and why.
pub(crate) fn lane(dialect: Dialect, planned: &Planned, attempt: usize) -> (Lane, Cow<'static, str>) {
    let peek = &planned.inbound.peek;
    if dialect != Dialect::OpenAiChat {
        (Lane::Translated, "dialect".into())
    } else if peek.raw_lane() {
        (Lane::Raw, "same_dialect".into())
    } else if planned.is_resold(attempt) {
        (Lane::Raw, "reseller".into())
    } else {
        let fields: Vec<_> = peek.raw_blockers.iter().map(|b| b.as_str()).collect();
        (Lane::Translated, fields.join(",").into())
    }
}

impl Run {
    pub(crate) async fn attempt(&mut self, index: usize, line: &mut Line, watch: &mut Watch) -> Tried {
        let begun = Instant::now();
        let mut record = self.attempt_record(index);
        let choice = self.planned.plan.attempts[index].endpoint;
        let Some(route) = self.planned.deployment.route(choice, self.head.simulated).cloned() else {
            return Tried::Failed(internal("an endpoint of the plan has no route"), None);
        };
        let (lane, reason) = lane(route.dialect, &self.planned, index);
        (record.lane, record.lane_reason) = (lane.as_str().into(), reason);
        let call = self.write(index, &route, lane, &mut record.dropped);
        self.attempts.push(record);
        let tried = match call {
            Ok(call) => self.send(index, &route, lane, call, line, watch).await,
            Err(fault) => Tried::Failed(fault, None),
        };
        self.finish_record(begun, &tried);
        tried
    }

    fn finish_record(&mut self, begun: Instant, tried: &Tried) {
        let consumed = match tried {
            Tried::Failed(_, Some(relay)) => Some(self.consumed(relay.seen())),
            Tried::Failed(..) | Tried::Ended(_) => None,
        };
        let Some(record) = self.attempts.last_mut() else { return };
        (record.usage, record.cost) = consumed.unwrap_or_default();
        record.took_ms = millis_since(begun);
        let (fault, relay) = match tried {
            Tried::Failed(fault, relay) => (Some(fault), relay),
            Tried::Ended(ended) => (ended.fault.as_ref(), &ended.relay),
        };
        record.fault = fault.cloned();
        if let Some(fault) = fault {
            record.status = fault.status.or(record.status);
        }
        if let Some(relay) = relay {
            let seen = relay.seen();
            record.upstream_id.clone_from(&seen.upstream_id);
            if self.planned.is_resold(self.current) {
                record.served_model.clone_from(&seen.upstream_model);
                record.served_provider.clone_from(&seen.upstream_provider);
            }
        }
    }

    /// The request as this endpoint shall get it.
    fn write(&mut self, index: usize, route: &Route, lane: Lane, dropped: &mut Vec<String>) -> Result<Call, Fault> {
        let user_hash = self.planned.user_hash();
        let slug = self.planned.slug(index).as_str();
        let inbound = &self.planned.inbound;
        let limit = (self.states_limit() || route.dialect != Dialect::OpenAiChat).then_some(self.limit.tokens);
        let target = self.planned.target(index, slug, limit, user_hash.as_deref());
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = match lane {
            Lane::Raw => {
                *dropped = openai_chat::patch::left_out(&inbound.peek, &target);
                openai_chat::patch::patch(&inbound.body, &inbound.peek, &target)
            }
            Lane::Translated => {
                if self.request.is_none() {
                    self.request =
                        Some(openai_chat::decode::decode(&inbound.body, &inbound.peek).map_err(|e| caller_fault(&e.to_string()))?);
                }
                let request = self.request.as_ref().ok_or_else(|| internal("a decoded request is there"))?;
                let encoded = registry::encode(route.dialect, request, &target).map_err(|e| caller_fault(&e.to_string()))?;
                for (name, value) in encoded.headers {
                    let value = HeaderValue::try_from(value).map_err(|_| internal("a dialect's header is no header"))?;
                    headers.insert(name, value);
                }
                *dropped = encoded.dropped;
                encoded.body
            }
        };
        match (&inbound.x_sim, route.simulated) {
            (Some(wish), true) => drop(headers.insert(X_SIM, wish.clone())),
            (_, true) => {}
            (_, false) => drop(headers.insert(VIA, inbound.via.clone())),
        }
        Ok(Call {
            target: route.target.clone(),
            method: Method::POST,
            headers,
            body: Segments::from(body),
            credential: route.credential.clone(),
        })
    }

    async fn send(&mut self, index: usize, route: &Route, lane: Lane, call: Call, line: &mut Line, watch: &mut Watch) -> Tried {
        if let Err(error) = self.note_opening(index).await {
            tracing::error!(%error, "the journal takes no entries; nothing is sent");
            return Tried::Failed(internal("the journal takes no entries"), None);
        }
        if self.gateway_us.is_none() {
            self.gateway_us = Some(u32::try_from(self.planned.inbound.begun.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
        watch.until(self.first_token_due());
        let engine = self.engine.clone();
        let response = {
            let mut sending = std::pin::pin!(engine.client().send(call));
            loop {
                match watch.wait(line, &self.head, |cx| sending.as_mut().poll(cx)).await {
                    Ok(Ok(response)) => break response,
                    Ok(Err(fault)) => return Tried::Failed(self.unreachable(fault), None),
                    Err(Interrupt::Gone) if self.reads_on(index, line, watch, false) => {}
                    Err(why) => return self.interrupted_before_content(why, None),
                }
            }
        };
        if let Some(record) = self.attempts.last_mut() {
            record.status = Some(response.status().as_u16());
        }
        if !response.status().is_success() {
            return Tried::Failed(self.classify(route, response).await, None);
        }
        if let Err(fault) = check_encoding(&response) {
            return Tried::Failed(fault, None);
        }
        let spec = self.relay_spec(index);
        let relay = Box::new(match lane {
            Lane::Raw => Relay::raw(spec),
            Lane::Translated => Relay::translated(route.dialect, spec),
        });
        self.relay(index, relay, response.into_body(), line, watch).await
    }

    /// Whether a limit is sent where the dialect does not demand one: someone stated it, or a hold depends on it.
    pub(crate) fn states_limit(&self) -> bool {
        self.planned.wanted.strict
            || self.limit.lowered
            || self.limit.stated
            || self.planned.inbound.caller.key.max_tokens_default.is_some()
    }

    /// The most output tokens that an honest answer to what was sent has.
    pub(crate) fn output_bound(&self) -> u64 {
        self.limit.tokens.saturating_mul(u64::from(self.planned.inbound.peek.choices.max(1)))
    }

    /// A fault without an answer, as callers may see it: which address was tried, and why not, is for the log.
    fn unreachable(&self, mut fault: Fault) -> Fault {
        if fault.class == Class::Internal {
            return fault;
        }
        tracing::warn!(
            generation.id = %self.planned.inbound.id, provider = %self.planned.provider(self.current).slug, fault.class = ?fault.class,
            "a provider could not be reached: {}", fault.message
        );
        fault.message = match fault.class {
            Class::EgressRefused => "the gateway may not connect to this provider; its log says why",
            Class::Timeout => "the provider could not be reached in time",
            _ => "the provider could not be reached, or broke off before it answered",
        }
        .to_owned();
        fault
    }

    /// When this attempt must have begun to answer. A JSON answer has no first token: it may take half of
    /// the time that is left, so that another endpoint has a chance after a provider that hangs.
    fn first_token_due(&self) -> Instant {
        let timeouts = self.engine.settings().timeouts;
        let (now, end) = (Instant::now(), self.planned.inbound.begun + timeouts.total);
        if self.planned.inbound.peek.stream {
            end.min(now + timeouts.first_token)
        } else {
            end.min(now + (end.saturating_duration_since(now) / 2).max(timeouts.first_token))
        }
    }

    pub(crate) fn relay_spec(&self, index: usize) -> RelaySpec {
        let planned = &self.planned;
        RelaySpec {
            id: planned.inbound.id.clone(),
            model: planned.slug(index).shared(),
            provider: planned.provider(index).name.clone(),
            is_resold: planned.is_resold(index),
            created: planned.inbound.at.seconds(),
            stream: planned.inbound.peek.stream,
            exclude_reasoning: planned.inbound.peek.reasoning_excluded,
            quirks: planned.endpoint(index).quirks.clone(),
        }
    }

    async fn classify(&self, route: &Route, response: Response<Incoming>) -> Fault {
        let (head, body) = response.into_parts();
        let text = |name: &str| head.headers.get(name).and_then(|v| v.to_str().ok());
        let waits = RetryHeaders { retry_after: text("retry-after"), retry_after_ms: text("retry-after-ms") };
        let reading = Limited::new(body, ERROR_BODY_BYTES_MAX).collect();
        let bytes = match tokio::time::timeout(ERROR_BODY_TIME_MAX, reading).await {
            Ok(Ok(collected)) => collected.to_bytes(),
            Ok(Err(_)) | Err(_) => bytes::Bytes::new(),
        };
        let mut fault = registry::classify(route.dialect, head.status.as_u16(), waits, &bytes, self.now());
        fault.message = route.credential.mask(&fault.message).into_owned();
        fault
    }

    /// The caller hung up. Whether the provider is read on to its end, for the true usage.
    pub(crate) fn reads_on(&mut self, index: usize, line: &mut Line, watch: &mut Watch, after_content: bool) -> bool {
        if self.abandoned.is_some() || self.planned.provider(index).on_hangup == OnHangup::Cancel {
            return false;
        }
        line.abandon();
        self.abandoned = Some(after_content);
        watch.until(Instant::now() + self.engine.settings().drain_max);
        true
    }
}

fn caller_fault(message: &str) -> Fault {
    Fault::new(Origin::Caller, Class::InvalidRequest, Retry::NextEndpoint, message)
}

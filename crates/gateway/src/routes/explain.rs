//! `POST /portolan/explain` and `GET /portolan/generations/{id}/explanation`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Request};
use portolan_core::GenerationId;
use portolan_engine::{Caller, Refused, Rule, stored_explanation};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{chat, generation};
use crate::auth::Authenticated;
use crate::{ApiError, Gateway, body, headers};

/// The parameters of an explanation.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    task: Option<String>,
    seed: Option<u64>,
}

impl Asked {
    /// Reads the pairs of a query. An empty value is none.
    fn read(pairs: Vec<(String, String)>) -> Result<Self, Refused> {
        let mut asked = Self::default();
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            let wrong = |problem: String| Refused::field(&name, format!("{name}: {problem}"));
            let stood = match name.as_str() {
                "task" => asked.task.replace(value).is_some(),
                "seed" => {
                    let seed = value.parse().map_err(|_| wrong(format!("must be a whole number from 0 to {}", u64::MAX)))?;
                    asked.seed.replace(seed).is_some()
                }
                _ => {
                    let name = headers::clean(&name);
                    return Err(Refused::field(&name, format!("{name}: is no parameter of this route; it has task and seed")));
                }
            };
            if stood {
                return Err(wrong("stands twice; give it once".to_owned()));
            }
        }
        Ok(asked)
    }
}

pub(crate) async fn explain(
    State(gateway): State<Arc<Gateway>>,
    Authenticated(caller): Authenticated,
    pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let Query(pairs) = pairs?;
    let asked = Asked::read(pairs)?;
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body, gateway.body_bytes_max).await?;
    let answer = explain_for(&gateway, caller, &parts.headers, body, asked.task.as_deref(), asked.seed)?;
    Ok(axum::Json(answer).into_response())
}

/// Explains a request on behalf of a caller; also what the administrator's socket offers.
///
/// # Errors
/// When the body or the task cannot be explained.
pub fn explain_for(
    gateway: &Gateway,
    caller: Caller,
    headers: &HeaderMap,
    body: Bytes,
    task: Option<&str>,
    seed: Option<u64>,
) -> Result<Value, ApiError> {
    if let Some(task) = task.filter(|t| *t != "chat") {
        let task: String = task.chars().filter(|c| !c.is_control()).take(40).collect();
        return Err(Refused::field("task", format!("task: {task} is not supported yet; use chat")).by(Rule::NotSupported).into());
    }
    let id = GenerationId::new(gateway.engine.clock().now(), gateway.engine.random());
    // An administrator may ask for a key that is out of force; who presents it gets no further than that.
    let out_of_force = caller.key.denied(gateway.engine.clock().now()).map(ApiError::from);
    let inbound = chat::inbound(gateway, id, Instant::now(), caller, headers, body)?;
    let mut data = gateway.engine.explain(inbound, seed)?;
    if let Some(error) = out_of_force {
        data["refusal"] = error.refused().body()["error"].take();
    }
    Ok(json!({ "data": data }))
}

pub(crate) async fn stored(
    State(gateway): State<Arc<Gateway>>,
    Authenticated(caller): Authenticated,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path(id) = id?;
    let generation = generation::find(&gateway, &caller, &id).await?;
    Ok(axum::Json(json!({ "data": stored_explanation(&generation) })).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_read_or_refused_by_name_and_told_what_would_be_right() {
        let read = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Asked::read(pairs).map_err(|refused| (refused.metadata["field"].as_str().unwrap().to_owned(), refused.message.clone()))
        };
        let most = Asked { task: Some("chat".to_owned()), seed: Some(u64::MAX) };
        assert_eq!(read(&[("seed", "18446744073709551615"), ("task", "chat")]), Ok(most));
        assert_eq!(read(&[]), Ok(Asked::default()));
        assert_eq!(read(&[("seed", ""), ("foo", "")]), Ok(Asked::default()));
        let number = "must be a whole number from 0 to 18446744073709551615";
        let unknown = "is no parameter of this route; it has task and seed";
        for (pairs, field, problem) in [
            (&[("seed", "abc")][..], "seed", number),
            (&[("seed", "-1")], "seed", number),
            (&[("seed", "1.5")], "seed", number),
            (&[("seed", "18446744073709551616")], "seed", number),
            (&[("seed", "1"), ("seed", "2")], "seed", "stands twice; give it once"),
            (&[("foo", "1")], "foo", unknown),
            (&[("Seed", "1")], "Seed", unknown),
            (&[("f\u{0}oo", "1")], "foo", unknown),
        ] {
            assert_eq!(read(pairs), Err((field.to_owned(), format!("{field}: {problem}"))), "{pairs:?}");
        }
    }
}

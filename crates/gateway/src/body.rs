//! Reading a request's body: bounded in size and time, copied at most once.

use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use portolan_engine::{Refused, Rule};

use crate::ApiError;

/// Between two pieces of a body: a caller who sends nothing for so long holds a connection for nothing.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The whole body of a request.
pub(crate) async fn read(headers: &HeaderMap, body: axum::body::Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|e| e != "identity") {
        return Err(Refused::new(415, "invalid_request", "Compressed request bodies are not accepted; send it without Content-Encoding")
            .by(Rule::Limit)
            .into());
    }
    let announced = body.size_hint().exact();
    if announced.is_some_and(|n| n > bytes_max as u64) {
        return Err(too_large(bytes_max));
    }
    let mut body = pin!(body);
    let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
    // A body in chunks announces no length, and its first piece may be all of it.
    if first.len() > bytes_max {
        return Err(too_large(bytes_max));
    }
    let expected = announced.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    // What came in one piece is used as it came.
    if first.len() == expected {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(expected.max(first.len()));
    whole.extend_from_slice(&first);
    while let Some(piece) = next(&mut body).await? {
        if whole.len() + piece.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

async fn next(body: &mut std::pin::Pin<&mut axum::body::Body>) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = tokio::time::timeout(PAUSE_MAX, body.as_mut().frame()).await;
        match frame {
            Err(_) => return Err(Refused::new(408, "invalid_request", "The request body came too slowly").by(Rule::Limit).into()),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(Refused::new(400, "invalid_request", "The request body could not be read to its end").into()),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data()
                    && !data.is_empty()
                {
                    return Ok(Some(data));
                }
            }
        }
    }
}

fn too_large(bytes_max: usize) -> ApiError {
    let message = format!("The request body is larger than {bytes_max} bytes; send less, or raise server.body_bytes_max");
    Refused::new(413, "payload_too_large", message).by(Rule::Limit).into()
}

//! What the router did with a request, told to whoever asks for it (`X-OpenRouter-Metadata: enabled`).
//!
//! Source: OpenRouter's schema `OpenRouterMetadata`.

use portolan_ledger::Attempt;
use serde_json::{Value, json};

use crate::Inbound;
use crate::generation::Run;
use crate::wanted::Wanted;

impl Run {
    /// The object, where the caller asked for it.
    pub(crate) fn router_metadata(&self) -> Option<Value> {
        let (planned, inbound) = (&self.planned, &self.planned.inbound);
        if !inbound.wants_metadata {
            return None;
        }
        let available: Vec<Value> = (0..planned.plan.attempts.len())
            .map(|i| json!({ "provider": planned.provider(i).name, "model": planned.slug(i).as_str(), "selected": i == self.current }))
            .collect();
        let attempts: Vec<Value> =
            self.attempts.iter().map(|a| json!({ "provider": planned.provider_name(a), "model": a.model, "status": status(a) })).collect();
        let summary = format!("available={}, selected={}", available.len(), planned.provider(self.current).name);
        let mut metadata = json!({
            "requested": inbound.peek.models.first(),
            "strategy": self.strategy(),
            "region": planned.wanted.area().map(portolan_core::Area::as_str),
            "summary": summary,
            "attempt": self.attempts.len(),
            "is_byok": false,
            "endpoints": { "total": available.len() + planned.plan.rejected.len(), "available": available },
            "attempts": attempts,
        });
        if let Some(tokens) = self.head.lowered_max_tokens {
            metadata["params"] = json!({ "max_tokens": tokens });
        }
        Some(metadata)
    }

    /// How the model that answers was chosen: by the caller's own fallback, where it is not the first.
    fn strategy(&self) -> &'static str {
        let wanted = &self.planned.wanted;
        let is_fallback = usize::from(self.planned.plan.attempts[self.current].requested) >= wanted.first;
        if is_fallback { "fallback" } else { wanted.strategy.as_str() }
    }
}

/// The status of an attempt. What failed without one of its own, or after a good one, has that of its fault.
fn status(attempt: &Attempt) -> u16 {
    let of_fault = attempt.fault.as_ref().map(|fault| fault.class.http_status());
    attempt.status.filter(|status| of_fault.is_none() || *status >= 400).or(of_fault).unwrap_or(200)
}

/// The object for a request that no endpoint was left for, where the caller asked for it.
pub(crate) fn unsubmitted(inbound: &Inbound, wanted: &Wanted, rejected: usize) -> Option<Value> {
    inbound.wants_metadata.then(|| {
        json!({
            "requested": inbound.peek.models.first(),
            "strategy": wanted.strategy.as_str(),
            "region": wanted.area().map(portolan_core::Area::as_str),
            "summary": "available=0",
            "attempt": 0,
            "is_byok": false,
            "endpoints": { "total": rejected, "available": [] },
            "attempts": [],
        })
    })
}

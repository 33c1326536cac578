//! Why a request goes where it goes: before (nothing is sent) and after (from the record).

use portolan_core::{AccountId, Dialect, Enforcement, Money};
use portolan_dialect::{openai_chat, registry};
use portolan_ledger::{AccountState, Candidate, Generation, RouterChoice};
use portolan_routing::{CandidateView, OrderReason};
use serde_json::{Value, json};

use crate::attempt::{Lane, lane};
use crate::chat::{Planned, no_endpoint, permitted};
use crate::health::Probe;
use crate::wanted::{Strategy, Wanted};
use crate::{Engine, Inbound, Refused};

impl Engine {
    /// What would happen to this request. Holds nothing and sends nothing.
    ///
    /// # Errors
    /// Where not even the models can be told; every other refusal is part of the explanation.
    pub fn explain(&self, inbound: Box<Inbound>, seed: Option<u64>) -> Result<Value, Refused> {
        let deployment = self.deployment();
        let today = self.clock().now().day();
        let budgets: Vec<AccountState> = inbound.caller.accounts.iter().map(|a| a.state(today)).collect();
        let seed = seed.unwrap_or_else(|| self.random().next_u64() >> 11);
        let wanted = Wanted::new(self, &deployment, &inbound, seed)?;
        let ask = wanted.ask(&inbound);
        let health = deployment.health(inbound.simulate).at(inbound.at, Probe::Leave);
        let planned = wanted.plan(&deployment, &inbound, &health);
        if let Some(wrong) = planned.as_ref().err().filter(|none| none.field().is_some()) {
            return Err(no_endpoint(&deployment, &inbound, &wanted, wrong));
        }
        let mut data = json!({
            "requested_models": inbound.peek.models, "strategy": wanted.strategy.as_str(), "epoch": deployment.epoch, "seed": seed, "simulated": false, "refusal": null,
            "routers": wanted.explain_routers(&deployment, &inbound)?, "notes": portolan_routing::notes(&deployment.catalog, &ask),
        });
        match planned {
            Err(none) => {
                let refused = no_endpoint(&deployment, &inbound, &wanted, &none);
                data["budgets"] = budgets.iter().map(|b| budget(b, false)).collect();
                data["candidates"] = json!(portolan_routing::explain(&deployment.catalog, &ask, &[], none.rejected()));
                data["refusal"] = refused.body()["error"].clone();
            }
            Ok(plan) => {
                data["simulated"] = (plan.simulator_use == portolan_routing::SimulatorUse::OnlySimulated).into();
                let denied = permitted(&deployment, &inbound).err();
                let mut planned = Planned { inbound, deployment: deployment.clone(), wanted, plan };
                let over_budget = planned.refusal(today);
                data["budgets"] = budgets.iter().map(|b| budget(b, over_budget.is_none())).collect();
                data["candidates"] = json!(planned.candidates());
                if let Some(refused) = denied.or(over_budget) {
                    data["refusal"] = refused.body()["error"].clone();
                }
            }
        }
        Ok(data)
    }
}

impl Planned {
    /// The candidates of the plan, with what only the engine knows: lane, quote, what the dialect cannot say.
    fn candidates(&self) -> Vec<CandidateView> {
        let ask = self.wanted.ask(&self.inbound);
        let mut candidates = portolan_routing::explain(&self.deployment.catalog, &ask, &self.plan.attempts, &self.plan.rejected);
        for (index, choice) in self.plan.attempts.iter().enumerate() {
            let Some(view) = candidates.iter_mut().find(|c| c.endpoint == choice.endpoint && c.status == "eligible") else { continue };
            let simulated = self.plan.simulator_use == portolan_routing::SimulatorUse::OnlySimulated;
            let endpoint = self.endpoint(index);
            let dialect = if simulated { endpoint.simulated_dialect() } else { endpoint.dialect };
            let (lane, reason) = lane(dialect, self, index);
            let limit = self.output_limit(index);
            let quote = self.quote(index, limit.tokens);
            view.lane = Some(lane.as_str().into());
            view.lane_reason = Some(reason);
            view.quote = Some(portolan_routing::QuoteView::new(quote.expected, quote.worst));
            view.dropped = Some(self.dropped(index, dialect, lane));
            if let Some(score) = view.score.as_mut().filter(|_| choice.failed_recently && self.health().probe_failed(choice.endpoint)) {
                score.health = "probe_failed";
            }
        }
        candidates
    }

    fn dropped(&self, index: usize, dialect: Dialect, lane: Lane) -> Vec<String> {
        let target = self.target(index, self.slug(index).as_str(), Some(self.output_limit(index).tokens), None);
        if lane == Lane::Raw {
            return openai_chat::patch::left_out(&self.inbound.peek, &target);
        }
        let request = openai_chat::decode::decode(&self.inbound.body, &self.inbound.peek);
        let encoded = request.map_err(|e| e.to_string()).and_then(|r| registry::encode(dialect, &r, &target).map_err(|e| e.to_string()));
        match encoded {
            Ok(encoded) => encoded.dropped,
            Err(refusal) => vec![format!("the whole request: {refusal}")],
        }
    }
}

fn budget(state: &AccountState, fits: bool) -> Value {
    let window = state.limit.and_then(|l| l.reset);
    json!({
        "scope": "key",
        "enforcement": state.limit.map_or(Enforcement::Standard, |l| l.enforcement),
        "limit": state.limit.map(|l| l.amount.to_string()),
        "reset": window,
        "settled": state.spend.within(window).to_string(),
        "held": state.held.to_string(),
        "holds": state.holds,
        "peak_committed": state.peak_committed.to_string(),
        "overshoot": state.overshoot.to_string(),
        "fits": fits || state.limit.is_none(),
    })
}

/// The explanation of a generation that ended, from its record.
#[must_use]
pub fn stored_explanation(generation: &Generation) -> Value {
    let candidates: Vec<Value> = generation
        .candidates
        .iter()
        .map(|c| {
            // A provider's slug has no slash, and what follows it in a tag names the region or the quantization.
            let provider = c.endpoint.split('/').next().unwrap_or_default();
            let mut view = json!({ "model": c.model, "provider": provider, "tag": c.endpoint, "region": null });
            if c.order > 0 {
                // Only of those that were tried is it known how they were asked.
                let tried = generation.attempts.iter().find(|a| a.model == c.model && a.endpoint == c.endpoint && !a.lane.is_empty());
                let health = match c {
                    Candidate { failed_recently: true, .. } => "failed_recently",
                    Candidate { probes: true, .. } => "probing",
                    _ => "ok",
                };
                view["status"] = "eligible".into();
                view["order"] = c.order.into();
                view["order_reason"] = c.rule.clone().into();
                view["lane"] = tried.map(|a| a.lane.clone()).into();
                view["lane_reason"] = tried.map(|a| a.lane_reason.clone()).into();
                view["score"] = json!({ "price": c.price, "weight": f64::from(c.weight_ppm) / 1e6, "health": health, "sticky": c.rule == OrderReason::Sticky.as_str() });
                view["quote"] = Value::Null;
                view["dropped"] = tried.map(|a| a.dropped.clone()).unwrap_or_default().into();
            } else {
                view["status"] = "rejected".into();
                view["rule"] = c.rule.clone().into();
                view["source"] = c.source.clone().into();
                view["detail"] = (!c.detail.is_empty()).then(|| c.detail.clone()).into();
            }
            view
        })
        .collect();
    let attempts: Vec<Value> = generation
        .attempts
        .iter()
        .map(|a| {
            json!({
                "model": a.model, "provider": a.provider, "tag": a.endpoint, "lane": a.lane, "lane_reason": a.lane_reason, "dropped": a.dropped,
                "status": a.status, "upstream_id": a.upstream_id, "served_model": a.served_model, "served_provider": a.served_provider, "started_ms": a.started_ms, "took_ms": a.took_ms, "cost": a.cost.to_string(),
                "price_version": format!("{:016x}", a.price_version), "fault": a.fault,
            })
        })
        .collect();
    json!({
        "id": generation.id, "requested_models": generation.requested, "strategy": Strategy::of(&generation.requested).as_str(), "epoch": generation.epoch, "seed": generation.seed,
        "simulated": generation.simulated, "needs": generation.needs, "preferences": generation.preferences, "candidates": candidates,
        "routers": generation.routed.iter().map(router).collect::<Vec<_>>(), "attempts": attempts, "end": generation.end, "cost": generation.cost.to_string(), "charge": generation.charge.to_string(),
        "flags": generation.flags,
        "budgets": generation.held.iter().map(|(account, held)| held_budget(*account, *held)).collect::<Vec<_>>(),
        "refusal": null, "notes": null,
    })
}

/// What a router decided. The models that it looked at are not stored.
fn router(choice: &RouterChoice) -> Value {
    let share = |ppm: Option<u32>| ppm.map(|ppm| f64::from(ppm) / 1e6);
    json!({
        "router": choice.router, "task": choice.task, "complexity": share(choice.complexity_ppm), "ceiling_percent": choice.ceiling_percent,
        "strength": share(choice.strength_ppm), "kept": choice.kept, "models": null,
    })
}

/// Of a budget the record knows what was held; that it fitted follows. What it was then, no record tells.
fn held_budget(account: AccountId, held: Money) -> Value {
    json!({
        "scope": "key", "account": account, "enforcement": null, "limit": null, "settled": null, "held": held.to_string(), "fits": true,
    })
}

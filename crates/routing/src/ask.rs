//! What is asked: the request's side of a plan, and the state of the endpoints.

use portolan_catalog::{Catalog, Endpoint, EndpointIx, Provider};
use portolan_core::{Capabilities, ModelSlug, Parameters, Percentiles, Preferences, ServiceTier, Task};
use serde::{Deserialize, Serialize};

use crate::{Policy, Variant};

/// What stands behind an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    /// A credential of the real provider.
    Real,
    /// The simulator.
    Simulated,
    /// Nothing: no credential, and the simulator does not stand in.
    Unbound,
}

/// What stands behind each endpoint of one snapshot.
#[derive(Debug, Clone, Default)]
pub struct Bindings(Vec<Bind>);

impl Bindings {
    /// Asks `bind` for every endpoint of `catalog`.
    #[must_use]
    pub fn new(catalog: &Catalog, mut bind: impl FnMut(&Provider, &Endpoint) -> Bind) -> Self {
        Self(catalog.endpoints.iter().map(|e| bind(catalog.provider(e.provider), e)).collect())
    }

    /// What stands behind this endpoint.
    #[must_use]
    pub fn get(&self, endpoint: EndpointIx) -> Bind {
        self.0.get(endpoint.0 as usize).copied().unwrap_or(Bind::Unbound)
    }
}

/// Which of the two worlds a plan belongs to. They never meet in one plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SimulatorUse {
    /// Only the simulator answers.
    OnlySimulated,
    /// Only real providers answer.
    OnlyReal,
}

/// A request, as far as routing looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// `model`, then its fallbacks `models`, without routing variants. A model that stands twice counts where it stands first.
    pub models: &'a [ModelSlug],
    /// The routing variant of each model; shorter than `models` where the last ones have none.
    pub variants: &'a [Option<Variant>],
    /// The `provider` object.
    pub preferences: &'a Preferences,
    /// Restrictions that the caller did not make and can not loosen.
    pub policies: &'a [Policy],
    /// What is to be done.
    pub task: Task,
    /// What it needs an endpoint to do.
    pub needs: Capabilities,
    /// The request fields that it uses.
    pub parameters: Parameters,
    /// The class of service that it asks for; `None` for `auto` and `default`.
    pub service_tier: Option<ServiceTier>,
    /// The endpoint that an earlier request of the session bound it to.
    pub sticky: Option<EndpointIx>,
    /// The upper bound of its input, in tokens (a byte is at most one token).
    pub input_tokens_max: u64,
    /// The limit of output tokens that it states.
    pub max_output: Option<u64>,
    /// It is charged to a strict budget: endpoints that once reported more than was held are barred.
    pub strict: bool,
    /// It asks for the simulator (`X-Portolan-Simulate`).
    pub simulate: bool,
    /// Makes the draw repeatable.
    pub seed: u64,
}

/// The largest number of bytes that a token stands for on average, so that `bytes / 8` tokens are fewer than any tokenizer counts for text.
const BYTES_PER_TOKEN_MAX: u64 = 8;

impl<'a> Ask<'a> {
    /// A request for these models that asks for nothing else.
    #[must_use]
    pub fn new(models: &'a [ModelSlug], preferences: &'a Preferences) -> Self {
        Self {
            models,
            variants: &[],
            preferences,
            policies: &[],
            task: Task::Chat,
            needs: Capabilities::NONE,
            parameters: Parameters::NONE,
            service_tier: None,
            sticky: None,
            input_tokens_max: 0,
            max_output: None,
            strict: false,
            simulate: false,
            seed: 0,
        }
    }

    /// The routing variant of one of its models.
    #[must_use]
    pub fn variant(&self, requested: u16) -> Option<Variant> {
        self.variants.get(usize::from(requested)).copied().flatten()
    }

    /// Fewer tokens than the input can have: an endpoint is refused for its context only when even these are too many.
    /// The provider counts exactly; a wrong guess here would refuse what it would have served.
    #[must_use]
    pub fn input_tokens_min(&self) -> u64 {
        self.input_tokens_max / BYTES_PER_TOKEN_MAX
    }

    /// The world of its plan: the simulator's when asked for, or when nothing real and something simulated stands behind its models.
    /// Depends on no preference, so that a restriction can not move a request into the other world.
    #[must_use]
    pub fn simulator_use(&self, catalog: &Catalog, bindings: &Bindings) -> SimulatorUse {
        let mut simulated = self.simulate;
        for ix in self.models.iter().filter_map(|slug| catalog.model(slug.as_str())).flat_map(|m| &m.endpoints) {
            match bindings.get(*ix) {
                Bind::Real if !self.simulate => return SimulatorUse::OnlyReal,
                Bind::Simulated => simulated = true,
                Bind::Real | Bind::Unbound => {}
            }
        }
        if simulated { SimulatorUse::OnlySimulated } else { SimulatorUse::OnlyReal }
    }
}

/// How fast and how well an endpoint answered in the last five minutes. `None`: too few requests to tell.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// Tokens per second. The 90th percentile is the speed that 90 % of requests reach.
    pub throughput: Option<Percentiles>,
    /// Seconds to the first token. The 90th percentile is the time that 90 % of requests stay within.
    pub latency: Option<Percentiles>,
    /// The share of requests ending in tool calls that held a bad call, over a day.
    pub tool_error_rate: Option<f64>,
}

/// Where an endpoint stands by what became of earlier requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Where price and preferences put it.
    Well,
    /// It failed, and it is time to find out whether it is well again: one plan at a time takes it for well.
    ProbeDue,
    /// It failed within the last 30 seconds, its breaker is open or it asked to be left alone: others go first.
    Behind,
}

/// What is known of endpoints from earlier requests. Asked once per endpoint and plan; must be cheap.
pub trait Health {
    /// Where it stands.
    fn standing(&self, endpoint: EndpointIx) -> Standing;

    /// The plan is going to find out about an endpoint whose probe is due. `false`: another plan does.
    fn probe(&self, endpoint: EndpointIx) -> bool;

    /// How it did lately. Asked only when a preference needs it.
    fn stats(&self, endpoint: EndpointIx) -> Stats;

    /// It reported more usage than was held: no strict traffic until an administrator looks.
    fn strict_barred(&self, endpoint: EndpointIx) -> bool;
}

/// Everything is well.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFailures;

impl Health for NoFailures {
    fn stats(&self, _: EndpointIx) -> Stats {
        Stats::default()
    }

    fn standing(&self, _: EndpointIx) -> Standing {
        Standing::Well
    }

    fn probe(&self, _: EndpointIx) -> bool {
        true
    }

    fn strict_barred(&self, _: EndpointIx) -> bool {
        false
    }
}

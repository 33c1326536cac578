//! Restrictions, whoever makes them: the request's preferences and the policies over it are asked by the same rules.

use std::sync::LazyLock;

use portolan_catalog::{Catalog, Endpoint, Model};
use portolan_core::{Area, Capabilities, Capability, MaxPrice, Meter, Parameters, Preferences, Price, Quantization};

use crate::Ask;
use crate::names::{self, Entry};
use crate::rule::{DataFlaw, Detail, PriceOf, Rule, Source};

/// Restrictions that somebody else than the caller makes: an administrator, a guardrail, the host name.
///
/// They are asked beside those of the request, so that a request can add to them and never take from them. Its names mean
/// whole providers, service tiers included; a name that nobody has matches nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Who makes it.
    pub source: Source,
    /// Which one of its kind: the id of a guardrail.
    pub id: Option<String>,
    /// Only these providers. Empty: all.
    pub only: Vec<String>,
    /// Not these.
    pub ignore: Vec<String>,
    /// Only endpoints that neither train on prompts nor publish them.
    pub deny_data_collection: bool,
    /// Only endpoints with zero data retention.
    pub zdr: bool,
    /// Only models whose text may be used to train others.
    pub enforce_distillable_text: bool,
    /// Only these precisions. Empty: all.
    pub quantizations: Vec<Quantization>,
    /// Only endpoints that cost no more.
    pub max_price: MaxPrice,
    /// Only endpoints whose requests stay in this part of the world.
    pub area: Option<Area>,
}

impl Policy {
    /// A policy that restricts nothing yet.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self {
            source,
            id: None,
            only: Vec::new(),
            ignore: Vec::new(),
            deny_data_collection: false,
            zdr: false,
            enforce_distillable_text: false,
            quantizations: Vec::new(),
            max_price: MaxPrice::default(),
            area: None,
        }
    }
}

/// The restrictions of one maker, looked up once per plan.
pub(crate) struct Terms<'a> {
    /// Which policy; `None`: the request.
    pub(crate) policy: Option<(u16, Source)>,
    pub(crate) only: Vec<Entry<'a>>,
    pub(crate) ignore: Vec<Entry<'a>>,
    deny_data_collection: bool,
    zdr: bool,
    enforce_distillable_text: bool,
    quantizations: &'a [Quantization],
    max_price: &'a MaxPrice,
    area: Option<Area>,
    parameters: Parameters,
}

impl<'a> Terms<'a> {
    /// Those of the policies and then the request's: what the caller can not change is told first.
    pub(crate) fn all(catalog: &Catalog, ask: &Ask<'a>) -> Vec<Terms<'a>> {
        let policies = ask.policies.iter().zip(0..u16::MAX).map(|(policy, i)| Self::of_policy(catalog, policy, i));
        policies.chain([Self::of_request(catalog, ask)]).collect()
    }

    fn of_policy(catalog: &Catalog, policy: &'a Policy, index: u16) -> Self {
        Self {
            policy: Some((index, policy.source)),
            only: names::entries(catalog, &policy.only),
            ignore: names::entries(catalog, &policy.ignore),
            deny_data_collection: policy.deny_data_collection,
            zdr: policy.zdr,
            enforce_distillable_text: policy.enforce_distillable_text,
            quantizations: &policy.quantizations,
            max_price: &policy.max_price,
            area: policy.area,
            parameters: Parameters::NONE,
        }
    }

    fn of_request(catalog: &Catalog, ask: &Ask<'a>) -> Self {
        let preferences: &'a Preferences = ask.preferences;
        Self {
            policy: None,
            only: names::entries(catalog, &preferences.only),
            ignore: names::entries(catalog, &preferences.ignore),
            deny_data_collection: preferences.deny_data_collection,
            zdr: preferences.zdr,
            enforce_distillable_text: preferences.enforce_distillable_text,
            quantizations: &preferences.quantizations,
            max_price: &preferences.max_price,
            area: None,
            parameters: if preferences.require_parameters { ask.parameters } else { Parameters::NONE },
        }
    }
}

/// What a rule looks at.
pub(crate) struct Candidate<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) model: &'a Model,
    /// What the request holds and asks for.
    pub(crate) needs: Capabilities,
    /// The request opted into the endpoint's service tier, or it has none.
    pub(crate) is_tier_open: bool,
}

type Check = fn(&Terms<'_>, &Candidate<'_>) -> Option<(Source, Detail)>;

/// The rules of preferences and policies, in the order of [`Rule`].
pub(crate) const CHECKS: [(Rule, Check); 8] = [
    (Rule::ProviderNotAllowed, provider),
    (Rule::Region, region),
    (Rule::ZdrRequired, zdr),
    (Rule::DataCollection, data_collection),
    (Rule::MaxPrice, max_price),
    (Rule::Quantization, quantization),
    (Rule::Distillable, distillable),
    (Rule::Parameters, parameters),
];

fn region(terms: &Terms<'_>, of: &Candidate<'_>) -> Option<(Source, Detail)> {
    let needs = terms.area?;
    let has = of.endpoint.area;
    // Only policies confine to an area.
    (has != Some(needs)).then_some((Source::Configuration, Detail::Area { needs, has }))
}

fn zdr(terms: &Terms<'_>, of: &Candidate<'_>) -> Option<(Source, Detail)> {
    (terms.zdr && !of.endpoint.zdr).then_some((Source::RequestZdr, Detail::None))
}

/// An unknown training policy counts as the worst.
fn data_collection(terms: &Terms<'_>, of: &Candidate<'_>) -> Option<(Source, Detail)> {
    let policy = &of.endpoint.policy;
    let flaw = match (policy.training, policy.can_publish) {
        (None, _) => DataFlaw::TrainingUnknown,
        (Some(true), _) => DataFlaw::Trains,
        (Some(false), Some(true)) => DataFlaw::Publishes,
        (Some(false), _) => return None,
    };
    terms.deny_data_collection.then_some((Source::RequestDataCollection, Detail::DataFlaw(flaw)))
}

fn provider(terms: &Terms<'_>, of: &Candidate<'_>) -> Option<(Source, Detail)> {
    if !terms.only.is_empty() && !terms.names(&terms.only, of) {
        return Some((Source::RequestOnly, Detail::None));
    }
    // What is ignored stays out in every class of service, also one that is named elsewhere.
    terms.ignore.iter().any(|entry| entry.covers(of.endpoint)).then_some((Source::RequestIgnore, Detail::None))
}

impl Terms<'_> {
    /// Whether an entry means this endpoint. A policy's base slug means all of the provider, the caller's leaves out the
    /// service tiers that the request does not ask for.
    pub(crate) fn names(&self, entries: &[Entry<'_>], of: &Candidate<'_>) -> bool {
        let whole = of.is_tier_open || self.policy.is_some();
        entries.iter().any(|entry| entry.is_provider_of(of.endpoint) && whole || entry.is_full_slug_of(of.endpoint))
    }
}

/// A bound on images and audio counts for requests that hold them or ask for them. No endpoint has a price per image: they
/// are charged by the token, so that nobody can tell that one image stays below the bound.
fn max_price(terms: &Terms<'_>, of: &Candidate<'_>) -> Option<(Source, Detail)> {
    if terms.max_price.is_empty() {
        return None;
    }
    let (max, rates) = (terms.max_price, &of.endpoint.prices.base);
    let audio = [(Capability::AudioInput, Meter::InputAudio), (Capability::AudioOutput, Meter::OutputAudio)];
    let audio = audio.into_iter().filter(|(need, _)| of.needs.has(*need)).map(|(_, meter)| rates.effective(meter)).max();
    let images = of.needs.has(Capability::ImageInput) || of.needs.has(Capability::ImageOutput);
    let bounds: [(PriceOf, Option<Price>, Option<Price>); 5] = [
        (PriceOf::Prompt, max.prompt, rates.listed(Meter::Input)),
        (PriceOf::Completion, max.completion, rates.listed(Meter::Output)),
        (PriceOf::Request, max.request, Some(rates.effective(Meter::Request))),
        (PriceOf::Image, max.image.filter(|_| images), None),
        (PriceOf::Audio, max.audio.filter(|_| audio.is_some()), audio),
    ];
    let over = |(of, max, has): (PriceOf, Option<Price>, Option<Price>)| {
        let max = max?;
        has.is_none_or(|has| has > max).then_some(Detail::Price { of, max, has })
    };
    bounds.into_iter().find_map(over).map(|detail| (Source::RequestMaxPrice, detail))
}

fn quantization(terms: &Terms<'_>, of: &Candidate<'_>) -> Option<(Source, Detail)> {
    let own = of.endpoint.quantization;
    let out = !terms.quantizations.is_empty() && !terms.quantizations.iter().any(|asked| asked.covers(own));
    out.then_some((Source::RequestQuantizations, Detail::Quantization(own)))
}

fn distillable(terms: &Terms<'_>, of: &Candidate<'_>) -> Option<(Source, Detail)> {
    (terms.enforce_distillable_text && !of.model.distillable).then_some((Source::RequestDistillable, Detail::None))
}

/// Who takes one takes all: names of one parameter that are translated into each other, and what belongs to the tools, which providers
/// seldom list.
static SYNONYMS: LazyLock<[Parameters; 3]> = LazyLock::new(|| {
    [
        ["max_tokens", "max_completion_tokens"].into_iter().collect(),
        ["reasoning", "reasoning_effort", "include_reasoning"].into_iter().collect(),
        ["tools", "parallel_tool_calls"].into_iter().collect(),
    ]
});

fn parameters(terms: &Terms<'_>, of: &Candidate<'_>) -> Option<(Source, Detail)> {
    if terms.parameters.is_empty() {
        return None;
    }
    let own = of.endpoint.parameters;
    let takes_one = |names: &&Parameters| names.without(own) != **names;
    let taken = SYNONYMS.iter().filter(takes_one).fold(own, |all, names| all.union(*names));
    let lacking = terms.parameters.without(taken);
    (!lacking.is_empty()).then_some((Source::RequestRequireParameters, Detail::Ignores(lacking)))
}

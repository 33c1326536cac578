//! The columns of a model at a provider.

use std::collections::BTreeMap;

use portolan_core::{Capabilities, Dialect, ModelSlug, Quantization, Quirk, ServiceTier, Task};
use serde::Deserialize;

use crate::endpoint::ZdrBasis;
use crate::media::MediaPrice;
use crate::{DataOrigin, DataPolicy, Pricing, ToolChoice};

/// One model at this provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointRow {
    pub(crate) model: ModelSlug,
    /// The provider's slug where left out.
    pub(crate) tag: Option<String>,
    pub(crate) upstream_id: Option<String>,
    /// A setting that makes the provider's model this one (`speed = fast`).
    pub(crate) requires_setting: Option<String>,
    /// The cloud region, or the cross-region profile.
    pub(crate) region: Option<String>,
    pub(crate) dialect: Option<Dialect>,
    /// The model's where left out.
    pub(crate) task: Option<Task>,
    #[serde(default)]
    pub(crate) quirks: Vec<Quirk>,
    /// Needed for chat, unless the configuration alone has the row.
    pub(crate) context_length: Option<u32>,
    pub(crate) max_prompt_tokens: Option<u32>,
    pub(crate) max_output: Option<u32>,
    pub(crate) quantization: Option<Quantization>,
    #[serde(default)]
    pub(crate) supported_parameters: Vec<String>,
    /// Derived from the parameters and the model's modalities where left out.
    pub(crate) capabilities: Option<Capabilities>,
    /// Modalities of the model that this provider does not take.
    #[serde(default)]
    pub(crate) without_input: Vec<String>,
    pub(crate) tool_choice: Option<ToolChoice>,
    #[serde(default)]
    pub(crate) pricing: Pricing,
    /// Each makes an endpoint of its own.
    #[serde(default)]
    pub(crate) service_tiers: ServiceTiers,
    /// Prices by other units than tokens.
    #[serde(default)]
    pub(crate) media: Vec<MediaPrice>,
    /// The same as OpenRouter lists them, decimal text.
    #[serde(default)]
    pub(crate) skus: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) free: bool,
    /// The provider's where left out; empty where the provider's is not known to hold here.
    pub(crate) data_policy: Option<DataPolicy>,
    /// Whether prompts are kept nowhere. Counts only where its own policy says so.
    #[serde(default)]
    pub(crate) zdr: bool,
    /// Why `zdr` is believed; its own policy where left out.
    pub(crate) zdr_basis: Option<ZdrBasis>,
    #[serde(default)]
    pub(crate) implicit_caching: bool,
    #[serde(default)]
    pub(crate) native_web_search: bool,
    #[serde(default)]
    pub(crate) file_urls: bool,
    #[serde(default)]
    pub(crate) video_urls: bool,
    #[serde(default)]
    pub(crate) passthrough_parameters: Vec<String>,
    pub(crate) deprecation_date: Option<String>,
    #[serde(skip)]
    pub(crate) origin: DataOrigin,
    /// The configuration alone has it: no layer below does.
    #[serde(skip)]
    pub(crate) own: bool,
    /// The configuration states its region, which then holds wherever the provider's address leads.
    #[serde(skip)]
    pub(crate) own_region: bool,
    /// The line of its file, from 1.
    #[serde(skip)]
    pub(crate) line: u32,
}

impl EndpointRow {
    /// Whether it stands in the built-in data or the configuration, and not only at a source.
    pub(crate) fn is_curated(&self) -> bool {
        self.own || self.line > 0
    }
}

/// Prices of other classes of service; what is left out is inherited from the ordinary list.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServiceTiers {
    pub(crate) flex: Option<Pricing>,
    pub(crate) priority: Option<Pricing>,
}

impl ServiceTiers {
    /// Those of one class, where there are any.
    pub(crate) fn of(&mut self, tier: ServiceTier) -> Option<&mut Pricing> {
        match tier {
            ServiceTier::Flex => self.flex.as_mut(),
            ServiceTier::Priority => self.priority.as_mut(),
        }
    }

    /// The tag of an endpoint in a class of service.
    pub(crate) fn tag(ordinary: &str, tier: ServiceTier) -> String {
        format!("{ordinary}/{}", tier.as_str())
    }

    /// Those that there are.
    pub(crate) fn each(&self) -> impl Iterator<Item = (ServiceTier, &Pricing)> {
        let all = [(ServiceTier::Flex, &self.flex), (ServiceTier::Priority, &self.priority)];
        all.into_iter().filter_map(|(tier, pricing)| Some((tier, pricing.as_ref()?)))
    }
}

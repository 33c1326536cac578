//! What a relay is told, what it has seen, and what it is told at the end.

use std::borrow::Cow;
use std::sync::Arc;

use portolan_core::{Fault, GenerationId, Money, Quirk, Usage};

use crate::ir::Finish;

/// Names that an endpoint states are no longer. Those of fine-tuned models are the longest.
pub(crate) const NAME_BYTES_MAX: usize = 256;

/// What the answer shall say about itself.
#[derive(Debug, Clone)]
pub struct RelaySpec {
    /// The generation: the `id` of every chunk.
    pub id: GenerationId,
    /// The served model's public slug.
    pub model: Arc<str>,
    /// The provider's display name.
    pub provider: String,
    /// The endpoint passes requests on: the model and the provider that it states stand in place of the two above.
    pub is_resold: bool,
    /// Unix seconds.
    pub created: i64,
    /// Whether caller and endpoint speak in a stream.
    pub stream: bool,
    /// Leave reasoning out (`reasoning.exclude`).
    pub exclude_reasoning: bool,
    /// The endpoint's deviations.
    pub quirks: Vec<Quirk>,
}

/// What has been seen of an answer so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The provider's id of the answer: the join for accounting proofs.
    pub upstream_id: Option<String>,
    /// The model as the provider names it: the first name that is one, of at most 256 bytes and without control characters.
    pub upstream_model: Option<String>,
    /// The provider that answers behind a reseller, as the reseller names it; held to the same as the model.
    pub upstream_provider: Option<String>,
    /// The class of service that the provider gave (`service_tier`), in its own word.
    pub upstream_tier: Option<String>,
    /// Something that the caller can use: text, reasoning, a tool call. From here on there is no failover.
    pub content: bool,
    /// Why the (last) choice ended, and the provider's own word for it.
    pub finish: Option<(Finish, String)>,
    /// The last usage that was reported. Absent is not zero.
    pub usage: Option<Usage>,
    /// The last cost that the endpoint reported: what a reseller charges us. Absent is not zero.
    pub cost: Option<Money>,
    /// Usage that was reported and makes no sense (negative, a text, decreasing): the reason, for the record.
    pub odd_usage: Option<&'static str>,
    /// The endpoint said that nothing follows.
    pub done: bool,
    /// The endpoint reported a failure, or broke its dialect.
    pub fault: Option<Fault>,
    /// Bytes of generated text, reasoning and arguments (decoded or not): what the meter compares with the bound.
    pub output_bytes: u64,
    /// Frames with content.
    pub output_frames: u64,
}

/// What the answer cost, for its last chunk.
#[derive(Debug, Clone, Default)]
pub struct Bill {
    /// What was consumed.
    pub usage: Usage,
    /// The charge.
    pub cost: Money,
    /// The prompt's part of the cost.
    pub prompt_cost: Money,
    /// The rest.
    pub completion_cost: Money,
    /// What the router did, as JSON (`openrouter_metadata`), where the caller asked for it.
    pub router: Option<Box<str>>,
}

impl Seen {
    /// Notes a reported usage. It is cumulative: the last one holds, unless it takes back what was reported before.
    pub(crate) fn note_usage(&mut self, usage: Option<Usage>, odd: Option<&'static str>) {
        if odd.is_some() {
            self.odd_usage = odd;
        }
        let Some(usage) = usage else { return };
        match &self.usage {
            Some(before) if usage.completion_tokens() < before.completion_tokens() || usage.prompt_tokens() < before.prompt_tokens() => {
                self.odd_usage = Some("reported usage decreases");
            }
            _ => self.usage = Some(usage),
        }
    }

    /// Notes how the endpoint names the model.
    pub(crate) fn note_model(&mut self, name: Cow<'_, str>) {
        note_name(&mut self.upstream_model, name);
    }

    /// Notes who the endpoint says that serves.
    pub(crate) fn note_provider(&mut self, name: Cow<'_, str>) {
        note_name(&mut self.upstream_provider, name);
    }

    /// Notes a failure. The first one holds: what follows it is its consequence.
    pub(crate) fn note_fault(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// The endpoint's stream ended: whether the answer is whole. `open`: some choice began and has not ended.
    ///
    /// A finish reason says so, for every choice unless the endpoint said that nothing follows. Where an
    /// endpoint knows no finish reasons (Snowflake), its `[DONE]` after content has to do.
    pub(crate) fn close(&mut self, open: bool) -> bool {
        if self.finish.is_none() && self.done && self.content {
            self.finish = Some((Finish::Stop, String::new()));
        }
        self.finish.is_some() && (self.done || !open)
    }
}

/// The first one holds. What is no name is as good as none: it goes to callers, into records and onto terminals.
fn note_name(into: &mut Option<String>, name: Cow<'_, str>) {
    if into.is_none() && is_name(&name) {
        *into = Some(name.into_owned());
    }
}

fn is_name(text: &str) -> bool {
    // Those that turn the direction of writing around make a name look like another one.
    let turns = |c: char| ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
    !text.trim().is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(|c| c.is_control() || turns(c))
}

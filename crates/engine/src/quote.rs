//! What a request may cost at an endpoint: the bound that a hard ceiling holds, and the estimate that the others do.

use portolan_catalog::Endpoint;
use portolan_core::{MaxPrice, Meter, Money, Price, Usage};
use portolan_dialect::openai_chat::peek::Peek;
use portolan_ledger::{Bound, Quote, cost, worst_case};

/// Tokens that a chat template adds to each message, at most.
const TEMPLATE_TOKENS_PER_MESSAGE: u64 = 16;
/// Tokens that a provider's instructions for tool use, and the frame of a request, add at most.
const FRAME_TOKENS: u64 = 2048;
/// The dearest an image comes in tokens at any provider of the catalog (GPT-4o mini at high detail: 48,169).
const TOKENS_PER_IMAGE_MAX: u64 = 50_000;
/// Bytes of text to a token, on average: only estimates use it, never bounds.
const BYTES_PER_TOKEN: u64 = 4;
/// The length of an answer before anything is known of a model's answers.
const OUTPUT_TOKENS_GUESS: u64 = 1000;
/// An unstated limit is never lowered below this.
pub(crate) const LOWERED_MIN: u64 = 256;

/// The most input tokens that the request can come to. No tokenizer makes more tokens of a text than it has
/// bytes; a prompt beyond the endpoint's limit is refused there, so nothing above it is ever billed.
pub(crate) fn input_bound(peek: &Peek, endpoint: &Endpoint) -> u64 {
    let limit = u64::from(endpoint.prompt_limit());
    if peek.media.files.count + peek.media.audios.count + peek.media.videos.count > 0 {
        return limit;
    }
    let text = peek.text_bytes + u64::from(peek.messages) * TEMPLATE_TOKENS_PER_MESSAGE + FRAME_TOKENS;
    (text + u64::from(peek.media.images.count) * TOKENS_PER_IMAGE_MAX).min(limit)
}

/// What the input probably comes to.
pub(crate) fn input_estimate(peek: &Peek) -> u64 {
    peek.text_bytes.div_ceil(BYTES_PER_TOKEN) + u64::from(peek.media.images.count) * 1000
}

/// Tokens that so many bytes of output probably were.
pub(crate) fn output_estimate(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// The quote for one attempt whose answer is limited to `max_tokens` (per choice).
pub(crate) fn quote(peek: &Peek, endpoint: &Endpoint, max_tokens: u64, recent_p95: Option<u64>) -> Quote {
    let choices = u64::from(peek.choices.max(1));
    let bound = Bound { input_tokens: input_bound(peek, endpoint), output_tokens: max_tokens.saturating_mul(choices), requests: 1 };
    let worst = worst_case(&endpoint.prices, &bound);
    let output = recent_p95.unwrap_or(OUTPUT_TOKENS_GUESS).min(max_tokens) * choices;
    let usage = Usage::default().with(Meter::Input, input_estimate(peek)).with(Meter::Output, output).with(Meter::Request, 1);
    let expected = cost(&endpoint.prices, &usage).total;
    Quote { worst, expected: Money(expected.0.min(worst.0)) }
}

/// The dearest that a reseller may choose: what was quoted, or less where the caller says so. It bounds base prices, so
/// that the lists for long prompts do not count, and a fee per request as well, for what is not stated has no bound.
pub(crate) fn ceiling(endpoint: &Endpoint, asked: &MaxPrice) -> MaxPrice {
    let least = |asked: Option<Price>, meter| {
        let quoted = endpoint.prices.base.effective(meter);
        Some(asked.map_or(quoted, |asked| asked.min(quoted)))
    };
    MaxPrice {
        prompt: least(asked.prompt, Meter::Input),
        completion: least(asked.completion, Meter::Output),
        request: least(asked.request, Meter::Request),
        ..*asked
    }
}

/// The largest output limit whose worst case stays within `affordable`, if it is worth asking.
pub(crate) fn affordable_tokens(peek: &Peek, endpoint: &Endpoint, affordable: Money, least: u64) -> Option<u64> {
    let fits = |tokens: u64| quote(peek, endpoint, tokens, None).worst <= affordable;
    if !fits(least) {
        return None;
    }
    // The worst case grows with the limit: bisect.
    let (mut low, mut high) = (least, u64::from(endpoint.max_output).max(least));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portolan_catalog::Catalog;
    use portolan_core::{PriceCard, PriceTier, Rates};

    use super::*;

    fn resold(request: Option<u64>) -> Endpoint {
        let catalog = Catalog::builtin();
        let endpoint = catalog.endpoints.iter().find(|e| e.charged_by_report).unwrap().clone();
        let rates = |input, output| Rates::default().with(Meter::Input, Price(input)).with(Meter::Output, Price(output));
        let base = request.map_or(rates(10, 20), |fee| rates(10, 20).with(Meter::Request, Price(fee)));
        let long = PriceTier { above_prompt_tokens: 1_000, rates: rates(100, 200) };
        Endpoint { prices: Arc::new(PriceCard::new(base, vec![long])), ..endpoint }
    }

    #[test]
    fn a_reseller_may_choose_nobody_dearer_than_what_is_held() {
        let of = |prompt: u64, completion: u64, request: u64| MaxPrice {
            prompt: Some(Price(prompt)),
            completion: Some(Price(completion)),
            request: Some(Price(request)),
            ..MaxPrice::default()
        };
        assert_eq!(ceiling(&resold(None), &MaxPrice::default()), of(10, 20, 0), "base prices, and no fee where none is held");
        assert_eq!(ceiling(&resold(Some(7)), &MaxPrice::default()), of(10, 20, 7));
        assert_eq!(ceiling(&resold(Some(7)), &of(9, 21, 8)), of(9, 20, 7), "the caller's bound where it is lower");
    }
}

//! How strong models are: an opinion of ours, as data.
//!
//! A strength is the share of prompts, ordered by complexity, up to which we expect the model to be as good as any.
//! Benchmarks measure other things, and the catalog holds none; see `docs/auto-router.md`.

use portolan_catalog::Model;
use portolan_core::Price;

use super::task::TaskKind;

/// One known model.
struct Row {
    slug: &'static str,
    /// For most tasks.
    strength: f32,
    /// For code and for work with tools.
    code: f32,
    /// Belongs to the default set.
    default: bool,
}

const fn chosen(slug: &'static str, strength: f32, code: f32) -> Row {
    Row { slug, strength, code, default: true }
}

const fn known(slug: &'static str, strength: f32, code: f32) -> Row {
    Row { slug, strength, code, default: false }
}

/// Models whose strength their price would misjudge, and the default set.
const ROWS: &[Row] = &[
    chosen("anthropic/claude-haiku-4.5", 0.62, 0.66),
    known("anthropic/claude-opus-4", 0.80, 0.84),
    known("anthropic/claude-opus-4.1", 0.82, 0.86),
    known("anthropic/claude-opus-4.5", 0.88, 0.91),
    known("anthropic/claude-opus-4.6", 0.90, 0.93),
    known("anthropic/claude-opus-4.7", 0.91, 0.94),
    known("anthropic/claude-opus-4.8", 0.93, 0.95),
    chosen("anthropic/claude-opus-5", 0.95, 0.97),
    known("anthropic/claude-sonnet-4", 0.73, 0.78),
    known("anthropic/claude-sonnet-4.5", 0.79, 0.84),
    known("anthropic/claude-sonnet-4.6", 0.82, 0.87),
    chosen("anthropic/claude-sonnet-5", 0.87, 0.91),
    known("deepseek/deepseek-chat-v3.1", 0.56, 0.56),
    known("deepseek/deepseek-r1-0528", 0.60, 0.56),
    known("deepseek/deepseek-v3.2", 0.60, 0.60),
    chosen("deepseek/deepseek-v4-flash", 0.60, 0.60),
    chosen("deepseek/deepseek-v4-pro", 0.76, 0.77),
    chosen("google/gemini-2.5-flash", 0.56, 0.54),
    chosen("google/gemini-2.5-flash-lite", 0.42, 0.38),
    known("google/gemini-2.5-pro", 0.76, 0.75),
    known("google/gemini-3-flash-preview", 0.72, 0.72),
    chosen("google/gemini-3.1-flash-lite", 0.52, 0.50),
    chosen("google/gemini-3.1-pro-preview", 0.90, 0.89),
    chosen("google/gemini-3.6-flash", 0.80, 0.79),
    known("google/gemma-3-27b-it", 0.34, 0.28),
    chosen("google/gemma-4-31b-it", 0.48, 0.44),
    known("meta-llama/llama-3.1-8b-instruct", 0.22, 0.16),
    chosen("meta-llama/llama-3.3-70b-instruct", 0.38, 0.32),
    known("meta-llama/llama-4-maverick", 0.42, 0.36),
    known("meta-llama/llama-4-scout", 0.36, 0.28),
    known("minimax/minimax-m2.5", 0.62, 0.66),
    known("minimax/minimax-m2.7", 0.66, 0.70),
    chosen("minimax/minimax-m3", 0.71, 0.74),
    chosen("mistralai/mistral-medium-3.1", 0.50, 0.48),
    known("mistralai/mistral-nemo", 0.20, 0.12),
    known("mistralai/mistral-small-3.2-24b-instruct", 0.34, 0.30),
    known("moonshotai/kimi-k2.5", 0.70, 0.72),
    chosen("moonshotai/kimi-k2.6", 0.74, 0.76),
    known("moonshotai/kimi-k2.7-code", 0.68, 0.80),
    chosen("moonshotai/kimi-k3", 0.88, 0.89),
    known("openai/gpt-3.5-turbo", 0.20, 0.14),
    known("openai/gpt-3.5-turbo-16k", 0.20, 0.14),
    known("openai/gpt-4", 0.46, 0.38),
    known("openai/gpt-4-turbo", 0.48, 0.40),
    known("openai/gpt-4.1", 0.66, 0.66),
    known("openai/gpt-4.1-mini", 0.50, 0.48),
    known("openai/gpt-4.1-nano", 0.33, 0.26),
    known("openai/gpt-4o", 0.58, 0.50),
    chosen("openai/gpt-4o-mini", 0.38, 0.30),
    known("openai/gpt-5", 0.80, 0.80),
    chosen("openai/gpt-5-mini", 0.60, 0.60),
    chosen("openai/gpt-5-nano", 0.42, 0.38),
    known("openai/gpt-5.1", 0.82, 0.82),
    known("openai/gpt-5.2", 0.86, 0.86),
    known("openai/gpt-5.3-codex", 0.74, 0.91),
    chosen("openai/gpt-5.4", 0.88, 0.88),
    known("openai/gpt-5.4-mini", 0.68, 0.68),
    known("openai/gpt-5.4-nano", 0.52, 0.50),
    known("openai/gpt-5.5", 0.93, 0.93),
    chosen("openai/gpt-5.6-luna", 0.66, 0.64),
    chosen("openai/gpt-5.6-sol", 0.96, 0.96),
    chosen("openai/gpt-5.6-terra", 0.87, 0.87),
    chosen("openai/gpt-oss-120b", 0.52, 0.50),
    chosen("openai/gpt-oss-20b", 0.40, 0.36),
    known("openai/o1", 0.68, 0.60),
    known("openai/o3", 0.76, 0.72),
    known("openai/o3-mini", 0.58, 0.56),
    known("openai/o4-mini", 0.66, 0.66),
    chosen("qwen/qwen3-235b-a22b-2507", 0.54, 0.50),
    known("qwen/qwen3-32b", 0.40, 0.36),
    known("qwen/qwen3-coder", 0.42, 0.60),
    chosen("qwen/qwen3.5-397b-a17b", 0.70, 0.70),
    known("qwen/qwen3.6-35b-a3b", 0.54, 0.54),
    chosen("x-ai/grok-4.3", 0.78, 0.76),
    known("x-ai/grok-4.5", 0.86, 0.86),
    known("z-ai/glm-4.7", 0.64, 0.66),
    known("z-ai/glm-5", 0.70, 0.72),
    known("z-ai/glm-5.1", 0.74, 0.76),
    chosen("z-ai/glm-5.2", 0.78, 0.80),
];

/// Slugs of the default set. Those that a catalog does not hold are passed over.
pub fn default_set() -> impl Iterator<Item = &'static str> {
    ROWS.iter().filter(|row| row.default).map(|row| row.slug)
}

pub(crate) fn is_default(model: &Model) -> bool {
    default_set().any(|slug| slug == model.slug.as_str())
}

/// The strength of a model for a task, 0 to 1: from the table, else from its price.
#[must_use]
pub fn strength(model: &Model, task: TaskKind, price: Price) -> f32 {
    // A variant (`:free`, `:nitro`) is as strong as the model.
    let slug = model.slug.as_str();
    let base = slug.split_once(':').map_or(slug, |(base, _)| base);
    let code = matches!(task, TaskKind::CodeWriting | TaskKind::CodeRepair | TaskKind::CodeReview | TaskKind::Agent);
    match ROWS.iter().find(|row| row.slug == base) {
        Some(row) if code => row.code,
        Some(row) => row.strength,
        None => of_price(price),
    }
}

/// Prices are in picodollars per token; this many are a dollar per million tokens.
const DOLLAR_PER_MILLION: f32 = 1e6;

/// What the price says of a model that nobody has judged: a quarter more for each factor of ten, half at 50 cents per million tokens.
/// What costs nothing says nothing, and counts as weak.
#[expect(clippy::cast_precision_loss, reason = "a guess, not an amount")]
fn of_price(price: Price) -> f32 {
    if price.0 == 0 {
        return 0.3;
    }
    let dollars = price.0 as f32 / DOLLAR_PER_MILLION;
    (0.575 + 0.25 * dollars.log10()).clamp(0.1, 0.9)
}

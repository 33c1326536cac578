//! The labelled prompts: what a weaker and a stronger model scored on each.

use std::path::Path;

use portolan_routing::auto::{Features, PromptView, TaskKind, classify};
use serde_json::Value;

/// One file of labelled prompts, and which of its models are compared.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) weak: &'static str,
    pub(crate) strong: &'static str,
    /// Models whose mean scores the training takes for weak and strong, where the file has more than two.
    weak_group: &'static [&'static str],
    strong_group: &'static [&'static str],
}

pub(crate) const SETS: &[Set] = &[
    Set {
        name: "routellm_gpt4_vs_mixtral",
        weak: "mistralai/Mixtral-8x7B-Instruct-v0.1",
        strong: "gpt-4-1106-preview",
        weak_group: &[],
        strong_group: &[],
    },
    Set {
        name: "llmrouter_9models",
        weak: "mistral-7b-instruct-v0.3",
        strong: "llama-3.1-nemotron-51b-instruct",
        weak_group: &["mistral-7b-instruct-v0.3", "qwen2.5-7b-instruct"],
        strong_group: &["llama-3.1-nemotron-51b-instruct", "llama-3.3-nemotron-super-49b-v1"],
    },
    Set {
        name: "routerarena_haiku_vs_gemini_flash",
        weak: "claude-3-haiku-20240307",
        strong: "gemini-2.0-flash-001",
        weak_group: &[],
        strong_group: &[],
    },
];

/// One labelled prompt.
pub(crate) struct Row {
    pub(crate) set: usize,
    /// Depends on the prompt alone: 0 to 9.
    pub(crate) tenth: u64,
    pub(crate) task: String,
    pub(crate) kind: TaskKind,
    /// Scores between 0 and 1.
    pub(crate) weak: f32,
    pub(crate) strong: f32,
    /// What the training is told that the stronger models gain.
    pub(crate) gain: f32,
    /// What the classifier says.
    pub(crate) complexity: f32,
    pub(crate) features: Features,
}

impl Row {
    /// Three tenths of the prompts are never trained on.
    pub(crate) fn held_out(&self) -> bool {
        self.tenth < 3
    }
}

/// Everyday prompts of our own, of which benchmarks have none, each with a level from 0 (any model will do) to 4.
const ORDINARY: &str = include_str!("ordinary.txt");

/// The set of our own prompts stands behind the others.
pub(crate) const ORDINARY_SET: usize = SETS.len();

/// What a set is called.
pub(crate) fn name(set: usize) -> &'static str {
    SETS.get(set).map_or("ordinary (our own levels)", |set| set.name)
}

/// The difference in gain between the lowest and the highest level.
const ORDINARY_SPREAD: f32 = 0.6;

fn ordinary() -> impl Iterator<Item = Row> {
    ORDINARY.lines().filter_map(|line| {
        let (level, prompt) = line.split_once('\t')?;
        let level: f32 = level.parse().ok()?;
        let view = PromptView::of_text(prompt);
        let judgement = classify(&view);
        Some(Row {
            set: ORDINARY_SET,
            tenth: hash(prompt) % 10,
            task: format!("level {level}"),
            kind: judgement.task,
            weak: 0.0,
            strong: level / 4.0,
            gain: (level / 4.0 - 0.5) * ORDINARY_SPREAD,
            complexity: judgement.complexity,
            features: Features::of(&view),
        })
    })
}

/// All rows of all sets, our own prompts last.
pub(crate) fn load(folder: &Path) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for (set, of) in SETS.iter().enumerate() {
        let path = folder.join(format!("{}.jsonl", of.name));
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).map_err(|e| format!("{}: {e}", path.display()))?;
            rows.push(row(set, of, &value).ok_or_else(|| format!("{}: no prompt or score in {}", path.display(), value["id"]))?);
        }
    }
    rows.extend(ordinary());
    Ok(rows)
}

#[expect(clippy::cast_possible_truncation, reason = "scores between 0 and 1")]
fn row(set: usize, of: &Set, value: &Value) -> Option<Row> {
    let prompt = value["prompt"].as_str()?;
    let task = value["task"].as_str()?;
    let scale = if task.starts_with("mt_bench") { 10.0 } else { 1.0 };
    let score = |model: &str| value["results"][model]["score"].as_f64().map(|score| (score / scale) as f32);
    let mean = |group: &[&str], one: &str| -> Option<f32> {
        let scores: Vec<f32> = group.iter().filter_map(|model| score(model)).collect();
        if scores.is_empty() { score(one) } else { Some(scores.iter().sum::<f32>() / scores.len() as f32) }
    };
    let view = PromptView::of_text(prompt);
    let judgement = classify(&view);
    Some(Row {
        set,
        tenth: hash(prompt) % 10,
        task: task.to_owned(),
        kind: judgement.task,
        weak: score(of.weak)?,
        strong: score(of.strong)?,
        gain: mean(of.strong_group, of.strong)? - mean(of.weak_group, of.weak)?,
        complexity: judgement.complexity,
        features: Features::of(&view),
    })
}

/// FNV-1a with 64 bits, finished by a multiplication so that the lowest digits depend on all bits.
fn hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    (hash ^ hash >> 32).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32
}

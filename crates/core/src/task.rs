//! What a model is asked to do.

use serde::{Deserialize, Serialize};

/// One kind of request. Each has its own route and its own small canonical type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// `POST /chat/completions` and its like.
    #[default]
    Chat,
    /// `POST /embeddings`
    Embeddings,
    /// `POST /images`
    Images,
    /// `POST /videos`
    Videos,
    /// `POST /audio/speech`
    Speech,
    /// `POST /audio/transcriptions`
    Transcriptions,
    /// `POST /rerank`
    Rerank,
}

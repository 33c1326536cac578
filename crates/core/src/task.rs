//! What a model is asked to do.

crate::words! {
    /// One kind of request. Each has its own route and its own small canonical type.
    #[derive(Default)]
    pub enum Task {
        /// `POST /chat/completions` and its like.
        #[default]
        Chat = "chat",
        /// `POST /embeddings`
        Embeddings = "embeddings",
        /// `POST /images`
        Images = "images",
        /// `POST /videos`
        Videos = "videos",
        /// `POST /audio/speech`
        Speech = "speech",
        /// `POST /audio/transcriptions`
        Transcriptions = "transcriptions",
        /// `POST /rerank`
        Rerank = "rerank",
    }
}

//! The four independent axes of a provider's row. A provider is data; these are the values its columns take.

crate::words! {
    /// The wire format of requests and answers.
    pub enum Dialect {
        /// OpenAI's Chat Completions, and the many that follow it.
        OpenAiChat = "openai_chat",
        /// OpenAI's Responses.
        OpenAiResponses = "openai_responses",
        /// Anthropic's Messages.
        Anthropic = "anthropic",
        /// Google's generateContent.
        Gemini = "gemini",
        /// Amazon Bedrock's Converse.
        BedrockConverse = "bedrock_converse",
        /// Cohere's chat, version 2.
        Cohere = "cohere",
    }

    /// How a request proves who sends it.
    pub enum Auth {
        /// Not at all.
        None = "none",
        /// `Authorization: Bearer`.
        Bearer = "bearer",
        /// A header of its own: `x-api-key` for anthropic, `x-goog-api-key` for gemini, `api-key` for azure.
        Header = "header",
        /// Azure's key or token.
        Azure = "azure",
        /// A token made from a Google service account.
        GcpServiceAccount = "gcp_service_account",
        /// AWS Signature Version 4.
        AwsSigV4 = "aws_sigv4",
    }

    /// What to do with the provider's stream when the caller hangs up.
    pub enum OnHangup {
        /// Read on within bounds, for the true usage comes at the end and is billed anyway.
        Drain = "drain",
        /// Close the connection: the provider stops and bills what it sent.
        Cancel = "cancel",
    }

    /// A documented deviation of one provider from its dialect.
    pub enum Quirk {
        /// Refuses `stream_options`; sends usage in streams without being asked.
        NoStreamOptions = "no_stream_options",
        /// Takes `max_completion_tokens` and refuses `max_tokens` (OpenAI's reasoning models).
        MaxCompletionTokens = "max_completion_tokens",
        /// Counts reasoning tokens beside `completion_tokens`, not within (xAI).
        ReasoningBesideCompletion = "reasoning_beside_completion",
        /// Closes a stream without `[DONE]`: a finish reason and the end of the stream are enough.
        NoDone = "no_done",
    }
}

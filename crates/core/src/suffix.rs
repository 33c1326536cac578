//! The words behind a colon in the name of a model that OpenRouter gives a meaning.
//!
//! Source: OpenRouter's documentation of model variants.

crate::words! {
    /// What follows a colon: `openai/gpt-4o:nitro`. Any other word is a part of the name (`a/b:8b`).
    pub enum Suffix {
        /// The fastest first.
        Nitro = "nitro",
        /// The cheapest first.
        Floor = "floor",
        /// The best at calling tools first.
        Exacto = "exacto",
        /// With a search of the web.
        Online = "online",
        /// Answered later.
        Batch = "batch",
        /// A model that costs nothing.
        Free = "free",
        /// A model that thinks.
        Thinking = "thinking",
        /// A model with a longer context.
        Extended = "extended",
    }
}

impl Suffix {
    /// Whether it makes another model, with a row of its own. The others a caller may append to the name of any model.
    #[must_use]
    pub fn is_of_models(self) -> bool {
        matches!(self, Suffix::Free | Suffix::Thinking | Suffix::Extended)
    }

    /// Those in a name, in any case of letters, from the left.
    pub fn all_in(name: &str) -> impl Iterator<Item = Suffix> {
        name.split(':').skip(1).filter_map(|word| Suffix::parse(&word.to_ascii_lowercase()))
    }
}

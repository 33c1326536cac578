//! The closed list of tasks.

portolan_core::words! {
    /// What a prompt asks for. Ties go to the kind that is declared first.
    pub enum TaskKind {
        /// Work with tools.
        Agent = "agent",
        /// A question about an image, a file or a recording.
        Attachment = "attachment",
        /// Repair of a program.
        CodeRepair = "code_repair",
        /// What a program does, and how good it is.
        CodeReview = "code_review",
        /// A program.
        CodeWriting = "code_writing",
        /// From one language to another.
        Translation = "translation",
        /// The same in fewer words.
        Summary = "summary",
        /// Facts out of a text.
        Extraction = "extraction",
        /// A label for a text.
        Classification = "classification",
        /// The same text, improved or in another tone.
        Rewriting = "rewriting",
        /// Data in another form.
        DataFormatting = "data_formatting",
        /// Proofs, equations, mathematics of a university.
        Mathematics = "mathematics",
        /// A sum told as a story.
        Arithmetic = "arithmetic",
        /// A puzzle of logic.
        Logic = "logic",
        /// One of several given answers.
        MultipleChoice = "multiple_choice",
        /// A question about a passage that is given.
        Reading = "reading",
        /// A part that is played.
        Roleplay = "roleplay",
        /// Stories, poems, speeches, songs.
        CreativeWriting = "creative_writing",
        /// Letters, articles, reports.
        BusinessWriting = "business_writing",
        /// A plan of several steps.
        Planning = "planning",
        /// What is the better choice, or what to do.
        Advice = "advice",
        /// How or why something is.
        Explanation = "explanation",
        /// A fact in one line.
        Fact = "fact",
        /// A greeting, thanks, small talk.
        SmallTalk = "small_talk",
        /// None of the others.
        General = "general",
    }
}

//! Words and pairs of words that say something of a prompt. Lower case, letters and digits only.

use super::task::TaskKind;
use std::sync::LazyLock;

/// What a word counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cue {
    /// So many points for a task.
    Task(TaskKind, u8),
    /// It limits what the answer may be.
    Constraint,
    /// It asks for reasons.
    Reason,
    /// It asks for or states a quantity.
    Quantity,
    /// It negates.
    Negation,
    /// It begins a question.
    Question,
    /// It stands in programs.
    Code,
    /// It stands in mathematics.
    Math,
}

use Cue::{Code, Constraint, Math, Negation, Quantity, Question, Reason, Task};
use TaskKind::{
    Advice, Arithmetic, BusinessWriting, Classification, CodeRepair, CodeReview, CodeWriting, CreativeWriting, DataFormatting, Explanation,
    Extraction, Logic, Mathematics, MultipleChoice, Planning, Reading, Rewriting, Roleplay, SmallTalk, Summary, Translation,
};

const ROWS: &[(Cue, &str)] = &[
    (Task(CodeRepair, 4), "fix|debug|bug|traceback|stacktrace|segfault|compile error|syntax error|not working|throws|exception"),
    (Task(CodeReview, 4), "code review|review this|refactor|this code|the code|this function|following code|code does|time complexity"),
    (Task(CodeWriting, 3), "function|implement|script|algorithm|program|code|sql|regex|html|api endpoint|unit tests|test cases|a class"),
    (Task(CodeWriting, 4), "python|javascript|typescript|rust|java|golang|bash|react|a function|write code|python function|def"),
    (Task(Translation, 6), "translate|translation|translate the|übersetze|traduce|traduis"),
    (Task(Summary, 6), "summarize|summarise|summary|tldr|tl dr|key points|main points|in short"),
    (Task(Extraction, 5), "extract|list all|find all|identify all|pull out|named entities"),
    (Task(Classification, 5), "classify|categorize|sentiment|label the|spam|is ethical|morally wrong|entailment"),
    (Task(Rewriting, 5), "rewrite|rephrase|paraphrase|proofread|edit|grammar|improve|reword|rephrase your|correct the"),
    (Task(DataFormatting, 4), "csv|json|yaml|markdown table|json object|format the|convert this|convert the"),
    (
        Task(Mathematics, 4),
        "prove|proof|derivative|integral|equation|polynomial|matrix|eigenvalue|theorem|modulo|triangle|vector|probability|logarithm|prime|divisible|integer|integers|subgroup|isomorphic",
    ),
    (
        Task(Arithmetic, 3),
        "how many|how much|total|each|altogether|per day|per hour|percent|twice|half|remaining|left|costs|sells|earns|buys|miles|dollars",
    ),
    (Task(Logic, 4), "clue|clues|puzzle|premise|premises|riddle|if and|logically|deduce|argument|conclusion|houses in|syllogism"),
    (
        Task(MultipleChoice, 5),
        "multiple choice|following is|following are|of the following|which one|which of|answer choices|options|correct letter",
    ),
    (Task(Reading, 4), "passage|the passage|following text|the text|the story|the article|context|according to|the author|based on"),
    (Task(Roleplay, 5), "pretend|act as|roleplay|role play|embrace the|you are|imagine yourself|in character|persona"),
    (
        Task(CreativeWriting, 5),
        "poem|story|haiku|lyrics|song|short story|limerick|sonnet|screenplay|fiction|creative|sentence with|joke|slogan",
    ),
    (
        Task(BusinessWriting, 5),
        "email|e mail|letter|blog|blog post|essay|report|press release|cover letter|resume|article about|announcement|proposal",
    ),
    (Task(Planning, 5), "plan|itinerary|roadmap|schedule|step plan|strategy|agenda|steps to|outline"),
    (Task(Advice, 4), "should i|recommend|advice|suggest|tips|best way|pros and|would you|what should|help me"),
    (Task(Explanation, 4), "explain|describe|why|how does|how do|what does|difference between|tell me|teach me|meaning of|compare"),
    (
        Task(SmallTalk, 6),
        "hello|hi|hey|thanks|thank you|good morning|good evening|how are|bye|ok|okay|great|cool|lol|hallo|danke|hola|merci|bonjour",
    ),
    (
        Constraint,
        "must|only|exactly|at least|at most|no more|without|ensure|avoid|limit|should|within|format|each|required|do not|between|never|always",
    ),
    (
        Reason,
        "why|prove|derive|explain|analyze|analyse|justify|evaluate|compare|critique|step by|reason|because|infer|deduce|implications|argue|optimal|optimize|design",
    ),
    (
        Quantity,
        "how many|how much|total|sum|average|percent|ratio|number of|times|half|twice|double|more than|less than|per|cost|price|each",
    ),
    (Negation, "not|except|no|never|neither|nor|without|least|false|incorrect"),
    (Question, "who|what|when|where|which|whose|whom|how"),
    (Code, "def|return|import|class|void|int|public|const|function|print|for|while|array|string|list|args|null|true|assert|select|struct"),
    (
        Math,
        "equation|function|integer|prime|triangle|polynomial|vector|matrix|probability|theorem|sqrt|frac|angle|sin|cos|log|modulo|squared|solve|calculate|compute|let",
    ),
];

/// Hash of a word's bytes, continued (FNV-1a, 32 bits).
pub(crate) const HASH_START: u32 = 0x811C_9DC5;

/// One byte further.
pub(crate) const fn hash_byte(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// Of two words that stand side by side.
pub(crate) const fn hash_pair(first: u32, second: u32) -> u32 {
    (first.rotate_left(5) ^ second).wrapping_mul(0x9E37_79B1)
}

/// The hash of a word, or of a pair with one space.
pub(crate) fn hash_phrase(phrase: &str) -> u32 {
    let hash = |word: &str| word.bytes().fold(HASH_START, hash_byte);
    match phrase.split_once(' ') {
        Some((first, second)) => hash_pair(hash(first), hash(second)),
        None => hash(phrase),
    }
}

/// All cues, by hash. One hash may stand for several.
static CUES: LazyLock<Vec<(u32, Cue)>> = LazyLock::new(|| {
    let mut cues: Vec<_> = ROWS.iter().flat_map(|(cue, words)| words.split('|').map(|word| (hash_phrase(word), *cue))).collect();
    cues.sort_by_key(|(hash, _)| *hash);
    cues
});

/// A set of the low bits of all hashes: most words are no cue, and this says so at once.
static MAYBE: LazyLock<[u64; 128]> = LazyLock::new(|| {
    let mut bits = [0; 128];
    for (hash, _) in CUES.iter() {
        bits[(*hash as usize & 8191) >> 6] |= 1 << (hash & 63);
    }
    bits
});

/// The tables, looked up once per prompt.
#[derive(Clone, Copy)]
pub(crate) struct Cues {
    all: &'static [(u32, Cue)],
    maybe: &'static [u64; 128],
}

impl Cues {
    pub(crate) fn get() -> Self {
        Self { all: &CUES, maybe: &MAYBE }
    }

    /// What the word or pair of this hash counts for.
    pub(crate) fn of(self, hash: u32) -> impl Iterator<Item = Cue> {
        let maybe = self.maybe[(hash as usize & 8191) >> 6] >> (hash & 63) & 1 == 1;
        let from = if maybe { self.all.partition_point(|(other, _)| *other < hash) } else { self.all.len() };
        self.all[from..].iter().take_while(move |(other, _)| *other == hash).map(|(_, cue)| *cue)
    }
}

//! How a conversation opens: what stays the same from turn to turn, and so names the conversation where nobody else does.

/// So much of a message is hashed, and its length: a long document must not cost the caller time.
const BYTES_MAX: usize = 1024;

/// Odd numbers without a pattern: the first digits of pi and of the golden ratio, in binary.
const SEEDS: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x9e37_79b9_7f4a_7c15];

/// The hashes of the first instruction (`system`, `developer`) and of the first message that is none.
#[derive(Debug, Default)]
pub(super) struct Opening {
    instruction: Option<u64>,
    message: Option<u64>,
}

impl Opening {
    /// Notes a message, where it is the first of its kind.
    pub(super) fn note<'a>(&mut self, instructs: bool, json: impl FnOnce() -> &'a str) {
        let place = if instructs { &mut self.instruction } else { &mut self.message };
        place.get_or_insert_with(|| hash(json()));
    }

    /// The hash of both.
    pub(super) fn hash(&self) -> u64 {
        let instruction = fold(self.instruction.unwrap_or(0) ^ SEEDS[0], SEEDS[1]);
        fold(instruction ^ self.message.unwrap_or(0), SEEDS[1])
    }
}

/// Multiplies and folds 16 bytes at a time, as wyhash does. The result depends on nothing but the text: replicas agree, and the
/// same one after a restart. It is no secret and bounds nothing, so it need not withstand an attack.
fn hash(json: &str) -> u64 {
    let bytes = &json.as_bytes()[..json.len().min(BYTES_MAX)];
    let (blocks, rest) = bytes.as_chunks::<16>();
    let mut last = [0; 16];
    last[..rest.len()].copy_from_slice(rest);
    let mut state = SEEDS[0] ^ json.len() as u64;
    for block in blocks.iter().chain([&last]) {
        let block = u128::from_le_bytes(*block);
        state = fold(block as u64 ^ SEEDS[1], (block >> 64) as u64 ^ state);
    }
    fold(state ^ SEEDS[0], SEEDS[1])
}

/// Both halves of the product, mixed.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

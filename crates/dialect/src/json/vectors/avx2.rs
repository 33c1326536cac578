//! 32 bytes at a time.

use std::arch::x86_64::__m256i;

use pulp::NullaryFnOnce;
use pulp::x86::V3;

use super::{Letters, Marks, Vectors, Work};

/// Work to be done with these vectors.
pub(super) struct With<W>(pub(super) V3, pub(super) W);

impl<W: Work> NullaryFnOnce for With<W> {
    type Output = W::Output;
    #[inline(always)]
    fn call(self) -> W::Output {
        self.1.run(self.0)
    }
}

// A byte's class is what both its halves allow: the table of the upper half and that of the lower have a bit
// in common only where the byte belongs to the class.
const DIGIT: u8 = 1;
const A_TO_F: u8 = 2;
const QUOTE_SLASH: u8 = 4;
const BACKSLASH: u8 = 8;
const B_F_N: u8 = 16;
const R_T: u8 = 32;
/// The sign bit: a vector's signs are read in one step.
const UNICODE: u8 = 128;
const HEX: u8 = DIGIT | A_TO_F;
const ANY: u8 = QUOTE_SLASH | BACKSLASH | B_F_N | R_T | UNICODE;

const UPPER: [u8; 32] = {
    let mut table = [0; 32];
    let mut half = 0;
    while half < 32 {
        table[half + 2] = QUOTE_SLASH;
        table[half + 3] = DIGIT;
        table[half + 4] = A_TO_F;
        table[half + 5] = BACKSLASH;
        table[half + 6] = A_TO_F | B_F_N;
        table[half + 7] = R_T | UNICODE;
        half += 16;
    }
    table
};

const LOWER: [u8; 32] = {
    let classes: [(&[u8], u8); 7] = [
        (b"0123456789", DIGIT),
        (b"abcdef", A_TO_F),
        (b"\"/", QUOTE_SLASH),
        (b"\\", BACKSLASH),
        (b"bfn", B_F_N),
        (b"rt", R_T),
        (b"u", UNICODE),
    ];
    let mut table = [0; 32];
    let mut class = 0;
    while class < classes.len() {
        let (bytes, bit) = classes[class];
        let mut i = 0;
        while i < bytes.len() {
            let low = (bytes[i] & 15) as usize;
            table[low] |= bit;
            table[low + 16] |= bit;
            i += 1;
        }
        class += 1;
    }
    table
};

// Closures are compiled without the instructions, so there are none here.
impl Vectors for V3 {
    #[inline(always)]
    fn marks(self, block: &[u8; 64]) -> Marks {
        let (a, b) = halves(block);
        Marks {
            quote: join(self, equal(self, a, b'"'), equal(self, b, b'"')),
            backslash: join(self, equal(self, a, b'\\'), equal(self, b, b'\\')),
            control: self.avx2._mm256_movemask_epi8(at_most(self, self.avx2._mm256_min_epu8(a, b), 0x1f)) != 0,
        }
    }

    #[inline(always)]
    fn letters(self, block: &[u8; 64]) -> Letters {
        let (a, b) = halves(block);
        let (a, b) = (classes(self, a), classes(self, b));
        Letters {
            any: !join(self, lacks(self, a, ANY), lacks(self, b, ANY)),
            unicode: join(self, a, b),
            hex: !join(self, lacks(self, a, HEX), lacks(self, b, HEX)),
        }
    }

    #[inline(always)]
    fn controls(self, block: &[u8; 64]) -> u64 {
        let (a, b) = halves(block);
        join(self, at_most(self, a, 0x1f), at_most(self, b, 0x1f))
    }
}

#[inline(always)]
fn halves(block: &[u8; 64]) -> (__m256i, __m256i) {
    let (parts, _) = block.as_chunks::<32>();
    (pulp::cast(parts[0]), pulp::cast(parts[1]))
}

#[inline(always)]
fn equal(v3: V3, v: __m256i, byte: u8) -> __m256i {
    v3.avx2._mm256_cmpeq_epi8(v, v3.avx._mm256_set1_epi8(byte.cast_signed()))
}

#[inline(always)]
fn at_most(v3: V3, v: __m256i, most: u8) -> __m256i {
    v3.avx2._mm256_cmpeq_epi8(v3.avx2._mm256_min_epu8(v, v3.avx._mm256_set1_epi8(most.cast_signed())), v)
}

#[inline(always)]
fn classes(v3: V3, v: __m256i) -> __m256i {
    let high = v3.avx2._mm256_and_si256(v3.avx2._mm256_srli_epi16::<4>(v), v3.avx._mm256_set1_epi8(15));
    // A byte above 0x7f chooses nothing from the lower table.
    let (upper, lower) = (v3.avx2._mm256_shuffle_epi8(pulp::cast(UPPER), high), v3.avx2._mm256_shuffle_epi8(pulp::cast(LOWER), v));
    v3.avx2._mm256_and_si256(upper, lower)
}

#[inline(always)]
fn lacks(v3: V3, classes: __m256i, wanted: u8) -> __m256i {
    let found = v3.avx2._mm256_and_si256(classes, v3.avx._mm256_set1_epi8(wanted.cast_signed()));
    v3.avx2._mm256_cmpeq_epi8(found, v3.avx._mm256_setzero_si256())
}

/// The signs of 64 bytes.
#[inline(always)]
fn join(v3: V3, a: __m256i, b: __m256i) -> u64 {
    let (a, b) = (v3.avx2._mm256_movemask_epi8(a).cast_unsigned(), v3.avx2._mm256_movemask_epi8(b).cast_unsigned());
    u64::from(a) | u64::from(b) << 32
}

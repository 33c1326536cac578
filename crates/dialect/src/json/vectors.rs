//! What 64 bytes of a string are, as one bit each, by the widest vectors that the processor has.

#[cfg(target_arch = "x86_64")]
mod avx2;

use wide::u8x16;

/// The bytes that end or interrupt a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) quote: u64,
    pub(super) backslash: u64,
    /// Whether there are control characters (below 0x20) among them.
    pub(super) control: bool,
}

/// The bytes that an escape may consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Letters {
    /// One of `"\/bfnrtu`.
    pub(super) any: u64,
    /// `u`, which four digits follow.
    pub(super) unicode: u64,
    /// A hexadecimal digit.
    pub(super) hex: u64,
}

/// A set of instructions.
pub(super) trait Vectors: Copy {
    fn marks(self, block: &[u8; 64]) -> Marks;
    fn letters(self, block: &[u8; 64]) -> Letters;
    /// The control characters.
    fn controls(self, block: &[u8; 64]) -> u64;
}

/// Something to do with vectors. `run` must be inlined always, or it is compiled without them.
pub(super) trait Work {
    type Output;
    fn run<V: Vectors>(self, vectors: V) -> Self::Output;
}

/// Does `work` with the widest vectors there are.
#[inline]
pub(super) fn widest<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(v3) = pulp::x86::V3::try_new() {
        return v3.vectorize(avx2::With(v3, work));
    }
    work.run(Portable)
}

/// 16 bytes at a time, which every 64-bit processor can do.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Vectors for Portable {
    #[inline(always)]
    fn marks(self, block: &[u8; 64]) -> Marks {
        let v = load(block);
        Marks {
            quote: join(v.map(|v| v.simd_eq(u8x16::splat(b'"')))),
            backslash: join(v.map(|v| v.simd_eq(u8x16::splat(b'\\')))),
            control: at_most(v[0].min(v[1]).min(v[2].min(v[3])), 0x1f).any(),
        }
    }

    #[inline(always)]
    fn letters(self, block: &[u8; 64]) -> Letters {
        let v = load(block);
        let is = |letter: u8| move |v: u8x16| v.simd_eq(u8x16::splat(letter));
        Letters {
            any: join(v.map(|v| b"\\/bfnrtu".iter().fold(is(b'"')(v), |any, letter| any | is(*letter)(v)))),
            unicode: join(v.map(is(b'u'))),
            hex: join(v.map(|v| at_most(v - u8x16::splat(b'0'), 9) | at_most((v | u8x16::splat(0x20)) - u8x16::splat(b'a'), 5))),
        }
    }

    #[inline(always)]
    fn controls(self, block: &[u8; 64]) -> u64 {
        join(load(block).map(|v| at_most(v, 0x1f)))
    }
}

/// A byte of ones where `v` is at most `most`.
#[inline(always)]
pub(super) fn at_most(v: u8x16, most: u8) -> u8x16 {
    v.min(u8x16::splat(most)).simd_eq(v)
}

#[inline(always)]
fn load(block: &[u8; 64]) -> [u8x16; 4] {
    let (parts, _) = block.as_chunks::<16>();
    [u8x16::new(parts[0]), u8x16::new(parts[1]), u8x16::new(parts[2]), u8x16::new(parts[3])]
}

#[inline(always)]
fn join(v: [u8x16; 4]) -> u64 {
    let bits = v.map(|v| u64::from(v.to_bitmask()));
    bits[0] | bits[1] << 16 | bits[2] << 32 | bits[3] << 48
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All about a block, by the vectors that run it.
    struct All<'a>(&'a [u8; 64]);

    impl Work for All<'_> {
        type Output = (Marks, Letters, u64);
        #[inline(always)]
        fn run<V: Vectors>(self, vectors: V) -> Self::Output {
            (vectors.marks(self.0), vectors.letters(self.0), vectors.controls(self.0))
        }
    }

    fn bits(block: &[u8; 64], is: impl Fn(u8) -> bool) -> u64 {
        block.iter().enumerate().fold(0, |bits, (i, byte)| bits | u64::from(is(*byte)) << i)
    }

    #[test]
    fn every_byte_at_every_place_is_what_it_is() {
        for byte in 0..=255u8 {
            for shift in 0..64u8 {
                let block: [u8; 64] = std::array::from_fn(|i| byte.wrapping_add((i as u8).wrapping_add(shift).wrapping_mul(7)));
                let control = bits(&block, |b| b < 0x20);
                let marks = Marks { quote: bits(&block, |b| b == b'"'), backslash: bits(&block, |b| b == b'\\'), control: control != 0 };
                let letters = Letters {
                    any: bits(&block, |b| b"\"\\/bfnrtu".contains(&b)),
                    unicode: bits(&block, |b| b == b'u'),
                    hex: bits(&block, |b| b.is_ascii_hexdigit()),
                };
                assert_eq!(All(&block).run(Portable), (marks, letters, control));
                assert_eq!(widest(All(&block)), (marks, letters, control));
            }
        }
    }
}

//! Random numbers that can be replayed: a seed gives the same numbers on every machine.

/// `SplitMix64` (Steele, Lea, Flood 2014): small, and works with every seed.
pub struct SeededRng(u64);

impl SeededRng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Any number.
    pub fn any(&mut self) -> u32 {
        u32::try_from(self.below(1 << 32)).expect("below 2^32")
    }

    /// An index of a list of this length.
    pub fn index_below(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len.try_into().expect("a short list"))).expect("below the length")
    }

    /// True in `permille` of a thousand cases.
    pub fn chance_permille(&mut self, permille: u64) -> bool {
        self.below(1000) < permille
    }

    /// A number from `from` to `to`, both included.
    pub fn between_ms(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below((to - from + 1).unsigned_abs())).expect("a span of minutes")
    }
}

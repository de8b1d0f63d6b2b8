//! Chance from a seed: the same seed draws the same kills and the same work.

/// A stream of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another stream, for somebody who draws at their own pace.
    pub(super) fn fork(&self, name: u64) -> Self {
        Self(mix(self.0 ^ mix(name)))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `end`; 0 if there is none.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.next() % end }
    }

    /// Yes, so often out of a hundred.
    pub(super) fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_and_forks_differ() {
        let draw = |mut chance: Chance| [chance.next(), chance.below(7), chance.below(7)];
        assert_eq!(draw(Chance::new(3)), draw(Chance::new(3)));
        assert_ne!(draw(Chance::new(3)), draw(Chance::new(4)));
        assert_ne!(draw(Chance::new(3).fork(1)), draw(Chance::new(3).fork(2)));
        let mut chance = Chance::new(9);
        assert!((0..1000).all(|_| chance.below(5) < 5));
        assert_eq!(chance.below(0), 0);
        assert!((0..100).all(|_| chance.percent(100) && !chance.percent(0)));
    }
}

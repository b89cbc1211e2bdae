//! Everything random in a run, from its seed. Written out here so that a seed means the same run for ever.

/// Step of SplitMix64, from the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of numbers that follows from its seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A stream of its own: what one part of a run draws does not shift what another one draws.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below `end`, which is above zero.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number from `first` to `last`.
    pub(crate) fn within(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True in so many of a thousand cases.
    pub(crate) fn chance(&mut self, per_mille: u16) -> bool {
        self.below(1_000) < u64::from(per_mille)
    }

    /// One of some things, of which there is at least one.
    pub(crate) fn pick<T: Copy>(&mut self, things: &[T]) -> T {
        let index = usize::try_from(self.below(things.len() as u64)).expect("below a length");
        things[index]
    }

    /// Thirty-two bytes.
    pub(crate) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.as_chunks_mut().0.iter_mut().for_each(|part| *part = self.next().to_be_bytes());
        bytes
    }
}

#[test]
fn streams_are_fixed_and_apart() {
    let mut dice = Dice::new(0);
    // The first number of SplitMix64 from zero, as its authors publish it.
    assert_eq!(dice.next(), 0xe220_a839_7b1d_cdaf);
    let (mut one, mut other) = (dice.fork(), dice.fork());
    assert_ne!(one.bytes(), other.bytes());
    assert!((0..99).all(|_| (3..=5).contains(&dice.within(3, 5))));
    assert!(!dice.chance(0) && dice.chance(1_000));
}

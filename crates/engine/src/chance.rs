//! The only place that draws dice.

use crate::shard::Dice;

/// How many numbers are fetched from the operating system at once.
const BATCH: usize = 64;

/// Chance from the operating system.
#[derive(Default)]
pub struct OsDice {
    left: Vec<u128>,
}

impl Dice for OsDice {
    fn roll(&mut self) -> u128 {
        if let Some(number) = self.left.pop() {
            return number;
        }
        let mut bytes = [0_u8; BATCH * size_of::<u128>()];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        let (numbers, _) = bytes.as_chunks();
        self.left
            .extend(numbers.iter().map(|bytes| u128::from_be_bytes(*bytes)));
        self.left.pop().unwrap_or_else(roll)
    }
}

/// 128 bits of chance.
///
/// # Panics
/// If the operating system has no randomness to give: nothing here is safe without.
#[must_use]
pub fn roll() -> u128 {
    u128::from_be_bytes(secret16())
}

/// 32 bytes of chance, for a secret.
///
/// # Panics
/// As [`roll`].
#[must_use]
pub fn secret() -> [u8; 32] {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

fn secret16() -> [u8; 16] {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

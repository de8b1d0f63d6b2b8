//! `random`: derived. A stream of bytes from the run's seed: the same after every restart.

use crate::bindings::naos::agent::random;
use crate::limits::{Limit, RANDOM_BYTES_MAX};
use crate::run_state::{RunState, Stop};
use sha2::{Digest, Sha256};
use wasmtime::component::{HasSelf, Linker};

pub(super) fn link(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    random::add_to_linker::<RunState, HasSelf<RunState>>(linker, |run| run)
}

impl random::Host for RunState {
    fn bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        if count > RANDOM_BYTES_MAX {
            let detail = format!("{count} random bytes at once, at most {RANDOM_BYTES_MAX}");
            return Err(self.halt(Stop::limit(Limit::RandomBytes, detail)));
        }
        let mut bytes = vec![0; count as usize];
        self.chance.fill(&mut bytes);
        Ok(bytes)
    }

    fn next(&mut self) -> wasmtime::Result<u64> {
        let mut bytes = [0; 8];
        self.chance.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }
}

/// SHA-256 in counter mode. Its stream is part of what a run is: never change it.
pub(crate) struct Chance {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl Chance {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Chance {
            seed,
            counter: 0,
            block: [0; 32],
            used: 32,
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        let mut filled = 0;
        while filled < bytes.len() {
            if self.used == self.block.len() {
                self.refill();
            }
            let take = (bytes.len() - filled).min(self.block.len() - self.used);
            let from = &self.block[self.used..self.used + take];
            bytes[filled..filled + take].copy_from_slice(from);
            (filled, self.used) = (filled + take, self.used + take);
        }
    }

    fn refill(&mut self) {
        let sha = Sha256::new()
            .chain_update(b"naos random 1")
            .chain_update(self.seed)
            .chain_update(self.counter.to_le_bytes());
        self.block = sha.finalize().into();
        self.counter += 1;
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(seed: u8, pieces: &[usize]) -> Vec<u8> {
        let mut chance = Chance::new([seed; 32]);
        let mut all = Vec::new();
        for &piece in pieces {
            let mut bytes = vec![0; piece];
            chance.fill(&mut bytes);
            all.extend(bytes);
        }
        all
    }

    #[test]
    fn the_stream_does_not_depend_on_how_it_is_drawn() {
        let whole = stream(1, &[100]);
        assert_eq!(whole, stream(1, &[1, 31, 32, 33, 3]));
        assert_eq!(whole, stream(1, &[0, 64, 36]));
        assert_ne!(whole, stream(2, &[100]));
        assert_ne!(whole[..32], whole[32..64]);
    }

    #[test]
    fn the_stream_is_frozen() {
        // SHA-256 over the label, 32 zero bytes of seed and 8 of counter, by another program.
        assert_eq!(stream(0, &[8]), [223, 40, 45, 154, 103, 251, 8, 33]);
    }
}

//! Contents that many computations want, or parts of them: the inputs of a run, and a list whose
//! items are handed out one by one, are read and parsed once, not once for each. Nothing is decided
//! by what is kept here.

use std::collections::VecDeque;
use std::sync::Arc;

use naos_kernel::recall::Embedder;
use naos_kernel::{Contents, as_value};
use naos_types::{BodyRef, Digest};
use serde_json::Value;

/// Smaller ones are parsed again.
const KEPT_BYTES_MIN: usize = 1 << 10;
/// How many one cell keeps at most: few enough to be looked through.
const KEPT_MAX: usize = 64;
/// The most that one cell keeps while it has work: what was wanted last, in bytes of JSON.
pub const PARSED_BYTES_MAX: usize = 64 << 20;

/// What a cell keeps, what was wanted last at the end.
#[derive(Default)]
pub(super) struct Parsed {
    kept: VecDeque<(Digest, usize, Arc<Value>)>,
    bytes: usize,
}

impl Parsed {
    fn get(&mut self, name: &BodyRef) -> Option<Arc<Value>> {
        let mut kept = self.kept.iter();
        let at = kept.rposition(|(digest, ..)| *digest == name.digest)?;
        let found = self.kept.remove(at)?;
        let value = Arc::clone(&found.2);
        self.kept.push_back(found);
        Some(value)
    }

    pub(super) fn keep(&mut self, name: &BodyRef, bytes: usize, value: &Arc<Value>) {
        let is_worth_it = (KEPT_BYTES_MIN..=PARSED_BYTES_MAX).contains(&bytes);
        if !is_worth_it || self.get(name).is_some() {
            return;
        }
        self.bytes += bytes;
        self.kept.push_back((name.digest, bytes, Arc::clone(value)));
        while self.bytes > PARSED_BYTES_MAX || self.kept.len() > KEPT_MAX {
            let Some((_, bytes, _)) = self.kept.pop_front() else {
                break;
            };
            self.bytes -= bytes;
        }
    }

    /// Forgets all: the cell has nothing to do.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// The contents of one computation.
pub(super) struct Reading<'r> {
    pub(super) load: &'r mut dyn FnMut(&BodyRef) -> Result<Vec<u8>, String>,
    pub(super) parsed: &'r mut Parsed,
    pub(super) embedder: &'r dyn Embedder,
}

impl Contents for Reading<'_> {
    fn bytes(&mut self, body: &BodyRef) -> Result<Vec<u8>, String> {
        (self.load)(body)
    }

    fn value(&mut self, body: &BodyRef) -> Result<Arc<Value>, String> {
        if let Some(value) = self.parsed.get(body) {
            return Ok(value);
        }
        let bytes = (self.load)(body)?;
        let length = bytes.len();
        let text = String::from_utf8(bytes).map_err(|_| "an input isn't UTF-8 text".to_owned())?;
        let value = Arc::new(as_value(text)?);
        self.parsed.keep(body, length, &value);
        Ok(value)
    }

    fn embedder(&self) -> &dyn Embedder {
        self.embedder
    }
}

#[cfg(test)]
mod tests {
    use naos_kernel::{Compute, Formula, Var, compute_with};

    use super::*;

    fn name(seed: u8) -> BodyRef {
        BodyRef {
            digest: Digest([seed; 32]),
            len: 1,
        }
    }

    #[test]
    fn a_list_is_read_once_for_all_its_items() {
        let long = "x".repeat(KEPT_BYTES_MIN);
        let body = serde_json::json!([long, "b", {"c": 1}]).to_string();
        let mut parsed = Parsed::default();
        let mut reads = 0;
        for (index, expected) in [
            (0, Ok(Value::String(long))),
            (1, Ok("b".into())),
            (7, Err(())),
        ] {
            let mut load = |_: &BodyRef| {
                reads += 1;
                Ok(body.clone().into_bytes())
            };
            let mut reading = Reading {
                load: &mut load,
                parsed: &mut parsed,
                embedder: &naos_kernel::recall::Grams,
            };
            let compute = Compute {
                formula: Formula::Cel("item".into()),
                vars: vec![("item".into(), Var::Item(name(1), index))],
            };
            let found = compute_with(&compute, &mut reading).map_err(drop);
            assert_eq!(found, expected);
        }
        assert_eq!(reads, 1);
        parsed.clear();
        assert!(parsed.get(&name(1)).is_none());
    }

    #[test]
    fn inputs_are_read_once_for_all_steps() {
        let long = "x".repeat(KEPT_BYTES_MIN);
        let body = serde_json::json!({"long": long, "n": 7}).to_string();
        let mut parsed = Parsed::default();
        let mut reads = 0;
        let fields = || vec!["n".to_owned()];
        for var in [
            Var::Body(name(1)),
            Var::Value(name(1)),
            Var::Fields(name(1), fields()),
            Var::Taken(name(1), fields()),
            Var::Body(name(1)),
        ] {
            let mut load = |_: &BodyRef| {
                reads += 1;
                Ok(body.clone().into_bytes())
            };
            let mut reading = Reading {
                load: &mut load,
                parsed: &mut parsed,
                embedder: &naos_kernel::recall::Grams,
            };
            let compute = Compute {
                formula: Formula::Cel("inputs.n".into()),
                vars: vec![("inputs".into(), var)],
            };
            assert_eq!(compute_with(&compute, &mut reading), Ok(7.into()));
        }
        assert_eq!(reads, 1);
    }

    #[test]
    fn what_was_wanted_last_is_kept_within_the_limits() {
        let mut parsed = Parsed::default();
        let value = Arc::new(Value::Null);
        for seed in 0..5 {
            parsed.keep(&name(seed), PARSED_BYTES_MAX / 2, &value);
        }
        let kept: Vec<bool> = (0..5)
            .map(|seed| parsed.get(&name(seed)).is_some())
            .collect();
        assert_eq!(kept, [false, false, false, true, true]);
        for bytes in [KEPT_BYTES_MIN - 1, PARSED_BYTES_MAX + 1] {
            parsed.keep(&name(9), bytes, &value);
            assert!(parsed.get(&name(9)).is_none());
        }

        parsed.clear();
        parsed.keep(&name(0), KEPT_BYTES_MIN, &value);
        for seed in 1..=100 {
            parsed.keep(&name(seed), KEPT_BYTES_MIN, &value);
            assert!(
                parsed.get(&name(0)).is_some(),
                "it is wanted again and again"
            );
        }
        assert_eq!(parsed.kept.len(), KEPT_MAX);
        assert!(parsed.get(&name(1)).is_none());
    }
}

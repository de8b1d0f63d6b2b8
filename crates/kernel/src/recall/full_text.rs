//! By words: BM25 over all passages.

use bm25::{Embedder, EmbedderBuilder, Scorer, Tokenizer};

use super::Hit;
use super::words;

/// Words come apart before: they stand with a space between them.
#[derive(Default)]
struct Spaces;

impl Spaces {
    fn of(text: &str) -> impl Iterator<Item = &str> {
        text.split(' ').filter(|word| !word.is_empty())
    }
}

impl Tokenizer for Spaces {
    fn tokenize(&self, text: &str) -> Vec<String> {
        Self::of(text).map(str::to_owned).collect()
    }
}

/// Stands for each word that isn't asked for: it counts in the length of a passage alone.
const OTHER: &str = "-";

/// The words of a passage with a space between them, as far as they are asked for.
fn words_asked_for(passage: &Hit, asked: &[String]) -> String {
    let folded = words::folded(&passage.searched());
    let mut out = String::new();
    for word in words::words(&folded) {
        let stem = words::stem(word);
        let is_asked = asked.iter().any(|one| one == stem);
        out.push_str(if is_asked { stem } else { OTHER });
        out.push(' ');
    }
    out
}

/// The passages in which words of the query stand, the best first.
pub(super) fn ranked(all: &[Hit], query: &str) -> Vec<usize> {
    let asked = words::asked(query);
    let texts: Vec<String> = all
        .iter()
        .map(|passage| words_asked_for(passage, &asked))
        .collect();
    let count: usize = texts.iter().map(|text| Spaces::of(text).count()).sum();
    let average = count as f32 / texts.len().max(1) as f32;
    let embedder: Embedder<u64, Spaces> = EmbedderBuilder::with_avgdl(average).build();
    let mut scorer = Scorer::<usize, u64>::new();
    for (at, text) in texts.iter().enumerate() {
        scorer.upsert(&at, embedder.embed(text));
    }
    let asked = embedder.embed(&asked.join(" "));
    // Not `matches`: its order of what is equally good differs from one process to the next.
    let scored = (0..all.len()).filter_map(|at| {
        let score = scorer.score(&at, &asked).filter(|score| *score > 0.0)?;
        Some((at, score))
    });
    let mut out: Vec<(usize, f32)> = scored.collect();
    out.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    out.into_iter().map(|(at, _)| at).collect()
}

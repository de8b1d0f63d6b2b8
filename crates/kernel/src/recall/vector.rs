//! By a vector: where words differ by their endings, by an accent or by a slip, their letters are
//! still much the same; where they mean the same, an embedder may know it.

use super::Hit;
use super::words;

/// Puts texts into one space, where those that say much the same lie in much the same direction.
/// It must give the same for the same: what a recall found is decided from.
///
/// A table of vectors in a file fits behind this as it is. What has to be asked over a network
/// would be asked by whoever carries computations out ([`crate::Contents::embedder`]), before it
/// does so: rules wait for nobody.
pub trait Embedder: Send + Sync {
    /// A vector for each text, all of one length.
    ///
    /// # Errors
    /// A sentence: why there are none. Whoever asked goes by the letters of words then, and says
    /// so.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String>;

    /// The least cosine at which two texts have to do with each other.
    fn cosine_min(&self) -> f32;

    /// The parts of a text that are compared with a query of so many words: spans of about as many,
    /// because what is short is near to nothing that is long. What knows whole texts takes all.
    fn parts<'t>(&self, text: &'t str, words: usize) -> Vec<&'t str> {
        spans(text, words)
    }

    /// The least cosine of a hit, where the nearest of all has this one.
    fn least(&self, nearest: f32) -> f32 {
        let _ = nearest;
        self.cosine_min()
    }

    /// A query as it is compared: the words that say something, as letters are compared. What
    /// knows words reads them as they were written.
    fn asked(&self, query: &str) -> String {
        words::asked(query).join(" ")
    }

    /// What it is, for people who look after a node.
    fn about(&self) -> String;
}

/// The letters of words, in threes and fours, counted in so many places: no table, no network, the
/// same everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grams;

/// How many places letters are counted in.
const PLACES: usize = 512;
/// How many letters are taken together.
const GRAM_LETTERS: [usize; 2] = [3, 4];
/// A word of so many letters counts whole; a shorter one less, because it says less.
const WHOLE_LETTERS: usize = 5;
/// Words that say nothing by themselves count so much.
const FILLER_WEIGHT: f32 = 0.1;

impl Embedder for Grams {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        Ok(texts.iter().map(|text| grams(text)).collect())
    }

    fn cosine_min(&self) -> f32 {
        0.25
    }

    fn about(&self) -> String {
        "letters".to_owned()
    }
}

fn grams(text: &str) -> Vec<f32> {
    let mut out = vec![0.0; PLACES];
    let folded = words::folded(text);
    let mut letters = Vec::new();
    for word in words::words(&folded) {
        letters.clear();
        letters.push(' '); // a word's beginning and end are letters like any other
        letters.extend(word.chars());
        letters.push(' ');
        let count = letters.len() - 2;
        let weight = if words::is_filler(word) {
            FILLER_WEIGHT
        } else {
            count.min(WHOLE_LETTERS) as f32 / WHOLE_LETTERS as f32
        };
        for size in GRAM_LETTERS {
            for gram in letters.windows(size) {
                let hash = hash(gram);
                let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
                out[hash as usize % PLACES] += sign * weight;
            }
        }
    }
    out
}

/// FNV-1a over letters instead of bytes, its upper half mixed into the lower: the same everywhere
/// and for ever.
fn hash(letters: &[char]) -> u64 {
    let hash = letters
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, letter| {
            (hash ^ u64::from(u32::from(*letter))).wrapping_mul(0x0100_0000_01b3)
        });
    hash ^ (hash >> 32)
}

/// How many products are added up side by side, which is what processors are made for; always in
/// the same order.
const LANES: usize = 8;

fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for (a, b) in one.chunks(LANES).zip(other.chunks(LANES)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let lengths = dot(one, one).sqrt() * dot(other, other).sqrt();
    if lengths > 0.0 {
        dot(one, other) / lengths
    } else {
        0.0
    }
}

/// The fewest words of a span.
const SPAN_WORDS_MIN: usize = 3;
/// The most.
const SPAN_WORDS_MAX: usize = 24;

/// A text in spans about as long as what is asked, each overlapping the one before: what is short
/// is near to nothing that is long.
fn spans(text: &str, asked: usize) -> Vec<&str> {
    let wide = (asked * 3 / 2).clamp(SPAN_WORDS_MIN, SPAN_WORDS_MAX);
    let places: Vec<(usize, usize)> = text
        .split_whitespace()
        .map(|word| {
            let from = word.as_ptr() as usize - text.as_ptr() as usize;
            (from, from + word.len())
        })
        .collect();
    let last = places.len().saturating_sub(wide);
    let starts = (0..last).step_by(wide.div_ceil(2)).chain([last]);
    starts
        .filter_map(|at| {
            let end = places.get((at + wide).min(places.len()).checked_sub(1)?)?.1;
            text.get(places.get(at)?.0..end)
        })
        .collect()
}

/// The passages that have to do with the query, the nearest first: each by its nearest span.
///
/// # Errors
/// Those of the embedder.
pub(super) fn ranked(
    all: &[Hit],
    query: &str,
    embedder: &dyn Embedder,
) -> Result<Vec<usize>, String> {
    let words = words::asked(query).len();
    let Some(asked) = embedder.embed(&[&embedder.asked(query)])?.pop() else {
        return Ok(Vec::new());
    };
    let mut out: Vec<(usize, f32)> = Vec::new();
    for (at, passage) in all.iter().enumerate() {
        let text = passage.searched();
        let near = embedder.embed(&embedder.parts(&text, words))?;
        let near = near.iter().map(|part| cosine(&asked, part));
        out.push((at, near.fold(0.0, f32::max)));
    }
    let nearest = out.iter().map(|(_, near)| *near).fold(0.0, f32::max);
    let least = embedder.least(nearest);
    out.retain(|(_, near)| *near >= least);
    out.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    Ok(out.into_iter().map(|(at, _)| at).collect())
}

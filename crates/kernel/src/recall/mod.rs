//! Recall: what stands in an agent's memory that fits a query, by its words and by a vector.
//!
//! Two lists are made of all passages, one by BM25 (`full_text.rs`) and one by an [`Embedder`],
//! and merged by reciprocal rank fusion: G. V. Cormack, C. L. A. Clarke and S. Büttcher,
//! *Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods*, SIGIR 2009.
//! There is no index: what is forgotten or written anew is so at once.

mod asked;
mod full_text;
mod passages;
mod same;
mod vector;
mod words;

use naos_types::think::FACTS;
use naos_types::{BodyRef, DocPath, Span, Time};
use serde::{Deserialize, Serialize};

pub use asked::{Given, Got, RECALL_TEXTS_MAX, Wanted};
pub(crate) use passages::is_day;
pub use passages::line_says;
pub use same::{Recalled, added, is_equal, is_same, repeats};
pub use vector::{Embedder, Grams};

/// The longest query, in bytes.
pub const RECALL_QUERY_BYTES_MAX: usize = 1_024;
/// How many hits there are where nobody says how many.
pub const RECALL_HITS: usize = 8;
/// The most hits of one recall.
pub const RECALL_HITS_MAX: usize = 20;
/// The most bytes of one hit's text; the rest is cut.
pub const RECALL_HIT_BYTES_MAX: usize = 4 * 1_024;
/// The most bytes of all hits of one recall, with where they stand.
pub const RECALL_ANSWER_BYTES_MAX: usize = 28 * 1_024;
/// The most bytes of documents that one recall looks through: a cell does nothing else meanwhile.
pub const RECALL_BYTES_MAX: u64 = 512 << 10;
/// How many days back notes are looked through, today included.
pub const RECALL_DAYS_MAX: i64 = 366;
/// The most documents that one recall looks through: what it learned, `MEMORY.md`, `WORKING.md`
/// and the notes.
pub const RECALL_DOCUMENTS_MAX: usize = 3 + RECALL_DAYS_MAX as usize;
/// The most passages of one document; the rest of it isn't looked through.
pub const RECALL_PASSAGES_MAX: usize = 8_192;

/// What is looked for, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recall {
    /// What is looked for.
    pub query: String,
    /// The most hits.
    pub hits_max: usize,
    /// Where.
    pub places: Vec<Place>,
}

/// A document that is looked through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Its path, as agents are told it.
    pub path: String,
    /// The day on which it was last written.
    pub day: String,
    /// What it says.
    pub body: BodyRef,
}

/// A document as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its path.
    pub path: String,
    /// The day on which it was last written.
    pub day: String,
    /// What it says.
    pub text: String,
}

/// Something that fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The document.
    pub document: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// The day of which it is; of `WORKING.md` and `MEMORY.md`, where a line says nothing, the day
    /// on which the document was last written.
    pub date: String,
    /// How sure its author was, where that is known.
    pub confidence: Option<f64>,
    /// Where its author had it from, where that is known.
    pub source: Option<String>,
    /// In which run it was learned, where that is known.
    pub run: Option<String>,
    /// The heading that it stands beneath.
    pub heading: Option<String>,
    /// What it says.
    pub text: String,
}

impl Hit {
    /// What is told of it: what is known, and in which version of the document it stands.
    #[must_use]
    pub fn told(&self, version: u64) -> serde_json::Value {
        let mut told = serde_json::to_value(self).unwrap_or_default();
        if let Some(fields) = told.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
            fields.insert("version".to_owned(), version.into());
        }
        told
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The best, best first.
    pub hits: Vec<Hit>,
    /// How many fit in all.
    pub fit: usize,
    /// How many passages were looked through.
    pub passages: usize,
    /// Why what knows what words mean gave nothing, if so: the letters of words stood in for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_letters: Option<String>,
}

impl Found {
    /// What whoever asked is told, where what words mean wasn't looked at.
    #[must_use]
    pub fn without_meaning(&self) -> Option<String> {
        let why = self.by_letters.as_ref()?;
        if crate::planted::is("letters-unsaid") {
            return None;
        }
        Some(format!(
            "By words and letters alone, not by what words mean: {why}. Other words for the same \
             may find more."
        ))
    }
}

/// What is looked for, if it can be.
///
/// # Errors
/// A sentence: what is wrong with it.
pub fn query(text: &str) -> Result<&str, String> {
    let text = text.trim();
    match text.len() {
        0 => Err("the query says nothing: name what you look for".to_owned()),
        bytes if bytes > RECALL_QUERY_BYTES_MAX => Err(format!(
            "the query has {bytes} bytes, at most {RECALL_QUERY_BYTES_MAX}: name what you look for \
             in a few words"
        )),
        _ => Ok(text),
    }
}

/// The documents of a workspace that hold what an agent remembers, the most important first.
///
/// # Errors
/// A sentence, if the folder's path leaves no room for their names.
pub fn documents(folder: &DocPath, now: Time) -> Result<Vec<DocPath>, String> {
    let named = [FACTS, "MEMORY.md", "WORKING.md"].map(str::to_owned);
    let days = (0..RECALL_DAYS_MAX).map(|back| {
        let at = now + Span(back * -naos_types::DAY_MS);
        format!("memory/{}.md", day(at))
    });
    let paths = named.into_iter().chain(days);
    paths
        .map(|name| DocPath::new(&format!("{folder}/{name}")))
        .collect()
}

/// A day as documents are named after it, in UTC.
#[must_use]
pub fn day(at: Time) -> String {
    at.rfc3339().chars().take(10).collect()
}

/// As many of the documents as there is room for, in their order, and how many have none.
#[must_use]
pub fn with_room<T>(all: Vec<T>, bytes: impl Fn(&T) -> u64) -> (Vec<T>, usize) {
    let mut left = RECALL_BYTES_MAX;
    let count = all.len();
    let taken: Vec<T> = all
        .into_iter()
        .filter(|one| match left.checked_sub(bytes(one)) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        })
        .collect();
    let left_out = count - taken.len();
    (taken, left_out)
}

/// Looks for what fits. Where the embedder gives nothing, the letters of words stand in for it.
#[must_use]
pub fn search(
    documents: &[Document],
    query: &str,
    hits_max: usize,
    embedder: &dyn Embedder,
) -> Found {
    let all = passages::of_all(documents);
    let by_words = full_text::ranked(&all, query);
    let (by_vector, by_letters) = match vector::ranked(&all, query, embedder) {
        Ok(ranked) => (ranked, None),
        Err(why) => {
            let ranked = vector::ranked(&all, query, &Grams);
            (ranked.unwrap_or_default(), Some(why))
        }
    };
    let order = fused(&[by_words, by_vector]);
    let mut hits = Vec::new();
    let mut left = RECALL_ANSWER_BYTES_MAX;
    for at in order.iter().take(hits_max.min(RECALL_HITS_MAX)) {
        let mut hit = all[*at].clone();
        hit.text = crate::run::cut(&hit.text, RECALL_HIT_BYTES_MAX);
        let bytes = serde_json::to_string(&hit).map_or(usize::MAX, |json| json.len());
        let Some(rest) = left.checked_sub(bytes) else {
            break;
        };
        left = rest;
        hits.push(hit);
    }
    Found {
        hits,
        fit: order.len(),
        passages: all.len(),
        by_letters,
    }
}

/// The texts of which a model is to be asked what they mean: those of the first passages, each
/// once.
#[must_use]
pub fn texts(documents: &[Document]) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    let all = passages::of_all(documents).into_iter();
    let all = all.map(|passage| passage.searched());
    let all = all.filter(|text| seen.insert(text.clone()));
    all.take(RECALL_TEXTS_MAX).collect()
}

/// All passages of documents, in their order.
#[must_use]
pub fn passages(documents: &[Document]) -> Vec<Hit> {
    passages::of_all(documents)
}

/// How much the first ranks of each list count more than the next: the value of the paper.
const FUSION_K: u64 = 60;
/// A reciprocal rank is a whole number of these parts, so that it is the same everywhere.
const FUSION_PARTS: u64 = 1_000_000_000;

/// Lists of passages, each best first, as one; what is equally good stands in the documents' order.
fn fused(lists: &[Vec<usize>]) -> Vec<usize> {
    let mut scores = std::collections::BTreeMap::<usize, u64>::new();
    for list in lists {
        for (rank, at) in list.iter().enumerate() {
            *scores.entry(*at).or_default() += FUSION_PARTS / (FUSION_K + 1 + rank as u64);
        }
    }
    let mut out: Vec<(usize, u64)> = scores.into_iter().collect();
    out.sort_by_key(|(at, score)| (std::cmp::Reverse(*score), *at));
    out.into_iter().map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests;

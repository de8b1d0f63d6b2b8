//! A recall for which a model is asked what words mean: what is journaled of it, and what came of
//! it. Whoever carries calls out looks, with the vectors that it was given: rules wait for nobody.

use std::collections::BTreeMap;
use std::sync::Arc;

use naos_types::Name;
use naos_types::spec::{ModelSpec, ModelUsage};
use serde::{Deserialize, Serialize};

use super::{Embedder, Found, Place, Recall};

/// The most texts of which a model is asked for one recall; what is beyond is found by its words.
pub const RECALL_TEXTS_MAX: usize = 4_096;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// What the agent's model called it by.
    pub tool: String,
    /// The arguments, JSON text.
    pub arguments: String,
    /// The model that knows what words mean.
    pub model: Name,
    /// How it is asked, and what it costs; without its document.
    pub spec: ModelSpec,
    /// What is looked for.
    pub query: String,
    /// The most hits.
    pub hits_max: usize,
    /// Where.
    pub places: Vec<Place>,
    /// How many documents there was no room for.
    pub left_out: usize,
}

impl Wanted {
    /// What the agent's model asked for, as a call of any other tool is kept.
    #[must_use]
    pub fn asked(&self) -> String {
        serde_json::json!({"tool": self.tool, "arguments": self.arguments}).to_string()
    }

    /// The same without a model.
    #[must_use]
    pub fn recall(&self) -> Recall {
        Recall {
            query: self.query.clone(),
            hits_max: self.hits_max,
            places: self.places.clone(),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Got {
    /// What was found; none where the model gave no vectors.
    pub found: Option<Found>,
    /// What was used, by the provider's figures, as far as there are any.
    pub usage: ModelUsage,
    /// Whether the provider may want more than these figures say.
    pub maybe_more: bool,
    /// Why there are no vectors.
    pub why: Option<String>,
}

/// How much farther than the nearest of all a hit may be. Models differ in how near they put what
/// has nothing to do with each other; within one, what fits stands close together.
const SLACK: f32 = 0.15;
/// Nothing is a hit that is farther.
const COSINE_MIN: f32 = 0.2;

/// Vectors that somebody gave; a text without one is near to nothing.
#[derive(Clone, Debug, Default)]
pub struct Given(pub BTreeMap<String, Arc<[f32]>>);

impl Embedder for Given {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        let vector = |text: &&str| {
            self.0
                .get(*text)
                .map_or_else(Vec::new, |found| found.to_vec())
        };
        Ok(texts.iter().map(vector).collect())
    }

    fn cosine_min(&self) -> f32 {
        COSINE_MIN
    }

    fn parts<'t>(&self, text: &'t str, _: usize) -> Vec<&'t str> {
        vec![text]
    }

    fn least(&self, nearest: f32) -> f32 {
        (nearest - SLACK).max(COSINE_MIN)
    }

    fn asked(&self, query: &str) -> String {
        query.to_owned()
    }

    fn about(&self) -> String {
        "vectors that were given".to_owned()
    }
}

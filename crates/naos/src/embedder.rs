//! By what agents recall: the letters of words, or a model on this machine that knows what words
//! mean. Such a model (Model2Vec) is a table: a vector for each of its words, and how a text is cut
//! into them. It is loaded once, and all cells share it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use model2vec_rs::model::StaticModel;
use naos_kernel::recall::{Embedder, Grams};
use naos_manifest::{NoChecks, NoFiles, RecallConfig, RecallEmbedder};
use naos_types::Code;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::fail::Fail;
use crate::project::Project;
use crate::sync;

/// Names the folder of a model, before the configuration.
pub(crate) const MODEL_VARIABLE: &str = "NAOS_RECALL_MODEL";

const TABLE: &str = "model.safetensors";
const WORDS: &str = "tokenizer.json";
const CONFIG: &str = "config.json";
/// The most bytes of a model's table: it stays in memory, twice while it is loaded.
const TABLE_BYTES_MAX: u64 = 1 << 30;
/// The most bytes of what says how texts are cut.
const WORDS_BYTES_MAX: u64 = 64 << 20;
const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// The most numbers of one vector.
const DIMENSIONS_MAX: usize = 4_096;
/// The names under which such models keep their vectors.
const VECTORS: [&str; 3] = ["embeddings", "0", "embedding.weight"];
/// The least cosine where nobody says another: what has nothing to do with a query is mostly below
/// a quarter in models of this kind, another word for the same mostly above a half.
const COSINE_MIN: f32 = 0.35;

/// What a model is made of, as whoever misses a part of it is told.
const PARTS: &str = "such a model is a folder of config.json, tokenizer.json and \
                     model.safetensors, as minishlab/potion-base-8M is";

/// By what this project's agents recall.
#[derive(Clone)]
pub(crate) enum Chosen {
    Letters,
    Model(Arc<Model>),
}

impl Chosen {
    /// Environment before configuration before letters. Nothing is loaded yet.
    pub(crate) fn of(project: &Project) -> Self {
        let named = std::env::var_os(MODEL_VARIABLE).filter(|folder| !folder.is_empty());
        let said = said(project);
        let cosine_min = said.as_ref().and_then(|said| said.cosine_min);
        let cosine_min = cosine_min.map_or(COSINE_MIN, |parts| f32::from(parts) / 10_000.0);
        let model = |folder| Self::Model(Arc::new(Model::new(folder, cosine_min)));
        match (named, said) {
            (Some(folder), _) => model(Ok(PathBuf::from(folder))),
            (None, Some(said)) if said.is_wrong => model(Err(Broken::new(
                "the section `recall` of the configuration can't be read",
                "`naos config validate` says what is wrong with it",
            ))),
            (None, Some(said)) if said.embedder == RecallEmbedder::Model => {
                model(Ok(project.root.join(said.model.unwrap_or_default())))
            }
            (None, _) => Self::Letters,
        }
    }

    /// What cells are given.
    pub(crate) fn embedder(&self) -> Arc<dyn Embedder> {
        match self {
            Self::Letters => Arc::new(Grams),
            Self::Model(model) => Arc::clone(model) as Arc<dyn Embedder>,
        }
    }

    /// Loads what has to be loaded, and says what was: one that serves others does so at its
    /// start, so that a broken model is no surprise of the first recall.
    pub(crate) fn load(&self) -> Result<String, Fail> {
        let Self::Model(model) = self else {
            return Ok("by words and their letters".to_owned());
        };
        match model.table() {
            Ok(table) => {
                let (called, dimensions) = (&model.called, table.dim());
                Ok(format!(
                    "by words and the model {called}, {dimensions} dimensions"
                ))
            }
            Err(broken) => {
                let at = model.folder.as_ref().ok();
                let at = at.map_or(String::new(), |folder| format!(" in {}", folder.display()));
                let what = format!("agents can't recall by the model{at}: {}", broken.what);
                Err(Fail::new(Code::BAD_DOCUMENT, what).help(broken.help.as_str()))
            }
        }
    }
}

/// What the project's configuration says of it. What is wrong with the rest of it is said when it
/// is applied.
fn said(project: &Project) -> Option<RecallConfig> {
    let config = project.config.as_ref()?;
    let document = sync::document(config, project.label(config)).ok()?;
    let (read, _) = naos_manifest::parse_all(&document.label, &document.text, &NoFiles, &NoChecks);
    read.project?.recall
}

/// Why there is no model, and what to do. Agents are told the first half: no paths.
#[derive(Clone, Debug)]
struct Broken {
    what: String,
    help: String,
}

impl Broken {
    fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        let (what, help) = (what.into(), help.into());
        Self { what, help }
    }
}

/// A model: loaded when it is first asked for.
pub(crate) struct Model {
    called: String,
    folder: Result<PathBuf, Broken>,
    cosine_min: f32,
    table: OnceLock<Result<StaticModel, Broken>>,
}

impl Model {
    fn new(folder: Result<PathBuf, Broken>, cosine_min: f32) -> Self {
        let name = folder.as_ref().ok().and_then(|folder| folder.file_name());
        let called = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Self {
            called,
            folder,
            cosine_min,
            table: OnceLock::new(),
        }
    }

    fn table(&self) -> Result<&StaticModel, &Broken> {
        let found = self.table.get_or_init(|| {
            let loaded = self.folder.clone().and_then(|folder| load(&folder));
            if let Err(broken) = &loaded {
                let (why, help) = (broken.what.as_str(), broken.help.as_str());
                tracing::error!(why, help, "agents recall by words and letters alone");
            }
            loaded
        });
        found.as_ref()
    }
}

impl Embedder for Model {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        let table = self.table().map_err(|broken| broken.what.clone())?;
        vectors(table, texts)
    }

    fn cosine_min(&self) -> f32 {
        self.cosine_min
    }

    fn asked(&self, query: &str) -> String {
        query.to_owned()
    }

    fn about(&self) -> String {
        format!("model {}", self.called)
    }
}

/// Its texts one by one, in this thread: the library would start others for many at once. It
/// panics where a text can't be cut, and a cell must not be broken by that.
fn vectors(table: &StaticModel, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
    let all = || texts.iter().map(|text| table.encode_single(text)).collect();
    catch_unwind(AssertUnwindSafe(all)).map_err(|_| "the model can't read a text".to_owned())
}

fn load(folder: &Path) -> Result<StaticModel, Broken> {
    if !folder.is_dir() {
        let help = format!(
            "check the path: `recall.model` of the configuration, beside which it lies, or \
             {MODEL_VARIABLE}; {PARTS}"
        );
        return Err(Broken::new("there is no such folder", help));
    }
    let config = read(folder, CONFIG, CONFIG_BYTES_MAX)?;
    let words = read(folder, WORDS, WORDS_BYTES_MAX)?;
    let table = read(folder, TABLE, TABLE_BYTES_MAX)?;
    fits(count(&words)?, &table)?;
    let model = StaticModel::from_bytes(&words, &table, &config, None)
        .map_err(|error| Broken::new(format!("{error:#}"), again("its files")))?;
    // A table that fits can be asked; whatever else is wrong with it shows here and not later.
    vectors(&model, &["naos"]).map_err(|what| Broken::new(what, again("its files")))?;
    Ok(model)
}

fn again(what: &str) -> String {
    format!("fetch {what} once more; {PARTS}")
}

fn read(folder: &Path, name: &str, bytes_max: u64) -> Result<Vec<u8>, Broken> {
    let path = folder.join(name);
    let unread = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Broken::new(format!("{name} isn't there"), PARTS),
        _ => Broken::new(
            format!("{name} can't be read: {error}"),
            "let whoever runs naos read it",
        ),
    };
    let bytes = fs::metadata(&path).map_err(unread)?.len();
    if bytes > bytes_max {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let (bytes, most) = (mib(bytes), mib(bytes_max));
        return Err(Broken::new(
            format!("{name} has {bytes} MiB, at most {most}"),
            "take a smaller model: it stays in memory",
        ));
    }
    let read = fs::read(&path).map_err(unread)?;
    if read.starts_with(b"version https://git-lfs") {
        return Err(Broken::new(
            format!("{name} is the pointer of a file that Git LFS keeps"),
            "fetch the file itself: `git lfs pull` in that folder",
        ));
    }
    Ok(read)
}

/// How texts are cut, as far as it is looked at here.
#[derive(Deserialize)]
struct Cut {
    #[serde(default)]
    added_tokens: Vec<Added>,
    model: Known,
}

#[derive(Deserialize)]
struct Added {
    id: usize,
}

#[derive(Deserialize)]
struct Known {
    vocab: Vocabulary,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vocabulary {
    Numbered(BTreeMap<String, usize>),
    InOrder(Vec<IgnoredAny>),
}

/// How many words a model has to have a vector for: one more than the highest number of a word.
fn count(words: &[u8]) -> Result<usize, Broken> {
    let cut: Cut = serde_json::from_slice(words).map_err(|error| {
        let what = format!("{WORDS} doesn't say how texts are cut: {error}");
        Broken::new(what, again(WORDS))
    })?;
    let known = match cut.model.vocab {
        Vocabulary::InOrder(all) => all.len(),
        Vocabulary::Numbered(all) => all.into_values().max().map_or(0, |id| id.saturating_add(1)),
    };
    let added = cut.added_tokens.iter().map(|one| one.id.saturating_add(1));
    Ok(added.max().unwrap_or(0).max(known))
}

/// The library takes a vector for each word for granted: so that is looked at before.
fn fits(words: usize, bytes: &[u8]) -> Result<(), Broken> {
    let broken = |what: String| Broken::new(format!("{TABLE}: {what}"), again(TABLE));
    let table = SafeTensors::deserialize(bytes)
        .map_err(|error| broken(format!("it is broken or cut short ({error})")))?;
    let vectors = VECTORS.iter().find_map(|name| table.tensor(name).ok());
    let vectors = vectors.ok_or_else(|| broken("there are no `embeddings` in it".to_owned()))?;
    let &[rows, dimensions] = vectors.shape() else {
        let count = vectors.shape().len();
        let what = format!("its `embeddings` are numbers in {count} directions, a table has two");
        return Err(broken(what));
    };
    if !(1..=DIMENSIONS_MAX).contains(&dimensions) {
        let what = format!("its vectors have {dimensions} numbers, 1 to {DIMENSIONS_MAX} can be");
        return Err(broken(what));
    }
    let few = |count: usize| {
        let what = format!("it has {count} vectors, and {WORDS} has {words} words");
        let help = "both come from one model: take all files of the same one";
        Broken::new(format!("{TABLE}: {what}"), help)
    };
    let Ok(mapping) = table.tensor("mapping") else {
        return if rows < words { Err(few(rows)) } else { Ok(()) };
    };
    let width = match mapping.dtype() {
        Dtype::I64 => 8,
        Dtype::I32 => 4,
        other => {
            return Err(broken(format!(
                "its `mapping` holds {other:?}, not numbers"
            )));
        }
    };
    let mut all = mapping.data().chunks_exact(width);
    if all.len() < words {
        return Err(few(all.len()));
    }
    let is_row = |number: &[u8]| {
        let mut whole = [0; 8]; // a negative one is larger than any table
        whole[..number.len()].copy_from_slice(number);
        u64::from_le_bytes(whole) < rows as u64
    };
    if all.all(is_row) {
        return Ok(());
    }
    Err(broken(format!(
        "its `mapping` names vectors beyond the {rows} that it has"
    )))
}

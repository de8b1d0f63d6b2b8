//! A model of the tests: a few words, of which some mean nearly the same.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};
use serde_json::json;

use crate::project::put;

/// Its words and their vectors.
pub const WORDS: &[(&str, [f32; 3])] = &[
    ("[PAD]", [0.0, 0.0, 0.0]),
    ("[UNK]", [0.0, 0.0, 0.0]),
    ("car", [1.0, 0.1, 0.0]),
    ("vehicle", [0.9, 0.2, 0.0]),
    ("boat", [0.0, 0.0, 1.0]),
];

/// How it cuts texts into words.
pub fn cut() -> String {
    let vocabulary: HashMap<&str, usize> = WORDS
        .iter()
        .enumerate()
        .map(|(id, (word, _))| (*word, id))
        .collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": true,
            "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": null, "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary},
    })
    .to_string()
}

/// Numbers as a table of this form.
pub fn table(numbers: &[f32], shape: &[usize]) -> Vec<u8> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|one| one.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, shape.to_vec(), &bytes).unwrap();
    serialize([("embeddings", view)], &None).unwrap()
}

/// The whole model in a folder.
pub fn write(folder: &Path) {
    let numbers: Vec<f32> = WORDS.iter().flat_map(|(_, vector)| *vector).collect();
    put(
        &folder.join("config.json"),
        r#"{"model_type": "model2vec", "normalize": true}"#,
    );
    put(&folder.join("tokenizer.json"), cut());
    put(
        &folder.join("model.safetensors"),
        table(&numbers, &[WORDS.len(), 3]),
    );
}

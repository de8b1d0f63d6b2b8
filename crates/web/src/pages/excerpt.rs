//! Text of any length, shown up to a limit.

/// What a page shows of one text; longer ones are cut at a character.
pub const EXCERPT_BYTES_MAX: usize = 16 * 1024;

/// The beginning of a text, and how long the whole is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// What is shown.
    pub text: String,
    /// How long the whole text is.
    pub bytes: u64,
}

impl Excerpt {
    /// As much of the text as a page shows.
    pub fn new(text: &str) -> Excerpt {
        Excerpt::upto(text, EXCERPT_BYTES_MAX)
    }

    /// As much of it as fits in so many bytes.
    pub fn upto(text: &str, most: usize) -> Excerpt {
        let end = text.floor_char_boundary(most);
        Excerpt {
            text: text[..end].to_owned(),
            bytes: text.len() as u64,
        }
    }

    /// Whether something is left out.
    pub fn is_cut(&self) -> bool {
        (self.text.len() as u64) < self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_whole_and_long_ones_end_at_a_character() {
        assert!(!Excerpt::new("").is_cut());
        assert!(!Excerpt::new(&"é".repeat(EXCERPT_BYTES_MAX / 2)).is_cut());
        let cut = Excerpt::new(&format!("a{}", "é".repeat(EXCERPT_BYTES_MAX / 2)));
        assert!(cut.is_cut());
        assert_eq!(cut.text.len(), EXCERPT_BYTES_MAX - 1);
        assert_eq!(cut.bytes, EXCERPT_BYTES_MAX as u64 + 1);
    }
}

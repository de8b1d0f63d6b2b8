//! Splits masked code into words and marks.

/// A word, `::`, or one other character.
pub struct Token {
    pub text: String,
    pub offset: usize,
}

impl Token {
    pub fn is_word(&self) -> bool {
        self.text
            .starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// Numbers are words that start with a digit, so that `1_000` is one token.
pub fn split(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = code[at..].chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            let rest = &code[at..];
            rest.find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len())
        } else if code[at..].starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            tokens.push(Token {
                text: code[at..at + length].to_owned(),
                offset: at,
            });
        }
        at += length;
    }
    tokens
}

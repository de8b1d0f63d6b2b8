//! What looks like a key, by the name of a file or by what stands in it. Rather one file too many
//! is refused than one key kept: a person takes it out and imports again.

/// Names of files and folders that hold secrets, without case.
const NAMES: [&str; 12] = [
    ".env",
    ".ssh",
    ".gnupg",
    ".netrc",
    ".npmrc",
    ".pypirc",
    "openclaw.json",
    "clawdbot.json",
    "moltbot.json",
    "auth-profiles.json",
    "auth.json",
    "keys.json",
];
/// How such names begin.
const BEGINNINGS: [&str; 13] = [
    ".env.",
    "openclaw.json.",
    "credential",
    "secret",
    "token",
    "password",
    "passwd",
    "apikey",
    "api_key",
    "api-key",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
];
/// How they end.
const ENDINGS: [&str; 9] = [
    ".env",
    ".pem",
    ".key",
    ".p12",
    ".pfx",
    ".jks",
    ".keystore",
    ".kdbx",
    ".ppk",
];
/// How keys of well-known services begin, how long they are at least, and whose they are.
const KEYS: [(&str, usize, &str); 22] = [
    ("sk-", 20, "a key of a model's provider"),
    ("sk_live_", 20, "a key of Stripe"),
    ("rk_live_", 20, "a key of Stripe"),
    ("ghp_", 24, "a token of GitHub"),
    ("gho_", 24, "a token of GitHub"),
    ("ghu_", 24, "a token of GitHub"),
    ("ghs_", 24, "a token of GitHub"),
    ("github_pat_", 24, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("xoxb-", 20, "a token of Slack"),
    ("xoxp-", 20, "a token of Slack"),
    ("xoxa-", 20, "a token of Slack"),
    ("xapp-", 20, "a token of Slack"),
    ("AKIA", 20, "a key of AWS"),
    ("ASIA", 20, "a key of AWS"),
    ("AIza", 35, "a key of Google"),
    ("hf_", 30, "a token of Hugging Face"),
    ("npm_", 30, "a token of npm"),
    ("pypi-", 40, "a token of PyPI"),
    ("gsk_", 30, "a key of a model's provider"),
    ("xai-", 30, "a key of a model's provider"),
    ("tvly-", 20, "a key of a search service"),
];
/// Words after which a long value is a secret.
const WORDS: [&str; 10] = [
    "api_key",
    "api-key",
    "apikey",
    "api key",
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "bearer",
];
/// A shorter value after such a word is a word itself.
const VALUE_BYTES_MIN: usize = 16;

/// Whether a file or folder of this name holds secrets. Skills are about tokens and passwords at
/// times, so that how a name begins says nothing there.
pub(super) fn is_named_so(name: &str, is_skill: bool) -> bool {
    let name = name.to_lowercase();
    NAMES.contains(&name.as_str())
        || (!is_skill && BEGINNINGS.iter().any(|begins| name.starts_with(begins)))
        || ENDINGS.iter().any(|ends| name.ends_with(ends))
}

/// The first line that holds what looks like a key, counted from 1, and what it looks like.
pub(super) fn found(text: &str) -> Option<(usize, &'static str)> {
    let mut lines = text.lines().enumerate();
    lines.find_map(|(at, line)| Some((at + 1, of_line(line)?)))
}

fn of_line(line: &str) -> Option<&'static str> {
    if line.contains("-----BEGIN") && line.contains("PRIVATE KEY") {
        return Some("a private key");
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    for word in line.split(|c| !is_word(c)) {
        let key = KEYS.iter().find(|(begins, least, _)| {
            word.starts_with(begins) && word.len() >= *least && word.contains(is_digit)
        });
        if let Some((.., what)) = key {
            return Some(what);
        }
    }
    for word in line.split(|c| !is_word(c) && !matches!(c, '.' | ':' | '@' | '/')) {
        if word.starts_with("eyJ") && word.matches('.').count() == 2 && word.len() > 40 {
            return Some("a signed token (JWT)");
        }
        if is_bot_token(word) {
            return Some("a token of a Telegram bot");
        }
        if has_password(word) {
            return Some("an address with a password");
        }
    }
    let low = line.to_ascii_lowercase();
    let mut places = WORDS.iter().flat_map(|word| {
        let ends = low.match_indices(word).map(|(at, found)| at + found.len());
        ends.collect::<Vec<_>>()
    });
    places
        .any(|end| is_value(&line[end..]))
        .then_some("a secret that is written down")
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// `123456789:AA…`
fn is_bot_token(word: &str) -> bool {
    word.split_once(':').is_some_and(|(number, rest)| {
        (8..=12).contains(&number.len())
            && number.chars().all(is_digit)
            && rest.len() >= 30
            && !rest.contains([':', '/', '@'])
    })
}

/// `https://name:password@host`
fn has_password(word: &str) -> bool {
    let Some((_, rest)) = word.split_once("://") else {
        return false;
    };
    let place = rest.split('/').next().unwrap_or_default();
    let who = place.rsplit_once('@').map(|(who, _)| who);
    who.and_then(|who| who.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty())
}

/// `: "0123…"` behind a word for a secret: long, letters and digits.
fn is_value(rest: &str) -> bool {
    let rest = rest.trim_start_matches(['"', '\'', '`', '*', ' ', '_']);
    let rest = rest.trim_start_matches([':', '=']);
    let rest = rest.trim_start_matches(['"', '\'', '`', '*', ' ', '\t']);
    let fits =
        |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '/' | '=' | '.');
    let value: String = rest.chars().take_while(fits).collect();
    value.len() >= VALUE_BYTES_MIN
        && value.contains(is_digit)
        && value.contains(|c: char| c.is_ascii_alphabetic())
        // A date, a version or a path is none.
        && !value.contains("..")
        && !value.starts_with(['/', '.'])
        && value.matches('/').count() < 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            ".env",
            ".env.local",
            "prod.env",
            "openclaw.json",
            "openclaw.json.bak",
            "server.pem",
            "Credentials.md",
            "secrets",
            "id_rsa.pub",
            "token.txt",
        ] {
            assert!(is_named_so(name, false), "{name}");
        }
        for name in [
            "SOUL.md",
            "keyboard.md",
            "environment.md",
            "monkey.md",
            "notes.json",
        ] {
            assert!(!is_named_so(name, false), "{name}");
        }
        assert!(!is_named_so("tokens.css", true) && is_named_so(".env", true));
    }

    #[test]
    fn what_looks_like_a_key() {
        let long = "A1b2C3d4E5f6A1b2C3d4E5f6A1b2C3d4E5f6";
        for line in [
            &format!("use sk-proj-{long} for it"),
            &format!("`ghp_{long}`"),
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            &format!("eyJhbGciOiJIUzI1NiJ9.{long}.{long}"),
            &format!("bot 123456789:{long}"),
            "postgres://ann:hunter2@db.example/app",
            &format!("API_KEY={long}"),
            &format!("- **Password:** {long}"),
            &format!("Authorization: Bearer {long}"),
            "AKIAIOSFODNN7EXAMPLE",
        ] {
            assert!(of_line(line).is_some(), "{line}");
        }
        for line in [
            "Ask for the API key when you need it: it is in the password manager.",
            "token: ${OPENAI_API_KEY}",
            "key: env:ANTHROPIC_API_KEY",
            "https://docs.example.com/reference/2026/10/05/tokens-and-secrets",
            "The token budget is 24000 tokens a run.",
            "sk-learn-is-a-library-for-python",
            "- Riake pays late (mail/7, 2026-10-05)",
            "at 10:30:00 meet ann@example.com",
        ] {
            assert_eq!(of_line(line), None, "{line}");
        }
        let text = format!("# Tools\n\nAPI_KEY={long}\n");
        assert_eq!(found(&text).map(|(line, _)| line), Some(3));
    }
}

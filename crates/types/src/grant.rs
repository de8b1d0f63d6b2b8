//! What an agent may do, and within which limits.

use serde::{Deserialize, Serialize};

use crate::{Micros, Span};

/// The abilities an agent's manifest grants. Everything else is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    /// Private state that outlives a run.
    pub state: bool,
    /// Path prefixes of documents it may read.
    pub context_read: Vec<String>,
    /// Path prefixes of documents it may write.
    pub context_write: Vec<String>,
    /// Hosts it may send HTTP requests to, see [`reaches`].
    pub http_hosts: Vec<String>,
    /// Event types it may publish: `report.ready`, `report.*`.
    pub emit: Vec<String>,
    /// Whether it may ask a person.
    pub ask: bool,
    /// The clock of its run.
    pub clock: bool,
    /// Random numbers of its run.
    pub random: bool,
}

/// The limits of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunLimits {
    /// Instructions, roughly.
    pub fuel_max: u64,
    /// Linear memory in bytes.
    pub memory_bytes_max: u64,
    /// Wall-clock time of one attempt.
    pub wall_max: Span,
    /// Length of the answer in bytes.
    pub output_bytes_max: u64,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            fuel_max: 5_000_000_000,
            memory_bytes_max: 64 << 20,
            wall_max: Span::secs(30),
            output_bytes_max: 1 << 20,
        }
    }
}

/// What the guard allowed one run, as journaled: enough to ask for a fresh permit later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The abilities.
    pub grants: Grants,
    /// The limits.
    pub limits: RunLimits,
    /// The most it may cost; nothing bounds a run that works with a model where this is nothing.
    pub cost_max: Micros,
}

/// Whether one of `hosts` covers an address: the one meaning of a host in a manifest, for the
/// guard and for the sandbox. `api.example.com` is that host at the port of the scheme,
/// `api.example.com:8443` at this port, `*.example.com` every name below it and never
/// `example.com` itself, `*` every host at the scheme's port.
#[must_use]
pub fn reaches(hosts: &[String], host: &str, port: u16, own_port: u16) -> bool {
    let host = host.to_ascii_lowercase();
    hosts.iter().any(|granted| {
        let granted = granted.to_ascii_lowercase();
        let (name, at) = split_port(&granted);
        if at.unwrap_or(own_port) != port {
            return false;
        }
        match name.strip_prefix('*') {
            Some("") => true,
            Some(below) if below.starts_with('.') => {
                host.len() > below.len() && host.ends_with(below)
            }
            _ => name == host,
        }
    })
}

/// A host and the port behind it; the colons of an address in brackets are its own.
fn split_port(text: &str) -> (&str, Option<u16>) {
    match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (text, None),
        },
        _ => (text, None),
    }
}

/// Whether a pattern of a manifest covers a document: a path with `*` (within a folder) and `**`
/// (across folders); one that ends with `/` means all beneath it.
#[must_use]
pub fn covers(pattern: &str, path: &str) -> bool {
    if pattern.ends_with('/') {
        return path.len() > pattern.len() && path.starts_with(pattern);
    }
    glob(pattern, path, b'/')
}

/// Whether patterns of a manifest cover a type of events: `report.*` is `report.written` and not
/// `report.written.twice`, which `report.**` is.
#[must_use]
pub fn publishes(patterns: &[String], topic: &str) -> bool {
    patterns.iter().any(|pattern| glob(pattern, topic, b'.'))
}

/// `*` stands for anything but `separator`, `**` for anything. Walks back to the last star only,
/// so it is quadratic at worst; patterns come from the manifest, texts are short.
#[must_use]
pub fn glob(pattern: &str, text: &str, separator: u8) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go back to, one place per kind of star: (pattern behind it, text it has eaten to).
    type Back = Option<(usize, usize)>;
    let (mut one, mut many): (Back, Back) = (None, None);
    loop {
        if pattern[p..].starts_with(b"**") {
            p += 2;
            (many, one) = (Some((p, t)), None);
            continue;
        }
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            one = Some((p, t));
            continue;
        }
        match (pattern.get(p), text.get(t)) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b => {
                (p, t) = (p + 1, t + 1);
                continue;
            }
            _ => {}
        }
        match (one, many) {
            (Some((after, eaten)), _) if eaten < text.len() && text[eaten] != separator => {
                one = Some((after, eaten + 1));
                (p, t) = (after, eaten + 1);
            }
            (_, Some((after, eaten))) if eaten < text.len() => {
                (many, one) = (Some((after, eaten + 1)), None);
                (p, t) = (after, eaten + 1);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{covers, reaches};

    #[test]
    fn hosts_and_ports() {
        for (granted, host, port, yes) in [
            ("Api.example.com", "api.example.com", 443, true),
            ("api.example.com", "API.example.com", 443, true),
            ("api.example.com", "api.example.com", 8443, false),
            ("api.example.com:443", "api.example.com", 443, true),
            ("api.example.com:8443", "api.example.com", 8443, true),
            ("api.example.com:8443", "api.example.com", 443, false),
            ("api.example.com", "evil-api.example.com", 443, false),
            ("api.example.com", "api.example.com.evil.test", 443, false),
            ("*.example.com", "a.b.example.com", 443, true),
            ("*.example.com", "example.com", 443, false),
            ("*.example.com", "badexample.com", 443, false),
            ("*.example.com", "a.example.com", 81, false),
            ("*.example.com:81", "a.example.com", 81, true),
            ("*", "a.example.com", 443, true),
            ("*", "a.example.com", 81, false),
            ("[::1]:8080", "[::1]", 8080, true),
            ("[::1]", "[::1]", 443, true),
            ("a.example:http", "a.example", 443, false),
        ] {
            let granted = [granted.to_owned()];
            assert_eq!(
                reaches(&granted, host, port, 443),
                yes,
                "{granted:?} {host} {port}"
            );
        }
    }

    #[test]
    fn path_patterns() {
        for (pattern, path, expected) in [
            ("notes/a.md", "notes/a.md", true),
            ("notes/a.md", "notes/b.md", false),
            ("notes/*", "notes/a.md", true),
            ("notes/*", "notes/sub/a.md", false),
            ("notes/**", "notes/sub/a.md", true),
            ("notes/**/a.md", "notes/x/y/a.md", true),
            ("**/*.md", "x/y/a.md", true),
            ("**/*.md", "x/y/a.txt", false),
            ("notes/", "notes/sub/a.md", true),
            ("notes/", "notes", false),
            ("notes/", "notes/", false),
            ("*", "a", true),
            ("*", "a/b", false),
            ("**", "a/b", true),
            ("a*c", "abbc", true),
            ("a*c", "ab", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(covers(pattern, path), expected, "{pattern} on {path}");
        }
    }
}

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
    /// The most it may cost.
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

#[cfg(test)]
mod tests {
    use super::reaches;

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
}

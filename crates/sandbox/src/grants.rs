//! What one agent's manifest allows, and the sentence for what it does not.

/// What an agent may do. Empty: nothing at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// The agent's name, for the sentences of refusals.
    pub agent: String,
    /// May write log lines.
    pub log: bool,
    /// May keep private state.
    pub state: bool,
    /// Documents it may read: paths with `*` (within a folder) and `**` (across folders); a
    /// pattern that ends with `/` means all beneath it.
    pub context_read: Vec<String>,
    /// Documents it may write, in the same form.
    pub context_write: Vec<String>,
    /// Hosts it may send requests to, see [`naos_types::reaches`].
    pub http_hosts: Vec<String>,
    /// May read the run's clock.
    pub clock: bool,
    /// May draw random bytes.
    pub random: bool,
    /// Kinds of events it may publish: `report.written`, `report.*`.
    pub emit_kinds: Vec<String>,
    /// May ask a person.
    pub ask: bool,
}

impl Grants {
    /// What to write into the manifest so that `what` is allowed: a switch.
    pub(crate) fn switch(&self, what: &str, key: &str) -> String {
        let agent = self.name();
        format!("the manifest does not grant {what}: set agents.{agent}.sandbox.{key} to true")
    }

    /// The same for a list that lacks an item.
    pub(crate) fn item(&self, what: &str, item: &str, key: &str) -> String {
        let agent = self.name();
        format!("the manifest does not grant {what}: add {item:?} to agents.{agent}.sandbox.{key}")
    }

    pub(crate) fn reads(&self, path: &str) -> bool {
        self.context_read
            .iter()
            .any(|pattern| naos_types::covers(pattern, path))
    }

    pub(crate) fn writes(&self, path: &str) -> bool {
        self.context_write
            .iter()
            .any(|pattern| naos_types::covers(pattern, path))
    }

    pub(crate) fn emits(&self, kind: &str) -> bool {
        naos_types::publishes(&self.emit_kinds, kind)
    }

    /// `host` in lower case; `own_port` is the scheme's, and the one that a bare host means.
    pub(crate) fn reaches(&self, host: &str, port: u16, own_port: u16) -> bool {
        naos_types::reaches(&self.http_hosts, host, port, own_port)
    }

    fn name(&self) -> &str {
        if self.agent.is_empty() {
            "NAME"
        } else {
            &self.agent
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_kinds_are_split_at_dots() {
        let grants = Grants {
            emit_kinds: vec!["report.*".into()],
            ..Grants::default()
        };
        assert!(grants.emits("report.written"));
        assert!(!grants.emits("report.written.twice"));
        assert!(!grants.emits("mail.sent"));
    }

    #[test]
    fn hosts() {
        let hosts = [
            "Api.example.com",
            "*.shop.example",
            "localhost:8080",
            "named.example:443",
        ];
        let grants = Grants {
            http_hosts: hosts.map(String::from).into(),
            ..Grants::default()
        };
        for (host, port, expected) in [
            ("api.example.com", 443, true),
            ("api.example.com", 8443, false),
            ("evil-api.example.com", 443, false),
            ("api.example.com.evil.example", 443, false),
            ("a.shop.example", 443, true),
            ("a.b.shop.example", 443, true),
            ("shop.example", 443, false),
            ("evilshop.example", 443, false),
            ("a.shop.example", 81, false),
            ("localhost", 8080, true),
            ("localhost", 443, false),
            ("named.example", 443, true),
            ("named.example", 80, false),
        ] {
            assert_eq!(grants.reaches(host, port, 443), expected, "{host} {port}");
        }
    }

    #[test]
    fn a_refusal_names_the_line() {
        let grants = Grants {
            agent: "fetcher".into(),
            ..Grants::default()
        };
        assert_eq!(
            grants.item("HTTP to x.example", "x.example", "allowed_hosts"),
            "the manifest does not grant HTTP to x.example: \
             add \"x.example\" to agents.fetcher.sandbox.allowed_hosts"
        );
        assert_eq!(
            grants.switch("the clock", "clock"),
            "the manifest does not grant the clock: set agents.fetcher.sandbox.clock to true"
        );
    }
}

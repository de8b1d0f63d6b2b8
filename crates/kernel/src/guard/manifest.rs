//! What a manifest grants to a gated call.

use naos_types::Name;
use naos_types::input::Asked;

use naos_types::Grants;

/// Whether `grants` allow what is asked; else the sentence that the guest gets, which names the
/// manifest line that would.
pub(crate) fn granted(grants: &Grants, agent: &Name, asked: &Asked) -> Result<(), String> {
    match asked {
        Asked::Http { host, .. } => {
            if grants
                .http_hosts
                .iter()
                .any(|pattern| host_matches(pattern, host))
            {
                return Ok(());
            }
            Err(format!(
                "{agent} may not reach {host}: add \"{host}\" to \
                 agents.{agent}.capabilities.http"
            ))
        }
        Asked::Emit { topic, .. } => {
            if grants
                .emit
                .iter()
                .any(|pattern| topic_matches(pattern, topic))
            {
                return Ok(());
            }
            Err(format!(
                "{agent} may not publish {topic}: add \"{topic}\" to \
                 agents.{agent}.capabilities.emit"
            ))
        }
        Asked::Ask { .. } if grants.ask => Ok(()),
        Asked::Ask { .. } => Err(format!(
            "{agent} may not ask a person: set agents.{agent}.capabilities.ask to true"
        )),
    }
}

/// `*.example.com` covers `a.example.com`, not `example.com`; `*` covers everything.
fn host_matches(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    match pattern.strip_prefix("*.") {
        Some(domain) => host
            .strip_suffix(domain)
            .is_some_and(|head| head.ends_with('.')),
        None => pattern == "*" || pattern == host,
    }
}

/// `report.*` covers `report.ready`; `*` covers everything.
fn topic_matches(pattern: &str, topic: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => topic.starts_with(prefix),
        None => pattern == topic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, host, yes) in [
            ("api.example.com", "API.example.com", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "badexample.com", false),
            ("example.com", "example.com.evil.test", false),
        ] {
            assert_eq!(host_matches(pattern, host), yes, "{pattern} {host}");
        }
        assert!(topic_matches("report.*", "report.ready") && !topic_matches("report", "reports"));
    }
}

//! What a manifest grants to a gated call.

use naos_types::Name;
use naos_types::input::Asked;

use naos_types::Grants;

/// Whether `grants` allow what is asked; else the sentence that the guest gets, which names the
/// manifest line that would.
pub(crate) fn granted(grants: &Grants, agent: &Name, asked: &Asked) -> Result<(), String> {
    match asked {
        Asked::Http {
            host,
            port,
            own_port,
            ..
        } => {
            if naos_types::reaches(&grants.http_hosts, host, *port, *own_port) {
                return Ok(());
            }
            let named = if port == own_port {
                host.clone()
            } else {
                format!("{host}:{port}")
            };
            Err(format!(
                "{agent} may not reach {named}: add \"{named}\" to \
                 agents.{agent}.grants.http"
            ))
        }
        Asked::Emit { topic, .. } => {
            let beyond = crate::planted::is("emits-beyond-its-grant");
            if naos_types::publishes(&grants.emit, topic) || beyond {
                return Ok(());
            }
            Err(format!(
                "{agent} may not publish {topic}: add \"{topic}\" to \
                 agents.{agent}.grants.emit"
            ))
        }
        Asked::Ask { .. } if grants.ask => Ok(()),
        Asked::Ask { .. } => Err(format!(
            "{agent} may not ask a person: set agents.{agent}.grants.ask to true"
        )),
    }
}

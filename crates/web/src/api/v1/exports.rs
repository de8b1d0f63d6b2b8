//! `/export`: all resources as one document that `apply` takes back.

use naos_engine::read::Reader;
use naos_kernel::agent::Agent;
use naos_kernel::budget::Budget;
use naos_kernel::resource::is_derived;
use naos_types::Code;
use naos_types::spec::Kind;
use serde_json::json;

use super::NAMES_MAX;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;
use crate::judge::exported::{Exported, One};

/// What signs, and belongs to the node on which it was made.
const SECRETS: [Kind; 2] = [Kind::Webhook, Kind::Secret];

pub(crate) async fn show(call: Call) -> Answered {
    let reader = call.reader()?; // a long read: on a thread of its own
    let mut items = Vec::new();
    for kind in Kind::ALL {
        match kind {
            Kind::Agent => {
                for (name, agent) in whole(*kind, reader.all::<Agent>(NAMES_MAX + 1)?)? {
                    let mut one = One::of(*kind, name.to_string(), json!(agent.spec));
                    one.stopped = agent.stopped;
                    items.push(one);
                }
            }
            Kind::Budget => {
                for (whose, budget) in whole(*kind, reader.all::<Budget>(NAMES_MAX + 1)?)? {
                    let spec = budget.spec.as_ref();
                    items.extend(spec.map(|it| One::of(*kind, whose.to_string(), json!(it))));
                }
            }
            kind if SECRETS.contains(kind) => {}
            kind => resources(&reader, *kind, &mut items)?,
        }
    }
    ok(&json!(Exported::of(items)))
}

fn resources(reader: &Reader, kind: Kind, items: &mut Vec<One>) -> Result<(), Fault> {
    let found = whole(kind, reader.resources(kind, NAMES_MAX + 1)?)?;
    let own = found.iter().filter(|(key, _)| !is_derived(key.0, &key.1));
    items.extend(own.map(|(key, it)| One::of(kind, key.1.to_string(), json!(it.spec))));
    Ok(())
}

/// Half of what there is would pass for all of it.
fn whole<T>(kind: Kind, found: Vec<T>) -> Result<Vec<T>, Fault> {
    if found.len() <= NAMES_MAX {
        return Ok(found);
    }
    let what = format!("there are more than {NAMES_MAX} {}", kind.plural());
    Err(Fault::new(Code::TOO_LARGE, what))
}

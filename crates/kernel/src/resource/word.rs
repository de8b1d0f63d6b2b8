//! Names that are words: whoever wrote one would be understood otherwise, so that nothing new is
//! called so. What has such a name already keeps it.

use naos_types::spec::Kind;
use naos_types::{Code, Name};

use crate::message::{ALL, SELF};
use crate::state::ResourceKey;
use crate::turn::{Done, Stop, Turn};

/// Who is named where nobody is meant: `--reviewer none`.
pub(crate) const NOBODY: &str = "none";
/// What stands for the cheapest model that can what its agent wants.
const CHEAPEST: &str = "any";

/// Why nothing new of this kind is called so; none where it may be.
#[must_use]
pub fn stands_for(kind: Kind, name: &Name) -> Option<String> {
    let what = match (kind, name.as_str()) {
        (Kind::Agent, ALL) => "@all calls everybody",
        (Kind::Agent, SELF) => "naos is naos itself",
        (Kind::Agent, NOBODY) => "none stands for nobody, where somebody is named",
        (Kind::Model, CHEAPEST) => "any stands for the cheapest model that can what is wanted",
        _ => return None,
    };
    (!crate::planted::is("words-are-names"))
        .then(|| format!("{what}: no {} is called so", kind.word()))
}

/// Refuses a name that is a word, unless something is called so already.
pub(super) fn check_word(turn: &Turn<'_>, kind: Kind, name: &Name) -> Done {
    match stands_for(kind, name) {
        Some(what) if turn.resource(&ResourceKey(kind, name.clone()))?.is_none() => {
            Err(Stop::refused(Code::BAD_NAME, what))
        }
        _ => Ok(()),
    }
}

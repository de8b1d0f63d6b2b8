//! `data/workspaces.json`: what a folder and an agent last had in common. So an import knows who
//! changed what: a folder that stayed as it was takes nothing back of what the agent wrote since.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::fail::Fail;
use crate::project::Project;

/// By tenant, agent and folder ([`key`]): path within the workspace, and SHA-256. Only a memory:
/// the journal is the truth, and without it an import asks before it replaces anything. Under
/// tenant and agent alone stands what an earlier naos kept of some folder, nobody knows which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Agreed(BTreeMap<String, BTreeMap<String, String>>);

/// What a folder and an agent last had in common, and what the agent had with other folders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Last {
    here: BTreeMap<String, String>,
    elsewhere: BTreeMap<String, BTreeSet<String>>,
}

impl Last {
    /// What both sides said of this path; none where this folder never had it in common.
    pub(crate) fn here(&self, path: &str) -> Option<&str> {
        self.here.get(path).map(String::as_str)
    }

    /// Whether the agent once had this text of the path in common with another folder.
    pub(crate) fn is_known(&self, path: &str, digest: &str) -> bool {
        let known = self.elsewhere.get(path);
        known.is_some_and(|known| known.contains(digest))
    }
}

/// Whose folder it is. Each has its own last time: what went out into one says nothing of another.
fn key(whose: &str, dir: &Path) -> String {
    if crate::planted::one_base_for_all_folders() {
        return whose.to_owned();
    }
    let dir = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    format!("{}{}", of_folders(whose), dir.display())
}

/// How the keys of an agent's folders begin; no name has a colon.
fn of_folders(whose: &str) -> String {
    format!("{whose}:")
}

impl Agreed {
    fn path(project: &Project) -> PathBuf {
        project.data.join("workspaces.json")
    }

    pub(crate) fn of(project: &Project) -> Self {
        let text = fs::read(Self::path(project)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// What was last the same on both sides.
    pub(crate) fn with(&self, whose: &str, dir: &Path) -> Last {
        let here = key(whose, dir);
        let mut last = Last::default();
        for (key, same) in &self.0 {
            if *key == here {
                last.here.clone_from(same);
            } else if key == whose || key.starts_with(&of_folders(whose)) {
                for (path, digest) in same {
                    let known = last.elsewhere.entry(path.clone()).or_default();
                    known.insert(digest.clone());
                }
            }
        }
        last
    }

    /// Both sides have these now. Folders that are gone are forgotten: of a folder that nothing is
    /// known of, nothing is replaced unasked.
    pub(crate) fn keep(
        &mut self,
        project: &Project,
        (whose, dir): (&str, &Path),
        same: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), Fail> {
        let folders = of_folders(whose);
        self.0.retain(|key, _| {
            let dir = key.strip_prefix(&folders);
            dir.is_none_or(|dir| Path::new(dir).is_dir())
        });
        self.0.entry(key(whose, dir)).or_default().extend(same);
        let path = Self::path(project);
        let text = serde_json::to_vec(self).unwrap_or_default();
        fs::write(&path, text).map_err(|e| Fail::io(format!("write {}", path.display()), &e))
    }
}

//! `data/workspaces.json`: what a folder and an agent last had in common. So an import knows who
//! changed what: a folder that stayed as it was takes nothing back of what the agent wrote since.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::fail::Fail;
use crate::project::Project;

/// By tenant and agent: path within the workspace, and SHA-256. Only a memory: the journal is the
/// truth, and without it an import asks before it replaces anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Agreed(BTreeMap<String, BTreeMap<String, String>>);

impl Agreed {
    fn path(project: &Project) -> PathBuf {
        project.data.join("workspaces.json")
    }

    pub(crate) fn of(project: &Project) -> Self {
        let text = fs::read(Self::path(project)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// What was last the same on both sides.
    pub(crate) fn with(&self, whose: &str) -> BTreeMap<String, String> {
        self.0.get(whose).cloned().unwrap_or_default()
    }

    /// Both sides have these now.
    pub(crate) fn keep(
        &mut self,
        project: &Project,
        whose: &str,
        same: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), Fail> {
        self.0.entry(whose.to_owned()).or_default().extend(same);
        let path = Self::path(project);
        let text = serde_json::to_vec(self).unwrap_or_default();
        fs::write(&path, text).map_err(|e| Fail::io(format!("write {}", path.display()), &e))
    }
}

//! Where the project is: a directory with its configuration, and its data.

use std::env;
use std::path::{Path, PathBuf};

use naos_types::Code;

use crate::fail::Fail;

/// What a configuration may be called; the first one found counts.
pub(crate) const CONFIG_NAMES: [&str; 4] = [
    "nexus.config.yaml",
    "nexus.config.yml",
    "naos.config.yaml",
    "naos.config.yml",
];

/// Where the naos of a folder that `naos report` read lives.
pub(crate) const REPORT_HOME: &str = ".naos";

/// A project on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Project {
    /// The directory.
    pub(crate) root: PathBuf,
    /// Its configuration, if it has one.
    pub(crate) config: Option<PathBuf>,
    /// Its data.
    pub(crate) data: PathBuf,
}

impl Project {
    /// The project that was named, or the nearest one above the current directory.
    pub(crate) fn find(config: Option<&Path>, data: Option<&Path>) -> Result<Self, Fail> {
        let here = env::current_dir().map_err(|e| Fail::io("find the current directory", &e))?;
        let data = data.map(Path::to_owned).or_else(data_of_environment);
        let config = match (named(config)?, nearest(&here)) {
            (Some(config), _) | (None, Some(Found::Config(config))) => Some(config),
            (None, Some(Found::Report(dir))) if data.is_none() => return Ok(Self::of_report(&dir)),
            (None, _) => None,
        };
        let root = config
            .as_deref()
            .and_then(Path::parent)
            .map(|dir| match dir {
                dir if dir.as_os_str().is_empty() => here.clone(),
                dir => dir.to_owned(),
            });
        match (root, data) {
            (Some(root), data) => {
                let data = data.unwrap_or_else(|| root.join("data"));
                Ok(Self { root, config, data })
            }
            (None, Some(data)) => Ok(Self {
                root: here,
                config: None,
                data,
            }),
            (None, None) => Err(
                Fail::new(Code::NOT_FOUND, "there is no project here or above")
                    .help("`naos init NAME` makes one; --config or --data-dir names one elsewhere"),
            ),
        }
    }

    /// The project that `naos report DIR` keeps within the folder.
    pub(crate) fn of_report(dir: &Path) -> Self {
        let root = dir.join(REPORT_HOME);
        let data = root.join("data");
        let config = None;
        Self { root, config, data }
    }

    /// Where the owner's token is kept.
    pub(crate) fn owner_token(&self) -> PathBuf {
        self.data.join("owner.token")
    }

    /// Where the token of another tenant is kept.
    pub(crate) fn tenant_token(&self, slug: &str) -> PathBuf {
        self.data.join("tokens").join(format!("{slug}.token"))
    }

    /// How a file of the project is called in messages.
    pub(crate) fn label(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

fn named(flag: Option<&Path>) -> Result<Option<PathBuf>, Fail> {
    let path = match flag {
        Some(path) => path.to_owned(),
        None => match env::var_os("NAOS_CONFIG").or_else(|| env::var_os("NEXUS_CONFIG")) {
            Some(path) if !path.is_empty() => PathBuf::from(path),
            _ => return Ok(None),
        },
    };
    if path.is_file() {
        return Ok(Some(path));
    }
    let what = format!("there is no configuration at {}", path.display());
    Err(Fail::new(Code::NOT_FOUND, what).help("check the path after --config"))
}

enum Found {
    Config(PathBuf),
    Report(PathBuf),
}

/// The nearest directory with a configuration or with a report's data.
fn nearest(here: &Path) -> Option<Found> {
    here.ancestors().find_map(|dir| {
        let mut configs = CONFIG_NAMES.iter().map(|name| dir.join(name));
        let config = configs.find(|path| path.is_file()).map(Found::Config);
        let report = || {
            let there = Project::of_report(dir).data.is_dir();
            there.then(|| Found::Report(dir.to_owned()))
        };
        config.or_else(report)
    })
}

/// `NAOS_DATA_DIR` is the directory; `NEXUS_DB_PATH` names a file in it.
fn data_of_environment() -> Option<PathBuf> {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(dir) = set("NAOS_DATA_DIR") {
        return Some(dir);
    }
    let file = set("NEXUS_DB_PATH")?;
    let dir = match file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
        _ => PathBuf::from("."),
    };
    crate::out::aside(format_args!(
        "warning: NEXUS_DB_PATH names a file; naos keeps its data in the directory {}",
        dir.display()
    ));
    Some(dir)
}

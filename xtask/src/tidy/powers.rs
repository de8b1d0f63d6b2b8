//! One home per foreign power: a library that reaches outside is known to one crate, so that
//! its rules (tenants in SQL, addresses in HTTP, limits in WASM) stand in one place.

use super::{Manifest, Source, Violation};

struct Power {
    package: &'static str,
    homes: &'static [&'static str],
    instead: &'static str,
}

const POWERS: &[Power] = &[
    Power {
        package: "rusqlite",
        homes: &["naos-store", "naos-bench"],
        instead: "ask naos-store; SQL stands behind its tenant door",
    },
    Power {
        package: "wasmtime",
        homes: &["naos-sandbox", "naos-bench"],
        instead: "ask naos-sandbox; it sets every limit",
    },
    Power {
        package: "reqwest",
        homes: &["naos-drivers", "naos"],
        instead: "call a driver; it checks every address",
    },
    Power {
        package: "axum",
        homes: &["naos-web", "naos-bench"],
        instead: "add a row to the route table of naos-web",
    },
    Power {
        package: "clap",
        homes: &["naos", "naos-sim", "naos-bench", "xtask"],
        instead: "take a typed configuration; only the command reads words",
    },
    Power {
        package: "model2vec-rs",
        homes: &["naos"],
        instead: "take an Embedder of naos-kernel; which one there is, the command decides",
    },
    Power {
        package: "anyhow",
        homes: &["naos", "naos-sim", "naos-bench", "naos-tests", "xtask"],
        instead: "give the operation its own thiserror enum",
    },
];

/// The crate that may build an HTTP client: one client, one address check.
const CLIENT_HOME: &str = "crates/drivers/";
const CLIENT_FREE: &[&str] = &["bench/", "sim/", "tests/", "xtask/"];

pub fn check(manifests: &[Manifest<'_>], sources: &[Source<'_>]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for manifest in manifests
        .iter()
        .filter(|manifest| !manifest.path.starts_with("guest/"))
    {
        let Some(package) = manifest.package() else {
            continue;
        };
        for dependency in manifest.dependencies() {
            let power = POWERS
                .iter()
                .find(|power| power.package == dependency.package);
            if let Some(power) = power
                && !power.homes.contains(&package)
            {
                let text = format!(
                    "{} lives in {} only; {}",
                    power.package,
                    power.homes.join(", "),
                    power.instead
                );
                violations.push(Violation::new(manifest.path, dependency.line, text));
            }
        }
    }
    for source in sources
        .iter()
        .filter(|source| may_not_build_clients(source))
    {
        for path in source.rust.paths() {
            if builds_a_client(&path) && !source.is_test(path.line) {
                let text = "an HTTP client is built outside naos-drivers; take the one that \
                            naos-drivers makes, which checks every address";
                violations.push(Violation::new(source.path, path.line, text));
            }
        }
    }
    violations
}

fn may_not_build_clients(source: &Source<'_>) -> bool {
    !source.path.starts_with(CLIENT_HOME)
        && !CLIENT_FREE
            .iter()
            .any(|folder| source.path.starts_with(folder))
}

fn builds_a_client(path: &crate::rust_text::PathUse) -> bool {
    let makers: &[&[&str]] = &[
        &["Client", "new"],
        &["Client", "builder"],
        &["Client", "default"],
        &["reqwest", "get"],
    ];
    path.names("ClientBuilder") || makers.iter().any(|maker| path.ends_with(maker))
}

#[cfg(test)]
mod tests {
    use super::super::{manifest, places, sources};
    use super::*;
    use crate::tree::Tree;

    fn check_dependency(package: &str, dependency: &str) -> Vec<String> {
        let text = format!("[package]\nname = \"{package}\"\n[dependencies]\n{dependency} = \"1\"");
        places(&check(&[manifest::read("x/Cargo.toml", &text)], &[]))
    }

    #[test]
    fn powers_live_at_home() {
        let bad = ["x/Cargo.toml:4"];
        for (package, dependency, want) in [
            ("naos-store", "rusqlite", &[][..]),
            ("naos-bench", "rusqlite", &[]),
            ("naos", "reqwest", &[]),
            ("naos-sim", "clap", &[]),
            ("naos-engine", "rusqlite", &bad),
            ("naos-engine", "wasmtime", &bad),
            ("naos-web", "reqwest", &bad),
            ("naos", "axum", &bad),
            ("naos-kernel", "clap", &bad),
            ("naos-store", "anyhow", &bad),
        ] {
            assert_eq!(
                check_dependency(package, dependency),
                want,
                "{package} {dependency}"
            );
        }
    }

    #[test]
    fn a_rename_hides_nothing() {
        let text = "[package]\nname = \"naos-web\"\n[dependencies]\n\
                    sql = { package = \"rusqlite\", version = \"1\" }";
        let got = places(&check(&[manifest::read("x/Cargo.toml", text)], &[]));
        assert_eq!(got, ["x/Cargo.toml:4"]);
    }

    #[test]
    fn one_http_client() {
        let tree = Tree::of(&[
            (
                "crates/naos/src/a.rs",
                "fn a() {\n  reqwest::Client::builder();\n}",
            ),
            ("crates/naos/src/b.rs", "use reqwest::ClientBuilder;"),
            (
                "crates/naos/src/c.rs",
                "#[cfg(test)]\nmod t {\n fn x() { Client::new(); }\n}",
            ),
            ("crates/drivers/src/http.rs", "fn a() { Client::new(); }"),
            ("bench/src/main.rs", "fn a() { Client::new(); }"),
        ]);
        let got = places(&check(&[], &sources::read(&tree)));
        assert_eq!(got, ["crates/naos/src/a.rs:2", "crates/naos/src/b.rs:1"]);
    }
}

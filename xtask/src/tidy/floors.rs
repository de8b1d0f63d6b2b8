//! A crate uses lower floors only; neighbours are strangers. There is no exceptions list.

use super::{Manifest, Violation};

/// Every crate of the product and its floor.
const FLOORS: &[(&str, u8)] = &[
    ("naos-types", 0),
    ("naos-ledger", 0),
    ("naos-kernel", 1),
    ("naos-manifest", 1),
    ("naos-store", 2),
    ("naos-sandbox", 2),
    ("naos-drivers", 2),
    ("naos-engine", 3),
    ("naos-web", 4),
    ("naos", 5),
];

/// Crates that may use any floor and that no floor may use.
const OUTSIDE: &[&str] = &["naos-sim", "naos-bench", "naos-tests", "xtask"];

pub fn check(manifests: &[Manifest<'_>]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for manifest in manifests {
        let Some(package) = manifest.package() else {
            continue;
        };
        let Some(floor) = floor_of(package) else {
            if manifest.path.starts_with("crates/") {
                let text = format!("{package} has no floor; give it one in tidy/floors.rs");
                violations.push(Violation::new(manifest.path, 1, text));
            }
            continue;
        };
        for dependency in manifest.dependencies() {
            let used = dependency.package.as_str();
            let text = match floor_of(used) {
                Some(lower) if lower < floor => continue,
                Some(same) if same == floor => format!(
                    "{package} and {used} are neighbours on floor {floor}; meet through a trait \
                     or type on a lower floor, wired together above"
                ),
                Some(higher) => format!(
                    "{package} (floor {floor}) uses {used} (floor {higher}); move what it needs \
                     down, or hand it in from above"
                ),
                None if OUTSIDE.contains(&used) => format!(
                    "{package} uses {used}, which stands outside the product; move what it needs \
                     into a lower floor"
                ),
                None => continue,
            };
            violations.push(Violation::new(manifest.path, dependency.line, text));
        }
    }
    violations
}

fn floor_of(package: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == package)
        .map(|(_, floor)| *floor)
}

#[cfg(test)]
mod tests {
    use super::super::{manifest, places};
    use super::*;

    fn check_one(path: &str, package: &str, dependency: &str) -> Vec<String> {
        let text = format!(
            "[package]\nname = \"{package}\"\n[dependencies]\n{dependency}.workspace = true"
        );
        places(&check(&[manifest::read(path, &text)]))
    }

    #[test]
    fn only_lower_floors_may_be_used() {
        let bad = ["crates/x/Cargo.toml:4"];
        for (package, dependency, want) in [
            ("naos-kernel", "naos-types", &[][..]),
            ("naos", "naos-web", &[]),
            ("naos-kernel", "serde", &[]),
            ("naos-kernel", "naos-manifest", &bad),
            ("naos-store", "naos-engine", &bad),
            ("naos-types", "naos-types", &bad),
            ("naos", "naos-sim", &bad),
        ] {
            let got = check_one("crates/x/Cargo.toml", package, dependency);
            assert_eq!(got, want, "{package} uses {dependency}");
        }
    }

    #[test]
    fn tests_obey_the_floors_too() {
        let text = "[package]\nname = \"naos-types\"\n[dev-dependencies]\nnaos-store = \"1\"";
        let got = places(&check(&[manifest::read("crates/types/Cargo.toml", text)]));
        assert_eq!(got, ["crates/types/Cargo.toml:4"]);
    }

    #[test]
    fn a_crate_without_a_floor_is_named() {
        assert_eq!(
            check_one("crates/x/Cargo.toml", "naos-x", "serde"),
            ["crates/x/Cargo.toml:1"]
        );
        assert_eq!(check_one("sim/Cargo.toml", "naos-sim", "naos"), [""; 0]);
    }
}

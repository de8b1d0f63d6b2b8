//! What is said about plans whose steps never start, and about reviews of nothing.

use naos_manifest::{Checks, Fault, NoChecks, NoFiles, Scope, parse_document};
use naos_types::{Name, Type};

/// Decides `NAME.status == 'WORD'`.
struct Ends;

impl Checks for Ends {
    fn condition(&self, source: &str, scope: &Scope) -> Result<(), Fault> {
        NoChecks.condition(source, scope)
    }
    fn list(&self, source: &str, scope: &Scope) -> Result<(), Fault> {
        NoChecks.list(source, scope)
    }
    fn expression(&self, source: &str, scope: &Scope) -> Result<Type, Fault> {
        NoChecks.expression(source, scope)
    }
    fn template(&self, source: &str, scope: &Scope) -> Result<(), Fault> {
        NoChecks.template(source, scope)
    }
    fn pattern(&self, source: &str) -> Result<(), Fault> {
        NoChecks.pattern(source)
    }
    fn decide(&self, source: &str, ends: &[(&Name, &'static str)]) -> Option<bool> {
        let (step, word) = source.split_once(".status == ")?;
        let found = ends.iter().find(|(name, _)| name.as_str() == step)?;
        Some(format!("'{}'", found.1) == word)
    }
}

fn said(steps: &str) -> String {
    let text = format!("type: plan\nname: p\nsteps:\n{steps}");
    match parse_document("p.yaml", &text, &NoFiles, &Ends) {
        Ok(applied) => applied
            .warnings
            .iter()
            .map(|found| format!("{found}\n"))
            .collect(),
        Err(found) => format!("error {found}"),
    }
}

#[test]
fn steps_that_never_start_are_named() {
    let plan = |optional: &str, when: &str| {
        said(&format!(
            "  - {{name: a, agent: x{optional}}}\n  - {{name: b, agent: x, when: \"{when}\"}}\n"
        ))
    };
    let found = plan("", "a.status == 'failed'");
    assert!(
        found.starts_with("p.yaml:5:12: step b never starts by itself"),
        "{found}"
    );
    for (optional, when) in [
        (", optional: true", "a.status == 'failed'"),
        ("", "a.status == 'done'"),
        ("", "inputs.go"),
    ] {
        assert_eq!(plan(optional, when), "", "{when}");
    }
}

#[test]
fn a_plan_that_fails_in_every_run_is_none() {
    let plan = |fail: &str| {
        said(&format!(
            "  - {{name: a, agent: x}}\n  - {{name: b, fail: stop{fail}}}\n"
        ))
    };
    for always in ["", ", when: a.status == 'done'", ", after: [a]"] {
        let found = plan(always);
        assert!(found.starts_with("error p.yaml:5:"), "{always}: {found}");
        assert!(
            found.contains("no run of this plan can end well"),
            "{found}"
        );
        assert!(found.contains("give its `fail` a `when`"), "{found}");
    }
    for perhaps in [
        ", when: inputs.go",
        ", optional: true",
        ", for_each: inputs.all",
    ] {
        assert_eq!(plan(perhaps), "", "{perhaps}");
    }
    // What waits for it begins in no run either, and is no second thing to say.
    let found = said("  - {name: a, fail: stop}\n  - {name: b, agent: x}\n");
    assert_eq!(found.matches("error").count(), 1, "{found}");
}

#[test]
fn reviews_of_nothing_are_named() {
    let plan = |draft: &str, check: &str| {
        said(&format!(
            "  - {{name: draft, agent: x{draft}}}\n  \
             - {{name: check, review: {{of: draft, by: y, input: z}}{check}}}\n"
        ))
    };
    let go = ", when: inputs.go";
    let found = plan(go, "");
    assert!(
        found.contains("where step draft is skipped, step check can only fail"),
        "{found}"
    );
    assert_eq!(plan(go, go), "");
    assert_eq!(plan("", go), "");
    let found = plan(", for_each: inputs.all", "");
    assert!(found.starts_with("error p.yaml:5:"), "{found}");
    assert!(
        found.contains("step check can only fail: draft has many authors"),
        "{found}"
    );
}

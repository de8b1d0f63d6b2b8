//! Documents, members, resources, events, roles.

use naos_kernel::{Need, Replay};
use naos_types::command::{self, Command};
use naos_types::fact::agent;
use naos_types::spec::{AgentSpec, Kind};
use naos_types::{Actor, Code, Name};

use crate::bench::Bench;
use crate::script::check;
use crate::thinking::model;

#[test]
fn documents_have_versions() {
    check("document /a 0 one", "document.written");
    check(
        "document /a 0 one; document /a 1 two; show /a",
        "version 2 two",
    );
    check(
        "document /a 0 one; document /a 0 two",
        "N0132 /a has version 1, not 0",
    );
    check("document /a any one; document /a any one", "nothing");
    check(
        "document /a any one; document /a any two; show /a",
        "version 2 two",
    );
    check(
        "document /a any one; forget /a; forget /a",
        "N0121 there is no document /a",
    );
    check(
        "document /a any one; forget /a; document /a 0 two; show /a",
        "version 1 two",
    );
}

#[test]
fn members_and_their_tokens() {
    check("member; token", "member.token_issued");
    check("member; token; revoke", "member.token_revoked");
    check(
        "member; token; revoke; revoke",
        "N0121 there is no token tok",
    );
    check("token", "N0121 there is no member mem");
    check("member; leave; token", "N0121 there is no member mem");
    check("member; promote; promote", "nothing");
    let many = format!("member; {}token", "token; ".repeat(32));
    check(&many, "N0103 a member has at most 32 tokens");
}

#[test]
fn the_last_owner_stays() {
    let who = "N0138 mem is the last owner who can come in";
    check("owner; token; leave", who);
    check("owner; token; promote", who);
    check("owner; leave", who);
    check(
        "owner; token; revoke",
        "N0138 tok is the last token by which an owner can come in",
    );
    check("owner; token; token; revoke", "member.token_revoked");
    // Another owner lets this one go, unless nobody can come in as the other.
    check("owner; token; owner; leave", "member.removed");
    check("owner; token; owner; token; leave", "member.removed");
    check("owner; token; owner; token; promote", "member.role_changed");
    check("owner; token; owner; token; revoke", "member.token_revoked");
    check("owner; owner; token; leave", who);
    check("owner; brief; wait 61; owner; token; leave", who);
    check("owner; brief; owner; token; leave", "member.removed");
    // Who is no owner may go, whoever is left, and what is worth nothing may go too.
    check("member; token; leave", "member.removed");
    check(
        "owner; token; brief; wait 61; revoke",
        "member.token_revoked",
    );
}

#[test]
fn the_same_resource_again_changes_nothing() {
    check("keep policy {\"a\":1}", "resource.applied");
    check("keep policy {\"a\":1}; keep policy {\"a\":1}", "nothing");
    check(
        "keep policy {\"a\":1}; keep policy {\"a\":2}; show kept",
        "version 2",
    );
    check("keep plan {\"a\":1}", "resource.applied");
    check("keep agent {\"a\":1}", "N0105 kind and content differ");
}

#[test]
fn events_have_types() {
    check("publish mail.received", "event.published");
    check(
        "publish mail..received",
        "N0102 \"mail..received\" can't be the type of an event",
    );
}

#[test]
fn roles_bound_what_is_asked() {
    for (role, sentence, expected) in [
        (
            "staff",
            "agent worker 5c",
            "N0141 this takes the role admin, yours is staff",
        ),
        (
            "admin",
            "budget worker 5c",
            "N0141 this takes the role owner, yours is admin",
        ),
        (
            "external",
            "say hello",
            "N0141 this takes the role staff, yours is external",
        ),
        ("admin", "agent worker 5c", "agent.created"),
    ] {
        check(&format!("role {role}; {sentence}"), expected);
    }
}

/// A name that stands for something else is nobody's: whoever has one already keeps it.
#[test]
fn nothing_new_is_called_by_a_word() {
    let name = |text: &str| Name::new(text).unwrap();
    let agent = |text: &str| -> Command {
        command::Agent::Apply {
            name: name(text),
            spec: AgentSpec::default(),
        }
        .into()
    };
    let of_model = |text: &str| -> Command {
        command::Resource::Apply {
            kind: Kind::Model,
            name: name(text),
            spec: model(true),
        }
        .into()
    };
    for (asked, says) in [
        (agent("all"), "@all calls everybody: no agent is called so"),
        (agent("naos"), "naos is naos itself: no agent is called so"),
        (agent("none"), "none stands for nobody"),
        (of_model("any"), "any stands for the cheapest model"),
    ] {
        let refused = Bench::new().command(asked).0.unwrap_err();
        assert_eq!(refused.code, Code::BAD_NAME, "{refused:?}");
        assert!(refused.what.starts_with(says), "{refused:?}");
    }
    let mut bench = Bench::new();
    bench.command(of_model("none")).0.unwrap();
    // One that was there before such names were refused.
    let old = agent::Created {
        name: name("none"),
        spec: AgentSpec::default(),
        by: Actor::System,
        down: false,
    };
    let old = old.into();
    loop {
        match naos_kernel::apply(&bench.state, &old, bench.now) {
            Replay::Changed(changes) => break drop(bench.state.merge(changes)),
            Replay::Needs(needs) => {
                for need in needs {
                    let Need::Record(key) = need else {
                        panic!("{need:?}")
                    };
                    bench.state.load(key, None).unwrap();
                }
            }
            Replay::Broken(what) => panic!("{what}"),
        }
    }
    let changed = command::Agent::Apply {
        name: name("none"),
        spec: AgentSpec {
            description: "Works on.".into(),
            ..AgentSpec::default()
        },
    };
    bench.command(changed).0.unwrap();
}

//! Notices: who is told that something waits, as documents say it.

mod common;

use common::{bad, good};
use naos_types::spec::{Channel, Waits};

#[test]
fn a_list_a_map_and_documents_of_their_own() {
    let list = good(
        "notices:\n  - name: phone\n    on: [approval.requested, run.unknown]\n    \
         webhook: https://hooks.example.org/naos\n    secret: env:NAOS_HOOK_SECRET\n    \
         title: true\n  - desktop: true\n  - webhook: https://hooks.example.org:8443/x\n",
    );
    let names: Vec<&str> = list.notices.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["phone", "desktop", "hooks-example-org"]);
    let (_, phone) = &list.notices[0];
    assert_eq!(phone.on, [Waits::Approval, Waits::Unknown]);
    assert!(phone.title && !list.notices[2].1.title);
    assert_eq!(list.notices[1].1.channel, Channel::Desktop);
    assert_eq!(phone.retry.attempts_max, 10);
    for text in [
        "notices: {phone: {webhook: https://a.example/, retry: {attempts: 3, wait: 1s}}}",
        "type: notice\nname: phone\nwebhook: https://a.example/\nretry: {attempts: 3, wait: 1s}",
        "name: phone\nwebhook: https://a.example/\nretry: {attempts: 3, wait: 1s}",
        "notice: {name: phone, webhook: https://a.example/, retry: {attempts: 3, wait: 1s}}",
    ] {
        let applied = good(text);
        let (name, spec) = &applied.notices[0];
        assert_eq!(
            (name.as_str(), spec.retry.attempts_max),
            ("phone", 3),
            "{text}"
        );
    }
}

#[test]
fn what_is_wrong_is_said_and_a_secret_never() {
    for (text, said) in [
        (
            "notices: [{name: a, webhok: https://a.example/}]",
            "did you mean `webhook`",
        ),
        ("notices: [{name: a}]", "told in one way"),
        (
            "notices: [{name: a, desktop: true, webhook: https://a.example/}]",
            "told in one way",
        ),
        (
            "notices: [{name: a, on: approval.request, desktop: true}]",
            "did you mean `approval.requested`",
        ),
        (
            "notices: [{name: a, webhook: a.example}]",
            "https:// in front",
        ),
        (
            "notices: [{name: a, webhook: https://a.example/, secret: hunter2}]",
            "env:NAOS_HOOK_",
        ),
        (
            "notices: [{name: a, webhook: https://a.example/, secret: env:PATH}]",
            "env:NAOS_HOOK_",
        ),
        (
            "notices: [{desktop: true, secret: env:NAOS_HOOK_A}]",
            "there is none",
        ),
        (
            "notices: [{desktop: true}, {desktop: true}]",
            "is there twice",
        ),
        ("notice: [a]", "a notice is a map"),
    ] {
        let found = bad("f.yaml", text);
        assert!(found.contains(said), "{text}\n{found}");
        assert!(!found.contains("hunter2"), "{found}");
    }
}

//! Notices: who is told that something waits, as documents say it.

mod common;

use common::{bad, good};
use naos_types::fact::member::News;
use naos_types::fact::notice::About;
use naos_types::spec::{Channel, Urgency, Waits};
use naos_types::{ApprovalId, MemberId, MessageId, Span, TaskId, TaskStatus};

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
    assert!(phone.is_plain());
    let notice = |at: usize| &list.notices[at].1.notice;
    assert_eq!(notice(0).on, [Waits::Approval, Waits::Unknown]);
    assert!(notice(0).title && !notice(2).title);
    assert_eq!(notice(1).channel, Channel::Desktop);
    assert_eq!(notice(0).retry.attempts_max, 10);
    for text in [
        "notices: {phone: {webhook: https://a.example/, retry: {attempts: 3, wait: 1s}}}",
        "type: notice\nname: phone\nwebhook: https://a.example/\nretry: {attempts: 3, wait: 1s}",
        "name: phone\nwebhook: https://a.example/\nretry: {attempts: 3, wait: 1s}",
        "notice: {name: phone, webhook: https://a.example/, retry: {attempts: 3, wait: 1s}}",
    ] {
        let applied = good(text);
        let (name, spec) = &applied.notices[0];
        assert_eq!(
            (name.as_str(), spec.notice.retry.attempts_max),
            ("phone", 3),
            "{text}"
        );
    }
}

#[test]
fn one_member_is_told_by_how_urgent_it_is() {
    let applied = good(
        "notices:\n  - name: ana\n    for: \"@ana\"\n    webhook: https://a.example/\n    \
         urgency: {message: muted, task.ended: immediate}\n    digest: 30m\n",
    );
    let (_, ana) = &applied.notices[0];
    assert_eq!(ana.member.as_ref().map(|name| name.as_str()), Some("ana"));
    assert_eq!(ana.gather, Span::secs(1_800));
    let soon = |news: News| ana.soon(&About::News(MemberId(1), 1, news));
    let (task, message) = (TaskId(1), MessageId(2));
    assert_eq!(soon(News::Called(task, message)), Urgency::Immediate);
    assert_eq!(soon(News::Said(task, message)), Urgency::Muted);
    assert_eq!(
        soon(News::Ended(task, TaskStatus::Done)),
        Urgency::Immediate
    );
    let asked = About::Approval(ApprovalId(3));
    assert_eq!(ana.soon(&asked), Urgency::Muted, "that is everybody's");
    let applied = good("notices: [{name: a, for: ana, on: mention, webhook: https://a.example/}]");
    let (_, ana) = &applied.notices[0];
    let said = About::News(MemberId(1), 1, News::Said(task, message));
    assert_eq!(ana.soon(&said), Urgency::Muted, "it names what it tells");
}

#[test]
fn what_is_wrong_is_said_and_a_secret_never() {
    for (text, said) in [
        (
            "notices: [{name: a, on: mention, webhook: https://a.example/}]",
            "`for`",
        ),
        ("notices: [{desktop: true, for: ana}]", "`webhook`"),
        (
            "notices: [{name: a, webhook: https://a.example/, digest: 10s}]",
            "from 1m to 7d",
        ),
        (
            "notices: [{name: a, webhook: https://a.example/, urgency: {message: later}}]",
            "immediate, digest or muted",
        ),
        (
            "notices: [{name: a, webhook: https://a.example/, urgency: {mesage: muted}}]",
            "\"mesage\"",
        ),
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

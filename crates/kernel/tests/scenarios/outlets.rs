//! Who is told outside, as scripts set them up.

use naos_types::Span;
use naos_types::command;
use naos_types::spec::{Channel, Kind, NoticeSpec, RetryPolicy, Spec, Telling, Urgency, Waits};

use crate::bench::Bench;
use crate::script::{Outcome, name, seconds};

/// A notice that tells of questions together, once the time is over.
pub fn digest(bench: &mut Bench, to: &str, span: &str) -> Outcome {
    let telling = Telling {
        urgency: [(Waits::Approval, Urgency::Digest)].into(),
        gather: seconds(span),
        ..notice_spec(&[]).into()
    };
    bench.command(command::Resource::Apply {
        kind: Kind::Notice,
        name: name(to),
        spec: telling.into(),
    })
}

/// A notice that is sent three times at most; `on` are the words of what it tells of.
pub fn notice(bench: &mut Bench, to: &str, on: &[&str]) -> Outcome {
    bench.command(command::Resource::Apply {
        kind: Kind::Notice,
        name: name(to),
        spec: Spec::Notice(notice_spec(on)),
    })
}

pub fn notice_spec(on: &[&str]) -> NoticeSpec {
    let waits = |word: &&str| Waits::ALL.iter().find(|(known, _)| known == word);
    NoticeSpec {
        on: on
            .iter()
            .filter_map(waits)
            .map(|(_, waits)| *waits)
            .collect(),
        channel: Channel::Webhook {
            url: "https://hooks.example.org/".into(),
            secret: None,
        },
        title: false,
        page: None,
        retry: RetryPolicy {
            attempts_max: 3,
            wait: Span::secs(10),
            ..RetryPolicy::default()
        },
    }
}

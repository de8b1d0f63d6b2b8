//! Who wants to hear what happened: durable facts, as they become durable; and pieces of answers,
//! as models write them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use naos_types::fact::Fact;
use naos_types::{RunId, Seq, TenantId, Time};
use tokio::sync::broadcast;

use super::lock;

/// How many announcements a slow listener may lag behind before it must read the journal instead.
const LAG_MAX: usize = 1_024;

/// Facts that became durable together.
#[derive(Debug)]
pub struct Happened {
    /// Seq, time, fact; in order.
    pub facts: Vec<(Seq, Time, Fact)>,
}

/// A piece of a model's answer, as it is written. Provisional: it is told and never kept, and only
/// the answer that is journaled counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whose answer.
    pub run: RunId,
    /// Which call of the run.
    pub call: u32,
    /// Where the piece begins, in bytes of its kind; 0 begins anew, after a failed attempt too.
    pub offset: u64,
    /// What it is part of.
    pub kind: FrameKind,
    /// The piece.
    pub text: String,
}

/// What a piece of an answer is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// What it says.
    Text,
    /// What it thinks before.
    Thought,
    /// What it wants to have called.
    Call,
}

impl FrameKind {
    /// All of them, in the order in which an answer has them.
    const ALL: [Self; 3] = [Self::Thought, Self::Text, Self::Call];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Thought => "thought",
            Self::Call => "call",
        }
    }
}

/// The listeners of a node, by tenant.
pub struct Watch<T> {
    tenants: Mutex<BTreeMap<TenantId, broadcast::Sender<Arc<T>>>>,
}

impl<T> Default for Watch<T> {
    fn default() -> Self {
        Self {
            tenants: Mutex::default(),
        }
    }
}

impl<T> Watch<T> {
    pub(super) fn subscribe(&self, tenant: TenantId) -> broadcast::Receiver<Arc<T>> {
        let mut tenants = lock(&self.tenants);
        let sender = tenants
            .entry(tenant)
            .or_insert_with(|| broadcast::channel(LAG_MAX).0);
        sender.subscribe()
    }

    pub(super) fn announce(&self, tenant: TenantId, told: T) {
        let mut tenants = lock(&self.tenants);
        let Some(sender) = tenants.get(&tenant) else {
            return;
        };
        if sender.send(Arc::new(told)).is_err() {
            tenants.remove(&tenant); // nobody listens any more
        }
    }
}

/// The most bytes of a part of an answer that are kept for whoever listens later.
const BEGUN_BYTES_MAX: usize = 256 * 1_024;

/// The most bytes of the last words of an answer.
const WORDS_BYTES_MAX: usize = 240;

/// The last words of a text in one line, and that there is more before them.
fn last_words(text: &str) -> String {
    let from = text.ceil_char_boundary(text.len().saturating_sub(WORDS_BYTES_MAX));
    let rest = &text[from..];
    // No word is told by half, as long as there are words.
    let whole = rest.split_once(char::is_whitespace).filter(|_| from > 0);
    let words = whole.map_or(rest, |(_, whole)| whole).split_whitespace();
    let words: Vec<&str> = words.collect();
    let before = if from > 0 { "… " } else { "" };
    format!("{before}{}", words.join(" "))
}

/// What there is by now of an answer that is still being written.
#[derive(Debug)]
struct Begun {
    call: u32,
    /// What it thinks, says and wants called; none of a part that became too long, or that wasn't
    /// heard from its beginning.
    parts: [Option<String>; FrameKind::ALL.len()],
}

impl Begun {
    const fn new(call: u32) -> Self {
        Self {
            call,
            parts: [const { None }; FrameKind::ALL.len()],
        }
    }

    fn add(&mut self, frame: &Frame) {
        let part = &mut self.parts[frame.kind as usize];
        if frame.offset == 0 {
            *part = Some(String::new());
        }
        let follows = part.as_mut().filter(|text| {
            let len = text.len();
            len as u64 == frame.offset && len + frame.text.len() <= BEGUN_BYTES_MAX
        });
        match follows {
            Some(text) => text.push_str(&frame.text),
            None => *part = None,
        }
    }
}

/// Pieces of answers; whoever begins to listen in the middle of one is told its beginning first.
#[derive(Default)]
pub(super) struct Written {
    watch: Watch<Frame>,
    begun: Mutex<BTreeMap<(TenantId, RunId), Begun>>,
}

impl Written {
    /// Pieces from now on.
    pub(super) fn subscribe(&self, tenant: TenantId) -> broadcast::Receiver<Arc<Frame>> {
        self.watch.subscribe(tenant)
    }

    /// What was written of a run's answer so far, and the pieces that follow: none is missed
    /// between the two, and none comes twice.
    pub(super) fn of(
        &self,
        tenant: TenantId,
        run: RunId,
    ) -> (Vec<Arc<Frame>>, broadcast::Receiver<Arc<Frame>>) {
        let begun = lock(&self.begun);
        let frames = self.watch.subscribe(tenant);
        let mut before = Vec::new();
        if let Some(begun) = begun.get(&(tenant, run)) {
            for kind in FrameKind::ALL {
                let text = begun.parts[kind as usize].as_ref();
                let text = text.filter(|text| !text.is_empty());
                before.extend(text.map(|text| {
                    Arc::new(Frame {
                        run,
                        call: begun.call,
                        offset: 0,
                        kind,
                        text: text.clone(),
                    })
                }));
            }
        }
        (before, frames)
    }

    pub(super) fn announce(&self, tenant: TenantId, frame: Frame) {
        let mut all = lock(&self.begun);
        let key = (tenant, frame.run);
        let begun = all.entry(key).or_insert_with(|| Begun::new(frame.call));
        if begun.call != frame.call {
            *begun = Begun::new(frame.call);
        }
        begun.add(&frame);
        // Still held: whoever begins to listen gets it either way, and not both ways.
        self.watch.announce(tenant, frame);
    }

    /// The last words of what is written of a run's answer: what it says, or, where it says nothing
    /// yet, what it thinks.
    pub(super) fn last_words(&self, tenant: TenantId, run: RunId) -> Option<String> {
        let begun = lock(&self.begun);
        let parts = &begun.get(&(tenant, run))?.parts;
        let part = |kind: FrameKind| {
            let text = parts[kind as usize].as_deref();
            text.filter(|text| !text.trim().is_empty())
        };
        let text = part(FrameKind::Text).or_else(|| part(FrameKind::Thought))?;
        Some(last_words(text))
    }

    /// That answer is not written any more: what counts is what is journaled of it.
    pub(super) fn over(&self, tenant: TenantId, run: RunId, call: u32) {
        let mut all = lock(&self.begun);
        if all
            .get(&(tenant, run))
            .is_some_and(|begun| begun.call == call)
        {
            all.remove(&(tenant, run));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(run: RunId, call: u32, kind: FrameKind, offset: u64, text: &str) -> Frame {
        let text = text.to_owned();
        Frame {
            run,
            call,
            offset,
            kind,
            text,
        }
    }

    #[test]
    fn who_listens_late_is_told_the_beginning_once() {
        let (tenant, run) = (TenantId(7), RunId(9));
        let written = Written::default();
        let tell = |call, kind, offset, text| {
            written.announce(tenant, frame(run, call, kind, offset, text));
        };
        let heard = |run| -> Vec<String> {
            let (before, _) = written.of(tenant, run);
            before
                .iter()
                .map(|f| format!("{} {}", f.call, f.text))
                .collect()
        };
        tell(0, FrameKind::Thought, 0, "hm");
        tell(0, FrameKind::Text, 0, "The ");
        tell(0, FrameKind::Text, 4, "price ");
        let (before, mut frames) = written.of(tenant, run);
        let before: Vec<&str> = before.iter().map(|frame| &*frame.text).collect();
        assert_eq!(before, ["hm", "The price "]);
        tell(0, FrameKind::Text, 10, "is 3.");
        assert_eq!(frames.try_recv().unwrap().text, "is 3.");
        assert!(frames.try_recv().is_err(), "nothing comes twice");

        assert_eq!(heard(RunId(10)), Vec::<String>::new(), "of another run");
        tell(0, FrameKind::Text, 0, "Anew");
        assert_eq!(heard(run), ["0 hm", "0 Anew"], "the attempt before failed");
        tell(2, FrameKind::Text, 0, "Next");
        written.over(tenant, run, 0);
        assert_eq!(heard(run), ["2 Next"]);
        tell(2, FrameKind::Text, 9, "a piece is missing before");
        assert_eq!(heard(run), Vec::<String>::new());
        let endless = "x".repeat(BEGUN_BYTES_MAX + 1);
        tell(2, FrameKind::Text, 0, &endless);
        assert_eq!(heard(run), Vec::<String>::new(), "too long to be kept");
        assert_eq!(written.last_words(tenant, run), None);
        tell(3, FrameKind::Thought, 0, "well");
        assert_eq!(written.last_words(tenant, run).as_deref(), Some("well"));
        let long = "Ten\n euros ".repeat(100);
        tell(3, FrameKind::Text, 0, &long);
        let words = written.last_words(tenant, run).unwrap();
        assert!(words.starts_with("… ") && words.len() < 250, "{words}");
        assert!(words.ends_with("Ten euros Ten euros"), "{words}");
        written.over(tenant, run, 3);
        assert!(lock(&written.begun).is_empty());
    }
}

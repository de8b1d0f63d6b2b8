//! What a run asked is found in the journal however long ago the run was made and however long it
//! waited. What one look doesn't come to is on the next page, and nowhere left out.

use std::sync::Arc;

use naos_engine::node::{Components, Node, Outside, OutsideOutcome, Parts};
use naos_engine::read::{Activity, CallView, CallsFrom, Reader};
use naos_kernel::run::Run;
use naos_kernel::{AnyAggregate, Key, Need, Replay, State, apply};
use naos_sandbox::{Compiler, Config, Sandbox};
use naos_store::{Append, Entry, MemStore, Store, TenantStore};
use naos_types::effect::Call;
use naos_types::fact::run::{Ability, World};
use naos_types::fact::{Fact, budget, document, run, task};
use naos_types::input::{Answer, Link, Piece};
use naos_types::{
    Actor, BatchId, BodyRef, Digest, DocPath, Grant, Micros, Name, RunId, StagedBody, SubjectId,
    TaskId, TenantId, Tier, Time,
};

const TENANT: TenantId = TenantId(7);
const BEGAN: i64 = 1_772_352_000_000;
/// More pages than that are no way to read a run.
const PAGES_MAX: usize = 10;

struct Nowhere;

impl Outside for Nowhere {
    fn begin(&self, _: &Call, _: String, _: Vec<u8>, done: Box<dyn FnOnce(OutsideOutcome) + Send>) {
        done(OutsideOutcome::NotSent("there is no outside here".into()));
    }
}

fn node(store: &MemStore) -> Node {
    let sandbox = Arc::new(Sandbox::new(&Config::default()).unwrap());
    let dir = std::env::temp_dir();
    let components = Components::new(Arc::clone(&sandbox), &[], dir, None, Compiler::InProcess);
    Node::start(Parts {
        store: Arc::new(store.clone()),
        sandbox,
        components: Arc::new(components),
        outside: Arc::new(Nowhere),
        embedder: Arc::new(naos_kernel::recall::Grams),
        shards: 1,
        pool: 1,
    })
    .unwrap()
}

/// A journal as it came to be, a fact each millisecond, with a run in it.
struct Written {
    store: MemStore,
    door: Arc<dyn TenantStore>,
    state: State,
    entries: Vec<Entry>,
    bodies: Vec<StagedBody>,
    now: Time,
    run: RunId,
    tail: Option<BodyRef>,
    /// What is erased when all of it stands.
    erased: Vec<BodyRef>,
}

impl Written {
    fn new() -> Self {
        let store = MemStore::new(3);
        Self {
            door: store.tenant(TENANT).unwrap(),
            store,
            state: State::new(),
            entries: Vec::new(),
            bodies: Vec::new(),
            now: Time(BEGAN),
            run: RunId(((BEGAN as u128) << 80) | 9),
            tail: None,
            erased: Vec::new(),
        }
    }

    fn put(&mut self, fact: &Fact) {
        self.entries.push(Entry {
            seq: self.entries.len() as u64 + 1,
            at: self.now,
            kind: fact.kind().into(),
            version: fact.version(),
            bytes: fact.encode(),
        });
    }

    /// A fact that changes the run or its task.
    fn fold(&mut self, fact: impl Into<Fact>) {
        let fact = fact.into();
        self.put(&fact);
        loop {
            match apply(&self.state, &fact, self.now) {
                Replay::Changed(changes) => {
                    self.state.merge(changes);
                    return;
                }
                Replay::Needs(needs) => {
                    for need in needs {
                        let Need::Record(key) = need else {
                            panic!("{need:?}")
                        };
                        self.state.load(key, None).unwrap();
                    }
                }
                Replay::Broken(what) => panic!("{what}"),
            }
        }
    }

    fn body(&mut self, bytes: &[u8]) -> BodyRef {
        let staged = self.door.seal_body(bytes).unwrap();
        let name = staged.name;
        self.bodies.push(staged);
        name
    }

    fn agent() -> Name {
        Name::new("worker").unwrap()
    }

    /// Others are at work meanwhile.
    fn others(&mut self, count: usize) {
        let (run, index) = (RunId(1), 0);
        let request = BodyRef {
            digest: Digest::of(b"x"),
            len: 1,
        };
        let fact = run::Called {
            run,
            agent: Self::agent(),
            index,
            ability: Ability::Http,
            request,
            digest: Digest::of(b"r"),
            world: World::Once,
        }
        .into();
        for _ in 0..count {
            self.now.0 += 1;
            self.put(&fact);
        }
    }

    fn begin(&mut self) {
        let (input, title) = (self.body(b"go"), self.door.seal(SubjectId::TENANT, b"go"));
        let (task, title) = (TaskId(self.run.0), title.unwrap());
        self.now.0 += 1;
        self.fold(task::Opened {
            task,
            title,
            input,
            agent: None,
            parent: None,
            by: Actor::System,
            asks: None,
        });
        self.fold(run::Started {
            run: self.run,
            task,
            agent: Self::agent(),
            tier: Tier::Wasm,
            component: Some(Digest::of(b"c")),
            input,
            seed: Digest::of(b"s"),
            attempt: 1,
            deadline: self.now,
            grant: Grant::default(),
            fork: None,
        });
    }

    fn asks(&mut self, index: u32) -> BodyRef {
        let request = self.body(format!("call {index}").as_bytes());
        self.now.0 += 1;
        self.fold(run::Called {
            run: self.run,
            agent: Self::agent(),
            index,
            ability: Ability::Http,
            request,
            digest: Digest::of(b"r"),
            world: World::Keyed,
        });
        request
    }

    fn hears(&mut self, index: u32) -> BodyRef {
        self.now.0 += 1;
        let piece = Piece::Answer {
            index,
            ability: Ability::Http,
            request: Digest::of(b"r"),
            answer: Answer::Text(format!("answer {index}")),
            at: self.now,
        };
        let before = self.tail;
        let link = postcard::to_stdvec(&Link { before, piece }).unwrap();
        let answer = self.body(&link);
        self.tail = Some(answer);
        let cost = budget::Metered {
            agent: Self::agent(),
            run: self.run,
            model: Name::new("fast").unwrap(),
            answer: None,
            input: 1,
            cached: 0,
            output: 1,
            amount: Micros(u64::from(index) + 5),
            billed: Micros(0),
            repeated: false,
            lost: false,
        };
        self.put(&cost.into());
        self.fold(run::Answered {
            run: self.run,
            agent: Self::agent(),
            index,
            answer,
            attempts: 3,
        });
        answer
    }

    /// What came behind so many facts is durable.
    fn commit(&mut self, expected: usize) {
        let append = Append {
            tenant: TENANT,
            expected: expected as u64,
            epoch: 1,
            batch: BatchId(expected as u128 + 1),
            entries: self.entries[expected..].to_vec(),
            bodies: std::mem::take(&mut self.bodies),
            inbox: Vec::new(),
            wake: None,
        };
        self.store.commit(&[append]).unwrap()[0].as_ref().unwrap();
    }

    /// All of it is durable; whoever reads it, and the run.
    fn read(mut self) -> (Node, Reader, Arc<Run>, RunId) {
        self.commit(0);
        if !self.erased.is_empty() {
            let expected = self.entries.len();
            let erased = document::Erased {
                path: DocPath::new("notes/a.md").unwrap(),
                versions: Vec::new(),
                runs: vec![self.run],
                bodies: std::mem::take(&mut self.erased),
                by: Actor::System,
            };
            self.put(&erased.into());
            self.commit(expected);
        }
        let node = node(&self.store);
        let reader = Reader::new(&node, TENANT).unwrap();
        match self.state.get(&Key::Run(self.run)) {
            Some(AnyAggregate::Run(run)) => (node, reader, run, self.run),
            other => panic!("{other:?}"),
        }
    }
}

/// All calls, page by page, and how many pages it took.
fn all(reader: &Reader, id: RunId, run: &Run) -> (Vec<CallView>, usize) {
    let (mut rows, mut from) = (Vec::new(), CallsFrom::default());
    for page in 1..=PAGES_MAX {
        let mut calls = reader.calls(id, run, from).unwrap();
        let left = calls.rows.split_off(calls.told);
        assert!(calls.rows.iter().all(|row| !row.unread), "{calls:?}");
        // What isn't told is said to be on the next page.
        assert_eq!(left.iter().any(|row| row.unread), !left.is_empty());
        assert!(left.is_empty() || calls.next.is_some(), "{calls:?}");
        rows.append(&mut calls.rows);
        match calls.next {
            None => {
                assert_eq!(rows.len(), calls.total);
                return (rows, page);
            }
            Some(next) => {
                assert_eq!(next.to_string().parse(), Ok(next));
                assert_ne!(next, from, "it comes further");
                from = next;
            }
        }
    }
    panic!("{} of them after {PAGES_MAX} pages", rows.len());
}

fn is_whole(rows: &[CallView], count: u32) {
    assert_eq!(rows.len(), count as usize);
    for (row, index) in rows.iter().zip(0..) {
        assert_eq!(row.index, index);
        assert_eq!(row.request, format!("call {index}"));
        assert_eq!(row.answer, format!("answer {index}"));
        assert_eq!((row.world, row.attempts), (Some(World::Keyed), 3));
        assert_eq!(row.paid, Some(Micros(u64::from(index) + 5)), "{row:?}");
        assert!(row.asked < row.answered, "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_made_long_before_it_began_tells_its_calls() {
    let mut journal = Written::new();
    journal.others(25_000);
    journal.begin();
    for index in 0..3 {
        journal.asks(index);
        journal.others(3);
        journal.hears(index);
    }
    journal.others(25_000);
    let (node, reader, run, id) = journal.read();
    let (rows, pages) = all(&reader, id, &run);
    is_whole(&rows, 3);
    assert_eq!(pages, 1);
    node.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waited_long_is_told_with_its_end() {
    let mut journal = Written::new();
    journal.begin();
    journal.asks(0);
    journal.others(50_000);
    journal.hears(0);
    journal.others(40_000);
    journal.asks(1);
    journal.others(2);
    journal.hears(1);
    let (node, reader, run, id) = journal.read();
    let (rows, pages) = all(&reader, id, &run);
    is_whole(&rows, 2);
    assert_eq!(pages, 1, "both ends of what lies between are near");
    node.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_is_left_out_in_silence() {
    let mut journal = Written::new();
    journal.begin();
    journal.others(25_000);
    journal.asks(0);
    journal.others(30_000);
    journal.hears(0);
    journal.asks(1);
    journal.hears(1);
    let (node, reader, run, id) = journal.read();
    let (rows, pages) = all(&reader, id, &run);
    is_whole(&rows, 2);
    assert!(pages > 1, "no page looks through all of it");
    // The page of the one call goes on as well.
    let (mut after, mut looks) = (0, 0);
    let asked = loop {
        looks += 1;
        assert!(looks <= PAGES_MAX);
        let moment = reader.moment(id, &run, 0, after).unwrap().unwrap();
        assert_eq!(moment.said.as_deref(), Some("answer 0"));
        match moment.more {
            Some(more) => after = more,
            None => break moment.asked,
        }
    };
    assert_eq!(asked, "call 0");
    assert!(looks > 1);
    node.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_among_many_others_are_told_page_by_page() {
    const CALLS: u32 = 400;
    let mut journal = Written::new();
    journal.begin();
    for index in 0..CALLS {
        journal.others(90);
        journal.asks(index);
        journal.others(90);
        journal.hears(index);
    }
    let (node, reader, run, id) = journal.read();
    let (rows, pages) = all(&reader, id, &run);
    is_whole(&rows, CALLS);
    assert!(pages > 1, "no page looks through all of it");
    node.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_what_was_erased_of_a_recording_the_rest_is_told() {
    let mut journal = Written::new();
    journal.begin();
    for index in 0..4 {
        journal.asks(index);
        journal.others(3);
        let answer = journal.hears(index);
        if index == 1 {
            journal.erased.push(answer);
        }
    }
    let (node, reader, run, id) = journal.read();
    for gated in [false, true] {
        let from = CallsFrom::default();
        let calls = if gated {
            reader.gated_calls(id, &run, from)
        } else {
            reader.calls(id, &run, from)
        };
        let calls = calls.unwrap();
        let told = calls.rows.iter().map(|row| (&*row.request, &*row.answer));
        let told: Vec<(&str, &str)> = told.collect();
        let all = [
            ("", "[erased]"),
            ("call 2", "answer 2"),
            ("call 3", "answer 3"),
        ];
        assert_eq!(told, all);
        assert_eq!((calls.total, calls.next), (3, None));
    }
    node.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_day_that_begins_behind_a_question_says_what_was_asked() {
    let mut journal = Written::new();
    journal.begin();
    let request = journal.asks(0);
    journal.erased.push(request);
    journal.others(3);
    let after = journal.entries.len() as u64;
    journal.hears(0);
    let (node, reader, _, _) = journal.read();
    let (agent, day) = (Written::agent(), Time(BEGAN));
    for after in [None, Some(after)] {
        let found = reader.daily(&agent, day, after, 10).unwrap();
        let last = found.lines.last().unwrap();
        let name = "[erased]".to_owned();
        assert_eq!(last.what, Activity::Tool { name, ok: true }, "{after:?}");
    }
    node.stop();
}

//! Which runs read a document, and what their recordings hold of it. Known by what the journal
//! says, not by words: which document a tool was asked for, and what it said at that moment.

use std::collections::{BTreeSet, HashMap, HashSet};

use naos_kernel::recall::Hit;
use naos_kernel::run::Run;
use naos_kernel::task::attached_as;
use naos_sandbox::{Ability as Called, Segment};
use naos_types::fact::document::Fact as Written;
use naos_types::fact::run::Ability;
use naos_types::fact::{Fact, budget, run};
use naos_types::input::{Answer, Link, Piece};
use naos_types::spec::Tool;
use naos_types::think::Think;
use naos_types::{BodyRef, Code, Digest, DocPath, Refusal, RunId};
use serde_json::Value;

use super::erasing::SAID_BYTES_MIN;
use super::{Reader, planted};

/// What stands where a model was told something that was erased since.
pub const ERASED_TOLD: &str = "[erased on request]";

/// Who read what a document said before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readers {
    /// Runs in whose recordings it stands.
    pub runs: BTreeSet<RunId>,
    /// What stands there, each content once.
    pub recorded: Vec<BodyRef>,
    /// Components at work which were told it: they begin anew on what they were told.
    pub in_use: BTreeSet<String>,
    /// All that were told it, were shown it or wrote it, as people read them: what they made of it
    /// in their own words nobody knows but who looks.
    pub told: BTreeSet<String>,
    /// Those of them in which it still stands, word for word: among other words that a template or
    /// somebody put there. It isn't erased there.
    pub stands: BTreeSet<String>,
}

/// Where what a document said stands in what somebody was given to do.
#[derive(Clone, Copy)]
enum Stands {
    Nowhere,
    /// Among other words, put there by a template or by somebody who copied it.
    InWords,
    /// As a document that came with a task.
    Attached,
}

/// What a document said, as it stands in what somebody was given to do.
struct Given {
    attached: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    /// What was found, by content.
    known: HashMap<Digest, Stands>,
}

impl Given {
    /// Shorter words stand in many places by chance.
    const WORDS_BYTES_MIN: usize = 24;

    fn of(path: &DocPath, texts: &[Vec<u8>]) -> Self {
        let shown = |text: &Vec<u8>| attached_as(path, &String::from_utf8_lossy(text));
        let attached = texts.iter().map(shown);
        let words = texts.iter().map(|text| text.trim_ascii().to_vec());
        Self {
            attached: attached.flat_map(|text| in_json_too(&text)).collect(),
            words: words
                .filter(|text| text.len() >= Self::WORDS_BYTES_MIN)
                .flat_map(|text| in_json_too(&String::from_utf8_lossy(&text)))
                .collect(),
            known: HashMap::new(),
        }
    }

    fn in_body(&mut self, reader: &Reader, body: &BodyRef) -> Stands {
        if planted::readers_keep_what_they_read() || self.attached.is_empty() {
            return Stands::Nowhere;
        }
        if let Some(known) = self.known.get(&body.digest) {
            return *known;
        }
        let bytes = reader.bytes(body).unwrap_or_default(); // what was erased says nothing
        let has = |all: &[Vec<u8>]| all.iter().any(|text| stands_in(&bytes, text));
        let found = if has(&self.attached) {
            Stands::Attached
        } else if has(&self.words) {
            Stands::InWords
        } else {
            Stands::Nowhere
        };
        self.known.insert(body.digest, found);
        found
    }
}

/// A text, and as it stands in a text of JSON.
fn in_json_too(text: &str) -> [Vec<u8>; 2] {
    let json = Value::from(text).to_string();
    let within = json.as_bytes().get(1..json.len() - 1).unwrap_or_default();
    [text.as_bytes().to_vec(), within.to_vec()]
}

fn stands_in(bytes: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(bytes, text).is_some()
}

/// A call of a tool that looks into documents.
struct Look {
    index: u32,
    ability: Ability,
    request: BodyRef,
    /// What the document said when it was asked.
    said: Option<BodyRef>,
}

impl Reader {
    /// Who read one of these contents of a document. Reads the whole journal: blocks.
    ///
    /// # Errors
    /// A refusal if the journal is damaged.
    pub(super) fn readers(&self, path: &DocPath, contents: &[BodyRef]) -> Result<Readers, Refusal> {
        let names: HashSet<Digest> = contents.iter().map(|body| body.digest).collect();
        let texts = contents.iter().filter_map(|body| self.bytes(body).ok());
        let texts: Vec<Vec<u8>> = texts.filter(|text| text.len() >= SAID_BYTES_MIN).collect();
        let mut given = Given::of(path, &texts);
        let is_one = |said: &Option<BodyRef>| said.is_some_and(|s| names.contains(&s.digest));
        let mut out = Readers::default();
        let (mut says, mut was_said) = (None, false);
        let mut looks: HashMap<RunId, Look> = HashMap::new();
        let mut metered: HashMap<RunId, BodyRef> = HashMap::new();
        self.each("", |_, fact| {
            let who = |run: RunId| format!("{run} of {}", fact.subject());
            match &fact {
                Fact::Document(Written::Written(f)) if f.path == *path => {
                    says = Some(f.body);
                    was_said |= is_one(&says);
                    if let Some(run) = f.run.filter(|_| is_one(&says)) {
                        let of = self.find::<Run>(&run)?;
                        out.told
                            .extend(of.map(|of| format!("{run} of {}", of.agent)));
                    }
                }
                Fact::Document(Written::Deleted(f)) if f.path == *path => says = None,
                _ if !was_said => {}
                Fact::Run(run::Fact::Called(f)) => match f.ability {
                    Ability::Model if self.is_shown(&f.request, &names) => {
                        out.told.insert(who(f.run));
                    }
                    Ability::Tool | Ability::Recall | Ability::Picture => {
                        metered.remove(&f.run);
                        let look = Look {
                            index: f.index,
                            ability: f.ability,
                            request: f.request,
                            said: says,
                        };
                        looks.insert(f.run, look);
                    }
                    _ => {}
                },
                Fact::Budget(budget::Fact::Metered(f)) => {
                    let is_look = looks
                        .get(&f.run)
                        .is_some_and(|l| l.ability == Ability::Recall);
                    if let Some(answer) = f.answer.filter(|_| is_look) {
                        metered.insert(f.run, answer);
                    }
                }
                Fact::Run(run::Fact::Answered(f)) => {
                    let look = looks.remove(&f.run).filter(|look| look.index == f.index);
                    let Some(look) = look.filter(|look| is_one(&look.said)) else {
                        return Ok(());
                    };
                    let Some(erasable) = self.quotes(path, &look, &f.answer)? else {
                        return Ok(());
                    };
                    out.told.insert(who(f.run));
                    let all = erasable.then_some(f.answer).into_iter();
                    let all = all.chain(metered.remove(&f.run));
                    for body in all.filter(|_| !planted::readers_keep_what_they_read()) {
                        if !self.is_erased(&body) && !out.recorded.contains(&body) {
                            out.runs.insert(f.run);
                            out.recorded.push(body);
                        }
                    }
                }
                Fact::Run(run::Fact::Recorded(f)) if self.holds(&f.segment, &texts) => {
                    out.told.insert(who(f.run));
                    let of = self.find::<Run>(&f.run)?;
                    if of.is_some_and(|run| !run.status.is_closed()) {
                        out.in_use.insert(who(f.run));
                    } else {
                        out.runs.insert(f.run);
                        out.recorded.push(f.segment);
                    }
                }
                Fact::Plan(_) | Fact::Task(_) | Fact::Run(run::Fact::Started(_)) => {
                    for body in fact.bodies() {
                        match given.in_body(self, &body) {
                            Stands::Nowhere => {}
                            Stands::InWords => {
                                out.told.insert(super::erasing::who(&fact));
                                out.stands.insert(super::erasing::who(&fact));
                            }
                            Stands::Attached if self.is_at_work(&fact)? => {
                                out.in_use.insert(super::erasing::who(&fact));
                            }
                            Stands::Attached => {
                                out.told.insert(super::erasing::who(&fact));
                                out.runs.extend(fact.run());
                                if !out.recorded.contains(&body) {
                                    out.recorded.push(body);
                                }
                            }
                        }
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(out)
    }

    /// Whether what a model was asked shows it one of these.
    fn is_shown(&self, request: &BodyRef, names: &HashSet<Digest>) -> bool {
        let think = self.bytes(request).ok();
        let think = think.and_then(|bytes| serde_json::from_slice::<Think>(&bytes).ok());
        think.is_some_and(|think| think.shown.iter().any(|(_, s)| names.contains(&s.digest)))
    }

    /// Whether a call was answered with what the document said, and then whether that stands in
    /// the piece itself; none where it was not.
    fn quotes(
        &self,
        path: &DocPath,
        look: &Look,
        answer: &BodyRef,
    ) -> Result<Option<bool>, Refusal> {
        let Ok(request) = self.bytes(&look.request) else {
            return Ok(None);
        };
        let Ok(asked) = serde_json::from_slice::<Value>(&request) else {
            return Ok(None);
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let tool = Tool::parse(&text(&asked["tool"]));
        let names_it = || {
            let given = serde_json::from_str::<Value>(&text(&asked["arguments"]));
            let given = given.map(|given| DocPath::new(&text(&given["path"])));
            matches!(given, Ok(Ok(read)) if read == *path)
        };
        let reads = match tool {
            Some(Tool::ContextRead) if names_it() => true,
            Some(Tool::ContextSearch | Tool::Recall) => false,
            _ => return Ok(None),
        };
        let bytes = match self.bytes(answer) {
            // It was a while ago: whether a search found it nobody knows.
            Err(why) if why.code == Code::ERASED => return Ok(reads.then_some(false)),
            found => found?,
        };
        let Ok(link) = postcard::from_bytes::<Link>(&bytes) else {
            return Ok(None);
        };
        Ok(match link.piece {
            Piece::Answer {
                answer: Answer::Text(said),
                ..
            } => (reads || finds(&said, path)).then_some(true),
            // A picture is named by what it is: it goes with the document.
            Piece::Answer {
                answer: Answer::Body(_),
                ..
            } => reads.then_some(false),
            _ => None,
        })
    }

    /// Whether a piece of a component's recording holds one of these texts as what a document says.
    fn holds(&self, segment: &BodyRef, texts: &[Vec<u8>]) -> bool {
        if texts.is_empty() {
            return false;
        }
        let Ok(bytes) = self.bytes(segment) else {
            return false;
        };
        let Ok(Link {
            piece: Piece::Segment(calls),
            ..
        }) = postcard::from_bytes(&bytes)
        else {
            return false;
        };
        let calls = Segment::decode(&calls).unwrap_or_default();
        let mut reads = calls.iter().filter(|call| call.ability == Called::Context);
        reads.any(|call| texts.iter().any(|text| stands_in(&call.answer, text)))
    }

    /// What stands in for a piece of a run's recording that was erased, with the piece before it:
    /// the journal knows of both. None where it is no answer of a tool. Blocks.
    ///
    /// # Errors
    /// A refusal if the journal is damaged.
    pub(crate) fn instead(&self, id: RunId, name: &BodyRef) -> Result<Option<Link>, Refusal> {
        let mut of = Some(id);
        while let Some(id) = of {
            let Some(run) = self.find::<Run>(&id)? else {
                return Ok(None);
            };
            let found = self.instead_in(id, &run, name)?;
            if found.is_some() {
                return Ok(found);
            }
            // The first pieces of a what-if are its original's.
            of = run.fork.as_ref().map(|fork| fork.of);
        }
        Ok(None)
    }

    fn instead_in(&self, id: RunId, run: &Run, name: &BodyRef) -> Result<Option<Link>, Refusal> {
        let mut before = run.fork.as_ref().and_then(|fork| fork.tail);
        let mut called: Option<run::Called> = None;
        let mut found = None;
        let from = self.seq_at(run.started)?.saturating_sub(1);
        self.each_behind(from, "run.", |entry, fact| {
            match fact {
                Fact::Run(run::Fact::Started(f)) if f.run == id => {
                    before = f.fork.and_then(|fork| fork.tail);
                }
                Fact::Run(run::Fact::Called(f)) if f.run == id => called = Some(f),
                Fact::Run(run::Fact::Recorded(f)) if f.run == id => before = Some(f.segment),
                Fact::Run(run::Fact::Answered(f)) if f.run == id => {
                    let asked = called.take().filter(|asked| asked.index == f.index);
                    if f.answer != *name {
                        before = Some(f.answer);
                        return Ok(true);
                    }
                    let asked = asked.filter(|asked| asked.ability != Ability::Model);
                    found = asked.map(|asked| Link {
                        before,
                        piece: Piece::Answer {
                            index: f.index,
                            ability: Ability::Tool,
                            request: asked.digest,
                            answer: Answer::Text(ERASED_TOLD.to_owned()),
                            at: entry.at,
                        },
                    });
                    return Ok(false);
                }
                _ => {}
            }
            Ok(true)
        })?;
        Ok(found)
    }
}

/// Whether a search was answered with something of a document.
fn finds(said: &str, path: &DocPath) -> bool {
    let shown = path.as_str().trim_start_matches('/');
    let lines = said.lines().filter(|line| line.starts_with('{'));
    let mut hits = lines.filter_map(|line| serde_json::from_str::<Hit>(line).ok());
    hits.any(|hit| hit.document == shown)
}

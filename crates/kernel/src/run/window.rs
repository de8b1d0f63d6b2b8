//! What a model is given of a request that its window has no room for. Decided by lengths alone, so
//! that the same state always gives the same request, and nothing is sent of which a server would
//! cut what it likes without a word.
//!
//! The order of precedence ([`Whole::parts`]) is a table in docs/squads.md.

use naos_types::spec::{IMAGE_TOKENS_MAX, MindSpec, ModelSpec, StaysFrom, Tool};
use naos_types::think::{CutResult, Cuts};
use naos_types::{Actor, BodyRef, Code, Name, Refusal};

use super::think::{Thinking, answer_tokens};
use super::workspace::{PIECE_BYTES_MIN, Rank, Shown, rank, told_bytes};
use crate::turn::{Done, Turn};

/// How many bytes count as a token where it is reckoned what a window holds. What people write has
/// more to a token (English four, French three and a half, Malagasy not quite three), lists of
/// numbers hardly fewer: what is reckoned so fits.
const TOKEN_BYTES: u64 = 2;
/// How many bytes a token usually has: what a run may use isn't reckoned as if it were more.
const USUAL_TOKEN_BYTES: u64 = 4;
/// The part of a window that is kept for the answer, unless the answer may have less.
const ANSWER_PART: u64 = 4;
/// The part of a window that a picture counts as where its model doesn't say how many tokens it is.
const PICTURE_PART: u64 = 16;
/// What naos itself says to every model, in bytes.
const OWN_BYTES: u64 = 1_024;
/// What a provider says by itself to a model that has tools or a form to keep to, in bytes.
const TOOLS_BYTES: u64 = 1_024;
/// What stands around a tool's words, and around a piece of a conversation, in bytes.
const AROUND_BYTES: u64 = 64;
/// What stands around a document or a result beside its title: marks, and that it is cut.
const MARKED_BYTES: u64 = 128;
/// How much of the end of a task's text is never left out: what is asked for at last.
const END_BYTES: u64 = 1_024;
/// What stands before the words of an agent that wants a task done.
const WANTS_BYTES: u64 = 256;

/// All that a model is to read beside its prompt.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reads {
    /// The most tokens that tools of servers are.
    pub others: u64,
    /// Bytes of texts.
    pub bytes: u64,
    /// Pieces that they come in.
    pub pieces: u64,
    /// Pictures among them.
    pub pictures: u64,
}

/// What was said in a run, in bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub bytes: u64,
    pub pieces: u64,
    pub pictures: u64,
    /// The results of calls among it, oldest first: the number of each call, and its length.
    pub results: Vec<(u32, u64)>,
    /// How many of them, the last ones, the model didn't read yet.
    pub unread: usize,
}

impl Said {
    /// What stands in the recording, and what people said since.
    pub fn of(thinking: &Thinking, heard: Option<BodyRef>) -> Self {
        Self {
            bytes: thinking.bytes + heard.map_or(0, |notes| notes.len),
            pieces: thinking.pieces + u64::from(heard.is_some()),
            pictures: u64::from(thinking.pictures),
            results: thinking.results.clone(),
            unread: thinking.done as usize,
        }
    }
}

/// All that a model would be asked, in bytes.
pub(super) struct Whole<'w> {
    pub mind: &'w MindSpec,
    pub shown: &'w Shown,
    /// Tools of servers, and the form of an answer.
    pub others: u64,
    /// The task's text.
    pub task: u64,
    /// How much of its beginning and of its end is never left out.
    pub kept: (u64, u64),
    pub said: Said,
    /// What was left out before: of a what-if, by what its original's model was asked.
    pub cuts: Cuts,
    /// The work that it comes from whose data must not leave the country.
    pub stays: Option<StaysFrom>,
    /// How many tokens are left of those that the run may use.
    pub left: u64,
}

/// What a model is asked.
#[derive(Debug)]
pub(super) struct Fitted {
    pub shown: Shown,
    pub cuts: Cuts,
    pub reads: Reads,
    /// How many tokens the answer may have.
    pub answer: u32,
}

/// Something that may be left out.
#[derive(Clone, Copy)]
enum Part {
    Document(usize),
    Skill(usize),
    Task,
    /// A result, and whether the model didn't read it yet.
    Result(usize, bool),
}

/// How much of a task's text is never left out: what is to be done, and what is asked for at its
/// end. The documents that came with it, what was made before and what was said stand between. Of
/// what isn't for a task on the board nobody can tell what matters.
pub(super) fn kept(turn: &Turn<'_>, by: &Actor, input: BodyRef) -> Done<(u64, u64)> {
    let Some((task, _)) = super::talk::task_by(turn, by)? else {
        return Ok((input.len, 0));
    };
    let task = crate::task::known(turn, task)?;
    let around = match task.by {
        Actor::Agent(_) => WANTS_BYTES,
        _ => 0,
    };
    let brief = (task.input.len + around).min(input.len);
    Ok((brief, END_BYTES.min(input.len - brief)))
}

impl Whole<'_> {
    /// How much of the task is never left out.
    fn kept_of_task(&self) -> u64 {
        let (head, tail) = self.cuts.task.unwrap_or(self.kept);
        head.saturating_add(tail).min(self.task)
    }

    /// What was said, but for what was left out of it before.
    fn said(&self) -> u64 {
        let cuts = self.cuts.results.iter();
        let gone: u64 = cuts.map(|cut| cut.of.saturating_sub(cut.given)).sum();
        self.said.bytes.saturating_sub(gone)
    }

    /// What is read where nothing more is left out.
    fn reads(&self) -> Reads {
        let pieces = self.shown.documents.len() + self.shown.skills.len();
        let task = self.kept_of_task() + self.length(Part::Task);
        Reads {
            others: self.others,
            bytes: task + self.shown.bytes() + self.said(),
            pieces: 2 + pieces as u64 + self.said.pieces,
            pictures: self.said.pictures,
        }
    }

    /// How many tokens of those that the run may use are left for an answer, beside what is read
    /// for it.
    fn rest(&self, reads: &Reads) -> Result<u32, Refusal> {
        let read = (reads.bytes + self.mind.prompt.len() as u64) / USUAL_TOKEN_BYTES;
        let rest = self.left.saturating_sub(read);
        if crate::planted::is("tokens-hold-nothing") {
            return Ok(u32::MAX);
        }
        if rest == 0 {
            let (left, most) = (self.left, self.mind.tokens_max);
            let what = format!(
                "{left} of its {most} `tokens` are left, and a model would read about {read} for \
                 its next answer"
            );
            return Err(Refusal::new(Code::LIMIT_TOKENS, what).help("raise `tokens`"));
        }
        Ok(u32::try_from(rest).unwrap_or(u32::MAX))
    }

    /// How long a part is.
    fn length(&self, part: Part) -> u64 {
        match part {
            Part::Document(at) => self.shown.given.get(at).copied().unwrap_or_default(),
            Part::Skill(at) => self.shown.skills.get(at).map_or(0, told_bytes),
            Part::Task if self.cuts.task.is_some() => 0, // it is cut already
            Part::Task => self.task - self.kept_of_task(),
            Part::Result(at, _) => self.said.results.get(at).map_or(0, |(_, bytes)| *bytes),
        }
    }

    /// What may be left out, the most important first: what comes later is left out earlier.
    fn parts(&self) -> Vec<Part> {
        let ranks: Vec<Rank> = self
            .shown
            .documents
            .iter()
            .map(|(title, _)| rank(self.mind, title))
            .collect();
        let documents = |wanted: Rank| {
            let found = ranks.iter().enumerate();
            let found = found.filter(move |(_, rank)| **rank == wanted);
            found.map(|(at, _)| Part::Document(at))
        };
        let results = self.said.results.len();
        let unread = results - self.said.unread.min(results);
        let mut out: Vec<Part> = documents(Rank::Soul).collect();
        out.extend((unread..results).rev().map(|at| Part::Result(at, true)));
        out.extend(documents(Rank::Who));
        out.extend((0..self.shown.skills.len()).map(Part::Skill));
        out.extend(documents(Rank::Own));
        out.push(Part::Task);
        out.extend(documents(Rank::Other));
        out.extend((0..results).rev().map(|at| Part::Result(at, false)));
        out
    }

    /// What can't be left out, by what it is, in bytes.
    fn fixed(&self, window: u64, spec: &ModelSpec) -> [(&'static str, u64); 5] {
        let mind = self.mind;
        let runs = !mind.skills.is_empty() && !mind.tools.contains(&Tool::SkillRun);
        let own = mind.tools.iter().copied();
        let own = own.chain(runs.then_some(Tool::SkillRun));
        let own: u64 = own.map(|tool| super::told_bytes(tool) + AROUND_BYTES).sum();
        let form = mind.schema.as_ref().map_or(0, String::len) as u64;
        let mut tools = own + self.others + form;
        if tools > 0 {
            tools += TOOLS_BYTES;
        }
        let titles = self.shown.documents.iter();
        let titles: u64 = titles
            .map(|(title, _)| title.len() as u64 + MARKED_BYTES)
            .sum();
        let most = (window / PICTURE_PART).min(IMAGE_TOKENS_MAX);
        let picture = spec.image_tokens.map_or(most, u64::from);
        let results = &self.said.results;
        let marks = (results.len() as u64) * MARKED_BYTES + self.said.pieces * AROUND_BYTES;
        let results: u64 = results.iter().map(|(_, bytes)| bytes).sum();
        let said = self.said().saturating_sub(results);
        let told: u64 = self.shown.told.iter().map(|text| text.len() as u64).sum();
        let pictures = self.said.pictures.saturating_mul(picture) * TOKEN_BYTES;
        [
            ("its prompt", mind.prompt.len() as u64),
            ("its tools", tools),
            ("the task", self.kept_of_task()),
            ("what was said", said + marks + pictures),
            ("marks and titles", OWN_BYTES + titles + told),
        ]
    }

    /// All of it, in bytes.
    fn bytes(&self, window: u64, spec: &ModelSpec) -> u64 {
        let fixed = self.fixed(window, spec);
        let fixed = fixed.iter().map(|(_, bytes)| bytes).sum::<u64>();
        let parts = self.parts();
        let parts = parts
            .iter()
            .filter(|part| !matches!(part, Part::Result(_, true))); // they come twice
        fixed + parts.map(|part| self.length(*part)).sum::<u64>()
    }

    /// Whether a window holds all of it, with room for an answer.
    fn is_held(&self, spec: &ModelSpec) -> bool {
        let Some(window) = window(spec) else {
            return true;
        };
        let tokens = tokens(self.bytes(window, spec));
        tokens + answer_room(spec, self.mind, window) <= window
    }
}

/// How many tokens that is.
const fn tokens(bytes: u64) -> u64 {
    bytes.div_ceil(TOKEN_BYTES)
}

/// What a model sees at once, where it is known. What an engine tells its own model is its own.
fn window(spec: &ModelSpec) -> Option<u64> {
    let known = spec.context_tokens.filter(|_| !spec.format.is_engine());
    known.map(u64::from)
}

/// How many tokens are kept for the answer.
fn answer_room(spec: &ModelSpec, mind: &MindSpec, window: u64) -> u64 {
    u64::from(answer_tokens(spec, mind)).min(window / ANSWER_PART)
}

/// The models of a chain in the order in which they are asked: whose window holds all comes first,
/// then the larger window.
pub(super) fn ordered<'t>(
    mut chain: Vec<(Name, &'t ModelSpec)>,
    whole: &Whole<'_>,
) -> Vec<(Name, &'t ModelSpec)> {
    if !crate::planted::is("small-window-first") {
        chain.sort_by_cached_key(|(_, spec)| match window(spec) {
            Some(window) if !whole.is_held(spec) => u64::MAX - window,
            _ => 0,
        });
    }
    chain
}

/// As much of it as the window of a model holds, with room for its answer.
pub(super) fn fit(name: &Name, spec: &ModelSpec, whole: &Whole<'_>) -> Result<Fitted, Refusal> {
    let mind = whole.mind;
    let reads = whole.reads();
    let mut fitted = Fitted {
        shown: whole.shown.clone(),
        cuts: whole.cuts.clone(),
        answer: answer_tokens(spec, mind).min(whole.rest(&reads)?),
        reads,
    };
    let Some(window) = window(spec).filter(|_| !crate::planted::is("prompt-over-window")) else {
        return Ok(fitted);
    };
    let room = (window - answer_room(spec, mind, window)) * TOKEN_BYTES;
    let fixed = whole.fixed(window, spec);
    let all: u64 = fixed.iter().map(|(_, bytes)| bytes).sum();
    let Some(mut left) = room.checked_sub(all) else {
        return Err(too_much(name, window, room, &fixed));
    };
    let mut given = Given::new(whole);
    let parts = whole.parts();
    let unread = |part: &&Part| matches!(part, Part::Result(_, true));
    let share = parts.iter().filter(unread).count() as u64;
    for part in parts {
        // What it just read may leave it room for what it is.
        let most = match part {
            Part::Result(_, true) => left / 2 / share.max(1),
            _ => left,
        };
        left -= given.take(part, whole.length(part), most);
    }
    let taken = given.put(whole, &mut fitted, window);
    fitted.reads.bytes = fitted.reads.bytes.saturating_sub(taken);
    let answer = window - tokens(room - left);
    fitted.answer = fitted.answer.min(u32::try_from(answer).unwrap_or(u32::MAX));
    Ok(fitted)
}

/// How much of each part is given.
struct Given {
    documents: Vec<u64>,
    skills: Vec<bool>,
    task: u64,
    results: Vec<u64>,
}

impl Given {
    fn new(whole: &Whole<'_>) -> Self {
        Self {
            documents: vec![0; whole.shown.documents.len()],
            skills: vec![false; whole.shown.skills.len()],
            task: 0,
            results: vec![0; whole.said.results.len()],
        }
    }

    /// Gives a part, or as much more of it as there is room for; how much that is.
    fn take(&mut self, part: Part, length: u64, most: u64) -> u64 {
        let before = match part {
            Part::Result(at, _) => self.results[at],
            _ => 0,
        };
        let wanted = length - before;
        let mut got = wanted.min(most);
        let is_useless = before + got < PIECE_BYTES_MIN || matches!(part, Part::Skill(_));
        if got < wanted && is_useless {
            got = 0;
        }
        match part {
            Part::Document(at) => self.documents[at] = got,
            Part::Skill(at) => self.skills[at] = got == wanted,
            Part::Task => self.task = got,
            Part::Result(at, _) => self.results[at] += got,
        }
        got
    }

    /// Leaves out what isn't given, and says so; how many bytes that is.
    fn put(self, whole: &Whole<'_>, fitted: &mut Fitted, window: u64) -> u64 {
        let no_room = || format!("no room: the window is {window} tokens");
        let mut gone = 0;
        let mut shown = Shown {
            told: whole.shown.told.clone(),
            left_out: whole.shown.left_out.clone(),
            ..Shown::default()
        };
        let documents = whole.shown.documents.iter().zip(&whole.shown.given);
        for ((document, length), given) in documents.zip(self.documents) {
            gone += length - given;
            if given < *length {
                let (title, body) = document;
                shown.left_out.retain(|(known, _)| known != title); // it is cut further
                let why = match given {
                    0 => no_room(),
                    given => format!("cut: {given} of {} bytes, {}", body.len, no_room()),
                };
                shown.left_out.push((title.clone(), why));
            }
            if given > 0 || *length == 0 {
                shown.documents.push(document.clone());
                shown.given.push(given);
            }
        }
        for (skill, is_given) in whole.shown.skills.iter().zip(self.skills) {
            if is_given {
                shown.skills.push(skill.clone());
            } else {
                gone += told_bytes(skill);
                let title = format!("skills/{}", skill.name);
                shown.left_out.push((title, no_room()));
            }
        }
        fitted.shown = shown;
        let rest = whole.length(Part::Task);
        if self.task < rest {
            let (head, tail) = whole.kept;
            gone += rest - self.task;
            fitted.cuts.task = Some((head, tail + self.task));
        }
        for ((call, of), given) in whole.said.results.iter().zip(self.results) {
            if given < *of {
                gone += of - given;
                let (call, of) = (*call, *of);
                fitted.cuts.results.push(CutResult { call, given, of });
            }
        }
        gone
    }
}

/// Even without all that may be left out there is no room.
fn too_much(name: &Name, window: u64, room: u64, fixed: &[(&'static str, u64)]) -> Refusal {
    let all: u64 = fixed.iter().map(|(_, bytes)| bytes).sum();
    let each = fixed.iter().filter(|(_, bytes)| *bytes > 0);
    let each: Vec<String> = each
        .map(|(what, bytes)| format!("{what} {}", tokens(*bytes)))
        .collect();
    let what = format!(
        "what {name} must be told is about {} tokens, and its window of {window} has room for {} \
         beside an answer: {}",
        tokens(all),
        tokens(room),
        each.join(", ")
    );
    Refusal::new(Code::OVER_WINDOW, what).help(format!(
        "give its agent a model with a larger `context_size`, or say a larger one of {name} if it \
         has one; or fewer tools, a shorter prompt, a shorter task"
    ))
}

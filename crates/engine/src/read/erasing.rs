//! What can be erased of a document: earlier versions, and who else says the same. A content
//! belongs to all that name it, so whoever erases one hears of the others first.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use naos_kernel::approval::Approval;
use naos_kernel::document::{Document, ERASED_MAX};
use naos_kernel::plan::Plan;
use naos_kernel::recall;
use naos_kernel::run::Run;
use naos_kernel::task::Task;
use naos_store::Entry;
use naos_types::fact::document::Fact as Written;
use naos_types::fact::{Fact, approval, run};
use naos_types::input::{Answer, Link, Piece};
use naos_types::{BodyRef, Code, Digest, DocPath, Name, Refusal, RunId, Seq, Time};

use super::{Reader, Readers, damaged, planted};

/// How many entries are read at once.
const CHUNK: usize = 512;
/// How many others that say the same are named.
const SHARED_MAX: usize = 50;

/// Which versions are to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// These.
    Versions(BTreeSet<u64>),
    /// All that were written before.
    Before(Time),
    /// All but what stands now.
    Earlier,
}

/// What of it can be erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erasable {
    /// The versions, each number once, in rising order; of a document that was taken away and
    /// written anew all of that number.
    pub versions: Vec<u64>,
    /// All the versions that are wanted, also those that say nothing any more.
    pub of: Vec<u64>,
    /// What they say, each content once.
    pub bodies: Vec<BodyRef>,
    /// How many versions are wanted beyond what goes at once.
    pub left: usize,
    /// What else says the same and has ended: it is erased, too.
    pub also: Vec<String>,
    /// What says the same and is under way, or stands: nothing can be erased.
    pub in_use: Vec<String>,
    /// Who read it: what stands of it in their recordings goes with it.
    pub readers: Readers,
}

impl Reader {
    /// What of a document's earlier versions can be erased. Reads the whole journal: blocks.
    ///
    /// # Errors
    /// A refusal if a wanted version isn't there or is what the document says now, or the journal
    /// is damaged.
    pub fn erasable(&self, path: &DocPath, wanted: &Wanted) -> Result<Erasable, Refusal> {
        let now = self.find::<Document>(path)?.map(|document| document.body);
        let mut written: Vec<(u64, BodyRef, Time)> = Vec::new();
        self.each("document.", |entry, fact| {
            if let Fact::Document(Written::Written(f)) = fact
                && f.path == *path
            {
                written.push((f.version, f.body, entry.at));
            }
            Ok(())
        })?;
        let shown = path.as_str().trim_start_matches('/');
        if written.is_empty() {
            let what = format!("nothing was ever written as {shown}");
            return Err(Refusal::new(Code::NOT_FOUND, what));
        }
        if let Wanted::Versions(numbers) = wanted {
            for number in numbers {
                let mut of = written.iter().filter(|(version, ..)| version == number);
                if of.clone().next().is_none() {
                    let what = format!("there is no version {number} of {shown}");
                    return Err(Refusal::new(Code::NOT_FOUND, what).help(format!(
                        "naos document history {shown} lists those there are"
                    )));
                }
                if of.any(|(_, body, _)| Some(*body) == now) {
                    let what = format!("version {number} is what {shown} says now");
                    let help = format!(
                        "write {shown} anew, or take it away first: naos delete document {shown}"
                    );
                    return Err(Refusal::new(Code::WRONG_STATE, what).help(help));
                }
            }
        }
        let is_wanted = |(version, body, at): &(u64, BodyRef, Time)| {
            Some(*body) != now
                && match wanted {
                    Wanted::Versions(numbers) => numbers.contains(version),
                    Wanted::Before(end) => at < end,
                    Wanted::Earlier => true,
                }
        };
        let chosen: Vec<BodyRef> = written
            .iter()
            .filter(|one| is_wanted(one))
            .map(|w| w.1)
            .collect();
        let mut out = Erasable::default();
        let of: BTreeSet<u64> = written
            .iter()
            .filter(|o| is_wanted(o))
            .map(|w| w.0)
            .collect();
        out.of = of.into_iter().take(ERASED_MAX).collect();
        let mut named: HashSet<Digest> = HashSet::new();
        // Whoever read what is erased already may have kept it: a run that was at work then, say.
        out.readers = self.readers(path, &chosen)?;
        let needed = &out.readers.in_use;
        out.in_use.extend(needed.iter().take(SHARED_MAX).cloned());
        let recorded = &mut out.readers.recorded;
        out.left += recorded.len().saturating_sub(ERASED_MAX);
        recorded.truncate(ERASED_MAX);
        let room = ERASED_MAX - recorded.len();
        for body in chosen {
            if named.contains(&body.digest) || self.is_erased(&body) {
                continue;
            }
            if out.bodies.len() == room {
                out.left += 1;
                continue;
            }
            named.insert(body.digest);
            out.bodies.push(body);
        }
        // Another version of it that says the same goes with it.
        let with = written
            .iter()
            .filter(|(_, body, _)| named.contains(&body.digest));
        let versions: BTreeSet<u64> = with.map(|(version, ..)| *version).collect();
        out.versions = versions.into_iter().take(ERASED_MAX).collect();
        if !named.is_empty() {
            self.find_shared(path, &named, &mut out)?;
        }
        Ok(out)
    }

    /// Who else names one of these contents.
    fn find_shared(
        &self,
        path: &DocPath,
        named: &HashSet<Digest>,
        out: &mut Erasable,
    ) -> Result<(), Refusal> {
        self.each("", |_, fact| {
            if matches!(&fact, Fact::Document(Written::Written(f)) if f.path == *path) {
                return Ok(());
            }
            if !fact
                .bodies()
                .iter()
                .any(|body| named.contains(&body.digest))
            {
                return Ok(());
            }
            let who = who(&fact);
            let to = if self.is_at_work(&fact)? {
                &mut out.in_use
            } else {
                &mut out.also
            };
            if to.len() < SHARED_MAX && !to.contains(&who) {
                to.push(who);
            }
            Ok(())
        })
    }

    /// Whether what names a content still needs it.
    pub(super) fn is_at_work(&self, fact: &Fact) -> Result<bool, Refusal> {
        if let Fact::Document(Written::Written(f)) = fact {
            let there = self.find::<Document>(&f.path)?;
            return Ok(there.is_some_and(|there| there.body == f.body));
        }
        if let Some(run) = fact.run() {
            let run = self.find::<Run>(&run)?;
            return Ok(run.is_some_and(|run| !run.status.is_closed()));
        }
        Ok(match fact {
            Fact::Task(fact) => {
                let task = self.find::<Task>(&fact.task())?;
                task.is_some_and(|task| !task.status.is_closed())
            }
            Fact::Plan(fact) => {
                let plan = self.find::<Plan>(&fact.plan())?;
                plan.is_some_and(|plan| !plan.is_closed())
            }
            Fact::Approval(approval::Fact::Requested(f)) => {
                let asked = self.find::<Approval>(&f.approval)?;
                asked.is_some_and(|asked| naos_kernel::Aggregate::is_open(&*asked))
            }
            _ => false,
        })
    }

    /// Every fact that names contents and whose kind begins so, oldest first.
    pub(super) fn each(
        &self,
        begins: &str,
        mut each: impl FnMut(&Entry, Fact) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        self.each_behind(0, begins, |entry, fact| each(entry, fact).map(|()| true))
    }

    /// The same behind `after`, as long as it is wanted.
    pub(super) fn each_behind(
        &self,
        mut after: Seq,
        begins: &str,
        mut each: impl FnMut(&Entry, Fact) -> Result<bool, Refusal>,
    ) -> Result<(), Refusal> {
        loop {
            let entries = self.store.entries(after, CHUNK).map_err(damaged)?;
            let Some(last) = entries.last() else {
                return Ok(());
            };
            after = last.seq;
            for entry in &entries {
                if !entry.kind.starts_with(begins) || !Fact::names_bodies(&entry.kind) {
                    continue;
                }
                if let Ok(fact) = Fact::decode(&entry.kind, entry.version, &entry.bytes)
                    && !each(entry, fact)?
                {
                    return Ok(());
                }
            }
        }
    }
}

/// How many bytes a text has at least that is looked for everywhere: a shorter one says nothing by
/// itself.
pub const SAID_BYTES_MIN: usize = 4;

/// What says something that is to be forgotten, and can be erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saying {
    /// Documents with the versions, and their contents.
    pub documents: BTreeMap<DocPath, (BTreeSet<u64>, Vec<BodyRef>)>,
    /// Runs that ended.
    pub runs: BTreeSet<RunId>,
    /// What stands in their recordings.
    pub recorded: Vec<BodyRef>,
    /// What says it, too, and is still needed.
    pub kept: BTreeSet<String>,
    /// How many contents there was no room for at once.
    pub left: usize,
}

/// A text that is looked for, as it may stand in a content: as it is, or in the JSON of a call.
struct Said {
    fact: String,
    forms: Vec<String>,
}

impl Said {
    fn new(fact: &str) -> Self {
        let mut forms = vec![fact.to_lowercase()];
        for _ in 0..2 {
            let last = forms.last().map_or("", String::as_str);
            let quoted = serde_json::Value::from(last).to_string();
            forms.push(quoted[1..quoted.len() - 1].to_owned());
        }
        let forms = forms.iter().map(|form| spaced(form)).collect();
        let fact = fact.to_owned();
        Self { fact, forms }
    }

    /// Whether it stands in a text that is small and spaced.
    fn is_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form))
    }
}

/// A text with one blank wherever white space is, written out or as JSON escapes it, at whatever
/// depth: a fact is kept that way, however whoever taught it spaced the words.
fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut left = text;
    while let Some(at) = left.find('\\') {
        out.push_str(&left[..at]);
        let behind = left[at..].trim_start_matches('\\');
        match behind.strip_prefix(['n', 't', 'r']) {
            Some(rest) => {
                out.push(' ');
                left = rest;
            }
            None => {
                out.push_str(&left[at..left.len() - behind.len()]);
                left = behind;
            }
        }
    }
    out.push_str(left);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Reader {
    /// Where an agent's workspace, or the recordings of its runs, say one of these texts; what its
    /// tasks were given and what it answered is others' and stays. Reads all of it: blocks.
    ///
    /// # Errors
    /// A refusal if a text is too short to be looked for, or the journal is damaged.
    pub fn saying(
        &self,
        agent: &Name,
        folder: &DocPath,
        texts: &[String],
    ) -> Result<Saying, Refusal> {
        if let Some(short) = texts.iter().find(|text| text.trim().len() < SAID_BYTES_MIN) {
            let what = format!("{short:?} is too short: whatever has it in it would be erased");
            return Err(Refusal::new(Code::BAD_REQUEST, what));
        }
        let said: Vec<Said> = texts.iter().map(|text| Said::new(text.trim())).collect();
        let within = format!("{folder}/");
        let mut known: HashMap<Digest, bool> = HashMap::new();
        let mut found: Vec<(BodyRef, Place)> = Vec::new();
        self.each("", |_, fact| {
            let (place, bodies) = match &fact {
                Fact::Document(Written::Written(f)) if f.path.as_str().starts_with(&within) => {
                    (Place::Version(f.path.clone(), f.version), vec![f.body])
                }
                Fact::Run(run::Fact::Started(_) | run::Fact::Completed(_)) => return Ok(()),
                Fact::Run(_) | Fact::Budget(_) if fact.subject() == agent.as_str() => {
                    let Some(run) = fact.run() else { return Ok(()) };
                    (Place::Recorded(run), self.recorded_in(&fact))
                }
                _ => return Ok(()),
            };
            for body in bodies {
                let lines = matches!(place, Place::Version(..));
                let says = match known.get(&body.digest) {
                    Some(says) => *says,
                    None => self.says(&body, &said, lines),
                };
                known.insert(body.digest, says);
                if says {
                    found.push((body, place.clone()));
                }
            }
            Ok(())
        })?;
        let named: HashSet<Digest> = found.iter().map(|(body, _)| body.digest).collect();
        let needed = self.needed(&named)?;
        let mut out = Saying::default();
        let mut taken: HashSet<Digest> = HashSet::new();
        for (body, place) in found {
            if let Some(by) = needed.get(&body.digest)
                && !self.has_instead(&place, &body)?
            {
                out.kept.extend(by.iter().cloned());
                continue;
            }
            let is_new = !taken.contains(&body.digest);
            if is_new && taken.len() == ERASED_MAX {
                out.left += 1;
                continue;
            }
            taken.insert(body.digest);
            match place {
                Place::Version(path, version) => {
                    let (versions, bodies) = out.documents.entry(path).or_default();
                    versions.insert(version);
                    bodies.extend(is_new.then_some(body));
                }
                Place::Recorded(run) => {
                    out.runs.insert(run);
                    out.recorded.extend(is_new.then_some(body));
                }
            }
        }
        // A version whose content goes with another document's needs no entry of its own.
        out.documents.retain(|_, (_, bodies)| !bodies.is_empty());
        Ok(out)
    }

    /// Whether a run that goes on reads something else instead: what a tool answered it.
    fn has_instead(&self, place: &Place, body: &BodyRef) -> Result<bool, Refusal> {
        let Place::Recorded(run) = place else {
            return Ok(false);
        };
        Ok(!planted::runs_at_work_keep_what_they_recalled() && self.instead(*run, body)?.is_some())
    }

    /// What a fact of a run names, and what a piece of its recording names in its turn.
    fn recorded_in(&self, fact: &Fact) -> Vec<BodyRef> {
        let mut out = fact.bodies();
        if let Fact::Run(run::Fact::Answered(f)) = fact
            && let Ok(bytes) = self.bytes(&f.answer)
            && let Ok(link) = postcard::from_bytes::<Link>(&bytes)
            && let Piece::Answer {
                answer: Answer::Body(body),
                ..
            } = link.piece
        {
            out.push(body);
        }
        out
    }

    /// Whether a content says one of these texts; of a document a line may say it in other words.
    fn says(&self, body: &BodyRef, said: &[Said], lines: bool) -> bool {
        let Ok(text) = self.text(body) else {
            return false; // what can't be read says nothing
        };
        let small = spaced(&text.to_lowercase());
        let in_a_line = |one: &Said| text.lines().any(|line| recall::repeats(&one.fact, line));
        said.iter()
            .any(|one| one.is_in(&small) || (lines && in_a_line(one)))
    }

    /// Who still needs which of these contents.
    fn needed(&self, named: &HashSet<Digest>) -> Result<HashMap<Digest, Vec<String>>, Refusal> {
        let mut out: HashMap<Digest, Vec<String>> = HashMap::new();
        self.each("", |_, fact| {
            for body in fact.bodies() {
                if !named.contains(&body.digest) || !self.is_at_work(&fact)? {
                    continue;
                }
                let by = out.entry(body.digest).or_default();
                let who = who(&fact);
                if by.len() < SHARED_MAX && !by.contains(&who) {
                    by.push(who);
                }
            }
            Ok(())
        })?;
        Ok(out)
    }
}

/// Where something was found.
#[derive(Clone)]
enum Place {
    Version(DocPath, u64),
    Recorded(RunId),
}

/// Whose fact it is, as people read it.
pub(super) fn who(fact: &Fact) -> String {
    match (fact, fact.run()) {
        (Fact::Document(_), _) => fact.subject().trim_start_matches('/').to_owned(),
        (_, Some(run)) => format!("{run} of {}", fact.subject()),
        (Fact::Plan(of), _) => format!("{} {} of {}", fact.action(), fact.subject(), of.plan()),
        _ => format!("{} {}", fact.action(), fact.subject()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_found_however_it_was_spaced() {
        let said = Said::new("Ann \"Bo\" has malaria");
        for text in [
            "Ann \"Bo\" has malaria",
            "- ann  \"bo\"\n\thas malaria.",
            r#"{"fact": "Ann  \"Bo\" has malaria"}"#,
            r#"{"fact": "Ann\t\"Bo\"\nhas malaria"}"#,
            r#"{"arguments": "{\"fact\": \"Ann\\n\\\"Bo\\\" has\\t malaria\"}"}"#,
        ] {
            assert!(said.is_in(&spaced(&text.to_lowercase())), "{text}");
        }
        let other = r#"{"fact": "Ann \"Bo\" hasmalaria"}"#;
        assert!(!said.is_in(&spaced(&other.to_lowercase())));
        let path = Said::new(r"C:\new\x");
        assert!(path.is_in(&spaced(r#"{"path": "c:\\new\\x"}"#)));
    }
}

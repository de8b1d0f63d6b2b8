//! One call of a run in full: what was asked, what it was shown for that, and what came back.

use naos_kernel::run::Run;
use naos_types::fact::run::Ability;
use naos_types::input::{Answer, Piece};
use naos_types::spec::ModelUsage;
use naos_types::think::{Think, Thought, ToolCall};
use naos_types::{BodyRef, Refusal, RunId, Seq};

use super::Reader;

/// How many facts are looked through at once for what was asked.
const FACTS_MAX: usize = 20_000;

/// One call of a run.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// Which model was asked.
    pub model: Option<String>,
    /// The documents that the model was shown, and whether whole.
    pub shown: Vec<(String, bool)>,
    /// What it wasn't shown, and why.
    pub left_out: Vec<(String, String)>,
    /// What it could call.
    pub tools: Vec<String>,
    /// What a tool was called with, or what else was asked.
    pub asked: String,
    /// What came back; none where nothing did yet.
    pub said: Option<String>,
    /// What a model wants to have called, with what.
    pub calls: Vec<(String, String)>,
    /// What the model used, by its provider's figures.
    pub usage: Option<ModelUsage>,
    /// Behind which fact the look for what was asked goes on; none where it came to its end.
    pub more: Option<Seq>,
}

/// What the model wasn't told, or not whole, and why.
fn cut(think: &Think) -> Vec<(String, String)> {
    let mut out = think.left_out.clone();
    let why = |given: u64, of: u64| format!("cut: {given} of {of} bytes, the window is full");
    if let Some((head, tail)) = think.cuts.task {
        out.push(("task".to_owned(), why(head + tail, think.input.len)));
    }
    let results = think.cuts.results.iter();
    // As the page counts them, from 1.
    out.extend(results.map(|cut| (format!("call {}", cut.call + 1), why(cut.given, cut.of))));
    out
}

impl Reader {
    /// The gated call of this index; none where the run made no such call. What was asked is
    /// looked for behind `after`, where an earlier look ended; 0 to begin where it may stand first.
    ///
    /// # Errors
    /// A refusal if a piece of the recording, or the journal, can't be read.
    pub fn moment(
        &self,
        id: RunId,
        run: &Run,
        index: u32,
        after: Seq,
    ) -> Result<Option<Moment>, Refusal> {
        let pieces = self.pieces(run.tail)?;
        let places = self.places(id, run, &pieces)?;
        let Some(place) = places.into_iter().find(|place| place.index == index) else {
            return Ok(None);
        };
        let look = self.told(&[place], after, FACTS_MAX)?;
        let told = look.found.into_iter().next().unwrap_or_default();
        let called = told.called.map(|(_, fact)| (fact.ability, fact.request));
        let pending = run.pending.as_ref().filter(|call| call.index == index);
        let request = called.or_else(|| pending.map(|call| (call.ability, call.request)));
        let answer = pieces.into_iter().find_map(|piece| match piece {
            Piece::Answer {
                index: of,
                ability,
                answer,
                ..
            } if of == index => Some((ability, answer)),
            _ => None,
        });
        let mut moment = Moment {
            more: look.left.filter(|_| request.is_none()),
            ..Moment::default()
        };
        if let Some((of, body)) = request {
            self.put_request(&mut moment, of, &body, run.is_by_model());
        }
        if let Some((of, given)) = answer {
            self.put_answer(&mut moment, of, given);
        }
        Ok(Some(moment))
    }

    fn put_request(&self, moment: &mut Moment, of: Ability, body: &BodyRef, is_by_model: bool) {
        let bytes = match self.node.body(self.tenant, body) {
            Ok(bytes) => bytes,
            Err(why) => {
                super::unread(&why).clone_into(&mut moment.asked);
                return;
            }
        };
        if of == Ability::Model
            && let Ok(think) = serde_json::from_slice::<Think>(&bytes)
        {
            let whole = |at: usize, body: &BodyRef| {
                think.given.get(at).is_none_or(|given| *given >= body.len)
            };
            let shown = think.shown.iter().enumerate();
            moment.shown = shown
                .map(|(at, (title, body))| (title.clone(), whole(at, body)))
                .collect();
            let own = think.tools.iter().map(|tool| tool.word().to_owned());
            let others = think.others.iter().map(|tool| tool.word.clone());
            moment.tools = own.chain(others).collect();
            moment.model = Some(think.model.to_string());
            moment.left_out = cut(&think);
            return;
        }
        let called = serde_json::from_slice::<serde_json::Value>(&bytes);
        moment.asked = match called {
            Ok(call) if is_by_model && call["tool"].is_string() => {
                let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
                format!("{} {}", text("tool"), text("arguments"))
            }
            _ => self.request(of, body, is_by_model),
        };
    }

    fn put_answer(&self, moment: &mut Moment, of: Ability, given: Answer) {
        if of == Ability::Model
            && let Answer::Body(body) = &given
            && let Ok(bytes) = self.node.body(self.tenant, body)
            && let Ok(thought) = serde_json::from_slice::<Thought>(&bytes)
        {
            let calls = thought.calls.into_iter();
            let both = |call: ToolCall| (call.name, call.arguments);
            moment.calls = calls.map(both).collect();
            moment.usage = thought.usage;
            moment.said = Some(thought.text);
            return;
        }
        moment.said = Some(match given {
            Answer::Text(text) => text,
            Answer::Denied(why) | Answer::Invalid(why) | Answer::Failed(why) => why,
            Answer::Body(body) => self.answered(of, &body).1,
        });
    }
}

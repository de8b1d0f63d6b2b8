//! What models wrote in a run before somebody began to listen.

use std::collections::VecDeque;

use naos_kernel::run::Run;
use naos_types::think::Thought;
use naos_types::{Code, Refusal, RunId};

use super::Reader;
use crate::node::{Frame, FrameKind};

/// The most bytes of answers that are told to whoever begins to listen, the last ones first.
const WRITTEN_BYTES_MAX: usize = 256 * 1_024;

impl Reader {
    /// The answers of models that a run has got by now, oldest first, each as whole pieces; what
    /// was erased is left out, and so are the first ones of very many.
    ///
    /// # Errors
    /// A refusal if what was recorded can't be read.
    pub fn written(&self, id: RunId, run: &Run) -> Result<Vec<Frame>, Refusal> {
        let mut frames = VecDeque::new();
        let mut bytes = 0;
        for piece in self.pieces(run.tail)?.iter().rev() {
            let Some((call, body)) = piece.answer_of_a_model() else {
                continue;
            };
            bytes += usize::try_from(body.len).unwrap_or(usize::MAX);
            if bytes > WRITTEN_BYTES_MAX {
                break;
            }
            let found = match self.node.body(self.tenant, body) {
                Err(why) if why.code == Code::ERASED => continue,
                found => found?,
            };
            // What another program answered in a form of its own isn't told as it was written.
            let Ok(thought) = serde_json::from_slice::<Thought>(&found) else {
                continue;
            };
            let calls = thought.calls.iter();
            let calls = calls.map(|call| format!("\n{} {}", call.name, call.arguments));
            let parts = [
                (FrameKind::Call, calls.collect::<String>()),
                (FrameKind::Text, thought.text),
            ];
            for (kind, text) in parts {
                if !text.is_empty() {
                    frames.push_front(Frame {
                        run: id,
                        call,
                        offset: 0,
                        kind,
                        text,
                    });
                }
            }
        }
        Ok(frames.into())
    }
}

//! The output gate: what relies on a seq leaves when that seq is durable, in order.

use naos_types::command::Reply;
use naos_types::{Refusal, Seq};

use super::cell::{Cell, Staged};
use super::{Envelope, Outgoing, Ticket};

impl Cell {
    /// An append is durable, up to `seq`.
    pub(super) fn durable_up_to(&mut self, seq: Seq, out: &mut Vec<Outgoing>) {
        self.durable = self.durable.max(seq);
        self.mark_durable(seq);
        self.release(out);
        let quiet = self.staged.is_empty() && !self.has_work();
        if self.dirty.len() >= self.limits.dirty_max || quiet {
            self.flush();
        }
    }

    /// Each append is told of once, in order. One that only remembers answers has the seq of the
    /// one before it: the seq alone doesn't say that it is durable.
    fn mark_durable(&mut self, seq: Seq) {
        for staged in &mut self.staged {
            if staged.batch.is_none() {
                continue;
            }
            if staged.seq > seq {
                return;
            }
            staged.batch = None;
            if staged.seq == seq {
                return;
            }
        }
    }

    /// Lets out everything that relies on durable facts only.
    pub(super) fn release(&mut self, out: &mut Vec<Outgoing>) {
        let early = naos_kernel::planted::is("reply-before-durable");
        let mut flush = false;
        while self
            .staged
            .front()
            .is_some_and(|staged| early || (staged.seq <= self.durable && staged.batch.is_none()))
        {
            let Some(staged) = self.staged.pop_front() else {
                break;
            };
            flush |= staged.flush;
            self.let_out(staged, out);
        }
        // After the loop: records stand for all that is durable, so all of it must be let out.
        if flush {
            self.flush();
        }
    }

    fn let_out(&mut self, staged: Staged, out: &mut Vec<Outgoing>) {
        let Staged {
            seq: _,
            replies,
            orders,
            facts,
            changed,
            bodies,
            answered,
            outcomes: _,
            batch: _,
            flush: _,
        } = staged;
        for digest in bodies {
            self.fresh.remove(&digest);
        }
        for name in answered {
            self.answers.remove(&name);
        }
        for (key, aggregate) in changed {
            self.dirty.insert(key, aggregate);
        }
        if !facts.is_empty() {
            out.push(Outgoing::Announce {
                tenant: self.id,
                facts,
            });
        }
        for (ticket, seq, result) in replies {
            out.push(Outgoing::Reply {
                ticket,
                seq,
                result,
            });
        }
        for order in orders {
            self.execute(order, out);
        }
    }

    /// Answers when all that was decided so far is durable and the store has it as records.
    pub(super) fn answer_flushed(&mut self, ticket: Ticket, out: &mut Vec<Outgoing>) {
        let replies = vec![(ticket, self.seq, Ok(Reply::Done))];
        self.staged.push_back(Staged {
            flush: true,
            seq: self.seq,
            replies,
            ..Staged::default()
        });
        self.release(out);
    }

    /// Tells everybody who waits for what was staged that it did not happen. The outcomes that it
    /// was decided from did: they come back, in order, to be decided anew. Twice does no harm: the
    /// rules take an outcome once, whoever brings it.
    pub(super) fn void(&mut self, why: &Refusal, out: &mut Vec<Outgoing>) -> Vec<Envelope> {
        let mut outcomes = Vec::new();
        for staged in self.staged.drain(..) {
            outcomes.extend(staged.outcomes);
            for (ticket, ..) in staged.replies {
                let result = Err(why.clone());
                out.push(Outgoing::Reply {
                    ticket,
                    seq: self.durable,
                    result,
                });
            }
            for order in staged.orders {
                self.running.remove(&order.effect.id());
            }
        }
        self.flush();
        if naos_kernel::planted::is("failed-append-drops-outcomes") {
            outcomes.clear();
        }
        outcomes
    }
}

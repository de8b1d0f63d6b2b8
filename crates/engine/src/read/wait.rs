//! Waiting until a run or a plan ends or needs a person.

use std::sync::Arc;
use std::time::Duration;

use naos_kernel::notice::Notice;
use naos_kernel::plan::Plan;
use naos_kernel::run::Run;
use naos_types::fact::approval::Waiting;
use naos_types::fact::{Fact, approval, review};
use naos_types::{NoticeId, NoticeStatus, PlanId, PlanStatus, Refusal, RunId, RunStatus, Seq};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::{Kept, Reader};
use crate::node::Happened;

/// How often whoever waits looks whether the cell is still well.
const LOOK: Duration = Duration::from_secs(1);

/// What was waited for, as it stands at the end of the wait.
#[derive(Clone, Debug)]
pub struct Awaited<T> {
    /// How it stands.
    pub value: Arc<T>,
    /// The seq that this is at least as new as.
    pub seq: Seq,
}

/// Waits until a run is closed or needs a person, at most until `deadline`. Subscribe with
/// [`crate::node::Node::watch`] before whatever starts it; `seq` is what it relies on.
///
/// # Errors
/// A refusal if there is no such run.
pub async fn settled_run(
    reader: &Reader,
    id: RunId,
    seq: Seq,
    watch: Receiver<Arc<Happened>>,
    deadline: Option<Instant>,
) -> Result<Awaited<Run>, Refusal> {
    let done = |run: &Run| {
        let person = matches!(
            run.status,
            RunStatus::Held | RunStatus::Unknown | RunStatus::Diverged
        );
        person || run.status.is_closed()
    };
    let about = |fact: &Fact| {
        fact.run() == Some(id)
            || matches!(fact, Fact::Approval(approval::Fact::Requested(f))
                if matches!(f.waiting, Waiting::Call(run, _) if run == id))
    };
    settled(reader, id, "run", seq, watch, deadline, done, about).await
}

/// Waits until a plan is closed or all it waits for is a person; as [`settled_run`].
///
/// # Errors
/// A refusal if there is no such plan.
pub async fn settled_plan(
    reader: &Reader,
    id: PlanId,
    seq: Seq,
    watch: Receiver<Arc<Happened>>,
    deadline: Option<Instant>,
) -> Result<Awaited<Plan>, Refusal> {
    let done = |plan: &Plan| plan.status() != PlanStatus::Running;
    let about = |fact: &Fact| mentions_plan(fact, id);
    settled(reader, id, "plan run", seq, watch, deadline, done, about).await
}

/// Waits until a notice is delivered, given up or withdrawn; as [`settled_run`].
///
/// # Errors
/// A refusal if there is no such notice.
pub async fn settled_notice(
    reader: &Reader,
    id: NoticeId,
    seq: Seq,
    watch: Receiver<Arc<Happened>>,
    deadline: Option<Instant>,
) -> Result<Awaited<Notice>, Refusal> {
    let done = |notice: &Notice| notice.status != NoticeStatus::Pending;
    let about = |fact: &Fact| matches!(fact, Fact::Notice(_));
    settled(reader, id, "notice", seq, watch, deadline, done, about).await
}

fn mentions_plan(fact: &Fact, id: PlanId) -> bool {
    match fact {
        Fact::Plan(fact) => id == fact.plan(),
        Fact::Approval(approval::Fact::Requested(f)) => {
            matches!(f.waiting, Waiting::Step(plan, _) if plan == id)
        }
        Fact::Review(review::Fact::Requested(f)) => f.plan == id,
        Fact::Review(review::Fact::Checked(f)) => f.plan == id,
        _ => false,
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "one private function behind two doors"
)]
async fn settled<T: Kept>(
    reader: &Reader,
    id: T::Id,
    what: &str,
    mut seq: Seq,
    mut watch: Receiver<Arc<Happened>>,
    deadline: Option<Instant>,
    done: impl Fn(&T) -> bool,
    about: impl Fn(&Fact) -> bool,
) -> Result<Awaited<T>, Refusal>
where
    T::Id: std::fmt::Display,
{
    loop {
        reader.node.settled(reader.tenant, seq).await?;
        let value = reader.known::<T>(&id, what)?;
        let Some(deadline) = deadline else {
            return Ok(Awaited { value, seq });
        };
        if done(&value) {
            return Ok(Awaited { value, seq });
        }
        let heard = next(reader, &mut watch, seq, &about);
        let look = deadline.min(Instant::now() + LOOK);
        match tokio::time::timeout_at(look, heard).await {
            Ok(Some(at)) => seq = at,
            // Nothing happens any more in a cell whose file is damaged: reading it says so.
            Err(_) if look < deadline => {}
            Ok(None) | Err(_) => {
                let value = reader.known::<T>(&id, what)?;
                return Ok(Awaited { value, seq });
            }
        }
    }
}

/// The seq of the next thing that happened to it; none when the node stops.
async fn next(
    reader: &Reader,
    watch: &mut Receiver<Arc<Happened>>,
    seq: Seq,
    about: &impl Fn(&Fact) -> bool,
) -> Option<Seq> {
    loop {
        match watch.recv().await {
            Ok(happened) => {
                let facts = happened.facts.iter().rev();
                let mut about = facts.filter(|(at, _, fact)| *at > seq && about(fact));
                if let Some((at, _, _)) = about.next() {
                    return Some(*at);
                }
            }
            // Something was missed: look again at all that is durable by now.
            Err(RecvError::Lagged(_)) => return reader.seq().ok(),
            Err(RecvError::Closed) => return None,
        }
    }
}

//! To whom an answer is left. Whoever that is may go, or be let answer no more: then whoever may
//! answer anyway hears of it, so that no question waits for nobody.

use naos_types::fact::member::News;
use naos_types::{Actor, ApprovalId, MemberId, Role};

use super::Approval;
use crate::member::Member;
use crate::table::Aggregate;
use crate::turn::{Done, Turn};

/// The least role that answers questions at all, even what is left to somebody by name.
const ANSWERS: Role = Role::Staff;
/// How many questions of one person who is gone others are told of one by one: all of them stand in
/// the queue, and say there that they are gone.
const TOLD_ONE_BY_ONE_MAX: usize = 100;

/// Whether somebody answers questions, as whom they are left to must; nobody who is gone does.
#[must_use]
pub fn answers_questions(member: Option<&Member>) -> bool {
    member.is_some_and(|member| member.role >= ANSWERS)
}

impl Approval {
    /// To whom the answer was left.
    #[must_use]
    pub fn left_to(&self) -> Option<MemberId> {
        self.delegated.as_ref().map(|(to, _)| *to)
    }

    /// Whether a member of this role may answer: by their role, or as the answer was left to them.
    #[must_use]
    pub fn may_answer(&self, member: MemberId, role: Role) -> bool {
        role >= self.role || (role >= ANSWERS && self.left_to() == Some(member))
    }
}

/// Somebody went, or their role is another one: if they answer no questions now, whoever may answer
/// those that were left to them hears of it.
pub(crate) fn person_changed(turn: &mut Turn<'_>, member: MemberId) -> Done {
    if answers_questions(turn.member(&member)?) || crate::planted::is("left-to-nobody") {
        return Ok(());
    }
    let approvals = turn.tables.approval.iter();
    let left = approvals.filter(|(_, found)| found.is_open() && found.left_to() == Some(member));
    let mut left: Vec<(ApprovalId, Role)> = left.map(|(id, found)| (*id, found.role)).collect();
    left.sort_unstable_by_key(|(id, _)| *id);
    for (id, role) in left.into_iter().take(TOLD_ONE_BY_ONE_MAX) {
        let members = turn.tables.member.iter();
        let may = members.filter(|(_, member)| member.role >= role);
        let may: Vec<MemberId> = may.map(|(id, _)| *id).collect();
        // Nobody left it to them: whoever took the person away is told, too.
        crate::member::tell(turn, may, News::Delegated(id), &Actor::System)?;
    }
    Ok(())
}

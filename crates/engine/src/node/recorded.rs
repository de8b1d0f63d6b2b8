//! What was recorded of a run: a chain of pieces, each of which names the one before it.

use naos_types::input::{Link, Piece};
use naos_types::{BodyRef, Code, Refusal, TenantId};

use super::Node;

/// A recording says something else than its layout.
pub(crate) fn unreadable() -> Refusal {
    Refusal::new(Code::DAMAGED, "a run's recording can't be read")
}

impl Node {
    /// The pieces that are left of a recording, and whether it is whole: beyond one that was erased
    /// nobody knows what came before.
    ///
    /// # Errors
    /// A refusal if one of them is damaged.
    pub(crate) fn pieces_left(
        &self,
        tenant: TenantId,
        tail: Option<BodyRef>,
    ) -> Result<(Vec<Piece>, bool), Refusal> {
        let (mut out, mut at, mut whole) = (Vec::new(), tail, true);
        while let Some(name) = at {
            let bytes = match self.body(tenant, &name) {
                Err(why) if why.code == Code::ERASED => {
                    whole = false;
                    break;
                }
                found => found?,
            };
            let Link { before, piece } = postcard::from_bytes(&bytes).map_err(|_| unreadable())?;
            at = before;
            out.push(piece);
        }
        out.reverse();
        Ok((out, whole))
    }

    /// The pieces that end with `tail`, oldest first, each with the name of the one before it.
    ///
    /// # Errors
    /// A refusal if one of them can't be read.
    pub(crate) fn pieces(
        &self,
        tenant: TenantId,
        tail: Option<BodyRef>,
    ) -> Result<Vec<(Option<BodyRef>, Piece)>, Refusal> {
        let mut out = Vec::new();
        let mut at = tail;
        while let Some(name) = at {
            let bytes = self.body(tenant, &name)?;
            let Link { before, piece } = postcard::from_bytes(&bytes).map_err(|_| unreadable())?;
            at = before;
            out.push((before, piece));
        }
        out.reverse();
        Ok(out)
    }
}

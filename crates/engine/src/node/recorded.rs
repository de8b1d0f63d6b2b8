//! What was recorded of a run: a chain of pieces, each of which names the one before it.

use naos_types::input::{Link, Piece};
use naos_types::{BodyRef, Code, Refusal, RunId, TenantId};

use super::Node;
use crate::read::Reader;

/// A recording says something else than its layout.
pub(crate) fn unreadable() -> Refusal {
    Refusal::new(Code::DAMAGED, "a run's recording can't be read")
}

/// Pieces, oldest first, each with the name of the one before it.
type Pieces = Vec<(Option<BodyRef>, Piece)>;

impl Node {
    /// The pieces that are left of a recording, oldest first, and whether it is whole: beyond one
    /// that was erased nobody knows what came before.
    ///
    /// # Errors
    /// A refusal if one of them is damaged.
    pub(crate) fn pieces_left(
        &self,
        tenant: TenantId,
        tail: Option<BodyRef>,
    ) -> Result<(Vec<Piece>, bool), Refusal> {
        let (pieces, broke) = self.back_from(tenant, tail, None)?;
        let pieces = pieces.into_iter().map(|(_, piece)| piece).collect();
        Ok((pieces, broke.is_none()))
    }

    /// The pieces that end with `tail`, oldest first, each with the name of the one before it.
    ///
    /// # Errors
    /// A refusal if one of them can't be read.
    pub(crate) fn pieces(
        &self,
        tenant: TenantId,
        tail: Option<BodyRef>,
    ) -> Result<Pieces, Refusal> {
        match self.back_from(tenant, tail, None)? {
            (pieces, None) => Ok(pieces),
            (_, Some(erased)) => Err(erased),
        }
    }

    /// The same as a model is told them in a run: where what a tool answered was erased, a word
    /// that says so stands in its place.
    ///
    /// # Errors
    /// A refusal if one of them can't be read, and nothing can stand in for it.
    pub(crate) fn pieces_told(
        &self,
        tenant: TenantId,
        tail: Option<BodyRef>,
        run: Option<RunId>,
    ) -> Result<Pieces, Refusal> {
        match self.back_from(tenant, tail, run)? {
            (pieces, None) => Ok(pieces),
            (_, Some(erased)) => Err(erased),
        }
    }

    /// The pieces from `tail` back to the first, or to one that was erased: then with what says so.
    /// Of a run that is named, something stands in for what a tool answered.
    fn back_from(
        &self,
        tenant: TenantId,
        tail: Option<BodyRef>,
        told: Option<RunId>,
    ) -> Result<(Pieces, Option<Refusal>), Refusal> {
        let (mut out, mut at, mut erased) = (Vec::new(), tail, None);
        while let Some(name) = at {
            let Link { before, piece } = match self.body(tenant, &name) {
                Err(why) if why.code == Code::ERASED => {
                    let reader = Reader::new(self, tenant)?;
                    let instead = told.map(|run| reader.instead(run, &name)).transpose()?;
                    let Some(link) = instead.flatten() else {
                        erased = Some(why);
                        break;
                    };
                    link
                }
                found => postcard::from_bytes(&found?).map_err(|_| unreadable())?,
            };
            at = before;
            out.push((before, piece));
        }
        out.reverse();
        Ok((out, erased))
    }
}

//! A stand-up that was told, with its texts opened.

use naos_kernel::member::Member;
use naos_types::standup::{Opened, Standup};
use naos_types::{BodyRef, Code, MemberId, Refusal};

use super::Reader;

impl Reader {
    /// The stand-up that a content holds; what was erased since reads so.
    ///
    /// # Errors
    /// A refusal if it isn't there or is damaged.
    pub fn standup(&self, name: &BodyRef) -> Result<Opened, Refusal> {
        let bytes = self.bytes(name)?;
        let read: Result<Standup, _> = postcard::from_bytes(&bytes);
        let standup = read.map_err(|_| {
            let what = format!("content {} is no stand-up", name.digest);
            Refusal::new(Code::DAMAGED, what)
        })?;
        let person = |id: MemberId| match self.find::<Member>(&id) {
            Ok(Some(member)) => self.sealed(&member.name),
            _ => id.to_string(),
        };
        Ok(standup.open(|text| self.sealed(text), person))
    }
}

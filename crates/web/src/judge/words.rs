//! New things that would be called by a word that stands for something else.

use naos_kernel::resource::stands_for;
use naos_manifest::Diagnostic;
use naos_types::spec::Kind;
use naos_types::{Code, Name};

use super::{Document, Item, fault_in};

/// An error for each of them; what has such a name already, as `there` knows, keeps it.
pub(crate) fn words<E>(
    documents: &[Document<'_>],
    items: &[&Item],
    mut there: impl FnMut(Kind, &Name) -> Result<bool, E>,
) -> Result<Vec<Diagnostic>, E> {
    let mut out = Vec::new();
    for item in items {
        let Ok(name) = Name::new(&item.name) else {
            continue;
        };
        let Some(what) = stands_for(item.kind, &name) else {
            continue;
        };
        if there(item.kind, &name)? {
            continue;
        }
        let word = item.kind.word();
        let (what, help) = (
            format!("{word} {name}: {what}"),
            format!("give the {word} another name"),
        );
        let mut fault = fault_in(documents, item, name.as_str(), what, Some(help));
        fault.code = Code::BAD_NAME;
        out.push(fault);
    }
    Ok(out)
}

//! Who does what until when, as notes list it: a table of actions, or a list of boxes to tick.
//! Start at [`read`].

use crate::dates::{self, Date};
use crate::passages::Passage;
use crate::people;
use crate::words::{begins_with, is_capitalised, words};

/// Names of a table's columns: what is to be done.
#[rustfmt::skip]
const WHAT: &[&str] = &[
    "action*", "task*", "tache*", "todo*", "to do", "what", "quoi", "a faire", "activit*",
    "deliverable*", "livrable*", "asa", "hatao", "zavatra hatao",
];
/// Who does it.
#[rustfmt::skip]
const WHO: &[&str] = &[
    "owner", "who", "responsible", "assigne*", "assigned to", "lead", "responsable*", "qui",
    "pilote", "porteur", "tompon andraikitra", "tompony", "iza", "mpanatanteraka",
];
/// Until when.
#[rustfmt::skip]
const DUE: &[&str] = &[
    "due*", "deadline*", "by when", "target date", "end date", "echeance*", "date limite",
    "date butoir", "delai", "pour le", "avant le", "fe potoana", "daty farany", "fetr andro",
];
/// The same in a table that also says who.
const DAY: &[&str] = &["when", "date", "quand", "daty", "rahoviana"];
/// Whether it is done.
#[rustfmt::skip]
const STATE: &[&str] = &[
    "status", "state", "done", "statut", "etat", "fait*", "avancement", "sata", "vita", "toetra",
];
/// What stands there if it is, or if nobody will do it.
#[rustfmt::skip]
const DONE: &[&str] = &[
    "x", "done", "ok", "yes", "closed", "complete", "completed", "finished", "sent", "delivered",
    "cancelled", "canceled", "dropped", "fait", "faite", "oui", "clos", "close", "termine",
    "terminee", "fini", "finie", "livre", "livree", "envoye", "envoyee", "annule", "annulee",
    "vita", "efa vita", "eny", "nofoanana", "foana", "100",
];
const TICKS: &[char] = &['✓', '✔', '✅', '☑'];

/// One thing that somebody has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What is to be done.
    pub what: String,
    /// Who does it.
    pub owner: Option<String>,
    /// Until when: `2026-10-12`, or as written.
    pub due: Option<String>,
    /// It is done.
    pub done: bool,
    /// It is a row of a table, so that nothing else in it is a day that it is due on.
    pub row: bool,
}

/// The action of a row or of a box, if it is one.
#[must_use]
pub fn read(passage: &Passage, today: Option<Date>) -> Option<Action> {
    match passage.done {
        Some(done) => Some(boxed(passage, done, today)),
        None => row(passage, today),
    }
}

/// `Send the logo (Rina, 12 Oct)`.
fn boxed(passage: &Passage, done: bool, today: Option<Date>) -> Action {
    let text = passage.text.trim_end_matches(['.', ' ']);
    let inside = text
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once('('))
        .map_or("", |(_, inside)| inside);
    let parts = || inside.split([',', ';', '–', '—', '/']).map(str::trim);
    let owner = people::assigned(text).or_else(|| parts().find_map(|part| named(part, today)));
    Action {
        what: passage.text.clone(),
        owner,
        due: inside
            .split([',', ';', '–', '—'])
            .find_map(|part| day(part, today)),
        done,
        row: false,
    }
}

/// `Rina`, `@Rina`, `resp. Rina`: one to three words with capital letters and no day.
fn named(part: &str, today: Option<Date>) -> Option<String> {
    let part = part.rsplit_once([':', '.']).map_or(part, |(_, name)| name);
    let name = part.trim().trim_start_matches('@');
    let parts: Vec<&str> = name.split_whitespace().collect();
    let short = (1..=3).contains(&parts.len());
    let letters = name
        .chars()
        .all(|it| it.is_alphabetic() || " -'’.".contains(it));
    let named = short && letters && parts.iter().all(|it| is_capitalised(it));
    let shouted = name.chars().all(|it| !it.is_lowercase());
    (named && !shouted && day(name, today).is_none()).then(|| name.to_owned())
}

fn row(passage: &Passage, today: Option<Date>) -> Option<Action> {
    let is = |column: &String, names: &[&str]| {
        let column = words(column);
        names.iter().any(|name| begins_with(&column, name))
    };
    let find = |names| passage.columns.iter().position(|column| is(column, names));
    let (what, who) = (find(WHAT)?, find(WHO));
    let due = find(DUE).or_else(|| find(DAY).filter(|_| who.is_some()));
    if who.is_none() && due.is_none() {
        return None;
    }
    let state = find(STATE);
    let cell = |at: Option<usize>| {
        let text = passage.cells.get(at?)?.trim();
        text.chars().any(char::is_alphanumeric).then_some(text)
    };
    let named = [who, due, state];
    let rest = passage.cells.iter().enumerate();
    let rest =
        rest.filter(|(at, text)| *at != what && !named.contains(&Some(*at)) && !text.is_empty());
    let rest = rest.map(|(_, text)| text.as_str());
    let said: Vec<&str> = cell(Some(what)).into_iter().chain(rest).collect();
    cell(Some(what))?;
    let state = state
        .and_then(|at| passage.cells.get(at))
        .map_or("", String::as_str);
    let struck = said[0].starts_with("~~");
    Some(Action {
        what: said.join(" — "),
        owner: cell(who).map(str::to_owned),
        due: cell(due).and_then(|text| day(text, today)),
        done: is_done(state) || struck,
        row: true,
    })
}

fn is_done(state: &str) -> bool {
    let words: Vec<String> = words(state).into_iter().map(|it| it.folded).collect();
    state.contains(TICKS) || DONE.contains(&words.join(" ").as_str())
}

/// The day that stands alone in a cell, also as `12/10`.
fn day(text: &str, today: Option<Date>) -> Option<String> {
    let announced = format!("le {}", text.trim());
    let find = |text: &str| {
        dates::find(text, &words(text), today)
            .into_iter()
            .next_back()
    };
    let day = find(text).or_else(|| find(&announced))?;
    Some(day.date.map_or(day.text, |date| date.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::from_text;
    use crate::passages;

    fn shape(text: &str) -> String {
        let page = from_text("2026-10-07-note.md", text, true);
        let passages = passages::read(&page);
        let actions = passages.iter().filter_map(|it| read(it, page.date));
        let shown = actions.map(|it| {
            let open = if it.done { "x" } else { "" };
            let (owner, due) = (it.owner.unwrap_or_default(), it.due.unwrap_or_default());
            format!("{open}{}|{owner}|{due}", it.what)
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_name_is_folded() {
        for name in [WHAT, WHO, DUE, DAY, STATE, DONE].into_iter().flatten() {
            let words = words(name);
            let plain: Vec<&str> = words.iter().map(|word| word.folded.as_str()).collect();
            assert_eq!(plain.join(" "), name.replace('*', ""));
        }
    }

    #[test]
    fn tables_in_three_languages() {
        for (text, expected) in [
            (
                "| Action | Owner | Due |\n|---|---|---|\n| Send the logo | Rina | 12 Oct |\n\
                 | Print | — | TBD |\n",
                "Send the logo|Rina|2026-10-12 Print||",
            ),
            (
                "| N° | Tâche | Responsable | Échéance | Statut |\n|-|-|-|-|-|\n\
                 | 1 | Envoyer le logo | Rina Rabe | 12/10 | en cours |\n\
                 | 2 | Imprimer | Bema | vendredi | Fait |\n",
                "Envoyer le logo — 1|Rina Rabe|2026-10-12 xImprimer — 2|Bema|2026-10-09",
            ),
            (
                "| Asa | Tompon'andraikitra | Fe-potoana |\n|-|-|-|\n\
                 | Mandefa ny sary famantarana | Rina | 12 Oktobra |\n",
                "Mandefa ny sary famantarana|Rina|2026-10-12",
            ),
            (
                "| Quoi | Qui | Quand | Fait |\n|-|-|-|-|\n| Logo | Soa | 12 oct. | ✓ |\n",
                "xLogo|Soa|2026-10-12",
            ),
            // Tables of other things.
            ("| Poste | Heures |\n|-|-|\n| Action | 12 |\n", ""),
            (
                "| Action | Price | Date |\n|-|-|-|\n| Total | 12 | 12 Oct |\n",
                "",
            ),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn boxes_to_tick() {
        for (text, expected) in [
            (
                "- [ ] Send the logo (Rina, 12 Oct)",
                "Send the logo (Rina, 12 Oct)|Rina|2026-10-12",
            ),
            (
                "* [ ] Envoyer le logo (Rina, 12/10).",
                "Envoyer le logo (Rina, 12/10).|Rina|2026-10-12",
            ),
            (
                "- [ ] Mandefa (@Rina ; 12 Oktobra)",
                "Mandefa (@Rina ; 12 Oktobra)|Rina|2026-10-12",
            ),
            (
                "- [x] Send the logo (Rina, 12 Oct)",
                "xSend the logo (Rina, 12 Oct)|Rina|2026-10-12",
            ),
            (
                "- [ ] Test the form (in French, quickly)",
                "Test the form (in French, quickly)||",
            ),
            ("- [ ] Hery: call (PDF)", "Hery: call (PDF)|Hery|"),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
    }
}

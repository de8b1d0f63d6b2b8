//! What other agents and the collector say of texts that could not be read, in the report's
//! language. Data and one small matcher: `{}` stands for anything.

use crate::words::Words;

/// English, as it comes, and French. The longer ones come first.
const NOTES: &[(&str, &str)] = &[
    (
        "attachment {} ({}) not read",
        "pièce jointe {} ({}) non lue",
    ),
    ("without a name", "sans nom"),
    ("unknown kind", "nature inconnue"),
    (
        "this part is encoded wrongly: read as is",
        "cette partie est mal encodée : lue telle quelle",
    ),
    (
        "this mail has no readable text",
        "ce courriel n'a pas de texte lisible",
    ),
    (
        "no mail: it has no headers",
        "pas un courriel : il n'a pas d'en-têtes",
    ),
    (
        "written by a machine to many (newsletter or automatic answer): left out",
        "écrit par une machine à beaucoup de gens (lettre d'information ou réponse automatique) : \
         laissé de côté",
    ),
    (
        "some characters were lost before the mail came here (not UTF-8)",
        "des caractères ont été perdus avant l'arrivée du courriel (pas en UTF-8)",
    ),
    (
        "some characters of {} could not be read",
        "des caractères de {} n'ont pas pu être lus",
    ),
    (
        "not read: more than {} mails in this mail",
        "non lu : plus de {} courriels dans ce courriel",
    ),
    (
        "quoted, and it can't be told who wrote it when: not read",
        "cité, sans qu'on sache qui l'a écrit et quand : non lu",
    ),
    (
        "open tasks without a day: lines {}",
        "tâches ouvertes sans date : lignes {}",
    ),
    ("not read behind message {}", "non lu après le message {}"),
    (
        "not read: a table: hand it to an analyzer",
        "non lu : un tableau, pour un analyseur",
    ),
    (
        "not read: data and no prose",
        "non lu : des données, pas de prose",
    ),
    ("not read: not text", "non lu : pas du texte"),
    ("not read: no table", "non lu : pas un tableau"),
    (
        "not read: the agent failed on it; divide it or save it anew, and make the report once \
         more",
        "non lu : l'agent a échoué ; divisez-le ou enregistrez-le de nouveau, et refaites le \
         rapport",
    ),
    (
        "not read: the agent failed on it",
        "non lu : l'agent a échoué",
    ),
    (
        "not read, because it has no `text`",
        "non lu, faute de `text`",
    ),
    (
        "`files` holds what is no file: {}",
        "`files` contient ce qui n'est pas un fichier : {}",
    ),
    (
        "looks like JSON and is not ({}): read as plain text",
        "ressemble à du JSON et n'en est pas ({}) : lu comme du texte",
    ),
    (
        "nothing to read: hand over text, or JSON with `files` or `text`",
        "rien à lire",
    ),
    ("amount {} not read ({})", "montant {} non lu ({})"),
    (
        "{} amounts not read ({}): lines {}",
        "{} montants non lus ({}) : lignes {}",
    ),
    (
        "column {} not counted: {} of its {} cells are no amounts",
        "colonne {} non comptée : {} de ses {} cellules ne sont pas des montants",
    ),
    (
        "column {} not counted: prices or rates, and no totals",
        "colonne {} non comptée : des prix ou des taux, et aucun total",
    ),
    (
        "{} row names no currency: taken as {}: lines {}",
        "{} ligne sans devise : comptée en {} : lignes {}",
    ),
    (
        "{} rows name no currency: taken as {}: lines {}",
        "{} lignes sans devise : comptées en {} : lignes {}",
    ),
    (
        "{} row names no currency: counted apart, for the others name several: lines {}",
        "{} ligne sans devise : comptée à part, les autres en ont plusieurs : lignes {}",
    ),
    (
        "{} rows name no currency: counted apart, for the others name several: lines {}",
        "{} lignes sans devise : comptées à part, les autres en ont plusieurs : lignes {}",
    ),
    (
        "{} payments name no currency: taken as their invoices'",
        "{} paiements sans devise : comptés dans celle de leurs factures",
    ),
    (
        "{} paid, and its payments come to {}: {}",
        "{} payés, et ses paiements font {} : {}",
    ),
    (
        "what is paid is taken from {}",
        "ce qui est payé vient de {}",
    ),
    (
        "the header again: not counted",
        "l'en-tête une seconde fois : non compté",
    ),
    ("day {} could not be read ({})", "date {} illisible ({})"),
    (
        "{} days could not be read ({}): lines {}",
        "{} dates illisibles ({}) : lignes {}",
    ),
    (
        "payment day {} is after {}: taken as owed",
        "la date de paiement {} est après le {} : compté comme dû",
    ),
    (
        "{} payment days are after {}: taken as owed: lines {}",
        "{} dates de paiement sont après le {} : comptées comme dues : lignes {}",
    ),
    (
        "paid in part, and nothing says how much: taken as owed",
        "payé en partie, sans dire combien : tout est compté comme dû",
    ),
    (
        "{} are paid in part, and nothing says how much: taken as owed: lines {}",
        "{} sont payées en partie, sans dire combien : comptées comme dues : lignes {}",
    ),
    (
        "said to be paid, and {} of it is left: taken as owed",
        "dit payé, alors qu'il en reste {} : compté comme dû",
    ),
    (
        "{} are said to be paid, and something of them is left: taken as owed: lines {}",
        "{} sont dites payées, alors qu'il en reste : comptées comme dues : lignes {}",
    ),
    (
        "a row of {} cells under a header of {}",
        "une ligne de {} cellules sous un en-tête de {}",
    ),
    (
        "{} rows without the header's {} cells: lines {}",
        "{} lignes n'ont pas les {} cellules de l'en-tête : lignes {}",
    ),
    (
        "a quote opens here and never closes: it is read as a letter",
        "un guillemet s'ouvre ici et ne se ferme pas : il est lu comme une lettre",
    ),
    (
        "a quote opens here and never closes: the rows behind it are in this cell",
        "un guillemet s'ouvre ici et ne se ferme pas : les lignes suivantes sont dans cette \
         cellule",
    ),
    (
        "two columns are named `{}`",
        "deux colonnes s'appellent `{}`",
    ),
    (
        "not read from here on: more than {} rows",
        "non lu à partir d'ici : plus de {} lignes",
    ),
    (
        "a row of totals: not counted",
        "une ligne de totaux : non comptée",
    ),
    ("a header and no rows", "un en-tête et aucune ligne"),
    (
        "no column says what is paid; overdue invoices can't be told",
        "aucune colonne ne dit ce qui est payé ; impossible de dire quelles factures sont en \
         retard",
    ),
    ("empty", "vide"),
    (
        "{} more remarks about tables, not listed",
        "{} remarques de plus sur les tableaux, non listées",
    ),
    (
        "a kind that isn't read: save it as {} or {}",
        "un type qui n'est pas lu : enregistrez-le en {} ou {}",
    ),
    (
        "not read: with it there is more than the {} MiB that one report takes; move it into a \
         folder of its own and make a report of that",
        "non lu : avec lui il y a plus que les {} Mio que prend un rapport ; mettez-le dans un \
         dossier à part et faites-en un rapport",
    ),
    (
        "not read: with it there are more than the {} files that one report takes; move it into \
         a folder of its own and make a report of that",
        "non lu : avec lui il y a plus que les {} fichiers que prend un rapport ; mettez-le dans \
         un dossier à part et faites-en un rapport",
    ),
    (
        "{} more decisions left out: at most {}",
        "{} décisions de plus laissées de côté : au plus {}",
    ),
    (
        "{} more questions left out: at most {}",
        "{} questions de plus laissées de côté : au plus {}",
    ),
    (
        "{} more deadlines left out: at most {}",
        "{} échéances de plus laissées de côté : au plus {}",
    ),
    ("mails {} to {} of {}:", "courriels {} à {} sur {} :"),
    ("notes {} to {} of {}:", "notes {} à {} sur {} :"),
    (
        "UTF-16 text: save it as UTF-8",
        "texte en UTF-16 : enregistrez-le en UTF-8",
    ),
    ("larger than {} MiB", "plus de {} Mio"),
    ("permission denied", "accès refusé"),
    ("it isn't there any more", "il n'est plus là"),
    (
        "more than {} folders deep",
        "à plus de {} dossiers de profondeur",
    ),
    (
        "a symbolic link: only what lies in the folder itself is read",
        "un lien symbolique : seul ce qui est dans le dossier même est lu",
    ),
    ("not a regular file", "pas un fichier ordinaire"),
    (
        "lines 1 to {} not read: one report takes {} MiB",
        "lignes 1 à {} non lues : un rapport prend {} Mio",
    ),
    (
        "not read: one report takes {} MiB, the newest mails first",
        "non lu : un rapport prend {} Mio, les courriels les plus récents d'abord",
    ),
    (
        "not read: one report takes {} files, the newest mails first",
        "non lu : un rapport prend {} fichiers, les courriels les plus récents d'abord",
    ),
    (
        "make a report of a part of the folder to have them",
        "faites un rapport d'une partie du dossier pour les avoir",
    ),
    (
        "cut the mailbox in two to have them",
        "coupez la boîte en deux pour les avoir",
    ),
    (
        "read once each, the first of them is the same mail as {}",
        "lus une fois chacun, le premier est le même courriel que {}",
    ),
    ("the same mail as {}", "le même courriel que {}"),
    ("{} mails, {} to {}", "{} courriels, de {} à {}"),
    (
        "a mail of more than {} KiB",
        "un courriel de plus de {} Kio",
    ),
    ("a line of more than {} KiB", "une ligne de plus de {} Kio"),
];

/// A note in the language of the words.
#[must_use]
pub fn told(note: &str, words: &Words) -> String {
    let mut told = note.to_owned();
    if !words.is_french() {
        return told;
    }
    for (english, french) in NOTES {
        let found = starts(&told).find_map(|at| Some((at, matched(&told[at..], english)?)));
        let Some((at, (length, held))) = found else {
            continue;
        };
        let mut said = String::new();
        let mut held = held.into_iter();
        for (part, text) in french.split("{}").enumerate() {
            if part > 0 {
                said.push_str(&held.next().unwrap_or_default());
            }
            said.push_str(text);
        }
        told.replace_range(at..at + length, &said);
    }
    told
}

/// Where a sentence of ours may begin: not within a file's name.
fn starts(note: &str) -> impl Iterator<Item = usize> {
    const BEFORE: &[&str] = &[": ", "(", "jointe ", "; "];
    let behind = BEFORE
        .iter()
        .flat_map(|mark| note.match_indices(mark).map(|(at, mark)| at + mark.len()));
    std::iter::once(0).chain(behind)
}

/// How long the pattern is at the beginning of the text, and what its `{}` hold.
fn matched(text: &str, pattern: &str) -> Option<(usize, Vec<String>)> {
    let mut parts = pattern.split("{}");
    let first = parts.next()?;
    let mut at = text.strip_prefix(first).map(|_| first.len())?;
    let mut held = Vec::new();
    for part in parts {
        let behind = &text[at..];
        let length = match part {
            "" => behind.find(')').unwrap_or(behind.len()),
            part => behind.find(part)?,
        };
        held.push(behind[..length].to_owned());
        at += length + part.len();
    }
    let ends = text[at..].is_empty() || text[at..].starts_with([')', ':', ',', ' ', ';']);
    ends.then_some((at, held))
}

#[cfg(test)]
mod tests {
    use naos_reading::Language;

    use super::*;

    #[test]
    fn notes_are_told_in_french_and_names_stay_as_they_are() {
        let words = Words::of(Language::French);
        for (note, expected) in [
            ("empty.txt: empty", "empty.txt: vide"),
            (
                "a.eml:9: attachment x (y.csv (text/csv) not read",
                "a.eml:9: pièce jointe x (y.csv (text/csv) non lue",
            ),
            (
                "a.eml:9: attachment without a name (text/html) not read",
                "a.eml:9: pièce jointe sans nom (text/html) non lue",
            ),
            ("priv (permission denied)", "priv (accès refusé)"),
            (
                "b/1.eml (the same mail as a/1 (2).eml)",
                "b/1.eml (le même courriel que a/1 (2).eml)",
            ),
            (
                "11 mails, b/1 to b/9 (read once each, the first of them is the same mail as a/1)",
                "11 courriels, de b/1 à b/9 (lus une fois chacun, le premier est le même courriel \
                 que a/1)",
            ),
            ("large.txt (larger than 4 MiB)", "large.txt (plus de 4 Mio)"),
            (
                "mails 1 to 2 of 3: a.eml, b.eml (not read: the agent failed on it)",
                "courriels 1 à 2 sur 3 : a.eml, b.eml (non lu : l'agent a échoué)",
            ),
            (
                "i.csv:11: amount 5 000,00 x not read (Montant (€))",
                "i.csv:11: montant 5 000,00 x non lu (Montant (€))",
            ),
            (
                "i.csv: 12 amounts not read (net): lines 2-12, 15",
                "i.csv: 12 montants non lus (net) : lignes 2-12, 15",
            ),
            ("something else", "something else"),
        ] {
            assert_eq!(told(note, &words), expected);
            assert_eq!(told(note, &Words::of(Language::English)), note);
        }
    }

    #[test]
    fn every_note_has_as_many_places_in_both_languages() {
        for (english, french) in NOTES {
            let places = |text: &str| text.matches("{}").count();
            assert_eq!(places(english), places(french), "{english}");
        }
    }
}

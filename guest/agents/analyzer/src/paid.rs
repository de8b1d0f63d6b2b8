//! Whether a cell says that something is paid, in English, French and Malagasy.

use naos_reading::words::{Word, begins_with, fold, words};

use crate::vocabulary::INVOICE;

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Says {
    /// Nothing is open any more.
    pub settled: bool,
    /// It says yes or no only: what it is about stands above it.
    pub plain: bool,
}

/// Words that say that nothing is open any more. A word that ends in `*` is a stem.
const SETTLED: &[&str] = &[
    "paid*",
    "payee*",
    "paye",
    "payes",
    "reglee*",
    "regle",
    "regles",
    "acquitte*",
    "soldee*",
    "solde",
    "encaisse*",
    "settled",
    "closed",
    "cleared",
    "voaloa",
    "naloa",
    "cancelled",
    "canceled",
    "annule",
    "annulee",
    "annules",
    "annulees",
    "void",
    "voided",
    "nofoanana",
    "foanana",
    "voafoana",
    "credited",
    "avoir",
    "refunded",
    "rembourse*",
    "draft",
    "brouillon*",
    "written off",
    "foana",
];

/// Phrases that say that something is open: they come before all others.
const OPEN: &[&str] = &[
    "unpaid",
    "impaye*",
    "non",
    "not",
    "pas",
    "tsy",
    "mbola",
    "jamais",
    "never",
    "a payer",
    "a regler",
    "a encaisser",
    "partiel*",
    "partial*",
    "partly",
    "part paid",
    "acompte*",
    "ampahany",
    "moitie",
    "half",
    "antsasa*",
    "en attente",
    "en retard",
    "en cours",
    "attente",
    "retard",
    "late",
    "overdue",
    "past due",
    "due",
    "pending",
    "outstanding",
    "awaiting",
    "open",
    "ouvert*",
    "relance*",
    "reminder",
    "echue*",
    "echu",
    "miandry",
    "tara",
];

/// Those of them that say that some of it was paid.
const PART: &[&str] = &[
    "partiel*",
    "partial*",
    "partly",
    "part paid",
    "acompte*",
    "ampahany",
    "moitie",
    "half",
    "antsasa*",
];

const YES: &[&str] = &[
    "yes", "y", "oui", "o", "true", "vrai", "eny", "eny e", "x", "ok", "1", "v",
];
const NO: &[&str] = &["no", "n", "non", "false", "faux", "tsia", "0", "n/a"];
/// Marks that stand for yes and for no.
const TICKS: &[char] = &['✓', '✔', '☑', '✅'];
const CROSSES: &[char] = &['✗', '✘', '☐', '❌', '-', '–', '—'];

/// What a cell says; none where it is empty or says nothing of payments.
#[must_use]
pub fn says(cell: &str) -> Option<Says> {
    let cell = cell.trim();
    let mark = |list: &[char]| !cell.is_empty() && cell.chars().all(|it| list.contains(&it));
    let folded = fold(cell);
    let plain = match () {
        () if YES.contains(&folded.as_str()) || mark(TICKS) => Some(true),
        () if NO.contains(&folded.as_str()) || mark(CROSSES) => Some(false),
        () => None,
    };
    if let Some(settled) = plain {
        return Some(Says {
            settled,
            plain: true,
        });
    }
    let words = words(cell);
    let has = |list: &[&str]| {
        let at = |at: usize| list.iter().any(|it| begins_with(&words[at..], it));
        (0..words.len()).any(at)
    };
    // A sentence is a remark.
    if words.len() > WORDS_MAX || !words.iter().any(is_word) {
        return None;
    }
    let settled = match () {
        () if has(OPEN) => false,
        () if has(SETTLED) => true,
        () => return None,
    };
    Some(Says {
        settled,
        plain: false,
    })
}

/// What a cell says under a name that asks whether something is paid: there a share of a hundred
/// is one of the amount, and elsewhere it may be how far the work is.
#[must_use]
pub fn says_below_paid(cell: &str) -> Option<Says> {
    let share = percent(cell).map(|share| Says {
        settled: share >= 100,
        plain: false,
    });
    share.or_else(|| says(cell))
}

/// The share of a hundred that a cell says, and nothing else: `100 %`, `33,3%`.
#[must_use]
pub fn percent(cell: &str) -> Option<u32> {
    let number = cell.trim().strip_suffix('%')?.trim_end();
    let (whole, part) = number.split_once(['.', ',']).unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    whole.parse().ok().filter(|_| digits(whole) && digits(part))
}

/// Whether a status says that a row counts no more.
#[must_use]
pub fn is_cancelled(cell: &str) -> bool {
    let words = words(cell);
    let has = |list: &[&str]| words.iter().any(|it| list.contains(&it.folded.as_str()));
    let part = (0..words.len()).any(|at| PART.iter().any(|it| begins_with(&words[at..], it)));
    words.len() <= WORDS_MAX
        && !has(NOT)
        && !part
        && (has(CANCELLED) || has(NO_INVOICE) || is_one(cell, CANCELLED_ALONE))
}

/// Whether a cell of any column says so, and nothing else.
#[must_use]
pub fn is_cancelled_alone(cell: &str) -> bool {
    let words = words(cell);
    let known = |it: &Word<'_>| {
        let word = it.folded.as_str();
        CANCELLED.contains(&word) || NO_INVOICE.contains(&word)
    };
    let invoice = |it: &Word<'_>| INVOICE.contains(&it.folded.as_str());
    words.iter().any(known) && words.iter().all(|it| known(it) || invoice(it))
}

/// Whether a cell says that a row gives money back, and nothing else.
#[must_use]
pub fn is_credit_alone(cell: &str) -> bool {
    const SMALL: &[&str] = &["de", "d", "du", "the"];
    let words = words(cell);
    let said: Vec<&str> = words.iter().map(|it| it.folded.as_str()).collect();
    let said: Vec<&str> = said.into_iter().filter(|it| !SMALL.contains(it)).collect();
    matches!(
        said[..],
        ["avoir" | "avoirs"]
            | ["facture" | "note", "avoir"]
            | ["note", "credit"]
            | ["credit", "note" | "memo"]
            | ["creditnote"]
    )
}

fn is_one(cell: &str, list: &[&str]) -> bool {
    list.contains(&fold(cell.trim()).as_str())
}

/// That something counts no more.
const CANCELLED: &[&str] = &[
    "annule",
    "annulee",
    "annules",
    "annulees",
    "cancelled",
    "canceled",
    "void",
    "voided",
    "nofoanana",
    "foanana",
    "voafoana",
];
/// That something is none yet, or was given back.
const NO_INVOICE: &[&str] = &[
    "brouillon",
    "draft",
    "devis",
    "quote",
    "quotation",
    "estimate",
    "proforma",
    "remboursee",
    "rembourse",
    "refunded",
];
/// The same, where nothing else is said.
const CANCELLED_ALONE: &[&str] = &["annulation", "cancel", "cancellation", "foana", "nulle"];
/// That it does, for all that.
const NOT: &[&str] = &["non", "not", "no", "pas", "tsy", "jamais", "never"];

/// Whether a cell says that a part was paid, and not all of it.
#[must_use]
pub fn is_part(cell: &str) -> bool {
    let percent = cell.split_once('%').and_then(|(before, _)| {
        let number = before.trim_end().rsplit(|it: char| !it.is_ascii_digit());
        number.into_iter().next()?.parse::<u32>().ok()
    });
    let words = words(cell);
    let said = words.len() <= WORDS_MAX
        && (0..words.len()).any(|at| PART.iter().any(|it| begins_with(&words[at..], it)))
        && !words.iter().any(|it| NOT.contains(&it.folded.as_str()));
    said || percent.is_some_and(|it| (1..100).contains(&it))
}

/// More words than a status has.
const WORDS_MAX: usize = 6;

fn is_word(word: &Word<'_>) -> bool {
    word.folded.starts_with(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_counts_no_more() {
        for (cell, expected, alone) in [
            ("Annulée", true, true),
            ("annulé", true, true),
            ("Facture annulée", true, true),
            ("Annulée le 03/10/2026", true, false),
            ("annulée et remplacée par F-5", true, false),
            ("Cancelled", true, true),
            ("CANCELED", true, true),
            ("void", true, true),
            ("Brouillon", true, true),
            ("Draft invoice", true, true),
            ("Devis", true, true),
            ("proforma", true, true),
            ("Remboursée", true, true),
            ("non remboursée", false, false),
            ("Site, devis 12", true, false),
            ("nofoanana", true, true),
            ("foana", true, false),
            ("voaloa foana", false, false),
            ("à annuler", false, false),
            ("non annulée", false, false),
            ("tsy nofoanana", false, false),
            ("partiellement annulée", false, false),
            ("payée", false, false),
            ("", false, false),
        ] {
            let found = (is_cancelled(cell), is_cancelled_alone(cell));
            assert_eq!(found, (expected, alone), "{cell}");
        }
    }

    #[test]
    fn a_share_is_one_of_the_amount_where_payments_are_asked_about() {
        for (cell, expected) in [
            ("100 %", Some(true)),
            ("100,0%", Some(true)),
            ("50 %", Some(false)),
            ("0%", Some(false)),
            ("oui", Some(true)),
            ("% 5", None),
            ("100", None),
            ("", None),
        ] {
            let said = says_below_paid(cell).map(|it| it.settled);
            assert_eq!(said, expected, "{cell}");
        }
    }

    #[test]
    fn a_credit_note_says_so_alone() {
        for (cell, expected) in [
            ("Avoir", true),
            ("Credit note", true),
            ("Note de crédit", true),
            ("Facture d'avoir", true),
            ("credit memo", true),
            ("Crédit", false),
            ("Facture", false),
            ("Avoir sur F-3", false),
            ("", false),
        ] {
            assert_eq!(is_credit_alone(cell), expected, "{cell}");
        }
    }

    #[test]
    fn a_part_is_not_all_of_it() {
        for (cell, expected) in [
            ("partiellement payée", true),
            ("Partially paid", true),
            ("acompte versé", true),
            ("voaloa ampahany", true),
            ("50 %", true),
            ("payée à 50%", true),
            ("payée à 100 %", false),
            ("half", true),
            ("payée", false),
            ("100%", false),
            ("0 %", false),
            ("non payée", false),
            ("pas même partiellement", false),
            ("", false),
        ] {
            assert_eq!(is_part(cell), expected, "{cell}");
        }
    }

    #[test]
    fn cells_say_whether_something_is_paid() {
        for (cells, expected) in [
            (
                &[
                    "payée",
                    "PAYÉ",
                    "Paid",
                    "réglée",
                    "Soldée",
                    "Acquittée le 03/10/2026",
                    "voaloa",
                    "Efa voaloa",
                    "Paid on 2026-10-01",
                    "annulée",
                    "Cancelled",
                    "oui",
                    "Yes",
                    "x",
                    "✓",
                    "1",
                    "payée par chèque",
                    "Avoir",
                ][..],
                Some(true),
            ),
            (
                &[
                    "impayée",
                    "Impayé",
                    "unpaid",
                    "non payée",
                    "pas encore payée",
                    "not paid",
                    "en retard",
                    "En attente",
                    "tsy voaloa",
                    "mbola tsy voaloa",
                    "à payer",
                    "partiellement payée",
                    "Partially paid",
                    "overdue",
                    "open",
                    "non",
                    "No",
                    "0",
                    "—",
                    "Relancée",
                    "past due",
                ],
                Some(false),
            ),
            (
                &[
                    "",
                    "  ",
                    "virement",
                    "100 %",
                    "envoyée",
                    "sent",
                    "2026-10-01",
                    "120,50",
                    "Riake",
                    "nous avons payé la moitié en octobre et le reste plus tard",
                ],
                None,
            ),
        ] {
            for cell in cells {
                assert_eq!(says(cell).map(|it| it.settled), expected, "{cell}");
            }
        }
    }
}

//! What an author wrote themselves: without quoted text, attributions, forwarded history and
//! signatures. A decision must not be counted again in every answer to it.

use crate::page::Line;
use crate::words::fold;

/// Lines from which on everything is somebody else's (Outlook's way of quoting).
const HISTORY: &[&str] = &[
    "-----original message-----",
    "----- original message -----",
    "-----message d'origine-----",
    "----- message d'origine -----",
    "________________________________",
];
/// Attributions: how a line begins and how it, or one of the next two, ends.
const ATTRIBUTIONS: &[(&str, &[&str])] = &[
    ("le ", &["a ecrit :", "a ecrit:", "ecrivit :"]),
    ("on ", &["wrote:", "wrote :"]),
    (
        "tamin'ny ",
        &[
            "nanoratra hoe:",
            "nanoratra:",
            "nanoratra :",
            "nanoratra hoe :",
        ],
    ),
    (
        "ny ",
        &[
            "nanoratra hoe:",
            "nanoratra:",
            "nanoratra :",
            "nanoratra hoe :",
        ],
    ),
];
/// Lines that close a letter: what follows is a name and a phone number.
const CLOSINGS: &[&str] = &[
    "cordialement",
    "bien cordialement",
    "bien a vous",
    "bien a toi",
    "cdt",
    "cdlt",
    "salutations",
    "amities",
    "a bientot",
    "best regards",
    "kind regards",
    "regards",
    "best",
    "thanks",
    "cheers",
    "sincerely",
    "many thanks",
    "veloma",
    "veloma finaritra",
    "mankasitraka",
    "misaotra tompoko",
    "misaotra",
    "misaotra indrindra",
    "hatramin'ny manaraka",
    "mirary soa",
    "merci",
    "bonne journee",
    "belle journee",
    "merci d'avance",
    "bonne semaine",
    "with thanks",
    "best wishes",
    "all the best",
    "warm regards",
    "misaotra betsaka",
    "bonne fin de journee",
    "merci beaucoup",
];
/// Marks that a telephone adds.
const SENT_FROM: &[&str] = &["sent from my", "envoye de mon", "envoye depuis mon"];
/// How many lines an attribution is wrapped over at most.
const ATTRIBUTION_LINES: usize = 3;
/// How many lines a name, a role and a phone number take at most, and how long they are.
const NAME_LINES_MAX: usize = 6;
const NAME_CHARS_MAX: usize = 60;

/// The lines that are the author's own; the others are left out, their numbers with them.
#[must_use]
pub fn own_lines(lines: &[Line]) -> Vec<&Line> {
    let mut own = Vec::new();
    let mut at = 0;
    let mut signing = false;
    while at < lines.len() {
        let text = lines[at].text.trim_end();
        let folded = fold(text.trim());
        if is_history(&folded) || is_signature_mark(&lines[at].text) {
            // Whoever answers below the quoted text has signed at the very end.
            match lines[at..].iter().position(|line| is_quoted(&line.text)) {
                Some(quoted) if is_signature_mark(&lines[at].text) => {
                    at += quoted;
                    continue;
                }
                _ => break,
            }
        }
        if is_quoted(text) {
            signing = false;
            at += 1;
            continue;
        }
        if let Some(length) = attribution(&lines[at..]) {
            signing = false;
            at += length;
            continue;
        }
        signing |= (is_closing(&folded) && only_a_name_follows(&lines[at + 1..]))
            || SENT_FROM.iter().any(|mark| folded.starts_with(mark));
        signing &= !(folded.starts_with("ps") || folded.starts_with("p.s"));
        if !signing {
            own.push(&lines[at]);
        }
        at += 1;
    }
    own
}

/// Whether a line is quoted from somebody else.
#[must_use]
pub fn is_quoted(text: &str) -> bool {
    text.trim_start().starts_with('>')
}

fn is_signature_mark(text: &str) -> bool {
    text == "-- " || text.trim_end() == "--"
}

fn is_history(folded: &str) -> bool {
    HISTORY.iter().any(|mark| folded.starts_with(mark))
}

fn is_closing(folded: &str) -> bool {
    let bare = folded.trim_end_matches([',', '.', '!', ' ']);
    CLOSINGS.contains(&bare)
}

/// "Merci !" may also open a letter: it closes one when only a few short lines follow.
fn only_a_name_follows(lines: &[Line]) -> bool {
    let mut names = 0;
    for line in lines {
        let text = line.text.trim();
        let folded = fold(text);
        if is_quoted(text) || is_history(&folded) || is_signature_mark(&line.text) {
            break;
        }
        if folded.starts_with("ps") || folded.starts_with("p.s") {
            break;
        }
        if text.is_empty() || attribution(std::slice::from_ref(line)).is_some() {
            continue;
        }
        names += 1;
        if names > NAME_LINES_MAX || text.chars().count() > NAME_CHARS_MAX || text.contains('?') {
            return false;
        }
    }
    true
}

/// Folded, hard blanks as blanks: French mail programs write them before a colon.
fn flat(text: &str) -> String {
    fold(text.replace(['\u{a0}', '\u{202f}'], " ").trim())
}

/// How many lines say who wrote what is quoted below, if these begin with them.
pub(crate) fn attribution(lines: &[Line]) -> Option<usize> {
    let first = flat(&lines[0].text);
    let mut begun = ATTRIBUTIONS
        .iter()
        .filter(|(start, _)| first.starts_with(start));
    begun.find_map(|(start, endings)| ends_within(lines, start, endings))
}

/// The line on which an attribution ends, if this is where it begins: the last sentence before it
/// may begin alike (`Le rapport est prêt.`, and then `Le 9 oct., Hery a écrit :`).
fn ends_within(lines: &[Line], start: &str, endings: &[&str]) -> Option<usize> {
    let goes_on = |at: usize, line: &Line| {
        let text = line.text.trim();
        at == 0 || !text.is_empty() && !fold(text).starts_with(start)
    };
    let lines = lines.iter().take(ATTRIBUTION_LINES).enumerate();
    let mut lines = lines
        .take_while(|&(at, line)| goes_on(at, line))
        .map(|(_, line)| line);
    let ends = |line: &Line| {
        let folded = flat(&line.text);
        endings.iter().any(|ending| folded.ends_with(ending))
    };
    lines.position(ends).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::from_text;

    #[test]
    fn only_what_the_author_wrote() {
        for (text, expected) in [
            ("a\n> b\nc", "a c"),
            (
                "a\nLe 9 oct. 2026 à 10:00, Hery <h@x.mg> a écrit :\n> b",
                "a",
            ),
            ("a\nOn Fri, 9 Oct 2026, Hery\n<h@x.mg> wrote:\n> b", "a"),
            ("a\nTamin'ny 9 Okt, Hery nanoratra hoe:\n> b\nc", "a c"),
            (
                "Le rapport est prêt.\n\nLe 9 oct., Hery a écrit :\n> b",
                "Le rapport est prêt.",
            ),
            (
                "Le rapport est prêt.\nLe 9 oct., Hery\n<h@x.mg> a écrit :\n> b",
                "Le rapport est prêt.",
            ),
            (
                "On livre lundi.\n\nOn Fri, 9 Oct 2026, Hery wrote:\n> b",
                "On livre lundi.",
            ),
            (
                "Ny tatitra dia vita.\n\nNy 9 Okt, Hery nanoratra hoe:\n> b",
                "Ny tatitra dia vita.",
            ),
            ("a\n-- \nHery\n+261 34", "a"),
            ("a\nCordialement,\nHery", "a"),
            ("a\nMerci,\nHery\n\nPS : b", "a PS : b"),
            ("a\n-----Message d'origine-----\nb", "a"),
            ("a\nSent from my phone", "a"),
            ("Merci !\nOn livre lundi ?", "Merci ! On livre lundi ?"),
            ("On a décidé de livrer", "On a décidé de livrer"),
            ("a\n--\nHery\n> b\nc", "a c"),
        ] {
            let page = from_text("x", text, false);
            let own: Vec<&str> = own_lines(&page.lines)
                .into_iter()
                .map(|line| line.text.trim())
                .filter(|text| !text.is_empty())
                .collect();
            assert_eq!(own.join(" "), expected, "{text}");
        }
    }
}

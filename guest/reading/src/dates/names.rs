//! The names of months and days, and the words around them, folded. Data only.

/// Months by their names: English, French, Malagasy, with the usual abbreviations.
#[rustfmt::skip]
pub(super) const MONTHS: &[(&str, u32)] = &[
    ("january", 1), ("jan", 1), ("janvier", 1), ("janv", 1), ("janoary", 1),
    ("february", 2), ("feb", 2), ("fevrier", 2), ("fevr", 2), ("fev", 2), ("febroary", 2),
    ("march", 3), ("mar", 3), ("mars", 3), ("martsa", 3),
    ("april", 4), ("apr", 4), ("avril", 4), ("avr", 4), ("aprily", 4),
    ("may", 5), ("mai", 5), ("mey", 5),
    ("june", 6), ("jun", 6), ("juin", 6), ("jona", 6),
    ("july", 7), ("jul", 7), ("juillet", 7), ("juil", 7), ("jolay", 7),
    ("august", 8), ("aug", 8), ("aout", 8), ("aogositra", 8), ("aogositry", 8),
    ("september", 9), ("sept", 9), ("sep", 9), ("septembre", 9), ("septambra", 9),
    ("october", 10), ("oct", 10), ("octobre", 10), ("oktobra", 10), ("okt", 10),
    ("november", 11), ("nov", 11), ("novembre", 11), ("novambra", 11),
    ("december", 12), ("dec", 12), ("decembre", 12), ("desambra", 12),
];

/// Days of the week, 0 for Monday.
#[rustfmt::skip]
pub(super) const WEEKDAYS: &[(&str, i64)] = &[
    ("monday", 0), ("mon", 0), ("lundi", 0), ("alatsinainy", 0),
    ("tuesday", 1), ("tue", 1), ("mardi", 1), ("talata", 1),
    ("wednesday", 2), ("wed", 2), ("mercredi", 2), ("alarobia", 2),
    ("thursday", 3), ("thu", 3), ("jeudi", 3), ("alakamisy", 3),
    ("friday", 4), ("fri", 4), ("vendredi", 4), ("zoma", 4),
    ("saturday", 5), ("sat", 5), ("samedi", 5), ("sabotsy", 5),
    ("sunday", 6), ("sun", 6), ("dimanche", 6), ("alahady", 6),
];

/// Day names that are also ordinary words: they need a marker of time before them.
pub(super) const SHORT_WEEKDAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Words that turn the day before them, or after them, into one that is gone.
pub(super) const PAST: &[&str] = &[
    "dernier", "derniere", "passe", "last", "lasa", "teo", "past",
];

/// Words that the one before belongs to, and not to the day before it.
pub(super) const LAST_OF: &[&str] = &["delai", "delais", "rappel", "jour", "call", "reminder"];

/// Whole phrases, each with what it means. Longer ones first.
pub(super) const RELATIVE: &[(&str, Meaning)] = &[
    ("apres demain", Meaning::Days(2)),
    ("day after tomorrow", Meaning::Days(2)),
    ("rahafakampitso", Meaning::Days(2)),
    ("end of next week", Meaning::WeekEnd(1)),
    ("fin de semaine prochaine", Meaning::WeekEnd(1)),
    ("fin de la semaine prochaine", Meaning::WeekEnd(1)),
    ("faran ny herinandro ambony", Meaning::WeekEnd(1)),
    ("end of this week", Meaning::WeekEnd(0)),
    ("end of the week", Meaning::WeekEnd(0)),
    ("end of week", Meaning::WeekEnd(0)),
    ("fin de cette semaine", Meaning::WeekEnd(0)),
    ("fin de la semaine", Meaning::WeekEnd(0)),
    ("fin de semaine", Meaning::WeekEnd(0)),
    ("faran ny herinandro", Meaning::WeekEnd(0)),
    ("end of next month", Meaning::MonthEnd(1)),
    ("fin du mois prochain", Meaning::MonthEnd(1)),
    ("faran ny volana ambony", Meaning::MonthEnd(1)),
    ("end of this month", Meaning::MonthEnd(0)),
    ("end of the month", Meaning::MonthEnd(0)),
    ("end of month", Meaning::MonthEnd(0)),
    ("fin de ce mois", Meaning::MonthEnd(0)),
    ("fin du mois", Meaning::MonthEnd(0)),
    ("fin de mois", Meaning::MonthEnd(0)),
    ("faran ny volana", Meaning::MonthEnd(0)),
    ("end of the day", Meaning::Days(0)),
    ("end of day", Meaning::Days(0)),
    ("fin de journee", Meaning::Days(0)),
    ("next week", Meaning::Vague),
    ("la semaine prochaine", Meaning::Vague),
    ("semaine prochaine", Meaning::Vague),
    ("herinandro ambony", Meaning::Vague),
    ("next month", Meaning::Vague),
    ("mois prochain", Meaning::Vague),
    ("volana ambony", Meaning::Vague),
    ("tomorrow", Meaning::Days(1)),
    ("demain", Meaning::Days(1)),
    ("rahampitso", Meaning::Days(1)),
    ("today", Meaning::Days(0)),
    ("tonight", Meaning::Days(0)),
    ("ce soir", Meaning::Days(0)),
    ("aujourd hui", Meaning::Days(0)),
    ("androany", Meaning::Days(0)),
];

/// What a relative phrase means, against the reference day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// So many days later.
    Days(i64),
    /// The Friday so many weeks on.
    WeekEnd(i64),
    /// The last day of the month so many months on.
    MonthEnd(i32),
    /// A stretch of time: no single day.
    Vague,
}

/// Words before a number of days.
pub(super) const WITHIN: &[&str] = &["in", "within", "dans", "sous", "afaka", "anatin"];
/// Units of such a number, in days.
#[rustfmt::skip]
pub(super) const UNITS: &[(&str, i64)] = &[
    ("day", 1), ("days", 1), ("jour", 1), ("jours", 1), ("andro", 1),
    ("week", 7), ("weeks", 7), ("semaine", 7), ("semaines", 7), ("herinandro", 7),
];
/// Words that mean the end of the month that follows.
pub(super) const END_OF: &[&str] = &["fin", "end of", "faran ny", "late"];

pub(super) fn month(folded: &str) -> Option<u32> {
    MONTHS
        .iter()
        .find(|(name, _)| *name == folded)
        .map(|&(_, month)| month)
}

pub(super) fn weekday(folded: &str) -> Option<i64> {
    WEEKDAYS
        .iter()
        .find(|(name, _)| *name == folded)
        .map(|&(_, day)| day)
}

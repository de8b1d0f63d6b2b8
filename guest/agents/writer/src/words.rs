//! The report's own words in two languages. Data only.

use naos_reading::Language;

/// Every word the report adds to what was found.
pub struct Words {
    french: bool,
    /// The report's title, without the client.
    pub title: &'static str,
    /// Before the span of days.
    pub period: &'static str,
    /// An empty section.
    pub nothing: &'static str,
    /// Somebody asks.
    pub asked_by: &'static str,
    /// How many decisions.
    pub decisions: &'static str,
    /// How many questions.
    pub questions: &'static str,
    /// The next deadline.
    pub next_deadline: &'static str,
    /// What was billed.
    pub billed: &'static str,
    /// Duplicates don't count.
    pub without_duplicates: &'static str,
    /// They would have.
    pub with_duplicates: &'static str,
    /// Overdue.
    pub overdue: &'static str,
    /// Days late.
    pub days_late: &'static str,
    /// A duplicate.
    pub duplicate: &'static str,
    /// Counted once.
    pub counted_once: &'static str,
    /// A near duplicate.
    pub near_duplicate: &'static str,
    /// An outlier.
    pub outlier: &'static str,
    /// The median beside it.
    pub median: &'static str,
    /// A total after a correction.
    pub corrected: &'static str,
    /// Behind a total in which an amount is contradicted.
    pub disputed: &'static str,
    /// A contradiction.
    pub contradicted: &'static str,
    /// Hours.
    pub hours: &'static str,
    /// Answer a question.
    pub answer: &'static str,
    /// Check a figure.
    pub check: &'static str,
    /// What a skill said.
    pub skill: &'static str,
    /// The heading of what isn't in the report.
    pub left_out: &'static str,
    /// So many findings are about somebody else; the client's name follows.
    pub findings_elsewhere: &'static str,
    /// So many rows are about somebody else; the client's name follows.
    pub rows_elsewhere: &'static str,
    /// More of them than are listed.
    pub more: &'static str,
}

const ENGLISH: Words = Words {
    french: false,
    title: "Weekly report",
    period: "Period:",
    nothing: "Nothing found in the sources.",
    asked_by: "asked by",
    decisions: "decision(s) in the period",
    questions: "open question(s)",
    next_deadline: "Next deadline:",
    billed: "Billed",
    without_duplicates: "without duplicates",
    with_duplicates: "as recorded, duplicates included",
    overdue: "Overdue",
    days_late: "day(s) late",
    duplicate: "Duplicate",
    counted_once: "counted once",
    near_duplicate: "Possibly the same invoice twice",
    outlier: "Unusual amount, to be checked",
    median: "median",
    corrected: "Corrected total",
    disputed: "disputed: one of its amounts is contradicted",
    contradicted: "the source says",
    hours: "Hours",
    answer: "Answer:",
    check: "Check the amount of",
    skill: "Skill",
    left_out: "Left out or unreadable",
    findings_elsewhere: "finding(s) don't mention",
    rows_elsewhere: "row(s) of tables don't name",
    more: "more",
};

const FRENCH: Words = Words {
    french: true,
    title: "Rapport hebdomadaire",
    period: "Période :",
    nothing: "Rien dans les sources.",
    asked_by: "posée par",
    decisions: "décision(s) sur la période",
    questions: "question(s) ouverte(s)",
    next_deadline: "Prochaine échéance :",
    billed: "Facturé",
    without_duplicates: "sans les doublons",
    with_duplicates: "tel qu'enregistré, doublons compris",
    overdue: "En retard",
    days_late: "jour(s) de retard",
    duplicate: "Doublon",
    counted_once: "compté une fois",
    near_duplicate: "Peut-être deux fois la même facture",
    outlier: "Montant inhabituel, à vérifier",
    median: "médiane",
    corrected: "Total corrigé",
    disputed: "contesté : un de ses montants est contredit",
    contradicted: "la source dit",
    hours: "Heures",
    answer: "Répondre :",
    check: "Vérifier le montant de",
    skill: "Compétence",
    left_out: "Laissé de côté ou illisible",
    findings_elsewhere: "constat(s) ne mentionnent pas",
    rows_elsewhere: "ligne(s) de tableaux ne nomment pas",
    more: "de plus",
};

impl Words {
    /// The words of a language; English where there are none.
    #[must_use]
    pub fn of(language: Language) -> Self {
        if language == Language::French {
            FRENCH
        } else {
            ENGLISH
        }
    }

    /// The heading of a section.
    #[must_use]
    pub fn heading(&self, id: &str) -> &'static str {
        match (id, self.french) {
            ("summary", true) => "Résumé",
            ("summary", false) => "Summary",
            ("decisions", true) => "Décisions",
            ("decisions", false) => "Decisions",
            ("questions", true) => "Questions ouvertes",
            ("questions", false) => "Open questions",
            ("deadlines", true) => "Échéances",
            ("deadlines", false) => "Deadlines",
            ("money", true) => "Finances",
            ("money", false) => "Money",
            ("hours", true) => "Heures",
            ("hours", false) => "Hours",
            (_, true) => "Prochaines étapes",
            (_, false) => "Next steps",
        }
    }

    /// What a column of figures is called.
    #[must_use]
    pub fn column(&self, column: &str) -> String {
        let name = match (column, self.french) {
            ("net", true) => "hors taxes",
            ("net", false) => "before tax",
            ("vat", true) => "TVA",
            ("vat", false) => "tax",
            ("total", true) => "TTC",
            ("total", false) => "total",
            ("amount", true) => "montant",
            (other, _) => other,
        };
        name.to_owned()
    }

    /// A decimal string with grouped thousands, as the language writes it.
    #[must_use]
    pub fn amount(&self, decimal: &str) -> String {
        let (sign, digits) = decimal
            .strip_prefix('-')
            .map_or(("", decimal), |rest| ("-", rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let (group, point) = if self.french {
            ('\u{202f}', ',')
        } else {
            (',', '.')
        };
        let mut grouped = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at) % 3 == 0 {
                grouped.push(group);
            }
            grouped.push(digit);
        }
        if !fraction.is_empty() {
            grouped.push(point);
            grouped.push_str(fraction);
        }
        format!("{sign}{grouped}")
    }
}

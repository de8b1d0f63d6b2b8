//! The report's own words in two languages. Data only: [`words!`] makes sure that every word is
//! there in both.

use naos_reading::Language;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $english:literal, $french:literal;)*) => {
        /// Every word the report adds to what was found.
        pub struct Words {
            french: bool,
            $($(#[$doc])* pub $name: &'static str,)*
        }

        const ENGLISH: Words = Words { french: false, $($name: $english,)* };
        const FRENCH: Words = Words { french: true, $($name: $french,)* };

        /// All of them: English and French.
        pub const ALL: &[(&str, &str)] = &[$(($english, $french),)*];
    };
}

words! {
    /// The report's title, without the client.
    title: "Weekly report", "Rapport hebdomadaire";
    /// Before the span of days.
    period: "Period:", "Période :";
    /// What the report is and isn't; under its title.
    how_made: "Put together by fixed rules from the files that stand behind each line. What was \
        said in words that no rule knows is missing here.",
        "Établi par des règles fixes à partir des fichiers cités derrière chaque ligne. Ce qui a \
        été dit en des mots qu'aucune règle ne connaît n'y figure pas.";
    /// An empty section.
    nothing: "Nothing found in the sources.", "Rien dans les sources.";
    /// A section that is empty because of the period; behind it, how many there are.
    nothing_in_period: "Nothing in the period;", "Rien sur la période ;";
    /// Behind how many there are.
    outside_it: "outside it.", "en dehors.";
    /// The heading of a section.
    head_summary: "Summary", "Résumé";
    /// The heading of a section.
    head_decisions: "Decisions", "Décisions";
    /// The heading of a section.
    head_questions: "Open questions", "Questions ouvertes";
    /// The heading of a section.
    head_deadlines: "Deadlines", "Échéances";
    /// The heading of a section.
    head_money: "Money", "Finances";
    /// The heading of a section.
    head_hours: "Hours", "Heures";
    /// The heading of a section.
    head_next: "Next steps", "Prochaines étapes";
    /// Over the open questions that are older than the period.
    asked_before: "Asked before the period", "Posées avant la période";
    /// Over the questions that a decision seems to answer.
    seem_answered: "Seem answered", "Semblent avoir reçu une réponse";
    /// Over what a later sentence seems to reverse or to move.
    to_confirm: "To be confirmed: does the later one take the place of the earlier one?",
        "À confirmer : la seconde remplace-t-elle la première ?";
    /// Behind a decision that a later one takes back.
    reversed: "reversed", "annulée ou remplacée";
    /// Before who took it back.
    by: "by", "par";
    /// Before the day that something was due on until it was moved.
    was: "was", "auparavant";
    /// Somebody asks.
    asked_by: "asked by", "posée par";
    /// One of them in the period.
    decision: "decision in the period", "décision sur la période";
    /// Many of them in the period.
    decisions: "decisions in the period", "décisions sur la période";
    /// One of them.
    question: "question to which no answer was found", "question sans réponse trouvée";
    /// Many of them.
    questions: "questions to which no answer was found", "questions sans réponse trouvée";
    /// So many of these were asked in the period.
    of_the_period: "asked in the period", "posées sur la période";
    /// One of these was.
    of_the_period_one: "asked in the period", "posée sur la période";
    /// One of them.
    answered: "question seems answered", "question semble avoir reçu une réponse";
    /// Many of them.
    answereds: "questions seem answered", "questions semblent avoir reçu une réponse";
    /// Before a count of what is listed, where not all of it is.
    more_than: "more than", "plus de";
    /// The newest of many.
    the_last: "the last:", "la dernière :";
    /// The next deadline.
    next_deadline: "Next deadline:", "Prochaine échéance :";
    /// What was billed, in all that was handed over.
    billed: "Billed in all the tables", "Facturé dans tous les tableaux";
    /// What was billed in the period.
    billed_in_period: "Billed in the period", "Facturé sur la période";
    /// What others billed us, in all that was handed over.
    bought: "Bills received, in all the tables", "Factures reçues, dans tous les tableaux";
    /// What others billed us, in the period.
    bought_in_period: "Bills received in the period", "Factures reçues sur la période";
    /// The sum of a table that holds no invoices.
    sum: "Sum of a table", "Somme d'un tableau";
    /// Of what is billed another column: no more money.
    the_same: "The same invoices", "Les mêmes factures";
    /// Behind a column's name, where some rows of the sum are in another one.
    partly_above: "partly the same invoices as above",
        "en partie les mêmes factures que ci-dessus";
    /// Behind a sum whose rows name no currency, beside others that do.
    no_currency: "no currency named", "sans devise indiquée";
    /// What was paid, in all that was handed over.
    came_in: "Payments recorded in all the tables", "Paiements inscrits dans tous les tableaux";
    /// What was paid in the period.
    came_in_in_period: "Payments recorded in the period", "Paiements inscrits sur la période";
    /// Before counts of invoices, by what their payments come to.
    by_payments: "Invoices by their payments", "Factures selon leurs paiements";
    /// Behind a count of them.
    paid_full: "fully paid", "soldée(s)";
    /// Behind a count of them.
    paid_part: "partly paid", "payée(s) en partie";
    /// Behind a count of them.
    paid_over: "overpaid", "payée(s) en trop";
    /// Behind a count of them.
    paid_none: "open, no payment recorded", "sans paiement, à payer";
    /// Before one of them.
    in_part: "Partly paid", "Payée en partie";
    /// Before one of them.
    over: "Overpaid", "Payée en trop";
    /// Behind what was paid too much.
    too_much: "too much", "de trop";
    /// Between what was paid and what was billed.
    of: "of", "sur";
    /// A payment for nothing that is known.
    apart_unknown: "Payment for an invoice that no table beside it has",
        "Paiement d'une facture absente des tableaux voisins";
    /// A payment for a number of several rows.
    apart_several: "Payment not attributed, several rows have its number",
        "Paiement non rattaché, plusieurs lignes ont ce numéro";
    /// A payment in another currency.
    apart_currency: "Payment not attributed, its invoice is in another currency",
        "Paiement non rattaché, sa facture est dans une autre devise";
    /// Before what can't be right as it is written.
    doubt: "To be checked", "À vérifier";
    /// Net, tax and total.
    tax_sum: "{} and {} of tax don't come to {}", "{} et {} de TVA ne font pas {}";
    /// Paid and billed.
    overpaid_row: "{} paid, more than the {} that were billed",
        "{} payés, plus que les {} facturés";
    /// Due day and invoice day.
    due_before: "due on {}, before its own day {}", "échéance le {}, avant sa propre date {}";
    /// Hours.
    negative_hours: "{} h, less than nothing", "{} h, moins que rien";
    /// Hours of one person on one day.
    long_day: "{} h on one day", "{} h en un seul jour";
    /// A column, and how many of its cells may be either.
    mixed_days: "days of column {} are written day first and month first; cells that may be \
        either and are not read: {}",
        "les dates de la colonne {} mettent tantôt le jour, tantôt le mois en premier ; cellules \
        ambiguës, non lues : {}";
    /// Their codes.
    two_currencies: "two currencies in one row ({}), its amounts stand apart",
        "deux devises sur une ligne ({}), ses montants sont à part";
    /// Not paid, and no day says when it is due.
    no_due_day: "Open, no due day", "À payer, sans échéance";
    /// In the place of hours that can't be read.
    no_hours: "hours unreadable or missing", "heures illisibles ou absentes";
    /// One row.
    row_undated: "row without a date", "ligne sans date";
    /// Many of them.
    rows_undated: "rows without a date", "lignes sans date";
    /// They are in the sum.
    counted_for_all_that: "counted in the total", "comptées dans le total";
    /// Two amounts are the same but for rounding.
    rounded: "one amount is rounded", "un des montants est arrondi";
    /// Duplicates don't count.
    without_duplicates: "without duplicates", "sans les doublons";
    /// They would have.
    with_duplicates: "as recorded, duplicates included",
        "tel qu'enregistré, doublons compris";
    /// Overdue.
    overdue: "Overdue", "En retard";
    /// Overdue, of what others billed us.
    overdue_bill: "Bill received and overdue", "Facture reçue, en retard";
    /// Not paid, and due on a day that could not be read.
    undated: "Not paid, and its due day could not be read",
        "Non payée, et son échéance est illisible";
    /// The same, of what others billed us.
    undated_bill: "Bill received and not paid, its due day could not be read",
        "Facture reçue et non payée, son échéance est illisible";
    /// Behind an amount of which a part was paid.
    part: "all of it: a part is paid, and nothing says how much",
        "en entier : une partie est payée, sans dire combien";
    /// Behind a heading of a list, and a count of what it doesn't hold.
    not_listed: "more, not listed here", "de plus, non listés ici";
    /// One day late.
    day_late: "day late", "jour de retard";
    /// Many days late.
    days_late: "days late", "jours de retard";
    /// Cancelled; how many follows.
    cancelled: "Cancelled, draft or quote, neither billed nor owed",
        "Annulé, brouillon ou devis, ni facturé ni dû";
    /// The same, of what others billed us.
    cancelled_bill: "Bills received and cancelled, not counted",
        "Factures reçues et annulées, non comptées";
    /// A duplicate.
    duplicate: "Duplicate", "Doublon";
    /// Counted once.
    counted_once: "counted once", "compté une fois";
    /// One number of several invoices.
    conflict: "One number, different invoices, all of them counted",
        "Un même numéro, des factures différentes, toutes comptées";
    /// A near duplicate.
    near_duplicate: "Possibly the same invoice twice", "Peut-être deux fois la même facture";
    /// An outlier.
    outlier: "Unusual amount, to be checked", "Montant inhabituel, à vérifier";
    /// The median beside it.
    median: "the middle one is", "la valeur médiane est";
    /// A total after a correction.
    corrected: "Corrected total", "Total corrigé";
    /// Behind a total in which an amount is contradicted.
    disputed: "disputed: one of its amounts is contradicted",
        "contesté : un de ses montants est contredit";
    /// Behind a total in which amounts are missing; how many follows.
    incomplete: "incomplete, amounts not read:", "incomplet, montants non lus :";
    /// In the place of an amount that isn't there or isn't read.
    no_amount: "amount unknown", "montant inconnu";
    /// A contradiction.
    contradicted: "the source says", "la source dit";
    /// A sum of hours.
    hours: "All hours", "Toutes les heures";
    /// Before a project's name.
    project: "Project", "Projet";
    /// Answer a question.
    answer: "Answer:", "Répondre :";
    /// Check a figure.
    check: "Check the amount of", "Vérifier le montant de";
    /// What a skill said.
    skill: "By rule:", "Selon la règle :";
    /// A column.
    net: "before tax", "hors taxes";
    /// A column.
    vat: "tax", "TVA";
    /// A column.
    total: "tax included", "TTC";
    /// A column.
    amount: "amount", "montant";
    /// A column.
    open: "still to be paid", "reste à payer";
    /// A column.
    received: "already paid", "déjà payé";
    /// A sum that has too many digits.
    too_large: "too large", "trop grand";
    /// More of them than are listed; the section where they stand follows.
    more_in: "more under", "de plus sous";
    /// More of them than a section holds.
    more_cut: "more are not listed: ask for a shorter period, or for one client",
        "de plus ne sont pas listés : demandez une période plus courte, ou un seul client";
    /// The heading of what isn't in the report.
    left_out: "Left out or unreadable", "Laissé de côté ou illisible";
    /// Decisions, before who they are not about.
    decisions_elsewhere: "decision(s) of the period", "décision(s) de la période";
    /// Open questions, before who they are not about.
    questions_elsewhere: "open question(s)", "question(s) sans réponse";
    /// Deadlines, before who they are not about.
    deadlines_elsewhere: "deadline(s)", "échéance(s)";
    /// Behind the counts of findings in texts about somebody else; the client's name follows.
    elsewhere: "stand in texts that don't mention",
        "figurent dans des textes qui ne mentionnent pas";
    /// So many rows are about somebody else; the client's name follows.
    rows_elsewhere: "row(s) of tables don't name", "ligne(s) de tableaux ne nomment pas";
    /// More of them than are listed.
    more: "more", "de plus";
}

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

    /// Whether they are French.
    #[must_use]
    pub fn is_french(&self) -> bool {
        self.french
    }

    /// The heading of a section.
    #[must_use]
    pub fn heading(&self, id: &str) -> &'static str {
        match id {
            "summary" => self.head_summary,
            "decisions" => self.head_decisions,
            "questions" => self.head_questions,
            "deadlines" => self.head_deadlines,
            "money" => self.head_money,
            "hours" => self.head_hours,
            _ => self.head_next,
        }
    }

    /// What a column of figures is called.
    #[must_use]
    pub fn column(&self, column: &str) -> String {
        let name = match column {
            "net" => self.net,
            "vat" => self.vat,
            "total" => self.total,
            "amount" => self.amount,
            "open" => self.open,
            "received" => self.received,
            other => other,
        };
        name.to_owned()
    }

    /// A number and what it counts: French says one of nothing, English many.
    #[must_use]
    pub fn count(&self, number: usize, one: &str, many: &str) -> String {
        let single = number == 1 || self.french && number == 0;
        format!("{number} {}", if single { one } else { many })
    }

    /// A count of what is listed, where that may not be all of it.
    #[must_use]
    pub fn at_least(&self, number: usize, cut: bool) -> String {
        if cut {
            format!("{} {number}", self.more_than)
        } else {
            number.to_string()
        }
    }

    /// A decimal string with grouped thousands, as the language writes it.
    #[must_use]
    pub fn amount(&self, decimal: &str) -> String {
        if !decimal.starts_with(|it: char| it.is_ascii_digit() || it == '-') {
            return self.too_large.to_owned();
        }
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

    /// A sentence with its amounts grouped: those that are written with two places.
    #[must_use]
    pub fn amounts(&self, text: &str) -> String {
        let shown = |word: &str| {
            let number = word.trim_end_matches([',', '.', ';']);
            let decimal = |(whole, cents): (&str, &str)| {
                let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
                !whole.is_empty() && cents.len() == 2 && digits(whole) && digits(cents)
            };
            if number.split_once('.').is_some_and(decimal) {
                format!("{}{}", self.amount(number), &word[number.len()..])
            } else {
                word.to_owned()
            }
        };
        text.split_whitespace()
            .map(shown)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

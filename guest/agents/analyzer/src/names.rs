//! What the names of columns say, in English, French and Malagasy: first the names as they are,
//! then the words in them. Accents, case, underscores and small words don't count. Data and small
//! rules; what the cells say is decided by [`crate::roles`].

use naos_reading::decimal;
use naos_reading::words::words;

use crate::roles::Role;
use crate::vocabulary::{
    AMOUNT, AWAITED, CLIENT, DATED, DUE, GROSS, HOURS, INVOICE, ISSUED, LINE, MEANS, MONEY, NAME,
    NAMES, NET, NO_MONEY, NUMBERING, OPEN, PAID, PAYMENT, PLANNED, PRICE, QUANTITY, RATE, RECEIPTS,
    SMALL, STATUS, SUPPLIER, TAX, TERMS, TOTAL, UNIT, WORKED,
};

/// A role that a name speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Which.
    pub role: Role,
    /// How well the name says so: the smallest is best.
    pub rank: usize,
}

/// From here on only the words of a name say it, and not the name as a whole.
pub const RANK_OF_WORDS: usize = 100;
/// From here on a name speaks of payments, and may mean how something is paid.
pub const RANK_OF_NOUNS: usize = 200;
/// The cells alone say it.
pub const RANK_OF_CELLS: usize = 300;

/// Whether a column of this name holds money, as far as the name says.
#[must_use]
pub fn names_money(name: &str) -> bool {
    let told = told(name);
    let has = |list: &[&str]| told.iter().any(|word| list.contains(&word.as_str()));
    !has(NO_MONEY)
        && !has(UNIT)
        && !name.contains('%')
        && (has(MONEY) || name.contains(['€', '$', '£']))
}

/// The words of a name: lower case, without accents, parted at underscores and capitals too.
fn told(name: &str) -> Vec<String> {
    let mut parted = String::with_capacity(name.len());
    let (mut small, mut letters) = (false, 0);
    for letter in name.chars() {
        // "H.T." and "T.T.C." are words.
        if letter == '.' && letters == 1 {
            letters = 0;
            continue;
        }
        letters = if letter.is_alphabetic() {
            letters + 1
        } else {
            0
        };
        if matches!(letter, '°' | 'º') {
            parted.push(' ');
            continue;
        }
        if small && letter.is_uppercase() {
            parted.push(' ');
        }
        small = letter.is_lowercase();
        parted.push(letter);
    }
    words(&parted).into_iter().map(|word| word.folded).collect()
}

/// Whether a name speaks of what one of many costs, or of a share: nobody adds these up.
#[must_use]
pub fn is_price(name: &str) -> bool {
    has(name, UNIT) || has(name, RATE) || without_share(name).contains('%')
}

/// A name without the share that it speaks of: "TVA 20 %" is the tax at that rate, and no rate.
fn without_share(name: &str) -> String {
    let Some((before, behind)) = name.split_once('%') else {
        return name.to_owned();
    };
    let figures = |it: char| it.is_ascii_digit() || matches!(it, '.' | ',');
    let rest = before.trim_end().trim_end_matches(figures);
    match rest.len() < before.trim_end().len() {
        true => format!("{}{behind}", rest.trim_end_matches([' ', '(', '\u{a0}'])),
        false => name.to_owned(),
    }
}

/// Whether a name speaks of what one of them costs where a column beside it says how many.
#[must_use]
pub fn is_price_of_many(name: &str) -> bool {
    let told = told(name);
    let said = told.iter().map(String::as_str);
    let said: Vec<&str> = said
        .filter(|it| !SMALL.contains(it) && !is_currency(it))
        .collect();
    let said = Name(&said);
    said.has(&PRICE[..PRICES]) && said.only(&[PRICE])
}

/// So many of [`PRICE`] are prices, the others say whether tax is in them.
const PRICES: usize = 7;

/// Whether a name says how many of something there are.
#[must_use]
pub fn is_quantity(name: &str) -> bool {
    has(name, QUANTITY)
}

/// Whether a name says that tax is in the amount.
#[must_use]
pub fn says_gross(name: &str) -> bool {
    has(name, GROSS)
}

/// Whether a column tells how a payment was made.
#[must_use]
pub fn is_means(name: &str) -> bool {
    let told = told(name);
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    let all = Name(&told);
    all.has(MEANS) && (told.len() == 1 || all.has(PAYMENT) || all.has(PAID) || all.has(RECEIPTS))
}

/// What the path of a table says: that it holds payments, and that it holds invoices. The file's
/// name and its folder's count.
#[must_use]
pub fn path_says(path: &str) -> (bool, bool) {
    let names: Vec<&str> = path.rsplit('/').take(2).collect();
    let told = |list: &[&str]| names.iter().any(|name| has(name, list));
    let payments = told(RECEIPTS) && !told(AWAITED) && !told(PLANNED);
    (
        payments,
        told(INVOICE) && !told(&["document", "doc", "piece"]),
    )
}

fn has(name: &str, list: &[&str]) -> bool {
    told(name).iter().any(|word| list.contains(&word.as_str()))
}

/// Whether a name says that days stand below it, and not amounts.
#[must_use]
pub fn speaks_of_days(name: &str) -> bool {
    let told = told(name);
    let has = |list: &[&str]| told.iter().any(|word| list.contains(&word.as_str()));
    let name = told.iter().map(String::as_str).collect::<Vec<_>>();
    has(DATED) || has(DUE) && !Name(&name).money()
}

/// The currency that a name speaks of, as its code.
#[must_use]
pub fn currency(name: &str) -> Option<String> {
    let sign = ["€", "$", "£"].into_iter().find(|sign| name.contains(sign));
    let word = || told(name).into_iter().find(|word| is_currency(word));
    sign.and_then(decimal::currency)
        .or_else(|| word().and_then(|word| decimal::currency(&word)))
}

/// Only codes and names: `h` and `%` are none.
fn is_currency(word: &str) -> bool {
    let unit = decimal::currency(word);
    unit.is_some_and(|unit| unit.len() == 3)
}

/// Whether a cell says that its row sums up the others.
#[must_use]
pub fn says_sum(cell: &str) -> bool {
    const MORE: &[&str] = &["sous", "sub", "ht", "ttc", "sum", "subtotal"];
    if !cell.starts_with(char::is_alphabetic) || cell.len() > SUM_BYTES_MAX {
        return false;
    }
    let all = told(cell);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let all = Name(&all);
    (all.has(TOTAL) || all.has(&["subtotal"]))
        && all.only(&[TOTAL, MORE])
        && !all.only(&[&["grand", "general", "overall"]])
}

/// A longer cell sums nothing up.
const SUM_BYTES_MAX: usize = 40;

/// The role of a column of this name, as far as the name says.
#[must_use]
pub fn of(name: &str) -> Option<Named> {
    let name = without_share(name);
    let name = name.as_str();
    let all = told(name);
    let last = all.len().saturating_sub(1);
    let kept = |(at, word): (usize, &String)| {
        // "Montant dû" ends with what is a small word elsewhere; "N° 1" begins with one.
        let says = at == last && word == "du" && at > 0 || word == "n" && at == 0;
        (says || !SMALL.contains(&word.as_str()) && !is_currency(word)).then(|| word.clone())
    };
    let kept: Vec<String> = all.iter().enumerate().filter_map(kept).collect();
    let (joined, rate) = (kept.join(" "), name.contains('%'));
    for (role, names) in NAMES.iter().filter(|(role, _)| !(rate && role.is_money())) {
        if let Some(rank) = names.iter().position(|it| *it == joined) {
            return Some(Named { role: *role, rank });
        }
    }
    let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
    let kept = Name(&kept);
    let role = match kept.0 {
        [] => currency(name).map(|_| Role::Amount)?,
        _ => {
            // "Soldé" is paid, "solde" is what is left to pay.
            let accented = name.to_lowercase().contains("soldé");
            kept.role(rate, accented)?
        }
    };
    let rank = match role {
        Role::Paid if !kept.has(PAID) => RANK_OF_NOUNS,
        _ => RANK_OF_WORDS,
    };
    Some(Named { role, rank })
}

/// The words of a name that say something.
struct Name<'n>(&'n [&'n str]);

impl Name<'_> {
    fn has(&self, list: &[&str]) -> bool {
        self.0.iter().any(|word| list.contains(word))
    }

    /// Whether every word stands in one of the lists.
    fn only(&self, lists: &[&[&str]]) -> bool {
        let known = |word: &&str| lists.iter().any(|list| list.contains(word));
        self.0.iter().all(known)
    }

    fn money(&self) -> bool {
        self.has(AMOUNT) || self.has(TOTAL)
    }

    /// "À payer": what has to be paid, or when.
    fn to_be_paid(&self) -> bool {
        let pair = |pair: &[&str]| {
            matches!(
                pair,
                ["a", "payer" | "regler"] | ["to", "pay"] | ["payer" | "regler", "avant"]
            )
        };
        self.has(&["haloa"]) || self.0.windows(2).any(pair)
    }

    fn role(&self, rate: bool, accented: bool) -> Option<Role> {
        let payments = self.has(PAID) || self.has(PAYMENT);
        let days = self.has(DUE) || self.to_be_paid();
        if self.has(TERMS) && (payments || days) {
            return None;
        }
        match () {
            () if self.has(STATUS) => return Some(Role::Status),
            // A payment that is expected is none.
            () if payments && self.has(PLANNED) => return (!self.money()).then_some(Role::Due),
            () if accented => return Some(Role::Paid),
            () if self.has(OPEN) => return Some(Role::Open),
            () if days && (self.money() || self.has(NET)) => return Some(Role::Total),
            () if self.0.last() == Some(&"du") && self.money() => return Some(Role::Total),
            () if days => return Some(Role::Due),
            () if payments && self.money() => return Some(Role::Received),
            () if payments => return Some(Role::Paid),
            () => {}
        }
        let dated = self.has(&["date", "daty"]);
        match () {
            () if self.has(HOURS) && self.only(&[WORKED]) => Some(Role::Hours),
            () if self.has(CLIENT) && self.only(&[CLIENT, NAME]) => Some(Role::Client),
            () if self.has(SUPPLIER) && self.only(&[SUPPLIER, NAME]) => Some(Role::Supplier),
            () if dated && self.only(&[&["date", "daty"], INVOICE, ISSUED]) => Some(Role::Date),
            () if self.has(INVOICE) && self.only(&[INVOICE, NUMBERING]) => Some(Role::Number),
            () => self.amount(rate),
        }
    }

    fn amount(&self, rate: bool) -> Option<Role> {
        if rate || self.has(UNIT) || self.has(NO_MONEY) || self.has(NUMBERING) {
            return None;
        }
        let taxed = self.has(TAX);
        let named = self.money() || taxed;
        match () {
            () if named && self.has(NET) => Some(Role::Net),
            () if named && self.has(GROSS) || self.only(&[GROSS]) => Some(Role::Total),
            () if self.has(TOTAL) && self.only(&[TOTAL, AMOUNT, INVOICE, LINE]) => {
                Some(Role::Total)
            }
            () if taxed && self.only(&[TAX, AMOUNT]) => Some(Role::Vat),
            () if self.has(AMOUNT) && self.only(&[AMOUNT, INVOICE, LINE]) => Some(Role::Amount),
            () if self.has(&["ht", "htva", "ttc"]) => Some(if self.has(GROSS) {
                Role::Total
            } else {
                Role::Net
            }),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_known_by_name() {
        for (name, expected) in [
            ("Montant (Ar)", true),
            ("prix_unitaire", false),
            ("PU HT", false),
            ("Tarif horaire", false),
            ("€", true),
            ("Unit cost", false),
            ("Coût total", true),
            ("a", false),
            ("population", false),
            ("taux TVA", false),
            ("VAT %", false),
            ("nombre de frais", false),
            ("", false),
        ] {
            assert_eq!(names_money(name), expected, "{name}");
        }
    }
    #[test]
    fn names_in_three_languages_have_one_role() {
        use Role::{
            Amount, Client, Currency, Date, Due, Hours, Net, Number, Open, Paid, Received, Status,
            Supplier, Total, Vat,
        };
        for (role, names) in [
            (
                Some(Paid),
                &[
                    "payee",
                    "payé",
                    "Payée",
                    " PAYÉE ",
                    "paye",
                    "réglée",
                    "regle",
                    "Réglé le",
                    "Acquittée",
                    "voaloa",
                    "Efa voaloa",
                    "Voaloa ve?",
                    "date de paiement",
                    "Date paiement",
                    "payée le",
                    "paid_on",
                    "Paid",
                    "PaidDate",
                    "payment_date",
                    "Payment received",
                    "Date de règlement",
                    "date d'encaissement",
                    "Paiement",
                    "Daty nandoavana",
                    "Payé (O/N)",
                    "Is paid?",
                    "datePaid",
                    "Paid (EUR)",
                    "Réglée?",
                    "Soldée",
                    "Soldé",
                ][..],
            ),
            (
                Some(Status),
                &[
                    "Statut",
                    "État",
                    "état de paiement",
                    "payment status",
                    "Invoice Status",
                ],
            ),
            (
                Some(Due),
                &[
                    "Échéance",
                    "due_date",
                    "Date d'échéance",
                    "Date limite de paiement",
                    "À payer avant le",
                    "Payment due",
                    "Daty farany",
                    "Date de paiement prévue",
                    "Expected payment date",
                    "Fe-potoana fandoavana",
                    "DueDate",
                    "Daty tokony haloa",
                ],
            ),
            (
                Some(Open),
                &[
                    "Reste à payer",
                    "Solde",
                    "Solde dû",
                    "Balance due",
                    "Outstanding (EUR)",
                    "Sisa",
                ],
            ),
            (
                Some(Received),
                &[
                    "Montant payé",
                    "Amount paid",
                    "Total réglé",
                    "paid_amount",
                    "Vola voaloa",
                ],
            ),
            (
                Some(Total),
                &[
                    "TTC",
                    "Montant TTC",
                    "total TTC",
                    "Total",
                    "Prix TTC (€)",
                    "Net à payer",
                    "Montant dû",
                    "Amount due",
                    "Total incl. VAT",
                    "total_amount",
                    "Fitambarany",
                    "Total facture",
                    "Montant total (Ar)",
                ],
            ),
            (
                Some(Net),
                &[
                    "HT",
                    "montant HT",
                    "Montant H.T.",
                    "Total HT",
                    "Prix HT",
                    "Net amount",
                    "Total excl. VAT",
                    "montant_ht_eur",
                    "Amount ex. VAT",
                    "Vola tsy misy hetra",
                ],
            ),
            (
                Some(Vat),
                &[
                    "TVA",
                    "Montant TVA",
                    "VAT amount",
                    "Hetra",
                    "vat_eur",
                    "TVA 20 %",
                    "TVA (5,5%)",
                ],
            ),
            (
                Some(Amount),
                &[
                    "Amount (EUR)",
                    "amount_eur",
                    "prix",
                    "vidiny",
                    "Vidiny (Ar)",
                    "EUR",
                    "€",
                    "Montant",
                    "Montant facturé",
                    "amountEUR",
                    "Sandany",
                    "Vola (MGA)",
                ],
            ),
            (
                Some(Number),
                &[
                    "N° facture",
                    "invoice_no",
                    "Nº de facture",
                    "InvoiceNumber",
                    "Laharan'ny faktiora",
                ],
            ),
            (
                Some(Date),
                &[
                    "Date de la facture",
                    "Date d'émission",
                    "InvoiceDate",
                    "Daty",
                ],
            ),
            (
                Some(Client),
                &["Nom du client", "Client name", "Mpanjifa", "Raison sociale"],
            ),
            (Some(Supplier), &["Nom fournisseur", "Vendor"]),
            (
                Some(Hours),
                &["Nombre d'heures", "Hours worked", "Total heures"],
            ),
            (Some(Currency), &["Devise", "Currency"]),
            (
                None,
                &[
                    "Objet",
                    "",
                    "?",
                    "Mode de paiement",
                    "Payment terms",
                    "Délai de paiement",
                    "Days overdue",
                    "Prix unitaire",
                    "Unit price",
                    "TVA %",
                    "Taux de TVA",
                    "VAT number",
                    "Code client",
                    "Quantité",
                    "Net weight",
                    "cost center",
                    "Moyen de règlement",
                    "Paiement prévu (montant)",
                    "h",
                    "%",
                ],
            ),
        ] {
            for name in names {
                assert_eq!(of(name).map(|it| it.role), role, "{name}");
            }
        }
    }

    #[test]
    fn prices_and_shares_are_told_from_sums() {
        for (name, alone, of_many) in [
            ("Prix unitaire", true, false),
            ("PU HT", true, false),
            ("P.U. H.T.", true, false),
            ("unit_price", true, false),
            ("UnitPrice", true, false),
            ("Hourly rate", true, false),
            ("TVA %", true, false),
            ("Taux de TVA", true, false),
            ("TJM", true, false),
            ("Prix", false, true),
            ("Prix HT (€)", false, true),
            ("price", false, true),
            ("Montant HT", false, false),
            ("Prix total", false, false),
            ("Total", false, false),
            ("HT", false, false),
        ] {
            assert_eq!(
                (is_price(name), is_price_of_many(name)),
                (alone, of_many),
                "{name}"
            );
        }
    }

    #[test]
    fn a_path_says_what_its_table_holds() {
        for (path, expected) in [
            ("paiements.csv", (true, false)),
            ("compta/Encaissements 2026.csv", (true, false)),
            ("payments/2026-10.csv", (true, false)),
            ("fandoavana.csv", (true, false)),
            ("paiements-factures.csv", (true, true)),
            ("payments_due.csv", (false, false)),
            ("paiements en attente.csv", (false, false)),
            ("factures.csv", (false, true)),
            ("a.csv", (false, false)),
        ] {
            assert_eq!(path_says(path), expected, "{path}");
        }
    }

    #[test]
    fn rows_of_totals_say_so() {
        for (cell, expected) in [
            ("TOTAL", true),
            ("Total général :", true),
            ("Sous-total HT", true),
            ("Grand total", true),
            ("Fitambarany", true),
            ("Totaux", true),
            ("Total Energies", false),
            ("General", false),
            ("Riake", false),
            ("", false),
            ("120", false),
        ] {
            assert_eq!(says_sum(cell), expected, "{cell}");
        }
    }

    #[test]
    fn a_name_says_its_currency() {
        for (name, expected) in [
            ("Amount (EUR)", Some("EUR")),
            ("amount_eur", Some("EUR")),
            ("Montant (Ar)", Some("MGA")),
            ("Prix €", Some("EUR")),
            ("Total USD", Some("USD")),
            ("heures (h)", None),
            ("TVA %", None),
            ("net", None),
        ] {
            assert_eq!(currency(name).as_deref(), expected, "{name}");
        }
    }
}

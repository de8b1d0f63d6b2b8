//! What a column is for, by its name in English, French or Malagasy. Data only.

use naos_reading::words::{fold, words};
use serde::Serialize;

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The number of an invoice.
    Number,
    /// When it was issued, or the work done.
    Date,
    /// Who is billed.
    Client,
    /// Who bills us.
    Supplier,
    /// Before tax.
    Net,
    /// Tax.
    Vat,
    /// With tax.
    Total,
    /// An amount without more words.
    Amount,
    /// The currency of the row.
    Currency,
    /// When it has to be paid.
    Due,
    /// When it was paid.
    Paid,
    /// Whether it was paid.
    Status,
    /// Who worked.
    Person,
    /// How long.
    Hours,
    /// For what.
    Project,
}

const NAMES: &[(Role, &[&str])] = &[
    (
        Role::Number,
        &[
            "numero",
            "n facture",
            "no facture",
            "facture",
            "numero de facture",
            "invoice",
            "invoice no",
            "invoice number",
            "invoice id",
            "number",
            "no",
            "reference",
            "ref",
            "piece",
            "laharana",
            "id",
            "nr",
        ],
    ),
    (
        Role::Date,
        &[
            "date",
            "date facture",
            "date de facture",
            "issue date",
            "invoice date",
            "issued",
            "issued on",
            "date d emission",
            "emise le",
            "daty",
            "day",
            "jour",
        ],
    ),
    (
        Role::Client,
        &[
            "client",
            "customer",
            "mpanjifa",
            "account",
            "debtor",
            "billed to",
            "company",
            "societe",
        ],
    ),
    (
        Role::Supplier,
        &["fournisseur", "supplier", "vendor", "creditor", "mpamatsy"],
    ),
    (
        Role::Net,
        &[
            "montant ht",
            "net",
            "ht",
            "net amount",
            "subtotal",
            "total ht",
            "amount net",
        ],
    ),
    (Role::Vat, &["tva", "vat", "tax", "taxes", "hetra"]),
    (
        Role::Total,
        &[
            "montant ttc",
            "total",
            "ttc",
            "gross",
            "total ttc",
            "gross amount",
            "grand total",
        ],
    ),
    (
        Role::Amount,
        &[
            "montant", "amount", "prix", "price", "somme", "value", "vola", "sum", "cost",
        ],
    ),
    (Role::Currency, &["devise", "currency", "monnaie"]),
    (
        Role::Due,
        &[
            "echeance",
            "due date",
            "due",
            "due on",
            "date d echeance",
            "date limite",
            "payable le",
        ],
    ),
    (
        Role::Paid,
        &[
            "payee le",
            "paye le",
            "paid on",
            "paid at",
            "payment date",
            "paid",
            "date de paiement",
            "reglee le",
            "regle le",
        ],
    ),
    (Role::Status, &["statut", "status", "etat", "state"]),
    (
        Role::Person,
        &[
            "personne",
            "person",
            "employee",
            "collaborateur",
            "user",
            "consultant",
            "olona",
        ],
    ),
    (
        Role::Hours,
        &[
            "heures",
            "hours",
            "duree",
            "duration",
            "ora",
            "temps",
            "time",
            "nb heures",
        ],
    ),
    (
        Role::Project,
        &["projet", "project", "tetikasa", "mission", "affaire"],
    ),
];

/// Words of a status that say that nothing is open any more.
pub const SETTLED: &[&str] = &[
    "paid",
    "payee",
    "paye",
    "reglee",
    "regle",
    "settled",
    "closed",
    "voaloa",
    "cancelled",
    "canceled",
    "annulee",
    "annule",
    "void",
    "credited",
    "avoir",
    "soldee",
];

/// What stands in a column for payments where nothing was paid.
pub const NOT_PAID: &[&str] = &[
    "", "-", "\u{2013}", "\u{2014}", "0", "no", "non", "tsia", "false", "faux", "n/a", "unpaid",
    "impayee", "impaye", "open",
];

/// Words of a column's name that say that it holds money.
const MONEY: &[&str] = &[
    "montant",
    "montants",
    "amount",
    "amounts",
    "prix",
    "price",
    "prices",
    "cout",
    "couts",
    "cost",
    "costs",
    "somme",
    "solde",
    "balance",
    "budget",
    "tarif",
    "tarifs",
    "frais",
    "fee",
    "fees",
    "honoraires",
    "salaire",
    "salaires",
    "salary",
    "wage",
    "wages",
    "revenue",
    "revenues",
    "revenu",
    "revenus",
    "income",
    "depense",
    "depenses",
    "expense",
    "expenses",
    "recette",
    "recettes",
    "debit",
    "credit",
    "ht",
    "ttc",
    "tva",
    "vat",
    "tax",
    "taxes",
    "net",
    "gross",
    "eur",
    "euro",
    "euros",
    "usd",
    "dollar",
    "dollars",
    "gbp",
    "chf",
    "mga",
    "ar",
    "ariary",
    "xof",
    "vola",
    "vidiny",
];
/// Words that say that it doesn't: counts, rates and measures.
const NO_MONEY: &[&str] = &[
    "nombre", "number", "count", "qty", "quantite", "quantity", "taux", "rate", "pct", "percent",
    "heures", "hours", "jours", "days", "kg", "poids", "weight", "isa", "ora",
];

/// Whether a column of this name holds money, as far as the name says.
#[must_use]
pub fn names_money(name: &str) -> bool {
    let words = words(name);
    let has = |list: &[&str]| {
        words
            .iter()
            .any(|word| list.contains(&word.folded.as_str()))
    };
    !has(NO_MONEY) && !name.contains('%') && (has(MONEY) || name.contains(['€', '$', '£']))
}

/// The role of a column of this name.
#[must_use]
pub fn of(name: &str) -> Option<Role> {
    let name = fold(name);
    let folded: Vec<String> = words(&name).into_iter().map(|word| word.folded).collect();
    let folded = folded.join(" ");
    NAMES
        .iter()
        .find(|(_, names)| names.contains(&folded.as_str()))
        .map(|&(role, _)| role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_known_by_name() {
        for (name, expected) in [
            ("Montant (Ar)", true),
            ("prix_unitaire", true),
            ("€", true),
            ("Unit cost", true),
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
    fn names_in_two_languages_have_one_role() {
        for (name, expected) in [
            ("N° facture", Some(Role::Number)),
            ("invoice_no", Some(Role::Number)),
            ("Montant HT", Some(Role::Net)),
            ("Échéance", Some(Role::Due)),
            ("paid_on", Some(Role::Paid)),
            ("Payée le", Some(Role::Paid)),
            ("Objet", None),
            ("", None),
        ] {
            assert_eq!(of(name), expected, "{name}");
        }
    }
}

//! The words of columns' names in English, French and Malagasy: lower case, without accents. Data
//! only.

use crate::roles::Role;

/// Names without their small words and currencies, the best first.
pub const NAMES: &[(Role, &[&str])] = &[
    (
        Role::Number,
        &[
            "numero facture",
            "n facture",
            "no facture",
            "num facture",
            "invoice no",
            "invoice number",
            "invoice id",
            "invoice",
            "facture",
            "laharan faktiora",
            "faktiora",
            "numero",
            "number",
            "no",
            "num",
            "nr",
            "n",
            "laharana",
            "piece",
            "reference",
            "ref",
            "id",
        ],
    ),
    (
        Role::Date,
        &[
            "date facture",
            "invoice date",
            "issue date",
            "date emission",
            "issued on",
            "issued",
            "emise",
            "date piece",
            "date",
            "daty",
            "day",
            "jour",
        ],
    ),
    (
        Role::Client,
        &[
            "client",
            "clients",
            "customer",
            "customers",
            "mpanjifa",
            "debtor",
            "billed to",
            "company",
            "societe",
            "account",
        ],
    ),
    (
        Role::Supplier,
        &[
            "fournisseur",
            "fournisseurs",
            "supplier",
            "vendor",
            "creditor",
            "mpamatsy",
        ],
    ),
    (
        Role::Net,
        &[
            "montant ht",
            "total ht",
            "net amount",
            "amount net",
            "net",
            "ht",
            "subtotal",
        ],
    ),
    (
        Role::Vat,
        &["tva", "vat", "montant tva", "tax", "taxes", "hetra"],
    ),
    (
        Role::Total,
        &[
            "montant ttc",
            "total ttc",
            "ttc",
            "gross amount",
            "gross",
            "grand total",
            "total",
        ],
    ),
    (
        Role::Amount,
        &[
            "montant", "amount", "somme", "sum", "vola", "value", "vidiny", "prix", "price", "cost",
        ],
    ),
    (
        Role::Currency,
        &["devise", "currency", "monnaie", "ccy", "cur"],
    ),
    (
        Role::Due,
        &[
            "date echeance",
            "echeance",
            "due date",
            "due on",
            "due",
            "date limite",
            "payable",
        ],
    ),
    (
        Role::Paid,
        &[
            "payee",
            "paye",
            "payees",
            "payes",
            "paid on",
            "paid at",
            "paid",
            "reglee",
            "regle",
            "acquittee",
            "acquitte",
            "soldee",
            "encaissee",
            "encaisse",
            "voaloa",
            "efa voaloa",
            "naloa",
            "settled",
            "cleared",
            "date paiement",
            "payment date",
            "date reglement",
            "date encaissement",
            "daty nandoavana",
            "daty fandoavana",
        ],
    ),
    (
        Role::Status,
        &["statut", "status", "etat", "state", "sata", "situation"],
    ),
    (
        Role::Person,
        &[
            "personne",
            "person",
            "employee",
            "employe",
            "salarie",
            "collaborateur",
            "user",
            "consultant",
            "intervenant",
            "ressource",
            "resource",
            "worker",
            "who",
            "qui",
            "nom",
            "name",
            "olona",
            "mpiasa",
            "anarana",
            "iza",
        ],
    ),
    (
        Role::Hours,
        &[
            "heures",
            "hours",
            "nb heures",
            "nombre heures",
            "duree",
            "duration",
            "duree h",
            "hrs",
            "ora",
            "temps",
            "temps passe",
            "time",
            "time spent",
            "fotoana",
        ],
    ),
    (
        Role::Project,
        &["projet", "project", "tetikasa", "mission", "affaire"],
    ),
];

/// Words that add nothing to a name.
pub const SMALL: &[&str] = &[
    "de", "du", "des", "d", "la", "le", "les", "l", "of", "the", "ny", "n", "in", "en", "s", "amin",
];

/// Words of a name that speaks of how or when is paid in general, and not of one payment.
pub const TERMS: &[&str] = &[
    "mode",
    "moyen",
    "methode",
    "method",
    "type",
    "terms",
    "condition",
    "conditions",
    "delai",
    "delais",
    "iban",
    "banque",
    "bank",
    "nombre",
    "nb",
    "jours",
    "days",
    "compte",
    "fomba",
];

/// Of a column that says how far something is.
pub const STATUS: &[&str] = &["statut", "status", "etat", "state", "sata", "situation"];

/// What is still to be paid.
pub const OPEN: &[&str] = &[
    "reste",
    "restant",
    "restante",
    "restants",
    "solde",
    "balance",
    "outstanding",
    "remaining",
    "unpaid",
    "impaye",
    "impayes",
    "impayee",
    "left",
    "sisa",
    "ambiny",
];

/// When something has to be paid.
pub const DUE: &[&str] = &[
    "due",
    "echeance",
    "echeances",
    "exigible",
    "exigibilite",
    "payable",
    "limite",
    "deadline",
    "farany",
    "potoana",
];

/// A day, or what stands in front of one.
pub const DATED: &[&str] = &["date", "daty", "le", "on", "at", "jour", "day"];

/// That something is paid.
pub const PAID: &[&str] = &[
    "paid",
    "payee",
    "payees",
    "paye",
    "payes",
    "reglee",
    "reglees",
    "regle",
    "regles",
    "acquittee",
    "acquittees",
    "acquitte",
    "acquittes",
    "soldee",
    "soldees",
    "encaissee",
    "encaisse",
    "encaissees",
    "encaisses",
    "percu",
    "percue",
    "settled",
    "voaloa",
    "naloa",
    "nandoavana",
];

/// A payment.
pub const PAYMENT: &[&str] = &[
    "payment",
    "payments",
    "paiement",
    "paiements",
    "reglement",
    "reglements",
    "encaissement",
    "encaissements",
    "fandoavana",
    "fandoavam",
    "acquittement",
    "versement",
    "versements",
    "verse",
    "versee",
    "verses",
];

/// That something hasn't happened yet.
pub const PLANNED: &[&str] = &[
    "prevue",
    "prevu",
    "previsionnelle",
    "previsionnel",
    "attendue",
    "attendu",
    "expected",
    "planned",
    "scheduled",
    "promised",
    "estimated",
];
/// An invoice.
pub const INVOICE: &[&str] = &[
    "facture", "factures", "invoice", "invoices", "faktiora", "bill", "piece", "document", "doc",
];

/// A number or a code.
pub const NUMBERING: &[&str] = &[
    "numero",
    "num",
    "n",
    "no",
    "nr",
    "number",
    "id",
    "ref",
    "reference",
    "laharana",
    "laharan",
    "code",
];

/// That something is issued.
pub const ISSUED: &[&str] = &[
    "emission",
    "issue",
    "issued",
    "emise",
    "emis",
    "creation",
    "created",
    "comptable",
    "ecriture",
    "operation",
    "nanaovana",
    "on",
    "facturation",
];

/// Who is billed.
pub const CLIENT: &[&str] = &[
    "client",
    "clients",
    "customer",
    "customers",
    "mpanjifa",
    "debtor",
    "debiteur",
    "societe",
    "company",
    "raison",
];

/// Who bills.
pub const SUPPLIER: &[&str] = &[
    "fournisseur",
    "fournisseurs",
    "supplier",
    "suppliers",
    "vendor",
    "vendors",
    "creancier",
    "prestataire",
    "mpamatsy",
];

/// A name.
pub const NAME: &[&str] = &[
    "nom", "name", "raison", "sociale", "anarana", "anaran", "facture",
];

/// Time.
pub const HOURS: &[&str] = &["heures", "hours", "ora", "duree", "duration"];

/// Time that was worked.
pub const WORKED: &[&str] = &[
    "nombre",
    "nb",
    "number",
    "travaillees",
    "worked",
    "total",
    "passees",
    "spent",
    "heures",
    "work",
    "hours",
    "ora",
    "duree",
    "duration",
    "travail",
    "isa",
    "isan",
];

/// With tax.
pub const GROSS: &[&str] = &[
    "ttc",
    "gross",
    "incl",
    "including",
    "inclusive",
    "included",
    "compris",
    "comprises",
];

/// Without tax.
pub const NET: &[&str] = &[
    "ht",
    "htva",
    "net",
    "nets",
    "subtotal",
    "hors",
    "excl",
    "excluding",
    "exclusive",
    "excluded",
    "before",
    "ex",
    "tsy",
];

/// Tax.
pub const TAX: &[&str] = &["tva", "vat", "tax", "taxes", "hetra", "gst"];

/// A total.
pub const TOTAL: &[&str] = &[
    "total",
    "totaux",
    "totaly",
    "totaliny",
    "tontaliny",
    "fitambarany",
    "fitambaran",
    "grand",
    "general",
    "overall",
];

/// An amount.
pub const AMOUNT: &[&str] = &[
    "montant",
    "montants",
    "amount",
    "amounts",
    "prix",
    "price",
    "vidiny",
    "vidin",
    "somme",
    "vola",
    "volany",
    "sum",
    "cout",
    "cost",
    "valeur",
    "value",
    "sandany",
    "facturee",
    "facturees",
    "billed",
    "invoiced",
    "charged",
    "honoraires",
    "fee",
    "fees",
];

/// The price of one of many, or of an hour or a day: no sum of these means anything.
pub const UNIT: &[&str] = &[
    "unitaire",
    "unitaires",
    "unit",
    "unite",
    "pu",
    "puht",
    "puttc",
    "each",
    "isaky",
    "tarif",
    "tarifs",
    "horaire",
    "hourly",
    "tjm",
    "thm",
    "journalier",
    "daily",
];

/// A share of something else: no sum of these means anything either.
pub const RATE: &[&str] = &[
    "taux",
    "rate",
    "rates",
    "pct",
    "percent",
    "pourcentage",
    "tahan",
];

/// How many of something there are.
pub const QUANTITY: &[&str] = &[
    "qty",
    "qte",
    "qtes",
    "quantite",
    "quantites",
    "quantity",
    "quantities",
    "isany",
    "habetsahana",
    "fatrany",
];

/// What is paid for one of them, where it isn't said for how many.
pub const PRICE: &[&str] = &[
    "prix", "price", "prices", "vidiny", "vidin", "cout", "cost", "ht", "htva", "ttc", "net",
    "gross", "vente", "sale",
];

/// Items of an invoice.
pub const LINE: &[&str] = &["ligne", "lignes", "line", "lines", "item", "article"];

/// Tables of payments, by the names of their files and columns.
pub const RECEIPTS: &[&str] = &[
    "paiement",
    "paiements",
    "payment",
    "payments",
    "reglement",
    "reglements",
    "encaissement",
    "encaissements",
    "versement",
    "versements",
    "receipts",
    "fandoavana",
    "fandoavambola",
];

/// That a table of payments is one of those that are still to come.
pub const AWAITED: &[&str] = &[
    "due",
    "attente",
    "retard",
    "late",
    "overdue",
    "pending",
    "venir",
    "impayes",
    "unpaid",
    "outstanding",
    "schedule",
    "echeancier",
];

/// How a payment is made.
pub const MEANS: &[&str] = &[
    "mode", "moyen", "methode", "method", "means", "fomba", "via",
];

/// Words of a column's name that say that it holds money.
pub const MONEY: &[&str] = &[
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
    "budget",
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
pub const NO_MONEY: &[&str] = &[
    "nombre",
    "number",
    "count",
    "qty",
    "qte",
    "qtes",
    "quantite",
    "quantites",
    "quantity",
    "taux",
    "rate",
    "rates",
    "pct",
    "percent",
    "pourcentage",
    "heures",
    "hours",
    "jours",
    "days",
    "kg",
    "poids",
    "weight",
    "isa",
    "isany",
    "ora",
];

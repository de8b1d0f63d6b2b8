//! The words by which a day is moved, given up or over: data, folded as in [`crate::cues`].

/// What moves a day.
#[rustfmt::skip]
pub const MOVES: &[&str] = &[
    "moved", "postponed", "pushed", "rescheduled", "shifted", "delayed", "extended", "deferred",
    "move", "postpone", "push", "reschedule", "shift", "delay", "extend", "moving", "pushing",
    "put back", "put off", "brought forward", "changed", "slipped", "slips",
    "repousse", "repoussee", "repousses", "repoussees", "repoussons", "reporte", "reportee",
    "reportes", "reportees", "reportons", "decale", "decalee", "decales", "decalees", "decalons",
    "deplace", "deplacee", "deplaces", "deplacees", "prolonge", "prolongee", "prolonges",
    "prolongees", "avance au", "avancee au", "avances au", "avancees au", "avance du", "avancee du",
    "passe du", "passe au", "decaler", "reporter", "repousser", "glisse", "change", "changee",
    "differe", "differee", "remis au", "remise au",
    "nafindra", "hafindra", "afindra", "afindrany", "nahemotra", "hahemotra", "ahemotra", "naroso",
    "haroso", "aroso", "ovaina", "hovaina", "novaina", "hafindrantsika", "afindrantsika",
    "nohalavaina", "nosoloina", "niova", "nihemotra",
    "moves", "shifts", "pushes", "postpones", "extends", "shifting", "passent du", "passee du",
    "passees du", "passes du", "passera du", "decalage",
];

/// What stands before the new day.
#[rustfmt::skip]
pub const TO: &[&str] = &[
    "to", "until", "till", "by", "for",
    "au", "a", "pour", "jusqu", "jusque",
    "ho", "hatramin", "lasa",
];

/// What stands before the old day.
pub const FROM: &[&str] = &["from", "of", "du", "de", "tamin", "avy", "niala"];

/// What gives up the day that follows it within so many words.
#[rustfmt::skip]
pub const ABANDONED: &[(&str, usize)] = &[
    ("instead of", 3), ("rather than", 3), ("in place of", 3), ("and not", 3), ("not on", 1),
    ("not", 0), ("no longer", 0), ("merci pour", 0), ("thanks for", 0), ("due to", 1),
    ("not the", 0), ("no longer on", 1), ("no longer due", 3), ("was due", 4),
    ("were due", 4), ("had been due", 4), ("should have been", 5), ("was supposed to", 6),
    ("was meant to", 6), ("was to be", 5), ("was scheduled for", 3), ("was planned for", 3),
    ("originally", 5), ("initially", 5), ("formerly", 4), ("previously", 4), ("old date", 3),
    ("old deadline", 4), ("previous deadline", 4), ("first deadline", 4), ("not before", 4),
    ("no earlier than", 3), ("not earlier than", 3), ("no sooner than", 3),
    ("au lieu du", 2), ("au lieu de", 3), ("au lieu d", 3), ("plutot que", 3), ("plutot qu", 3),
    ("et non", 3), ("et pas", 3), ("non plus", 3), ("est plus le", 0), ("etait du*", 4),
    ("etaient du*", 4), ("etait prevu*", 4), ("etaient prevu*", 4), ("etait attendu*", 4),
    ("etaient attendu*", 4), ("etait fixe*", 4), ("etait le", 1), ("devait", 6), ("devaient", 6),
    ("aurait du", 6), ("auraient du", 6), ("initialement", 5), ("au depart", 4),
    ("anciennement", 4),
    ("ancienne date", 4), ("ancienne echeance", 4), ("pas avant", 4), ("aucun cas avant", 4),
    ("fa tsy", 3), ("tsy amin ny", 1), ("solon ny", 3), ("tany am boalohany", 5),
    ("teo aloha", 4), ("tsy alohan ny", 3), ("tokony ho vita tamin", 3), ("tamin", 1),
];

/// What says that there is no deadline: in its own clause.
#[rustfmt::skip]
pub const NO_DEADLINE: &[&str] = &[
    "no deadline", "no due date", "no fixed date", "without a deadline", "without deadline",
    "no rush", "no hurry", "not urgent", "isn t urgent", "not due", "isn t due", "never expires",
    "not expire", "doesn t expire", "no expiry", "called off", "is off", "no longer needed",
    "no longer required", "been lifted", "is lifted", "was met", "no need to", "not have to",
    "don t have to", "doesn t have to", "ignore the deadline", "disregard the deadline",
    "no longer applies", "no longer due",
    "pas de date limite", "pas de delai", "pas d echeance", "plus d echeance", "plus de delai",
    "sans echeance", "sans date limite", "sans delai fixe", "aucune echeance", "aucune date limite",
    "aucun delai", "rien ne presse", "pas urgent", "pas presse", "n expire pas", "n expirent pas",
    "est pas du", "est pas due", "est abandonne*", "sont abandonne*", "ete abandonne*",
    "est levee", "ete levee", "ignorez l echeance", "ignorez la date", "ignorer l echeance",
    "plus besoin", "pas besoin de", "pas oblige", "pas obligee", "pas obliges", "pas obligees",
    "ete respectee", "plus necessaire", "plus d actualite", "est caduc", "est caduque",
    "plus a l ordre du jour",
    "tsy misy fe potoana", "tsy misy daty farany", "tsy misy fetr andro", "tsy maika",
    "tsy voatery", "tsy ilaina", "tsy hatao intsony", "tsy misy intsony", "tsy tapitra",
];

/// A day from which on something may be done.
pub const EARLIEST: &[&str] = &["at the earliest", "au plus tot"];

/// What was called off.
#[rustfmt::skip]
pub const CALLED_OFF: &[&str] = &[
    "annule", "annulee", "annules", "annulees", "cancelled", "canceled", "nofoanana", "nafoana",
    "voafoana", "foanana", "supprime", "supprimee", "dropped",
];

/// Words with which another clause begins.
#[rustfmt::skip]
pub const CLAUSES: &[&str] = &[
    "mais", "cependant", "toutefois", "neanmoins", "but", "however", "yet", "kanefa", "saingy",
    "nefa",
];

/// What was done, behind a word of [`HELPERS`].
#[rustfmt::skip]
pub const PARTICIPLES: &[&str] = &[
    "delivered", "sent", "received", "paid", "held", "signed", "published", "finished", "completed",
    "submitted", "shipped", "met", "started", "opened", "closed", "got", "saw",
    "livre", "livree", "livres", "livrees", "envoye", "envoyee", "envoyes", "envoyees", "recu",
    "recue", "recus", "recues", "paye", "payee", "payes", "payees", "regle", "reglee", "regles",
    "reglees", "signe", "signee", "signes", "signees", "publie", "publiee", "termine", "terminee",
    "rendu", "rendue", "remis", "remise", "depose", "deposee", "eu", "vu", "rencontre", "parle",
];

/// What makes it the past.
#[rustfmt::skip]
pub const HELPERS: &[&str] = &[
    "was", "were", "been", "has", "have", "had", "i", "we", "they", "he", "she", "already",
    "a", "ont", "avons", "ai", "avez", "ete", "etait", "etaient", "deja",
];

/// What is over, whatever stands before it.
#[rustfmt::skip]
pub const DONE: &[&str] = &[
    "took place", "eu lieu", "s est tenu*", "s est deroule*", "efa vita", "efa voaloa",
    "efa nalefa",
    "efa voaray", "efa natao", "expired on", "a expire", "ont expire", "has expired", "date du",
    "datee du", "dated",
];

/// What is moved without a deadline.
#[rustfmt::skip]
pub const MEETINGS: &[&str] = &[
    "meeting", "meetings", "call", "appointment", "lunch", "reunion", "reunions", "rendez vous",
    "rdv", "visio", "dejeuner", "fivoriana", "fihaonana", "fotoana",
];

/// What stands before [`CALLED_OFF`] where it is said of the whole sentence.
#[rustfmt::skip]
pub const IS: &[&str] = &[
    "est", "sont", "ete", "etait", "etaient", "is", "are", "been", "was", "were", "now", "dia",
];

/// What forbids something, up to a day that follows [`BEFORE`].
#[rustfmt::skip]
pub const NOT: &[&str] = &[
    "ne pas", "ne jamais", "ne rien", "do not", "don t", "must not", "should not", "never",
    "will not", "won t", "shall not",
    "aza", "tsy azo",
];
/// See [`NOT`].
pub const BEFORE: &[&str] = &["avant", "before", "alohan", "mialoha"];
/// What turns it round: `do not forget`.
#[rustfmt::skip]
pub const FORGET: &[&str] = &[
    "oublier", "oublie", "hesiter", "tarder", "manquer", "forget", "hesitate", "fail", "miss",
    "hadino", "hadinoina", "adino",
];

/// Every phrase of these lists.
#[cfg(test)]
pub fn all() -> impl Iterator<Item = &'static str> {
    let lists = [
        MOVES,
        TO,
        FROM,
        NO_DEADLINE,
        EARLIEST,
        CALLED_OFF,
        CLAUSES,
        PARTICIPLES,
        HELPERS,
        DONE,
        MEETINGS,
        IS,
        NOT,
        BEFORE,
        FORGET,
    ];
    let abandoned = ABANDONED.iter().map(|&(phrase, _)| phrase);
    lists.into_iter().flatten().copied().chain(abandoned)
}

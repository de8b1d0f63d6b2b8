//! Tables of payments: what came in, and never what was billed. Where a payment names an invoice of
//! another table it is set against it. Start at [`settle`].

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use naos_reading::dates::Date;
use naos_reading::decimal::{self, Decimal};
use naos_reading::table::Table;
use naos_reading::words::fold;
use serde::Serialize;

use crate::columns::{CITES_MAX, Record, Sheet, column_key};
use crate::days;
use crate::groups::{self, ITEMS_MAX, Kind, party};
use crate::names;
use crate::payments;
use crate::roles::Role;

/// What a table is about, and whether it may be one of payments if another one knows the invoices
/// that it names.
#[must_use]
pub fn kind_of(path: &str, table: &Table, roles: &[Option<Role>], known: &[Role]) -> (Kind, bool) {
    let kind = groups::kind_of(known);
    let has = |role: Role| known.contains(&role);
    let any = |list: &[Role]| list.iter().any(|role| has(*role));
    let money = any(&[Role::Amount, Role::Received, Role::Total]);
    // Nobody writes down tax, or what is due, with a payment.
    let billed = any(&[Role::Net, Role::Vat, Role::Due, Role::Open]);
    if !money || billed || kind == Kind::Timesheet {
        return (kind, false);
    }
    let (payments, invoices) = names::path_says(path);
    let means = table.header.iter().any(|name| names::is_means(name));
    let is_paid = |at: &usize| roles[*at] == Some(Role::Paid);
    let paid = (0..roles.len()).find(is_paid);
    let all_paid = paid.is_some_and(|at| {
        let mut cells = table.rows.iter().map(|row| row.cells[at].as_str());
        cells.all(|cell| days::day(cell, false).is_some() || days::counted(cell).is_some())
    });
    let dated = all_paid || has(Role::Date);
    let named = payments && !invoices && (paid.is_none() || all_paid);
    let received = has(Role::Received) && !any(&[Role::Amount, Role::Total, Role::Status]);
    let by_means = means && dated && !any(&[Role::Client, Role::Status, Role::Total]);
    if named || received || by_means {
        return (Kind::Payments, false);
    }
    (kind, !has(Role::Status) && (all_paid || means || payments))
}

/// What came of setting the payments against the invoices.
#[derive(Debug, Default, Serialize)]
pub struct Settled {
    /// How many invoices of each party are paid, paid in part, overpaid, and without a payment.
    counts: BTreeMap<String, [usize; 4]>,
    /// Those that are paid in part or overpaid.
    items: Vec<Item>,
    /// Payments that were set against none.
    apart: Vec<Apart>,
    /// How many more of either there are.
    #[serde(skip_serializing_if = "groups::is_none")]
    more: usize,
    /// The head of each table of payments that names invoices.
    cites: Vec<String>,
}

/// An invoice that isn't paid as it was billed.
#[derive(Debug, Serialize)]
struct Item {
    number: String,
    party: String,
    over: bool,
    billed: String,
    received: String,
    /// What is left, or too much.
    rest: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    currency: String,
    cites: Vec<String>,
}

/// A payment that no invoice is known of.
#[derive(Debug, Serialize)]
struct Apart {
    number: String,
    party: String,
    amount: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    currency: String,
    /// `unknown`, `several` rows under its number, or another `currency`.
    why: &'static str,
    cite: String,
}

/// The place of an invoice: its sheet and its record.
type Place = (usize, usize);

/// Takes the payments out of what is billed and sets them against the invoices that they name.
/// What is told of that stands in the notes.
pub fn settle(sheets: &mut [&mut Sheet], today: Date) -> (Option<Settled>, Vec<String>) {
    let billed = |sheet: &Sheet| matches!(sheet.kind, Kind::Invoices | Kind::Purchases);
    for at in 0..sheets.len() {
        if sheets[at].may_be_payments && is_named_elsewhere(sheets, at) {
            sheets[at].kind = Kind::Payments;
        }
    }
    for sheet in sheets.iter_mut().filter(|it| it.kind == Kind::Payments) {
        received_only(sheet);
    }
    let mut places: BTreeMap<(Kind, String), Vec<Place>> = BTreeMap::new();
    for (sheet, it) in sheets.iter().enumerate().filter(|(_, it)| billed(it)) {
        for (record, row) in it.records.iter().enumerate() {
            let number = plain(row.text(Role::Number));
            if !number.is_empty() && !row.cancelled {
                places
                    .entry((it.kind, number))
                    .or_default()
                    .push((sheet, record));
            }
        }
    }
    if places.is_empty() {
        return (None, Vec::new());
    }
    let mut settled = Settled::default();
    let mut paid: BTreeMap<Place, Vec<Place>> = BTreeMap::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut notes = Vec::new();
    for sheet in 0..sheets.len() {
        if sheets[sheet].kind != Kind::Payments {
            continue;
        }
        let (mut of, mut unnamed) = (0, 0);
        for record in 0..sheets[sheet].records.len() {
            let row = &sheets[sheet].records[record];
            let number = plain(row.text(Role::Number));
            let again = !seen.insert(format!("{}\u{1e}{}", row.file, row.key));
            if number.is_empty() || row.cancelled || again || received(row).is_none() {
                continue;
            }
            let kind = match row.has(Role::Supplier) {
                true => Kind::Purchases,
                false => Kind::Invoices,
            };
            let known = places.get(&(kind, number)).map_or(&[][..], Vec::as_slice);
            match invoice(sheets, known, row) {
                Ok(place) => {
                    of += 1;
                    let invoice = &sheets[place.0].records[place.1];
                    let currency = invoice.text(Role::Currency).to_owned();
                    let party = party(invoice).to_owned();
                    paid.entry(place).or_default().push((sheet, record));
                    let row = &mut sheets[sheet].records[record];
                    if groups::party(row).is_empty() {
                        row.set_text(Role::Client, &party);
                    }
                    if row.text(Role::Currency).is_empty() && !currency.is_empty() {
                        row.set_text(Role::Currency, &currency);
                        unnamed += 1;
                    }
                }
                Err(why) => settled.apart.push(apart(row, why)),
            }
        }
        let path = sheets[sheet].records.first().map(|row| row.file.clone());
        if let Some(path) = path.filter(|_| of > 0) {
            if unnamed > 0 {
                let why = "payments name no currency: taken as their invoices'";
                notes.push(format!("{path}: {unnamed} {why}"));
            }
            let line = sheets[sheet].report.header_line();
            settled.cites.push(format!("{path}:{line}"));
        }
    }
    if settled.cites.is_empty() {
        settled.cut();
        let any = !settled.apart.is_empty();
        return (any.then_some(settled), notes);
    }
    for (place, from) in &paid {
        set(sheets, *place, from, &mut settled, &mut notes);
    }
    let known: BTreeSet<usize> = paid.keys().map(|(sheet, _)| *sheet).collect();
    for &sheet in &known {
        tell(
            sheets[sheet],
            &places,
            (sheet, &paid),
            today,
            &mut settled,
            &mut notes,
        );
    }
    settled.cut();
    (Some(settled), notes)
}

impl Settled {
    fn cut(&mut self) {
        let more = |count: usize| count.saturating_sub(ITEMS_MAX);
        self.more = more(self.items.len()) + more(self.apart.len());
        self.items.truncate(ITEMS_MAX);
        self.apart.truncate(ITEMS_MAX);
    }
}

/// The letters and digits of a number: `F-12` and `f 12` are one.
fn plain(number: &str) -> String {
    let folded = fold(number);
    folded.chars().filter(|it| it.is_alphanumeric()).collect()
}

/// Whether most of the invoices that a table names stand in other ones, which are no payments.
fn is_named_elsewhere(sheets: &[&mut Sheet], at: usize) -> bool {
    let numbers = |sheet: &Sheet| -> BTreeSet<String> {
        let all = sheet
            .records
            .iter()
            .map(|row| plain(row.text(Role::Number)));
        all.filter(|number| !number.is_empty()).collect()
    };
    let others = sheets.iter().enumerate().filter(|(other, it)| {
        let billed = matches!(it.kind, Kind::Invoices | Kind::Purchases);
        *other != at && billed && !it.may_be_payments
    });
    let known: BTreeSet<String> = others.flat_map(|(_, it)| numbers(it)).collect();
    let own = numbers(sheets[at]);
    let found = own.iter().filter(|number| known.contains(*number)).count();
    found * 2 > own.len()
}

/// In a table of payments one column says how much came in, whatever it is called.
fn received_only(sheet: &mut Sheet) {
    let key = column_key("", Some(Role::Received));
    let roles = [Role::Received, Role::Amount, Role::Total];
    for row in &mut sheet.records {
        let columns = roles.map(|role| column_key("", Some(role)));
        let known = columns.iter().find(|it| row.money.contains(it));
        let Some(known) = known.or(row.money.first()).cloned() else {
            continue;
        };
        row.numbers.retain(|(name, _)| *name == known);
        for (name, _) in &mut row.numbers {
            name.clone_from(&key);
        }
        for name in &mut row.unread {
            if *name == known {
                name.clone_from(&key);
            }
        }
        row.money = Rc::from([key.clone()]);
        row.labels = Rc::default();
        row.units = Rc::default();
        (row.settled, row.remark, row.owed) = (None, None, None);
        if row.day(Role::Date).is_none() {
            row.take_day(Role::Paid, Role::Date);
        }
    }
}

fn received(row: &Record) -> Option<Decimal> {
    row.number(&column_key("", Some(Role::Received)))
}

/// The invoice that a payment is for.
fn invoice(sheets: &[&mut Sheet], known: &[Place], row: &Record) -> Result<Place, &'static str> {
    let at = |place: &Place| &sheets[place.0].records[place.1];
    let first = known.first().ok_or("unknown")?;
    // The same row in two exports is one invoice; its items are several.
    let same = |place: &&Place| payments::billed(at(place)) == payments::billed(at(first));
    if !known.iter().all(|place| same(&place)) {
        return Err("several");
    }
    let currencies = [at(first), row].map(|it| it.text(Role::Currency));
    let differs = !currencies.contains(&"") && currencies[0] != currencies[1];
    match differs {
        true => Err("currency"),
        false => Ok(*first),
    }
}

fn apart(row: &Record, why: &'static str) -> Apart {
    Apart {
        number: row.text(Role::Number).to_owned(),
        party: party(row).to_owned(),
        amount: received(row).map(|it| it.to_string()).unwrap_or_default(),
        currency: row.text(Role::Currency).to_owned(),
        why,
        cite: row.cite(),
    }
}

/// Sets payments against one invoice.
fn set(
    sheets: &mut [&mut Sheet],
    (sheet, record): Place,
    from: &[Place],
    settled: &mut Settled,
    notes: &mut Vec<String>,
) {
    let rows = || from.iter().map(|place| &sheets[place.0].records[place.1]);
    let Some(sum) = decimal::sum(rows().filter_map(received)) else {
        return;
    };
    let places: Vec<String> = rows().map(Record::cite).collect();
    let row = &sheets[sheet].records[record];
    let Some((_, billed)) = payments::billed(row) else {
        return;
    };
    let Some(rest) = billed.minus(sum) else {
        return;
    };
    let counts = settled.counts.entry(fold(party(row))).or_default();
    let state = match () {
        () if rest.is_zero() => 0,
        () if rest.is_negative() => 2,
        () => 1,
    };
    counts[state] += 1;
    if state > 0 {
        settled.items.push(Item {
            number: row.text(Role::Number).to_owned(),
            party: party(row).to_owned(),
            over: state == 2,
            billed: billed.to_string(),
            received: sum.to_string(),
            rest: rest.magnitude().to_string(),
            currency: row.text(Role::Currency).to_owned(),
            cites: std::iter::once(row.cite())
                .chain(places.iter().cloned())
                .take(CITES_MAX)
                .collect(),
        });
    }
    let says = |role: Role| row.number(&column_key("", Some(role)));
    let open = says(Role::Open).and_then(|open| billed.minus(open));
    let own = says(Role::Received).filter(|it| !it.is_zero()).or(open);
    if let Some(own) = own.filter(|own| *own != sum) {
        let (cite, places) = (row.cite(), places.join(", "));
        notes.push(format!(
            "{cite}: {own} paid, and its payments come to {sum}: {places}"
        ));
    }
    sheets[sheet].records[record].received_elsewhere = own.is_none().then_some(sum);
}

/// What the payments say of all invoices of a table in which some of them are known.
fn tell(
    sheet: &mut Sheet,
    places: &BTreeMap<(Kind, String), Vec<Place>>,
    (at, paid): (usize, &BTreeMap<Place, Vec<Place>>),
    today: Date,
    settled: &mut Settled,
    notes: &mut Vec<String>,
) {
    let untold = sheet.records.iter().all(|row| row.settled.is_none());
    for record in 0..sheet.records.len() {
        let number = plain(sheet.records[record].text(Role::Number));
        let first = places
            .get(&(sheet.kind, number))
            .and_then(|all| all.first());
        let mine = first == Some(&(at, record));
        let same = first.and_then(|place| paid.get(place)).is_some();
        let row = &mut sheet.records[record];
        if same || untold {
            row.owed = payments::owed(row);
            let (is_settled, remark) = payments::settled(row, today);
            (row.settled, row.remark) = (Some(is_settled), remark);
        }
        if mine && !same && row.settled == Some(false) {
            settled.counts.entry(fold(party(row))).or_default()[3] += 1;
        }
    }
    let file = sheet
        .records
        .first()
        .filter(|_| untold)
        .map(|row| &row.file);
    if let Some(file) = file {
        let heads = settled.cites.join(", ");
        notes.push(format!("{file}: what is paid is taken from {heads}"));
    }
}

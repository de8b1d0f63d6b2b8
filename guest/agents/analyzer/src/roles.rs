//! What a column is for: its name says it, and its cells decide where the name is unclear. Start at
//! [`assign`].

use naos_reading::decimal::Decimal;
use naos_reading::table::{Row, Table};
use serde::Serialize;

use crate::names::{self, Named};
use crate::numbers::Numbers;
use crate::{days, paid, unread};

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
    /// What one of many costs, or a share: never summed.
    Price,
    /// The currency of the row.
    Currency,
    /// When it has to be paid.
    Due,
    /// When it was paid.
    Paid,
    /// Whether it was paid.
    Status,
    /// How much of it was paid.
    Received,
    /// How much of it is still to be paid.
    Open,
    /// Who worked.
    Person,
    /// How long.
    Hours,
    /// For what.
    Project,
}

impl Role {
    /// Whether a column of this role holds money.
    #[must_use]
    pub fn is_money(self) -> bool {
        use Role::{Amount, Net, Open, Received, Total, Vat};
        matches!(self, Net | Vat | Total | Amount | Received | Open)
    }

    /// Whether a column of this role holds days.
    #[must_use]
    pub fn is_day(self) -> bool {
        matches!(self, Self::Date | Self::Due | Self::Paid)
    }

    /// Whether a table may have more than one such column: several may tell of payments, and of
    /// prices.
    fn repeats(self) -> bool {
        matches!(self, Self::Paid | Self::Status | Self::Price)
    }
}

/// What the cells of a column look like.
#[derive(Default)]
struct Cells {
    filled: usize,
    numbers: usize,
    /// Numbers other than 0 and 1.
    sums: usize,
    days: usize,
    /// Shares of a hundred.
    percents: usize,
    /// Cells that say whether something is paid: as words of payment, and as yes and no.
    told: usize,
    yes_no: usize,
}

impl Cells {
    fn of(table: &Table, at: usize, written: &Numbers) -> Self {
        let mut cells = Self::default();
        let dated = names::speaks_of_days(&table.header[at]);
        for row in &table.rows {
            let cell = row.cells[at].as_str();
            if cell.is_empty() || unread::says_none(cell) {
                continue;
            }
            cells.filled += 1;
            // A spreadsheet counts days, and an office writes down days that don't exist.
            if days::is_like_one(cell) || dated && days::counted(cell).is_some() {
                cells.days += 1;
                continue;
            }
            if paid::percent(cell).is_some() {
                cells.percents += 1;
                continue;
            }
            if written.holds_one(at, cell) {
                cells.numbers += 1;
                let one = |number: Decimal| number.is_zero() || number == Decimal::new(1, 0);
                let flag = written
                    .read(at, cell)
                    .is_some_and(|(number, _)| one(number));
                cells.sums += usize::from(!flag);
            }
            cells.days += usize::from(days::day(cell, false).is_some());
            match paid::says(cell) {
                Some(it) if it.plain => cells.yes_no += 1,
                Some(_) => cells.told += 1,
                None => {}
            }
        }
        cells
    }

    fn mostly(&self, count: usize) -> bool {
        count > 0 && count * 10 >= self.filled * MOSTLY_OF_TEN
    }
}

/// Of ten filled cells so many decide what a column is for, where its name leaves it open, and
/// where its name says nothing.
const MOSTLY_OF_TEN: usize = 5;
const ALMOST_ALL_OF_TEN: usize = 8;

/// The role of every column: of several for one role the one whose name says it best, the first of
/// these.
#[must_use]
pub fn assign(table: &Table, written: &Numbers) -> Vec<Option<Role>> {
    let mut named: Vec<Option<Named>> = (0..table.header.len())
        .map(|at| decided(table, at, written))
        .collect();
    prices(table, written, &mut named);
    // Where nothing is ever due, a balance is one of an account.
    let is = |role: Role| move |it: &Option<Named>| it.is_some_and(|it| it.role == role);
    if !named.iter().any(is(Role::Due)) {
        for it in named.iter_mut().filter(|it| is(Role::Open)(it)) {
            *it = None;
        }
    }
    let best = |role: Role| {
        let all = named.iter().enumerate();
        let all =
            all.filter_map(|(at, it)| it.filter(|it| it.role == role).map(|it| (it.rank, at)));
        all.min().map(|(_, at)| at)
    };
    let one = |(at, it): (usize, &Option<Named>)| {
        let role = (*it)?.role;
        (role.repeats() || best(role) == Some(at)).then_some(role)
    };
    named.iter().enumerate().map(one).collect()
}

/// Finds the columns of prices and shares.
fn prices(table: &Table, written: &Numbers, named: &mut [Option<Named>]) {
    let role = |it: &Option<Named>| it.map(|it| it.role);
    let many = table.header.iter().any(|name| names::is_quantity(name));
    let taken = |it: &Option<Named>| role(it).is_some_and(|role| !role.is_money());
    let at = |named: &[Option<Named>], wanted: Role| {
        named.iter().position(|it| role(it) == Some(wanted))
    };
    let rates = at(named, Role::Vat).filter(|&vat| {
        let beside = [Role::Net, Role::Total].map(|role| at(named, role));
        is_rate(table, vat, beside, written)
    });
    for (column, name) in table.header.iter().enumerate() {
        let tells = matches!(role(&named[column]), Some(Role::Received | Role::Open));
        let share = || !tells && are_shares(table, column);
        let price = names::is_price(name)
            || many && names::is_price_of_many(name)
            || rates == Some(column)
            || share();
        if price && !taken(&named[column]) {
            let (role, rank) = (Role::Price, names::RANK_OF_WORDS);
            named[column] = Some(Named { role, rank });
        }
    }
}

/// Whether most of what stands in a column are shares of a hundred.
fn are_shares(table: &Table, at: usize) -> bool {
    let cells = || table.rows.iter().map(|row| row.cells[at].as_str());
    let shares = cells().filter(|cell| cell.ends_with('%')).count();
    shares > 0 && shares * 10 >= cells().filter(|it| !it.is_empty()).count() * MOSTLY_OF_TEN
}

/// Rates of tax that are in use: each is a number that may stand without its sign.
const RATES_TENTHS: &[i128] = &[
    0, 21, 25, 50, 55, 60, 70, 77, 80, 81, 85, 90, 100, 120, 150, 160, 180, 190, 200, 210, 220,
    230, 240, 250,
];

/// Whether a column of taxes holds rates and no amounts: the amounts beside it say so where there
/// are some, else all of its numbers are rates in use, and the same for different amounts.
fn is_rate(table: &Table, vat: usize, beside: [Option<usize>; 2], written: &Numbers) -> bool {
    let read = |row: &Row, at: usize| Some(written.read(at, &row.cells[at])?.0);
    let rows = || table.rows.iter();
    let taxes: Vec<Decimal> = rows().filter_map(|row| read(row, vat)).collect();
    let known = |it: &Decimal| {
        let tenths = RATES_TENTHS.iter().map(|&tenths| Decimal::new(tenths, 1));
        tenths.into_iter().any(|rate| rate == *it)
    };
    if taxes.is_empty() || !taxes.iter().all(known) {
        return false;
    }
    if let [Some(net), Some(total)] = beside {
        let (mut added, mut multiplied) = (0, 0);
        for row in rows() {
            let all = || Some((read(row, net)?, read(row, vat)?, read(row, total)?));
            let Some((net, tax, total)) = all() else {
                continue;
            };
            let cents = Decimal::new(2, 2);
            let near = |one: Option<Decimal>| {
                let gap = one.and_then(|one| one.minus(total));
                gap.is_some_and(|gap| gap.magnitude() <= cents)
            };
            added += usize::from(near(net.plus(tax)));
            let hundred = Decimal::new(100, 0);
            let share = hundred.plus(tax).and_then(|part| part.product(net));
            multiplied += usize::from(near(share.and_then(|it| it.over(100))));
        }
        return multiplied > added;
    }
    let amounts = beside.into_iter().flatten().next();
    let amounts = amounts.map(|at| rows().filter_map(|row| read(row, at)).collect::<Vec<_>>());
    let differ = |all: Vec<Decimal>| all.iter().any(|it| *it != all[0]);
    !taxes[0].is_zero() && taxes.iter().all(|it| *it == taxes[0]) && amounts.is_some_and(differ)
}

/// What a column's name says, as far as its cells don't say otherwise.
fn decided(table: &Table, at: usize, written: &Numbers) -> Option<Named> {
    let named = names::of(&table.header[at]);
    let asks = |role: Role| {
        use Role::{Due, Open, Paid, Received, Status};
        matches!(role, Due | Paid | Status | Received | Open) || role.is_money()
    };
    if named.is_some_and(|it| !asks(it.role)) {
        return named;
    }
    let cells = Cells::of(table, at, written);
    let Some(named) = named else {
        // Words of payment speak for themselves, whatever stands above them.
        let speaks = cells.told > 0 && cells.told * 10 >= cells.filled * ALMOST_ALL_OF_TEN;
        return speaks.then_some(Named {
            role: Role::Status,
            rank: names::RANK_OF_CELLS,
        });
    };
    let tells = cells.mostly(cells.days + cells.told + cells.yes_no + cells.percents);
    let role = match named.role {
        Role::Paid if cells.filled == 0 => Role::Paid,
        Role::Paid if cells.mostly(cells.sums) => Role::Received,
        // One sum makes the noughts and ones beside it sums: nothing paid, or one.
        Role::Paid if cells.sums > 0 && cells.mostly(cells.numbers) => Role::Received,
        // "Payment" may be how, "paid" is whether: then what stands there says that it was.
        Role::Paid if tells || named.rank < names::RANK_OF_NOUNS => Role::Paid,
        // "Soldé" says yes or no, "solde" says how much.
        Role::Open if tells && cells.sums == 0 && cells.numbers < cells.filled => Role::Paid,
        Role::Received | Role::Open if cells.filled == 0 || cells.mostly(cells.numbers) => {
            named.role
        }
        Role::Received | Role::Open if tells => Role::Paid,
        Role::Due if cells.filled == 0 || cells.mostly(cells.days) => Role::Due,
        Role::Due if cells.mostly(cells.sums) => {
            let (role, rank) = (Role::Total, names::RANK_OF_WORDS);
            return Some(Named { role, rank });
        }
        Role::Due if named.rank < names::RANK_OF_WORDS => Role::Due,
        Role::Paid | Role::Received | Role::Open | Role::Due => return None,
        // A name that only speaks of money holds some.
        role if role.is_money() && named.rank >= names::RANK_OF_WORDS => {
            return Some(named).filter(|_| cells.filled == 0 || cells.mostly(cells.numbers));
        }
        role => role,
    };
    Some(Named { role, ..named })
}

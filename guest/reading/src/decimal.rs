//! Exact decimal numbers: a whole number of smallest parts. Never a float, so that a sum of
//! money is right to the last cent.

use std::fmt;

/// `units` / 10^`scale`, and a third of it for minutes: twenty of them are a third of an hour,
/// which no digits hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decimal {
    units: i128,
    scale: u32,
    thirds: bool,
}

/// Most digits behind the point that are kept.
pub const SCALE_MAX: u32 = 9;
/// Most digits in all.
const DIGITS_MAX: usize = 27;

/// Which sign parts the whole from the fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// 1,234.56
    Dot,
    /// 1.234,56
    Comma,
}

impl Point {
    fn sign(self) -> char {
        match self {
            Self::Dot => '.',
            Self::Comma => ',',
        }
    }
}

impl Decimal {
    /// A number of smallest parts.
    #[must_use]
    pub fn new(units: i128, scale: u32) -> Self {
        Self {
            units,
            scale,
            thirds: false,
        }
    }

    /// So many minutes in hours, exactly: three times twenty minutes are one hour.
    #[must_use]
    pub fn minutes(minutes: u32) -> Self {
        Self {
            units: i128::from(minutes) * 5,
            scale: 2,
            thirds: true,
        }
        .reduced()
    }

    fn reduced(self) -> Self {
        if !self.thirds || self.units % 3 != 0 {
            return self;
        }
        Self::new(self.units / 3, self.scale)
    }

    /// Nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.units == 0
    }

    /// Below nothing.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.units < 0
    }

    /// Digits behind the point.
    #[must_use]
    pub fn scale(self) -> u32 {
        self.scale
    }

    fn at_scale(self, scale: u32) -> Option<i128> {
        self.units
            .checked_mul(10_i128.checked_pow(scale.checked_sub(self.scale)?)?)
    }

    /// Both in the same parts; the third says which.
    fn aligned(self, other: Self) -> Option<(i128, i128, Self)> {
        let (scale, thirds) = (self.scale.max(other.scale), self.thirds || other.thirds);
        let part = Self {
            units: 0,
            scale,
            thirds,
        };
        let parts = |it: Self| {
            let factor = if thirds && !it.thirds { 3 } else { 1 };
            it.at_scale(scale)?.checked_mul(factor)
        };
        Some((parts(self)?, parts(other)?, part))
    }

    /// The sum; none where it has too many digits.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let (left, right, part) = self.aligned(other)?;
        let sum = Self {
            units: left.checked_add(right)?,
            ..part
        };
        Some(sum.reduced())
    }

    /// The difference; none where it has too many digits.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self {
            units: other.units.checked_neg()?,
            ..other
        })
    }

    /// So many times this number.
    #[must_use]
    pub fn times(self, factor: i128) -> Option<Self> {
        let product = Self {
            units: self.units.checked_mul(factor)?,
            ..self
        };
        Some(product.reduced())
    }

    /// One number times another; none where it has too many digits.
    #[must_use]
    pub fn product(self, other: Self) -> Option<Self> {
        if self.thirds || other.thirds {
            return None;
        }
        let units = self.units.checked_mul(other.units)?;
        Some(Self::new(units, self.scale + other.scale))
    }

    /// Without its sign.
    #[must_use]
    pub fn magnitude(self) -> Self {
        Self {
            units: self.units.saturating_abs(),
            ..self
        }
    }

    /// Divided by a count, rounded half away from zero, two digits finer (at most
    /// [`SCALE_MAX`]).
    #[must_use]
    pub fn over(self, count: usize) -> Option<Self> {
        let scale = (self.scale + 2).min(SCALE_MAX).max(self.scale);
        let units = self.at_scale(scale)?;
        let count = i128::try_from(count).ok().filter(|&count| count > 0)?;
        let count = if self.thirds { count * 3 } else { count };
        let half = count / 2 * units.signum();
        Some(Self::new(units.checked_add(half)? / count, scale).trimmed(self.scale))
    }

    /// Without zeros at the end, but with at least `scale` digits behind the point.
    #[must_use]
    pub fn trimmed(mut self, scale: u32) -> Self {
        while self.scale > scale && self.units % 10 == 0 {
            self.units /= 10;
            self.scale -= 1;
        }
        self
    }

    /// With exactly so many digits behind the point or more, never fewer than it has.
    #[must_use]
    pub fn widened(self, scale: u32) -> Self {
        let scale = scale.max(self.scale);
        self.at_scale(scale).map_or(self, |units| Self {
            units,
            scale,
            ..self
        })
    }

    /// Reads a cell, tolerating blanks between thousands, a currency before or behind it and
    /// brackets for a negative amount. Returns the currency too.
    #[must_use]
    pub fn parse(cell: &str, point: Point) -> Option<(Self, Option<String>)> {
        // Most cells of a table are words: they are told apart before anything is taken apart.
        if !cell.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let cell = cell.trim();
        let (cell, bracketed) = match cell.strip_prefix('(').and_then(|it| it.strip_suffix(')')) {
            Some(inside) => (inside.trim(), true),
            None => (cell, false),
        };
        let is_sign = |letter: char| matches!(letter, '-' | '+' | '−');
        let starts = |letter: char| letter.is_ascii_digit() || is_sign(letter);
        let first = cell.find(|letter| starts(letter) || letter == point.sign())?;
        let last = cell.rfind(|letter: char| letter.is_ascii_digit())?;
        if first > last {
            return None;
        }
        let (before, number, after) = (&cell[..first], &cell[first..=last], &cell[last + 1..]);
        let (before, after) = (before.trim(), after.trim());
        if !before.is_empty() && !after.is_empty() {
            return None;
        }
        let currency = currency(before).or_else(|| currency(after));
        if currency.is_none() && !(before.is_empty() && after.is_empty()) {
            return None;
        }
        let negative = bracketed || number.starts_with(['-', '−']);
        let units = Self::digits(number.trim_start_matches(is_sign).trim_start(), point)?;
        let sign = if negative { -1 } else { 1 };
        Some((
            Self {
                units: units.units * sign,
                ..units
            },
            currency,
        ))
    }

    fn digits(number: &str, point: Point) -> Option<Self> {
        let (whole, fraction) = match number.rsplit_once(point.sign()) {
            Some((whole, fraction)) => (whole, fraction),
            None => (number, ""),
        };
        let grouping = |letter: char| {
            matches!(letter, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '’' | '.' | ',')
                && letter != point.sign()
        };
        let groups: Vec<&str> = whole.split(grouping).collect();
        let kind = |letter: char| if letter.is_whitespace() { ' ' } else { letter };
        let mut marks = whole.chars().filter(|&it| grouping(it)).map(kind);
        let first = marks.next();
        let one_kind = marks.all(|mark| Some(mark) == first);
        let grouped = groups.len() == 1
            || (1..=3).contains(&groups[0].len())
                && !groups[0].starts_with('0')
                && one_kind
                && groups[1..].iter().all(|group| group.len() == 3);
        let digits = groups.concat();
        let all = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let size = digits.len() + fraction.len();
        if !grouped || size == 0 || size > DIGITS_MAX || !all(&digits) || !all(fraction) {
            return None;
        }
        let scale = u32::try_from(fraction.len())
            .ok()
            .filter(|&scale| scale <= SCALE_MAX)?;
        let units = format!("{digits}{fraction}").parse().ok()?;
        Some(Self::new(units, scale))
    }
}

/// The code of the one currency that a cell names and nothing else does: a sign, a name, or any
/// code, however it is written (`€`, `eur`, `Eur.`, `Euro (EUR)`).
#[must_use]
pub fn currency_named(cell: &str) -> Option<String> {
    let is_code = |unit: &String| unit.len() == CODE_LETTERS;
    let cell = cell.trim();
    if let Some(code) = currency(cell).filter(is_code) {
        return Some(code);
    }
    let parts = cell.split(|letter: char| letter.is_whitespace() || "()[]/,;:.-".contains(letter));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let code = |part: &&str| {
        let letters = part.len() == CODE_LETTERS && part.bytes().all(|it| it.is_ascii_alphabetic());
        let any = || (letters && parts.len() == 1).then(|| part.to_ascii_uppercase());
        currency(part).filter(is_code).or_else(any)
    };
    let mut codes: Vec<String> = parts.iter().filter_map(code).collect();
    codes.dedup();
    codes.pop().filter(|_| codes.is_empty())
}

/// A currency's code has so many letters.
const CODE_LETTERS: usize = 3;

/// A currency's code for the signs in use; capital letters are taken as a code as they are. Hours
/// and percents are units too.
#[must_use]
pub fn currency(sign: &str) -> Option<String> {
    const SIGNS: &[(&str, &str)] = &[
        ("€", "EUR"),
        ("$", "USD"),
        ("US$", "USD"),
        ("$US", "USD"),
        ("C$", "CAD"),
        ("A$", "AUD"),
        ("¥", "JPY"),
        ("₹", "INR"),
        ("£", "GBP"),
        ("ar", "MGA"),
        ("ariary", "MGA"),
        ("mga", "MGA"),
        ("euros", "EUR"),
        ("euro", "EUR"),
        ("eur", "EUR"),
        ("usd", "USD"),
        ("dollar", "USD"),
        ("dollars", "USD"),
        ("gbp", "GBP"),
        ("chf", "CHF"),
        ("xof", "XOF"),
        ("xaf", "XAF"),
        ("fcfa", "XOF"),
        ("f cfa", "XOF"),
        ("cfa", "XOF"),
        ("fmg", "MGF"),
        ("mur", "MUR"),
        ("zar", "ZAR"),
        ("h", "h"),
        ("hours", "h"),
        ("heures", "h"),
        ("hour", "h"),
        ("heure", "h"),
        ("hrs", "h"),
        ("ora", "h"),
        ("adiny", "h"),
        ("%", "%"),
    ];
    // "12 Ar." and "Eur." are abbreviations.
    let sign = sign.strip_suffix('.').unwrap_or(sign);
    let known = SIGNS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(sign));
    let code = || {
        let letters = sign.len() == 3 && sign.bytes().all(|byte| byte.is_ascii_uppercase());
        letters.then(|| sign.to_owned())
    };
    known.map(|(_, code)| (*code).to_owned()).or_else(code)
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match self.aligned(*other) {
            Some((left, right, _)) => left.cmp(&right),
            // Only where one of them is too large to be aligned: the signs and wholes decide.
            None => {
                let whole = |it: &Self| it.units / 10_i128.pow(it.scale.min(SCALE_MAX));
                whole(self).cmp(&whole(other))
            }
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = if self.thirds {
            (self.units + self.units.signum()) / 3
        } else {
            self.units
        };
        if self.scale == 0 {
            return write!(f, "{units}");
        }
        let sign = if units < 0 { "-" } else { "" };
        let parts = 10_u128.pow(self.scale);
        let (whole, fraction) = (units.unsigned_abs() / parts, units.unsigned_abs() % parts);
        write!(
            f,
            "{sign}{whole}.{fraction:0width$}",
            width = self.scale as usize
        )
    }
}

/// The sum of all; none where it has too many digits.
#[must_use]
pub fn sum(numbers: impl IntoIterator<Item = Decimal>) -> Option<Decimal> {
    numbers
        .into_iter()
        .try_fold(Decimal::default(), Decimal::plus)
}

/// The number in the middle of a sorted list (the mean of two in the middle).
#[must_use]
pub fn median(sorted: &[Decimal]) -> Option<Decimal> {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        return sorted.get(middle).copied();
    }
    sorted
        .get(middle.checked_sub(1)?)?
        .plus(sorted[middle])?
        .over(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_numbers() {
        for (cell, point, expected) in [
            ("1234.56", Point::Dot, Some("1234.56")),
            ("1,234.56", Point::Dot, Some("1234.56")),
            ("1.234,56", Point::Comma, Some("1234.56")),
            ("1 234,56", Point::Comma, Some("1234.56")),
            ("1\u{202f}234,50 €", Point::Comma, Some("1234.50 EUR")),
            ("€ 12", Point::Dot, Some("12 EUR")),
            ("12 000 Ar", Point::Comma, Some("12000 MGA")),
            ("(120.00)", Point::Dot, Some("-120.00")),
            ("-7,5", Point::Comma, Some("-7.5")),
            ("0,1", Point::Comma, Some("0.1")),
            ("A-101", Point::Dot, None),
            ("2026-10-09", Point::Dot, None),
            ("12/10", Point::Dot, None),
            ("1,23,4", Point::Dot, None),
            ("0,234", Point::Dot, None),
            ("0,234", Point::Comma, Some("0.234")),
            ("1 234,567", Point::Dot, None),
            ("1\u{202f}234 567,5", Point::Comma, Some("1234567.5")),
            ("7 ora", Point::Dot, Some("7 h")),
            ("", Point::Dot, None),
            ("abc", Point::Dot, None),
            ("7 rue X", Point::Dot, None),
            ("99999999999999999999999999999", Point::Dot, None),
        ] {
            let read = Decimal::parse(cell, point).map(|(number, currency)| match currency {
                Some(currency) => format!("{number} {currency}"),
                None => number.to_string(),
            });
            assert_eq!(read.as_deref(), expected, "{cell}");
        }
    }

    #[test]
    fn a_currency_is_one_however_it_is_written() {
        for (cell, expected) in [
            ("EUR", Some("EUR")),
            ("eur", Some("EUR")),
            (" Eur. ", Some("EUR")),
            ("€", Some("EUR")),
            ("Euros", Some("EUR")),
            ("Euro (EUR)", Some("EUR")),
            ("EUR €", Some("EUR")),
            ("Ariary", Some("MGA")),
            ("ar", Some("MGA")),
            ("F CFA", Some("XOF")),
            ("US$", Some("USD")),
            ("sek", Some("SEK")),
            ("EUR/USD", None),
            ("see the note", None),
            ("h", None),
            ("%", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(currency_named(cell).as_deref(), expected, "{cell}");
        }
    }

    #[test]
    fn a_tenth_and_two_tenths_are_three_tenths() {
        let tenth = Decimal::new(1, 1);
        let fifth = Decimal::new(20, 2);
        assert_eq!(tenth.plus(fifth).expect("small").to_string(), "0.30");
        assert_eq!(tenth.plus(fifth), Some(Decimal::new(3, 1)));
        assert_eq!(tenth.product(fifth), Some(Decimal::new(2, 2)));
        assert_eq!(Decimal::new(i128::MAX, 0).product(fifth), None);
        assert!(Decimal::new(-5, 1) < Decimal::new(1, 2));
    }

    #[test]
    fn minutes_are_exact_in_hours() {
        let shown = |minutes: u32| Decimal::minutes(minutes).to_string();
        assert_eq!(
            [20, 30, 45, 440].map(shown),
            ["0.33", "0.50", "0.75", "7.33"]
        );
        let third = Decimal::minutes(20);
        let hour = sum([third, third, third]).expect("small");
        assert_eq!(
            (hour.to_string().as_str(), hour),
            ("1.00", Decimal::new(1, 0))
        );
        let more = third.plus(Decimal::new(75, 1)).expect("small");
        assert_eq!(more.to_string(), "7.83");
        assert!(Decimal::new(33, 2) < third && third < Decimal::new(34, 2));
        assert_eq!(third.times(-2).expect("small").to_string(), "-0.67");
        assert_eq!(third.over(1).expect("one").to_string(), "0.3333");
        assert_eq!(hour.minus(third).expect("small"), Decimal::minutes(40));
    }

    #[test]
    fn means_and_medians() {
        let numbers = [
            Decimal::new(10, 0),
            Decimal::new(20, 0),
            Decimal::new(31, 0),
        ];
        let mean = sum(numbers).and_then(|sum| sum.over(3)).expect("a mean");
        assert_eq!(mean.to_string(), "20.33");
        assert_eq!(
            median(&numbers).map(|it| it.to_string()).as_deref(),
            Some("20")
        );
        assert_eq!(
            median(&numbers[..2]).map(|it| it.to_string()).as_deref(),
            Some("15")
        );
        assert_eq!(median(&[]), None);
        assert_eq!(
            Decimal::new(-7, 0)
                .over(2)
                .map(|it| it.to_string())
                .as_deref(),
            Some("-3.5")
        );
        assert_eq!(Decimal::new(1, 0).over(0), None);
    }

    #[test]
    fn overflow_is_none_and_not_a_wrong_sum() {
        assert_eq!(Decimal::new(i128::MAX, 0).plus(Decimal::new(1, 0)), None);
        assert_eq!(Decimal::new(i128::MAX, 0).plus(Decimal::new(1, 9)), None);
    }
}

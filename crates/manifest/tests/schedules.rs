//! Schedules: what documents may say about times, and when these come.

use naos_manifest::calendar::{days, look, upcoming};
use naos_manifest::{NoChecks, NoFiles, parse_document};
use naos_types::spec::{
    Begins, Kind, Look, Missed, Overlap, ScheduleSpec, StandupSpec, Timing, Tongue, When,
};
use naos_types::{Code, Span, Time};

fn read(text: &str) -> Result<ScheduleSpec, String> {
    let read = parse_document("a.yaml", text, &NoFiles, &NoChecks);
    let mut applied = read.map_err(|found| found.to_string())?;
    Ok(applied.schedules.remove(0).1.spec)
}

fn time(text: &str) -> Time {
    let at: jiff::Timestamp = text.parse().unwrap();
    Time(at.as_millisecond())
}

fn short(at: Time) -> String {
    at.rfc3339().replace(":00.000Z", "Z")
}

fn next(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let timing = line(cron, zone);
    let found = upcoming(&timing, time(after), count).unwrap();
    found.into_iter().map(short).collect()
}

fn line(cron: &str, zone: &str) -> Timing {
    Timing {
        when: When::Cron {
            cron: cron.into(),
            zone: zone.into(),
        },
        until: None,
    }
}

#[test]
fn known_times() {
    for (cron, zone, after, wanted) in [
        // nine in the morning, three hours ahead of UTC, on workdays
        (
            "0 9 * * MON-FRI",
            "Indian/Antananarivo",
            "2026-11-27T05:59:59Z",
            &[
                "2026-11-27T06:00Z",
                "2026-11-30T06:00Z",
                "2026-12-01T06:00Z",
            ][..],
        ),
        // the clocks are set forward over half past two: the first moment after, once
        (
            "30 2 * * *",
            "Europe/Paris",
            "2026-03-28T00:00:00Z",
            &[
                "2026-03-28T01:30Z",
                "2026-03-29T01:00Z",
                "2026-03-30T00:30Z",
            ],
        ),
        (
            "*/20 2 * * *",
            "Europe/Paris",
            "2026-03-28T12:00:00Z",
            &[
                "2026-03-29T01:00Z",
                "2026-03-30T00:00Z",
                "2026-03-30T00:20Z",
            ],
        ),
        // they are set back over it: the first of the two
        (
            "30 2 * * *",
            "Europe/Paris",
            "2026-10-24T12:00:00Z",
            &["2026-10-25T00:30Z", "2026-10-26T01:30Z"],
        ),
        (
            "0,30 1-2 * * *",
            "America/New_York",
            "2026-11-01T04:00:00Z",
            &[
                "2026-11-01T05:00Z",
                "2026-11-01T05:30Z",
                "2026-11-01T07:00Z",
                "2026-11-01T07:30Z",
                "2026-11-02T06:00Z",
            ],
        ),
        // what goes by the minute hand goes on through both hours
        (
            "*/30 * * * *",
            "Europe/Paris",
            "2026-10-24T23:59:00Z",
            &[
                "2026-10-25T00:00Z",
                "2026-10-25T00:30Z",
                "2026-10-25T01:00Z",
                "2026-10-25T01:30Z",
                "2026-10-25T02:00Z",
            ],
        ),
        (
            "30 * * * *",
            "Europe/Paris",
            "2026-03-29T00:00:00Z",
            &["2026-03-29T00:30Z", "2026-03-29T01:30Z"],
        ),
        // half an hour's jump
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00:00Z",
            &["2026-10-03T15:30Z", "2026-10-04T15:15Z"],
        ),
        // a day that a country left out
        (
            "0 9 * * *",
            "Pacific/Apia",
            "2011-12-29T20:00:00Z",
            &["2011-12-30T10:00Z", "2011-12-30T19:00Z"],
        ),
        // ends of months
        (
            "0 0 31 * *",
            "UTC",
            "2026-01-31T00:00:00Z",
            &[
                "2026-03-31T00:00Z",
                "2026-05-31T00:00Z",
                "2026-07-31T00:00Z",
            ],
        ),
        // leap days
        (
            "0 12 29 2 *",
            "UTC",
            "2026-01-01T00:00:00Z",
            &["2028-02-29T12:00Z", "2032-02-29T12:00Z"],
        ),
        (
            "0 12 29 2 *",
            "UTC",
            "2096-03-01T00:00:00Z",
            &["2104-02-29T12:00Z"],
        ),
        // a day of the month or a day of the week
        (
            "0 0 13 * FRI",
            "UTC",
            "2026-11-01T00:00:00Z",
            &[
                "2026-11-06T00:00Z",
                "2026-11-13T00:00Z",
                "2026-11-20T00:00Z",
            ],
        ),
        (
            "0 7 * * 5-7",
            "UTC",
            "2026-11-26T00:00:00Z",
            &[
                "2026-11-27T07:00Z",
                "2026-11-28T07:00Z",
                "2026-11-29T07:00Z",
                "2026-12-04T07:00Z",
            ],
        ),
        (
            "@weekly",
            "UTC",
            "2026-11-26T00:00:00Z",
            &["2026-11-29T00:00Z", "2026-12-06T00:00Z"],
        ),
        (
            "5/20 1 * jan,JUL ?",
            "UTC",
            "2026-11-26T00:00:00Z",
            &[
                "2027-01-01T01:05Z",
                "2027-01-01T01:25Z",
                "2027-01-01T01:45Z",
            ],
        ),
    ] {
        let found = next(cron, zone, after, wanted.len());
        assert_eq!(found, wanted, "{cron} in {zone} after {after}");
    }
}

mod judged {
    //! The same by another way: every minute that a zone has is looked at.

    use jiff::tz::{AmbiguousOffset, TimeZone};
    use jiff::{Timestamp, ToSpan, Zoned};
    use proptest::prelude::*;

    use super::*;

    const ZONES: [&str; 7] = [
        "UTC",
        "Indian/Antananarivo",
        "Europe/Paris",
        "America/New_York",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
    ];

    struct Fields {
        minutes: Vec<i8>,
        hours: Option<Vec<i8>>,
        days: Option<Vec<i8>>,
        weekdays: Option<Vec<i8>>,
    }

    impl Fields {
        fn text(&self) -> String {
            let list = |all: &Option<Vec<i8>>| match all {
                None => "*".to_owned(),
                Some(all) => {
                    let words: Vec<String> = all.iter().map(ToString::to_string).collect();
                    words.join(",")
                }
            };
            let minutes = list(&Some(self.minutes.clone()));
            let (hours, days) = (list(&self.hours), list(&self.days));
            format!("{minutes} {hours} {days} * {}", list(&self.weekdays))
        }

        fn day(&self, shown: jiff::civil::DateTime) -> bool {
            let day = self.days.as_ref().map(|all| all.contains(&shown.day()));
            let weekday = shown.weekday().to_sunday_zero_offset();
            let weekday = self.weekdays.as_ref().map(|all| all.contains(&weekday));
            match (day, weekday) {
                (Some(day), Some(weekday)) => day || weekday,
                (day, weekday) => day.unwrap_or(true) && weekday.unwrap_or(true),
            }
        }

        fn shows(&self, shown: jiff::civil::DateTime) -> bool {
            let hour = self
                .hours
                .as_ref()
                .is_none_or(|all| all.contains(&shown.hour()));
            self.minutes.contains(&shown.minute()) && hour && self.day(shown)
        }

        /// All due times within some days: each minute of the clock's face, and when it is shown.
        fn scan(&self, zone: &TimeZone, from: Timestamp, days: i64) -> Vec<Timestamp> {
            let end = from + (days * 24).hours();
            let mut out = Vec::new();
            if self.hours.is_none() {
                let mut at = from;
                while at < end {
                    at += 1.minute();
                    if self.shows(zone.to_datetime(at)) {
                        out.push(at);
                    }
                }
                return out;
            }
            // The face, minute by minute, from well before to well after.
            let mut shown = zone.to_datetime(from - 48.hours());
            let last = zone.to_datetime(end + 48.hours());
            while shown < last {
                if self.shows(shown) {
                    out.push(first_shown(zone, shown));
                }
                shown = shown.checked_add(1.minute()).unwrap();
            }
            out.retain(|at| *at > from && *at <= end);
            out.dedup();
            out
        }
    }

    /// The first moment at which the clock shows this or more: found by looking at minutes.
    fn first_shown(zone: &TimeZone, shown: jiff::civil::DateTime) -> Timestamp {
        match zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Gap { after, .. } => {
                let mut at = after.to_timestamp(shown).unwrap();
                while zone.to_datetime(at) < shown {
                    at += 1.minute();
                }
                at
            }
            _ => {
                let zoned: Zoned = zone.to_ambiguous_zoned(shown).earlier().unwrap();
                zoned.timestamp()
            }
        }
    }

    fn some(from: i8, to: i8) -> impl Strategy<Value = Vec<i8>> {
        proptest::collection::btree_set(from..=to, 1..4).prop_map(|all| all.into_iter().collect())
    }

    prop_compose! {
        fn fields()(
            minutes in some(0, 59),
            hours in proptest::option::weighted(0.7, some(0, 4)),
            days in proptest::option::weighted(0.3, some(1, 31)),
            weekdays in proptest::option::weighted(0.3, some(0, 6)),
        ) -> Fields {
            Fields { minutes, hours, days, weekdays }
        }
    }

    impl std::fmt::Debug for Fields {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.text())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Around the days on which clocks jump, and any others.
        #[test]
        fn a_scan_of_all_minutes_agrees(
            fields in fields(),
            zone in proptest::sample::select(&ZONES[..]),
            (month, day) in prop_oneof![
                Just((3, 8)), Just((3, 28)), Just((10, 3)), Just((10, 24)), Just((11, 1)),
                Just((4, 4)), (1_i8..=12, 1_i8..=28),
            ],
            year in 2017_i16..2030,
            second in 0_i64..86_400,
        ) {
            let start = jiff::civil::date(year, month, day).at(0, 0, 0, 0);
            let start = start.to_zoned(TimeZone::UTC).unwrap().timestamp();
            // Whole minutes: the scan looks at those alone.
            let from = start + (second / 60).minutes();
            let zone_of = TimeZone::get(zone).unwrap();
            let wanted = fields.scan(&zone_of, from, 4);
            let timing = line(&fields.text(), zone);
            let from = Time(from.as_millisecond());
            let found = upcoming(&timing, from, wanted.len()).unwrap();
            let wanted: Vec<Time> = wanted.iter().map(|at| Time(at.as_millisecond())).collect();
            prop_assert_eq!(&found, &wanted, "{} in {}", fields.text(), zone);
            // Looking at a stretch says the same as walking through it.
            if let Some(last) = wanted.last() {
                let asked = Look { timing, after: from, upto: *last, last: 3 };
                let seen = look(&asked).unwrap();
                prop_assert_eq!(seen.count, wanted.len() as u64);
                prop_assert_eq!(&seen.last[..], &wanted[wanted.len().saturating_sub(3)..]);
            }
        }

        #[test]
        fn intervals_are_reckoned_as_they_are_walked(
            every in 1_i64..50,
            from in -100_i64..100,
            after in -200_i64..200,
            span in 0_i64..300,
            until in proptest::option::of(-100_i64..400),
            last in 0_u32..6,
        ) {
            let timing = Timing {
                when: When::Every { every: Span(every), from: Some(Time(from)) },
                until: until.map(Time),
            };
            let upto = after + span;
            let all = (0..1_000).map(|index| from + every * index);
            let all = all.filter(|at| *at > after && until.is_none_or(|until| *at <= until));
            let (due, later): (Vec<i64>, Vec<i64>) = all.partition(|at| *at <= upto);
            let asked = Look { timing: timing.clone(), after: Time(after), upto: Time(upto), last };
            let seen = look(&asked).unwrap();
            prop_assert_eq!(seen.count, due.len() as u64);
            let kept = due.len().saturating_sub(last as usize);
            let wanted: Vec<Time> = due[kept..].iter().copied().map(Time).collect();
            prop_assert_eq!(seen.last, wanted);
            prop_assert_eq!(seen.next, later.first().copied().map(Time));
            let first = upcoming(&timing, Time(after), 1).unwrap();
            let wanted = due.iter().chain(&later).next().copied().map(Time);
            prop_assert_eq!(first.first().copied(), wanted);
        }
    }
}

#[test]
fn documents_of_all_kinds_of_time() {
    let spec = read(
        "type: schedule\nname: s\nat: 2030-12-24T18:00\ntimezone: Europe/Paris\n\
         agent: a\ninput: hello",
    )
    .unwrap();
    assert_eq!(spec.timing.when, When::At(time("2030-12-24T17:00:00Z")));
    assert_eq!(
        spec.starts,
        Begins::Run {
            kind: Kind::Agent,
            name: "a".parse().unwrap(),
            input: "hello".into()
        }
    );
    let spec = read(
        "schedule: {id: s, every: 15m, jitter: 30s, missed: {catch-up: 7}, until: 2031-01-01, \
         count: 3, plan: weekly, inputs: {a: 1}}",
    )
    .unwrap();
    assert_eq!(
        spec.timing.when,
        When::Every {
            every: Span::secs(900),
            from: None
        }
    );
    assert_eq!((spec.missed, spec.count), (Missed::CatchUp(7), Some(3)));
    assert_eq!(spec.timing.until, Some(time("2031-01-01T00:00:00Z")));
    let spec = read(
        "schedules: {s: {cron: 0 9 * * MON-FRI, timezone: indian/antananarivo, \
         event: {type: a.b, data: {x: 1}}}}",
    )
    .unwrap();
    assert_eq!(
        spec.timing.when,
        When::Cron {
            cron: "0 9 * * MON-FRI".into(),
            zone: "Indian/Antananarivo".into()
        }
    );
    assert_eq!(
        spec.starts,
        Begins::Event {
            topic: "a.b".into(),
            data: "{\"x\":1}".into()
        }
    );
    // A time that isn't on the clocks there is the first moment after, with a warning.
    let text = "type: schedule\nname: s\nat: 2026-03-29T02:30\ntimezone: Europe/Paris\nagent: a";
    let applied = parse_document("a.yaml", text, &NoFiles, &NoChecks).unwrap();
    assert_eq!(
        applied.schedules[0].1.spec.timing.when,
        When::At(time("2026-03-29T01:00:00Z"))
    );
    assert!(
        applied.warnings[0].what.contains("2026-03-29T02:30:00"),
        "{:?}",
        applied.warnings
    );
}

#[test]
fn what_cannot_be_is_named_with_its_place() {
    for (text, place, named) in [
        ("cron: 0 0 31 2 *\nagent: a", "3:7", "no day 31 in FEB"),
        (
            "cron: 0 9 * * *\ntimezone: Mars/Base\nagent: a",
            "4:11",
            "Mars/Base",
        ),
        (
            "cron: 0 9 * * *\ntimezone: Indian/Antananarivoo\nagent: a",
            "4:11",
            "did you mean `Indian/Antananarivo`",
        ),
        ("every: 500ms\nagent: a", "3:8", "`every` is from 1s"),
        ("every: 10s\njitter: 20s\nagent: a", "3:8", "jitter"),
        ("every: soon\nagent: a", "3:8", "length of time"),
        ("at: yesterday\nagent: a", "3:5", "yesterday"),
        ("at: 2026-02-31T09:00\nagent: a", "3:5", "2026-02-31T09:00"),
        ("every: 400d\nagent: a", "3:8", "`every` is at most 366d"),
        (
            "interval: soon\nagent: a",
            "3:11",
            "`interval` is a length of time",
        ),
        ("agent: a", "1:1", "has no time"),
        ("every: 1m", "1:1", "starts nothing"),
        (
            "every: 1m\nat: 2030-01-01\nagent: a",
            "3:8",
            "one kind of time",
        ),
        ("every: 1m\nagent: a\nplan: b", "5:7", "starts one thing"),
        ("every: 1m\nagent: a\nmissed: sometimes", "5:9", "sometimes"),
        (
            "every: 1m\nagent: a\nmissed: {policy: skip, limit: 3}",
            "5:9",
            "a limit goes with",
        ),
        (
            "every: 1m\nstandup: false",
            "4:10",
            "`standup` says who is told",
        ),
        (
            "every: 1m\nstandup: {language: de}",
            "4:21",
            "`language` can't be",
        ),
        ("every: 1m\nstandup: {to: [No One]}", "4:16", "No One"),
        ("every: 1m\nstandup: true\nagent: a", "", "starts one thing"),
        (
            "every: 1m\nstandup: true\noverlap: wait",
            "5:10",
            "a stand-up is over",
        ),
        ("every: 1m\npool: p", "", "a pool gets `tasks`"),
        ("every: 1m\nevent: no good", "4:8", "no good"),
        ("every: 1m\nagent: a\nevry: 2m", "5:1", "unknown key `evry`"),
        ("every: 1m\nagent: a\ncount: 0", "5:8", "count"),
        (
            "cron: 0 9 * * *\nfrom: 2030-01-01\nagent: a",
            "4:7",
            "`from` goes with `every`",
        ),
    ] {
        let said = read(&format!("type: schedule\nname: s\n{text}")).unwrap_err();
        assert_eq!(said.lines().count(), 1, "one mistake, one error: {said}");
        assert!(
            said.contains(&format!("a.yaml:{place}")),
            "{text:?}: {said}"
        );
        assert!(said.contains(named), "{text:?}: {said}");
    }
}

#[test]
fn instructions_have_times() {
    let times = "schedule: 0 9 * * MON-FRI, timezone: Indian/Antananarivo, missed: skip";
    let with = |trigger: &str| {
        format!(
            "type: instruction\nid: beat\nname: Beat\ntrigger: {{{trigger}}}\n\
             plan:\n  - emit: {{type: a.b}}\n"
        )
    };
    let text = &with(times);
    let read = |text: &str| parse_document("a.yaml", text, &NoFiles, &NoChecks);
    let kept = read(text).unwrap().kept.remove(0);
    let spec = kept.schedule.unwrap().spec;
    assert_eq!(spec.missed, Missed::Skip);
    let starts = Begins::Run {
        kind: Kind::Instruction,
        name: kept.name,
        input: "{}".into(),
    };
    assert_eq!(spec.starts, starts);
    assert_eq!(read(&with("event: a.b")).unwrap().kept[0].schedule, None);
    for (trigger, named) in [
        ("schedule: 0 0 31 2 *", "31"),
        ("schedule: 0 9 * * *, timezone: Mars/Base", "Mars/Base"),
    ] {
        let found = read(&with(trigger)).unwrap_err();
        assert!(found.to_string().contains(named), "{found}");
        assert_eq!(found.0[0].code, Code::BAD_TIME);
    }
}

/// Yesterday, today and tomorrow are what the calendar of the zone shows, which is seldom UTC's.
#[test]
fn days_are_those_of_the_zone() {
    for (zone, at, wanted) in [
        (
            "UTC",
            "2026-03-01T08:00:00Z",
            ["2026-02-28", "2026-03-01", "2026-03-02"],
        ),
        // fourteen hours ahead: from ten in the morning on it is tomorrow there
        (
            "Pacific/Kiritimati",
            "2026-03-01T09:59:59.999Z",
            ["2026-02-28", "2026-03-01", "2026-03-02"],
        ),
        (
            "Pacific/Kiritimati",
            "2026-03-01T10:00:00Z",
            ["2026-03-01", "2026-03-02", "2026-03-03"],
        ),
        // three hours ahead, and over the end of a year
        (
            "Indian/Antananarivo",
            "2026-12-31T20:59:59Z",
            ["2026-12-30", "2026-12-31", "2027-01-01"],
        ),
        (
            "Indian/Antananarivo",
            "2026-12-31T21:00:00Z",
            ["2026-12-31", "2027-01-01", "2027-01-02"],
        ),
        // eleven hours behind, on a leap day and after it
        (
            "Pacific/Pago_Pago",
            "2028-03-01T10:59:59Z",
            ["2028-02-28", "2028-02-29", "2028-03-01"],
        ),
        (
            "Pacific/Pago_Pago",
            "2028-03-01T11:00:00Z",
            ["2028-02-29", "2028-03-01", "2028-03-02"],
        ),
        // one hour ahead again, since the clocks were set back in the night
        (
            "Europe/Paris",
            "2026-10-25T22:30:00Z",
            ["2026-10-24", "2026-10-25", "2026-10-26"],
        ),
    ] {
        let found = days(zone, time(at)).unwrap();
        assert_eq!(found, wanted, "{at} in {zone}");
    }
    let none = days("Indian/Antananarivoo", time("2026-03-01T08:00:00Z"));
    let said = "there is no time zone \"Indian/Antananarivoo\"";
    assert_eq!(none, Err(said.to_owned()));
}

#[test]
fn a_stand_up_says_who_is_told() {
    let head = "type: schedule\nname: s\ncron: 0 9 * * *\n";
    for (said, to, language) in [
        ("standup: true", &[][..], None),
        ("standup: {language: mg}", &[], Some(Tongue::Mg)),
        (
            "standup: {to: [\"@soa\", ana, soa], language: fr}",
            &["ana", "soa"],
            Some(Tongue::Fr),
        ),
        ("standup: {to: ana}", &["ana"], None),
    ] {
        let spec = read(&format!("{head}{said}\n")).unwrap();
        let to = to.iter().map(|word| word.parse().unwrap()).collect();
        assert_eq!(
            spec.starts,
            Begins::Standup(StandupSpec { to, language }),
            "{said}"
        );
    }
}

#[test]
fn runs_that_do_not_overlap() {
    let head = "type: schedule\nname: tick\nevery: 5m\n";
    for (word, overlap) in [
        ("allow", Overlap::Allow),
        ("skip", Overlap::Skip),
        ("wait", Overlap::Wait),
    ] {
        let text = format!("{head}agent: bell\noverlap: {word}\n");
        let spec = read(&text).unwrap();
        assert_eq!(spec.starts.overlap(), overlap);
        assert_eq!(spec.starts.run().map(|(kind, ..)| kind), Some(Kind::Agent));
    }
    let plain = read(&format!("{head}agent: bell\n")).unwrap();
    assert_eq!(plain.starts.overlap(), Overlap::Allow);
    let wrong = read(&format!("{head}agent: bell\noverlap: wiat\n")).unwrap_err();
    assert!(wrong.contains("did you mean `wait`"), "{wrong}");
    let event = read(&format!("{head}event: a.b\noverlap: wait\n")).unwrap_err();
    assert!(event.contains("an event works no longer"), "{event}");
}

#[test]
fn one_mistake_in_a_trigger_is_one_error() {
    for (trigger, named) in [
        ("cron: 0 0 31 2 *", "no day 31 in FEB"),
        ("schedule: 0 0 31 2 *", "no day 31 in FEB"),
        ("at: 2026-02-31T09:00", "2026-02-31T09:00"),
        ("every: soon", "`every` is a length of time"),
        ("interval: soon", "`interval` is a length of time"),
        ("every: 400d", "`every` is at most 366d"),
        ("interval: 400d", "`interval` is at most 366d"),
    ] {
        let text = format!(
            "type: instruction\nid: beat\ntrigger: {{{trigger}}}\nplan:\n  - emit: {{type: a.b}}\n"
        );
        let said = parse_document("a.yaml", &text, &NoFiles, &NoChecks).unwrap_err();
        let said = said.to_string();
        assert!(said.contains(named), "{trigger}: {said}");
        assert_eq!(said.lines().count(), 1, "{trigger}: {said}");
    }
}

#[test]
fn a_zone_that_changes_nothing_is_told() {
    let instruction = |trigger: &str, data: &str| {
        format!(
            "type: instruction\nid: beat\ntrigger: {{{trigger}}}\nplan:\n  \
             - emit: {{type: a.b, data: {{day: {data}}}}}\n"
        )
    };
    let schedule =
        |times: &str| format!("type: schedule\nname: s\nagent: a\ntimezone: Europe/Paris\n{times}");
    let zone = "timezone: Europe/Paris";
    for (text, told) in [
        (schedule("every: 1h"), true),
        (schedule("interval: 1h"), true),
        (schedule("every: 1h\nfrom: 2030-01-01T09:00"), false),
        (schedule("every: 1h\nuntil: 2030-01-01T09:00"), false),
        (schedule("cron: 0 9 * * *"), false),
        (schedule("at: 2030-01-01T09:00"), false),
        (instruction(&format!("every: 1h, {zone}"), "x"), true),
        (instruction(&format!("every: 1h, {zone}"), "today"), false),
    ] {
        let applied = parse_document("a.yaml", &text, &NoFiles, &NoChecks);
        let warnings = applied.unwrap().warnings;
        let said: Vec<&str> = warnings.iter().map(|it| it.what.as_str()).collect();
        let idle = said
            .iter()
            .filter(|what| what.contains("`timezone` does nothing"));
        assert_eq!(idle.count() == 1, told, "{text}: {said:?}");
    }
}

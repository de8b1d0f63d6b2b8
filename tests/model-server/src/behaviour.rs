//! How a model behaves, by its name.

use std::time::Duration;

/// How long a slow model takes for a piece, unless its name says so.
const SLOW_MS: u64 = 20;

/// What a model does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// `echo`, and every name that isn't listed: says what was said to it last.
    Echo,
    /// `say:TEXT`: says that.
    Say(String),
    /// `reason`: thinks, then echoes.
    Reason,
    /// `tools:NAME`, `tools:A,B`: calls these tools, then says what they gave back.
    Tools(Vec<String>),
    /// `scripted`: does what the script says, in order.
    Scripted,
    /// `length`: stops because it may write no more.
    Length,
    /// `refuse`: doesn't want to.
    Refuse,
    /// `filtered`: its answer is held back.
    Filtered,
    /// `usage:none|zeros|unwritten|negative|absurd|parts|text`: is wrong about what was used.
    Usage(String),
    /// `args:BYTES`: gives a tool so much.
    Args(usize),
    /// `args:broken`: gives a tool what is no JSON.
    BrokenArgs,
    /// `args:cut`: stops for length in the middle of what it gives a tool.
    CutArgs,
    /// `twins`: two calls with the same id.
    Twins,
    /// `429`, `503:7`, `429:date`, `529x2`: refuses with that status, for so long, so often.
    Status(Status),
    /// `context`: the conversation is too long.
    Context,
    /// `filter`: the request is held back.
    Filter,
    /// `quota`: 429, but for want of money.
    Quota,
    /// `leak`: says the key that it was given.
    Leak,
    /// An echo in some manner.
    Manner(Manner),
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The status.
    pub status: u16,
    /// How often; none is for ever.
    pub times: Option<u32>,
    /// What `Retry-After` says.
    pub after: Option<After>,
}

/// When to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// In so many seconds.
    Seconds(u64),
    /// At a date, two seconds from now.
    Date,
}

/// How an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it should be.
    Plain,
    /// `slow`, `slow:MS`: each piece takes that long.
    Slow(Duration),
    /// `stall`: half of it, then nothing more.
    Stall,
    /// `silent`: nothing at all.
    Silent,
    /// `cut`: the connection breaks in the middle.
    Cut,
    /// `short`: it ends in the middle, as if that were all.
    Short,
    /// `half`: half of the JSON, as if that were all.
    Half,
    /// `html`: a page for people.
    Html,
    /// `endless`: it never ends.
    Endless,
    /// `garbage:SEED`: bytes of no meaning.
    Garbage(u64),
    /// `wholly`: in one piece, though asked for a stream.
    Wholly,
    /// `midway`: a complaint in the middle of a stream.
    Midway,
}

impl Behaviour {
    /// What the name of a model stands for.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        let (word, rest) = name.split_once(':').unwrap_or((name, ""));
        if let Some(status) = Status::parse(word, rest) {
            return Self::Status(status);
        }
        let number = rest.parse::<u64>().ok();
        match (word, rest) {
            ("say", _) => Self::Say(rest.to_owned()),
            ("reason", _) => Self::Reason,
            ("tools", _) => Self::Tools(rest.split(',').map(str::to_owned).collect()),
            ("scripted", _) => Self::Scripted,
            ("length", _) => Self::Length,
            ("refuse", _) => Self::Refuse,
            ("filtered", _) => Self::Filtered,
            ("usage", _) => Self::Usage(rest.to_owned()),
            ("args", "broken") => Self::BrokenArgs,
            ("args", "cut") => Self::CutArgs,
            ("args", _) => Self::Args(usize::try_from(number.unwrap_or(0)).unwrap_or(0)),
            ("twins", _) => Self::Twins,
            ("context", _) => Self::Context,
            ("filter", _) => Self::Filter,
            ("quota", _) => Self::Quota,
            ("leak", _) => Self::Leak,
            ("slow", _) => Self::Manner(Manner::Slow(Duration::from_millis(
                number.unwrap_or(SLOW_MS),
            ))),
            ("stall", _) => Self::Manner(Manner::Stall),
            ("silent", _) => Self::Manner(Manner::Silent),
            ("cut", _) => Self::Manner(Manner::Cut),
            ("short", _) => Self::Manner(Manner::Short),
            ("half", _) => Self::Manner(Manner::Half),
            ("html", _) => Self::Manner(Manner::Html),
            ("endless", _) => Self::Manner(Manner::Endless),
            ("garbage", _) => Self::Manner(Manner::Garbage(number.unwrap_or(0))),
            ("wholly", _) => Self::Manner(Manner::Wholly),
            ("midway", _) => Self::Manner(Manner::Midway),
            _ => Self::Echo,
        }
    }
}

impl Status {
    fn parse(word: &str, rest: &str) -> Option<Self> {
        let (status, times) = match word.split_once('x') {
            Some((status, times)) => (status, Some(times.parse().ok()?)),
            None => (word, None),
        };
        let status = status
            .parse()
            .ok()
            .filter(|status| (300..600).contains(status))?;
        let after = match rest {
            "" => None,
            "date" => Some(After::Date),
            seconds => Some(After::Seconds(seconds.parse().ok()?)),
        };
        Some(Self {
            status,
            times,
            after,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_models_do() {
        let status = |status, times, after| {
            Behaviour::Status(Status {
                status,
                times,
                after,
            })
        };
        for (name, want) in [
            ("echo", Behaviour::Echo),
            ("gpt-5.2", Behaviour::Echo),
            ("say:a: b", Behaviour::Say("a: b".into())),
            ("tools:a,b", Behaviour::Tools(vec!["a".into(), "b".into()])),
            ("429", status(429, None, None)),
            ("429x2", status(429, Some(2), None)),
            ("503x1:7", status(503, Some(1), Some(After::Seconds(7)))),
            ("429:date", status(429, None, Some(After::Date))),
            (
                "slow:5",
                Behaviour::Manner(Manner::Slow(Duration::from_millis(5))),
            ),
            ("args:9", Behaviour::Args(9)),
            ("200", Behaviour::Echo),
        ] {
            assert_eq!(Behaviour::parse(name), want, "{name}");
        }
    }
}

//! Documents of workspaces that are closed to agents by their names, whatever their grants say.

use icu_normalizer::uts46::Uts46MapperBorrowed;

/// The most bytes of a document that says who an agent is, and of any file of a workspace that is
/// taken over.
pub const IDENTITY_BYTES_MAX: u64 = 256 << 10;

/// Documents that say who an agent is and what it is to do.
pub const IDENTITY: &[&str] = &[
    "SOUL.md",
    "IDENTITY.md",
    "AGENTS.md",
    "TOOLS.md",
    "USER.md",
    "HEARTBEAT.md",
];

/// Whether a document of this path says who an agent is, or is called nearly so.
#[must_use]
pub fn is_identity(path: &str) -> bool {
    let seen = seen(path);
    let name = parts(&seen).next_back().unwrap_or_default();
    IDENTITY.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Whether a document of this path is of what an agent remembers, or is called nearly so. Any
/// folder may become a workspace, so the names are closed in all of them.
#[must_use]
pub fn is_memory(path: &str) -> bool {
    let seen = seen(path);
    let parts: Vec<&str> = parts(&seen).collect();
    match &parts[..] {
        [_, .., "memory.md" | "working.md" | "corrections.md"] => true,
        [_, .., "memory", "facts.jsonl"] => true,
        // The notes of a day and its log; and whatever else is kept beside them.
        [_, .., "memory", name] if is_a_day(name) => true,
        ["agents", _, "memory", _, ..] => true,
        _ => false,
    }
}

/// `2026-10-05.md`, `2026-10-05.jsonl`
fn is_a_day(name: &str) -> bool {
    let ending = |ending| name.strip_suffix(ending);
    let Some(day) = ending(".md").or_else(|| ending(".jsonl")) else {
        return false;
    };
    let fits = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    day.len() == "2026-10-05".len() && day.bytes().enumerate().all(fits)
}

/// A path as people see it and as file systems may take it: whatever the case and the form of its
/// letters, without blanks and without what isn't shown.
fn seen(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut keep = |letter: char| match letter {
        '\\' => out.push('/'),
        // What joins letters, and what stands in for all that has no place in a name.
        '\u{200c}' | '\u{200d}' | '\u{fffd}' => {}
        _ if letter.is_whitespace() || letter.is_control() => {}
        _ => out.push(letter),
    };
    if path.is_ascii() {
        let letters = path.chars();
        letters.for_each(|letter| keep(letter.to_ascii_lowercase()));
    } else {
        let mapper = Uts46MapperBorrowed::new();
        mapper.map_normalize(path.chars()).for_each(keep);
    }
    out
}

/// Some file systems drop dots at the end.
fn parts(seen: &str) -> impl DoubleEndedIterator<Item = &str> {
    let parts = seen.split('/').map(|part| part.trim_end_matches('.'));
    parts.filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a name is written so that it looks the same, or is the same file.
    const DISGUISES: &[(&str, &str)] = &[
        ("agents/fury/SOUL.md", "agents/fury/soul.MD"),
        ("agents/fury/SOUL.md", "agents/fury/\u{17f}OUL.md"),
        ("agents/fury/SOUL.md", "agents/fury/\u{ff33}OUL.md"),
        ("agents/fury/SOUL.md", "agents/fury/SOUL.md "),
        ("agents/fury/SOUL.md", "agents/fury/ SOUL.md"),
        ("agents/fury/SOUL.md", "agents/fury/SOUL\u{a0}.md"),
        ("agents/fury/SOUL.md", "agents/fury/SOUL\u{200b}.md"),
        ("agents/fury/SOUL.md", "agents/fury/SO\u{200d}UL.md"),
        ("agents/fury/SOUL.md", "agents/fury/SO\u{ad}UL.md"),
        ("agents/fury/SOUL.md", "agents/fury/\u{202e}SOUL.md"),
        ("agents/fury/SOUL.md", "agents/fury/SOUL.md\u{fe0f}"),
        ("agents/fury/SOUL.md", "agents/fury/SOUL.md\u{e0041}"),
        ("agents/fury/SOUL.md", "agents/fury/SOUL\u{ff0e}md"),
        ("agents/fury/SOUL.md", "agents/fury/SOUL.md."),
        ("agents/fury/SOUL.md", "agents/fury\u{ff0f}SOUL.md"),
        ("agents/fury/SOUL.md", "agents\\fury\\SOUL.md"),
        ("agents/fury/MEMORY.md", "agents/fury/memory.md"),
        ("agents/fury/MEMORY.md", "agents/fury/\u{2133}EMORY.md"),
        ("agents/fury/WORKING.md", "agents/fury/WOR\u{212a}ING.md"),
        (
            "agents/fury/CORRECTIONS.md",
            "agents/fury/CORRECTIONS.md\u{3000}",
        ),
        (
            "agents/fury/memory/facts.jsonl",
            "agents/fury/Memory/FACTS.json\u{217c}",
        ),
        (
            "agents/fury/memory/2026-11-30.md",
            "agents/fury/memory/2026-11-3\u{ff10}.md",
        ),
        (
            "agents/fury/memory/2026-11-30.md",
            "agents/fury/memory /2026-11-30.md",
        ),
    ];

    #[test]
    fn what_is_called_nearly_so_counts() {
        for (name, disguise) in DISGUISES {
            assert_eq!(
                seen(name),
                parts(&seen(disguise)).collect::<Vec<_>>().join("/")
            );
            let closed = |path| (is_identity(path), is_memory(path));
            assert_eq!(closed(name), closed(disguise), "{disguise:?}");
            assert!(closed(name) != (false, false), "{name}");
        }
        for other in [
            "agents/fury/S0UL.md",
            "agents/fury/SOUL.md.txt",
            "agents/fury/SOULS.md",
            "agents/fury/SO\u{308}UL.md",
            "agents/fury/notes/x.md",
            "SOUL.md/notes",
        ] {
            assert!(!is_identity(other) && !is_memory(other), "{other}");
        }
    }

    #[test]
    fn what_is_remembered_is_known_by_its_name() {
        for path in [
            "/agents/fury/MEMORY.md",
            "agents/fury/WORKING.md",
            "agents/fury/CORRECTIONS.md",
            "agents/fury/memory/facts.jsonl",
            "agents/fury/memory/2026-11-30.md",
            "agents/fury/memory/2026-11-30.jsonl",
            "agents/fury/memory/roof.md",
            "agents/fury/memory/old/roof.txt",
            "crew/MEMORY.md",
            "crew/kitchen/fury/WORKING.md",
            "crew/fury/memory/2026-11-30.md",
        ] {
            assert!(is_memory(path), "{path}");
            assert!(!is_identity(path), "{path}");
        }
        // No workspace is without a folder.
        for path in [
            "MEMORY.md",
            "/WORKING.md",
            "memory/facts.jsonl",
            "memory/2026-11-30.md",
            "crew/fury/memory/roof.md",
            "crew/memory/2026-11-3.md",
            "agents/memory/roof.md",
            "agents/fury/memory",
            "agents/fury/notes/2026-11-30.md",
            "agents/fury/hand-over.md",
            "notes/today.md",
        ] {
            assert!(!is_memory(path), "{path}");
        }
    }
}

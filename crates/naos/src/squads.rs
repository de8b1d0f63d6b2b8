//! The squads that come with naos: personas as files, in three languages.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "squads"]
struct Packs;

/// The languages that every pack speaks: code, and its own name.
pub(crate) const LANGUAGES: &[(&str, &str)] =
    &[("en", "English"), ("fr", "français"), ("mg", "malagasy")];

/// The packs there are, each with what it is.
pub(crate) const PACKS: &[(&str, &str)] = &[(
    "agency",
    "ten agents of an agency: technical, strategy, growth, operations, product, code, review, \
     courses, coaching, support",
)];

/// One persona of a pack.
pub(crate) struct Persona {
    pub(crate) name: String,
    pub(crate) description: String,
    /// Name and text of each of its files.
    pub(crate) files: BTreeMap<String, String>,
}

/// The file of each that says how it works, and who isn't in the squad.
pub(crate) const MANUAL: &str = "AGENTS.md";

impl Persona {
    /// Whose manual it is, and what it says where all of the squad are there.
    pub(crate) fn manual(&self) -> Option<(String, String)> {
        let manual = self.files.get(MANUAL)?;
        Some((self.name.clone(), manual.clone()))
    }
}

fn text(path: &str) -> Option<String> {
    let file = Packs::get(path)?;
    Some(String::from_utf8_lossy(&file.data).into_owned())
}

/// The personas of a pack in the order in which it introduces them, and what is the same for all.
pub(crate) fn pack(name: &str, language: &str) -> Option<(Vec<Persona>, Option<String>)> {
    let folder = format!("{name}/{language}");
    let descriptions = text(&format!("{folder}/descriptions.txt"))?;
    let mut out = Vec::new();
    for line in descriptions.lines() {
        let Some((name, description)) = line.split_once(':') else {
            continue;
        };
        let own = format!("{folder}/{name}/");
        let files = Packs::iter().filter_map(|path| {
            let file = path.strip_prefix(&own)?.to_owned();
            Some((file, text(&path)?))
        });
        out.push(Persona {
            name: name.to_owned(),
            description: description.trim().to_owned(),
            files: files.collect(),
        });
    }
    Some((out, text(&format!("{folder}/USER.md"))))
}

/// What the manual of each says besides where some of a squad aren't there: what would be theirs
/// goes to a person.
pub(crate) fn without(absent: &[String], language: &str) -> String {
    let names = absent.join(", ");
    match language {
        "fr" => format!(
            "\n## Absents de cette équipe\n\n{names}\u{a0}: ce qui devrait leur être transmis va à \
             une personne, avec `ask`.\n"
        ),
        "mg" => format!(
            "\n## Tsy ao amin'ity ekipa ity\n\n{names}: ampitao amin'olona amin'ny `ask` izay \
             tokony ho anjaran'izy ireo.\n"
        ),
        _ => format!(
            "\n## Not in this squad\n\n{names}: what would be handed to them goes to a person, \
             with `ask`.\n"
        ),
    }
}

/// Whether a text is a manual as naos wrote it for some members of a squad, and nobody changed it.
pub(crate) fn is_own(text: &str, base: &str, language: &str) -> bool {
    let Some(more) = text.strip_prefix(base) else {
        return false;
    };
    let said = more.lines().last().and_then(|line| line.split_once(':'));
    let Some((names, _)) = said else {
        return more.is_empty();
    };
    let names = names.trim_end().split(", ").map(str::to_owned);
    more == without(&names.collect::<Vec<_>>(), language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pack_is_whole_in_every_language() {
        for (name, _) in PACKS {
            let names = |language: &str| -> Vec<String> {
                let (all, user) = pack(name, language).unwrap();
                assert!(
                    user.is_some_and(|text| text.len() > 200),
                    "{language}: USER.md"
                );
                for persona in &all {
                    assert!(persona.description.len() > 20, "{}", persona.name);
                    for file in ["SOUL.md", "AGENTS.md", "HEARTBEAT.md"] {
                        let text = persona.files.get(file).map_or("", String::as_str);
                        let least = if file == "HEARTBEAT.md" { 50 } else { 600 };
                        assert!(text.len() > least, "{language}/{}/{file}", persona.name);
                        assert!(text.len() < 8_000, "{language}/{}/{file}", persona.name);
                    }
                }
                all.into_iter().map(|persona| persona.name).collect()
            };
            // The tool hands over; a sentence doesn't.
            for (language, _) in LANGUAGES {
                for persona in pack(name, language).unwrap().0 {
                    let manual = &persona.files["AGENTS.md"];
                    assert!(
                        manual.contains("`hand_over`"),
                        "{language}/{}",
                        persona.name
                    );
                }
                let absent = ["dev".to_owned(), "review".to_owned()];
                let more = without(&absent, language);
                assert!(more.contains("dev, review"), "{language}");
                let base = "# A manual\n";
                for (text, own) in [
                    (base.to_owned(), true),
                    (format!("{base}{more}"), true),
                    (format!("{base}{more}Be brief.\n"), false),
                    (format!("{base}\nTo whom: it may concern\n"), false),
                    (more.clone(), false),
                ] {
                    assert_eq!(is_own(&text, base, language), own, "{text}");
                }
            }
            let first = names(LANGUAGES[0].0);
            assert!(first.len() >= 4);
            for (language, _) in &LANGUAGES[1..] {
                assert_eq!(names(language), first, "{language}");
            }
        }
    }
}

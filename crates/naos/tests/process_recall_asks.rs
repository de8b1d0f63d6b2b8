//! Recall for which a model at an address outside is asked what words mean: each text is asked for
//! once, it is paid, and where it gives nothing letters stand in.

mod project;

use naos_modelserver::Seen;
use project::office::Office;
use serde_json::{Value, json};

const CAR: &str = "The car stands behind the mill";

fn lines(steps: &[Value]) -> String {
    steps.iter().map(|step| format!("{step}\n")).collect()
}

fn call(name: &str, arguments: Value) -> Value {
    json!({"name": name, "arguments": arguments})
}

fn recall(query: &str) -> Value {
    json!({"call": [call("recall", json!({ "query": query }))]})
}

/// Keeps two notes, then recalls once in each run.
fn script(queries: &[&str]) -> String {
    let fact = |fact: &str| {
        let given = json!({"fact": fact, "confidence": 0.9, "source": "Ann"});
        call("remember", given)
    };
    let said = json!({"say": "Done."});
    let mut steps = vec![json!({"call": [fact(CAR), fact("The boat is in the yard")]})];
    steps.push(said.clone());
    for query in queries {
        steps.extend([recall(query), said.clone()]);
    }
    lines(&steps)
}

/// An agent whose recall asks a model that its server calls so.
fn office(queries: &[&str], model: &str) -> Office {
    let office = Office::new(&script(queries));
    office.connect();
    let meanings = format!(
        "type: model\nname: meanings\nprovider: openai-compatible\nendpoint: {}\n\
         model: {model}\nkey: env:NAOS_MODEL_TEST\ncapabilities: [embeddings]\n\
         cost_per_1m_tokens: {{input: 100}}\n",
        office.server.url("/v1")
    );
    let keeper = "type: agent\nname: keeper\ndescription: Remembers.\nmodel: fast\n\
                  prompt: You remember.\nworkspace: agents/keeper\n\
                  tools: [remember, recall]\nrecall: meanings\n";
    for text in [meanings.as_str(), keeper] {
        let applied = office
            .project
            .naos_with(&["apply", "-f", "-"], text.as_bytes());
        assert_eq!(applied.exit, 0, "{}", applied.stderr);
    }
    office
}

fn run(office: &Office) -> Value {
    office.project.json(&["run", "keeper", "--input", "Look."])
}

/// What was asked of the model that gives vectors, request by request.
fn embedded(office: &Office) -> Vec<Seen> {
    let seen = office.server.seen().into_iter();
    seen.filter(|seen| seen.path == "/v1/embeddings").collect()
}

fn last_asked(office: &Office) -> String {
    office.server.seen().pop().unwrap().body.to_string()
}

#[test]
fn process_a_model_outside_knows_what_words_mean_and_is_asked_once() {
    let office = office(&["Where is the vehicle?", "A ship?", "A ship?"], "embeds");
    run(&office);
    assert!(embedded(&office).is_empty());
    let done = run(&office);
    assert_eq!(done["status"], "completed", "{done}");
    let asked = last_asked(&office);
    for said in ["1 of 1 that fit", CAR] {
        assert!(asked.contains(said), "{said}: {asked}");
    }
    let first = embedded(&office);
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0].body["model"], "embeds");
    assert_eq!(
        first[0].body["input"].as_array().unwrap().len(),
        3,
        "{first:?}"
    );
    // It is paid: what it said that it used, at $100 for a million.
    let texts = first[0].body["input"].as_array().unwrap().iter();
    let words = texts.map(|text| text.as_str().unwrap().split_whitespace().count());
    let vectors = words.sum::<usize>() as u64 * 100;
    let id = done["run"].as_str().unwrap();
    let shown = office.project.json(&["get", "run", id]);
    let steps = shown["steps_detail"].as_array().unwrap();
    let paid = steps.iter().filter_map(|step| step["cost_micros"].as_u64());
    assert_eq!(Some(paid.sum()), shown["cost_micros"].as_u64(), "{shown:#}");
    let mut recalls = steps.iter().filter(|step| step["ability"] == "recall");
    assert_eq!(recalls.next().unwrap()["cost_micros"], vectors, "{shown:#}");
    // The same memory again: only the query is new, and then nothing is.
    for count in [2, 2] {
        let done = run(&office);
        assert_eq!(done["status"], "completed", "{done}");
        let all = embedded(&office);
        assert_eq!(all.len(), count, "{all:?}");
        assert_eq!(all[count - 1].body["input"], json!(["A ship?"]));
        assert!(last_asked(&office).contains("The boat is in the yard"));
    }
    let replayed = office.project.json(&["replay", id]);
    assert_eq!(replayed["same"], true, "{replayed:#}");
    // People's own searches ask nobody, and say so.
    let search = ["memory", "search", "keeper", "vehicle"];
    let found = office.project.naos(&search);
    assert_eq!(found.exit, 0, "{}", found.stderr);
    assert!(
        found.stderr.contains("meanings is asked by runs"),
        "{}",
        found.stderr
    );
    assert_eq!(embedded(&office).len(), 2);
}

#[test]
fn process_where_a_model_gives_no_vectors_letters_stand_in() {
    let office = office(&["cars", "vehicle"], "embeds-not");
    run(&office);
    for (want, fits) in [(CAR, true), ("Nothing fits", false)] {
        let done = run(&office);
        assert_eq!(done["status"], "completed", "{done}");
        let asked = last_asked(&office);
        for said in [want, "By words and letters alone", "no vectors today"] {
            assert!(asked.contains(said), "{said}: {asked}");
        }
        assert_eq!(asked.contains("that fit, the best first"), fits, "{asked}");
    }
}

#[test]
fn process_who_bills_more_than_it_can_stops_the_agent() {
    let office = office(&["vehicle"], "embeds-dear");
    run(&office);
    let words = ["run", "keeper", "--input", "Look.", "--json"];
    let done = office.project.naos(&words);
    assert_ne!(done.exit, 0, "{}", done.stdout);
    let said = done.stdout + &done.stderr;
    assert!(said.contains("N0222"), "{said}");
    let costs = office.project.json(&["cost", "status"]);
    let mut models = costs["models"].as_array().unwrap().iter();
    let meanings = models.find(|one| one["model"] == "meanings").unwrap();
    assert_eq!(meanings["incidents"], 1, "{costs}");
    let again = office.project.naos(&words);
    assert_eq!(again.exit, 3, "the agent is stopped: {}", again.stdout);
}

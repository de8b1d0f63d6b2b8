//! `/api/v1/inbox`: who is called, who follows, whose a task is, to whom an answer is left.

use http::StatusCode;
use serde_json::{Value, json};

use super::approvals::held_for;
use crate::pages::hidden;
use crate::support::Rig;

/// Somebody with a word by which they are called.
struct Person {
    id: String,
    token: String,
}

impl Person {
    async fn new(rig: &Rig, handle: &str, role: &str) -> Self {
        let body = json!({"name": handle.to_uppercase(), "role": role, "handle": handle});
        let made = rig.post("/api/v1/members", body).await.ok();
        assert_eq!(made["handle"], handle);
        let text = |key: &str| made[key].as_str().unwrap().to_owned();
        Self {
            id: text("member"),
            token: text("token"),
        }
    }

    async fn post(&self, rig: &Rig, path: &str, body: Value) -> crate::support::Got {
        rig.api(&self.token, "POST", path, body).await
    }

    /// What they did not see yet: what happened, and about what; the newest first.
    async fn new_to(&self, rig: &Rig) -> Vec<String> {
        let path = "/api/v1/inbox";
        let got = rig.api(&self.token, "GET", path, Value::Null).await.ok();
        let items = got["items"].as_array().unwrap();
        assert_eq!(got["unseen"], items.len());
        let one = |item: &Value| {
            let word = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
            let words = [word("what"), word("status"), word("text")];
            let words: Vec<String> = words.into_iter().filter(|it| !it.is_empty()).collect();
            words.join(" ")
        };
        items.iter().map(one).collect()
    }

    async fn saw_it(&self, rig: &Rig) {
        self.post(rig, "/api/v1/inbox/seen", json!({})).await.ok();
        assert_eq!(self.new_to(rig).await, Vec::<String>::new());
    }
}

async fn create(rig: &Rig, wish: Value) -> String {
    let made = rig.post("/api/v1/tasks", wish).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.json()["task"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_called_and_who_follows_hears_of_it() {
    let rig = Rig::new().await;
    let ana = Person::new(&rig, "ana", "staff").await;
    let bema = Person::new(&rig, "bema", "admin").await;
    let guest = Person::new(&rig, "guest", "external").await;
    let task = create(&rig, json!({"title": "The flyer"})).await;
    let say = format!("/api/v1/tasks/{task}/messages");
    let said = rig
        .post(&say, json!({"text": "@ana @guest @nobody which paper?"}))
        .await
        .json();
    assert_eq!(said["calls"], json!([]), "no agent: {said}");
    assert_eq!(said["tells"], json!(["ana"]), "{said}");
    assert_eq!(
        said["outside"],
        json!(["guest"]),
        "they see no board: {said}"
    );
    assert_eq!(said["unknown"], json!(["nobody"]));
    assert_eq!(
        ana.new_to(&rig).await,
        ["mention @ana @guest @nobody which paper?"]
    );
    assert!(bema.new_to(&rig).await.is_empty(), "nobody called him");
    let low = rig
        .api(&guest.token, "GET", "/api/v1/inbox", Value::Null)
        .await;
    assert_eq!(low.problem().0, 403, "who sees no thread has no inbox");
    let audit = rig.get("/api/v1/audit?last=5").await.ok().to_string();
    let to_ana = format!("mention to {}", ana.id);
    assert!(audit.contains(&to_ana), "and is told of nothing: {audit}");
    ana.saw_it(&rig).await;
    let all = rig
        .api(&ana.token, "GET", "/api/v1/inbox?all=true", Value::Null)
        .await
        .ok();
    assert_eq!(all["items"][0]["seen"], true, "it stays: {all}");

    // Who speaks follows; who made the task does, too.
    ana.post(&rig, &say, json!({"text": "The thick one."}))
        .await
        .json();
    let owner = rig.get("/api/v1/inbox").await.ok();
    assert_eq!(owner["items"][0]["what"], "message", "{owner}");
    assert_eq!(owner["items"][0]["by"], "ANA");
    assert_eq!(owner["items"][0]["title"], "The flyer");
    assert!(ana.new_to(&rig).await.is_empty(), "she said it herself");
    let said = rig.post(&say, json!({"text": "Good."})).await.json();
    assert_eq!(said["tells"], json!(["ana"]), "she follows: {said}");
    assert_eq!(ana.new_to(&rig).await, ["message Good."]);
    ana.saw_it(&rig).await;

    // Muted: only what calls her by name.
    let follow = format!("/api/v1/tasks/{task}/follow");
    let muted = ana.post(&rig, &follow, json!({"on": false})).await.ok();
    assert_eq!(muted["changed"], true);
    let said = rig.post(&say, json!({"text": "And the ink?"})).await.json();
    assert_eq!(said["tells"], json!([]), "{said}");
    rig.post(&say, json!({"text": "@ana the ink?"}))
        .await
        .json();
    assert_eq!(ana.new_to(&rig).await, ["mention @ana the ink?"]);
    bema.post(&rig, &follow, json!({"on": true})).await.ok();
    let said = rig
        .post(&say, json!({"text": "@all it is printed"}))
        .await
        .json();
    assert_eq!(said["tells"], json!(["bema"]), "all who follow: {said}");
    assert_eq!(said["unknown"], json!([]), "all are nobody's name: {said}");
    assert_eq!(bema.new_to(&rig).await, ["mention @all it is printed"]);
    let cancel = format!("/api/v1/tasks/{task}/cancel");
    rig.post(&cancel, json!({})).await.ok();
    assert_eq!(bema.new_to(&rig).await[0], "task.ended cancelled");
    assert_eq!(ana.new_to(&rig).await.len(), 1, "she muted it");
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_a_task_is_hears_of_it() {
    let rig = Rig::new().await;
    let ana = Person::new(&rig, "ana", "staff").await;
    let bema = Person::new(&rig, "bema", "staff").await;
    let task = create(&rig, json!({"title": "Call Soa", "to": "@ana"})).await;
    assert_eq!(ana.new_to(&rig).await, ["task.assigned"]);
    let lost = json!({"title": "Call Soa", "to": "@soa"});
    let lost = rig.post("/api/v1/tasks", lost).await;
    assert_eq!(lost.problem(), (404, "N0121".into()));
    assert!(lost.text.contains("nobody is called @soa"), "{lost:?}");
    let hand = format!("/api/v1/tasks/{task}/hand-over");
    let note = json!({"to": "@bema", "note": "You know her."});
    ana.post(&rig, &hand, note).await.ok();
    assert_eq!(
        bema.new_to(&rig).await,
        ["message You know her.", "task.assigned"]
    );
    let done = format!("/api/v1/tasks/{task}/done");
    bema.post(&rig, &done, json!({})).await.ok();
    assert_eq!(bema.new_to(&rig).await.len(), 2, "he knows what he did");
    assert_eq!(
        ana.new_to(&rig).await[0],
        "task.ended done",
        "she handed it over"
    );
    let owner = rig.get("/api/v1/inbox").await.ok();
    assert_eq!(owner["items"][0]["status"], "done", "the owner made it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_calls_one_only() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    let ana = Person::new(&rig, "ana", "staff").await;
    for (word, status) in [
        ("ana", 409),
        ("clerk", 409),
        ("all", 409),
        ("Ana Rabe", 400),
    ] {
        let body = json!({"name": "x", "role": "staff", "handle": word});
        let got = rig.post("/api/v1/members", body).await;
        assert_eq!(got.problem().0, status, "{word}");
    }
    let members = rig.get("/api/v1/members").await.ok();
    assert_eq!(members["items"].as_array().unwrap().len(), 2, "{members}");
    let agent = rig.post("/api/v1/agents", json!({"name": "ana"})).await;
    assert_eq!(agent.problem().0, 409, "a member is called so");
    let own = format!("/api/v1/members/{}/handle", ana.id);
    let low = ana.post(&rig, &own, json!({"handle": "anna"})).await;
    assert_eq!(low.problem().0, 403);
    rig.post("/api/v1/members/@ana/handle", json!({"handle": "anna"}))
        .await
        .ok();
    rig.post("/api/v1/agents", json!({"name": "ana"}))
        .await
        .ok();
    let gone = rig
        .post("/api/v1/members/@ana/handle", json!({"handle": null}))
        .await;
    assert_eq!(gone.problem().0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_left_to_somebody() {
    let rig = Rig::new().await;
    let ana = Person::new(&rig, "ana", "staff").await;
    let bema = Person::new(&rig, "bema", "staff").await;
    Person::new(&rig, "guest", "external").await;
    let (_, asked) = held_for(&rig, "admin").await;
    let id = asked["approval"].as_str().unwrap();
    let (decide, leave) = (
        format!("/api/v1/approvals/{id}/decide"),
        format!("/api/v1/approvals/{id}/delegate"),
    );
    let yes = json!({"approve": true, "seen": asked["seen"]});
    assert_eq!(ana.post(&rig, &decide, yes.clone()).await.problem().0, 403);
    let low = ana.post(&rig, &leave, json!({"to": "@ana"})).await;
    assert_eq!(
        low.problem().0,
        403,
        "who may not answer leaves it to nobody"
    );
    for (to, status) in [("@nobody", 404), ("@guest", 403)] {
        assert_eq!(
            rig.post(&leave, json!({"to": to})).await.problem().0,
            status,
            "{to}"
        );
    }
    let left = json!({"to": "@ana", "note": "You know the client."});
    let answer = rig.post(&leave, left).await.ok();
    assert_eq!(answer["name"], "ANA", "{answer}");
    let told = "approval.delegated You know the client.";
    assert_eq!(ana.new_to(&rig).await, [told]);
    let shown = rig.get(&format!("/api/v1/approvals/{id}")).await.ok();
    assert_eq!(shown["delegated"]["note"], "You know the client.");
    assert_eq!(shown["delegated"]["name"], "ANA");
    let on = ana.post(&rig, &leave, json!({"to": "@bema"})).await;
    assert_eq!(on.problem().0, 403, "what was left by name is not left on");
    assert_eq!(bema.post(&rig, &decide, yes.clone()).await.problem().0, 403);
    ana.post(&rig, &decide, yes).await.ok();
    let answered = rig.get(&format!("/api/v1/approvals/{id}")).await.ok();
    assert_eq!(answered["status"], "approved");
    let late = rig.post(&leave, json!({"to": "@ana"})).await;
    assert_eq!(late.problem(), (409, "N0131".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_left_to_somebody_who_goes_waits_for_others() {
    let rig = Rig::new().await;
    let ana = Person::new(&rig, "ana", "staff").await;
    let bema = Person::new(&rig, "bema", "staff").await;
    let soa = Person::new(&rig, "soa", "admin").await;
    let (_, asked) = held_for(&rig, "admin").await;
    let id = asked["approval"].as_str().unwrap();
    let place = format!("/api/v1/approvals/{id}");
    let leave = format!("{place}/delegate");
    let told = "approval.delegated ANA, to whom the answer was left, is gone or answers no \
                questions any more: it waits for you, and whoever else may answer";
    rig.post(&leave, json!({"to": "@ana"})).await.ok();
    assert_eq!(soa.new_to(&rig).await, Vec::<String>::new());
    let role = format!("/api/v1/members/{}/role", ana.id);
    // A role that answers questions changes nothing; one that doesn't is as if they were gone.
    rig.post(&role, json!({"role": "admin"})).await.ok();
    assert_eq!(soa.new_to(&rig).await, Vec::<String>::new());
    rig.post(&role, json!({"role": "external"})).await.ok();
    assert_eq!(soa.new_to(&rig).await, [told]);
    assert_eq!(
        bema.new_to(&rig).await,
        Vec::<String>::new(),
        "who may not answer"
    );
    assert_eq!(rig.get(&place).await.ok()["delegated"]["gone"], true);
    soa.saw_it(&rig).await;
    // The same where they are removed; the owner who did it hears of it, too.
    rig.post(&leave, json!({"to": "@bema"})).await.ok();
    assert_eq!(rig.get(&place).await.ok()["delegated"]["gone"], false);
    let gone = format!("/api/v1/members/{}", bema.id);
    let removed = rig.api(&rig.owner, "DELETE", &gone, Value::Null).await;
    assert_eq!(removed.ok()["name"], "BEMA");
    let heard = soa.new_to(&rig).await;
    assert!(
        heard[0].contains("a member who was removed (mem_")
            && heard[0].contains("to whom the answer was left"),
        "{heard:?}"
    );
    let mine = rig.get("/api/v1/inbox").await.ok();
    assert_eq!(mine["items"][0]["subject"], id, "{mine}");
    let cookie = rig.sign_in(&soa.token).await;
    for path in ["/approvals", &format!("/approvals/{id}"), "/inbox"] {
        let page = rig.page(&cookie, path).await.text;
        let said = page.contains("is gone or answers no more") || page.contains("left to is gone");
        assert!(said, "{path}: {page}");
    }
    let yes = json!({"approve": true, "seen": asked["seen"]});
    soa.post(&rig, &format!("{place}/decide"), yes).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_it_and_puts_it_away() {
    let rig = Rig::new().await;
    let ana = Person::new(&rig, "ana", "staff").await;
    let task = create(&rig, json!({"title": "The flyer"})).await;
    let say = format!("/api/v1/tasks/{task}/messages");
    rig.post(&say, json!({"text": "@ana which paper?"}))
        .await
        .json();
    let cookie = rig.sign_in(&ana.token).await;
    let page = rig.page(&cookie, "/inbox").await.text;
    for part in ["The flyer", "which paper?", "@ana", "id=\"badge-inbox\">1<"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let key = hidden(&page, "idempotency_key");
    let form = format!("idempotency_key={key}&upto={}", hidden(&page, "upto"));
    rig.form(&cookie, "/inbox", &form).await;
    assert!(ana.new_to(&rig).await.is_empty());
    let place = format!("/tasks/{task}");
    let page = rig.page(&cookie, &place).await.text;
    assert!(page.contains("value=\"follow\""), "{page}");
    let key = hidden(&page, "idempotency_key");
    rig.form(&cookie, &place, &format!("idempotency_key={key}&do=follow"))
        .await;
    let page = rig.page(&cookie, &place).await.text;
    assert!(page.contains("value=\"mute\""), "{page}");
}

/// The stand-ups that lie in somebody's inbox, in this language.
async fn standups(rig: &Rig, token: &str, language: &str) -> Vec<Value> {
    let path = format!("/api/v1/inbox?all=true&language={language}");
    let got = rig.api(token, "GET", &path, Value::Null).await.ok();
    let items = got["items"].as_array().unwrap().iter();
    let told = items.filter(|item| item["what"] == "standup");
    told.cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stand_up_comes_by_itself_in_the_readers_language() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    let ana = Person::new(&rig, "ana", "staff").await;
    let bema = Person::new(&rig, "bema", "staff").await;
    let text = "type: schedule\nname: hers\nevery: 1s\nstandup: {to: [ana], language: fr}\n";
    let files = json!([{"name": "s.yaml", "text": text}]);
    rig.post("/api/v1/apply", json!({ "files": files }))
        .await
        .ok();
    create(&rig, json!({"title": "Ask Ann", "to": ana.id})).await;
    create(&rig, json!({"title": "Somebody should"})).await;
    let end = naos_engine::clock::tick() + std::time::Duration::from_secs(20);
    let said = loop {
        // What comes in two pieces is told in two: both tasks stand in the last one.
        let told = standups(&rig, &ana.token, "mg").await;
        let whole = told.into_iter().find(|one| {
            let tasks = &one["standup"]["totals"];
            (&tasks["inbox"], &tasks["assigned"]) == (&json!(1), &json!(1))
        });
        if let Some(whole) = whole {
            break whole;
        }
        assert!(naos_engine::clock::tick() < end, "nobody told her");
        tokio::task::yield_now().await;
    };
    let (title, text) = (&said["title"], said["text"].as_str().unwrap());
    assert!(title.as_str().unwrap().starts_with("Tatitry"), "{said}");
    assert!(text.contains("ANA\n- manaraka: Ask Ann"), "{text}");
    assert!(text.contains("- vaovao: Somebody should"), "{text}");
    assert_eq!(
        (&said["by"], &said["subject"]),
        (&json!("naos"), &json!("hers"))
    );
    let asked = |language: &'static str| {
        let (rig, token) = (&rig, &ana.token);
        async move { standups(rig, token, language).await[0]["title"].to_string() }
    };
    assert!(asked("en").await.contains("Stand-up of 20"));
    let wrong = rig.get("/api/v1/inbox?language=de").await;
    assert_eq!(wrong.problem(), (400, "N0102".into()));
    assert!(
        standups(&rig, &bema.token, "en").await.is_empty(),
        "it names her"
    );

    // Where nobody asks for a language it is the schedule's; the page shows it line by line.
    let path = "/api/v1/inbox?all=true";
    let got = rig.api(&ana.token, "GET", path, Value::Null).await.ok();
    assert!(got.to_string().contains("Point du 20"), "{got}");
    let cookie = rig.sign_in(&ana.token).await;
    let page = rig.page(&cookie, "/inbox").await;
    assert!(page.text.contains("- ensuite: Ask Ann"), "{}", page.text);

    // Nothing happens any more: the schedule goes on and tells of nothing.
    let count = standups(&rig, &ana.token, "en").await.len();
    let runs = |found: &Value| found["runs"].as_u64().unwrap();
    let before = runs(&rig.get("/api/v1/schedules/hers").await.ok());
    let last = loop {
        let found = rig.get("/api/v1/schedules/hers").await.ok();
        if runs(&found) > before + 1 {
            break found;
        }
        assert!(naos_engine::clock::tick() < end, "{found}");
        tokio::task::yield_now().await;
    };
    assert_eq!(last["last_run"], "nothing happened", "{last}");
    assert_eq!(last["starts"], json!({"kind": "standup", "name": "@ana"}));
    assert_eq!(standups(&rig, &ana.token, "en").await.len(), count);
}

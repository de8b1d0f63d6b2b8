//! Letters to receivers of notices: CloudEvents, signed as Standard Webhooks.

use naos_drivers::http::HttpClient;
use naos_drivers::webhook::{Delivery, Secret, Told, deliver};
use naos_engine::node::{OutsideOutcome, Posted};
use naos_types::fact::notice::About;
use naos_types::spec::{Gathered, variable};
use naos_web::standup;
use serde_json::{Value, json};

use super::MEDIA_TYPE;

/// Sends a letter once.
pub(super) async fn post(client: &HttpClient, posted: Posted) -> OutsideOutcome {
    let secret = match posted.letter.secret.as_deref().map(secret) {
        None => None,
        Some(Ok(secret)) => Some(secret),
        // Whoever runs naos may set it and start again: the letter waits for that.
        Some(Err(why)) => return OutsideOutcome::NotSent(why),
    };
    let delivery = Delivery {
        url: posted.letter.url.clone(),
        id: posted.key.clone(),
        same: None,
        timestamp: naos_engine::clock::now().0 / 1_000,
        secret,
        content_type: MEDIA_TYPE,
        body: event(&posted).to_string().into_bytes(),
    };
    match deliver(client, delivery).await {
        Told::Taken(said) => OutsideOutcome::Answered(said.into_bytes()),
        Told::NotTaken(why) => OutsideOutcome::Lost(why),
        Told::Never(why) => OutsideOutcome::Refused(why),
    }
}

/// The secret that a handle stands for; a refusal never holds it.
fn secret(handle: &str) -> Result<Secret, String> {
    let name = variable(handle)?;
    let text = std::env::var(name)
        .map_err(|_| format!("the process that runs naos has no variable {name}"))?;
    Secret::parse(&text).map_err(|why| format!("{name}: {why}"))
}

const fn is_personal(about: &About) -> bool {
    matches!(about, About::News(..))
}

/// The same for every attempt: receivers may compare what they got.
fn event(posted: &Posted) -> Value {
    let Posted {
        tenant,
        key,
        letter,
        title,
        together,
        more,
        standup: told,
    } = posted;
    // Where what is told together is: an inbox where all of it is somebody's, else what waits.
    let path = match &letter.about {
        About::Digest(..) if !together.iter().all(|(one, _)| is_personal(&one.about)) => {
            "/approvals".to_owned()
        }
        about => about.path(),
    };
    let page = letter.page.as_ref().map(|page| page.trim_end_matches('/'));
    let at = |path: &str| page.map(|page| format!("{page}{path}"));
    let mut data = json!({
        "tenant": tenant,
        "what": letter.about.word(),
        "id": letter.about.subject(),
        "path": path,
    });
    if let Value::Object(data) = &mut data {
        if let Some(page) = at(&path) {
            data.insert("page".into(), json!(page));
        }
        if !together.is_empty() {
            let one = |(one, title): &(Gathered, Option<String>)| {
                json!({
                    "what": one.about.word(),
                    "id": one.about.subject(),
                    "path": one.about.path(),
                    "page": at(&one.about.path()),
                    "time": one.at.rfc3339(),
                    "title": title,
                })
            };
            let items: Vec<Value> = together.iter().map(one).collect();
            data.insert("items".into(), json!(items));
            data.insert("more".into(), json!(more));
        }
        if let Some(title) = title {
            data.insert("title".into(), json!(title));
        }
        if let Some(told) = told {
            data.insert("standup".into(), standup::totals(told));
            if title.is_some() {
                let tongue = told.language.unwrap_or_default();
                data.insert("text".into(), json!(standup::text(told, tongue)));
            }
        }
    }
    json!({
        "specversion": "1.0",
        "id": key,
        "source": format!("/naos/{tenant}"),
        "type": format!("naos.{}", letter.about.word()),
        "time": letter.at.rfc3339(),
        "subject": letter.about.subject().unwrap_or_else(|| "test".into()),
        "datacontenttype": "application/json",
        "data": data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use naos_types::fact::member::News;
    use naos_types::spec::Letter;
    use naos_types::{ApprovalId, MemberId, Name, TaskId, TenantId, Time};

    #[test]
    fn a_letter_says_what_it_may_and_no_more() {
        let approval = ApprovalId(7);
        let posted = |title: Option<&str>, page: Option<&str>| Posted {
            tenant: TenantId(1),
            key: "k".into(),
            letter: Letter {
                url: "https://hooks.example.org/".into(),
                secret: Some("env:NAOS_HOOK_X".into()),
                page: page.map(str::to_owned),
                about: About::Approval(approval),
                at: Time(0),
                title: None,
            },
            title: title.map(str::to_owned),
            together: Vec::new(),
            more: 0,
            standup: None,
        };
        let plain = event(&posted(None, None));
        assert_eq!(plain["type"], "naos.approval.requested");
        assert_eq!(plain["id"], "k");
        assert_eq!(plain["subject"], approval.to_string());
        assert_eq!(plain["data"]["title"], Value::Null);
        assert!(!plain.to_string().contains("NAOS_HOOK"), "{plain}");
        let whole = event(&posted(Some("publish?"), Some("https://naos.example.org/")));
        assert_eq!(whole["data"]["title"], "publish?");
        let page = format!("https://naos.example.org/approvals/{approval}");
        assert_eq!(whole["data"]["page"], page);
    }

    #[test]
    fn what_is_told_together_leads_to_where_it_is() {
        let news = About::News(MemberId(1), 1, News::Assigned(TaskId(2)));
        let asked = About::Approval(ApprovalId(7));
        for (abouts, path) in [
            (vec![asked.clone()], "/approvals"),
            (vec![news.clone()], "/inbox"),
            (vec![news, asked], "/approvals"),
        ] {
            let one = |about| {
                let (at, title) = (Time(0), None);
                (Gathered { about, at, title }, None)
            };
            let posted = Posted {
                tenant: TenantId(1),
                key: "k".into(),
                letter: Letter {
                    url: "https://hooks.example.org/".into(),
                    secret: None,
                    page: Some("https://naos.example.org".into()),
                    about: About::Digest(Name::new("office").unwrap(), Time(0)),
                    at: Time(0),
                    title: None,
                },
                title: None,
                together: abouts.into_iter().map(one).collect(),
                more: 0,
                standup: None,
            };
            let data = &event(&posted)["data"];
            assert_eq!(data["path"], path, "{data}");
            assert_eq!(data["page"], format!("https://naos.example.org{path}"));
        }
    }

    #[test]
    fn a_secret_that_is_not_there_is_named() {
        let why = secret("env:NAOS_HOOK_NOBODY_SET_THIS").unwrap_err();
        assert!(why.contains("NAOS_HOOK_NOBODY_SET_THIS"), "{why}");
    }
}

//! `/tenants`: for the owner of the main tenant.

use http::StatusCode;
use naos_engine::read::Reader;
use naos_kernel::tenant::Slug;
use naos_types::{Code, Name};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::door::{Answered, Call, json, ok};
use crate::error::Fault;
use crate::setup::{SYSTEM, make_tenant};

/// The longest title of a tenant, in bytes.
const TITLE_BYTES_MAX: usize = 200;

/// Other tenants' owners don't learn that there are such routes.
fn main_only(call: &Call) -> Result<(), Fault> {
    if call.who()?.tenant == call.desk.app.main {
        return Ok(());
    }
    Err(Fault::new(
        Code::NOT_FOUND,
        "nothing stands at this address",
    ))
}

pub(crate) async fn list(call: Call) -> Answered {
    main_only(&call)?;
    call.desk.app.node.flush(SYSTEM).await;
    let slugs = Reader::new(&call.desk.app.node, SYSTEM)?.all::<Slug>(usize::MAX)?;
    let one =
        |(slug, kept): &(Name, std::sync::Arc<Slug>)| json!({"slug": slug, "tenant": kept.tenant});
    let items: Vec<Value> = slugs.iter().map(one).collect();
    ok(&json!({"items": items, "next": null}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    slug: String,
    title: Option<String>,
}

pub(crate) async fn create(call: Call) -> Answered {
    main_only(&call)?;
    let Create { slug, title } = call.json()?;
    let slug = Name::new(&slug).map_err(|e| Fault::new(Code::BAD_NAME, e.to_string()))?;
    let title = title.unwrap_or_else(|| slug.to_string());
    if title.len() > TITLE_BYTES_MAX {
        let what = format!("a tenant's title has at most {TITLE_BYTES_MAX} bytes");
        return Err(Fault::new(Code::BAD_REQUEST, what));
    }
    let node = &call.desk.app.node;
    node.flush(SYSTEM).await;
    let seed = call.key.is_some().then(|| call.derived());
    let taken = Reader::new(node, SYSTEM)?.find::<Slug>(&slug)?;
    if taken.is_some() && seed.is_none() {
        return Err(Fault::new(
            Code::EXISTS,
            format!("the slug {slug} is taken"),
        ));
    }
    let actor = call.who()?.actor();
    let made = make_tenant(node, &actor, &slug, &title, "owner", seed).await?;
    let value = json!({
        "tenant": made.tenant,
        "slug": slug,
        "token": made.token,
        "seq": made.seq,
    });
    Ok(json(StatusCode::CREATED, &value))
}

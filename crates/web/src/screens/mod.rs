//! What fills the pages: one file for each, reading with the same `Reader` as the API and writing
//! through the same commands. Forms answer with a redirect, so that reloading repeats nothing.

pub(crate) mod agents;
pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod board;
pub(crate) mod costs;
pub(crate) mod documents;
pub(crate) mod drivers;
pub(crate) mod events;
mod evidence;
pub(crate) mod flows;
pub(crate) mod home;
pub(crate) mod inbox;
pub(crate) mod live;
pub(crate) mod plans;
pub(crate) mod pools;
mod rows;
pub(crate) mod runs;
pub(crate) mod schedules;
pub(crate) mod sign_in;
pub(crate) mod supervisors;
pub(crate) mod tasks;
pub(crate) mod timeline;
pub(crate) mod turns;
pub(crate) mod what_ifs;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use naos_kernel::approval::Approval;
use naos_kernel::tenant::Quarantine;
use naos_types::{Code, Role};

use crate::app::Desk;
use crate::auth::{cookie, token::base32};
pub(crate) use crate::door::coded as escape;
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::locale::Locale;
use crate::pages::error::ErrorPage;
use crate::pages::run::Problem;
use crate::pages::words;
use crate::pages::{self, Page, Shell, User, assets};

/// The cookie that holds the chosen language.
pub(crate) const LANGUAGE: &str = "naos_lang";

/// The language of a request.
pub(crate) fn locale(headers: &HeaderMap) -> Locale {
    let accept = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    Locale::negotiate(accept, cookie(headers, LANGUAGE))
}

/// A key for a form: whoever sends it twice does it once.
pub(crate) fn form_key() -> String {
    base32(&naos_engine::chance::roll().to_be_bytes())
}

fn html(status: StatusCode, text: askama::Result<String>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    match text {
        Ok(text) => (status, kind, text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page doesn't render");
            (StatusCode::INTERNAL_SERVER_ERROR, "the page doesn't render").into_response()
        }
    }
}

/// A form with one button of several.
#[derive(serde::Deserialize)]
struct Buttons {
    #[serde(rename = "do")]
    verb: String,
    idempotency_key: String,
}

/// Which button was pressed; its key becomes the request's.
fn pressed(call: &mut Call) -> Result<String, Fault> {
    let form: Buttons = call.form()?;
    call.keyed(&form.idempotency_key)?;
    Ok(form.verb)
}

fn bare(desk: &Desk, path: &str) -> Shell {
    Shell {
        tenant: "naos".into(),
        user: None,
        currency: desk.app.currency.clone(),
        seq: 0,
        now_ms: naos_engine::clock::now().0,
        waiting: 0,
        unseen: 0,
        quarantined: false,
        path: path.to_owned(),
        idempotency_key: form_key(),
    }
}

/// A page in its frame, for whoever asks.
pub(crate) fn page<P: Page>(call: &Call, page: &P) -> Answered {
    page_with(call, StatusCode::OK, page)
}

pub(crate) fn page_with<P: Page>(call: &Call, status: StatusCode, page: &P) -> Answered {
    let shell = match &call.who {
        None => bare(&call.desk, &call.path),
        Some(who) => {
            let reader = call.reader()?;
            Shell {
                tenant: tenant_name(call)?,
                user: Some(User {
                    name: who.name.clone(),
                    role: role(who.role),
                }),
                seq: reader.seq()?,
                now_ms: call.now.0,
                waiting: reader.open::<Approval>()?.len() as u64,
                unseen: crate::api::v1::inbox::of(call)?.unseen() as u64,
                quarantined: reader.find::<Quarantine>(&())?.is_some(),
                path: here(call),
                ..bare(&call.desk, "")
            }
        }
    };
    Ok(html(
        status,
        pages::render(&shell, locale(&call.headers), page),
    ))
}

/// What people call the tenant: its slug.
fn tenant_name(call: &Call) -> Result<String, Fault> {
    let tenant = call.who()?.tenant;
    let reader = naos_engine::read::Reader::new(&call.desk.app.node, crate::setup::SYSTEM)?;
    let slugs = reader.all::<naos_kernel::tenant::Slug>(usize::MAX)?;
    let own = slugs.into_iter().find(|(_, slug)| slug.tenant == tenant);
    Ok(own.map_or_else(|| tenant.to_string(), |(slug, _)| slug.to_string()))
}

/// This page's own address.
fn here(call: &Call) -> String {
    let pairs = call.query.iter();
    let query: Vec<_> = pairs
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect();
    if query.is_empty() {
        call.path.clone()
    } else {
        format!("{}?{}", call.path, query.join("&"))
    }
}

fn role(role: Role) -> words::Role {
    match role {
        Role::Owner => words::Role::Owner,
        Role::Admin => words::Role::Admin,
        Role::Staff => words::Role::Staff,
        Role::External => words::Role::External,
    }
}

/// See the other address, with GET.
pub(crate) fn see(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// Whoever isn't signed in comes to the door, and back afterwards.
pub(crate) fn to_door(path: &str) -> Response {
    if path == "/" {
        return see("/sign-in");
    }
    see(&format!("/sign-in?next={}", escape(path)))
}

/// A path within this site, or the first page.
pub(crate) fn within(path: &str) -> &str {
    let own = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    if own { path } else { "/" }
}

/// An error as a page.
pub(crate) fn error(desk: &Desk, locale: Locale, fault: &Fault) -> Response {
    let status = fault.http();
    let page = ErrorPage {
        status: status.as_u16(),
        problem: Problem {
            code: fault.refusal.code.to_string(),
            sentence: fault.refusal.what.clone(),
            advice: fault.refusal.help.clone(),
        },
        back: "/".into(),
    };
    html(status, pages::render(&bare(desk, "/"), locale, &page))
}

/// `GET /assets/{name}`.
pub(crate) async fn asset(call: Call) -> Answered {
    let Some(asset) = assets::get(call.param("name")) else {
        return Err(Fault::new(
            Code::NOT_FOUND,
            "nothing stands at this address",
        ));
    };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, asset.cache_control()),
    ];
    Ok((headers, asset.bytes).into_response())
}

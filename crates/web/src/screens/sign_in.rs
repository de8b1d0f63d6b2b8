//! The door: in, out, and the language.

use axum::response::IntoResponse;
use http::{HeaderValue, StatusCode, header};
use naos_types::{Code, Span};
use serde::Deserialize;

use super::{LANGUAGE, form_key, page_with, see, within};
use crate::auth::{COOKIE, SESSION_MS_MAX, Session, cookie};
use crate::door::{Answered, Call, token_of};
use crate::error::Fault;
use crate::locale::Locale;
use crate::pages::sign_in::{SignIn, SignInProblem, TOKEN_CHARS_MAX};

/// How long a chosen language is kept.
const LANGUAGE_SECONDS: u32 = 365 * 86_400;

fn door(call: &Call, problem: Option<SignInProblem>, next: &str) -> SignIn {
    SignIn {
        problem,
        next: within(next).to_owned(),
        token_file: call.desk.app.token_file.clone(),
        form_key: form_key(),
    }
}

pub(crate) async fn show(call: Call) -> Answered {
    let next = call.query("next").unwrap_or("/").to_owned();
    if call.who.is_some() {
        return Ok(see(within(&next)));
    }
    // A cookie that opens nothing: the session is over.
    let problem = cookie(&call.headers, COOKIE).map(|_| SignInProblem::Expired);
    let page = door(&call, problem, &next);
    super::page(&call, &page)
}

#[derive(Deserialize)]
struct Enter {
    token: String,
    #[serde(default)]
    next: String,
}

pub(crate) async fn enter(mut call: Call) -> Answered {
    let form: Enter = call.form()?;
    let token = form.token.trim();
    let found = if token.len() > TOKEN_CHARS_MAX {
        Ok(None)
    } else {
        token_of(&call.desk, token, call.peer, call.now).await
    };
    call.who = None; // whoever was signed in before: the door shows no navigation
    let (status, problem) = match found {
        Ok(Some(who)) => {
            let session = Session {
                tenant: who.tenant,
                member: who.member,
                token: who.token,
                until: call.now + Span(SESSION_MS_MAX),
                seq: 0,
            };
            // Always a new name: one that was planted before is worth nothing.
            let old = cookie(&call.headers, COOKIE);
            let name = call.desk.sessions.begin(session, old, call.now);
            let seconds = SESSION_MS_MAX / 1_000;
            return Ok(with_cookie(
                see(within(&form.next)),
                &format!("{COOKIE}={name}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}"),
            ));
        }
        Ok(None) => (StatusCode::UNAUTHORIZED, SignInProblem::Wrong),
        Err(fault) if fault.refusal.code == Code::BUSY => {
            (StatusCode::TOO_MANY_REQUESTS, SignInProblem::TooMany)
        }
        Err(fault) => return Err(fault),
    };
    let page = door(&call, Some(problem), &form.next);
    page_with(&call, status, &page)
}

fn with_cookie(mut response: axum::response::Response, cookie: &str) -> axum::response::Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

pub(crate) async fn leave(call: Call) -> Answered {
    if let Some(name) = cookie(&call.headers, COOKIE)
        && let Err(error) = call.desk.sessions.end(name)
    {
        let what = format!(
            "you are signed out until naos restarts, and that could not be written for the time \
             after it: {error}"
        );
        return Err(Fault::new(Code::DISK_FAILED, what));
    }
    Ok(with_cookie(
        see("/sign-in"),
        &format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"),
    )
    .into_response())
}

#[derive(Deserialize)]
struct Language {
    lang: String,
    #[serde(default)]
    next: String,
}

pub(crate) async fn language(call: Call) -> Answered {
    let form: Language = call.form()?;
    let response = see(within(&form.next));
    let Some(locale) = Locale::find(&form.lang) else {
        return Ok(response);
    };
    let code = locale.code();
    Ok(with_cookie(
        response,
        &format!(
            "{LANGUAGE}={code}; Path=/; HttpOnly; SameSite=Strict; Max-Age={LANGUAGE_SECONDS}"
        ),
    ))
}

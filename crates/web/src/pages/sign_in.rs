//! The door: paste the owner's token. It travels in the body of a POST, never in an address.

use askama::Template;

use super::filters;
use super::frame::{Page, Section};
use crate::locale::Locale;

/// How long a pasted token may be.
pub const TOKEN_CHARS_MAX: usize = 512;

/// The door.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// Why the last try didn't do.
    pub problem: Option<SignInProblem>,
    /// Where to go afterwards, a path within this site.
    pub next: String,
    /// The file where the owner finds the token, as the daemon was told it.
    pub token_file: String,
    /// The key of the form.
    pub form_key: String,
}

/// Why a sign-in didn't do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInProblem {
    /// It is not the token.
    Wrong,
    /// Too many tries.
    TooMany,
    /// The session is over.
    Expired,
}

impl SignInProblem {
    /// Every one.
    pub const ALL: [SignInProblem; 3] = [
        SignInProblem::Wrong,
        SignInProblem::TooMany,
        SignInProblem::Expired,
    ];

    fn key(self) -> &'static str {
        match self {
            SignInProblem::Wrong => "sign-in-wrong",
            SignInProblem::TooMany => "sign-in-too-many",
            SignInProblem::Expired => "sign-in-expired",
        }
    }
}

impl Page for SignIn {
    fn section(&self) -> Section {
        Section::Nowhere
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("sign-in").into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn the_token_is_posted_and_never_in_an_address() {
        let html = check::page(&sample::sign_in(&str::to_owned));
        check::contains(&html, "method=\"post\" action=\"/sign-in\"");
        check::contains(&html, "type=\"password\" name=\"token\"");
        check::contains(&html, "name=\"next\" value=\"/board\"");
    }

    #[test]
    fn each_problem_has_its_sentence() {
        for problem in SignInProblem::ALL {
            let page = SignIn {
                problem: Some(problem),
                ..sample::sign_in(&str::to_owned)
            };
            check::contains(&check::page(&page), "role=\"alert\"");
        }
    }
}

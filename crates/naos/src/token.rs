//! As whom a command asks: the token that a variable holds, or the one that is kept.

use std::fs;

use naos_types::Code;

use crate::fail::Fail;
use crate::project::Project;

/// The token that was said, if one was. Set and empty is not unset: whoever meant somebody else's
/// token, and has lost it, must not act as the owner.
pub(crate) fn said_in_a_variable() -> Result<Option<String>, Fail> {
    let Some(set) = std::env::var_os("NAOS_TOKEN") else {
        return Ok(None);
    };
    let what = match set.into_string() {
        Ok(token) if !token.trim().is_empty() => return Ok(Some(token)),
        Ok(_) if crate::planted::empty_token_is_none() => return Ok(None),
        Ok(_) => {
            "the variable NAOS_TOKEN is set and empty: it says as whom this is, and names nobody"
        }
        Err(_) => "the variable NAOS_TOKEN holds no text",
    };
    Err(Fail::new(Code::NOT_SIGNED_IN, what).help(
        "put a member's token into it; or take it away (`unset NAOS_TOKEN`, in a file of a \
         client's servers the line) to use the token that is kept in the data directory",
    ))
}

/// The token, and what to do where it isn't good.
pub(crate) fn token(
    project: &Project,
    tenant: Option<&str>,
    said: Option<String>,
) -> Result<(String, String), Fail> {
    if let Some(token) = said {
        if let Some(slug) = tenant {
            let what = format!(
                "NAOS_TOKEN holds the token of one tenant, and --tenant {slug} names one too"
            );
            return Err(Fail::usage(what).help(format!(
                "leave --tenant out where the token is that tenant's, or unset NAOS_TOKEN to use \
                 the one that is kept for {slug}"
            )));
        }
        let mend = "NAOS_TOKEN holds a token that isn't valid here: unset it, or set another one";
        return Ok((token, mend.to_owned()));
    }
    let path = match tenant {
        Some("main") | None => project.owner_token(),
        Some(slug) => project.tenant_token(slug),
    };
    match fs::read_to_string(&path) {
        Ok(text) => {
            let path = path.display();
            let is_empty = text.trim().is_empty();
            let mend = match tenant {
                Some("main") | None => format!(
                    "{path} holds no valid token: end the daemon, delete that file and run any \
                     command, which makes a new token"
                ),
                Some(_) => format!("{path} holds no valid token: its owner can issue another one"),
            };
            if is_empty {
                let what = format!("the file {path} is empty, and a token was to be in it");
                return Err(Fail::new(Code::NOT_SIGNED_IN, what).help(mend));
            }
            Ok((text.trim().to_owned(), mend))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let what = format!("there is no token at {}", path.display());
            let help = match tenant {
                Some("main") | None => {
                    "set NAOS_TOKEN; a new token for the owner is made when no naos runs and the \
                     file is missing"
                }
                Some(_) => {
                    "`naos tenant list` shows the tenants, `naos tenant create` makes one and its \
                     token; or set NAOS_TOKEN"
                }
            };
            Err(Fail::new(Code::NOT_SIGNED_IN, what).help(help))
        }
        Err(error) => Err(Fail::io(format!("read {}", path.display()), &error)),
    }
}

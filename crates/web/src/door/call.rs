//! What handlers do with a request: read its parts, ask its tenant's cell.

use naos_engine::node::Ask;
use naos_engine::read::{Lists, Reader};
use naos_engine::shard::{NewBody, SameAs};
use naos_types::command::{Command, Reply};
use naos_types::{BodyRef, Code, Digest, Name, NameError, Refusal, Sealed, Seq, Spender};
use serde::de::DeserializeOwned;

use super::{Call, SEQ_WAIT_MAX, checked_key};
use crate::auth::{COOKIE, Who, cookie};
use crate::error::{Fault, unkept};
use crate::planted;

impl Call {
    /// Who asks; only open routes have nobody.
    pub(crate) fn who(&self) -> Result<&Who, Fault> {
        let nobody = || Fault::new(Code::NOT_SIGNED_IN, "nobody is signed in");
        self.who.as_ref().ok_or_else(nobody)
    }

    pub(crate) fn role_is_below_owner(&self) -> Result<bool, Fault> {
        Ok(self.who()?.role < naos_types::Role::Owner)
    }

    pub(crate) fn reader(&self) -> Result<Reader, Fault> {
        Ok(Reader::new(&self.desk.app.node, self.who()?.tenant)?)
    }

    /// Lists and sums that hold what `Naos-Seq` names, or what this session wrote.
    pub(crate) async fn lists(&self) -> Result<Lists, Fault> {
        Ok(self.reader()?.lists(self.seq).await?)
    }

    pub(crate) fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// A path parameter that is a name.
    pub(crate) fn name(&self, param: &str) -> Result<Name, Fault> {
        Name::new(self.param(param)).map_err(|e| Fault::new(Code::BAD_NAME, e.to_string()))
    }

    /// A path parameter that is an agent's name, or `*` for all agents together.
    pub(crate) fn spender(&self, param: &str) -> Result<Spender, Fault> {
        let found = self.param(param).parse();
        found.map_err(|e: NameError| Fault::new(Code::BAD_NAME, e.to_string()))
    }

    /// A path parameter that is an id: one that can't be any is not found.
    pub(crate) fn id<I: std::str::FromStr>(&self, param: &str, what: &str) -> Result<I, Fault> {
        let text = self.param(param);
        let missing = |_| Fault::new(Code::NOT_FOUND, format!("there is no {what} {text}"));
        text.parse().map_err(missing)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A number in the query, at most `max`.
    pub(crate) fn number(&self, name: &str, default: u64, max: u64) -> Result<u64, Fault> {
        let Some(text) = self.query(name) else {
            return Ok(default);
        };
        let bad = |_| {
            Fault::new(
                Code::BAD_REQUEST,
                format!("{name} isn't a whole number: {text}"),
            )
        };
        Ok(text.parse::<u64>().map_err(bad)?.min(max))
    }

    /// A number in the query that is refused above `max`: whoever asks for more than is given
    /// must hear of it, or takes a part for the whole.
    pub(crate) fn at_most(&self, name: &str, default: u64, max: u64) -> Result<u64, Fault> {
        let asked = self.number(name, default, u64::MAX)?;
        if asked > max {
            let what = format!("{name} is {asked}, and an answer has at most {max}");
            return Err(Fault::new(Code::BAD_REQUEST, what));
        }
        Ok(asked)
    }

    /// How many lines of a list are asked for: at least one, and at most `max`.
    pub(crate) fn rows(&self, name: &str, default: u64, max: u64) -> Result<usize, Fault> {
        match self.at_most(name, default, max)? {
            0 => {
                let what = format!("{name} is 0, and an answer has at least 1 and at most {max}");
                Err(Fault::new(Code::BAD_REQUEST, what))
            }
            rows => Ok(usize::try_from(rows).unwrap_or(usize::MAX)),
        }
    }

    /// A word of a closed list in the query.
    pub(crate) fn word<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(text) = self.query(name) else {
            return Ok(None);
        };
        let bad = || Fault::new(Code::BAD_REQUEST, format!("{name} can't be {text}"));
        parse(text).ok_or_else(bad).map(Some)
    }

    /// A word of a list in the query, where the list is short enough to be told.
    pub(crate) fn one_of<T: Copy + std::fmt::Display>(
        &self,
        name: &str,
        all: &[T],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        self.word(name, parse).map_err(|mut fault| {
            let known: Vec<String> = all.iter().map(ToString::to_string).collect();
            fault.refusal.help = format!("it can be {}", known.join(", "));
            fault
        })
    }

    /// The body as JSON of which nothing is lost: each key is there once, each whole number as it
    /// is.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let asked = self.json_as_is()?;
        match naos_types::unkept(&self.body).filter(|_| !planted::bodies_half_read()) {
            Some(found) => Err(unkept(&found)),
            None => Ok(asked),
        }
    }

    /// The body as JSON, as most readers take it.
    pub(crate) fn json_as_is<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let body = if self.body.is_empty() {
            b"{}"
        } else {
            &self.body[..]
        };
        // What is derived for a struct would take a list of its values in order, too.
        if body.trim_ascii_start().starts_with(b"[") {
            let what = "the body is a list, and an object is wanted";
            return Err(Fault::new(Code::BAD_REQUEST, what));
        }
        serde_json::from_slice(body)
            .map_err(|e| Fault::new(Code::BAD_REQUEST, format!("the body doesn't parse: {e}")))
    }

    /// The body as a form.
    pub(crate) fn form<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let uri = std::str::from_utf8(&self.body)
            .ok()
            .and_then(|body| format!("/?{body}").parse().ok());
        let form = uri.and_then(|uri| axum::extract::Query::<T>::try_from_uri(&uri).ok());
        let bad = || Fault::new(Code::BAD_REQUEST, "the form doesn't parse");
        form.map(|form| form.0).ok_or_else(bad)
    }

    /// A text as a content of the tenant.
    pub(crate) fn content(&self, text: impl Into<Vec<u8>>) -> Result<(BodyRef, NewBody), Fault> {
        let body = self
            .desk
            .app
            .node
            .new_body(self.who()?.tenant, text.into())?;
        Ok((body.staged.name, body))
    }

    /// The same for a text that may be missing, with what is to be kept.
    pub(crate) fn content_of(
        &self,
        text: Option<String>,
    ) -> Result<(Option<BodyRef>, Vec<NewBody>), Fault> {
        Ok(match text {
            Some(text) => {
                let (name, body) = self.content(text)?;
                (Some(name), vec![body])
            }
            None => (None, Vec::new()),
        })
    }

    pub(crate) fn seal(&self, text: &str) -> Result<Sealed, Fault> {
        Ok(self.desk.app.node.seal(self.who()?.tenant, text)?)
    }

    /// Asks the cell and waits until the answer is durable. `part` tells the commands of one
    /// request apart.
    /// Takes the key of a form, which stands in its body and not in a header.
    pub(crate) fn keyed(&mut self, key: &str) -> Result<(), Fault> {
        self.key = Some(checked_key(key)?);
        self.request = Digest::of(&[self.path.as_bytes(), b"\0", &self.body].concat());
        Ok(())
    }

    pub(crate) async fn ask(
        &self,
        part: &str,
        command: impl Into<Command>,
        bodies: Vec<NewBody>,
    ) -> Result<(Seq, Reply), Fault> {
        let who = self.who()?;
        let same = self.key.as_ref().map(|key| SameAs {
            source: who.member.to_string(),
            key: format!("{key}{part}"),
            request: self.request,
        });
        let command = command.into();
        let members = matches!(command, Command::Member(_));
        let ask = Ask {
            tenant: who.tenant,
            actor: who.actor(),
            command,
            bodies,
            same,
        };
        let (seq, reply) = self.desk.app.node.ask(ask).await;
        if members {
            self.desk.members.forget(who.tenant);
        }
        let reply = reply?;
        if let Some(name) = cookie(&self.headers, COOKIE)
            && self.session.is_some()
        {
            self.desk.sessions.wrote(name, seq);
        }
        Ok((seq, reply))
    }

    /// Reads are at least as new as `Naos-Seq`, or as what this session wrote.
    pub(super) async fn catch_up(&mut self) -> Result<(), Fault> {
        let Some(who) = &self.who else {
            return Ok(());
        };
        let tenant = who.tenant;
        let said = self.headers.get("naos-seq").map(|value| {
            let seq = value
                .to_str()
                .ok()
                .and_then(|text| text.parse::<Seq>().ok());
            let what = "Naos-Seq isn't a whole number";
            seq.ok_or_else(|| Fault::new(Code::BAD_REQUEST, what))
        });
        let wrote = self.session.as_ref().map_or(0, |session| session.seq);
        let seq = said.transpose()?.unwrap_or(0).max(wrote);
        self.seq = seq;
        if seq == 0 {
            return Ok(());
        }
        let node = &self.desk.app.node;
        let caught_up = async {
            node.reached(tenant, seq).await?;
            node.settled(tenant, seq).await
        };
        if let Ok(result) = tokio::time::timeout(SEQ_WAIT_MAX, caught_up).await {
            return Ok(result?);
        }
        let head = node.head(tenant)?;
        if head >= seq {
            return Err(Fault::new(Code::BUSY, "reads lag behind by over a second"));
        }
        let what =
            format!("Naos-Seq asks for {seq}, and a second later there is no more than {head}");
        let refusal = Refusal::new(Code::BAD_REQUEST, what)
            .help("send the seq that a write was answered with, or leave Naos-Seq out");
        Err(refusal.into())
    }

    /// 32 bytes that the same request with the same key gets again; fresh ones without a key.
    pub(crate) fn derived(&self) -> [u8; 32] {
        let (Some(key), Some(who)) = (&self.key, &self.who) else {
            return naos_engine::chance::secret();
        };
        let member = who.member.to_string();
        let parts = [
            &self.desk.secret[..],
            member.as_bytes(),
            b"\0",
            key.as_bytes(),
            b"\0",
            &self.request.0,
        ];
        Digest::of(&parts.concat()).0
    }
}

//! `/apply`: documents into resources. Every file is read and judged before anything changes.

use std::collections::BTreeMap;

use naos_engine::read::Reader;
use naos_kernel::ResourceKey;
use naos_kernel::agent::Agent;
use naos_kernel::event::SUBSCRIPTIONS_MAX;
use naos_kernel::guard::least_role;
use naos_kernel::resource::{Resource, said};
use naos_kernel::supervisor::Supervisor;
use naos_manifest::{Diagnostic, Files, calendar, driver_config_faults};
use naos_types::command::{self, Command, Reply};
use naos_types::spec::{
    Begins, DRIVER_DOCUMENTS, Kind, MODEL_KEY_PREFIX, ModelSpec, ServerPlace, ServerSpec, Spec,
    SupervisorSpec, TOOL_KEY_PREFIX, When,
};
use naos_types::{Code, Digest, DocPath, Name, Refusal, Role, Seq, TenantId, Time};
use serde::Deserialize;
use serde_json::{Value, json};

use super::lacks::{Looking, is_there};
use super::notices::may_sign;
use super::stays::{self, Beside};
use super::{NAMES_MAX, endpoints, members, needed, webhooks};
use crate::app::Desk;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;
use crate::judge::{
    Document, Item, Judged, exported, fault_at, fault_in, fault_naming, in_order, judge,
    leads_back, leaving, misgiven, misgrown_tree, missing, nested, outgrown, unanswered, unheard,
    unmodelled, unskilled, words,
};

/// Whether this tenant may ask with the key that its model names.
fn may_ask(desk: &Desk, tenant: TenantId, spec: &ModelSpec) -> Result<(), String> {
    let own = desk.own_prefix(tenant, MODEL_KEY_PREFIX);
    let own = own.map(|own| format!("env:{own}"));
    match (&spec.key, own) {
        (Some(key), Some(own)) if !key.starts_with(&own) && !crate::planted::keys_of_others() => {
            Err(format!("the keys of this tenant begin with {own}"))
        }
        _ => Ok(()),
    }
}

/// Programs run as naos does, so that only whoever owns the machine's own tenant names them; the
/// secrets of a server are its tenant's own.
pub(super) fn may_serve(desk: &Desk, tenant: TenantId, spec: &ServerSpec) -> Result<(), String> {
    let Some(own) = desk.own_prefix(tenant, TOOL_KEY_PREFIX) else {
        return Ok(());
    };
    match &spec.place {
        ServerPlace::Program { .. } if !crate::planted::programs_of_others() => {
            Err("only the main tenant's servers are programs: give it a `url`".into())
        }
        ServerPlace::Address { key: Some(key), .. } if !key.starts_with(&format!("env:{own}")) => {
            Err(format!("the keys of this tenant begin with env:{own}"))
        }
        _ => Ok(()),
    }
}

/// How many files one request may hold.
const FILES_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Apply {
    files: Vec<File>,
    /// What the paths of components in the files stand for: sent to `/components` before.
    #[serde(default)]
    components: BTreeMap<String, Digest>,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    dry_run: bool,
    /// What the items of these files were when they were last applied, by kind and name, as the
    /// answer said it: what a file says as it did then isn't made again.
    #[serde(default)]
    before: BTreeMap<String, Digest>,
    /// Makes that too, whatever was made of it by command since.
    #[serde(default)]
    anew: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    text: String,
}

impl File {
    fn document(&self) -> Document<'_> {
        Document {
            name: &self.name,
            text: &self.text,
        }
    }
}

/// Files beside a document: only their digests came along.
struct Sent<'a>(&'a BTreeMap<String, Digest>);

impl Files for Sent<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match self.0.get(path) {
            // Its digest takes the place of that of these bytes.
            Some(_) => Ok(Vec::new()),
            None => Err("its component wasn't sent along: `naos apply` does that".into()),
        }
    }
}

fn diagnostic(d: &Diagnostic) -> Value {
    json!({
        "file": d.file,
        "line": d.line,
        "column": d.column,
        "what": d.what,
        "help": d.help,
        "code": d.code,
    })
}

pub(super) fn refused(found: &[Diagnostic]) -> Fault {
    let what = match found {
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
        [] => "the documents don't parse".to_owned(),
    };
    let code = found.first().map_or(Code::BAD_DOCUMENT, |first| first.code);
    let mut fault = Fault::new(Code::BAD_DOCUMENT, what);
    if code == Code::TOO_LARGE {
        fault.refusal.code = code;
    }
    fault.with("diagnostics", found.iter().map(diagnostic).collect())
}

pub(crate) async fn apply(call: Call) -> Answered {
    let asked: Apply = call.json()?;
    if asked.files.len() > FILES_MAX {
        let what = format!("at most {FILES_MAX} files are applied at once");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    let documents: Vec<Document<'_>> = asked.files.iter().map(File::document).collect();
    let sent = Sent(&asked.components);
    let templates = &call.desk.app.templates;
    let mut judged = judge(&documents, &sent, &asked.components, templates);
    let tenant = call.who()?.tenant;
    for item in &judged.items {
        let Command::Resource(command::Resource::Apply { spec, .. }) = &item.command else {
            continue;
        };
        let may = match spec {
            Spec::Notice(notice) => may_sign(&call.desk, tenant, notice),
            Spec::Telling(telling) => may_sign(&call.desk, tenant, &telling.notice),
            Spec::Model(model) => may_ask(&call.desk, tenant, model),
            Spec::Engine(engine) => may_ask(&call.desk, tenant, engine),
            Spec::Server(server) => may_serve(&call.desk, tenant, server),
            _ => Ok(()),
        };
        if let Err(what) = may {
            let what = format!("{} {}: {what}", item.kind.word(), item.name);
            judged
                .errors
                .push(fault_in(&documents, item, &item.name, what, None));
        }
    }
    let unbrought = unbrought(&call, &documents, &judged.items).await?;
    judged.errors.extend(unbrought);
    let reader = call.reader()?;
    let off = stays::leave_off(&reader, &documents, &mut judged.items)?;
    let beside = stays::beside(&reader, &judged.items, &asked.before)?;
    let is_made = |beside: &Beside| asked.anew || !beside.stays();
    let pairs = judged.items.iter().zip(&beside);
    let made: Vec<&Item> = pairs
        .filter(|(_, beside)| is_made(beside))
        .map(|(item, _)| item)
        .collect();
    let owners = made
        .iter()
        .find(|item| least_role(&item.command) == Role::Owner);
    let owners = owners.map(|item| match item.kind {
        Kind::Budget => "the documents set budgets: this takes the role owner".to_owned(),
        kind => format!(
            "the documents give {} {} a leave that takes the role owner",
            kind.word(),
            item.name
        ),
    });
    let (over, gone) = over(&reader, &made, call.now)?;
    judged.errors.extend(over);
    judged.warnings.extend(gone);
    judged.errors.extend(taken(&reader, &documents, &made)?);
    let unfit = unfit(&reader, &documents, &made)?;
    judged.errors.extend(unfit);
    let lost = lost(&reader, &documents, &made)?;
    judged.warnings.extend(lost);
    let kept = supervisors(&reader)?;
    judged
        .errors
        .extend(misgrown_tree(&documents, &judged.items, kept));
    let waiting = missing(&documents, &judged.items, |name| there(&reader, name))?;
    let kept = |kind, name: &Name| kept_spec(&reader, kind, name);
    let (plans, circle) = nested(&documents, &judged.items, &kept)?;
    judged.errors.extend(circle);
    let misgiven = misgiven(&documents, &judged.items, &kept)?;
    judged.errors.extend(misgiven);
    judged
        .errors
        .extend(leaving(&documents, &judged.items, kept)?);
    let others = starters(&reader, &judged.items)?;
    let others = others.iter().map(|(kind, name, spec)| (*kind, name, spec));
    let outgrown = outgrown(&documents, &judged.items, others);
    judged.warnings.extend(outgrown);
    let back = leads_back(&documents, &judged.items, subscriptions(&reader)?, kept)?;
    judged.warnings.extend(back);
    let skilled = |name: &Name| -> Result<bool, Fault> {
        let key = ResourceKey(Kind::AgentSkill, name.clone());
        Ok(reader.find::<Resource>(&key)?.is_some())
    };
    let unread = unskilled(&documents, &judged.items, skilled)?;
    let unasked = unmodelled(&documents, &judged.items, |name| is_there(&reader, name))?;
    let nobody = unknown_members(&reader, &documents, &judged.items)?;
    let looking = Looking::new(&reader);
    let unanswered = unanswered(&documents, &judged.items, |topic, replaced| {
        looking.answers(topic, replaced)
    })?;
    let unheard = unheard(&documents, &judged.items, |topic, replaced| {
        looking.answers(topic, replaced)
    })?;
    judged.warnings.extend(unheard);
    let waiting = waiting.into_iter().chain(plans).chain(unread).chain(nobody);
    let waiting = waiting.chain(unasked).chain(unanswered);
    if asked.strict && judged.whole {
        judged.errors.extend(waiting);
    } else {
        judged.warnings.extend(waiting);
    }
    in_order(&documents, &mut judged.errors);
    let Judged {
        items,
        warnings,
        errors,
        ..
    } = judged;
    let mut warnings: Vec<Value> = warnings.iter().map(diagnostic).collect();
    if !errors.is_empty() {
        return Err(refused(&errors));
    }
    if let Some(what) = owners
        && call.role_is_below_owner()?
    {
        return Err(Fault::new(Code::NOT_ALLOWED, what));
    }
    let mut done = Vec::new();
    let mut last: Seq = reader.seq()?;
    let all = items.into_iter().zip(&beside).zip(off).enumerate();
    for (index, ((item, beside), off)) in all {
        let is_made = is_made(beside);
        warnings.extend(off.iter().filter(|_| is_made).map(diagnostic));
        let result = if !is_made {
            match beside.word() {
                "unchanged" => "unchanged",
                _ => "kept",
            }
        } else if asked.dry_run {
            beside.word()
        } else {
            let (seq, result) = make(&call, beside.word(), index, &item)
                .await
                .map_err(|fault| fault.with("done", Value::Array(done.clone())))?;
            last = last.max(seq);
            result
        };
        let mut told = json!({"kind": item.kind, "name": item.name, "result": result,
            "digest": beside.said});
        match beside.told(&documents, &item, is_made) {
            Some(found) if is_made => warnings.push(diagnostic(&found)),
            // Whoever applies them again and again says it once.
            Some(found) => told["contradicts"] = diagnostic(&found),
            None => {}
        }
        if result == "kept" {
            done.push(told);
            continue;
        }
        if !asked.dry_run
            && let Some(name) = called(&item)
            && let Some(webhook) = webhooks::made(&call, &format!("#{index}-secret"), name).await?
        {
            told["webhook"] = webhook;
        }
        if !asked.dry_run
            && let Some(key) = endpoints::signing(&item.command)
        {
            let part = format!("#{index}-signing");
            if let Some(signing) = endpoints::made(&call, &part, &key).await? {
                told["signing"] = signing;
            }
            call.desk.couriers.look_at(tenant);
        }
        done.push(told);
    }
    ok(&json!({"items": done, "warnings": warnings, "dry_run": asked.dry_run, "seq": last}))
}

/// Agents whose component isn't here: an export names it, and doesn't hold it.
async fn unbrought(
    call: &Call,
    documents: &[Document<'_>],
    items: &[Item],
) -> Result<Vec<Diagnostic>, Fault> {
    let exports: Vec<&str> = documents
        .iter()
        .filter(|document| exported::is_one(document))
        .map(|document| document.name)
        .collect();
    let mut out = Vec::new();
    for item in items
        .iter()
        .filter(|item| exports.contains(&item.file.as_str()))
    {
        let Command::Agent(command::Agent::Apply { name, spec }) = &item.command else {
            continue;
        };
        let Some(component) = spec.component else {
            continue;
        };
        let components = std::sync::Arc::clone(call.desk.app.node.components());
        let there = tokio::task::spawn_blocking(move || components.get(component).map(drop)).await;
        let there = there
            .map_err(|_| Fault::new(Code::INTERNAL, "the component could not be looked at"))?;
        if there.is_err() {
            let what = format!("agent {name}: its component {component} isn't here");
            let help = format!("bring it first: naos create {name} --source FILE");
            out.push(fault_in(documents, item, name.as_str(), what, Some(help)));
        }
    }
    Ok(out)
}

/// The instruction that a webhook sets off.
fn called(item: &Item) -> Option<&Name> {
    match &item.command {
        Command::Resource(command::Resource::Apply {
            name,
            spec: Spec::Instruction(spec),
            ..
        }) if spec.is_called() => Some(name),
        _ => None,
    }
}

/// What would be called as somebody else is, or by a word: before anything is made.
fn taken(
    reader: &Reader,
    documents: &[Document<'_>],
    items: &[&Item],
) -> Result<Vec<Diagnostic>, Fault> {
    let is_called = |kind, name: &Name| -> Result<bool, Fault> {
        let key = ResourceKey(kind, name.clone());
        Ok(match kind {
            Kind::Agent => reader.find::<Agent>(name)?.is_some(),
            _ => reader.find::<Resource>(&key)?.is_some(),
        })
    };
    let mut out = words(documents, items, is_called)?;
    for item in items {
        let Command::Agent(command::Agent::Apply { name, .. }) = &item.command else {
            continue;
        };
        if !is_called(Kind::Agent, name)? && members::one(reader, name.as_str()).is_ok() {
            let what = format!("agent {name}: a member is called @{name} already");
            let help = "give the agent another name, or the member another handle".to_owned();
            out.push(fault_in(documents, item, name.as_str(), what, Some(help)));
        }
    }
    Ok(out)
}

/// How one finds who is there.
const WHO_THERE_IS: &str =
    "`naos member list` shows who there is, `naos member handle` gives them a word";

/// The words of those who are to read a stand-up.
fn read_by(spec: &Spec) -> &[Name] {
    match spec {
        Spec::Schedule(spec) => match &spec.starts {
            Begins::Standup(standup) => &standup.to,
            _ => &[],
        },
        _ => &[],
    }
}

/// Notices and stand-ups for members who aren't there. A notice that is there already stays with
/// who it was made for.
fn unknown_members(
    reader: &Reader,
    documents: &[Document<'_>],
    items: &[Item],
) -> Result<Vec<Diagnostic>, Fault> {
    let mut out = Vec::new();
    for item in items {
        let Command::Resource(command::Resource::Apply { kind, name, spec }) = &item.command else {
            continue;
        };
        let naming = |handle: &Name, what: String| {
            let (named, help) = ((None, handle.as_str()), Some(WHO_THERE_IS.to_owned()));
            fault_naming(documents, item, named, what, help)
        };
        for handle in read_by(spec) {
            if members::one(reader, handle.as_str()).is_ok() {
                continue;
            }
            let is_agent = reader.find::<Agent>(handle)?.is_some();
            let but = if is_agent { ": that is an agent" } else { "" };
            let what = format!(
                "schedule {name} tells nobody by the word {handle}: no member is called @{handle}\
                 {but}"
            );
            out.push(naming(handle, what));
        }
        let Some(handle) = spec.telling().and_then(|telling| telling.member) else {
            continue;
        };
        let before = kept_spec(reader, *kind, name)?.and_then(|spec| spec.telling());
        let stays = before.is_some_and(|before| before.member.as_ref() == Some(&handle));
        if stays || members::one(reader, handle.as_str()).is_ok() {
            continue;
        }
        let what = format!("notice {name} is waiting: no member is called @{handle}");
        out.push(naming(&handle, what));
    }
    Ok(out)
}

/// What would never happen, for its times are over: an error in what is new, worth a look in what
/// is there already.
fn over(
    reader: &Reader,
    items: &[&Item],
    now: Time,
) -> Result<(Vec<Diagnostic>, Vec<Diagnostic>), Fault> {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    for item in items {
        let (Some(at), Command::Resource(command::Resource::Apply { kind, name, spec })) =
            (item.time, &item.command)
        else {
            continue;
        };
        let Some(schedule) = naos_kernel::schedule::of(spec).filter(|spec| spec.enabled) else {
            continue;
        };
        let mut timing = schedule.timing.clone();
        if let When::Every { from, .. } = &mut timing.when {
            from.get_or_insert(now);
        }
        let what = match calendar::upcoming(&timing, now, 1) {
            Ok(next) if !next.is_empty() => continue,
            Ok(_) => match timing.when {
                When::At(at) => format!(
                    "{} {name} never happens: {} is in the past",
                    kind.word(),
                    at.rfc3339()
                ),
                _ => format!("{} {name} never happens: its times are over", kind.word()),
            },
            Err(what) => format!("{} {name}: {what}", kind.word()),
        };
        let there = reader.find::<Resource>(&ResourceKey(*kind, name.clone()))?;
        let help = "give it a time that is still to come".to_owned();
        let found = fault_at(item, at, what, Some(help));
        if there.is_some() {
            warnings.push(found);
        } else {
            errors.push(found);
        }
    }
    Ok((errors, warnings))
}

/// What drivers answer no longer, though open runs will ask for it.
fn lost(
    reader: &Reader,
    documents: &[Document<'_>],
    items: &[&Item],
) -> Result<Vec<Diagnostic>, Fault> {
    let mut out = Vec::new();
    for item in items {
        let Command::Resource(command::Resource::Apply { kind, name, spec }) = &item.command else {
            continue;
        };
        if *kind != Kind::Driver {
            continue;
        }
        let Some(before) = kept_spec(reader, *kind, name)? else {
            continue;
        };
        if let Some((what, help)) = needed::answers_lost(reader, &before, spec)? {
            out.push(fault_in(documents, item, name.as_str(), what, Some(help)));
        }
    }
    Ok(out)
}

/// Documents that people wrote for drivers, and that don't fit their schemas.
fn unfit(
    reader: &Reader,
    documents: &[Document<'_>],
    items: &[&Item],
) -> Result<Vec<Diagnostic>, Fault> {
    let mut out = Vec::new();
    for item in items {
        let Command::Resource(command::Resource::Apply { name, spec, .. }) = &item.command else {
            continue;
        };
        let schema = spec
            .driver()
            .and_then(|(spec, _)| said(spec, "config_schema"));
        let path = DocPath::new(&format!("{DRIVER_DOCUMENTS}/{name}")).ok();
        let (Some(schema), Some(path)) = (schema, path) else {
            continue;
        };
        let Some(kept) = reader.find::<naos_kernel::document::Document>(&path)? else {
            continue;
        };
        let text = reader.text(&kept.body).unwrap_or_default();
        let faults = match naos_kernel::as_value(text) {
            Ok(config) => driver_config_faults(&schema, &config),
            Err(why) => vec![format!(": {why}")],
        };
        for what in faults {
            let what = format!("document {path} is no configuration of driver {name}{what}");
            let help = Some("write the document anew, or change `config_schema`".to_owned());
            out.push(fault_in(documents, item, "config_schema", what, help));
        }
    }
    Ok(out)
}

/// Whether somebody of this name is there to be asked.
fn there(reader: &Reader, name: &Name) -> Result<bool, Refusal> {
    let skill = ResourceKey(Kind::Skill, name.clone());
    let supervisor = reader.find::<Supervisor>(name)?;
    Ok(reader.find::<Agent>(name)?.is_some()
        || supervisor.is_some()
        || reader.find::<Resource>(&skill)?.is_some())
}

/// A sentence for each of these agents that isn't there: what needs it is refused meanwhile.
pub(super) fn absent<'n>(
    reader: &Reader,
    agents: impl IntoIterator<Item = &'n Name>,
) -> Result<Vec<String>, Fault> {
    let mut out = Vec::new();
    for name in agents {
        if !there(reader, name)? {
            out.push(format!(
                "agent {name} isn't there: what needs it is refused until \
                 `naos create {name} --template …` makes it"
            ));
        }
    }
    Ok(out)
}

/// What is kept under a name.
fn kept_spec(reader: &Reader, kind: Kind, name: &Name) -> Result<Option<Spec>, Fault> {
    let found = reader.find::<Resource>(&ResourceKey(kind, name.clone()))?;
    Ok(found.map(|found| found.spec.clone()))
}

/// The supervisors that are kept.
fn supervisors(reader: &Reader) -> Result<Vec<(Name, SupervisorSpec)>, Fault> {
    let found = reader.resources(Kind::Supervisor, naos_kernel::SUPERVISORS_MAX)?;
    let specs = found.iter().filter_map(|(key, kept)| match &kept.spec {
        Spec::Supervisor(spec) => Some((key.1.clone(), spec.clone())),
        _ => None,
    });
    Ok(specs.collect())
}

/// Who listens to events.
fn subscriptions(reader: &Reader) -> Result<Vec<(Name, Spec)>, Fault> {
    let found = reader.resources(Kind::Subscription, SUBSCRIPTIONS_MAX)?;
    let specs = found
        .iter()
        .map(|(key, kept)| (key.1.clone(), kept.spec.clone()));
    Ok(specs.collect())
}

/// What may start a plan of the documents that is there already: it was made for that one.
fn starters(reader: &Reader, items: &[Item]) -> Result<Vec<(Kind, Name, Spec)>, Fault> {
    let mut changes = false;
    for item in items {
        if let Command::Resource(command::Resource::Apply { kind, name, spec }) = &item.command
            && spec.plan().is_some()
        {
            let before = kept_spec(reader, *kind, name)?;
            changes |= before.is_some_and(|before| before != *spec);
        }
    }
    let mut out = Vec::new();
    if !changes {
        return Ok(out); // most of them: nothing more is read
    }
    for kind in [
        Kind::Schedule,
        Kind::Subscription,
        Kind::Plan,
        Kind::Instruction,
    ] {
        let found = reader.resources(kind, NAMES_MAX)?;
        out.extend(
            found
                .iter()
                .map(|(key, kept)| (kind, key.1.clone(), kept.spec.clone())),
        );
    }
    Ok(out)
}

/// Makes what an item says; `foreseen` is what that does where the cell doesn't say it.
async fn make(
    call: &Call,
    foreseen: &'static str,
    index: usize,
    item: &Item,
) -> Result<(Seq, &'static str), Fault> {
    let part = format!("#{index}");
    let (mut seq, reply) = call.ask(&part, item.command.clone(), Vec::new()).await?;
    let result = match reply {
        Reply::Unchanged => "unchanged",
        Reply::Version(1) => "created",
        Reply::Version(_) => "changed",
        _ => foreseen,
    };
    if item.stopped
        && result == "created"
        && let Ok(name) = Name::new(&item.name)
    {
        let stop = command::Agent::Stop { name };
        seq = call.ask(&format!("{part}-stop"), stop, Vec::new()).await?.0;
    }
    Ok((seq, result))
}

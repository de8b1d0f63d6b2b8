//! Members and their tokens, remembered until a fact says that something changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use naos_engine::node::{Happened, Node};
use naos_engine::read::Reader;
use naos_kernel::member::Member;
use naos_kernel::tenant::Slug;
use naos_types::fact::Fact;
use naos_types::{Digest, MemberId, Refusal, Role, TenantId, Time, TokenId};
use subtle::ConstantTimeEq;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use super::{Session, Who, token};
use crate::app::lock;
use crate::setup::SYSTEM;

/// How many tenants' members are remembered.
const TENANTS_MAX: usize = 1_024;
/// How many members a tenant has at most, as far as the door looks.
const MEMBERS_MAX: usize = 100_000;

struct Known {
    name: String,
    role: Role,
    tokens: Vec<(TokenId, Digest, Option<Time>)>,
}

type Table = BTreeMap<MemberId, Known>;

/// Something read, and the facts that would make it old.
struct Fresh<T> {
    value: Arc<T>,
    watch: Receiver<Arc<Happened>>,
}

impl<T> Fresh<T> {
    /// The value, if nothing of the kind happened since it was read.
    fn get(&mut self, changes: fn(&Fact) -> bool) -> Option<Arc<T>> {
        loop {
            match self.watch.try_recv() {
                Ok(happened) if happened.facts.iter().any(|(_, _, fact)| changes(fact)) => {
                    return None;
                }
                Ok(_) => {}
                Err(TryRecvError::Empty) => return Some(Arc::clone(&self.value)),
                Err(TryRecvError::Lagged(_) | TryRecvError::Closed) => return None,
            }
        }
    }
}

/// Who may come in.
pub(crate) struct Members {
    node: Node,
    main: TenantId,
    tenants: Mutex<Option<Fresh<BTreeSet<TenantId>>>>,
    tables: Mutex<BTreeMap<TenantId, Fresh<Table>>>,
    /// Hashes of tokens that were right before: these are no guesses.
    proved: Mutex<BTreeSet<Digest>>,
}

impl Members {
    pub(crate) fn new(node: Node, main: TenantId) -> Self {
        Self {
            node,
            main,
            tenants: Mutex::default(),
            tables: Mutex::default(),
            proved: Mutex::default(),
        }
    }

    /// Whether this very token was right before in this process.
    pub(crate) fn proved(&self, text: &str) -> bool {
        lock(&self.proved).contains(&token::hash(text))
    }

    /// Whose token this is; none if it is nobody's.
    pub(crate) async fn by_token(&self, text: &str, now: Time) -> Result<Option<Who>, Refusal> {
        let Some(tenant) = token::tenant_of(text) else {
            return Ok(None);
        };
        if !self.is_tenant(tenant).await? {
            return Ok(None); // asking the store would make a file for it
        }
        let hash = token::hash(text);
        let table = self.table(tenant).await?;
        let mut found = None;
        for (member, known) in table.iter() {
            for (id, kept, expires) in &known.tokens {
                let same = bool::from(kept.0.ct_eq(&hash.0));
                if same && expires.is_none_or(|at| at > now) {
                    found = Some(who(tenant, *member, known, *id));
                }
            }
        }
        if found.is_some() {
            let mut proved = lock(&self.proved);
            if proved.len() >= MEMBERS_MAX {
                proved.clear();
            }
            proved.insert(hash);
        }
        Ok(found)
    }

    /// Whose session this is, as long as the token that began it is good.
    pub(crate) async fn by_session(
        &self,
        session: &Session,
        now: Time,
    ) -> Result<Option<Who>, Refusal> {
        let table = self.table(session.tenant).await?;
        let Some(known) = table.get(&session.member) else {
            return Ok(None);
        };
        let good = known
            .tokens
            .iter()
            .any(|(id, _, expires)| *id == session.token && expires.is_none_or(|at| at > now));
        Ok(good.then(|| who(session.tenant, session.member, known, session.token)))
    }

    /// Whether somebody who came in may still.
    pub(crate) async fn still(&self, who: &Who, now: Time) -> bool {
        let session = Session {
            tenant: who.tenant,
            member: who.member,
            token: who.token,
            until: now,
            seq: 0,
        };
        matches!(self.by_session(&session, now).await, Ok(Some(now)) if now.role >= who.role)
    }

    /// Forgets what is known about a tenant: the next request reads it again.
    pub(crate) fn forget(&self, tenant: TenantId) {
        lock(&self.tables).remove(&tenant);
    }

    async fn is_tenant(&self, tenant: TenantId) -> Result<bool, Refusal> {
        if tenant == self.main {
            return Ok(true);
        }
        let known = lock(&self.tenants)
            .as_mut()
            .and_then(|known| known.get(|fact| matches!(fact, Fact::Tenant(_))));
        if let Some(known) = known {
            return Ok(known.contains(&tenant));
        }
        let watch = self.node.watch(SYSTEM);
        self.node.flush(SYSTEM).await;
        let slugs = Reader::new(&self.node, SYSTEM)?.all::<Slug>(usize::MAX)?;
        let value: Arc<BTreeSet<_>> = Arc::new(slugs.iter().map(|(_, slug)| slug.tenant).collect());
        let is = value.contains(&tenant);
        *lock(&self.tenants) = Some(Fresh { value, watch });
        Ok(is)
    }

    async fn table(&self, tenant: TenantId) -> Result<Arc<Table>, Refusal> {
        let known = lock(&self.tables)
            .get_mut(&tenant)
            .and_then(|fresh| fresh.get(|fact| matches!(fact, Fact::Member(_))));
        if let Some(known) = known {
            return Ok(known);
        }
        let watch = self.node.watch(tenant);
        self.node.flush(tenant).await;
        let reader = Reader::new(&self.node, tenant)?;
        let members = reader.all::<Member>(MEMBERS_MAX)?;
        let read = |(id, member): (MemberId, Arc<Member>)| {
            let tokens = member.tokens.iter();
            let known = Known {
                name: reader.sealed(&member.name),
                role: member.role,
                tokens: tokens
                    .map(|(id, token)| (*id, token.hash, token.expires_at))
                    .collect(),
            };
            (id, known)
        };
        let value: Arc<Table> = Arc::new(members.into_iter().map(read).collect());
        let mut tables = lock(&self.tables);
        if tables.len() >= TENANTS_MAX {
            tables.pop_first();
        }
        let fresh = Fresh {
            value: Arc::clone(&value),
            watch,
        };
        tables.insert(tenant, fresh);
        Ok(value)
    }
}

fn who(tenant: TenantId, member: MemberId, known: &Known, token: TokenId) -> Who {
    Who {
        tenant,
        member,
        role: known.role,
        token,
        name: known.name.clone(),
    }
}

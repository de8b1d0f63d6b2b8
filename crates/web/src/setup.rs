//! The first tenant and its owner, made once.

use naos_engine::chance;
use naos_engine::node::{Ask, Node};
use naos_engine::read::Reader;
use naos_engine::shard::SameAs;
use naos_kernel::member::Member;
use naos_kernel::tenant::Slug;
use naos_types::command::{self, Command, Reply};
use naos_types::{Actor, Code, Digest, Mint, Name, Refusal, Role, Seq, TenantId};

use crate::auth::token;

/// The cell where slugs are unique on a node.
pub const SYSTEM: TenantId = TenantId(1);
/// The slug of the project's main tenant.
pub const MAIN: &str = "main";

/// What [`ensure_main`] found or made.
#[derive(Debug)]
pub struct Setup {
    /// The main tenant.
    pub tenant: TenantId,
    /// Whether it was made just now.
    pub created: bool,
    /// The owner's token, the only time that it is known.
    pub owner_token: Option<String>,
}

/// Makes the main tenant with its owner, unless it is there.
///
/// # Errors
/// A refusal of one of the two cells.
pub async fn ensure_main(node: &Node) -> Result<Setup, Refusal> {
    node.flush(SYSTEM).await;
    let slug = Name::new(MAIN).map_err(|e| Refusal::new(Code::BAD_NAME, e.to_string()))?;
    if let Some(found) = Reader::new(node, SYSTEM)?.find::<Slug>(&slug)? {
        return Ok(Setup {
            tenant: found.tenant,
            created: false,
            owner_token: None,
        });
    }
    let made = make_tenant(node, &Actor::System, &slug, MAIN, "owner", None).await?;
    Ok(Setup {
        tenant: made.tenant,
        created: true,
        owner_token: Some(made.token),
    })
}

/// A tenant that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) tenant: TenantId,
    pub(crate) token: String,
    pub(crate) seq: Seq,
}

/// Makes a tenant: first its owner in its own cell, then its name in the system's. A crash in
/// between leaves a cell that nobody can name. `from` makes the same request make the same one.
pub(crate) async fn make_tenant(
    node: &Node,
    by: &Actor,
    slug: &Name,
    title: &str,
    owner: &str,
    from: Option<[u8; 32]>,
) -> Result<Made, Refusal> {
    let seed = from.unwrap_or_else(chance::secret);
    let mut half = [0; 16];
    half.copy_from_slice(&Digest::of(&[&seed[..], b"tenant"].concat()).0[..16]);
    let at = match from {
        // The time in an id that is made again must be the same: the seed says it.
        Some(_) => naos_types::Time(0),
        None => naos_engine::clock::now(),
    };
    let tenant: TenantId = Mint::new(at, u128::from_be_bytes(half)).next_id();
    let secret = Digest::of(&[&seed[..], b"token"].concat()).0;
    let text = token::text(tenant, &secret);
    let source = format!("setup:{slug}");
    let ask = |cell, actor, key: &str, command: Command| Ask {
        tenant: cell,
        actor,
        command,
        bodies: Vec::new(),
        same: Some(SameAs {
            source: source.clone(),
            // Of the tenant that is made, in the system's cell too: another one under the same
            // slug is another request.
            key: format!("{key}:{tenant}"),
            request: Digest::of(slug.as_str().as_bytes()),
        }),
    };
    let name = node.seal(tenant, owner)?;
    let role = Role::Owner;
    let add = command::Member::Add {
        name,
        role,
        handle: None,
    };
    let (_, reply) = node
        .ask(ask(tenant, Actor::System, "owner", add.into()))
        .await;
    let Reply::Member(member) = reply? else {
        return Err(Refusal::new(
            Code::INTERNAL,
            "an owner was added without an id",
        ));
    };
    let issue = command::Member::IssueToken {
        member,
        hash: token::hash(&text),
        expires_at: None,
    };
    let (_, reply) = node
        .ask(ask(tenant, Actor::System, "token", issue.into()))
        .await;
    reply?;
    let title = node.seal(SYSTEM, title)?;
    let create = command::Tenant::Create {
        tenant,
        slug: slug.clone(),
        title,
    };
    let (seq, reply) = node
        .ask(ask(SYSTEM, by.clone(), "tenant", create.into()))
        .await;
    reply?;
    let token = text;
    Ok(Made { tenant, token, seq })
}

/// A new token for the owner, in place of all the owner had: what `naos` does where the first
/// token's file is lost or was taken away. Whoever holds an old one, holds nothing.
///
/// # Errors
/// A refusal of the cell, or that there is no owner.
pub async fn new_owner_token(node: &Node, tenant: TenantId) -> Result<String, Refusal> {
    node.flush(tenant).await;
    let members = Reader::new(node, tenant)?.all::<Member>(usize::MAX)?;
    let owner = members.iter().find(|(_, m)| m.role == Role::Owner);
    let Some((member, before)) = owner else {
        return Err(Refusal::new(Code::NOT_FOUND, "the tenant has no owner"));
    };
    let (text, hash) = token::new_token(tenant);
    let ask = |command: command::Member| Ask {
        tenant,
        actor: Actor::System,
        command: command.into(),
        bodies: Vec::new(),
        same: None,
    };
    for token in before.tokens.keys() {
        let revoke = command::Member::RevokeToken {
            member: *member,
            token: *token,
        };
        node.ask(ask(revoke)).await.1?;
    }
    let issue = command::Member::IssueToken {
        member: *member,
        hash,
        expires_at: None,
    };
    node.ask(ask(issue)).await.1?;
    Ok(text)
}

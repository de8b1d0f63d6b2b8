//! What happened: the closed vocabulary of a journal, in families.
//!
//! A stored fact is `(seq, kind, version, bytes)`; the bytes are postcard of the variant's struct.
//! A shipped version never changes: a new layout is a new version, and `lifts` reads the one before
//! it.

macro_rules! facts {
    ($edoc:literal $(
        $(#[$doc:meta])*
        $name:ident $kind:literal as $action:literal v $version:literal
        $(lifts $old:ident $before:literal)* { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
            pub struct $name { $($(#[$fdoc])* pub $field: $type,)* }
        )*

        #[doc = $edoc]
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        #[serde(untagged)]
        pub enum Fact { $($(#[$doc])* $name($name),)* }

        impl Fact {
            /// Kind, audit word and current version of each variant.
            pub const REGISTER: &'static [(&'static str, &'static str, u8)] =
                &[$(($kind, $action, $version),)*];

            /// The stored kind: `family.past`.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => $kind,)* }
            }

            /// The word of the audit log.
            #[must_use]
            pub const fn action(&self) -> &'static str {
                match self { $(Self::$name(_) => $action,)* }
            }

            /// The version of the layout that is written.
            #[must_use]
            pub const fn version(&self) -> u8 {
                match self { $(Self::$name(_) => $version,)* }
            }

            pub(super) fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
                match self { $(Self::$name(fact) => postcard::to_stdvec(fact),)* }
            }

            pub(super) fn decode(
                kind: &str, version: u8, bytes: &[u8],
            ) -> Option<Result<Self, postcard::Error>> {
                match (kind, version) {
                    $(
                        ($kind, $version) => Some(super::whole(bytes).map(Self::$name)),
                        $(($kind, $before) => {
                            Some(super::whole::<$old>(bytes).map(|old| Self::$name(old.into())))
                        })*
                    )*
                    _ => None,
                }
            }
        }

        $(impl From<$name> for super::Fact {
            fn from(fact: $name) -> Self { Fact::$name(fact).into() }
        })*
    };
}

pub mod agent;
pub mod approval;
mod audit;
mod bodies;
pub mod budget;
pub mod document;
pub mod event;
pub mod member;
pub mod message;
pub mod notice;
pub mod plan;
mod problem;
pub mod resource;
pub mod review;
pub mod run;
pub mod schedule;
pub mod supervisor;
pub mod task;
pub mod tenant;

pub use problem::Problem;

/// Why stored bytes are no fact.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// This version of naos doesn't know the kind or its version.
    #[error("unknown kind of fact {kind} v{version}: a newer naos wrote it")]
    Unknown {
        /// The stored kind.
        kind: String,
        /// The stored version.
        version: u8,
    },
    /// The bytes don't fit the kind.
    #[error("the bytes of a {kind} don't have its layout")]
    Malformed {
        /// The stored kind.
        kind: String,
        /// What postcard said.
        #[source]
        cause: postcard::Error,
    },
}

/// Decodes a `T` that must use up all bytes.
fn whole<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, postcard::Error> {
    match postcard::take_from_bytes(bytes)? {
        (value, []) => Ok(value),
        _ => Err(postcard::Error::DeserializeBadEncoding),
    }
}

macro_rules! families {
    ($($(#[$doc:meta])* $variant:ident $module:ident)*) => {
        /// One entry of a journal, by family.
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        #[serde(untagged)]
        pub enum Fact { $($(#[$doc])* $variant($module::Fact),)* }

        $(impl From<$module::Fact> for Fact {
            fn from(fact: $module::Fact) -> Self { Self::$variant(fact) }
        })*

        /// Kind, audit word and current version of every fact.
        pub fn register() -> impl Iterator<Item = (&'static str, &'static str, u8)> {
            [$($module::Fact::REGISTER,)*].into_iter().flatten().copied()
        }

        impl Fact {
            /// The stored kind: `family.past`.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(fact) => fact.kind(),)* }
            }

            /// The word of the audit log, one to one with the kind.
            #[must_use]
            pub const fn action(&self) -> &'static str {
                match self { $(Self::$variant(fact) => fact.action(),)* }
            }

            /// The version of the layout that is written.
            #[must_use]
            pub const fn version(&self) -> u8 {
                match self { $(Self::$variant(fact) => fact.version(),)* }
            }

            /// The bytes that are stored and hashed.
            ///
            /// # Panics
            /// Never: postcard fails only for types that no fact holds, which a test proves.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                let bytes = match self { $(Self::$variant(fact) => fact.encode(),)* };
                bytes.expect("a fact always encodes")
            }

            /// The fact that was stored.
            ///
            /// # Errors
            /// [`DecodeError`] for an unknown kind or bytes that don't fit it.
            pub fn decode(kind: &str, version: u8, bytes: &[u8]) -> Result<Self, DecodeError> {
                $(if let Some(fact) = $module::Fact::decode(kind, version, bytes) {
                    return fact.map(Self::$variant)
                        .map_err(|cause| DecodeError::Malformed { kind: kind.into(), cause });
                })*
                Err(DecodeError::Unknown { kind: kind.into(), version })
            }
        }
    };
}

families! {
    /// An agent came, changed, stopped.
    Agent agent
    /// A task came, found somebody, ended.
    Task task
    /// An execution began, called, ended.
    Run run
    /// A plan began, stepped, ended.
    Plan plan
    /// Another agent looked at a result.
    Review review
    /// A person was asked.
    Approval approval
    /// Money was set aside, spent.
    Budget budget
    /// A resource was applied.
    Resource resource
    /// A document has a new version.
    Document document
    /// A person or machine came or went.
    Member member
    /// Somebody said something.
    Message message
    /// A message on the bus.
    Event event
    /// A client came.
    Tenant tenant
    /// Somebody outside is told that something waits.
    Notice notice
    /// Something happens at a time.
    Schedule schedule
    /// An agent failed, and whoever watches it did something.
    Supervisor supervisor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_audit_words_are_one_to_one() {
        let mut kinds: Vec<_> = register().map(|(kind, _, _)| kind).collect();
        let mut actions: Vec<_> = register().map(|(_, action, _)| action).collect();
        let count = kinds.len();
        kinds.sort_unstable();
        kinds.dedup();
        actions.sort_unstable();
        actions.dedup();
        assert_eq!((kinds.len(), actions.len()), (count, count));
    }

    #[test]
    fn unknown_kinds_and_spare_bytes_are_errors() {
        assert!(matches!(
            Fact::decode("x.y", 1, &[]),
            Err(DecodeError::Unknown { .. })
        ));
        let fact = Fact::from(agent::Deleted {
            name: crate::Name::new("a").unwrap(),
        });
        let mut bytes = fact.encode();
        assert_eq!(
            Fact::decode(fact.kind(), fact.version(), &bytes).unwrap(),
            fact
        );
        bytes.push(0);
        assert!(matches!(
            Fact::decode(fact.kind(), 1, &bytes),
            Err(DecodeError::Malformed { .. })
        ));
    }
}

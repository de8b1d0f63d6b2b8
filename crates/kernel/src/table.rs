//! How aggregates are kept: each known to be there, known to be absent, or not loaded.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use naos_types::Time;

/// A unit of loading, writing and eviction; small.
pub trait Aggregate: Clone + PartialEq + serde::Serialize + serde::de::DeserializeOwned {
    /// The kind in the records.
    const KIND: &'static str;
    /// Version of its layout.
    const VERSION: u8;

    /// Whether something is still to happen to it: then it stays in memory.
    fn is_open(&self) -> bool {
        false
    }

    /// When something is to happen to it by itself.
    fn due(&self) -> Option<Time> {
        None
    }

    /// What a record of an earlier layout says; none for a version that isn't known.
    fn lift(_version: u8, _bytes: &[u8]) -> Option<Self> {
        None
    }
}

/// Reads a record of a layout to which only fields at the end were added since: each of them one
/// byte of nothing, be it none, "no", 0 or an empty list.
pub(crate) fn lengthened<T: Aggregate>(bytes: &[u8], fields: usize) -> Option<T> {
    postcard::from_bytes(&[bytes, &vec![0; fields]].concat()).ok()
}

/// What is known about one key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Slot<T> {
    Present(Arc<T>),
    Absent,
}

/// All that is known about one kind.
#[derive(Debug, Clone)]
pub(crate) struct Table<K, T>(pub(crate) BTreeMap<K, Slot<T>>);

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

/// What a turn changed: a new content, or none where it was taken away.
pub(crate) type Edits<K, T> = BTreeMap<K, Option<Arc<T>>>;

/// A kind as a turn sees it: its own edits over the cell's table.
pub(crate) struct Overlay<'a, K, T> {
    base: &'a Table<K, T>,
    pub(crate) edits: Edits<K, T>,
}

/// The key isn't loaded.
pub(crate) struct Unknown;

impl<'a, K: Ord + Clone, T: Clone> Overlay<'a, K, T> {
    pub(crate) const fn new(base: &'a Table<K, T>) -> Self {
        Self {
            base,
            edits: BTreeMap::new(),
        }
    }

    fn slot(&self, key: &K) -> Result<Option<&Arc<T>>, Unknown> {
        if let Some(edit) = self.edits.get(key) {
            return Ok(edit.as_ref());
        }
        match self.base.0.get(key) {
            Some(Slot::Present(value)) => Ok(Some(value)),
            Some(Slot::Absent) => Ok(None),
            None => Err(Unknown),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Result<Option<&T>, Unknown> {
        Ok(self.slot(key)?.map(|value| &**value))
    }

    /// The same to hold on to while other things change, without a copy.
    pub(crate) fn shared(&self, key: &K) -> Result<Option<Arc<T>>, Unknown> {
        Ok(self.slot(key)?.cloned())
    }

    /// All that are there and loaded: every one only of a kind that is always loaded.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &T)> {
        let base = self.base.0.iter().filter_map(|(key, slot)| match slot {
            Slot::Present(value) if !self.edits.contains_key(key) => Some((key, &**value)),
            _ => None,
        });
        let edits = self.edits.iter();
        base.chain(edits.filter_map(|(key, edit)| Some((key, edit.as_deref()?))))
    }

    /// What is known of the keys that begin so, first what the cell knows and then what this turn
    /// changed: what stands there, or that nothing does.
    pub(crate) fn beneath<'s>(
        &'s self,
        prefix: &'s str,
    ) -> impl Iterator<Item = (&'s K, Option<&'s T>)>
    where
        K: Borrow<str>,
    {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let begins = move |key: &K| key.borrow().starts_with(prefix);
        let base = self.base.0.range::<str, _>(from);
        let base = base.map(|(key, slot)| match slot {
            Slot::Present(value) => (key, Some(&**value)),
            Slot::Absent => (key, None),
        });
        let edits = self.edits.range::<str, _>(from);
        let edits = edits.map(|(key, edit)| (key, edit.as_deref()));
        base.take_while(move |(key, _)| begins(key))
            .chain(edits.take_while(move |(key, _)| begins(key)))
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Result<Option<&mut T>, Unknown> {
        if !self.edits.contains_key(key) {
            match self.base.0.get(key) {
                Some(Slot::Present(value)) => {
                    self.edits.insert(key.clone(), Some(Arc::clone(value)));
                }
                Some(Slot::Absent) => return Ok(None),
                None => return Err(Unknown),
            }
        }
        Ok(self
            .edits
            .get_mut(key)
            .and_then(Option::as_mut)
            .map(Arc::make_mut))
    }

    pub(crate) fn put(&mut self, key: K, value: T) {
        self.edits.insert(key, Some(Arc::new(value)));
    }

    pub(crate) fn remove(&mut self, key: K) {
        self.edits.insert(key, None);
    }
}

//! Pack files: bodies too large for a commit, appended and synced before anything names them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use naos_types::{BodyRef, Digest, StagedBody, TenantId};

use super::db::{self, DbError};
use crate::crypto::NONCE_BYTES;

/// A pack that is longer gives way to the next.
const PACK_BYTES_MAX: u64 = 256 * 1_024 * 1_024;
const MAGIC: &[u8; 4] = b"npk1";
const SUM_AT: usize = 4 + 16 + 32 + 8 + 8;
const HEADER_BYTES: usize = SUM_AT + 8;

/// Where a sealed body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) pack: u64,
    pub(crate) start: u64,
    pub(crate) bytes: u64,
}

/// What a scan finds: whose body, which, where.
pub(crate) type Found = (TenantId, BodyRef, Place);

/// All pack files of a node.
pub(crate) struct Packs {
    dir: PathBuf,
    open: Mutex<Open>,
}

struct Open {
    next: u64,
    current: Option<(u64, File, u64)>,
}

fn header(tenant: TenantId, name: &BodyRef, bytes: u64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(MAGIC);
    header[4..20].copy_from_slice(&tenant.0.to_be_bytes());
    header[20..52].copy_from_slice(&name.digest.0);
    header[52..60].copy_from_slice(&name.len.to_be_bytes());
    header[60..68].copy_from_slice(&bytes.to_be_bytes());
    let sum = Digest::of(&header[..SUM_AT]);
    header[SUM_AT..].copy_from_slice(&sum.0[..8]);
    header
}

fn parse(header: &[u8; HEADER_BYTES]) -> Option<(TenantId, BodyRef, u64)> {
    let sum = Digest::of(&header[..SUM_AT]);
    if header[..4] != *MAGIC || header[SUM_AT..] != sum.0[..8] {
        return None;
    }
    let int = |at: usize| Some(u64::from_be_bytes(header[at..at + 8].try_into().ok()?));
    let tenant = TenantId(u128::from_be_bytes(header[4..20].try_into().ok()?));
    let name = BodyRef {
        digest: Digest(header[20..52].try_into().ok()?),
        len: int(52)?,
    };
    Some((tenant, name, int(60)?))
}

impl Packs {
    /// Takes a directory's packs over; those that aren't in `indexed` are scanned.
    pub(crate) fn open(
        dir: &Path,
        indexed: &HashMap<u64, u64>,
        mut found: impl FnMut(Found),
    ) -> Result<Self, DbError> {
        fs::create_dir_all(dir)?;
        for (number, bytes) in indexed {
            let path = dir.join(format!("{number:06}.pack"));
            let found = match fs::metadata(&path) {
                Ok(about) => about.len(),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => 0,
                Err(cause) => return Err(cause.into()),
            };
            if found < *bytes {
                let path = path.display();
                let key = format!("{path}: {found} bytes are there, {bytes} were written");
                return Err(DbError::Row { table: "pack", key });
            }
        }
        let mut last = 0;
        for entry in fs::read_dir(dir)? {
            let name = entry?.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_suffix(".pack")?.parse().ok());
            let Some(number) = number else { continue };
            last = last.max(number);
            let path = dir.join(&name);
            if indexed.get(&number) != Some(&fs::metadata(&path)?.len()) {
                scan(&path, number, &mut found)?;
            }
        }
        // A pack's end may be torn: what follows goes into a new one.
        let open = Mutex::new(Open {
            next: last + 1,
            current: None,
        });
        Ok(Self {
            dir: dir.to_owned(),
            open,
        })
    }

    fn path(&self, pack: u64) -> PathBuf {
        self.dir.join(format!("{pack:06}.pack"))
    }

    /// Appends and syncs a body.
    pub(crate) fn put(&self, tenant: TenantId, body: &StagedBody) -> io::Result<Place> {
        self.append(tenant, body, true)
    }

    /// Appends a body that nothing names before [`Self::synced_lengths`].
    pub(crate) fn put_unsynced(&self, tenant: TenantId, body: &StagedBody) -> io::Result<Place> {
        self.append(tenant, body, false)
    }

    fn append(&self, tenant: TenantId, body: &StagedBody, sync: bool) -> io::Result<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, mut file, end) = match open.current.take() {
            Some(current) if current.2 < PACK_BYTES_MAX => current,
            full => {
                if let Some((_, full, _)) = full
                    && !sync
                {
                    full.sync_data()?;
                }
                let number = open.next;
                open.next += 1;
                let path = self.path(number);
                let file = fs::OpenOptions::new()
                    .append(true)
                    .create_new(true)
                    .open(path)?;
                db::sync_dir(&self.dir)?;
                (number, file, 0)
            }
        };
        // A failure from here on leaves the pack behind with whatever stands at its end.
        let bytes = body.sealed.len() as u64;
        file.write_all(&header(tenant, &body.name, bytes))?;
        file.write_all(&body.sealed)?;
        if sync {
            file.sync_data()?;
        }
        let start = end + HEADER_BYTES as u64;
        open.current = Some((number, file, start + bytes));
        Ok(Place {
            pack: number,
            start,
            bytes,
        })
    }

    /// The sealed bytes at a place, if the header before them says that they are this body.
    pub(crate) fn read(
        &self,
        tenant: TenantId,
        name: &BodyRef,
        place: Place,
    ) -> io::Result<Option<Vec<u8>>> {
        let file = File::open(self.path(place.pack))?;
        let mut bytes = [0; HEADER_BYTES];
        let Some(start) = place.start.checked_sub(HEADER_BYTES as u64) else {
            return Ok(None);
        };
        file.read_exact_at(&mut bytes, start)?;
        if parse(&bytes) != Some((tenant, *name, place.bytes)) {
            return Ok(None);
        }
        let mut sealed = vec![0; place.bytes as usize];
        file.read_exact_at(&mut sealed, place.start)?;
        Ok(Some(sealed))
    }

    /// Overwrites every copy of these contents of a tenant, but for one at the place beside its
    /// name. Headers stay, so that what follows is found.
    pub(crate) fn erase(
        &self,
        tenant: TenantId,
        erased: &[(BodyRef, Option<Place>)],
    ) -> io::Result<()> {
        // Nothing is appended meanwhile.
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for number in 1..open.next {
            let path = self.path(number);
            if !path.try_exists()? {
                continue;
            }
            let mut places = Vec::new();
            walk(&path, number, |_, (of, name, place)| {
                let is_gone =
                    |(gone, kept): &(BodyRef, Option<Place>)| *gone == name && *kept != Some(place);
                if of == tenant && erased.iter().any(is_gone) {
                    places.push(place);
                }
                Ok(())
            })?;
            if places.is_empty() {
                continue;
            }
            let file = fs::OpenOptions::new().write(true).open(&path)?;
            for place in places {
                db::overwrite(&file, place.start, place.bytes)?;
            }
            file.sync_data()?;
        }
        Ok(())
    }

    /// The same after everything that was appended is on the disk.
    pub(crate) fn synced_lengths(&self) -> io::Result<Vec<(u64, u64)>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file, _)) = &open.current {
            file.sync_data()?;
        }
        drop(open);
        self.lengths()
    }

    /// All packs with their lengths: at a clean close, when every body stands in its index.
    pub(crate) fn lengths(&self) -> io::Result<Vec<(u64, u64)>> {
        let mut lengths = Vec::new();
        for number in 1..self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next
        {
            match fs::metadata(self.path(number)) {
                Ok(about) => lengths.push((number, about.len())),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(lengths)
    }
}

/// Every body of a pack in its order, overwritten ones too.
fn walk(
    path: &Path,
    pack: u64,
    mut each: impl FnMut(&File, Found) -> io::Result<()>,
) -> io::Result<()> {
    let file = File::open(path)?;
    let end = file.metadata()?.len();
    let mut at = 0;
    while at + HEADER_BYTES as u64 <= end {
        let mut bytes = [0; HEADER_BYTES];
        file.read_exact_at(&mut bytes, at)?;
        let start = at + HEADER_BYTES as u64;
        let whole = parse(&bytes).filter(|(.., sealed)| *sealed <= end - start);
        let Some((tenant, name, sealed)) = whole else {
            tracing::warn!(path = %path.display(), at, "the end of a pack file is torn");
            return Ok(());
        };
        let place = Place {
            pack,
            start,
            bytes: sealed,
        };
        each(&file, (tenant, name, place))?;
        at = start + sealed;
    }
    Ok(())
}

fn scan(path: &Path, pack: u64, found: &mut impl FnMut(Found)) -> io::Result<()> {
    walk(path, pack, |file, item| {
        if !is_overwritten(file, item.2)? {
            found(item);
        }
        Ok(())
    })
}

/// What is sealed begins with a random nonce: zeros say that it was taken away.
fn is_overwritten(file: &File, place: Place) -> io::Result<bool> {
    let mut nonce = [0; NONCE_BYTES];
    if place.bytes < nonce.len() as u64 {
        return Ok(false);
    }
    file.read_exact_at(&mut nonce, place.start)?;
    Ok(nonce == [0; NONCE_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{A, B};

    fn body(byte: u8, len: usize) -> StagedBody {
        let name = BodyRef {
            digest: Digest([byte; 32]),
            len: len as u64,
        };
        StagedBody {
            name,
            sealed: vec![byte; len],
        }
    }

    fn open(dir: &Path) -> (Packs, Vec<Found>) {
        let mut found = Vec::new();
        let packs = Packs::open(dir, &HashMap::new(), |item| found.push(item)).unwrap();
        (packs, found)
    }

    #[test]
    fn bodies_come_back_and_are_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let (packs, found) = open(dir.path());
        assert!(found.is_empty());
        let bodies = [body(1, 20_000), body(2, 1), body(3, 70_000)];
        let places: Vec<_> = bodies
            .iter()
            .map(|body| packs.put(A, body).unwrap())
            .collect();
        let (packs, found) = open(dir.path());
        for ((body, place), found) in bodies.iter().zip(places).zip(found) {
            assert_eq!(found, (A, body.name, place));
            assert_eq!(
                packs.read(A, &body.name, place).unwrap().as_ref(),
                Some(&body.sealed)
            );
            assert_eq!(packs.read(B, &body.name, place).unwrap(), None);
        }
        assert_eq!(
            packs.put(A, &body(4, 9)).unwrap().pack,
            2,
            "never after another's end"
        );
    }

    #[test]
    fn a_torn_end_hides_nothing_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let (packs, _) = open(dir.path());
        packs.put(A, &body(1, 500)).unwrap();
        packs.put(A, &body(2, 500)).unwrap();
        let path = packs.path(1);
        let whole = fs::read(&path).unwrap();
        for cut in [1, 499, 500, 501, HEADER_BYTES + 499] {
            fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let (_, found) = open(dir.path());
            assert_eq!(found.len(), 1, "{cut} bytes lost");
        }
    }
}

//! How SQLite reads and writes files: the system's own way, with a checksum in every page.
//!
//! SQLite's main files have none of their own, and a flipped bit in a tree's pointer makes a row
//! vanish without a word. So the last [`STAMP_BYTES`] of each page (reserved by the file's header)
//! hold a checksum over the rest and its place, written and checked here. Write-ahead logs have
//! checksums already and pass through.
#![expect(
    unsafe_code,
    reason = "SQLite's file interface is a C table of functions"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

use rusqlite::ffi;

/// Every database of ours has pages of this size.
pub(crate) const PAGE_BYTES: usize = 4_096;
/// What each page gives up for its checksum.
pub(crate) const STAMP_BYTES: usize = 8;
/// The name that connections ask for.
pub(crate) const VFS_NAME: &CStr = c"naos";
/// Where a database's header says how much of each page is reserved.
const RESERVED_AT: usize = 20;

/// What follows the system's own part of an open file.
#[repr(C)]
struct Extra {
    base: *const ffi::sqlite3_io_methods,
    methods: ffi::sqlite3_io_methods,
    stamped: bool,
    #[cfg(test)]
    plan: Option<&'static super::faults::Plan>,
}

struct Base {
    vfs: *mut ffi::sqlite3_vfs,
    /// Where [`Extra`] begins in an open file.
    extra_at: usize,
}

// SAFETY: SQLite's default VFS is registered for the life of the process and is thread-safe.
unsafe impl Send for Base {}
// SAFETY: as above; the struct itself is never changed.
unsafe impl Sync for Base {}

static BASE: OnceLock<Base> = OnceLock::new();

/// Registers the interface, once; later calls do nothing.
pub(crate) fn register() {
    BASE.get_or_init(|| {
        // SAFETY: plain look-up of the default VFS; SQLite initialises itself here.
        let base = unsafe {
            ffi::sqlite3_initialize();
            ffi::sqlite3_vfs_find(std::ptr::null())
        };
        assert!(
            !base.is_null(),
            "SQLite has a default VFS on every system that we build for"
        );
        // SAFETY: the pointer was just checked and lives as long as the process.
        let mut own = unsafe { *base };
        let align = align_of::<Extra>();
        let extra_at = (own.szOsFile as usize).div_ceil(align) * align;
        own.szOsFile = (extra_at + size_of::<Extra>()) as c_int;
        own.zName = VFS_NAME.as_ptr();
        own.pNext = std::ptr::null_mut();
        own.xOpen = Some(open);
        #[cfg(test)]
        {
            own.xDelete = Some(delete);
        }
        // SAFETY: the table lives for ever, as registering demands.
        let rc = unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(own)), 0) };
        assert_eq!(rc, ffi::SQLITE_OK, "registering a VFS only takes memory");
        Base {
            vfs: base,
            extra_at,
        }
    });
}

fn base() -> &'static Base {
    BASE.get().expect("files are opened after register()")
}

/// # Safety
/// `file` was opened by [`open`].
unsafe fn extra<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Extra {
    // SAFETY: `szOsFile` reserves an aligned Extra at this place of each file, filled by `open`.
    unsafe { &mut *file.cast::<u8>().add(base().extra_at).cast::<Extra>() }
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let base = base();
    // SAFETY: the arguments go on as SQLite gave them; the file has room for the base's part.
    let rc = unsafe {
        let open = (*base.vfs).xOpen.expect("every VFS opens files");
        open(base.vfs, name, file, flags, out_flags)
    };
    if rc != ffi::SQLITE_OK {
        return full_or(rc);
    }
    // SAFETY: a file that was opened has a table of methods.
    let base_methods = unsafe { (*file).pMethods };
    if base_methods.is_null() {
        return rc;
    }
    // SAFETY: the table is the base's own and static.
    let mut methods = unsafe { std::ptr::read(base_methods) };
    methods.xRead = Some(read);
    methods.xWrite = Some(write);
    if methods.xShmMap.is_some() {
        methods.xShmMap = Some(shm_map);
    }
    #[cfg(test)]
    {
        methods.xSync = Some(sync);
        methods.xTruncate = Some(truncate);
    }
    let stamped = flags & ffi::SQLITE_OPEN_MAIN_DB != 0;
    let fresh = Extra {
        base: base_methods,
        methods,
        stamped,
        #[cfg(test)]
        plan: super::faults::plan_for(name),
    };
    // SAFETY: room for Extra was reserved behind the base's part.
    unsafe {
        let extra_at = file.cast::<u8>().add(base.extra_at).cast::<Extra>();
        std::ptr::write(extra_at, fresh);
        (*file).pMethods = &raw const (*extra_at).methods;
    }
    rc
}

/// A full disk has many names in SQLite; here it has one. Called right after the system's own
/// call failed, whose reason the thread still knows.
fn full_or(rc: c_int) -> c_int {
    use super::db::{Meaning, io_meaning};
    let cause = std::io::Error::last_os_error();
    let other = rc != ffi::SQLITE_OK && rc != ffi::SQLITE_BUSY && rc != ffi::SQLITE_READONLY;
    if other && io_meaning(&cause) == Meaning::Full && !super::planted::full_is_damage() {
        return ffi::SQLITE_FULL;
    }
    rc
}

/// SQLite tells a full disk from other failed writes, but neither a quota nor a limit on files.
fn full_write_or(rc: c_int) -> c_int {
    match rc {
        ffi::SQLITE_IOERR_WRITE => full_or(rc),
        other => other,
    }
}

/// The index of a write-ahead log takes space of its own, for reading too.
unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    bytes: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: SQLite calls us for files that `open` made.
    let extra = unsafe { extra(file) };
    #[cfg(test)]
    if extend != 0
        && let Some(code) = super::faults::next(extra.plan, super::faults::Call::Index)
    {
        return code;
    }
    // SAFETY: the base's table is static, and it has this call: `open` looked.
    let base_map = unsafe { (*extra.base).xShmMap }.expect("`open` looked for it");
    // SAFETY: as SQLite asked.
    let rc = unsafe { base_map(file, page, bytes, extend, out.cast()) };
    if rc & 0xff == ffi::SQLITE_IOERR {
        return full_or(rc);
    }
    rc
}

/// A checksum that any change of one word, and so of one bit, changes: each step is a bijection
/// of the state for a given word and of the word for a given state.
fn checksum(page: &[u8], place: u64) -> [u8; STAMP_BYTES] {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut lanes = [place ^ 1, place ^ 2, place ^ 3, place ^ 4];
    let (words, _) = page.as_chunks::<8>();
    let (fours, rest) = words.as_chunks::<4>();
    for four in fours {
        for (lane, word) in lanes.iter_mut().zip(four) {
            *lane = (*lane ^ u64::from_le_bytes(*word))
                .wrapping_mul(ODD)
                .rotate_left(29);
        }
    }
    for (lane, word) in lanes.iter_mut().zip(rest) {
        *lane = (*lane ^ u64::from_le_bytes(*word))
            .wrapping_mul(ODD)
            .rotate_left(29);
    }
    let mixed = lanes.iter().fold(ODD, |sum, lane| {
        (sum ^ lane).wrapping_mul(ODD).rotate_left(31)
    });
    mixed.to_le_bytes()
}

fn place(offset: i64) -> u64 {
    offset as u64 / PAGE_BYTES as u64 + 1
}

fn page_is_sound(page: &[u8; PAGE_BYTES], offset: i64) -> bool {
    if super::planted::skip_checksum() {
        return true;
    }
    let (content, stamp) = page.split_at(PAGE_BYTES - STAMP_BYTES);
    checksum(content, place(offset)) == stamp
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    out: *mut c_void,
    len: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite calls us for files that `open` made.
    let extra = unsafe { extra(file) };
    // SAFETY: the base's table is static.
    let base_read = unsafe { (*extra.base).xRead }.expect("every file reads");
    if !extra.stamped {
        // SAFETY: as SQLite asked.
        return unsafe { base_read(file, out, len, offset) };
    }
    let within = (offset % PAGE_BYTES as i64) as usize;
    let wanted = len as usize;
    if within + wanted > PAGE_BYTES {
        return ffi::SQLITE_IOERR_DATA; // a header that names another page size
    }
    let start = offset - within as i64;
    let mut page = [0_u8; PAGE_BYTES];
    // SAFETY: the page is as long as we say.
    let rc = unsafe { base_read(file, page.as_mut_ptr().cast(), PAGE_BYTES as c_int, start) };
    // SAFETY: `out` has room for what SQLite asked for.
    let out = unsafe { std::slice::from_raw_parts_mut(out.cast::<u8>(), wanted) };
    out.copy_from_slice(&page[within..within + wanted]);
    // A page that is there in part was cut off: whole pages are written, or none.
    let cut = rc == ffi::SQLITE_IOERR_SHORT_READ && page.iter().any(|byte| *byte != 0);
    if cut || (rc == ffi::SQLITE_OK && !page_is_sound(&page, start)) {
        return ffi::SQLITE_IOERR_DATA;
    }
    rc
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    len: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite calls us for files that `open` made.
    let extra = unsafe { extra(file) };
    #[cfg(test)]
    if let Some(code) = super::faults::next(extra.plan, super::faults::Call::Write) {
        return code;
    }
    // SAFETY: the base's table is static.
    let base_write = unsafe { (*extra.base).xWrite }.expect("every file writes");
    if !extra.stamped {
        // SAFETY: as SQLite asked.
        return full_write_or(unsafe { base_write(file, bytes, len, offset) });
    }
    if len as usize != PAGE_BYTES || offset % PAGE_BYTES as i64 != 0 {
        return ffi::SQLITE_IOERR_WRITE; // never seen: main files are written by the page
    }
    let mut page = [0_u8; PAGE_BYTES];
    // SAFETY: SQLite gives `len` bytes, a page.
    page.copy_from_slice(unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), PAGE_BYTES) });
    if offset == 0 && usize::from(page[RESERVED_AT]) != STAMP_BYTES {
        return ffi::SQLITE_IOERR_WRITE; // a stamp would overwrite content
    }
    let stamp = checksum(&page[..PAGE_BYTES - STAMP_BYTES], place(offset));
    page[PAGE_BYTES - STAMP_BYTES..].copy_from_slice(&stamp);
    // SAFETY: the copy is a page long.
    full_write_or(unsafe { base_write(file, page.as_ptr().cast(), len, offset) })
}

#[cfg(test)]
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite calls us for files that `open` made.
    let extra = unsafe { extra(file) };
    if let Some(code) = super::faults::next(extra.plan, super::faults::Call::Sync) {
        return code;
    }
    // SAFETY: as SQLite asked.
    unsafe { (*extra.base).xSync.expect("every file syncs")(file, flags) }
}

#[cfg(test)]
unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: SQLite calls us for files that `open` made.
    let extra = unsafe { extra(file) };
    if let Some(code) = super::faults::next(extra.plan, super::faults::Call::Truncate) {
        return code;
    }
    // SAFETY: as SQLite asked.
    unsafe { (*extra.base).xTruncate.expect("every file truncates")(file, size) }
}

#[cfg(test)]
unsafe extern "C" fn delete(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync_dir: c_int,
) -> c_int {
    let plan = super::faults::plan_for(name);
    if let Some(code) = super::faults::next(plan, super::faults::Call::Delete) {
        return code;
    }
    let base = base();
    // SAFETY: as SQLite asked.
    unsafe { (*base.vfs).xDelete.expect("every VFS deletes")(base.vfs, name, sync_dir) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bit_and_any_place_changes_the_checksum() {
        let mut page = [0xa5_u8; PAGE_BYTES];
        let content = PAGE_BYTES - STAMP_BYTES;
        let sum = checksum(&page[..content], 1);
        assert_ne!(checksum(&page[..content], 2), sum);
        for bit in 0..content * 8 {
            page[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum(&page[..content], 1), sum, "bit {bit}");
            page[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

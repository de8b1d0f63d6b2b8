//! Bugs put in on purpose (feature `planted-bugs`): the tests prove that they would notice.
//! Without the feature every question here is a constant "no".

#[cfg(feature = "planted-bugs")]
fn chosen(bug: &str) -> bool {
    std::env::var("NAOS_PLANTED_BUG").is_ok_and(|planted| planted == bug)
}

#[cfg(not(feature = "planted-bugs"))]
const fn chosen(_bug: &str) -> bool {
    false
}

/// A report is written over what somebody changed by hand.
pub(crate) fn overwrite_edits() -> bool {
    chosen("overwrite-edits")
}

/// An older report goes on waiting beside the newer one.
pub(crate) fn old_reports_wait() -> bool {
    chosen("old-reports-wait")
}

/// A report leaves mails out and doesn't say so.
pub(crate) fn silent_about_old_mails() -> bool {
    chosen("silent-about-old-mails")
}

/// What is forgotten still stands where it was written a second time.
pub(crate) fn forgets_one_place() -> bool {
    chosen("forgets-one-place")
}

/// What looks like a key is taken along with the folder that it stands in.
pub(crate) fn imports_keys() -> bool {
    chosen("imports-keys")
}

/// An import takes back what the agent wrote since the last one.
pub(crate) fn imports_old_memories() -> bool {
    chosen("imports-old-memories")
}

/// An export writes over what somebody changed in the folder.
pub(crate) fn exports_over_edits() -> bool {
    chosen("exports-over-edits")
}

/// Of an input that is given twice the later one is taken, unseen.
pub(crate) fn later_input_wins() -> bool {
    chosen("later-input-wins")
}

/// A command that only waits keeps the directory from a daemon that starts.
pub(crate) fn keeps_the_data() -> bool {
    chosen("keeps-the-data")
}

/// Who goes on with a daemon's work reaches none of the services that it did.
pub(crate) fn forgets_the_ports() -> bool {
    chosen("forgets-the-ports")
}

/// Who has the data does the work of others, too, where it lacks what they have.
pub(crate) fn takes_what_it_lacks() -> bool {
    chosen("takes-what-it-lacks")
}

/// A variable that is there to say who asks, and is empty, lets in as the owner.
pub(crate) fn empty_token_is_none() -> bool {
    chosen("empty-token-is-none")
}

/// What any folder had in common with an agent counts for each folder.
pub(crate) fn one_base_for_all_folders() -> bool {
    chosen("one-base-for-all-folders")
}

/// What a server says of its tools is approved before anybody saw it.
pub(crate) fn approves_unseen() -> bool {
    chosen("approves-unseen")
}

/// A command that waits for its run ends at once when it is interrupted.
pub(crate) fn interrupts_cut_off() -> bool {
    chosen("interrupts-cut-off")
}

/// Of what was put aside the newest events are given again first.
pub(crate) fn newest_is_given_first() -> bool {
    chosen("newest-is-given-first")
}

/// What an agent learned is taken from a folder as it is, whether it can be read or not.
pub(crate) fn imports_broken_facts() -> bool {
    chosen("imports-broken-facts")
}

/// Who makes a squad doesn't wait for another one who does.
pub(crate) fn squads_at_once() -> bool {
    chosen("squads-at-once")
}

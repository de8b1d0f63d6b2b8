//! Bugs put in on purpose (feature `planted-bugs`): the tests prove that they would notice.
//! Without the feature every question here is a constant "no".

#[cfg(feature = "planted-bugs")]
fn chosen(bug: &str) -> bool {
    static BUG: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    BUG.get_or_init(|| std::env::var("NAOS_PLANTED_BUG").unwrap_or_default()) == bug
}

#[cfg(not(feature = "planted-bugs"))]
const fn chosen(_bug: &str) -> bool {
    false
}

/// A content is erased for others that say the same, unasked.
pub(crate) fn erases_for_others() -> bool {
    chosen("erases-for-others")
}

/// Of a key that an event says twice the last one counts, unseen.
pub(crate) fn last_key_wins() -> bool {
    chosen("events-last-key-wins")
}

/// What a request says that would be lost when it is read is lost, unseen.
pub(crate) fn bodies_half_read() -> bool {
    chosen("bodies-half-read")
}

/// Of a batch of events those are published that can be, whatever becomes of the others.
pub(crate) fn batches_in_part() -> bool {
    chosen("batches-in-part")
}

/// One route reads the main tenant, whoever asks.
pub(crate) fn missing_tenant_filter() -> bool {
    chosen("missing-tenant-filter")
}

/// A file that is applied again undoes what was set by command since.
pub(crate) fn files_undo_commands() -> bool {
    chosen("files-undo-commands")
}

/// Everybody asks models with whichever key they name.
pub(crate) fn keys_of_others() -> bool {
    chosen("keys-of-others")
}

/// Any tenant's servers of tools are programs of this machine.
pub(crate) fn programs_of_others() -> bool {
    chosen("programs-of-others")
}

/// A proof looks at the caller's own journal and at no other.
pub(crate) fn own_journal_alone() -> bool {
    chosen("own-journal-alone")
}

/// A request's head may take as long as it likes.
pub(crate) fn slow_heads() -> bool {
    chosen("slow-heads")
}

/// There may be as many connections as somebody wants.
pub(crate) fn connections_without_end() -> bool {
    chosen("connections-without-end")
}

/// Long reads are made on the threads that serve everybody.
pub(crate) fn reads_in_the_way() -> bool {
    chosen("reads-in-the-way")
}

/// Any site may post.
pub(crate) fn no_origin_check() -> bool {
    chosen("no-origin-check")
}

/// A token in an address is as good as one in a header.
pub(crate) fn query_token() -> bool {
    chosen("query-token")
}

/// The API takes any name in an address for one it knows.
pub(crate) fn any_query() -> bool {
    chosen("any-query")
}

/// A link in Markdown may lead anywhere.
pub(crate) fn any_link() -> bool {
    chosen("any-link")
}

/// A webhook's call may be signed by anybody.
pub(crate) fn unsigned_webhooks() -> bool {
    chosen("unsigned-webhooks")
}

/// What a driver's endpoint sends back may be signed by anybody.
pub(crate) fn unsigned_answers() -> bool {
    chosen("unsigned-answers")
}

/// What is delivered is acknowledged before its receiver has it.
pub(crate) fn acknowledged_unsent() -> bool {
    chosen("acknowledged-unsent")
}

/// A webhook's call may be as old as it likes.
pub(crate) fn old_webhooks() -> bool {
    chosen("old-webhooks")
}

/// A webhook's call that comes again is another one.
pub(crate) fn repeated_webhooks() -> bool {
    chosen("repeated-webhooks")
}

/// A tool of MCP asks nobody for their role.
pub(crate) fn tools_for_all() -> bool {
    chosen("tools-for-all")
}

/// Who sets itself off is looked for in the steps of what it begins, and not in what those run.
pub(crate) fn plans_within_unseen() -> bool {
    chosen("plans-within-unseen")
}

/// Who signed out is still known as signed in to the next process.
pub(crate) fn ended_sessions_kept() -> bool {
    chosen("ended-sessions-kept")
}

/// Nobody is told that no agent looked at what they are asked about.
pub(crate) fn unreviewed_unmarked() -> bool {
    chosen("unreviewed-unmarked")
}

/// What was looked at still counts for what a person made of it.
pub(crate) fn edited_is_checked() -> bool {
    chosen("edited-is-checked")
}

/// Of several questions that are answered at once, whatever they have become since is decided.
pub(crate) fn batch_unseen() -> bool {
    chosen("batch-unseen")
}

/// A streamed answer has whatever its models wrote, half sentences that broke off too.
pub(crate) fn streams_what_broke_off() -> bool {
    chosen("streams-what-broke-off")
}

/// An item of a streamed response is added before there is text for it.
pub(crate) fn items_ahead_of_text() -> bool {
    chosen("items-ahead-of-text")
}

/// Whoever listens late to a run isn't told the answers that are there.
pub(crate) fn answers_untold() -> bool {
    chosen("answers-untold")
}

/// Who lets one tool be called takes back all others of its server, unseen.
pub(crate) fn approves_these_alone() -> bool {
    chosen("approves-these-alone")
}

/// Each model that an agent names is taken to be there.
pub(crate) fn models_are_there() -> bool {
    chosen("models-are-there")
}

/// What an answer didn't look at of the journal isn't there.
pub(crate) fn newest_are_all() -> bool {
    chosen("newest-are-all")
}

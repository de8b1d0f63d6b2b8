//! The register of all stored records: every table and file this crate writes, its columns, and
//! how long a row lives. Numbers are never used again; what is retired stays listed.
//!
//! Before a layout changes, think of: an old reader and new data, a new reader and old data, an
//! old writer and new data. A change raises the format of its file (`Layout::format`): format N
//! reads N − 1, and refuses N + 1 by name.

/// One kind of stored record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// For ever this one's.
    pub number: u16,
    /// Which file.
    pub file: &'static str,
    /// The table, or the record within a plain file.
    pub name: &'static str,
    /// Columns in order, or the bytes.
    pub layout: &'static str,
    /// From when to when.
    pub life: &'static str,
    /// The newest format that has it.
    pub format: u32,
}

const fn stored(
    number: u16,
    file: &'static str,
    name: &'static str,
    layout: &'static str,
    life: &'static str,
) -> StoredRecord {
    StoredRecord {
        number,
        file,
        name,
        layout,
        life,
        format: 1,
    }
}

/// All of them.
pub const REGISTER: &[StoredRecord] = &[
    stored(
        1,
        "log/NNNNNN.db",
        "log",
        "pos tenant first_seq last_seq epoch batch bytes",
        "from its commit until every tenant's file and system.db hold it on the disk",
    ),
    stored(
        2,
        "tenants/<id>.db",
        "meta",
        "id tenant seq epoch at pos batch records_seq frontier sum",
        "one row, as long as the tenant",
    ),
    stored(
        3,
        "tenants/<id>.db",
        "journal",
        "seq at kind version bytes hash",
        "for ever; a fact of version N is read by every later release",
    ),
    stored(
        4,
        "tenants/<id>.db",
        "records",
        "kind id version seq open bytes sum",
        "until the aggregate goes; can be derived from the journal",
    ),
    stored(
        5,
        "tenants/<id>.db",
        "inbox",
        "source key request reply at sum",
        "seven days, then until the next day's first answer",
    ),
    stored(
        6,
        "tenants/<id>.db",
        "bodies",
        "digest len sealed sum",
        "as long as the tenant; unreadable once its key is destroyed; sealed becomes empty when a \
         fact takes the content away",
    ),
    stored(
        7,
        "tenants/<id>.db",
        "packed",
        "digest len pack start bytes sum",
        "as long as the body in its pack; can be derived from the pack",
    ),
    stored(
        8,
        "tenants/<id>.db",
        "checkpoint",
        "size at note frontier sum",
        "for ever: a log that signed two histories has broken its word",
    ),
    stored(
        9,
        "system.db",
        "node",
        "id pos clean cells sum",
        "one row, as long as the directory",
    ),
    stored(
        10,
        "system.db",
        "cell",
        "tenant seq pos due sum",
        "as long as the tenant; can be derived from its file and the log",
    ),
    stored(
        11,
        "system.db",
        "pack",
        "number bytes sum",
        "as long as the pack; can be derived by reading it",
    ),
    stored(
        12,
        "keys/ring.db",
        "ring",
        "tenant subject wrapped",
        "for ever; wrapped becomes NULL when the key is destroyed",
    ),
    stored(
        13,
        "keys/node.key, keys/sign.key",
        "key file",
        "32 bytes key, 8 bytes SHA-256 of it",
        "for ever; without node.key nothing sealed can be read",
    ),
    stored(
        14,
        "bodies/NNNNNN.pack",
        "packed body",
        "magic npk1, 16 tenant, 32 digest, 8 length, 8 sealed length, 8 sum, sealed bytes",
        "as long as the tenant; unreadable once its key is destroyed; zeros once a fact took the \
         content away",
    ),
    stored(
        15,
        "lock",
        "lock",
        "the owner's process id in decimal",
        "while a process runs",
    ),
    stored(
        16,
        "views/<id>.db",
        "cursor",
        "view version tenant seq",
        "as long as the view; all tables of the file are made again from the journal",
    ),
    StoredRecord {
        format: 2,
        ..stored(
            17,
            "views/<id>.db",
            "run",
            "id agent tier status cost",
            "as long as the tenant; can be derived from the journal",
        )
    },
    StoredRecord {
        format: 2,
        ..stored(
            18,
            "views/<id>.db",
            "task",
            "id status",
            "as long as the tenant; can be derived from the journal",
        )
    },
    StoredRecord {
        format: 2,
        ..stored(
            19,
            "views/<id>.db",
            "task_count",
            "status tasks",
            "as long as the tenant; can be derived from the journal",
        )
    },
    StoredRecord {
        format: 2,
        ..stored(
            20,
            "views/<id>.db",
            "plan",
            "id kind name status",
            "as long as the tenant; can be derived from the journal",
        )
    },
    StoredRecord {
        format: 2,
        ..stored(
            21,
            "views/<id>.db",
            "spending",
            "day agent tier status runs cost",
            "until no run is left in the sum; can be derived from the journal",
        )
    },
    stored(
        22,
        "FILE of a backup",
        "backup",
        "magic naosbkp, 4 format, 16 key id, 32 salt, then sealed pieces of 64 KiB: items, each \
         4 length and postcard",
        "as long as whoever made it keeps it; unreadable without its keys",
    ),
    stored(
        23,
        "FILE.keys of a backup",
        "keys of a backup",
        "magic naoskey, 4 format, 32 node.key, 32 sign.key, rows of 16 tenant, 8 subject, \
         1 length, wrapped key; 32 SHA-256",
        "until the next backup's takes its place",
    ),
    stored(
        24,
        "a body",
        "page of a run's log",
        "1 layout (1), then postcard: lines, each at attempt call level text cut",
        "as long as the tenant; unreadable once its key is destroyed",
    ),
    stored(
        25,
        "tenants/<id>.db, records of kind run_log",
        "log of a run",
        "version 1, postcard: pages (each body lines) lines bytes left_out",
        "as long as the tenant; can be derived from the journal",
    ),
    stored(
        26,
        "tenants/<id>.db, records of kind catalog",
        "version of the catalog",
        "version 1, postcard: 32 digest",
        "one row, from the first change of an agent or skill; can be derived from the journal",
    ),
    stored(
        27,
        "a body that tenant.quarantined names",
        "kept input",
        "1 layout, then postcard of input, bodies, key and effect; at most 256 KiB, sealed as \
         every body is",
        "as long as the tenant; of another layout it can be skipped and not tried again",
    ),
    stored(
        28,
        "tenants/<id>.db, records of kind schedule",
        "how a schedule stands",
        "version 1, postcard: id version since next last fired missed paused problem; its key is \
         the kind and name of its resource",
        "as long as the resource has a time; can be derived from the journal",
    ),
    stored(
        29,
        "tenants/<id>.db, records of kind beat",
        "a schedule that waits",
        "version 1, postcard: at; its key is 8 bytes of time, sortable, and the schedule's key",
        "until its time comes or its schedule waits for another; can be derived from the journal",
    ),
    stored(
        40,
        "tenants/<id>.db, records of kind supervisor",
        "state of a supervisor",
        "version 1, postcard: standing since wanted children (each name restart_at restarts \
         failures failed) restarts restarts_max window restarted problem",
        "as long as the supervisor; can be derived from the journal",
    ),
    stored(
        41,
        "tenants/<id>.db, records of kind watch",
        "who watches a child",
        "version 1, postcard: by; the key is the child's name",
        "as long as a supervisor names the child; can be derived from the journal",
    ),
    stored(
        42,
        "tenants/<id>.db, records of kind forest",
        "which supervisor watches which",
        "version 1, postcard: parents, each with its own or none",
        "one row, from the first supervisor on; can be derived from the journal",
    ),
    stored(
        50,
        "tenants/<id>.db, records of kind driver",
        "how a driver is",
        "version 1, postcard: open (each task since) window used answered failed in_a_row resting \
         rests last (each at took well) problem; the key is the driver's name",
        "from its first event until the driver is taken away; can be derived from the journal",
    ),
    StoredRecord {
        format: 2,
        ..stored(
            51,
            "views/<id>.db",
            "model",
            "day model answers failed input cached output cost incidents",
            "as long as the tenant; can be derived from the journal",
        )
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sqlite::stored_schemas;

    #[test]
    fn every_table_and_column_is_registered() {
        let registered: BTreeSet<_> = REGISTER
            .iter()
            .filter(|record| record.file.ends_with(".db"))
            .map(|record| {
                (
                    record.name.to_owned(),
                    record.layout.to_owned(),
                    record.format,
                )
            })
            .collect();
        let mut created = BTreeSet::new();
        for (schema, format) in stored_schemas() {
            let conn = rusqlite::Connection::open_in_memory().unwrap();
            conn.execute_batch(schema).unwrap();
            let sql = "SELECT name, (SELECT group_concat(c.name, ' ')
                       FROM pragma_table_info(t.name) AS c)
                       FROM sqlite_schema AS t WHERE type = 'table'";
            let mut tables = conn.prepare(sql).unwrap();
            let rows = tables
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            created.extend(rows.map(|row| {
                let (name, columns): (String, String) = row.unwrap();
                (name, columns, format)
            }));
        }
        assert_eq!(created, registered);
    }

    #[test]
    fn numbers_are_unique_and_in_order() {
        let numbers: Vec<_> = REGISTER.iter().map(|record| record.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
}

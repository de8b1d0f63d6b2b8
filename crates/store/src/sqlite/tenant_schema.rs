//! The tables of one tenant's file; [`crate::REGISTER`] tells how long their rows live.

use super::db::Layout;

pub(crate) static TENANT: Layout = Layout {
    name: "tenant file",
    format: 1,
    schema: "CREATE TABLE meta(
        id INTEGER PRIMARY KEY CHECK(id = 1),
        tenant BLOB NOT NULL,
        seq INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        at INTEGER NOT NULL,
        pos INTEGER NOT NULL,
        batch BLOB NOT NULL,
        records_seq INTEGER NOT NULL,
        frontier BLOB NOT NULL,
        sum BLOB NOT NULL
    ) STRICT;
    CREATE TABLE journal(
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        version INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        hash BLOB NOT NULL
    ) STRICT;
    CREATE TABLE records(
        kind TEXT NOT NULL,
        id BLOB NOT NULL,
        version INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        open INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        sum BLOB NOT NULL,
        PRIMARY KEY(kind, id)
    ) STRICT;
    CREATE INDEX records_open ON records(kind, id) WHERE open = 1;
    CREATE TABLE inbox(
        source TEXT NOT NULL,
        key TEXT NOT NULL,
        request BLOB NOT NULL,
        reply BLOB NOT NULL,
        at INTEGER NOT NULL,
        sum BLOB NOT NULL,
        PRIMARY KEY(source, key)
    ) STRICT;
    CREATE TABLE bodies(
        digest BLOB PRIMARY KEY,
        len INTEGER NOT NULL,
        sealed BLOB NOT NULL,
        sum BLOB NOT NULL
    ) STRICT;
    CREATE TABLE packed(
        digest BLOB PRIMARY KEY,
        len INTEGER NOT NULL,
        pack INTEGER NOT NULL,
        start INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        sum BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE checkpoint(
        size INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        note TEXT NOT NULL,
        frontier BLOB NOT NULL,
        sum BLOB NOT NULL
    ) STRICT;",
};

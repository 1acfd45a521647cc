//! What the columns of the database's lists mean and what is normal.

use super::view::ColumnNote;

const fn note(column: &'static str, meaning: &'static str) -> ColumnNote {
    ColumnNote { column, meaning }
}

pub(super) const TABLES: &[ColumnNote] = &[
    note(
        "size",
        "Space on disk with indexes. “segments” holds the words and is normally by far the largest.",
    ),
    note("rows", "Rows of the table, estimated. An exact count would read the whole table."),
    note(
        "dead",
        "Old versions of changed and deleted rows. Up to a fifth of the rows is normal; the server clears them away by itself (autovacuum).",
    ),
    note(
        "inserted, updated, deleted",
        "Rows written since the statistics began. They begin anew after a crash of the server.",
    ),
    note(
        "vacuum",
        "When dead rows were last cleared away, by the server or by hand. “never” is normal for small tables.",
    ),
    note(
        "analyze",
        "When rows and values were last counted, by the server or by hand. Searches are planned with these counts. “never” is normal for small tables.",
    ),
];

pub(super) const INDEXES: &[ColumnNote] = &[
    note("size", "Space on disk. All indexes of a table together are normally smaller than the table."),
    note(
        "scans",
        "Searches that used the index since the statistics began. 0 is normal in a small archive, where reading the whole table is faster, and for parts that you do not use.",
    ),
];

pub(super) const ACTIVITY: &[ColumnNote] = &[
    note("pid", "The server process of the connection; `meetmemo database end PID` ends it."),
    note("application", "What the program calls itself: meetmemo window, meetmemo worker, psql, pg_dump …"),
    note("user", "The role that the program is connected as. On the private server it is always meetmemo."),
    note(
        "state",
        "“active” runs a statement. “idle in transaction” has begun a transaction and does nothing: normal for a moment, but for minutes it blocks others.",
    ),
    note(
        "age",
        "Time since the statement began. MeetMemo's own statements normally take less than a second.",
    ),
    note(
        "waits for",
        "What holds the statement up. “Lock …” means another connection: see `meetmemo database locks`.",
    ),
];

pub(super) const LOCKS: &[ColumnNote] = &[
    note(
        "waits",
        "The connection that cannot go on, and for how long. Waiting for less than a second is normal.",
    ),
    note("for", "The connection that holds the lock. It releases the lock when its transaction ends."),
    note(
        "locked",
        "The table or transaction in question, and the lock that is wanted. Only AccessExclusiveLock keeps readers out (VACUUM FULL, changes of the schema).",
    ),
];

pub(super) const SLOW_LOG: &[ColumnNote] = &[
    note("time", "When the statement ended."),
    note(
        "took",
        "How long it took. Now and then one above the limit is normal, for example while a large archive is opened or backed up. Many equal ones are not: run `meetmemo database analyze`.",
    ),
    note("application", "The program that ran it."),
];

pub(super) const SLOW_STATISTICS: &[ColumnNote] = &[
    note("slowest", "The duration of the slowest run. Above the limit now and then is normal."),
    note("mean", "The average duration. It is normally far below the limit."),
    note("calls", "How often the statement ran since the statistics began."),
];

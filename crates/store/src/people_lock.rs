//! The advisory lock on the list of known people. Merging and deleting people hold it exclusively, naming a speaker holds
//! it shared: otherwise a speaker could be linked to a person that is gone.

use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Key of the lock.
const PEOPLE_LOCK: i32 = 0x4d4d_5001;

/// Prevents that people are merged or deleted before this transaction ends.
pub(crate) async fn lock_people_shared(c: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    let lock = diesel::sql_query("SELECT pg_advisory_xact_lock_shared($1, 0)");
    lock.bind::<sql_types::Integer, _>(PEOPLE_LOCK).execute(c).await.map(|_| ())
}

/// Prevents that speakers are linked to people before this transaction ends.
pub(crate) async fn lock_people_exclusive(c: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    let lock = diesel::sql_query("SELECT pg_advisory_xact_lock($1, 0)");
    lock.bind::<sql_types::Integer, _>(PEOPLE_LOCK).execute(c).await.map(|_| ())
}

//! The lock that lets only one process per computer work on recordings of a database.
//!
//! A session-level advisory lock on a dedicated connection. It is released as soon as its process or the server ends,
//! so its holder knows that no other worker of this computer is alive.

use crate::ids::MachineId;
use crate::query::on_dedicated_connection;
use crate::timeouts::is_alive;
use crate::{Result, Store};
use diesel::sql_types::{BigInt, Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// The right to be this computer's worker. Dropping it releases the lock.
pub struct WorkerLock {
    connection: AsyncPgConnection,
}

impl std::fmt::Debug for WorkerLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WorkerLock")
    }
}

#[derive(diesel::QueryableByName)]
struct BoolRow {
    #[diesel(sql_type = Bool)]
    value: bool,
}

impl WorkerLock {
    /// Takes the lock; `None` if another process holds it.
    pub async fn acquire(store: &Store, machine: MachineId) -> Result<Option<Self>> {
        let (connection, acquired): (_, BoolRow) = on_dedicated_connection!(store, connection => {
            diesel::sql_query("SELECT pg_try_advisory_lock($1) AS value")
                .bind::<BigInt, _>(key(machine))
                .get_result(connection)
        })?;
        Ok(acquired.value.then_some(Self { connection }))
    }

    /// Whether the lock is still held. False if its connection or the server has ended or does not answer.
    pub async fn is_held(&mut self) -> bool {
        is_alive(&mut self.connection).await
    }
}

/// The lower half of the machine's id. On a collision two computers would only work alternately.
fn key(machine: MachineId) -> i64 {
    machine.uuid().as_u64_pair().1.cast_signed()
}

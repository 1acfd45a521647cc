//! One recording at a time per computer and database.
//!
//! A session-level advisory lock on a connection of its own. It is gone the moment its process or the server is, so
//! whoever holds it knows that no other worker of this computer lives.

use crate::archive::on_dedicated;
use crate::ids::MachineId;
use crate::patience::is_alive;
use crate::{Result, Store};
use diesel::sql_types::{BigInt, Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// The right to be this computer's worker. Released when dropped.
pub struct WorkLock {
    connection: AsyncPgConnection,
}

impl std::fmt::Debug for WorkLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WorkLock")
    }
}

#[derive(diesel::QueryableByName)]
struct Truth {
    #[diesel(sql_type = Bool)]
    truth: bool,
}

impl WorkLock {
    /// Becomes this computer's worker; `None` while another process is.
    pub async fn acquire(store: &Store, machine: MachineId) -> Result<Option<Self>> {
        let (connection, got): (_, Truth) = on_dedicated!(store, connection => {
            diesel::sql_query("SELECT pg_try_advisory_lock($1) AS truth")
                .bind::<BigInt, _>(key(machine))
                .get_result(connection)
        })?;
        Ok(got.truth.then_some(Self { connection }))
    }

    /// Whether the lock is still ours: false after its server or connection has ended, or gives no answer.
    pub async fn is_held(&mut self) -> bool {
        is_alive(&mut self.connection).await
    }
}

/// The lower half of the machine's id. A collision would only make two computers take turns.
fn key(machine: MachineId) -> i64 {
    machine.uuid().as_u64_pair().1.cast_signed()
}

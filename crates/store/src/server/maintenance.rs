//! ANALYZE, VACUUM and REINDEX of the archive's tables, one after the other.
//!
//! They run on a connection of their own and without the limit of other statements, because rewriting a large table takes
//! minutes. A stop cancels the running statement on the server, so that nothing goes on there unseen. Every statement is
//! whole or has no effect; one that is killed leaves its table as it was. One process at a time does this: an advisory
//! lock keeps a second one out.

use crate::error::StoreError;
use crate::query::{on_connection, on_dedicated_connection};
use crate::{Result, Store, disk_space};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use std::collections::HashMap;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Key of the advisory lock that is held during maintenance: “mmaintai” in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"mmaintai");
/// Pause between attempts to cancel a statement: a cancel that comes between two statements has no effect.
const CANCEL_AGAIN: Duration = Duration::from_millis(200);

/// What to do with each table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maintenance {
    /// Count the rows and values anew for the planner of queries. Reads a sample and blocks nobody.
    Analyze,
    /// Make the space of old versions of rows usable again, then analyze. Blocks nobody.
    Vacuum,
    /// Write the table anew without gaps and give the space back to the disk, then analyze. Nobody can read or write the
    /// table meanwhile, and there must be room for a second copy.
    VacuumFull,
    /// Write all indexes anew beside the old ones (CONCURRENTLY). Blocks nobody.
    Reindex,
}

impl Maintenance {
    /// The word that [`STATEMENTS`] knows.
    fn word(self) -> &'static str {
        match self {
            Self::Analyze => "analyze",
            Self::Vacuum => "vacuum",
            Self::VacuumFull => "vacuum_full",
            Self::Reindex => "reindex",
        }
    }
}

/// A table that is about to be worked on.
#[derive(Debug, Clone, PartialEq)]
pub struct MaintenanceStep {
    /// The number of the table, from 1.
    pub number: u32,
    /// How many tables there are.
    pub count: u32,
    /// The name of the table.
    pub table: String,
    /// Its size in bytes, with indexes.
    pub bytes: i64,
}

/// A table that was worked on.
#[derive(Debug, Clone, PartialEq)]
pub struct TableMaintained {
    /// Its name.
    pub table: String,
    /// Its size before, in bytes, with indexes.
    pub bytes_before: i64,
    /// Its size afterwards.
    pub bytes_after: i64,
    /// How long it took.
    pub elapsed: Duration,
}

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub struct MaintenanceReport {
    /// The tables that are done, in order.
    pub tables: Vec<TableMaintained>,
    /// Whether it was stopped before the last table.
    pub stopped: bool,
}

/// The statement for each table. The server quotes the names. `$1` is the word of the work.
const STATEMENTS: &str = "
    SELECT
        c.relname::text AS name,
        format(
            CASE $1
                WHEN 'analyze' THEN 'ANALYZE %I.%I'
                WHEN 'vacuum' THEN 'VACUUM (ANALYZE) %I.%I'
                WHEN 'vacuum_full' THEN 'VACUUM (FULL, ANALYZE) %I.%I'
                WHEN 'reindex' THEN 'REINDEX TABLE CONCURRENTLY %I.%I'
            END,
            n.nspname, c.relname
        ) AS statement
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind = 'r'
    ORDER BY name";

/// The statements that drop what an interrupted REINDEX CONCURRENTLY left: invalid copies of indexes.
const LEFT_BY_REINDEX: &str = "
    SELECT
        c.relname::text AS name,
        format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', n.nspname, c.relname) AS statement
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
    ORDER BY name";

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    statement: String,
}

/// A table, its size in bytes, and the statement to run.
struct Work {
    table: String,
    bytes: i64,
    statement: String,
}

#[derive(QueryableByName)]
struct Session {
    #[diesel(sql_type = Bool)]
    locked: bool,
    #[diesel(sql_type = Integer)]
    pid: i32,
}

impl Store {
    /// Does `work` on every table of the archive. `on_step` is called before each. Ends early when `stop` becomes true;
    /// the statement that runs then is cancelled.
    ///
    /// # Errors
    /// [`StoreError::MaintenanceRuns`], [`StoreError::NoRoom`], and those of the database. What was done before stays.
    pub async fn maintain(
        &self,
        work: Maintenance,
        mut stop: watch::Receiver<bool>,
        on_step: &(dyn Fn(&MaintenanceStep) + Send + Sync),
    ) -> Result<MaintenanceReport> {
        let (mut connection, session): (_, Session) = on_dedicated_connection!(self, connection => diesel::sql_query(
            "SELECT pg_try_advisory_lock($1) AS locked, pg_backend_pid() AS pid",
        )
        .bind::<BigInt, _>(LOCK)
        .get_result(connection))?;
        if !session.locked {
            return Err(StoreError::MaintenanceRuns);
        }
        let tables = self.work_on_tables(work, &mut connection).await?;
        if work == Maintenance::VacuumFull {
            self.ensure_room(&tables)?;
        }
        if work == Maintenance::Reindex {
            drop_left_indexes(&mut connection).await?;
        }
        let count = u32::try_from(tables.len()).unwrap_or(u32::MAX);
        let mut report = MaintenanceReport { tables: Vec::new(), stopped: false };
        for (number, table) in (1..).zip(tables) {
            on_step(&MaintenanceStep { number, count, table: table.table.clone(), bytes: table.bytes });
            let began = Instant::now();
            if !self.run_until_stopped(&mut connection, session.pid, &table.statement, &mut stop).await? {
                report.stopped = true;
                break;
            }
            let elapsed = began.elapsed();
            let bytes_after = self.table_bytes().await?.remove(&table.table).unwrap_or_default();
            report.tables.push(TableMaintained {
                table: table.table,
                bytes_before: table.bytes,
                bytes_after,
                elapsed,
            });
        }
        if work == Maintenance::Reindex && report.stopped {
            drop_left_indexes(&mut connection).await?;
        }
        Ok(report)
    }

    /// What to do, the smallest table first.
    async fn work_on_tables(
        &self,
        work: Maintenance,
        connection: &mut AsyncPgConnection,
    ) -> Result<Vec<Work>> {
        let statements: Vec<Statement> =
            diesel::sql_query(STATEMENTS).bind::<Text, _>(work.word()).load(connection).await?;
        let mut bytes = self.table_bytes().await?;
        let mut tables: Vec<Work> = statements
            .into_iter()
            .map(|Statement { name, statement }| Work {
                bytes: bytes.remove(&name).unwrap_or_default(),
                table: name,
                statement,
            })
            .collect();
        tables.sort_by_key(|table| table.bytes);
        Ok(tables)
    }

    /// The size of each table in bytes, with indexes.
    async fn table_bytes(&self) -> Result<HashMap<String, i64>> {
        let tables = self.table_figures().await?;
        Ok(tables.into_iter().map(|table| (table.name, table.total_bytes)).collect())
    }

    /// Refuses to rewrite the tables if the disk of the private server has no room for a copy of the greatest one. The
    /// disk of a configured server cannot be seen from here.
    fn ensure_room(&self, tables: &[Work]) -> Result<()> {
        let Some((cluster, greatest)) = self.cluster().zip(tables.iter().max_by_key(|table| table.bytes))
        else {
            return Ok(());
        };
        // If the free space cannot be determined, the server finds out.
        let Ok(free) = disk_space::free_bytes(cluster.folder()) else { return Ok(()) };
        let needed = u64::try_from(greatest.bytes).unwrap_or_default();
        if free >= needed {
            return Ok(());
        }
        Err(StoreError::NoRoom {
            table: greatest.table.clone(),
            needed_mb: needed.div_ceil(1 << 20),
            free_mb: free >> 20,
        })
    }

    /// Runs a statement; false if it was stopped. The statement is then cancelled, and has ended when this returns.
    async fn run_until_stopped(
        &self,
        connection: &mut AsyncPgConnection,
        pid: i32,
        statement: &str,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<bool> {
        if *stop.borrow() {
            return Ok(false);
        }
        let mut running =
            pin!(self.run_at_most(None, async { Ok(connection.batch_execute(statement).await?) }));
        let stopped = async {
            if stop.wait_for(|stop| *stop).await.is_err() {
                // Nobody can stop it any more.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            result = &mut running => return result.map(|()| true),
            () = stopped => {}
        }
        loop {
            on_connection!(self, connection => diesel::sql_query("SELECT pg_cancel_backend($1)")
                .bind::<Integer, _>(pid)
                .execute(connection))?;
            // It ends with the error “canceled”, or has just succeeded; both are fine.
            if tokio::time::timeout(CANCEL_AGAIN, &mut running).await.is_ok() {
                return Ok(false);
            }
        }
    }
}

/// Drops the invalid indexes that an interrupted REINDEX left. The caller holds the lock, so none runs.
async fn drop_left_indexes(connection: &mut AsyncPgConnection) -> Result<()> {
    let left: Vec<Statement> = diesel::sql_query(LEFT_BY_REINDEX).load(connection).await?;
    for index in left {
        connection.batch_execute(&index.statement).await?;
        tracing::info!(index = index.name, "an index that an interrupted REINDEX left was dropped");
    }
    Ok(())
}

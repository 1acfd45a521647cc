//! Looking after the database: what the command line and the window show of it and can do with it.
//!
//! The numbers come from `store`; this module says what they mean and what is normal, so that both front ends say the
//! same. Backup and restore, the clean-up, and the choice of another server have modules of their own.

mod checks;
mod columns;
mod figures;
mod psql;
mod to_view;
pub(crate) mod view;

pub(crate) use checks::checks;
pub use figures::{size_in_words, time_in_words};

use crate::App;
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use store::{ConnectionEnd, Maintenance, MaintenanceReport, SlowStatements};
use to_view::{count, number, rfc3339};
use tokio::sync::watch;
use view::{
    ActivityView, ConnectionView, DatabaseStatusView, EndedView, IndexesView, LocksView, MaintenanceView,
    MigrationView, MigrationsView, ServerLogView, SlowSource, SlowView, TableMaintainedView, TablesView,
};

/// What to do with each table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum DatabaseWork {
    /// Count rows and values anew for the planner of queries.
    Analyze,
    /// Make the space of old rows usable again.
    Vacuum,
    /// Write the tables anew and give the space back to the disk.
    VacuumFull,
    /// Write the indexes anew.
    Reindex,
}

impl DatabaseWork {
    fn word(self) -> &'static str {
        match self {
            Self::Analyze => "analyze",
            Self::Vacuum => "vacuum",
            Self::VacuumFull => "vacuum_full",
            Self::Reindex => "reindex",
        }
    }

    /// What to know before it is started, if it disturbs others.
    pub fn warning(self) -> Option<&'static str> {
        (self == Self::VacuumFull).then_some(VACUUM_FULL_WARNING)
    }
}

/// What to know before VACUUM FULL.
pub const VACUUM_FULL_WARNING: &str = "VACUUM FULL writes every table anew. While a table is written, nobody can read or change it: the window and a transcription wait until the table is done. It needs free space for a second copy of the largest table. It is worth it only after much was deleted; a plain VACUUM disturbs nobody.";

/// A table that is about to be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintenanceProgress {
    /// The number of the table, from 1.
    pub number: u32,
    /// How many tables there are.
    pub count: u32,
    /// The name of the table.
    pub table: String,
    /// Its size in words.
    pub size: String,
}

impl App {
    /// The server and the database of the archive.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn database_status(&self) -> Result<DatabaseStatusView> {
        let status = self.store.server_status().await?;
        let migrations = self.migrations().await?;
        let pool = self.store.pool_state();
        let pending = migrations.steps.iter().filter(|step| step.applied_at.is_none()).count();
        let mut view = to_view::status(&status, pool);
        view.private = self.store.is_private();
        view.place = self.store.database_name();
        view.migrations_pending = u32::try_from(pending).unwrap_or(u32::MAX);
        view.migrations_applied = u32::try_from(migrations.steps.len() - pending).unwrap_or(u32::MAX);
        view.figures = figures::figures(&view, &migrations.message);
        Ok(view)
    }

    /// The tables, the largest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn database_tables(&self) -> Result<TablesView> {
        let tables = self.store.table_figures().await?;
        Ok(TablesView {
            columns: columns::TABLES.to_vec(),
            tables: tables.iter().map(to_view::table).collect(),
        })
    }

    /// The indexes, the largest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn database_indexes(&self) -> Result<IndexesView> {
        let indexes = self.store.index_figures().await?;
        Ok(IndexesView {
            columns: columns::INDEXES.to_vec(),
            indexes: indexes.into_iter().map(to_view::index).collect(),
        })
    }

    /// What other connections are doing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn database_activity(&self) -> Result<ActivityView> {
        let found = self.store.running_statements().await?;
        let running = found.running.into_iter().map(|one| ConnectionView {
            pid: one.pid,
            application: one.application,
            user: one.user,
            client: one.client,
            state: one.state,
            statement: one.statement,
            statement_s: one.statement_s,
            transaction_s: one.transaction_s,
            waits_for: one.waits_for,
        });
        Ok(ActivityView { columns: columns::ACTIVITY.to_vec(), running: running.collect(), idle: found.idle })
    }

    /// Who waits for whom.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn database_locks(&self) -> Result<LocksView> {
        let found = self.store.lock_figures().await?;
        let message = match found.blocked.len() {
            0 => format!(
                "Nobody waits for another connection. {} locks are held, which is normal.",
                found.held
            ),
            n => format!(
                "{n} {} for another connection. If that does not end by itself, end the one that is waited for: `meetmemo database end PID`.",
                if n == 1 { "statement waits" } else { "statements wait" }
            ),
        };
        Ok(LocksView {
            columns: columns::LOCKS.to_vec(),
            held: found.held,
            blocked: found.blocked.into_iter().map(to_view::blocked).collect(),
            message,
        })
    }

    /// Statements that took long.
    ///
    /// # Errors
    /// Those of the database, or if the log cannot be read.
    pub async fn slow_statements(&self) -> Result<SlowView> {
        let limit = self.settings.slow_query_ms;
        Ok(match self.store.slow_statements(limit).await? {
            SlowStatements::Recorded { limit_ms, statements } => SlowView {
                columns: columns::SLOW_LOG.to_vec(),
                source: SlowSource::Log,
                limit_ms,
                message: format!(
                    "The private server records statements that take at least {limit_ms} ms (setting slow_query_ms), without their values. {}",
                    if statements.is_empty() { "None was recorded, which is normal." } else { "The newest come first." }
                ),
                statements: statements.into_iter().map(to_view::recorded).collect(),
            },
            SlowStatements::Statistics(statements) => SlowView {
                columns: columns::SLOW_STATISTICS.to_vec(),
                source: SlowSource::PgStatStatements,
                limit_ms: limit,
                message: format!(
                    "Statements of which one run took at least {limit} ms (setting slow_query_ms), from pg_stat_statements. {}",
                    if statements.is_empty() { "There is none, which is normal." } else { "The most costly come first." }
                ),
                statements: statements.into_iter().map(to_view::statistics).collect(),
            },
            SlowStatements::NotRecorded => SlowView {
                columns: Vec::new(),
                source: SlowSource::None,
                limit_ms: limit,
                statements: Vec::new(),
                message: "Your server does not tell which statements are slow. Its administrator can switch that on: add pg_stat_statements to shared_preload_libraries in postgresql.conf, restart the server, and run CREATE EXTENSION pg_stat_statements in this database.".to_owned(),
            },
        })
    }

    /// Ends the connection of a server process. Its open transaction is rolled back.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if there is no such connection, [`ErrorCode::NotOffered`] if it must not or may not be
    /// ended.
    pub async fn end_connection(&self, pid: i32) -> Result<EndedView> {
        let refuse = |why: String| Err(user_error(ErrorCode::NotOffered, why));
        let meaning = "Its open transaction is rolled back: nothing half done stays. A MeetMemo process connects again and continues by itself; another program has to be started again or connects itself.";
        let (application, ended) = match self.store.end_connection(pid).await? {
            ConnectionEnd::Ended(application) => (application, true),
            ConnectionEnd::Ending(application) => (application, false),
            ConnectionEnd::NotThere => {
                let why = format!(
                    "There is no connection {pid}; `meetmemo database activity` lists those there are"
                );
                return Err(user_error(ErrorCode::NotFound, why));
            }
            ConnectionEnd::Own => {
                return refuse(format!("{pid} is the connection that asks; it ends by itself"));
            }
            ConnectionEnd::OtherDatabase(name) => {
                return refuse(format!(
                    "The connection {pid} uses another database of the server (“{name}”), which is none of MeetMemo's business"
                ));
            }
            ConnectionEnd::ServerProcess => {
                return refuse(format!("{pid} is a process of the server itself, which must not be ended"));
            }
            ConnectionEnd::NotPermitted(user) => {
                return refuse(format!(
                    "The connection {pid} belongs to the role “{user}”, and MeetMemo's role may not end it. Ask the administrator of the server, who can also grant that: GRANT pg_signal_backend"
                ));
            }
        };
        let name = if application.is_empty() {
            "an unnamed program".to_owned()
        } else {
            format!("“{application}”")
        };
        let message = if ended {
            format!("The connection {pid} of {name} is ended. {meaning}")
        } else {
            format!(
                "The connection {pid} of {name} was told to end, and ends as soon as its statement can be stopped. {meaning}"
            )
        };
        Ok(EndedView { pid, application, ended, message })
    }

    /// Does `work` on every table. `on_step` is called before each. Ends early when `stop` becomes true.
    ///
    /// # Errors
    /// If another process does the same, if the disk has no room, and those of the database.
    pub async fn maintain_database(
        &self,
        work: DatabaseWork,
        stop: watch::Receiver<bool>,
        on_step: &(dyn Fn(MaintenanceProgress) + Send + Sync),
    ) -> Result<MaintenanceView> {
        let kind = match work {
            DatabaseWork::Analyze => Maintenance::Analyze,
            DatabaseWork::Vacuum => Maintenance::Vacuum,
            DatabaseWork::VacuumFull => Maintenance::VacuumFull,
            DatabaseWork::Reindex => Maintenance::Reindex,
        };
        let on_table = |step: &store::MaintenanceStep| {
            on_step(MaintenanceProgress {
                number: step.number,
                count: step.count,
                table: step.table.clone(),
                size: size_in_words(number(step.bytes)),
            });
        };
        Ok(maintenance_view(work, self.store.maintain(kind, stop, &on_table).await?))
    }

    /// The steps of the schema.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn migrations(&self) -> Result<MigrationsView> {
        let steps = self.store.migration_steps().await?;
        let pending = steps.iter().filter(|step| step.applied_at.is_none()).count();
        let message = match (pending, steps.last()) {
            (0, Some(last)) => format!("all {} steps are applied, the last is {}", steps.len(), last.name),
            (n, _) => format!("{n} of {} steps are pending; they are applied at the next start", steps.len()),
        };
        let views = steps.into_iter().map(|step| MigrationView {
            version: step.version,
            name: step.name,
            known: step.is_known,
            applied_at: step.applied_at.map(rfc3339),
        });
        Ok(MigrationsView { steps: views.collect(), message })
    }

    /// The last `lines` lines of the private server's log.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn server_log(&self, lines: u32) -> Result<ServerLogView> {
        let store = self.store.clone();
        let count = usize::try_from(lines).unwrap_or(usize::MAX);
        let read = tokio::task::spawn_blocking(move || store.server_log_lines(count)).await??;
        Ok(match read {
            Some(lines) => ServerLogView {
                path: self.store.server_log().map(|path| path.display().to_string()),
                lines,
                message: None,
            },
            None => ServerLogView {
                path: None,
                lines: Vec::new(),
                message: Some(
                    "Your server writes its log itself; its administrator knows where. Usual places are /var/log/postgresql, journalctl --unit=postgresql, and docker compose logs database.".to_owned(),
                ),
            },
        })
    }

    /// Makes a new random password for the private server. Connections that are open stay open.
    ///
    /// # Errors
    /// [`ErrorCode::NotOffered`] on a configured server; those of the disk and the database.
    pub async fn change_database_password(&self) -> Result<String> {
        if self.store.change_password().await? {
            return Ok("The private server has a new password. MeetMemo reads it from its file, so there is nothing to remember; open windows and workers go on.".to_owned());
        }
        Err(user_error(
            ErrorCode::NotOffered,
            "MeetMemo changes the password of its private server only. On your server, change it with \\password in psql (ALTER ROLE), then give MeetMemo the new one where it reads the old one, which is the key store, a file, .pgpass or the address, as docs/external-database.md says",
        ))
    }
}

fn maintenance_view(work: DatabaseWork, report: MaintenanceReport) -> MaintenanceView {
    let tables: Vec<TableMaintainedView> = report
        .tables
        .iter()
        .map(|table| TableMaintainedView {
            table: table.table.clone(),
            bytes_before: number(table.bytes_before),
            bytes_after: number(table.bytes_after),
            elapsed_ms: table.elapsed.as_secs_f64() * 1000.0,
        })
        .collect();
    let (before, after) =
        tables.iter().fold((0.0, 0.0), |(b, a), table| (b + table.bytes_before, a + table.bytes_after));
    let done = count(tables.len(), "table is done", "tables are done");
    let message = match (report.stopped, work) {
        (true, _) => format!("Stopped. {done}; the others are as they were."),
        (false, DatabaseWork::VacuumFull | DatabaseWork::Reindex) => {
            format!(
                "{done}. They took {} before and take {} now.",
                size_in_words(before),
                size_in_words(after)
            )
        }
        (false, _) => format!("{done}."),
    };
    MaintenanceView { work: work.word(), stopped: report.stopped, tables, message }
}

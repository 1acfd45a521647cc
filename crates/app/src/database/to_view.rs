//! Converts the figures of `store` into views.

use super::view::{BlockedView, DatabaseStatusView, IndexView, PoolView, SlowStatementView, TableView};
use chrono::{DateTime, SecondsFormat, Utc};
use store::{
    BlockedStatement, IndexFigures, PoolState, RecordedStatement, ServerStatus, StatementStatistics,
    TableFigures,
};

/// With fewer rows than this, figures of a table say nothing.
const FEW_ROWS: f64 = 1000.0;
/// The share of rows that may change before the statistics of a table are stale.
const STALE_SHARE: f64 = 0.3;

/// A count of rows or bytes, which views have as a floating-point number: exact up to 2^53.
pub(super) fn number(count: i64) -> f64 {
    count as f64
}

pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `1 table is done`, `5 tables are done`.
pub(super) fn count(n: usize, one: &str, several: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { several })
}

fn small(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(if count < 0 { 0 } else { u32::MAX })
}

/// The status without what is not the server's: place, migrations and figures.
pub(super) fn status(status: &ServerStatus, pool: PoolState) -> DatabaseStatusView {
    DatabaseStatusView {
        private: false,
        place: String::new(),
        version: status.version.clone(),
        size_bytes: number(status.size_bytes),
        started_at: rfc3339(status.started_at),
        uptime_s: status.uptime_s,
        connections: small(status.connections),
        max_connections: small(status.max_connections),
        pool: PoolView {
            in_use: pool.in_use,
            idle: pool.idle,
            waiting: pool.waiting,
            min_size: pool.min_size,
            max_size: pool.max_size,
            waits: pool.waits,
            mean_wait_ms: pool.mean_wait.as_secs_f64() * 1000.0,
        },
        cache_hit_ratio: status.cache_hit_ratio,
        deadlocks: small(status.deadlocks),
        oldest_transaction_s: status.oldest_transaction_s,
        migrations_applied: 0,
        migrations_pending: 0,
        figures: Vec::new(),
    }
}

/// Whether a table has far more dead than live rows.
pub(super) fn has_many_dead_rows(table: &TableView) -> bool {
    table.dead_rows > FEW_ROWS && table.dead_rows > table.live_rows
}

/// Whether the counts that searches are planned with are out of date.
pub(super) fn has_stale_statistics(table: &TableView) -> bool {
    table.live_rows > FEW_ROWS && table.changed_since_analyze > STALE_SHARE * table.live_rows
}

pub(super) fn table(table: &TableFigures) -> TableView {
    let mut view = TableView {
        name: table.name.clone(),
        total_bytes: number(table.total_bytes),
        index_bytes: number(table.index_bytes),
        live_rows: number(table.live_rows),
        dead_rows: number(table.dead_rows),
        inserted: number(table.inserted),
        updated: number(table.updated),
        deleted: number(table.deleted),
        changed_since_analyze: number(table.changed_since_analyze),
        last_vacuum: table.last_vacuum.map(rfc3339),
        last_autovacuum: table.last_autovacuum.map(rfc3339),
        last_analyze: table.last_analyze.map(rfc3339),
        last_autoanalyze: table.last_autoanalyze.map(rfc3339),
        advice: None,
    };
    view.advice = if has_many_dead_rows(&view) {
        Some("It has more dead than live rows: run `meetmemo database vacuum`.".to_owned())
    } else if has_stale_statistics(&view) {
        Some("Much has changed since it was last analyzed: run `meetmemo database analyze`.".to_owned())
    } else {
        None
    };
    view
}

pub(super) fn index(index: IndexFigures) -> IndexView {
    let unused = index.scans == 0 && !index.is_unique;
    let note = match (index.is_valid, unused, index.scans) {
        (false, ..) => Some("An interruption damaged it; it is not used. Run `meetmemo database reindex`."),
        (true, true, _) => Some(
            "No search has used it since the statistics began. MeetMemo needs it as the archive grows; leave it.",
        ),
        (true, false, 0) => Some("No search has used it, but it keeps values unique; it is needed."),
        _ => None,
    };
    IndexView {
        name: index.name,
        table: index.table_name,
        bytes: number(index.bytes),
        scans: number(index.scans),
        unused,
        unique: index.is_unique,
        valid: index.is_valid,
        definition: index.definition,
        note: note.map(str::to_owned),
    }
}

pub(super) fn blocked(blocked: BlockedStatement) -> BlockedView {
    BlockedView {
        pid: blocked.pid,
        application: blocked.application,
        statement: blocked.statement,
        statement_s: blocked.statement_s,
        locked: blocked.locked,
        mode: blocked.mode,
        blocked_by: blocked.blocked_by,
        blocking_application: blocked.blocking_application,
        blocking_state: blocked.blocking_state,
        blocking_statement: blocked.blocking_statement,
        blocking_transaction_s: blocked.blocking_transaction_s,
    }
}

pub(super) fn recorded(recorded: RecordedStatement) -> SlowStatementView {
    SlowStatementView {
        statement: recorded.statement,
        duration_ms: recorded.duration_ms,
        at: Some(rfc3339(recorded.at)),
        application: Some(recorded.application),
        calls: 1.0,
        mean_ms: recorded.duration_ms,
    }
}

pub(super) fn statistics(statement: StatementStatistics) -> SlowStatementView {
    SlowStatementView {
        statement: statement.statement,
        duration_ms: statement.max_ms,
        at: None,
        application: None,
        calls: number(statement.calls),
        mean_ms: statement.mean_ms,
    }
}

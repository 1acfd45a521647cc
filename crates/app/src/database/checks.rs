//! What `doctor` says about the open database.

use super::figures::{LONG_WAIT_MS, size_in_words};
use super::to_view::{has_many_dead_rows, has_stale_statistics};
use super::view::TableView;
use crate::App;
use crate::doctor::{Check, CheckState};

fn check(state: CheckState, message: String, action: Option<&str>) -> Check {
    Check { check: "database", state, message, action: action.map(str::to_owned) }
}

/// The database in one line, and one more line for each thing that somebody should do.
pub(crate) async fn checks(app: &App) -> Vec<Check> {
    let (status, tables) = match (app.database_status().await, app.database_tables().await) {
        (Ok(status), Ok(tables)) => (status, tables.tables),
        (Err(error), _) | (_, Err(error)) => {
            return vec![check(CheckState::Failed, format!("{error:#}"), None)];
        }
    };
    let server = if status.private { "the private server" } else { "your server" };
    let mut found = vec![check(
        CheckState::Ok,
        format!(
            "The archive {} is open: PostgreSQL {} ({server}), {}.",
            status.place,
            status.version,
            size_in_words(status.size_bytes)
        ),
        None,
    )];
    found.extend(named(&tables, has_stale_statistics).map(|tables| {
        let message = format!(
            "Much has changed since these tables were last analyzed: {tables}. Searches may be slow."
        );
        check(CheckState::Warning, message, Some("Run `meetmemo database analyze`."))
    }));
    found.extend(named(&tables, has_many_dead_rows).map(|tables| {
        let message = format!(
            "These tables have far more dead than live rows: {tables}. They take more space than they need."
        );
        check(CheckState::Warning, message, Some("Run `meetmemo database vacuum`."))
    }));
    if status.pool.mean_wait_ms > LONG_WAIT_MS {
        let message = format!(
            "Statements wait {:.1} s for a connection on average.",
            status.pool.mean_wait_ms / 1000.0
        );
        let action = "See what keeps the connections busy: `meetmemo database activity`. If that is normal, raise db_pool_max_size.";
        found.push(check(CheckState::Warning, message, Some(action)));
    }
    found
}

/// The names of the tables for which `is_meant` holds; none if there is no such table.
fn named(tables: &[TableView], is_meant: fn(&TableView) -> bool) -> Option<String> {
    let names: Vec<&str> =
        tables.iter().filter(|table| is_meant(table)).map(|table| table.name.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

//! `meetmemo database …`: looks after the database of the archive.
//!
//! Each list is followed by what its columns mean and what is normal. Progress goes to standard error.

use crate::arguments;
use crate::exit::exit_code;
use crate::print;
use anyhow::{Context, Result, bail};
use app::view::{
    ActivityView, ColumnNote, DatabaseStatusView, FigureState, IndexesView, LocksView, MigrationsView,
    SlowSource, SlowView, TablesView,
};
use app::{App, DatabaseWork, size_in_words, time_in_words};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use tokio::sync::watch;

/// Runs a command. `stop` becomes true at Ctrl-C; it is asked for only where a command is stopped that way.
pub(crate) async fn database(
    app: &App,
    command: arguments::Database,
    json: bool,
    stop: impl FnOnce() -> Result<watch::Receiver<bool>>,
) -> Result<ExitCode> {
    use arguments::Database;
    match command {
        Database::Test { .. } => unreachable!("handled before the archive is opened"),
        Database::Run { program } => return run(app, &program).await,
        Database::Status => show(&app.database_status().await?, json, print_status),
        Database::Tables => show(&app.database_tables().await?, json, print_tables),
        Database::Indexes => show(&app.database_indexes().await?, json, print_indexes),
        Database::Activity => show(&app.database_activity().await?, json, print_activity),
        Database::Slow => show(&app.slow_statements().await?, json, print_slow),
        Database::Locks => show(&app.database_locks().await?, json, print_locks),
        Database::Migrations => show(&app.migrations().await?, json, print_migrations),
        Database::End { pid } => {
            show(&app.end_connection(pid).await?, json, |ended| print::line(&ended.message))
        }
        Database::Analyze => return maintain(app, DatabaseWork::Analyze, true, json, stop()?).await,
        Database::Vacuum { full: false, .. } => {
            return maintain(app, DatabaseWork::Vacuum, true, json, stop()?).await;
        }
        Database::Vacuum { full: true, yes } => {
            return maintain(app, DatabaseWork::VacuumFull, yes, json, stop()?).await;
        }
        Database::Reindex => return maintain(app, DatabaseWork::Reindex, true, json, stop()?).await,
        Database::Logs { lines } => show(&app.server_log(lines).await?, json, |log| {
            log.lines.iter().for_each(|line| print::line(line));
            let place = log.path.as_ref().map(|path| format!("The log is {path}."));
            print::note(place.as_deref().or(log.message.as_deref()).unwrap_or_default());
        }),
        Database::Password { generate: _ } => {
            let message = app.change_database_password().await?;
            show(&serde_json::json!({ "message": message }), json, |_| print::line(&message));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints `view` as JSON or with `as_text`.
fn show<T: serde::Serialize>(view: &T, json: bool, as_text: impl FnOnce(&T)) {
    if json { print::json(view) } else { as_text(view) }
}

fn print_status(status: &DatabaseStatusView) {
    let width = status.figures.iter().map(|figure| figure.label.chars().count()).max().unwrap_or(0);
    for figure in &status.figures {
        let mark = if figure.state == FigureState::Unusual { "!" } else { " " };
        print::line(&format!("{mark} {:width$}  {}", figure.label, figure.value));
        print::line(&format!("  {:width$}    {}", "", figure.meaning));
    }
}

fn print_tables(view: &TablesView) {
    let rows = view.tables.iter().map(|table| {
        let latest = |by_hand: &Option<String>, by_itself: &Option<String>| {
            by_hand.iter().chain(by_itself).max().map_or_else(|| "never".to_owned(), |time| minute(time))
        };
        vec![
            table.name.clone(),
            size_in_words(table.total_bytes),
            table.live_rows.to_string(),
            table.dead_rows.to_string(),
            table.inserted.to_string(),
            table.updated.to_string(),
            table.deleted.to_string(),
            latest(&table.last_vacuum, &table.last_autovacuum),
            latest(&table.last_analyze, &table.last_autoanalyze),
        ]
    });
    let headings = ["table", "size", "rows", "dead", "inserted", "updated", "deleted", "vacuum", "analyze"];
    print_list(&headings, rows.collect());
    for table in &view.tables {
        if let Some(advice) = &table.advice {
            print::line(&format!("{}: {advice}", table.name));
        }
    }
    print_notes(&view.columns);
}

fn print_indexes(view: &IndexesView) {
    let rows = view.indexes.iter().map(|index| {
        vec![index.name.clone(), index.table.clone(), size_in_words(index.bytes), index.scans.to_string()]
    });
    print_list(&["index", "table", "size", "scans"], rows.collect());
    print_notes(&view.columns);
    // Equal notes apply to many indexes.
    let mut notes: Vec<(&str, Vec<&str>)> = Vec::new();
    for index in &view.indexes {
        let Some(note) = &index.note else { continue };
        match notes.iter_mut().find(|(text, _)| text == note) {
            Some((_, names)) => names.push(&index.name),
            None => notes.push((note, vec![&index.name])),
        }
    }
    for (note, names) in notes {
        print::line(&format!("{}: {note}", names.join(", ")));
    }
}

fn print_activity(view: &ActivityView) {
    if view.running.is_empty() {
        print::line("No other connection runs a statement.");
    } else {
        let rows = view.running.iter().map(|one| {
            vec![
                one.pid.to_string(),
                one.application.clone(),
                dash(&one.user),
                dash(&one.state),
                one.statement_s.map_or_else(|| "–".to_owned(), time_in_words),
                dash(&one.waits_for),
                on_one_line(&one.statement),
            ]
        });
        print_list(&["pid", "application", "user", "state", "age", "waits for", "statement"], rows.collect());
    }
    print::line(&format!(
        "{} idle. Idle connections wait for work; those of a pool are normal.",
        if view.idle == 1 {
            "1 other connection is".to_owned()
        } else {
            format!("{} other connections are", view.idle)
        }
    ));
    print_notes(&view.columns);
}

fn print_slow(view: &SlowView) {
    let with_time = view.source == SlowSource::Log;
    let rows = view.statements.iter().map(|slow| {
        let mut row = if with_time {
            vec![
                slow.at.as_deref().map_or_else(String::new, minute),
                format!("{:.0} ms", slow.duration_ms),
                dash(&slow.application),
            ]
        } else {
            vec![
                format!("{:.0} ms", slow.duration_ms),
                format!("{:.1} ms", slow.mean_ms),
                slow.calls.to_string(),
            ]
        };
        row.push(on_one_line(&Some(slow.statement.clone())));
        row
    });
    let headings = if with_time {
        ["time", "took", "application", "statement"]
    } else {
        ["slowest", "mean", "calls", "statement"]
    };
    if !view.statements.is_empty() {
        print_list(&headings, rows.collect());
    }
    print::line(&view.message);
    print_notes(&view.columns);
}

fn print_locks(view: &LocksView) {
    let rows = view.blocked.iter().map(|blocked| {
        let age = |seconds: Option<f64>| seconds.map_or_else(|| "–".to_owned(), time_in_words);
        vec![
            format!("{} {}, {}", blocked.pid, blocked.application, age(blocked.statement_s)),
            format!(
                "{} {}, {}, {}",
                blocked.blocked_by,
                blocked.blocking_application,
                dash(&blocked.blocking_state),
                age(blocked.blocking_transaction_s)
            ),
            format!("{} ({})", dash(&blocked.locked), dash(&blocked.mode)),
            on_one_line(&blocked.statement),
        ]
    });
    if !view.blocked.is_empty() {
        print_list(&["waits", "for", "locked", "statement"], rows.collect());
    }
    print::line(&view.message);
    print_notes(&view.columns);
}

fn print_migrations(view: &MigrationsView) {
    let rows = view.steps.iter().map(|step| {
        let state = match (&step.applied_at, step.known) {
            (Some(time), true) => minute(time),
            (Some(time), false) => format!("{} (not known to this MeetMemo)", minute(time)),
            (None, _) => "pending".to_owned(),
        };
        vec![step.name.clone(), state]
    });
    print_list(&["step", "applied (UTC)"], rows.collect());
    print::line(&print::sentence(&capitalised(&view.message)));
    print_notes(&[ColumnNote {
        column: "applied",
        meaning: "When MeetMemo changed the tables. Normally every step has a date: MeetMemo applies new steps when it starts, each wholly or not at all.",
    }]);
}

/// Does `work` on every table. `agreed` is whether the user has accepted its warning already.
async fn maintain(
    app: &App,
    work: DatabaseWork,
    agreed: bool,
    json: bool,
    stop: watch::Receiver<bool>,
) -> Result<ExitCode> {
    if let Some(warning) = work.warning() {
        print::note(warning);
        if !agreed && !confirmed("Go on?")? {
            bail!("Nothing was done; add --yes to do it without being asked");
        }
    }
    let print_step = |step: app::MaintenanceProgress| {
        print::note(&format!("[{}/{}] {} ({})", step.number, step.count, step.table, step.size));
    };
    let done = app.maintain_database(work, stop, &print_step).await?;
    show(&done, json, |done| {
        let rows = done.tables.iter().map(|table| {
            vec![
                table.table.clone(),
                size_in_words(table.bytes_before),
                size_in_words(table.bytes_after),
                time_in_words(table.elapsed_ms / 1000.0),
            ]
        });
        print_list(&["table", "before", "after", "took"], rows.collect());
        print::line(&done.message);
    });
    Ok(exit_code(!done.stopped))
}

/// Asks a question at the terminal. False without a terminal, where nobody can answer.
fn confirmed(question: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    let mut error = std::io::stderr();
    write!(error, "{question} [y/N] ")
        .and_then(|()| error.flush())
        .context("the question could not be asked")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("the answer could not be read")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Prints rows in columns. All but the last are as wide as their widest value.
fn print_list(headings: &[&str], rows: Vec<Vec<String>>) {
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let all: Vec<Vec<String>> = std::iter::once(headings).chain(rows).collect();
    let width = |column: usize| {
        all.iter().filter_map(|row| row.get(column)).map(|value| value.chars().count()).max().unwrap_or(0)
    };
    for row in &all {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(column, value)| format!("{value:width$}", width = width(column)))
            .collect();
        print::line(cells.join("  ").trim_end());
    }
}

fn print_notes(columns: &[ColumnNote]) {
    if !columns.is_empty() {
        print::line("");
    }
    for note in columns {
        print::line(&format!("{}: {}", note.column, note.meaning));
    }
}

/// `2026-11-30 09:26` of an RFC 3339 time.
fn minute(time: &str) -> String {
    time.chars().take(16).collect::<String>().replace('T', " ")
}

fn dash(text: &Option<String>) -> String {
    text.clone().filter(|text| !text.is_empty()).unwrap_or_else(|| "–".to_owned())
}

fn on_one_line(statement: &Option<String>) -> String {
    statement.as_ref().map_or_else(
        || "(not shown: another role's)".to_owned(),
        |text| text.split_whitespace().collect::<Vec<_>>().join(" "),
    )
}

fn capitalised(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Runs a program of the user with the address of the archive in its environment.
async fn run(app: &App, program: &[OsString]) -> Result<ExitCode> {
    let (name, arguments) = program.split_first().context("a program to run")?;
    let mut command = tokio::process::Command::new(name);
    command.args(arguments).envs(app.database_environment().await?);
    // Ctrl-C is for the program. This process must stay, because the private server runs only as long as it does.
    let _interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    let ended =
        command.status().await.with_context(|| format!("{} could not be run", name.to_string_lossy()))?;
    Ok(ended.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

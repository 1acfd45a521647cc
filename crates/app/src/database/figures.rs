//! The figures of the server in words, each with what it means and what is normal.

use super::view::{DatabaseStatusView, FigureState, FigureView};

/// A cache hit ratio below this is unusual for a database that has been used for a while.
const LOW_CACHE_HIT_RATIO: f64 = 0.9;
/// With fewer pages read than in this many bytes, the ratio says nothing.
const MIN_CACHED_BYTES: f64 = 64.0 * 1024.0 * 1024.0;
/// An open transaction of this age in seconds keeps VACUUM from clearing old rows away.
const OLD_TRANSACTION_S: f64 = 600.0;
/// A wait for a connection that people notice, in milliseconds.
pub(super) const LONG_WAIT_MS: f64 = 1000.0;

/// A size in bytes as `12.3 MB`. Each unit is 1024 of the smaller one.
pub fn size_in_words(bytes: f64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes.max(0.0), 0);
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

/// A time in seconds as `3 d 4 h`, `2 h 5 min`, `12 s`, `0.3 s`.
pub fn time_in_words(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    let (days, hours, minutes) = (whole / 86400, whole / 3600 % 24, whole / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) if seconds < 10.0 => format!("{:.1} s", seconds.max(0.0)),
        (0, 0, 0) => format!("{whole} s"),
        (0, 0, _) => format!("{minutes} min {} s", whole % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

fn figure(
    key: &'static str,
    label: &'static str,
    value: String,
    meaning: impl Into<String>,
    is_unusual: bool,
) -> FigureView {
    let state = if is_unusual { FigureState::Unusual } else { FigureState::Normal };
    FigureView { key, label, value, meaning: meaning.into(), state }
}

/// All figures of `status`, whose own list is still empty. `migrations` is the state of the schema as a sentence.
pub(super) fn figures(status: &DatabaseStatusView, migrations: &str) -> Vec<FigureView> {
    let mut all = server_figures(status);
    all.extend(pool_figures(status));
    all.extend(health_figures(status));
    all.push(figure(
        "migrations",
        "Schema",
        migrations.to_owned(),
        "The steps that made the tables. Normally all steps are applied; MeetMemo applies them when it starts.",
        status.migrations_pending > 0,
    ));
    all
}

fn server_figures(status: &DatabaseStatusView) -> Vec<FigureView> {
    let place = if status.private {
        "The private server, which MeetMemo starts when it is needed and stops after the last window or command. It has no network port."
    } else {
        "A server of yours, which MeetMemo uses as one of its clients. It runs independently of MeetMemo."
    };
    let is_crowded = f64::from(status.connections) > 0.8 * f64::from(status.max_connections);
    vec![
        figure("server", "Server", status.place.clone(), place, false),
        figure(
            "version",
            "Version",
            format!("PostgreSQL {}", status.version),
            "MeetMemo works with PostgreSQL 15 to 18.",
            false,
        ),
        figure(
            "size",
            "Size",
            size_in_words(status.size_bytes),
            "Space that the database takes, without the recordings themselves. An hour of speech normally takes 2 to 4 MB; an empty archive takes about 10 MB.",
            false,
        ),
        figure(
            "started",
            "Started",
            status.started_at.clone(),
            "When the server started, by its own clock. The private server normally starts with the first window or command.",
            false,
        ),
        figure(
            "uptime",
            "Running for",
            time_in_words(status.uptime_s),
            "Time since then. A server that has just started although nobody started it has crashed or was restarted: see `meetmemo database logs`.",
            false,
        ),
        figure(
            "connections",
            "Connections",
            format!("{} of {}", status.connections, status.max_connections),
            "Connections of all programs to the server. A window or worker normally has 6 to 8, a command 5 or more. Above four fifths of the most, new ones are soon refused.",
            is_crowded,
        ),
    ]
}

fn pool_figures(status: &DatabaseStatusView) -> Vec<FigureView> {
    let pool = &status.pool;
    vec![
        figure(
            "pool",
            "Pool",
            format!("{} in use, {} idle ({} to {})", pool.in_use, pool.idle, pool.min_size, pool.max_size),
            "Connections of this process. It keeps the least number open and opens more up to the greatest number (db_pool_min_size, db_pool_max_size). Most are normally idle.",
            pool.in_use >= pool.max_size,
        ),
        figure(
            "pool_waiting",
            "Waiting",
            format!(
                "{} now, {} since the start, {:.0} ms on average",
                pool.waiting, pool.waits, pool.mean_wait_ms
            ),
            "Statements of this process that had to wait for a connection. Normally none waits, and a wait ends within a few milliseconds.",
            pool.waiting > 0 || pool.mean_wait_ms > LONG_WAIT_MS,
        ),
    ]
}

fn health_figures(status: &DatabaseStatusView) -> Vec<FigureView> {
    let ratio = status.cache_hit_ratio;
    let is_low =
        ratio.is_some_and(|ratio| ratio < LOW_CACHE_HIT_RATIO) && status.size_bytes > MIN_CACHED_BYTES;
    let oldest = status.oldest_transaction_s;
    vec![
        figure(
            "cache_hit_ratio",
            "Read from memory",
            ratio
                .map_or_else(|| "nothing was read yet".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0)),
            "The share of pages that were in the server's memory when they were needed. Above 95 % is normal; soon after a start it is lower.",
            is_low,
        ),
        figure(
            "deadlocks",
            "Deadlocks",
            status.deadlocks.to_string(),
            "Transactions that were ended because two waited for each other. Normally 0; MeetMemo takes its locks in one order.",
            status.deadlocks > 0,
        ),
        figure(
            "oldest_transaction",
            "Oldest open transaction",
            oldest.map_or_else(|| "none".to_owned(), time_in_words),
            "How long the oldest transaction has been open. Normally none or seconds, during a backup minutes. One that is open for long keeps old rows from being cleared away: see `meetmemo database activity`.",
            oldest.is_some_and(|age| age > OLD_TRANSACTION_S),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        for (bytes, words) in
            [(0.0, "0 bytes"), (999.0, "999 bytes"), (1000.0, "1.0 kB"), (12_900_000.0, "12.3 MB")]
        {
            assert_eq!(size_in_words(bytes), words);
        }
        let times = [
            (0.25, "0.2 s"),
            (59.9, "59 s"),
            (61.0, "1 min 1 s"),
            (7500.0, "2 h 5 min"),
            (273_600.0, "3 d 4 h"),
        ];
        for (seconds, words) in times {
            assert_eq!(time_in_words(seconds), words);
        }
    }
}

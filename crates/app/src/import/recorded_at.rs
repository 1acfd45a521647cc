//! When a recording was made.

use chrono::{DateTime, FixedOffset, Local, TimeDelta, Utc};
use std::time::SystemTime;

/// 1990-01-01 UTC in seconds. Nobody recorded a meeting into a file before.
const EARLIEST_S: i64 = 631_152_000;

/// When a recording was made: the time in its file, else the time the file was last changed, whichever is plausible.
pub(super) fn recorded_at(
    in_file: Option<DateTime<FixedOffset>>,
    modified: Option<SystemTime>,
    now: DateTime<Utc>,
) -> Option<DateTime<FixedOffset>> {
    let plausible = |at: &DateTime<FixedOffset>| is_plausible(at.to_utc(), now);
    in_file.filter(plausible).or_else(|| modified.and_then(local_time).filter(plausible))
}

/// Whether a recording can have been made at `at`. Clocks that were never set, and file systems that store no times,
/// give 1904, 1970 or 1980; counters that overflow give 1901, 2106 or 2446. One day in the future is allowed for clocks
/// in another time zone.
fn is_plausible(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let earliest = DateTime::from_timestamp(EARLIEST_S, 0).unwrap_or_default();
    at >= earliest && at <= now + TimeDelta::days(1)
}

/// `at` in the time zone of this computer; `None` if no calendar can represent it.
fn local_time(at: SystemTime) -> Option<DateTime<FixedOffset>> {
    let seconds = match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).ok()?,
        Err(before) => i64::try_from(before.duration().as_secs()).ok()?.checked_neg()?,
    };
    Some(DateTime::from_timestamp(seconds, 0)?.with_timezone(&Local).fixed_offset())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn implausible_dates_are_ignored() {
        let now: DateTime<Utc> = "2026-03-03T12:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<DateTime<FixedOffset>>().unwrap();
        for (text, plausible) in [
            ("1901-12-13T20:45:52Z", false),
            ("1970-01-01T00:00:00Z", false),
            ("1980-01-01T00:00:00Z", false),
            ("1990-01-01T00:00:00Z", true),
            ("2026-03-03T13:00:00+00:00", true),
            ("2026-03-04T12:00:00Z", true),
            ("2026-03-04T12:00:01Z", false),
            ("2106-02-07T06:28:15Z", false),
            ("2446-05-10T22:38:55Z", false),
        ] {
            assert_eq!(recorded_at(Some(at(text)), None, now).is_some(), plausible, "{text} in the file");
            let modified = SystemTime::from(at(text));
            assert_eq!(recorded_at(None, Some(modified), now).is_some(), plausible, "{text} of the file");
        }
        let modified = SystemTime::from(at("2026-03-01T10:00:00Z"));
        let found = recorded_at(Some(at("2106-02-07T06:28:15Z")), Some(modified), now);
        assert_eq!(found, Some(at("2026-03-01T10:00:00Z")), "the file's own time is implausible");
        let endless = SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(1 << 62));
        assert_eq!(recorded_at(None, endless, now), None);
    }
}

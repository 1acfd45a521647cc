//! Dates of recording in tags and headers.

use chrono::{DateTime, Duration, FixedOffset, Local, NaiveDate, NaiveDateTime, TimeZone, Utc};

/// Parses a date in a tag, if it is precise to the minute at least.
///
/// A time without a zone is taken for local time of this computer: recorders that write such times have no notion of
/// zones, and are set to wall-clock time.
pub(crate) fn parse(text: &str) -> Option<DateTime<FixedOffset>> {
    let text = text.trim().trim_end_matches('\0').trim();
    let zoned = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];
    // `%#z` reads "+02", "+0200" and "+02:00", but not "Z".
    let spelled = match text.strip_suffix(['Z', 'z']) {
        Some(front) => format!("{}+00:00", front.trim_end()),
        None => text.to_owned(),
    };
    let found =
        zoned.iter().find_map(|format| DateTime::parse_from_str(&spelled, format).ok()).or_else(|| {
            [
                "%Y-%m-%dT%H:%M:%S%.f",
                "%Y-%m-%d %H:%M:%S%.f",
                "%Y-%m-%dT%H:%M",
                "%Y-%m-%d %H:%M",
                "%Y:%m:%d %H:%M:%S",
            ]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(&spelled, format).ok())
            .and_then(local)
        })?;
    believable(found)
}

fn local(wall: NaiveDateTime) -> Option<DateTime<FixedOffset>> {
    Local.from_local_datetime(&wall).earliest().map(|moment| moment.fixed_offset())
}

/// Seconds since 1904-01-01 UTC, as in MP4.
pub(crate) fn since_1904(seconds: u64) -> Option<DateTime<FixedOffset>> {
    since(NaiveDate::from_ymd_opt(1904, 1, 1)?, Duration::try_seconds(i64::try_from(seconds).ok()?)?)
}

/// Nanoseconds since 2001-01-01 UTC, as in Matroska.
pub(crate) fn since_2001(nanoseconds: i64) -> Option<DateTime<FixedOffset>> {
    if nanoseconds == 0 {
        return None;
    }
    since(NaiveDate::from_ymd_opt(2001, 1, 1)?, Duration::nanoseconds(nanoseconds))
}

fn since(day: NaiveDate, time: Duration) -> Option<DateTime<FixedOffset>> {
    let moment = day.and_hms_opt(0, 0, 0)?.checked_add_signed(time)?;
    believable(Utc.from_utc_datetime(&moment).fixed_offset())
}

/// Drops dates that cannot be true. A clock that was never set says 1904, 1970, 1980 or 2000-01-01 sharp; recordings
/// are not from the future.
fn believable(moment: DateTime<FixedOffset>) -> Option<DateTime<FixedOffset>> {
    let first = Utc.with_ymd_and_hms(1980, 1, 2, 0, 0, 0).single()?;
    let last = Utc.with_ymd_and_hms(2200, 1, 1, 0, 0, 0).single()?;
    (moment > first && moment < last).then_some(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        parse(text).map(|moment| moment.to_rfc3339())
    }

    #[test]
    fn the_offset_is_kept() {
        for (text, moment) in [
            ("2024-05-06T17:08:09+02:00", "2024-05-06T17:08:09+02:00"),
            ("2024-05-06T17:08:09+0200", "2024-05-06T17:08:09+02:00"),
            ("2024-05-06 17:08:09.5-0330", "2024-05-06T17:08:09.500-03:30"),
            ("2024-05-06T17:08:09.000000Z", "2024-05-06T17:08:09+00:00"),
            (" 2024-05-06T17:08Z\0", "2024-05-06T17:08:00+00:00"),
        ] {
            assert_eq!(read(text).as_deref(), Some(moment), "{text}");
        }
    }

    #[test]
    fn a_time_without_zone_is_local_time() {
        for text in ["2024-05-06T17:08:09", "2024-05-06 17:08:09", "2024:05:06 17:08:09"] {
            assert!(read(text).is_some_and(|m| m.starts_with("2024-05-06T17:08:09")), "{text}");
        }
    }

    #[test]
    fn incomplete_dates_and_unset_clocks_are_dropped() {
        for text in
            ["2024", "2024-05", "2024-05-06", "", "yesterday", "1970-01-01T00:00:00Z", "9999-01-01T00:00:00Z"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(since_1904(0), None);
        assert_eq!(since_1904(u64::MAX), None);
        assert_eq!(since_2001(0), None);
        assert_eq!(
            since_1904(3_800_000_000).map(|m| m.to_rfc3339()).as_deref(),
            Some("2024-05-31T11:33:20+00:00")
        );
        assert_eq!(
            since_2001(1_000_000_000).map(|m| m.to_rfc3339()).as_deref(),
            Some("2001-01-01T00:00:01+00:00")
        );
    }
}

//! Filters of a search: `speaker:`, `from:`, `to:`, `folder:`, `tag:`, `longer:`, `shorter:`, `language:`, `has:`, `is:`.

use crate::language_names::code_of;
use chrono::{DateTime, Datelike, Days, Local, Months, NaiveDate, TimeDelta, TimeZone, Utc};
use store::{NameFilter, SearchFilters};

/// A filter of a search.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    /// Who said it.
    Speaker(String),
    /// The folder, with those inside it.
    Folder(String),
    /// A tag.
    Tag(String),
    /// The language of the transcript, BCP 47.
    Language(String),
    /// Recorded at this moment or later.
    From(DateTime<Utc>),
    /// Recorded before this moment.
    Before(DateTime<Utc>),
    /// At least so many milliseconds long.
    Longer(u32),
    /// At most so many milliseconds long.
    Shorter(u32),
    /// Has a note.
    HasNote,
    /// Has a summary.
    HasSummary,
    /// Is a favourite.
    IsFavourite,
}

/// The names of filters.
const NAMES: [&str; 15] = [
    "speaker", "who", "from", "since", "to", "until", "folder", "tag", "longer", "shorter", "language",
    "lang", "has", "is", "in",
];

/// The names of filters.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter()
}

/// Reads the filter `key:value`.
///
/// # Errors
/// A sentence for the user, if the value cannot be understood.
pub(super) fn filter(key: &str, value: &str, now: DateTime<Local>) -> Result<Filter, String> {
    let value = value.trim();
    Ok(match key.to_ascii_lowercase().as_str() {
        "speaker" | "who" => Filter::Speaker(value.to_owned()),
        "folder" | "in" => Filter::Folder(value.to_owned()),
        "tag" => Filter::Tag(value.trim_start_matches('#').to_owned()),
        "language" | "lang" => Filter::Language(code_of(value).ok_or_else(|| {
            format!("“{value}” is not a language that MeetMemo knows. Write its name or code, such as language:de.")
        })?),
        "from" | "since" => Filter::From(period(value, now).ok_or_else(|| not_a_date(key, value))?.0),
        "to" | "until" => Filter::Before(period(value, now).ok_or_else(|| not_a_date(key, value))?.1),
        "longer" => Filter::Longer(length_ms(value).ok_or_else(|| not_a_length(key, value))?),
        "shorter" => Filter::Shorter(length_ms(value).ok_or_else(|| not_a_length(key, value))?),
        "has" => match value.to_lowercase().as_str() {
            "note" | "notes" => Filter::HasNote,
            "summary" => Filter::HasSummary,
            _ => return Err(format!("“has:{value}” is not known. There are has:note and has:summary.")),
        },
        _ => match value.to_lowercase().as_str() {
            "favourite" | "favorite" | "starred" => Filter::IsFavourite,
            _ => return Err(format!("“{key}:{value}” is not known. There is is:favourite.")),
        },
    })
}

fn not_a_date(key: &str, value: &str) -> String {
    format!("“{value}” is not a day. Write {key}:2026-03-01, {key}:2026-03, {key}:yesterday or {key}:7d.")
}

fn not_a_length(key: &str, value: &str) -> String {
    format!("“{value}” is not a length of time. Write {key}:30m or {key}:1h30m.")
}

impl Filter {
    /// Adds the filter to `filters`.
    ///
    /// # Errors
    /// A sentence for the user, if this filter cannot be negated or matches nothing.
    pub(super) fn apply(self, filters: &mut SearchFilters, negated: bool) -> Result<(), String> {
        let named = |name| NameFilter { name, negated };
        match self {
            Self::Speaker(name) => filters.speakers.push(named(name)),
            Self::Folder(name) => filters.folders.push(named(name)),
            Self::Tag(name) => filters.tags.push(named(name)),
            Self::Language(code) => filters.languages.push(named(code)),
            Self::HasNote => filters.has_note = Some(!negated),
            Self::IsFavourite => filters.favourite = Some(!negated),
            Self::HasSummary => filters.has_summary = Some(!negated),
            Self::From(at) if negated => filters.until = earliest(filters.until, at),
            Self::Before(at) if negated => filters.from = latest(filters.from, at),
            Self::From(at) => filters.from = latest(filters.from, at),
            Self::Before(at) => filters.until = earliest(filters.until, at),
            Self::Longer(ms) if !negated => {
                filters.min_ms = Some(filters.min_ms.map_or(ms, |old| old.max(ms)))
            }
            Self::Shorter(ms) if negated => {
                filters.min_ms = Some(filters.min_ms.map_or(ms, |old| old.max(ms)))
            }
            Self::Longer(ms) | Self::Shorter(ms) => {
                filters.max_ms = Some(filters.max_ms.map_or(ms, |old| old.min(ms)));
            }
        }
        Ok(())
    }
}

fn latest(old: Option<DateTime<Utc>>, new: DateTime<Utc>) -> Option<DateTime<Utc>> {
    Some(old.map_or(new, |old| old.max(new)))
}

fn earliest(old: Option<DateTime<Utc>>, new: DateTime<Utc>) -> Option<DateTime<Utc>> {
    Some(old.map_or(new, |old| old.min(new)))
}

/// The period that a date stands for: its beginning, and the beginning of the next one. Days begin at midnight of this
/// computer's time zone. `7d`, `2w`, `3m` and `1y` are the days since so long ago, up to now.
pub(crate) fn period(text: &str, now: DateTime<Local>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let text = text.to_lowercase();
    let today = now.date_naive();
    let after_today = today.checked_add_days(Days::new(1))?;
    let (first, next) = match text.as_str() {
        "today" => (today, after_today),
        "yesterday" => (today.checked_sub_days(Days::new(1))?, today),
        _ => match text.strip_suffix(['d', 'w', 'm', 'y']) {
            Some(count) => {
                let count: u32 = count.parse().ok()?;
                let days = |days: u32| today.checked_sub_days(Days::new(u64::from(days)));
                let months = |months: u32| today.checked_sub_months(Months::new(months));
                let first = match text.as_bytes().last()? {
                    b'd' => days(count),
                    b'w' => days(count.checked_mul(7)?),
                    b'm' => months(count),
                    _ => months(count.checked_mul(12)?),
                };
                (first?, after_today)
            }
            None => calendar_period(&text)?,
        },
    };
    Some((midnight(first)?, midnight(next)?))
}

/// The first day of a year, month or day, and the first day after it.
fn calendar_period(text: &str) -> Option<(NaiveDate, NaiveDate)> {
    let mut parts = text.split('-');
    let year: i32 = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month: Option<u32> = parts.next().map(str::parse).transpose().ok()?;
    let day: Option<u32> = parts.next().map(str::parse).transpose().ok()?;
    if parts.next().is_some() {
        return None;
    }
    let first = NaiveDate::from_ymd_opt(year, month.unwrap_or(1), day.unwrap_or(1))?;
    let next = match (month, day) {
        (None, _) => first.with_year(year.checked_add(1)?),
        (Some(_), None) => first.checked_add_months(Months::new(1)),
        (Some(_), Some(_)) => first.checked_add_days(Days::new(1)),
    };
    Some((first, next?))
}

/// Midnight at the beginning of a day; where the clocks skip it, the first moment of the day.
fn midnight(day: NaiveDate) -> Option<DateTime<Utc>> {
    let start = day.and_hms_opt(0, 0, 0)?;
    let local = Local.from_local_datetime(&start).earliest();
    let local = local.or_else(|| Local.from_local_datetime(&(start + TimeDelta::hours(1))).earliest());
    local.map(|at| at.to_utc())
}

/// Milliseconds of `1h30m`, `45m`, `90s`, or `90` (minutes).
fn length_ms(text: &str) -> Option<u32> {
    let text = text.to_lowercase();
    if let Ok(minutes) = text.parse::<u32>() {
        return minutes.checked_mul(60_000);
    }
    let mut total = 0_u32;
    let mut rest = text.trim_end_matches("in").trim_end_matches("ours").trim_end_matches("our");
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u32 = rest[..digits].parse().ok()?;
        let unit = match rest.as_bytes().get(digits)? {
            b'h' => 3_600_000,
            b'm' => 60_000,
            b's' => 1_000,
            _ => return None,
        };
        total = total.checked_add(count.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn at(text: &str) -> DateTime<Local> {
        Local.from_local_datetime(&format!("{text}T12:00:00").parse().unwrap()).earliest().unwrap()
    }

    fn days(text: &str) -> Option<(NaiveDate, NaiveDate)> {
        let local = |at: DateTime<Utc>| at.with_timezone(&Local).date_naive();
        period(text, at("2026-03-31")).map(|(from, to)| (local(from), local(to)))
    }

    #[test]
    fn dates_are_periods_of_this_time_zone() {
        for (text, from, to) in [
            ("2026", "2026-01-01", "2027-01-01"),
            ("2026-02", "2026-02-01", "2026-03-01"),
            ("2024-02-29", "2024-02-29", "2024-03-01"),
            ("2026-12", "2026-12-01", "2027-01-01"),
            ("today", "2026-03-31", "2026-04-01"),
            ("Yesterday", "2026-03-30", "2026-03-31"),
            ("7d", "2026-03-24", "2026-04-01"),
            ("2w", "2026-03-17", "2026-04-01"),
            ("1m", "2026-02-28", "2026-04-01"),
            ("1y", "2025-03-31", "2026-04-01"),
        ] {
            let expected = (from.parse().unwrap(), to.parse().unwrap());
            assert_eq!(days(text), Some(expected), "{text}");
        }
        for text in
            ["", "tuesday", "2026-13", "2026-02-30", "26-01-01", "99999999999d", "2026-01-01-01", "d", "-5d"]
        {
            assert_eq!(days(text), None, "{text}");
        }
    }

    #[test]
    fn lengths_are_read() {
        for (text, ms) in [
            ("30m", Some(1_800_000)),
            ("30min", Some(1_800_000)),
            ("1h30m", Some(5_400_000)),
            ("2hours", Some(7_200_000)),
            ("90", Some(5_400_000)),
            ("90s", Some(90_000)),
            ("0m", None),
            ("m", None),
            ("1x", None),
            ("1h30", None),
            ("4294967296h", None),
        ] {
            assert_eq!(length_ms(text), ms, "{text}");
        }
    }
}

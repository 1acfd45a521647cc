//! Which snapshots of a backup folder are kept, and removing the others.

use super::folder::FolderBackup;
use super::manifest::Manifest;
use super::sealing::ContentKey;
use super::view::count;
use anyhow::Result;
use chrono::{DateTime, Datelike, Utc};
use std::collections::BTreeSet;
use std::path::Path;

/// Days, weeks and months of which the newest snapshot is kept.
const DAILY: usize = 7;
const WEEKLY: usize = 4;
const MONTHLY: usize = 12;

/// Removes the snapshots that need not be kept, then the objects that no snapshot needs any more. Does nothing if a
/// manifest cannot be read, because its objects are not known. Returns the number of removed snapshots. Blocks.
pub(super) fn prune(folder: &Path, key: ContentKey) -> Result<u32> {
    let Some(_lock) = super::folder::lock_for_writing(folder)? else { return Ok(0) };
    let backup = FolderBackup::with_key(folder, key)?;
    let mut manifests = Vec::new();
    for path in backup.manifests()? {
        match backup.text(&path).and_then(|text| Manifest::read(&path, &text)) {
            Ok(manifest) => manifests.push((path, manifest)),
            Err(error) => {
                tracing::warn!(%error, "a snapshot of the backup cannot be read, so no old ones are removed");
                return Ok(0);
            }
        }
    }
    let moments: Vec<DateTime<Utc>> =
        manifests.iter().map(|(_, manifest)| manifest.header.taken_at).collect();
    let kept = kept(&moments);
    let (mut removed, mut needed) = (0, BTreeSet::new());
    for (number, (path, manifest)) in manifests.iter().enumerate() {
        if kept.contains(&number) {
            needed.extend(manifest.objects().into_keys());
        } else {
            backup.remove(path)?;
            removed += 1;
        }
    }
    if removed > 0 {
        for name in backup.objects()?.into_keys().filter(|name| !needed.contains(name)) {
            backup.remove(&name.path())?;
        }
    }
    Ok(count(removed))
}

/// Numbers of the snapshots to keep: the newest one, and the newest of each of the last 7 days, 4 weeks and 12 months in
/// which there are any. Days are those of UTC.
fn kept(moments: &[DateTime<Utc>]) -> BTreeSet<usize> {
    let mut newest_first: Vec<(DateTime<Utc>, usize)> =
        moments.iter().enumerate().map(|(number, moment)| (*moment, number)).collect();
    newest_first.sort_unstable_by(|a, b| b.cmp(a));
    let mut kept: BTreeSet<usize> = newest_first.first().map(|(_, number)| *number).into_iter().collect();
    let mut keep_newest_of = |most: usize, period: &dyn Fn(&DateTime<Utc>) -> (i32, u32)| {
        let mut periods = BTreeSet::new();
        for (moment, number) in &newest_first {
            if periods.insert(period(moment)) {
                if periods.len() > most {
                    return;
                }
                kept.insert(*number);
            }
        }
    };
    keep_newest_of(DAILY, &|moment| (moment.year(), moment.ordinal()));
    keep_newest_of(WEEKLY, &|moment| (moment.iso_week().year(), moment.iso_week().week()));
    keep_newest_of(MONTHLY, &|moment| (moment.year(), moment.month()));
    kept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn seven_days_four_weeks_and_twelve_months_are_kept() {
        let day =
            |n: i64| "2026-12-31T02:00:00Z".parse::<DateTime<Utc>>().unwrap() - chrono::Duration::days(n);
        // Two snapshots on each of 800 days.
        let moments: Vec<_> = (0..800).flat_map(|n| [day(n), day(n) + chrono::Duration::hours(5)]).collect();
        let kept: Vec<_> = kept(&moments).into_iter().map(|number| moments[number]).collect();
        assert!(kept.iter().all(|moment| moment.format("%H").to_string() == "07"), "the newest of each day");
        // 7 days from 25 December on; the weeks that end on the 27th, 20th and 13th; the months before December.
        let mut days: Vec<String> = kept.iter().map(|moment| moment.format("%m-%d").to_string()).collect();
        days.sort();
        let months = [
            "01-31", "02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30",
        ];
        let rest = ["12-13", "12-20", "12-25", "12-26", "12-27", "12-28", "12-29", "12-30", "12-31"];
        assert_eq!(days, months.into_iter().chain(rest).map(str::to_owned).collect::<Vec<_>>());
    }

    #[test]
    fn few_snapshots_are_all_kept_if_they_are_of_different_days() {
        let moments: Vec<DateTime<Utc>> =
            ["2026-01-01T00:00:00Z", "2020-01-01T00:00:00Z"].map(|m| m.parse().unwrap()).into();
        assert_eq!(kept(&moments).len(), 2);
        assert!(kept(&[]).is_empty());
    }
}

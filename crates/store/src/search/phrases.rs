//! Which meetings hold phrases. The index of whole meetings knows only that all the words of a phrase are there.
//!
//! A phrase whose words are seldom in one part is sought through the index of words. Otherwise the newest meetings are looked
//! into first: a common phrase is in many of them. If it is not, the index of words is asked after all, which takes long if
//! all words of the phrase are very common; then the newest must do.

use super::pattern::{IndexClause, Pattern};
use super::{LIMITS, candidates};
use crate::Result;
use crate::error::StoreError;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use std::collections::HashSet;
use uuid::Uuid;

/// How many meetings are looked into at once.
const BATCH: usize = 100;
/// How many are looked into at most, before the index of words is asked.
const LOOKED_INTO: usize = 300;
/// Phrases that so many of them hold are common: the others are not looked for.
const COMMON: usize = 20;

/// The index of words is asked first if about so many parts of meetings, or fewer, hold all words of the phrases.
const FEW_PARTS: f64 = 3_000.0;
/// Parts of two minutes in a meeting of an hour.
const PARTS: f64 = 30.0;

/// The limit for the index of words.
const PHRASE_LIMIT: &str = "SET LOCAL statement_timeout = 2000";

/// The meetings that hold phrases.
pub(super) enum WithPhrases {
    /// Of the newest candidates, these; newest first.
    Newest {
        ids: Vec<Uuid>,
        /// How many candidates were looked into.
        looked_into: usize,
    },
    /// Of all meetings, these.
    All(HashSet<Uuid>),
}

/// The meetings that hold all phrases. `newest` are the first of `total` candidates, newest first.
pub(super) async fn with_phrases(
    c: &mut AsyncPgConnection,
    phrases: &[&IndexClause],
    newest: &[Uuid],
    total: usize,
) -> Result<WithPhrases> {
    let (mut ids, mut looked_into) = (Vec::new(), 0);
    let all_meetings = candidates::all_meetings(c).await?;
    let patterns = phrases.iter().flat_map(|clause| &clause.patterns).filter(|pattern| pattern.is_phrase());
    let parts: f64 = patterns.map(|pattern| parts_with(pattern, all_meetings)).sum();
    let index_first = parts <= FEW_PARTS;
    if index_first && let Some(all) = in_time(c, phrases).await? {
        return Ok(WithPhrases::All(all));
    }
    for batch in newest[..newest.len().min(LOOKED_INTO)].chunks(BATCH) {
        let mut some = batch.to_vec();
        for phrase in phrases {
            let with: HashSet<Uuid> =
                candidates::with_phrase_among(c, phrase, &some).await?.into_iter().collect();
            some.retain(|id| with.contains(id));
        }
        ids.extend(some);
        looked_into += batch.len();
        if ids.len() >= COMMON {
            break;
        }
    }
    if looked_into < total
        && ids.len() < COMMON
        && !index_first
        && let Some(all) = in_time(c, phrases).await?
    {
        return Ok(WithPhrases::All(all));
    }
    Ok(WithPhrases::Newest { ids, looked_into })
}

/// About how many parts of meetings hold all words of the pattern, if words stand in parts independently of each other: then
/// a word that the share s of all parts holds is in 1 − (1 − s)^n of the meetings of n parts.
fn parts_with(pattern: &Pattern, all_meetings: i32) -> f64 {
    /// A word that more meetings hold may be in every part.
    const SATURATED: f64 = 0.99;
    let share = |meetings: &i32| match f64::from(*meetings) / f64::from(all_meetings.max(1)) {
        // Words that are not counted may be common.
        of_meetings if *meetings == 0 || of_meetings > SATURATED => 1.0,
        of_meetings => 1.0 - (1.0 - of_meetings).powf(1.0 / PARTS),
    };
    f64::from(all_meetings) * PARTS * pattern.meetings.iter().map(share).product::<f64>()
}

/// The meetings that hold all phrases; `None` if finding them takes too long.
async fn in_time(c: &mut AsyncPgConnection, phrases: &[&IndexClause]) -> Result<Option<HashSet<Uuid>>> {
    let all = c.transaction::<_, StoreError, _>(async |c| {
        c.batch_execute(PHRASE_LIMIT).await?;
        let all = in_all(c, phrases).await?;
        c.batch_execute(LIMITS).await?;
        Ok(all)
    });
    match all.await {
        Ok(all) => Ok(Some(all)),
        Err(StoreError::SearchTooLong) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn in_all(c: &mut AsyncPgConnection, phrases: &[&IndexClause]) -> Result<HashSet<Uuid>> {
    let mut all: Option<HashSet<Uuid>> = None;
    for phrase in phrases {
        let with: HashSet<Uuid> = candidates::with_phrase(c, phrase).await?.into_iter().collect();
        all = Some(match all {
            Some(before) => before.intersection(&with).copied().collect(),
            None => with,
        });
    }
    Ok(all.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Slot;
    use super::*;

    #[test]
    fn parts_with_a_phrase_follow_from_the_meetings_with_its_words() {
        let parts = |meetings: &[i32]| {
            let slots = vec![Slot { lexemes: vec!["a".to_owned()], ..Slot::default() }];
            let pattern =
                Pattern::new(slots).map(|pattern| Pattern { meetings: meetings.to_vec(), ..pattern });
            pattern.map_or(0.0, |pattern| parts_with(&pattern, 10_000).round())
        };
        assert_eq!(parts(&[100, 10_000]), 100.0, "about one part of each of the hundred");
        assert_eq!(parts(&[5_000, 5_000]), 157.0);
        assert_eq!(parts(&[10_000, 0]), 300_000.0, "very common, and not counted");
    }
}

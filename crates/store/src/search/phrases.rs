//! Which meetings hold phrases. The index of whole meetings knows only that all the words of a phrase are there.
//!
//! A phrase with a rare word is sought through the index of words. Otherwise the newest meetings are looked into first: a
//! common phrase is in many of them. If it is not, the index of words is asked, too, which takes long if all words of the phrase
//! are very common; then the newest must do.

use super::pattern::IndexClause;
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

/// A word is rare that is in at most so many meetings, and in one of so many.
const RARE: i32 = 2_000;
const RARE_SHARE: i32 = 5;

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
    let rare = RARE.min(candidates::all_meetings(c).await? / RARE_SHARE);
    if phrases.iter().all(|clause| clause.rarest_of_phrases() <= rare)
        && let Some(all) = in_time(c, phrases).await?
    {
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
        && let Some(all) = in_time(c, phrases).await?
    {
        return Ok(WithPhrases::All(all));
    }
    Ok(WithPhrases::Newest { ids, looked_into })
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

//! Full-text search in everything that is said, titled, noted and named.
//!
//! Migration 12 makes the tables and keeps them right with triggers: `search_meetings` answers which meetings hold all the
//! words, `search_passages` where the words stand, in parts of two minutes, and `search_words` which words there are.
//! How text becomes lexemes is written there too, in SQL alone.
//!
//! A search is one transaction that only reads, in four steps: `terms` turns the query into `pattern`s of lexemes;
//! `candidates` finds the meetings, exactly; `hits` reads the positions in those that are ranked, and `rank` sorts them;
//! `passages` fetches the segments that are shown. All candidates are ranked if they are few. If they are many the newest are,
//! and the others follow by date: the words are then so common that no meeting stands out.
//!
//! Not here: the language of queries, and how results are shown (`app`).

mod candidates;
mod hits;
mod index;
mod passages;
mod pattern;
mod phrases;
pub(crate) mod query;
mod rank;
mod suggestions;
mod terms;
mod words;

use crate::ids::JobId;
use crate::query::on_connection;
use crate::{Result, Store};
use candidates::{Bounds, Candidates, Speakers, candidates};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use hits::{Access, MeetingHits, hits};
use pattern::IndexClause;
use phrases::{WithPhrases, with_phrases};
use query::{Found, FoundPassage, MeetingQuery, SearchFilters, SearchSort};
use rank::{Ranked, rank};
use std::collections::HashSet;
pub use terms::MAX_TERMS;
use uuid::Uuid;
pub(crate) use words::word_spans;

/// The most meetings of a page.
const MAX_LIMIT: u32 = 100;
/// Up to so many meetings are all ranked,
const RANKED_ALL: u32 = 1_500;
/// if about so many of their parts of two minutes hold the words together, or fewer.
const RANKED_PARTS: usize = 1_000;
/// So many of the newest show how many parts do.
const SAMPLE: usize = 10;
/// Of more, so many of the newest meetings are ranked.
const RANKED_NEWEST: usize = 40;
/// At most so many meetings are looked into for who says the words,
const LOOKED_INTO: usize = 100;
/// in batches of so many, until so many meetings are found.
const SPEAKER_BATCH: usize = 40;
const SPEAKER_ENOUGH: usize = 20;

/// Limits of the transaction of a search. Plans that depend on the values (how common the words are) are made for them,
/// because such statements are prepared anew. Compiling a plan takes longer than any of these statements. Sequential
/// scans look cheap, because the vectors are not in the tables' own files, and are not. With less memory the server notes
/// only the pages on which very common words are, and then looks through all words there.
const LIMITS: &str =
    "SET LOCAL statement_timeout = 5000; SET LOCAL jit = off; SET LOCAL plan_cache_mode = auto;
    SET LOCAL enable_seqscan = off; SET LOCAL work_mem = '32MB'";

impl Store {
    /// Searches in all meetings that are not in the trash.
    ///
    /// # Errors
    /// [`StoreError::SearchTooLong`] after five seconds; others if the database cannot be read.
    pub async fn search(&self, query: &MeetingQuery) -> Result<Found> {
        on_connection!(self, connection => connection
            .build_transaction()
            .repeatable_read()
            .read_only()
            .run(async |c: &mut AsyncPgConnection| search_in(c, query).await))
    }

    /// All passages of one meeting, in order of time; those of its note last. Also if it is in the trash.
    ///
    /// # Errors
    /// As [`Store::search`].
    pub async fn passages(&self, query: &MeetingQuery, job: JobId) -> Result<Vec<FoundPassage>> {
        on_connection!(self, connection => connection
            .build_transaction()
            .repeatable_read()
            .read_only()
            .run(async |c: &mut AsyncPgConnection| passages_in(c, query, job).await))
    }
}

async fn passages_in(
    c: &mut AsyncPgConnection,
    query: &MeetingQuery,
    job: JobId,
) -> Result<Vec<FoundPassage>> {
    c.batch_execute(LIMITS).await?;
    let (clauses, _) = terms::index_clauses(c, &query.clauses).await?;
    let speakers = candidates::speakers(c, &query.filters.speakers).await?;
    let found = ranked(c, &clauses, &speakers, &[job.uuid()], Access::Meetings).await?;
    match found.as_slice() {
        [found, ..] => passages::all_passages(c, &clauses, found).await,
        [] => Ok(Vec::new()),
    }
}

async fn search_in(c: &mut AsyncPgConnection, query: &MeetingQuery) -> Result<Found> {
    c.batch_execute(LIMITS).await?;
    let (clauses, too_many_terms) = terms::index_clauses(c, &query.clauses).await?;
    let nothing = Found { total_is_exact: true, too_many_terms, ..Found::default() };
    let is_hopeless = |clause: &IndexClause| !clause.negated && clause.patterns.is_empty();
    if (clauses.is_empty() && !query.clauses.is_empty()) || clauses.iter().any(is_hopeless) {
        return Ok(nothing);
    }
    let speakers = candidates::speakers(c, &query.filters.speakers).await?;
    let limit = query.limit.min(MAX_LIMIT);
    let wanted = clauses.iter().any(|clause| !clause.negated);
    if !wanted {
        return without_words(c, &clauses, &query.filters, &speakers, (query.offset, limit), nothing).await;
    }
    let end = query.offset.saturating_add(limit);
    let search = Search { clauses: &clauses, filters: &query.filters, speakers: &speakers, end };
    let selected = search.select(c).await?;
    let page = (query.offset as usize, limit as usize);
    match query.filters.speakers.is_empty() {
        true => search.page_of_words(c, query.sort, page, &selected, nothing).await,
        false => search.page_of_speakers(c, query.sort, page, &selected, nothing).await,
    }
}

/// Finds meetings by filters alone, or by words that they must not hold.
async fn without_words(
    c: &mut AsyncPgConnection,
    clauses: &[IndexClause],
    filters: &SearchFilters,
    speakers: &Speakers,
    (offset, limit): (u32, u32),
    nothing: Found,
) -> Result<Found> {
    let search = Search { clauses, filters, speakers, end: offset.saturating_add(limit) };
    let except = search.with_excluded_phrase(c).await?;
    let bounds = Bounds { except, offset, limit, ..Bounds::default() };
    let found = candidates(c, clauses, filters, speakers, &bounds).await?;
    let page: Vec<_> = found.ids.iter().map(|id| (*id, None)).collect();
    let meetings = passages::found_meetings(c, clauses, &page).await?;
    Ok(Found { meetings, total: u32::try_from(found.total).unwrap_or_default(), ..nothing })
}

/// Scores these meetings, in this order. Leaves out those without the phrases, and those in which other speakers say the
/// words.
async fn ranked(
    c: &mut AsyncPgConnection,
    clauses: &[IndexClause],
    speakers: &Speakers,
    jobs: &[Uuid],
    access: Access,
) -> Result<Vec<Ranked>> {
    let by_speakers = speakers.wanted.is_some() || !speakers.unwanted.is_empty();
    let access = if by_speakers { Access::MeetingsWithSegments } else { access };
    let mut found: Vec<MeetingHits> = hits(c, clauses, jobs, access).await?;
    if by_speakers {
        passages::keep_spoken_by(c, &mut found, speakers).await?;
    }
    Ok(found.into_iter().filter_map(|meeting| rank(clauses, meeting)).collect())
}

/// What is searched for.
struct Search<'a> {
    clauses: &'a [IndexClause],
    filters: &'a SearchFilters,
    speakers: &'a Speakers,
    /// The last meeting of the page, from 1.
    end: u32,
}

/// The meetings that hold all clauses.
struct Selected {
    candidates: Candidates,
    /// Only so many of the newest were looked into for phrases, because these or their words are common.
    looked_into: Option<u32>,
    /// How many meetings hold the words, phrases aside.
    with_words: u32,
}

impl Search<'_> {
    /// The meetings that hold all clauses, phrases included.
    async fn select(&self, c: &mut AsyncPgConnection) -> Result<Selected> {
        let mut bounds = Bounds {
            except: self.with_excluded_phrase(c).await?,
            limit: self.end.max(RANKED_ALL),
            ..Bounds::default()
        };
        let found = candidates(c, self.clauses, self.filters, self.speakers, &bounds).await?;
        let with_words = u32::try_from(found.total).unwrap_or_default();
        let phrases: Vec<&IndexClause> =
            self.clauses.iter().filter(|clause| !clause.negated && clause.has_phrase()).collect();
        if phrases.is_empty() || found.ids.is_empty() {
            return Ok(Selected { candidates: found, looked_into: None, with_words });
        }
        let total = usize::try_from(found.total).unwrap_or_default();
        let (candidates, looked_into) = match with_phrases(c, &phrases, &found.ids, total).await? {
            WithPhrases::Newest { ids, looked_into } => {
                let of_newest = (looked_into < total).then(|| u32::try_from(looked_into).unwrap_or(u32::MAX));
                (Candidates { total: i32::try_from(ids.len()).unwrap_or(i32::MAX), ids }, of_newest)
            }
            WithPhrases::All(all) => {
                bounds.only = Some(all.into_iter().collect());
                (candidates(c, self.clauses, self.filters, self.speakers, &bounds).await?, None)
            }
        };
        Ok(Selected { candidates, looked_into, with_words })
    }

    /// The meetings with a phrase that none may hold.
    async fn with_excluded_phrase(&self, c: &mut AsyncPgConnection) -> Result<Option<Vec<Uuid>>> {
        let mut except = None;
        for clause in self.clauses.iter().filter(|clause| clause.negated && clause.has_phrase()) {
            except.get_or_insert_with(Vec::new).extend(candidates::with_phrase(c, clause).await?);
        }
        Ok(except)
    }

    /// The page of meetings that hold the words, without a filter for speakers.
    async fn page_of_words(
        &self,
        c: &mut AsyncPgConnection,
        sort: SearchSort,
        (offset, limit): (usize, usize),
        selected: &Selected,
        nothing: Found,
    ) -> Result<Found> {
        let total = u32::try_from(selected.candidates.total).unwrap_or_default();
        let (ids, looked_into) = (&selected.candidates.ids, selected.looked_into);
        let newest = &ids[..ids.len().min(RANKED_NEWEST)];
        let (to_rank, access) = match sort {
            SearchSort::Date => (&ids[..0], Access::Meetings),
            SearchSort::Relevance if newest.len() < ids.len() && self.ranks_all(c, selected).await? => {
                (ids.as_slice(), Access::Together)
            }
            SearchSort::Relevance => (newest, Access::Meetings),
        };
        let mut found = ranked(c, self.clauses, self.speakers, to_rank, access).await?;
        // Whether hits that stand apart from those of the other clauses were read, too.
        let several = self.clauses.iter().filter(|clause| !clause.negated).count() > 1;
        let complete = access == Access::Meetings || !several;
        // Newest first among equals: the sort is stable.
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        // Those that hold the words only apart, or were not ranked, follow by date.
        let known: HashSet<Uuid> = found.iter().map(|ranked| ranked.hits.job).collect();
        let rest = ids.iter().filter(|id| !known.contains(id)).map(|id| (*id, None));
        let all = found.iter().map(|ranked| (ranked.hits.job, Some(ranked))).chain(rest);
        let page: Vec<(Uuid, Option<&Ranked>)> = all.skip(offset).take(limit).collect();
        let is_cut = sort == SearchSort::Relevance && to_rank.len() < ids.len();
        let newest = is_cut.then(|| u32::try_from(to_rank.len()).unwrap_or(u32::MAX));
        Ok(Found {
            meetings: self.read_page(c, &page, complete).await?,
            total,
            total_is_exact: looked_into.is_none(),
            best_of_newest: looked_into.or(newest),
            ..nothing
        })
    }

    /// Whether all that was found can be ranked: few meetings hold the words, and few of their parts hold them together, going
    /// by the newest.
    async fn ranks_all(&self, c: &mut AsyncPgConnection, selected: &Selected) -> Result<bool> {
        if self.total_of_words(c, selected).await? > RANKED_ALL {
            return Ok(false);
        }
        let ids = &selected.candidates.ids;
        let sample = &ids[..ids.len().min(SAMPLE)];
        let found = ranked(c, self.clauses, self.speakers, sample, Access::Meetings).await?;
        Ok(self.parts_together(&found) * ids.len() <= RANKED_PARTS * sample.len())
    }

    /// How many parts of these meetings hold all clauses.
    fn parts_together(&self, found: &[Ranked]) -> usize {
        let wanted = self.clauses.iter().filter(|clause| !clause.negated).count();
        let clauses =
            |part: &hits::Part| part.hits.iter().map(|hit| hit.clause).collect::<HashSet<u8>>().len();
        found.iter().flat_map(|meeting| &meeting.hits.parts).filter(|part| clauses(part) == wanted).count()
    }

    /// How many meetings hold the words, also those that filters, phrases or words to leave out exclude: as many are read
    /// through the index of words.
    async fn total_of_words(&self, c: &mut AsyncPgConnection, selected: &Selected) -> Result<u32> {
        let wanted: Vec<IndexClause> =
            self.clauses.iter().filter(|clause| !clause.negated).cloned().collect();
        if *self.filters == SearchFilters::default() && wanted.len() == self.clauses.len() {
            return Ok(selected.with_words);
        }
        let (filters, speakers, bounds) = (SearchFilters::default(), Speakers::default(), Bounds::default());
        let all = candidates(c, &wanted, &filters, &speakers, &bounds).await?;
        Ok(u32::try_from(all.total).unwrap_or_default())
    }

    /// The page of meetings in which certain speakers say the words: looks into the newest meetings that hold them.
    async fn page_of_speakers(
        &self,
        c: &mut AsyncPgConnection,
        sort: SearchSort,
        (offset, limit): (usize, usize),
        selected: &Selected,
        nothing: Found,
    ) -> Result<Found> {
        let (mut found, mut last) = (Vec::new(), 0);
        let Selected { candidates, looked_into, .. } = selected;
        for batch in candidates.ids[..candidates.ids.len().min(LOOKED_INTO)].chunks(SPEAKER_BATCH) {
            found.extend(ranked(c, self.clauses, self.speakers, batch, Access::Meetings).await?);
            last += batch.len();
            if found.len() >= SPEAKER_ENOUGH {
                break;
            }
        }
        let is_cut = last < usize::try_from(candidates.total).unwrap_or_default();
        let newest = is_cut.then(|| u32::try_from(last).unwrap_or(u32::MAX));
        if sort == SearchSort::Relevance {
            found.sort_by(|a, b| b.score.total_cmp(&a.score));
        }
        let all = found.iter().map(|ranked| (ranked.hits.job, Some(ranked)));
        let page: Vec<(Uuid, Option<&Ranked>)> = all.skip(offset).take(limit).collect();
        Ok(Found {
            meetings: passages::found_meetings(c, self.clauses, &page).await?,
            total: u32::try_from(found.len()).unwrap_or(u32::MAX),
            total_is_exact: looked_into.is_none() && !is_cut,
            best_of_newest: looked_into.or(newest),
            ..nothing
        })
    }

    /// The meetings of a page. Those that were not ranked, or whose hits are not complete, are read whole for their
    /// passages; they keep their score.
    async fn read_page(
        &self,
        c: &mut AsyncPgConnection,
        page: &[(Uuid, Option<&Ranked>)],
        complete: bool,
    ) -> Result<Vec<query::FoundMeeting>> {
        let to_read = page.iter().filter(|(_, ranked)| !complete || ranked.is_none());
        let to_read: Vec<Uuid> = to_read.map(|(id, _)| *id).collect();
        let mut whole = ranked(c, self.clauses, self.speakers, &to_read, Access::Meetings).await?;
        for meeting in &mut whole {
            let known = page.iter().find(|(id, _)| *id == meeting.hits.job).and_then(|(_, ranked)| *ranked);
            meeting.score = known.map_or(0.0, |ranked| ranked.score);
        }
        let whole_of = |id: Uuid| whole.iter().find(|meeting| meeting.hits.job == id);
        let page: Vec<(Uuid, Option<&Ranked>)> =
            page.iter().map(|(id, known)| (*id, whole_of(*id).or(*known))).collect();
        passages::found_meetings(c, self.clauses, &page).await
    }
}

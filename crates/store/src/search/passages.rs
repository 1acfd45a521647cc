//! From hits to what is shown: the segments with their marks, titles, names, notes.

use super::candidates::Speakers;
use super::hits::{Hit, MeetingHits, NAMES, NOTE, NOTE_WORDS, Part, TITLE};
use super::pattern::IndexClause;
use super::query::{FoundMeeting, FoundPassage, PassageSource};
use super::rank::{Ranked, Stretch, best_segments};
use super::words::{count_words, word_spans};
use crate::Result;
use crate::error::StoreError;
use crate::ids::{JobId, SegmentId};
use crate::query::Prepared;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::collections::{HashMap, HashSet};
use transcript::Word;
use uuid::Uuid;

/// Passages shown of each meeting.
const SHOWN: usize = 2;
/// Words of a note that are shown before and after a hit.
const NOTE_CONTEXT: usize = 12;

#[derive(diesel::QueryableByName)]
struct SegmentRow {
    #[diesel(sql_type = Integer)]
    wanted: i32,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    start_ms: i64,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Jsonb)]
    words: serde_json::Value,
    #[diesel(sql_type = Nullable<Text>)]
    speaker: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    speaker_number: Option<i32>,
}

#[derive(diesel::QueryableByName)]
struct MeetingRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Timestamptz)]
    sorted_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    recorded_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Integer>)]
    recorded_offset_s: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    duration_ms: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    note: Option<String>,
    /// Names of all speakers with a name, by number.
    #[diesel(sql_type = Array<Text>)]
    speakers: Vec<String>,
}

/// A segment that certain speakers say.
#[derive(diesel::QueryableByName)]
struct SaidRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// $1 meetings, $2 parts, $3 segments counted from 1.
const SEGMENTS: &str = "SELECT w.n::integer AS wanted, s.id, s.start_ms, s.text, s.words,
        coalesce(p.name, shown.name) AS speaker, shown.number AS speaker_number
    FROM unnest($1, $2, $3) WITH ORDINALITY w (job_id, part, segment, n)
    JOIN search_passages sp ON sp.job_id = w.job_id AND sp.part = w.part
    JOIN segments s ON s.id = sp.source_ids[w.segment]
    LEFT JOIN speakers said ON said.id = s.speaker_id
    LEFT JOIN speakers shown ON shown.id = said.shown_as
    LEFT JOIN people p ON p.id = shown.person_id
    ORDER BY w.n";

/// $1 meetings, $2 names. All that these speakers say is read in one go, which is faster than a look at each segment with a
/// hit.
const SAID: &str = "WITH speaker AS MATERIALIZED (
        SELECT id, shown_as, name, person_id FROM speakers WHERE job_id = ANY ($1)
    )
    SELECT s.id FROM segments s WHERE s.speaker_id IN (
        SELECT said.id FROM speaker said JOIN speaker shown ON shown.id = said.shown_as
            LEFT JOIN people p ON p.id = shown.person_id
        WHERE coalesce(p.name, shown.name) = ANY ($2))";

/// $1 meetings.
const MEETINGS: &str = "SELECT j.id, coalesce(j.title, j.file_name)::text AS title,
        coalesce(j.recorded_at, j.created_at AT TIME ZONE 'UTC') AS sorted_at, j.recorded_at, j.recorded_offset_s,
        j.duration_ms, n.text AS note,
        ARRAY(
            SELECT coalesce(p.name, s.name) FROM speakers s LEFT JOIN people p ON p.id = s.person_id
            WHERE s.job_id = j.id AND s.present AND s.shown_as = s.id AND coalesce(p.name, s.name) IS NOT NULL
            ORDER BY s.number
        ) AS speakers
    FROM jobs j LEFT JOIN notes n ON n.job_id = j.id
    WHERE j.id = ANY ($1)";

/// Parameters for segments of meetings.
#[derive(Default)]
struct Places {
    jobs: Vec<Uuid>,
    parts: Vec<i32>,
    segments: Vec<i32>,
}

impl Places {
    fn add(&mut self, job: Uuid, part: i32, segment: u16) {
        self.jobs.push(job);
        self.parts.push(part);
        self.segments.push(i32::from(segment) + 1);
    }
}

/// Leaves only hits that the wanted speakers say, and none of the unwanted ones. The title, names and the note are said by
/// no speaker. The parts of the meetings must have their segments.
pub(super) async fn keep_spoken_by(
    c: &mut AsyncPgConnection,
    meetings: &mut [MeetingHits],
    speakers: &Speakers,
) -> Result<()> {
    let jobs: Vec<Uuid> = meetings.iter().map(|meeting| meeting.job).collect();
    let wanted = match &speakers.wanted {
        Some(names) => Some(said_by(c, &jobs, names).await?),
        None => None,
    };
    let unwanted = match speakers.unwanted.is_empty() {
        true => HashSet::new(),
        false => said_by(c, &jobs, &speakers.unwanted).await?,
    };
    let is_kept = |segment: &Uuid| {
        wanted.as_ref().is_none_or(|wanted| wanted.contains(segment)) && !unwanted.contains(segment)
    };
    for part in meetings.iter_mut().flat_map(|meeting| &mut meeting.parts) {
        let segments = if part.part >= 0 { part.source_ids.as_slice() } else { &[] };
        let kept: Vec<bool> = segments.iter().map(is_kept).collect();
        part.hits.retain(|hit| kept.get(usize::from(hit.segment)).is_some_and(|kept| *kept));
    }
    Ok(())
}

/// The segments of the meetings that the speakers with these names say.
async fn said_by(c: &mut AsyncPgConnection, jobs: &[Uuid], names: &[String]) -> Result<HashSet<Uuid>> {
    let query = diesel::sql_query(SAID).bind::<Array<SqlUuid>, _>(jobs).bind::<Array<Text>, _>(names);
    let rows: Vec<SaidRow> = query.load(c).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The meetings as they are shown, in this order. One without hits has no passages.
pub(super) async fn found_meetings(
    c: &mut AsyncPgConnection,
    clauses: &[IndexClause],
    page: &[(Uuid, Option<&Ranked>)],
) -> Result<Vec<FoundMeeting>> {
    let ids: Vec<Uuid> = page.iter().map(|(id, _)| *id).collect();
    let rows: Vec<MeetingRow> =
        Prepared(diesel::sql_query(MEETINGS).bind::<Array<SqlUuid>, _>(&ids)).load(c).await?;
    let mut rows: HashMap<Uuid, MeetingRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    let mut wanted: Vec<(Uuid, &Stretch)> = Vec::new();
    for (id, ranked) in page {
        let Some(ranked) = ranked else { continue };
        let best = best_segments(clauses, &ranked.segments, SHOWN);
        wanted.extend(best.into_iter().map(|index| (*id, &ranked.segments[index])));
    }
    let mut passages = spoken_passages(c, clauses, &wanted).await?;
    let meetings = page.iter().filter_map(|(id, ranked)| {
        let row = rows.remove(id)?;
        let mut passages = passages.remove(id).unwrap_or_default();
        let mut more = 0;
        if let Some(ranked) = ranked {
            let free = SHOWN.saturating_sub(passages.len());
            let note = row.note.as_deref().unwrap_or_default();
            passages.extend(note_passages(clauses, &ranked.notes[..free.min(ranked.notes.len())], note));
            more = ranked.passages().saturating_sub(passages.len());
        }
        Some(FoundMeeting {
            job: JobId::from(row.id),
            title_marks: ranked.and_then(|ranked| ranked.part(TITLE)).map_or_else(Vec::new, |part| {
                marks(clauses, &part.hits, &word_spans(&row.title), |hit| usize::from(hit.word))
            }),
            sorted_at: row.sorted_at,
            recorded_at: row.recorded_at,
            recorded_offset_s: row.recorded_offset_s,
            duration_ms: row.duration_ms.and_then(|ms| u32::try_from(ms).ok()),
            score: ranked.map_or(0.0, |ranked| ranked.score),
            more: u32::try_from(more).unwrap_or(u32::MAX),
            in_note: ranked.is_some_and(|ranked| !ranked.notes.is_empty()),
            speakers: ranked
                .and_then(|ranked| ranked.part(NAMES))
                .map_or_else(Vec::new, |part| names(part, &row)),
            passages,
            title: row.title,
        })
    });
    Ok(meetings.collect())
}

/// All passages of a meeting.
pub(super) async fn all_passages(
    c: &mut AsyncPgConnection,
    clauses: &[IndexClause],
    ranked: &Ranked,
) -> Result<Vec<FoundPassage>> {
    let job = ranked.hits.job;
    let wanted: Vec<(Uuid, &Stretch)> = ranked.segments.iter().map(|segment| (job, segment)).collect();
    let mut passages = spoken_passages(c, clauses, &wanted).await?.remove(&job).unwrap_or_default();
    let rows: Vec<MeetingRow> = match ranked.notes.is_empty() {
        true => Vec::new(),
        false => Prepared(diesel::sql_query(MEETINGS).bind::<Array<SqlUuid>, _>(vec![job])).load(c).await?,
    };
    let note = rows.into_iter().find_map(|row| row.note).unwrap_or_default();
    passages.extend(note_passages(clauses, &ranked.notes, &note));
    Ok(passages)
}

async fn spoken_passages(
    c: &mut AsyncPgConnection,
    clauses: &[IndexClause],
    wanted: &[(Uuid, &Stretch)],
) -> Result<HashMap<Uuid, Vec<FoundPassage>>> {
    let mut found: HashMap<Uuid, Vec<FoundPassage>> = HashMap::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let mut places = Places::default();
    for (job, segment) in wanted {
        places.add(*job, segment.part, segment.segment);
    }
    let query = diesel::sql_query(SEGMENTS)
        .bind::<Array<SqlUuid>, _>(&places.jobs)
        .bind::<Array<Integer>, _>(&places.parts)
        .bind::<Array<Integer>, _>(&places.segments);
    let rows: Vec<SegmentRow> = Prepared(query).load(c).await?;
    for row in rows {
        let Some((job, segment)) = usize::try_from(row.wanted - 1).ok().and_then(|index| wanted.get(index))
        else {
            continue;
        };
        found.entry(*job).or_default().push(spoken_passage(clauses, segment, row)?);
    }
    Ok(found)
}

fn spoken_passage(clauses: &[IndexClause], segment: &Stretch, row: SegmentRow) -> Result<FoundPassage> {
    let spans = word_spans(&row.text);
    let time = |ms: i64| u32::try_from(ms).map_err(|_| StoreError::Unknown(format!("time {ms} ms")));
    let words: Vec<Word> = serde_json::from_value(row.words)
        .map_err(|error| StoreError::Unknown(format!("words of segment {}: {error}", row.id)))?;
    let start_ms = time(row.start_ms)?;
    let first = segment.hits.as_slice().first().map_or(0, |hit| usize::from(hit.word));
    Ok(FoundPassage {
        source: PassageSource::Transcript {
            segment: SegmentId::from(row.id),
            start_ms,
            play_ms: start_of_word(&words, first, spans.len()).unwrap_or(start_ms),
            speaker: row.speaker,
            speaker_number: row.speaker_number.and_then(|number| u32::try_from(number).ok()),
        },
        marks: marks(clauses, &segment.hits, &spans, |hit| usize::from(hit.word)),
        text: row.text,
    })
}

/// When the word begins of which the text's `index`-th word is a part, in milliseconds. `None` if the words do not make
/// up the text.
fn start_of_word(words: &[Word], index: usize, in_text: usize) -> Option<u32> {
    let counts: Vec<usize> = words.iter().map(|word| count_words(&word.text)).collect();
    if counts.iter().sum::<usize>() != in_text {
        return None;
    }
    let mut before = 0;
    for (word, count) in words.iter().zip(counts) {
        before += count;
        if index < before {
            return Some(word.start.as_ms());
        }
    }
    None
}

/// The letters that hits cover, from–to; marks that touch are one. `index` gives the word of a hit among `spans`.
fn marks(
    clauses: &[IndexClause],
    hits: &[Hit],
    spans: &[(u32, u32)],
    index: impl Fn(&Hit) -> usize,
) -> Vec<(u32, u32)> {
    let mut covered: Vec<(u32, u32)> = Vec::new();
    for hit in hits {
        let pattern = clauses
            .get(usize::from(hit.clause))
            .and_then(|clause| clause.patterns.get(usize::from(hit.pattern)));
        for slot in pattern.iter().flat_map(|pattern| &pattern.slots) {
            let from = index(hit) + usize::from(slot.distance);
            for at in from..from + usize::try_from(slot.letters).unwrap_or(1) {
                covered.extend(spans.get(at));
            }
        }
    }
    covered.sort_unstable();
    let mut marks: Vec<(u32, u32)> = Vec::new();
    for (from, to) in covered {
        match marks.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => marks.push((from, to)),
        }
    }
    marks
}

fn note_passages(clauses: &[IndexClause], stretches: &[Stretch], note: &str) -> Vec<FoundPassage> {
    if stretches.is_empty() {
        return Vec::new();
    }
    let spans = word_spans(note);
    let letters: Vec<char> = note.chars().collect();
    let passage = |stretch: &Stretch| {
        let chunk = usize::try_from(NOTE - stretch.part).unwrap_or_default();
        let before = chunk * usize::try_from(NOTE_WORDS).unwrap_or_default();
        let index = |hit: &Hit| before + usize::from(hit.position).saturating_sub(1);
        let first = index(stretch.hits.as_slice().first()?);
        let last = index(stretch.hits.last()?).min(spans.len().checked_sub(1)?);
        let begin = first.saturating_sub(NOTE_CONTEXT);
        let end = (last + NOTE_CONTEXT).min(spans.len() - 1);
        let from = if begin == 0 { 0 } else { spans.get(begin)?.0 };
        let to = if end + 1 == spans.len() { u32::try_from(letters.len()).ok()? } else { spans[end].1 };
        let inside = marks(clauses, &stretch.hits, &spans, index).into_iter();
        let inside = inside.filter(|(begin, end)| *begin >= from && *end <= to);
        Some(FoundPassage {
            source: PassageSource::Note,
            marks: inside.map(|(begin, end)| (begin - from, end - from)).collect(),
            text: letters.get(from as usize..to as usize)?.iter().collect(),
        })
    };
    stretches.iter().filter_map(passage).collect()
}

/// The names of speakers in which words were found.
fn names(part: &Part, row: &MeetingRow) -> Vec<String> {
    let mut segments: Vec<u16> = part.hits.iter().map(|hit| hit.segment).collect();
    segments.dedup();
    segments.into_iter().filter_map(|segment| row.speakers.get(usize::from(segment)).cloned()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::super::pattern::{Pattern, Slot};
    use super::*;
    use transcript::AudioTime;

    fn word(start: u32, text: &str) -> Word {
        let (start, end) = (AudioTime::from_ms(start), AudioTime::from_ms(start + 100));
        Word { start, end, text: text.to_owned(), confidence: None, estimated: false }
    }

    #[test]
    fn a_word_of_the_text_leads_to_the_word_that_was_recognised() {
        let words = [word(100, "It’s"), word(500, "–"), word(900, "e-mail,"), word(1500, "today.")];
        assert_eq!(start_of_word(&words, 1, 5), Some(100));
        assert_eq!(start_of_word(&words, 3, 5), Some(900));
        assert_eq!(start_of_word(&words, 4, 5), Some(1500));
        assert_eq!(start_of_word(&words, 4, 6), None, "the words are not those of the text");
    }

    #[test]
    fn marks_cover_phrases_and_pairs_and_notes_are_cut_around_them() {
        let lexemes = vec!["x".to_owned()];
        let slot =
            |distance, letters| Slot { distance, letters, lexemes: lexemes.clone(), ..Slot::default() };
        let pattern = Pattern::new(vec![slot(0, 1), slot(1, 2)]).unwrap();
        let clauses = [IndexClause { negated: false, patterns: vec![pattern], weight: 1.0 }];
        let hit =
            |position| Hit { segment: 0, word: position - 1, position, clause: 0, pattern: 0, exact: true };
        let text = "a 会議 z";
        let found = marks(&clauses, &[hit(1)], &word_spans(text), |hit| usize::from(hit.word));
        assert_eq!(found, [(0, 1), (2, 4)]);
        let note = format!("{} a 会議. {}", "w ".repeat(30), "w ".repeat(30));
        let stretch = Stretch { part: NOTE, segment: 0, hits: vec![hit(31)] };
        let found = note_passages(&clauses, &[stretch], &note);
        assert_eq!(found.len(), 1);
        let letters: Vec<char> = found[0].text.chars().collect();
        let marked =
            |(from, to): &(u32, u32)| letters[*from as usize..*to as usize].iter().collect::<String>();
        assert_eq!(found[0].marks.iter().map(marked).collect::<Vec<_>>(), ["a", "会議"]);
        assert!(letters.len() < 70, "{:?}", found[0].text);
    }
}

//! Where the words stand in meetings: reads the positions of their lexemes from the index and finds the clauses there.

use super::pattern::{IndexClause, all_tsquery, any_tsquery, beginnings, known_beginnings, lexemes};
use crate::Result;
use crate::query::Prepared;
use diesel::sql_types::{Array, Bool, Integer, Nullable, SmallInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::collections::HashMap;
use uuid::Uuid;

/// The part of a meeting that holds its title.
pub(super) const TITLE: i32 = -1;
/// The part that holds the names of its speakers.
pub(super) const NAMES: i32 = -2;
/// The first part of its note.
pub(super) const NOTE: i32 = -10;
/// Words in a part of a note.
pub(super) const NOTE_WORDS: u32 = 5_000;

/// A part of a meeting, with the positions of the lexemes that are sought.
#[derive(Debug, diesel::QueryableByName)]
struct PartRow {
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
    #[diesel(sql_type = Integer)]
    part: i32,
    /// A `tsvector` as text.
    #[diesel(sql_type = Text)]
    hits: String,
    #[diesel(sql_type = Array<SmallInt>)]
    last_positions: Vec<i16>,
    #[diesel(sql_type = SmallInt)]
    own_segments: i16,
    /// Empty if they were not asked for.
    #[diesel(sql_type = Array<SqlUuid>)]
    source_ids: Vec<Uuid>,
}

/// Where a clause occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    /// The segment: of the transcript, counted in the part; or the speaker.
    pub(super) segment: u16,
    /// The word in the segment, from 0.
    pub(super) word: u16,
    /// Position in the part.
    pub(super) position: u16,
    /// Index of the clause.
    pub(super) clause: u8,
    /// Index of the pattern of the clause.
    pub(super) pattern: u8,
    /// Whether it is what was asked for, and not another spelling or a compound.
    pub(super) exact: bool,
}

/// A part of a meeting with what was found in it, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) part: i32,
    pub(super) hits: Vec<Hit>,
    /// The position of the last word of each segment.
    pub(super) last_positions: Vec<u16>,
    /// How many segments begin in this part.
    pub(super) own_segments: u16,
    /// The segments of the transcript or the speakers; empty if they were not asked for.
    pub(super) source_ids: Vec<Uuid>,
}

/// A meeting with its parts that have hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MeetingHits {
    pub(super) job: Uuid,
    pub(super) parts: Vec<Part>,
}

/// How to reach the parts of meetings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Through the index of words, the parts that hold all clauses: cheap if such parts are rare. Of meetings that hold
    /// the clauses only apart there are none. Does not depend on how many meetings there are.
    Together,
    /// Meeting by meeting, the parts that hold any clause: cheap if the meetings are few.
    Meetings,
    /// The same, with the segments of those parts.
    MeetingsWithSegments,
}

/// $1 tsquery, $2 lexemes. Not limited to meetings: the planner would read the index of meetings, too.
const TOGETHER: &str = "SELECT job_id, part, ts_filter(setweight(words, 'A', $2), '{a}')::text AS hits, last_positions, own_segments,
        '{}'::uuid[] AS source_ids
    FROM search_passages WHERE words @@ $1::tsquery";

/// $3 meetings, $4 whether to read the segments. OFFSET 0 keeps the planner from asking the index of words once for each meeting.
const BY_MEETINGS: &str = "SELECT job_id, part, ts_filter(setweight(words, 'A', $2), '{a}')::text AS hits, last_positions, own_segments,
        CASE WHEN $4 THEN source_ids ELSE '{}' END AS source_ids
    FROM unnest($3) wanted (id), LATERAL (SELECT * FROM search_passages WHERE job_id = wanted.id OFFSET 0) p
    WHERE words @@ $1::tsquery";

/// The same for beginnings, of which not all lexemes are known before: where none of those that are known ($3) occurs, all
/// lexemes of the part are read.
const TOGETHER_BEGINNING: &str = "SELECT job_id, part,
        CASE WHEN words @@ $3::tsquery THEN ts_filter(setweight(words, 'A', $2), '{a}') ELSE words END::text AS hits,
        last_positions, own_segments, '{}'::uuid[] AS source_ids
    FROM search_passages WHERE words @@ $1::tsquery";

/// $4 meetings, $5 whether to read the segments.
const BY_MEETINGS_BEGINNING: &str = "SELECT job_id, part,
        CASE WHEN words @@ $3::tsquery THEN ts_filter(setweight(words, 'A', $2), '{a}') ELSE words END::text AS hits,
        last_positions, own_segments, CASE WHEN $5 THEN source_ids ELSE '{}' END AS source_ids
    FROM unnest($4) wanted (id), LATERAL (SELECT * FROM search_passages WHERE job_id = wanted.id OFFSET 0) p
    WHERE words @@ $1::tsquery";

/// Finds the clauses that are wanted in these meetings. A meeting without a hit is left out.
pub(super) async fn hits(
    c: &mut AsyncPgConnection,
    clauses: &[IndexClause],
    jobs: &[Uuid],
    access: Access,
) -> Result<Vec<MeetingHits>> {
    let query = match access {
        Access::Together => all_tsquery(clauses),
        Access::Meetings | Access::MeetingsWithSegments => any_tsquery(clauses),
    };
    let Some(tsquery) = query.filter(|_| !jobs.is_empty()) else { return Ok(Vec::new()) };
    let sought = Sought::new(clauses);
    let lexemes = &sought.lexemes;
    let with_segments = access == Access::MeetingsWithSegments;
    let rows: Vec<PartRow> = match (access, sought.beginnings.is_empty()) {
        (Access::Together, true) => {
            let query = diesel::sql_query(TOGETHER).bind::<Text, _>(tsquery);
            Prepared(query.bind::<Array<Text>, _>(lexemes)).load(c).await?
        }
        (Access::Together, false) => {
            let query = diesel::sql_query(TOGETHER_BEGINNING).bind::<Text, _>(tsquery);
            let query = query.bind::<Array<Text>, _>(lexemes);
            Prepared(query.bind::<Nullable<Text>, _>(known_beginnings(clauses))).load(c).await?
        }
        (_, true) => {
            let query = diesel::sql_query(BY_MEETINGS).bind::<Text, _>(tsquery);
            let query = query.bind::<Array<Text>, _>(lexemes).bind::<Array<SqlUuid>, _>(jobs);
            Prepared(query.bind::<Bool, _>(with_segments)).load(c).await?
        }
        (_, false) => {
            let query = diesel::sql_query(BY_MEETINGS_BEGINNING).bind::<Text, _>(tsquery);
            let query = query.bind::<Array<Text>, _>(lexemes);
            let query = query.bind::<Nullable<Text>, _>(known_beginnings(clauses));
            let query = query.bind::<Array<SqlUuid>, _>(jobs);
            Prepared(query.bind::<Bool, _>(with_segments)).load(c).await?
        }
    };
    let order: HashMap<Uuid, usize> = jobs.iter().enumerate().map(|(index, job)| (*job, index)).collect();
    let mut meetings: Vec<Option<MeetingHits>> = jobs.iter().map(|_| None).collect();
    for row in rows {
        let Some(index) = order.get(&row.job_id) else { continue };
        let job = row.job_id;
        let part = part(clauses, &sought, row);
        if !part.hits.is_empty() {
            let meeting = meetings[*index].get_or_insert_with(|| MeetingHits { job, parts: Vec::new() });
            meeting.parts.push(part);
        }
    }
    let mut meetings: Vec<MeetingHits> = meetings.into_iter().flatten().collect();
    for meeting in &mut meetings {
        meeting.parts.sort_unstable_by_key(|part| part.part);
    }
    Ok(meetings)
}

/// What is sought in the parts.
struct Sought {
    /// In order.
    lexemes: Vec<String>,
    beginnings: Vec<String>,
}

impl Sought {
    fn new(clauses: &[IndexClause]) -> Self {
        Self { lexemes: lexemes(clauses), beginnings: beginnings(clauses) }
    }

    fn holds(&self, lexeme: &str) -> bool {
        self.lexemes.binary_search_by(|known| known.as_str().cmp(lexeme)).is_ok()
            || self.beginnings.iter().any(|beginning| lexeme.starts_with(beginning.as_str()))
    }
}

fn part(clauses: &[IndexClause], sought: &Sought, row: PartRow) -> Part {
    let vector = positions(&row.hits, sought);
    let last_positions: Vec<u16> =
        row.last_positions.iter().map(|last| u16::try_from(*last).unwrap_or_default()).collect();
    let own_segments = u16::try_from(row.own_segments).unwrap_or_default();
    let mut hits = Vec::new();
    for (clause, wanted) in clauses.iter().enumerate().filter(|(_, clause)| !clause.negated) {
        for (pattern, sought) in wanted.patterns.iter().enumerate() {
            for position in sought.occurrences(&vector) {
                let segment = last_positions.partition_point(|last| *last < position);
                let before = if segment == 0 { 0 } else { last_positions[segment - 1] };
                let segment = u16::try_from(segment).unwrap_or(u16::MAX);
                // What begins in the next part is found there.
                let is_own = segment < own_segments && (row.part > NOTE || u32::from(position) <= NOTE_WORDS);
                if is_own {
                    hits.push(Hit {
                        segment,
                        word: position.saturating_sub(before + 1),
                        position,
                        clause: u8::try_from(clause).unwrap_or(u8::MAX),
                        pattern: u8::try_from(pattern).unwrap_or(u8::MAX),
                        exact: sought.exact,
                    });
                }
            }
        }
    }
    hits.sort_unstable_by_key(|hit| (hit.position, hit.clause, hit.pattern));
    Part { part: row.part, hits, last_positions, own_segments, source_ids: row.source_ids }
}

/// Reads what is sought from a `tsvector` as PostgreSQL writes it: `'lexeme':1A,7A 'other':3A`.
fn positions(vector: &str, sought: &Sought) -> Vec<(String, Vec<u16>)> {
    let bytes = vector.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let mut lexeme = Vec::new();
    while bytes.get(at) == Some(&b'\'') {
        at += 1;
        lexeme.clear();
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match (byte, bytes.get(at)) {
                // Doubled, they stand for themselves.
                (b'\'', Some(b'\'')) | (b'\\', Some(b'\\')) => at += 1,
                (b'\'', _) => break,
                _ => {}
            }
            lexeme.push(byte);
        }
        let numbers = &bytes[at.min(bytes.len())..];
        let length = numbers.iter().position(|byte| *byte == b' ').unwrap_or(numbers.len());
        let number = |digits: &[u8]| {
            let digits = digits.iter().filter(|byte| byte.is_ascii_digit());
            digits.fold(0_u16, |number, digit| {
                number.saturating_mul(10).saturating_add(u16::from(digit - b'0'))
            })
        };
        let text = String::from_utf8_lossy(&lexeme);
        if sought.holds(&text) {
            let list = numbers[..length].split(|byte| *byte == b',').map(number).collect();
            found.push((text.into_owned(), list));
        }
        at += length + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::pattern::{Pattern, Slot};
    use super::*;

    #[test]
    fn a_vector_is_read_as_it_is_written() {
        let sought = |lexemes: &[&str], beginnings: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            Sought { lexemes: owned(lexemes), beginnings: owned(beginnings) }
        };
        let vector = r"'a':1A,27A 'b':4 'o''x\\':3A 'straße':16383A";
        let read = positions(vector, &sought(&["a", r"o'x\"], &["str"]));
        let expected = [("a", vec![1, 27]), ("o'x\\", vec![3]), ("straße", vec![16383])];
        assert_eq!(read, expected.map(|(lexeme, list)| (lexeme.to_owned(), list)));
        assert_eq!(positions("", &sought(&["a"], &[])), []);
    }

    #[test]
    fn hits_lead_to_segments_and_those_of_the_next_part_are_left_to_it() {
        let slot = |distance, lexeme: &str| Slot {
            distance,
            lexemes: vec![lexeme.to_owned()],
            beginnings: Vec::new(),
            letters: 1,
        };
        let clause = |slots| IndexClause {
            negated: false,
            patterns: Pattern::new(slots).into_iter().collect(),
            weight: 1.0,
        };
        let clauses = [clause(vec![slot(0, "a")]), clause(vec![slot(0, "b"), slot(1, "c")])];
        let row = PartRow {
            job_id: Uuid::nil(),
            part: 3,
            hits: "'a':2A,8A 'b':5A 'c':6A".to_owned(),
            last_positions: vec![3, 5, 9],
            own_segments: 2,
            source_ids: Vec::new(),
        };
        let found = part(&clauses, &Sought::new(&clauses), row);
        let places: Vec<_> = found.hits.iter().map(|hit| (hit.segment, hit.word, hit.clause)).collect();
        assert_eq!(places, [(0, 1, 0), (1, 1, 1)], "the phrase begins in this part, the second a does not");
    }
}

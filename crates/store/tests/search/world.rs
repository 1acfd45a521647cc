//! Meetings made for tests, and a small language for queries.

use crate::common::{raw_client, recording};
use store::testing::TestDatabase;
use store::{Clause, JobId, LibraryId, MeetingQuery, Registration, SearchFilters, SearchSort, Store, Term};
use uuid::Uuid;

/// An archive with a connection that writes as other programs do.
pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) store: Store,
    pub(crate) client: tokio_postgres::Client,
    pub(crate) library: LibraryId,
}

/// Milliseconds from one line to the next.
pub(crate) const LINE_MS: i64 = 4_000;

impl World {
    pub(crate) async fn new() -> Self {
        let (database, store) = crate::common::database().await;
        let client = raw_client(&store).await;
        Self { database, store, client, library: LibraryId::new() }
    }

    /// A meeting with a transcript. A line may begin with the name of a speaker and `| `, and with `@` and the second at
    /// which it begins.
    pub(crate) async fn meeting(&self, title: &str, language: &str, days_ago: i32, lines: &[&str]) -> JobId {
        let Registration::New(job) = self.store.register(&recording(self.library)).await.unwrap() else {
            panic!("the content is unique");
        };
        self.client
            .execute(
                "UPDATE jobs SET title = $2, recorded_at = '2026-06-01 12:00Z'::timestamptz - $3 * interval '1 day',
                    status = 'completed', duration_ms = $4 WHERE id = $1",
                &[&job.id.uuid(), &title, &f64::from(days_ago), &(i64::try_from(lines.len()).unwrap() * LINE_MS)],
            )
            .await
            .unwrap();
        self.version(job.id, language, lines).await;
        job.id
    }

    /// Adds a version and makes it current.
    pub(crate) async fn version(&self, job: JobId, language: &str, lines: &[&str]) -> Uuid {
        let version = Uuid::now_v7();
        self.client
            .execute(
                "INSERT INTO transcripts (id, job_id, version, status, engine, model, settings, language)
                 SELECT $1, $2, 1 + count(*), 'complete', 'e', 'm', '{}', $3 FROM transcripts WHERE job_id = $2",
                &[&version, &job.uuid(), &language],
            )
            .await
            .unwrap();
        for (index, line) in lines.iter().enumerate() {
            self.line(job, version, index, line).await;
        }
        let current = "UPDATE jobs SET current_transcript_id = $2 WHERE id = $1";
        self.client.execute(current, &[&job.uuid(), &version]).await.unwrap();
        version
    }

    async fn line(&self, job: JobId, version: Uuid, index: usize, line: &str) {
        let timed = line.strip_prefix('@').and_then(|line| line.split_once(' '));
        let (start, line) = match timed.and_then(|(second, line)| Some((second.parse::<u16>().ok()?, line))) {
            Some((second, line)) => (i64::from(second) * 1_000, line),
            None => (i64::try_from(index).unwrap() * LINE_MS, line),
        };
        let (speaker, text) = match line.split_once("| ") {
            Some((name, text)) => (Some(self.speaker(job, name).await), text),
            None => (None, line),
        };
        let word = |(n, word): (usize, &str)| {
            let at = start + i64::try_from(n).unwrap() * 300;
            serde_json::json!({ "start_ms": at, "end_ms": at + 250, "text": word, "confidence": 0.9 })
        };
        let words: Vec<_> = text.split_whitespace().enumerate().map(word).collect();
        self.client
            .execute(
                "INSERT INTO segments (id, transcript_id, start_ms, end_ms, text, words, speaker_id)
                 VALUES ($1, $2, $3::bigint, $3::bigint + 3900, $4, $5::text::jsonb, $6)",
                &[
                    &Uuid::now_v7(),
                    &version,
                    &start,
                    &text,
                    &serde_json::Value::from(words).to_string(),
                    &speaker,
                ],
            )
            .await
            .unwrap();
    }

    /// The speaker with this name in the meeting; made if there is none.
    pub(crate) async fn speaker(&self, job: JobId, name: &str) -> Uuid {
        let known = "SELECT id FROM speakers WHERE job_id = $1 AND name = $2";
        if let Some(row) = self.client.query_opt(known, &[&job.uuid(), &name]).await.unwrap() {
            return row.get(0);
        }
        let id = Uuid::now_v7();
        self.client
            .execute(
                "INSERT INTO speakers (id, job_id, number, name, shown_as)
                 SELECT $1, $2, 1 + count(*), $3, $1 FROM speakers WHERE job_id = $2",
                &[&id, &job.uuid(), &name],
            )
            .await
            .unwrap();
        id
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap();
    }

    /// Titles of what is found, in order.
    pub(crate) async fn titles(&self, query: &MeetingQuery) -> Vec<String> {
        let found = self.store.search(query).await.unwrap();
        assert!(found.total_is_exact && found.total as usize >= found.meetings.len(), "{found:?}");
        found.meetings.into_iter().map(|meeting| meeting.title).collect()
    }

    /// Titles of what the text finds, in order.
    pub(crate) async fn find(&self, text: &str) -> Vec<String> {
        self.titles(&query(text)).await
    }

    pub(crate) async fn count_all_words(&self) {
        while self.store.count_words(10).await.unwrap() > 0 {}
    }
}

/// Reads words, "phrases", beginnings*, -left out, and OR.
pub(crate) fn query(text: &str) -> MeetingQuery {
    let mut clauses: Vec<Clause> = Vec::new();
    let mut rest = text.trim();
    let mut or = false;
    while !rest.is_empty() {
        let (negated, after) = rest.strip_prefix('-').map_or((false, rest), |after| (true, after));
        let (term, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (phrase, next) = quoted.split_once('"').unwrap_or((quoted, ""));
                (Term::Phrase(phrase.to_owned()), next)
            }
            None => {
                let (word, next) = after.split_once(' ').unwrap_or((after, ""));
                let prefix = word.strip_suffix('*').map(|prefix| Term::Prefix(prefix.to_owned()));
                (prefix.unwrap_or_else(|| Term::Word(word.to_owned())), next)
            }
        };
        rest = next.trim_start();
        if term == Term::Word("OR".to_owned()) {
            or = true;
            continue;
        }
        match clauses.last_mut().filter(|_| std::mem::take(&mut or)) {
            Some(clause) => clause.alternatives.push(term),
            None => clauses.push(Clause { negated, alternatives: vec![term] }),
        }
    }
    MeetingQuery {
        clauses,
        filters: SearchFilters::default(),
        sort: SearchSort::Relevance,
        offset: 0,
        limit: 50,
    }
}

/// The marked words of a text.
pub(crate) fn marked(text: &str, marks: &[(u32, u32)]) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    marks.iter().map(|(from, to)| letters[*from as usize..*to as usize].iter().collect()).collect()
}

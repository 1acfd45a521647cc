//! Search stays in step: after random changes by all who write, what is found equals what a scan of the text finds.

use crate::world::{World, query};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::{BTreeMap, BTreeSet};
use store::{JobId, PersonId, TranscriptId};
use uuid::Uuid;

/// Words that no stemmer changes, and of which none begins or ends another.
const WORDS: [&str; 14] = [
    "zogu", "kiru", "BAMO", "tulfo", "Wenko", "ridu", "pavo", "lumko", "dofu", "grako", "Näpo", "猫犬", "x1",
    "fup",
];

/// A random change of the archive. Each number selects one of the existing meetings, segments or speakers.
#[derive(Debug, Clone)]
enum Change {
    Import { title: String, language: &'static str, lines: Vec<String> },
    Rename(usize, String),
    NewVersion(usize, Vec<String>),
    MakeCurrent(usize, usize),
    Delete(usize),
    Trash(usize, bool),
    EditLine(usize, usize, String),
    MoveLine(usize, usize, i64),
    DeleteLines(usize),
    Language(usize, &'static str),
    NameSpeaker(usize, String),
    MergeSpeakers(usize),
    LinkPerson(usize, usize),
    RenamePerson(usize, String),
    Note(usize, String),
    DeleteNote(usize),
}

fn text(words: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(
        (prop::sample::select(&WORDS[..]), prop::sample::select(&[" ", ", ", ". ", "-"][..])),
        words,
    )
    .prop_map(|words| words.into_iter().map(|(word, after)| format!("{word}{after}")).collect())
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    // Lines stand close to each other and to the borders of parts, or in later parts.
    let line =
        (prop::sample::select(&[0_u32, 3, 100, 118, 119, 121, 125, 239, 240, 300, 500][..]), text(1..5));
    prop::collection::vec(line, 0..12).prop_map(|lines| {
        let in_order: BTreeMap<u32, String> = lines.into_iter().collect();
        in_order.into_iter().map(|(second, text)| format!("@{second} {text}")).collect()
    })
}

fn change() -> impl Strategy<Value = Change> {
    let any = || 0_usize..1000;
    let language = || prop::sample::select(&["en", "de", "xx", "zh"][..]);
    prop_oneof![
        3 => (text(1..4), language(), lines()).prop_map(|(title, language, lines)| Change::Import { title, language, lines }),
        1 => (any(), text(1..3)).prop_map(|(job, title)| Change::Rename(job, title)),
        2 => (any(), lines()).prop_map(|(job, lines)| Change::NewVersion(job, lines)),
        1 => (any(), any()).prop_map(|(job, version)| Change::MakeCurrent(job, version)),
        1 => any().prop_map(Change::Delete),
        1 => (any(), prop::bool::ANY).prop_map(|(job, trashed)| Change::Trash(job, trashed)),
        3 => (any(), any(), text(0..5)).prop_map(|(job, line, text)| Change::EditLine(job, line, text)),
        2 => (any(), any(), 0_i64..600_000).prop_map(|(job, line, ms)| Change::MoveLine(job, line, ms)),
        1 => any().prop_map(Change::DeleteLines),
        1 => (any(), language()).prop_map(|(job, language)| Change::Language(job, language)),
        2 => (any(), text(1..3)).prop_map(|(job, name)| Change::NameSpeaker(job, name)),
        1 => any().prop_map(Change::MergeSpeakers),
        1 => (any(), any()).prop_map(|(job, person)| Change::LinkPerson(job, person)),
        1 => (any(), text(1..3)).prop_map(|(person, name)| Change::RenamePerson(person, name)),
        2 => (any(), text(1..8)).prop_map(|(job, text)| Change::Note(job, text)),
        1 => any().prop_map(Change::DeleteNote),
    ]
}

/// The `choice`-th of the ids that a query finds.
async fn choose(world: &World, sql: &str, job: Option<JobId>, choice: usize) -> Option<Uuid> {
    let rows = match job {
        Some(job) => world.client.query(sql, &[&job.uuid()]).await.unwrap(),
        None => world.client.query(sql, &[]).await.unwrap(),
    };
    (!rows.is_empty()).then(|| rows[choice % rows.len()].get(0))
}

const LINES: &str = "SELECT s.id FROM segments s JOIN jobs j ON j.current_transcript_id = s.transcript_id WHERE j.id = $1 ORDER BY 1";

async fn apply(world: &World, change: &Change) {
    if let Change::Import { title, language, lines } = change {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        world.meeting(title, language, 1, &lines).await;
        return;
    }
    if let Change::RenamePerson(person, name) = change {
        if let Some(id) = choose(world, "SELECT id FROM people ORDER BY id", None, *person).await {
            assert!(world.store.rename_person(PersonId::from(id), name).await.unwrap());
        }
        return;
    }
    let (Change::Rename(job, _)
    | Change::NewVersion(job, _)
    | Change::MakeCurrent(job, _)
    | Change::Delete(job)
    | Change::Trash(job, _)
    | Change::EditLine(job, ..)
    | Change::MoveLine(job, ..)
    | Change::DeleteLines(job)
    | Change::Language(job, _)
    | Change::NameSpeaker(job, _)
    | Change::MergeSpeakers(job)
    | Change::LinkPerson(job, _)
    | Change::Note(job, _)
    | Change::DeleteNote(job)) = change
    else {
        return;
    };
    let Some(id) = choose(world, "SELECT id FROM jobs ORDER BY id", None, *job).await else { return };
    apply_to(world, JobId::from(id), change).await;
}

async fn apply_to(world: &World, job: JobId, change: &Change) {
    let id = job.uuid();
    match change {
        Change::Rename(_, title) => drop(world.store.rename_job(job, title).await.unwrap()),
        Change::NewVersion(_, lines) => {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            world.version(job, "de", &lines).await;
        }
        Change::MakeCurrent(_, choice) => {
            let versions = "SELECT id FROM transcripts WHERE job_id = $1 ORDER BY id";
            if let Some(version) = choose(world, versions, Some(job), *choice).await {
                assert!(world.store.make_current(job, TranscriptId::from(version)).await.unwrap());
            }
        }
        Change::Delete(_) => drop(world.store.delete_job(job, world.library).await.unwrap()),
        Change::Trash(_, trashed) => {
            let sql = "UPDATE jobs SET trashed_at = CASE WHEN $2 THEN now() END WHERE id = $1";
            world.client.execute(sql, &[&id, trashed]).await.unwrap();
        }
        Change::EditLine(_, choice, text) => {
            if let Some(line) = choose(world, LINES, Some(job), *choice).await {
                world
                    .client
                    .execute("UPDATE segments SET text = $2 WHERE id = $1", &[&line, text])
                    .await
                    .unwrap();
            }
        }
        Change::MoveLine(_, choice, ms) => {
            if let Some(line) = choose(world, LINES, Some(job), *choice).await {
                let sql = "UPDATE segments SET start_ms = $2::bigint, end_ms = $2::bigint + 1 WHERE id = $1";
                world.client.execute(sql, &[&line, ms]).await.unwrap();
            }
        }
        Change::DeleteLines(_) => {
            let sql = "DELETE FROM segments WHERE start_ms % 2 = 0 AND transcript_id = (SELECT current_transcript_id FROM jobs WHERE id = $1)";
            world.client.execute(sql, &[&id]).await.unwrap();
        }
        Change::Language(_, language) => {
            let sql = "UPDATE transcripts SET language = $2 WHERE job_id = $1";
            world.client.execute(sql, &[&id, language]).await.unwrap();
        }
        Change::NameSpeaker(_, name) => drop(world.speaker(job, name).await),
        Change::MergeSpeakers(_) => {
            let sql = "UPDATE speakers SET shown_as = (SELECT min(id::text)::uuid FROM speakers WHERE job_id = $1) WHERE job_id = $1";
            world.client.execute(sql, &[&id]).await.unwrap();
        }
        Change::LinkPerson(_, person) => {
            let name = WORDS[person % WORDS.len()];
            let sql =
                "WITH person AS (INSERT INTO people (id, name) VALUES (gen_random_uuid(), $2) RETURNING id)
                UPDATE speakers SET person_id = person.id FROM person WHERE job_id = $1";
            world.client.execute(sql, &[&id, &name]).await.unwrap();
        }
        Change::Note(_, text) => {
            let revision = world.store.note(job).await.unwrap().map_or(0, |note| note.revision);
            world.store.save_note(job, text, revision).await.unwrap();
        }
        Change::DeleteNote(_) => {
            world.client.execute("DELETE FROM notes WHERE job_id = $1", &[&id]).await.unwrap();
        }
        Change::Import { .. } | Change::RenamePerson(..) => unreachable!("handled before"),
    }
}

/// The texts of each meeting that is not in the trash. Words that follow each other do so within one of them.
async fn texts(world: &World) -> BTreeMap<Uuid, Vec<Vec<String>>> {
    let sql = "
        SELECT id, 'title', coalesce(title, file_name), 0::bigint FROM jobs WHERE trashed_at IS NULL
        UNION ALL
        SELECT j.id, 'note', n.text, 2 FROM jobs j JOIN notes n ON n.job_id = j.id WHERE trashed_at IS NULL
        UNION ALL
        SELECT j.id, 'names', string_agg(coalesce(p.name, s.name), ' ' ORDER BY s.number), 3 FROM jobs j JOIN speakers s ON s.job_id = j.id
        LEFT JOIN people p ON p.id = s.person_id
        WHERE trashed_at IS NULL AND s.present AND s.shown_as = s.id GROUP BY j.id";
    let words = |text: &str| -> Vec<String> {
        let text = text.to_lowercase();
        let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let mut texts: BTreeMap<Uuid, Vec<Vec<String>>> = BTreeMap::new();
    for row in world.client.query(sql, &[]).await.unwrap() {
        let text: Option<String> = row.get(2);
        texts.entry(row.get(0)).or_default().push(words(&text.unwrap_or_default()));
    }
    let lines = "SELECT j.id, s.text, s.start_ms FROM jobs j JOIN segments s ON s.transcript_id = j.current_transcript_id
        WHERE trashed_at IS NULL ORDER BY j.id, s.start_ms, s.id";
    let mut last: Option<(Uuid, i64)> = None;
    for row in world.client.query(lines, &[]).await.unwrap() {
        let (id, spoken, part) = (row.get(0), words(row.get(1)), row.get::<_, i64>(2) / 120_000);
        if spoken.is_empty() {
            continue;
        }
        let texts = texts.get_mut(&id).unwrap();
        // Words on both sides of a long silence do not follow each other.
        match last.filter(|(before, at)| *before == id && part - at <= 1) {
            Some(_) => texts.last_mut().unwrap().extend(spoken),
            None => texts.push(spoken),
        }
        last = Some((id, part));
    }
    texts
}

/// Ids of what the query finds.
async fn found(world: &World, text: &str) -> BTreeSet<Uuid> {
    let asked = store::MeetingQuery { limit: 100, ..query(text) };
    let found = world.store.search(&asked).await.unwrap();
    assert!(found.total_is_exact && found.total as usize == found.meetings.len(), "{text}: {found:?}");
    found.meetings.into_iter().map(|meeting| meeting.job.uuid()).collect()
}

async fn check(world: &World, history: &[Change]) {
    let texts = texts(world).await;
    let scan = |holds: &dyn Fn(&[Vec<String>]) -> bool| {
        texts.iter().filter(|(_, texts)| holds(texts)).map(|(id, _)| *id).collect::<BTreeSet<_>>()
    };
    let has = |texts: &[Vec<String>], words: &[&str]| {
        texts.iter().any(|text| text.windows(words.len()).any(|window| window == words))
    };
    let words: Vec<String> = WORDS.iter().map(|word| word.to_lowercase()).collect();
    for (index, word) in words.iter().enumerate() {
        let other = &words[(index * 5 + 3) % words.len()];
        let cases = [
            (word.clone(), scan(&|texts| has(texts, &[word]))),
            (format!("{word} {other}"), scan(&|texts| has(texts, &[word]) && has(texts, &[other]))),
            (format!("{word} -{other}"), scan(&|texts| has(texts, &[word]) && !has(texts, &[other]))),
            (format!("{word} OR {other}"), scan(&|texts| has(texts, &[word]) || has(texts, &[other]))),
            (format!("\"{word} {other}\""), scan(&|texts| has(texts, &[word, other]))),
            (
                format!("{other} -\"{word} {other}\""),
                scan(&|texts| has(texts, &[other]) && !has(texts, &[word, other])),
            ),
        ];
        for (text, expected) in cases {
            let found = found(world, &text).await;
            let differing: Vec<Uuid> = found.symmetric_difference(&expected).copied().collect();
            if !differing.is_empty() {
                let sql = "SELECT m.trashed, m.stemmer, m.words::text, j.trashed_at::text FROM jobs j LEFT JOIN search_meetings m ON m.job_id = j.id WHERE j.id = ANY ($1)";
                let rows = world.client.query(sql, &[&differing]).await.unwrap();
                panic!("{text} finds {found:?}, not {expected:?}: {rows:?} after {history:#?}");
            }
        }
    }
    let left = world.database.column("SELECT count(*) FROM search_changes").await.unwrap();
    assert_eq!(left, ["0"], "a transaction leaves none of its changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_equals_what_a_scan_of_the_text_finds() {
    let world = World::new().await;
    let mut runner = TestRunner::new(proptest::test_runner::Config::default());
    let mut history = Vec::new();
    for _ in 0..6 {
        let changes = prop::collection::vec(change(), 25).new_tree(&mut runner).unwrap().current();
        for change in changes {
            apply(&world, &change).await;
            history.push(change);
        }
        check(&world, &history).await;
    }
    // The changes may have deleted all that there was.
    for number in 0..3 {
        world.meeting("Last", "en", number, &["The budget.", "@130 The next part."]).await;
    }
    assert!(texts(&world).await.len() >= 3);
    // What the triggers made is what would be made from nothing.
    let rows = "SELECT concat_ws(' ', job_id, part, words, source_ids, last_positions, own_segments) FROM search_passages ORDER BY job_id, part";
    let meetings =
        "SELECT concat_ws(' ', job_id, stemmer, sorted_at, words) FROM search_meetings ORDER BY job_id";
    let before = (world.database.column(rows).await.unwrap(), world.database.column(meetings).await.unwrap());
    world.execute("TRUNCATE search_meetings, search_passages").await;
    assert_eq!(world.store.index_for_search(10_000).await.unwrap(), 0);
    let after = (world.database.column(rows).await.unwrap(), world.database.column(meetings).await.unwrap());
    assert!(before.0.len() >= 9, "a title and two parts of each");
    assert_eq!(before, after);
}

//! Making what is searched: old archives, restores, other editions; hostile input; what a commit costs.

use crate::common::{database, keeper, recording};
use crate::world::{World, query};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::time::{Duration, Instant};
use store::testing::{
    SpokenMeeting, TestDatabase, insert_meetings, insert_spoken_meetings, search_word_spans,
};
use store::{
    ClaimRequest, Clause, JobId, LibraryId, MachineId, MeetingQuery, MergeScope, NewTranscript, Registration,
    Staging, Store, TaskKind, Term, TranscriptWindow,
};

const DOWN: &str = concat!(
    include_str!("../../../../migrations/2026-11-30-000014_summaries/down.sql"),
    include_str!("../../../../migrations/2026-11-30-000013_exports/down.sql"),
    include_str!("../../../../migrations/2026-11-30-000012_search/down.sql"),
);

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_before_is_migrated_and_indexed_in_the_background() {
    let world = World::new().await;
    world.meeting("Old one", "en", 9, &["The trains were late."]).await;
    world.meeting("Older one", "de", 10, &["Die Züge hatten Verspätung."]).await;
    world.execute(DOWN).await;
    world.execute("DELETE FROM __diesel_schema_migrations WHERE version >= '20261130000012'").await;
    let store = world.database.store().await.unwrap();
    assert_eq!(store.search_backlog().await.unwrap(), 2);
    assert_eq!(store.search(&query("train")).await.unwrap().total, 0);
    // A change of a meeting that is not indexed waits for that.
    world.execute("UPDATE jobs SET title = 'Renamed' WHERE title = 'Old one'").await;
    assert_eq!(store.search_backlog().await.unwrap(), 2);
    assert_eq!(store.index_for_search(1).await.unwrap(), 1);
    let found = store.search(&query("train renamed")).await.unwrap();
    assert_eq!(found.meetings[0].title, "Renamed", "the newest is first");
    assert_eq!(store.index_for_search(100).await.unwrap(), 0);
    assert_eq!(store.search(&query("Zug")).await.unwrap().total, 1);
    // A beginning that goes beyond the stem, before and after the words are counted.
    assert_eq!(store.search(&query("verspätun*")).await.unwrap().total, 1);
    assert_eq!(store.count_words(1).await.unwrap(), 1);
    assert_eq!(store.count_words(1).await.unwrap(), 0);
    assert_eq!(store.search(&query("verspätun*")).await.unwrap().total, 1);
    assert_eq!(store.suggestions(&["Verspatumg".to_owned()]).await.unwrap(), [Some("verspätung".to_owned())]);
    // Rows of another edition are made anew.
    world.execute("UPDATE search_meetings SET edition = 1").await;
    assert_eq!(store.search_backlog().await.unwrap(), 2);
    assert_eq!(store.index_for_search(100).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_index_the_same_archive_get_the_same_result() {
    let world = World::new().await;
    for n in 0..12 {
        world.meeting(&format!("Meeting {n}"), "en", n, &["The trains were late.", "We walked."]).await;
    }
    world.execute("TRUNCATE search_meetings, search_passages").await;
    let index = || async { world.store.index_for_search(100).await.unwrap() };
    let count = || async { world.store.count_words(5).await.unwrap() };
    let indexed = tokio::join!(index(), index(), index());
    assert_eq!(indexed.0.min(indexed.1).min(indexed.2), 0);
    tokio::join!(count(), count(), count());
    world.count_all_words().await;
    assert_eq!(world.find("trains").await.len(), 12);
    let counted = "SELECT meetings FROM search_words WHERE word = 'trains'";
    assert_eq!(world.database.column(counted).await.unwrap(), ["12"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn restored_meetings_are_found() {
    let world = World::new().await;
    let kept = world.meeting("Kept", "en", 1, &["Anna| The trains were late."]).await;
    let lost =
        world.meeting("Lost", "en", 2, &["Anna| The trains were early.", "Bob| Nobody noticed."]).await;
    let snapshot = world.store.row_snapshot().await.unwrap();
    let meetings = snapshot.meetings().await.unwrap();
    let archive = snapshot.archive_text().await.unwrap();
    let mut texts = Vec::new();
    for meeting in &meetings {
        texts.extend(snapshot.next_texts(&[meeting]).await.unwrap());
    }
    let step = snapshot.info().schema_step.clone();
    world.store.delete_job(lost, world.library).await.unwrap();
    assert_eq!(world.find("trains").await, ["Kept"]);
    world.store.rename_job(kept, "Kept and renamed").await.unwrap();

    let mut staging = Staging::new(&world.store, &step).await.unwrap();
    for text in std::iter::once(&archive).chain(&texts) {
        staging.load(text).await.unwrap();
    }
    staging.finish_loading().await.unwrap();
    staging.merge(MergeScope::Everything, false).await.unwrap();
    // Rows of one table alone: the meetings are indexed again.
    world.execute("DELETE FROM segments WHERE text = 'The trains were late.'").await;
    assert_eq!(world.find("late").await, [""; 0]);
    staging.merge(MergeScope::Table("segments"), false).await.unwrap();
    staging.remove().await.unwrap();
    assert_eq!(world.store.index_for_search(10).await.unwrap(), 0);
    assert_eq!(world.find("late").await, ["Kept and renamed"]);
    assert_eq!(world.find("trains").await, ["Kept and renamed", "Lost"]);
    assert_eq!(world.find("bob").await, ["Lost"]);
    assert_eq!(world.store.search_backlog().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_input_is_no_error() {
    let world = World::new().await;
    world
        .meeting("Robert'); DROP TABLE jobs;--", "en", 1, &["It's \\ a 'quoted' & (bracketed) |<-> thing:*"])
        .await;
    let words: String = (0..2_000).fold(String::new(), |all, n| format!("{all} word{n}"));
    let operators = "'\"&|!()<->:*\\ ".repeat(800);
    let texts = [
        "'; DROP TABLE jobs; --",
        "\0",
        "a\0b",
        "\u{301}",
        "e\u{301}\u{301}\u{301}",
        "!!! ??? …",
        "'",
        "\\",
        "\\'",
        ":*",
        "a:*",
        "<->",
        "a <2> b",
        "'a':1A",
        "((((",
        "%_%",
        "\u{feff}\u{200b}\u{202e}",
        "🙂",
        "\u{1f468}\u{200d}\u{1f469}",
        "\u{10ffff}",
        words.as_str(),
        operators.as_str(),
    ];
    let long = "x".repeat(10_000);
    for text in texts.into_iter().chain([long.as_str()]) {
        let terms =
            [Term::Word(text.to_owned()), Term::Prefix(text.to_owned()), Term::Phrase(text.to_owned())];
        for term in terms {
            for negated in [false, true] {
                let clause = Clause { negated, alternatives: vec![term.clone()] };
                let asked = MeetingQuery { clauses: vec![clause.clone(), clause], ..query("") };
                let found = world.store.search(&asked).await;
                assert!(found.is_ok(), "{text:?}: {found:?}");
            }
        }
        world.store.suggestions(&[text.to_owned()]).await.unwrap();
        let filter = store::NameFilter { name: text.to_owned(), negated: false };
        let filters = store::SearchFilters {
            speakers: vec![filter.clone()],
            folders: vec![filter.clone()],
            tags: vec![filter.clone()],
            languages: vec![filter],
            ..store::SearchFilters::default()
        };
        assert_eq!(
            world.store.search(&MeetingQuery { filters, ..query("") }).await.unwrap().total,
            0,
            "{text:?}"
        );
    }
    let many = query(&words);
    let found = world.store.search(&many).await.unwrap();
    assert!(found.too_many_terms && found.meetings.is_empty());
    assert_eq!(world.find("drop table jobs").await.len(), 1);
    assert_eq!(world.find("it's quoted \"bracketed thing\"").await.len(), 1);
    assert_eq!(world.find("").await.len(), 1);
    assert_eq!(world.store.jobs(store::JobFilter::default()).await.unwrap().len(), 1, "the table is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_any_kind_can_be_stored_and_its_words_are_cut_here_as_there() {
    let world = World::new().await;
    let mut runner = TestRunner::default();
    let any = prop_oneof![
        "\\PC{0,60}",
        "[a-zäöüßéñ0-9 .,'’“”–—…/_-]{0,80}",
        "[ก-๛ぁ-ヿ一-鿿가-힣a-c 、。]{0,40}",
        "[\\x01-\\x7f]{0,60}",
        "[か-ほ\u{3099}\u{309a}\u{300}\u{1100}-\u{1112}\u{1161}-\u{1175}\u{11a8}-\u{11c2}가-힣a ]{0,40}",
        "[\u{0300}-\u{036f}a-c \u{2000}-\u{206f}\u{3000}-\u{303f}\u{ff00}-\u{ffef}]{0,40}",
    ];
    let mut texts = Vec::new();
    for _ in 0..400 {
        texts.push(any.new_tree(&mut runner).unwrap().current());
    }
    // Decomposed kana and Hangul, which the database composes.
    texts.push("ヺ튇喔、뗱bญ、す cか\u{3099} 。獛 か\u{3099}\u{3099}は\u{309a} \u{3099}".to_owned());
    texts.push("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af} 하\u{11ab} \u{11ab}\u{1161}".to_owned());
    let sql = "SELECT coalesce(cardinality(meetmemo_search_words(text)), 0) FROM unnest($1::text[]) WITH ORDINALITY t (text, n) ORDER BY n";
    let counts = world.client.query(sql, &[&texts]).await.unwrap();
    for (text, row) in texts.iter().zip(counts) {
        let count: i32 = row.get(0);
        assert_eq!(search_word_spans(text).len(), usize::try_from(count).unwrap(), "{text:?}");
    }
    let lines: Vec<&str> = texts.iter().map(String::as_str).collect();
    world.meeting("Any text", "en", 1, &lines).await;
    let huge: String = (0..60_000).fold(String::new(), |all, n| all + &format!("wörd{n} "));
    world.meeting("Huge", "de", 1, &[&huge]).await;
    assert_eq!(world.find("wörd77").await, ["Huge"]);
    let job = world.meeting("Long note", "en", 1, &["Short."]).await;
    let note = "INSERT INTO notes (job_id, text) VALUES ($1, $2)";
    world.client.execute(note, &[&job.uuid(), &huge]).await.unwrap();
    assert_eq!(world.find("wörd5100 wörd5001 \"wörd5000 wörd5001 wörd5002\"").await, ["Huge", "Long note"]);
}

/// Commits `windows` windows of a recording that is being transcribed; the time that each took.
async fn commit_windows(store: &Store, windows: u32) -> Vec<Duration> {
    let library = LibraryId::new();
    let Registration::New(job) = store.register(&recording(library)).await.unwrap() else {
        panic!("new content")
    };
    let machine = MachineId::new();
    let request =
        ClaimRequest { kinds: &[TaskKind::Transcribe], library, machine, alone: true, only: Some(&[job.id]) };
    let claim = store.claim(request).await.unwrap().unwrap();
    let lease = claim.lease;
    assert_eq!(lease.job, job.id);
    let new = NewTranscript {
        engine: "e".to_owned(),
        model: "m".to_owned(),
        model_sha256: None,
        language: Some("en".to_owned()),
        settings: serde_json::json!({}),
        device: None,
        machine,
    };
    let (version, _) = store.open_transcript(lease, &new).await.unwrap().unwrap();
    let mut times = Vec::new();
    for n in 0..windows {
        let window = TranscriptWindow {
            index: n,
            span: transcript::Span::new(ms(n * 30_000), ms(n * 30_000 + 30_000)),
            language: Some("en".to_owned()),
            other_language: None,
        };
        let segments: Vec<transcript::Segment> = (0..8)
            .map(|line| transcript::Segment {
                span: transcript::Span::new(
                    ms(n * 30_000 + line * 3_000),
                    ms(n * 30_000 + line * 3_000 + 2_900),
                ),
                text: "We were talking about the budget of the next year again.".to_owned(),
                words: Vec::new(),
                doubt: None,
            })
            .collect();
        let begin = Instant::now();
        assert!(store.commit_window(lease, version.id, &window, &segments).await.unwrap());
        times.push(begin.elapsed());
    }
    times
}

fn ms(ms: u32) -> transcript::AudioTime {
    transcript::AudioTime::from_ms(ms)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_a_window_costs_about_the_same_as_without_search() {
    let with = TestDatabase::new(keeper()).await.unwrap();
    let without = TestDatabase::new(keeper()).await.unwrap();
    let (with_store, without_store) = (with.store().await.unwrap(), without.store().await.unwrap());
    without.execute(DOWN).await.unwrap();
    let (mut slow, mut fast) = (Vec::new(), Vec::new());
    // In turns, so that whatever else the computer does hits both.
    for _ in 0..8 {
        slow.push(median(commit_windows(&with_store, 25).await));
        fast.push(median(commit_windows(&without_store, 25).await));
    }
    let (slow, fast) = (slow.into_iter().min().unwrap(), fast.into_iter().min().unwrap());
    println!("a commit of a window: {slow:?} with search, {fast:?} without");
    // Measured at rest: less than a tenth more. The limit is for computers that do other things meanwhile.
    assert!(slow < fast.mul_f64(1.5) + Duration::from_millis(1), "{slow:?} with search, {fast:?} without");
}

#[tokio::test(flavor = "multi_thread")]
async fn common_words_in_a_large_archive_are_ranked_among_the_newest() {
    let (_database, store) = database().await;
    let recordings: Vec<store::NewJob> = (0..1_540)
        .map(|n| store::NewJob { file_hash: format!("{n:064x}"), ..recording(LibraryId::new()) })
        .collect();
    insert_meetings(&store, &recordings, 2).await.unwrap();
    // “Anna” speaks in all of them.
    assert_eq!(store.index_for_search(2_000).await.unwrap(), 0);
    let asked = MeetingQuery { limit: 20, ..query("anna") };
    let mut seen: Vec<JobId> = Vec::new();
    for offset in (0..1_540).step_by(100) {
        let found = store.search(&MeetingQuery { offset, limit: 100, ..asked.clone() }).await.unwrap();
        assert_eq!((found.total, found.total_is_exact, found.best_of_newest), (1_540, true, Some(40)));
        seen.extend(found.meetings.iter().map(|meeting| meeting.job));
        assert!(found.meetings.iter().all(|meeting| meeting.speakers[0].starts_with("Anna")), "{offset}");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 1_540, "every page has others");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_of_every_minute_is_ranked_among_the_newest_also_in_few_meetings() {
    let (_database, store) = database().await;
    let meeting = |number: u32| SpokenMeeting {
        title: format!("Meeting {number}"),
        recorded_at: chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(i64::from(number)),
        language: "en".to_owned(),
        speakers: vec!["Anna".to_owned()],
        // Seven seconds each: 31 parts of two minutes.
        segments: (0..532)
            .map(|line| if line == 5 { "The zebra, the budget." } else { "The budget." }.to_owned())
            .collect(),
        note: String::new(),
    };
    let meetings: Vec<SpokenMeeting> = (0..50).map(meeting).collect();
    let jobs = insert_spoken_meetings(&store, &meetings).await.unwrap();
    store.index_for_search(100).await.unwrap();
    let newest_first: Vec<JobId> = jobs.iter().rev().copied().collect();
    for (word, best_of_newest) in [("budget", Some(40)), ("zebra", None)] {
        let found = store.search(&MeetingQuery { limit: 100, ..query(word) }).await.unwrap();
        assert_eq!((found.total, found.best_of_newest), (50, best_of_newest), "{word}");
        assert_eq!(
            found.meetings.iter().map(|meeting| meeting.job).collect::<Vec<_>>(),
            newest_first,
            "{word}"
        );
        assert!(found.meetings.iter().all(|meeting| !meeting.passages.is_empty()), "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_common_word_is_not_taken_for_two_so_its_meetings_are_all_counted() {
    let (_database, store) = database().await;
    let meeting = |number: u32| SpokenMeeting {
        title: format!("Meeting {number}"),
        recorded_at: chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(i64::from(number)),
        language: if number == 0 { "de" } else { "en" }.to_owned(),
        speakers: vec!["Anna".to_owned()],
        segments: vec!["There was no budget. We don’t here.".to_owned()],
        note: String::new(),
    };
    insert_spoken_meetings(&store, &(0..120).map(meeting).collect::<Vec<_>>()).await.unwrap();
    store.index_for_search(200).await.unwrap();
    while store.count_words(200).await.unwrap() > 0 {}
    // “t” and “here” are words of the archive; “b” and “udget” are not.
    for word in ["there", "budget"] {
        let found = store.search(&query(word)).await.unwrap();
        assert_eq!((found.total, found.total_is_exact), (120, true), "{word}");
    }
}

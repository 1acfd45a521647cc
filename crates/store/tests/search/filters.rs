//! Filters, the order by date, and pages.

use crate::quality::world;
use crate::world::{World, query};
use store::{NameFilter, SearchFilters, SearchSort};

#[tokio::test(flavor = "multi_thread")]
async fn filters_limit_what_is_found() {
    let world = world().await;
    world
        .execute(
            "INSERT INTO folders (id, parent_id, name) VALUES
                ('00000000-0000-4000-8000-00000000000a', NULL, 'Clients'),
                ('00000000-0000-4000-8000-00000000000b', '00000000-0000-4000-8000-00000000000a', 'Zürich');
             INSERT INTO tags (id, name, colour) VALUES ('00000000-0000-4000-8000-00000000000c', 'Important', 'c1');
             UPDATE jobs SET folder_id = '00000000-0000-4000-8000-00000000000b' WHERE title IN ('Budget 2026', 'Standup');
             UPDATE jobs SET favourite = TRUE WHERE title = 'Weekly sync';
             INSERT INTO summaries (id, job_id, kind, engine, content, passages)
                SELECT id, id, 'extract', 'extract', '{}', '' FROM jobs WHERE title = 'Weekly sync';
             INSERT INTO meeting_tags (job_id, tag_id)
                SELECT id, '00000000-0000-4000-8000-00000000000c' FROM jobs WHERE title = 'Budget 2026'",
        )
        .await;
    let name = |name: &str| vec![NameFilter { name: name.to_owned(), negated: false }];
    let not = |name: &str| vec![NameFilter { name: name.to_owned(), negated: true }];
    let none = SearchFilters::default;
    let day =
        |day: u32| Some(chrono::TimeZone::with_ymd_and_hms(&chrono::Utc, 2026, 5, day, 0, 0, 0).unwrap());
    let cases: [(&str, SearchFilters, &[&str]); 23] = [
        ("budget", SearchFilters { speakers: name("anna"), ..none() }, &["Budget 2026"]),
        ("budget", SearchFilters { speakers: name("BOB"), ..none() }, &["Weekly sync"]),
        ("budget", SearchFilters { speakers: not("anna"), ..none() }, &["Weekly sync"]),
        ("budget", SearchFilters { speakers: name("carol"), ..none() }, &[]),
        ("strasse", SearchFilters { speakers: name("mull ann"), ..none() }, &["Vorstandssitzung"]),
        ("", SearchFilters { speakers: name("anna"), ..none() }, &["Budget 2026", "Vorstandssitzung"]),
        ("", SearchFilters { speakers: name("nobody"), ..none() }, &[]),
        ("budget", SearchFilters { folders: name("clients"), ..none() }, &["Budget 2026"]),
        ("", SearchFilters { folders: name("zurich"), ..none() }, &["Budget 2026", "Standup"]),
        ("budget", SearchFilters { folders: not("Clients"), ..none() }, &["Weekly sync"]),
        ("", SearchFilters { tags: name("IMPORTANT"), ..none() }, &["Budget 2026"]),
        ("budget", SearchFilters { tags: not("important"), ..none() }, &["Weekly sync"]),
        ("", SearchFilters { languages: name("fr"), ..none() }, &["Réunion d’équipe"]),
        ("budget", SearchFilters { languages: not("en"), ..none() }, &[]),
        ("budget", SearchFilters { favourite: Some(true), ..none() }, &["Weekly sync"]),
        ("budget", SearchFilters { favourite: Some(false), ..none() }, &["Budget 2026"]),
        ("", SearchFilters { has_note: Some(true), ..none() }, &["Inbox"]),
        ("budget", SearchFilters { has_summary: Some(true), ..none() }, &["Weekly sync"]),
        ("", SearchFilters { min_ms: Some(20_000), ..none() }, &["Standup"]),
        ("budget", SearchFilters { max_ms: Some(4_000), ..none() }, &[]),
        ("", SearchFilters { from: day(29), until: day(30), ..none() }, &["Vorstandssitzung"]),
        ("budget", SearchFilters { until: day(31), ..none() }, &["Weekly sync"]),
        ("-budget -e", SearchFilters { languages: name("en"), ..none() }, &["Inbox", "Standup"]),
    ];
    for (text, filters, expected) in cases {
        let asked = store::MeetingQuery { filters: filters.clone(), ..query(text) };
        assert_eq!(world.titles(&asked).await, expected, "{text} {filters:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_by_date_and_pages_are_exact() {
    let world = World::new().await;
    for n in 0..25 {
        let more = "budget ".repeat(usize::try_from(n % 5).unwrap());
        world.meeting(&format!("Meeting {n}"), "en", n, &[&format!("The budget {more}is fine.")]).await;
    }
    let asked = |sort, offset| store::MeetingQuery { sort, offset, limit: 10, ..query("budget") };
    let mut dated = Vec::new();
    let mut ranked = Vec::new();
    for offset in [0, 10, 20, 30] {
        dated.extend(world.titles(&asked(SearchSort::Date, offset)).await);
        ranked.extend(world.titles(&asked(SearchSort::Relevance, offset)).await);
    }
    assert_eq!(dated, (0..25).map(|n| format!("Meeting {n}")).collect::<Vec<_>>());
    // All have one line with the words: the newest first.
    assert_eq!(ranked, dated);
    let found = world.store.search(&asked(SearchSort::Date, 20)).await.unwrap();
    assert_eq!((found.total, found.meetings.len(), found.best_of_newest), (25, 5, None));
    assert!(found.meetings.iter().all(|meeting| meeting.passages.len() == 1));
}

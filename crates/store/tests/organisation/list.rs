//! The list by pages, and its filters.

#![allow(clippy::print_stdout, reason = "a test says what it measured")]

use super::*;
use common::{TIMEOUT, raw_client, wait_for};
use store::{ListPosition, MeetingFilter, Status};

async fn listed(store: &Store, filter: MeetingFilter) -> Vec<JobId> {
    store.meeting_list(&filter).await.unwrap().into_iter().map(|job| job.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_make_up_the_whole_list_while_meetings_come_and_go() {
    let (_database, store) = database().await;
    let library = LibraryId::new();
    // Many of the same moment, so that only the id decides.
    let ids = recorded(&store, library, &[50, 40, 40, 40, 40, 30, 30, 20, 10, 10, 10]).await;
    let imported_now = register(&store, library).await;
    let whole = listed(&store, MeetingFilter::default()).await;
    assert_eq!((whole.len(), whole[0]), (12, imported_now));
    for limit in 1..=13 {
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let filter = MeetingFilter { after, limit: Some(limit), ..MeetingFilter::default() };
            let page = store.meeting_list(&filter).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(ListPosition::of(last));
            paged.extend(page.iter().map(|job| job.id));
        }
        assert_eq!(paged, whole, "{limit} in a page");
    }

    // Between two pages one that was seen goes, one comes before, one goes that would follow.
    let page = MeetingFilter { limit: Some(5), ..MeetingFilter::default() };
    let first = store.meeting_list(&page).await.unwrap();
    let after = Some(ListPosition::of(&first[4]));
    organise(&store, OrderChange::Trash, &[first[4].id, ids[7]]).await;
    recorded(&store, library, &[60, 40]).await;
    let rest = listed(&store, MeetingFilter { after, ..MeetingFilter::default() }).await;
    let expected: Vec<JobId> = whole[5..].iter().copied().filter(|id| *id != ids[7]).collect();
    let late: Vec<JobId> = rest.iter().copied().filter(|id| !expected.contains(id)).collect();
    assert!(late.len() <= 1, "at most the new one of the same moment: {late:?}");
    assert_eq!(rest.into_iter().filter(|id| expected.contains(id)).collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_of_the_list_fit_together() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let ids = recorded(&store, library, &[6000, 5000, 4000, 3000, 2000, 1000]).await;
    let (folder, inner) = (add_folder(&store, "a", None).await, add_folder(&store, "b", None).await);
    let (tag, other) = (add_tag(&store, "t").await, add_tag(&store, "o").await);
    organise(&store, OrderChange::Move(Some(folder)), &ids[..2]).await;
    organise(&store, OrderChange::Move(Some(inner)), &ids[2..3]).await;
    organise(&store, OrderChange::Tag(tag), &ids[1..5]).await;
    organise(&store, OrderChange::Tag(other), &ids[2..3]).await;
    organise(&store, OrderChange::Favourite(true), &ids[..4]).await;
    organise(&store, OrderChange::Trash, &ids[5..]).await;
    organise(&store, OrderChange::Trash, &ids[4..5]).await;
    database.execute(&format!("UPDATE jobs SET status = 'completed' WHERE id = '{}'", ids[3])).await.unwrap();
    let moment = |ms| chrono::DateTime::from_timestamp_millis(ms);
    let all = MeetingFilter::default;

    assert_eq!(listed(&store, all()).await, ids[..4]);
    assert_eq!(listed(&store, MeetingFilter { trashed: true, ..all() }).await, [ids[4], ids[5]]);
    assert_eq!(listed(&store, MeetingFilter { folders: Some(vec![folder]), ..all() }).await, ids[..2]);
    assert_eq!(listed(&store, MeetingFilter { folders: Some(vec![folder, inner]), ..all() }).await, ids[..3]);
    assert_eq!(listed(&store, MeetingFilter { tags: vec![tag], ..all() }).await, ids[1..4]);
    assert_eq!(listed(&store, MeetingFilter { tags: vec![tag, other], ..all() }).await, ids[2..3]);
    assert_eq!(listed(&store, MeetingFilter { favourite: true, limit: Some(2), ..all() }).await, ids[..2]);
    assert_eq!(listed(&store, MeetingFilter { status: Some(Status::Completed), ..all() }).await, ids[3..4]);
    let days = MeetingFilter { from: moment(4000), before: moment(6000), ..all() };
    assert_eq!(listed(&store, days.clone()).await, ids[1..3]);
    let both = MeetingFilter { folders: Some(vec![folder]), tags: vec![tag], ..days };
    assert_eq!(listed(&store, both).await, ids[1..2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_large_archive_reads_only_its_rows_from_the_index() {
    let (database, store) = database().await;
    database
        .execute(
            "SET meetmemo.restoring = 'on';
             INSERT INTO jobs (id, file_name, file_path, file_hash, status, recorded_at)
             SELECT gen_random_uuid(), 'a.wav', n::text, n::text, 'completed',
                CASE WHEN n % 3 > 0 THEN now() - n * interval '1 hour' END
             FROM generate_series(1, 10000) n;
             ANALYZE jobs",
        )
        .await
        .unwrap();
    let page = MeetingFilter { limit: Some(201), ..MeetingFilter::default() };
    let first = store.meeting_list(&page).await.unwrap();
    let mut fastest = std::time::Duration::MAX;
    for _ in 0..20 {
        let begin = std::time::Instant::now();
        let jobs = store.meeting_list(&page).await.unwrap();
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        tokio::try_join!(store.tags_of(&ids), store.with_note(&ids)).unwrap();
        fastest = fastest.min(begin.elapsed());
    }
    println!("the first page took {fastest:?} at best");
    assert!(fastest < std::time::Duration::from_millis(200), "{fastest:?}");
    let next = MeetingFilter { after: Some(ListPosition::of(&first[200])), ..page };
    let client = raw_client(&store).await;
    let reads =
        "SELECT idx_scan, idx_tup_read, (SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'jobs')
        FROM pg_stat_user_indexes WHERE indexrelname = 'jobs_by_time'";
    let sequential: i64 = client.query_one(reads, &[]).await.unwrap().get(2);
    // A server process tells its figures a second after it has told them before.
    let (scans, read) = wait_for("the figures of the index", TIMEOUT, async || {
        store.meeting_list(&next).await.unwrap();
        let row = client.query_one(reads, &[]).await.unwrap();
        let scans: i64 = row.get(0);
        (scans > 2).then(|| (scans, row.get::<_, i64>(1)))
    })
    .await;
    assert!(read <= scans * 202, "{read} rows in {scans} scans");
    let row = client.query_one(reads, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(2), sequential, "the table was read from its start");
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_meetings_change_at_once() {
    let (database, store) = database().await;
    database
        .execute(
            "SET meetmemo.restoring = 'on';
             INSERT INTO jobs (id, file_name, file_path, file_hash, status)
             SELECT gen_random_uuid(), 'a.wav', n::text, n::text, 'completed' FROM generate_series(1, 10000) n",
        )
        .await
        .unwrap();
    let ids = listed(&store, MeetingFilter::default()).await;
    let (folder, tag) = (add_folder(&store, "a", None).await, add_tag(&store, "t").await);
    for change in [
        OrderChange::Tag(tag),
        OrderChange::Move(Some(folder)),
        OrderChange::Favourite(true),
        OrderChange::Trash,
        OrderChange::Restore,
    ] {
        let (changed, undo) = organise(&store, change, &ids).await;
        assert_eq!((changed.len(), undo.len()), (10_000, 1), "{change:?}");
    }
}

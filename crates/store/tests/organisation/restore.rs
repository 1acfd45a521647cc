//! A restore from a backup: the trash, folders and tags.

use super::*;
use std::collections::HashMap;
use store::testing::insert_meetings;
use store::{JobFilter, MergeScope, Staging};

/// All rows of an archive as a backup has them, loaded into a staging schema of `into`.
async fn staged(from: &Store, into: &Store) -> (Staging, HashMap<JobId, Vec<u8>>) {
    let snapshot = from.row_snapshot().await.unwrap();
    let meetings = snapshot.meetings().await.unwrap();
    let mut staging = Staging::new(into, &snapshot.info().schema_step).await.unwrap();
    staging.load(&snapshot.archive_text().await.unwrap()).await.unwrap();
    let texts = snapshot.next_texts(&meetings.iter().collect::<Vec<_>>()).await.unwrap();
    assert_eq!(texts.len(), meetings.len());
    for text in &texts {
        staging.load(text).await.unwrap();
    }
    staging.finish_loading().await.unwrap();
    (staging, meetings.iter().map(|meeting| meeting.id).zip(texts).collect())
}

async fn filled(meetings: usize) -> (TestDatabase, Store, LibraryId, Vec<JobId>) {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let recordings: Vec<NewJob> = (0..meetings).map(|_| recording(library)).collect();
    insert_meetings(&store, &recordings, 6).await.unwrap();
    let mut ids: Vec<JobId> = recordings.iter().map(|new| new.id).collect();
    ids.sort();
    (database, store, library, ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_tags_notes_and_the_trash_come_back_as_they_were() {
    let (database, store, ..) = filled(3).await;
    let ids: Vec<JobId> = store.jobs(JobFilter::default()).await.unwrap().iter().map(|job| job.id).collect();
    let clients = add_folder(&store, "Clients", None).await;
    let acme = add_folder(&store, "Acme", Some(clients)).await;
    let tag = add_tag(&store, "urgent").await;
    organise(&store, OrderChange::Move(Some(acme)), &ids[..2]).await;
    organise(&store, OrderChange::Tag(tag), &ids[1..]).await;
    organise(&store, OrderChange::Favourite(true), &ids[..1]).await;
    organise(&store, OrderChange::Trash, &ids[2..]).await;
    store.save_note(ids[0], "- a\n- b\\n", 0).await.unwrap();
    let (_two, other) = common::database().await;
    let (mut staging, _) = staged(&store, &other).await;
    staging.merge(MergeScope::Everything, true).await.unwrap();
    staging.remove().await.unwrap();
    assert_eq!(order(&_two).await, order(&database).await);
    assert_eq!(other.folders().await.unwrap(), store.folders().await.unwrap());
    assert_eq!(other.tags().await.unwrap(), store.tags().await.unwrap());
    assert_eq!(other.note(ids[0]).await.unwrap(), store.note(ids[0]).await.unwrap());
    // What is in the trash in both stays.
    let (mut staging, _) = staged(&store, &other).await;
    assert!(
        staging.plan().await.unwrap().meetings.iter().all(|meeting| meeting.in_archive == Some(meeting.id))
    );
    assert!(staging.merge(MergeScope::Everything, false).await.unwrap().meetings.is_empty());
    staging.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_replaces_what_is_in_the_trash_and_leaves_the_rest() {
    let (_database, store, library, ids) = filled(4).await;
    let (mut staging, texts) = staged(&store, &store).await;
    // After the backup: one is trashed and changed, one is trashed and imported again as another meeting that is in the
    // trash too, one is renamed.
    store.rename_job(ids[0], "changed").await.unwrap();
    organise(&store, OrderChange::Trash, &ids[..1]).await;
    let hash = store.job(ids[1]).await.unwrap().unwrap().file_hash.unwrap();
    store.delete_job(ids[1], library).await.unwrap();
    let again = NewJob { file_hash: hash.clone(), ..recording(library) };
    store.register(&again).await.unwrap();
    organise(&store, OrderChange::Trash, &[again.id]).await;
    store.rename_job(ids[2], "stays").await.unwrap();

    let plan = staging.plan().await.unwrap();
    let in_archive = |id| plan.meetings.iter().find(|meeting| meeting.id == id).unwrap().in_archive;
    let found: Vec<_> = ids.iter().map(|id| in_archive(*id)).collect();
    assert_eq!(found, [None, None, Some(ids[2]), Some(ids[3])]);
    let keys: Vec<(JobId, Option<String>)> =
        plan.meetings.iter().map(|meeting| (meeting.id, meeting.file_hash.clone())).collect();
    let without_rows = store.find_in_archive(&keys).await.unwrap();
    assert_eq!(without_rows, plan.meetings.iter().map(|meeting| meeting.in_archive).collect::<Vec<_>>());

    let merged = staging.merge(MergeScope::Meetings(&ids[..1]), false).await.unwrap();
    assert_eq!(merged.meetings, ids[..1]);
    let job = store.job(ids[0]).await.unwrap().unwrap();
    assert!(job.trashed_at.is_none() && job.title.as_deref() != Some("changed"));
    assert!(store.job(again.id).await.unwrap().is_some(), "the scope does not name it");
    let merged = staging.merge(MergeScope::Everything, false).await.unwrap();
    assert_eq!(merged.meetings, ids[1..2]);
    staging.remove().await.unwrap();
    assert!(store.job(again.id).await.unwrap().is_none());
    assert_eq!(store.job_by_hash(&hash).await.unwrap().unwrap().id, ids[1]);
    assert_eq!(store.job(ids[2]).await.unwrap().unwrap().title.as_deref(), Some("stays"));
    // Whole: all its rows are those of the backup.
    let snapshot = store.row_snapshot().await.unwrap();
    let meetings = snapshot.meetings().await.unwrap();
    let one: Vec<_> = meetings.iter().filter(|meeting| meeting.id == ids[0]).collect();
    let now = String::from_utf8(snapshot.next_texts(&one).await.unwrap().remove(0)).unwrap();
    let saved = String::from_utf8(texts[&ids[0]].clone()).unwrap();
    let lines = |text: &str| text.lines().count();
    assert_eq!(lines(&now), lines(&saved));
    assert!(store.pending_removals(library).await.unwrap().contains(&again.file_path));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_joins_folders_and_tags_with_those_of_the_same_name() {
    let (_one, from, _, ids) = filled(2).await;
    let clients = add_folder(&from, "Clients", None).await;
    let acme = add_folder(&from, "Acme", Some(clients)).await;
    let old = add_folder(&from, "Old", Some(acme)).await;
    add_folder(&from, "Unused", None).await;
    let (urgent, rare) = (add_tag(&from, "Urgent").await, add_tag(&from, "rare").await);
    organise(&from, OrderChange::Move(Some(old)), &ids[..1]).await;
    organise(&from, OrderChange::Move(Some(clients)), &ids[1..]).await;
    organise(&from, OrderChange::Tag(urgent), &ids).await;
    organise(&from, OrderChange::Tag(rare), &ids[..1]).await;

    let (_two, into) = database().await;
    // The same names, other ids, another case.
    let theirs = add_folder(&into, "clients", None).await;
    let their_acme = add_folder(&into, "ACME", Some(theirs)).await;
    add_folder(&into, "Acme", None).await;
    let their_urgent = add_tag(&into, "urgent").await;
    let (mut staging, _) = staged(&from, &into).await;
    staging.merge(MergeScope::Meetings(&ids[..1]), false).await.unwrap();
    assert_eq!(
        tree(&into).await,
        ["Acme", "clients", "clients/ACME", "clients/ACME/Old"],
        "only what it needs"
    );
    let job = into.job(ids[0]).await.unwrap().unwrap();
    let folders = into.folders().await.unwrap();
    let (folder, meetings) = folders.iter().find(|(folder, _)| Some(folder.id) == job.folder_id).unwrap();
    assert_eq!((folder.parent_id, *meetings), (Some(their_acme), 1));
    let mut tags = into.tags_of(&ids).await.unwrap().remove(&ids[0]).unwrap();
    tags.sort();
    let mut expected = vec![their_urgent, rare];
    expected.sort();
    assert_eq!(tags, expected);

    staging.merge(MergeScope::Everything, false).await.unwrap();
    assert_eq!(into.job(ids[1]).await.unwrap().unwrap().folder_id, Some(theirs));
    assert_eq!(tree(&into).await, ["Acme", "clients", "clients/ACME", "clients/ACME/Old", "Unused"]);
    let merged = staging.merge(MergeScope::Everything, false).await.unwrap();
    assert!(merged.meetings.is_empty() && merged.rows.is_empty(), "{merged:?}");
    let merged = staging.merge(MergeScope::Table("folders"), false).await.unwrap();
    assert!(merged.rows.is_empty(), "{merged:?}");
    staging.remove().await.unwrap();
}

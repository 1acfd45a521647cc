//! Folders, tags, favourites, the trash, notes, and the list by pages, in a real database.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "organisation/list.rs"]
mod list;
#[path = "organisation/restore.rs"]
mod restore;
#[path = "organisation/trash.rs"]
mod trash;

use common::{database, recording, register};
use store::testing::TestDatabase;
use store::{
    Folder, FolderChange, FolderId, JobId, LibraryId, MAX_DEPTH, NewJob, NoteSaved, Notifications,
    OrderChange, Ordered, Store, Tag, TagChange, TagId, Topic,
};

async fn add_folder(store: &Store, name: &str, parent: Option<FolderId>) -> FolderId {
    match store.add_folder(FolderId::new(), name, parent).await.unwrap() {
        FolderChange::Done(folder) => folder.id,
        refused => panic!("{name}: {refused:?}"),
    }
}

async fn add_tag(store: &Store, name: &str) -> TagId {
    let tag = Tag { id: TagId::new(), name: name.to_owned(), colour: "c1".to_owned() };
    assert_eq!(store.add_tag(&tag).await.unwrap(), TagChange::Done(tag.clone()));
    tag.id
}

/// Makes a change and returns the changed meetings and what undoes it.
async fn organise(
    store: &Store,
    change: OrderChange,
    ids: &[JobId],
) -> (Vec<JobId>, Vec<(OrderChange, Vec<JobId>)>) {
    match store.organise(change, ids).await.unwrap() {
        Ordered::Done { mut changed, undo } => {
            changed.sort();
            (changed, undo)
        }
        refused => panic!("{change:?}: {refused:?}"),
    }
}

/// Names and parents' names of all folders, in order.
async fn tree(store: &Store) -> Vec<String> {
    let folders: Vec<Folder> = store.folders().await.unwrap().into_iter().map(|(folder, _)| folder).collect();
    let path = |folder: &Folder| {
        let mut path = folder.name.clone();
        let mut parent = folder.parent_id;
        while let Some(above) = parent.and_then(|id| folders.iter().find(|other| other.id == id)) {
            path = format!("{}/{path}", above.name);
            parent = above.parent_id;
        }
        path
    };
    folders.iter().map(path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_have_unique_names_among_their_siblings_and_no_loops() {
    let (_database, store) = database().await;
    let clients = add_folder(&store, "Clients", None).await;
    let acme = add_folder(&store, "Ärzte", Some(clients)).await;
    let other = add_folder(&store, "ärzte", None).await;
    let change = async |id, name: &str, parent| store.change_folder(id, name, parent).await.unwrap();
    let add = async |name: &str, parent| store.add_folder(FolderId::new(), name, parent).await.unwrap();

    assert_eq!(add("ÄRZTE", Some(clients)).await, FolderChange::NameTaken(acme));
    assert_eq!(change(other, "Ärzte", Some(clients)).await, FolderChange::NameTaken(acme));
    assert_eq!(change(other, "clients", None).await, FolderChange::NameTaken(clients));
    assert_eq!(add("x", Some(FolderId::new())).await, FolderChange::NoParent);
    assert_eq!(change(FolderId::new(), "x", None).await, FolderChange::NotFound);
    assert_eq!(change(clients, "Clients", Some(clients)).await, FolderChange::InsideItself);
    assert_eq!(change(clients, "Clients", Some(acme)).await, FolderChange::InsideItself);
    // Its own name in another case is no clash.
    assert!(matches!(change(acme, "ÄRZTE", Some(clients)).await, FolderChange::Done(_)));
    assert_eq!(tree(&store).await, ["Clients", "Clients/ÄRZTE", "ärzte"]);
    // The same request again, as after a broken connection, adds nothing.
    let id = FolderId::new();
    let once = store.add_folder(id, "Once", None).await.unwrap();
    assert_eq!(store.add_folder(id, "Once", None).await.unwrap(), once);

    let mut deepest = add_folder(&store, "1", None).await;
    for number in 2..=MAX_DEPTH {
        deepest = add_folder(&store, &number.to_string(), Some(deepest)).await;
    }
    assert_eq!(add("too deep", Some(deepest)).await, FolderChange::TooDeep);
    assert_eq!(change(clients, "Clients", Some(deepest)).await, FolderChange::TooDeep);
    assert!(store.add_folder(FolderId::new(), &"x".repeat(101), None).await.is_err(), "the table refuses it");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_move_folders_into_each_other_at_once_make_no_loop() {
    let (database, store) = database().await;
    let other_process = database.store().await.unwrap();
    for round in 0..10 {
        let names = [format!("one {round}"), format!("two {round}")];
        let one = add_folder(&store, &names[0], None).await;
        let two = add_folder(&store, &names[1], None).await;
        let moved = tokio::join!(
            store.change_folder(one, &names[0], Some(two)),
            other_process.change_folder(two, &names[1], Some(one)),
        );
        let inside = [moved.0.unwrap(), moved.1.unwrap()];
        let refused = inside.iter().filter(|change| **change == FolderChange::InsideItself).count();
        assert_eq!(refused, 1, "{inside:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_deleted_folder_moves_up_and_gets_a_number_if_its_name_is_taken() {
    let (database, store) = database().await;
    let clients = add_folder(&store, "Clients", None).await;
    add_folder(&store, "Talks", None).await;
    let talks = add_folder(&store, "talks", Some(clients)).await;
    add_folder(&store, "clients", Some(clients)).await;
    let inner = add_folder(&store, "Inner", Some(talks)).await;
    let library = LibraryId::new();
    let (direct, deep) = (register(&store, library).await, register(&store, library).await);
    organise(&store, OrderChange::Move(Some(clients)), &[direct]).await;
    organise(&store, OrderChange::Move(Some(inner)), &[deep]).await;

    assert_eq!(store.delete_folder(clients).await.unwrap().unwrap().name, "Clients");
    assert_eq!(tree(&store).await, ["clients (2)", "Talks", "talks (2)", "talks (2)/Inner"]);
    assert_eq!(store.job(direct).await.unwrap().unwrap().folder_id, None);
    assert_eq!(store.job(deep).await.unwrap().unwrap().folder_id, Some(inner));
    store.delete_folder(inner).await.unwrap().unwrap();
    assert_eq!(store.job(deep).await.unwrap().unwrap().folder_id, Some(talks));
    assert_eq!(store.delete_folder(inner).await.unwrap(), None);
    // Also a program that only knows SQL cannot leave a meeting in a folder that does not exist.
    database.execute("DELETE FROM folders").await.unwrap();
    assert_eq!(store.job(deep).await.unwrap().unwrap().folder_id, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_have_unique_names_and_known_colours() {
    let (_database, store) = database().await;
    let urgent = add_tag(&store, "Urgent").await;
    let taken = Tag { id: TagId::new(), name: "URGENT".to_owned(), colour: "c2".to_owned() };
    assert_eq!(store.add_tag(&taken).await.unwrap(), TagChange::NameTaken);
    let other = add_tag(&store, "budget").await;
    assert_eq!(store.change_tag(&Tag { id: other, ..taken.clone() }).await.unwrap(), TagChange::NameTaken);
    let changed = Tag { id: urgent, name: "urgent".to_owned(), colour: "c12".to_owned() };
    assert_eq!(store.change_tag(&changed).await.unwrap(), TagChange::Done(changed.clone()));
    assert_eq!(store.change_tag(&taken).await.unwrap(), TagChange::NotFound);
    assert!(
        store.change_tag(&Tag { colour: "c13".to_owned(), ..changed }).await.is_err(),
        "the table refuses it"
    );

    let library = LibraryId::new();
    let jobs = [register(&store, library).await, register(&store, library).await];
    organise(&store, OrderChange::Tag(urgent), &jobs).await;
    organise(&store, OrderChange::Tag(other), &jobs[..1]).await;
    organise(&store, OrderChange::Trash, &jobs[1..]).await;
    let tags: Vec<(String, i64)> =
        store.tags().await.unwrap().into_iter().map(|(tag, meetings)| (tag.name, meetings)).collect();
    assert_eq!(tags, [("budget".to_owned(), 1), ("urgent".to_owned(), 1)]);
    let of = store.tags_of(&jobs).await.unwrap();
    assert_eq!((&of[&jobs[0]], &of[&jobs[1]]), (&vec![other, urgent], &vec![urgent]));

    store.delete_tag(urgent).await.unwrap().unwrap();
    assert_eq!(store.delete_tag(urgent).await.unwrap(), None);
    assert_eq!(store.tags_of(&jobs).await.unwrap().get(&jobs[1]), None);
}

/// All that a change of the order may change, as text.
async fn order(database: &TestDatabase) -> Vec<String> {
    database
        .column(
            "SELECT concat_ws(' ', j.id, folder_id, favourite, trashed_at IS NOT NULL, status, workflow_state, error_message,
                (SELECT string_agg(tag_id::text, ',' ORDER BY tag_id) FROM meeting_tags m WHERE m.job_id = j.id),
                (SELECT string_agg(kind || state || priority || cancelled_by_trash, ',' ORDER BY kind) FROM tasks t WHERE t.job_id = j.id))
             FROM jobs j ORDER BY j.id",
        )
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bulk_change_can_be_undone_exactly() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let (one, two) = (add_folder(&store, "one", None).await, add_folder(&store, "two", None).await);
    let tag = add_tag(&store, "tag").await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(register(&store, library).await);
    }
    ids.sort();
    // Mixed before: some have it already, some are elsewhere, some wait and one is next.
    organise(&store, OrderChange::Tag(tag), &ids[..2]).await;
    organise(&store, OrderChange::Favourite(true), &ids[1..3]).await;
    organise(&store, OrderChange::Move(Some(one)), &ids[..3]).await;
    organise(&store, OrderChange::Move(Some(two)), &ids[3..5]).await;
    store.bring_forward(ids[4]).await.unwrap();
    organise(&store, OrderChange::Trash, &ids[6..7]).await;
    let unknown = JobId::new();
    let all: Vec<JobId> = ids.iter().copied().chain([unknown, ids[0]]).collect();

    for (change, changed) in [
        (OrderChange::Tag(tag), ids[2..].to_vec()),
        (OrderChange::Untag(tag), ids[..2].to_vec()),
        (OrderChange::Move(Some(one)), ids[3..].to_vec()),
        (OrderChange::Move(None), ids[..5].to_vec()),
        (OrderChange::Favourite(true), [&ids[..1], &ids[3..]].concat()),
        (OrderChange::Favourite(false), ids[1..3].to_vec()),
        (OrderChange::Trash, [&ids[..6], &ids[7..]].concat()),
        (OrderChange::Restore, ids[6..7].to_vec()),
    ] {
        let before = order(&database).await;
        let (done, undo) = organise(&store, change, &all).await;
        assert_eq!(done, changed, "{change:?}");
        assert_ne!(order(&database).await, before, "{change:?}");
        // Once more there is nothing to do, and nothing to undo.
        assert_eq!(organise(&store, change, &all).await, (Vec::new(), Vec::new()), "{change:?}");
        for (back, ids) in undo {
            organise(&store, back, &ids).await;
        }
        assert_eq!(order(&database).await, before, "{change:?}");
    }
    assert_eq!(store.organise(OrderChange::Tag(TagId::new()), &ids).await.unwrap(), Ordered::NoTag);
    assert_eq!(
        store.organise(OrderChange::Move(Some(FolderId::new())), &ids).await.unwrap(),
        Ordered::NoFolder
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_later_one_of_two_who_change_a_note_or_a_title_is_told() {
    let (database, store) = database().await;
    let other = database.store().await.unwrap();
    let id = register(&store, LibraryId::new()).await;
    let saved =
        async |store: &Store, text: &str, revision| store.save_note(id, text, revision).await.unwrap();
    assert_eq!(store.note(id).await.unwrap(), None);
    let NoteSaved::Saved(first) = saved(&store, "# Plan", 0).await else { panic!("it is the first") };
    assert_eq!((first.text.as_str(), first.revision), ("# Plan", 1));
    // Both have read revision 1.
    let NoteSaved::Saved(second) = saved(&store, "mine", 1).await else { panic!("nobody was faster") };
    assert_eq!(second.revision, 2);
    assert_eq!(saved(&other, "theirs", 1).await, NoteSaved::Changed(Some(second.clone())));
    assert_eq!(store.note(id).await.unwrap(), Some(second.clone()));
    // What is there already needs no saving; nothing is lost.
    assert_eq!(saved(&other, "mine", 1).await, NoteSaved::Saved(second));
    assert_eq!(store.save_note(JobId::new(), "x", 0).await.unwrap(), NoteSaved::NoMeeting);
    assert!(store.with_note(&[id]).await.unwrap().contains(&id));
    let NoteSaved::Saved(empty) = saved(&store, "", 2).await else { panic!("nobody was faster") };
    assert_eq!(empty.revision, 3);
    assert!(store.with_note(&[id]).await.unwrap().is_empty());
    // Of many who save at once from the same revision, one gets through.
    let racing = futures_util::future::join_all((0..8).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        async move { store.save_note(id, &format!("text {number}"), 3).await.unwrap() }
    }));
    let saved = racing.await.into_iter().filter(|saved| matches!(saved, NoteSaved::Saved(_))).count();
    assert_eq!((saved, store.note(id).await.unwrap().unwrap().revision), (1, 4));

    assert!(store.rename_job_from(id, None, "Monday").await.unwrap().is_some());
    assert!(other.rename_job_from(id, None, "Tuesday").await.unwrap().is_none());
    assert!(other.rename_job_from(id, Some("Monday"), "Tuesday").await.unwrap().is_some());
    assert_eq!(store.job(id).await.unwrap().unwrap().title.as_deref(), Some("Tuesday"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_the_order_are_notified() {
    let (database, store) = database().await;
    let other = database.store().await.unwrap();
    let id = register(&other, LibraryId::new()).await;
    let mut news = Notifications::listen(&store).await.unwrap();
    let next = async |news: &mut Notifications| {
        tokio::time::timeout(common::TIMEOUT, news.next()).await.expect("a notification")
    };
    let folder = add_folder(&other, "a", None).await;
    assert_eq!(next(&mut news).await, Topic::Folders);
    let tag = add_tag(&other, "a").await;
    assert_eq!(next(&mut news).await, Topic::Folders);
    for change in [OrderChange::Tag(tag), OrderChange::Move(Some(folder)), OrderChange::Favourite(true)] {
        organise(&other, change, &[id]).await;
        assert_eq!(next(&mut news).await, Topic::Job(id), "{change:?}");
    }
    other.save_note(id, "x", 0).await.unwrap();
    assert_eq!(next(&mut news).await, Topic::Note(id));
    other.delete_tag(tag).await.unwrap();
    let both = [next(&mut news).await, next(&mut news).await];
    assert!(both.contains(&Topic::Folders) && both.contains(&Topic::Job(id)), "{both:?}");
}

/// Registers `number` recordings with these moments of recording, in milliseconds.
async fn recorded(store: &Store, library: LibraryId, moments: &[i64]) -> Vec<JobId> {
    let mut ids = Vec::new();
    for ms in moments {
        let new = NewJob { recorded_at: chrono::DateTime::from_timestamp_millis(*ms), ..recording(library) };
        store.register(&new).await.unwrap();
        ids.push(new.id);
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_the_step_before_keeps_its_rows_and_gets_a_list() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let ids = recorded(&store, library, &[3, 2, 1]).await;
    drop(store);
    let down = concat!(
        include_str!("../../../migrations/2026-11-30-000014_summaries/down.sql"),
        include_str!("../../../migrations/2026-11-30-000013_exports/down.sql"),
        include_str!("../../../migrations/2026-11-30-000012_search/down.sql"),
        include_str!("../../../migrations/2026-11-30-000011_organisation/down.sql"),
    );
    let forget = "DELETE FROM __diesel_schema_migrations WHERE version >= '20261130000011'";
    database.execute(down).await.unwrap();
    database.execute(forget).await.unwrap();
    let rows = "SELECT to_jsonb(j) - 'folder_id' - 'favourite' - 'trashed_at' FROM jobs j
        UNION ALL SELECT to_jsonb(t) - 'cancelled_by_trash' FROM tasks t ORDER BY 1";
    let before = database.column(rows).await.unwrap();
    assert_eq!(before.len(), 6);

    let store = database.store().await.unwrap();
    assert_eq!(database.column(rows).await.unwrap(), before);
    let listed = store.meeting_list(&store::MeetingFilter::default()).await.unwrap();
    assert_eq!(listed.iter().map(|job| job.id).collect::<Vec<_>>(), ids);
    organise(&store, OrderChange::Trash, &ids[..1]).await;
    drop(store);
    database.execute(down).await.unwrap();
    assert_eq!(database.column("SELECT count(*) FROM jobs").await.unwrap(), ["3"]);
}

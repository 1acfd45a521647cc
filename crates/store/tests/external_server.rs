//! Configured servers over TCP: TLS and certificates, frozen and restarted servers, rights, encodings and connection
//! poolers.
//!
//! Starts a PostgreSQL server with a certificate that is made for the test.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "external_server/server.rs"]
mod server;

use common::wait_for;
use server::{PASSWORD, PASSWORD_IN_URL, Server, serve_pooled};
use std::sync::Arc;
use std::time::Duration;
use store::testing::TestDatabase;
use store::{
    Database, JobFilter, LibraryId, MachineId, Notifications, PoolSize, Store, StoreError, Topic, WorkerLock,
};
use testing::Signal;

/// Ten times the limit promised for a server that does not answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(150);

/// The result of `query`, which must come within `ANSWER_TIMEOUT`.
async fn in_time<T>(query: impl Future<Output = T>) -> T {
    tokio::time::timeout(ANSWER_TIMEOUT, query).await.expect("a result, although the server does not answer")
}

async fn open(address: &str) -> Result<Store, StoreError> {
    let pool = PoolSize { min_size: 1, max_size: 5 };
    Store::open(Database::External(address.parse()?), pool, &|_| ()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_server_is_used_if_its_certificate_is_valid() {
    let mut server = Server::start().await;
    let full = server.address("localhost", &server.trusting("verify-full", "authority.pem"));

    for (host, options, why) in [
        ("localhost", server.trusting("verify-full", "stranger.pem"), "certificate"),
        ("localhost", server.trusting("verify-ca", "stranger.pem"), "certificate"),
        ("127.0.0.1", server.trusting("verify-full", "authority.pem"), "certificate"),
        ("localhost", "sslmode=verify-full".to_owned(), "certificate"),
        ("localhost", "sslmode=disable".to_owned(), "no encryption"),
        // Connections on this computer are not encrypted by default.
        ("localhost", String::new(), "no encryption"),
        ("localhost", server.trusting("verify-full", "missing.pem"), "missing.pem cannot be read"),
    ] {
        let refused = open(&server.address(host, &options)).await.unwrap_err();
        let message = refused.to_string();
        assert!(message.contains(why), "{host} {options}: {message}");
        assert!(!message.contains("cret"), "a message never shows the password: {message}");
    }

    let store = open(&full).await.unwrap();
    let id = common::register(&store, LibraryId::new()).await;
    let keyed = format!(
        "host=localhost port={} user=anna password='{PASSWORD}' dbname=postgres sslmode=verify-full sslrootcert={}",
        server.port,
        server.file("authority.pem").display()
    );
    for address in [
        server.address("127.0.0.1", &server.trusting("verify-ca", "authority.pem")),
        server.address("127.0.0.1", "sslmode=require"),
        server.address("localhost", "sslmode=prefer"),
        keyed,
    ] {
        let known = open(&address).await.unwrap().jobs(JobFilter::default()).await.unwrap();
        assert_eq!(known[0].id, id, "{address}");
    }

    let wrong = full.replace(PASSWORD_IN_URL, "guess");
    let refused = open(&wrong).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Unreachable { .. }), "{refused}");
    assert!(refused.to_string().contains("password authentication failed"), "{refused}");

    server.end();
    let refused = open(&full).await.unwrap_err();
    assert!(refused.to_string().contains("Connection refused"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_is_reported_and_used_again_when_it_continues() {
    let server = Server::start().await;
    let address = server.address("localhost", &server.trusting("verify-full", "authority.pem"));
    let store = open(&address).await.unwrap();
    let id = common::register(&store, LibraryId::new()).await;
    let mut notifications = Notifications::listen(&store).await.unwrap();
    let mut lock = WorkerLock::acquire(&store, MachineId::new()).await.unwrap().unwrap();

    server.signal(Signal::STOP);
    let (all, one, opened, heard, held) = in_time(async {
        let held = lock.is_held();
        let all = store.jobs(JobFilter::default());
        tokio::join!(all, store.rename_job(id, "Tuesday"), open(&address), notifications.next(), held)
    })
    .await;
    for refused in [all.map(drop), one.map(drop), opened.map(drop)].map(Result::unwrap_err) {
        assert!(matches!(&refused, StoreError::Unreachable { .. }), "{refused}");
        assert!(refused.to_string().contains("gives no answer"), "{refused}");
    }
    assert_eq!((heard, held), (Topic::ConnectionLost, false));

    server.signal(Signal::CONT);
    assert_eq!(in_time(notifications.next()).await, Topic::Reconnected);
    wait_for("a server that answers again", ANSWER_TIMEOUT, async || {
        store.jobs(JobFilter::default()).await.ok().filter(|jobs| jobs[0].id == id)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_is_used_again() {
    let mut server = Server::start().await;
    let store = open(&server.address_of(&format!("anna:{PASSWORD_IN_URL}"), "postgres")).await.unwrap();
    let id = common::register(&store, LibraryId::new()).await;
    let mut notifications = Notifications::listen(&store).await.unwrap();

    server.end();
    assert_eq!(in_time(notifications.next()).await, Topic::ConnectionLost);
    let refused = in_time(store.jobs(JobFilter::default())).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Unreachable { .. }), "{refused}");

    server.start_again().await;
    assert_eq!(in_time(notifications.next()).await, Topic::Reconnected);
    // All connections of the pool are broken; the statement is begun again on a new one.
    store.rename_job(id, "Tuesday").await.unwrap();
    let jobs = store.jobs(JobFilter::default()).await.unwrap();
    assert_eq!((jobs[0].id, jobs[0].title.as_deref()), (id, Some("Tuesday")));
}

/// The statements of the page for administrators: those for the server, and those for the new database.
fn least_rights() -> [Vec<String>; 2] {
    let page = include_str!("../../../docs/external-database.md");
    let blocks: Vec<Vec<String>> = page
        .split("```sql\n")
        .skip(1)
        .map(|rest| {
            let (block, _) = rest.split_once("```").unwrap();
            block.split_inclusive(";\n").map(str::to_owned).collect()
        })
        .collect();
    blocks.try_into().expect("the page has two blocks of SQL")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_rights_of_the_page_suffice_for_an_archive() {
    let server = Server::start().await;
    let [on_server, in_database] = least_rights();
    for (database, statements) in [("postgres", on_server), ("meetings", in_database)] {
        server.execute(database, &statements.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    let role = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = 'meetmemo'";
    assert_eq!(server.column("postgres", role).await, ["f"]);

    let address = server.address_of("meetmemo:choose%20a%20password", "meetings");
    let steps = store::test_connection(&Database::External(address.parse().unwrap())).await;
    let failed: Vec<_> = steps.iter().filter(|step| step.outcome != store::TestOutcome::Ok).collect();
    assert!(failed.is_empty(), "{failed:?}");

    let store = open(&address).await.unwrap();
    let mut notifications = Notifications::listen(&store).await.unwrap();
    let id = common::register(&store, LibraryId::new()).await;
    let heard = async {
        loop {
            if in_time(notifications.next()).await == Topic::Job(id) {
                return;
            }
        }
    };
    in_time(heard).await;
    let mut lock = WorkerLock::acquire(&store, MachineId::new()).await.unwrap().unwrap();
    assert!(lock.is_held().await);
    assert_eq!(store.jobs(JobFilter::default()).await.unwrap()[0].id, id);
    // As a restore does.
    let scratch = "SET ROLE meetmemo; CREATE SCHEMA scratch; CREATE TABLE scratch.rows AS SELECT 1 AS value;
        CREATE TEMPORARY TABLE fast AS TABLE scratch.rows; DROP SCHEMA scratch CASCADE";
    server.execute("meetings", &[scratch]).await;
    // Opening it again, as the owner of the tables.
    drop(open(&address).await.unwrap());

    server.execute("postgres", &["CREATE ROLE stranger LOGIN PASSWORD 'x'"]).await;
    let refused = open(&server.address_of("stranger:x", "meetings")).await.unwrap_err().to_string();
    assert!(refused.contains("permission denied"), "the database is closed to other roles: {refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_utf8_is_refused_before_anything_is_written() {
    let database = TestDatabase::with_encoding(common::keeper(), "LATIN1").await.unwrap();
    let refused = database.store().await.unwrap_err();
    assert!(matches!(refused, StoreError::NotUtf8 { .. }), "{refused}");
    let message = refused.to_string();
    assert!(
        message.contains("stores text as LATIN1") && message.contains("createdb --encoding=UTF8"),
        "{message}"
    );
    let tables = database.column("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await.unwrap();
    assert_eq!(tables, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_behind_a_pooler_in_transaction_mode_is_refused() {
    let (_database, store) = common::database().await;
    let server = Arc::new(common::raw_client(&store).await);

    let pool = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = pool.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = pool.accept().await {
            tokio::spawn(serve_pooled(client, Arc::clone(&server)));
        }
    });
    let refused = open(&format!("postgresql://anna@127.0.0.1:{port}/meetings")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Pooled { .. }), "{refused}");
    let message = refused.to_string();
    assert!(message.contains("PgBouncer") && message.contains("pool_mode = session"), "{message}");
}

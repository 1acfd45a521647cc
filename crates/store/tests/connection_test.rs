//! The connection test: which step fails, and what it says.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "external_server/server.rs"]
mod server;

use server::{PASSWORD_IN_URL, Server, serve_pooled};
use std::sync::Arc;
use store::testing::TestDatabase;
use store::{Database, ExternalUrl, PoolSize, Store, TestOutcome, TestResult, TestStep, test_connection};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

async fn test(address: &str) -> Vec<TestResult> {
    let results = test_connection(&Database::External(address.parse().unwrap())).await;
    let steps: Vec<TestStep> = results.iter().map(|result| result.step).collect();
    assert_eq!(steps, TestStep::ALL, "{address}");
    for result in &results {
        let said = format!("{} {}", result.message, result.action.as_deref().unwrap_or_default());
        assert!(!said.contains("cret"), "no password is shown: {said}");
        assert!(result.message.ends_with('.'), "{}", result.message);
        assert!(result.outcome != TestOutcome::Failed || result.action.is_some(), "{result:?}");
    }
    results
}

fn outcome(results: &[TestResult], step: TestStep) -> TestOutcome {
    results.iter().find(|result| result.step == step).unwrap().outcome
}

/// Asserts that `step` is the only one that fails and says `why`; steps in `skipped` are not tested.
async fn assert_fails(address: &str, step: TestStep, why: &str, skipped: &[TestStep]) {
    let results = test(address).await;
    let failed: Vec<&TestResult> =
        results.iter().filter(|result| result.outcome == TestOutcome::Failed).collect();
    assert_eq!(
        failed.iter().map(|result| result.step).collect::<Vec<_>>(),
        [step],
        "{address}: {results:#?}"
    );
    assert!(failed[0].message.contains(why), "{address}: {}", failed[0].message);
    for step in skipped {
        assert_eq!(outcome(&results, *step), TestOutcome::Skipped, "{address}: {results:#?}");
    }
}

const AFTER_PASSWORD: [TestStep; 4] =
    [TestStep::Version, TestStep::Encoding, TestStep::Extensions, TestStep::Pooler];

#[tokio::test(flavor = "multi_thread")]
async fn a_good_server_passes_each_step_and_is_not_changed() {
    let server = Server::start().await;
    let address = server.address_of(&format!("anna:{PASSWORD_IN_URL}"), "postgres");
    let results = test(&address).await;
    assert!(results.iter().all(|result| result.outcome == TestOutcome::Ok), "{results:#?}");
    let said = |step: TestStep| results.iter().find(|result| result.step == step).unwrap();
    assert!(
        said(TestStep::Rights).action.as_deref().unwrap().contains("few rights"),
        "a superuser gets advice"
    );
    assert!(said(TestStep::Content).message.contains("is empty"));
    let objects = "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)
        + (SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm')";
    assert_eq!(server.column("postgres", objects).await, ["0"]);

    let pool = PoolSize { min_size: 1, max_size: 5 };
    drop(Store::open(Database::External(address.parse().unwrap()), pool, &|_| ()).await.unwrap());
    let results = test(&address).await;
    let content = results.last().unwrap();
    assert!(content.message.contains("holds an archive of MeetMemo"), "{content:?}");

    let unverified = test(&server.address("127.0.0.1", "sslmode=require")).await;
    assert_eq!(outcome(&unverified, TestStep::Tls), TestOutcome::Ok);
    assert_eq!(outcome(&unverified, TestStep::Certificate), TestOutcome::Skipped);
    assert_eq!(outcome(&unverified, TestStep::Name), TestOutcome::Skipped, "a numeric address has no name");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_step_on_the_way_to_the_server_that_fails_is_named() {
    use TestStep::{Certificate, Content, Name, Password, Port, Tls};
    let server = Server::start().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other_port = other.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = other.accept().await {
            let _ = client.read_u8().await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut client, b"HTTP/1.1 400 Bad Request\r\n").await;
        }
    });
    let on = |port: u16, options: &str| {
        format!("postgresql://anna:{PASSWORD_IN_URL}@localhost:{port}/postgres?{options}")
    };
    let full = server.trusting("verify-full", "authority.pem");
    for (address, step, why, skipped) in [
        (
            "postgresql://anna@no-such-host.invalid/m".to_owned(),
            Name,
            "no-such-host.invalid was not found",
            Port,
        ),
        (on(closed, "sslmode=require"), Port, "Nothing listens on port", Tls),
        (
            "host=/nonexistent user=anna dbname=m".to_owned(),
            Port,
            "No server listens on /nonexistent/.s",
            Password,
        ),
        (on(other_port, "sslmode=require"), Tls, "does not answer as PostgreSQL does", Certificate),
        (
            server.address("localhost", &server.trusting("verify-full", "stranger.pem")),
            Certificate,
            "authority that this computer does not trust",
            Password,
        ),
        (server.address("localhost", "sslmode=verify-full"), Certificate, "does not trust", Password),
        (server.address("127.0.0.1", &full), Certificate, "not issued for the name 127.0.0.1", Password),
        (
            server.address("localhost", &server.trusting("verify-ca", "missing.pem")),
            Certificate,
            "missing.pem cannot be read",
            Password,
        ),
    ] {
        assert_fails(&address, step, why, &[skipped, TestStep::Rights, Content]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_step_of_the_sign_in_that_fails_is_named() {
    use TestStep::{Content, Password, Rights};
    let server = Server::start().await;
    server
        .execute(
            "postgres",
            &[
                "CREATE DATABASE closed",
                "REVOKE ALL ON DATABASE closed FROM PUBLIC",
                "CREATE ROLE bert LOGIN PASSWORD 'x'",
            ],
        )
        .await;
    let anna = format!("anna:{PASSWORD_IN_URL}");
    for (address, step, why) in [
        (server.address_of("anna:guess", "postgres"), Password, "refused the password of “anna”"),
        (server.address_of("nobody:guess", "postgres"), Password, "or knows no such role"),
        (server.address_of("anna", "postgres"), Password, "asks for a password, and none is known"),
        (
            server.address("localhost", "sslmode=disable"),
            Password,
            "does not let “anna” in from this computer",
        ),
        (server.address_of(&anna, "missing"), Content, "no database “missing”"),
        (server.address_of("bert:x", "closed"), Rights, "may not connect to the database “closed”"),
    ] {
        assert_fails(&address, step, why, &AFTER_PASSWORD).await;
    }
}

/// Creates a database and a role of the same name, which has all rights that the application needs.
async fn prepare(server: &Server, name: &str, encoding: &str) -> String {
    let statements = [
        format!("CREATE ROLE {name} LOGIN PASSWORD 'x'"),
        format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C' OWNER {name}"),
    ];
    server.execute("postgres", &statements.each_ref().map(String::as_str)).await;
    server.address_of(&format!("{name}:x"), name)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_role_may_not_do_and_what_the_database_holds_is_named() {
    use TestStep::{Content, Encoding, Extensions, Rights};
    let server = Server::start().await;
    for (name, encoding, prepared, step, why) in [
        (
            "read_only",
            "UTF8",
            "ALTER ROLE read_only SET default_transaction_read_only = on",
            Rights,
            "does not accept changes",
        ),
        (
            "no_tables",
            "UTF8",
            "ALTER SCHEMA public OWNER TO anna; REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            Rights,
            "may not create tables in the schema “public”",
        ),
        ("no_schema", "UTF8", "DROP SCHEMA public", Rights, "may use no schema"),
        (
            "no_temporary",
            "UTF8",
            "REVOKE TEMPORARY ON DATABASE no_temporary FROM PUBLIC, no_temporary",
            Rights,
            "lacks the right TEMPORARY",
        ),
        ("latin", "LATIN1", "SELECT 1", Encoding, "stores text as LATIN1"),
        ("strange", "UTF8", "CREATE TABLE invoices (id int)", Content, "other tables already (invoices)"),
        (
            "newer",
            "UTF8",
            "CREATE TABLE meetmemo_archive (); CREATE TABLE __diesel_schema_migrations (version text); INSERT INTO __diesel_schema_migrations VALUES ('99991231'); GRANT SELECT ON __diesel_schema_migrations TO newer",
            Content,
            "newer MeetMemo (schema step 99991231)",
        ),
    ] {
        let address = prepare(&server, name, encoding).await;
        server.execute(name, &[prepared]).await;
        assert_fails(&address, step, why, &[]).await;
    }

    // Tables of another role cannot be changed by a migration.
    let address = prepare(&server, "shared", "UTF8").await;
    let pool = PoolSize { min_size: 1, max_size: 5 };
    let url: ExternalUrl = address.parse().unwrap();
    drop(Store::open(Database::External(url), pool, &|_| ()).await.unwrap());
    server
        .execute(
            "shared",
            &[
                "CREATE ROLE late LOGIN PASSWORD 'x'",
                "GRANT ALL ON DATABASE shared TO late",
                "GRANT ALL ON SCHEMA public TO late",
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO late",
            ],
        )
        .await;
    assert_fails(&server.address_of("late:x", "shared"), Rights, "(of shared)", &[]).await;
    server.execute("shared", &["GRANT shared TO late"]).await;
    let results = test(&server.address_of("late:x", "shared")).await;
    assert_eq!(outcome(&results, Rights), TestOutcome::Ok, "{results:#?}");

    // Without CREATE on the database the extension cannot be installed either.
    let address = prepare(&server, "bare", "UTF8").await;
    let statements = ["ALTER DATABASE bare OWNER TO anna", "GRANT ALL ON SCHEMA public TO bare"];
    server.execute("bare", &statements).await;
    let results = test(&address).await;
    for step in [Rights, Extensions] {
        assert_eq!(outcome(&results, step), TestOutcome::Failed, "{results:#?}");
    }
    server.execute("bare", &["GRANT CREATE ON DATABASE bare TO bare"]).await;
    let results = test(&address).await;
    assert!(results.iter().all(|result| result.outcome != TestOutcome::Failed), "{results:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_in_transaction_mode_is_named() {
    let database = TestDatabase::empty(common::keeper()).await.unwrap();
    let store = database.store().await.unwrap();
    let client = Arc::new(common::raw_client(&store).await);
    let pool = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = pool.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((connection, _)) = pool.accept().await {
            tokio::spawn(serve_pooled(connection, Arc::clone(&client)));
        }
    });
    let results = test(&format!("postgresql://anna@127.0.0.1:{port}/meetings")).await;
    let failed: Vec<_> = results.iter().filter(|result| result.outcome == TestOutcome::Failed).collect();
    assert_eq!(failed.len(), 1, "{results:#?}");
    assert_eq!(failed[0].step, TestStep::Pooler);
    assert!(failed[0].action.as_deref().unwrap().contains("pool_mode = session"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_private_server_is_started_and_tested() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = store::managed::Cluster::join(folder.path(), &store::testing::runtime(), common::keeper());
    let database = Database::Managed(Arc::new(cluster.unwrap()));
    let results = test_connection(&database).await;
    let said =
        |results: &[TestResult], step| results.iter().find(|result| result.step == step).unwrap().clone();
    assert!(said(&results, TestStep::Content).message.contains("holds no archive yet"), "{results:#?}");
    assert_eq!(outcome(&results, TestStep::Password), TestOutcome::Ok);

    drop(Store::open(database.clone(), PoolSize { min_size: 1, max_size: 5 }, &|_| ()).await.unwrap());
    let results = test_connection(&database).await;
    assert!(results.iter().all(|result| result.outcome != TestOutcome::Failed), "{results:#?}");
    for step in [TestStep::Name, TestStep::Tls, TestStep::Certificate, TestStep::Pooler] {
        assert_eq!(outcome(&results, step), TestOutcome::Skipped, "{results:#?}");
    }
}

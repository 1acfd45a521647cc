//! Configured servers over TCP: TLS and certificates, frozen servers, encodings and connection poolers.
//!
//! Starts a PostgreSQL server with a certificate that is made for the test.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{TIMEOUT, wait_for};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use store::testing::{TestDatabase, runtime};
use store::{
    Database, JobFilter, LibraryId, MachineId, Notifications, PoolSize, Store, StoreError, Topic, WorkerLock,
};
use tempfile::TempDir;
use testing::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::SimpleQueryMessage;

/// The account for PostgreSQL if the tests run as root, as which it refuses to run.
const NOBODY: u32 = 65534;
const PASSWORD: &str = "se/cret %";
/// The password as it is encoded in a URL.
const PASSWORD_IN_URL: &str = "se%2Fcret%20%25";

/// A PostgreSQL that accepts encrypted TCP connections only; its certificate is for `localhost`.
struct Server {
    process: Child,
    dir: TempDir,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

impl Server {
    fn end(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        self.signal(Signal::CONT);
        testing::signal(self.process.id().cast_signed(), Signal::QUIT);
        let _ = self.process.wait();
    }

    /// Sends a signal to all processes of the server.
    fn signal(&self, signal: Signal) {
        let id = self.process.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        for id in
            std::iter::once(id.cast_signed()).chain(children.split_whitespace().map(|id| id.parse().unwrap()))
        {
            testing::signal(id, signal);
        }
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A program of PostgreSQL, run under an account that it accepts.
fn program(name: &str) -> Command {
    let mut command = Command::new(runtime().join("bin").join(name));
    command.env_clear().env("LC_ALL", "C.UTF-8").current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Runs `openssl` in `folder`.
fn openssl(folder: &Path, arguments: &[&str]) {
    let made = Command::new("openssl").args(arguments).current_dir(folder).output();
    let made = made.expect("`cargo xtask setup` installs openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Creates a certificate authority `NAME.pem` with its key in `NAME.key`.
fn make_authority(folder: &Path, name: &str) {
    let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
    let subject = format!("/CN={name}");
    let new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", &subject];
    let files = ["-keyout", &key, "-out", &certificate];
    openssl(folder, &[&new[..], &files[..]].concat());
}

fn make_certificates(folder: &Path) {
    make_authority(folder, "authority");
    make_authority(folder, "stranger");
    let new = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"];
    openssl(folder, &[&new[..], &["-keyout", "server.key", "-out", "server.csr"]].concat());
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let sign = ["x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key"];
    let rest = ["-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.pem"];
    openssl(folder, &[&sign[..], &rest[..]].concat());
    fs::set_permissions(folder.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
}

fn give_to_nobody(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

impl Server {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().to_owned();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        give_to_nobody(&folder);
        make_certificates(&folder);
        fs::write(folder.join("password"), PASSWORD).unwrap();
        for name in ["server.key", "password"] {
            give_to_nobody(&folder.join(name));
        }
        let data = folder.join("data");
        let created = program("initdb")
            .args([
                "--auth=scram-sha-256",
                "--username=anna",
                "--encoding=UTF8",
                "--no-sync",
                "--locale=C.UTF-8",
            ])
            .arg("--pgdata")
            .arg(&data)
            .arg("--pwfile")
            .arg(folder.join("password"))
            .status();
        assert!(
            created.is_ok_and(|status| status.success()),
            "an unprivileged account may not run the PostgreSQL of this checkout; open its folders to all users"
        );
        fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let setting = |name: &str, file: &str| format!("{name}={}", folder.join(file).display());
        let process = program("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"])
            .args(["-c", &format!("port={port}"), "-c", "ssl=on"])
            .args([
                "-c",
                &setting("ssl_cert_file", "server.pem"),
                "-c",
                &setting("ssl_key_file", "server.key"),
            ])
            .spawn()
            .unwrap();
        let server = Self { process, dir, port };
        wait_for("a server", TIMEOUT, async || {
            let state = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            state.lines().nth(7).is_some_and(|line| line.trim() == "ready").then_some(())
        })
        .await;
        server
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn address(&self, host: &str, options: &str) -> String {
        format!("postgresql://anna:{PASSWORD_IN_URL}@{host}:{}/postgres?{options}", self.port)
    }

    /// The options that verify the server with this certificate authority.
    fn trusting(&self, mode: &str, authority: &str) -> String {
        format!("sslmode={mode}&sslrootcert={}", self.file(authority).display())
    }
}

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

/// A message of the PostgreSQL protocol.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind][..], &length, body].concat()
}

/// Answers one client as a pool in transaction mode does: it runs each query in a server process that is free, which
/// here is always the process of `server`.
async fn serve_pooled(mut client: TcpStream, server: Arc<tokio_postgres::Client>) -> std::io::Result<()> {
    let length = client.read_u32().await?;
    client.read_exact(&mut vec![0; length as usize - 4]).await?;
    let ready = message(b'Z', b"I");
    client.write_all(&[message(b'R', &[0; 4]), ready.clone()].concat()).await?;
    loop {
        let kind = client.read_u8().await?;
        let mut body = vec![0; client.read_u32().await? as usize - 4];
        client.read_exact(&mut body).await?;
        if kind != b'Q' {
            return Ok(());
        }
        let query = String::from_utf8(body).unwrap();
        let mut answer = Vec::new();
        for reply in server.simple_query(query.trim_end_matches('\0')).await.unwrap() {
            let SimpleQueryMessage::Row(row) = reply else { continue };
            let value = row.get(0).unwrap().as_bytes();
            let mut column = [0, 1].to_vec();
            column.extend(b"value\0");
            column.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 255, 255, 255, 255, 255, 255, 0, 0]);
            answer.extend(message(b'T', &column));
            let length = u32::try_from(value.len()).unwrap().to_be_bytes();
            answer.extend(message(b'D', &[&[0, 1][..], &length, value].concat()));
        }
        answer.extend(message(b'C', b"SELECT 1\0"));
        answer.extend(&ready);
        client.write_all(&answer).await?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_behind_a_pooler_in_transaction_mode_is_refused() {
    let (_database, store) = common::database().await;
    let environment = store.tool_environment().unwrap();
    let of = |name: &str| {
        environment
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    let mut config = tokio_postgres::Config::new();
    config.host(of("PGHOST")).port(of("PGPORT").parse().unwrap()).user(of("PGUSER"));
    config.password(of("PGPASSWORD")).dbname(of("PGDATABASE"));
    let (server, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let server = Arc::new(server);

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

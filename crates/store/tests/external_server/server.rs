//! A PostgreSQL server with a certificate, reached over TCP, and a pooler in transaction mode: for the tests of configured
//! servers.
#![allow(dead_code, reason = "each test file uses some of it")]

use crate::common::{TIMEOUT, wait_for};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use store::testing::runtime;
use tempfile::TempDir;
use testing::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::SimpleQueryMessage;

/// The account for PostgreSQL if the tests run as root, as which it refuses to run.
const NOBODY: u32 = 65534;
pub(crate) const PASSWORD: &str = "se/cret %";
/// The password as it is encoded in a URL.
pub(crate) const PASSWORD_IN_URL: &str = "se%2Fcret%20%25";

/// A PostgreSQL that accepts encrypted TCP connections only; its certificate is for `localhost`.
pub(crate) struct Server {
    process: Child,
    dir: TempDir,
    pub(crate) port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

impl Server {
    pub(crate) fn end(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        self.signal(Signal::CONT);
        testing::signal(self.process.id().cast_signed(), Signal::QUIT);
        let _ = self.process.wait();
    }

    /// Sends a signal to all processes of the server.
    pub(crate) fn signal(&self, signal: Signal) {
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

/// Starts PostgreSQL in `folder`.
fn launch(folder: &Path, port: u16) -> Child {
    let setting = |name: &str, file: &str| format!("{name}={}", folder.join(file).display());
    program("postgres")
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
        .args(["-c", &setting("unix_socket_directories", "")])
        .args(["-c", &format!("port={port}"), "-c", "ssl=on"])
        .args(["-c", &setting("ssl_cert_file", "server.pem")])
        .args(["-c", &setting("ssl_key_file", "server.key")])
        .spawn()
        .unwrap()
}

impl Server {
    pub(crate) async fn start() -> Self {
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
        let access = "hostssl all all 127.0.0.1/32 scram-sha-256\nlocal all all scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), access).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = launch(&folder, port);
        let server = Self { process, dir, port };
        server.wait_until_ready().await;
        server
    }

    /// Starts the server again after [`Server::end`].
    pub(crate) async fn start_again(&mut self) {
        self.process = launch(self.dir.path(), self.port);
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&self) {
        let own = self.process.id().to_string();
        wait_for("a server", TIMEOUT, async || {
            let state = fs::read_to_string(self.file("data/postmaster.pid")).unwrap_or_default();
            let mut lines = state.lines();
            let is_own = lines.next() == Some(own.as_str());
            (is_own && lines.nth(6).is_some_and(|line| line.trim() == "ready")).then_some(())
        })
        .await;
    }

    /// A connection of the superuser to `database`, through the server's socket.
    async fn connect(&self, database: &str) -> tokio_postgres::Client {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.dir.path()).port(self.port).user("anna").password(PASSWORD).dbname(database);
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Runs statements in `database` as the superuser, each in a transaction of its own.
    pub(crate) async fn execute(&self, database: &str, statements: &[&str]) {
        let client = self.connect(database).await;
        for statement in statements {
            client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        }
    }

    /// The first column of each row of a query in `database`.
    pub(crate) async fn column(&self, database: &str, query: &str) -> Vec<String> {
        let answer = self.connect(database).await.simple_query(query).await.unwrap();
        let rows = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        rows.collect()
    }

    /// An address for another role and database, encrypted and verified.
    pub(crate) fn address_of(&self, account: &str, database: &str) -> String {
        let options = self.trusting("verify-full", "authority.pem");
        format!("postgresql://{account}@localhost:{}/{database}?{options}", self.port)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn address(&self, host: &str, options: &str) -> String {
        format!("postgresql://anna:{PASSWORD_IN_URL}@{host}:{}/postgres?{options}", self.port)
    }

    /// The options that verify the server with this certificate authority.
    pub(crate) fn trusting(&self, mode: &str, authority: &str) -> String {
        format!("sslmode={mode}&sslrootcert={}", self.file(authority).display())
    }
}

/// A message of the PostgreSQL protocol.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind][..], &length, body].concat()
}

/// Answers one client as a pool in transaction mode does: it runs each query in a server process that is free, which
/// here is always the process of `server`.
pub(crate) async fn serve_pooled(
    mut client: TcpStream,
    server: Arc<tokio_postgres::Client>,
) -> std::io::Result<()> {
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

//! Opening one connection, to the private server or to a configured one.

use crate::error::StoreError;
use crate::managed::{Cluster, Endpoint, PORT, Phase, ROLE};
use crate::patience::{CONNECT, NO_ANSWER};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Name of the database in the private server.
pub(crate) const MANAGED_DATABASE: &str = "meetmemo";

/// Longest wait for the private server where it ends or restarts under a connection that is being opened.
const RESTART: Duration = Duration::from_secs(10);
/// Pause before that is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// A link that was silent for this time is probed. If nothing comes back for the same time again, it counts as dead.
const LINK_QUIET: Duration = Duration::from_secs(15);

/// How the other end is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tls {
    /// Plain: sockets and this computer.
    Off,
    /// Encrypted if the server can, unverified.
    IfOffered,
    /// Encrypted, unverified.
    Unverified,
    /// Encrypted, certificate checked, any host name.
    Chain,
    /// Encrypted, certificate and host name checked.
    Full,
}

/// The address of a configured PostgreSQL server: a `postgresql://` URL or `key=value` pairs, with libpq's `sslmode`
/// (`disable`, `prefer`, `require`, `verify-ca`, `verify-full`) and `sslrootcert`. Without `sslmode`, a server on this
/// computer is spoken to plainly and any other must prove itself (`verify-full`).
#[derive(Debug, Clone)]
pub struct ExternalUrl {
    config: Box<tokio_postgres::Config>,
    tls: Tls,
    root_certificate: Option<PathBuf>,
}

impl FromStr for ExternalUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        // The parser takes the text behind the first @ for the host. With a second @, part of the password would be shown.
        if text.contains("://") && text.matches('@').count() > 1 {
            return Err(StoreError::Address(
                "it has more than one @; one in a user name or a password is written %40".to_owned(),
            ));
        }
        let (plain, mode, root) = take_tls_options(text);
        let mut config: tokio_postgres::Config =
            plain.parse().map_err(|error| StoreError::Address(what_is_wrong(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(StoreError::Address("it names no host".to_owned()));
        }
        if config.get_dbname().is_none() {
            return Err(StoreError::Address("it names no database".to_owned()));
        }
        let here = config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
            #[cfg(unix)]
            Host::Unix(_) => true,
        }) && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
        let tls = match mode.as_deref() {
            None if here => Tls::Off,
            None | Some("verify-full") => Tls::Full,
            Some("disable") => Tls::Off,
            Some("allow" | "prefer") => Tls::IfOffered,
            Some("require") => Tls::Unverified,
            Some("verify-ca") => Tls::Chain,
            Some(_) => {
                return Err(StoreError::Address(
                    "its sslmode is none of disable, prefer, require, verify-ca and verify-full".to_owned(),
                ));
            }
        };
        config.ssl_mode(match tls {
            Tls::Off => SslMode::Disable,
            Tls::IfOffered => SslMode::Prefer,
            _ => SslMode::Require,
        });
        // Each of several hosts gets its turn.
        let hosts = u32::try_from(config.get_hosts().len().max(1)).unwrap_or(u32::MAX);
        config.connect_timeout(CONNECT / hosts).application_name("meetmemo");
        // For links that are dead: a listener says nothing for hours, and the system's two hours would leave it deaf for
        // as long. A server that is stopped is noticed by `patience`.
        config
            .keepalives_idle(LINK_QUIET)
            .keepalives_interval(LINK_QUIET / 3)
            .keepalives_retries(3)
            .tcp_user_timeout(LINK_QUIET);
        Ok(Self { config: Box::new(config), tls, root_certificate: root.map(PathBuf::from) })
    }
}

impl ExternalUrl {
    /// Host, port and name for messages; never the password.
    pub fn display_name(&self) -> String {
        let host = self.config.get_hosts().first().map_or_else(String::new, |host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(folder) => folder.display().to_string(),
        });
        let port = self.config.get_ports().first().copied().unwrap_or(PORT);
        format!("“{}” on {host}:{port}", self.config.get_dbname().unwrap_or_default())
    }

    /// What `psql` and its like need to reach the same database: names and values of environment variables.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut found = vec![
            (
                "PGHOST",
                match self.config.get_hosts().first() {
                    Some(Host::Tcp(name)) => name.clone(),
                    #[cfg(unix)]
                    Some(Host::Unix(folder)) => folder.display().to_string(),
                    None => String::new(),
                },
            ),
            ("PGPORT", self.config.get_ports().first().copied().unwrap_or(PORT).to_string()),
            ("PGDATABASE", self.config.get_dbname().unwrap_or_default().to_owned()),
            (
                "PGSSLMODE",
                match self.tls {
                    Tls::Off => "disable",
                    Tls::IfOffered => "prefer",
                    Tls::Unverified => "require",
                    Tls::Chain => "verify-ca",
                    Tls::Full => "verify-full",
                }
                .to_owned(),
            ),
        ];
        if let Some(user) = self.config.get_user() {
            found.push(("PGUSER", user.to_owned()));
        }
        if let Some(password) = self.config.get_password() {
            found.push(("PGPASSWORD", String::from_utf8_lossy(password).into_owned()));
        }
        if let Some(root) = &self.root_certificate {
            found.push(("PGSSLROOTCERT", root.display().to_string()));
        }
        found
    }
}

/// What is wrong with an address, without a word of it: in one that is malformed, any part may be of the password.
fn what_is_wrong(error: &tokio_postgres::Error) -> String {
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    // The library's own name of an option; what it says otherwise quotes the address.
    match said.strip_prefix("invalid value for option `").and_then(|rest| rest.strip_suffix('`')) {
        Some(option) => format!("its {option} is not valid"),
        None if said.starts_with("unknown option") => "it has an option that is not known".to_owned(),
        None => "it cannot be read; in a user name or a password, letters such as @ : / ? % are written %40 %3A %2F %3F %25"
            .to_owned(),
    }
}

/// Takes `sslmode` and `sslrootcert` out of an address: the client library knows neither all modes nor the file.
fn take_tls_options(text: &str) -> (String, Option<String>, Option<String>) {
    let (mut mode, mut root) = (None, None);
    let mut keep = |key: &str, value: String| match key {
        "sslmode" => {
            mode = Some(value);
            false
        }
        "sslrootcert" => {
            root = Some(value);
            false
        }
        _ => true,
    };
    let plain = if text.contains("://") {
        // A password may hold a question mark.
        let (account, place) = text.split_at(text.find('@').unwrap_or(0));
        let (place, query) = place.split_once('?').unwrap_or((place, ""));
        let address = format!("{account}{place}");
        let rest: Vec<&str> = query
            .split('&')
            .filter(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                !pair.is_empty() && keep(key, percent_decoded(value))
            })
            .collect();
        if rest.is_empty() { address } else { format!("{address}?{}", rest.join("&")) }
    } else {
        text.split_whitespace()
            .filter(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                keep(key, value.trim_matches('\'').to_owned())
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    (plain, mode, root)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail
            .get(..2)
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where connections go.
#[derive(Debug)]
pub(crate) enum Target {
    Managed(Arc<Cluster>),
    External(ExternalUrl),
}

impl Target {
    pub(crate) fn display_name(&self) -> String {
        match self {
            Self::Managed(cluster) => format!("in {}", cluster.folder().display()),
            Self::External(url) => url.display_name(),
        }
    }

    /// Makes sure that a server is there (starting ours if it is not) and connects to `database`, or to the configured
    /// one. Each session speaks UTC.
    pub(crate) async fn connect(
        &self,
        database: &str,
        on_phase: &(dyn Fn(Phase) + Send + Sync),
    ) -> Result<AsyncPgConnection, ConnectFailure> {
        let deadline = Instant::now() + RESTART;
        loop {
            match self.connect_once(database, on_phase).await {
                Err(failure)
                    if matches!(self, Self::Managed(_))
                        && failure.is_of_an_ending_server()
                        && Instant::now() < deadline =>
                {
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn connect_once(
        &self,
        database: &str,
        on_phase: &(dyn Fn(Phase) + Send + Sync),
    ) -> Result<AsyncPgConnection, ConnectFailure> {
        // Starting the server has limits of its own.
        let endpoint = match self {
            Self::Managed(cluster) => Some(
                tokio::task::block_in_place(|| cluster.ensure_server(on_phase))
                    .map_err(|error| ConnectFailure::Store(error.into()))?,
            ),
            Self::External(_) => None,
        };
        in_time(async {
            let mut connection = match (self, endpoint) {
                (Self::External(url), _) => external(url).await?,
                (Self::Managed(_), Some(endpoint)) => plain(&managed_config(&endpoint, database)).await?,
                (Self::Managed(_), None) => unreachable!("its end point was asked for above"),
            };
            connection
                .batch_execute("SET TIME ZONE 'UTC'")
                .await
                .map_err(|error| ConnectFailure::Store(error.into()))?;
            Ok(connection)
        })
        .await
    }

    /// Refuses a configured server behind a pool that lends its processes to a connection for a statement or a
    /// transaction: what belongs to a session, such as LISTEN, advisory locks and prepared statements, is lost there.
    ///
    /// A server gives each open connection a process of its own, which stays the same. Such a pool runs each query in any
    /// free process, so that two connections can report the same process, or one connection several.
    pub(crate) async fn refuse_pool(&self) -> Result<(), StoreError> {
        let Self::External(url) = self else { return Ok(()) };
        let processes = async {
            let (one, other) = (raw(url).await?, raw(url).await?);
            Ok::<_, ConnectFailure>([
                process_id(&one).await?,
                process_id(&one).await?,
                process_id(&other).await?,
            ])
        };
        match in_time(processes).await {
            Ok([first, again, other]) if first != again || first == other => {
                Err(StoreError::Pooled { database: self.display_name() })
            }
            Ok(_) => Ok(()),
            Err(failure) => Err(self.unreachable(failure)),
        }
    }

    /// The reason alone, for an error that names the database itself.
    pub(crate) fn reason(&self, failure: ConnectFailure) -> String {
        match self.unreachable(failure) {
            StoreError::Unreachable { reason, .. } => reason,
            other => other.to_string().trim_end_matches('.').to_owned(),
        }
    }

    pub(crate) fn unreachable(&self, failure: ConnectFailure) -> StoreError {
        match failure {
            ConnectFailure::Store(error) => error,
            ConnectFailure::Postgres(error) => StoreError::Unreachable {
                database: self.display_name(),
                reason: match error.as_db_error() {
                    Some(said) => said.message().to_owned(),
                    None if is_timeout(&error) => NO_ANSWER.to_owned(),
                    None => deepest(&error),
                },
            },
            ConnectFailure::Broken(reason) => {
                StoreError::Unreachable { database: self.display_name(), reason }
            }
            ConnectFailure::NoAnswer => {
                StoreError::Unreachable { database: self.display_name(), reason: NO_ANSWER.to_owned() }
            }
        }
    }
}

/// Why a connection could not be opened.
#[derive(Debug)]
pub(crate) enum ConnectFailure {
    Postgres(tokio_postgres::Error),
    Store(StoreError),
    /// The connection ended while it was being set up.
    Broken(String),
    /// The server took the connection and said nothing, or the network did not reach it.
    NoAnswer,
}

/// Runs `connecting` for [`CONNECT`] at most.
async fn in_time<T>(
    connecting: impl Future<Output = Result<T, ConnectFailure>>,
) -> Result<T, ConnectFailure> {
    tokio::time::timeout(CONNECT, connecting).await.unwrap_or(Err(ConnectFailure::NoAnswer))
}

impl ConnectFailure {
    pub(crate) fn is(&self, code: &SqlState) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(code))
    }

    /// Whether a server that still listened ended before the session was there, or restarts after a crash.
    fn is_of_an_ending_server(&self) -> bool {
        match self {
            Self::Postgres(error) => error.code().is_none_or(|code| {
                [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW]
                    .contains(code)
            }),
            Self::Broken(_) | Self::Store(StoreError::Query(_)) => true,
            Self::Store(_) | Self::NoAnswer => false,
        }
    }
}

impl From<tokio_postgres::Error> for ConnectFailure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

/// Whether the network did not reach the server in time.
fn is_timeout(error: &tokio_postgres::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::TimedOut)
}

/// The cause at the end of the chain is the one that tells: “Connection refused”, “invalid peer certificate”.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

pub(crate) fn managed_config(endpoint: &Endpoint, database: &str) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config
        .host_path(&endpoint.socket_folder)
        .port(PORT)
        .user(ROLE)
        .password(&endpoint.password)
        .dbname(database)
        .application_name("meetmemo")
        .connect_timeout(CONNECT);
    config
}

async fn plain(config: &tokio_postgres::Config) -> Result<AsyncPgConnection, ConnectFailure> {
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    into_diesel(AsyncPgConnection::try_from_client_and_connection(client, connection).await)
}

async fn external(url: &ExternalUrl) -> Result<AsyncPgConnection, ConnectFailure> {
    if url.tls == Tls::Off {
        return plain(&url.config).await;
    }
    let (client, connection) = url.config.connect(tls_connect(url)?).await?;
    into_diesel(AsyncPgConnection::try_from_client_and_connection(client, connection).await)
}

/// A connection that is no more than the protocol: not even prepared statements.
async fn raw(url: &ExternalUrl) -> Result<tokio_postgres::Client, ConnectFailure> {
    if url.tls == Tls::Off {
        let (client, connection) = url.config.connect(tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        return Ok(client);
    }
    let tls = tls_connect(url)?;
    let (client, connection) = url.config.connect(tls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Which process of the server answers, in its own words.
async fn process_id(client: &tokio_postgres::Client) -> Result<Option<String>, tokio_postgres::Error> {
    let answer = client.simple_query("SELECT pg_backend_pid()").await?;
    Ok(answer.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

fn tls_connect(url: &ExternalUrl) -> Result<MakeRustlsConnect, ConnectFailure> {
    let config = client_config(url.tls, url.root_certificate.as_deref()).map_err(ConnectFailure::Store)?;
    Ok(MakeRustlsConnect::new(config))
}

fn into_diesel(
    connected: diesel::ConnectionResult<AsyncPgConnection>,
) -> Result<AsyncPgConnection, ConnectFailure> {
    connected.map_err(|error| ConnectFailure::Broken(error.to_string()))
}

fn client_config(tls: Tls, root: Option<&Path>) -> Result<ClientConfig, StoreError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Address(error.to_string()))?;
    if matches!(tls, Tls::IfOffered | Tls::Unverified) {
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyHost { provider, chain: None }))
            .with_no_client_auth());
    }
    let roots = Arc::new(root_certificates(root)?);
    if tls == Tls::Full {
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    }
    let chain = rustls::client::WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(|error| StoreError::Address(error.to_string()))?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyHost { provider, chain: Some(chain) }))
        .with_no_client_auth())
}

fn root_certificates(file: Option<&Path>) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            let unreadable = |error: &dyn std::fmt::Display| {
                StoreError::Address(format!(
                    "the certificate file {} cannot be read ({error})",
                    file.display()
                ))
            };
            for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unreadable(&e))? {
                roots.add(certificate.map_err(|e| unreadable(&e))?).map_err(|e| unreadable(&e))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(roots)
}

/// Accepts a certificate for any host name: libpq's `verify-ca` with a `chain` to check, `require` without.
#[derive(Debug)]
struct AnyHost {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<rustls::client::WebPkiServerVerifier>>,
}

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use rustls::{CertificateError, Error};
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is checked after the chain.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_server_elsewhere_must_prove_itself_unless_told_otherwise() {
        for (address, tls) in [
            ("postgresql://u:p@localhost/db", Tls::Off),
            ("postgresql://u:p@127.0.0.1:5433/db", Tls::Off),
            ("host=/run/postgresql dbname=db", Tls::Off),
            ("postgresql://u:p@db.example/db", Tls::Full),
            ("host=localhost hostaddr=192.0.2.1 dbname=db", Tls::Full),
            ("postgresql://u:p@db.example/db?sslmode=require", Tls::Unverified),
            ("postgresql://u:p@db.example/db?sslmode=disable&connect_timeout=3", Tls::Off),
            ("host=db.example dbname=db sslmode=verify-ca", Tls::Chain),
        ] {
            assert_eq!(address.parse::<ExternalUrl>().unwrap().tls, tls, "{address}");
        }
    }

    #[test]
    fn the_certificate_file_may_have_any_name() {
        let url: ExternalUrl = "postgresql://h.example/db?sslrootcert=%2Fetc%2Fmy%20ca.pem".parse().unwrap();
        assert_eq!(url.root_certificate, Some(PathBuf::from("/etc/my ca.pem")));
    }

    #[test]
    fn a_bad_address_is_refused_with_what_is_wrong() {
        for bad in [
            "nonsense",
            "postgresql://h.example",
            "postgresql://h/db?sslmode=maybe",
            "host=h port=x dbname=d",
            "",
        ] {
            assert!(matches!(bad.parse::<ExternalUrl>(), Err(StoreError::Address(_))), "{bad}");
        }
    }

    #[test]
    fn no_part_of_a_password_stands_in_an_error_or_a_name() {
        for address in [
            "postgresql://anna:se@cret@db.example/meetings",
            "postgresql://anna:x/cret@y@db.example/meetings",
            "postgresql://anna:secret",
            "postgresql://anna:secret/meetings",
            "postgresql:/anna:secret@db.example/meetings",
            "POSTGRESQL://anna:secret@db.example/meetings",
            "mysql://anna:secret@db.example/meetings",
            "postgresql://anna:%ffsecret@db.example/meetings?secret",
            "postgresql://anna:%zzsecret@db.example:secret/meetings",
            "postgresql://anna:x@db.example/meetings?secret=1",
            "postgresql://anna:x@db.example/meetings?sslmode=secret",
            "host=db.example dbname=meetings password=a secret",
            "host=db.example dbname=meetings password=a secret=x",
            "host=db.example dbname=meetings password='a secret",
            "host=db.example dbname=meetings port=secret",
            "secret",
        ] {
            let refused = address.parse::<ExternalUrl>().expect_err(address).to_string();
            let (why, _) = refused.split_once(" It looks like").unwrap();
            assert!(!why.contains("cret") && !why.contains("anna"), "{address}: {refused}");
        }
        for password in ["se?cret", "se?sslmode=x&&cret", "se/cret", "se:cret", "se%40cret"] {
            let address = format!("postgresql://anna:{password}@db.example/meetings?sslmode=require");
            let url: ExternalUrl = address.parse().unwrap();
            assert_eq!(url.config.get_password(), Some(percent_decoded(password).as_bytes()), "{address}");
            assert_eq!(
                (url.tls, url.display_name()),
                (Tls::Unverified, "“meetings” on db.example:5432".to_owned())
            );
        }
    }

    #[test]
    fn the_name_shown_has_no_password() {
        let url: ExternalUrl = "postgresql://anna:secret@db.example:6000/meetings".parse().unwrap();
        assert_eq!(url.display_name(), "“meetings” on db.example:6000");
    }
}

//! Opens single connections to the private server or to a configured one.

use crate::connect_failure::ConnectFailure;
use crate::error::StoreError;
use crate::external_url::{ExternalUrl, Tls};
use crate::managed::{Cluster, Endpoint, PORT, ROLE, StartPhase};
use crate::timeouts::{CONNECT_TIMEOUT, NO_ANSWER};
use crate::tls::tls_connect;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::error::SqlState;

/// Name of the database in the private server.
pub(crate) const MANAGED_DATABASE: &str = "meetmemo";

/// How long connecting is retried if the private server stops or restarts meanwhile.
const RESTART_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause between these attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// The server to connect to.
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

    /// Connects to `database` of the private server, which is started if it is not running, or to the database of the
    /// configured server. The time zone of the session is UTC.
    pub(crate) async fn connect(
        &self,
        database: &str,
        on_phase: &(dyn Fn(StartPhase) + Send + Sync),
    ) -> Result<AsyncPgConnection, ConnectFailure> {
        let deadline = Instant::now() + RESTART_TIMEOUT;
        loop {
            match self.connect_once(database, on_phase).await {
                Err(failure)
                    if matches!(self, Self::Managed(_))
                        && failure.is_server_stopping()
                        && Instant::now() < deadline =>
                {
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn connect_once(
        &self,
        database: &str,
        on_phase: &(dyn Fn(StartPhase) + Send + Sync),
    ) -> Result<AsyncPgConnection, ConnectFailure> {
        // Outside the timeout below: starting the server has its own limit.
        let endpoint = match self {
            Self::Managed(cluster) => Some(
                tokio::task::block_in_place(|| cluster.ensure_server(on_phase))
                    .map_err(|error| ConnectFailure::Store(error.into()))?,
            ),
            Self::External(_) => None,
        };
        with_timeout(async {
            let mut connection = match (self, endpoint) {
                (Self::External(url), _) => connect_external(url).await?,
                (Self::Managed(cluster), Some(endpoint)) => {
                    let (client, connection) = connect_private(cluster, endpoint, database).await?;
                    into_diesel(AsyncPgConnection::try_from_client_and_connection(client, connection).await)?
                }
                (Self::Managed(_), None) => unreachable!("the private server has an endpoint, see above"),
            };
            connection
                .batch_execute("SET TIME ZONE 'UTC'")
                .await
                .map_err(|error| ConnectFailure::Store(error.into()))?;
            Ok(connection)
        })
        .await
    }

    /// As [`Target::connect`], for what diesel does not offer, such as COPY.
    pub(crate) async fn connect_raw(&self, database: &str) -> Result<tokio_postgres::Client, ConnectFailure> {
        let client = match self {
            Self::External(url) => with_timeout(raw_client(url)).await?,
            Self::Managed(cluster) => {
                let endpoint = tokio::task::block_in_place(|| cluster.ensure_server(&|_| ()))
                    .map_err(|error| ConnectFailure::Store(error.into()))?;
                let (client, connection) = with_timeout(connect_private(cluster, endpoint, database)).await?;
                tokio::spawn(connection);
                client
            }
        };
        client.batch_execute("SET TIME ZONE 'UTC'").await?;
        Ok(client)
    }

    /// Refuses a configured server behind a connection pooler in transaction or statement mode.
    pub(crate) async fn refuse_pooler(&self) -> Result<(), StoreError> {
        let Self::External(url) = self else { return Ok(()) };
        match is_pooled(url).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(StoreError::Pooled { database: self.display_name() }),
            Err(failure) => Err(self.unreachable(failure)),
        }
    }

    /// The reason of a failure, for an error that already names the database.
    pub(crate) fn reason(&self, failure: ConnectFailure) -> String {
        match self.unreachable(failure) {
            StoreError::Unreachable { reason, .. } => reason,
            other => other.to_string().trim_end_matches('.').to_owned(),
        }
    }

    /// The error for the user.
    pub(crate) fn unreachable(&self, failure: ConnectFailure) -> StoreError {
        match failure {
            ConnectFailure::Store(error) => error,
            ConnectFailure::Postgres(error) => StoreError::Unreachable {
                database: self.display_name(),
                reason: match error.as_db_error() {
                    Some(error) => error.message().to_owned(),
                    None if is_timeout(&error) => NO_ANSWER.to_owned(),
                    None if is_password_missing(&error) => {
                        "the server asks for a password, and none is known".to_owned()
                    }
                    None => root_cause(&error),
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

/// Limits `connecting` to [`CONNECT_TIMEOUT`].
async fn with_timeout<T>(
    connecting: impl Future<Output = Result<T, ConnectFailure>>,
) -> Result<T, ConnectFailure> {
    tokio::time::timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or(Err(ConnectFailure::NoAnswer))
}

/// Whether the network did not reach the server in time.
fn is_timeout(error: &tokio_postgres::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::TimedOut)
}

/// Whether the server asked for a password and the address has none. The client library has no code for this.
pub(crate) fn is_password_missing(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_none() && root_cause(error) == "password missing"
}

/// The last cause in the chain, which says what is wrong: “Connection refused”, “invalid peer certificate”.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
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
        .application_name(&endpoint.application_name)
        .connect_timeout(CONNECT_TIMEOUT);
    config
}

type PrivateConnection = tokio_postgres::Connection<tokio_postgres::Socket, tokio_postgres::tls::NoTlsStream>;

/// Connects to the private server. While its password is being changed, or after a change that was interrupted, the
/// server may refuse the password that was read: the other one is tried then.
async fn connect_private(
    cluster: &Cluster,
    mut endpoint: Endpoint,
    database: &str,
) -> Result<(tokio_postgres::Client, PrivateConnection), ConnectFailure> {
    let mut refused = Vec::new();
    loop {
        match managed_config(&endpoint, database).connect(tokio_postgres::NoTls).await {
            Err(error) if error.code() == Some(&SqlState::INVALID_PASSWORD) => {
                refused.push(std::mem::take(&mut endpoint.password));
                match cluster.password_except(&refused) {
                    Some(other) => endpoint.password = other,
                    None => return Err(error.into()),
                }
            }
            Ok(connected) => {
                if !refused.is_empty() {
                    cluster.finish_password_change(&endpoint.password);
                }
                return Ok(connected);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn connect_plain(config: &tokio_postgres::Config) -> Result<AsyncPgConnection, ConnectFailure> {
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    into_diesel(AsyncPgConnection::try_from_client_and_connection(client, connection).await)
}

async fn connect_external(url: &ExternalUrl) -> Result<AsyncPgConnection, ConnectFailure> {
    if url.tls == Tls::Off {
        return connect_plain(&url.config).await;
    }
    let (client, connection) = url.config.connect(tls_connect(url)?).await?;
    into_diesel(AsyncPgConnection::try_from_client_and_connection(client, connection).await)
}

/// A connection for plain queries, without prepared statements, which a pooler may not support.
async fn raw_client(url: &ExternalUrl) -> Result<tokio_postgres::Client, ConnectFailure> {
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

/// Whether `url` leads through a connection pooler in transaction or statement mode, such as PgBouncer: session state such
/// as LISTEN, advisory locks and prepared statements is lost there.
///
/// PostgreSQL gives each open connection its own process. A pooler runs each query in any free process, so two connections
/// may report the same process, or one connection several.
pub(crate) async fn is_pooled(url: &ExternalUrl) -> Result<bool, ConnectFailure> {
    with_timeout(async {
        let (one, other) = (raw_client(url).await?, raw_client(url).await?);
        let first = backend_pid(&one).await?;
        Ok(first != backend_pid(&one).await? || first == backend_pid(&other).await?)
    })
    .await
}

/// The id of the server process that answers.
async fn backend_pid(client: &tokio_postgres::Client) -> Result<Option<String>, tokio_postgres::Error> {
    let answer = client.simple_query("SELECT pg_backend_pid()").await?;
    Ok(answer.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

fn into_diesel(
    connected: diesel::ConnectionResult<AsyncPgConnection>,
) -> Result<AsyncPgConnection, ConnectFailure> {
    connected.map_err(|error| ConnectFailure::Broken(error.to_string()))
}

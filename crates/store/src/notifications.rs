//! Notifications of changes, from the database to every process that listens.
//!
//! Triggers send `kind:id` on the channel `meetmemo`; the receiver loads what it shows again. A notification is sent
//! when its transaction commits.

use crate::ids::{ExportId, JobId, TaskId, TranscriptId};
use crate::timeouts::{LISTEN_IDLE, PROBE_TIMEOUT};
use crate::{Result, Store};
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::StreamExt;
use std::pin::pin;
use std::time::{Duration, Instant};

/// Pause between attempts to reconnect.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// What has changed and should be loaded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A job was added, changed or deleted.
    Job(JobId),
    /// A task was queued, started or ended, or moved in the queue.
    Task(TaskId),
    /// The progress of work on this job.
    Progress(JobId),
    /// A transcript version was added, changed or deleted, or got a window.
    Transcript(TranscriptId),
    /// The speakers of this job: who they are, their names, their edits.
    Speakers(JobId),
    /// The speakers of words of this job: any segment may have changed.
    Segments(JobId),
    /// Known people or their settings.
    People,
    /// An export was added, changed or deleted.
    Export(ExportId),
    /// Folders or tags.
    Folders,
    /// The note of this job.
    Note(JobId),
    /// A summary of this job was added, changed or deleted.
    Summaries(JobId),
    /// The connection was lost; it is being reopened.
    ConnectionLost,
    /// The connection was lost and is open again: notifications may be missing, so everything may have changed.
    Reconnected,
}

impl Topic {
    fn parse(payload: &str) -> Option<Self> {
        let (kind, id) = payload.split_once(':')?;
        match kind {
            "job" => Some(Self::Job(id.parse().ok()?)),
            "task" => Some(Self::Task(id.parse().ok()?)),
            "progress" => Some(Self::Progress(id.parse().ok()?)),
            "transcript" => Some(Self::Transcript(id.parse().ok()?)),
            "speakers" => Some(Self::Speakers(id.parse().ok()?)),
            "lines" => Some(Self::Segments(id.parse().ok()?)),
            "person" => Some(Self::People),
            "export" => Some(Self::Export(id.parse().ok()?)),
            "folder" | "tag" => Some(Self::Folders),
            "note" => Some(Self::Note(id.parse().ok()?)),
            "summary" => Some(Self::Summaries(id.parse().ok()?)),
            _ => None,
        }
    }
}

/// A listening connection. A process needs only one.
pub struct Notifications {
    store: Store,
    name: String,
    connection: Option<Box<AsyncPgConnection>>,
    /// When the server last sent something.
    last_heard: Instant,
    /// When the pending probe was sent.
    probed: Option<Instant>,
}

impl std::fmt::Debug for Notifications {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifications").field("connected", &self.connection.is_some()).finish_non_exhaustive()
    }
}

impl Notifications {
    /// Starts listening: every change committed after this returns is reported.
    ///
    /// # Errors
    /// If no connection can be opened.
    pub async fn listen(store: &Store) -> Result<Self> {
        Self::listen_with_name(store, "meetmemo".to_owned()).await
    }

    /// As [`Self::listen`], under a name by which other processes can see it: [`Store::is_connected`].
    ///
    /// # Errors
    /// If no connection can be opened.
    pub async fn listen_with_name(store: &Store, name: String) -> Result<Self> {
        let connection = open_listener(store, &name).await?;
        Ok(Self {
            store: store.clone(),
            name,
            connection: Some(connection),
            last_heard: Instant::now(),
            probed: None,
        })
    }

    /// Waits for the next notification. A lost connection is reported as [`Topic::ConnectionLost`], even of a frozen
    /// server within [`LISTEN_IDLE`] plus [`PROBE_TIMEOUT`]; the next call reconnects and returns
    /// [`Topic::Reconnected`]. Cancel-safe.
    pub async fn next(&mut self) -> Topic {
        loop {
            let Some(connection) = &mut self.connection else {
                match open_listener(&self.store, &self.name).await {
                    Ok(connection) => {
                        self.connection = Some(connection);
                        self.last_heard = Instant::now();
                        return Topic::Reconnected;
                    }
                    Err(error) => {
                        tracing::debug!(%error, "no connection for notifications");
                        tokio::time::sleep(RECONNECT_PAUSE).await;
                        continue;
                    }
                }
            };
            let received = {
                let mut notifications = pin!(connection.notifications_stream());
                tokio::time::timeout_at((self.last_heard + LISTEN_IDLE).into(), notifications.next()).await
            };
            match received {
                Ok(Some(Ok(notification))) => {
                    self.last_heard = Instant::now();
                    self.probed = None;
                    if let Some(topic) = Topic::parse(&notification.payload) {
                        return topic;
                    }
                }
                Ok(Some(Err(_)) | None) => return self.disconnect(),
                Err(_) => {
                    // If the future was dropped during a probe, the wait for that probe continues.
                    let pending = self.probed.filter(|probed| probed.elapsed() < PROBE_TIMEOUT);
                    let probed = *self.probed.insert(pending.unwrap_or_else(Instant::now));
                    let answer = diesel::sql_query("SELECT 1").execute(connection.as_mut());
                    match tokio::time::timeout_at((probed + PROBE_TIMEOUT).into(), answer).await {
                        Ok(Ok(_)) => {
                            self.last_heard = Instant::now();
                            self.probed = None;
                        }
                        _ => return self.disconnect(),
                    }
                }
            }
        }
    }

    fn disconnect(&mut self) -> Topic {
        self.connection = None;
        self.probed = None;
        Topic::ConnectionLost
    }
}

impl Store {
    /// Whether any process listens under this name; see [`Notifications::listen_with_name`].
    pub async fn is_connected(&self, name: &str) -> Result<bool> {
        crate::query::on_connection!(self, connection => async {
            let found: i64 = diesel::sql_query(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
            )
            .bind::<Text, _>(name)
            .get_result::<Count>(connection)
            .await?
            .count;
            Ok::<_, diesel::result::Error>(found > 0)
        })
    }
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// A new connection that listens under `name`.
async fn open_listener(store: &Store, name: &str) -> Result<Box<AsyncPgConnection>> {
    let (connection, ()) = crate::query::on_dedicated_connection!(store, connection => async {
        diesel::sql_query("SELECT set_config('application_name', $1, FALSE)")
            .bind::<Text, _>(name)
            .execute(connection)
            .await?;
        connection.batch_execute("LISTEN meetmemo").await
    })?;
    Ok(Box::new(connection))
}

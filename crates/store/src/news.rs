//! What changed, told by the database to every process that shows it.

use crate::ids::{ExportId, JobId, TaskId, TranscriptId};
use crate::patience::{QUIET, SIGN_OF_LIFE};
use crate::{Result, Store};
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::StreamExt;
use std::pin::pin;
use std::time::{Duration, Instant};

/// Pause before the next attempt when the connection is lost.
const PAUSE: Duration = Duration::from_millis(500);

/// Something to fetch again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A job's row changed, came or went.
    Job(JobId),
    /// This task waits, has begun, has ended, or has another place among those that wait.
    Task(TaskId),
    /// How far the work on this job is.
    Progress(JobId),
    /// A version of a transcript changed or got a window.
    Transcript(TranscriptId),
    /// The speakers of this job: who they are, what they are called, what was corrected.
    Speakers(JobId),
    /// Whose the words of this job are: lines that were settled may have changed, anywhere.
    Lines(JobId),
    /// A person that is known, or whether there are any.
    People,
    /// An export changed.
    Export(ExportId),
    /// The connection was lost; it is being opened again.
    Lost,
    /// The connection was lost and is back: whatever is shown may be stale.
    Everything,
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
            "lines" => Some(Self::Lines(id.parse().ok()?)),
            "person" => Some(Self::People),
            "export" => Some(Self::Export(id.parse().ok()?)),
            _ => None,
        }
    }
}

/// One listening connection. A process has one, however many views it shows.
pub struct News {
    store: Store,
    name: String,
    connection: Option<Box<AsyncPgConnection>>,
    /// When the server last gave a sign of life.
    heard: Instant,
    /// Since when another one is waited for.
    asked: Option<Instant>,
}

impl std::fmt::Debug for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("News").field("connected", &self.connection.is_some()).finish_non_exhaustive()
    }
}

impl News {
    /// Starts to listen: whatever is committed after this returns will be told.
    ///
    /// # Errors
    /// Where no connection can be opened.
    pub async fn listen(store: &Store) -> Result<Self> {
        Self::listen_as(store, "meetmemo".to_owned()).await
    }

    /// The same under a name that other processes can see: [`Store::is_connected`].
    ///
    /// # Errors
    /// Where no connection can be opened.
    pub async fn listen_as(store: &Store, name: String) -> Result<Self> {
        let connection = listening(store, &name).await?;
        Ok(Self {
            store: store.clone(),
            name,
            connection: Some(connection),
            heard: Instant::now(),
            asked: None,
        })
    }

    /// Waits for the next piece of news. A lost connection is told as [`Topic::Lost`], within [`QUIET`] and
    /// [`SIGN_OF_LIFE`] also where the server is frozen; then this reconnects by itself and says [`Topic::Everything`].
    /// The future may be dropped and asked for again.
    pub async fn next(&mut self) -> Topic {
        loop {
            let Some(connection) = &mut self.connection else {
                match listening(&self.store, &self.name).await {
                    Ok(connection) => {
                        self.connection = Some(connection);
                        self.heard = Instant::now();
                        return Topic::Everything;
                    }
                    Err(error) => {
                        tracing::debug!(%error, "no connection for news");
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                }
            };
            let heard = {
                let mut notifications = pin!(connection.notifications_stream());
                tokio::time::timeout_at((self.heard + QUIET).into(), notifications.next()).await
            };
            match heard {
                Ok(Some(Ok(notification))) => {
                    self.heard = Instant::now();
                    self.asked = None;
                    if let Some(topic) = Topic::parse(&notification.payload) {
                        return topic;
                    }
                }
                Ok(Some(Err(_)) | None) => return self.lost(),
                Err(_) => {
                    // A caller that drops this future and soon calls again continues the same wait.
                    let waiting = self.asked.filter(|asked| asked.elapsed() < SIGN_OF_LIFE);
                    let asked = *self.asked.insert(waiting.unwrap_or_else(Instant::now));
                    let answer = diesel::sql_query("SELECT 1").execute(connection.as_mut());
                    match tokio::time::timeout_at((asked + SIGN_OF_LIFE).into(), answer).await {
                        Ok(Ok(_)) => {
                            self.heard = Instant::now();
                            self.asked = None;
                        }
                        _ => return self.lost(),
                    }
                }
            }
        }
    }

    fn lost(&mut self) -> Topic {
        self.connection = None;
        self.asked = None;
        Topic::Lost
    }
}

impl Store {
    /// Whether somebody listens under this name: see [`News::listen_as`].
    pub async fn is_connected(&self, name: &str) -> Result<bool> {
        crate::archive::on_connection!(self, connection => async {
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

async fn listening(store: &Store, name: &str) -> Result<Box<AsyncPgConnection>> {
    let (connection, ()) = crate::archive::on_dedicated!(store, connection => async {
        diesel::sql_query("SELECT set_config('application_name', $1, FALSE)")
            .bind::<Text, _>(name)
            .execute(connection)
            .await?;
        connection.batch_execute("LISTEN meetmemo").await
    })?;
    Ok(Box::new(connection))
}

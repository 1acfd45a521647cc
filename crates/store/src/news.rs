//! What changed, told by the database to every process that shows it.

use crate::ids::{ExportId, JobId, TranscriptId};
use crate::{Result, Store};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::StreamExt;
use std::pin::pin;
use std::time::Duration;

/// Pause before the next attempt when the connection is lost.
const PAUSE: Duration = Duration::from_millis(500);

/// Something to fetch again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A job's row changed, came or went.
    Job(JobId),
    /// How far the work on this job is.
    Progress(JobId),
    /// A version of a transcript changed or got a window.
    Transcript(TranscriptId),
    /// An export changed.
    Export(ExportId),
    /// The connection was lost and is back: whatever is shown may be stale.
    Everything,
}

impl Topic {
    fn parse(payload: &str) -> Option<Self> {
        let (kind, id) = payload.split_once(':')?;
        match kind {
            "job" => Some(Self::Job(id.parse().ok()?)),
            "progress" => Some(Self::Progress(id.parse().ok()?)),
            "transcript" => Some(Self::Transcript(id.parse().ok()?)),
            "export" => Some(Self::Export(id.parse().ok()?)),
            _ => None,
        }
    }
}

/// One listening connection. A process has one, however many views it shows.
pub struct News {
    store: Store,
    connection: Option<Box<AsyncPgConnection>>,
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
        let connection = listening(store).await?;
        Ok(Self { store: store.clone(), connection: Some(connection) })
    }

    /// Waits for the next piece of news. Reconnects by itself, then says [`Topic::Everything`].
    pub async fn next(&mut self) -> Topic {
        loop {
            let Some(connection) = &mut self.connection else {
                match listening(&self.store).await {
                    Ok(connection) => {
                        self.connection = Some(connection);
                        return Topic::Everything;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "no connection for news");
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                }
            };
            let heard = {
                let mut notifications = pin!(connection.notifications_stream());
                notifications.next().await
            };
            match heard {
                Some(Ok(notification)) => {
                    if let Some(topic) = Topic::parse(&notification.payload) {
                        return topic;
                    }
                }
                Some(Err(_)) | None => self.connection = None,
            }
        }
    }
}

async fn listening(store: &Store) -> Result<Box<AsyncPgConnection>> {
    let mut connection = store.dedicated().await?;
    connection.batch_execute("LISTEN meetmemo").await?;
    Ok(Box::new(connection))
}

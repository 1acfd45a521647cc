//! Forwards changes of the archive and of speech models to the page.

use super::{Core, CoreState};
use crate::notifications::JobNotifier;
use app::view::ModelState;
use app::{App, Topic};
use serde::Serialize;
use std::time::Duration;
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tokio::sync::broadcast;

/// How long a connection to the database may be lost before the page shows it.
const RECONNECT_GRACE: Duration = Duration::from_secs(1);

/// What has changed, as an event for the page. It carries ids and no content: the page fetches what it shows.
#[derive(Debug, Clone, Serialize, specta::Type, Event)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum NewsItem {
    /// A recording.
    Job {
        /// Its id.
        id: String,
    },
    /// The progress of the work on a recording.
    Progress {
        /// The id of the recording.
        id: String,
    },
    /// A version of a transcript.
    Transcript {
        /// The version's id.
        id: String,
    },
    /// The speakers of a meeting or their names.
    Speakers {
        /// The meeting's id.
        id: String,
    },
    /// The speakers of the segments of a meeting.
    #[serde(rename = "lines")]
    Segments {
        /// The meeting's id.
        id: String,
    },
    /// The known people.
    People,
    /// An export.
    Export {
        /// Its id.
        id: String,
    },
    /// Anything: the page must fetch everything that it shows.
    Everything,
}

/// A change of a speech model in this process, as an event for the page.
#[derive(Debug, Clone, Serialize, specta::Type, Event)]
pub(crate) struct ModelNews {
    /// The id of the model; empty if several may have changed.
    id: String,
    /// Its new state; `None` if the page must fetch all models.
    state: Option<ModelState>,
}

impl NewsItem {
    /// `None` for a lost connection, which the page learns from [`CoreState`], and for changes that concern only
    /// workers.
    fn of(topic: Topic) -> Option<Self> {
        Some(match topic {
            Topic::Job(id) => Self::Job { id: id.to_string() },
            Topic::Progress(id) => Self::Progress { id: id.to_string() },
            Topic::Transcript(id) => Self::Transcript { id: id.to_string() },
            Topic::Speakers(id) => Self::Speakers { id: id.to_string() },
            Topic::Segments(id) => Self::Segments { id: id.to_string() },
            Topic::People => Self::People,
            Topic::Export(id) => Self::Export { id: id.to_string() },
            Topic::Reconnected => Self::Everything,
            Topic::ConnectionLost | Topic::Task(_) => return None,
        })
    }
}

/// Forwards changes of the archive to the page, no matter which process made them, and shows notifications.
pub(super) async fn forward_news(handle: AppHandle, app: App, mut news: app::Notifications) {
    let core = handle.state::<Core>();
    let mut notifier = JobNotifier::default();
    loop {
        let mut topic = news.next().await;
        if topic == Topic::ConnectionLost {
            // After a restart the private server is back at once, and the page need not show anything.
            topic = match tokio::time::timeout(RECONNECT_GRACE, news.next()).await {
                Ok(topic) => topic,
                Err(_) => {
                    core.set_state(
                        &handle,
                        CoreState::Reconnecting(app.unresponsive_database_error().into()),
                    );
                    news.next().await
                }
            };
        }
        if let Some(item) = NewsItem::of(topic) {
            let _ = item.emit(&handle);
        }
        if topic == Topic::Reconnected {
            core.reconnected(&handle);
        }
        if let Topic::Job(id) | Topic::Progress(id) = topic {
            notifier.job_changed(&handle, &app, id).await;
        }
    }
}

/// Forwards changes of speech models in this process to the page.
pub(super) async fn forward_model_news(
    handle: AppHandle,
    mut news: broadcast::Receiver<app::view::ModelNews>,
) {
    loop {
        let item = match news.recv().await {
            Ok(app::view::ModelNews { id, state }) => ModelNews { id, state },
            Err(broadcast::error::RecvError::Lagged(_)) => ModelNews { id: String::new(), state: None },
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let _ = item.emit(&handle);
    }
}

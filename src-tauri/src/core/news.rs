//! Forwards changes of the archive and of speech models to the page.

use super::{Core, CoreState};
use crate::notifications::JobNotifier;
use app::view::ModelState;
use app::{App, JobId, Topic};
use serde::Serialize;
use std::collections::HashSet;
use std::time::Duration;
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tokio::sync::broadcast;
use tokio::time::Instant;

/// How long a connection to the database may be lost before the page shows it.
const RECONNECT_GRACE: Duration = Duration::from_secs(1);

/// How long further changes are awaited after a change.
const GATHER: Duration = Duration::from_millis(20);

/// If more changes come at once, the page fetches everything instead of each of them.
const MANY: usize = 300;

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
    /// Folders or tags.
    Folders,
    /// The note of a meeting.
    Note {
        /// The meeting's id.
        id: String,
    },
    /// The summaries of a meeting.
    Summaries {
        /// The meeting's id.
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
            Topic::Folders => Self::Folders,
            Topic::Note(id) => Self::Note { id: id.to_string() },
            Topic::Summaries(id) => Self::Summaries { id: id.to_string() },
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
        let mut topics = next_topics(&mut news).await;
        if topics.last() == Some(&Topic::ConnectionLost) {
            topics.pop();
            // After a restart the private server is back at once, and the page need not show anything.
            topics.push(match tokio::time::timeout(RECONNECT_GRACE, news.next()).await {
                Ok(topic) => topic,
                Err(_) => {
                    core.set_state(
                        &handle,
                        CoreState::Reconnecting(app.unresponsive_database_error().into()),
                    );
                    news.next().await
                }
            });
        }
        let items: Vec<NewsItem> = match topics.len() {
            few if few <= MANY => topics.iter().filter_map(|topic| NewsItem::of(*topic)).collect(),
            _ => vec![NewsItem::Everything],
        };
        for item in items {
            let _ = item.emit(&handle);
        }
        if topics.contains(&Topic::Reconnected) {
            core.reconnected(&handle);
        }
        let job = |topic: &Topic| match topic {
            Topic::Job(id) | Topic::Progress(id) => Some(*id),
            _ => None,
        };
        let jobs: Vec<JobId> = topics.iter().filter_map(job).collect();
        if !jobs.is_empty() {
            notifier.jobs_changed(&handle, &app, &jobs).await;
        }
    }
}

/// The next change, and the different ones that follow at once: a change of many meetings tells of each of them. If the
/// connection is lost, that is the last one.
async fn next_topics(news: &mut app::Notifications) -> Vec<Topic> {
    let mut topics = vec![news.next().await];
    let mut known: HashSet<Topic> = topics.iter().copied().collect();
    let end = Instant::now() + GATHER;
    while topics.last() != Some(&Topic::ConnectionLost) {
        match tokio::time::timeout_at(end, news.next()).await {
            Ok(topic) if known.insert(topic) => topics.push(topic),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    topics
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

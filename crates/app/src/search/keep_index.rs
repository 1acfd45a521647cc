//! The service that completes the search index: meetings from before search existed, and the list of words from which
//! beginnings of words and other spellings are found.

use crate::App;
use std::time::Duration;
use tokio::sync::watch;

/// Meetings per step. Each is indexed in a transaction of its own.
const STEP: u32 = 20;
/// How long to wait when nothing is left. Beginnings of the words of a new transcript are known after so long.
const IDLE: Duration = Duration::from_secs(5);
/// How long to wait after a failure.
const RETRY: Duration = Duration::from_secs(30);

impl App {
    /// Indexes what is not indexed yet, then looks for more now and then, until `over` or `stop` is true.
    pub(crate) async fn keep_search_index(
        &self,
        mut over: watch::Receiver<bool>,
        mut stop: watch::Receiver<bool>,
    ) {
        loop {
            let pause = match self.index_step().await {
                Ok(true) => Duration::ZERO,
                Ok(false) => IDLE,
                Err(error) => {
                    tracing::warn!(%error, "the search index cannot be completed now");
                    RETRY
                }
            };
            tokio::select! {
                biased;
                _ = over.wait_for(|over| *over) => return,
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Indexes some meetings, or counts the words of some. Returns whether more may be left.
    async fn index_step(&self) -> store::Result<bool> {
        if self.store.index_for_search(STEP).await? > 0 {
            return Ok(true);
        }
        Ok(self.store.count_words(STEP).await? > 0)
    }

    /// Indexes every meeting that is not indexed yet; `progress` gets the number of those left. Counts the words of some
    /// meetings whose words are not counted yet: a command that searches may be the first after a transcription.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn complete_search_index(&self, progress: &(dyn Fn(u32) + Sync)) -> anyhow::Result<()> {
        let mut left = self.store.search_backlog().await?;
        while left > 0 {
            progress(left);
            left = self.store.index_for_search(STEP).await?;
        }
        self.store.count_words(STEP).await?;
        Ok(())
    }
}

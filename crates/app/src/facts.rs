//! What the program is made of, for a page that tells what runs where.

use crate::App;
use anyhow::Result;

/// Where things run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What new recordings are transcribed with.
    pub engine: String,
    /// Languages these understand, BCP 47.
    pub languages: Vec<String>,
    /// The database server in its own words.
    pub database: String,
    /// Whether that is the private one.
    pub private_database: bool,
}

impl App {
    /// # Errors
    /// Where the archive fails.
    pub async fn facts(&self) -> Result<Facts> {
        let defaults = self.defaults_now().await?;
        let languages = match self.chosen(&defaults).await? {
            Ok(chosen) => chosen.capabilities().languages.clone(),
            Err(_) => Vec::new(),
        };
        Ok(Facts {
            engine: self.room.title(&defaults.model),
            languages,
            database: format!("PostgreSQL {}", self.store.server_version().await?),
            private_database: self.settings.database_url.is_none(),
        })
    }
}

//! What the program is made of, for a page that tells what runs where.

use crate::App;
use anyhow::Result;

/// Where things run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Engine and model that recordings are transcribed with.
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
        let offered = self.engine_capabilities();
        Ok(Facts {
            engine: format!("{}, {}", offered.engine, offered.model),
            languages: offered.languages,
            database: format!("PostgreSQL {}", self.store.server_version().await?),
            private_database: self.settings.database_url.is_none(),
        })
    }
}

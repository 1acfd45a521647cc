//! The engine and the database in use, for the window's “About” page.

use crate::App;
use crate::transcribe::error::SelectEngineError;
use anyhow::Result;

/// The engine and the database in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemInfo {
    /// Title of the speech model for new recordings.
    pub engine: String,
    /// Languages that this model knows, BCP 47. Empty if the model cannot be used.
    pub languages: Vec<String>,
    /// Name and version of the database server.
    pub database: String,
    /// Whether that is the private server.
    pub private_database: bool,
}

impl App {
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn system_info(&self) -> Result<SystemInfo> {
        let defaults = self.current_defaults().await?;
        let languages = match self.select_engine(&defaults).await {
            Ok(engine) => engine.capabilities().languages.clone(),
            Err(SelectEngineError::Unavailable(_)) => Vec::new(),
            Err(SelectEngineError::Internal(error)) => return Err(error.into()),
        };
        Ok(SystemInfo {
            engine: self.models.title(&defaults.model),
            languages,
            database: format!("PostgreSQL {}", self.store.server_version().await?),
            private_database: self.settings.database_url.is_none(),
        })
    }
}

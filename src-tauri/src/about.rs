//! What the program is, what it comes with, and what runs where.

use crate::failure::Answer;
use app::{App, Resources};
use serde::{Deserialize, Serialize};

/// Something that comes along.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type)]
pub(crate) struct Component {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SPDX expression.
    pub licence: String,
}

/// What the About page shows.
#[derive(Debug, Clone, Serialize, specta::Type)]
pub(crate) struct About {
    /// The program's version.
    pub version: String,
    /// Engine and model that recordings are transcribed with.
    pub engine: String,
    /// Languages these understand, BCP 47.
    pub languages: Vec<String>,
    /// The database server.
    pub database: String,
    /// Whether that is the program's own, on this computer.
    pub private_database: bool,
    /// Where everything is kept.
    pub data_folder: String,
    /// Everything that comes along, by name.
    pub components: Vec<Component>,
}

/// # Errors
/// Where the archive is closed or files of the program are missing.
pub(crate) async fn about(app: &App) -> Answer<About> {
    let facts = app.facts().await?;
    Ok(About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: facts.engine,
        languages: facts.languages,
        database: facts.database,
        private_database: facts.private_database,
        data_folder: app.data_folder().path().display().to_string(),
        components: components(app.resources().clone()).await,
    })
}

/// The list that set-up generates. Without it the rest of the page is shown all the same.
async fn components(resources: Resources) -> Vec<Component> {
    let read = move || std::fs::read(resources.folder().join("licenses/components.json"));
    let text = tokio::task::spawn_blocking(read).await.ok().and_then(Result::ok).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// All licence texts, one after the other.
///
/// # Errors
/// Where they are missing.
pub(crate) async fn licences(resources: Resources) -> Answer<String> {
    let read = move || -> anyhow::Result<String> {
        use anyhow::Context;
        let path = resources.folder().join("licenses/licences.txt");
        std::fs::read_to_string(&path)
            .with_context(|| format!("The licences are missing: {} could not be read", path.display()))
    };
    Ok(tokio::task::spawn_blocking(read).await.map_err(anyhow::Error::from)??)
}

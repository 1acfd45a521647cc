//! The About page: versions, engine, database and the licences of bundled components.

use crate::failure::CommandResult;
use app::{App, Resources};
use serde::{Deserialize, Serialize};

/// A bundled component.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type)]
pub(crate) struct Component {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence as an SPDX expression.
    pub licence: String,
}

/// The content of the About page.
#[derive(Debug, Clone, Serialize, specta::Type)]
pub(crate) struct About {
    /// The program's version.
    pub version: String,
    /// The engine and model that transcribe recordings.
    pub engine: String,
    /// The languages of the model, as BCP 47 tags.
    pub languages: Vec<String>,
    /// The database server and its version.
    pub database: String,
    /// Whether it is the private server on this computer.
    pub private_database: bool,
    /// The path of the data folder.
    pub data_folder: String,
    /// The bundled components, sorted by name.
    pub components: Vec<Component>,
}

/// Collects the content of the About page.
///
/// # Errors
/// If the archive does not answer or files of the program are missing.
pub(crate) async fn about(app: &App) -> CommandResult<About> {
    let facts = app.system_info().await?;
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

/// The components in the list that `cargo xtask setup` generates; empty if the list is missing or invalid.
async fn components(resources: Resources) -> Vec<Component> {
    let read = move || std::fs::read(resources.folder().join("licenses/components.json"));
    let text = tokio::task::spawn_blocking(read).await.ok().and_then(Result::ok).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// All licence texts in one text.
///
/// # Errors
/// If the file is missing.
pub(crate) async fn licences(resources: Resources) -> CommandResult<String> {
    let read = move || -> anyhow::Result<String> {
        use anyhow::Context;
        let path = resources.folder().join("licenses/licences.txt");
        std::fs::read_to_string(&path)
            .with_context(|| format!("The licences are missing: {} could not be read", path.display()))
    };
    Ok(tokio::task::spawn_blocking(read).await.map_err(anyhow::Error::from)??)
}

//! Opens the archive into which a backup is restored. It may be new, or its database damaged.

use super::selection::Selection;
use crate::data_folder::DataFolder;
use crate::{App, LocalApp, StartOptions};
use anyhow::Result;
use std::path::{Path, PathBuf};
use store::StoreError;
use store::managed::{ManagedError, StartPhase};

/// Gives a data folder that was never used the library id of the backup, if the library of the backup was on this
/// computer and is gone. Every row then comes back exactly as it was. Blocks.
pub(super) fn adopt_library(start: &StartOptions, selection: &Selection) -> Result<()> {
    let Some(header) = &selection.header else { return Ok(()) };
    let data = DataFolder::find(start.data_dir.clone())?;
    let is_gone = !Path::new(&header.library_folder).join(crate::data_folder::LIBRARY_ID).exists();
    if is_gone && data.machine_id()? == header.machine {
        data.adopt_library_id(header.library)?;
    }
    Ok(())
}

/// Opens the archive. A damaged database of the private server is kept aside, and a new one is created, after
/// `ensure_readable` has found that the backup can be read.
pub(super) async fn open_or_set_aside(
    start: StartOptions,
    dry_run: bool,
    ensure_readable: &(dyn Fn() -> Result<()> + Send + Sync),
    on_phase: &(dyn Fn(StartPhase) + Send + Sync),
) -> Result<(App, Option<PathBuf>)> {
    let damage = match open(start.clone(), on_phase).await {
        Ok(app) => match app.store.unreadable_tables().await?.into_iter().next() {
            None => return Ok((app, None)),
            Some(damage) => anyhow::Error::msg(damage),
        },
        Err(error) => error,
    };
    let local = LocalApp::prepare(start.clone()).await?;
    let is_private = local.settings.database_url.is_none();
    let folder = local.data.database();
    drop(local);
    if !is_private || !is_damage(&damage) {
        return Err(damage);
    }
    if dry_run {
        return Err(damage.context(
            "the database is damaged. A restore keeps it aside and makes a new one; a dry run cannot",
        ));
    }
    ensure_readable()?;
    tracing::warn!(%damage, "the database is damaged and is kept aside");
    let aside = tokio::task::spawn_blocking(move || store::managed::set_aside(&folder)).await??;
    Ok((open(start, on_phase).await?, Some(aside)))
}

async fn open(start: StartOptions, on_phase: &(dyn Fn(StartPhase) + Send + Sync)) -> Result<App> {
    App::open(LocalApp::prepare(start).await?, on_phase).await
}

/// Whether an error of opening or reading means that the files of the database are damaged.
fn is_damage(error: &anyhow::Error) -> bool {
    match error.chain().find_map(|cause| cause.downcast_ref::<StoreError>()) {
        None => error.downcast_ref::<crate::UserError>().is_none(),
        Some(StoreError::Managed(managed)) => matches!(managed, ManagedError::Damaged(_)),
        Some(error) => matches!(
            error,
            StoreError::Damaged(_)
                | StoreError::Query(_)
                | StoreError::Statement(_)
                | StoreError::Migration(_)
        ),
    }
}

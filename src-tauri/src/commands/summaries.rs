//! Commands for summaries.

use super::{CoreRef, job_id, parse_id};
use crate::failure::CommandResult;
use app::StatementEdit;
use app::view::{SavedSummary, SummaryView};

const NO_SUMMARY: &str = "There is no such summary.";

/// The summaries of a meeting, newest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn summaries(core: CoreRef<'_>, id: String) -> CommandResult<Vec<SummaryView>> {
    Ok(core.app()?.summaries(job_id(&id)?).await?)
}

/// Makes an extract of a meeting, or finds the one of the same transcript.
#[tauri::command]
#[specta::specta]
pub(crate) async fn extract_summary(core: CoreRef<'_>, id: String) -> CommandResult<SummaryView> {
    Ok(core.app()?.extract(job_id(&id)?).await?)
}

/// Changes a statement by hand, unless the summary no longer has the revision of the edit.
#[tauri::command]
#[specta::specta]
pub(crate) async fn edit_summary(
    core: CoreRef<'_>,
    summary_id: String,
    edit: StatementEdit,
) -> CommandResult<SavedSummary> {
    Ok(core.app()?.edit_summary(parse_id(&summary_id, NO_SUMMARY)?, &edit).await?)
}

/// Deletes a summary for good.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_summary(core: CoreRef<'_>, summary_id: String) -> CommandResult<()> {
    Ok(core.app()?.delete_summary(parse_id(&summary_id, NO_SUMMARY)?).await?)
}

//! Commands for search.

use super::{CoreRef, job_id};
use crate::failure::CommandResult;
use app::Typing;
use app::view::{Passage, SearchRequest, SearchResults};

/// Finds meetings while the user types.
#[tauri::command]
#[specta::specta]
pub(crate) async fn search(core: CoreRef<'_>, request: SearchRequest) -> CommandResult<SearchResults> {
    Ok(core.app()?.search(&request, Typing::InProgress).await?)
}

/// All passages of a meeting that a search finds.
#[tauri::command]
#[specta::specta]
pub(crate) async fn passages(
    core: CoreRef<'_>,
    request: SearchRequest,
    id: String,
) -> CommandResult<Vec<Passage>> {
    Ok(core.app()?.passages(&request.text, Typing::InProgress, job_id(&id)?).await?)
}

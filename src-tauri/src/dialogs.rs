//! The system's dialogs for files. What the user chooses there goes to the core and not through the page.

use crate::message;
use rfd::FileHandle;
use std::path::PathBuf;
use tauri::{AppHandle, Manager};

/// Endings offered first; all files can be chosen too, for what a file is its content decides.
const ENDINGS: &[&str] = &[
    "aac", "aif", "aiff", "amr", "avi", "caf", "flac", "m4a", "m4b", "mka", "mkv", "mov", "mp2", "mp3",
    "mp4", "mpga", "oga", "ogg", "opus", "wav", "weba", "webm", "wma", "wmv", "3gp",
];

/// Lets the user choose recordings; empty if they thought better of it.
pub(crate) async fn files(handle: &AppHandle) -> Vec<PathBuf> {
    let endings: Vec<String> = ENDINGS.iter().flat_map(|e| [(*e).to_owned(), e.to_uppercase()]).collect();
    let chosen = show(handle, move |dialog| {
        dialog
            .set_title(message::CHOOSE_FILES)
            .add_filter(message::RECORDINGS, &endings)
            .add_filter(message::ALL_FILES, &["*"])
            .pick_files()
    });
    paths(chosen.await.flatten().unwrap_or_default())
}

/// Lets the user choose folders of recordings.
pub(crate) async fn folders(handle: &AppHandle) -> Vec<PathBuf> {
    let chosen = show(handle, |dialog| dialog.set_title(message::CHOOSE_FOLDER).pick_folders());
    paths(chosen.await.flatten().unwrap_or_default())
}

/// Lets the user choose a file with a speech model.
pub(crate) async fn model(handle: &AppHandle) -> Option<PathBuf> {
    let chosen = show(handle, |dialog| {
        dialog
            .set_title(message::CHOOSE_MODEL)
            .add_filter(message::MODELS, &["gguf", "bin"])
            .add_filter(message::ALL_FILES, &["*"])
            .pick_file()
    });
    chosen.await.flatten().map(|file| file.path().to_owned())
}

/// Asks where to save a file. The dialog asks before it names one that exists.
pub(crate) async fn save(handle: &AppHandle, name: String, kind: &'static str) -> Option<PathBuf> {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_owned()).unwrap_or_default();
    // A folder on a file server that does not answer must not hold up the window.
    let folder = tokio::task::spawn_blocking(documents).await.ok().flatten();
    let chosen = show(handle, move |dialog| {
        let dialog = dialog.set_title(message::SAVE_AS).add_filter(kind, &[ending]).set_file_name(name);
        match folder {
            Some(folder) => dialog.set_directory(folder),
            None => dialog,
        }
        .save_file()
    });
    chosen.await.flatten().map(|file| file.path().to_owned())
}

fn documents() -> Option<PathBuf> {
    app::documents_folder().filter(|folder| folder.is_dir())
}

fn paths(files: Vec<FileHandle>) -> Vec<PathBuf> {
    files.iter().map(|file| file.path().to_owned()).collect()
}

/// Dialogs are made on the main thread; waiting for them must not block it.
async fn show<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    handle: &AppHandle,
    make: impl FnOnce(rfd::AsyncFileDialog) -> F + Send + 'static,
) -> Option<T> {
    let (send, receive) = tokio::sync::oneshot::channel();
    let window = handle.get_webview_window("main");
    let shown = handle.run_on_main_thread(move || {
        let mut dialog = rfd::AsyncFileDialog::new();
        if let Some(window) = &window {
            dialog = dialog.set_parent(window);
        }
        let _ = send.send(make(dialog));
    });
    shown.ok()?;
    Some(receive.await.ok()?.await)
}

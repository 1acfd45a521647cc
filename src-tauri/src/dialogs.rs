//! The system's file dialogs. The chosen paths go to the core and do not pass through the page.

use crate::texts;
use rfd::FileHandle;
use std::path::PathBuf;
use tauri::{AppHandle, Manager};

/// File extensions of the default filter. A second filter shows all files, because the content decides what a file is.
/// A test of `xtask` compares them with the file associations of the package.
const ENDINGS: &[&str] = &[
    "aac", "aif", "aiff", "amr", "avi", "caf", "flac", "m4a", "m4b", "mka", "mkv", "mov", "mp2", "mp3",
    "mp4", "mpga", "oga", "ogg", "opus", "wav", "weba", "webm", "wma", "wmv", "3gp",
];

/// Lets the user choose recordings; empty if they cancel.
pub(crate) async fn files(handle: &AppHandle) -> Vec<PathBuf> {
    let endings: Vec<String> = ENDINGS.iter().flat_map(|e| [(*e).to_owned(), e.to_uppercase()]).collect();
    let chosen = show(handle, move |dialog| {
        dialog
            .set_title(texts::CHOOSE_FILES)
            .add_filter(texts::RECORDINGS, &endings)
            .add_filter(texts::ALL_FILES, &["*"])
            .pick_files()
    });
    paths(chosen.await.flatten().unwrap_or_default())
}

/// Lets the user choose folders of recordings; empty if they cancel.
pub(crate) async fn folders(handle: &AppHandle) -> Vec<PathBuf> {
    let chosen = show(handle, |dialog| dialog.set_title(texts::CHOOSE_FOLDER).pick_folders());
    paths(chosen.await.flatten().unwrap_or_default())
}

/// Lets the user choose a speech model file; `None` if they cancel.
pub(crate) async fn model(handle: &AppHandle) -> Option<PathBuf> {
    let chosen = show(handle, |dialog| {
        dialog
            .set_title(texts::CHOOSE_MODEL)
            .add_filter(texts::MODELS, &["gguf", "bin"])
            .add_filter(texts::ALL_FILES, &["*"])
            .pick_file()
    });
    chosen.await.flatten().map(|file| file.path().to_owned())
}

/// Lets the user choose the folder for backups; `None` if they cancel. In a folder with other files, backups get a folder
/// of their own.
pub(crate) async fn backup_folder(handle: &AppHandle) -> Option<PathBuf> {
    folder_with_backups(handle, texts::CHOOSE_BACKUP_PLACE).await
}

/// Lets the user choose a folder with backups; `None` if they cancel.
pub(crate) async fn restore_folder(handle: &AppHandle) -> Option<PathBuf> {
    folder_with_backups(handle, texts::CHOOSE_BACKUP).await
}

/// Lets the user choose the folder for exports; `None` if they cancel.
pub(crate) async fn export_folder(handle: &AppHandle) -> Option<PathBuf> {
    folder(handle, texts::CHOOSE_EXPORT_FOLDER).await
}

async fn folder_with_backups(handle: &AppHandle, title: &'static str) -> Option<PathBuf> {
    let chosen = folder(handle, title).await?;
    tokio::task::spawn_blocking(move || app::backup_folder_in(&chosen)).await.ok()
}

async fn folder(handle: &AppHandle, title: &'static str) -> Option<PathBuf> {
    // Without a folder to begin in, GTK shows the recent files, where no folder can be chosen.
    let start = tokio::task::spawn_blocking(|| documents().or_else(std::env::home_dir)).await.ok().flatten();
    let chosen = show(handle, move |dialog| {
        let dialog = dialog.set_title(title);
        match start {
            Some(folder) => dialog.set_directory(folder),
            None => dialog,
        }
        .pick_folder()
    });
    Some(chosen.await.flatten()?.path().to_owned())
}

/// Lets the user choose a backup file; `None` if they cancel.
pub(crate) async fn restore_file(handle: &AppHandle) -> Option<PathBuf> {
    let chosen = show(handle, |dialog| {
        dialog
            .set_title(texts::CHOOSE_BACKUP)
            .add_filter(texts::BACKUPS, &["tar"])
            .add_filter(texts::ALL_FILES, &["*"])
            .pick_file()
    });
    chosen.await.flatten().map(|file| file.path().to_owned())
}

/// Lets the user choose the file with the passphrase of backups; `None` if they cancel.
pub(crate) async fn passphrase_file(handle: &AppHandle) -> Option<PathBuf> {
    any_file(handle, texts::CHOOSE_PASSPHRASE).await
}

/// Lets the user choose the certificate of a database server; `None` if they cancel.
pub(crate) async fn certificate(handle: &AppHandle) -> Option<PathBuf> {
    any_file(handle, texts::CHOOSE_CERTIFICATE).await
}

/// Lets the user choose an exported file; `None` if they cancel.
pub(crate) async fn exported_file(handle: &AppHandle) -> Option<PathBuf> {
    any_file(handle, texts::CHOOSE_EXPORT).await
}

/// Lets the user choose the logo of exports; `None` if they cancel.
pub(crate) async fn logo(handle: &AppHandle) -> Option<PathBuf> {
    let chosen = show(handle, |dialog| {
        dialog.set_title(texts::CHOOSE_LOGO).add_filter(texts::PICTURES, &["png", "jpg", "jpeg"]).pick_file()
    });
    chosen.await.flatten().map(|file| file.path().to_owned())
}

async fn any_file(handle: &AppHandle, title: &'static str) -> Option<PathBuf> {
    let chosen = show(handle, move |dialog| dialog.set_title(title).pick_file());
    chosen.await.flatten().map(|file| file.path().to_owned())
}

/// Asks where to save a file; `None` if the user cancels. The dialog asks before it returns the path of an existing
/// file.
pub(crate) async fn save(handle: &AppHandle, name: String, kind: &'static str) -> Option<PathBuf> {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_owned()).unwrap_or_default();
    // The folder may be on a file server that does not respond, which must not block the window.
    let folder = tokio::task::spawn_blocking(documents).await.ok().flatten();
    let chosen = show(handle, move |dialog| {
        let dialog = dialog.set_title(texts::SAVE_AS).add_filter(kind, &[ending]).set_file_name(name);
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

/// Creates a dialog on the main thread, as GTK requires, and waits for its result without blocking that thread.
async fn show<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    handle: &AppHandle,
    create: impl FnOnce(rfd::AsyncFileDialog) -> F + Send + 'static,
) -> Option<T> {
    let (send, receive) = tokio::sync::oneshot::channel();
    let window = handle.get_webview_window("main");
    let shown = handle.run_on_main_thread(move || {
        let mut dialog = rfd::AsyncFileDialog::new();
        if let Some(window) = &window {
            dialog = dialog.set_parent(window);
        }
        let _ = send.send(create(dialog));
    });
    shown.ok()?;
    Some(receive.await.ok()?.await)
}

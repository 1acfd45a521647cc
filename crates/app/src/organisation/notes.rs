//! Notes of meetings, in Markdown.

use crate::App;
use crate::archive::not_found;
use crate::organisation::view::{NoteView, SavedNote};
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use chrono::SecondsFormat;
use store::{JobId, Note, NoteSaved};

/// The most characters in a note, about fifty pages. All of it is searched.
const MAX_NOTE_CHARS: usize = 100_000;

impl App {
    /// The note of a meeting.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn note(&self, id: JobId) -> Result<NoteView> {
        self.stored_job(id).await?;
        Ok(view(self.store.note(id).await?))
    }

    /// Saves the note of a meeting. If the note no longer has this revision, nothing is saved, and the result holds the
    /// present note.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::NotOffered`] for a text that is too long or holds a NUL character.
    pub async fn save_note(&self, id: JobId, text: &str, revision: u32) -> Result<SavedNote> {
        if text.chars().count() > MAX_NOTE_CHARS {
            let message = format!("A note has at most {MAX_NOTE_CHARS} characters. Nothing was saved.");
            return Err(user_error(ErrorCode::NotOffered, message));
        }
        if text.contains('\0') {
            let message = "A note cannot hold the character NUL. Nothing was saved.";
            return Err(user_error(ErrorCode::NotOffered, message));
        }
        let revision = i32::try_from(revision).unwrap_or(i32::MAX);
        match self.store.save_note(id, text, revision).await? {
            NoteSaved::Saved(note) => Ok(SavedNote { saved: true, note: view(Some(note)) }),
            NoteSaved::Changed(note) => Ok(SavedNote { saved: false, note: view(note) }),
            NoteSaved::NoMeeting => Err(not_found(&id.to_string())),
        }
    }
}

fn view(note: Option<Note>) -> NoteView {
    match note {
        None => NoteView { text: String::new(), revision: 0, changed_at: None },
        Some(note) => NoteView {
            text: note.text,
            revision: u32::try_from(note.revision).unwrap_or(0),
            changed_at: Some(note.changed_at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        },
    }
}

//! What is wrong with a backup.

use super::layout::{Kind, ObjectName};
use super::manifest::Manifest;

/// Something in a backup that is damaged or missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    /// The path in the backup.
    pub(super) path: String,
    /// The object, if it is one.
    pub(super) object: Option<ObjectName>,
    /// What is wrong, a clause such as “is missing”.
    pub(super) what: String,
}

impl Damage {
    pub(super) fn object(name: &ObjectName, what: impl Into<String>) -> Self {
        Self { path: name.path(), object: Some(name.clone()), what: what.into() }
    }

    pub(super) fn file(path: &str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), object: None, what: what.into() }
    }

    /// A sentence that says which meetings it concerns.
    pub(super) fn sentence(&self, manifest: Option<&Manifest>) -> String {
        let Self { path, object, what } = self;
        let titles: Vec<String> = manifest
            .iter()
            .flat_map(|manifest| &manifest.meetings)
            .filter(|meeting| {
                object.as_ref().is_some_and(|object| match object.kind {
                    Kind::Rows => meeting.rows.sha256 == object.hash,
                    Kind::Audio => meeting.audio.content().is_some_and(|audio| audio.sha256 == object.hash),
                })
            })
            .map(|meeting| format!("“{}”", meeting.title))
            .collect();
        let part = match object.as_ref().map(|object| object.kind) {
            _ if titles.is_empty() => String::new(),
            Some(Kind::Audio) => format!(" (the audio of {})", titles.join(", ")),
            _ => format!(" (the text of {})", titles.join(", ")),
        };
        format!("{path}{part} {what}.")
    }
}

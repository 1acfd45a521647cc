//! Checks the entries of a catalogue.

use super::{File, Model, stem};
use crate::identity::{self, ModelId};
use std::collections::BTreeSet;

/// Whether every part between slashes is a safe name.
fn is_safe_path(path: &str) -> bool {
    path.split('/').all(identity::is_safe_name)
}

/// Whether this is a simple BCP 47 tag, such as `en`, `haw`, `pt-BR` or `zh-Hant`.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    parts
        .next()
        .is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase()))
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// # Errors
/// A clause about the first invalid field.
pub(super) fn check_model(model: &Model) -> Result<(), String> {
    let texts = [
        ("title", Some(&model.title)),
        ("family", Some(&model.family)),
        ("architecture", Some(&model.architecture)),
        ("licence", Some(&model.licence)),
        ("licence_note", model.licence_note.as_ref()),
        ("test_set", model.test_set.as_ref()),
        ("base_model", model.base_model.as_ref()),
    ];
    for (name, text) in texts {
        if text.is_some_and(|text| text.trim().is_empty() || text.chars().any(char::is_control)) {
            return Err(format!("its {name} is empty or has control characters in it"));
        }
    }
    if model.parameters_millions == 0 {
        return Err("it has no parameters".to_owned());
    }
    if let Some(tag) = model.languages.iter().find(|tag| !is_language(tag)) {
        return Err(format!("“{tag}” is not a language: write it as in en or pt-BR"));
    }
    let mut languages = BTreeSet::new();
    if let Some(tag) = model.languages.iter().find(|tag| !languages.insert(*tag)) {
        return Err(format!("the language “{tag}” is in it twice"));
    }
    if model.capabilities.max_speakers == Some(0) {
        return Err("tells_speakers cannot be 0: leave it out".to_owned());
    }
    if !is_safe_path(&model.hub_id) {
        return Err(format!("“{}” is not a repository at the hub", model.hub_id));
    }
    if let Some(revision) = model.revision.as_ref().filter(|revision| !identity::is_safe_name(revision)) {
        return Err(format!("“{revision}” is not a revision"));
    }
    if model.files.is_empty() {
        return Err("it has no files".to_owned());
    }
    model
        .files
        .iter()
        .try_for_each(|file| check_file(file).map_err(|why| format!("{}: {why}", file.file_name)))
}

fn check_file(file: &File) -> Result<(), String> {
    let named = identity::is_safe_name(&file.file_name)
        && stem(&file.file_name).is_some_and(|stem| stem.parse::<ModelId>().is_ok());
    if !named {
        return Err(
            "this is not a file name of a model: it must end with .gguf or .bin and have no slash".to_owned()
        );
    }
    if let Some(path) = file.path.as_ref().filter(|path| !is_safe_path(path)) {
        return Err(format!("“{path}” is not a path at the hub"));
    }
    if !identity::is_safe_name(&file.quantisation) {
        return Err(format!("“{}” is not a quantisation", file.quantisation));
    }
    if file.byte_size == Some(0) {
        return Err("its size is 0".to_owned());
    }
    for rate in [file.word_error_rate, file.diarization_error_rate].into_iter().flatten() {
        if !(0.0..=100.0).contains(&rate) {
            return Err(format!("an error rate of {rate} % is not possible"));
        }
    }
    if file.note.as_ref().is_some_and(|note| note.trim().is_empty() || note.chars().any(char::is_control)) {
        return Err("its note is empty or has control characters in it".to_owned());
    }
    Ok(())
}

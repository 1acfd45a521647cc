//! Order in the library: pages of the list ([`list`]), folders, tags, favourites, the trash, and notes.
//!
//! A change of many meetings is one transaction of the store, and its result says how to undo it. How long the trash
//! keeps meetings is a rule of clean-up.

mod changes;
mod folders;
pub(crate) mod list;
mod notes;
mod tags;
mod trash;
pub(crate) mod view;

pub use folders::path_of;
pub use tags::TAG_COLOURS;
pub(crate) use trash::require_not_trashed;

use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use transcript::single_line;

/// The most characters in the name of a folder or a tag.
const MAX_NAME_CHARS: usize = 100;

/// A name in one line, without spaces around it. `what` is what has it, such as “A tag”.
///
/// # Errors
/// [`ErrorCode::NotOffered`] if it is empty or too long.
fn checked_name(what: &str, name: &str) -> Result<String> {
    let name = single_line(name);
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(user_error(
            ErrorCode::NotOffered,
            format!("{what} has a name of 1 to {MAX_NAME_CHARS} characters."),
        ));
    }
    Ok(name)
}

/// A count for a view.
fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

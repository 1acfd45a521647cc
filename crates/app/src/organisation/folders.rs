//! Folders of meetings, and their paths such as `Clients/Acme`.

use super::{checked_name, count};
use crate::App;
use crate::organisation::view::FolderView;
use crate::speakers::same_name;
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use store::{Folder, FolderChange, FolderId, MAX_DEPTH};

/// What separates the names in the path of a folder; not allowed in names.
const SEPARATOR: char = '/';

impl App {
    /// All folders, each after the one that it is in, and those beside each other by name.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn folders(&self) -> Result<Vec<FolderView>> {
        let folders = self.store.folders().await?;
        Ok(folders.into_iter().map(|(folder, meetings)| view(folder, count(meetings))).collect())
    }

    /// Makes a folder, at the top or in `parent`.
    ///
    /// # Errors
    /// [`ErrorCode::NotOffered`] for a name that is invalid or taken, and if it would be too deep;
    /// [`ErrorCode::NotFound`] if there is no such parent.
    pub async fn add_folder(&self, name: &str, parent: Option<FolderId>) -> Result<FolderView> {
        let name = folder_name(name)?;
        let changed = self.store.add_folder(FolderId::new(), &name, parent).await?;
        Ok(view(done(changed, &name)?, 0))
    }

    /// Renames a folder and moves it to the top or into `parent`, with everything in it.
    ///
    /// # Errors
    /// As [`App::add_folder`]; [`ErrorCode::NotFound`] if there is no such folder, [`ErrorCode::NotOffered`] if
    /// `parent` is inside it.
    pub async fn change_folder(
        &self,
        id: FolderId,
        name: &str,
        parent: Option<FolderId>,
    ) -> Result<FolderView> {
        let name = folder_name(name)?;
        let folder = done(self.store.change_folder(id, &name, parent).await?, &name)?;
        let folders = self.folders().await?;
        let meetings = folders.iter().find(|folder| folder.id == id).map_or(0, |folder| folder.meetings);
        Ok(view(folder, meetings))
    }

    /// Deletes a folder. Its meetings and the folders in it move to the folder that it was in.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn delete_folder(&self, id: FolderId) -> Result<()> {
        self.store.delete_folder(id).await?.map(drop).ok_or_else(no_folder)
    }

    /// The folder with this path, in upper or lower case. A single name is also found inside other folders, if only one
    /// folder has it.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Ambiguous`] if several folders have this name.
    pub async fn find_folder(&self, path: &str) -> Result<FolderView> {
        let folders = self.folders().await?;
        let names = path_names(path)?;
        if let Some(folder) = at_path(&folders, &names) {
            return Ok(folder.clone());
        }
        let named = folders.iter().filter(|folder| same_name(&folder.name, &names[0]));
        let found: Vec<&FolderView> = named.filter(|_| names.len() == 1).collect();
        match found[..] {
            [folder] => Ok(folder.clone()),
            [] => Err(user_error(
                ErrorCode::NotFound,
                format!("There is no folder “{path}”. `meetmemo folder` lists the folders that there are."),
            )),
            _ => Err(user_error(
                ErrorCode::Ambiguous,
                format!(
                    "Several folders are called “{path}”. Give the whole path, such as “{}”.",
                    path_of(&folders, found[0])
                ),
            )),
        }
    }

    /// The folder with this path. Those of its folders that do not exist are made.
    ///
    /// # Errors
    /// As [`App::add_folder`].
    pub async fn make_folder(&self, path: &str) -> Result<FolderView> {
        let names = path_names(path)?;
        if names.len() > MAX_DEPTH {
            return Err(too_deep());
        }
        let mut folders = self.folders().await?;
        let mut made: Option<FolderView> = None;
        for depth in 1..=names.len() {
            let found = at_path(&folders, &names[..depth]).cloned();
            let folder = match found {
                Some(folder) => folder,
                None => {
                    let folder = self.add_folder(&names[depth - 1], made.map(|parent| parent.id)).await?;
                    folders.push(folder.clone());
                    folder
                }
            };
            made = Some(folder);
        }
        made.ok_or_else(no_folder)
    }

    /// A folder and all folders inside it.
    pub(crate) async fn folder_with_inner(&self, id: FolderId) -> Result<Vec<FolderId>> {
        let mut inner = vec![id];
        // Each folder comes after its parent.
        for folder in self.folders().await? {
            if folder.parent_id.is_some_and(|parent| inner.contains(&parent)) {
                inner.push(folder.id);
            }
        }
        Ok(inner)
    }
}

/// The path of a folder among all folders, such as `Clients/Acme`.
pub fn path_of(folders: &[FolderView], folder: &FolderView) -> String {
    let mut names = vec![folder.name.as_str()];
    let mut parent = folder.parent_id;
    while let Some(above) = parent.and_then(|id| folders.iter().find(|other| other.id == id)) {
        names.push(&above.name);
        // A loop in the table, which only a foreign program can make, ends at the limit too.
        parent = above.parent_id.filter(|_| names.len() <= MAX_DEPTH);
    }
    names.reverse();
    names.join(&SEPARATOR.to_string())
}

fn path_names(path: &str) -> Result<Vec<String>> {
    path.split(SEPARATOR).map(folder_name).collect()
}

fn at_path<'a>(folders: &'a [FolderView], names: &[String]) -> Option<&'a FolderView> {
    let mut found: Option<&FolderView> = None;
    for name in names {
        let parent = found.map(|folder| folder.id);
        let is_it = |folder: &&FolderView| folder.parent_id == parent && same_name(&folder.name, name);
        found = Some(folders.iter().find(is_it)?);
    }
    found
}

fn folder_name(name: &str) -> Result<String> {
    let name = checked_name("A folder", name)?;
    if name.contains(SEPARATOR) {
        return Err(user_error(
            ErrorCode::NotOffered,
            format!("The name of a folder cannot contain “{SEPARATOR}”, which separates folders in a path."),
        ));
    }
    Ok(name)
}

pub(super) fn no_folder() -> anyhow::Error {
    user_error(ErrorCode::NotFound, "There is no such folder. It may have been deleted.")
}

fn too_deep() -> anyhow::Error {
    user_error(ErrorCode::NotOffered, format!("At most {MAX_DEPTH} folders can be inside one another."))
}

/// The folder after a change, or why there was none.
fn done(change: FolderChange, name: &str) -> Result<Folder> {
    let refused = |message: String| Err(user_error(ErrorCode::NotOffered, message));
    match change {
        FolderChange::Done(folder) => Ok(folder),
        FolderChange::NotFound | FolderChange::NoParent => Err(no_folder()),
        FolderChange::NameTaken(_) => {
            refused(format!("There is a folder “{name}” in the same place already. Choose another name."))
        }
        FolderChange::InsideItself => {
            refused(format!("“{name}” cannot be moved into itself or a folder inside it."))
        }
        FolderChange::TooDeep => Err(too_deep()),
    }
}

fn view(folder: Folder, meetings: u32) -> FolderView {
    FolderView { id: folder.id, parent_id: folder.parent_id, name: folder.name, meetings }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn folder(name: &str, parent: Option<&FolderView>) -> FolderView {
        let parent_id = parent.map(|parent| parent.id);
        FolderView { id: FolderId::new(), parent_id, name: name.to_owned(), meetings: 0 }
    }

    #[test]
    fn a_path_leads_to_its_folder_in_any_case_and_back() {
        let clients = folder("Clients", None);
        let acme = folder("Acme", Some(&clients));
        let other = folder("Acme", None);
        let all = [clients.clone(), acme.clone(), other.clone()];
        let at = |path: &str| at_path(&all, &path_names(path).unwrap()).map(|folder| folder.id);
        assert_eq!(at("clients / ACME"), Some(acme.id));
        assert_eq!(at("acme"), Some(other.id));
        assert_eq!((at("Acme/Clients"), at("Clients/Acme/x"), at("x/Acme")), (None, None, None));
        assert_eq!(
            (path_of(&all, &acme), path_of(&all, &other)),
            ("Clients/Acme".to_owned(), "Acme".to_owned())
        );
    }

    #[test]
    fn names_are_one_line_of_1_to_100_characters_without_a_slash() {
        assert_eq!(folder_name("  Board\n meetings ").unwrap(), "Board meetings");
        assert_eq!(folder_name(&"ä".repeat(100)).unwrap().chars().count(), 100);
        for name in ["", " \n", &"x".repeat(101), "a/b"] {
            assert_eq!(ErrorCode::of(&folder_name(name).unwrap_err()), ErrorCode::NotOffered, "{name:?}");
        }
        assert!(path_names("a//b").is_err());
    }
}

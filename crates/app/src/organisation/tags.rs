//! Tags with colours.

use super::{checked_name, count};
use crate::App;
use crate::organisation::view::TagView;
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use store::{Tag, TagChange, TagId};

/// The names of the colours of tags. How they look is up to the page.
pub const TAG_COLOURS: [&str; 12] =
    ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12"];

impl App {
    /// All tags, by name.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn tags(&self) -> Result<Vec<TagView>> {
        let tags = self.store.tags().await?;
        Ok(tags.into_iter().map(|(tag, meetings)| view(tag, count(meetings))).collect())
    }

    /// Makes a tag; without a colour, with one that the fewest tags have.
    ///
    /// # Errors
    /// [`ErrorCode::NotOffered`] for a name that is invalid or taken, or an unknown colour.
    pub async fn add_tag(&self, name: &str, colour: Option<&str>) -> Result<TagView> {
        let name = checked_name("A tag", name)?;
        let colour = match colour {
            Some(colour) => known_colour(colour)?,
            None => rare_colour(&self.tags().await?),
        };
        let tag = Tag { id: TagId::new(), name, colour: colour.to_owned() };
        Ok(view(done(self.store.add_tag(&tag).await?, &tag.name)?, 0))
    }

    /// Changes the name and the colour of a tag.
    ///
    /// # Errors
    /// As [`App::add_tag`]; [`ErrorCode::NotFound`] if there is no such tag.
    pub async fn change_tag(&self, id: TagId, name: &str, colour: &str) -> Result<TagView> {
        let tag = Tag { id, name: checked_name("A tag", name)?, colour: known_colour(colour)?.to_owned() };
        let changed = done(self.store.change_tag(&tag).await?, &tag.name)?;
        let tags = self.tags().await?;
        let meetings = tags.iter().find(|tag| tag.id == id).map_or(0, |tag| tag.meetings);
        Ok(view(changed, meetings))
    }

    /// Deletes a tag; the meetings that had it stay.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn delete_tag(&self, id: TagId) -> Result<()> {
        self.store.delete_tag(id).await?.map(drop).ok_or_else(no_tag)
    }

    /// The tag with this name, in upper or lower case.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn find_tag(&self, name: &str) -> Result<TagView> {
        self.tag_named(name).await?.ok_or_else(|| {
            user_error(
                ErrorCode::NotFound,
                format!("There is no tag “{name}”. `meetmemo tag` lists the tags that there are."),
            )
        })
    }

    /// The tag with this name; it is made if there is none.
    ///
    /// # Errors
    /// As [`App::add_tag`].
    pub async fn make_tag(&self, name: &str) -> Result<TagView> {
        match self.tag_named(name).await? {
            Some(tag) => Ok(tag),
            None => self.add_tag(name, None).await,
        }
    }

    async fn tag_named(&self, name: &str) -> Result<Option<TagView>> {
        let name = checked_name("A tag", name)?.to_lowercase();
        Ok(self.tags().await?.into_iter().find(|tag| tag.name.to_lowercase() == name))
    }
}

fn known_colour(colour: &str) -> Result<&'static str> {
    TAG_COLOURS.into_iter().find(|known| *known == colour).ok_or_else(|| {
        user_error(
            ErrorCode::NotOffered,
            format!("There is no colour “{colour}”. There are: {}.", TAG_COLOURS.join(", ")),
        )
    })
}

/// The first of the colours that the fewest tags have.
fn rare_colour(tags: &[TagView]) -> &'static str {
    let uses = |colour: &&str| tags.iter().filter(|tag| tag.colour == **colour).count();
    TAG_COLOURS.into_iter().min_by_key(uses).unwrap_or(TAG_COLOURS[0])
}

pub(super) fn no_tag() -> anyhow::Error {
    user_error(ErrorCode::NotFound, "There is no such tag. It may have been deleted.")
}

/// The tag after a change, or why there was none.
fn done(change: TagChange, name: &str) -> Result<Tag> {
    match change {
        TagChange::Done(tag) => Ok(tag),
        TagChange::NotFound => Err(no_tag()),
        TagChange::NameTaken => Err(user_error(
            ErrorCode::NotOffered,
            format!("There is a tag “{name}” already. Choose another name."),
        )),
    }
}

fn view(tag: Tag, meetings: u32) -> TagView {
    TagView { id: tag.id, name: tag.name, colour: tag.colour, meetings }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_tag_gets_the_first_of_the_rarest_colours() {
        let tag = |colour: &str| TagView {
            id: TagId::new(),
            name: colour.to_owned(),
            colour: colour.to_owned(),
            meetings: 0,
        };
        assert_eq!(rare_colour(&[]), "c1");
        assert_eq!(rare_colour(&[tag("c1"), tag("c2")]), "c3");
        let mut all: Vec<TagView> = TAG_COLOURS.into_iter().map(tag).collect();
        all.push(tag("c1"));
        assert_eq!(rare_colour(&all), "c2");
    }
}

//! The outline of a PDF: the tree of entries that viewers show beside the pages.

use super::page::Position;

/// An entry of the outline.
#[derive(Debug, Clone)]
pub(super) struct OutlineEntry {
    pub(super) title: String,
    /// The viewer scrolls this position to the top of its window.
    pub(super) position: Position,
    pub(super) children: Vec<OutlineEntry>,
    /// Whether the children are shown at first.
    pub(super) open: bool,
}

impl OutlineEntry {
    /// An entry without children.
    pub(super) fn new(title: &str, position: Position) -> Self {
        Self { title: title.to_owned(), position, children: Vec::new(), open: false }
    }

    /// How many entries below this one are shown at first (ISO 32000, 12.3.3: `Count`).
    pub(super) fn shown(&self) -> usize {
        if self.open { self.children.iter().map(|child| 1 + child.shown()).sum() } else { 0 }
    }
}

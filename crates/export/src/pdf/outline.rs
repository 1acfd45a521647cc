//! The outline of a PDF: the tree of entries that viewers show beside the pages.

use transcript::AudioTime;

/// A position in the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    /// Index of the page.
    pub(super) page: usize,
    pub(super) y: f32,
}

/// Length of a section. Without speakers the outline has an entry per section; with many changes of speaker these are
/// grouped by section.
const SECTION_MS: u32 = 10 * 60 * 1000;
/// More changes of speaker than this are grouped by section.
const MAX_UNGROUPED_ENTRIES: usize = 60;

/// An entry of the outline.
#[derive(Debug)]
pub(super) struct OutlineEntry {
    pub(super) title: String,
    /// The viewer scrolls this position to the top of its window.
    pub(super) position: Position,
    pub(super) children: Vec<OutlineEntry>,
}

/// A place in the text that the outline may list.
pub(super) struct OutlineTarget {
    pub(super) time: AudioTime,
    /// The speaker who begins here, if known.
    pub(super) speaker: Option<String>,
    /// The first words spoken here; used without a speaker.
    pub(super) words: String,
    pub(super) position: Position,
}

impl OutlineTarget {
    /// Index of the section that contains the target.
    fn section(&self) -> u32 {
        self.time.as_ms() / SECTION_MS
    }

    fn entry(&self) -> OutlineEntry {
        let title = format!("{}  {}", self.time, self.speaker.as_ref().unwrap_or(&self.words));
        OutlineEntry { title, position: self.position, children: Vec::new() }
    }
}

/// The outline: every change of speaker, or, without speakers, the first target of each section. More than
/// [`MAX_UNGROUPED_ENTRIES`] changes of speaker become children of an entry per section. An outline of one entry is
/// left out.
pub(super) fn outline(mut targets: Vec<OutlineTarget>) -> Vec<OutlineEntry> {
    let has_speakers = targets.iter().any(|target| target.speaker.is_some());
    // With speakers, a target without one is a paragraph whose speaker continues.
    targets.retain(|target| !has_speakers || target.speaker.is_some());
    let sections = targets.chunk_by(|a, b| a.section() == b.section());
    let entries: Vec<OutlineEntry> = if !has_speakers {
        sections.map(|section| section[0].entry()).collect()
    } else if targets.len() <= MAX_UNGROUPED_ENTRIES {
        targets.iter().map(OutlineTarget::entry).collect()
    } else {
        let section_entry = |targets: &[OutlineTarget]| {
            let children = targets.iter().map(OutlineTarget::entry).collect();
            OutlineEntry { title: targets[0].time.to_string(), children, ..targets[0].entry() }
        };
        sections.map(section_entry).collect()
    };
    if entries.len() > 1 { entries } else { Vec::new() }
}

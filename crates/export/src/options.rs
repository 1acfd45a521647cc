//! What an export contains and how it looks. Each format uses the options that its row in [`FORMATS`](crate::FORMATS)
//! names and ignores the others.

use serde::{Deserialize, Serialize};

/// Options of an export. A missing field has its default, so options that an earlier version stored stay valid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(default)]
pub struct ExportOptions {
    /// Whether the speakers are named.
    pub speakers: bool,
    /// Which times are shown.
    pub times: Times,
    /// Whether the confidence of the engine is shown: per segment in documents, per word in data formats.
    pub confidence: bool,
    /// Whether doubtful passages are marked.
    pub doubts: bool,
    /// Whether the note that users wrote about the meeting is included.
    pub note: bool,
    /// Whether the summary is included, if there is one.
    pub summary: bool,
    /// Whether figures of the speakers (share, words, turns) are included.
    pub statistics: bool,
    /// The language of labels such as “Duration”.
    pub language: LabelLanguage,
    /// The paper size.
    pub paper: Paper,
    /// Whether a PDF begins with contents whose entries link to their pages.
    pub contents: bool,
    /// Whether the lines of a PDF are numbered, anew on each page.
    pub line_numbers: bool,
    /// Text that a PDF shows large and pale behind each page.
    pub watermark: Option<String>,
    /// Whether a PDF shows the logo beside the title, if there is one.
    pub logo: bool,
    /// Whether an HTML file contains the sound.
    pub audio: bool,
    /// How subtitles are cut.
    pub subtitles: SubtitleOptions,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self {
            speakers: true,
            times: Times::Segment,
            confidence: false,
            doubts: true,
            note: true,
            summary: true,
            statistics: true,
            language: LabelLanguage::English,
            paper: Paper::A4,
            contents: true,
            line_numbers: false,
            watermark: None,
            logo: true,
            audio: false,
            subtitles: SubtitleOptions::default(),
        }
    }
}

/// Which times an export shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// None.
    None,
    /// When each paragraph begins.
    Paragraph,
    /// When each segment begins.
    Segment,
    /// When each word begins.
    Word,
}

/// The paper size of a PDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Paper {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8½ × 11 inches.
    Letter,
}

/// A language of the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum LabelLanguage {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Italian.
    Italian,
    /// Portuguese.
    Portuguese,
    /// Dutch.
    Dutch,
}

/// How subtitles are cut. Limits that contradict each other are resolved in the order: no overlap, no word lost, lines,
/// characters per line, longest duration, gap, least duration, characters per second. A character is what a reader takes
/// for one (a grapheme cluster); invisible ones do not count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(default)]
pub struct SubtitleOptions {
    /// Most characters of a line, from 1 to 200.
    pub characters_per_line: u16,
    /// Most lines of a cue, from 1 to 8.
    pub lines: u16,
    /// Most characters to read per second.
    pub characters_per_second: u16,
    /// Shortest time that a cue is shown, in milliseconds.
    pub min_duration_ms: u32,
    /// Longest time that a cue is shown, in milliseconds.
    pub max_duration_ms: u32,
    /// Shortest time between two cues, in milliseconds.
    pub gap_ms: u32,
    /// A pause between two cues that is shorter than this, in milliseconds, is closed: the cue before it stays until
    /// `gap_ms` before the next.
    pub closed_pause_ms: u32,
    /// Whether each cue has the words of one speaker only.
    pub one_speaker_per_cue: bool,
}

/// Guides whose values subtitles can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SubtitleGuide {
    /// Netflix, Timed Text Style Guide: general requirements, subtitle timing and English.
    Netflix,
    /// BBC, Subtitle Guidelines 1.2.
    Bbc,
}

impl SubtitleOptions {
    /// The values of `guide`.
    pub const fn of(guide: SubtitleGuide) -> Self {
        match guide {
            // 5/6 s to 7 s; 42 characters and two lines; 20 characters per second in programmes for adults; gaps of two
            // frames, or of half a second and more, here at 24 frames per second.
            SubtitleGuide::Netflix => Self {
                characters_per_line: 42,
                lines: 2,
                characters_per_second: 20,
                min_duration_ms: 833,
                max_duration_ms: 7_000,
                gap_ms: 83,
                closed_pause_ms: 500,
                one_speaker_per_cue: true,
            },
            // 37 characters of teletext; 160 to 180 words per minute, which is 15 characters per second for words of five
            // characters with their space; no gaps below one second (4.5). The guide gives 0.3 s per word and no shortest
            // or longest time: one second is three words, and seven seconds are two full lines for a slow reader.
            SubtitleGuide::Bbc => Self {
                characters_per_line: 37,
                lines: 2,
                characters_per_second: 15,
                min_duration_ms: 1_000,
                max_duration_ms: 7_000,
                gap_ms: 0,
                closed_pause_ms: 1_000,
                one_speaker_per_cue: true,
            },
        }
    }
}

impl Default for SubtitleOptions {
    fn default() -> Self {
        Self::of(SubtitleGuide::Netflix)
    }
}

//! Arguments of `export`.

use app::{ExportOptions, LabelLanguage, Paper, SubtitleGuide, SubtitleOptions, Times};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Without an option for the place, the file goes to the folder `exports` in the data folder.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The beginnings of their ids.
    #[arg(value_name = "JOB", required_unless_present_any = ["all", "folder", "since"])]
    pub(crate) jobs: Vec<String>,
    /// All recordings with a complete transcript.
    #[arg(long, group = "which")]
    pub(crate) all: bool,
    /// The recordings in this folder and the folders in it, such as Clients/Acme.
    #[arg(long, value_name = "PATH")]
    pub(crate) folder: Option<String>,
    /// The recordings of this day or later: 2026-03-01, 2026-03, yesterday, 7d.
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<String>,
    /// The format; `meetmemo formats` lists them.
    #[arg(long = "type", value_name = "TYPE", value_parser = app::export_keys())]
    pub(crate) kind: String,
    /// A file or folder for one recording.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["to", "zip", "all", "folder", "since"])]
    pub(crate) output: Option<PathBuf>,
    /// A folder for the files. Files that are there and up to date are not made again.
    #[arg(long, value_name = "DIR", conflicts_with = "zip")]
    pub(crate) to: Option<PathBuf>,
    /// A ZIP file for the files.
    #[arg(long, value_name = "FILE")]
    pub(crate) zip: Option<PathBuf>,
    /// Replace existing files.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Content")]
struct Options {
    /// Do not name the speakers.
    #[arg(long)]
    no_speakers: bool,
    /// Which times to show [default: segment].
    #[arg(long, value_name = "WHICH")]
    times: Option<ShownTimes>,
    /// Show how sure the engine is.
    #[arg(long)]
    confidence: bool,
    /// Do not mark doubtful passages.
    #[arg(long)]
    no_doubts: bool,
    /// Leave out the summary.
    #[arg(long)]
    no_summary: bool,
    /// Leave out the note about the meeting.
    #[arg(long)]
    no_note: bool,
    /// Leave out the figures of the speakers.
    #[arg(long)]
    no_statistics: bool,
    /// The language of labels: en, de, fr, es, it, pt or nl [default: en].
    #[arg(long, value_name = "LANGUAGE")]
    labels: Option<Labels>,
    /// The paper of a PDF or Word document [default: as in the settings].
    #[arg(long, value_name = "SIZE")]
    paper: Option<PaperSize>,
    /// Leave out the contents of a PDF.
    #[arg(long)]
    no_contents: bool,
    /// Number the lines of a PDF.
    #[arg(long)]
    line_numbers: bool,
    /// Text behind the pages of a PDF, such as DRAFT.
    #[arg(long, value_name = "TEXT")]
    watermark: Option<String>,
    /// Leave out the logo that the settings name.
    #[arg(long)]
    no_logo: bool,
    /// Put the sound into an HTML file.
    #[arg(long)]
    audio: bool,
    /// The guide whose values subtitles follow [default: netflix].
    #[arg(long, value_name = "GUIDE", help_heading = "Subtitles")]
    guide: Option<Guide>,
    /// Most characters of a line.
    #[arg(long, value_name = "N", help_heading = "Subtitles", value_parser = clap::value_parser!(u16).range(10..=200))]
    characters_per_line: Option<u16>,
    /// Most lines of a subtitle.
    #[arg(long, value_name = "N", help_heading = "Subtitles", value_parser = clap::value_parser!(u16).range(1..=10))]
    lines: Option<u16>,
    /// Most characters to read per second.
    #[arg(long, value_name = "N", help_heading = "Subtitles", value_parser = clap::value_parser!(u16).range(5..=100))]
    characters_per_second: Option<u16>,
    /// Shortest time of a subtitle, in milliseconds.
    #[arg(long, value_name = "MS", help_heading = "Subtitles", value_parser = clap::value_parser!(u32).range(100..=10_000))]
    min_duration: Option<u32>,
    /// Longest time of a subtitle, in milliseconds.
    #[arg(long, value_name = "MS", help_heading = "Subtitles", value_parser = clap::value_parser!(u32).range(1_000..=60_000))]
    max_duration: Option<u32>,
    /// Shortest time between two subtitles, in milliseconds.
    #[arg(long, value_name = "MS", help_heading = "Subtitles", value_parser = clap::value_parser!(u32).range(0..=5_000))]
    gap: Option<u32>,
    /// Pauses up to this many milliseconds are closed: the subtitle before stays until the next.
    #[arg(long, value_name = "MS", help_heading = "Subtitles", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    closed_pause: Option<u32>,
    /// Allow several speakers in a subtitle.
    #[arg(long, help_heading = "Subtitles")]
    mixed_speakers: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ShownTimes {
    None,
    Paragraph,
    Segment,
    Word,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Labels {
    En,
    De,
    Fr,
    Es,
    It,
    Pt,
    Nl,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PaperSize {
    A4,
    Letter,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Guide {
    Netflix,
    Bbc,
}

impl Export {
    /// The options, where `default` says what is not given.
    pub(crate) fn options(&self, default: ExportOptions) -> ExportOptions {
        let given = &self.options;
        let subtitles = match given.guide {
            None => default.subtitles,
            Some(Guide::Netflix) => SubtitleOptions::of(SubtitleGuide::Netflix),
            Some(Guide::Bbc) => SubtitleOptions::of(SubtitleGuide::Bbc),
        };
        ExportOptions {
            speakers: !given.no_speakers,
            times: given.times.map_or(default.times, |times| match times {
                ShownTimes::None => Times::None,
                ShownTimes::Paragraph => Times::Paragraph,
                ShownTimes::Segment => Times::Segment,
                ShownTimes::Word => Times::Word,
            }),
            confidence: given.confidence,
            doubts: !given.no_doubts,
            note: !given.no_note,
            summary: !given.no_summary,
            statistics: !given.no_statistics,
            language: given.labels.map_or(default.language, |language| match language {
                Labels::En => LabelLanguage::English,
                Labels::De => LabelLanguage::German,
                Labels::Fr => LabelLanguage::French,
                Labels::Es => LabelLanguage::Spanish,
                Labels::It => LabelLanguage::Italian,
                Labels::Pt => LabelLanguage::Portuguese,
                Labels::Nl => LabelLanguage::Dutch,
            }),
            paper: given.paper.map_or(default.paper, |paper| match paper {
                PaperSize::A4 => Paper::A4,
                PaperSize::Letter => Paper::Letter,
            }),
            contents: !given.no_contents,
            line_numbers: given.line_numbers,
            watermark: given.watermark.clone(),
            logo: !given.no_logo,
            audio: given.audio,
            subtitles: SubtitleOptions {
                characters_per_line: given.characters_per_line.unwrap_or(subtitles.characters_per_line),
                lines: given.lines.unwrap_or(subtitles.lines),
                characters_per_second: given.characters_per_second.unwrap_or(subtitles.characters_per_second),
                min_duration_ms: given.min_duration.unwrap_or(subtitles.min_duration_ms),
                max_duration_ms: given.max_duration.unwrap_or(subtitles.max_duration_ms),
                gap_ms: given.gap.unwrap_or(subtitles.gap_ms),
                closed_pause_ms: given.closed_pause.unwrap_or(subtitles.closed_pause_ms),
                one_speaker_per_cue: !given.mixed_speakers && subtitles.one_speaker_per_cue,
            },
        }
    }
}

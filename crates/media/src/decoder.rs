//! Opens a file with the decoder that can read it: our own, or `ffmpeg`.
//!
//! The first bytes of the file decide what it is ([`sniff`]). Our own decoders come first: they need no other program,
//! give the same samples on every computer, and can start anywhere. `ffmpeg` reads what they refuse: containers and
//! codecs that this crate does not know, edit lists out of order, Matroska whose packets are packed, Vorbis with more
//! than two channels, and files in which they find no sound at all. Where a file is damaged midway, our own decoders
//! stay: of 1000 files that were changed at random, they kept less speech than `ffmpeg` in 5 and more in 53 (`cargo
//! xtask corpus --mutations 1000`).

use crate::containers::mpeg_audio;
use crate::error::MediaError;
use crate::ffmpeg::FfmpegDecoder;
use crate::ffmpeg::process::FfmpegOptions;
use crate::native::{DecodeOptions, Losses, NativeDecoder, SourceInfo};
use crate::sniff::{Container, FfmpegFormat, FileKind, HEAD_LEN, sniff};
use crate::stream_selection::StreamSelection;
use crate::tools::Tools;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Decodes one track of a file to mono.
pub(crate) enum Decoder {
    Native(Box<NativeDecoder>),
    Ffmpeg(Box<FfmpegDecoder>),
}

impl Decoder {
    /// Produces the next run of samples; `false` at the end.
    ///
    /// # Errors
    /// If the disk fails or `ffmpeg` hangs. Damage in the file is no error.
    pub(crate) fn next(&mut self) -> Result<bool, MediaError> {
        match self {
            Self::Native(native) => native.next(),
            Self::Ffmpeg(ffmpeg) => ffmpeg.next(),
        }
    }

    /// The samples of the last [`next`](Self::next): mono at [`rate`](Self::rate).
    pub(crate) fn samples(&self) -> &[f32] {
        match self {
            Self::Native(native) => native.samples(),
            Self::Ffmpeg(ffmpeg) => ffmpeg.samples(),
        }
    }

    /// Sample rate of the last run. It may change from run to run.
    pub(crate) fn rate(&self) -> u32 {
        match self {
            Self::Native(native) => native.rate(),
            Self::Ffmpeg(ffmpeg) => ffmpeg.rate(),
        }
    }

    /// Facts about the file and the track.
    pub(crate) fn info(&self) -> SourceInfo {
        match self {
            Self::Native(native) => native.info().clone(),
            Self::Ffmpeg(ffmpeg) => ffmpeg.info(),
        }
    }

    /// Number of audio tracks in the file.
    pub(crate) fn sound_tracks(&self) -> usize {
        match self {
            Self::Native(native) => native.sound_tracks(),
            Self::Ffmpeg(ffmpeg) => ffmpeg.streams(),
        }
    }

    /// What is missing or damaged. `ended` says that the decoder has been read to its end.
    pub(crate) fn losses(&self, ended: bool) -> Losses {
        match self {
            Self::Native(native) => native.losses(),
            Self::Ffmpeg(ffmpeg) => ffmpeg.losses(ended),
        }
    }
}

/// A file whose format has been recognised.
struct Sniffed {
    file: File,
    /// Length of the file in bytes.
    len: u64,
    kind: FileKind,
    /// Byte at which the container begins, behind ID3v2 tags.
    start: u64,
}

/// Opens the selected sound of the file at `path`: one decoder, or one for each track that belongs together with the
/// others. `read_tags` asks for title and date.
///
/// # Errors
/// Why there is no sound; `NoAudioTrack` for a track that is not one of those that belong together.
pub(crate) fn open(
    path: &Path,
    tools: &Tools,
    selection: StreamSelection,
    read_tags: bool,
) -> Result<Vec<Decoder>, MediaError> {
    let sniffed = Sniffed::new(path)?;
    match sniffed.kind {
        FileKind::Unknown => Err(MediaError::NotMedia),
        FileKind::FfmpegOnly(FfmpegFormat { name, demuxer }) => match tools.ffmpeg() {
            Some(program) => open_with_ffmpeg(program, path, name, demuxer, selection),
            None => Err(MediaError::NeedsFfmpeg { format: name.to_owned() }),
        },
        FileKind::Native(container) => open_native(path, sniffed, container, tools, selection, read_tags),
    }
}

/// Opens the file at `path` with `ffmpeg`, whatever this crate could decode itself. `None` if there is no `ffmpeg`.
///
/// # Errors
/// Why there is no sound.
pub(crate) fn open_ffmpeg(
    path: &Path,
    tools: &Tools,
    options: FfmpegOptions,
) -> Result<Option<FfmpegDecoder>, MediaError> {
    let Some(program) = tools.ffmpeg() else { return Ok(None) };
    let (name, demuxer) = match Sniffed::new(path)?.kind {
        FileKind::Unknown => return Err(MediaError::NotMedia),
        FileKind::FfmpegOnly(format) => (format.name, format.demuxer),
        FileKind::Native(container) => (container.name(), container.demuxer()),
    };
    FfmpegDecoder::open(program, path, name, demuxer, options).map(Some)
}

/// Whether the file may have several tracks that belong together.
pub(crate) fn may_have_tracks(path: &Path) -> Result<bool, MediaError> {
    let kind = Sniffed::new(path)?.kind;
    Ok(matches!(kind, FileKind::Native(Container::Mp4 | Container::Matroska)))
}

impl Sniffed {
    /// Opens the file at `path` and recognises its format.
    fn new(path: &Path) -> Result<Self, MediaError> {
        // Checked before opening: opening a named pipe would wait for a writer.
        let metadata = path.metadata().map_err(MediaError::Io)?;
        if !metadata.is_file() {
            return Err(MediaError::NotMedia);
        }
        let mut file = File::open(path).map_err(MediaError::Io)?;
        let len = file.metadata().map_err(MediaError::Io)?.len();
        if len == 0 {
            return Err(MediaError::Empty);
        }
        let mut head = Vec::new();
        let mut start = 0;
        // Programs that add a tag without removing the old one leave several.
        for _ in 0..4 {
            head.clear();
            file.seek(SeekFrom::Start(start)).map_err(MediaError::Io)?;
            file.by_ref().take(HEAD_LEN as u64).read_to_end(&mut head).map_err(MediaError::Io)?;
            match mpeg_audio::id3_len(&head) {
                0 => break,
                tag => start += tag,
            }
        }
        let kind = sniff(&head, head.len() < HEAD_LEN);
        // A tag and nothing else.
        if head.is_empty() {
            return Err(MediaError::NoSamples);
        }
        Ok(Self { file, len, kind, start })
    }
}

/// Opens a file of a container that this crate knows; with `ffmpeg` if our own decoders refuse it.
fn open_native(
    path: &Path,
    sniffed: Sniffed,
    container: Container,
    tools: &Tools,
    selection: StreamSelection,
    read_tags: bool,
) -> Result<Vec<Decoder>, MediaError> {
    let Sniffed { file, len, start, .. } = sniffed;
    let second_file = file.try_clone().map_err(MediaError::Io)?;
    let channel = if let StreamSelection::Channel(channel) = selection { Some(channel) } else { None };
    // With `ffmpeg`, HE-AAC is decoded in full; without, only its core.
    let options =
        DecodeOptions { read_tags, accept_aac_core: tools.ffmpeg().is_none(), channel, track: None };
    let refused = match NativeDecoder::open(file, len, start, container, options) {
        Ok(native) => return open_tracks(path, len, native, selection),
        Err(refused @ (MediaError::NeedsFfmpeg { .. } | MediaError::Damaged(_))) => refused,
        Err(refused) => return Err(refused),
    };
    let Some(program) = tools.ffmpeg() else { return Err(refused) };
    let name = container.name();
    match open_with_ffmpeg(program, path, name, container.demuxer(), selection) {
        Ok(decoders) => Ok(decoders),
        Err(failed) => {
            let options = DecodeOptions { accept_aac_core: true, ..options };
            match (NativeDecoder::open(second_file, len, start, container, options), refused) {
                (Ok(native), _) => open_tracks(path, len, native, selection),
                // `ffmpeg` is there, but cannot decode it either.
                (Err(_), MediaError::NeedsFfmpeg { format }) => match failed {
                    MediaError::Unsupported { .. } => Err(MediaError::Unsupported { codec: format }),
                    failed => Err(failed),
                },
                (Err(_), refused) => Err(refused),
            }
        }
    }
}

/// Opens the selected tracks of a file. `default` is the open track that players take.
fn open_tracks(
    path: &Path,
    len: u64,
    default: NativeDecoder,
    selection: StreamSelection,
) -> Result<Vec<Decoder>, MediaError> {
    let group = default.track_group_ids();
    let wanted = match selection {
        StreamSelection::Track(n) if !group.is_empty() => match group.get(usize::from(n)) {
            Some(id) => vec![*id],
            None => return Err(MediaError::NoAudioTrack),
        },
        StreamSelection::All if !group.is_empty() => group,
        selection => {
            channel_of(selection)?;
            return Ok(vec![Decoder::Native(Box::new(default))]);
        }
    };
    let tracks = wanted.into_iter().map(|id| {
        // A clone of the open file would share its cursor.
        let file = File::open(path).map_err(MediaError::Io)?;
        if file.metadata().map_err(MediaError::Io)?.len() != len {
            return Err(MediaError::damaged("the file was replaced while it was opened"));
        }
        Ok(Decoder::Native(Box::new(default.open_track(file, id)?)))
    });
    tracks.collect()
}

fn open_with_ffmpeg(
    program: &Path,
    path: &Path,
    name: &'static str,
    demuxer: &str,
    selection: StreamSelection,
) -> Result<Vec<Decoder>, MediaError> {
    let options = FfmpegOptions { channel: channel_of(selection)?, ..FfmpegOptions::default() };
    let decoder = FfmpegDecoder::open(program, path, name, demuxer, options)?;
    Ok(vec![Decoder::Ffmpeg(Box::new(decoder))])
}

/// The channel that is selected of the only decoded track; `None` for the mean of all channels.
fn channel_of(selection: StreamSelection) -> Result<Option<u16>, MediaError> {
    match selection {
        StreamSelection::All | StreamSelection::Track(0) => Ok(None),
        StreamSelection::Channel(channel) => Ok(Some(channel)),
        StreamSelection::Track(_) => Err(MediaError::NoAudioTrack),
    }
}

//! Opens a file for decoding: chooses the demuxer, the track and the decoder.

use super::catch_panic::{LibraryError, catch_panic};
use super::container_info::ContainerInfo;
use super::mpeg_demuxer::MpegDemuxer;
use super::{
    Current, DecodeOptions, DecoderConfig, FrameCounter, NativeDecoder, Origin, SourceInfo, Tags, TrackGroup,
};
use crate::containers::matroska::ClusterScanner;
use crate::error::MediaError;
use crate::file_view::{FileSource, FileView, ReadPosition};
use crate::resample::RATES;
use crate::seek_index::{MAX_MARKS, MarkRecorder};
use crate::sniff::Container;
use crate::timeline::Timeline;
use std::collections::VecDeque;
use std::fs::File;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::units::Duration;
use transcript::SAMPLE_RATE;

impl NativeDecoder {
    /// Opens the file, chooses a track and decodes until there is sound. A track named in `options` is not decoded yet:
    /// its sound may begin hours later.
    ///
    /// `len` is the length of the file in bytes, `start` the byte at which the container begins.
    ///
    /// # Errors
    /// `NeedsFfmpeg` if the container is readable but the codec is not decoded here; else why there is no sound.
    pub(crate) fn open(
        file: File,
        len: u64,
        start: u64,
        container: Container,
        options: DecodeOptions,
    ) -> Result<Self, MediaError> {
        let container_info = ContainerInfo::read(&file, len, start, container, options)?;
        let Demuxer { format, position, tags } = Demuxer::open(&file, len, &container_info, options)?;
        let (track, decoder_config, decoder) = container_info.choose_track(&*format, options)?;
        let tick = track.time_base.map_or(0.0, f64::from);
        let info = source_info(&container_info, &track, &*format, &decoder_config, tags);
        let sound_tracks = container_info.sound_tracks(&*format);
        let group_ids = container_info.track_group_ids(&*format, options);
        let time_shift = |track: &Track| container_info.time_shift(track);
        let stated_end = container_info.stated_end(&*format, len);
        let track_group = TrackGroup::new(&group_ids, format.tracks(), time_shift, stated_end);
        let rate_per_channel =
            |rate: u32| rate / u32::from(container_info.interleaved_channels().unwrap_or(1));
        let stated_rate = decoder_config.params().sample_rate.map(rate_per_channel);
        let placement = container_info.placement(&track, format.tracks().len(), track_group.is_some());
        let unknown_size_patch = container_info.matroska.unknown_size_patch.clone();
        let mut native = Self {
            container,
            origin: Origin {
                file,
                len,
                start,
                options,
                view: container_info.view.clone(),
                unknown_size_patch,
            },
            decoder_config,
            decoder,
            track: track.id,
            tick,
            timeline: Timeline::new(placement),
            played_ranges: container_info.played_ranges(&track),
            fragmented_tracks: container_info.fragmented_tracks(),
            decoded: Vec::new(),
            interleaved_channels: container_info.interleaved_channels(),
            partial_frame: Vec::new(),
            pending: VecDeque::new(),
            spare_buffers: Vec::new(),
            mono: Vec::new(),
            rate: stated_rate.filter(|rate| RATES.contains(rate)).unwrap_or(SAMPLE_RATE),
            silence: 0,
            mono_ready: false,
            zeros: Vec::new(),
            current: Current::Sound,
            position,
            counter: FrameCounter::default(),
            marks: MarkRecorder::new(max_marks(if track_group.is_some() { sound_tracks } else { 1 })),
            section: 0,
            clusters: container_info.matroska.body.map(ClusterScanner::new),
            codec_delay: container_info.codec_delay(),
            expected_end: container_info.expected_end(&track, &*format, tick),
            sound_tracks,
            track_group,
            ended: false,
            end_unchecked: false,
            last_read: 0.0,
            resumed_at: 0,
            opus_start: None,
            packet_padding: Duration::ZERO,
            after_damage: false,
            has_sound: false,
            failures: 0,
            panics: 0,
            skipped_bytes: 0,
            losses: container_info.losses(),
            info,
            format,
        };
        if options.track.is_none() {
            native.start()?;
        }
        Ok(native)
    }

    /// Opens one of the tracks of [`track_group_ids`](Self::track_group_ids). `file` is the same file, opened anew: a
    /// clone of the open file would share its cursor.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn open_track(&self, file: File, track: u32) -> Result<Self, MediaError> {
        let Origin { len, start, options, .. } = self.origin;
        Self::open(file, len, start, self.container, DecodeOptions { track: Some(track), ..options })
    }
}

/// An open demuxer, and what opening it has found.
struct Demuxer {
    format: Box<dyn FormatReader>,
    /// How far the demuxer has read the file.
    position: ReadPosition,
    /// Title and date, if they were asked for.
    tags: Tags,
}

impl Demuxer {
    fn open(
        file: &File,
        len: u64,
        container_info: &ContainerInfo,
        options: DecodeOptions,
    ) -> Result<Self, MediaError> {
        let clone = || file.try_clone().map_err(MediaError::Io);
        let source = FileSource::new(clone()?, len, container_info.view.clone()).map_err(MediaError::Io)?;
        let mut position = source.position();
        let mut tags = Tags::default();
        let opened = match container_info.container {
            Container::Mpeg(_) => {
                // Only symphonia's demuxer reads tags; the frames are read by our own.
                if options.read_tags
                    && let Ok(mut tagged) = open_demuxer(source)
                {
                    tags.read(&mut *tagged);
                }
                position = ReadPosition::default();
                open_mpeg_demuxer(clone()?, len, container_info.first_frame, None, &position)
            }
            _ => open_demuxer(source),
        };
        let mut format = opened.map_err(|error| container_info.refusal(error))?;
        if options.read_tags {
            tags.read(&mut *format);
        }
        container_info.add_tags(&mut tags);
        Ok(Self { format, position, tags })
    }
}

fn source_info(
    container_info: &ContainerInfo,
    track: &Track,
    format: &dyn FormatReader,
    decoder_config: &DecoderConfig,
    tags: Tags,
) -> SourceInfo {
    let container = container_info.container;
    let params = decoder_config.params();
    let tick = track.time_base.map_or(0.0, f64::from);
    SourceInfo {
        container: container.name(),
        codec: decoder_config.name(container),
        sample_rate: params.sample_rate.unwrap_or(0),
        channels: params.channels.as_ref().map_or(0, |c| u16::try_from(c.count()).unwrap_or(u16::MAX)),
        duration: container_info.duration(track, format, tick),
        tags,
    }
}

/// How many marks each of `tracks` tracks keeps, so that all of them together stay within a bound.
fn max_marks(tracks: usize) -> usize {
    (2 * MAX_MARKS / tracks.max(1)).min(MAX_MARKS)
}

/// Opens the demuxer for bare MPEG frames at byte `base` of the file; see [`MpegDemuxer::new`].
pub(super) fn open_mpeg_demuxer(
    file: File,
    len: u64,
    base: u64,
    first: Option<i64>,
    position: &ReadPosition,
) -> Result<Box<dyn FormatReader>, LibraryError> {
    let view = FileView { start: base, ..FileView::default() };
    let source = FileSource::new(file, len, view).map_err(LibraryError::Io)?;
    catch_panic(|| {
        let stream = MediaSourceStream::new(Box::new(source), Default::default());
        let reader: Box<dyn FormatReader> =
            Box::new(MpegDemuxer::new(stream, base, len, first, position.clone())?);
        Ok(reader)
    })
}

/// Opens symphonia's demuxer for what `source` shows.
pub(super) fn open_demuxer(source: FileSource) -> Result<Box<dyn FormatReader>, LibraryError> {
    catch_panic(|| {
        let stream = MediaSourceStream::new(Box::new(source), Default::default());
        symphonia::default::get_probe().probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
    })
}

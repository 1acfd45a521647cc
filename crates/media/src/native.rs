//! Decodes one audio track in this process, from packets to mono samples on the time line of the recording.
//!
//! symphonia supplies most demuxers and decoders; libopus decodes Opus. This module adds:
//!
//! - `mpeg_demuxer` reads MPEG audio and AAC frames that have no container.
//! - [`container_info`] reads the parts of a container that the demuxer ignores or gets wrong, and corrects what the
//!   demuxer is shown.
//! - [`packets`] fetches packets and goes on behind damage, [`decode`] decodes them to mono, [`placement`] gives each
//!   run of samples its place on the [`Timeline`].
//! - [`seek`] starts in the middle of a file, for playback only.
//!
//! A decoded run waits in `pending` until the time line has seen enough later timestamps to place it. Then it leaves
//! silence, samples, or both for [`NativeDecoder::next`].
//!
//! Tracks that belong together each have a [`NativeDecoder`] with a demuxer of its own. Their [`TrackGroup`]s agree
//! about time without exchanging anything: in Matroska and fragmented MP4 each sees the packets of all tracks; in other
//! MP4 files the header places the tracks.

mod catch_panic;
mod codecs;
mod container_info;
mod decode;
mod frame_counter;
mod mpeg_demuxer;
mod open;
mod packets;
mod placement;
mod seek;
mod skip;
mod tags;
mod track_group;

use crate::containers::matroska::ClusterScanner;
use crate::containers::mp4::{self, PlayedRange};
use crate::error::MediaError;
use crate::file_view::{FileView, Patch, ReadPosition};
use crate::seek_index::{Mark, MarkRecorder};
use crate::sniff::Container;
use crate::timeline::{SILENCE_RUN, Timeline};
use codecs::DecoderConfig;
use frame_counter::FrameCounter;
use placement::PendingRun;
use std::collections::VecDeque;
use std::fs::File;
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::formats::FormatReader;
use symphonia::core::units::Duration;
use track_group::TrackGroup;

pub(crate) use tags::Tags;

/// The longest packet of any codec, in seconds: FLAC's has 65535 frames. Longer durations are not believed.
const MAX_PACKET_SECONDS: f64 = 10.0;

/// Facts about a file that are known before it is read to the end.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourceInfo {
    pub(crate) container: &'static str,
    pub(crate) codec: String,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u16,
    /// Seconds, as stated or estimated.
    pub(crate) duration: Option<f64>,
    pub(crate) tags: Tags,
}

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct DecodeOptions {
    /// Read titles and dates. Otherwise they are skipped where possible, and pictures with them.
    pub(crate) read_tags: bool,
    /// Accept the core of an HE-AAC stream without spectral band replication: about half the band.
    pub(crate) accept_aac_core: bool,
    /// Give this channel of the track, counted from 0, instead of the mean of all channels.
    pub(crate) channel: Option<u16>,
    /// Decode the track with this number in the demuxer instead of the one that players take. It may have no sound.
    pub(crate) track: Option<u32>,
}

/// What is missing or damaged in the sound given so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Losses {
    /// The file ended, or could not be read on, before its stated end.
    pub(crate) ends_early: bool,
    /// A part in between was damaged.
    pub(crate) damaged: bool,
    /// Length of the damaged parts in seconds, where known.
    pub(crate) lost: f64,
}

/// What is needed to open the file again.
struct Origin {
    file: File,
    /// Length of the file in bytes.
    len: u64,
    /// Byte at which the container begins, behind ID3v2 tags.
    start: u64,
    options: DecodeOptions,
    /// What the demuxer is shown.
    view: FileView,
    /// Makes the size of a Matroska segment unknown.
    unknown_size_patch: Option<Patch>,
}

/// Decodes one track of one file, from start to end.
pub(crate) struct NativeDecoder {
    container: Container,
    origin: Origin,
    format: Box<dyn FormatReader>,
    decoder_config: DecoderConfig,
    decoder: Box<dyn AudioDecoder>,
    /// Number of the track in the demuxer.
    track: u32,
    /// Seconds per unit of the track's timestamps.
    tick: f64,
    timeline: Timeline,
    /// Ranges of the track that its edit list plays; empty if it plays all of the track.
    played_ranges: Vec<PlayedRange>,
    /// The tracks of a fragmented MP4 file; empty for all other files.
    fragmented_tracks: Vec<mp4::Track>,
    /// The packet decoded last, channel by channel.
    decoded: Vec<Vec<f32>>,
    /// Number of channels that the demuxer sees as one, sample by sample in turn.
    interleaved_channels: Option<u16>,
    /// Interleaved samples of a frame that is not complete yet.
    partial_frame: Vec<f32>,
    /// Runs that wait for their place on the time line, in the order in which the time line was given them.
    pending: VecDeque<PendingRun>,
    /// Buffers to be used again for runs.
    spare_buffers: Vec<Vec<f32>>,
    /// The run that was placed last.
    mono: Vec<f32>,
    /// Sample rate of `mono`; before the first run, that of the header.
    rate: u32,
    /// Frames of silence still to be given, at `rate`.
    silence: u64,
    /// `mono` has not been given yet.
    mono_ready: bool,
    zeros: Vec<f32>,
    current: Current,
    /// How far the file has been read, which is ahead of the packets that the demuxer gives.
    position: ReadPosition,
    /// Frames given so far.
    counter: FrameCounter,
    marks: MarkRecorder,
    /// Number of the stream within the file: 0 for the first, one more for each stream that was appended.
    section: u32,
    /// Finds the clusters of a Matroska file; `None` for other containers.
    clusters: Option<ClusterScanner>,
    /// What the Matroska demuxer subtracts from timestamps, in seconds.
    codec_delay: f64,
    expected_end: ExpectedEnd,
    /// Number of audio tracks in the file.
    sound_tracks: usize,
    /// The tracks that belong together, this one among them; `None` if this track is read alone.
    track_group: Option<TrackGroup>,
    ended: bool,
    /// The end of the file was reached and has not been compared with the stated one.
    end_unchecked: bool,
    /// Timestamp of the last packet of any track, in seconds.
    last_read: f64,
    /// Byte of the last Matroska cluster or appended file at which reading resumed; 0 if it never did.
    resumed_at: u64,
    /// Timestamp of the first packet of an Opus stream in Ogg if it is negative, else 0; `None` before that packet.
    opus_start: Option<i64>,
    /// Length to cut off the end of the current packet if it turns out to be the last.
    packet_padding: Duration,
    /// The next sound is the first behind damage.
    after_damage: bool,
    /// Some sound has been placed.
    has_sound: bool,
    /// Number of packets in a row that gave nothing.
    failures: u32,
    panics: u32,
    /// Bytes of packets that were read but not decoded.
    skipped_bytes: u64,
    losses: Losses,
    info: SourceInfo,
}

/// What [`NativeDecoder::samples`] returns.
#[derive(Debug, Clone, Copy)]
enum Current {
    /// This many zeros.
    Silence(usize),
    /// All of `mono`.
    Sound,
}

/// When the file should end, according to its header.
#[derive(Debug, Clone, Copy, Default)]
struct ExpectedEnd {
    /// Seconds; `None` if the header has no length or only a guess.
    duration: Option<f64>,
    /// The duration is that of the longest track, which need not be the decoded one.
    is_of_all_tracks: bool,
    /// End of the last packet of any other track, in seconds.
    last_packet_end: f64,
}

impl NativeDecoder {
    /// The numbers of the tracks that belong together, in the order of the file; empty if this track is read alone.
    pub(crate) fn track_group_ids(&self) -> Vec<u32> {
        self.track_group.as_ref().map(TrackGroup::ids).unwrap_or_default()
    }

    /// Facts about the file, as found when it was opened.
    pub(crate) fn info(&self) -> &SourceInfo {
        &self.info
    }

    /// Number of audio tracks in the file.
    pub(crate) fn sound_tracks(&self) -> usize {
        self.sound_tracks
    }

    /// Whether the stated length is missing or an estimate from a few bitrates.
    pub(crate) fn length_is_a_guess(&self) -> bool {
        let counted = !matches!(self.container, Container::Mpeg(stream) if !stream.counted);
        !counted || self.info.duration.is_none()
    }

    /// What was lost so far; complete after the end.
    pub(crate) fn losses(&self) -> Losses {
        self.losses
    }

    /// The samples of the last [`next`](Self::next): mono at [`rate`](Self::rate).
    pub(crate) fn samples(&self) -> &[f32] {
        match self.current {
            Current::Silence(n) => &self.zeros[..n],
            Current::Sound => &self.mono,
        }
    }

    /// Sample rate of the last run. It may change from run to run.
    pub(crate) fn rate(&self) -> u32 {
        self.rate
    }

    /// Frames given so far, at the rate of the first of them.
    pub(crate) fn position(&self) -> u64 {
        self.counter.position()
    }

    /// Seek marks of what was read so far.
    pub(crate) fn marks(&self) -> &[Mark] {
        self.marks.all()
    }

    /// Produces the next run of samples; `false` at the end.
    ///
    /// # Errors
    /// Only if the disk fails. Damage is skipped, see [`losses`](Self::losses).
    pub(crate) fn next(&mut self) -> Result<bool, MediaError> {
        loop {
            if self.silence > 0 {
                let most = (f64::from(self.rate) * SILENCE_RUN) as u64;
                let n = self.silence.min(most.max(1));
                self.silence -= n;
                self.zeros.resize(self.zeros.len().max(n as usize), 0.0);
                self.current = Current::Silence(n as usize);
                self.counter.add(self.rate, n);
                return Ok(true);
            }
            if self.mono_ready {
                self.mono_ready = false;
                self.current = Current::Sound;
                self.counter.add(self.rate, self.mono.len() as u64);
                return Ok(true);
            }
            if self.place_next(self.ended) {
                continue;
            }
            if self.ended {
                self.compare_with_header();
                return Ok(false);
            }
            self.advance()?;
        }
    }

    /// Decodes until there is sound, so that a file without any is refused when it is opened.
    ///
    /// # Errors
    /// `NoSamples` or `Damaged` if the file ends before there is sound; also if the disk fails.
    pub(crate) fn start(&mut self) -> Result<(), MediaError> {
        while !self.has_sound {
            if !self.place_next(self.ended) {
                if self.ended {
                    break;
                }
                self.advance()?;
            }
        }
        if self.has_sound {
            // The decoder knows the rate better than the header.
            self.info.sample_rate = self.rate;
            Ok(())
        } else if self.losses.damaged || self.losses.ends_early {
            Err(MediaError::damaged("not one packet could be decoded"))
        } else {
            Err(MediaError::NoSamples)
        }
    }

    /// Fetches and decodes one packet. The packet may be of another track or give nothing.
    fn advance(&mut self) -> Result<(), MediaError> {
        match self.fetch()? {
            Some(packet) => {
                self.add_mark_if_due(&packet)?;
                self.decode(packet)
            }
            None => Ok(()),
        }
    }
}

//! Fetches packets from the demuxer, corrects them, and goes on behind damage and in appended streams.

use super::catch_panic::{LibraryError, catch_panic};
use super::container_info::{ContainerInfo, ogg_placement};
use super::open::open_demuxer;
use super::{DecodeOptions, NativeDecoder, Origin, codecs};
use crate::containers::matroska::{self, ClusterScanner, ResumePoint};
use crate::error::MediaError;
use crate::seek_index::{Mark, packet_checksum};
use crate::sniff::Container;
use crate::timeline::Placement;
use symphonia::core::formats::TrackType;
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;

/// Packets in a row that may give nothing before the rest of the file is given up.
const MAX_FAILURES: u32 = 2_000;
/// Panics of decoder or demuxer that are survived per file.
const MAX_PANICS: u32 = 100;
/// A stated duration may exceed what was read by this many seconds plus half a percent.
const END_TOLERANCE: f64 = 0.75;
/// Matroska elements scanned for one mark: an hour of film between two marks has some 500,000.
const MAX_ELEMENTS: usize = 20_000;

impl NativeDecoder {
    /// The next packet of the track. `None` if something else came, or the end.
    ///
    /// # Errors
    /// Only if the disk fails.
    pub(super) fn fetch(&mut self) -> Result<Option<Packet>, MediaError> {
        let Some(mut packet) = self.next_packet()? else { return Ok(None) };
        if let Some(track) = self.fragmented_tracks.iter().find(|track| track.id == packet.track_id) {
            self.after_damage |= packet.track_id == self.track && track.is_after_loss(packet.pts.get());
            packet.pts = track.presented_time(packet.pts.get()).into();
        }
        if let Some(track_group) = &mut self.track_group {
            track_group.observe(&packet);
        }
        self.last_read = packet.pts.get() as f64 * self.tick_of(packet.track_id);
        if packet.track_id != self.track {
            let end = packet.pts.saturating_add(packet.dur).get() as f64 * self.tick_of(packet.track_id);
            self.expected_end.last_packet_end = self.expected_end.last_packet_end.max(end);
            return Ok(None);
        }
        Ok(Some(packet))
    }

    /// The next packet of any track. `None` at the end, and after an error that was dealt with.
    fn next_packet(&mut self) -> Result<Option<Packet>, MediaError> {
        match catch_panic(|| self.format.next_packet()) {
            Ok(Some(packet)) => return Ok(Some(packet)),
            Ok(None) => {
                if !self.resume_matroska(false)? {
                    self.reach_end();
                }
            }
            Err(LibraryError::Reset) => self.start_section(),
            Err(LibraryError::Io(error)) => return Err(MediaError::Io(error)),
            Err(LibraryError::EndOfFile | LibraryError::Malformed(_) | LibraryError::Panic)
                if self.resume_matroska(true)? => {}
            Err(LibraryError::EndOfFile) => {
                // WAV and Matroska are read up to where the file ends; their stated size was checked when opening.
                self.losses.ends_early |= !matches!(self.container, Container::Wave | Container::Matroska);
                self.reach_end();
            }
            Err(LibraryError::Malformed(detail) | LibraryError::Unsupported(detail)) => {
                tracing::debug!(detail, "demuxer skipped damage");
                self.losses.damaged = true;
                self.count_failure();
            }
            // The demuxer is in an unknown state and cannot be used again.
            Err(LibraryError::Panic) => {
                tracing::debug!("demuxer panicked");
                self.losses.ends_early = true;
                self.ended = true;
            }
        }
        Ok(None)
    }

    /// Goes on in a Matroska file where the demuxer cannot: behind damage, and in an appended file. `false` if there is
    /// nothing more.
    ///
    /// # Errors
    /// Only if the disk fails.
    fn resume_matroska(&mut self, damaged: bool) -> Result<bool, MediaError> {
        let Some(mut clusters) = self.clusters.clone() else { return Ok(false) };
        let unit = self.format.media_info().time_base.map_or(0.0, f64::from);
        let stated = self.last_read + self.codec_delay;
        let time = (stated.max(0.0) / unit.max(1e-12)).ceil() as u64;
        let file = &self.origin.file;
        let last = clusters.last_before(file, time, usize::MAX).map_err(MediaError::Io)?;
        let from = last.unwrap_or(self.origin.start).max(self.resumed_at) + 1;
        let (offset, resumed) = match matroska::find_resume_point(file, from).map_err(MediaError::Io)? {
            // Without a cluster before it, this is the one at which reading began.
            Some(ResumePoint::Cluster(offset)) if last.is_some() => {
                let began = self.begin_at_cluster(offset)?;
                self.renew_decoder();
                (offset, began)
            }
            Some(ResumePoint::File(offset)) if self.open_appended_file(offset)? => {
                self.resumed_at = offset;
                return Ok(true);
            }
            Some(ResumePoint::File(offset)) => (offset, false),
            Some(ResumePoint::Cluster(_)) | None => return Ok(false),
        };
        self.resumed_at = offset;
        self.losses.damaged |= damaged || !resumed;
        self.after_damage = resumed;
        Ok(resumed)
    }

    /// Goes on with the Matroska file that was appended at byte `start`. `false` if the demuxer does not take it.
    fn open_appended_file(&mut self, start: u64) -> Result<bool, MediaError> {
        let Origin { len, options, .. } = self.origin;
        let container_info = ContainerInfo::read(&self.origin.file, len, start, self.container, options);
        let Ok(container_info) = container_info else { return Ok(false) };
        let source = self.source(container_info.view.clone()).map_err(MediaError::Io)?;
        let position = source.position();
        let Ok(format) = open_demuxer(source) else { return Ok(false) };
        self.format = format;
        self.position = position;
        self.clusters = container_info.matroska.body.map(ClusterScanner::new);
        self.codec_delay = container_info.codec_delay();
        self.origin.view = container_info.view;
        self.origin.unknown_size_patch = container_info.matroska.unknown_size_patch;
        self.start_section();
        Ok(true)
    }

    /// Goes on with the next stream of the same file, as in joined files. Its parameters may differ.
    fn start_section(&mut self) {
        self.section += 1;
        if !self.select_track() {
            self.losses.damaged = true;
        }
        // The stated duration is that of the first stream only.
        self.expected_end.duration = None;
        // Damage can look like a new stream over and over.
        self.count_failure();
    }

    /// Selects a track of the current demuxer, whose timestamps start anew. `false` if none can be decoded.
    pub(super) fn select_track(&mut self) -> bool {
        let options = DecodeOptions { read_tags: false, accept_aac_core: true, ..self.origin.options };
        let default = self.format.default_track(TrackType::Audio);
        let chosen = codecs::choose_track(self.format.tracks(), default, options);
        let Some((track, decoder_config, decoder)) = chosen else { return false };
        self.track = track.id;
        self.tick = track.time_base.map_or(0.0, f64::from);
        let placement = match self.container {
            Container::Ogg => ogg_placement(&track),
            Container::Mpeg(_) => Placement { continuous: true, ..Placement::default() },
            _ => Placement { starts_at_first: true, ..Placement::default() },
        };
        self.timeline.push_restart(placement);
        self.opus_start = None;
        self.decoder_config = decoder_config;
        self.decoder = decoder;
        true
    }

    /// The demuxer has nothing more.
    fn reach_end(&mut self) {
        self.ended = true;
        self.end_unchecked = true;
    }

    /// Compares the end that was reached with the one that the header states, once.
    pub(super) fn compare_with_header(&mut self) {
        if !std::mem::take(&mut self.end_unchecked) {
            return;
        }
        let read = self.timeline.cursor();
        let end = self.expected_end;
        let reached = if end.is_of_all_tracks { read.max(end.last_packet_end) } else { read };
        if let Some(stated) = end.duration
            && stated - reached > END_TOLERANCE + stated * 0.005
        {
            self.losses.ends_early = true;
        }
    }

    /// Counts a packet that gave nothing. Too many in a row end the file.
    pub(super) fn count_failure(&mut self) {
        self.failures += 1;
        if self.failures > MAX_FAILURES {
            self.losses.ends_early = true;
            self.ended = true;
        }
    }

    /// Replaces the decoder by a fresh one. Ends the file if that fails, or after too many panics.
    pub(super) fn renew_decoder(&mut self) {
        match self.decoder_config.decoder() {
            Some(decoder) if self.panics <= MAX_PANICS => self.decoder = decoder,
            _ => {
                self.losses.ends_early = true;
                self.ended = true;
            }
        }
    }

    /// Seconds per unit of the timestamps of a track, by its number in the demuxer.
    fn tick_of(&self, track: u32) -> f64 {
        let track = self.format.tracks().iter().find(|t| t.id == track);
        track.and_then(|t| t.time_base).map_or(0.0, f64::from)
    }

    /// Corrects what the demuxer wants trimmed from the packet.
    ///
    /// The Ogg demuxer trims wherever a page states a position earlier than its sound, as pages without a position do.
    /// Only the last packet may have padding, so it is kept in `packet_padding` until that is known.
    pub(super) fn correct_trim(&mut self, packet: &mut Packet) {
        self.packet_padding = Duration::ZERO;
        if self.container == Container::Ogg {
            // If trimming leaves nothing, the page has no position.
            self.packet_padding = if packet.dur.is_zero() { Duration::ZERO } else { packet.trim_end };
            packet.dur = packet.dur.saturating_add(packet.trim_end);
            packet.trim_end = Duration::ZERO;
        }
        // A granule position may claim anything.
        packet.trim_start = packet.trim_start.min(Duration::from(1_u64 << 20));
    }

    /// When the sound of a packet begins by its timestamp, in seconds.
    ///
    /// An Opus stream in Ogg begins at 0 with the encoder's delay (RFC 7845, 4.3), whatever its first page says.
    pub(super) fn timestamp(&mut self, packet: &Packet) -> f64 {
        let pts = packet.pts.get();
        let start = *self.opus_start.get_or_insert(match self.container {
            Container::Ogg if self.decoder_config.is_opus() => pts.min(0),
            _ => 0,
        });
        (pts.saturating_sub(start) as f64 + packet.trim_start.get() as f64) * self.tick
    }

    /// Adds a seek mark with the state before `packet`, if one is due. There is none while sound waits for its place.
    ///
    /// # Errors
    /// Only if the disk fails.
    pub(super) fn add_mark_if_due(&mut self, packet: &Packet) -> Result<(), MediaError> {
        let position = self.counter.position();
        let waits = self.silence > 0 || self.mono_ready || !self.has_sound || !self.pending.is_empty();
        if waits || packet.data.is_empty() || !self.marks.is_due(position, self.counter.rate) {
            return Ok(());
        }
        let offset = match self.container {
            Container::Matroska => {
                let at = packet.pts.get() as f64 * self.tick;
                self.cluster_before(at, MAX_ELEMENTS)
            }
            _ => Ok(Some(self.position.get().min(self.origin.len))),
        };
        let Some(offset) = offset.map_err(MediaError::Io)? else { return Ok(()) };
        let mark = Mark {
            position,
            section: self.section,
            pts: packet.pts.get(),
            crc: packet_checksum(&packet.data),
            offset,
            rate: self.rate,
            timeline: self.timeline.state(),
            clock: self.track_group.as_ref().map(|group| group.clock).unwrap_or_default(),
        };
        self.marks.add(mark, self.counter.rate);
        Ok(())
    }
}

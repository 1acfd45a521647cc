//! Starts decoding in the middle of a file, for playback only.
//!
//! Containers seek differently and not exactly, so a demuxer's own seeking only serves to get near the packet of a
//! [`Mark`], which is recognised by timestamp and checksum. From that packet on, the time line has the state that it
//! had when the file was read from its start, so positions are the same. If a mark is not found, an earlier one is
//! tried, and in the end the file is read from its start.
//!
//! Without marks, a position is reached by the timestamps of the container, or by adding up the durations of packets
//! ([`skip`](super::skip)). That is right for files that are not damaged.

use super::catch_panic::{LibraryError, catch_panic};
use super::open::{open_demuxer, open_mpeg_demuxer};
use super::{FrameCounter, NativeDecoder};
use crate::error::MediaError;
use crate::file_view::{FileSource, FileView};
use crate::seek_index::{Mark, packet_checksum};
use crate::sniff::Container;
use crate::timeline::TimelineState;
use std::io;
use symphonia::core::formats::{SeekMode, SeekTo};
use symphonia::core::packet::Packet;

/// Seconds decoded before the wanted position, for decoders that need the past: MP3 takes bits from up to 511 bytes
/// before, Opus converges in 80 ms (RFC 7845, 4.6), transforms overlap.
pub(super) const WARM_UP: f64 = 1.0;
/// Bytes by which demuxers read ahead, and then some. Joined Ogg files may repeat a timestamp in several parts, so a
/// mark is only looked for this close to its offset.
const READ_AHEAD: u64 = 256 * 1024;
/// Marks to which the demuxer is made to seek. After these, the file is searched from its start.
const MAX_TRIES: usize = 3;
/// Seconds behind the last mark from which packets are skipped instead of decoded. The marks of a complete reading are
/// closer together.
const MAX_DECODED_SECONDS: f64 = 15.0;
/// Matroska elements scanned to find a cluster without marks.
const MAX_ELEMENTS: usize = 2_000_000;
/// Matroska elements scanned to find the first cluster.
const MAX_ELEMENTS_TO_FIRST: usize = 20_000;

impl NativeDecoder {
    /// Moves to where sound at the frame `position` can be decoded soon: at or before it, by less than some seconds if
    /// possible. `marks` are those of a reading of this file. Without them, a position is what the timestamps of the
    /// container say, or what the durations of the packets before it add up to.
    ///
    /// # Errors
    /// Only if the disk fails, or the file was replaced.
    pub(crate) fn seek_to(&mut self, position: u64, marks: &[Mark]) -> Result<(), MediaError> {
        let before = &marks[..marks.partition_point(|mark| mark.position <= position)];
        let found = self.seek_to_mark(before)?;
        // Marks that are not found belong to another file.
        let marks = if found { marks } else { &[] };
        let is_between = before.len() < marks.len();
        let spacing = match marks {
            [.., last_but_one, last] => last.position.saturating_sub(last_but_one.position).saturating_mul(2),
            _ => 0,
        };
        let far = spacing.max((MAX_DECODED_SECONDS * f64::from(self.first_rate())) as u64);
        if !is_between && position.saturating_sub(self.next_position()) > far {
            let reached = !matches!(self.container, Container::Mpeg(_) | Container::Ogg)
                && self.section == 0
                && self.seek_by_timestamps(position)?;
            if !reached {
                if self.next_position() > position || self.ended {
                    self.reopen()?;
                }
                self.skip_to(position)?;
            }
        }
        Ok(())
    }

    /// Moves to the last of `marks` that can be found; otherwise stays at the start. `false` if none can be found.
    fn seek_to_mark(&mut self, marks: &[Mark]) -> Result<bool, MediaError> {
        for tried in (0..marks.len()).rev().take(MAX_TRIES) {
            if self.start_before(&marks[tried], &marks[..tried])? && self.find_mark(&marks[tried], true)? {
                return Ok(true);
            }
            tracing::debug!(tried, "a seek mark was not found");
            self.reopen()?;
        }
        let Some(last) = marks.last() else { return Ok(true) };
        if self.find_mark(last, false)? {
            return Ok(true);
        }
        self.reopen()?;
        Ok(false)
    }

    /// Makes the demuxer begin some time before `mark`. `false` if it cannot.
    fn start_before(&mut self, mark: &Mark, earlier: &[Mark]) -> Result<bool, MediaError> {
        match self.container {
            Container::Mpeg(_) => {
                let close = mark.position.saturating_sub((WARM_UP * f64::from(self.first_rate())) as u64);
                match earlier.iter().rfind(|anchor| anchor.position <= close) {
                    Some(anchor) => self.start_at_frame(anchor),
                    // The start of the file is close.
                    None => Ok(true),
                }
            }
            // Appended streams are searched from the first stream on.
            _ if mark.section > 0 => Ok(true),
            Container::Matroska => self.seek_to_cluster(mark.offset),
            _ => Ok(self.seek_demuxer(mark.pts.saturating_sub(self.ticks(WARM_UP)))),
        }
    }

    /// Reads packets up to that of `mark` and decodes it. `false` if it does not come. With `in_order`, the search ends
    /// at the first packet behind the mark.
    fn find_mark(&mut self, mark: &Mark, in_order: bool) -> Result<bool, MediaError> {
        let warm_up = self.ticks(WARM_UP);
        self.drop_pending();
        while !self.ended {
            let Some(packet) = self.fetch()? else { continue };
            self.count_skipped(&packet);
            let pts = packet.pts.get();
            let near =
                self.container != Container::Ogg || self.position.get().abs_diff(mark.offset) < READ_AHEAD;
            if self.section == mark.section
                && pts == mark.pts
                && near
                && packet_checksum(&packet.data) == mark.crc
            {
                self.resume_at_mark(mark);
                self.decode(packet)?;
                return Ok(true);
            }
            if self.section > mark.section || (in_order && self.section == mark.section && pts > mark.pts) {
                break;
            }
            if self.section == mark.section && pts >= mark.pts.saturating_sub(warm_up) {
                self.warm_up(&packet);
            }
        }
        Ok(false)
    }

    fn resume_at_mark(&mut self, mark: &Mark) {
        self.timeline.resume(mark.timeline);
        self.set_position(mark.position);
        self.marks.resume_after(mark.position, self.counter.rate);
        self.rate = mark.rate;
        if let Some(track_group) = &mut self.track_group {
            track_group.clock = mark.clock;
        }
    }

    fn set_position(&mut self, position: u64) {
        self.counter = FrameCounter::at(self.first_rate(), position);
    }

    /// The rate at which positions are counted: that of the first sound.
    pub(crate) fn first_rate(&self) -> u32 {
        if self.counter.rate > 0 { self.counter.rate } else { self.info.sample_rate }
    }

    /// Sets the rate at which positions are counted, as an earlier reading found it, if nothing has been decoded yet.
    pub(crate) fn expect_rate(&mut self, rate: u32) {
        if !self.has_sound {
            self.info.sample_rate = rate;
        }
    }

    /// Decodes a packet for its effect on the decoder and drops the sound.
    pub(super) fn warm_up(&mut self, packet: &Packet) {
        if packet.data.is_empty() {
            return;
        }
        let decoder = &mut self.decoder;
        // A decoder that begins in the middle may well fail at first.
        if let Err(LibraryError::Panic) = catch_panic(|| decoder.decode(packet).map(|_| ())) {
            self.panics += 1;
            self.renew_decoder();
        }
    }

    /// Seconds in units of the track's timestamps.
    fn ticks(&self, seconds: f64) -> i64 {
        if self.tick > 0.0 { (seconds / self.tick) as i64 } else { 0 }
    }

    /// Opens the file again, to read it from its start.
    fn reopen(&mut self) -> Result<(), MediaError> {
        let file = self.origin.file.try_clone().map_err(MediaError::Io)?;
        let (len, start, options) = (self.origin.len, self.origin.start, self.origin.options);
        let rate = self.first_rate();
        *self = Self::open(file, len, start, self.container, options)?;
        if options.track.is_some() {
            self.info.sample_rate = rate;
        }
        Ok(())
    }

    /// Makes the demuxer seek near the timestamp `pts`. `false` if it does not seek. It need not be exact, but has to
    /// give the same packets afterwards as when reading from the start.
    fn seek_demuxer(&mut self, pts: i64) -> bool {
        // With several streams, the Ogg demuxer may search for ever for a page of the right one.
        if self.container == Container::Ogg && self.format.tracks().len() > 1 {
            return true;
        }
        let first = self
            .format
            .tracks()
            .iter()
            .find(|track| track.id == self.track)
            .map(|track| track.start_ts.get());
        let track = self.fragmented_tracks.iter().find(|track| track.id == self.track);
        let pts = track.map_or(pts, |track| track.demuxer_time(pts));
        let to = SeekTo::Timestamp { ts: pts.max(first.unwrap_or(0)).into(), track_id: self.track };
        let format = &mut self.format;
        match catch_panic(|| format.seek(SeekMode::Accurate, to)) {
            Ok(_) => {
                self.reset_decoding();
                true
            }
            Err(failure) => {
                tracing::debug!(?failure, "the demuxer does not seek");
                false
            }
        }
    }

    /// Prepares for packets from another place.
    fn reset_decoding(&mut self) {
        self.drop_pending();
        self.ended = false;
        self.failures = 0;
        self.renew_decoder();
    }

    /// Makes the demuxer of bare frames begin at the frame of `anchor`. `false` if that frame is not there.
    fn start_at_frame(&mut self, anchor: &Mark) -> Result<bool, MediaError> {
        let file = self.origin.file.try_clone().map_err(MediaError::Io)?;
        let opened =
            open_mpeg_demuxer(file, self.origin.len, anchor.offset, Some(anchor.pts), &self.position);
        let Ok(format) = opened else { return Ok(false) };
        self.format = format;
        self.section = anchor.section;
        if !self.select_track() {
            return Ok(false);
        }
        self.reset_decoding();
        let Some(first) = self.fetch()? else { return Ok(false) };
        self.warm_up(&first);
        Ok(first.pts.get() == anchor.pts && packet_checksum(&first.data) == anchor.crc)
    }

    /// As [`begin_at_cluster`](Self::begin_at_cluster), and drops what waits for its place.
    fn seek_to_cluster(&mut self, offset: u64) -> Result<bool, MediaError> {
        let began = self.begin_at_cluster(offset)?;
        self.reset_decoding();
        Ok(began)
    }

    /// Shows the demuxer a Matroska file whose first cluster is the one at byte `offset`. `false` if the demuxer does
    /// not take it.
    pub(super) fn begin_at_cluster(&mut self, offset: u64) -> Result<bool, MediaError> {
        let Some(first) = self.first_cluster().map_err(MediaError::Io)? else { return Ok(false) };
        if offset <= first {
            self.reopen()?;
            return Ok(true);
        }
        let mut view = FileView { gap: Some(first..offset), ..self.origin.view.clone() };
        if let Some(patch) = &self.origin.unknown_size_patch
            && !view.patches.contains(patch)
        {
            view.patches.push(patch.clone());
        }
        let source = self.source(view).map_err(MediaError::Io)?;
        let Ok(format) = open_demuxer(source) else { return Ok(false) };
        if !format.tracks().iter().any(|track| track.id == self.track) {
            return Ok(false);
        }
        self.format = format;
        self.resumed_at = offset;
        if let Some(clusters) = &mut self.clusters {
            clusters.continue_at(offset);
        }
        Ok(true)
    }

    pub(super) fn source(&self, view: FileView) -> io::Result<FileSource> {
        FileSource::new(self.origin.file.try_clone()?, self.origin.len, view)
    }

    fn first_cluster(&mut self) -> io::Result<Option<u64>> {
        let Some(clusters) = &mut self.clusters else { return Ok(None) };
        if clusters.first.is_none() {
            clusters.last_before(&self.origin.file, 0, MAX_ELEMENTS_TO_FIRST)?;
        }
        Ok(clusters.first)
    }

    /// Byte of the last Matroska cluster that is early enough to warm up the decoder for sound at `at` seconds, if it
    /// is found among the next `most` elements.
    pub(super) fn cluster_before(&mut self, at: f64, most: usize) -> io::Result<Option<u64>> {
        let unit = self.format.media_info().time_base.map_or(0.0, f64::from);
        let time = (at - WARM_UP).max(0.0) / unit;
        if !time.is_finite() {
            return Ok(None);
        }
        let Some(clusters) = &mut self.clusters else { return Ok(None) };
        let found = clusters.last_before(&self.origin.file, time as u64, most)?;
        if found.is_none() {
            self.clusters = None;
        }
        Ok(found)
    }

    /// Moves near the frame `position` by the timestamps of the container. `false` if that does not work; where the
    /// demuxer then is, is not known.
    fn seek_by_timestamps(&mut self, position: u64) -> Result<bool, MediaError> {
        let wanted = position as f64 / f64::from(self.first_rate());
        let shift = self.timeline.state().shift - self.group_time_removed();
        // The edit list moves the played range that holds the position.
        let range =
            self.played_ranges.iter().rfind(|range| range.presented <= wanted).or(self.played_ranges.first());
        let moved = range.map_or(0.0, |range| range.presented - range.from);
        let shift = shift + moved;
        let from = wanted - shift - 2.0 * WARM_UP;
        let began = match self.container {
            Container::Matroska => match self.cluster_before(from, MAX_ELEMENTS).map_err(MediaError::Io)? {
                Some(offset) => self.seek_to_cluster(offset)?,
                None => false,
            },
            _ => self.seek_demuxer(self.ticks(from)),
        };
        if !began {
            return Ok(false);
        }
        if let Some(track_group) = &mut self.track_group {
            track_group.trust_timestamps();
        }
        while !self.ended && self.section == 0 {
            let Some(packet) = self.fetch()? else { continue };
            self.count_skipped(&packet);
            let at = packet.pts.get() as f64 * self.tick + shift;
            if at < wanted - WARM_UP {
                if at >= wanted - 2.0 * WARM_UP {
                    self.warm_up(&packet);
                }
                continue;
            }
            // Only a reading from the start may leave marks.
            self.marks.stop();
            let cursor = at.min(wanted);
            self.timeline.resume(TimelineState { cursor, ..self.timeline.state() });
            self.set_position((cursor * f64::from(self.first_rate())).round() as u64);
            self.decode(packet)?;
            return Ok(true);
        }
        Ok(false)
    }
}

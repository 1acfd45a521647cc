//! Entering a file in the middle, for listening.
//!
//! Wherever a demuxer can be made to begin, what it says about its position is only used to look for the packet of a
//! [`Mark`], which is known by timestamp and checksum. From that packet on, the state of the time line is what it was
//! when the file was read from its start, so positions are the same. A mark that is not found is given up for an
//! earlier one, and all of them for reading from the start.

use super::guard::{Failure, guard};
use super::{LONGEST_PACKET, Native, Tally, demuxer, frames};
use crate::containers::mp4::Piece;
use crate::error::MediaError;
use crate::index::{Mark, checksum};
use crate::sniff::Container;
use crate::source::{FileSource, View};
use crate::timeline::State;
use std::io;
use symphonia::core::formats::{SeekMode, SeekTo};
use symphonia::core::packet::Packet;

/// Decoded in front of what is wanted, in seconds, for decoders that need the past: MP3 takes bits from up to 511 bytes
/// before, Opus converges in 80 ms (RFC 7845, 4.6), transforms overlap.
const WARM_UP: f64 = 1.0;
/// How far demuxers read ahead, and then some. Ogg files that were joined may have the same timestamps in several parts.
const READ_AHEAD: u64 = 256 * 1024;
/// Marks tried before the demuxer has to go through the file from its start.
const TRIES: usize = 3;
/// Further than this behind the last mark, packets are not decoded but passed over, in seconds. The marks of a whole
/// reading leave less.
const FAR: f64 = 15.0;
/// Bytes of packets that may be passed over beyond twice those in the file: samples of an MP4 may overlap.
const LONGEST_PASSED: u64 = 1024 * 1024;
/// Elements of Matroska gone through where there are no marks.
const MOST_ELEMENTS: usize = 2_000_000;

impl Native {
    /// Goes to where sound at `position` can be decoded soon: at or before it, by less than some seconds if possible.
    /// `marks` are those of a reading of this file; without them, the position is as the container states it or as the
    /// packets before it add up to.
    ///
    /// # Errors
    /// Only if the disk fails, or the file was exchanged.
    pub(crate) fn enter(&mut self, position: u64, marks: &[Mark]) -> Result<(), MediaError> {
        let before = &marks[..marks.partition_point(|mark| mark.position <= position)];
        let found = self.enter_at(before)?;
        // Marks that are nowhere are of another file.
        let marks = if found { marks } else { &[] };
        let is_between = before.len() < marks.len();
        let spacing = match marks {
            [.., last_but_one, last] => last.position.saturating_sub(last_but_one.position).saturating_mul(2),
            _ => 0,
        };
        let far = spacing.max((FAR * f64::from(self.first_rate())) as u64);
        if !is_between && position.saturating_sub(self.next_position()) > far {
            let approached = !matches!(self.container, Container::Mpeg(_) | Container::Ogg)
                && self.section == 0
                && self.approach(position)?;
            if !approached {
                if self.next_position() > position || self.ended {
                    self.reopen()?;
                }
                self.skim(position)?;
            }
        }
        Ok(())
    }

    /// Goes through the rest of the file without decoding it, for its marks and its length.
    ///
    /// # Errors
    /// Only if the disk fails.
    pub(crate) fn survey(&mut self) -> Result<(), MediaError> {
        self.skim(u64::MAX)
    }

    /// Goes to the last of `marks` that can be found; otherwise stays at the start. `false` if none can.
    fn enter_at(&mut self, marks: &[Mark]) -> Result<bool, MediaError> {
        for tried in (0..marks.len()).rev().take(TRIES) {
            if self.jump(&marks[tried], &marks[..tried])? && self.look_for(&marks[tried], true)? {
                return Ok(true);
            }
            tracing::debug!(tried, "a seek mark was not found");
            self.reopen()?;
        }
        let Some(last) = marks.last() else { return Ok(true) };
        if self.look_for(last, false)? {
            return Ok(true);
        }
        self.reopen()?;
        Ok(false)
    }

    /// Lets the demuxer begin some time before `mark`. `false` if it cannot.
    fn jump(&mut self, mark: &Mark, earlier: &[Mark]) -> Result<bool, MediaError> {
        match self.container {
            Container::Mpeg(_) => {
                let close = mark.position.saturating_sub((WARM_UP * f64::from(self.first_rate())) as u64);
                match earlier.iter().rfind(|anchor| anchor.position <= close) {
                    Some(anchor) => self.begin_at_frame(anchor),
                    // The start is close.
                    None => Ok(true),
                }
            }
            // Streams that follow another are gone through from the first.
            _ if mark.section > 0 => Ok(true),
            Container::Matroska => self.enter_cluster(mark.offset),
            _ => Ok(self.seek(mark.pts.saturating_sub(self.ticks(WARM_UP)))),
        }
    }

    /// Reads packets up to that of `mark` and goes through it. `false` if it does not come; with `in_order` not behind a
    /// later one.
    fn look_for(&mut self, mark: &Mark, in_order: bool) -> Result<bool, MediaError> {
        let warm_up = self.ticks(WARM_UP);
        self.drop_waiting();
        while !self.ended {
            let Some(packet) = self.fetch()? else { continue };
            self.pass(&packet);
            let pts = packet.pts.get();
            let near =
                self.container != Container::Ogg || self.position.get().abs_diff(mark.offset) < READ_AHEAD;
            if self.section == mark.section && pts == mark.pts && near && checksum(&packet.data) == mark.crc {
                self.go_on_from(mark);
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

    fn go_on_from(&mut self, mark: &Mark) {
        self.timeline.go_on(mark.state);
        self.stand_at(mark.position);
        self.marks.begin_behind(mark.position, self.tally.rate);
        self.rate = mark.rate;
        if let Some(company) = &mut self.company {
            company.clock = mark.clock;
        }
    }

    /// Counts from `position` on.
    fn stand_at(&mut self, position: u64) {
        let rate = self.first_rate();
        self.tally = Tally { rate, before: position, run: 0, run_rate: 0 };
    }

    /// The rate positions are counted in.
    pub(crate) fn first_rate(&self) -> u32 {
        if self.tally.rate > 0 { self.tally.rate } else { self.about.sample_rate }
    }

    /// What a reading found that rate to be, where nothing has been decoded yet.
    pub(crate) fn expect_rate(&mut self, rate: u32) {
        if !self.heard {
            self.about.sample_rate = rate;
        }
    }

    /// The count when all that has its place has been given.
    fn next_tally(&self) -> Tally {
        let mut tally = self.tally;
        tally.add(self.rate, self.silence);
        if self.held {
            tally.add(self.rate, self.mono.len() as u64);
        }
        tally
    }

    /// Where what comes next is to be given, behind all that waits for its place too.
    fn next_position(&self) -> u64 {
        let mut tally = self.next_tally();
        for run in &self.waiting {
            tally.add(run.rate, run.samples.len() as u64);
        }
        tally.position()
    }

    /// What waits counts as given.
    fn pass_over_waiting(&mut self) {
        loop {
            self.tally = self.next_tally();
            (self.silence, self.held) = (0, false);
            if !self.settle(true) {
                break;
            }
        }
        self.drop_waiting();
    }

    /// What waits is not wanted.
    fn drop_waiting(&mut self) {
        self.tally.rate = self.first_rate();
        self.silence = 0;
        self.held = false;
        self.waiting.clear();
        self.timeline.forget();
    }

    /// Notes a packet that is not decoded. One that gives nothing when decoded ends a hostile file soon; here it is
    /// that there cannot be more of them than there are bytes.
    fn pass(&mut self, packet: &Packet) {
        if packet.data.is_empty() {
            self.fail();
            return;
        }
        self.failures = 0;
        self.passed += packet.data.len() as u64;
        if self.passed > self.origin.len.saturating_mul(2).saturating_add(LONGEST_PASSED) {
            self.ended = true;
        }
    }

    /// Decodes and forgets.
    fn warm_up(&mut self, packet: &Packet) {
        if packet.data.is_empty() {
            return;
        }
        let decoder = &mut self.decoder;
        // A decoder that begins in the middle may well fail at first.
        if let Err(Failure::Panic) = guard(|| decoder.decode(packet).map(|_| ())) {
            self.panics += 1;
            self.renew_decoder();
        }
    }

    /// Seconds in units of timestamps.
    fn ticks(&self, seconds: f64) -> i64 {
        if self.tick > 0.0 { (seconds / self.tick) as i64 } else { 0 }
    }

    /// As it was when it was opened.
    fn reopen(&mut self) -> Result<(), MediaError> {
        let file = self.origin.file.try_clone().map_err(MediaError::Io)?;
        let (len, start, wish) = (self.origin.len, self.origin.start, self.origin.wish);
        let rate = self.first_rate();
        *self = Self::open(file, len, start, self.container, wish)?;
        if wish.track.is_some() {
            self.about.sample_rate = rate;
        }
        Ok(())
    }

    /// Lets the demuxer seek. It need not be exact, but has to give the packets it would otherwise have given.
    fn seek(&mut self, pts: i64) -> bool {
        // With several streams, that of Ogg may look for ever for a page of the right one.
        if self.container == Container::Ogg && self.format.tracks().len() > 1 {
            return true;
        }
        let first = self
            .format
            .tracks()
            .iter()
            .find(|track| track.id == self.track)
            .map(|track| track.start_ts.get());
        let track = self.fragments.iter().find(|track| track.id == self.track);
        let pts = track.map_or(pts, |track| track.counted(pts));
        let to = SeekTo::Timestamp { ts: pts.max(first.unwrap_or(0)).into(), track_id: self.track };
        let format = &mut self.format;
        match guard(|| format.seek(SeekMode::Accurate, to)) {
            Ok(_) => {
                self.begin_anew();
                true
            }
            Err(failure) => {
                tracing::debug!(?failure, "the demuxer does not seek");
                false
            }
        }
    }

    /// Packets will come from elsewhere.
    fn begin_anew(&mut self) {
        self.drop_waiting();
        self.ended = false;
        self.failures = 0;
        self.renew_decoder();
    }

    /// Lets a demuxer of bare frames begin at the frame of `anchor`. `false` if there is none.
    fn begin_at_frame(&mut self, anchor: &Mark) -> Result<bool, MediaError> {
        let file = self.origin.file.try_clone().map_err(MediaError::Io)?;
        let opened = frames(file, self.origin.len, anchor.offset, Some(anchor.pts), &self.position);
        let Ok(format) = opened else { return Ok(false) };
        self.format = format;
        self.section = anchor.section;
        if !self.take_track() {
            return Ok(false);
        }
        self.begin_anew();
        let Some(first) = self.fetch()? else { return Ok(false) };
        self.warm_up(&first);
        Ok(first.pts.get() == anchor.pts && checksum(&first.data) == anchor.crc)
    }

    /// Goes to the Matroska cluster at `offset`, as [`begin_at_cluster`](Self::begin_at_cluster), and forgets what waits.
    fn enter_cluster(&mut self, offset: u64) -> Result<bool, MediaError> {
        let began = self.begin_at_cluster(offset)?;
        self.begin_anew();
        Ok(began)
    }

    /// Shows the demuxer a Matroska file whose first cluster is that at `offset`. `false` if it does not take it.
    pub(super) fn begin_at_cluster(&mut self, offset: u64) -> Result<bool, MediaError> {
        let Some(first) = self.first_cluster().map_err(MediaError::Io)? else { return Ok(false) };
        if offset <= first {
            self.reopen()?;
            return Ok(true);
        }
        let mut view = View { gap: Some(first..offset), ..self.origin.view.clone() };
        if let Some(patch) = &self.origin.unsized_whole
            && !view.patches.contains(patch)
        {
            view.patches.push(patch.clone());
        }
        let source = self.source(view).map_err(MediaError::Io)?;
        let Ok(format) = demuxer(source) else { return Ok(false) };
        if !format.tracks().iter().any(|track| track.id == self.track) {
            return Ok(false);
        }
        self.format = format;
        self.went_on = offset;
        if let Some(clusters) = &mut self.clusters {
            clusters.go_on(offset);
        }
        Ok(true)
    }

    pub(super) fn source(&self, view: View) -> io::Result<FileSource> {
        FileSource::new(self.origin.file.try_clone()?, self.origin.len, view)
    }

    fn first_cluster(&mut self) -> io::Result<Option<u64>> {
        let Some(clusters) = &mut self.clusters else { return Ok(None) };
        if clusters.first.is_none() {
            clusters.before(&self.origin.file, 0, super::MOST_ELEMENTS)?;
        }
        Ok(clusters.first)
    }

    /// Where the last Matroska cluster begins that is early enough to warm up for what is at `at` seconds.
    pub(super) fn cluster_before(&mut self, at: f64, most: usize) -> io::Result<Option<u64>> {
        let unit = self.format.media_info().time_base.map_or(0.0, f64::from);
        let moment = (at - WARM_UP).max(0.0) / unit;
        if !moment.is_finite() {
            return Ok(None);
        }
        let Some(clusters) = &mut self.clusters else { return Ok(None) };
        let found = clusters.before(&self.origin.file, moment as u64, most)?;
        if found.is_none() {
            self.clusters = None;
        }
        Ok(found)
    }

    /// Goes near `position` by what the container says about time. `false` if that does not work; where it then stands
    /// is not known.
    fn approach(&mut self, position: u64) -> Result<bool, MediaError> {
        let wanted = position as f64 / f64::from(self.first_rate());
        let shift = self.timeline.state().shift - self.closed();
        // The piece in which it lies moves it too.
        let piece = self.pieces.iter().rfind(|piece| piece.presented <= wanted).or(self.pieces.first());
        let moved = piece.map_or(0.0, |piece| piece.presented - piece.from);
        let shift = shift + moved;
        let from = wanted - shift - 2.0 * WARM_UP;
        let began = match self.container {
            Container::Matroska => match self.cluster_before(from, MOST_ELEMENTS).map_err(MediaError::Io)? {
                Some(offset) => self.enter_cluster(offset)?,
                None => false,
            },
            _ => self.seek(self.ticks(from)),
        };
        if !began {
            return Ok(false);
        }
        if let Some(company) = &mut self.company {
            company.believe();
        }
        while !self.ended && self.section == 0 {
            let Some(packet) = self.fetch()? else { continue };
            self.pass(&packet);
            let at = packet.pts.get() as f64 * self.tick + shift;
            if at < wanted - WARM_UP {
                if at >= wanted - 2.0 * WARM_UP {
                    self.warm_up(&packet);
                }
                continue;
            }
            // Marks are for what a reading from the start finds.
            self.marks.close();
            let cursor = at.min(wanted);
            self.timeline.go_on(State { cursor, ..self.timeline.state() });
            self.stand_at((cursor * f64::from(self.first_rate())).round() as u64);
            self.decode(packet)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Goes on to shortly before `position` without decoding, as if every packet gave what it states.
    fn skim(&mut self, position: u64) -> Result<(), MediaError> {
        self.pass_over_waiting();
        let near = |seconds: f64| {
            let frames = (seconds * f64::from(self.first_rate())) as u64;
            position.saturating_sub(frames)
        };
        let (real_from, warm_from) = (near(WARM_UP), near(2.0 * WARM_UP));
        while !self.ended && self.tally.position() < real_from {
            let Some(packet) = self.fetch()? else { continue };
            self.pass(&packet);
            if packet.data.is_empty() {
                if matches!(self.container, Container::Mpeg(_)) {
                    // It stands for frames that were lost.
                    self.silence += self.frames_in(packet.dur, self.rate) as u64;
                    self.pass_over_waiting();
                }
                continue;
            }
            if self.container == Container::Matroska {
                // It counts in milliseconds, which add up, and need not state durations.
                self.follow(&packet);
            }
            self.mark(&packet)?;
            let warm = self.tally.position() >= warm_from;
            self.assume(packet, position, warm)?;
            if self.next_position() > position {
                // The place that is wanted lies in a pause or in this very packet: it is given for real.
                return Ok(());
            }
            self.pass_over_waiting();
        }
        Ok(())
    }

    /// Takes what was counted so far to last up to `packet`.
    fn follow(&mut self, packet: &Packet) {
        let moved = self.timeline.follow(packet.pts.get() as f64 * self.tick - self.closed());
        let frames = (moved * f64::from(self.rate)).round() as i64;
        self.tally.run = self.tally.run.saturating_add_signed(frames);
    }

    /// Counts what `packet` states that it holds. Decodes it after all if it reaches beyond `position`, or states what
    /// cannot be.
    fn assume(&mut self, mut packet: Packet, position: u64, warm: bool) -> Result<(), MediaError> {
        if packet.dur.get() as f64 * self.tick > LONGEST_PACKET {
            return self.decode(packet);
        }
        let (timeline, silence, losses) = (self.timeline.clone(), self.silence, self.losses);
        self.trim_sanely(&mut packet);
        let at = self.timestamp(&packet);
        let len = self.frames_in(packet.dur, self.rate);
        let whole = Piece { presented: at, from: at, to: f64::INFINITY };
        let mut kept = 0;
        for i in 0..self.pieces.len().max(1) {
            let piece = self.pieces.get(i).copied().unwrap_or(whole);
            let (at, range) = piece.of(at, len, self.rate);
            if !range.is_empty() {
                self.stay_together();
                let duration = range.len() as f64 / f64::from(self.rate);
                let fit = self.timeline.place_at_once(at - self.closed(), duration);
                kept += self.put(fit, self.rate, range.len()).len() as u64;
            }
        }
        let mut tally = self.tally;
        tally.add(self.rate, self.silence.saturating_add(kept));
        if tally.position() > position {
            (self.timeline, self.silence, self.losses) = (timeline, silence, losses);
            return self.decode(packet);
        }
        if warm {
            self.warm_up(&packet);
        }
        self.silence = self.silence.saturating_add(kept);
        Ok(())
    }
}

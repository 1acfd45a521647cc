//! Goes forward in a file without decoding, by counting what each packet states that it holds.

use super::seek::WARM_UP;
use super::{FrameCounter, MAX_PACKET_SECONDS, NativeDecoder};
use crate::containers::mp4::PlayedRange;
use crate::error::MediaError;
use crate::sniff::Container;
use symphonia::core::packet::Packet;

/// Bytes of packets that may be skipped beyond twice the length of the file: samples of an MP4 file may overlap.
const MAX_SKIPPED: u64 = 1024 * 1024;

impl NativeDecoder {
    /// Goes through the rest of the file without decoding it, for its marks and its length.
    ///
    /// # Errors
    /// Only if the disk fails.
    pub(crate) fn scan_to_end(&mut self) -> Result<(), MediaError> {
        self.skip_to(u64::MAX)
    }

    /// Moves to shortly before the frame `position`, as if every packet gave as much sound as it states. The last
    /// packets before it are decoded: first to warm up the decoder, then for real.
    pub(super) fn skip_to(&mut self, position: u64) -> Result<(), MediaError> {
        self.count_pending_as_given();
        let near = |seconds: f64| {
            let frames = (seconds * f64::from(self.first_rate())) as u64;
            position.saturating_sub(frames)
        };
        let (real_from, warm_from) = (near(WARM_UP), near(2.0 * WARM_UP));
        while !self.ended && self.counter.position() < real_from {
            let Some(packet) = self.fetch()? else { continue };
            self.count_skipped(&packet);
            if packet.data.is_empty() {
                if matches!(self.container, Container::Mpeg(_)) {
                    // It stands for lost frames.
                    self.silence += self.frames_in(packet.dur, self.rate) as u64;
                    self.count_pending_as_given();
                }
                continue;
            }
            if self.container == Container::Matroska {
                // Its timestamps are whole milliseconds, whose errors would add up, and durations may be missing.
                self.follow_timestamp(&packet);
            }
            self.add_mark_if_due(&packet)?;
            let warm = self.counter.position() >= warm_from;
            self.count_or_decode(packet, position, warm)?;
            if self.next_position() > position {
                // The position lies in a pause or in this very packet, which was decoded for real.
                return Ok(());
            }
            self.count_pending_as_given();
        }
        Ok(())
    }

    /// Takes the sound counted so far to last up to the timestamp of `packet`.
    fn follow_timestamp(&mut self, packet: &Packet) {
        let moved = self.timeline.snap_to(packet.pts.get() as f64 * self.tick - self.group_time_removed());
        self.counter.shift((moved * f64::from(self.rate)).round() as i64);
    }

    /// Counts the sound that `packet` states to hold; with `warm`, also decodes and drops it. Decodes it for real if it
    /// reaches beyond `position`, or if its stated duration is impossible.
    fn count_or_decode(&mut self, mut packet: Packet, position: u64, warm: bool) -> Result<(), MediaError> {
        if packet.dur.get() as f64 * self.tick > MAX_PACKET_SECONDS {
            return self.decode(packet);
        }
        let (timeline, silence, losses) = (self.timeline.clone(), self.silence, self.losses);
        self.correct_trim(&mut packet);
        let at = self.timestamp(&packet);
        let len = self.frames_in(packet.dur, self.rate);
        let whole = PlayedRange { presented: at, from: at, to: f64::INFINITY };
        let mut kept = 0;
        for i in 0..self.played_ranges.len().max(1) {
            let played = self.played_ranges.get(i).copied().unwrap_or(whole);
            let (at, samples) = played.clip(at, len, self.rate);
            if !samples.is_empty() {
                self.share_group_time();
                let duration = samples.len() as f64 / f64::from(self.rate);
                let fit = self.timeline.place_at_once(at - self.group_time_removed(), duration);
                kept += self.apply_fit(fit, self.rate, samples.len()).len() as u64;
            }
        }
        let mut counter = self.counter;
        counter.add(self.rate, self.silence.saturating_add(kept));
        if counter.position() > position {
            (self.timeline, self.silence, self.losses) = (timeline, silence, losses);
            return self.decode(packet);
        }
        if warm {
            self.warm_up(&packet);
        }
        self.silence = self.silence.saturating_add(kept);
        Ok(())
    }

    /// Counts the bytes of a packet that is not decoded, and ends the file after too many. A hostile file whose packets
    /// give nothing when decoded ends soon; here, packets cannot hold more bytes than the file.
    pub(super) fn count_skipped(&mut self, packet: &Packet) {
        if packet.data.is_empty() {
            self.count_failure();
            return;
        }
        self.failures = 0;
        self.skipped_bytes += packet.data.len() as u64;
        if self.skipped_bytes > self.origin.len.saturating_mul(2).saturating_add(MAX_SKIPPED) {
            self.ended = true;
        }
    }

    /// The frame count once everything that has its place has been given.
    fn next_counter(&self) -> FrameCounter {
        let mut counter = self.counter;
        counter.add(self.rate, self.silence);
        if self.mono_ready {
            counter.add(self.rate, self.mono.len() as u64);
        }
        counter
    }

    /// The position of the next packet's sound: behind everything that has been decoded, placed or not.
    pub(super) fn next_position(&self) -> u64 {
        let mut counter = self.next_counter();
        for run in &self.pending {
            counter.add(run.rate, run.samples.len() as u64);
        }
        counter.position()
    }

    /// Places everything that waits, and counts it as given.
    fn count_pending_as_given(&mut self) {
        loop {
            self.counter = self.next_counter();
            (self.silence, self.mono_ready) = (0, false);
            if !self.place_next(true) {
                break;
            }
        }
        self.drop_pending();
    }

    /// Drops everything that has not been given.
    pub(super) fn drop_pending(&mut self) {
        self.counter.rate = self.first_rate();
        self.silence = 0;
        self.mono_ready = false;
        self.pending.clear();
        self.timeline.clear_waiting();
    }
}

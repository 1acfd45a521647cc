//! Gives decoded runs their place on the time line.
//!
//! A run is queued with its timestamp and waits in `pending` until the [`Timeline`](crate::timeline::Timeline) can
//! place it, which may take later timestamps. Placing it leaves silence, samples, or both to be given.

use super::NativeDecoder;
use crate::containers::mp4::PlayedRange;
use crate::sniff::Container;
use crate::timeline::Fit;
use std::ops::Range;
use symphonia::core::units::Duration;

/// Sound, or lost sound, that waits for its place.
pub(super) struct PendingRun {
    pub(super) rate: u32,
    /// Mono; empty if it was lost.
    pub(super) samples: Vec<f32>,
    /// Silence inserted before this run stands for lost sound.
    after_damage: bool,
    /// Samples to cut off its end if no run follows.
    padding: usize,
}

impl NativeDecoder {
    /// Queues sound whose first sample has the timestamp `at`, in seconds.
    pub(super) fn queue_sound(&mut self, at: f64, rate: u32, samples: Vec<f32>) {
        self.share_group_time();
        let padding = self.frames_in(self.packet_padding, rate);
        let may_join = self.pending.back().is_some_and(|last| last.rate == rate && last.padding == 0);
        let duration = samples.len() as f64 / f64::from(rate);
        let joined = self.timeline.push_sound(at - self.group_time_removed(), duration, may_join);
        let after_damage = std::mem::take(&mut self.after_damage);
        if let Some(last) = self.pending.back_mut().filter(|_| joined) {
            last.samples.extend_from_slice(&samples);
            last.padding = padding;
            last.after_damage |= after_damage;
            self.spare_buffers.push(samples);
            return;
        }
        self.pending.push_back(PendingRun { rate, samples, after_damage, padding });
    }

    /// Queues the loss of `seconds` of sound at the timestamp `at`; silence takes its place.
    pub(super) fn queue_loss(&mut self, at: f64, seconds: f64) {
        self.losses.damaged = true;
        let overlap = |range: &PlayedRange| (at + seconds).min(range.to) - at.max(range.from);
        let played = match &*self.played_ranges {
            [] => seconds,
            ranges => ranges.iter().map(overlap).filter(|seconds| *seconds > 0.0).sum(),
        };
        self.share_group_time();
        self.timeline.push_loss(played);
        self.pending.push_back(PendingRun {
            rate: self.rate,
            samples: Vec::new(),
            after_damage: true,
            padding: 0,
        });
    }

    /// Tells the time line how far the other tracks of the group have come: silence up to there is believed.
    pub(super) fn share_group_time(&mut self) {
        if let Some(track_group) = &self.track_group {
            self.timeline.set_others_end(track_group.silence_limit());
        }
    }

    /// Time that was taken out of the timestamps of all tracks of the group, in seconds.
    pub(super) fn group_time_removed(&self) -> f64 {
        self.track_group.as_ref().map_or(0.0, |track_group| track_group.clock.removed)
    }

    /// Places the first pending run, if its place is known: leaves silence, samples, or neither to be given. `false` if
    /// nothing was placed. With `all`, nothing more will come, so every place is known.
    pub(super) fn place_next(&mut self, all: bool) -> bool {
        let Some(first) = self.pending.front() else { return false };
        if first.padding > 0 && self.pending.len() == 1 && !all {
            return false;
        }
        let Some(fit) = self.timeline.next_fit(all) else { return false };
        let Some(mut run) = self.pending.pop_front() else { return false };
        if self.pending.is_empty() && self.ended {
            run.samples.truncate(run.samples.len().saturating_sub(run.padding));
        }
        let keep = self.apply_fit(fit, run.rate, run.samples.len());
        // FLAC and Ogg have no intended gaps; Matroska and MP4 may pause.
        let has_no_pauses = matches!(self.container, Container::Flac | Container::Ogg);
        if run.after_damage || (has_no_pauses && fit.silence > 0.0 && self.has_sound) {
            self.losses.damaged = true;
            self.losses.lost += fit.silence;
        }
        let old = std::mem::replace(&mut self.mono, run.samples);
        self.spare_buffers.push(old);
        self.mono.truncate(keep.end);
        self.mono.drain(..keep.start);
        self.mono_ready = !self.mono.is_empty();
        self.has_sound |= self.mono_ready;
        true
    }

    /// Adds the silence of `fit`, and returns which of `len` frames at `rate` to keep.
    pub(super) fn apply_fit(&mut self, fit: Fit, rate: u32, len: usize) -> Range<usize> {
        let frames = |seconds: f64| (seconds * f64::from(rate)).round() as usize;
        if rate != self.rate {
            // Silence not given yet was counted at the old rate.
            self.silence = (self.silence as f64 * f64::from(rate) / f64::from(self.rate)) as u64;
            self.rate = rate;
        }
        self.silence += frames(fit.silence) as u64;
        frames(fit.drop).min(len)..len
    }

    /// Frames at `rate` in a duration given in units of the track's timestamps.
    pub(super) fn frames_in(&self, units: Duration, rate: u32) -> usize {
        (units.get() as f64 * self.tick * f64::from(rate)).round() as usize
    }
}

//! Decodes packets and mixes their channels to mono.

use super::catch_panic::{LibraryError, catch_panic};
use super::{MAX_PACKET_SECONDS, NativeDecoder};
use crate::downmix;
use crate::error::MediaError;
use crate::resample::RATES;
use crate::sniff::Container;
use symphonia::core::packet::Packet;

impl NativeDecoder {
    /// Decodes a packet and queues its sound, or its loss, for a place on the time line.
    ///
    /// # Errors
    /// Only if the disk fails.
    pub(super) fn decode(&mut self, mut packet: Packet) -> Result<(), MediaError> {
        self.correct_trim(&mut packet);
        let at = self.timestamp(&packet);
        let duration = packet.dur.get() as f64 * self.tick;
        // An empty packet means "conceal a loss" to the Opus decoder, for as long as its buffer is.
        if packet.data.is_empty() {
            // From the demuxer of bare frames it stands for lost frames.
            if matches!(self.container, Container::Mpeg(_)) {
                self.queue_loss(at, duration);
            }
            self.count_failure();
            return Ok(());
        }
        let decoder = &mut self.decoder;
        let channels = &mut self.decoded;
        let decoded = catch_panic(|| {
            let buffer = decoder.decode(&packet)?;
            buffer.copy_to_vecs_planar::<f32>(channels);
            Ok((buffer.spec().rate(), buffer.frames()))
        });
        let decoded = match self.interleaved_channels {
            Some(channels) => decoded.map(|(rate, frames)| self.deinterleave(rate, frames, channels)),
            None => decoded,
        };
        let refused = match decoded {
            Ok((_, 0)) => {
                self.count_failure();
                return Ok(());
            }
            Ok((rate, _)) if RATES.contains(&rate) && !self.decoded.is_empty() => {
                self.mix_and_queue(at, rate);
                return Ok(());
            }
            Ok(_) => "impossible sample rate",
            Err(LibraryError::Io(error)) => return Err(MediaError::Io(error)),
            Err(LibraryError::EndOfFile) => "packet too short",
            Err(LibraryError::Malformed(detail) | LibraryError::Unsupported(detail)) => detail,
            Err(LibraryError::Reset) => {
                self.decoder.reset();
                "reset"
            }
            Err(LibraryError::Panic) => {
                self.panics += 1;
                self.renew_decoder();
                "panic"
            }
        };
        tracing::debug!(detail = refused, "packet skipped");
        // MP3 and AAC cannot decode their first packet if the start of the stream was cut off; that is no loss.
        if self.has_sound {
            self.queue_loss(at, if duration <= MAX_PACKET_SECONDS { duration } else { 0.0 });
        }
        self.count_failure();
        Ok(())
    }

    /// Splits what was decoded as one channel into `channels` channels, which alternate sample by sample. Returns rate
    /// and number of frames. Samples of an incomplete frame are kept for the next packet.
    fn deinterleave(&mut self, rate: u32, samples: usize, channels: u16) -> (u32, usize) {
        if let Some(only) = self.decoded.first() {
            self.partial_frame.extend_from_slice(only);
        }
        let channels = usize::from(channels);
        let frames = self.partial_frame.len() / channels;
        let whole = self.partial_frame.drain(..frames * channels);
        let whole = whole.as_slice();
        self.decoded = (0..channels)
            .map(|channel| whole.iter().skip(channel).step_by(channels).copied().collect())
            .collect();
        // A packet with less than one frame is not a failed one.
        (rate / channels as u32, frames.max(usize::from(samples > 0)))
    }

    /// Mixes the decoded channels to mono and queues what the edit list plays of it.
    fn mix_and_queue(&mut self, at: f64, rate: u32) {
        let mut mono = self.spare_buffers.pop().unwrap_or_default();
        match self.origin.options.channel {
            Some(channel) => downmix::pick_channel(&mut self.decoded, usize::from(channel), &mut mono),
            None => downmix::mix_channels(&mut self.decoded, &mut mono),
        }
        self.failures = 0;
        if !self.has_sound {
            self.info.channels = u16::try_from(self.decoded.len()).unwrap_or(u16::MAX);
        }
        if self.played_ranges.is_empty() {
            self.queue_sound(at, rate, mono);
            return;
        }
        for i in 0..self.played_ranges.len() {
            let (at, samples) = self.played_ranges[i].clip(at, mono.len(), rate);
            if !samples.is_empty() {
                let mut played = self.spare_buffers.pop().unwrap_or_default();
                played.clear();
                played.extend_from_slice(&mono[samples]);
                self.queue_sound(at, rate, played);
            }
        }
        self.spare_buffers.push(mono);
    }
}

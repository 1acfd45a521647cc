//! A demuxer for frames without a container: MPEG audio (MP1–3) and AAC in ADTS.
//!
//! A frame is believed if a frame of the same kind follows where it ends, or if it follows such a frame. Otherwise, as
//! behind damage, the next three frames in a row are searched for. These streams have no timestamps, so a gap would
//! shift everything behind it: the length of what was skipped is estimated from the mean length of the frames before.
//! Tags and headers of appended streams are not lost sound.

use crate::containers::mpeg_audio::{self, Frame};
use crate::file_view::ReadPosition;
use std::io::Read;
use symphonia::core::audio::Channels;
use symphonia::core::audio::layouts::{CHANNEL_LAYOUT_MONO, CHANNEL_LAYOUT_STEREO};
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3};
use symphonia::core::errors::{Error, Result, SeekErrorKind};
use symphonia::core::formats::well_known::FORMAT_ID_MP3;
use symphonia::core::formats::{FormatInfo, FormatReader, MediaInfo, SeekMode, SeekTo, SeekedTo, Track};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::{Metadata, MetadataLog};
use symphonia::core::packet::{Packet, PacketBuilder};
use symphonia::core::units::{Duration, TimeBase, Timestamp};

const INFO: FormatInfo =
    FormatInfo { format: FORMAT_ID_MP3, short_name: "frames", long_name: "Frames of MPEG audio" };
/// Frames in a row that are believed behind damage. Random bytes form so many once in 10^10.
const MIN_FRAMES_BEHIND_DAMAGE: usize = 3;
/// Bytes that are buffered before a search.
const READ_AHEAD: usize = 64 * 1024;
/// Frames from whose mean length the length of a stream is estimated.
const ESTIMATE_FRAMES: u32 = 200;
/// Up to this many bytes of something else at the end of a file are not lost sound.
const MAX_TRAILER: u64 = 4096;

/// Reads frames one after the other.
pub(super) struct MpegDemuxer {
    source: MediaSourceStream<'static>,
    /// Bytes of the source that have been read.
    buffer: Vec<u8>,
    /// Index in `buffer` of the next byte.
    at: usize,
    /// Position in the file of the start of `buffer`.
    base: u64,
    /// The source has nothing more.
    source_ended: bool,
    /// Position in the file of the last frame that was given.
    position: ReadPosition,
    /// Length of the file in bytes.
    len: u64,
    tracks: [Track; 1],
    media: MediaInfo,
    metadata: MetadataLog,
    /// The last frame.
    last: Option<Frame>,
    /// A frame that directly follows the last one is believed.
    in_line: bool,
    /// Bytes and number of the frames given, for their mean length.
    bytes: u64,
    frames: u64,
    /// Timestamp of the next frame, in samples.
    next: i64,
    /// Samples that the header of the stream counts, without delay and padding.
    header_samples: Option<u64>,
    /// The bytes behind the last frame have been reported as damage.
    trailer_reported: bool,
}

/// Bytes that were skipped in search of frames.
struct Skipped {
    bytes: u64,
    /// All skipped bytes are zero.
    blank: bool,
    /// Frames or a tag follow.
    found: bool,
}

impl MpegDemuxer {
    /// Reads frames from `source`, whose first byte is byte `base` of a file of `len` bytes. A frame begins there, with
    /// the timestamp `first`; `None` at the start of a stream, which may have a header. `position` is set to where the
    /// last frame began.
    pub(super) fn new(
        source: MediaSourceStream<'static>,
        base: u64,
        len: u64,
        first: Option<i64>,
        position: ReadPosition,
    ) -> Result<Self> {
        let mut reader = Self {
            source,
            buffer: Vec::new(),
            at: 0,
            base,
            source_ended: false,
            position,
            len,
            tracks: [Track::new(0)],
            media: MediaInfo::new(),
            metadata: MetadataLog::default(),
            last: None,
            in_line: true,
            bytes: 0,
            frames: 0,
            next: first.unwrap_or(0),
            header_samples: None,
            trailer_reported: false,
        };
        reader.read_ahead(READ_AHEAD)?;
        let frame = mpeg_audio::parse_frame(reader.unread()).ok_or(Error::DecodeError("no frame"))?;
        reader.set_track(&frame);
        if first.is_none() {
            reader.read_stream_header(&frame);
            if reader.header_samples.is_none() {
                reader.estimate_length();
            }
        }
        Ok(reader)
    }

    /// Bytes that have been read and not used.
    fn unread(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// Reads ahead until there are `wanted` unread bytes, or up to the end.
    fn read_ahead(&mut self, wanted: usize) -> Result<()> {
        if self.unread().len() >= wanted || self.source_ended {
            return Ok(());
        }
        self.buffer.drain(..self.at);
        self.base += self.at as u64;
        self.at = 0;
        while self.buffer.len() < wanted.max(READ_AHEAD) && !self.source_ended {
            let old = self.buffer.len();
            self.buffer.resize(old + READ_AHEAD, 0);
            let read = self.source.read(&mut self.buffer[old..])?;
            self.buffer.truncate(old + read);
            self.source_ended = read == 0;
        }
        Ok(())
    }

    /// Skips `bytes`, which may go beyond the buffer.
    fn skip(&mut self, bytes: u64) -> Result<()> {
        let mut left = bytes;
        while left > 0 {
            self.read_ahead(1)?;
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(self.unread().len());
            if here == 0 {
                break;
            }
            self.at += here;
            left -= here as u64;
        }
        Ok(())
    }

    /// Describes the track by the parameters of `frame`.
    fn set_track(&mut self, frame: &Frame) {
        let codec = match (frame.kind.adts, frame.kind.layer) {
            (true, _) => CODEC_ID_AAC,
            (_, 3) => CODEC_ID_MP1,
            (_, 2) => CODEC_ID_MP2,
            _ => CODEC_ID_MP3,
        };
        let mut params = AudioCodecParameters::new();
        params.for_codec(codec).with_sample_rate(frame.rate);
        match frame.channels {
            1 => params.with_channels(CHANNEL_LAYOUT_MONO),
            2 => params.with_channels(CHANNEL_LAYOUT_STEREO),
            // The number of channels is inside the frames.
            0 => params.with_channels(Channels::None),
            more => params.with_channels(Channels::Discrete(u16::from(more))),
        };
        let mut track = Track::new(0);
        track.with_codec_params(CodecParameters::Audio(params));
        if let Ok(rate) = frame.rate.try_into() {
            track.with_time_base(TimeBase::from_recip(rate));
        }
        self.media = MediaInfo::from_track(&track);
        self.tracks = [track];
    }

    /// Reads the header of the stream, if its first frame is one.
    fn read_stream_header(&mut self, frame: &Frame) {
        if frame.kind.adts {
            return;
        }
        let here = self.unread();
        let Some(header) = mpeg_audio::stream_header(&here[..frame.bytes.min(here.len())]) else { return };
        self.at += frame.bytes.min(here.len());
        self.next = -i64::from(header.delay);
        let track = &mut self.tracks[0];
        track.with_delay(header.delay).with_padding(header.padding);
        if let Some(frames) = header.frames {
            let samples = u64::from(frames) * u64::from(frame.samples);
            let sound = samples.saturating_sub(u64::from(header.delay) + u64::from(header.padding));
            self.header_samples = Some(sound);
            track.with_num_frames(sound).with_duration(Duration::from(sound));
        }
    }

    /// Estimates the length of the stream from its first frames.
    fn estimate_length(&mut self) {
        let (mut at, mut samples, mut number) = (0, 0_u64, 0);
        while let Some(frame) =
            self.unread().get(at..).and_then(mpeg_audio::parse_frame).filter(|_| number < ESTIMATE_FRAMES)
        {
            at += frame.bytes;
            samples += u64::from(frame.samples);
            number += 1;
        }
        let left = self.len.saturating_sub(self.base + self.at as u64);
        let all = u128::from(left) * u128::from(samples) / (at.max(1) as u128);
        let all = u64::try_from(all).unwrap_or(0);
        self.tracks[0].with_num_frames(all).with_duration(Duration::from(all));
    }

    /// The next frame, if it is believed without a search. Skips tags before it.
    fn next_frame_in_line(&mut self) -> Result<Option<Frame>> {
        loop {
            self.read_ahead(READ_AHEAD / 2)?;
            if let Some(len) = mpeg_audio::tag_len(self.unread()) {
                self.skip(len)?;
                continue;
            }
            let Some(frame) = mpeg_audio::parse_frame(self.unread()) else { return Ok(None) };
            let is_next = self.last.is_some_and(|last| last.kind == frame.kind && self.in_line);
            let followed = self.is_followed(0, &frame, 2);
            if frame.bytes > self.unread().len() || !(is_next || followed) {
                return Ok(None);
            }
            self.in_line = followed;
            return Ok(Some(frame));
        }
    }

    /// Whether the frame at `ahead` unread bytes is the first of `number` frames of its kind, or of all that are left.
    fn is_followed(&self, ahead: usize, frame: &Frame, number: usize) -> bool {
        let mut at = ahead + frame.bytes;
        for _ in 1..number {
            let Some(rest) = self.unread().get(at..) else { return false };
            if (rest.is_empty() && self.source_ended) || mpeg_audio::tag_len(rest).is_some() {
                return true;
            }
            match mpeg_audio::parse_frame(rest) {
                Some(next) if next.kind == frame.kind => at += next.bytes,
                // The header of an appended stream may be of another kind.
                Some(next) => return rest.get(next.bytes..).and_then(mpeg_audio::parse_frame).is_some(),
                None => return false,
            }
        }
        true
    }

    /// Skips to the next frames or tag behind damage, or to the end.
    fn skip_to_frames(&mut self) -> Result<Skipped> {
        let mut skipped = Skipped { bytes: 0, blank: true, found: false };
        loop {
            self.read_ahead(READ_AHEAD)?;
            let rest = self.unread();
            if rest.is_empty() {
                return Ok(skipped);
            }
            // A row of frames that begins later may not be in the buffer completely.
            let most = if self.source_ended { rest.len() } else { rest.len().min(READ_AHEAD / 4) };
            let found = (usize::from(skipped.bytes == 0)..most).find(|at| {
                let here = &rest[*at..];
                let begins = || {
                    mpeg_audio::parse_frame(here)
                        .is_some_and(|frame| self.is_followed(*at, &frame, MIN_FRAMES_BEHIND_DAMAGE))
                };
                (here[0] == 0xff && begins()) || (here.starts_with(b"ID3") && mpeg_audio::id3_len(here) > 0)
            });
            let here = found.unwrap_or(most);
            skipped.blank &= rest[..here].iter().all(|byte| *byte == 0);
            self.at += here;
            skipped.bytes += here as u64;
            if found.is_some() {
                return Ok(Skipped { found: true, ..skipped });
            }
        }
    }

    /// A packet without data, which stands for the sound of so many lost bytes.
    fn loss_packet(&mut self, bytes: u64) -> Packet {
        let samples = self.last.map_or(0, |frame| frame.samples);
        let mean = self.bytes.checked_div(self.frames).unwrap_or(0).max(1);
        let frames = (bytes + mean / 2) / mean;
        let duration = Duration::from(frames.saturating_mul(u64::from(samples)));
        let nothing: Box<[u8]> = Box::default();
        let packet =
            PacketBuilder::new().track_id(0).pts(self.next.into()).dur(duration).data(nothing).build();
        self.next = self.next.saturating_add_unsigned(duration.get());
        packet
    }

    fn frame_packet(&mut self, frame: Frame) -> Packet {
        let is_last = self.unread().len() <= frame.bytes && self.source_ended;
        let body: Box<[u8]> =
            self.unread()[if frame.kind.adts { frame.header } else { 0 }..frame.bytes].into();
        self.position.set(self.base + self.at as u64);
        self.at += frame.bytes;
        self.last = Some(frame);
        self.bytes += frame.bytes as u64;
        self.frames += 1;
        let duration = Duration::from(u64::from(frame.samples));
        let pts = Timestamp::from(self.next);
        self.next = self.next.saturating_add_unsigned(duration.get());
        // The encoder's padding, if the header counts correctly.
        let end = self.header_samples.and_then(|header_samples| i64::try_from(header_samples).ok());
        let beyond = end.map_or(0, |end| self.next.saturating_sub(end).max(0)).unsigned_abs();
        let trim = if is_last && beyond <= duration.get() { Duration::from(beyond) } else { Duration::ZERO };
        let kept = duration.saturating_sub(trim);
        PacketBuilder::new().track_id(0).pts(pts).dur(kept).trim_end(trim).data(body).build()
    }
}

impl FormatReader for MpegDemuxer {
    fn format_info(&self) -> &FormatInfo {
        &INFO
    }

    fn media_info(&self) -> &MediaInfo {
        &self.media
    }

    fn metadata(&mut self) -> Metadata<'_> {
        self.metadata.metadata()
    }

    fn seek(&mut self, _: SeekMode, _: SeekTo) -> Result<SeekedTo> {
        // To read from another place, another demuxer is opened there.
        Err(Error::SeekError(SeekErrorKind::Unseekable))
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// The next frame. A packet without data stands for lost frames, of its duration.
    fn next_packet(&mut self) -> Result<Option<Packet>> {
        loop {
            let Some(frame) = self.next_frame_in_line()? else {
                let skipped = self.skip_to_frames()?;
                self.in_line = false;
                if !skipped.found {
                    // Zeros may be a recorder's empty space, and a few bytes a tag of another kind.
                    let much = skipped.bytes > MAX_TRAILER && !skipped.blank;
                    if self.last.is_some() && much && !std::mem::replace(&mut self.trailer_reported, true) {
                        return Err(Error::DecodeError("no frames up to the end of the file"));
                    }
                    return Ok(None);
                }
                if self.last.is_none() {
                    continue;
                }
                let lost = self.loss_packet(skipped.bytes);
                if lost.dur > Duration::ZERO {
                    return Ok(Some(lost));
                }
                continue;
            };
            if self.last.is_some_and(|last| last.kind != frame.kind || last.channels != frame.channels) {
                // A stream with other parameters follows.
                self.set_track(&frame);
                (self.last, self.bytes, self.frames, self.next, self.header_samples) = (None, 0, 0, 0, None);
                self.read_stream_header(&frame);
                self.header_samples = None;
                self.in_line = true;
                return Err(Error::ResetRequired);
            }
            if !frame.kind.adts && mpeg_audio::stream_header(&self.unread()[..frame.bytes]).is_some() {
                // The header of an appended stream.
                self.at += frame.bytes;
                self.header_samples = None;
                continue;
            }
            return Ok(Some(self.frame_packet(frame)));
        }
    }

    fn into_inner<'s>(self: Box<Self>) -> MediaSourceStream<'s>
    where
        Self: 's,
    {
        self.source
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use std::io::Cursor;

    /// 64 kbit/s, 16 kHz, MPEG-2 layer III: 288 bytes, 576 samples.
    const MP3: [u8; 4] = [0xff, 0xf3, 0x88, 0xc0];
    /// The same at 24 kHz: 192 bytes.
    const AT_24_KHZ: [u8; 4] = [0xff, 0xf3, 0x84, 0xc0];

    fn frames(header: [u8; 4], len: usize, number: usize) -> Vec<u8> {
        let mut frame = vec![0x55; len];
        frame[..4].copy_from_slice(&header);
        frame.repeat(number)
    }

    /// LAME's header of a stream of `frames` frames, with delay and padding in samples.
    fn index(frames: u32, delay: u32, padding: u32) -> Vec<u8> {
        let mut frame = vec![0; 288];
        frame[..4].copy_from_slice(&MP3);
        frame[13..17].copy_from_slice(b"Xing");
        frame[17..21].copy_from_slice(&1_u32.to_be_bytes());
        frame[21..25].copy_from_slice(&frames.to_be_bytes());
        frame[25..29].copy_from_slice(b"LAME");
        frame[45..49].copy_from_slice(&(delay << 12 | padding).to_be_bytes());
        frame
    }

    fn open(bytes: Vec<u8>) -> (MpegDemuxer, ReadPosition) {
        let position = ReadPosition::default();
        let len = bytes.len() as u64;
        let source = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
        (MpegDemuxer::new(source, 0, len, None, position.clone()).unwrap(), position)
    }

    /// Number of frames given, samples that were lost, and whether the end was reported as damage.
    fn read(bytes: Vec<u8>) -> (usize, u64, bool) {
        let (mut reader, _) = open(bytes);
        let (mut given, mut lost) = (0, 0);
        loop {
            match reader.next_packet() {
                Ok(Some(packet)) if packet.data.is_empty() => lost += packet.dur.get(),
                Ok(Some(_)) => given += 1,
                Ok(None) => return (given, lost, false),
                Err(Error::ResetRequired) => {}
                Err(_) => return (given, lost, true),
            }
        }
    }

    #[test]
    fn all_frames_are_given_with_their_positions() {
        let (mut reader, position) = open(frames(MP3, 288, 10));
        for i in 0..10 {
            let packet = reader.next_packet().unwrap().unwrap();
            assert_eq!((packet.pts.get(), packet.dur.get(), packet.data.len()), (i * 576, 576, 288));
            assert_eq!(position.get(), i as u64 * 288);
        }
        assert!(reader.next_packet().unwrap().is_none());
        assert_eq!(reader.tracks()[0].num_frames, Some(5760));
    }

    #[test]
    fn lost_frames_are_estimated_from_skipped_bytes() {
        for hole in [vec![0; 288 * 20], vec![0xff; 288 * 20], b"no frame ".repeat(640)] {
            let found = read([frames(MP3, 288, 10), hole, frames(MP3, 288, 10)].concat());
            assert_eq!(found, (20, 20 * 576, false));
        }
    }

    #[test]
    fn tags_and_headers_between_streams_are_not_lost_sound() {
        let size = 70_000_u32;
        let bits = [size >> 21 & 0x7f, size >> 14 & 0x7f, size >> 7 & 0x7f, size & 0x7f].map(|b| b as u8);
        // Pictures hold what looks like a frame.
        let picture = [MP3.as_slice(), &[0xff; 66]].concat().repeat(1000);
        let tag = [b"ID3\x04\0\0".as_slice(), &bits, &picture].concat();
        let old = [b"TAG".as_slice(), &[b' '; 125]].concat();
        for between in [tag, old, index(5, 0, 0)] {
            let found = read([frames(MP3, 288, 10), between, frames(MP3, 288, 5)].concat());
            assert_eq!(found, (15, 0, false));
        }
    }

    #[test]
    fn encoder_delay_and_padding_are_trimmed() {
        let (mut reader, _) = open([index(10, 576, 1000), frames(MP3, 288, 10)].concat());
        let packets: Vec<Packet> = std::iter::from_fn(|| reader.next_packet().unwrap()).collect();
        assert_eq!((packets.len(), packets[0].pts.get()), (10, -(576 + 529)));
        // The last 1000 − 529 samples are padding.
        assert_eq!((packets[9].trim_end.get(), packets[9].dur.get()), (471, 105));
        // The header counts only the first part.
        let joined = [index(10, 576, 1000), frames(MP3, 288, 20)].concat();
        let (mut reader, _) = open(joined);
        let packets: Vec<Packet> = std::iter::from_fn(|| reader.next_packet().unwrap()).collect();
        assert!(packets.len() == 20 && packets.iter().all(|packet| packet.trim_end.is_zero()));
    }

    #[test]
    fn a_stream_of_another_rate_resets_the_demuxer() {
        let (mut reader, _) = open([frames(MP3, 288, 5), frames(AT_24_KHZ, 192, 5)].concat());
        for _ in 0..5 {
            assert_eq!(reader.next_packet().unwrap().unwrap().data.len(), 288);
        }
        assert!(matches!(reader.next_packet(), Err(Error::ResetRequired)));
        let first = reader.next_packet().unwrap().unwrap();
        assert_eq!((first.pts.get(), first.data.len()), (0, 192));
    }

    #[test]
    fn long_trailing_bytes_that_are_no_frames_are_reported() {
        let with = |behind: Vec<u8>| read([frames(MP3, 288, 10), behind].concat());
        assert_eq!(with(vec![0; 100_000]), (10, 0, false));
        assert_eq!(with(vec![7; 100]), (10, 0, false));
        assert_eq!(with(vec![7; 100_000]), (10, 0, true));
        // A truncated frame.
        assert_eq!(with(frames(MP3, 200, 1)), (10, 0, false));
    }
}

//! A demuxer of frames without a container: MPEG audio (MP1–3) and AAC in ADTS.
//!
//! A frame is believed if another one of its kind follows where it ends, or if it follows another one. Where neither is
//! so, as behind damage, the next three in a row are looked for; what was skipped is estimated from the mean length of
//! the frames before, because these streams have no timestamps and a hole would move all that follows. Tags and headers
//! of streams that were appended are no loss.

use crate::containers::mpeg::{self, Frame};
use crate::source::Position;
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
/// Frames in a row that are believed behind damage. Random bytes do that once in 10^10.
const IN_A_ROW: usize = 3;
/// Bytes kept in front of a search.
const READ: usize = 64 * 1024;
/// Frames whose mean length stands for all, where the length of a stream is estimated.
const SAMPLE: u32 = 200;
/// Bytes of something else at the end of a file that are no sound that was lost.
const LITTLE: u64 = 4096;

/// Reads frames one after the other.
pub(super) struct FramesReader {
    source: MediaSourceStream<'static>,
    /// Read and not given.
    buffer: Vec<u8>,
    /// Where in `buffer` the next byte is.
    at: usize,
    /// Where in the file `buffer` begins.
    base: u64,
    /// The source has nothing more.
    drained: bool,
    /// Where in the file the frame begins that was given last.
    position: Position,
    /// Bytes in the file.
    len: u64,
    tracks: [Track; 1],
    media: MediaInfo,
    metadata: MetadataLog,
    /// The last frame.
    last: Option<Frame>,
    /// Sound behind the last frame is in line with it.
    in_line: bool,
    /// Of frames given, for their mean length.
    bytes: u64,
    frames: u64,
    /// Timestamp of the next frame, in samples.
    next: i64,
    /// Samples that the header of the stream counts, without what was put in front and behind.
    counted: Option<u64>,
    /// Something that is no sound lies behind, and was not read.
    spoilt: bool,
}

/// What was skipped in search of frames.
struct Skipped {
    bytes: u64,
    /// All of them are zero.
    blank: bool,
    /// Frames, or a tag, follow.
    found: bool,
}

impl FramesReader {
    /// Reads what `source` shows from `base` on, a byte of the file at which a frame begins, which has the timestamp
    /// `first`; `None` at the start of a stream, which a header may begin. `position` follows where in the file of `len`
    /// bytes the last frame began.
    pub(super) fn new(
        source: MediaSourceStream<'static>,
        base: u64,
        len: u64,
        first: Option<i64>,
        position: Position,
    ) -> Result<Self> {
        let mut reader = Self {
            source,
            buffer: Vec::new(),
            at: 0,
            base,
            drained: false,
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
            counted: None,
            spoilt: false,
        };
        reader.ask(READ)?;
        let frame = mpeg::frame(reader.rest()).ok_or(Error::DecodeError("no frame"))?;
        reader.describe(&frame);
        if first.is_none() {
            reader.read_index(&frame);
            if reader.counted.is_none() {
                reader.estimate();
            }
        }
        Ok(reader)
    }

    /// What is read and not given.
    fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// Reads until there are `wanted` bytes, or all there are.
    fn ask(&mut self, wanted: usize) -> Result<()> {
        if self.rest().len() >= wanted || self.drained {
            return Ok(());
        }
        self.buffer.drain(..self.at);
        self.base += self.at as u64;
        self.at = 0;
        while self.buffer.len() < wanted.max(READ) && !self.drained {
            let old = self.buffer.len();
            self.buffer.resize(old + READ, 0);
            let read = self.source.read(&mut self.buffer[old..])?;
            self.buffer.truncate(old + read);
            self.drained = read == 0;
        }
        Ok(())
    }

    /// Leaves out `bytes`, which may go on behind what was read.
    fn skip(&mut self, bytes: u64) -> Result<()> {
        let mut left = bytes;
        while left > 0 {
            self.ask(1)?;
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(self.rest().len());
            if here == 0 {
                break;
            }
            self.at += here;
            left -= here as u64;
        }
        Ok(())
    }

    /// Tells of a stream of such frames.
    fn describe(&mut self, frame: &Frame) {
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
            // The frames themselves say it.
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

    /// Takes what the header of the stream says, if its first frame is one.
    fn read_index(&mut self, frame: &Frame) {
        if frame.kind.adts {
            return;
        }
        let here = self.rest();
        let Some(index) = mpeg::index(&here[..frame.bytes.min(here.len())]) else { return };
        self.at += frame.bytes.min(here.len());
        self.next = -i64::from(index.delay);
        let track = &mut self.tracks[0];
        track.with_delay(index.delay).with_padding(index.padding);
        if let Some(frames) = index.frames {
            let samples = u64::from(frames) * u64::from(frame.samples);
            let sound = samples.saturating_sub(u64::from(index.delay) + u64::from(index.padding));
            self.counted = Some(sound);
            track.with_num_frames(sound).with_duration(Duration::from(sound));
        }
    }

    /// Estimates the length from the first frames.
    fn estimate(&mut self) {
        let (mut at, mut samples, mut number) = (0, 0_u64, 0);
        while let Some(frame) = self.rest().get(at..).and_then(mpeg::frame).filter(|_| number < SAMPLE) {
            at += frame.bytes;
            samples += u64::from(frame.samples);
            number += 1;
        }
        let left = self.len.saturating_sub(self.base + self.at as u64);
        let all = u128::from(left) * u128::from(samples) / (at.max(1) as u128);
        let all = u64::try_from(all).unwrap_or(0);
        self.tracks[0].with_num_frames(all).with_duration(Duration::from(all));
    }

    /// The next frame in line with the last one, once all tags in front of it are skipped.
    fn frame_here(&mut self) -> Result<Option<Frame>> {
        loop {
            self.ask(READ / 2)?;
            if let Some(len) = mpeg::tag_len(self.rest()) {
                self.skip(len)?;
                continue;
            }
            let Some(frame) = mpeg::frame(self.rest()) else { return Ok(None) };
            let is_next = self.last.is_some_and(|last| last.kind == frame.kind && self.in_line);
            let followed = self.is_followed(0, &frame, 2);
            if frame.bytes > self.rest().len() || !(is_next || followed) {
                return Ok(None);
            }
            self.in_line = followed;
            return Ok(Some(frame));
        }
    }

    /// Whether the frame that is `ahead` of here is the first of so many of its kind, or of all that are left.
    fn is_followed(&self, ahead: usize, frame: &Frame, number: usize) -> bool {
        let mut at = ahead + frame.bytes;
        for _ in 1..number {
            let Some(rest) = self.rest().get(at..) else { return false };
            if (rest.is_empty() && self.drained) || mpeg::tag_len(rest).is_some() {
                return true;
            }
            match mpeg::frame(rest) {
                Some(next) if next.kind == frame.kind => at += next.bytes,
                // The header of a stream that was appended may be of another kind.
                Some(next) => return rest.get(next.bytes..).and_then(mpeg::frame).is_some(),
                None => return false,
            }
        }
        true
    }

    /// Skips to the next frames behind damage, or to the end.
    fn skip_to_frames(&mut self) -> Result<Skipped> {
        let mut skipped = Skipped { bytes: 0, blank: true, found: false };
        loop {
            self.ask(READ)?;
            let rest = self.rest();
            if rest.is_empty() {
                return Ok(skipped);
            }
            // A row of frames that begins later may not be in the buffer as a whole.
            let most = if self.drained { rest.len() } else { rest.len().min(READ / 4) };
            let found = (usize::from(skipped.bytes == 0)..most).find(|at| {
                let here = &rest[*at..];
                let begins =
                    || mpeg::frame(here).is_some_and(|frame| self.is_followed(*at, &frame, IN_A_ROW));
                (here[0] == 0xff && begins()) || (here.starts_with(b"ID3") && mpeg::id3_len(here) > 0)
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

    /// Stands for the sound of so many bytes.
    fn lost(&mut self, bytes: u64) -> Packet {
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

    fn give(&mut self, frame: Frame) -> Packet {
        let is_last = self.rest().len() <= frame.bytes && self.drained;
        let body: Box<[u8]> = self.rest()[if frame.kind.adts { frame.header } else { 0 }..frame.bytes].into();
        self.position.set(self.base + self.at as u64);
        self.at += frame.bytes;
        self.last = Some(frame);
        self.bytes += frame.bytes as u64;
        self.frames += 1;
        let duration = Duration::from(u64::from(frame.samples));
        let pts = Timestamp::from(self.next);
        self.next = self.next.saturating_add_unsigned(duration.get());
        // What the encoder put behind, if the count of the header is true.
        let end = self.counted.and_then(|counted| i64::try_from(counted).ok());
        let beyond = end.map_or(0, |end| self.next.saturating_sub(end).max(0)).unsigned_abs();
        let trim = if is_last && beyond <= duration.get() { Duration::from(beyond) } else { Duration::ZERO };
        let kept = duration.saturating_sub(trim);
        PacketBuilder::new().track_id(0).pts(pts).dur(kept).trim_end(trim).data(body).build()
    }
}

impl FormatReader for FramesReader {
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
        // To read from another place, another reader is opened at that place.
        Err(Error::SeekError(SeekErrorKind::Unseekable))
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// The next frame. A packet without data stands for frames that were lost, as long as it says.
    fn next_packet(&mut self) -> Result<Option<Packet>> {
        loop {
            let Some(frame) = self.frame_here()? else {
                let skipped = self.skip_to_frames()?;
                self.in_line = false;
                if !skipped.found {
                    // A tag of some other kind, or a recorder's empty space.
                    let much = skipped.bytes > LITTLE && !skipped.blank;
                    if self.last.is_some() && much && !std::mem::replace(&mut self.spoilt, true) {
                        return Err(Error::DecodeError("no frames up to the end of the file"));
                    }
                    return Ok(None);
                }
                if self.last.is_none() {
                    continue;
                }
                let lost = self.lost(skipped.bytes);
                if lost.dur > Duration::ZERO {
                    return Ok(Some(lost));
                }
                continue;
            };
            if self.last.is_some_and(|last| last.kind != frame.kind || last.channels != frame.channels) {
                // A stream of another kind follows.
                self.describe(&frame);
                (self.last, self.bytes, self.frames, self.next, self.counted) = (None, 0, 0, 0, None);
                self.read_index(&frame);
                self.counted = None;
                self.in_line = true;
                return Err(Error::ResetRequired);
            }
            if !frame.kind.adts && mpeg::index(&self.rest()[..frame.bytes]).is_some() {
                // The header of a stream that was appended.
                self.at += frame.bytes;
                self.counted = None;
                continue;
            }
            return Ok(Some(self.give(frame)));
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

    /// LAME's header of a stream: so many frames, of which it put samples in front and behind.
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

    fn open(bytes: Vec<u8>) -> (FramesReader, Position) {
        let position = Position::default();
        let len = bytes.len() as u64;
        let source = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
        (FramesReader::new(source, 0, len, None, position.clone()).unwrap(), position)
    }

    /// What the packets are: frames given, samples that were lost, and whether more could not be read.
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
    fn all_frames_are_given_with_their_places() {
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
    fn what_is_damaged_is_estimated_by_its_bytes() {
        for hole in [vec![0; 288 * 20], vec![0xff; 288 * 20], b"no frame ".repeat(640)] {
            let found = read([frames(MP3, 288, 10), hole, frames(MP3, 288, 10)].concat());
            assert_eq!(found, (20, 20 * 576, false));
        }
    }

    #[test]
    fn tags_and_headers_between_streams_are_no_loss() {
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
    fn what_the_encoder_put_around_the_sound_is_known() {
        let (mut reader, _) = open([index(10, 576, 1000), frames(MP3, 288, 10)].concat());
        let packets: Vec<Packet> = std::iter::from_fn(|| reader.next_packet().unwrap()).collect();
        assert_eq!((packets.len(), packets[0].pts.get()), (10, -(576 + 529)));
        // 1000 − 529 of the last frame are no sound.
        assert_eq!((packets[9].trim_end.get(), packets[9].dur.get()), (471, 105));
        // The header counts only the first part.
        let joined = [index(10, 576, 1000), frames(MP3, 288, 20)].concat();
        let (mut reader, _) = open(joined);
        let packets: Vec<Packet> = std::iter::from_fn(|| reader.next_packet().unwrap()).collect();
        assert!(packets.len() == 20 && packets.iter().all(|packet| packet.trim_end.is_zero()));
    }

    #[test]
    fn a_stream_of_another_rate_begins_anew() {
        let (mut reader, _) = open([frames(MP3, 288, 5), frames(AT_24_KHZ, 192, 5)].concat());
        for _ in 0..5 {
            assert_eq!(reader.next_packet().unwrap().unwrap().data.len(), 288);
        }
        assert!(matches!(reader.next_packet(), Err(Error::ResetRequired)));
        let first = reader.next_packet().unwrap().unwrap();
        assert_eq!((first.pts.get(), first.data.len()), (0, 192));
    }

    #[test]
    fn what_follows_the_last_frame_is_told_of_if_it_is_much() {
        let with = |behind: Vec<u8>| read([frames(MP3, 288, 10), behind].concat());
        assert_eq!(with(vec![0; 100_000]), (10, 0, false));
        assert_eq!(with(vec![7; 100]), (10, 0, false));
        assert_eq!(with(vec![7; 100_000]), (10, 0, true));
        // A frame that is cut.
        assert_eq!(with(frames(MP3, 200, 1)), (10, 0, false));
    }
}

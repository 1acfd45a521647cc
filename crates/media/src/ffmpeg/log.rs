//! What `ffmpeg` writes to standard error: properties of the input, times of frames, errors.

use crate::error::MediaError;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long to wait for a line. Standard error is another pipe than the sound, and may lag behind it.
const STDERR_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a line that are read; the rest is dropped.
const MAX_LINE_BYTES: u64 = 2048;
/// Start of the lines in which the filter `ashowinfo` reports the timestamps of frames.
const FRAME_LINE_PREFIX: &str = "[Parsed_ashowinfo_";
/// Believable lengths of a frame, in seconds.
const FRAME_SECONDS: std::ops::RangeInclusive<f64> = 0.0..=60.0;
/// Lines kept of the description of the input.
pub(super) const MAX_LINES: usize = 400;

/// The log of a running `ffmpeg`, shared with the thread that reads standard error.
#[derive(Debug, Default)]
pub(super) struct StderrLog {
    log: Mutex<Log>,
    changed: Condvar,
}

/// What `ffmpeg` has written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    /// The first lines, without level marks: the description of the input.
    pub(super) lines: Vec<String>,
    /// The description of the input is complete.
    described: bool,
    /// Standard error has ended.
    closed: bool,
    /// Number of lines at level error or worse.
    pub(crate) errors: u32,
    /// The last of these lines.
    last_error: Option<String>,
    /// Times of decoded frames that have not been taken.
    frame_times: VecDeque<FrameTime>,
}

/// When a decoded frame is played, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FrameTime {
    /// The timestamp; NaN if it has none.
    pub(crate) at: f64,
    pub(crate) duration: f64,
}

/// What `ffmpeg` reports about the file and its first audio stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct InputDescription {
    pub(crate) codec: Option<String>,
    pub(crate) sample_rate: Option<u32>,
    pub(crate) channels: Option<u16>,
    /// Number of audio streams, of which the first is decoded.
    pub(crate) streams: usize,
    pub(crate) duration_ms: Option<u32>,
    /// The first timestamp of any stream, in seconds.
    pub(crate) start: f64,
    /// Whether there are streams other than audio, such as pictures.
    pub(crate) has_other_streams: bool,
    pub(crate) title: Option<String>,
    pub(crate) date: Option<String>,
}

impl StderrLog {
    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads `stderr` to its end, line by line.
    pub(super) fn read_all(&self, stderr: impl Read) {
        let mut stderr = BufReader::new(stderr);
        let mut line = Vec::new();
        // The rest of a line that is too long comes next.
        let mut in_long_line = false;
        loop {
            line.clear();
            match stderr.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => break,
                Ok(_) if in_long_line => {}
                Ok(_) => self.log().add_line(String::from_utf8_lossy(&line).trim_end()),
            }
            in_long_line = !line.ends_with(b"\n");
            self.changed.notify_all();
        }
        self.log().closed = true;
        self.changed.notify_all();
    }

    /// Takes the times of frames. Waits for some if there are none, unless the log has ended.
    pub(super) fn take_frame_times(&self) -> VecDeque<FrameTime> {
        std::mem::take(&mut self.wait_until(|log| !log.frame_times.is_empty() || log.closed).frame_times)
    }

    /// Waits for the description of the input.
    pub(super) fn description(&self) -> InputDescription {
        self.wait_until(|log| log.described || log.closed).description()
    }

    /// Waits until standard error has ended.
    pub(super) fn wait_for_end(&self) {
        drop(self.wait_until(|log| log.closed));
    }

    /// Waits until `condition` holds, at most for [`STDERR_TIMEOUT`].
    fn wait_until(&self, condition: impl Fn(&Log) -> bool) -> MutexGuard<'_, Log> {
        let waited = self.changed.wait_timeout_while(self.log(), STDERR_TIMEOUT, |log| !condition(log));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Log {
    /// Why `ffmpeg` gave no sample of a file of this format.
    pub(crate) fn failure(&self, format: &str) -> MediaError {
        let contains = |what: &str| {
            self.lines.iter().map(String::as_str).chain(self.last_error.as_deref()).any(|l| l.contains(what))
        };
        let detail = self.last_error.clone().unwrap_or_else(|| "no output".to_owned());
        if contains("matches no streams") || contains("does not contain any stream") {
            MediaError::NoAudioTrack
        } else if ["no decoder found", "not found for input stream", "Unknown input format"]
            .iter()
            .any(|w| contains(w))
        {
            MediaError::Unsupported { codec: format.to_owned() }
        } else if contains("Permission denied") {
            MediaError::Io(io::ErrorKind::PermissionDenied.into())
        } else if contains("Invalid data found") || contains("Invalid argument") || self.errors > 0 {
            MediaError::damaged(detail)
        } else {
            MediaError::NoSamples
        }
    }

    /// The description of the input, as far as it has been read.
    fn description(&self) -> InputDescription {
        let mut description = InputDescription::default();
        let mut before_streams = true;
        for line in self.lines.iter().take_while(|line| !line.starts_with("Output #")) {
            let line = line.trim();
            if let Some(rest) = line.strip_prefix("Duration: ") {
                description.duration_ms = parse_duration(rest.split(',').next().unwrap_or_default());
                let start = rest.split_once("start: ").and_then(|(_, start)| start.split(',').next());
                description.start = start.and_then(|start| start.trim().parse().ok()).unwrap_or(0.0);
            } else if line.starts_with("Stream #") {
                before_streams = false;
                let is_sound = line.contains(": Audio: ");
                description.streams += usize::from(is_sound);
                description.has_other_streams |= !is_sound;
                if description.codec.is_none()
                    && let Some((_, audio)) = line.split_once(": Audio: ")
                {
                    parse_stream(audio, &mut description);
                }
            } else if before_streams && let Some((key, value)) = line.split_once(':') {
                match key.trim() {
                    "title" => description.title = Some(value.trim().to_owned()),
                    "creation_time" => description.date = Some(value.trim().to_owned()),
                    "date" | "WM/EncodingTime" if description.date.is_none() => {
                        description.date = Some(value.trim().to_owned());
                    }
                    _ => {}
                }
            }
        }
        description
    }

    fn add_line(&mut self, line: &str) {
        // Texts of the file itself, such as a title, are on lines with another prefix.
        if let Some(time) = line.starts_with(FRAME_LINE_PREFIX).then(|| parse_frame_time(line)).flatten() {
            self.frame_times.push_back(time);
            return;
        }
        // A complaint about the timestamps of the raw output, which nothing uses.
        if line.contains("non monotonically increasing dts") {
            return;
        }
        // "[asf @ 0x55d0] [error] text": the level is the last mark.
        let is_error = ["[error]", "[fatal]", "[panic]"].iter().any(|mark| line.contains(mark));
        if is_error {
            self.errors = self.errors.saturating_add(1);
            self.last_error = Some(line.to_owned());
        }
        self.described |= line.contains("Output #");
        if self.lines.len() < MAX_LINES {
            self.lines.push(line.strip_prefix("[info] ").unwrap_or(line).to_owned());
        }
    }
}

/// Parses `[Parsed_ashowinfo_0 @ 0x5] [info] n:1 pts:576 pts_time:0.0261224 … rate:22050 nb_samples:576 …`. A
/// `pts_time` of "NOPTS" means that there is no timestamp.
fn parse_frame_time(line: &str) -> Option<FrameTime> {
    let value = |key: &str| line.split_whitespace().find_map(|word| word.strip_prefix(key));
    let (rate, samples): (f64, f64) = (value("rate:")?.parse().ok()?, value("nb_samples:")?.parse().ok()?);
    let at = value("pts_time:")?.parse().unwrap_or(f64::NAN);
    Some(FrameTime { at, duration: samples / rate }).filter(|time| FRAME_SECONDS.contains(&time.duration))
}

/// Parses `wmav2 (a[1][0][0] / 0x0161), 48000 Hz, stereo, fltp, 64 kb/s`.
fn parse_stream(text: &str, description: &mut InputDescription) {
    let mut parts = text.split(", ");
    description.codec = parts.next().and_then(|p| p.split_whitespace().next()).map(str::to_owned);
    for part in parts {
        if let Some(rate) = part.strip_suffix(" Hz") {
            description.sample_rate = rate.parse().ok();
        } else if description.sample_rate.is_some() && description.channels.is_none() {
            let layout = part.split('(').next().unwrap_or_default().trim();
            description.channels = match layout {
                "mono" => Some(1),
                "stereo" | "downmix" => Some(2),
                _ => match (layout.split_once(" channels"), layout.split_once('.')) {
                    (Some((count, _)), _) => count.parse().ok(),
                    // "5.1" is six channels.
                    (_, Some((main, low))) => {
                        let both = main.parse::<u16>().ok().zip(low.parse().ok());
                        both.and_then(|(main, low)| main.checked_add(low))
                    }
                    _ => None,
                },
            };
        }
    }
}

/// Parses `00:01:02.34` to milliseconds; `None` for "N/A".
fn parse_duration(text: &str) -> Option<u32> {
    let mut parts = text.trim().rsplit(':');
    let seconds: f64 = parts.next()?.parse().ok()?;
    let minutes: u32 = parts.next()?.parse().ok()?;
    let hours: u32 = parts.next()?.parse().ok()?;
    Some(((f64::from(hours) * 60.0 + f64::from(minutes)) * 60_000.0 + seconds * 1000.0).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_of_the_input_is_read() {
        let mut log = Log::default();
        for line in [
            "[info] Input #0, asf, from 'file:title : x.wma':",
            "[info]   Metadata:",
            "[info]     title           : Board: May",
            "[info]     creation_time   : 2024-05-06T07:08:09.000000Z",
            "[info]   Duration: 01:00:11.50, start: 1.400000, bitrate: 66 kb/s",
            "[info]   Stream #0:0: Video: wmv2 (WMV2 / 0x32564D57), yuv420p, 320x240",
            "[info]   Stream #0:1[0x81](eng): Audio: wmav2 (a[1][0][0] / 0x0161), 48000 Hz, 5.1(side), fltp, 64 kb/s",
            "[info]     Metadata:",
            "[info]       title           : the track",
            "[info] Output #0, f32le, to 'pipe:1':",
            "[info]   Stream #0:0: Audio: pcm_f32le, 16000 Hz, mono, flt, 512 kb/s",
        ] {
            log.add_line(line);
        }
        let expected = InputDescription {
            codec: Some("wmav2".to_owned()),
            sample_rate: Some(48_000),
            channels: Some(6),
            streams: 1,
            duration_ms: Some(3_611_500),
            start: 1.4,
            has_other_streams: true,
            title: Some("Board: May".to_owned()),
            date: Some("2024-05-06T07:08:09.000000Z".to_owned()),
        };
        assert_eq!(log.description(), expected);
    }

    #[test]
    fn texts_of_the_file_and_impossible_numbers_are_ignored() {
        let mut log = Log::default();
        for line in [
            "[info]     title           : ashowinfo rate:1 nb_samples:1e300 pts_time:0",
            "[Parsed_ashowinfo_0 @ 0x562f] [info] n:1 pts:0 pts_time:0 rate:1 nb_samples:1e300",
            "[Parsed_ashowinfo_0 @ 0x562f] [info] n:1 pts:0 pts_time:0 rate:-1 nb_samples:441",
            "[info]   Stream #0:0: Audio: pcm_f32le, 16000 Hz, 65535.1, flt, 512 kb/s",
        ] {
            log.add_line(line);
        }
        assert!(log.frame_times.is_empty());
        assert_eq!(log.description().channels, None);
    }

    #[test]
    fn a_line_that_is_too_long_is_one_line() {
        let long = format!("[info] x{}\n[error] wrong\n", " [error]".repeat(MAX_LINE_BYTES as usize));
        let stderr_log = StderrLog::default();
        stderr_log.read_all(long.as_bytes());
        let log = stderr_log.log();
        assert_eq!((log.lines.len(), log.last_error.as_deref()), (2, Some("[error] wrong")));
    }

    #[test]
    fn times_of_frames_are_read() {
        let mut log = Log::default();
        for line in [
            "[Parsed_ashowinfo_0 @ 0x562f] [info] n:1 pts:576 pts_time:0.0261224 pos:341 fmt:fltp channels:1 chlayout:mono rate:22050 nb_samples:441 checksum:5A974107",
            "[Parsed_ashowinfo_0 @ 0x562f] [info] n:2 pts:NOPTS pts_time:NOPTS fmt:fltp rate:22050 nb_samples:441 checksum:5A974107",
            "[Parsed_ashowinfo_0 @ 0x5609] [info]   side data - matrix encoding: none",
            "[f32le @ 0x562] [error] Application provided invalid, non monotonically increasing dts to muxer in stream 0: 5 >= 1",
        ] {
            log.add_line(line);
        }
        assert_eq!(log.frame_times[0], FrameTime { at: 0.026_122_4, duration: 0.02 });
        assert!(log.frame_times.len() == 2 && log.frame_times[1].at.is_nan() && log.errors == 0);
    }

    #[test]
    fn the_reason_for_no_sound_is_read_from_the_log() {
        let failure = |line: &str| {
            let mut log = Log::default();
            log.add_line(line);
            log.failure("AMR").to_string()
        };
        for (line, sentence) in [
            ("[fatal] Stream map '0:a:0' matches no streams.", "it has no audio track"),
            ("[error] Output #0 does not contain any stream", "it has no audio track"),
            ("[fatal] Decoder (codec none) not found for input stream #0:0", "AMR cannot be decoded"),
            ("[fatal] Unknown input format: 'amr'", "AMR cannot be decoded"),
            (
                "[error] x: Invalid data found when processing input",
                "the file is damaged: no sound could be read from it",
            ),
            ("[info] nothing", "it contains no sound, only a header"),
        ] {
            assert_eq!(failure(line), sentence);
        }
    }
}

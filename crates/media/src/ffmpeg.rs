//! Sound decoded by an installed `ffmpeg`, streamed over a pipe.
//!
//! `ffmpeg` is given one file, one forced demuxer and no other protocol than files, without a shell. It writes raw
//! 32-bit float mono at the rate that is asked for: every sample that it decodes, in order. What it says on standard error
//! is read for the properties of the file and for the timestamp and duration of each frame, counted for damage, and never
//! shown. What the timestamps mean is decided by our own [`Timeline`](crate::timeline::Timeline), as for any file.

use crate::error::MediaError;
use crate::mono;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Nothing for this long means it hangs; a slow network drive gives something.
const PATIENCE: Duration = Duration::from_secs(60);
/// What it says is on another pipe than the sound, and not waited for any longer than this.
const SLOW_WORDS: Duration = Duration::from_secs(5);
/// Bytes per message: a quarter of a second.
const PIECE: usize = 16 * 1024;
/// Longest line of standard error that is looked at.
const LONGEST_LINE: u64 = 2048;
/// How the lines begin in which the filter `ashowinfo` tells the timestamps of frames.
const FRAMES: &str = "[Parsed_ashowinfo_";
/// How long a frame may be, in seconds.
const LENGTHS: std::ops::RangeInclusive<f64> = 0.0..=60.0;
/// Lines of the description of the input that are kept.
const MOST_LINES: usize = 400;

/// The last channel its filters have a name for.
const LAST_CHANNEL: u16 = 63;

/// What is wanted of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Samples per second.
    pub(crate) rate: u32,
    /// Whole seconds from the start to leave out.
    pub(crate) from_s: u64,
    /// This channel, counted from 0, and not the mean of all. Where there is no such channel, silence.
    pub(crate) channel: Option<u16>,
    /// The mean of so many channels, by their numbers: where `ffmpeg` knows no layout of so many.
    pub(crate) all_of: Option<u16>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { rate: transcript::SAMPLE_RATE, from_s: 0, channel: None, all_of: None }
    }
}

/// A running `ffmpeg`. Dropping it ends the process.
pub(crate) struct Ffmpeg {
    child: Child,
    pieces: Receiver<io::Result<Vec<u8>>>,
    /// Used buffers on their way back.
    spent: SyncSender<Vec<u8>>,
    ear: Arc<Ear>,
    patience: Duration,
    samples: Vec<f32>,
    /// Bytes of a sample whose other bytes are in the next piece.
    split: Vec<u8>,
    ended: bool,
    failed: bool,
}

/// What it says, shared with the thread that listens.
#[derive(Debug, Default)]
struct Ear {
    log: Mutex<Log>,
    news: Condvar,
}

/// What it said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    /// The beginning, without level marks: the description of the input.
    lines: Vec<String>,
    /// The description of the input is complete.
    described: bool,
    /// Nothing more will come.
    closed: bool,
    /// Lines at level error or worse.
    pub(crate) errors: u32,
    /// The last of them.
    last_error: Option<String>,
    /// Frames that it decoded and whose samples have not been asked for.
    frames: VecDeque<Stamp>,
}

/// One frame that it decoded, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stamp {
    /// NaN if it has none.
    pub(crate) at: f64,
    pub(crate) duration: f64,
}

/// What it said about the first audio stream and the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Description {
    pub(crate) codec: Option<String>,
    pub(crate) sample_rate: Option<u32>,
    pub(crate) channels: Option<u16>,
    /// Streams of sound, of which the first is decoded.
    pub(crate) streams: usize,
    pub(crate) duration_ms: Option<u32>,
    /// The first timestamp of any stream, in seconds.
    pub(crate) start: f64,
    /// Whether there are other streams than sound, such as pictures.
    pub(crate) others: bool,
    pub(crate) title: Option<String>,
    pub(crate) date: Option<String>,
}

impl Ffmpeg {
    /// Starts `program` on `file`, read by `demuxer`.
    ///
    /// # Errors
    /// `Ffmpeg` if it cannot be started.
    pub(crate) fn start(
        program: &Path,
        file: &Path,
        demuxer: &str,
        wanted: Wanted,
    ) -> Result<Self, MediaError> {
        Self::start_with(program, file, demuxer, wanted, PATIENCE)
    }

    fn start_with(
        program: &Path,
        file: &Path,
        demuxer: &str,
        wanted: Wanted,
        patience: Duration,
    ) -> Result<Self, MediaError> {
        // With "file:" in front, no name is taken for an option or another protocol.
        let mut input = OsString::from("file:");
        input.push(file);
        let mut command = Command::new(program);
        command.args(["-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info"]);
        if wanted.from_s > 0 {
            // Of the input: it seeks, then decodes and drops what is before.
            command.args(["-ss", &wanted.from_s.to_string()]);
        }
        // `ashowinfo` comes first, so that it reports each frame at the file's own rate. The mix must not exceed full scale.
        let mut filters = "ashowinfo,aresample=rematrix_maxval=1.0".to_owned();
        let channel = |channel: u16| format!("c{}", channel.min(LAST_CHANNEL));
        if let Some(wanted) = wanted.channel {
            filters.insert_str(0, &format!("pan=mono|c0={},", channel(wanted)));
        } else if let Some(all) = wanted.all_of {
            let all: Vec<String> = (0..all.min(LAST_CHANNEL + 1)).map(channel).collect();
            filters.insert_str(0, &format!("pan=mono|c0<{},", all.join("+")));
        }
        command
            .args(["-copyts", "-protocol_whitelist", "file,pipe", "-f", demuxer, "-i"])
            .arg(input)
            .args(["-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1"])
            .args(["-af", &filters])
            .args(["-ac", "1", "-ar", &wanted.rate.to_string(), "-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Its settings file and its translations could change what it does and says.
        command.env_remove("FFREPORT").env("LC_ALL", "C").env("AV_LOG_FORCE_NOCOLOR", "1");
        no_window(&mut command);
        let mut child = command.spawn().map_err(|e| MediaError::Ffmpeg(e.into()))?;
        let stdout = child.stdout.take().expect("standard output was piped above");
        let stderr = child.stderr.take().expect("standard error was piped above");
        // Three pieces ahead: enough to keep it busy, too little to matter.
        let (send, pieces) = sync_channel(3);
        let (spent, reuse) = sync_channel(8);
        let ear = Arc::new(Ear::default());
        // Never joined: they end with the pipes, which whatever `ffmpeg` has started could keep open.
        thread::spawn(move || pump(stdout, &send, &reuse));
        thread::spawn({
            let ear = Arc::clone(&ear);
            move || ear.listen(stderr)
        });
        Ok(Self {
            child,
            pieces,
            spent,
            ear,
            patience,
            samples: Vec::new(),
            split: Vec::new(),
            ended: false,
            failed: false,
        })
    }

    /// Decodes on; `false` at the end. The samples are in [`samples`](Self::samples).
    ///
    /// # Errors
    /// `Stalled` if nothing came for too long, `Ffmpeg` if the pipe broke.
    pub(crate) fn next(&mut self) -> Result<bool, MediaError> {
        self.samples.clear();
        while self.samples.is_empty() && !self.ended {
            match self.pieces.recv_timeout(self.patience) {
                Ok(Ok(piece)) => {
                    unpack(&piece, &mut self.split, &mut self.samples);
                    // A full queue only means that there are buffers enough.
                    let _ = self.spent.try_send(piece);
                }
                Ok(Err(error)) => return Err(MediaError::Ffmpeg(error.into())),
                Err(RecvTimeoutError::Timeout) => {
                    self.stop();
                    return Err(MediaError::Stalled { seconds: self.patience.as_secs() });
                }
                Err(RecvTimeoutError::Disconnected) => self.finish()?,
            }
        }
        Ok(!self.samples.is_empty())
    }

    /// What the last call of [`next`](Self::next) decoded.
    pub(crate) fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Frames that it has told of since this was last asked. Waits for some if there are none: they are told of before their
    /// samples are written, but on another pipe.
    pub(crate) fn frames(&self) -> VecDeque<Stamp> {
        std::mem::take(&mut self.ear.wait_until(|log| !log.frames.is_empty() || log.closed).frames)
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> Log {
        self.ear.log().clone()
    }

    /// What it said about the input. It is written before the first sample, but on another pipe, so it may have to be
    /// waited for.
    pub(crate) fn description(&self) -> Description {
        self.ear.wait_until(|log| log.described || log.closed).description()
    }

    /// Whether it ended with an error of its own.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Standard output has ended: waits for the process, so that all it said is known.
    fn finish(&mut self) -> Result<(), MediaError> {
        self.ended = true;
        let deadline = Instant::now() + self.patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.failed = !status.success();
                    break;
                }
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
                Ok(None) => {
                    self.stop();
                    return Err(MediaError::Stalled { seconds: self.patience.as_secs() });
                }
                Err(error) => return Err(MediaError::Ffmpeg(error.into())),
            }
        }
        drop(self.ear.wait_until(|log| log.closed));
        Ok(())
    }

    fn stop(&mut self) {
        self.ended = true;
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Ear {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads to the end, line by line.
    fn listen(&self, stderr: impl Read) {
        let mut stderr = BufReader::new(stderr);
        let mut line = Vec::new();
        // Whether the rest of a line that is too long comes next.
        let mut goes_on = false;
        loop {
            line.clear();
            match stderr.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => break,
                Ok(_) if goes_on => {}
                Ok(_) => self.log().take(String::from_utf8_lossy(&line).trim_end()),
            }
            goes_on = !line.ends_with(b"\n");
            self.news.notify_all();
        }
        self.log().closed = true;
        self.news.notify_all();
    }

    /// Waits until this is so, though not for ever.
    fn wait_until(&self, is_so: impl Fn(&Log) -> bool) -> MutexGuard<'_, Log> {
        let waited = self.news.wait_timeout_while(self.log(), SLOW_WORDS, |log| !is_so(log));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Log {
    /// Why there was not one sample.
    pub(crate) fn failure(&self, format: &str) -> MediaError {
        let said = |what: &str| {
            self.lines.iter().map(String::as_str).chain(self.last_error.as_deref()).any(|l| l.contains(what))
        };
        let detail = self.last_error.clone().unwrap_or_else(|| "no output".to_owned());
        if said("matches no streams") || said("does not contain any stream") {
            MediaError::NoAudioTrack
        } else if ["no decoder found", "not found for input stream", "Unknown input format"]
            .iter()
            .any(|w| said(w))
        {
            MediaError::Unsupported { codec: format.to_owned() }
        } else if said("Permission denied") {
            MediaError::Io(io::ErrorKind::PermissionDenied.into())
        } else if said("Invalid data found") || said("Invalid argument") || self.errors > 0 {
            MediaError::damaged(detail)
        } else {
            MediaError::NoSamples
        }
    }

    /// What it said about the input.
    fn description(&self) -> Description {
        let mut description = Description::default();
        let mut global = true;
        for line in self.lines.iter().take_while(|line| !line.starts_with("Output #")) {
            let line = line.trim();
            if let Some(rest) = line.strip_prefix("Duration: ") {
                description.duration_ms = duration(rest.split(',').next().unwrap_or_default());
                let start = rest.split_once("start: ").and_then(|(_, start)| start.split(',').next());
                description.start = start.and_then(|start| start.trim().parse().ok()).unwrap_or(0.0);
            } else if line.starts_with("Stream #") {
                global = false;
                let is_sound = line.contains(": Audio: ");
                description.streams += usize::from(is_sound);
                description.others |= !is_sound;
                if description.codec.is_none()
                    && let Some((_, audio)) = line.split_once(": Audio: ")
                {
                    stream(audio, &mut description);
                }
            } else if global && let Some((key, value)) = line.split_once(':') {
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

    fn take(&mut self, line: &str) {
        // The file's own texts stand behind other marks.
        if let Some(frame) = line.starts_with(FRAMES).then(|| frame(line)).flatten() {
            self.frames.push_back(frame);
            return;
        }
        // Its output has no timestamps, and our own are not from there.
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
        if self.lines.len() < MOST_LINES {
            self.lines.push(line.strip_prefix("[info] ").unwrap_or(line).to_owned());
        }
    }
}

/// `[Parsed_ashowinfo_0 @ 0x5] [info] n:1 pts:576 pts_time:0.0261224 … rate:22050 nb_samples:576 …`; "NOPTS" is none.
fn frame(line: &str) -> Option<Stamp> {
    let value = |key: &str| line.split_whitespace().find_map(|word| word.strip_prefix(key));
    let (rate, samples): (f64, f64) = (value("rate:")?.parse().ok()?, value("nb_samples:")?.parse().ok()?);
    let at = value("pts_time:")?.parse().unwrap_or(f64::NAN);
    Some(Stamp { at, duration: samples / rate }).filter(|stamp| LENGTHS.contains(&stamp.duration))
}

/// `wmav2 (a[1][0][0] / 0x0161), 48000 Hz, stereo, fltp, 64 kb/s`
fn stream(text: &str, description: &mut Description) {
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
                    // "5.1" is six.
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

/// `00:01:02.34`; "N/A" is none.
fn duration(text: &str) -> Option<u32> {
    let mut parts = text.trim().rsplit(':');
    let seconds: f64 = parts.next()?.parse().ok()?;
    let minutes: u32 = parts.next()?.parse().ok()?;
    let hours: u32 = parts.next()?.parse().ok()?;
    Some(((f64::from(hours) * 60.0 + f64::from(minutes)) * 60_000.0 + seconds * 1000.0).round() as u32)
}

fn pump(mut stdout: impl Read, send: &SyncSender<io::Result<Vec<u8>>>, reuse: &Receiver<Vec<u8>>) {
    loop {
        let mut piece = reuse.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        let message = match stdout.read(&mut piece) {
            Ok(0) => return,
            Ok(n) => {
                piece.truncate(n);
                Ok(piece)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = message.is_err();
        // Nobody listens any more: the reader was dropped.
        if send.send(message).is_err() || failed {
            return;
        }
    }
}

fn unpack(piece: &[u8], split: &mut Vec<u8>, samples: &mut Vec<f32>) {
    let mut piece = piece;
    while !split.is_empty() && split.len() < 4 {
        let Some((byte, rest)) = piece.split_first() else { return };
        split.push(*byte);
        piece = rest;
    }
    samples.extend(split.as_chunks::<4>().0.iter().map(|b| mono::tame(f32::from_le_bytes(*b))));
    split.clear();
    let (whole, rest) = piece.as_chunks::<4>();
    samples.extend(whole.iter().map(|b| mono::tame(f32::from_le_bytes(*b))));
    split.extend_from_slice(rest);
}

#[cfg(windows)]
fn no_window(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

#[cfg(not(windows))]
fn no_window(_: &mut Command) {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;

    #[test]
    fn samples_split_between_pieces_are_put_together() {
        let bytes: Vec<u8> = [0.5_f32, -0.25, f32::NAN].iter().flat_map(|s| s.to_le_bytes()).collect();
        for cut in 0..bytes.len() {
            for second in cut..bytes.len() {
                let (mut split, mut samples) = (Vec::new(), Vec::new());
                for piece in [&bytes[..cut], &bytes[cut..second], &bytes[second..]] {
                    unpack(piece, &mut split, &mut samples);
                }
                assert_eq!(samples, [0.5, -0.25, 0.0], "{cut} {second}");
            }
        }
    }

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
            log.take(line);
        }
        let expected = Description {
            codec: Some("wmav2".to_owned()),
            sample_rate: Some(48_000),
            channels: Some(6),
            streams: 1,
            duration_ms: Some(3_611_500),
            start: 1.4,
            others: true,
            title: Some("Board: May".to_owned()),
            date: Some("2024-05-06T07:08:09.000000Z".to_owned()),
        };
        assert_eq!(log.description(), expected);
    }

    #[test]
    fn what_a_file_says_of_itself_is_no_frame() {
        let mut log = Log::default();
        for line in [
            "[info]     title           : ashowinfo rate:1 nb_samples:1e300 pts_time:0",
            "[Parsed_ashowinfo_0 @ 0x562f] [info] n:1 pts:0 pts_time:0 rate:1 nb_samples:1e300",
            "[Parsed_ashowinfo_0 @ 0x562f] [info] n:1 pts:0 pts_time:0 rate:-1 nb_samples:441",
            "[info]   Stream #0:0: Audio: pcm_f32le, 16000 Hz, 65535.1, flt, 512 kb/s",
        ] {
            log.take(line);
        }
        assert!(log.frames.is_empty());
        assert_eq!(log.description().channels, None);
    }

    #[test]
    fn a_line_that_is_too_long_is_one_line() {
        let long = format!("[info] x{}\n[error] wrong\n", " [error]".repeat(LONGEST_LINE as usize));
        let ear = Ear::default();
        ear.listen(long.as_bytes());
        let log = ear.log();
        assert_eq!((log.lines.len(), log.last_error.as_deref()), (2, Some("[error] wrong")));
    }

    #[test]
    fn frames_are_told_of() {
        let mut log = Log::default();
        for line in [
            "[Parsed_ashowinfo_0 @ 0x562f] [info] n:1 pts:576 pts_time:0.0261224 pos:341 fmt:fltp channels:1 chlayout:mono rate:22050 nb_samples:441 checksum:5A974107",
            "[Parsed_ashowinfo_0 @ 0x562f] [info] n:2 pts:NOPTS pts_time:NOPTS fmt:fltp rate:22050 nb_samples:441 checksum:5A974107",
            "[Parsed_ashowinfo_0 @ 0x5609] [info]   side data - matrix encoding: none",
            "[f32le @ 0x562] [error] Application provided invalid, non monotonically increasing dts to muxer in stream 0: 5 >= 1",
        ] {
            log.take(line);
        }
        assert_eq!(log.frames[0], Stamp { at: 0.026_122_4, duration: 0.02 });
        assert!(log.frames.len() == 2 && log.frames[1].at.is_nan() && log.errors == 0);
    }

    #[test]
    fn why_there_is_no_sound_is_read_from_what_it_says() {
        let failure = |line: &str| {
            let mut log = Log::default();
            log.take(line);
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

    /// A program in place of `ffmpeg`.
    #[cfg(unix)]
    fn script(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ffmpeg");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        (folder, path)
    }

    #[cfg(unix)]
    #[test]
    fn a_hanging_program_is_stopped() {
        let (_folder, program) = script("printf 'abcdabcd'; exec sleep 1000");
        let patience = Duration::from_secs(2);
        let mut ffmpeg =
            Ffmpeg::start_with(&program, Path::new("x"), "asf", Wanted::default(), patience).unwrap();
        assert!(ffmpeg.next().unwrap());
        assert_eq!(ffmpeg.samples().len(), 2);
        assert!(matches!(ffmpeg.next(), Err(MediaError::Stalled { .. })));
        assert!(ffmpeg.child.try_wait().unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_talkative_program_does_not_block() {
        let noise = "i=0; while [ $i -lt 3000 ]; do echo '[error] a long line of complaints about the file' >&2; i=$((i+1)); done";
        let (_folder, program) = script(&format!("{noise}; printf 'abcd'"));
        let mut ffmpeg = Ffmpeg::start(&program, Path::new("x"), "asf", Wanted::default()).unwrap();
        assert!(ffmpeg.next().unwrap());
        assert!(!ffmpeg.next().unwrap());
        assert_eq!(ffmpeg.log().errors, 3000);
        assert!(ffmpeg.log().lines.len() <= MOST_LINES);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn dropping_it_ends_the_process() {
        let (_folder, program) = script("exec sleep 1000");
        let ffmpeg = Ffmpeg::start(&program, Path::new("x"), "asf", Wanted::default()).unwrap();
        let process = format!("/proc/{}", ffmpeg.child.id());
        assert!(Path::new(&process).exists());
        drop(ffmpeg);
        assert!(!Path::new(&process).exists());
    }
}

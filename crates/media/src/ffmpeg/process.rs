//! A running `ffmpeg`, whose output is streamed over pipes.
//!
//! `ffmpeg` is started without a shell, with one file, one forced demuxer, and no other protocol than files. It writes
//! raw 32-bit float mono at the requested rate: every sample that it decodes, in order. Its standard error
//! ([`log`](super::log)) gives the properties of the file and the timestamp and duration of each frame, is counted for
//! damage, and is never shown.

use super::log::{FrameTime, InputDescription, Log, StderrLog};
use crate::downmix;
use crate::error::MediaError;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// After this long without output, `ffmpeg` hangs; a slow network drive gives something.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes per chunk: a quarter of a second.
const CHUNK_BYTES: usize = 16 * 1024;
/// The last channel for which the filters of `ffmpeg` have a name.
const LAST_CHANNEL: u16 = 63;

/// What `ffmpeg` is to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FfmpegOptions {
    /// Samples per second of the output.
    pub(crate) rate: u32,
    /// Whole seconds to leave out from the start.
    pub(crate) from_s: u64,
    /// Give this channel, counted from 0, instead of the mean of all; silence if there is no such channel.
    pub(crate) channel: Option<u16>,
    /// Give the mean of this many channels by their numbers, for files whose number of channels has no layout.
    pub(crate) mean_of: Option<u16>,
}

impl Default for FfmpegOptions {
    fn default() -> Self {
        Self { rate: transcript::SAMPLE_RATE, from_s: 0, channel: None, mean_of: None }
    }
}

/// A running `ffmpeg`. Dropping it ends the process.
pub(crate) struct FfmpegProcess {
    child: Child,
    chunks: Receiver<io::Result<Vec<u8>>>,
    /// Gives used buffers back to the thread that reads standard output.
    used_buffers: SyncSender<Vec<u8>>,
    stderr_log: Arc<StderrLog>,
    timeout: Duration,
    samples: Vec<f32>,
    /// Bytes of a sample whose other bytes are in the next chunk.
    partial_sample: Vec<u8>,
    ended: bool,
    failed: bool,
}

impl FfmpegProcess {
    /// Starts `program` on `file`, read by `demuxer`.
    ///
    /// # Errors
    /// `Ffmpeg` if it cannot be started.
    pub(crate) fn start(
        program: &Path,
        file: &Path,
        demuxer: &str,
        options: FfmpegOptions,
    ) -> Result<Self, MediaError> {
        Self::start_with_timeout(program, file, demuxer, options, TIMEOUT)
    }

    fn start_with_timeout(
        program: &Path,
        file: &Path,
        demuxer: &str,
        options: FfmpegOptions,
        timeout: Duration,
    ) -> Result<Self, MediaError> {
        let mut child =
            command(program, file, demuxer, options).spawn().map_err(|e| MediaError::Ffmpeg(e.into()))?;
        let stdout = child.stdout.take().expect("standard output was piped above");
        let stderr = child.stderr.take().expect("standard error was piped above");
        // Three chunks ahead: enough to keep it busy, too little to matter.
        let (send, chunks) = sync_channel(3);
        let (used_buffers, reuse) = sync_channel(8);
        let stderr_log = Arc::new(StderrLog::default());
        // Never joined: they end with the pipes, which a process started by `ffmpeg` could keep open.
        thread::spawn(move || forward_stdout(stdout, &send, &reuse));
        thread::spawn({
            let stderr_log = Arc::clone(&stderr_log);
            move || stderr_log.read_all(stderr)
        });
        Ok(Self {
            child,
            chunks,
            used_buffers,
            stderr_log,
            timeout,
            samples: Vec::new(),
            partial_sample: Vec::new(),
            ended: false,
            failed: false,
        })
    }

    /// Waits for the next samples; `false` at the end. They are in [`samples`](Self::samples).
    ///
    /// # Errors
    /// `Stalled` if nothing came for too long, `Ffmpeg` if the pipe broke.
    pub(crate) fn next(&mut self) -> Result<bool, MediaError> {
        self.samples.clear();
        while self.samples.is_empty() && !self.ended {
            match self.chunks.recv_timeout(self.timeout) {
                Ok(Ok(chunk)) => {
                    append_samples(&chunk, &mut self.partial_sample, &mut self.samples);
                    // A full queue only means that there are buffers enough.
                    let _ = self.used_buffers.try_send(chunk);
                }
                Ok(Err(error)) => return Err(MediaError::Ffmpeg(error.into())),
                Err(RecvTimeoutError::Timeout) => {
                    self.stop();
                    return Err(MediaError::Stalled { seconds: self.timeout.as_secs() });
                }
                Err(RecvTimeoutError::Disconnected) => self.finish()?,
            }
        }
        Ok(!self.samples.is_empty())
    }

    /// The samples of the last [`next`](Self::next).
    pub(crate) fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Times of the frames reported since the last call. If there are none, waits for some: `ffmpeg` reports a frame
    /// before it writes the frame's samples, but on another pipe.
    pub(crate) fn take_frame_times(&self) -> VecDeque<FrameTime> {
        self.stderr_log.take_frame_times()
    }

    /// The log so far.
    pub(crate) fn log(&self) -> Log {
        self.stderr_log.log().clone()
    }

    /// What `ffmpeg` reports about the input. Waits for it: it is written before the first sample, but on another pipe.
    pub(crate) fn description(&self) -> InputDescription {
        self.stderr_log.description()
    }

    /// Whether the process ended with an error status.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Waits for the process, whose standard output has ended, and for the end of its log.
    fn finish(&mut self) -> Result<(), MediaError> {
        self.ended = true;
        let deadline = Instant::now() + self.timeout;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.failed = !status.success();
                    break;
                }
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
                Ok(None) => {
                    self.stop();
                    return Err(MediaError::Stalled { seconds: self.timeout.as_secs() });
                }
                Err(error) => return Err(MediaError::Ffmpeg(error.into())),
            }
        }
        self.stderr_log.wait_for_end();
        Ok(())
    }

    fn stop(&mut self) {
        self.ended = true;
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for FfmpegProcess {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The command line that decodes the first audio stream of `file`.
fn command(program: &Path, file: &Path, demuxer: &str, options: FfmpegOptions) -> Command {
    // With "file:" in front, no name is taken for an option or another protocol.
    let mut input = OsString::from("file:");
    input.push(file);
    let mut command = Command::new(program);
    command.args(["-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info"]);
    if options.from_s > 0 {
        // As an option of the input: `ffmpeg` seeks, then decodes and drops what is before.
        command.args(["-ss", &options.from_s.to_string()]);
    }
    // `ashowinfo` is before `aresample`, so that it reports each frame at the file's own rate. The mix must not exceed
    // full scale.
    let mut filters = "ashowinfo,aresample=rematrix_maxval=1.0".to_owned();
    let channel = |channel: u16| format!("c{}", channel.min(LAST_CHANNEL));
    if let Some(wanted) = options.channel {
        filters.insert_str(0, &format!("pan=mono|c0={},", channel(wanted)));
    } else if let Some(all) = options.mean_of {
        let all: Vec<String> = (0..all.min(LAST_CHANNEL + 1)).map(channel).collect();
        filters.insert_str(0, &format!("pan=mono|c0<{},", all.join("+")));
    }
    command
        .args(["-copyts", "-protocol_whitelist", "file,pipe", "-f", demuxer, "-i"])
        .arg(input)
        .args(["-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1"])
        .args(["-af", &filters])
        .args(["-ac", "1", "-ar", &options.rate.to_string(), "-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // FFREPORT makes it write a report file; a translation would change its messages.
    command.env_remove("FFREPORT").env("LC_ALL", "C").env("AV_LOG_FORCE_NOCOLOR", "1");
    no_window(&mut command);
    command
}

/// Sends the chunks of standard output to the channel, until either ends.
fn forward_stdout(mut stdout: impl Read, send: &SyncSender<io::Result<Vec<u8>>>, reuse: &Receiver<Vec<u8>>) {
    loop {
        let mut chunk = reuse.try_recv().unwrap_or_default();
        chunk.resize(CHUNK_BYTES, 0);
        let message = match stdout.read(&mut chunk) {
            Ok(0) => return,
            Ok(n) => {
                chunk.truncate(n);
                Ok(chunk)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = message.is_err();
        // The receiver was dropped.
        if send.send(message).is_err() || failed {
            return;
        }
    }
}

/// Appends the samples in `chunk` to `samples`, made finite and bounded. `partial_sample` holds the bytes of a sample
/// that is split between two chunks.
fn append_samples(chunk: &[u8], partial_sample: &mut Vec<u8>, samples: &mut Vec<f32>) {
    let mut chunk = chunk;
    while !partial_sample.is_empty() && partial_sample.len() < 4 {
        let Some((byte, rest)) = chunk.split_first() else { return };
        partial_sample.push(*byte);
        chunk = rest;
    }
    samples
        .extend(partial_sample.as_chunks::<4>().0.iter().map(|b| downmix::sanitize(f32::from_le_bytes(*b))));
    partial_sample.clear();
    let (whole, rest) = chunk.as_chunks::<4>();
    samples.extend(whole.iter().map(|b| downmix::sanitize(f32::from_le_bytes(*b))));
    partial_sample.extend_from_slice(rest);
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
    fn samples_split_between_chunks_are_put_together() {
        let bytes: Vec<u8> = [0.5_f32, -0.25, f32::NAN].iter().flat_map(|s| s.to_le_bytes()).collect();
        for cut in 0..bytes.len() {
            for second in cut..bytes.len() {
                let (mut partial_sample, mut samples) = (Vec::new(), Vec::new());
                for chunk in [&bytes[..cut], &bytes[cut..second], &bytes[second..]] {
                    append_samples(chunk, &mut partial_sample, &mut samples);
                }
                assert_eq!(samples, [0.5, -0.25, 0.0], "{cut} {second}");
            }
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
        let timeout = Duration::from_secs(2);
        let mut ffmpeg = FfmpegProcess::start_with_timeout(
            &program,
            Path::new("x"),
            "asf",
            FfmpegOptions::default(),
            timeout,
        )
        .unwrap();
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
        let mut ffmpeg =
            FfmpegProcess::start(&program, Path::new("x"), "asf", FfmpegOptions::default()).unwrap();
        assert!(ffmpeg.next().unwrap());
        assert!(!ffmpeg.next().unwrap());
        assert_eq!(ffmpeg.log().errors, 3000);
        assert!(ffmpeg.log().lines.len() <= crate::ffmpeg::log::MAX_LINES);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn dropping_ends_the_process() {
        let (_folder, program) = script("exec sleep 1000");
        let ffmpeg = FfmpegProcess::start(&program, Path::new("x"), "asf", FfmpegOptions::default()).unwrap();
        let process = format!("/proc/{}", ffmpeg.child.id());
        assert!(Path::new(&process).exists());
        drop(ffmpeg);
        assert!(!Path::new(&process).exists());
    }
}

//! Decodes the files of `cargo xtask corpus`, and reports where and by how much they differ from what was encoded.
//!
//! The reference is plain `ffmpeg`. Three things are compared: the sound of whole and damaged files (`table`), what is
//! left of files that were changed at random (`mutations`), and the processor time of decoding (`speed`).
//!
//! The manifest has a line for each file, with tabs between: path, stretches of the speech, note, reader, largest
//! difference in length and in time in seconds, least correlation, reason. A stretch is `r3-6` (the speech from 3 s to
//! 6 s), `s1.5` (silence of 1.5 s) or `x2` (anything for 2 s).
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal: what it prints is its result"
)]

use media::{MediaError, Reader, Tools, probe};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::cell::OnceCell;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const USAGE: &str = "\
usage: compare table MANIFEST SPEECH.wav
       compare mutations MANIFEST SPEECH.wav COUNT SEED FOLDER
       compare speed FILE…
       compare once FILE OUT";

/// Samples per second of a reader, and of SPEECH.wav.
const RATE: usize = 16_000;
/// Length of the windows by which sound is compared.
const WINDOW: usize = RATE;
/// Most windows compared per file.
const WINDOWS: usize = 12;
/// How far around its place a window is searched for, in samples.
const SEARCH_RADIUS: isize = RATE as isize * 3 / 10;
/// Windows with at least this correlation are the same sound.
const SAME: f64 = 0.99;
/// The largest difference in length and time that needs no reason, in seconds.
const STANDARD_S: f64 = 0.1;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match *arguments.as_slice() {
        ["table", manifest, speech] => table(Path::new(manifest), Path::new(speech)),
        ["mutations", manifest, speech, count, seed, folder] => match (count.parse(), seed.parse()) {
            (Ok(count), Ok(seed)) => {
                mutations(Path::new(manifest), Path::new(speech), count, seed, Path::new(folder))
            }
            _ => Err("COUNT and SEED are whole numbers".into()),
        },
        ["speed", ref files @ ..] if !files.is_empty() => speed(files),
        ["once", file, out] => decode_once(Path::new(file), Path::new(out)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A stretch of the expected sound, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stretch {
    Speech(f64, f64),
    Silence(f64),
    Anything(f64),
}

/// A line of the manifest.
#[derive(Debug)]
struct Expected {
    path: PathBuf,
    stretches: Vec<Stretch>,
    /// `none`, `must` or `any`.
    note: String,
    needs_ffmpeg: bool,
    length_s: f64,
    lag_s: f64,
    least: f64,
    reason: String,
}

fn manifest(path: &Path) -> Result<Vec<Expected>> {
    let text = fs::read_to_string(path).map_err(|e| format!("could not read {}: {e}", path.display()))?;
    let line =
        |line: &str| expected(line).ok_or_else(|| format!("this is no line of a manifest: {line}").into());
    text.lines().map(line).collect()
}

fn expected(line: &str) -> Option<Expected> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [path, stretches, note, reader, length_s, lag_s, least, reason] = *fields.as_slice() else {
        return None;
    };
    let stretch = |text: &str| {
        let number = text.get(1..)?;
        match text.get(..1)? {
            "r" => {
                let (from, to) = number.split_once('-')?;
                Some(Stretch::Speech(from.parse().ok()?, to.parse().ok()?))
            }
            "s" => Some(Stretch::Silence(number.parse().ok()?)),
            "x" => Some(Stretch::Anything(number.parse().ok()?)),
            _ => None,
        }
    };
    Some(Expected {
        path: path.into(),
        stretches: stretches.split(' ').map(stretch).collect::<Option<_>>()?,
        note: note.to_owned(),
        needs_ffmpeg: reader == "ffmpeg",
        length_s: length_s.parse().ok()?,
        lag_s: lag_s.parse().ok()?,
        least: least.parse().ok()?,
        reason: reason.to_owned(),
    })
}

fn samples(seconds: f64) -> usize {
    (seconds * RATE as f64).round().max(0.0) as usize
}

fn seconds(samples: usize) -> f64 {
    samples as f64 / RATE as f64
}

/// The expected sound of a file, and where in it there is speech and silence.
struct Due {
    sound: Vec<f32>,
    windows: Vec<usize>,
    silence: Vec<Range<usize>>,
}

fn due(stretches: &[Stretch], speech: &[f32]) -> Due {
    let mut due = Due { sound: Vec::new(), windows: Vec::new(), silence: Vec::new() };
    let loud = 0.5 * level(speech);
    let mut candidates = Vec::new();
    for stretch in stretches {
        let start = due.sound.len();
        match *stretch {
            Stretch::Speech(from, to) => {
                let to = samples(to).min(speech.len());
                due.sound.extend_from_slice(&speech[samples(from).min(to)..to]);
                let windows = (start..(due.sound.len() + 1).saturating_sub(WINDOW)).step_by(WINDOW / 4);
                candidates.extend(windows.filter(|at| level(&due.sound[*at..at + WINDOW]) > loud));
            }
            Stretch::Silence(s) => {
                due.sound.resize(start + samples(s), 0.0);
                // Codecs ring a little before and after.
                due.silence.push(start + RATE / 5..due.sound.len().saturating_sub(RATE / 5));
            }
            Stretch::Anything(s) => due.sound.resize(start + samples(s), 0.0),
        }
    }
    let wanted = WINDOWS.min(candidates.len());
    due.windows = (0..wanted).map(|i| candidates[i * (candidates.len() - 1) / (wanted.max(2) - 1)]).collect();
    due
}

/// Root of the mean square.
fn level(sound: &[f32]) -> f64 {
    let sum: f64 = sound.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    (sum / sound.len().max(1) as f64).sqrt()
}

/// Samples of a WAV file as sox writes it: 16 bits, mono, behind a header of 44 bytes.
fn read_speech(path: &Path) -> Result<Vec<f32>> {
    let bytes = fs::read(path).map_err(|e| format!("could not read {}: {e}", path.display()))?;
    let data = bytes.get(44..).unwrap_or_default();
    Ok(data.as_chunks::<2>().0.iter().map(|b| f32::from(i16::from_le_bytes(*b)) / 32_768.0).collect())
}

/// The sound that a reader gives, and its shortfall.
struct Decoded {
    sound: Vec<f32>,
    note: Option<String>,
}

fn decode(path: &Path, tools: &Tools) -> std::result::Result<Decoded, MediaError> {
    let mut reader = Reader::open(path, tools)?;
    let mut sound = Vec::new();
    while let Some(run) = reader.read()? {
        sound.extend_from_slice(run);
    }
    Ok(Decoded { sound, note: reader.shortfall().map(|shortfall| shortfall.to_string()) })
}

/// The decoding of the first track by `ffmpeg`. With `in_time`, gaps between timestamps are filled.
fn by_ffmpeg(path: &Path, codec: &str, in_time: bool) -> Result<Vec<f32>> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "quiet", "-nostdin"]);
    // Its own decoder is a fraction of a sample off in speech modes; libopus is the reference.
    if codec == "Opus" {
        ffmpeg.args(["-c:a", "libopus"]);
    }
    ffmpeg.arg("-i").arg(path).args(["-map", "0:a:0"]);
    if in_time {
        ffmpeg.args(["-af", "aresample=async=1:first_pts=0"]);
    }
    // Damage may leave hours between two timestamps.
    ffmpeg.args(["-ac", "1", "-ar", "16000", "-c:a", "pcm_f32le", "-fs", "100M", "-f", "f32le", "-"]);
    let output = ffmpeg.stdin(Stdio::null()).output().map_err(|e| format!("could not start ffmpeg: {e}"))?;
    Ok(floats(&output.stdout))
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let all = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
    all.map(|s| if s.is_finite() { s } else { 0.0 }).collect()
}

/// The discrete Fourier transform of real signals of one length.
struct Fourier {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

type Transform = Vec<Complex<f64>>;

impl Fourier {
    fn new(len: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        Self { forward: planner.plan_fft_forward(len), inverse: planner.plan_fft_inverse(len) }
    }

    /// The transform of a signal, padded with zeros.
    fn of(&self, signal: impl Iterator<Item = f32>) -> Transform {
        let (mut data, mut transform) = (self.forward.make_input_vec(), self.forward.make_output_vec());
        data.iter_mut().zip(signal).for_each(|(place, sample)| *place = f64::from(sample));
        self.forward.process(&mut data, &mut transform).expect("both have the length of the plan");
        transform
    }

    /// The correlation of `window` with `signal` for each place at which it may begin. Both are transforms.
    fn correlate(&self, signal: &Transform, window: &Transform) -> Vec<f64> {
        let mut product: Transform = signal.iter().zip(window).map(|(s, w)| s * w.conj()).collect();
        // For a real signal these have no imaginary part, except for rounding.
        for end in [0, product.len() - 1] {
            product[end].im = 0.0;
        }
        let mut found = self.inverse.make_output_vec();
        self.inverse.process(&mut product, &mut found).expect("both have the length of the plan");
        let len = found.len() as f64;
        found.iter_mut().for_each(|value| *value /= len);
        found
    }
}

/// The sum of squares of each prefix of `signal`.
fn energies(signal: impl Iterator<Item = f32>) -> Vec<f64> {
    let mut sum = 0.0;
    let sums = signal.map(|s| {
        sum += f64::from(s) * f64::from(s);
        sum
    });
    std::iter::once(0.0).chain(sums).collect()
}

/// Searches for `window` in `signal` within `SEARCH_RADIUS` of `at`: its correlation at the best place, and how much
/// later than `at` that is.
fn find_near(fourier: &Fourier, window: &[f32], signal: &[f32], at: usize) -> (f64, isize) {
    let from = at as isize - SEARCH_RADIUS;
    let many = window.len() + 2 * SEARCH_RADIUS as usize;
    let sample = |i: usize| {
        let at = from + i as isize;
        usize::try_from(at).ok().and_then(|at| signal.get(at)).copied().unwrap_or(0.0)
    };
    let found = fourier.correlate(&fourier.of((0..many).map(sample)), &fourier.of(window.iter().copied()));
    let sums = energies((0..many).map(sample));
    let own = level(window).powi(2) * window.len() as f64;
    let correlation = |k: usize| found[k] / ((sums[k + window.len()] - sums[k]) * own).max(1e-12).sqrt();
    let all = (0..=2 * SEARCH_RADIUS as usize).map(|k| (correlation(k), k as isize - SEARCH_RADIUS));
    all.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, 0))
}

/// The correlation of `window` at the best place in all of `signal`.
fn best_correlation(fourier: &Fourier, window: &[f32], signal: &[f32]) -> f64 {
    let places = (0..signal.len())
        .step_by(2 * SEARCH_RADIUS as usize)
        .map(|at| find_near(fourier, window, signal, at).0);
    places.fold(0.0, f64::max)
}

/// How a decoded file differs from the expected sound.
#[derive(Debug, Clone)]
struct Difference {
    /// Excess length, in seconds.
    longer_s: f64,
    /// The largest lateness of a window, with its sign, in seconds.
    lag_s: f64,
    /// The lowest correlation of a window with the encoded sound.
    correlation: f64,
    /// The lowest correlation with the decoding of `ffmpeg`, of windows below `SAME`.
    with_ffmpeg: f64,
    /// The loudest stretch that should be silent, relative to the level of speech.
    noise: f64,
}

/// Compares `sound` with `due`. `ffmpeg` returns the decoding of `ffmpeg`, for windows that are not the encoded sound.
fn difference<'a>(
    fourier: &Fourier,
    due: &Due,
    sound: &[f32],
    ffmpeg: Option<&dyn Fn() -> &'a [f32]>,
) -> Difference {
    let mut worst = Difference {
        longer_s: seconds(sound.len()) - seconds(due.sound.len()),
        lag_s: 0.0,
        correlation: 1.0,
        with_ffmpeg: 1.0,
        noise: 0.0,
    };
    for at in &due.windows {
        let (correlation, lag) = find_near(fourier, &due.sound[*at..at + WINDOW], sound, *at);
        let lag_s = lag as f64 / RATE as f64;
        // The place of a window that was not found means nothing.
        if correlation > 0.5 && lag_s.abs() > worst.lag_s.abs() {
            worst.lag_s = lag_s;
        }
        worst.correlation = worst.correlation.min(correlation);
        if correlation < SAME
            && let Some(ffmpeg) = &ffmpeg
        {
            let own = at.saturating_add_signed(lag);
            let end = sound.len().min(own + WINDOW);
            let alike = sound.get(own..end).map_or(0.0, |own| best_correlation(fourier, own, ffmpeg()));
            worst.with_ffmpeg = worst.with_ffmpeg.min(alike);
        }
    }
    let loud = level(&due.sound).max(1e-9);
    for stretch in &due.silence {
        if let Some(silence) = sound.get(stretch.clone()) {
            worst.noise = worst.noise.max(level(silence) / loud);
        }
    }
    worst
}

/// A row of the table: a decoding that is not as expected.
struct TableRow {
    reader: &'static str,
    what: String,
    explained: bool,
}

fn table(manifest_path: &Path, speech: &Path) -> Result<bool> {
    let files = manifest(manifest_path)?;
    let speech = read_speech(speech)?;
    let folder = manifest_path.parent().unwrap_or(Path::new("."));
    let results = in_parallel(&files, |file| {
        let fourier = Fourier::new(32_768);
        compare(&fourier, folder, file, &speech)
    });
    let (mut unexplained, mut explained, mut lossy, mut aside) = (0, 0, 0, Vec::new());
    for (file, result) in files.iter().zip(results) {
        let (rows, is_lossy) = result?;
        lossy += usize::from(is_lossy);
        for row in rows {
            let text = format!("{:<34} {:<8} {}", file.path.display(), row.reader, row.what);
            if row.reader == "ffmpeg" {
                aside.push(text);
            } else if row.explained {
                explained += 1;
                println!("{text}\n    because {}", file.reason);
            } else {
                unexplained += 1;
                println!(
                    "{text}\n    UNEXPLAINED{}",
                    if file.reason.is_empty() { "" } else { ": more than allowed" }
                );
            }
        }
    }
    println!("\nplain ffmpeg itself differs from what went in:");
    for text in &aside {
        println!("{text}");
    }
    println!(
        "\n{} files; {lossy} of them lose something to their codec and sound as ffmpeg decodes them; \
         {explained} differences are explained, {unexplained} are not; ffmpeg itself differs {} times",
        files.len(),
        aside.len()
    );
    Ok(unexplained == 0)
}

/// The rows of one file, and whether its codec is lossy.
fn compare(
    fourier: &Fourier,
    folder: &Path,
    file: &Expected,
    speech: &[f32],
) -> Result<(Vec<TableRow>, bool)> {
    let path = folder.join(&file.path);
    let due = due(&file.stretches, speech);
    let codec = probe(&path, &Tools::find()).map(|about| about.codec).unwrap_or_default();
    let in_time = by_ffmpeg(&path, &codec, true)?;
    // Filling gaps shifts samples a little, and if `ffmpeg` is early or late it is still the same sound.
    let plain = OnceCell::new();
    let ffmpeg = || plain.get_or_init(|| by_ffmpeg(&path, &codec, false).unwrap_or_default()).as_slice();
    let (mut rows, mut lossy) = (Vec::new(), false);
    let readers = [("alone", Tools::none()), ("with", Tools::find())];
    for (reader, tools) in readers {
        let decoded = match decode(&path, &tools) {
            Ok(decoded) => decoded,
            Err(MediaError::NeedsFfmpeg { .. }) if file.needs_ffmpeg && reader == "alone" => continue,
            Err(error) => {
                rows.push(TableRow { reader, what: format!("refused: {error}"), explained: false });
                continue;
            }
        };
        let difference = difference(fourier, &due, &decoded.sound, Some(&ffmpeg));
        lossy |= difference.correlation < SAME;
        let mut what = describe(&difference, STANDARD_S, STANDARD_S, file.least);
        let mut wrong = describe(&difference, file.length_s, file.lag_s, file.least);
        if difference.with_ffmpeg < SAME {
            let alike = format!("correlation with ffmpeg's {:.3}", difference.with_ffmpeg);
            // A file with a reason may differ: the table shows the difference, and the check passes.
            if file.reason.is_empty() {
                wrong.push(alike.clone());
            }
            what.push(alike);
        }
        if file.needs_ffmpeg && reader == "alone" {
            wrong.push("decoded here, not by ffmpeg".to_owned());
        }
        match (file.note.as_str(), &decoded.note) {
            ("none", Some(note)) => wrong.push(format!("note: {note}")),
            ("must", None) => wrong.push("no note".to_owned()),
            _ => {}
        }
        what.extend(wrong.iter().filter(|text| !what.contains(text)).cloned().collect::<Vec<_>>());
        if !what.is_empty() {
            let explained = wrong.is_empty() && !file.reason.is_empty();
            rows.push(TableRow { reader, what: what.join(", "), explained });
        }
    }
    let what = describe(&difference(fourier, &due, &in_time, None), file.length_s, file.lag_s, file.least);
    if !what.is_empty() {
        rows.push(TableRow { reader: "ffmpeg", what: what.join(", "), explained: true });
    }
    Ok((rows, lossy))
}

/// Describes the parts of a difference that exceed these bounds.
fn describe(difference: &Difference, length_s: f64, lag_s: f64, least: f64) -> Vec<String> {
    let mut parts = Vec::new();
    if difference.longer_s.abs() > length_s {
        parts.push(format!("length {:+.2} s", difference.longer_s));
    }
    if difference.lag_s.abs() > lag_s {
        parts.push(format!("words {:+.3} s", difference.lag_s));
    }
    if difference.correlation < least {
        parts.push(format!("correlation {:.3}", difference.correlation));
    }
    if difference.noise > 0.03 {
        parts.push(format!("sound where there is silence, {:.2} of the level", difference.noise));
    }
    parts
}

/// The results of `work` on all `items`, in their order, computed by as many threads as there are cores.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = work(item);
                    results
                        .lock()
                        .expect("no thread panics while it holds the results")
                        .push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("all threads have ended well");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A process that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(10);
/// Memory that a process may use, in kilobytes.
const MOST_KB: u64 = 300 * 1024;
/// Sample rate at which words of damaged files are searched for.
const COARSE: usize = 4_000;
/// A window of the speech is found where the correlation is at least this.
const FOUND_CORRELATION: f64 = 0.7;
/// Samples of a damaged file that are transformed at once.
const BLOCK: usize = 32_768;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Changes `bytes` as transfers, discs and programs do. Returns a description of the changes.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) -> String {
    let mut how = Vec::new();
    for _ in 0..=random.below(3) {
        if bytes.len() < 16 {
            break;
        }
        // One time in four in the head, where headers are.
        let reach = if random.below(4) == 0 { bytes.len().min(4096) } else { bytes.len() };
        let at = random.below(reach);
        let end = (at + 1 + random.below((bytes.len() / 10).min(65_536))).min(bytes.len());
        how.push(match random.below(6) {
            0 => {
                let times = 1 + random.below(20);
                for _ in 0..times {
                    let near = at + random.below((bytes.len() - at).min(8192));
                    bytes[near] ^= 1 << random.below(8);
                }
                format!("{times} bits turned from {at}")
            }
            1 => {
                bytes[at..end].fill(0);
                format!("{at} to {end} zeroed")
            }
            2 => {
                bytes.drain(at..end);
                format!("{at} to {end} deleted")
            }
            3 => {
                let noise: Vec<u8> = (at..end).map(|_| random.next() as u8).collect();
                bytes.splice(at..at, noise);
                format!("{} bytes of noise at {at}", end - at)
            }
            4 => {
                // Not so early that nothing can be left.
                let len = bytes.len() / 4 + random.below(bytes.len() * 3 / 4);
                bytes.truncate(len);
                format!("cut at {len}")
            }
            _ => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(end..end, copy);
                format!("{at} to {end} twice")
            }
        });
    }
    how.join(", ")
}

/// Decodes one file in a process of its own, which may crash: writes the sound at `COARSE`, and prints the memory used
/// in kilobytes.
fn decode_once(path: &Path, out: &Path) -> Result<bool> {
    let bytes: Vec<u8> = match Reader::open(path, &Tools::find()) {
        Err(error) => {
            eprintln!("{error}");
            Vec::new()
        }
        Ok(mut reader) => {
            // The sound is not kept, so that the memory is that of the reader.
            let mut coarse = Coarse::default();
            let mut bytes = Vec::new();
            while let Some(run) = reader.read()? {
                coarse.push(run, |sample| bytes.extend(sample.to_le_bytes()));
            }
            if let Some(shortfall) = reader.shortfall() {
                eprintln!("{shortfall}");
            }
            bytes
        }
    };
    fs::write(out, &bytes).map_err(|e| format!("could not write {}: {e}", out.display()))?;
    println!("{}", peak_kb()?.saturating_sub(bytes.capacity() as u64 / 1024));
    Ok(true)
}

/// Resamples from 16 kHz to 4 kHz, well enough for finding words.
#[derive(Default)]
struct Coarse {
    /// The last samples, for a mean of four that is applied twice.
    past: [f32; 7],
    seen: usize,
}

impl Coarse {
    fn push(&mut self, samples: &[f32], mut give: impl FnMut(f32)) {
        for sample in samples {
            self.past.rotate_left(1);
            self.past[6] = *sample;
            self.seen += 1;
            if self.seen.is_multiple_of(RATE / COARSE) {
                let weights = [1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0];
                give(self.past.iter().zip(weights).map(|(s, w)| s * w).sum::<f32>() / 16.0);
            }
        }
    }

    fn of(samples: &[f32]) -> Vec<f32> {
        let mut all = Vec::with_capacity(samples.len() / 4);
        Self::default().push(samples, |sample| all.push(sample));
        all
    }
}

/// The peak memory of this process, in kilobytes.
fn peak_kb() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| "/proc/self/status has no VmHWM".into())
}

/// The result of decoding one changed file.
struct Outcome {
    /// It panicked, hung or used too much memory.
    fault: Option<String>,
    /// Number of windows of the speech that our reader kept.
    ours: usize,
    ffmpegs: usize,
    due: usize,
    name: String,
    how: String,
    peak_kb: u64,
}

fn mutations(manifest_path: &Path, speech: &Path, count: usize, seed: u64, folder: &Path) -> Result<bool> {
    let files: Vec<Expected> =
        manifest(manifest_path)?.into_iter().filter(|f| !f.needs_ffmpeg && f.note == "none").collect();
    if files.is_empty() {
        return Err("the manifest has no whole files that are decoded here".into());
    }
    let speech = read_speech(speech)?;
    fs::create_dir_all(folder).map_err(|e| format!("could not create {}: {e}", folder.display()))?;
    let corpus = manifest_path.parent().unwrap_or(Path::new("."));
    let fourier = Fourier::new(BLOCK);
    let rounds: Vec<usize> = (0..count).collect();
    let outcomes = in_parallel(&rounds, |round| {
        // All files take turns, in an order unrelated to the table.
        let file = &files[(round * 61 + seed as usize) % files.len()];
        one_mutation(&fourier, corpus, file, &speech, seed.wrapping_add(*round as u64), folder)
    });
    let (mut faults, mut lost_more, mut kept_more, mut most_kb) = (0, 0, 0, 0);
    let (mut ours, mut ffmpegs, mut all) = (0, 0, 0);
    for outcome in outcomes {
        let outcome = outcome?;
        (ours, ffmpegs, all) = (ours + outcome.ours, ffmpegs + outcome.ffmpegs, all + outcome.due);
        most_kb = most_kb.max(outcome.peak_kb);
        if let Some(fault) = &outcome.fault {
            faults += 1;
            println!("{} {fault}: {}", outcome.name, outcome.how);
        } else if outcome.ours + 1 < outcome.ffmpegs {
            lost_more += 1;
            println!(
                "{} has {} of {} windows, ffmpeg {}: {}",
                outcome.name, outcome.ours, outcome.due, outcome.ffmpegs, outcome.how
            );
        }
        kept_more += usize::from(outcome.ffmpegs + 1 < outcome.ours);
    }
    println!(
        "\n{count} mutations of {} files, seed {seed}: {faults} panics, hangs or too much memory (most {} MB); \
         {lost_more} lose more than ffmpeg, {kept_more} less; windows there: {ours} of {all}, ffmpeg {ffmpegs}",
        files.len(),
        most_kb / 1024
    );
    Ok(faults == 0 && lost_more * 100 <= count)
}

fn one_mutation(
    fourier: &Fourier,
    corpus: &Path,
    file: &Expected,
    speech: &[f32],
    seed: u64,
    folder: &Path,
) -> Result<Outcome> {
    let whole = corpus.join(&file.path);
    let mut bytes = fs::read(&whole).map_err(|e| format!("could not read {}: {e}", whole.display()))?;
    let how = mutate(&mut bytes, &mut Random(seed));
    let name = format!("{seed}-{}", file.path.display());
    let path = folder.join(&name);
    fs::write(&path, &bytes).map_err(|e| format!("could not write {}: {e}", path.display()))?;
    let out = folder.join(format!("{name}.sound"));
    let mut once = Command::new(std::env::current_exe()?);
    once.arg("once").args([&path, &out]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let (fault, peak_kb) = match wait_with_deadline(once.spawn()?)? {
        Some(output) if output.status.success() => {
            let peak = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(u64::MAX);
            ((peak > MOST_KB).then(|| format!("took {} MB", peak / 1024)), peak)
        }
        Some(output) => (Some(format!("ended with {}", output.status)), 0),
        None => (Some(format!("took more than {} s", LONGEST.as_secs())), 0),
    };
    let sound = floats(&fs::read(&out).unwrap_or_default());
    let ffmpeg = Coarse::of(&by_ffmpeg(&path, "", false)?);
    let due = due(&file.stretches, speech);
    let windows: Vec<Vec<f32>> =
        due.windows.iter().map(|at| Coarse::of(&due.sound[*at..at + WINDOW])).collect();
    let ours = count_found(fourier, &windows, &sound);
    let ffmpegs = count_found(fourier, &windows, &ffmpeg);
    let _ = fs::remove_file(&out);
    // A file that is reported is kept, so that it can be examined.
    if fault.is_none() && ours + 1 >= ffmpegs {
        let _ = fs::remove_file(&path);
    }
    Ok(Outcome { fault, ours, ffmpegs, due: windows.len(), name, how, peak_kb })
}

/// The output of a process; `None` if it had to be killed. It writes little.
fn wait_with_deadline(mut child: Child) -> Result<Option<std::process::Output>> {
    let deadline = Instant::now() + LONGEST;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(Some(child.wait_with_output()?))
}

/// How many of the windows are found anywhere in `sound`.
fn count_found(fourier: &Fourier, windows: &[Vec<f32>], sound: &[f32]) -> usize {
    let Some(len) = windows.iter().map(Vec::len).max() else { return 0 };
    let windows: Vec<(Transform, f64)> = windows
        .iter()
        .map(|window| {
            let energy = level(window).powi(2) * window.len() as f64;
            (fourier.of(window.iter().copied()), energy)
        })
        .collect();
    let mut found = vec![false; windows.len()];
    for start in (0..sound.len()).step_by(BLOCK - len) {
        let block = &sound[start..sound.len().min(start + BLOCK)];
        if level(block) < 1e-5 {
            continue;
        }
        let (transform, sums) = (fourier.of(block.iter().copied()), energies(block.iter().copied()));
        for ((window, own), found) in windows.iter().zip(&mut found).filter(|(_, found)| !**found) {
            let places = fourier.correlate(&transform, window);
            let last = block.len().saturating_sub(len);
            *found = (0..=last).any(|k| {
                let energy = sums[(k + len).min(block.len())] - sums[k];
                // Correlation means nothing where it is nearly silent.
                energy > own * 1e-3 && places[k] > FOUND_CORRELATION * (energy * own).sqrt()
            });
        }
    }
    found.iter().filter(|found| **found).count()
}

/// How often each decoder is timed.
const TIMES: u32 = 4;

/// Prints for each file the processor time of decoding here and by `ffmpeg`.
fn speed(files: &[&str]) -> Result<bool> {
    let mut met = true;
    println!("{:<16}{:>10}{:>12}{:>8}", "", "here, s", "ffmpeg, s", "ratio");
    for file in files {
        let path = Path::new(file);
        let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
        // The fastest run counts: the machine may be doing something else.
        for _ in 0..TIMES {
            let before = cpu_s()?;
            let mut reader = Reader::open(path, &Tools::none())?;
            while reader.read()?.is_some() {}
            ours = ours.min(cpu_s()? - before);
            theirs = theirs.min(cpu_of_ffmpeg_s(path)?);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ratio = ours / theirs;
        println!("{name:<16}{ours:>10.2}{theirs:>12.2}{ratio:>8.2}");
        met &= ratio <= 1.0;
    }
    println!("goal {}: each at most 1", if met { "met" } else { "missed" });
    Ok(met)
}

/// Processor time of this process, user and system, in seconds.
fn cpu_s() -> Result<f64> {
    /// The kernel counts in hundredths of a second wherever this runs.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name of the program may hold anything; it ends with the last bracket. Behind it, user and system are the 12th
    // and 13th fields.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().skip(11).take(2));
    let ticks: Option<Vec<f64>> = fields.and_then(|fields| fields.map(|f| f.parse().ok()).collect());
    let ticks = ticks.filter(|ticks| ticks.len() == 2).ok_or("/proc/self/stat has no times")?;
    Ok(ticks.iter().sum::<f64>() / TICKS)
}

fn cpu_of_ffmpeg_s(path: &Path) -> Result<f64> {
    let output = Command::new("ffmpeg")
        .args(["-v", "info", "-nostats", "-benchmark", "-nostdin", "-y", "-threads", "1", "-i"])
        .arg(path)
        .args(["-map", "0:a:0", "-ac", "1", "-ar", "16000", "-threads", "1", "-f", "f32le", "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("could not start ffmpeg: {e}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    // Parses "bench: utime=1.234s stime=0.056s rtime=1.300s".
    let line =
        log.lines().find_map(|line| line.split_once("bench: utime=")).ok_or("ffmpeg reported no times")?.1;
    let (user, rest) = line.split_once("s stime=").ok_or("ffmpeg reported no times")?;
    let system = rest.split('s').next().unwrap_or_default();
    Ok(user.parse::<f64>()? + system.parse::<f64>()?)
}

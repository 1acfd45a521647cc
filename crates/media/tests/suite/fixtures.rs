//! Test files of a signal that is easy to recognise, and the comparison of signals.

use media::{MediaError, Reader, Shortfall, Tools};
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub(crate) const RATE: usize = 16_000;
/// Length of the signal in seconds.
pub(crate) const SECONDS: f64 = 4.0;

/// Sweeps with a syllable-like envelope and a little noise: no two moments are alike.
pub(crate) fn signal(rate: usize, seconds: f64) -> Vec<f32> {
    let mut noise = Random(7);
    let mut phase = 0.0;
    (0..(rate as f64 * seconds) as usize)
        .map(|i| {
            let t = i as f64 / rate as f64;
            let hz = 250.0 + 1200.0 * (t * 0.37).fract() + 300.0 * (TAU * 2.3 * t).sin();
            phase = (phase + hz / rate as f64).fract();
            let envelope = 0.15 + 0.85 * (TAU * (1.7 * t + 0.4 * (t * 0.9).sin())).sin().max(0.0);
            let voice =
                (TAU * phase).sin() + 0.4 * (TAU * 2.0 * phase).sin() + 0.2 * (TAU * 3.0 * phase).sin();
            (0.3 * envelope * voice + 0.01 * (noise.unit() - 0.5)) as f32
        })
        .collect()
}

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// A WAV file with 16-bit PCM.
pub(crate) fn wav(rate: u32, channels: u16, samples: &[f32]) -> Vec<u8> {
    let size = samples.len() as u32 * 2;
    let mut file = Vec::with_capacity(samples.len() * 2 + 44);
    file.extend(b"RIFF");
    file.extend((size + 36).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(channels) * 2).to_le_bytes());
    file.extend((channels * 2).to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(size.to_le_bytes());
    file.extend(samples.iter().flat_map(|s| ((s * 32767.0) as i16).to_le_bytes()));
    file
}

/// The `ffmpeg` that makes fixtures: prints only errors, asks nothing, and replaces files.
pub(crate) fn ffmpeg() -> Command {
    let mut ffmpeg = testing::program("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-y"]).stdin(Stdio::null());
    ffmpeg
}

/// Runs a program that makes a fixture. Debian's `ffmpeg` can make all of them.
pub(crate) fn make(command: &mut Command) {
    let made = command.output().unwrap();
    assert!(made.status.success(), "{command:?}: {}", String::from_utf8_lossy(&made.stderr));
}

/// A folder for the fixtures of this run, with the signal at 48 kHz in `signal.wav`.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // Under the target folder: statics are never dropped, and `cargo clean` tidies up.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("media-suite");
        std::fs::create_dir_all(&folder).unwrap();
        place(&folder.join("signal.wav"), &wav(48_000, 1, &signal(48_000, SECONDS)));
        folder
    })
}

/// Writes a file that other test processes may be reading. All of them write the same content.
pub(crate) fn place(path: &Path, bytes: &[u8]) {
    let unfinished = path.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&unfinished, bytes).unwrap();
    std::fs::rename(unfinished, path).unwrap();
}

/// Encodes the signal with these arguments into a file of this name.
pub(crate) fn encode(name: &str, arguments: &str) -> PathBuf {
    encode_with(name, &[], arguments)
}

/// As [`encode`], with more inputs.
pub(crate) fn encode_with(name: &str, inputs: &[&str], arguments: &str) -> PathBuf {
    encode_from(&folder().join("signal.wav"), name, inputs, arguments)
}

/// As [`encode_with`], for another signal.
pub(crate) fn encode_from(signal: &Path, name: &str, inputs: &[&str], arguments: &str) -> PathBuf {
    let path = folder().join(name);
    make(
        ffmpeg()
            .arg("-i")
            .arg(signal)
            .args(inputs)
            .args(arguments.split_whitespace())
            // The same bytes on every run, so that the mutations are the same.
            .args(["-fflags", "+bitexact", "-flags:a", "+bitexact"])
            .arg(&path),
    );
    path
}

/// The decoding of a file by `ffmpeg`. The mix is the mean of the channels.
///
/// Opus is decoded by libopus, the reference: `ffmpeg`'s own decoder is a fraction of a sample off in speech modes.
pub(crate) fn reference(path: &Path, codec: &str) -> Vec<f32> {
    let decoder: &[&str] = if codec == "Opus" { &["-c:a", "libopus"] } else { &[] };
    let output = ffmpeg()
        .args(decoder)
        .arg("-i")
        .arg(path)
        .args(["-map", "0:a:0", "-af", "aresample=rematrix_maxval=1.0", "-ac", "1", "-ar", "16000"])
        .args(["-f", "f32le", "-c:a", "pcm_f32le", "-"])
        .output()
        .unwrap();
    output.stdout.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

/// All samples of a file, and the shortfall.
pub(crate) fn read(path: &Path, tools: &Tools) -> Result<(Vec<f32>, Option<Shortfall>), MediaError> {
    let mut reader = Reader::open(path, tools)?;
    let mut all = Vec::new();
    while let Some(samples) = reader.read()? {
        assert!(!samples.is_empty() && samples.len() <= RATE, "a run of {} samples", samples.len());
        assert!(samples.iter().all(|s| s.is_finite()));
        all.extend_from_slice(samples);
    }
    assert_eq!(reader.position(), all.len() as u64);
    assert!(reader.read()?.is_none());
    Ok((all, reader.shortfall()))
}

/// The highest correlation of two signals when `b` is moved by up to `most` samples, and by how many samples `b` is
/// late.
pub(crate) fn alignment(a: &[f32], b: &[f32], most: usize) -> (f64, isize) {
    let most = most as isize;
    let correlation = |lag: isize, step: usize| {
        let (mut ab, mut aa, mut bb) = (0.0, 1e-12, 1e-12);
        let from = (-lag).max(0);
        let to = (a.len() as isize).min(b.len() as isize - lag);
        for i in (from..to).step_by(step) {
            let (x, y) = (f64::from(a[i as usize]), f64::from(b[(i + lag) as usize]));
            ab += x * y;
            aa += x * x;
            bb += y * y;
        }
        ab / f64::sqrt(aa * bb)
    };
    let best = |lags: &mut dyn Iterator<Item = isize>, step| {
        lags.map(|lag| (correlation(lag, step), lag)).max_by(|x, y| x.0.total_cmp(&y.0)).unwrap()
    };
    // Every 37th sample is enough to find the place.
    let (_, near) = best(&mut (-most..=most), 37);
    best(&mut (near - 3..=near + 3), 1)
}

pub(crate) fn seconds(samples: &[f32]) -> f64 {
    samples.len() as f64 / RATE as f64
}

/// All files of a folder, which must not be empty.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.sort();
    files
}

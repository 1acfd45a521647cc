//! Which files there are, how each is made, and what it should sound like.
//!
//! In the arguments of programs `{speech}` is the speech as a WAV of 48 kHz, `{in}` what the step before made, `{first}`
//! what the first step made, `{out}` the file, and `{out:EXT}` something on the way to it. `{cover}` is a picture,
//! `{chapters}` a list of two chapters in the format of ffmpeg, `{ogm}` the same in that of mkvmerge.

use super::bytes::{
    Edit, ape, cut, data_size, deleted, id3, id3v1, noise, noisy, odd_chunk, with_behind, with_in_front,
    zeroed,
};

/// One file of the corpus.
pub(super) struct File {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
    /// Stretches as the manifest has them, see `crates/media/examples/compare.rs`.
    pub(super) stretches: &'static str,
    pub(super) note: Note,
    /// Decoded by `ffmpeg` only.
    pub(super) needs_ffmpeg: bool,
    /// The largest differences in length and time, in seconds, and the least correlation with what went in.
    pub(super) length_s: f64,
    pub(super) lag_s: f64,
    pub(super) least: f64,
    /// Why there is more difference than there should be.
    pub(super) reason: &'static str,
}

pub(super) enum Step {
    /// A program with its arguments.
    Run(&'static str, String),
    Bytes(fn(Vec<u8>) -> Vec<u8>),
    /// Another list of edits.
    Edits(&'static [Edit]),
    /// All that was made so far, one behind the other.
    Join,
}

/// Whether the reader has to say that something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    None,
    Must,
    Any,
}

impl Note {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Must => "must",
            Self::Any => "any",
        }
    }
}

/// The whole speech.
const ALL: &str = "r0-99";
const TWICE: &str = "r0-99 r0-99";

/// The least correlation of a lossy codec with what went in. It also has to sound as `ffmpeg` decodes it.
const LOSSY: f64 = 0.9;
/// The same of one for telephones.
const TELEPHONE: f64 = 0.7;
/// The same of one that models a voice and does not keep its wave.
const SPEECH: f64 = 0.3;

const DELAY: &str =
    "the container does not tell how late the encoder is: up to two frames, long ones at low rates";
const FILLED: &str = "the last frame is filled up, and the container does not tell how far";
const FIRST_ONLY: &str = "plain ffmpeg hears the first track only";
const NOT_FFMPEG: &str = "ffmpeg itself does not read all of it in time";
const COMFORT_NOISE: &str = "ffmpeg does not decode the comfort noise of AMR and reports it as damage";
const SEAM: &str = "decoders differ by the block where the second file begins";
const BETWEEN_PACKETS: &str = "ffmpeg cuts edits between packets";

impl File {
    fn new(name: impl Into<String>, steps: Vec<Step>) -> Self {
        Self {
            name: name.into(),
            steps,
            stretches: ALL,
            note: Note::None,
            needs_ffmpeg: false,
            length_s: 0.1,
            lag_s: 0.1,
            least: LOSSY,
            reason: "",
        }
    }

    /// Encoded by `ffmpeg` with these arguments.
    fn encoded(name: impl Into<String>, arguments: &str) -> Self {
        Self::new(name, vec![encode(arguments, "{out}")])
    }

    fn run(mut self, program: &'static str, arguments: &str) -> Self {
        self.steps.push(Step::Run(program, arguments.to_owned()));
        self
    }

    fn then(mut self, change: fn(Vec<u8>) -> Vec<u8>) -> Self {
        self.steps.push(Step::Bytes(change));
        self
    }

    fn sounds(mut self, stretches: &'static str) -> Self {
        self.stretches = stretches;
        self
    }

    fn note(mut self, note: Note) -> Self {
        self.note = note;
        self
    }

    fn by_ffmpeg(mut self) -> Self {
        self.needs_ffmpeg = true;
        self
    }

    fn least(mut self, least: f64) -> Self {
        self.least = least;
        self
    }

    /// For this reason it need not sound as `ffmpeg` decodes it.
    fn because(mut self, reason: &'static str) -> Self {
        self.reason = reason;
        self
    }

    /// With larger differences, for this reason.
    fn within(mut self, length_s: f64, lag_s: f64, reason: &'static str) -> Self {
        (self.length_s, self.lag_s, self.reason) = (length_s, lag_s, reason);
        self
    }
}

fn encode(arguments: &str, out: &str) -> Step {
    Step::Run("ffmpeg", format!("-i {{speech}} {arguments} {out}"))
}

/// All files, each with a name of its own.
pub(super) fn all() -> Vec<File> {
    let mut files = Vec::new();
    codecs_in_containers(&mut files);
    rates(&mut files);
    layouts(&mut files);
    settings(&mut files);
    wave(&mut files);
    mp4(&mut files);
    edit_lists(&mut files);
    matroska(&mut files);
    ogg(&mut files);
    mpeg(&mut files);
    foreign(&mut files);
    pictures_and_tracks(&mut files);
    times(&mut files);
    joined(&mut files);
    damaged(&mut files);
    files
}

/// Codec, its arguments, containers that are read here, containers for `ffmpeg`.
type Codec = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const CODECS: &[Codec] = &[
    (
        "aac",
        "-c:a aac -b:a 96k",
        &["m4a", "mp4", "mov", "3gp", "3g2", "f4v", "mkv", "mka"],
        &["avi", "flv", "ts", "asf"],
    ),
    (
        "mp3",
        "-c:a libmp3lame -b:a 96k",
        &["mp3", "mp4", "mov", "mkv", "mka"],
        &["wav", "avi", "ts", "mpg", "asf"],
    ),
    ("mp2", "-c:a mp2 -b:a 96k", &["mp2", "mkv"], &["mov", "avi", "ts", "mpg"]),
    ("opus", "-c:a libopus -b:a 64k", &["opus", "ogg", "mkv", "mka", "webm", "weba", "mp4"], &["ts"]),
    ("vorbis", "-c:a libvorbis -q:a 5", &["ogg", "oga", "mkv", "mka", "webm"], &["mp4"]),
    ("flac", "-c:a flac", &["flac", "oga", "mkv", "mka", "mp4"], &[]),
    ("alac", "-c:a alac", &["m4a", "caf", "mp4", "mkv"], &["mov"]),
    ("s16", "-c:a pcm_s16le", &["wav", "mkv", "mka", "mov", "caf"], &["w64", "avi"]),
    ("s16be", "-c:a pcm_s16be", &["aiff", "aif", "mov", "caf"], &["au"]),
    ("s24", "-c:a pcm_s24le", &["wav", "mkv", "mov", "caf"], &["w64"]),
    ("s24be", "-c:a pcm_s24be", &["aiff", "mov"], &[]),
    ("s32", "-c:a pcm_s32le", &["wav", "mkv", "mov", "caf"], &["w64"]),
    ("f32", "-c:a pcm_f32le", &["wav", "mkv", "mov", "caf"], &["w64"]),
    ("f32be", "-c:a pcm_f32be", &["aiff", "mov", "caf"], &["au"]),
    ("f64", "-c:a pcm_f64le", &["wav", "mov", "caf"], &[]),
    ("u8", "-c:a pcm_u8", &["wav"], &["mkv", "avi"]),
    ("alaw", "-c:a pcm_alaw -ar 8000", &["wav", "aiff"], &["caf", "mov", "au", "avi"]),
    ("mulaw", "-c:a pcm_mulaw -ar 8000", &["wav", "aiff"], &["caf", "mov", "au", "avi"]),
    ("ms-adpcm", "-c:a adpcm_ms -ar 22050", &["wav"], &["avi"]),
    ("ima-adpcm", "-c:a adpcm_ima_wav -ar 22050", &["wav"], &["avi"]),
    ("ac3", "-c:a ac3", &[], &["ac3", "mkv", "mp4", "mov", "ts", "avi", "mpg"]),
    ("eac3", "-c:a eac3", &[], &["eac3", "mkv", "mp4", "ts"]),
    ("dts", "-c:a dca -strict -2 -ac 2", &[], &["dts", "mkv", "ts"]),
    ("wma2", "-c:a wmav2 -b:a 96k", &[], &["wma", "asf", "avi", "mkv"]),
    ("wma1", "-c:a wmav1 -b:a 96k", &[], &["wma"]),
    ("wavpack", "-c:a wavpack", &[], &["wv", "mkv"]),
    ("tta", "-c:a tta", &[], &["tta", "mkv"]),
    ("truehd", "-c:a truehd -strict -2 -ac 2", &[], &["mkv", "mp4"]),
];

fn codecs_in_containers(files: &mut Vec<File>) {
    for (codec, arguments, here, elsewhere) in CODECS {
        let containers = here.iter().map(|c| (c, false)).chain(elsewhere.iter().map(|c| (c, true)));
        for (container, foreign) in containers {
            let more = match (*codec, *container) {
                ("flac" | "opus" | "vorbis" | "truehd", "mp4") => " -strict -2",
                (_, "weba") => " -f webm",
                (_, "3gp" | "3g2") => " -ar 44100",
                ("aac", "f4v") => " -f f4v",
                ("mp3" | "aac", "flv") => " -ar 44100",
                _ => "",
            };
            let mut file = File::encoded(format!("{codec}.{container}"), &format!("{arguments}{more}"));
            file.needs_ffmpeg = foreign;
            files.push(file);
        }
    }
    files.push(File::encoded("aac.aac", "-c:a aac -b:a 96k"));
    files.push(File::encoded("mp3.flv", "-c:a libmp3lame -ar 44100").by_ffmpeg());
}

/// Name, arguments, extension, rates.
const RATES: &[(&str, &str, &str, &[u32])] = &[
    (
        "s16",
        "-c:a pcm_s16le",
        "wav",
        &[8000, 11_025, 16_000, 22_050, 32_000, 44_100, 88_200, 96_000, 192_000],
    ),
    ("flac", "-c:a flac", "flac", &[8000, 16_000, 22_050, 32_000, 44_100, 88_200, 96_000, 192_000]),
    ("alac", "-c:a alac", "m4a", &[8000, 16_000, 44_100, 96_000]),
    ("mp3", "-c:a libmp3lame", "mp3", &[8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100]),
    ("mp2", "-c:a mp2 -b:a 96k", "mp2", &[16_000, 22_050, 24_000, 32_000, 44_100]),
    (
        "aac",
        "-c:a aac",
        "m4a",
        &[8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 64_000, 88_200, 96_000],
    ),
    ("aac", "-c:a aac", "mkv", &[8000, 16_000, 22_050, 44_100]),
    ("vorbis", "-c:a libvorbis", "ogg", &[8000, 11_025, 16_000, 22_050, 32_000, 44_100, 96_000]),
    ("opus", "-c:a libopus", "opus", &[8000, 12_000, 16_000, 24_000]),
    ("s16be", "-c:a pcm_s16be", "aiff", &[8000, 16_000, 22_050, 44_100, 96_000]),
    ("s16be", "-c:a pcm_s16be", "mov", &[8000, 44_100]),
];

fn rates(files: &mut Vec<File>) {
    for (codec, arguments, container, rates) in RATES {
        for rate in *rates {
            let name = format!("{codec}-{rate}.{container}");
            let file = File::encoded(name, &format!("{arguments} -ar {rate}"));
            let late = *codec == "aac" && *container == "mkv" && *rate < 20_000;
            files.push(if late { file.within(0.3, 0.15, DELAY) } else { file });
        }
    }
    for rate in [8000, 16_000, 22_050, 44_100, 96_000] {
        let file = File::encoded(format!("aac-{rate}.aac"), &format!("-c:a aac -ar {rate}"));
        files.push(if rate < 40_000 { file.within(0.3, 0.15, DELAY) } else { file });
    }
    for rate in [8000, 16_000, 22_050, 44_100] {
        let file = File::encoded(format!("wma-{rate}.wma"), &format!("-c:a wmav2 -b:a 32k -ar {rate}"));
        files.push(if rate == 8000 { file.within(0.15, 0.1, FILLED) } else { file }.by_ffmpeg());
    }
}

fn layouts(files: &mut Vec<File>) {
    let layouts = ["stereo", "2.1", "3.0", "quad", "5.0", "5.1", "7.1"];
    for (codec, arguments, container, most, here) in [
        ("s16", "-c:a pcm_s16le", "wav", 8, true),
        ("s24", "-c:a pcm_s24le", "mkv", 8, true),
        ("flac", "-c:a flac", "flac", 8, true),
        ("flac", "-c:a flac", "mkv", 8, true),
        ("alac", "-c:a alac", "m4a", 2, true),
        ("vorbis", "-c:a libvorbis", "ogg", 8, false),
        ("aac", "-c:a aac", "m4a", 2, true),
        ("aac", "-c:a aac -b:a 256k", "mkv", 8, false),
        ("opus", "-c:a libopus -mapping_family 1", "opus", 8, false),
        ("mp3", "-c:a libmp3lame -joint_stereo 0", "mp3", 2, true),
        ("ac3", "-c:a ac3", "ac3", 6, false),
    ] {
        for (layout, channels) in layouts.iter().zip([2, 3, 3, 4, 5, 6, 8]) {
            // Opus has no layout of two and a low one.
            if channels > most || codec == "opus" && *layout == "2.1" {
                continue;
            }
            // The same sound on all channels.
            let all: Vec<String> = (0..channels).map(|c| format!("c{c}=c0")).collect();
            let pan = format!("-af pan={layout}|{}", all.join("|"));
            let file = File::encoded(format!("{codec}-{layout}.{container}"), &format!("{pan} {arguments}"));
            files.push(if here || channels == 2 && codec != "ac3" { file } else { file.by_ffmpeg() });
        }
    }
    for (name, pan) in [("left", "stereo|c0=c0|c1=0*c0"), ("right", "stereo|c0=0*c0|c1=c0")] {
        for (container, codec) in [
            ("wav", "pcm_s16le"),
            ("m4a", "aac"),
            ("mp3", "libmp3lame"),
            ("opus", "libopus"),
            ("flac", "flac"),
        ] {
            let arguments = format!("-af pan={pan} -c:a {codec}");
            files.push(File::encoded(format!("{name}.{container}"), &arguments));
        }
    }
}

/// Settings of encoders, for files that are read here.
const SETTINGS: &[(&str, &str)] = &[
    ("cbr-32.mp3", "-c:a libmp3lame -b:a 32k -ar 22050"),
    ("cbr-320.mp3", "-c:a libmp3lame -b:a 320k"),
    ("vbr-0.mp3", "-c:a libmp3lame -q:a 0"),
    ("vbr-9.mp3", "-c:a libmp3lame -q:a 9"),
    ("abr.mp3", "-c:a libmp3lame -abr 1 -b:a 80k"),
    ("no-reservoir.mp3", "-c:a libmp3lame -reservoir 0"),
    ("no-xing.mp3", "-c:a libmp3lame -b:a 96k -write_xing 0"),
    ("no-xing-vbr.mp3", "-c:a libmp3lame -q:a 4 -write_xing 0"),
    ("id3v1.mp3", "-c:a libmp3lame -write_id3v1 1 -id3v2_version 0 -metadata title=Meeting"),
    ("id3v23.mp3", "-c:a libmp3lame -id3v2_version 3 -metadata title=Meeting"),
    ("shine.mp3", "-c:a libshine -b:a 96k -ar 44100"),
    ("flac-0.flac", "-c:a flac -compression_level 0"),
    ("flac-12.flac", "-c:a flac -compression_level 12"),
    ("flac-small.flac", "-c:a flac -frame_size 256"),
    ("flac-24.flac", "-c:a flac -sample_fmt s32"),
    ("flac-piped.flac", "-c:a flac -f flac -seekable 0"),
    ("voip.opus", "-c:a libopus -b:a 16k -application voip"),
    ("voip-6.opus", "-c:a libopus -b:a 6k -application voip"),
    ("lowdelay.opus", "-c:a libopus -application lowdelay"),
    ("frames-2.5.opus", "-c:a libopus -frame_duration 2.5"),
    ("frames-5.opus", "-c:a libopus -frame_duration 5"),
    ("frames-10.opus", "-c:a libopus -frame_duration 10"),
    ("frames-40.opus", "-c:a libopus -frame_duration 40"),
    ("frames-60.opus", "-c:a libopus -frame_duration 60"),
    ("frames-120.opus", "-c:a libopus -frame_duration 120"),
    ("cbr.opus", "-c:a libopus -vbr off"),
    ("fec.opus", "-c:a libopus -fec 1 -packet_loss 20 -b:a 24k"),
    ("vorbis-q0.ogg", "-c:a libvorbis -q:a 0"),
    ("vorbis-q10.ogg", "-c:a libvorbis -q:a 10"),
    ("aac-32.m4a", "-c:a aac -b:a 32k"),
    ("aac-256.m4a", "-c:a aac -b:a 256k -ac 2"),
    ("aac-fast.m4a", "-c:a aac -aac_coder fast"),
    ("aac-plain.m4a", "-c:a aac -aac_tns 0 -aac_pns 0 -aac_is 0 -aac_ms 0 -ac 2"),
    ("alac-24.m4a", "-c:a alac -sample_fmt s32p"),
];

fn settings(files: &mut Vec<File>) {
    for (name, arguments) in SETTINGS {
        let file = File::encoded(*name, arguments);
        files.push(match *name {
            "voip-6.opus" => file.least(SPEECH),
            "voip.opus" | "fec.opus" => file.least(TELEPHONE),
            _ => file,
        });
    }
}

fn wave(files: &mut Vec<File>) {
    for (name, arguments) in [
        ("rf64.wav", "-rf64 always"),
        ("rf64-24.wav", "-c:a pcm_s24le -rf64 always"),
        ("rf64-piped.wav", "-rf64 always -f wav -seekable 0"),
        ("piped.wav", "-f wav -seekable 0"),
        ("broadcast.wav", "-write_bext 1 -metadata description=Meeting -metadata time_reference=4800000"),
        ("peaks.wav", "-write_peak on"),
        ("titled.wav", "-metadata title=Meeting -metadata artist=Board"),
        ("piped.aiff", "-f aiff -seekable 0"),
        ("piped.caf", "-c:a pcm_s16le -f caf -seekable 0"),
    ] {
        files.push(File::encoded(name, arguments));
    }
    // Other programs than ffmpeg write other headers.
    for (name, arguments) in [
        ("sox.wav", "{out}"),
        ("sox-24.wav", "-b 24 {out}"),
        ("sox-32.wav", "-b 32 {out}"),
        ("sox-float.wav", "-e floating-point {out}"),
        ("sox-8.wav", "-b 8 {out}"),
        ("sox-plain.wav", "-t wavpcm {out}"),
        ("sox-alaw.wav", "-e a-law -r 8000 {out}"),
        ("sox-mulaw.wav", "-e u-law -r 8000 {out}"),
        ("sox-ima.wav", "-e ima-adpcm -r 16000 {out}"),
        ("sox-ms.wav", "-e ms-adpcm -r 16000 {out}"),
        ("sox.aiff", "{out}"),
        ("sox.aifc", "{out}"),
        ("sox-8.aiff", "-b 8 {out}"),
        ("sox.caf", "{out}"),
        ("sox.flac", "{out}"),
        ("sox-16k.flac", "-r 16000 -b 24 {out}"),
        ("sox.ogg", "{out}"),
        ("sox-16k.ogg", "-r 16000 {out}"),
    ] {
        files.push(File::new(name, vec![]).run("sox", &format!("{{speech}} {arguments}")));
    }
    let wav = |name: &str| File::encoded(name, "-c:a pcm_s16le -fflags +bitexact");
    files.push(wav("size-0.wav").then(|b| data_size(b, 0)));
    files.push(wav("size-max.wav").then(|b| data_size(b, u32::MAX)));
    files.push(wav("size-too-large.wav").then(|b| data_size(b, 0x7fff_fff0)).note(Note::Must));
    files.push(wav("odd-chunk.wav").then(odd_chunk));
    files.push(wav("id3-in-front.wav").then(|b| with_in_front(b, &id3(3000))));
    files.push(wav("padded.wav").then(|b| with_behind(b, &[0; 70_000])));
    files.push(wav("noise-behind.wav").then(|b| with_behind(b, &noise(5001))));
}

fn mp4(files: &mut Vec<File>) {
    for (name, flags) in [
        ("faststart", "+faststart"),
        ("fragmented", "+frag_keyframe+empty_moov"),
        ("fragmented-late-index", "+frag_keyframe+delay_moov"),
        ("fragmented-own-base", "+frag_keyframe+empty_moov+default_base_moof"),
        ("fragmented-no-offset", "+frag_keyframe+empty_moov+omit_tfhd_offset"),
        ("fragmented-apart", "+frag_keyframe+empty_moov+separate_moof"),
        ("dash", "+dash+frag_keyframe+empty_moov"),
        ("cmaf", "+cmaf+frag_keyframe+empty_moov+default_base_moof"),
        ("sidx", "+global_sidx+frag_keyframe+empty_moov+default_base_moof"),
        ("first-whole", "+frag_keyframe"),
        ("negative", "+negative_cts_offsets"),
    ] {
        for (codec, ext, least) in
            [("aac", "m4a", LOSSY), ("alac", "mp4", SAME), ("flac", "mp4", SAME), ("libopus", "mp4", LOSSY)]
        {
            let short = codec.trim_start_matches("lib");
            let duration = if name.contains("frag") || name == "dash" || name == "cmaf" || name == "sidx" {
                "-frag_duration 700000"
            } else {
                ""
            };
            let arguments = format!("-c:a {codec} -strict -2 -movflags {flags} {duration}");
            let ext = if codec == "aac" && name != "faststart" { "mp4" } else { ext };
            files.push(File::encoded(format!("{name}-{short}.{ext}"), &arguments).least(least));
        }
    }
    for (name, arguments) in [
        ("hinted.mp4", "-c:a aac -movflags +rtphint"),
        ("no-edit-list.m4a", "-c:a aac -use_editlist 0"),
        ("time-code.mov", "-c:a aac -timecode 10:00:00:00 -write_tmcd on"),
        ("brand.mp4", "-c:a aac -brand dash"),
        ("long-tag.m4a", "-c:a aac -metadata comment={long}"),
        ("s16-fragmented.mov", "-c:a pcm_s16le -movflags +frag_keyframe+empty_moov -frag_duration 500000"),
        ("streaming.ismv", "-c:a aac -frag_duration 700000"),
        ("aac-interleave.mp4", "-c:a aac -max_interleave_delta 0 -movflags +faststart"),
        ("frag-every.mp4", "-c:a aac -movflags +frag_every_frame+empty_moov"),
    ] {
        files.push(File::encoded(name, arguments));
    }
}

/// The least correlation of a lossless codec with what went in.
const SAME: f64 = 0.99;

/// Name, what it sounds like, pieces: how long each is and from where, `None` for silence. Seconds.
const EDITS: &[(&str, &str, &[Edit])] = &[
    ("left-out", "r0-3 r6-20", &[(3.0, Some(0.0)), (14.0, Some(6.0))]),
    ("late", "s1.5 r0-20", &[(1.5, None), (20.0, Some(0.0))]),
    ("later", "s2 r4-20", &[(2.0, None), (16.0, Some(4.0))]),
    ("twice-empty", "s2 r0-20", &[(0.5, None), (1.5, None), (20.0, Some(0.0))]),
    ("empty-between", "r0-5 s2 r5-20", &[(5.0, Some(0.0)), (2.0, None), (15.0, Some(5.0))]),
    ("trimmed", "r4-15", &[(11.0, Some(4.0))]),
    ("repeated", "r0-8 r0-8", &[(8.0, Some(0.0)), (8.0, Some(0.0))]),
    ("turned-round", "r10-20 r0-10", &[(10.0, Some(10.0)), (10.0, Some(0.0))]),
    (
        "many",
        "r0-4 r5-9 r10-14 r15-19",
        &[(4.0, Some(0.0)), (4.0, Some(5.0)), (4.0, Some(10.0)), (4.0, Some(15.0))],
    ),
];

fn edit_lists(files: &mut Vec<File>) {
    for (name, stretches, edits) in EDITS {
        for (codec, ext, least) in
            [("pcm_s16le", "mov", SAME), ("flac", "mp4", SAME), ("alac", "m4a", SAME), ("aac", "m4a", LOSSY)]
        {
            let short = codec.trim_start_matches("pcm_");
            let arguments =
                format!("-c:a {codec} -strict -2 -use_editlist 1 -movie_timescale 1000 -af adelay=0");
            // A late start makes sure that there is a list of edits, which is then written anew.
            let step = Step::Run("ffmpeg", format!("-itsoffset 0.5 -i {{speech}} {arguments} {{out:{ext}}}"));
            let file = File::new(format!("edits-{name}-{short}.{ext}"), vec![step]);
            let mut file = file.sounds(stretches).least(least);
            file.steps.push(Step::Edits(edits));
            files.push(match *name {
                "repeated" | "turned-round" => {
                    file.by_ffmpeg().least(LOSSY).within(0.2, 0.1, BETWEEN_PACKETS)
                }
                _ if codec == "aac" => file.because(BETWEEN_PACKETS),
                _ => file,
            });
        }
    }
    for (name, arguments, stretches) in [
        ("copied-from-3.m4a", "-ss 3 -i {in} -c copy", "r3-99"),
        ("copied-to-9.m4a", "-i {in} -t 9 -c copy", "r0-9"),
        ("copied-3-9.mp4", "-ss 3 -t 6 -i {in} -c copy", "r3-9"),
        ("copied-3-9.mov", "-ss 3 -t 6 -i {in} -c copy", "r3-9"),
    ] {
        let file = File::new(name, vec![encode("-c:a aac", "{out:m4a}")]);
        files.push(file.run("ffmpeg", &format!("{arguments} {{out}}")).sounds(stretches));
    }
}

fn matroska(files: &mut Vec<File>) {
    for (name, arguments) in [
        ("live-opus.webm", "-c:a libopus -f webm -live 1"),
        ("live-opus-piped.webm", "-c:a libopus -f webm -live 1 -seekable 0"),
        ("piped-opus.webm", "-c:a libopus -f webm -seekable 0"),
        ("piped-flac.mkv", "-c:a flac -f matroska -seekable 0"),
        ("live-aac.mkv", "-c:a aac -f matroska -live 1 -seekable 0"),
        ("live-vorbis.webm", "-c:a libvorbis -f webm -live 1 -seekable 0"),
        ("dash-opus.webm", "-c:a libopus -f webm -dash 1"),
        ("short-clusters.mka", "-c:a libopus -cluster_time_limit 100"),
        ("small-clusters.mka", "-c:a flac -cluster_size_limit 4000"),
        ("long-clusters.mka", "-c:a libvorbis -cluster_time_limit 30000"),
        ("cues-in-front.mkv", "-c:a aac -cues_to_front 1 -reserve_index_space 5000"),
        ("no-checksums.mka", "-c:a aac -write_crc32 0"),
        ("titled.mka", "-c:a flac -metadata title=Meeting -metadata comment={long}"),
    ] {
        let live = name.contains("live");
        // A live stream has no end that could be missing.
        files.push(File::encoded(name, arguments).note(if live { Note::Any } else { Note::None }));
    }
    for (codec, arguments, ext, out) in [
        ("opus", "-c:a libopus", "opus", "mka"),
        ("vorbis", "-c:a libvorbis", "ogg", "mka"),
        ("flac", "-c:a flac", "flac", "mka"),
        ("aac", "-c:a aac", "m4a", "mka"),
        ("mp3", "-c:a libmp3lame", "mp3", "mka"),
        ("wav", "-c:a pcm_s16le", "wav", "mka"),
        ("webm", "-c:a libopus", "webm", "webm"),
    ] {
        for (name, options) in [
            ("laced", ""),
            ("unlaced", "--disable-lacing"),
            ("short", "--cluster-length 200ms"),
            ("packets", "--cluster-length 3"),
            ("no-cues", "--no-cues --no-date"),
            ("index-of-clusters", "--clusters-in-meta-seek"),
            ("fine-times", "--timestamp-scale 100000"),
            ("coarse-times", "--timestamp-scale 10000000"),
            ("packed", "--compression 0:zlib"),
            ("late", "--sync 0:1500"),
            ("grouped", "--engage no_simpleblocks"),
            ("parts", "--split parts:00:00:03-00:00:06,+00:00:10-00:00:15"),
            ("chapters", "--chapters {ogm} --attach-file {cover} --title Meeting"),
        ] {
            // WebM has neither compression nor attachments, and mkvmerge does not split FLAC.
            if out == "webm" && matches!(name, "packed" | "chapters") || codec == "flac" && name == "parts" {
                continue;
            }
            let webm = if out == "webm" { "--webm" } else { "" };
            let file = File::new(
                format!("mkvmerge-{name}-{codec}.{out}"),
                vec![encode(arguments, &format!("{{out:{ext}}}"))],
            );
            let merge = format!("-q -o {{out}} {webm} {options} {{in}}");
            let file = file.run("mkvmerge", &merge);
            files.push(match name {
                "parts" => file.sounds("r3-6 r10-15").within(0.2, 0.1, "mkvmerge cuts between packets"),
                "packed" => file.by_ffmpeg(),
                _ => file,
            });
        }
    }
}

fn ogg(files: &mut Vec<File>) {
    for (name, arguments) in [
        ("short-pages.opus", "-c:a libopus -page_duration 20000"),
        ("long-pages.opus", "-c:a libopus -page_duration 10000000"),
        ("short-pages.ogg", "-c:a libvorbis -page_duration 20000"),
        ("long-pages.ogg", "-c:a libvorbis -page_duration 10000000"),
        ("short-pages.oga", "-c:a flac -page_duration 20000"),
        ("long-tag.opus", "-c:a libopus -metadata comment={long}"),
        ("long-tag.ogg", "-c:a libvorbis -metadata comment={long}"),
        ("serial.ogg", "-c:a libvorbis -serial_offset 4711"),
    ] {
        files.push(File::encoded(name, arguments));
    }
}

fn mpeg(files: &mut Vec<File>) {
    let mp3 = |name: &str| File::encoded(name, "-c:a libmp3lame -b:a 96k");
    files.push(mp3("large-id3.mp3").then(|b| with_in_front(b, &id3(400_000))));
    files.push(mp3("two-id3.mp3").then(|b| with_in_front(b, &[id3(100), id3(5000)].concat())));
    files.push(mp3("ape.mp3").then(|b| with_behind(b, &ape())));
    files.push(mp3("ape-and-id3v1.mp3").then(|b| with_behind(b, &[ape(), id3v1()].concat())));
    files.push(mp3("padded.mp3").then(|b| with_behind(b, &[0; 50_000])).note(Note::Any));
    files.push(mp3("zeros-in-front.mp3").then(|b| with_in_front(b, &[0; 3000])).note(Note::Any));
    files.push(mp3("noise-in-front.mp3").then(|b| with_in_front(b, &noise(2000))).note(Note::Any));
    files.push(mp3("noise-behind.mp3").then(|b| with_behind(b, &noise(2000))).note(Note::Any));
    let adts = |name: &str| File::encoded(name, "-c:a aac -b:a 96k");
    files.push(adts("id3.aac").then(|b| with_in_front(b, &id3(2000))));
    files.push(adts("id3v1.aac").then(|b| with_behind(b, &id3v1())));
    files.push(File::encoded("crc.mp2", "-c:a libtwolame -error_protection 1 -b:a 96k"));
}

fn foreign(files: &mut Vec<File>) {
    for (name, arguments, least) in [
        ("speex.spx", "-c:a libspeex -ar 16000", SPEECH),
        ("speex-8k.spx", "-c:a libspeex -ar 8000", SPEECH),
        ("speex-32k.ogg", "-c:a libspeex -ar 32000", SPEECH),
        ("gsm.wav", "-c:a libgsm_ms -ar 8000", TELEPHONE),
        ("yamaha.wav", "-c:a adpcm_yamaha -ar 22050", LOSSY),
        ("g726.wav", "-c:a g726 -ar 8000", TELEPHONE),
        ("swf-adpcm.flv", "-c:a adpcm_swf -ar 22050", LOSSY),
        ("nellymoser.flv", "-c:a nellymoser -ar 22050", TELEPHONE),
        ("ima.aiff", "-c:a adpcm_ima_qt -ar 22050", LOSSY),
        ("ima.mov", "-c:a adpcm_ima_qt -ar 22050", LOSSY),
        ("real.rm", "-c:a ac3 -ar 44100 -ac 2", LOSSY),
        ("real-144.ra", "-c:a real_144 -ar 8000 -f rm", SPEECH),
        ("creative.voc", "-c:a pcm_s16le", SAME),
        (
            "material.mxf",
            "-f lavfi -t 24 -i testsrc=size=320x240:rate=25 -map 1:v -map 0:a -c:v mpeg2video -c:a pcm_s16le -shortest",
            SAME,
        ),
        ("camcorder.m2ts", "-c:a ac3 -mpegts_m2ts_mode 1", LOSSY),
        ("film.vob", "-c:a ac3 -f vob", LOSSY),
        ("dat.ts", "-c:a libmp3lame -mpegts_start_pid 500 -pat_period 2", LOSSY),
        ("surround.ac3", "-c:a ac3 -ac 6 -b:a 448k", LOSSY),
        ("low.eac3", "-c:a eac3 -b:a 64k", LOSSY),
    ] {
        let file = File::encoded(name, arguments).least(least).by_ffmpeg();
        files.push(match name {
            "swf-adpcm.flv" => file.within(0.2, 0.1, FILLED),
            // As long as its picture.
            "material.mxf" => file.sounds("r0-24"),
            _ => file,
        });
    }
    for (name, arguments, least) in [
        ("sox-20.wav", "-c 20 {out}", SAME),
        ("sox.w64", "{out}", SAME),
        ("sox.au", "{out}", SAME),
        ("sox.voc", "-b 16 {out}", SAME),
        ("sox.sph", "{out}", SAME),
        ("sox-gsm.wav", "-r 8000 -e gsm-full-rate {out}", TELEPHONE),
        ("sox.wv", "{out}", SAME),
        ("sox.amr", "-r 8000 -C 7 -t amr-nb {out}", SPEECH),
    ] {
        let file = File::new(name, vec![]).run("sox", &format!("{{speech}} {arguments}"));
        // The last block that sox writes is not whole.
        let note = if name == "sox-gsm.wav" { Note::Any } else { Note::None };
        let file = file.least(least).note(note).by_ffmpeg();
        files.push(if name == "sox.amr" { file.note(Note::Any).because(COMFORT_NOISE) } else { file });
    }
    let amr = File::new("amr.3gp", vec![]).run("sox", "{speech} -r 8000 -C 7 -t amr-nb {out:amr}");
    let amr = amr.run("ffmpeg", "-i {in} -c copy {out}").least(SPEECH).by_ffmpeg();
    files.push(amr.note(Note::Any).because(COMFORT_NOISE));
}

fn pictures_and_tracks(files: &mut Vec<File>) {
    let film = "-f lavfi -t 24 -i testsrc=size=64x48:rate=5 -map 0:a -map 1:v";
    for (name, arguments) in [
        ("film.mp4", "-c:v mpeg4 -c:a aac"),
        ("film-h264.mp4", "-c:v libx264 -preset ultrafast -c:a aac -movflags +faststart"),
        (
            "film-fragmented.mp4",
            "-c:v libx264 -preset ultrafast -g 10 -c:a aac -movflags +frag_keyframe+empty_moov",
        ),
        ("film.mov", "-c:v mjpeg -c:a pcm_s16be"),
        ("film.mkv", "-c:v mpeg4 -c:a libvorbis"),
        ("film.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus"),
        (
            "film-live.webm",
            "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus -f webm -live 1 -seekable 0",
        ),
        ("film.ogv", "-c:v libtheora -c:a libvorbis"),
    ] {
        let note = if name.contains("live") { Note::Any } else { Note::None };
        files.push(File::encoded(name, &format!("{film} {arguments}")).note(note));
    }
    for (name, arguments) in [
        ("film.avi", "-c:v mpeg4 -c:a libmp3lame"),
        ("film.ts", "-c:v mpeg2video -r 25 -c:a mp2"),
        ("film.mpg", "-c:v mpeg2video -r 25 -c:a mp2"),
        ("film.wmv", "-c:v wmv2 -c:a wmav2"),
        ("film.flv", "-c:v flv1 -c:a libmp3lame -ar 44100"),
    ] {
        files.push(File::encoded(name, &format!("{film} {arguments}")).by_ffmpeg());
    }
    let cover =
        "-i {cover} -i {chapters} -map 0:a -map 1:v -map_metadata 2 -c:v copy -disposition:v attached_pic";
    for (name, arguments) in [
        ("cover.mp3", "-c:a libmp3lame -id3v2_version 3"),
        ("cover.m4a", "-c:a aac"),
        ("cover-alac.m4a", "-c:a alac -movflags +faststart"),
        ("cover.flac", "-c:a flac"),
    ] {
        files.push(File::encoded(name, &format!("{cover} {arguments}")));
    }
    for (name, arguments) in [
        ("chapters.m4a", "-c:a aac"),
        ("chapters.mka", "-c:a flac"),
        ("chapters.mp3", "-c:a libmp3lame"),
        ("chapters.opus", "-c:a libopus"),
    ] {
        files.push(File::encoded(name, &format!("-i {{chapters}} -map 0:a -map_metadata 1 {arguments}")));
    }
    // One speaks until the tenth second, the other one afterwards.
    let two = "-filter_complex [0:a]asplit[a][b];[a]volume=0:enable='gt(t,10)'[x];[b]volume=0:enable='lte(t,10)'[y] -map [x] -map [y]";
    for (name, arguments) in [
        ("two.mp4", "-c:a aac"),
        ("two-fragmented.mp4", "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 500000"),
        ("two.mkv", "-c:a flac"),
        ("two.webm", "-c:a libopus"),
        ("two-live.webm", "-c:a libopus -f webm -live 1 -seekable 0"),
        ("two-different.mkv", "-c:a:0 libopus -c:a:1 aac"),
        ("two.mov", "-c:a pcm_s16le"),
    ] {
        let note = if name.contains("live") { Note::Any } else { Note::None };
        files.push(File::encoded(name, &format!("{two} {arguments}")).note(note).because(FIRST_ONLY));
    }
    let languages = "-f lavfi -t 24 -i sine=frequency=300 -map 0:a -map 1:a -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu";
    for (name, arguments) in [("languages.mp4", "-c:a aac"), ("languages.mkv", "-c:a libvorbis")] {
        files.push(File::encoded(name, &format!("{languages} {arguments}")));
    }
    let first = encode("-af volume=0:enable='gt(t,10)' -c:a flac", "{out:flac}");
    let second = encode("-af volume=0:enable='lte(t,10)' -c:a libopus", "{out:opus}");
    let merged = File::new("mkvmerge-two.mkv", vec![first, second]);
    files.push(merged.run("mkvmerge", "-q -o {out} {first} {in}").because(FIRST_ONLY));
}

fn times(files: &mut Vec<File>) {
    let film = "-f lavfi -t 28 -i testsrc=size=64x48:rate=5 -itsoffset 1.5 -i {speech} -map 1:v -map 2:a";
    for (name, arguments) in [
        ("late.mp4", "-c:v mpeg4 -c:a aac"),
        ("late-fragmented.mp4", "-c:v mpeg4 -c:a aac -movflags +frag_keyframe+empty_moov"),
        ("late.mkv", "-c:v mpeg4 -c:a flac"),
        ("late.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus"),
        ("late.mov", "-c:v mjpeg -c:a pcm_s16le"),
    ] {
        files.push(File::encoded(name, &format!("{film} {arguments}")).sounds("s1.5 r0-99"));
    }
    for (name, arguments) in
        [("late.ts", "-c:v mpeg2video -r 25 -c:a mp2"), ("late.wmv", "-c:v wmv2 -c:a wmav2")]
    {
        files.push(
            File::encoded(name, &format!("{film} {arguments}"))
                .sounds("s1.5 r0-99")
                .because(NOT_FFMPEG)
                .by_ffmpeg(),
        );
    }
    // Frames of silence that were never sent.
    let gap = "-af aselect='not(between(t,8,10))'";
    for (name, arguments) in [
        ("gap-flac.mkv", "-c:a flac"),
        ("gap-s16.mkv", "-c:a pcm_s16le"),
        ("gap.mp4", "-c:a flac -strict -2"),
        ("gap-alac.m4a", "-c:a alac"),
        ("gap-fragmented.mp4", "-c:a alac -movflags +frag_keyframe+empty_moov -frag_duration 500000"),
    ] {
        files.push(File::encoded(name, &format!("{gap} {arguments}")).sounds("r0-8 s2 r10-99"));
    }
    for (name, arguments) in [("gap.ts", "-c:a mp2 -ar 48000"), ("gap.wmv", "-c:a wmav2")] {
        let file = File::encoded(name, &format!("{gap} {arguments}")).sounds("r0-8 s2 r10-99");
        files.push(file.by_ffmpeg());
    }
    // A stream that was joined late: its clock does not begin at zero.
    for (name, arguments) in [
        ("clock.mka", "-c:a libopus -output_ts_offset 3000"),
        ("clock-live.webm", "-c:a libopus -f webm -live 1 -seekable 0 -output_ts_offset 3000"),
        (
            "clock-fragmented.mp4",
            "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 500000 -output_ts_offset 3000",
        ),
    ] {
        files.push(File::encoded(name, arguments).note(Note::Any));
    }
    files.push(File::encoded("clock.ts", "-c:a aac -output_ts_offset 3000").by_ffmpeg());
}

fn joined(files: &mut Vec<File>) {
    for (name, first, second, ext) in [
        ("chain.opus", "-c:a libopus", "-c:a libopus", "opus"),
        ("chain-stereo.opus", "-c:a libopus", "-c:a libopus -ac 2", "opus"),
        ("chain.ogg", "-c:a libvorbis", "-c:a libvorbis", "ogg"),
        ("chain-rates.ogg", "-c:a libvorbis -ar 44100 -ac 2", "-c:a libvorbis -ar 22050", "ogg"),
        ("chain.oga", "-c:a flac", "-c:a flac", "oga"),
        ("chain.mp3", "-c:a libmp3lame", "-c:a libmp3lame", "mp3"),
        ("chain-rates.mp3", "-c:a libmp3lame -ar 44100", "-c:a libmp3lame -ar 22050 -ac 2", "mp3"),
        ("chain-bare.mp3", "-c:a libmp3lame -write_xing 0", "-c:a libmp3lame -write_xing 0", "mp3"),
        ("chain.aac", "-c:a aac", "-c:a aac", "aac"),
        ("chain.mp2", "-c:a mp2 -b:a 96k", "-c:a mp2 -b:a 96k", "mp2"),
    ] {
        let out = format!("{{out:{ext}}}");
        let file = File::new(name, vec![encode(first, &out), encode(second, &out), Step::Join]).sounds(TWICE);
        files.push(match name {
            "chain-rates.ogg" | "chain-rates.mp3" => file.because(NOT_FFMPEG),
            "chain.ogg" => file.because(SEAM),
            _ => file,
        });
    }
    for (name, arguments, ext) in
        [("chain.ts", "-c:a mp2", "ts"), ("chain.ac3", "-c:a ac3", "ac3"), ("chain.mpg", "-c:a mp2", "mpg")]
    {
        let out = format!("{{out:{ext}}}");
        let file = File::new(name, vec![encode(arguments, &out), encode(arguments, &out), Step::Join]);
        files.push(file.sounds(TWICE).by_ffmpeg());
    }
    for (name, arguments, ext) in [
        ("appended-opus.mka", "-c:a libopus", "mka"),
        ("appended-aac.mka", "-c:a aac", "m4a"),
        ("appended-vorbis.mka", "-c:a libvorbis", "ogg"),
        ("appended-s16.mka", "-c:a pcm_s16le", "wav"),
    ] {
        let out = format!("{{out:{ext}}}");
        let file = File::new(name, vec![encode(arguments, &out), encode(arguments, &out)]);
        files.push(file.run("mkvmerge", "-q -o {out} {first} + {in}").sounds(TWICE));
    }
    for (name, arguments) in
        [("live-twice.webm", "-c:a libopus -f webm -live 1 -seekable 0"), ("twice.mka", "-c:a flac")]
    {
        let ext = if name.ends_with("webm") { "webm" } else { "mka" };
        let out = format!("{{out:{ext}}}");
        let file = File::new(name, vec![encode(arguments, &out), encode(arguments, &out), Step::Join]);
        files.push(file.sounds(TWICE).note(Note::Any).because(NOT_FFMPEG));
    }
}

const DAMAGE: &str = "where in the file the damage is follows from its bytes, not from its time";
const HOLE: &str = "r0-11 x5 r16-99";

fn damaged(files: &mut Vec<File>) {
    for (name, arguments) in [
        ("wav", "-c:a pcm_s16le"),
        ("mp3", "-c:a libmp3lame -b:a 96k"),
        ("aac", "-c:a aac -b:a 96k"),
        ("m4a", "-c:a aac -b:a 96k -movflags +faststart"),
        ("flac", "-c:a flac"),
        ("ogg", "-c:a libvorbis"),
        ("opus", "-c:a libopus -vbr off -page_duration 200000"),
        ("mka", "-c:a libopus -vbr off -cluster_time_limit 1000"),
        ("webm", "-c:a libopus -vbr off -f webm -live 1 -seekable 0 -cluster_time_limit 1000"),
        ("mp4", "-c:a aac -b:a 96k -movflags +frag_keyframe+empty_moov -frag_duration 500000"),
        ("aiff", "-c:a pcm_s16be"),
        ("caf", "-c:a pcm_s16le"),
        ("mp2", "-c:a mp2 -b:a 96k"),
    ] {
        let made = |what: &str| File::encoded(format!("{what}.{name}"), arguments);
        let early = if matches!(name, "webm" | "aac" | "mp2") { Note::Any } else { Note::Must };
        let file = made("cut").then(|b| cut(b, 0.6)).sounds("r0-12 x2.8").note(early);
        files.push(file.within(2.5, 0.1, DAMAGE));
        // Samples of nothing can be what was recorded.
        let samples = matches!(name, "wav" | "aiff" | "caf");
        let heard = if samples { Note::Any } else { Note::Must };
        files.push(
            made("zeroed").then(|b| zeroed(b, 0.5, 0.54)).sounds(HOLE).note(heard).within(0.5, 0.1, DAMAGE),
        );
        files.push(
            made("noisy").then(|b| noisy(b, 0.5, 0.54)).sounds(HOLE).note(heard).within(0.5, 0.1, DAMAGE),
        );
        if !samples {
            let file = made("deleted").then(|b| deleted(b, 0.5, 0.54)).note(Note::Any);
            files.push(file.sounds("r0-11 x13").within(2.0, 0.1, DAMAGE));
        }
    }
}

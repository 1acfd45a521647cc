//! Files by codec: each codec in each container, at each rate, channel layout and encoder setting.

use super::{DELAY, FILLED, File, SPEECH, TELEPHONE};

/// Codec, ffmpeg arguments, containers that the app reads itself, containers for `ffmpeg`.
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

pub(super) fn codecs_in_containers(files: &mut Vec<File>) {
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

pub(super) fn rates(files: &mut Vec<File>) {
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

pub(super) fn layouts(files: &mut Vec<File>) {
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
            // Opus has no 2.1 layout.
            if channels > most || codec == "opus" && *layout == "2.1" {
                continue;
            }
            // All channels have the same audio.
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

/// Encoder settings, for files that the app reads itself.
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

pub(super) fn settings(files: &mut Vec<File>) {
    for (name, arguments) in SETTINGS {
        let file = File::encoded(*name, arguments);
        files.push(match *name {
            "voip-6.opus" => file.least(SPEECH),
            "voip.opus" | "fec.opus" => file.least(TELEPHONE),
            _ => file,
        });
    }
}

//! Files by container: WAV, MP4 with edit lists, Matroska, Ogg, and MPEG audio.

use super::{BETWEEN_PACKETS, File, LOSSY, Note, SAME, Step, encode};
use crate::corpus::byte_edits::{
    Edit, ape, data_size, id3, id3v1, noise, odd_chunk, with_behind, with_in_front,
};

pub(super) fn wave(files: &mut Vec<File>) {
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
    // sox writes other headers than ffmpeg.
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

pub(super) fn mp4(files: &mut Vec<File>) {
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

/// Name, expected stretches, edits (duration and start in seconds; `None` for silence).
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

pub(super) fn edit_lists(files: &mut Vec<File>) {
    for (name, stretches, edits) in EDITS {
        for (codec, ext, least) in
            [("pcm_s16le", "mov", SAME), ("flac", "mp4", SAME), ("alac", "m4a", SAME), ("aac", "m4a", LOSSY)]
        {
            let short = codec.trim_start_matches("pcm_");
            let arguments =
                format!("-c:a {codec} -strict -2 -use_editlist 1 -movie_timescale 1000 -af adelay=0");
            // A late start makes ffmpeg write an edit list, which is then replaced.
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

pub(super) fn matroska(files: &mut Vec<File>) {
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
        // A live stream has no recorded length, so nothing counts as missing.
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

pub(super) fn ogg(files: &mut Vec<File>) {
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

pub(super) fn mpeg(files: &mut Vec<File>) {
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

//! Files with odd timestamps, joined files, and damaged files.

use super::{File, NOT_FFMPEG, Note, SEAM, Step, TWICE, encode};
use crate::corpus::byte_edits::{cut, deleted, noisy, zeroed};

pub(super) fn times(files: &mut Vec<File>) {
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
    // Silent frames that were not sent.
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
    // A stream that was joined late: its timestamps do not start at zero.
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

pub(super) fn joined(files: &mut Vec<File>) {
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

const DAMAGE: &str = "the damage is at a fraction of the bytes, not of the time";
const HOLE: &str = "r0-11 x5 r16-99";

pub(super) fn damaged(files: &mut Vec<File>) {
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
        // Zero samples are valid PCM, so the damage cannot be detected.
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

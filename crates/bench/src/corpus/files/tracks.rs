//! Files in containers that only ffmpeg reads, and files with pictures or several tracks.

use super::{COMFORT_NOISE, FILLED, FIRST_ONLY, File, LOSSY, Note, SAME, SPEECH, TELEPHONE, encode};

pub(super) fn foreign(files: &mut Vec<File>) {
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
            // As long as its video.
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
        // The last block that sox writes is incomplete.
        let note = if name == "sox-gsm.wav" { Note::Any } else { Note::None };
        let file = file.least(least).note(note).by_ffmpeg();
        files.push(if name == "sox.amr" { file.note(Note::Any).because(COMFORT_NOISE) } else { file });
    }
    let amr = File::new("amr.3gp", vec![]).run("sox", "{speech} -r 8000 -C 7 -t amr-nb {out:amr}");
    let amr = amr.run("ffmpeg", "-i {in} -c copy {out}").least(SPEECH).by_ffmpeg();
    files.push(amr.note(Note::Any).because(COMFORT_NOISE));
}

pub(super) fn pictures_and_tracks(files: &mut Vec<File>) {
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
    // One track has speech until the tenth second, the other one afterwards.
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

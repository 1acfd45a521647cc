//! File names as they are shown and stored, and the meeting title derived from one.

use std::path::Path;

/// Extensions of audio and video files, without the dot, in lower case. Only these are removed from a title: in
/// “Interview Dr. Berg” and “Protocol 1.2” the part after the dot belongs to the name.
const MEDIA_EXTENSIONS: &[&str] = &[
    "3g2", "3ga", "3gp", "aac", "ac3", "adts", "aif", "aifc", "aiff", "amr", "ape", "asf", "au", "avi",
    "awb", "bwf", "caf", "ds2", "dss", "dv", "eac3", "f4a", "f4v", "flac", "flv", "gsm", "m2ts", "m4a",
    "m4b", "m4p", "m4r", "m4v", "mk3d", "mka", "mkv", "mov", "mp1", "mp2", "mp3", "mp4", "mpc", "mpeg",
    "mpg", "mpga", "mts", "mxf", "oga", "ogg", "ogv", "opus", "qt", "ra", "rf64", "rm", "rmvb", "snd", "spx",
    "ts", "tta", "vob", "w64", "wav", "wave", "weba", "webm", "wma", "wmv", "wv",
];

/// The name of a file on one line. Bytes that are not Unicode, and control characters, appear as `�`.
pub fn file_name(path: &Path) -> String {
    transcript::replace_control_chars(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy())
}

/// A path on one line, with the same replacements as [`file_name`].
pub(crate) fn shown_path(path: &Path) -> String {
    transcript::replace_control_chars(&path.to_string_lossy())
}

/// The name of a file as the archive stores it: each control character becomes a space.
pub(crate) fn stored_file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().replace(transcript::is_control, " ")
}

/// The meeting title for a file of this name: the name without the extension of an audio or video file.
pub(crate) fn title_from_file_name(file_name: &str) -> String {
    let stem = match file_name.rsplit_once('.') {
        Some((stem, extension))
            if !stem.trim().is_empty()
                && MEDIA_EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()) =>
        {
            stem
        }
        _ => file_name,
    };
    transcript::single_line(stem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_title_is_the_file_name_without_one_media_extension() {
        for (name, title) in [
            ("Budget.m4a", "Budget"),
            ("Budget.WAV", "Budget"),
            ("Interview Dr. Berg.m4a", "Interview Dr. Berg"),
            ("Interview Dr. Berg", "Interview Dr. Berg"),
            ("Interview Dr.Berg", "Interview Dr.Berg"),
            ("Protocol 1.2", "Protocol 1.2"),
            ("2026.03.04", "2026.03.04"),
            ("a.mp3.m4a", "a.mp3"),
            (".wav", ".wav"),
            (" .wav", ".wav"),
            ("no ending", "no ending"),
            ("会议.mp3", "会议"),
            (" two\u{1b}[2J lines .ogg", "two [2J lines"),
        ] {
            assert_eq!(title_from_file_name(name), title, "{name:?}");
        }
    }

    #[test]
    fn control_characters_in_a_file_name_are_neither_stored_nor_shown() {
        let path = Path::new(OsStr::from_bytes(b"/a\n/x\x1b[31m\xff\nb.wav"));
        assert_eq!(file_name(path), "x�[31m��b.wav");
        assert_eq!(stored_file_name(path), "x [31m� b.wav");
        assert_eq!(shown_path(path), "/a�/x�[31m��b.wav");
    }
}

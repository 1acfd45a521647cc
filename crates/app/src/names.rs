//! What a file is called where it is shown, and which title its name gives a meeting.

use std::path::Path;

/// Endings of sound and video files, without the dot and in small letters. Only these are left out of a title: in
/// “Interview Dr. Berg” and “Protocol 1.2” what follows the dot belongs to the name.
const MEDIA_ENDINGS: &[&str] = &[
    "3g2", "3ga", "3gp", "aac", "ac3", "adts", "aif", "aifc", "aiff", "amr", "ape", "asf", "au", "avi",
    "awb", "bwf", "caf", "ds2", "dss", "dv", "eac3", "f4a", "f4v", "flac", "flv", "gsm", "m2ts", "m4a",
    "m4b", "m4p", "m4r", "m4v", "mk3d", "mka", "mkv", "mov", "mp1", "mp2", "mp3", "mp4", "mpc", "mpeg",
    "mpg", "mpga", "mts", "mxf", "oga", "ogg", "ogv", "opus", "qt", "ra", "rf64", "rm", "rmvb", "snd", "spx",
    "ts", "tta", "vob", "w64", "wav", "wave", "weba", "webm", "wma", "wmv", "wv",
];

/// The name of a file within a line; what is not Unicode in it, and control characters, appear as `�`.
pub fn file_name(path: &Path) -> String {
    transcript::shown(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy())
}

/// A path within a line, as [`file_name`] shows a name.
pub(crate) fn shown_path(path: &Path) -> String {
    transcript::shown(&path.to_string_lossy())
}

/// The name of a file as the archive keeps it: with a space for each control character.
pub(crate) fn kept_file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().replace(transcript::is_control, " ")
}

/// The title that a file of this name gives: the name without its ending, if it has that of a sound or video file.
pub(crate) fn title_from(file_name: &str) -> String {
    let stem = match file_name.rsplit_once('.') {
        Some((stem, ending))
            if !stem.trim().is_empty() && MEDIA_ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) =>
        {
            stem
        }
        _ => file_name,
    };
    transcript::one_line(stem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_title_loses_the_ending_of_a_media_file_once_and_nothing_else() {
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
            assert_eq!(title_from(name), title, "{name:?}");
        }
    }

    #[test]
    fn control_characters_in_the_name_of_a_file_are_neither_kept_nor_shown() {
        let path = Path::new(OsStr::from_bytes(b"/a\n/x\x1b[31m\xff\nb.wav"));
        assert_eq!(file_name(path), "x�[31m��b.wav");
        assert_eq!(kept_file_name(path), "x [31m� b.wav");
        assert_eq!(shown_path(path), "/a�/x�[31m��b.wav");
    }
}

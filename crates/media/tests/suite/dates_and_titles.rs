//! Date of recording and title, as files state them.

use crate::fixtures::*;
use media::{Tools, probe};

#[test]
fn date_and_title_are_read_from_every_format() {
    let moment = "-metadata creation_time=2024-05-06T17:08:09Z -metadata title=Board";
    let date = "-metadata date=2024-05-06T17:08:09+02:00 -metadata title=Board";
    for (name, arguments, expected) in [
        ("dated.m4a", format!("-c:a aac {moment}"), Some("2024-05-06T17:08:09+00:00")),
        ("dated.mka", format!("-c:a flac {moment}"), Some("2024-05-06T17:08:09+00:00")),
        ("dated.mp3", format!("-c:a libmp3lame {date}"), Some("2024-05-06T17:08:09+02:00")),
        ("dated.ogg", format!("-c:a libvorbis {date}"), Some("2024-05-06T17:08:09+02:00")),
        ("dated.opus", format!("-c:a libopus {date}"), Some("2024-05-06T17:08:09+02:00")),
        ("dated.flac", format!("-c:a flac {date}"), Some("2024-05-06T17:08:09+02:00")),
        ("dated-tag.m4a", format!("-c:a aac {date}"), Some("2024-05-06T17:08:09+02:00")),
        ("dated-surround.m4a", format!("-ac 6 -c:a aac {moment}"), Some("2024-05-06T17:08:09+00:00")),
        ("year.mp3", "-c:a libmp3lame -metadata date=2024 -metadata title=Board".to_owned(), None),
        ("undated.m4a", "-c:a aac -metadata title=Board".to_owned(), None),
    ] {
        let path = encode(name, &arguments);
        let about = probe(&path, &Tools::find()).unwrap();
        assert_eq!(about.recorded_at.map(|m| m.to_rfc3339()).as_deref(), expected, "{name}");
        assert_eq!(about.title.as_deref(), Some("Board"), "{name}");
    }
}

#[test]
fn the_utc_offset_of_a_phone_is_kept() {
    let arguments = "-c:a aac -movflags use_metadata_tags -metadata creation_time=2024-05-06T15:08:09Z \
                     -metadata com.apple.quicktime.creationdate=2024-05-06T17:08:09+0200";
    let path = encode("phone.mov", arguments);
    let recorded = probe(&path, &Tools::none()).unwrap().recorded_at.unwrap();
    assert_eq!(recorded.to_rfc3339(), "2024-05-06T17:08:09+02:00");
}

#[test]
fn the_date_of_a_field_recorder_is_local_time() {
    let arguments = "-write_bext 1 -metadata origination_date=2024-05-06 -metadata origination_time=17:08:09";
    let path = encode("field.wav", arguments);
    let recorded = probe(&path, &Tools::none()).unwrap().recorded_at.unwrap();
    assert!(recorded.to_rfc3339().starts_with("2024-05-06T17:08:09"), "{recorded}");
}

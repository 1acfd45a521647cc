#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use super::*;
use crate::pdf::tests::FONTS;

const PLAIN: WordStyle = WordStyle { bold: false, han_variant: HanVariant::Any, right_to_left: false };

fn shaped(text: &str, style: WordStyle) -> Rc<Word> {
    Shaper::new(&FONTS).unwrap().word(text, style).unwrap()
}

/// Text and number of glyphs of each cluster, from left to right.
fn clusters(word: &Word) -> Vec<(&str, usize)> {
    word.clusters.iter().map(|cluster| (&*cluster.text, cluster.glyphs.len())).collect()
}

#[test]
fn arabic_letters_have_contextual_forms_and_run_from_right_to_left() {
    let word = shaped("ححح", WordStyle { right_to_left: true, ..PLAIN });
    let ids: BTreeSet<u16> = word.clusters.iter().map(|cluster| cluster.glyphs[0].id).collect();
    assert_eq!(ids.len(), 3, "final, medial, initial");
    assert_eq!(clusters(&shaped("אב", WordStyle { right_to_left: true, ..PLAIN })), [("ב", 1), ("א", 1)]);
}

#[test]
fn marks_share_the_cluster_of_their_letter() {
    assert_eq!(clusters(&shaped("ae\u{301}x", PLAIN)), [("a", 1), ("e\u{301}", 1), ("x", 1)]);
    assert_eq!(clusters(&shaped("q\u{323}\u{307}", PLAIN)), [("q\u{323}\u{307}", 3)]);
}

#[test]
fn ligatures_keep_the_text_of_all_their_letters() {
    let whole: String = shaped("efficient", PLAIN).clusters.iter().map(|cluster| &*cluster.text).collect();
    assert_eq!(whole, "efficient");
}

#[test]
fn a_word_of_several_scripts_uses_several_fonts() {
    let mut shaper = Shaper::new(&FONTS).unwrap();
    let word = shaper.word("Abc会議→ก", PLAIN).unwrap();
    let mut faces: Vec<&str> = word.clusters.iter().map(|cluster| shaper.font(cluster.face).name()).collect();
    faces.dedup();
    let expected = [
        "NotoSans-Regular.ttf",
        "NotoSansSC-Regular.ttf",
        "NotoSansMath-Regular.ttf",
        "NotoSansThai-Regular.ttf",
    ];
    assert_eq!(faces, expected);
    assert!(shaper.missing().is_empty());
}

#[test]
fn each_character_that_no_font_has_becomes_its_code() {
    let mut shaper = Shaper::new(&FONTS).unwrap();
    let word = shaper.word("a\u{E000}\u{E001}b", PLAIN).unwrap();
    assert_eq!(clusters(&word), [("a", 1), ("\u{E000}", 8), ("\u{E001}", 8), ("b", 1)]);
    let glyphs = |word: &Word, cluster: usize| -> Vec<u16> {
        word.clusters[cluster].glyphs.iter().map(|glyph| glyph.id).collect()
    };
    let code = shaper.word("[U+E000]", PLAIN).unwrap();
    let drawn: Vec<u16> = (0..code.clusters.len()).flat_map(|cluster| glyphs(&code, cluster)).collect();
    assert_eq!(glyphs(&word, 1), drawn);
    assert_ne!(glyphs(&word, 2), drawn);
    assert!(!word.clusters[1].extracts_as_text);
    assert_eq!(shaper.missing(), ['\u{E000}', '\u{E001}']);
}

#[test]
fn invisible_characters_are_not_missing() {
    let mut shaper = Shaper::new(&FONTS).unwrap();
    shaper.word("a\u{200D}b\u{FE0F}c\u{2066}d\u{FEFF}", PLAIN).unwrap();
    assert!(shaper.missing().is_empty());
}

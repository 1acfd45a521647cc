#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use super::*;
use crate::{Facts, Line, Run, pdf::tests::FONTS};
use chrono::DateTime;

#[test]
fn a_page_break_leaves_two_lines_on_either_side() {
    for (left, room, here) in [
        (1, 1, 1),
        (1, 0, 0),
        (2, 1, 0),
        (3, 2, 0),
        (4, 2, 2),
        (4, 3, 2),
        (4, 4, 4),
        (5, 4, 3),
        (5, 1, 0),
        (50, 46, 46),
        (47, 46, 45),
    ] {
        assert_eq!(lines_here(left, room), here, "{left} lines, room for {room}");
    }
}

/// Runs of lines of every length, so that pages end everywhere.
fn uneven(paragraphs: usize) -> Script {
    let line = |index: usize| Line {
        start: AudioTime::from_ms(index as u32 * 1000),
        text: "and so we talked about it ".repeat(1 + index * 7 % 23),
    };
    let run = |index: usize| Run {
        speaker: Some(["Anna", "Ben"][index % 2].into()),
        start: AudioTime::from_ms(index as u32 * 1000),
        lines: (index..index + 1 + index % 3).map(line).collect(),
    };
    Script {
        title: "Uneven".into(),
        facts: Facts {
            file_name: "x".into(),
            recorded_at: None,
            duration: None,
            language: None,
            engine: None,
            notes: Vec::new(),
        },
        speakers: Vec::new(),
        runs: (0..paragraphs).map(run).collect(),
        exported_at: DateTime::UNIX_EPOCH.fixed_offset(),
    }
}

#[test]
fn names_stay_with_their_words_and_no_line_stands_alone() {
    let document = uneven(200);
    let book = book(&document, &mut Shaper::new(&FONTS).unwrap(), Paper::A4).unwrap();
    assert!(book.pages.len() > 20);
    for (number, page) in book.pages.iter().enumerate() {
        let body: Vec<&Placed> =
            page.texts.iter().filter(|text| text.style == BODY || text.style == NAME).collect();
        assert_ne!(body.last().unwrap().style, NAME, "page {} ends with a name", number + 1);
        // Lines of one paragraph are exactly one leading apart; what else follows is further away.
        let baselines: Vec<f32> =
            body.iter().filter(|text| text.style == BODY).map(|text| text.baseline).collect();
        let joined = |a: f32, b: f32| (b - a - BODY.leading).abs() < 0.1;
        let times: Vec<f32> =
            page.texts.iter().filter(|text| text.style == QUIET).map(|text| text.baseline).collect();
        let begins = |baseline: f32| times.iter().any(|time| (time - baseline).abs() < 0.1);
        if !begins(baselines[0]) {
            assert!(joined(baselines[0], baselines[1]), "page {} begins with a last line", number + 1);
        }
        let goes_on = book.pages.get(number + 1).is_some_and(|next| {
            let first = next.texts.first().unwrap();
            first.style == BODY
        });
        if let ([.., before, last], true) = (baselines.as_slice(), goes_on) {
            assert!(joined(*before, *last) && !begins(*last), "page {} ends with a first line", number + 1);
        }
    }
}

#[test]
fn text_stays_between_top_and_bottom_and_lines_do_not_overlap() {
    for paper in [Paper::A4, Paper::Letter] {
        let book = book(&uneven(60), &mut Shaper::new(&FONTS).unwrap(), paper).unwrap();
        for page in &book.pages {
            let body: Vec<&Placed> = page.texts.iter().filter(|text| text.style != QUIET).collect();
            assert!(
                body.iter().all(|text| text.baseline > book.sheet.top && text.baseline < book.sheet.bottom)
            );
            assert!(body.windows(2).all(|pair| pair[1].baseline - pair[0].baseline >= pair[1].style.size));
        }
    }
}

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use super::*;
use crate::paragraphs::{Paragraph, ParagraphSegment};
use crate::pdf::page::Page;
use crate::pdf::speech::{BODY, NAME};
use crate::{ExportOptions, Metadata, Paper, pdf::tests::FONTS, testing::resources};
use chrono::DateTime;
use transcript::AudioTime;

fn laid_out(transcript: &FormattedTranscript, paper: Paper) -> Layout {
    let options = ExportOptions { paper, ..transcript.options.clone() };
    let transcript = FormattedTranscript { options, ..transcript.clone() };
    lay_out(&transcript, &mut Shaper::new(&FONTS).unwrap(), None, &resources()).unwrap()
}

/// The lines of names and words, which have colours of their own.
fn body(page: &Page) -> Vec<&PlacedLine> {
    page.lines.iter().filter(|line| line.style == BODY || line.style == NAME).collect()
}

/// Paragraphs with segments of many lengths, so that page breaks fall in many different places.
fn uneven(paragraphs: usize) -> FormattedTranscript {
    let segment = |index: usize| ParagraphSegment {
        start: AudioTime::from_ms(index as u32 * 1000),
        text: "and so we talked about it ".repeat(1 + index * 7 % 23),
        ..ParagraphSegment::default()
    };
    let paragraph = |index: usize| Paragraph {
        speaker: Some(["Anna", "Ben"][index % 2].into()),
        start: AudioTime::from_ms(index as u32 * 1000),
        segments: (index..index + 1 + index % 3).map(segment).collect(),
        ..Paragraph::default()
    };
    FormattedTranscript {
        title: "Uneven".into(),
        metadata: Metadata { file_name: "x".into(), ..Metadata::default() },
        speakers: Vec::new(),
        paragraphs: (0..paragraphs).map(paragraph).collect(),
        changed_at: DateTime::UNIX_EPOCH.fixed_offset(),
        ..FormattedTranscript::default()
    }
}

#[test]
fn names_stay_with_their_text_and_no_line_stands_alone() {
    let transcript = uneven(200);
    let layout = laid_out(&transcript, Paper::A4);
    assert!(layout.pages.len() > 20);
    for (number, page) in layout.pages.iter().enumerate() {
        let body = body(page);
        if body.is_empty() {
            continue;
        }
        assert_ne!(body.last().unwrap().style, NAME, "page {} ends with a name", number + 1);
        // Lines of one block are exactly one leading apart; the first line of the next block is further away.
        let baselines: Vec<f32> =
            body.iter().filter(|line| line.style == BODY).map(|line| line.baseline).collect();
        let joined = |a: f32, b: f32| (b - a - BODY.leading).abs() < 0.1;
        let times: Vec<f32> =
            page.lines.iter().filter(|line| line.style == TIME).map(|line| line.baseline).collect();
        let begins = |baseline: f32| times.iter().any(|time| (time - baseline).abs() < 0.1);
        if !begins(baselines[0]) {
            assert!(joined(baselines[0], baselines[1]), "page {} begins with a last line", number + 1);
        }
        let continues =
            layout.pages.get(number + 1).is_some_and(|next| next.lines.first().unwrap().style == BODY);
        if let ([.., before, last], true) = (baselines.as_slice(), continues) {
            assert!(joined(*before, *last) && !begins(*last), "page {} ends with a first line", number + 1);
        }
    }
}

#[test]
fn lines_stay_within_the_margins_and_do_not_overlap() {
    for paper in [Paper::A4, Paper::Letter] {
        let layout = laid_out(&uneven(60), paper);
        for page in &layout.pages {
            let body = body(page);
            assert!(
                body.iter()
                    .all(|line| line.baseline > layout.size.text_top
                        && line.baseline < layout.size.text_bottom)
            );
            assert!(body.windows(2).all(|pair| pair[1].baseline - pair[0].baseline >= pair[1].style.size));
        }
    }
}

//! What holds for the extract of any transcript.

use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;
use summary::{Meeting, Segment, Speaker, Statement, Summary, Support, extract};
use transcript::{AudioTime, Span};

mod generated;

/// A meeting of lines by speakers with the given indices, 3 s each.
fn meeting(language: Option<&str>, lines: &[(usize, &str)]) -> Meeting {
    let segments = lines.iter().enumerate().map(|(index, (speaker, text))| {
        let start = AudioTime::from_ms(index as u32 * 3000);
        Segment {
            id: format!("segment-{index}"),
            span: Span::new(start, start.plus_ms(2800)),
            text: (*text).to_owned(),
            speaker: Some(*speaker),
        }
    });
    let speakers =
        ["Anna", "Ben", "Speaker 3"].map(|name| Speaker { id: name.to_owned(), name: name.to_owned() });
    Meeting {
        segments: segments.collect(),
        speakers: speakers.to_vec(),
        language: language.map(str::to_owned),
    }
}

fn of(language: Option<&str>, lines: &[(usize, &str)]) -> Summary {
    let meeting = meeting(language, lines);
    let summary = extract(&meeting, "summary", "job");
    check(&meeting, &summary);
    summary
}

fn section<'a>(summary: &'a Summary, title: &str) -> &'a [Statement] {
    let found = summary.sections.iter().find(|section| section.title == title);
    found.map(|section| section.statements.as_slice()).unwrap_or_default()
}

fn texts(statements: &[Statement]) -> Vec<&str> {
    statements.iter().map(|statement| statement.text.as_str()).collect()
}

/// What must hold for every extract.
fn check(meeting: &Meeting, summary: &Summary) {
    let mut said = BTreeSet::new();
    for section in &summary.sections {
        assert!(!section.title.is_empty() && !section.statements.is_empty());
        assert!(section.statements.len() <= 12, "{} is too long", section.title);
        for statement in &section.statements {
            assert!(!statement.text.trim().is_empty());
            assert!(said.insert(statement.text.to_lowercase()), "said twice: {}", statement.text);
            assert_eq!(statement.support, Support::Found);
            assert!(!statement.sources.is_empty(), "no source: {}", statement.text);
            for source in &statement.sources {
                let segment = meeting.segments.iter().find(|segment| segment.id == source.segment_id);
                let segment = segment.expect("the segment exists");
                assert!(!source.quote.trim().is_empty());
                assert!(
                    segment.text.contains(&source.quote),
                    "{:?} is not in {:?}",
                    source.quote,
                    segment.text
                );
                assert!(
                    source.start_ms == segment.span.start.as_ms()
                        && source.end_ms >= segment.span.end.as_ms()
                );
            }
        }
    }
}

#[test]
fn the_json_has_the_published_form() {
    let summary = of(
        Some("en"),
        &[
            (0, "The budget for the new website is forty thousand dollars."),
            (1, "Um, I'll send the contract to the lawyers by Friday."),
        ],
    );
    let json = serde_json::to_value(&summary).expect("a summary can be written");
    assert_eq!(
        json,
        serde_json::json!({
            "summary_id": "summary", "job_id": "job", "kind": "extract", "template": null, "engine": "extract",
            "model": null, "language": "en", "covered": {"from_ms": 0, "to_ms": 5800, "share": 1.0},
            "sections": [
                {"title": "Topics", "statements": [{
                    "text": "budget, website, dollars, send", "support": "found",
                    "sources": [{"segment_id": "segment-0", "start_ms": 0, "end_ms": 5800,
                        "quote": "The budget for the new website is forty thousand dollars."}]}]},
                {"title": "Tasks", "statements": [{
                    "text": "I'll send the contract to the lawyers by Friday.", "support": "found",
                    "sources": [{"segment_id": "segment-1", "start_ms": 3000, "end_ms": 5800,
                        "quote": "I'll send the contract to the lawyers by Friday."}],
                    "owner": "Ben", "due": "Friday"}]},
                {"title": "Numbers and dates", "statements": [{
                    "text": "The budget for the new website is forty thousand dollars.", "support": "found",
                    "sources": [{"segment_id": "segment-0", "start_ms": 0, "end_ms": 2800,
                        "quote": "The budget for the new website is forty thousand dollars."}]}]},
            ]
        })
    );
    let read: Summary = serde_json::from_value(json).expect("and read");
    assert_eq!(read, summary);
}

#[test]
fn a_sentence_over_several_segments_names_each_of_them() {
    let summary = of(
        Some("en"),
        &[
            (0, "Okay. We decided to move"),
            (0, "the whole archive to the"),
            (0, "new building. Nice."),
            (1, "Agreed."),
        ],
    );
    let decisions = section(&summary, "Decisions");
    assert_eq!(texts(decisions), ["We decided to move the whole archive to the new building."]);
    let quotes: Vec<&str> = decisions[0].sources.iter().map(|source| source.quote.as_str()).collect();
    assert_eq!(quotes, ["We decided to move", "the whole archive to the", "new building."]);
}

#[test]
fn nothing_comes_of_nothing() {
    for lines in [
        &[][..],
        &[(0, "")],
        &[(0, "Hello")],
        &[(0, "[Music]"), (0, "…"), (1, " \n\t ")],
        &[(0, "Um."), (1, "Yeah."), (0, "Okay, okay."), (1, "Mm-hm."), (0, "Bye.")],
        &[(0, "\u{202e}\u{200b}\u{fffd}")],
    ] {
        let summary = of(Some("en"), lines);
        assert!(summary.sections.is_empty(), "{lines:?}: {:?}", summary.sections);
    }
}

#[test]
fn speech_without_punctuation_gives_an_extract() {
    let line =
        "so we looked at the parking garage and the concrete is damaged on every level of the building";
    let other = "the repair would take eleven weeks and nobody could park there during the summer";
    let decision = "we decided to close the upper level until the concrete is repaired";
    let summary = of(Some("en"), &[(0, line), (1, other), (0, decision), (1, "agreed")]);
    assert!(texts(section(&summary, "Decisions")).iter().any(|text| text.contains("close the upper level")));
    assert!(!section(&summary, "Key sentences").is_empty());
}

#[test]
fn every_script_has_key_sentences_and_topics() {
    let chinese = [
        (0, "今天我们讨论新工厂的预算和时间。新工厂的预算增加了很多。"),
        (1, "工厂的建设时间需要延长三个月，因为材料价格上涨。"),
        (0, "预算部门认为材料价格明年会下降。我们需要新的供应商。"),
    ];
    let arabic = [
        (0, "ناقشنا اليوم ميزانية المصنع الجديد وموعد الافتتاح في الربيع."),
        (1, "ميزانية المصنع أكبر من العام الماضي بسبب ارتفاع أسعار المواد."),
        (0, "المصنع الجديد يحتاج إلى مواد بناء أخرى قبل موعد الافتتاح."),
    ];
    let thai = [
        (0, "วันนี้เราคุยกันเรื่องงบประมาณของโรงงานใหม่ในจังหวัดเชียงใหม่"),
        (1, "งบประมาณของโรงงานใหม่เพิ่มขึ้นมากเพราะราคาวัสดุสูงขึ้น"),
    ];
    let russian = [
        (0, "Сегодня мы обсуждаем бюджет нового завода и сроки строительства."),
        (1, "Бюджет завода вырос, потому что цены на материалы поднялись."),
    ];
    for (language, lines) in
        [("zh", &chinese[..]), ("ar", &arabic), ("th", &thai), ("ru", &russian), ("xx", &russian)]
    {
        let summary = of(Some(language), lines);
        assert!(!section(&summary, "Key sentences").is_empty(), "{language}");
        assert!(!section(&summary, "Topics").is_empty(), "{language}");
    }
}

#[test]
fn an_unknown_language_and_a_mixture_are_no_obstacle() {
    let lines = [
        (0, "Wir haben beschlossen, dass das neue Lager in Bremen gebaut wird."),
        (1, "Sounds good, but the customers in Spain will need their own warehouse next year."),
        (0, "Ja, das ist richtig. 今天的会议讨论仓库。 Nous devons aussi penser à la France."),
    ];
    for language in [None, Some("und"), Some("de"), Some("en"), Some("not a tag"), Some("")] {
        assert!(!of(language, &lines).sections.is_empty(), "{language:?}");
    }
    assert_eq!(of(None, &lines[..1]).language.as_deref(), Some("de"));
    assert_eq!(texts(section(&of(None, &lines[..1]), "Beschlüsse")).len(), 1);
}

#[test]
fn full_stops_in_names_abbreviations_and_numbers_cut_no_quote() {
    let text = "We decided that Dr. J. R. Smith of example.com pays 3.5 million, i.e. 1,200.50 per day, to Acme Inc. on Monday.";
    let summary = of(Some("en"), &[(0, text)]);
    assert_eq!(texts(section(&summary, "Decisions")), [text]);
}

#[test]
fn the_number_of_statements_grows_with_the_meeting_and_is_bounded() {
    let count =
        |sentences| section(&extract(&generated::meeting(sentences, 7), "s", "j"), "Key sentences").len();
    let (short, middle, long) = (count(12), count(80), count(1500));
    assert!((1..=4).contains(&short), "{short}");
    assert!(short < middle && middle < long && long == 12, "{short} {middle} {long}");
}

#[test]
fn topics_follow_the_subjects_of_a_meeting() {
    let meeting = generated::meeting(1200, 3);
    let summary = extract(&meeting, "summary", "job");
    check(&meeting, &summary);
    let topics = section(&summary, "Topics");
    assert!((4..=12).contains(&topics.len()), "{}", topics.len());
    // Without gaps: each begins where the one before ends, but for pauses.
    for pair in topics.windows(2) {
        assert!(pair[1].sources[0].start_ms.abs_diff(pair[0].sources[0].end_ms) <= 200);
    }
}

/// About an hour of one speaker, in a language without rules.
#[test]
fn a_book_of_an_hour_gives_sentences_and_topics_from_all_of_it() {
    let lines: Vec<&str> = lipsum::LIBER_PRIMUS.split_inclusive(". ").collect();
    let meeting = meeting(Some("la"), &lines.iter().map(|line| (0, *line)).collect::<Vec<_>>());
    let words = lipsum::LIBER_PRIMUS.split_whitespace().count();
    assert!(words > 7_000, "{words}");
    let summary = extract(&meeting, "summary", "job");
    check(&meeting, &summary);
    let sentences = section(&summary, "Key sentences");
    assert_eq!(sentences.len(), 12);
    let end = summary.covered.to_ms;
    for third in 0..3 {
        let range = end / 3 * third..end / 3 * (third + 1);
        assert!(sentences.iter().any(|sentence| range.contains(&sentence.sources[0].start_ms)), "{third}");
    }
    assert!((4..=12).contains(&section(&summary, "Topics").len()));
    // The book is about pleasure and pain.
    let text = texts(sentences).join(" ").to_lowercase();
    assert!(text.contains("volupta") && text.contains("dolor"), "{text}");
}

/// Lincoln at Gettysburg, 1863.
#[test]
fn a_short_speech_gives_its_central_sentences() {
    let speech = [
        "Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, \
         and dedicated to the proposition that all men are created equal.",
        "Now we are engaged in a great civil war, testing whether that nation, or any nation so conceived and so \
         dedicated, can long endure.",
        "We are met on a great battle-field of that war.",
        "We have come to dedicate a portion of that field, as a final resting place for those who here gave their lives \
         that that nation might live.",
        "It is altogether fitting and proper that we should do this.",
        "But, in a larger sense, we can not dedicate — we can not consecrate — we can not hallow — this ground.",
        "The brave men, living and dead, who struggled here, have consecrated it, far above our poor power to add or \
         detract.",
        "The world will little note, nor long remember what we say here, but it can never forget what they did here.",
    ];
    let summary = of(Some("en"), &speech.map(|line| (0, line)));
    let sentences = section(&summary, "Key sentences");
    assert_eq!(sentences.len(), 4);
    assert!(texts(sentences).iter().filter(|text| text.contains("nation")).count() >= 2, "{sentences:#?}");
    assert!(section(&summary, "Decisions").is_empty() && section(&summary, "Tasks").is_empty());
}

#[test]
fn the_same_transcript_gives_the_same_bytes() {
    let json = || {
        let summary = extract(&generated::meeting(600, 5), "summary", "job");
        serde_json::to_string(&summary).expect("a summary can be written")
    };
    // Each hash map has other random keys, even within one process.
    assert_eq!(json(), json());
}

/// A ratio within one run, because computers differ.
#[test]
fn the_cost_grows_hardly_faster_than_the_meeting() {
    let time = |sentences| {
        let meeting = generated::meeting(sentences, 2);
        let run = || {
            let start = generated::processor_time();
            let summary = extract(&meeting, "summary", "job");
            assert!(!summary.sections.is_empty());
            generated::processor_time() - start
        };
        run().min(run()).min(run()).max(Duration::from_millis(1))
    };
    let (short, long) = (time(1000), time(4000));
    let exponent = (long.as_secs_f64() / short.as_secs_f64()).ln() / 4_f64.ln();
    assert!(exponent <= 1.3, "{short:?} for 1000 sentences, {long:?} for 4000: exponent {exponent:.2}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_citation_points_at_existing_words(
        lines in prop::collection::vec((0..3_usize, line()), 0..30),
        language in prop::sample::select(vec![None, Some("en"), Some("de"), Some("fr"), Some("zh"), Some("ar")]),
    ) {
        let lines: Vec<(usize, &str)> = lines.iter().map(|(speaker, text)| (*speaker, text.as_str())).collect();
        let summary = of(language, &lines);
        prop_assert_eq!(&summary, &of(language, &lines));
    }

    #[test]
    fn no_text_is_an_obstacle(texts in prop::collection::vec("\\PC{0,80}", 0..6)) {
        let lines: Vec<(usize, &str)> = texts.iter().map(|text| (0, text.as_str())).collect();
        of(None, &lines);
    }
}

/// A line of words and marks that rules react to.
fn line() -> impl Strategy<Value = String> {
    let words = vec![
        "we decided",
        "I'll send",
        "Ben,",
        "can you",
        "by Friday",
        "um,",
        "okay",
        "the budget",
        "3.5",
        "percent",
        ". ",
        "? ",
        "!",
        "…",
        "Dr.",
        "e.g.",
        "“quoted”",
        "agreed",
        "don't know",
        "who",
        "wir haben beschlossen",
        "ich schicke",
        "bis Montag",
        "l'équipe",
        "今天",
        "决定。",
        "预算",
        "مرحبا",
        "؟",
        "\u{a0}",
        "\n",
        "👩‍👩‍👧",
        "e\u{301}",
        "ﬁ",
        "İ",
        "contract",
        "server",
        "migration",
        "customers",
    ];
    prop::collection::vec(prop::sample::select(words), 0..14).prop_map(|words| words.join(" "))
}

use super::*;
use crate::meeting::{Segment, Speaker};
use transcript::{AudioTime, Span};

fn meeting() -> Meeting {
    let lines = [
        (0, "Welcome, we have a lot to talk about."),
        (1, "The tent from Miller costs 1,200 dollars for three days."),
        (0, "And the permit ends at ten in the evening."),
        (1, "I will call Miller on Friday."),
        (0, "The weather was terrible last year."),
        (1, "The band wants money for fuel and food."),
        (0, "We have nineteen volunteers so far."),
        (1, "The tent from Miller costs 1,200 dollars for three days."),
        (0, "You said that already."),
    ];
    let segments = lines.iter().enumerate().map(|(index, (speaker, text))| {
        let start = AudioTime::from_ms(index as u32 * 5000);
        Segment {
            id: format!("s{index}"),
            span: Span::new(start, start.plus_ms(4000)),
            text: (*text).to_owned(),
            speaker: Some(*speaker),
        }
    });
    let speakers = ["Grace", "Olu"].map(|name| Speaker { id: name.to_owned(), name: name.to_owned() });
    Meeting { segments: segments.collect(), speakers: speakers.to_vec(), language: Some("en".to_owned()) }
}

fn cite(text: &str, ids: &[&str], quote: &str) -> (Support, Vec<(String, String)>) {
    let meeting = meeting();
    let claim = Claim {
        text: text.to_owned(),
        segment_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        quote: quote.to_owned(),
        ..Claim::default()
    };
    let statement = Citations::new(&meeting).cite(&claim);
    (
        statement.support,
        statement.sources.into_iter().map(|source| (source.segment_id, source.quote)).collect(),
    )
}

#[test]
fn a_quote_is_found_where_it_stands() {
    for (ids, quote, segments, found) in [
        // Letter by letter, but for case, marks and spaces
        (&["s3"][..], "I will call Miller on Friday.", &["s3"][..], "I will call Miller on Friday"),
        (&["s3"], "“i will  CALL miller, on friday”", &["s3"], "I will call Miller on Friday"),
        // In a neighbouring segment, and over two
        (&["s2"], "I will call Miller on Friday.", &["s3"], "I will call Miller on Friday"),
        (
            &["s2"],
            "ends at ten in the evening I will call Miller",
            &["s2", "s3"],
            "ends at ten in the evening|I will call Miller",
        ),
        // Most of its words in order
        (&["s5"], "The band really wants some money for fuel", &["s5"], "The band wants money for fuel"),
        // Twice: the one that is cited
        (
            &["s7"],
            "The tent from Miller costs 1,200 dollars",
            &["s7"],
            "The tent from Miller costs 1,200 dollars",
        ),
        (
            &["s1", "nobody"],
            "The tent from Miller costs 1,200 dollars",
            &["s1"],
            "The tent from Miller costs 1,200 dollars",
        ),
    ] {
        let (_, sources) = cite("x", ids, quote);
        let expected: Vec<(String, String)> = segments
            .iter()
            .zip(found.split('|'))
            .map(|(id, text)| ((*id).to_owned(), text.to_owned()))
            .collect();
        assert_eq!(sources, expected, "{quote}");
    }
}

#[test]
fn a_quote_that_nobody_said_has_no_source() {
    for (ids, quote) in [
        (&["s3"][..], "We will rent the hall from Peterson instead"),
        // In the wrong place, or in none
        (&["s6"], "And the permit ends at ten in the evening."),
        (&["s99"], "I will call Miller on Friday."),
        (&[], "I will call Miller on Friday."),
        // Half of the words, the words in another order, short ones that differ, none
        (&["s3"], "I will certainly never ever call anyone named Miller"),
        (&["s3"], "Friday on Miller call will I"),
        (&["s3"], "call Peter"),
        (&["s3"], ""),
        (&["s3"], "…"),
    ] {
        assert_eq!(cite("A statement.", ids, quote), (Support::NotFound, vec![]), "{quote}");
    }
}

#[test]
fn numbers_names_and_dates_must_stand_near_the_passage() {
    let quote = "I will call Miller on Friday.";
    for (text, support) in [
        ("Olu will call Miller on Friday.", Support::Found),
        ("Olu calls Miller about the tent for 1200 dollars.", Support::Found),
        ("The tent costs $1,200 and the permit ends at ten.", Support::Found),
        ("Miller's tent was reserved.", Support::Found),
        ("Olu will call Peterson on Friday.", Support::NotFound),
        ("Peterson will call Miller.", Support::NotFound),
        ("Olu will call Miller on Monday.", Support::NotFound),
        ("Olu will call Miller in March.", Support::NotFound),
        ("The tent costs 1,300 dollars.", Support::NotFound),
        ("The tent costs two hundred dollars.", Support::NotFound),
        // Said, but more than two segments away
        ("Nineteen volunteers have signed up.", Support::NotFound),
        ("", Support::NotFound),
    ] {
        assert_eq!(cite(text, &["s3"], quote).0, support, "{text}");
    }
}

#[test]
fn owner_and_due_are_checked_too() {
    let meeting = meeting();
    let claim = |owner: &str, due: &str| Claim {
        text: "Miller is called.".to_owned(),
        segment_ids: vec!["s3".to_owned()],
        quote: "I will call Miller".to_owned(),
        owner: Some(owner.to_owned()),
        due: Some(due.to_owned()),
    };
    let support = |owner, due| Citations::new(&meeting).cite(&claim(owner, due)).support;
    assert_eq!(support("Olu", "Friday"), Support::Found);
    assert_eq!(support("Peterson", "Friday"), Support::NotFound);
    assert_eq!(support("Olu", "Tuesday"), Support::NotFound);
}

#[test]
fn numbers_are_compared_by_value() {
    for (word, number) in [
        ("1,200", "1200"),
        ("1.200", "1200"),
        ("3.5", "3.5"),
        ("3,5", "3.5"),
        ("12th", "12"),
        ("1.234,50", "1.234.50"),
    ] {
        assert_eq!(digits(word), number, "{word}");
    }
}

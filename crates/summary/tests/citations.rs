//! Errors that are planted into true statements must be told.

mod planted;

use planted::{HELD_OUT, Planted, TUNED, read};
use summary::{Citations, Claim, Meeting, Support};

/// Days and months that are replaced by the one after.
const NAMES_OF_DAYS: [&[&str]; 8] = [
    &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "Monday"],
    &["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag", "Montag"],
    &["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche", "lundi"],
    &["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo", "lunes"],
    &["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica", "lunedì"],
    &["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag", "maandag"],
    &["segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo", "segunda"],
    &["April", "June", "July", "March", "September", "October", "April"],
];

/// Variants of a statement with one wrong number, day or name each.
fn with_errors(text: &str, meeting: &Meeting) -> Vec<String> {
    let mut variants = Vec::new();
    let words: Vec<&str> = text.split(' ').collect();
    for (at, word) in words.iter().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let mut replace = |by: &str| {
            let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            words[at] = word.replace(bare, by);
            variants.push(words.join(" "));
        };
        if bare.starts_with(|c: char| c.is_ascii_digit()) {
            replace(
                &bare
                    .chars()
                    .map(|c| if c.is_ascii_digit() { ((c as u8 - b'0' + 4) % 10 + b'0') as char } else { c })
                    .collect::<String>(),
            );
        }
        for names in NAMES_OF_DAYS {
            if let Some(day) = names[..names.len() - 1].iter().position(|name| *name == bare) {
                replace(names[day + 1]);
            }
        }
        if meeting.speakers.iter().any(|speaker| speaker.name == bare) {
            replace("Ferguson");
        }
    }
    variants
}

/// What a model would say that is right.
fn claim(item: &Planted) -> Claim {
    Claim {
        text: item.text.clone(),
        segment_ids: item.segments.clone(),
        quote: item.text.clone(),
        owner: item.owner.clone(),
        due: item.due.clone(),
    }
}

#[test]
fn planted_errors_have_no_source_and_true_statements_have_one() {
    let (mut told, mut errors, mut found, mut all) = (0, 0, 0, 0);
    let mut mistakes = Vec::new();
    for file in TUNED.iter().chain(&HELD_OUT).copied().flatten() {
        let (meeting, planted) = read(file);
        let citations = Citations::new(&meeting);
        for item in planted {
            let cite = |text: &str| citations.cite(&Claim { text: text.to_owned(), ..claim(&item) });
            all += 1;
            let statement = cite(&item.text);
            found += usize::from(statement.support == Support::Found);
            for error in with_errors(&item.text, &meeting) {
                errors += 1;
                let wrong = cite(&error).support == Support::NotFound;
                told += usize::from(wrong);
                if !wrong {
                    mistakes.push(error);
                }
            }
        }
    }
    assert!(errors > 150, "only {errors} errors were planted");
    assert!(told * 100 >= errors * 95, "{told} of {errors} errors are told, but not {mistakes:#?}");
    assert_eq!(found, all, "a sentence supports itself");
}

#[test]
fn without_its_segment_a_statement_has_no_source() {
    for file in TUNED.iter().chain(&HELD_OUT).copied().flatten() {
        let (mut meeting, planted) = read(file);
        let item = planted.iter().find(|item| item.kind == "task").expect("a task is planted");
        let claim = claim(item);
        assert_eq!(Citations::new(&meeting).cite(&claim).support, Support::Found, "{file}");
        meeting.segments.retain(|segment| !item.segments.contains(&segment.id));
        let statement = Citations::new(&meeting).cite(&claim);
        assert_eq!((statement.support, statement.sources.len()), (Support::NotFound, 0), "{file}");
    }
}

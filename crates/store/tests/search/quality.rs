//! What is found, and in which order.

use crate::world::{World, marked, query};
use store::PassageSource;

/// Title, language, days ago, lines.
const MEETINGS: [(&str, &str, i32, &[&str]); 20] = [
    (
        "Budget 2026",
        "en",
        1,
        &[
            "Anna| We need to talk about the budget for next year.",
            "Bob| The marketing department spent twelve thousand euros on travelling.",
            "Anna| I agreed to the new figures yesterday, and the budget stays.",
        ],
    ),
    (
        "Weekly sync",
        "en",
        2,
        &[
            "Bob| The server migration failed again last night.",
            "Carol| Backups were running and nobody was paying attention.",
            "Bob| Let us discuss the budget later, said the server.",
        ],
    ),
    (
        "Vorstandssitzung",
        "de",
        3,
        &[
            "Anna Müller| Die Arbeitszimmer werden im März renoviert.",
            "Jörg| Wir haben die Größe der Räume besprochen.",
            "Anna Müller| Der Jahresabschluss liegt vor, die Straße ist gesperrt.",
        ],
    ),
    (
        "Besprechung",
        "de",
        4,
        &[
            "Der Abschluss des Jahres war gut.",
            "Die Häuser in Köln sind größer geworden.",
            "Im Zimmer für die Arbeit ist es laut.",
        ],
    ),
    (
        "Réunion d’équipe",
        "fr",
        5,
        &[
            "Nous avons mangé des crêpes à la cafétéria.",
            "Les élèves étaient naïfs.",
            "L’école a pris une décision importante.",
        ],
    ),
    ("Reunión", "es", 6, &["La investigación terminó ayer.", "Los niños jugaban en el jardín."]),
    ("Riunione", "it", 7, &["Abbiamo parlato delle assicurazioni.", "La città è bellissima."]),
    ("Reunião", "pt", 8, &["As negociações começaram na semana passada.", "O coração da empresa."]),
    ("Совещание", "ru", 9, &["Мы обсуждали новые договоры.", "На площади стоит ёлка."]),
    ("北京会议", "zh", 10, &["我们明天在北京开会讨论预算。", "他买了一本书"]),
    ("打ち合わせ", "ja", 11, &["来週の会議で予算を決めます。", "黒猫が好きです"]),
    ("회의록", "ko", 12, &["다음 주 회의에서 예산을 결정합니다."]),
    ("บันทึก", "th", 13, &["เราจะประชุมเรื่องงบประมาณพรุ่งนี้"]),
    (
        "Phone call",
        "en",
        14,
        &[
            "Please send me an e-mail about the x-ray.",
            "It’s 3.5 percent, don’t worry, said Mr. O’Neil.",
            "The follow-up costs $1,200.50 for project foo_bar.",
        ],
    ),
    ("Inbox", "en", 15, &["My email address is anna@example.org.", "Check the xray tomorrow."]),
    (
        "Standup",
        "en",
        16,
        &[
            "@0 Dana| We will ship on",
            "@4 Dana| Friday morning, and then the",
            "@118 Dana| release notes of the quarterly",
            "@121 Eve| review start at noon.",
            "@400 Eve| Dana reviews the release.",
        ],
    ),
    ("Vergadering", "nl", 17, &["De ziekenhuisbedden zijn vervangen.", "De notulen zijn goedgekeurd."]),
    ("Møde", "da", 18, &["Rødgrød med fløde på båden.", "Smørrebrødet er spist."]),
    ("Spotkanie", "pl", 19, &["Łódź jest piękna.", "Żółw idzie powoli."]),
    ("Secret plans", "en", 20, &["The zeppelin lands on the budget."]),
];

/// The archive of these meetings; one of them is in the trash.
pub(crate) async fn world() -> World {
    let world = World::new().await;
    for (title, language, days, lines) in MEETINGS {
        let job = world.meeting(title, language, days, lines).await;
        let sql = match title {
            "Secret plans" => "UPDATE jobs SET trashed_at = now() WHERE id = $1",
            "Inbox" => {
                "INSERT INTO notes (job_id, text) VALUES ($1, '# Actions

- Ask legal about the **trademark**, and call the printer: Größe A4')"
            }
            _ => "SELECT $1::uuid",
        };
        world.client.execute(sql, &[&job.uuid()]).await.unwrap();
    }
    world.count_all_words().await;
    world
}

/// A query and the titles that it finds, in order.
const QUERIES: [(&str, &[&str]); 105] = [
    // Words, their inflections, and the most common words.
    ("budget", &["Budget 2026", "Weekly sync"]),
    ("BUDGETS", &["Budget 2026", "Weekly sync"]),
    ("budget year", &["Budget 2026"]),
    ("server", &["Weekly sync"]),
    ("the budget", &["Budget 2026", "Weekly sync"]),
    ("travel", &["Budget 2026"]),
    ("travels", &["Budget 2026"]),
    ("agree", &["Budget 2026"]),
    ("agreeing figure", &["Budget 2026"]),
    ("migrate", &["Weekly sync"]),
    ("backup run", &["Weekly sync"]),
    ("pay attention", &["Weekly sync"]),
    ("reviewing releases", &["Standup"]),
    ("2026", &["Budget 2026"]),
    ("nothing-like-this", &[]),
    ("zeppelin", &[]),
    ("marketing server", &[]),
    // German.
    ("Größe", &["Vorstandssitzung", "Besprechung", "Inbox"]),
    ("grosse", &["Vorstandssitzung", "Besprechung", "Inbox"]),
    ("Haus", &["Besprechung"]),
    ("Raum", &["Vorstandssitzung"]),
    ("strasse", &["Vorstandssitzung"]),
    ("Straßen", &["Vorstandssitzung"]),
    ("koln", &["Besprechung"]),
    ("besprechen", &["Besprechung"]),
    // German compounds: the second part, both parts, and the parts in two words.
    ("Sitzung", &["Vorstandssitzung"]),
    ("Zimmer", &["Besprechung", "Vorstandssitzung"]),
    ("Abschluss", &["Besprechung", "Vorstandssitzung"]),
    ("Jahresabschluss", &["Vorstandssitzung"]),
    ("bedden", &["Vergadering"]),
    // French, Spanish, Italian, Portuguese, Russian, Danish.
    ("manger", &["Réunion d’équipe"]),
    ("mangée", &["Réunion d’équipe"]),
    ("crepe", &["Réunion d’équipe"]),
    ("eleve", &["Réunion d’équipe"]),
    ("élève", &["Réunion d’équipe"]),
    ("decisions", &["Réunion d’équipe"]),
    ("école", &["Réunion d’équipe"]),
    ("l'école", &["Réunion d’équipe"]),
    ("l’ecole", &["Réunion d’équipe"]),
    ("naif", &["Réunion d’équipe"]),
    ("investigaciones", &["Reunión"]),
    ("investigacion", &["Reunión"]),
    ("jugar", &["Reunión"]),
    ("nino", &["Reunión"]),
    ("assicurazione", &["Riunione"]),
    ("citta", &["Riunione"]),
    ("negociação", &["Reunião"]),
    ("coracao", &["Reunião"]),
    ("договор", &["Совещание"]),
    ("НОВЫЙ", &["Совещание"]),
    ("елка", &["Совещание"]),
    ("rodgrod", &["Møde"]),
    ("fløden", &["Møde"]),
    ("smorrebrod", &["Møde"]),
    ("lodz", &["Spotkanie"]),
    ("ŁÓDŹ", &["Spotkanie"]),
    ("zolw", &["Spotkanie"]),
    // Chinese, Japanese, Korean, Thai.
    ("北京", &["北京会议"]),
    ("预算", &["北京会议"]),
    ("开会讨论", &["北京会议"]),
    ("会议", &["北京会议"]),
    ("京开", &["北京会议"]),
    ("书", &["北京会议"]),
    ("会議", &["打ち合わせ"]),
    ("予算", &["打ち合わせ"]),
    ("猫", &["打ち合わせ"]),
    ("会議 予算", &["打ち合わせ"]),
    ("会予", &[]),
    ("회의", &["회의록"]),
    ("예산을", &["회의록"]),
    ("예산 회의", &["회의록"]),
    ("ประชุม", &["บันทึก"]),
    ("งบประมาณ", &["บันทึก"]),
    // Phrases, also over the borders of lines and of parts.
    ("\"the budget\"", &["Budget 2026", "Weekly sync"]),
    ("\"budget the\"", &[]),
    ("\"server migration failed\"", &["Weekly sync"]),
    ("\"ship on Friday\"", &["Standup"]),
    ("\"quarterly review\"", &["Standup"]),
    ("\"notes of the quarterly review start at\"", &["Standup"]),
    ("\"morning review\"", &[]),
    ("\"mr o'neil\"", &["Phone call"]),
    ("\"in Köln sind\"", &["Besprechung"]),
    ("\"北京开会\"", &["北京会议"]),
    // Negation and alternatives.
    ("budget -server", &["Budget 2026"]),
    ("budget -\"discuss the budget\"", &["Budget 2026"]),
    ("budget -\"budget discuss\"", &["Budget 2026", "Weekly sync"]),
    ("server OR крыша OR ёлка", &["Weekly sync", "Совещание"]),
    ("zeppelin OR marketing", &["Budget 2026"]),
    ("\"no such words\" OR attention", &["Weekly sync"]),
    ("budget -Anna", &["Weekly sync"]),
    // Beginnings.
    ("trav*", &["Budget 2026"]),
    ("mig*", &["Weekly sync"]),
    ("fi*", &["Budget 2026"]),
    ("größ*", &["Vorstandssitzung", "Besprechung", "Inbox"]),
    ("北*", &["北京会议"]),
    // Hyphens, apostrophes, numbers, addresses.
    ("e-mail", &["Phone call", "Inbox"]),
    ("email", &["Inbox", "Phone call"]),
    ("x-ray", &["Phone call", "Inbox"]),
    ("followup", &[]),
    ("follow-up", &["Phone call"]),
    ("don't", &["Phone call"]),
    ("3.5", &["Phone call"]),
    ("anna@example.org", &["Inbox"]),
    // Notes and names.
    ("trademark", &["Inbox"]),
    ("Jörg", &["Vorstandssitzung"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn queries_find_what_they_should_in_order() {
    let world = world().await;
    let mut wrong = Vec::new();
    for (text, expected) in QUERIES {
        let found = world.find(text).await;
        if found != expected {
            wrong.push(format!("{text}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), QUERIES.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_with_typos_get_a_suggestion_and_known_words_get_none() {
    let world = world().await;
    let expected = [
        ("bugdet", Some("budget")),
        ("budgget", Some("budget")),
        ("migraton", Some("migration")),
        ("atention", Some("attention")),
        ("departmnet", Some("department")),
        ("travveling", Some("travelling")),
        ("quartely", Some("quarterly")),
        ("Jahresabschlus", Some("jahresabschluss")),
        ("investigasion", Some("investigación")),
        ("naifs", None),
        ("budgets", None),
        ("agreeing", None),
        ("Größe", None),
        ("xqzwv", None),
        ("北京", None),
        ("e-mail", None),
        ("", None),
    ];
    let words: Vec<String> = expected.iter().map(|(word, _)| (*word).to_owned()).collect();
    let suggestions = world.store.suggestions(&words).await.unwrap();
    for ((word, expected), suggestion) in expected.iter().zip(&suggestions) {
        assert_eq!(suggestion.as_deref(), *expected, "{word}");
    }
    assert_eq!(suggestions.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn passages_say_who_said_it_and_when_and_mark_the_words() {
    let world = world().await;
    let found = world.store.search(&query("budget \"agreed to\"")).await.unwrap();
    let meeting = &found.meetings[0];
    assert_eq!((meeting.title.as_str(), meeting.passages.len(), meeting.more), ("Budget 2026", 2, 0));
    assert_eq!(marked(&meeting.title, &meeting.title_marks), ["Budget"]);
    let last = &meeting.passages[1];
    assert_eq!(marked(&last.text, &last.marks), ["agreed", "to", "budget"]);
    let PassageSource::Transcript { start_ms, play_ms, speaker, speaker_number, .. } = &last.source else {
        panic!("{last:?}")
    };
    assert_eq!((*start_ms, *play_ms), (8_000, 8_300), "from the word “agreed”");
    assert_eq!((speaker.as_deref(), *speaker_number), (Some("Anna"), Some(1)));

    let found = world.store.search(&query("trademark actions")).await.unwrap();
    let meeting = &found.meetings[0];
    assert!(meeting.in_note && meeting.passages.iter().all(|passage| passage.source == PassageSource::Note));
    let words: Vec<String> = meeting.passages.iter().flat_map(|p| marked(&p.text, &p.marks)).collect();
    assert_eq!(words, ["Actions", "trademark"]);

    let found = world.store.search(&query("müller")).await.unwrap();
    assert_eq!(found.meetings[0].speakers, ["Anna Müller"]);

    for (text, words) in
        [("会議 予算", vec!["会議", "予算"]), ("猫", vec!["猫"]), ("決めます", vec!["決めます"])]
    {
        let found = world.store.search(&query(text)).await.unwrap();
        let passages = &found.meetings[0].passages;
        let seen: Vec<String> = passages.iter().flat_map(|p| marked(&p.text, &p.marks)).collect();
        assert_eq!(seen, words, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_passages_of_a_meeting_come_in_order_and_more_counts_the_rest() {
    let world = World::new().await;
    let lines: Vec<String> = (0..90)
        .map(|n| format!("Anna| Line {n} about the {} plan.", ["old", "new", "best"][n % 3]))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let job = world.meeting("Plans", "en", 1, &lines).await;
    let found = world.store.search(&query("best plan")).await.unwrap();
    let meeting = &found.meetings[0];
    assert_eq!(meeting.passages.len(), 2);
    let all = world.store.passages(&query("best plan"), job).await.unwrap();
    assert_eq!(all.len(), 90, "every line has one of the words");
    assert_eq!(meeting.more, 88);
    let start = |passage: &store::FoundPassage| match passage.source {
        PassageSource::Transcript { start_ms, .. } => start_ms,
        PassageSource::Note => panic!("{passage:?}"),
    };
    assert!(all.windows(2).all(|pair| start(&pair[0]) < start(&pair[1])));
    assert!(meeting.passages.iter().all(|passage| passage.text.contains("best plan")), "{meeting:?}");
    assert_eq!(world.store.passages(&query("zeppelin"), job).await.unwrap(), []);
}

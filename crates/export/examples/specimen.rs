//! Writes sample exports (PDF and Markdown) into a folder, for visual inspection:
//! `cargo run -p export --example specimen -- FOLDER`.
//!
//! The last sample is a recording of ten hours: run with `--release` to measure its rendering time.

use chrono::DateTime;
use export::{Fonts, FormattedTranscript, Metadata, Paper, Paragraph, ParagraphSegment, markdown, pdf};
use std::{env, error::Error, fs, io::Write, path::PathBuf, time::Instant};
use transcript::AudioTime;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args().nth(1).ok_or("name a folder")?);
    fs::create_dir_all(&folder)?;
    let fonts = Fonts::load(&fonts_folder())?;
    let specimens =
        [("meeting", meeting()), ("scripts", scripts()), ("monologue", monologue()), ("long", long())];
    for (name, transcript) in specimens {
        let start = Instant::now();
        let made = pdf(&transcript, &fonts, Paper::A4)?;
        let (seconds, bytes) = (start.elapsed().as_secs_f32(), made.bytes.len());
        writeln!(std::io::stdout(), "{name}: {seconds:.2} s, {bytes} bytes, missing {:?}", made.missing)?;
        fs::write(folder.join(name).with_extension("pdf"), made.bytes)?;
        fs::write(folder.join(name).with_extension("md"), markdown(&transcript))?;
    }
    Ok(())
}

fn fonts_folder() -> PathBuf {
    let target =
        || env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from).join("resources");
    env::var_os("MEETMEMO_RESOURCES").map_or_else(target, PathBuf::from).join("fonts")
}

fn transcript(title: &str, file: &str, paragraphs: Vec<Paragraph>) -> FormattedTranscript {
    let at = |text| DateTime::parse_from_rfc3339(text).ok();
    FormattedTranscript {
        title: title.into(),
        metadata: Metadata {
            file_name: file.into(),
            recorded_at: at("2025-03-14T09:30:00+01:00"),
            duration: paragraphs
                .last()
                .and_then(|paragraph| paragraph.segments.last())
                .map(|segment| segment.start.plus_ms(7_000)),
            language: Some("English".into()),
            engine: Some("transcribe.cpp whisper-base".into()),
            notes: Vec::new(),
        },
        speakers: Vec::new(),
        paragraphs,
        changed_at: at("2025-03-15T18:05:09+01:00").unwrap_or_default(),
    }
}

/// A paragraph whose segments begin six seconds apart, the first one at `second`.
fn paragraph(speaker: Option<&str>, second: u32, texts: &[&str]) -> Paragraph {
    let time = |index: usize| AudioTime::from_ms((second + 6 * index as u32) * 1000);
    let segment =
        |(index, text): (usize, &&str)| ParagraphSegment { start: time(index), text: (*text).into() };
    Paragraph {
        speaker: speaker.map(Into::into),
        start: time(0),
        segments: texts.iter().enumerate().map(segment).collect(),
    }
}

const TALK: [(&str, &[&str]); 6] = [
    (
        "Margaret Okafor",
        &[
            "Good morning, everyone. Let's begin, because we have a full agenda and the room is ours only until eleven.",
            "I would like to go through the minutes of the last meeting first, then hear from Jonas about the new office in Ghent, and after that we should finally decide about the suppliers.",
            "Are there any corrections to the minutes?",
        ],
    ),
    (
        "Jonas Lindqvist",
        &[
            "Only a small one. On page three it says 3.5 %, but the figure we agreed on was 5.3 %.",
            "Otherwise they're fine.",
        ],
    ),
    ("Margaret Okafor", &["Thank you. I'll have it changed. Jonas, the floor is yours."]),
    (
        "Jonas Lindqvist",
        &[
            "So, the office. We signed the lease on Monday, the keys will be handed over on the first of June, and the movers are booked for the week after.",
            "What is not settled yet is the network. The provider says eight weeks — which I find hard to believe — and until then we'd have to work with a mobile connection.",
            "The floor plan is at https://intranet.example.org/facilities/ghent/floor-plans/2025/second-floor-final-version-3.pdf if you want to look at it.",
            "I also asked for an estimate of the running costs. It comes to about €14,200 a month, heating included, which is nine hundred less than we pay today.",
        ],
    ),
    (
        "Dr. Aylin Yıldız-Brandt",
        &[
            "Does that include the parking spaces?",
            "Because when we talked to the landlord in January, he was quite firm that they are let separately, and some of the staff who live further out really do depend on them.",
        ],
    ),
    (
        "Jonas Lindqvist",
        &[
            "It includes ten of them. We can have up to four more for seventy-five euros each.",
            "I'd suggest that we wait and see how many people actually come by car.",
        ],
    ),
];

fn meeting() -> FormattedTranscript {
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    for round in 0..5 {
        for (speaker, texts) in TALK {
            let second = paragraphs
                .last()
                .map_or(4, |last| last.start.as_ms() / 1000 + 6 * last.segments.len() as u32 + 2);
            paragraphs.push(paragraph(Some(speaker), second, &texts[round % 2 * (texts.len() / 2)..]));
        }
    }
    transcript("Steering group: office, network and suppliers", "2025-03-14 steering group.m4a", paragraphs)
}

fn scripts() -> FormattedTranscript {
    let paragraphs = vec![
        paragraph(
            Some("Élodie Guérin"),
            3,
            &[
                "Ça commence bien : « où est le dossier » ? L’œuvre coûte 1 234,50 €. Combining marks: e\u{301}, a\u{308}, n\u{303}, q\u{307}\u{323}. Ligatures: office, affluent, fjord, final.",
            ],
        ),
        paragraph(
            Some("Νίκος Παπαδόπουλος"),
            12,
            &["Η συνάντηση ξεκινάει τώρα· έχουμε πολλά να συζητήσουμε σήμερα. Ἐν ἀρχῇ ἦν ὁ λόγος."],
        ),
        paragraph(
            Some("Ольга Сергеевна"),
            21,
            &["Давайте начнём: первый вопрос повестки дня — бюджет на следующий год. Їжак, ўсё, љубав."],
        ),
        paragraph(
            Some("محمد الأحمد"),
            30,
            &[
                "صباح الخير جميعًا. سنبدأ الاجتماع الآن، ولدينا 12 بندًا في جدول الأعمال (الميزانية أولًا)، ثم نراجع ملف budget.xlsx معًا قبل الساعة 11:30.",
                "لا إله إلا الله، مُحَمَّدٌ، كتابٌ.",
            ],
        ),
        paragraph(
            Some("רות כהן"),
            42,
            &[
                "בוקר טוב לכולם. נתחיל בפגישה עכשיו, יש לנו 12 נושאים (התקציב ראשון), ואז נבדוק את הקובץ budget.xlsx יחד.",
                "The Hebrew word שלום means “peace” in English. שָׁלוֹם",
            ],
        ),
        paragraph(
            Some("राधिका शर्मा"),
            54,
            &[
                "सुप्रभात। बैठक शुरू करते हैं, आज हमें बजट और कार्यक्रम पर बात करनी है। क्षत्रिय, ज्ञान, श्रीमती, विद्यार्थी, र्क, हिन्दी।",
            ],
        ),
        paragraph(
            Some("สมชาย ใจดี"),
            63,
            &["สวัสดีตอนเช้าครับ วันนี้เราจะเริ่มประชุมเรื่องงบประมาณและแผนงานสำหรับปีหน้า น้ำ ที่นี่ ผู้ใหญ่"],
        ),
        paragraph(
            Some("王芳"),
            72,
            &[
                "大家早上好。我们现在开始开会,今天的议程很长,首先讨论预算,然后是新办公室的问题。骨直令",
                "繁體字也可以:臺灣、憂鬱、龜。",
            ],
        ),
        paragraph(
            Some("田中太郎"),
            84,
            &[
                "おはようございます。会議を始めましょう。まず、来年の予算についてお話しします。骨直令、カタカナ、ひらがな。",
            ],
        ),
        paragraph(
            Some("김민수"),
            93,
            &["안녕하세요. 회의를 시작하겠습니다. 먼저 내년 예산에 대해 이야기하겠습니다. 漢字도 있습니다."],
        ),
        paragraph(
            Some("Symbols"),
            102,
            &[
                "→ ⇒ ± × ÷ ≤ ≥ ≠ ≈ ∞ √ ∑ ∫ ∂ ℝ ½ ¾ ① ② ☎ ✓ ✗ ★ ♫ ☺ ☂ 😀 🎉 👍 🇪🇺 — “quotes” ‘single’ … • † ‡ ™ © °C",
                "Nothing has these: \u{1F9CC}\u{E000} ᠮᠣᠩᠭᠣᠯ ꦗꦮ.",
            ],
        ),
    ];
    let mut transcript = transcript(
        "Mixed scripts: Καλημέρα, Привет, שלום, مرحبا, 你好, こんにちは",
        "многоязычная встреча 会議.wav",
        paragraphs,
    );
    transcript.metadata.notes.push("the file ends early: 3.1 s could be read".into());
    transcript
}

fn monologue() -> FormattedTranscript {
    let texts: Vec<&str> =
        TALK.iter().flat_map(|(_, texts)| texts.iter().copied()).cycle().take(150).collect();
    transcript("", "lecture.mp3", vec![paragraph(None, 1, &texts)])
}

/// Ten hours: 15 000 segments, about 100 000 words.
fn long() -> FormattedTranscript {
    let words = [
        "the",
        "meeting",
        "budget",
        "we",
        "should",
        "decide",
        "really",
        "about",
        "suppliers",
        "Thursday",
        "and",
    ];
    let mut state = 7_u32;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    for index in 0..15_000_u32 {
        let text: Vec<String> = (0..3 + next(8))
            .map(|_| format!("{}{}", words[next(11)], ["", "s", "ly", "ing"][next(4)]))
            .collect();
        let start = AudioTime::from_ms(index * 2_400);
        if index % 6 == 0 {
            let speaker = Some(["Anna", "Ben", "Chloé"][next(3)].into());
            paragraphs.push(Paragraph { speaker, start, segments: Vec::new() });
        }
        if let Some(paragraph) = paragraphs.last_mut() {
            paragraph.segments.push(ParagraphSegment { start, text: text.join(" ") });
        }
    }
    transcript("Ten hours of talk", "conference.wav", paragraphs)
}

//! How many of the planted statements an extract finds.

mod planted;

use planted::{HELD_OUT, Planted, TUNED, read};
use summary::{Summary, extract};

/// The statements of the sections of a kind.
fn statements<'a>(
    summary: &'a Summary,
    titles: &'a [&str],
) -> impl Iterator<Item = &'a summary::Statement> + 'a {
    summary
        .sections
        .iter()
        .filter(|section| titles.contains(&section.title.as_str()))
        .flat_map(|section| &section.statements)
}

const DECISIONS: [&str; 7] =
    ["Decisions", "Beschlüsse", "Décisions", "Decisiones", "Decisioni", "Decisões", "Besluiten"];
const TASKS: [&str; 7] = ["Tasks", "Aufgaben", "Tâches", "Tareas", "Compiti", "Tarefas", "Taken"];
const QUESTIONS: [&str; 7] = [
    "Open questions",
    "Offene Fragen",
    "Questions ouvertes",
    "Preguntas abiertas",
    "Domande aperte",
    "Questões em aberto",
    "Open vragen",
];
const FACTS: [&str; 14] = [
    "Key sentences",
    "Numbers and dates",
    "Kernsätze",
    "Zahlen und Termine",
    "Phrases clés",
    "Chiffres et dates",
    "Frases clave",
    "Cifras y fechas",
    "Frasi chiave",
    "Cifre e date",
    "Frases-chave",
    "Números e datas",
    "Kernzinnen",
    "Getallen en data",
];

fn titles(kind: &str) -> &'static [&'static str] {
    match kind {
        "decision" => &DECISIONS,
        "task" => &TASKS,
        "question" => &QUESTIONS,
        "fact" => &FACTS,
        _ => panic!("unknown kind: {kind}"),
    }
}

#[derive(Debug, Default, Clone)]
struct Figures {
    /// Facts, decisions and tasks: found, and all.
    recall: (usize, usize),
    questions: (usize, usize),
    /// Statements in the lists of decisions and tasks: right, and all.
    precision: (usize, usize),
    /// Owners and dates of tasks that were found: right, and all.
    owners: (usize, usize),
    dues: (usize, usize),
    mistakes: Vec<String>,
}

impl Figures {
    fn add(&mut self, file: &str) {
        let (meeting, planted) = read(file);
        let summary = extract(&meeting, "summary", "job");
        let quotes = |statement: &summary::Statement, item: &Planted| {
            statement.sources.iter().any(|source| item.segments.contains(&source.segment_id))
        };
        for item in &planted {
            let found = statements(&summary, titles(&item.kind)).find(|statement| quotes(statement, item));
            let count = if item.kind == "question" { &mut self.questions } else { &mut self.recall };
            count.1 += 1;
            let Some(found) = found else {
                self.mistakes.push(format!("{file}: missed {}: {}", item.kind, item.text));
                continue;
            };
            count.0 += 1;
            if item.kind == "task" {
                let mut check =
                    |count: &mut (usize, usize), told: &Option<String>, found: &Option<String>| {
                        count.1 += 1;
                        if told == found {
                            count.0 += 1;
                        } else {
                            self.mistakes.push(format!("{file}: {told:?} told as {found:?}: {}", item.text));
                        }
                    };
                check(&mut self.owners, &item.owner, &found.owner);
                check(&mut self.dues, &item.due, &found.due);
            }
        }
        for kind in ["decision", "task"] {
            for statement in statements(&summary, titles(kind)) {
                self.precision.1 += 1;
                if planted.iter().any(|item| item.kind == kind && quotes(statement, item)) {
                    self.precision.0 += 1;
                } else {
                    self.mistakes
                        .push(format!("{file}: no {kind} ({:?}): {}", statement.owner, statement.text));
                }
            }
        }
    }

    fn of(files: &[&str]) -> Self {
        let mut figures = Self::default();
        files.iter().for_each(|file| figures.add(file));
        figures
    }
}

fn share((part, all): (usize, usize)) -> f64 {
    part as f64 / all as f64
}

#[test]
fn eight_of_ten_planted_statements_are_found_in_every_language() {
    for files in TUNED {
        let figures = Figures::of(files);
        assert!(share(figures.recall) >= 0.8, "{figures:#?}");
    }
    for files in HELD_OUT {
        let figures = Figures::of(files);
        assert!(share(figures.recall) >= 0.8, "{figures:#?}");
    }
}

#[test]
fn seven_of_ten_english_tasks_and_decisions_are_right() {
    let figures = Figures::of(TUNED[0]);
    assert!(share(figures.precision) >= 0.7, "{figures:#?}");
    let figures = Figures::of(HELD_OUT[0]);
    assert!(share(figures.precision) >= 0.7, "{figures:#?}");
}

/// Prints the figures of `docs/summaries.md`: `cargo test -p summary --test recall -- --ignored --nocapture`.
#[test]
#[ignore = "prints figures and checks nothing"]
fn figures() {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    for files in TUNED.iter().chain(&HELD_OUT) {
        let f = Figures::of(files);
        writeln!(
            out,
            "{files:?} found {:?} questions {:?} right {:?} owners {:?} dues {:?}",
            f.recall, f.questions, f.precision, f.owners, f.dues
        )
        .expect("standard output can be written");
        for mistake in f.mistakes {
            writeln!(out, "  {mistake}").expect("standard output can be written");
        }
    }
}

//! Puts the sections of an extract together.

use crate::cues::{Finding, Findings, findings};
use crate::language::Language;
use crate::meeting::Meeting;
use crate::rank::{Candidate, choose, lex_rank};
use crate::sentences::{Sentence, sentences};
use crate::summary::{Covered, Kind, Section, Source, Statement, Summary, Support};
use crate::tokens::{is_numeric, is_unspaced_word};
use crate::topics::{Topic, topics};
use crate::vectors::{Terms, Vector, cosine, neighbours};
use crate::view::{People, View};
use std::collections::BTreeSet;

/// What [`Summary::engine`] says of an extract.
pub const EXTRACT_ENGINE: &str = "extract";

/// Fewest key sentences, if the meeting has as many sentences with content.
const MIN_KEY_SENTENCES: usize = 3;
/// Most key sentences.
const MAX_KEY_SENTENCES: usize = 12;
/// Words of a meeting for each further key sentence. A minute has about 150.
const WORDS_PER_KEY_SENTENCE: usize = 150;
/// Least weight of a key sentence, so that small talk does not fill up the list: three terms, or six with “I”.
const MIN_WEIGHT: f32 = 0.4;
/// Most statements of each other list.
const MAX_STATEMENTS: usize = 12;
/// A sentence with fewer terms has no content.
const MIN_TERMS: usize = 2;
/// What the first sentences of a topic count.
const FIRST_OF_TOPIC: f32 = 1.1;
/// A more similar statement is left out of the same list.
const REPEATED: f32 = 0.85;

/// Makes the extract of a meeting: its key sentences, topics, decisions, tasks, open questions, numbers and dates.
///
/// The result depends on nothing but the arguments. Decisions, tasks, questions, numbers and dates are found in English,
/// German, French, Spanish, Italian, Portuguese and Dutch; key sentences and topics in every language. Each statement is
/// a sentence of the transcript, except that a topic is named by its typical words; each has a source.
pub fn extract(meeting: &Meeting, summary_id: &str, job_id: &str) -> Summary {
    let language = Language::new(
        meeting.language.as_deref(),
        meeting.segments.iter().map(|segment| segment.text.as_str()),
    );
    let sections = Extract::new(meeting, &language).sections();
    let from = meeting.segments.iter().map(|segment| segment.span.start.as_ms()).min().unwrap_or(0);
    let to = meeting.segments.iter().map(|segment| segment.span.end.as_ms()).max().unwrap_or(0);
    Summary {
        summary_id: summary_id.to_owned(),
        job_id: job_id.to_owned(),
        kind: Kind::Extract,
        template: None,
        engine: EXTRACT_ENGINE.to_owned(),
        model: None,
        language: language.tag,
        covered: Covered { from_ms: from, to_ms: to, share: 1.0 },
        sections,
    }
}

struct Extract<'a> {
    meeting: &'a Meeting,
    language: &'a Language,
    sentences: Vec<Sentence>,
    terms: Terms,
    vectors: Vec<Vector>,
    /// Statements so far, to say nothing twice.
    said: BTreeSet<String>,
}

impl<'a> Extract<'a> {
    fn new(meeting: &'a Meeting, language: &'a Language) -> Self {
        let sentences = sentences(meeting, language);
        let terms = Terms::new(&sentences, language);
        let vectors = terms.vectors();
        Self { meeting, language, sentences, terms, vectors, said: BTreeSet::new() }
    }

    fn sections(mut self) -> Vec<Section> {
        let people = People::new(self.meeting, &self.sentences);
        let found = {
            let views: Vec<View> = match self.language.rules {
                Some(rules) => self.sentences.iter().map(|s| View::new(s, rules, &people)).collect(),
                None => Vec::new(),
            };
            let small_talk: Vec<bool> =
                (0..self.sentences.len()).map(|index| self.is_small_talk(index, views.get(index))).collect();
            // Small talk is nowhere chosen, and is no subject.
            for index in (0..small_talk.len()).filter(|&index| small_talk[index]) {
                self.terms.sentences[index].clear();
                self.vectors[index].clear();
            }
            findings(self.meeting, &views, |index| small_talk[index])
        };
        let topics = topics(&self.terms, |term| self.may_be_label(term));
        let Findings { decisions, tasks, questions, mut numbers } = found;

        let decisions = self.list(decisions);
        let tasks = self.list(tasks);
        let questions = self.list(questions);
        // Numbers in what matters come before numbers in passing.
        let scores = self.scores(&topics);
        let best = scores.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        numbers.iter_mut().for_each(|finding| finding.certainty += 2.0 * scores[finding.sentence] / best);
        let numbers = self.list(numbers);
        let key_sentences = self.key_sentences(&scores, &topics);
        let topics = self.topic_statements(&topics);

        let titles = self.language.titles();
        [
            (&titles.key_sentences, key_sentences),
            (&titles.topics, topics),
            (&titles.decisions, decisions),
            (&titles.tasks, tasks),
            (&titles.questions, questions),
            (&titles.numbers, numbers),
        ]
        .into_iter()
        .filter(|(_, statements)| !statements.is_empty())
        .map(|(title, statements)| Section { title: title.clone(), statements })
        .collect()
    }

    /// Whether a sentence has no content, or is a greeting and the like.
    fn is_small_talk(&self, index: usize, view: Option<&View>) -> bool {
        self.terms.sentences[index].len() < MIN_TERMS
            || view.is_some_and(|view| view.rules.small_talk.matches(view))
    }

    /// The findings as statements, the most certain first.
    fn list(&mut self, mut findings: Vec<Finding>) -> Vec<Statement> {
        findings.sort_by(|a, b| b.certainty.total_cmp(&a.certainty).then(a.sentence.cmp(&b.sentence)));
        let mut statements = Vec::new();
        let mut listed: Vec<usize> = Vec::new();
        for finding in findings {
            if statements.len() == MAX_STATEMENTS {
                break;
            }
            let vector = &self.vectors[finding.sentence];
            if listed.iter().any(|&other| cosine(&self.vectors[other], vector) > REPEATED) {
                continue;
            }
            let Some(mut statement) = self.statement(finding.sentence) else { continue };
            (statement.owner, statement.due) = (finding.owner, finding.due);
            statements.push(statement);
            listed.push(finding.sentence);
        }
        statements
    }

    /// How much each sentence matters as a key sentence; 0 for small talk.
    fn scores(&self, topics: &[Topic]) -> Vec<f32> {
        let ranks = lex_rank(&neighbours(&self.vectors, self.terms.written.len()));
        let mut scores: Vec<f32> =
            ranks.iter().enumerate().map(|(index, rank)| rank.sqrt() * self.weight(index)).collect();
        // The first sentences of a topic introduce it. Those of small talk stay 0.
        for topic in topics {
            let first: Vec<usize> =
                topic.sentences.clone().filter(|&index| scores[index] > 0.0).take(3).collect();
            first.into_iter().for_each(|index| scores[index] *= FIRST_OF_TOPIC);
        }
        scores
    }

    /// What length, content and form make of the rank of a sentence.
    fn weight(&self, index: usize) -> f32 {
        let sentence = &self.sentences[index];
        let terms = self.terms.sentences[index].len() as f32;
        let words = sentence.tokens.len().max(1) as f32;
        // Between 6 and 20 terms is the length at which a sentence can be understood alone. Without terms it is 0.
        let length = (terms / 6.0).min(1.0) * (20.0 / terms.max(1.0)).min(1.0);
        let density = (terms / words).clamp(0.2, 0.6) + 0.4;
        let Some(rules) = self.language.rules else { return length * density };
        let personal = sentence.tokens.iter().any(|token| rules.personal.contains(&token.word));
        let asks = sentence.text.ends_with('?');
        length * density * if personal { 0.6 } else { 1.0 } * if asks { 0.5 } else { 1.0 }
    }

    /// The best sentences that are in no other list, in order of time.
    fn key_sentences(&mut self, scores: &[f32], topics: &[Topic]) -> Vec<Statement> {
        let topic_of = |sentence: usize| topics.partition_point(|topic| topic.sentences.end <= sentence);
        let candidates: Vec<Candidate> = (0..scores.len())
            .filter(|&sentence| {
                self.weight(sentence) >= MIN_WEIGHT && !self.said.contains(&key(&self.shown(sentence).0))
            })
            .map(|sentence| Candidate {
                sentence,
                score: scores[sentence],
                speaker: self.sentences[sentence].speaker,
                topic: topic_of(sentence),
            })
            .collect();
        let words: usize = self.sentences.iter().map(|sentence| sentence.tokens.len()).sum();
        let count = (MIN_KEY_SENTENCES + words / WORDS_PER_KEY_SENTENCE).min(MAX_KEY_SENTENCES);
        let chosen = choose(candidates, &self.vectors, count);
        chosen.into_iter().filter_map(|sentence| self.statement(sentence)).collect()
    }

    fn topic_statements(&mut self, topics: &[Topic]) -> Vec<Statement> {
        let mut statements = Vec::new();
        for topic in topics.iter().filter(|topic| !topic.words.is_empty()) {
            let text = topic.words.join(", ");
            let sentences = &self.sentences[topic.sentences.clone()];
            let (Some(first), Some(last)) = (sentences.first(), sentences.last()) else { continue };
            if !self.said.insert(key(&text)) {
                continue;
            }
            let mut source = self.source(first, 0);
            source.end_ms = last.span.end.as_ms().max(source.end_ms);
            statements.push(Statement {
                text,
                support: Support::Found,
                sources: vec![source],
                owner: None,
                due: None,
                edited: false,
            });
        }
        statements
    }

    /// Whether a word may name a topic.
    fn may_be_label(&self, term: u32) -> bool {
        let written = &self.terms.written[term as usize];
        if is_unspaced_word(written) {
            return true;
        }
        // Without a list of stop words, short and frequent words are taken for them.
        let shortest = if self.language.rules.is_some() { 3 } else { 4 };
        let frequent =
            self.terms.sentence_counts[term as usize] as usize * 5 > self.terms.sentences.len().max(20);
        written.chars().count() >= shortest
            && !is_numeric(written)
            && (self.language.rules.is_some() || !frequent)
            && self.language.rules.is_none_or(|rules| !rules.is_number(&written.to_lowercase()))
    }

    /// A sentence as a statement; `None` if the same was said before.
    fn statement(&mut self, index: usize) -> Option<Statement> {
        let (text, first_byte) = self.shown(index);
        if !self.said.insert(key(&text)) {
            return None;
        }
        let sentence = &self.sentences[index];
        let sources = sentence
            .pieces
            .iter()
            .enumerate()
            .filter(|(_, piece)| piece.start + piece.range.len() > first_byte)
            .map(|(at, piece)| {
                let mut source = self.source(sentence, at);
                let skipped = first_byte.saturating_sub(piece.start);
                source.quote = source.quote[skipped..].to_owned();
                source
            })
            .collect();
        Some(Statement { text, support: Support::Found, sources, owner: None, due: None, edited: false })
    }

    /// The text of a sentence without fillers at its beginning, with a capital, and the first byte that is shown.
    fn shown(&self, index: usize) -> (String, usize) {
        let sentence = &self.sentences[index];
        let fillers = self.language.rules.map_or(0, |rules| {
            sentence.tokens.iter().take_while(|token| rules.fillers.contains(&token.word)).count()
        });
        let first_byte = match sentence.tokens.get(fillers) {
            Some(token) if fillers > 0 => token.range.start,
            _ => 0,
        };
        let text = transcript::single_line(&sentence.text[first_byte..]);
        let mut characters = text.chars();
        match characters.next() {
            Some(first) if first_byte > 0 => (first.to_uppercase().chain(characters).collect(), first_byte),
            _ => (text, first_byte),
        }
    }

    fn source(&self, sentence: &Sentence, piece: usize) -> Source {
        let piece = &sentence.pieces[piece];
        let segment = &self.meeting.segments[piece.segment];
        Source {
            segment_id: segment.id.clone(),
            start_ms: segment.span.start.as_ms(),
            end_ms: segment.span.end.as_ms(),
            quote: segment.text[piece.range.clone()].to_owned(),
        }
    }
}

/// What of two statements must differ: letters and digits.
fn key(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

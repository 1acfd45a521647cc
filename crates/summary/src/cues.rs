//! Decisions, tasks, open questions and numbers, found by the patterns of a language.
//!
//! A pattern counts [`CERTAIN`], a hint half of it. Further evidence adds to it: another speaker agrees, a date by which
//! something is due. What does not reach [`CERTAIN`] is not reported.

use crate::meeting::Meeting;
use crate::patterns::{Match, Patterns};
use crate::view::View;

/// Enough evidence.
const CERTAIN: f32 = 1.0;
/// What a hint counts, and each further evidence.
const EVIDENCE: f32 = 0.5;
/// Following sentences in which an answer is looked for.
const ANSWER_SENTENCES: usize = 3;
/// A question without a cue counts only if it has this many words.
const MIN_QUESTION_WORDS: usize = 5;
/// An answer has at least this many words, unless it agrees.
const MIN_ANSWER_WORDS: usize = 4;

/// A longer promise after a request is a task of its own.
const MAX_CONFIRMATION_WORDS: usize = 9;

/// A sentence that belongs into a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// Index of the sentence.
    pub sentence: usize,
    /// Greater is more certain.
    pub certainty: f32,
    pub owner: Option<String>,
    pub due: Option<String>,
}

/// The lists of a meeting, in order of time.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub decisions: Vec<Finding>,
    pub tasks: Vec<Finding>,
    pub questions: Vec<Finding>,
    pub numbers: Vec<Finding>,
}

/// Finds the lists. `views` are all sentences; `is_small_talk` excludes some of them.
pub(crate) fn findings(meeting: &Meeting, views: &[View], is_small_talk: impl Fn(usize) -> bool) -> Findings {
    let mut findings = Findings::default();
    for index in (0..views.len()).filter(|&index| !is_small_talk(index)) {
        let task = task(meeting, views, index);
        // Each sentence goes into one list only. A task is more useful to a reader than a decision or a question.
        let (owned, unowned) = match task {
            Some(task) if task.owner.is_some() => (Some(task), None),
            task => (None, task),
        };
        if let Some(task) = owned {
            if !repeats(&findings.tasks, views, &task) {
                findings.tasks.push(task);
            }
        } else if let Some(decision) = decision(views, index) {
            findings.decisions.push(decision);
        } else if let Some(question) = question(views, index) {
            findings.questions.push(question);
        } else {
            findings.tasks.extend(unowned);
        }
        findings.numbers.extend(numbers(views, index));
    }
    findings
}

/// Whether a short sentence only says that its speaker will do what was just asked: “Of course, I'll do that tonight.”
fn repeats(tasks: &[Finding], views: &[View], task: &Finding) -> bool {
    let sentence = views[task.sentence].sentence;
    sentence.tokens.len() <= MAX_CONFIRMATION_WORDS
        && tasks.last().is_some_and(|last| {
            last.sentence + ANSWER_SENTENCES >= task.sentence
                && last.owner == task.owner
                && views[last.sentence].sentence.speaker != sentence.speaker
        })
}

fn decision(views: &[View], index: usize) -> Option<Finding> {
    let view = &views[index];
    let found = view.rules.decisions.find(view)?;
    let asked = || view.rules.questions.find(view).is_some_and(|cue| !cue.hint);
    if (found.hint && asked()) || view.rules.no_decisions.matches(view) {
        return None;
    }
    // “…, everybody fine with that?” asks for consent.
    let agreed = agreed(views, index).is_some() || (view.asks() && view.rules.agreement.matches(view));
    let mut certainty = base(&found) + if agreed { EVIDENCE } else { 0.0 };
    if view.asks() && !agreed {
        certainty -= EVIDENCE;
    }
    (certainty >= CERTAIN).then_some(Finding { sentence: index, certainty, owner: None, due: None })
}

fn task(meeting: &Meeting, views: &[View], index: usize) -> Option<Finding> {
    let view = &views[index];
    let rules = view.rules;
    let find = |patterns: &Patterns| patterns.find(view);
    let kinds = [
        (find(&rules.person_tasks), Kind::Person),
        (find(&rules.speaker_tasks), Kind::Speaker),
        (find(&rules.listener_tasks), Kind::Listener),
        (find(&rules.open_tasks), Kind::Open),
    ];
    let mut kinds = kinds.into_iter().filter_map(|(found, kind)| Some((found?, kind))).collect::<Vec<_>>();
    // The sort is stable: among equal candidates the one with a named owner comes first.
    kinds.sort_by_key(|(found, _)| found.hint);
    let (found, kind) = kinds.into_iter().next()?;
    let helpless = matches!(kind, Kind::Open) && rules.no_answer.matches(view);
    if helpless || rules.no_tasks.matches(view) {
        return None;
    }
    let due = view.due();
    let agreed = agreed(views, index);
    let mut certainty = base(&found);
    certainty += if due.is_some() { EVIDENCE } else { 0.0 };
    certainty += if agreed.is_some() { EVIDENCE } else { 0.0 };
    let owner = match kind {
        Kind::Person => {
            let words = found.person.clone()?;
            let speaker = view.speaker(words.clone());
            // The person named in the sentence accepts the task by speaking next.
            if agreed.is_none() && speaker.is_some() && replies(views, index) == speaker {
                certainty += EVIDENCE;
            }
            meeting.speaker_name(speaker).or_else(|| Some(view.text(words)))
        }
        Kind::Speaker => meeting.speaker_name(view.sentence.speaker),
        Kind::Listener => agreed.and_then(|answer| meeting.speaker_name(views[answer].sentence.speaker)),
        Kind::Open => None,
    };
    (certainty >= CERTAIN).then(|| Finding {
        sentence: index,
        certainty,
        owner: owner.map(str::to_owned),
        due: due.map(str::to_owned),
    })
}

enum Kind {
    Person,
    Speaker,
    Listener,
    Open,
}

fn question(views: &[View], index: usize) -> Option<Finding> {
    let view = &views[index];
    if view.rules.no_questions.matches(view) {
        return None;
    }
    let cue = view.rules.questions.find(view);
    let asks = view.asks() && view.sentence.tokens.len() >= MIN_QUESTION_WORDS;
    if cue.is_none() && !asks {
        return None;
    }
    let mut certainty = cue.as_ref().map_or(EVIDENCE, base);
    if answers(views, index).any(|answer| views[answer].rules.no_answer.matches(&views[answer])) {
        certainty += EVIDENCE;
    } else if asks {
        // A reply counts as an answer. Its content is not judged.
        let answered = answers(views, index).any(|answer| {
            let answer = &views[answer];
            answer.sentence.tokens.len() >= MIN_ANSWER_WORDS || answer.rules.agreement.matches(answer)
        });
        let alone = view.sentence.speaker.is_none();
        certainty += if answered || alone { 0.0 } else { EVIDENCE };
    }
    (certainty >= CERTAIN).then_some(Finding { sentence: index, certainty, owner: None, due: None })
}

fn numbers(views: &[View], index: usize) -> Option<Finding> {
    let view = &views[index];
    let numbers = view.numbers();
    let units = numbers.iter().filter(|words| {
        view.sentence.stems.get(words.end).is_some_and(|next| view.rules.units.contains(next))
    });
    let certainty = numbers.len().min(3) as f32
        + EVIDENCE * units.count().min(2) as f32
        + EVIDENCE * view.dates().len().min(2) as f32;
    (certainty > 0.0).then_some(Finding { sentence: index, certainty, owner: None, due: None })
}

fn base(found: &Match) -> f32 {
    if found.hint { EVIDENCE } else { CERTAIN }
}

/// The next sentences of others.
fn answers<'a>(views: &'a [View], index: usize) -> impl Iterator<Item = usize> + 'a {
    let speaker = views[index].sentence.speaker;
    (index + 1..views.len())
        .take(ANSWER_SENTENCES)
        .filter(move |&next| speaker.is_none() || views[next].sentence.speaker != speaker)
}

/// The next speaker, if it is another person.
fn replies(views: &[View], index: usize) -> Option<usize> {
    let next = views.get(index + 1)?.sentence.speaker;
    next.filter(|_| next != views[index].sentence.speaker)
}

/// The sentence in which another speaker agrees, if it comes before the speaker changes the subject.
fn agreed(views: &[View], index: usize) -> Option<usize> {
    let speaker = views[index].sentence.speaker;
    let goes_on = |next: &View| {
        next.sentence.speaker == speaker
            && speaker.is_some()
            && next.sentence.tokens.len() >= MIN_ANSWER_WORDS
    };
    let end = (index + 1..views.len()).find(|&next| goes_on(&views[next])).unwrap_or(views.len());
    answers(views, index)
        .take_while(|&answer| answer < end)
        .find(|&answer| views[answer].rules.agreement.matches(&views[answer]))
}

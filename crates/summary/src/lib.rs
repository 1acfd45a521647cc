//! Summaries of meetings whose every statement names the words that it rests on.
//!
//! [`extract`] makes a summary without any model: it chooses sentences of the transcript. In this order:
//!
//! 1. `sentences`: segments become sentences.
//! 2. `vectors`: sentences become vectors of terms.
//! 3. `topics`: the meeting is cut where its words change.
//! 4. `cues`: patterns of a language (`data/<tag>.json`, `patterns`, `view`) find decisions, tasks, questions and numbers.
//! 5. `rank`: of the rest, the most central sentences are chosen.
//!
//! [`Citations`] serves summaries by a language model: it finds the passages that a model cites (`citations`).
//!
//! Everything is pure and deterministic. Nothing here reads a file, a database or the clock.

mod citations;
mod cues;
mod extract;
mod language;
mod meeting;
mod patterns;
mod rank;
mod sentences;
mod summary;
mod tokens;
mod topics;
mod vectors;
mod view;

pub use citations::{Citations, Claim};
pub use extract::{EXTRACT_ENGINE, extract};
pub use meeting::{Meeting, Segment, Speaker};
pub use summary::{Covered, Kind, Section, Source, Statement, Summary, Support};

//! The threads of the work on a recording: one reads and cuts, one passes on what the decoders report.

use super::Failure;
use crate::library::Place;
use crate::sound::keep_seek_index;
use crate::transcribe::language_vote::{Early, LEAST_SPEECH_S, VOTERS, Vote};
use media::Reader;
use speech::{Cutting, Decoders, Event, Options, SpeechError, Windower};
use std::collections::HashMap;
use std::sync::mpsc;
use tokio::sync::mpsc as channel;
use transcript::Span;

/// What the threads tell the task that commits.
pub(super) enum Told {
    /// A window is on its way to a decoder, or was committed by an earlier run.
    Cut { index: u32, span: Span, committed: bool },
    /// These windows are to settle the language; nothing is cut before they have.
    Settle(Vec<Early>),
    /// What a decoder says.
    Speech(Event),
    /// The file has been read to its end.
    Read { samples: u64, note: Option<String> },
    /// It could not be read, or nobody takes the windows.
    Broken(Failure),
}

/// Hands windows to the decoders, or says that they are committed already.
pub(super) struct Handing<'a> {
    pub(super) committed: HashMap<u32, Span>,
    pub(super) decoders: &'a Decoders,
    pub(super) options: Options,
    /// Whether the model can tell languages.
    pub(super) detects: bool,
    /// While the language is not settled: where it will be told, and the windows since the last vote.
    pub(super) search: Option<(mpsc::Receiver<Vote>, Vec<speech::Window>)>,
    /// Receives a message when the first window has been recognised. The reader waits for it before it hands over
    /// another window: with the processor to itself, the first window takes two thirds of the time. `None` once that is
    /// over, and for a version that already has words.
    pub(super) first: Option<mpsc::Receiver<()>>,
    pub(super) tell: &'a channel::Sender<Told>,
    /// Committed windows that were cut again.
    pub(super) seen: usize,
}

impl Handing<'_> {
    fn over(&mut self, windows: Vec<speech::Window>) -> Result<(), Failure> {
        for window in windows {
            let before = self.committed.get(&window.index);
            if before.is_some_and(|span| *span != window.span()) {
                return Err(Failure::CutsDiffer);
            }
            self.seen += usize::from(before.is_some());
            let committed = before.is_some();
            if let Some((_, early)) = &mut self.search {
                early.push(window.clone());
            }
            self.hand(window, committed)?;
            if self
                .search
                .as_ref()
                .is_some_and(|(_, early)| early.iter().filter(|w| votes(w)).count() == VOTERS)
            {
                self.settle()?;
            }
        }
        Ok(())
    }

    fn hand(&mut self, window: speech::Window, committed: bool) -> Result<(), Failure> {
        let cut = Told::Cut { index: window.index, span: window.span(), committed };
        if self.tell.blocking_send(cut).is_err() {
            // Nobody listens any more: stopped.
            return Err(SpeechError::Cancelled.into());
        }
        if !committed {
            let check_language = self.detects && self.options.language.is_some() && votes(&window);
            self.decoders.submit(window, Options { check_language, ..self.options.clone() })?;
            if let Some(first) = self.first.take() {
                // An error means that the decoders have ended; the next `submit` reports that.
                let _ = first.recv();
            }
        }
        Ok(())
    }

    /// Waits until the language is settled by the windows since the last vote, and has those that turn out to be in
    /// another language recognised again. If nothing was said in them, the next ones decide.
    fn settle(&mut self) -> Result<(), Failure> {
        let Some((settled, early)) = &mut self.search else { return Ok(()) };
        let early = std::mem::take(early);
        let windows =
            early.iter().map(|window| Early { index: window.index, votes: votes(window) }).collect();
        if self.tell.blocking_send(Told::Settle(windows)).is_err() {
            return Err(SpeechError::Cancelled.into());
        }
        // An end without an answer is that of everything.
        let Vote::Settled { language, again } = settled.recv().map_err(|_| SpeechError::Cancelled)? else {
            return Ok(());
        };
        self.search = None;
        self.options.language = Some(language);
        for window in early.into_iter().filter(|window| again.contains(&window.index)) {
            self.hand(window, false)?;
        }
        Ok(())
    }
}

/// Whether a window holds enough speech to tell its language.
fn votes(window: &speech::Window) -> bool {
    window.seconds() >= LEAST_SPEECH_S
}

/// Reads the audio, cuts it at pauses and hands over what is not committed yet. Leaves behind where the audio can be
/// entered for listening. Runs on a thread of its own.
pub(super) fn read_and_cut(
    place: &Place,
    tools: &media::Tools,
    cutting: Cutting,
    mut windows: Handing<'_>,
) -> Result<(), Failure> {
    let mut reader = Reader::open(place.audio(), tools)?;
    let mut windower = Windower::new(cutting);
    while let Some(samples) = reader.read()? {
        windows.over(windower.push(samples))?;
    }
    if let Some(index) = reader.seek_index() {
        keep_seek_index(place, &index);
    }
    windows.over(windower.finish())?;
    windows.settle()?;
    if windows.seen != windows.committed.len() {
        return Err(Failure::CutsDiffer);
    }
    let note = reader.shortfall().map(|shortfall| shortfall.to_string());
    let _ = windows.tell.blocking_send(Told::Read { samples: reader.position(), note });
    Ok(())
}

/// Passes what decoders report to the task that commits, and tells the reader that a window has been recognised. Runs on
/// a thread of its own until the decoders end.
pub(super) fn relay(
    reports: &mpsc::Receiver<Event>,
    tell: &channel::Sender<Told>,
    recognised: mpsc::Sender<()>,
) {
    while let Ok(event) = reports.recv() {
        if matches!(event, Event::Finished { .. } | Event::Failed { .. }) {
            // An error means that the reader has ended or has received the first message already.
            let _ = recognised.send(());
        }
        if tell.blocking_send(Told::Speech(event)).is_err() {
            return;
        }
    }
}

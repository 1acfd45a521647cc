//! The two threads of a run: one reads the audio, cuts windows and submits them to the decoders, the other forwards
//! what the decoders report to the async task.

use super::error::RecordingError;
use crate::library::RecordingFolder;
use crate::playback::save_seek_index;
use crate::transcribe::language_vote::{EarlyWindow, MIN_SPEECH_S, VOTES_NEEDED, Vote};
use media::Reader;
use speech::{Cutting, Decoders, Event, Options, SpeechError, Windower};
use std::collections::HashMap;
use std::sync::mpsc;
use tokio::sync::mpsc as channel;
use transcript::Span;

/// What the threads report to the task that commits.
pub(super) enum ThreadEvent {
    /// A window was cut. It is on its way to a decoder, unless an earlier run has `committed` it.
    Cut { index: u32, span: Span, committed: bool },
    /// These windows decide the language; the reader waits for their vote.
    VoteNeeded(Vec<EarlyWindow>),
    /// An event of a decoder.
    Decoder(Event),
    /// The file has been read to its end.
    Read { samples: u64, note: Option<String> },
    /// The file could not be read, or the decoders accept no windows.
    Failed(RecordingError),
}

/// Submits windows to the decoders, except those that are committed already.
pub(super) struct WindowSubmitter<'a> {
    /// Committed windows: index and span.
    pub(super) committed: HashMap<u32, Span>,
    pub(super) decoders: &'a Decoders,
    pub(super) options: Options,
    /// Whether the model can detect languages.
    pub(super) detects_language: bool,
    /// While the language is not settled: where the vote arrives, and the windows since the last vote.
    pub(super) search: Option<(mpsc::Receiver<Vote>, Vec<speech::Window>)>,
    /// Receives a message when the first window has been recognised. The reader waits for it before it submits a second
    /// window: with the processor to itself, the first window takes two thirds of the time. `None` once that is over,
    /// and for a version that already has words.
    pub(super) first_recognised: Option<mpsc::Receiver<()>>,
    pub(super) events: &'a channel::Sender<ThreadEvent>,
    /// Number of committed windows that this run has cut again.
    pub(super) committed_seen: usize,
}

impl WindowSubmitter<'_> {
    /// Submits windows in order; asks for a vote on the language when enough of them can vote.
    fn submit_all(&mut self, windows: Vec<speech::Window>) -> Result<(), RecordingError> {
        for window in windows {
            let earlier = self.committed.get(&window.index);
            if earlier.is_some_and(|span| *span != window.span()) {
                return Err(RecordingError::WindowsDiffer);
            }
            let committed = earlier.is_some();
            self.committed_seen += usize::from(committed);
            if let Some((_, early)) = &mut self.search {
                early.push(window.clone());
            }
            self.submit(window, committed)?;
            if self
                .search
                .as_ref()
                .is_some_and(|(_, early)| early.iter().filter(|w| can_vote(w)).count() == VOTES_NEEDED)
            {
                self.wait_for_language()?;
            }
        }
        Ok(())
    }

    fn submit(&mut self, window: speech::Window, committed: bool) -> Result<(), RecordingError> {
        let cut = ThreadEvent::Cut { index: window.index, span: window.span(), committed };
        if self.events.blocking_send(cut).is_err() {
            // The task has ended.
            return Err(SpeechError::Cancelled.into());
        }
        if !committed {
            let check_language =
                self.detects_language && self.options.language.is_some() && can_vote(&window);
            self.decoders.submit(window, Options { check_language, ..self.options.clone() })?;
            if let Some(first_recognised) = self.first_recognised.take() {
                // An error means that the decoders have ended; the next `submit` reports that.
                let _ = first_recognised.recv();
            }
        }
        Ok(())
    }

    /// Waits until the windows since the last vote have settled the language, and submits again those that turned out
    /// to be in another language. If they contain no words, the next windows decide.
    fn wait_for_language(&mut self) -> Result<(), RecordingError> {
        let Some((vote, early)) = &mut self.search else { return Ok(()) };
        let early = std::mem::take(early);
        let windows =
            early.iter().map(|window| EarlyWindow { index: window.index, votes: can_vote(window) }).collect();
        if self.events.blocking_send(ThreadEvent::VoteNeeded(windows)).is_err() {
            return Err(SpeechError::Cancelled.into());
        }
        // A closed channel means that the task has ended.
        let Vote::Settled { language, again } = vote.recv().map_err(|_| SpeechError::Cancelled)? else {
            return Ok(());
        };
        self.search = None;
        self.options.language = Some(language);
        for window in early.into_iter().filter(|window| again.contains(&window.index)) {
            self.submit(window, false)?;
        }
        Ok(())
    }
}

/// Whether a window contains enough speech to detect its language.
fn can_vote(window: &speech::Window) -> bool {
    window.seconds() >= MIN_SPEECH_S
}

/// Reads the audio, cuts it at pauses and submits the windows that are not committed yet. Saves the seek index beside
/// the audio. Runs on a thread of its own.
pub(super) fn read_and_cut(
    folder: &RecordingFolder,
    tools: &media::Tools,
    cutting: Cutting,
    mut submitter: WindowSubmitter<'_>,
) -> Result<(), RecordingError> {
    let mut reader = Reader::open(folder.audio(), tools)?;
    let mut windower = Windower::new(cutting);
    while let Some(samples) = reader.read()? {
        submitter.submit_all(windower.push(samples))?;
    }
    if let Some(index) = reader.seek_index() {
        save_seek_index(folder, &index);
    }
    submitter.submit_all(windower.finish())?;
    submitter.wait_for_language()?;
    if submitter.committed_seen != submitter.committed.len() {
        return Err(RecordingError::WindowsDiffer);
    }
    let note = reader.shortfall().map(|shortfall| shortfall.to_string());
    let _ = submitter.events.blocking_send(ThreadEvent::Read { samples: reader.position(), note });
    Ok(())
}

/// Forwards the events of the decoders to the task that commits, and notifies the reader of each recognised window.
/// Runs on a thread of its own until the decoders end.
pub(super) fn forward_decoder_events(
    decoder_events: &mpsc::Receiver<Event>,
    events: &channel::Sender<ThreadEvent>,
    recognised: mpsc::Sender<()>,
) {
    while let Ok(event) = decoder_events.recv() {
        if matches!(event, Event::Finished { .. } | Event::Failed { .. }) {
            // An error means that the reader has ended or has received the first message already.
            let _ = recognised.send(());
        }
        if events.blocking_send(ThreadEvent::Decoder(event)).is_err() {
            return;
        }
    }
}

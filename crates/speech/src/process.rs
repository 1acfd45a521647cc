//! Engines in processes of their own: our executable once more, in a hidden mode.
//!
//! Native engine code may crash, hang or leak; here that fails or repeats one window, never the program. An engine
//! process has no database and no files but the model. It reads windows from its standard input, writes words to its
//! standard output, and ends when its input ends, so that it cannot outlive the process that started it.
//!
//! [`serve`] is the engine process's side, [`Decoders`] the side of the program that wants words. The same kind of process
//! tells speakers apart for [`crate::diarize::Sortformer`].

mod child;
mod decoders;
#[cfg(debug_assertions)]
mod faults;
mod protocol;
mod queue;
mod serve;
mod session;
mod speakers;
mod stable;

pub use child::EngineCommand;
pub use decoders::{Decoders, Event, Patience};
pub use serve::{OpenSpeakers, serve, serve_with};
pub(crate) use speakers::SpeakerProcess;
pub use stable::Stable;

//! Engines run in processes of their own: our executable, started again in a hidden mode.
//!
//! Native engine code may crash, hang or leak memory. In a process of its own, that costs a retry or the words of one
//! window, never the program. An engine process opens no database and no file but the model. It reads windows from its
//! standard input, writes words to its standard output, and ends when its input ends, so that it cannot outlive the
//! process that started it. As a second safeguard on Linux, the kernel kills it with the thread that started it.
//!
//! [`serve`] is the engine process's side; [`Decoders`] is the program's side for recognition. The same kind of process
//! runs diarization models for [`crate::diarize::Sortformer`].
//!
//! | module | content |
//! |---|---|
//! | `decoders` | threads that share the windows of a recording, each with a `session` |
//! | `window_queue` | the bounded queue of windows between caller and decoders |
//! | `speaker_process` | the same for a diarization model, one chunk at a time |
//! | `session` | starts a process, loads a model, sends requests, waits with a timeout, replaces failed processes |
//! | `engine_process` | the child process and the threads of its pipes |
//! | `engine_pool` | idle processes that keep their model for the next recording |
//! | `protocol` | the messages on the pipes |
//! | `serve` | the loop of the engine process |
//! | `faults` | crashes and hangs for tests, in debug builds only |

mod decoders;
mod engine_pool;
mod engine_process;
#[cfg(debug_assertions)]
mod faults;
mod protocol;
mod serve;
mod session;
mod speaker_process;
mod window_queue;

pub use decoders::{Decoders, Event, Timeouts};
pub use engine_pool::EnginePool;
pub use engine_process::EngineCommand;
pub use serve::{LoadDiarizationModel, serve, serve_with};
pub(crate) use speaker_process::SpeakerProcess;

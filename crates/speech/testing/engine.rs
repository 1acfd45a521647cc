//! The other process in the tests of `speech`: an engine process, or a program that has some. Not a product.

use speech::{Decoders, EngineCommand, EngineSpec, Options, Window};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next().as_deref().and_then(|mode| mode.to_str()) {
        Some("engine") => speech::process::serve(),
        Some("own-engines") => own_engines(arguments.next().unwrap_or_default().into()),
        _ => ExitCode::from(2),
    }
}

/// Keeps two engine processes busy until it is killed. Has them inherit `MEETMEMO_ENGINE_FAULT`.
fn own_engines(model: PathBuf) -> ExitCode {
    let Ok(program) = std::env::current_exe() else { return ExitCode::FAILURE };
    let command = EngineCommand { program, arguments: vec!["engine".into()] };
    let spec = EngineSpec::PocketSphinx { model };
    let Ok((decoders, _events)) = Decoders::start(command, spec, 2) else {
        return ExitCode::FAILURE;
    };
    for index in 0.. {
        let window = Window::new(index, 0, vec![0.0; 16_000]);
        if decoders.submit(window, Options::default()).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

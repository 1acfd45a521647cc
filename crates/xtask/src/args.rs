//! The command line of `cargo xtask`.

use lexopt::prelude::*;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use xtask::app::Profile;

/// The text of `cargo xtask help`.
pub(crate) const USAGE: &str = "\
usage: cargo xtask COMMAND

  setup [--tests]    install missing system packages, fill <target folder>/resources and build the window's page;
                     with --tests also what tests and benchmarks need
  run [--debug]      build the window and show it
  run [--debug] FILE…
                     build the command line, transcribe the files, print the transcripts, write Markdown and PDF;
                     needs no display and installs no packages for the window; with --debug a slower build for
                     development
  test [--external-server[=POSTGRES]] [ARG…]
                     run all tests; arguments go to `cargo nextest run` (or `cargo test`);
                     with --external-server their databases are on a server reached over TCP: that of the app, or
                     the PostgreSQL installed in the folder POSTGRES, such as /usr/lib/postgresql/15
  bindings           regenerate ui/src/bindings.ts after a change of the window's commands
  bundle [--try FILE]
                     make the package for Debian and Ubuntu in <target folder>/release/bundle/deb; with --try
                     install it in a fresh minimal system (needs root), transcribe FILE there and show the window
  bench [ARG…]       compare the app with programs that do the same work; `bench help` lists the benchmarks
  corpus [ARG…]      make some hundred files of the same speech, decode each, and print where the result differs from
                     the speech; `corpus help` lists the options

The target folder is `target`, or CARGO_TARGET_DIR.";

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Setup {
        tests: bool,
    },
    Run {
        files: Vec<PathBuf>,
        profile: Profile,
    },
    Test {
        external_server: Option<ExternalServer>,
        arguments: Vec<OsString>,
    },
    Bindings,
    Bundle {
        recording: Option<PathBuf>,
    },
    /// A command of `crates/bench`, which parses the arguments.
    Bench {
        name: &'static str,
        arguments: Vec<OsString>,
    },
}

/// The PostgreSQL of the server that tests use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExternalServer {
    /// The runtime in the resources.
    OfTheApp,
    /// The one in this folder, which has `bin/postgres`.
    In(PathBuf),
}

impl ExternalServer {
    fn parse(argument: &OsStr) -> Option<Self> {
        let text = argument.to_str()?;
        match text.strip_prefix("--external-server=") {
            Some(folder) => Some(Self::In(folder.into())),
            None => (text == "--external-server").then_some(Self::OfTheApp),
        }
    }
}

/// Parses the arguments after the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let command = match parser.next()? {
        None | Some(Short('h') | Long("help")) => return Ok(Command::Help),
        Some(Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected()),
    };
    match command.as_str() {
        "help" => Ok(Command::Help),
        "setup" => setup(&mut parser),
        "run" => run(&mut parser),
        "test" => {
            let mut rest = parser.raw_args()?.peekable();
            let external_server = rest.peek().and_then(|first| ExternalServer::parse(first));
            if external_server.is_some() {
                rest.next();
            }
            // The other arguments are for the test runner.
            Ok(Command::Test { external_server, arguments: rest.collect() })
        }
        "bindings" => bindings(&mut parser),
        "bundle" => bundle(&mut parser),
        "bench" => Ok(Command::Bench { name: "bench", arguments: parser.raw_args()?.collect() }),
        "corpus" => Ok(Command::Bench { name: "corpus", arguments: parser.raw_args()?.collect() }),
        _ => Err(format!("there is no command `{command}`").into()),
    }
}

fn setup(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut tests = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("tests") => tests = true,
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Setup { tests })
}

fn run(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut files = Vec::new();
    let mut profile = Profile::Release;
    while let Some(argument) = parser.next()? {
        match argument {
            Value(file) => files.push(PathBuf::from(file)),
            Long("debug") => profile = Profile::Dev,
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Run { files, profile })
}

fn bindings(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    match parser.next()? {
        None => Ok(Command::Bindings),
        Some(Short('h') | Long("help")) => Ok(Command::Help),
        Some(other) => Err(other.unexpected()),
    }
}

fn bundle(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut recording = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("try") => recording = Some(PathBuf::from(parser.value()?)),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Bundle { recording })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn commands_and_their_arguments_are_parsed() {
        for (line, command) in [
            ("", Command::Help),
            ("--help", Command::Help),
            ("run -h", Command::Help),
            ("setup", Command::Setup { tests: false }),
            ("setup --tests", Command::Setup { tests: true }),
            ("run", Command::Run { files: vec![], profile: Profile::Release }),
            ("run --debug", Command::Run { files: vec![], profile: Profile::Dev }),
            (
                "run a.wav b.mp3",
                Command::Run { files: vec!["a.wav".into(), "b.mp3".into()], profile: Profile::Release },
            ),
            ("run -- -a.wav", Command::Run { files: vec!["-a.wav".into()], profile: Profile::Release }),
            ("test", Command::Test { external_server: None, arguments: vec![] }),
            (
                "test --external-server=/usr/lib/postgresql/15",
                Command::Test {
                    external_server: Some(ExternalServer::In("/usr/lib/postgresql/15".into())),
                    arguments: vec![],
                },
            ),
            (
                "test --external-server",
                Command::Test { external_server: Some(ExternalServer::OfTheApp), arguments: vec![] },
            ),
            (
                "test -p store -- --help",
                Command::Test {
                    external_server: None,
                    arguments: ["-p", "store", "--", "--help"].map(Into::into).into(),
                },
            ),
            ("bindings", Command::Bindings),
            ("bundle", Command::Bundle { recording: None }),
            ("bundle --try a.wav", Command::Bundle { recording: Some("a.wav".into()) }),
            ("bench", Command::Bench { name: "bench", arguments: vec![] }),
            (
                "corpus --part 5",
                Command::Bench { name: "corpus", arguments: ["--part", "5"].map(Into::into).into() },
            ),
        ] {
            assert_eq!(parsed(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn a_wrong_argument_is_named_in_the_error() {
        for (line, part) in [
            ("fly", "no command `fly`"),
            ("run --fast a.wav", "--fast"),
            ("setup now", "now"),
            ("bindings now", "now"),
            ("bundle --try", "--try"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}

//! The command line of `cargo xtask bench` and `cargo xtask corpus`.

use lexopt::prelude::*;
use std::ffi::OsString;
use std::path::PathBuf;

/// The text of `cargo xtask bench help`.
pub(crate) const USAGE: &str = "\
usage: cargo xtask bench [NAME…] [OPTION…]
       cargo xtask corpus [OPTION…]

  bench [NAME…]      run the benchmarks `pipeline` and `import`, or the named ones; `backup` saves a large archive,
                     `archive` searches one, `export` exports ten hours and many meetings, `window` needs the same packages as tests, `speakers` and `meetings` need the recordings in
                     ../shared
                       --repetitions N  measurements per program, alternating (1; 3 for `window` alone)
                       --minutes N      length of the recording for `pipeline`, `speakers` and `speech`, and of the
                                        longest for `meetings` (10)
                       --model FILE     speech model for `speech` (the included Whisper base, and tiny.en)
                       --files N        number of files for `import`, of meetings for `backup`, `archive` and `export` (1000)
                       --growth         `archive` also with fewer meetings, from 100: a table and a plot
                       --seed S         seed of the first of the `meetings` (1)
  corpus             make some hundred files of the same speech with ffmpeg, sox and mkvmerge, decode each, and print
                     where the result differs from the speech
                       --into FOLDER    folder for the files (<target folder>/corpus)
                       --part N         make only every Nth file (1)
                       --mutations N    also decode N randomly changed files and compare with ffmpeg (0)
                       --seed S         seed of these changes (1)
                       --speed          only time decoding an hour of each usual codec, compared with ffmpeg

The target folder is `target`, or CARGO_TARGET_DIR.";

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Bench(Bench),
    Corpus(Corpus),
}

/// Options of `corpus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Corpus {
    pub(crate) into: Option<PathBuf>,
    /// Only every `part`-th file is made.
    pub(crate) part: u32,
    pub(crate) mutations: usize,
    pub(crate) seed: u64,
    pub(crate) speed: bool,
}

/// Options of `bench`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bench {
    pub(crate) benchmarks: Vec<Benchmark>,
    pub(crate) repetitions: u32,
    pub(crate) minutes: u32,
    pub(crate) files: u32,
    /// Whether `archive` measures smaller archives as well.
    pub(crate) growth: bool,
    pub(crate) seed: u64,
    pub(crate) model: Option<PathBuf>,
}

/// A benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Benchmark {
    Pipeline,
    Import,
    Backup,
    Archive,
    Speakers,
    Meetings,
    Speech,
    Export,
    Window,
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
        "bench" => bench(&mut parser),
        "corpus" => corpus(&mut parser),
        _ => Err(format!("there is no command `{command}`").into()),
    }
}

fn bench(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut bench = Bench {
        benchmarks: Vec::new(),
        repetitions: 1,
        minutes: 10,
        files: 1000,
        growth: false,
        seed: 1,
        model: None,
    };
    let mut repetitions = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Value(name) if name == "help" => return Ok(Command::Help),
            Value(name) => bench.benchmarks.push(match name.string()?.as_str() {
                "pipeline" => Benchmark::Pipeline,
                "import" => Benchmark::Import,
                "speakers" => Benchmark::Speakers,
                "meetings" => Benchmark::Meetings,
                "speech" => Benchmark::Speech,
                "backup" => Benchmark::Backup,
                "archive" => Benchmark::Archive,
                "export" => Benchmark::Export,
                "window" => Benchmark::Window,
                other => {
                    return Err(format!(
                        "there is no benchmark `{other}`: pipeline, import, backup, archive, export, speakers, meetings, speech, window"
                    )
                    .into());
                }
            }),
            Long("repetitions") => repetitions = Some(at_least_one(parser)?),
            Long("minutes") => bench.minutes = at_least_one(parser)?,
            Long("model") => bench.model = Some(PathBuf::from(parser.value()?)),
            Long("files") => bench.files = at_least_one(parser)?,
            Long("growth") => bench.growth = true,
            Long("seed") => bench.seed = parser.value()?.parse()?,
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    bench.repetitions = repetitions.unwrap_or(if bench.benchmarks == [Benchmark::Window] { 3 } else { 1 });
    if bench.benchmarks.is_empty() {
        bench.benchmarks = vec![Benchmark::Pipeline, Benchmark::Import];
    }
    Ok(Command::Bench(bench))
}

fn corpus(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut corpus = Corpus { into: None, part: 1, mutations: 0, seed: 1, speed: false };
    while let Some(argument) = parser.next()? {
        match argument {
            Value(name) if name == "help" => return Ok(Command::Help),
            Long("into") => corpus.into = Some(PathBuf::from(parser.value()?)),
            Long("part") => corpus.part = at_least_one(parser)?,
            Long("mutations") => corpus.mutations = parser.value()?.parse()?,
            Long("seed") => corpus.seed = parser.value()?.parse()?,
            Long("speed") => corpus.speed = true,
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Corpus(corpus))
}

fn at_least_one(parser: &mut lexopt::Parser) -> Result<u32, lexopt::Error> {
    match parser.value()?.parse()? {
        0 => Err("0 is too few".into()),
        number => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn commands_and_their_arguments_are_parsed() {
        let bench = |benchmarks: &[Benchmark], repetitions| Bench {
            benchmarks: benchmarks.to_vec(),
            repetitions,
            minutes: 10,
            files: 1000,
            growth: false,
            seed: 1,
            model: None,
        };
        for (line, command) in [
            ("", Command::Help),
            ("bench help", Command::Help),
            ("corpus -h", Command::Help),
            ("bench", Command::Bench(bench(&[Benchmark::Pipeline, Benchmark::Import], 1))),
            ("bench import --repetitions=3", Command::Bench(bench(&[Benchmark::Import], 3))),
            (
                "bench archive --growth",
                Command::Bench(Bench { growth: true, ..bench(&[Benchmark::Archive], 1) }),
            ),
            ("bench window", Command::Bench(bench(&[Benchmark::Window], 3))),
            ("bench window --repetitions 1", Command::Bench(bench(&[Benchmark::Window], 1))),
            (
                "corpus --into a --part 5 --mutations 9",
                Command::Corpus(Corpus {
                    into: Some("a".into()),
                    part: 5,
                    mutations: 9,
                    seed: 1,
                    speed: false,
                }),
            ),
        ] {
            assert_eq!(parsed(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn a_wrong_argument_is_named_in_the_error() {
        for (line, part) in [
            ("fly", "no command `fly`"),
            ("bench sleep", "no benchmark `sleep`"),
            ("bench --repetitions 0", "too few"),
            ("corpus --seed x", "x"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}

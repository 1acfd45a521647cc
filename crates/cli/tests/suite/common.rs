//! Runs the program: a data folder and a private server for each test, nothing mocked.

use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use store::Store;
use store::managed::KeeperCommand;
use store::testing::TestDatabase;
use tempfile::TempDir;
pub(crate) use testing::{
    clips, kill, program, resources, samples, shared, shared_audio, silence, speech, testdata, write_wav,
};

/// Ten times what the slowest machine has needed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(300);

/// The program with a data folder of its own.
pub(crate) struct MeetMemo {
    data: TempDir,
    /// A database on the external server, if the test run has one. None: the private server.
    database: Option<TestDatabase>,
    /// Set for every command.
    environment: Vec<(&'static str, OsString)>,
}

/// The output of a command.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e} in {:?}, {:?}", self.out, self.err))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl MeetMemo {
    pub(crate) fn new() -> Self {
        let database = std::env::var_os("MEETMEMO_TEST_DATABASE_URL").map(|_| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(TestDatabase::empty(keeper())).unwrap()
        });
        let data = tempfile::Builder::new().prefix("meet memo ü ").tempdir().unwrap();
        Self { data, database, environment: Vec::new() }
    }

    /// Adds an environment variable for every command.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meetmemo"));
        command
            .arg("--data-dir")
            .arg(self.data.path())
            .args(arguments)
            .env("MEETMEMO_RESOURCES", resources())
            .env_remove("DATABASE_URL")
            .env_remove("MEETMEMO_DATABASE_URL")
            .stdin(Stdio::null());
        // The hosts of these tests are on this computer, so no proxy may be used.
        for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        command.envs(self.environment.iter().cloned());
        if let Some(address) = self.database.as_ref().and_then(TestDatabase::external_address) {
            command.env("MEETMEMO_DATABASE_URL", address);
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs a command that must succeed; returns its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[&["--json"], arguments].concat());
        assert_eq!(said.code, 0, "{arguments:?}: {} {}", said.out, said.err);
        said.json()
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        start(&mut self.command(arguments))
    }

    /// Runs a command that must fail with exit code 1; returns its error message, which must be one sentence.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, 1, "{arguments:?}: {} {}", said.out, said.err);
        let mut errors = said.err.lines().filter_map(|line| line.strip_prefix("Error: "));
        let (sentence, more) = (errors.next(), errors.next());
        let sentence = sentence.unwrap_or_else(|| panic!("{arguments:?} does not say why: {}", said.err));
        assert!(more.is_none() && sentence.ends_with('.'), "{arguments:?}: {}", said.err);
        sentence.to_owned()
    }

    /// Imports one file; returns the id of its job.
    pub(crate) fn import(&self, path: &Path) -> String {
        let rows = self.json(&["import", path.to_str().unwrap()]);
        assert_eq!(rows[0]["outcome"], "imported", "{rows}");
        rows[0]["job_id"].as_str().unwrap().to_owned()
    }

    /// Imports and transcribes one file; returns the meeting.
    pub(crate) fn transcribed(&self, path: &Path) -> Value {
        let rows = self.json(&["import", "--wait", path.to_str().unwrap()]);
        assert_eq!(rows[0]["status"], "completed", "{rows}");
        self.json(&["show", rows[0]["job_id"].as_str().unwrap()])
    }

    pub(crate) fn show(&self, job: &str) -> Value {
        self.json(&["show", job])
    }

    /// Waits until `wanted` holds for the meeting `job`; returns the meeting.
    pub(crate) fn wait_for(&self, job: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + DEADLINE;
        loop {
            let meeting = self.show(job);
            if wanted(&meeting) {
                return meeting;
            }
            assert!(Instant::now() < end, "timed out: {meeting}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Runs statements on the archive, as another program would. The archive must exist.
    pub(crate) fn execute(&self, sql: &str) {
        self.with_store(async |store| store::testing::execute(store, sql).await.unwrap());
    }

    /// Calls `work` with the open archive, which must exist.
    pub(crate) fn with_store<T>(&self, work: impl AsyncFnOnce(&Store) -> T) -> T {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = match self.database.as_ref().filter(|found| found.external_address().is_some()) {
                Some(database) => database.store().await,
                None => store::testing::open_managed(&self.data.path().join("database"), keeper()).await,
            };
            work(&store.unwrap()).await
        })
    }

    /// Ids of all running processes of this data folder, and of those they started.
    pub(crate) fn processes(&self) -> Vec<i32> {
        testing::processes_of(self.data.path().to_str().unwrap())
    }

    /// Waits until no process of this data folder runs; returns how long that took.
    pub(crate) fn wait_until_nothing_runs(&self) -> Duration {
        let begin = Instant::now();
        while !self.processes().is_empty() {
            assert!(begin.elapsed() < DEADLINE, "still running: {:?}", self.processes());
            std::thread::sleep(Duration::from_millis(20));
        }
        begin.elapsed()
    }
}

/// How the private server's keeper is started.
fn keeper() -> KeeperCommand {
    KeeperCommand {
        program: env!("CARGO_BIN_EXE_meetmemo").into(),
        arguments: vec!["database-server".to_owned()],
    }
}

/// Starts a command and ignores its output.
pub(crate) fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The small model of Whisper architecture that knows the phrases of the shared recordings, as [`shared`].
pub(crate) fn fixture() -> Option<PathBuf> {
    shared("models/fixture-whisper.gguf")
}

/// The SHA-256 of a file, as another program computes it.
pub(crate) fn sha256(path: &Path) -> String {
    let told = Command::new("sha256sum").arg("--").arg(path).output().unwrap();
    // The line of a name with special characters begins with a backslash.
    let told = String::from_utf8(told.stdout).unwrap();
    told.trim_start_matches('\\').split_whitespace().next().unwrap().to_owned()
}

/// Waits until a condition holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// All words of a meeting in order, with their times.
pub(crate) fn words(meeting: &Value) -> Vec<(u64, u64, String)> {
    let segments = meeting["transcript"]["segments"].as_array().unwrap();
    segments
        .iter()
        .flat_map(|segment| segment["words"].as_array().unwrap())
        .map(|w| {
            let ms = |key: &str| w[key].as_u64().unwrap();
            (ms("start_ms"), ms("end_ms"), w["text"].as_str().unwrap().to_owned())
        })
        .collect()
}

/// The segments of a meeting without ids: everything that must be equal between two runs.
pub(crate) fn said(meeting: &Value) -> Vec<(u64, u64, String, Value)> {
    let segments = meeting["transcript"]["segments"].as_array().unwrap();
    segments
        .iter()
        .map(|s| {
            let text = s["text"].as_str().unwrap().to_owned();
            (s["start_ms"].as_u64().unwrap(), s["end_ms"].as_u64().unwrap(), text, s["words"].clone())
        })
        .collect()
}

/// (substitutions + deletions + insertions) / words of the reference, without regard to case.
pub(crate) fn word_error_rate(reference: &str, heard: &str) -> f64 {
    let words = |text: &str| -> Vec<String> {
        text.to_lowercase()
            .split(|c: char| !(c.is_alphanumeric() || c == '\''))
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (reference, heard) = (words(reference), words(heard));
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, right) in reference.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, word) in heard.iter().enumerate() {
            let substitution = diagonal + usize::from(right != word);
            diagonal = row[j + 1];
            row[j + 1] = substitution.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[heard.len()] as f64 / reference.len().max(1) as f64
}

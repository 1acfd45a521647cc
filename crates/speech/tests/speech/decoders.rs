//! Decoders and their engine processes: they return the words of the engine, and survive crashes, hangs and malformed
//! data.

use crate::recordings::{self, Clip, RATE, built_in, librivox, silence, window};
use speech::process::Timeouts;
use speech::{
    Decoders, EngineCommand, EngineError, EnginePool, EngineSpec, Event, Options, SpeechError, Window,
};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use transcript::Word;

const ENGINE: &str = env!("CARGO_BIN_EXE_speech-test-engine");

/// An engine process with a fault (see `process/faults.rs`), and `mark` as an argument by which its processes are
/// found.
fn faulty(fault: &str, mark: &str) -> EngineCommand {
    EngineCommand {
        program: PathBuf::from("env"),
        arguments: [&format!("MEETMEMO_ENGINE_FAULT={fault}"), ENGINE, "engine", mark]
            .map(OsString::from)
            .to_vec(),
    }
}

fn healthy(mark: &str) -> EngineCommand {
    faulty("", mark)
}

/// Short enough for tests, and long enough for a busy computer to recognise a few seconds.
const SHORT_TIMEOUTS: Timeouts = Timeouts {
    load: Duration::from_secs(60),
    window: Duration::from_secs(3),
    audio_second: Duration::from_secs(3),
    stop: Duration::from_secs(2),
};

fn start(command: EngineCommand, count: usize) -> (Decoders, mpsc::Receiver<Event>) {
    Decoders::start_with_timeouts(&EnginePool::new(), command, built_in(), count, SHORT_TIMEOUTS).unwrap()
}

fn clips() -> Vec<Window> {
    let mut start = 0;
    let window = |(index, clip): (usize, Clip)| {
        let window = Window::new(index as u32, start, clip.samples);
        start = window.end();
        window
    };
    librivox().into_iter().enumerate().map(window).collect()
}

/// Submits all windows and returns what was reported of each.
fn recognise(
    (decoders, events): (Decoders, mpsc::Receiver<Event>),
    windows: Vec<Window>,
) -> BTreeMap<u32, Result<Vec<Word>, SpeechError>> {
    let mut results = BTreeMap::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for window in windows {
                decoders.submit(window, Options::default()).unwrap();
            }
            decoders.finish();
        });
        for event in events {
            let (index, result) = match event {
                Event::Progress { .. } => continue,
                Event::Finished { index, recognition, .. } => (index, Ok(recognition.words)),
                Event::Failed { index, error, .. } => (index, Err(error)),
            };
            assert!(results.insert(index, result).is_none(), "window {index} was reported twice");
        }
    });
    results
}

fn expected(window: &Window) -> Vec<Word> {
    recordings::recognise(built_in().open().unwrap().as_mut(), window).words
}

/// The running processes that have `mark` among their arguments.
fn processes(mark: &str) -> Vec<i32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let id = entry.file_name().to_str()?.parse().ok()?;
            // A zombie process has no arguments.
            let arguments = std::fs::read(entry.path().join("cmdline")).ok()?;
            arguments.split(|b| *b == 0).any(|a| a == mark.as_bytes()).then_some(id)
        })
        .collect()
}

fn wait_until(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn decoders_return_the_words_of_the_engine_once_per_window_and_leave_no_process() {
    let windows: Vec<Window> = clips().into_iter().filter(|w| [1, 2, 4].contains(&w.index)).collect();
    let mut engine = built_in().open().unwrap();
    let expected: BTreeMap<u32, Vec<Word>> =
        windows.iter().map(|w| (w.index, recordings::recognise(engine.as_mut(), w).words)).collect();
    let results = recognise(start(healthy("mark-words"), 2), windows);
    assert_eq!(results.into_iter().map(|(i, r)| (i, r.unwrap())).collect::<BTreeMap<_, _>>(), expected);
    assert!(processes("mark-words").is_empty());
}

#[test]
fn a_window_that_crashes_its_process_is_retried() {
    let folder = tempfile::tempdir().unwrap();
    let once = folder.path().join("once");
    let fault = format!("crash-once:1:{}", once.display());
    let windows: Vec<Window> = clips().into_iter().filter(|w| [1, 2, 4].contains(&w.index)).collect();
    let second = expected(&windows[0]);
    let mut results = recognise(start(faulty(&fault, "mark-crash-once"), 2), windows);
    assert!(once.exists());
    assert_eq!(results.len(), 3);
    assert_eq!(results.remove(&1).unwrap().unwrap(), second);
    assert!(results.values().all(Result::is_ok));
}

#[test]
fn a_window_that_always_crashes_fails_with_a_message_and_the_others_continue() {
    let windows: Vec<Window> = clips().into_iter().skip(1).take(3).collect();
    let results = recognise(start(faulty("crash:2", "mark-crash"), 1), windows);
    assert_eq!(results.keys().collect::<Vec<_>>(), [&1, &2, &3]);
    for (index, result) in results {
        match result {
            Ok(words) => assert!(index != 2 && !words.is_empty()),
            Err(error) => {
                assert_eq!(
                    (index, error.to_string().as_str()),
                    (2, "the speech engine stopped unexpectedly")
                );
            }
        }
    }
    assert!(processes("mark-crash").is_empty());
}

#[test]
fn the_process_of_a_window_that_hangs_is_killed_and_the_window_retried() {
    let folder = tempfile::tempdir().unwrap();
    let fault = format!("hang-once:0:{}", folder.path().join("once").display());
    let clip = clips().swap_remove(1);
    let clip = Window { index: 0, ..clip };
    let words = expected(&clip);
    let results = recognise(start(faulty(&fault, "mark-hang-once"), 1), vec![clip]);
    assert_eq!(results.into_values().next().unwrap().unwrap(), words);
}

#[test]
fn a_window_that_always_hangs_fails() {
    let timeouts =
        Timeouts { window: Duration::from_millis(200), audio_second: Duration::ZERO, ..SHORT_TIMEOUTS };
    let started = Decoders::start_with_timeouts(
        &EnginePool::new(),
        faulty("hang", "mark-hang"),
        built_in(),
        1,
        timeouts,
    );
    let results = recognise(started.unwrap(), vec![window(0, &silence(1.0))]);
    assert!(matches!(results[&0], Err(SpeechError::Hung { .. })), "{results:?}");
    assert!(processes("mark-hang").is_empty());
}

#[test]
fn a_library_that_prints_into_the_replies_fails_the_window() {
    let results = recognise(start(faulty("babble:0", "mark-babble"), 1), vec![window(0, &silence(0.5))]);
    assert!(matches!(results[&0], Err(SpeechError::Garbled)), "{results:?}");
}

#[test]
fn cancel_stops_busy_engines_within_two_seconds() {
    let (decoders, events) = start(healthy("mark-cancel"), 2);
    // Each takes much longer than two seconds.
    let long = librivox().iter().flat_map(|clip| clip.samples.clone()).collect::<Vec<_>>().repeat(4);
    for index in 0..2 {
        decoders.submit(window(index, &long), Options::default()).unwrap();
    }
    wait_until("two processes", Duration::from_secs(30), || processes("mark-cancel").len() == 2);
    let begin = Instant::now();
    decoders.cancel();
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert!(processes("mark-cancel").is_empty());
    assert_eq!(events.iter().count(), 0);
    assert!(matches!(decoders.submit(window(2, &long), Options::default()), Err(SpeechError::Cancelled)));
}

#[test]
fn a_process_that_does_not_read_its_input_is_killed() {
    let (decoders, events) = start(healthy("mark-stopped"), 1);
    let engines = processes("mark-stopped");
    assert_eq!(engines.len(), 1);
    testing::signal(engines[0], testing::Signal::STOP);
    // More samples than a pipe can hold.
    decoders.submit(window(0, &silence(20.0)), Options::default()).unwrap();
    let begin = Instant::now();
    decoders.cancel();
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    assert!(processes("mark-stopped").is_empty());
    assert_eq!(events.iter().count(), 0);
}

#[test]
fn submit_blocks_while_all_decoders_are_busy_and_fails_after_a_cancel() {
    let (decoders, events) = start(faulty("hang", "mark-full"), 1);
    let submitted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let producer = scope.spawn(|| {
            for index in 0.. {
                if let Err(error) = decoders.submit(window(index, &silence(1.0)), Options::default()) {
                    return error;
                }
                submitted.fetch_add(1, Ordering::Relaxed);
            }
            unreachable!("more windows than numbers");
        });
        // One in progress, one waiting.
        wait_until("a full queue", Duration::from_secs(5), || submitted.load(Ordering::Relaxed) == 2);
        decoders.cancel();
        assert!(matches!(producer.join().unwrap(), SpeechError::Cancelled));
    });
    assert_eq!(submitted.into_inner(), 2);
    assert_eq!(events.iter().count(), 0);
}

#[test]
fn dropping_the_decoders_ends_their_processes_and_dropping_the_receiver_ends_the_work() {
    let (decoders, events) = start(healthy("mark-drop"), 1);
    drop(events);
    let mut taken = 0;
    let error = loop {
        match decoders.submit(window(taken, &silence(0.3)), Options::default()) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SpeechError::Cancelled) && taken >= 1, "{taken}");
    drop(decoders);
    assert!(processes("mark-drop").is_empty());

    let (decoders, _events) = start(faulty("hang", "mark-drop"), 1);
    decoders.submit(window(0, &silence(1.0)), Options::default()).unwrap();
    drop(decoders);
    assert!(processes("mark-drop").is_empty());
}

#[test]
fn a_process_killed_while_it_is_idle_is_replaced() {
    let (decoders, events) = start(healthy("mark-idle"), 1);
    let engines = processes("mark-idle");
    assert_eq!(engines.len(), 1);
    testing::kill(engines[0]);
    let results = recognise((decoders, events), vec![clips().swap_remove(1)]);
    assert!(results[&1].as_ref().is_ok_and(|words| !words.is_empty()), "{results:?}");
}

/// The engine processes whose parent is `program`.
fn children(program: u32) -> Vec<u32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // id (name) state parent …
            let mut fields = stat.rsplit_once(") ")?.1.split(' ');
            let (state, parent) = (fields.next()?, fields.next()?);
            (state != "Z" && parent == program.to_string())
                .then(|| entry.file_name().to_str()?.parse().ok())?
        })
        .collect()
}

fn runs(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, fields)| !fields.starts_with('Z')))
}

#[test]
fn engine_processes_end_when_the_program_is_killed_even_if_they_hang() {
    let model = built_in().model;
    for fault in ["", "hang"] {
        let mut program = Command::new(ENGINE)
            .arg("own-engines")
            .arg(&model)
            .env("MEETMEMO_ENGINE_FAULT", fault)
            .spawn()
            .unwrap();
        let mut engines = Vec::new();
        wait_until("two engine processes", Duration::from_secs(30), || {
            engines = children(program.id());
            engines.len() == 2
        });
        program.kill().unwrap();
        program.wait().unwrap();
        wait_until("the end of the engine processes", Duration::from_secs(1), || {
            !engines.iter().any(|id| runs(*id))
        });
    }
}

#[test]
fn an_engine_process_fails_without_panic_if_its_input_is_not_the_protocol() {
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 100], &[0xFF; 5000], b"MMs1\xFF\xFF\xFF\xFF\0\0\0\0"]
    {
        let mut engine = Command::new(ENGINE)
            .arg("engine")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The process may end before it has read everything.
        let mut input = engine.stdin.take().unwrap();
        let _ = input.write_all(garbage);
        let output = engine.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{garbage:?}");
        assert_eq!((output.stdout, output.stderr), (vec![], vec![]), "{garbage:?}");
        drop(input);
    }
}

#[test]
fn an_engine_process_without_input_ends_at_once() {
    let status = Command::new(ENGINE).arg("engine").stdin(Stdio::null()).status().unwrap();
    assert!(status.success());
}

#[test]
fn starting_reports_a_missing_model_or_program_and_a_program_that_is_no_engine() {
    let begin =
        |command: EngineCommand, spec: EngineSpec| Decoders::start(command, spec, 2).map(drop).unwrap_err();

    let nowhere = EngineSpec { model: PathBuf::from("/nowhere"), ..built_in() };
    let model = begin(healthy("mark-model"), nowhere);
    assert!(
        matches!(&model, SpeechError::Engine(EngineError::ModelMissing { path }) if path.starts_with("/nowhere"))
    );

    let program = EngineCommand { program: PathBuf::from("/no/program"), arguments: vec![] };
    assert_eq!(
        begin(program, built_in()).to_string(),
        "the speech engine could not be started: /no/program cannot be run"
    );

    let other =
        |program: &str| EngineCommand { program: PathBuf::from(program), arguments: vec!["hello".into()] };
    assert!(matches!(begin(other("echo"), built_in()), SpeechError::Garbled));
    // The end of a process while it loads is attributed to the model.
    let unusable = begin(other("false"), built_in());
    assert!(matches!(unusable, SpeechError::Engine(EngineError::ModelUnusable { .. })), "{unusable:?}");
}

#[test]
fn a_decoder_needs_no_more_memory_than_stated() {
    let (decoders, events) = start(healthy("mark-memory"), 1);
    // The longest window is fifteen seconds.
    let long: Vec<f32> = librivox().into_iter().flat_map(|clip| clip.samples).take(15 * RATE).collect();
    decoders.submit(window(0, &long), Options::default()).unwrap();
    wait_until("words", Duration::from_secs(60), || {
        events.try_recv().is_ok_and(|event| matches!(event, Event::Finished { .. }))
    });
    let id = processes("mark-memory")[0];
    let status = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    eprintln!("a decoder's peak: {} MB", peak / 1024);
    let known = built_in().capabilities();
    assert!(peak * 1024 <= known.memory_bytes + known.shared_bytes, "{peak} kB");
}

#[test]
fn idle_processes_are_reused_by_the_next_recording_and_end_with_their_pool() {
    let pool = EnginePool::new();
    let run = |command: EngineCommand| {
        let (decoders, events) = Decoders::start_in_pool(&pool, command, built_in(), 1).unwrap();
        decoders.submit(window(0, &silence(1.0)), Options::default()).unwrap();
        decoders.finish();
        // The channel closes when all threads have ended.
        let ends = events.iter().filter(|event| !matches!(event, Event::Progress { .. })).collect::<Vec<_>>();
        assert!(matches!(ends.as_slice(), [Event::Finished { .. }]), "{ends:?}");
    };
    run(healthy("mark-pool"));
    let first = processes("mark-pool");
    assert_eq!(first.len(), 1);
    run(healthy("mark-pool"));
    assert_eq!(processes("mark-pool"), first, "both recordings use the same process");

    // A process that has died meanwhile is replaced.
    testing::kill(first[0]);
    run(healthy("mark-pool"));
    let second = processes("mark-pool");
    assert!(second.len() == 1 && second != first);

    // Processes of another command are ended.
    run(healthy("mark-other"));
    assert!(processes("mark-pool").is_empty());
    drop(pool);
    wait_until("the end of all processes", Duration::from_secs(20), || processes("mark-other").is_empty());
}

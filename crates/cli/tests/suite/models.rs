//! Speech models: list, download, import, refusals.

use crate::common::{MeetMemo, clips, fixture, sha256, shared_audio, start, until, words};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

/// The response of a host.
enum Answer {
    /// The content from the requested position up to this one; then the connection stays silent.
    UpTo(usize, Arc<Vec<u8>>),
    /// A status code, a content type and a body.
    Page(&'static str, &'static str, Vec<u8>),
}

fn all(content: &Arc<Vec<u8>>) -> Answer {
    Answer::UpTo(content.len(), Arc::clone(content))
}

/// A request, and how many bytes of the body were sent.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    path: String,
    from: usize,
    sent: usize,
}

/// A host on this computer that runs until the test ends.
struct Host {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Host {
    /// `answer` receives the path and the number of the request, from 0.
    fn new(answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let host = Self { port: listener.local_addr().unwrap().port(), asked: Arc::default() };
        let (asked, answer) = (Arc::clone(&host.asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
                // The client may have disconnected; some tests do that on purpose.
                thread::spawn(move || serve(stream, &asked, answer.as_ref()));
            }
        });
        host
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    asked: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(&str, usize) -> Answer,
) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let range = headers.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let from = value.strip_prefix("bytes=")?.strip_suffix('-')?;
        (name.eq_ignore_ascii_case("range")).then(|| from.parse::<usize>().ok())?
    });
    let number = {
        let mut asked = asked.lock().unwrap();
        asked.push(Asked { path: path.clone(), from: range.unwrap_or(0), sent: 0 });
        asked.len() - 1
    };
    let (head, body, whole) = match answer(&path, number) {
        Answer::Page(code, kind, body) => {
            (format!("{code}\r\nContent-Type: {kind}\r\nContent-Length: {}", body.len()), body, true)
        }
        Answer::UpTo(end, content) => {
            let (from, length) = (range.unwrap_or(0), content.len());
            let place = match range {
                Some(from) => {
                    format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{length}", length - 1)
                }
                None => "200 OK".to_owned(),
            };
            let head = format!("{place}\r\nETag: \"one\"\r\nContent-Length: {}", length - from);
            (head, content[from.min(end)..end].to_vec(), end == length)
        }
    };
    stream.write_all(format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes()).ok()?;
    for piece in body.chunks(64 << 10) {
        stream.write_all(piece).ok()?;
        asked.lock().unwrap()[number].sent += piece.len();
    }
    if !whole {
        // Kept open until the client disconnects.
        let _ = stream.read(&mut [0]);
    }
    Some(())
}

/// Writes a catalogue with these files, each a model: name, expected size, expected hash.
fn catalogue(path: &Path, host: &Host, files: &[(&str, u64, &str)]) {
    let model = |(name, byte_size, sha256): &(&str, u64, &str)| {
        let stem = name.strip_suffix(".gguf").unwrap();
        json!({
            "slug": stem, "title": format!("Our {stem}"), "family": "Whisper", "architecture": "whisper",
            "parameters_millions": 8, "languages": ["en"],
            "capabilities": {
                "translates": false, "detects_language": false, "streams": false, "timestamps": "segment"
            },
            "licence": "ours", "hub_id": "ours/models",
            "files": [{ "file_name": name, "quantisation": "F16", "byte_size": byte_size, "sha256": sha256 }],
        })
    };
    let models: Vec<Value> = files.iter().map(model).collect();
    let all = json!({ "format": 1, "as_of": "2026-11-01", "hosts": [host.address()], "models": models });
    fs::write(path, all.to_string()).unwrap();
}

/// A model in the output of `models list`.
fn listed(app: &MeetMemo, id: &str) -> Option<Value> {
    let room = app.json(&["models", "list", "--all"]);
    room["models"].as_array().unwrap().iter().find(|model| model["id"] == id).cloned()
}

/// Names of the files in the models folder.
fn files_in_models_folder(app: &MeetMemo) -> Vec<String> {
    let Ok(folder) = fs::read_dir(app.data().join("models")) else { return Vec::new() };
    let mut names: Vec<String> =
        folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != ".lock");
    names.sort();
    names
}

/// A valid GGUF file of this architecture, with one small tensor.
fn gguf(architecture: &str) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    file.extend([1_u64.to_le_bytes(), 1_u64.to_le_bytes()].concat());
    file.extend([text("general.architecture"), 8_u32.to_le_bytes().to_vec(), text(architecture)].concat());
    file.extend([text("encoder.bias"), 1_u32.to_le_bytes().to_vec()].concat());
    file.extend([&32_u64.to_le_bytes()[..], &0_u32.to_le_bytes(), &0_u64.to_le_bytes()].concat());
    file.resize(file.len().next_multiple_of(32), 0);
    file.resize(file.len() + 32 * 4, 7);
    file
}

#[test]
fn without_a_network_models_are_listed_with_one_recommendation_and_a_download_fails_with_a_sentence() {
    // A proxy that does not respond acts like a missing network.
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let app = MeetMemo::new()
        .with("ALL_PROXY", format!("http://{nobody}"))
        .with("MEETMEMO_MODEL_MIRROR", format!("http://{nobody}/models"));
    let everything = app.json(&["models", "list", "--all"]);
    let all = everything["models"].as_array().unwrap();
    assert!(all.len() >= 300, "{}", all.len());
    assert_eq!((&all[0]["id"], &all[0]["state"]["state"]), (&"whisper-base".into(), &"built_in".into()));
    assert_eq!(everything["defaults"]["model"], "whisper-base");
    let recommended: Vec<&Value> = all.iter().filter(|model| model["recommended"] == true).collect();
    assert_eq!(recommended.len(), 1, "{recommended:?}");
    assert!(recommended[0]["fits"] == true && recommended[0]["licence"].is_string(), "{recommended:?}");
    for model in all {
        assert!(model["title"].as_str().is_some_and(|title| !title.is_empty()), "{model}");
        assert!(model["state"]["state"] == "available" || model["id"] == "whisper-base", "{model}");
    }

    let short = app.json(&["models"]);
    let short = short["models"].as_array().unwrap();
    assert!(short.len() > 20 && short.len() < all.len() / 3, "one file of each model: {}", short.len());
    assert!(short.contains(recommended[0]) && short[0]["id"] == "whisper-base");
    let german = app.json(&["models", "list", "--language", "de"]);
    let german = german["models"].as_array().unwrap();
    assert!(german.len() > 10 && german.len() < short.len(), "{}", german.len());
    assert!(german.iter().all(|model| model["languages"].as_array().unwrap().contains(&"de".into())));
    let told = app.run(&["models"]).out;
    assert!(
        told.starts_with("* whisper-base ") && told.matches("recommended for this computer").count() == 1,
        "{told}"
    );

    let why = app.refused(&["models", "install", "whisper-tiny-Q8_0"]);
    assert!(why.starts_with("“Whisper tiny” could not be downloaded: no host could be reached"), "{why}");
    let why = app.refused(&["models", "install", "whisper-giant"]);
    assert!(why.contains("“whisper-giant”"), "{why}");
    assert_eq!(listed(&app, "whisper-tiny-Q8_0").unwrap()["state"]["state"], "available");
    assert_eq!(files_in_models_folder(&app), Vec::<String>::new());
}

#[test]
fn speech_models_are_installed_chosen_and_removed_while_the_database_cannot_be_reached() {
    let Some(model) = fixture() else { return };
    let content = Arc::new(fs::read(&model).unwrap());
    let size = content.len() as u64;
    let host = Host::new(move |_, _| all(&content));
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("our models.json");
    catalogue(&own, &host, &[("our-small.gguf", size, &sha256(&model))]);
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let address = format!("postgresql://{nobody}/meetings");
    let app = MeetMemo::new().with("MEETMEMO_MODEL_CATALOGUE", &own);
    let away = |arguments: &[&str]| app.json(&[&["--database-url", &address], arguments].concat());

    let why = app.refused(&["--database-url", &address, "list"]);
    assert!(why.contains("cannot be reached"), "{why}");
    let listed = away(&["models", "list"]);
    assert!(listed["models"].as_array().unwrap().iter().any(|model| model["id"] == "our-small"), "{listed}");
    assert_eq!(away(&["models", "install", "our-small"])["state"]["state"], "installed");
    assert_eq!(away(&["models", "use", "our-small"])["model"], "our-small");
    away(&["models", "remove", "our-small"]);
    assert_eq!(away(&["models", "list"])["defaults"]["model"], "whisper-base");
    let checks = app.run(&["--database-url", &address, "doctor", "--json"]).out;
    let checks: Value = serde_json::from_str(&checks).unwrap();
    let state = |name: &str| {
        let found = checks.as_array().unwrap().iter().find(|check| check["check"] == name);
        found.unwrap_or_else(|| panic!("{name} is not in {checks}"))["state"].clone()
    };
    assert_eq!((state("database"), state("models")), ("failed".into(), "ok".into()));
}

#[test]
fn a_killed_installation_continues_where_it_stopped_and_the_model_is_usable() {
    let (Some(model), Some(audio)) = (fixture(), shared_audio()) else { return };
    let content = Arc::new(fs::read(&model).unwrap());
    let (size, most) = (content.len(), content.len() / 4 * 3);
    let host = Host::new(move |_, number| match number {
        0 => Answer::UpTo(most, Arc::clone(&content)),
        _ => all(&content),
    });
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("our models.json");
    catalogue(&own, &host, &[("our-small.gguf", size as u64, &sha256(&model))]);
    let app = MeetMemo::new().with("MEETMEMO_MODEL_CATALOGUE", &own);
    let offered = listed(&app, "our-small").unwrap();
    let facts = ["title", "licence", "source"].map(|key| offered[key].as_str().unwrap());
    assert_eq!(facts, ["Our our-small", "ours", "catalogue"]);

    let mut first = start(&mut app.command(&["models", "install", "our-small"]));
    let part = app.data().join("models/our-small.gguf.part");
    until("three quarters are there", || fs::metadata(&part).is_ok_and(|found| found.len() == most as u64));
    first.kill().unwrap();
    first.wait().unwrap();
    let paused = listed(&app, "our-small").unwrap();
    let state = ["state", "done_bytes", "total_bytes"].map(|key| &paused["state"][key]);
    assert_eq!(state, [&Value::from("paused"), &most.into(), &size.into()]);
    assert!(app.run(&["models"]).out.contains("stopped at"));
    let why = app.refused(&["import", "--model", "our-small", clips()[0].to_str().unwrap()]);
    assert!(why.contains("“our-small” is not installed"), "{why}");

    let installed = app.json(&["models", "install", "our-small"]);
    assert_eq!(installed["state"]["state"], "installed", "{installed}");
    let asked = host.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(
        (asked[0].sent, asked[1].from, asked[1].sent),
        (most, most, size - most),
        "only the rest came"
    );
    assert_eq!(files_in_models_folder(&app), ["our-small.gguf", "our-small.json"]);
    assert_eq!(installed["sha256"], sha256(&model));
    assert_eq!(
        (&installed["word_times"], &installed["vocabulary"]),
        (&false.into(), &true.into()),
        "its own word"
    );

    // Installing it again does nothing. The model transcribes.
    app.json(&["models", "install", "our-small"]);
    assert_eq!(host.asked().len(), 2);
    let jfk = audio.join("speech/jfk.wav");
    let rows = app.json(&["import", "--wait", "--model", "our-small", jfk.to_str().unwrap()]);
    let meeting = app.show(rows[0]["job_id"].as_str().unwrap());
    assert_eq!(meeting["transcript"]["model_title"], "Our our-small");
    assert!(words(&meeting).len() > 15, "{meeting}");
    app.json(&["models", "remove", "our-small"]);
    assert_eq!(
        (files_in_models_folder(&app), listed(&app, "our-small").unwrap()["state"]["state"].clone()),
        (vec![], "available".into())
    );
}

#[test]
fn wrong_content_from_a_host_is_reported_and_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let right = gguf("whisper");
    let (file, text) = (dir.path().join("right"), dir.path().join("text"));
    fs::write(&file, &right).unwrap();
    fs::write(&text, "not a model at all").unwrap();
    let (hash, size) = (sha256(&file), right.len() as u64);
    let altered = Arc::new([&right[..right.len() - 1], b"x"].concat());
    let longer = Arc::new([&right[..], b"more"].concat());
    let host = Host::new(move |path, _| match path.rsplit('/').next().unwrap() {
        "altered.gguf" => all(&altered),
        "longer.gguf" => all(&longer),
        "page.gguf" => Answer::Page("200 OK", "text/html", b"<html>Sign in</html>".to_vec()),
        "text.gguf" => Answer::Page("200 OK", "application/octet-stream", b"not a model at all".to_vec()),
        "forbidden.gguf" => Answer::Page("403 Forbidden", "text/plain", Vec::new()),
        // The header is valid; the engine finds none of the tensors it needs.
        "hollow.gguf" => Answer::Page("200 OK", "application/octet-stream", gguf("whisper")),
        _ => Answer::Page("404 Not Found", "text/plain", b"no such file".to_vec()),
    });
    let cases = [
        ("altered", "is not the expected file"),
        ("longer", "has a file of another size"),
        ("page", "sent a web page instead"),
        ("text", "is not a speech model"),
        ("forbidden", "refuses to send it (status 403)"),
        ("missing", "does not have it any more"),
    ];
    let names: Vec<String> =
        cases.iter().map(|(name, _)| *name).chain(["hollow"]).map(|name| format!("{name}.gguf")).collect();
    let text_hash = sha256(&text);
    let files: Vec<(&str, u64, &str)> = names
        .iter()
        .map(|name| match name.as_str() {
            "text.gguf" => (name.as_str(), 18, text_hash.as_str()),
            name => (name, size, hash.as_str()),
        })
        .collect();
    let own = dir.path().join("ours.json");
    catalogue(&own, &host, &files);
    let app = MeetMemo::new().with("MEETMEMO_MODEL_CATALOGUE", &own);
    for (name, why) in cases {
        let told = app.refused(&["models", "install", name]);
        assert!(told.starts_with(&format!("“Our {name}” could not be downloaded: ")), "{told}");
        assert!(told.contains(why), "{name}: {told}");
        let files = files_in_models_folder(&app);
        assert!(!files.contains(&format!("{name}.gguf")), "{name}: {files:?}");
        assert!(!files.contains(&format!("{name}.json")), "{name}: {files:?}");
    }
    let told = app.refused(&["models", "install", "hollow"]);
    assert!(told.contains("“Our hollow” cannot be used"), "{told}");
    assert_eq!(listed(&app, "hollow").unwrap()["state"]["state"], "damaged");
    app.json(&["models", "remove", "hollow"]);
    assert_eq!(listed(&app, "hollow").unwrap()["state"]["state"], "available");
    // An unusable model does not keep the others from being listed.
    assert!(app.json(&["models", "list"])["models"].as_array().unwrap().len() > 20);
}

/// Writes a file with this content, adds it as a model, and checks that it is refused with the clause `why`.
fn refuses(app: &MeetMemo, path: &Path, content: &[u8], why: &str) {
    let name = path.file_name().unwrap().to_str().unwrap();
    fs::write(path, content).unwrap();
    let told = app.refused(&["models", "add", path.to_str().unwrap()]);
    let stem = name.split('.').next().unwrap().replace(' ', "-");
    assert!(told.contains(name) || told.contains(&stem), "{name} is not named: {told}");
    assert!(told.contains(why), "{name}: {told}");
    assert_eq!(files_in_models_folder(app), Vec::<String>::new(), "{name}");
    assert!(fs::read(path).unwrap() == content, "{name}: the user's file is only read");
}

#[test]
fn a_damaged_model_is_refused_with_its_name_and_leaves_nothing_behind() {
    let Some(model) = fixture() else { return };
    let dir = tempfile::tempdir().unwrap();
    let whole = fs::read(model).unwrap();
    let table = whole.windows(15).position(|bytes| bytes == b"enc.conv.0.bias").unwrap();
    // The rest of the tensor table; then the name of a tensor.
    let mut flipped = whole.clone();
    flipped[table + 15..table + 200].iter_mut().for_each(|byte| *byte ^= 0xff);
    let mut renamed = whole.clone();
    renamed[table + 4] ^= 0x20;
    let half = whole[..whole.len() / 2].to_vec();
    let app = MeetMemo::new();
    for (name, content, why) in [
        ("flipped.gguf", flipped, "damaged"),
        ("renamed.gguf", renamed, "cannot use it"),
        ("half.gguf", half, "incomplete"),
    ] {
        refuses(&app, &dir.path().join(name), &content, why);
    }
}

#[test]
fn a_file_that_is_no_model_is_refused_with_its_name_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let whisper = gguf("whisper");
    let mut flipped = whisper.clone();
    let table = flipped.windows(12).position(|bytes| bytes == b"encoder.bias").unwrap() + 12;
    flipped[table..table + 20].iter_mut().for_each(|byte| *byte ^= 0xff);
    let cases = [
        ("empty.gguf", Vec::new(), "the file is empty"),
        ("text.gguf", b"a shopping list".to_vec(), "is not a speech model"),
        ("page.gguf", b"<!DOCTYPE html><html>Log in</html>".to_vec(), "is a web page"),
        ("truncated.gguf", whisper[..whisper.len() - 9].to_vec(), "incomplete"),
        ("no header.gguf", whisper[..50].to_vec(), "incomplete"),
        ("flipped.gguf", flipped, "damaged"),
        ("llama.gguf", gguf("llama"), "“llama”"),
        ("hollow.gguf", whisper, "cannot use it"),
        ("meeting.wav", fs::read(&clips()[0]).unwrap(), "is a recording"),
        ("disguised.gguf", fs::read(&clips()[0]).unwrap(), "is a recording"),
    ];
    let app = MeetMemo::new();
    for (name, content, why) in cases {
        refuses(&app, &dir.path().join(name), &content, why);
    }
    let gone = app.refused(&["models", "add", dir.path().join("gone.gguf").to_str().unwrap()]);
    assert!(gone.contains("gone.gguf: the file does not exist"), "{gone}");
    let folder = app.refused(&["models", "add", dir.path().to_str().unwrap()]);
    assert!(folder.contains("not a file"), "{folder}");
    assert!(app.refused(&["models", "remove", "gone"]).contains("“gone” is not installed"));
    let here = app.json(&["models", "list", "--all"]);
    let here = here["models"].as_array().unwrap();
    assert!(here.iter().all(|m| ["built_in", "available"].contains(&m["state"]["state"].as_str().unwrap())));
}

#[test]
fn a_linked_model_is_used_in_place_and_its_file_stays_when_it_is_removed() {
    let (Some(model), Some(audio)) = (fixture(), shared_audio()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("on a stick.gguf");
    fs::copy(&model, &own).unwrap();
    let app = MeetMemo::new();
    let added = app.json(&["models", "add", "--link", own.to_str().unwrap()]);
    let id = added["id"].as_str().unwrap();
    let state = ["state", "linked", "file"].map(|key| added["state"][key].clone());
    assert_eq!(
        state,
        ["installed".into(), true.into(), Value::from(own.canonicalize().unwrap().to_str().unwrap())]
    );
    assert_eq!(files_in_models_folder(&app), [format!("{id}.json")], "nothing is copied");
    let jfk = audio.join("speech/jfk.wav");
    let rows = app.json(&["import", "--wait", "--model", id, jfk.to_str().unwrap()]);
    let meeting = app.show(rows[0]["job_id"].as_str().unwrap());
    assert_eq!(
        (&meeting["transcript"]["model_sha256"], words(&meeting).len() > 15),
        (&sha256(&model).into(), true)
    );

    // The drive with the file is removed, and connected again.
    let away = dir.path().join("away.gguf");
    fs::rename(&own, &away).unwrap();
    let damaged = listed(&app, id).unwrap();
    assert_eq!(damaged["state"]["state"], "damaged", "{damaged}");
    let why = app.refused(&["import", "--model", id, clips()[0].to_str().unwrap()]);
    assert!(why.contains(&format!("“{id}” cannot be used")), "{why}");
    fs::rename(&away, &own).unwrap();
    assert_eq!(listed(&app, id).unwrap()["state"]["state"], "installed");

    app.json(&["models", "remove", id]);
    assert_eq!(files_in_models_folder(&app), Vec::<String>::new());
    assert_eq!(sha256(&own), sha256(&model), "the user's file stays");
    assert_eq!(app.show(rows[0]["job_id"].as_str().unwrap())["transcript"]["complete"], true);
}

//! What a script in the page cannot do, whoever wrote it.

use crate::stage::Stage;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use testing::{speech, write_wav};

#[tokio::test]
async fn a_script_in_the_page_reaches_neither_files_nor_other_commands() {
    let mut stage = Stage::new();
    let file = stage.documents().join("secret.wav");
    write_wav(&file, &speech(6));
    let text = stage.documents().join("secret.txt");
    fs::write(&text, "secret").unwrap();
    stage.open(&[]).await;
    stage.sees("Drop recordings here").await;

    for command in [
        "plugin:fs|read_text_file",
        "plugin:opener|open_path",
        "plugin:opener|open_url",
        "plugin:opener|reveal_item_in_dir",
        "plugin:notification|notify",
        "plugin:window-state|save_window_state",
        "plugin:event|emit",
        "plugin:event|emit_to",
        "plugin:window|close",
        "plugin:window|set_title",
        "plugin:webview|create_webview_window",
        "plugin:path|resolve_directory",
        "plugin:app|version",
        "plugin:shell|execute",
        "hidden_mode",
    ] {
        let arguments =
            json!({ "path": text, "url": "http://127.0.0.1/", "event": "core-state", "paths": [text] });
        let answer = stage.invoke(command, arguments).await;
        let refused = answer.as_ref().is_err_and(|why| {
            let why = why.as_str().unwrap_or_default();
            why.contains("not allowed") || why.contains("not found")
        });
        assert!(refused, "{command}: {answer:?}");
    }

    // Ids are ids.
    for id in ["../../../../etc/passwd", file.to_str().unwrap(), "", "0", "%2e%2e"] {
        for command in ["sound", "meeting", "deletion", "delete_meeting", "copy_transcript"] {
            let refused = stage.invoke(command, json!({ "id": id, "fromMs": 0 })).await.unwrap_err();
            assert_eq!(refused["code"], "not_found", "{command} {id}: {refused}");
        }
        let choice =
            json!({ "model": "whisper-base", "language": null, "translate": false, "vocabulary": [] });
        let versions = json!({ "id": id, "versionId": id, "left": id, "right": id, "choice": choice });
        for command in
            ["choice", "transcribe_again", "versions", "version_page", "compare_versions", "make_current"]
        {
            let refused = stage.invoke(command, versions.clone()).await.unwrap_err();
            assert_eq!(refused["code"], "not_found", "{command} {id}: {refused}");
        }
        // Names of models are no paths either.
        let refused = stage.invoke("remove_model", json!({ "id": id })).await.unwrap_err();
        assert_eq!(refused["code"], "not_found", "{id}: {refused}");
        stage.invoke("install_model", json!({ "id": id })).await.unwrap();
        stage.invoke("stop_install", json!({ "id": id })).await.unwrap();
        let choice = json!({ "model": id, "language": null, "translate": false, "vocabulary": [] });
        stage.invoke("set_defaults", json!({ "choice": choice })).await.unwrap_err();
        let refused = stage.invoke("show_export", json!({ "exportId": id })).await.unwrap_err();
        assert_eq!(refused["code"], "not_found");
        stage.invoke("forget_import", json!({ "id": id })).await.unwrap();
    }

    // What is no model is neither copied nor told of.
    for path in [&text, &file] {
        let refused = stage.invoke("import_models", json!({ "paths": [path] })).await.unwrap_err();
        assert!(!refused.to_string().contains(stage.documents().to_str().unwrap()), "{refused}");
        assert!(path.exists());
    }
    let kept: Vec<_> =
        fs::read_dir(stage.data().join("models")).into_iter().flatten().flatten().map(|e| e.path()).collect();
    assert!(kept.iter().all(|path| !path.to_string_lossy().contains("secret")), "{kept:?}");

    // Neither addresses of files, nor other sites, nor text as a program.
    let outside = format!("file://{}", text.display());
    for address in [
        outside.as_str(),
        "tauri://localhost/../../../etc/passwd",
        "http://127.0.0.1:1/",
        "https://example.com/",
    ] {
        let fetched = stage
            .page()
            .execute_async(
                "const done = arguments[1];
                 fetch(arguments[0]).then((r) => r.text()).then(done, () => done(null))",
                vec![address.into()],
            )
            .await
            .unwrap();
        let fetched = fetched.json().as_str().unwrap_or_default();
        // Tauri answers its own scheme with the page for whatever is not there.
        assert!(!fetched.contains("root:") && !fetched.contains("secret"), "{address}: {fetched}");
        assert!(address.starts_with("tauri:") || fetched.is_empty(), "{address}: {fetched}");
    }
    let eval = "const at = document.createElement('script');
        at.textContent = 'window.ran = true'; document.body.append(at);
        let evaluated = true; try { window.eval('1') } catch { evaluated = false }
        return [window.ran === true, evaluated]";
    assert_eq!(stage.script(eval, vec![]).await, json!([false, false]));
    assert_eq!(stage.script("location.href = 'https://example.com/'; return true", vec![]).await, true);
    stage.sees("Drop recordings here").await;
    stage.close().await;
}

#[tokio::test]
async fn sound_is_for_the_page_of_this_run_only() {
    let (mut ours, mut other) = (Stage::new(), Stage::new());
    let file = ours.documents().join("talk.wav");
    write_wav(&file, &speech(8));
    ours.open(&[file.to_str().unwrap()]).await;
    ours.sees("talk").await;
    let id = ours.cli(&["list"])[0]["id"].as_str().unwrap().to_owned();
    let address = ours.invoke("sound", json!({ "id": id })).await.unwrap().as_str().unwrap().to_owned();
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let (token, name) = path.split_once('/').unwrap();
    assert!(host.starts_with("127.0.0.1:") && token.len() == 64 && name == format!("{id}.wav"), "{address}");

    let ask = |head: &str| {
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "{head}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    };
    let status = |head: &str| String::from_utf8_lossy(&ask(head)[9..12]).into_owned();
    assert_eq!(status(&format!("GET /{path} HTTP/1.1\r\nHost: {host}")), "200");
    assert_eq!(
        status(&format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example")),
        "403"
    );
    assert_eq!(status(&format!("GET /{path} HTTP/1.1\r\nHost: evil.example")), "403");
    assert_eq!(status(&format!("GET /{}/{name} HTTP/1.1\r\nHost: {host}", "0".repeat(64))), "403");
    assert_eq!(status(&format!("GET /{token}/../../etc/passwd HTTP/1.1\r\nHost: {host}")), "404");
    assert_eq!(status(&format!("GET /{token}/{}.wav HTTP/1.1\r\nHost: {host}", uuid_of_nobody())), "404");

    // A range is the same bytes as in the whole.
    let body = |answer: Vec<u8>| {
        let at = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        answer[at + 4..].to_vec()
    };
    let whole = body(ask(&format!("GET /{path} HTTP/1.1\r\nHost: {host}")));
    assert_eq!(&whole[..4], b"RIFF");
    let part = ask(&format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nRange: bytes=100001-150000"));
    assert!(String::from_utf8_lossy(&part[..400]).contains(&format!("bytes 100001-150000/{}", whole.len())));
    assert!(body(part) == whole[100_001..150_001]);
    // The recording is a WAV at 16 kHz itself, so not a sample may differ.
    let original = fs::read(&file).unwrap();
    assert!(whole[44..] == original[44..], "{} bytes, {} recorded", whole.len(), original.len());

    // The page of another run: its policy lets it ask, the token does not let it have.
    other.open(&[]).await;
    other.sees("Drop recordings here").await;
    let stranger = address.replace(token, &"f".repeat(64));
    for (stage, address, wanted) in [(&other, &stranger, "error"), (&ours, &address, "loadedmetadata")] {
        let heard = stage
            .page()
            .execute_async(
                "const done = arguments[1]; const sound = new Audio();
                 for (const kind of ['loadedmetadata', 'error']) sound.addEventListener(kind, () => done(kind));
                 sound.src = arguments[0]; sound.load()",
                vec![Value::from(address.as_str())],
            )
            .await
            .unwrap();
        assert_eq!(heard.json(), wanted);
    }
    ours.close().await;
    other.close().await;
}

fn uuid_of_nobody() -> &'static str {
    "00000000-0000-7000-8000-000000000000"
}

//! The limits of a foreign script in the page: which commands, files and addresses it cannot reach.

use crate::test_app::TestApp;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use testing::{speech, write_wav};

#[tokio::test]
async fn a_script_in_the_page_reaches_neither_files_nor_other_commands() {
    let mut app = TestApp::new();
    let file = app.documents().join("secret.wav");
    write_wav(&file, &speech(6));
    let text = app.documents().join("secret.txt");
    fs::write(&text, "secret").unwrap();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;

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
        "run_hidden_command",
    ] {
        let arguments =
            json!({ "path": text, "url": "http://127.0.0.1/", "event": "core-state", "paths": [text] });
        let answer = app.invoke(command, arguments).await;
        let refused = answer.as_ref().is_err_and(|why| {
            let why = why.as_str().unwrap_or_default();
            why.contains("not allowed") || why.contains("not found")
        });
        assert!(refused, "{command}: {answer:?}");
    }

    // Commands that take an id accept nothing else.
    let export_options = app.invoke("export_defaults", json!({})).await.unwrap();
    for id in ["../../../../etc/passwd", file.to_str().unwrap(), "", "0", "%2e%2e"] {
        for command in [
            "sound",
            "meeting",
            "deletion",
            "note",
            "copy_transcript",
            "set_pinned",
            "summaries",
            "extract_summary",
        ] {
            let refused =
                app.invoke(command, json!({ "id": id, "fromMs": 0, "pinned": true, "request": { "markdown": false, "times": false } })).await.unwrap_err();
            assert_eq!(refused["code"], "not_found", "{command} {id}: {refused}");
        }
        let options =
            json!({ "model": "whisper-base", "language": null, "translate": false, "vocabulary": [] });
        let versions = json!({ "id": id, "versionId": id, "left": id, "right": id, "options": options });
        for command in [
            "transcription_options",
            "transcribe_again",
            "versions",
            "version_page",
            "compare_versions",
            "make_current",
        ] {
            let refused = app.invoke(command, versions.clone()).await.unwrap_err();
            assert_eq!(refused["code"], "not_found", "{command} {id}: {refused}");
        }
        let refused =
            app.invoke("save_note", json!({ "id": id, "text": "x", "revision": 0 })).await.unwrap_err();
        assert_eq!(refused["code"], "not_found", "save_note {id}: {refused}");
        let export =
            json!({ "id": id, "ids": [id], "format": "txt", "options": export_options, "zip": false });
        for command in ["export_meeting", "export_meetings", "preview_export"] {
            let refused = app.invoke(command, export.clone()).await.unwrap_err();
            assert_eq!(refused["code"], "not_found", "{command} {id}: {refused}");
        }
        let edit = json!({ "section": 0, "statement": 0, "text": "x", "revision": 1 });
        for command in ["edit_summary", "delete_summary"] {
            let refused = app.invoke(command, json!({ "summaryId": id, "edit": edit })).await.unwrap_err();
            assert_eq!(refused["code"], "not_found", "{command} {id}: {refused}");
        }
        let export = json!({ "exportId": id, "batchId": id });
        for command in [
            "export_job",
            "cancel_export",
            "show_export",
            "export_batch",
            "cancel_export_batch",
            "show_export_batch",
        ] {
            let refused = app.invoke(command, export.clone()).await.unwrap_err();
            assert_eq!(refused["code"], "not_found", "{command} {id}: {refused}");
        }
        // Commands for many meetings skip what is no id.
        let trashed = json!({ "change": { "kind": "trash" }, "ids": [id] });
        assert_eq!(app.invoke("organise", trashed).await.unwrap()["changed"], 0, "{id}");
        assert_eq!(app.invoke("delete_now", json!({ "ids": [id] })).await.unwrap(), 0, "{id}");
        // Ids of models are not accepted as paths either.
        let refused = app.invoke("remove_model", json!({ "id": id })).await.unwrap_err();
        assert_eq!(refused["code"], "not_found", "{id}: {refused}");
        app.invoke("install_model", json!({ "id": id })).await.unwrap();
        app.invoke("stop_install", json!({ "id": id })).await.unwrap();
        let options = json!({ "model": id, "language": null, "translate": false, "vocabulary": [] });
        app.invoke("set_defaults", json!({ "options": options })).await.unwrap_err();
        app.invoke("forget_import", json!({ "id": id })).await.unwrap();
    }

    // A certificate is named only after a dialog.
    for path in [&text, &file] {
        let address = json!({
            "host": "127.0.0.1", "port": 1, "database": "d", "user": "u", "tls": "verify-full", "root_certificate": path,
        });
        for command in ["test_database", "save_external_database"] {
            let arguments = json!({ "address": address, "password": "" });
            let refused = app.invoke(command, arguments).await.unwrap_err();
            assert_eq!(refused["code"], "not_offered", "{command}: {refused}");
        }
    }

    // A file that is not a model is not copied, and the error does not reveal its folder.
    for path in [&text, &file] {
        let refused = app.invoke("import_models", json!({ "paths": [path] })).await.unwrap_err();
        assert!(!refused.to_string().contains(app.documents().to_str().unwrap()), "{refused}");
        assert!(path.exists());
    }
    let copied: Vec<_> = fs::read_dir(app.data_folder().join("models"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect();
    assert!(copied.iter().all(|path| !path.to_string_lossy().contains("secret")), "{copied:?}");

    // The check of an exported file reads any file, but tells nothing about one that is no export.
    let checked = app.invoke("verify_dropped", json!({ "path": text })).await.unwrap();
    assert_eq!(checked["state"], "unknown", "{checked}");
    assert_eq!((&checked["title"], &checked["passages"]), (&json!(null), &json!([])), "{checked}");

    // The page can reach neither files nor other sites, and cannot evaluate text as a script.
    let outside = format!("file://{}", text.display());
    for address in [
        outside.as_str(),
        "tauri://localhost/../../../etc/passwd",
        "http://127.0.0.1:1/",
        "https://example.com/",
    ] {
        let fetched = app
            .page()
            .execute_async(
                "const done = arguments[1];
                 fetch(arguments[0]).then((r) => r.text()).then(done, () => done(null))",
                vec![address.into()],
            )
            .await
            .unwrap();
        let fetched = fetched.json().as_str().unwrap_or_default();
        // For its own scheme Tauri answers with the page if the address does not exist.
        assert!(!fetched.contains("root:") && !fetched.contains("secret"), "{address}: {fetched}");
        assert!(address.starts_with("tauri:") || fetched.is_empty(), "{address}: {fetched}");
    }
    let eval = "const at = document.createElement('script');
        at.textContent = 'window.ran = true'; document.body.append(at);
        let evaluated = true; try { window.eval('1') } catch { evaluated = false }
        return [window.ran === true, evaluated]";
    assert_eq!(app.run_script(eval, vec![]).await, json!([false, false]));
    assert_eq!(app.run_script("location.href = 'https://example.com/'; return true", vec![]).await, true);
    app.wait_for_text("Drop recordings here").await;
    app.close().await;
}

#[tokio::test]
async fn audio_is_served_only_to_the_page_of_the_same_run() {
    let (mut ours, mut other) = (TestApp::new(), TestApp::new());
    let file = ours.documents().join("talk.wav");
    write_wav(&file, &speech(8));
    ours.open(&[file.to_str().unwrap()]).await;
    ours.wait_for_text("talk").await;
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
    assert_eq!(status(&format!("GET /{token}/{}.wav HTTP/1.1\r\nHost: {host}", unknown_id())), "404");

    // A range has the same bytes as the whole file.
    let body = |answer: Vec<u8>| {
        let at = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        answer[at + 4..].to_vec()
    };
    let whole = body(ask(&format!("GET /{path} HTTP/1.1\r\nHost: {host}")));
    assert_eq!(&whole[..4], b"RIFF");
    let part = ask(&format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nRange: bytes=100001-150000"));
    assert!(String::from_utf8_lossy(&part[..400]).contains(&format!("bytes 100001-150000/{}", whole.len())));
    assert!(body(part) == whole[100_001..150_001]);
    // The recording is itself a WAV file at 16 kHz, so no sample may differ.
    let original = fs::read(&file).unwrap();
    assert!(whole[44..] == original[44..], "{} bytes, {} recorded", whole.len(), original.len());

    // The page of another run may send requests by its content security policy, but has no valid token.
    other.open(&[]).await;
    other.wait_for_text("Drop recordings here").await;
    let foreign = address.replace(token, &"f".repeat(64));
    for (app, address, expected) in [(&other, &foreign, "error"), (&ours, &address, "loadedmetadata")] {
        let event = app
            .page()
            .execute_async(
                "const done = arguments[1]; const sound = new Audio();
                 for (const kind of ['loadedmetadata', 'error']) sound.addEventListener(kind, () => done(kind));
                 sound.src = arguments[0]; sound.load()",
                vec![Value::from(address.as_str())],
            )
            .await
            .unwrap();
        assert_eq!(event.json(), expected);
    }
    ours.close().await;
    other.close().await;
}

fn unknown_id() -> &'static str {
    "00000000-0000-7000-8000-000000000000"
}

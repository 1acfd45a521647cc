//! Checks the accessibility of every screen in every state. The page runs in WebKit on the in-memory client, because
//! many states are hard to reach in the real program. With `MEETMEMO_PICTURES=DIR` it saves screenshots in three sizes.

use crate::test_app::{DEADLINE, Helper, TestApp, free_port};
use serde_json::json;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

#[tokio::test]
async fn every_state_is_accessible_in_light_and_dark() {
    let port = free_port();
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
    let built = tempfile::tempdir().unwrap();
    let vite = |words: &[&str]| {
        let mut vite = Command::new("npx");
        vite.arg("vite").args(words).arg("--outDir").arg(built.path()).current_dir(&ui);
        vite.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        vite
    };
    let done = vite(&["build", "--mode", "states", "--emptyOutDir"]).status();
    assert!(
        done.expect("set-up installs Node.js packages").success(),
        "the page of states could not be built"
    );
    let serve = ["preview", "--host", "127.0.0.1", "--strictPort", "--port", &port.to_string()];
    let _server = Helper::spawn(vite(&serve));
    let mut app = TestApp::new();
    app.open_browser().await;
    let list = format!("http://127.0.0.1:{port}/dev.html");
    let end = std::time::Instant::now() + DEADLINE;
    // If no server answers, WebKit shows an error page and reports success.
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(std::time::Instant::now() < end, "the server of the page does not answer");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    app.page().goto(&list).await.unwrap();
    app.element("a[href^='#']").await;
    let names = "return [...document.querySelectorAll(\"a[href^='#']\")].map((a) => a.getAttribute('href').slice(1)).filter((name) => !name.includes('&'))";
    let names = app.run_script(names, vec![]).await;
    let names: Vec<&str> = names.as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    assert!(names.len() > 15, "{names:?}");
    // To look at some of them: those whose names begin so.
    let wanted = std::env::var("MEETMEMO_TEST_STATES").unwrap_or_default();
    let names: Vec<&str> = names.into_iter().filter(|name| name.starts_with(&wanted)).collect();
    // To continue after a failure.
    let first = std::env::var("MEETMEMO_TEST_FIRST_STATE").unwrap_or_default();
    let skipped = names.iter().position(|name| *name == first).unwrap_or(0);

    let take_screenshots = std::env::var_os("MEETMEMO_PICTURES").is_some();
    let mut violations = Vec::new();
    for name in &names[skipped..] {
        // The address must change by more than its hash, or the page would not be loaded again.
        app.page().goto(format!("{list}?{name}#{name}&theme=light")).await.unwrap();
        let performed = "return document.documentElement.dataset.performed === 'true'";
        app.wait_until(&format!("the scene {name} is complete"), async || {
            app.run_script(performed, vec![]).await == json!(true)
        })
        .await;
        for theme in ["light", "dark"] {
            if theme == "dark" {
                // As the setting does: the same state in other colours. Loading it again would take as long again.
                app.run_script("document.documentElement.dataset.theme = 'dark'", vec![]).await;
            }
            let themed = "return document.documentElement.dataset.theme ?? ''";
            assert_eq!(app.run_script(themed, vec![]).await, json!(theme));
            let found = match theme {
                "light" => app.accessibility_violations().await,
                _ => app.contrast_violations().await,
            };
            for violation in found {
                violations.push(format!("{name}, {theme}: {violation}"));
            }
            if take_screenshots {
                for (width, height) in [(900, 600), (1280, 800), (2560, 1440)] {
                    app.page().set_window_rect(0, 0, width, height).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    app.screenshot_of(&format!("{name}-{theme}-{width}"), (width, height));
                }
                app.page().set_window_rect(0, 0, 1280, 800).await.unwrap();
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    app.close().await;
}

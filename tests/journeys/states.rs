//! Every screen and state, in the engine that shows the window, on the in-memory client: what is hard to bring about in
//! the real program is looked at here. With `MEETMEMO_PICTURES=DIR` a picture of each is kept, in three sizes.

use crate::stage::{DEADLINE, Helper, Stage, free_port};
use serde_json::json;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

#[tokio::test]
async fn every_state_is_there_for_everyone_in_light_and_dark() {
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
    let _server = Helper::of(vite(&serve));
    let mut stage = Stage::new();
    stage.browse_states().await;
    let list = format!("http://127.0.0.1:{port}/dev.html");
    let end = std::time::Instant::now() + DEADLINE;
    // WebKit shows a page of its own where nobody answers, and calls that a success.
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(std::time::Instant::now() < end, "nobody serves the page");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stage.page().goto(&list).await.unwrap();
    stage.element("a[href^='#']").await;
    let names = "return [...document.querySelectorAll(\"a[href^='#']\")].map((a) => a.getAttribute('href').slice(1)).filter((name) => !name.includes('&'))";
    let names = stage.script(names, vec![]).await;
    let names: Vec<&str> = names.as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    assert!(names.len() > 15, "{names:?}");

    let keep = std::env::var_os("MEETMEMO_PICTURES").is_some();
    let mut complaints = Vec::new();
    for name in names {
        for theme in ["light", "dark"] {
            // Another address than before, or only the hash changes and nothing is loaded.
            stage.page().goto(format!("{list}?{theme}-{name}#{name}&theme={theme}")).await.unwrap();
            let themed = "return document.documentElement.dataset.theme ?? ''";
            stage.until("the theme is on", async || stage.script(themed, vec![]).await == json!(theme)).await;
            let performed = "return document.documentElement.dataset.performed === 'true'";
            stage
                .until("the scene is over", async || stage.script(performed, vec![]).await == json!(true))
                .await;
            // What fades in does so within 0.2 s.
            tokio::time::sleep(Duration::from_millis(300)).await;
            let complained = match theme {
                "light" => stage.complaints().await,
                _ => stage.complaints_of_colours().await,
            };
            for complaint in complained {
                complaints.push(format!("{name}, {theme}: {complaint}"));
            }
            if keep {
                for (width, height) in [(900, 600), (1280, 800), (2560, 1440)] {
                    stage.page().set_window_rect(0, 0, width, height).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    stage.picture_of(&format!("{name}-{theme}-{width}"), (width, height));
                }
                stage.page().set_window_rect(0, 0, 1280, 800).await.unwrap();
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    stage.close().await;
}

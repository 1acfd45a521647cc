//! The real window on a screen of its own: Xvfb, WebKit's driver, and hands for what is outside the page.

use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use testing::{made, program, resources};
use thirtyfour::error::WebDriverResult;
use thirtyfour::prelude::*;

/// Ten times what the slowest machine has needed for any one step.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(100);

/// A process that ends with the test, and what it started.
pub(crate) struct Helper(Child);

impl Helper {
    pub(crate) fn of(mut command: Command) -> Self {
        Self(command.process_group(0).spawn().unwrap())
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        testing::kill(-i32::try_from(self.0.id()).unwrap());
        let _ = self.0.wait();
    }
}

/// A screen without a window manager, its size in pixels.
pub(crate) struct Screen {
    _server: Helper,
    pub(crate) name: String,
}

impl Screen {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let size = format!("{width}x{height}x24");
        let mut server = program("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", &size])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { _server: Helper(server), name: format!(":{}", number.trim()) }
    }

    /// `xdotool` with these words; fails if it does.
    pub(crate) fn hands(&self, words: &[&str]) -> String {
        let output = program("xdotool").args(words).env("DISPLAY", &self.name).output().unwrap();
        let problem = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "xdotool {words:?}: {problem}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits for a window with this title, and gives it the keys.
    pub(crate) fn to_window(&self, title: &str) {
        let end = Instant::now() + DEADLINE;
        let find = || {
            let search = ["search", "--onlyvisible", "--name", title];
            let found = program("xdotool").args(search).env("DISPLAY", &self.name).output().unwrap();
            String::from_utf8(found.stdout).unwrap().lines().last().map(str::to_owned)
        };
        let window = loop {
            match find() {
                Some(window) => break window,
                None => assert!(Instant::now() < end, "there is no window “{title}”"),
            }
            std::thread::sleep(LOOK);
        };
        self.hands(&["windowfocus", "--sync", &window]);
    }
}

/// The window of a data folder of its own.
pub(crate) struct Stage {
    // Ends first: the window, then what it stands on.
    page: Option<WebDriver>,
    driver: Option<Helper>,
    pub(crate) screen: Screen,
    home: TempDir,
    variables: Vec<(&'static str, OsString)>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A test that failed: ending the session would wait for a driver that is ended here.
        std::mem::forget(self.page.take());
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.data().join("logs/meetmemo.log")).unwrap_or_default();
            println!("the end of the log:");
            log.lines().rev().take(40).collect::<Vec<_>>().iter().rev().for_each(|line| println!("{line}"));
        }
        self.driver.take();
        for pid in testing::processes_of(self.data().to_str().unwrap()) {
            testing::kill(pid);
        }
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        let home = tempfile::Builder::new().prefix("meet memo ü ").tempdir().unwrap();
        for folder in ["data", "config", "runtime", "Documents"] {
            std::fs::create_dir(home.path().join(folder)).unwrap();
        }
        Self { page: None, driver: None, screen: Screen::new(2560, 1440), home, variables: Vec::new() }
    }

    /// What is started from now on has this variable.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.variables.push((name, value.into()));
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// A place of the user's, outside the data folder.
    pub(crate) fn documents(&self) -> PathBuf {
        self.home.path().join("Documents")
    }

    /// Whether this file is in the user's configuration.
    pub(crate) fn kept(&self, name: &str) -> bool {
        self.home.path().join("config").join(name).exists()
    }

    fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("DISPLAY", &self.screen.name)
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path().join("config"))
            .env("XDG_RUNTIME_DIR", self.home.path().join("runtime"))
            .env("MEETMEMO_RESOURCES", resources())
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("MEETMEMO_DATA_DIR")
            .env_remove("MEETMEMO_DATABASE_URL")
            .env_remove("DATABASE_URL")
            .env_remove("MEETMEMO_MODEL_MIRROR")
            .env_remove("MEETMEMO_MODEL_CATALOGUE")
            // Servers of tests are on this computer.
            .env("NO_PROXY", "127.0.0.1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
    }

    /// Opens the window, with these arguments.
    pub(crate) async fn open(&mut self, arguments: &[&str]) {
        let data = self.data();
        let arguments = [&["--data-dir", data.to_str().unwrap()], arguments].concat();
        let window = serde_json::json!({
            "application": env!("CARGO_BIN_EXE_meetmemo-desktop"),
            "args": arguments,
        });
        self.browse(serde_json::json!({ "tauri:options": window })).await;
    }

    /// Opens another program with a window, with the data folder as its argument.
    pub(crate) async fn open_other(&mut self, program: &Path) {
        let window = serde_json::json!({ "application": program, "args": [self.data()] });
        self.browse(serde_json::json!({ "tauri:options": window })).await;
    }

    /// Opens an empty page of the engine that shows the window, without the program behind it.
    pub(crate) async fn browse_states(&mut self) {
        let browser = mini_browser();
        let options = serde_json::json!({ "binary": browser, "args": ["--automation"] });
        let port = free_port();
        let mut driver = program("WebKitWebDriver");
        driver.args(["--host=127.0.0.1", &format!("--port={port}")]);
        self.begin(driver, &[port], serde_json::json!({ "webkitgtk:browserOptions": options })).await;
    }

    async fn browse(&mut self, capabilities: Value) {
        let (port, native) = (free_port(), free_port());
        let mut driver = Command::new(tauri_driver());
        driver.args(["--port", &port.to_string(), "--native-port", &native.to_string()]);
        self.begin(driver, &[port, native], capabilities).await;
    }

    /// Starts a driver and, once all its ports answer, a session at the first of them with what these capabilities name.
    async fn begin(&mut self, mut driver: Command, ports: &[u16], capabilities: Value) {
        let driver = self
            .environment(&mut driver)
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let driver =
            driver.unwrap_or_else(|error| panic!("no driver: {error}; `cargo xtask test` provides it"));
        self.driver = Some(Helper(driver));
        let mut wanted = Capabilities::default();
        for (name, value) in capabilities.as_object().unwrap() {
            wanted.set(name.clone(), value.clone()).unwrap();
        }
        let end = Instant::now() + DEADLINE;
        // A session that is asked for too early is lost: the driver has one and does not say which.
        while ports.iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
            assert!(Instant::now() < end, "the driver does not listen");
            tokio::time::sleep(LOOK).await;
        }
        let page = WebDriver::new(&format!("http://127.0.0.1:{}", ports[0]), wanted).await.unwrap();
        page.set_script_timeout(DEADLINE).await.unwrap();
        self.page = Some(page);
    }

    /// Ends the session, and the window with it.
    pub(crate) async fn close(&mut self) {
        if let Some(page) = self.page.take() {
            let _ = page.quit().await;
        }
        self.driver.take();
    }

    /// Ends the window's program at once, as a power cut would; all that it started goes its own way.
    pub(crate) fn crash(&mut self) {
        // Its session ends with the driver.
        std::mem::forget(self.page.take());
        let program = env!("CARGO_BIN_EXE_meetmemo-desktop").as_bytes();
        let data = self.data();
        let mut windows = testing::processes_of(data.to_str().unwrap());
        windows.retain(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = line.split(|byte| *byte == 0);
            words.next() == Some(program) && words.next() == Some(b"--data-dir")
        });
        assert_eq!(windows.len(), 1, "one window");
        testing::kill(windows[0]);
        self.driver.take();
    }

    pub(crate) fn page(&self) -> &WebDriver {
        self.page.as_ref().expect("the window is open")
    }

    /// The command line over the same data folder; its JSON.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Value {
        let program = Path::new(env!("CARGO_BIN_EXE_meetmemo-desktop")).with_file_name("meetmemo");
        let mut command = Command::new(program);
        command.arg("--json").arg("--data-dir").arg(self.data()).args(arguments);
        let output = self.environment(&mut command).output().expect("`meetmemo` is built beside the window");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Another start of the window's program; its exit code.
    pub(crate) fn start_again(&self, arguments: &[&str]) -> i32 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meetmemo-desktop"));
        command.arg("--data-dir").arg(self.data()).args(arguments);
        self.environment(&mut command).status().unwrap().code().unwrap_or(-1)
    }

    /// Another program on the same screen.
    pub(crate) fn beside(&self, program: &Path, arguments: &[&str]) -> Helper {
        let mut command = Command::new(program);
        let child = self
            .environment(&mut command)
            .args(arguments)
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut helper = Helper(child);
        let mut ready = [0; 5];
        helper.0.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
        helper
    }

    /// Answers a file dialog with this path. It is pasted: GTK completes what is typed, sometimes into something else.
    pub(crate) async fn answer_dialog(&self, title: &str, path: &Path) {
        self.invoke("copy_text", serde_json::json!({ "text": path })).await.unwrap();
        self.screen.to_window(title);
        // The dialog is there before it takes keys.
        tokio::time::sleep(Duration::from_millis(700)).await;
        for key in ["ctrl+l", "ctrl+a", "ctrl+v", "Return"] {
            self.screen.hands(&["key", key]);
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    // The page

    /// Runs a script in the page.
    pub(crate) async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.page().execute(script, arguments).await.unwrap().json().clone()
    }

    /// The answer of a command of the shell, or what it failed with.
    pub(crate) async fn invoke(&self, command: &str, arguments: Value) -> Result<Value, Value> {
        let script = "const done = arguments[2];
            window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1])
                .then((ok) => done({ ok: ok ?? null }), (failed) => done({ failed }))";
        let answer = self.page().execute_async(script, vec![command.into(), arguments]).await.unwrap();
        let answer = answer.json();
        match answer.get("ok") {
            Some(ok) => Ok(ok.clone()),
            None => Err(answer["failed"].clone()),
        }
    }

    /// All text that is shown.
    pub(crate) async fn text(&self) -> String {
        self.script("return document.body.innerText", vec![]).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page shows this text.
    pub(crate) async fn sees(&self, text: &str) {
        self.until(&format!("“{text}” is shown"), async || self.text().await.contains(text)).await;
    }

    /// Waits until the page does not show this text.
    pub(crate) async fn sees_no(&self, text: &str) {
        self.until(&format!("“{text}” is gone"), async || !self.text().await.contains(text)).await;
    }

    /// Waits for a condition.
    pub(crate) async fn until(&self, what: &str, condition: impl AsyncFn() -> bool) {
        println!("{:?} waiting until {what}", Instant::now());
        let end = Instant::now() + DEADLINE;
        while !condition().await {
            if Instant::now() > end {
                let text = self.text().await;
                self.picture("failed").await;
                panic!("this did not come about: {what}; the page shows:\n{text}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The button, menu item or link of this name, as soon as it is there.
    pub(crate) async fn named(&self, name: &str) -> WebElement {
        assert!(!name.contains('"'));
        let path = format!(
            "//*[self::button or self::a or @role='menuitem' or @role='option' or @role='button'][normalize-space(.)=\"{name}\" or normalize-space(.//span)=\"{name}\" or @aria-label=\"{name}\"]"
        );
        let found = self.page().query(By::XPath(path)).wait(DEADLINE, LOOK).and_displayed().first().await;
        match found {
            Ok(element) => element,
            Err(_) => {
                self.picture("failed").await;
                panic!("there is no “{name}”; the page shows:\n{}", self.text().await)
            }
        }
    }

    /// Clicks on what has this name. What is drawn anew meanwhile is found once more.
    pub(crate) async fn click(&self, name: &str) {
        for _ in 0..5 {
            let clicked: WebDriverResult<()> = self.named(name).await.click().await;
            if clicked.is_ok() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        self.picture("failed").await;
        panic!("“{name}” cannot be clicked");
    }

    /// The element of a CSS selector, as soon as it is there.
    pub(crate) async fn element(&self, selector: &str) -> WebElement {
        let found = self.page().query(By::Css(selector)).wait(DEADLINE, LOOK).first().await;
        found.unwrap_or_else(|error| panic!("there is no {selector}: {error}"))
    }

    /// A picture of the screen in the folder that `MEETMEMO_PICTURES` names, if it names one. Taken from the screen,
    /// because WebKit's driver waits for a frame that a page at rest does not draw.
    pub(crate) async fn picture(&self, name: &str) {
        self.picture_of(name, (1280, 800));
    }

    /// The same of this much of the screen, in pixels from its corner.
    pub(crate) fn picture_of(&self, name: &str, (width, height): (u32, u32)) {
        let Some(folder) = std::env::var_os("MEETMEMO_PICTURES") else { return };
        std::fs::create_dir_all(&folder).unwrap();
        let taken = program("ffmpeg")
            .args(["-y", "-loglevel", "error", "-f", "x11grab", "-video_size", &format!("{width}x{height}")])
            .args(["-i", &self.screen.name, "-frames:v", "1"])
            .arg(Path::new(&folder).join(format!("{name}.png")))
            .stdin(Stdio::null())
            .status();
        assert!(taken.is_ok_and(|status| status.success()), "no picture could be taken");
    }

    /// What axe-core finds wrong with what is shown.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        self.complaints_of("{ resultTypes: ['violations'] }").await
    }

    /// The same of colours alone: what else axe looks at does not depend on the theme.
    pub(crate) async fn complaints_of_colours(&self) -> Vec<String> {
        self.complaints_of(
            "{ resultTypes: ['violations'], runOnly: ['color-contrast', 'link-in-text-block'] }",
        )
        .await
    }

    /// Runs axe with these options, JavaScript.
    async fn complaints_of(&self, options: &str) -> Vec<String> {
        let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(made(axe)).unwrap();
        self.script(&axe, vec![]).await;
        let run = format!(
            "const done = arguments[0];
            axe.run(document, {options}).then(
                (found) => done(found.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' | '))),
                (error) => done(['axe failed: ' + error]))"
        );
        let found = self.page().execute_async(&run, vec![]).await.unwrap();
        found.json().as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect()
    }
}

/// WebKit's own small browser, which comes with the library.
fn mini_browser() -> PathBuf {
    let architecture = std::env::consts::ARCH;
    made(Path::new("/usr/lib").join(format!("{architecture}-linux-gnu/webkit2gtk-4.1/MiniBrowser")))
}

fn tauri_driver() -> PathBuf {
    std::env::var_os("MEETMEMO_TEST_TAURI_DRIVER").map_or_else(|| "tauri-driver".into(), PathBuf::from)
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

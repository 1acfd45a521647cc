//! Runs the real program for a test: its window on a virtual screen (Xvfb) with a data folder of its own, the page
//! driven through WebDriver, and system dialogs driven by mouse and keyboard (xdotool).

use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use testing::{program, required_path, resources};
use thirtyfour::error::WebDriverResult;
use thirtyfour::prelude::*;

/// Longest wait for any step: ten times what the slowest machine has needed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A process that is killed when the test ends, together with its descendants.
pub(crate) struct Helper(Child);

impl Helper {
    pub(crate) fn spawn(mut command: Command) -> Self {
        Self(command.process_group(0).spawn().unwrap())
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        testing::kill_group(self.0.id().cast_signed());
        let _ = self.0.wait();
    }
}

/// A virtual screen without a window manager.
pub(crate) struct Screen {
    _server: Helper,
    /// The X display, such as `:1`.
    pub(crate) name: String,
}

impl Screen {
    /// Starts a screen of this size in pixels.
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

    /// Runs `xdotool` with these arguments and returns its output.
    pub(crate) fn xdotool(&self, arguments: &[&str]) -> String {
        let output = program("xdotool").args(arguments).env("DISPLAY", &self.name).output().unwrap();
        let problem = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "xdotool {arguments:?}: {problem}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits for a window with this title and gives it the keyboard focus.
    pub(crate) fn focus_window(&self, title: &str) {
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
            std::thread::sleep(POLL_INTERVAL);
        };
        self.xdotool(&["windowfocus", "--sync", &window]);
    }
}

/// The program with its window, on a screen and with a data folder of its own.
pub(crate) struct TestApp {
    // Fields are dropped in this order: the window first, then what it depends on.
    page: Option<WebDriver>,
    driver: Option<Helper>,
    pub(crate) screen: Screen,
    /// The home folder of the program; it holds the data folder.
    home: TempDir,
    /// Additional environment variables.
    variables: Vec<(&'static str, OsString)>,
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // After a failed test, ending the session would wait for the driver, which is killed below.
        std::mem::forget(self.page.take());
        if std::thread::panicking() {
            let log =
                std::fs::read_to_string(self.data_folder().join("logs/meetmemo.log")).unwrap_or_default();
            println!("the last lines of the log:");
            log.lines().rev().take(40).collect::<Vec<_>>().iter().rev().for_each(|line| println!("{line}"));
        }
        self.driver.take();
        for pid in testing::processes_of(self.data_folder().to_str().unwrap()) {
            testing::kill(pid);
        }
    }
}

impl TestApp {
    pub(crate) fn new() -> Self {
        let home = tempfile::Builder::new().prefix("meet memo ü ").tempdir().unwrap();
        for folder in ["data", "config", "runtime", "Documents"] {
            std::fs::create_dir(home.path().join(folder)).unwrap();
        }
        Self { page: None, driver: None, screen: Screen::new(2560, 1440), home, variables: Vec::new() }
    }

    /// Sets an environment variable for all programs started from now on.
    pub(crate) fn set_env(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.variables.push((name, value.into()));
    }

    pub(crate) fn data_folder(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// The user's documents folder, outside of the data folder.
    pub(crate) fn documents(&self) -> PathBuf {
        self.home.path().join("Documents")
    }

    /// Whether this file exists in the user's configuration folder.
    pub(crate) fn config_file_exists(&self, name: &str) -> bool {
        self.home.path().join("config").join(name).exists()
    }

    /// Sets the environment of a command: home, screen and resources of the test, and no settings of the machine.
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
            // The servers of tests run on this computer.
            .env("NO_PROXY", "127.0.0.1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
    }

    /// Starts the program with these arguments and waits for its window.
    pub(crate) async fn open(&mut self, arguments: &[&str]) {
        let data = self.data_folder();
        let arguments = [&["--data-dir", data.to_str().unwrap()], arguments].concat();
        let window = serde_json::json!({
            "application": env!("CARGO_BIN_EXE_meetmemo-desktop"),
            "args": arguments,
        });
        self.start_session(serde_json::json!({ "tauri:options": window })).await;
    }

    /// Starts another Tauri program, with the data folder as its argument.
    pub(crate) async fn open_program(&mut self, program: &Path) {
        let window = serde_json::json!({ "application": program, "args": [self.data_folder()] });
        self.start_session(serde_json::json!({ "tauri:options": window })).await;
    }

    /// Opens an empty page in WebKit's own browser, which uses the same engine, without the program.
    pub(crate) async fn open_browser(&mut self) {
        let browser = mini_browser();
        let options = serde_json::json!({ "binary": browser, "args": ["--automation"] });
        let port = free_port();
        let mut driver = program("WebKitWebDriver");
        driver.args(["--host=127.0.0.1", &format!("--port={port}")]);
        self.start_driver(driver, &[port], serde_json::json!({ "webkitgtk:browserOptions": options })).await;
    }

    /// Starts Tauri's driver and a session with these capabilities.
    async fn start_session(&mut self, capabilities: Value) {
        let (port, native) = (free_port(), free_port());
        let mut driver = Command::new(tauri_driver());
        driver.args(["--port", &port.to_string(), "--native-port", &native.to_string()]);
        self.start_driver(driver, &[port, native], capabilities).await;
    }

    /// Starts a driver and, once all its ports accept connections, a session on the first port.
    async fn start_driver(&mut self, mut driver: Command, ports: &[u16], capabilities: Value) {
        let driver = self
            .environment(&mut driver)
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let driver = driver.unwrap_or_else(|error| {
            panic!("the driver did not start: {error}; `cargo xtask test` provides it")
        });
        self.driver = Some(Helper(driver));
        let mut wanted = Capabilities::default();
        for (name, value) in capabilities.as_object().unwrap() {
            wanted.set(name.clone(), value.clone()).unwrap();
        }
        let end = Instant::now() + DEADLINE;
        // A session requested too early is lost: the driver creates it but does not return its id.
        while ports.iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
            assert!(Instant::now() < end, "the driver does not listen");
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        let page = WebDriver::new(&format!("http://127.0.0.1:{}", ports[0]), wanted).await.unwrap();
        page.set_script_timeout(DEADLINE).await.unwrap();
        self.page = Some(page);
    }

    /// Ends the session, which closes the window.
    pub(crate) async fn close(&mut self) {
        if let Some(page) = self.page.take() {
            let _ = page.quit().await;
        }
        self.driver.take();
    }

    /// Kills the program of the window, as a power cut would. The processes it started are left running.
    pub(crate) fn kill_program(&mut self) {
        // The session ends with the driver.
        std::mem::forget(self.page.take());
        let program = env!("CARGO_BIN_EXE_meetmemo-desktop").as_bytes();
        let data = self.data_folder();
        let mut windows = testing::processes_of(data.to_str().unwrap());
        windows.retain(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = line.split(|byte| *byte == 0);
            words.next() == Some(program) && words.next() == Some(b"--data-dir")
        });
        assert_eq!(windows.len(), 1, "there must be one window");
        testing::kill(windows[0]);
        self.driver.take();
    }

    /// The session of the open window.
    pub(crate) fn page(&self) -> &WebDriver {
        self.page.as_ref().expect("the window is open")
    }

    /// Waits until no process of the data folder runs.
    pub(crate) fn wait_until_nothing_runs(&self) {
        let end = Instant::now() + DEADLINE;
        while !testing::processes_of(self.data_folder().to_str().unwrap()).is_empty() {
            assert!(Instant::now() < end, "a process is still running");
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Runs the command line with the same data folder and returns its JSON output.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Value {
        let program = Path::new(env!("CARGO_BIN_EXE_meetmemo-desktop")).with_file_name("meetmemo");
        let mut command = Command::new(program);
        command.arg("--json").arg("--data-dir").arg(self.data_folder()).args(arguments);
        let output = self.environment(&mut command).output().expect("`meetmemo` is built beside the window");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Starts the command line with the same data folder.
    pub(crate) fn start_command(&self, arguments: &[&str]) -> Helper {
        let program = Path::new(env!("CARGO_BIN_EXE_meetmemo-desktop")).with_file_name("meetmemo");
        let mut command = Command::new(program);
        command.arg("--data-dir").arg(self.data_folder()).args(arguments);
        self.environment(&mut command).stdout(Stdio::null()).stderr(Stdio::null());
        Helper::spawn(command)
    }

    /// Starts the program once more with the same data folder and returns its exit code.
    pub(crate) fn start_second(&self, arguments: &[&str]) -> i32 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meetmemo-desktop"));
        command.arg("--data-dir").arg(self.data_folder()).args(arguments);
        self.environment(&mut command).status().unwrap().code().unwrap_or(-1)
    }

    /// Starts another program on the same screen and waits until it prints `ready`.
    pub(crate) fn start_beside(&self, program: &Path, arguments: &[&str]) -> Helper {
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

    /// Enters this path in a file dialog. The path is pasted, because GTK may autocomplete typed text to another path.
    pub(crate) async fn answer_dialog(&self, title: &str, path: &Path) {
        self.invoke("copy_text", serde_json::json!({ "text": path })).await.unwrap();
        self.screen.focus_window(title);
        // The dialog is visible before it accepts keys.
        tokio::time::sleep(Duration::from_millis(700)).await;
        for key in ["ctrl+l", "ctrl+a", "ctrl+v", "Return"] {
            self.screen.xdotool(&["key", key]);
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    /// Enters this path in a folder dialog. There the first Return may only complete the path.
    pub(crate) async fn answer_folder_dialog(&self, title: &str, path: &Path) {
        self.answer_dialog(title, path).await;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let search = ["search", "--onlyvisible", "--name", title];
            let found = program("xdotool").args(search).env("DISPLAY", &self.screen.name).output().unwrap();
            if found.stdout.is_empty() {
                return;
            }
            self.screen.xdotool(&["key", "Return"]);
        }
        self.screenshot_of("failed", (2560, 1440));
        panic!("the dialog “{title}” stays open");
    }

    // The page

    /// Runs a script in the page and returns its result.
    pub(crate) async fn run_script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.page().execute(script, arguments).await.unwrap().json().clone()
    }

    /// Calls a command of the shell from the page. Returns its result, or its error in `Err`.
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

    /// All visible text of the page.
    pub(crate) async fn page_text(&self) -> String {
        self.run_script("return document.body.innerText", vec![])
            .await
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Waits until the page shows this text.
    pub(crate) async fn wait_for_text(&self, text: &str) {
        self.wait_until(&format!("“{text}” is shown"), async || self.page_text().await.contains(text)).await;
    }

    /// Waits until the page no longer shows this text.
    pub(crate) async fn wait_for_text_gone(&self, text: &str) {
        self.wait_until(&format!("“{text}” is gone"), async || !self.page_text().await.contains(text)).await;
    }

    /// Waits until `condition` holds; `what` describes it. Fails with a screenshot after [`DEADLINE`].
    pub(crate) async fn wait_until(&self, what: &str, condition: impl AsyncFn() -> bool) {
        println!("{:?} waiting until {what}", Instant::now());
        let end = Instant::now() + DEADLINE;
        while !condition().await {
            if Instant::now() > end {
                let text = self.page_text().await;
                self.screenshot("failed").await;
                panic!("waited in vain until {what}; the page shows:\n{text}");
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits for a visible button, menu item, option or link with this name.
    pub(crate) async fn element_named(&self, name: &str) -> WebElement {
        assert!(!name.contains('"'));
        let path = format!(
            "//*[self::button or self::a or @role='menuitem' or @role='option' or @role='button'][normalize-space(.)=\"{name}\" or normalize-space(.//span)=\"{name}\" or @aria-label=\"{name}\"]"
        );
        let found =
            self.page().query(By::XPath(path)).wait(DEADLINE, POLL_INTERVAL).and_displayed().first().await;
        match found {
            Ok(element) => element,
            Err(_) => {
                self.screenshot("failed").await;
                panic!("there is no “{name}”; the page shows:\n{}", self.page_text().await)
            }
        }
    }

    /// Clicks the element with this name. Retries if the page redraws it meanwhile.
    pub(crate) async fn click(&self, name: &str) {
        for _ in 0..5 {
            let clicked: WebDriverResult<()> = self.element_named(name).await.click().await;
            if clicked.is_ok() {
                return;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        self.screenshot("failed").await;
        panic!("“{name}” cannot be clicked");
    }

    /// Waits for an element that matches a CSS selector.
    pub(crate) async fn element(&self, selector: &str) -> WebElement {
        let found = self.page().query(By::Css(selector)).wait(DEADLINE, POLL_INTERVAL).first().await;
        found.unwrap_or_else(|error| panic!("there is no {selector}: {error}"))
    }

    /// Takes a screenshot if `MEETMEMO_PICTURES` names a folder for it. The picture is taken from the screen, because
    /// WebKit's driver waits for a frame, and an idle page draws none.
    pub(crate) async fn screenshot(&self, name: &str) {
        self.screenshot_of(name, (1280, 800));
    }

    /// Like [`Self::screenshot`], of the top left part of the screen with this size in pixels.
    pub(crate) fn screenshot_of(&self, name: &str, (width, height): (u32, u32)) {
        let Some(folder) = std::env::var_os("MEETMEMO_PICTURES") else { return };
        std::fs::create_dir_all(&folder).unwrap();
        let taken = program("ffmpeg")
            .args(["-y", "-loglevel", "error", "-f", "x11grab", "-video_size", &format!("{width}x{height}")])
            .args(["-i", &self.screen.name, "-frames:v", "1"])
            .arg(Path::new(&folder).join(format!("{name}.png")))
            .stdin(Stdio::null())
            .status();
        assert!(taken.is_ok_and(|status| status.success()), "the screenshot could not be taken");
    }

    /// The accessibility violations that axe-core finds in the page.
    pub(crate) async fn accessibility_violations(&self) -> Vec<String> {
        self.run_axe("{ resultTypes: ['violations'] }").await
    }

    /// The violations of colour contrast alone. All other rules of axe-core do not depend on the theme.
    pub(crate) async fn contrast_violations(&self) -> Vec<String> {
        self.run_axe("{ resultTypes: ['violations'], runOnly: ['color-contrast', 'link-in-text-block'] }")
            .await
    }

    /// Runs axe-core with these options, which are JavaScript.
    async fn run_axe(&self, options: &str) -> Vec<String> {
        // Colours change gradually. A spinner never ends.
        let still = "return document.getAnimations().every((animation) => animation.playState !== 'running' || animation.effect.getComputedTiming().endTime === Infinity)";
        self.wait_until("transitions have ended", async || {
            self.run_script(still, vec![]).await == serde_json::json!(true)
        })
        .await;
        if self.run_script("return typeof window.axe === 'undefined'", vec![]).await == true {
            let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/node_modules/axe-core/axe.min.js");
            let axe = std::fs::read_to_string(required_path(axe)).unwrap();
            self.run_script(&axe, vec![]).await;
        }
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

/// The small browser that comes with WebKitGTK.
fn mini_browser() -> PathBuf {
    let architecture = std::env::consts::ARCH;
    required_path(Path::new("/usr/lib").join(format!("{architecture}-linux-gnu/webkit2gtk-4.1/MiniBrowser")))
}

fn tauri_driver() -> PathBuf {
    std::env::var_os("MEETMEMO_TEST_TAURI_DRIVER").map_or_else(|| "tauri-driver".into(), PathBuf::from)
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

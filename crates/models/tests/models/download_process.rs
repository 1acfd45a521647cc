//! Downloads in other processes: killed ones, concurrent ones, and one behind a proxy.

use crate::download::model;
use crate::gguf_builder::{self, TRIMMED};
use crate::http_server::{Gate, Server, download_request, options, until};
use models::{Cancel, DownloadError, DownloadRequest, Folder, FolderError, Sha256};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

/// A process that downloads (`testing/downloader.rs`), killed on drop.
struct Downloader {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Downloader {
    fn start(folder: &Folder, request: &DownloadRequest, environment: &[(&str, String)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_models-test-downloader"));
        command
            .args([folder.path().to_str().unwrap(), &request.hosts[0], &request.path, &request.file_name])
            .args([request.byte_size.unwrap().to_string(), request.sha256.unwrap().to_string()])
            .stdout(Stdio::piped());
        for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        let mut child = command.envs(environment.iter().cloned()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn last_line(&mut self) -> String {
        self.lines.by_ref().map_while(Result::ok).last().unwrap_or_default()
    }

    /// Sends SIGKILL and waits for the end.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Downloader {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that stalls the first request after `first` bytes, and answers all others in full.
fn stalling_server(content: &Arc<Vec<u8>>, first: usize, over: &Gate) -> Server {
    let (content, over) = (Arc::clone(content), over.clone());
    Server::start(move |request, reply| match request.number {
        0 => {
            reply.file_up_to(request, &content, "\"v1\"", first)?;
            over.wait();
            Ok(())
        }
        _ => reply.file(request, &content, "\"v1\""),
    })
}

/// Waits until a running download has this many bytes.
fn wait_for_bytes(folder: &Folder, bytes: usize) {
    until("the first bytes are there", || {
        folder.partials().unwrap().first().is_some_and(|part| part.running && part.done_bytes == bytes as u64)
    });
}

#[test]
fn a_killed_download_is_resumed() {
    let content = model();
    let over = Gate::default();
    let most = content.len() / 4 * 3;
    let server = stalling_server(&content, most, &over);
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().join("models"));
    let request = download_request(&content, &[&server]);
    let mut first = Downloader::start(&folder, &request, &[]);
    wait_for_bytes(&folder, most);
    first.kill();
    over.open();
    let partials = folder.partials().unwrap();
    assert_eq!((partials[0].running, partials[0].done_bytes), (false, most as u64));
    assert_eq!(partials[0].total_bytes, request.byte_size);
    let mut second = Downloader::start(&folder, &request, &[]);
    assert_eq!(second.last_line(), "installed");
    let asked = &server.requests()[1];
    assert_eq!((asked.range_start(), asked.headers["if-range"].as_str()), (Some(most), "\"v1\""));
    assert_eq!(server.sent(), content.len() as u64, "no byte was sent twice");
    assert_eq!(folder.verify(&request.id, &mut |_| {}, &Cancel::new()).unwrap().sha256, Sha256::of(&content));
    assert!(folder.partials().unwrap().is_empty());
}

#[test]
fn a_download_killed_repeatedly_ends_with_the_right_content() {
    let content = model();
    let server = {
        let content = Arc::clone(&content);
        Server::start(move |request, reply| {
            // Only the last request is answered in full.
            let from = request.range_start().unwrap_or(0);
            let to = if request.number < 8 { content.len().min(from + 200_000) } else { content.len() };
            reply.file_up_to(request, &content, "\"v1\"", to)?;
            if request.number < 8 { Err(std::io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
        })
    };
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().join("models"));
    let request = download_request(&content, &[&server]);
    // The kill comes before the first byte, while it writes, or in a pause.
    for round in 0..8 {
        let asked = server.requests().len();
        let mut process = Downloader::start(&folder, &request, &[]);
        until("it asks, or has ended", || {
            server.requests().len() > asked || process.child.try_wait().unwrap().is_some()
        });
        until("some of it was sent", || {
            server.sent() > round * 10_000 || process.child.try_wait().unwrap().is_some()
        });
        process.kill();
    }
    let downloaded = models::download(&folder, &request, &options(), &mut |_| {}, &Cancel::new()).unwrap();
    assert_eq!(downloaded.model.sha256, Sha256::of(&content));
    assert_eq!(folder.verify(&request.id, &mut |_| {}, &Cancel::new()).unwrap(), downloaded.model);
}

#[test]
fn a_download_killed_while_trimming_leaves_a_usable_model() {
    let content = Arc::new(gguf_builder::published(8));
    let server = Server::of(&content);
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().join("models"));
    let request = download_request(&content, &[&server]);
    let sidecar = folder.path().join("small-F32.json");
    for round in 0..8 {
        let mut process = Downloader::start(&folder, &request, &[]);
        until("it is installed", || sidecar.exists());
        // A little later each time.
        (0..round * 40).for_each(|_| std::thread::yield_now());
        process.kill();
        let installed = folder.current(&request.id).unwrap();
        assert_eq!(installed.sha256, Sha256::of(&content));
        let trimmed = folder.trim(&request.id).unwrap();
        assert_eq!((trimmed.sha256, trimmed.context_s), (installed.sha256, Some(16)));
        assert!(std::fs::read(&trimmed.file).unwrap() == gguf_builder::with_context(&content, TRIMMED));
        assert_eq!(folder.verify(&request.id, &mut |_| {}, &Cancel::new()).unwrap(), trimmed);
        folder.remove(&request.id).unwrap();
    }
}

#[test]
fn two_processes_do_not_download_the_same_model() {
    let content = model();
    let over = Gate::default();
    let half = content.len() / 2;
    let server = stalling_server(&content, half, &over);
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().join("models"));
    let request = download_request(&content, &[&server]);
    let mut first = Downloader::start(&folder, &request, &[]);
    wait_for_bytes(&folder, half);
    let second = models::download(&folder, &request, &options(), &mut |_| {}, &Cancel::new());
    assert!(matches!(second, Err(DownloadError::Elsewhere)), "{second:?}");
    assert!(matches!(folder.remove(&request.id), Err(FolderError::Busy)));
    // The first download is not affected: it gets the rest when the host has closed the connection.
    over.open();
    assert_eq!(first.last_line(), "installed");
    assert_eq!(folder.current(&request.id).unwrap().sha256, Sha256::of(&content));
    folder.remove(&request.id).unwrap();
}

#[test]
fn a_proxy_from_the_environment_is_used() {
    let content = model();
    let server = Server::of(&content);
    let to = server.port();
    // Connects to our server, whatever host is requested.
    let proxy = Server::start(move |request, reply| {
        if request.method != "CONNECT" {
            return reply.all("400 Bad Request", &[], b"");
        }
        let mut upstream = TcpStream::connect(("127.0.0.1", to))?;
        let client = reply.stream();
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        let (mut from_client, mut to_upstream) = (client.try_clone()?, upstream.try_clone()?);
        std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_upstream));
        std::io::copy(&mut upstream, client).map(|_| ())
    });
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().join("models"));
    let request = DownloadRequest {
        hosts: vec!["http://models.invalid".into()],
        ..download_request(&content, &[&server])
    };
    let mut downloader = Downloader::start(&folder, &request, &[("HTTP_PROXY", proxy.host())]);
    assert_eq!(downloader.last_line(), "installed");
    assert_eq!(proxy.requests()[0].path, "models.invalid:80");
    assert_eq!(server.requests()[0].headers["host"], "models.invalid");
}

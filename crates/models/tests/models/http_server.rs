//! An HTTP server on this computer whose answers a test decides, including wrong ones.

use models::{DownloadRequest, Options, Sha256};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A wait that takes longer than this has hung.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// A received request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Its number at this server, from 0.
    pub(crate) number: usize,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Request {
    /// The first byte of the requested range.
    pub(crate) fn range_start(&self) -> Option<usize> {
        self.headers.get("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// Sends the answer to a request and counts its bytes.
pub(crate) struct Reply<'a> {
    stream: &'a mut TcpStream,
    sent: &'a AtomicU64,
}

impl Reply<'_> {
    /// Sends the status line and headers.
    pub(crate) fn head(&mut self, status: &str, headers: &[(&str, String)]) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.stream.write_all(head.as_bytes())
    }

    /// Sends bytes of the body.
    pub(crate) fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(16 << 10) {
            self.stream.write_all(piece)?;
            self.sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
        }
        self.stream.flush()
    }

    /// Sends a whole answer.
    pub(crate) fn all(&mut self, status: &str, headers: &[(&str, String)], body: &[u8]) -> io::Result<()> {
        let mut headers = headers.to_vec();
        headers.push(("Content-Length", body.len().to_string()));
        self.head(status, &headers)?;
        self.body(body)
    }

    /// Sends a file as a correct host does: only the requested range if the tag still matches.
    pub(crate) fn file(&mut self, request: &Request, content: &[u8], tag: &str) -> io::Result<()> {
        self.file_up_to(request, content, tag, content.len())
    }

    /// Like [`Self::file`], but closes the connection at this place of the file.
    pub(crate) fn file_up_to(
        &mut self,
        request: &Request,
        content: &[u8],
        tag: &str,
        end: usize,
    ) -> io::Result<()> {
        let same = request.headers.get("if-range").is_none_or(|asked| asked == tag);
        let start = request.range_start().filter(|start| same && *start < content.len());
        let mut headers =
            vec![("ETag", tag.to_owned()), ("Content-Type", "application/octet-stream".to_owned())];
        let start = match start {
            Some(start) => {
                let range = format!("bytes {start}-{}/{}", content.len() - 1, content.len());
                headers.push(("Content-Range", range));
                headers.push(("Content-Length", (content.len() - start).to_string()));
                self.head("206 Partial Content", &headers)?;
                start
            }
            None => {
                headers.push(("Content-Length", content.len().to_string()));
                self.head("200 OK", &headers)?;
                0
            }
        };
        self.body(&content[start..end.max(start)])
    }

    /// The connection, for a proxy.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.stream
    }
}

type Handler = dyn Fn(&Request, &mut Reply<'_>) -> io::Result<()> + Send + Sync;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    sent: Arc<AtomicU64>,
    closing: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(
        handler: impl Fn(&Request, &mut Reply<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            requests: Arc::default(),
            sent: Arc::default(),
            closing: Arc::default(),
        };
        let handler: Arc<Handler> = Arc::new(handler);
        let (requests, sent, closing) =
            (Arc::clone(&server.requests), Arc::clone(&server.sent), Arc::clone(&server.closing));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if closing.load(Ordering::SeqCst) {
                    break;
                }
                let (handler, requests, sent) =
                    (Arc::clone(&handler), Arc::clone(&requests), Arc::clone(&sent));
                thread::spawn(move || {
                    let Ok(mut stream) = stream else { return };
                    let Some(request) = read_request(&stream, &requests) else { return };
                    // The client may have closed the connection.
                    let _ = handler(&request, &mut Reply { stream: &mut stream, sent: &sent });
                    let _ = stream.shutdown(Shutdown::Write);
                    // Closing with unread bytes would reset the connection and lose sent bytes.
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                    let _ = io::copy(&mut stream, &mut io::sink());
                });
            }
        });
        server
    }

    /// A correct host for one file.
    pub(crate) fn of(content: &Arc<Vec<u8>>) -> Self {
        let content = Arc::clone(content);
        Self::start(move |request, reply| reply.file(request, &content, "\"v1\""))
    }

    pub(crate) fn host(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Body bytes sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn read_request(stream: &TcpStream, requests: &Mutex<Vec<Request>>) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut requests = requests.lock().unwrap();
    let request = Request { number: requests.len(), method, path, headers };
    requests.push(request.clone());
    Some(request)
}

/// A signal between threads.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub(crate) fn wait(&self) {
        let open = self.0.0.lock().unwrap();
        let (open, _) = self.0.1.wait_timeout_while(open, DEADLINE, |open| !*open).unwrap();
        assert!(*open, "nobody opened the gate");
    }
}

/// Waits until a condition holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A request for this content from these hosts.
pub(crate) fn download_request(content: &[u8], hosts: &[&Server]) -> DownloadRequest {
    DownloadRequest {
        id: "small-F32".parse().unwrap(),
        file_name: "small-F32.gguf".to_owned(),
        hosts: hosts.iter().map(|server| server.host()).collect(),
        path: "team/small/resolve/abc/small-F32.gguf".to_owned(),
        byte_size: Some(content.len() as u64),
        sha256: Some(Sha256::of(content)),
        slug: Some("small".parse().unwrap()),
    }
}

/// Long timeouts for hosts, short pauses, and no proxies from the environment of the test run.
pub(crate) fn options() -> Options {
    Options {
        mirror: None,
        stall: Duration::from_secs(30),
        rounds: 3,
        pause: Duration::from_millis(5),
        proxies_of_environment: false,
    }
}

//! A server on this computer that offers one model file, and can misbehave.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the server responds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    /// Correctly.
    Normal,
    /// Sends a third of the file at once and the rest very slowly.
    Slow,
    /// Responds that the file does not exist.
    NotFound,
    /// Sends other content of the same size.
    WrongContent,
}

/// The running server. It ends when this is dropped.
pub(crate) struct ModelServer {
    port: u16,
    mode: Arc<Mutex<Mode>>,
    /// The first byte that each request asked for.
    requested_offsets: Arc<Mutex<Vec<usize>>>,
    sent_bytes: Arc<AtomicU64>,
    closing: Arc<AtomicBool>,
}

impl ModelServer {
    pub(crate) fn start(content: Vec<u8>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            mode: Arc::new(Mutex::new(Mode::Normal)),
            requested_offsets: Arc::default(),
            sent_bytes: Arc::default(),
            closing: Arc::default(),
        };
        let content = Arc::new(content);
        let (mode, offsets) = (Arc::clone(&server.mode), Arc::clone(&server.requested_offsets));
        let (sent, closing) = (Arc::clone(&server.sent_bytes), Arc::clone(&server.closing));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if closing.load(Ordering::SeqCst) {
                    break;
                }
                let (content, offsets, sent) =
                    (Arc::clone(&content), Arc::clone(&offsets), Arc::clone(&sent));
                let mode = *mode.lock().unwrap();
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let from = requested_offset(&stream);
                    offsets.lock().unwrap().push(from);
                    // The client may close the connection early.
                    let _ = respond(&mut stream, mode, &content, from, &sent);
                    let _ = stream.shutdown(Shutdown::Write);
                    let _ = std::io::copy(&mut stream, &mut std::io::sink());
                });
            }
        });
        server
    }

    pub(crate) fn host(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Sets the mode of all further responses.
    pub(crate) fn set_mode(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// The first byte that each request asked for, in order of the requests.
    pub(crate) fn requested_offsets(&self) -> Vec<usize> {
        self.requested_offsets.lock().unwrap().clone()
    }

    /// Number of bytes of the file that were sent.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::SeqCst)
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Reads a request and returns the first byte of the file that it asks for.
fn requested_offset(stream: &TcpStream) -> usize {
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let range = |line: String| {
        line.to_lowercase().strip_prefix("range: bytes=")?.strip_suffix('-')?.parse::<usize>().ok()
    };
    lines.filter_map(range).last().unwrap_or(0)
}

fn respond(
    stream: &mut TcpStream,
    mode: Mode,
    content: &[u8],
    from: usize,
    sent: &AtomicU64,
) -> std::io::Result<()> {
    if mode == Mode::NotFound {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let all = content.len();
    let status = match from {
        0 => "200 OK".to_owned(),
        from => format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{all}", all - 1),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nETag: \"one\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        all - from
    )?;
    for (number, piece) in content[from..].chunks(all.div_ceil(300)).enumerate() {
        match mode {
            Mode::WrongContent => stream.write_all(&vec![b'x'; piece.len()])?,
            _ => stream.write_all(piece)?,
        }
        sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
        if mode == Mode::Slow && number > 100 {
            std::thread::sleep(Duration::from_millis(500));
        }
    }
    stream.flush()
}

//! Sound for the page's audio element: a listener on the loopback device.
//!
//! WebKitGTK does not load media from Tauri's own schemes (tauri-apps/tauri#3725). So every recording is served over
//! HTTP as one format, a WAV decoded while it is sent, with byte ranges. Who wants something must name a token that
//! only the page of this run knows, a recording of the library by its id, and nothing else. Sending is paced, so that a
//! player that reads ahead does not read a recording of hours whole.

use crate::core::Core;
use app::{JobId, Listening, Sound};
use http_body_util::{BodyExt, Either, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HOST, HeaderMap, ORIGIN, RANGE,
};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::{Duration, Instant};
use tauri::{AppHandle, Manager};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

/// Bytes in front of the samples: a RIFF header, a `fmt ` chunk and the head of a `data` chunk.
const HEADER: u64 = 44;
/// Bytes per frame: 16-bit mono.
const FRAME: u64 = 2;
/// Sound that is sent as fast as it can be decoded; what comes later is paced.
const AHEAD: Duration = Duration::from_secs(30);
/// How much faster than real time sound is sent after that. Players go up to three times as fast.
const PACE: f64 = 8.0;
/// Where our page is at home. The second is the development server, which only debug builds load pages from.
const ORIGINS: &[&str] = if cfg!(debug_assertions) {
    &["tauri://localhost", "http://localhost:5273"]
} else {
    &["tauri://localhost"]
};

type Body = Either<Full<Bytes>, BoxBody<Bytes, Infallible>>;

/// The listener of this run.
#[derive(Debug, Clone)]
pub(crate) struct Listener {
    port: u16,
    token: String,
}

impl Listener {
    /// Starts to listen on a free port.
    ///
    /// # Errors
    /// Where the loopback device gives none.
    pub(crate) async fn start(handle: AppHandle) -> std::io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let listener = Self { port: socket.local_addr()?.port(), token };
        let serving = listener.clone();
        tauri::async_runtime::spawn(async move {
            loop {
                let Ok((stream, _)) = socket.accept().await else {
                    // Out of descriptors, for one: there is no hurry.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let (listener, handle) = (serving.clone(), handle.clone());
                tauri::async_runtime::spawn(async move {
                    let service = hyper::service::service_fn(move |request| {
                        let (listener, handle) = (listener.clone(), handle.clone());
                        async move { Ok::<_, Infallible>(listener.answer(&request, &handle).await) }
                    });
                    // A player that closes the connection in the middle is no error.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(listener)
    }

    /// Where the page finds the sound of a recording.
    pub(crate) fn address(&self, id: JobId) -> String {
        format!("http://127.0.0.1:{}/{}/{id}.wav", self.port, self.token)
    }

    async fn answer(&self, request: &Request<Incoming>, handle: &AppHandle) -> Response<Body> {
        let id = match self.permitted(request.method(), request.headers(), request.uri().path()) {
            Ok(id) => id,
            Err(status) => return empty(status),
        };
        let Ok(app) = handle.state::<Core>().app() else { return empty(StatusCode::SERVICE_UNAVAILABLE) };
        match app.sound(id).await {
            Ok(Some(sound)) => wav(request.method(), request.headers(), sound).await,
            Ok(None) => empty(StatusCode::NOT_FOUND),
            Err(error) => {
                tracing::warn!(%id, code = ?app::Code::of(&error), "a recording cannot be listened to");
                empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// The recording that is asked for, if whoever asks may have it.
    fn permitted(&self, method: &Method, headers: &HeaderMap, path: &str) -> Result<JobId, StatusCode> {
        let host = headers.get(HOST).map(|host| host.as_bytes());
        // A page of another site whose name was made to point here names that site.
        if host != Some(format!("127.0.0.1:{}", self.port).as_bytes()) {
            return Err(StatusCode::FORBIDDEN);
        }
        if headers
            .get(ORIGIN)
            .is_some_and(|origin| !ORIGINS.iter().any(|ours| ours.as_bytes() == origin.as_bytes()))
        {
            return Err(StatusCode::FORBIDDEN);
        }
        let (token, name) =
            path.strip_prefix('/').and_then(|path| path.split_once('/')).ok_or(StatusCode::NOT_FOUND)?;
        if !same(token.as_bytes(), self.token.as_bytes()) {
            return Err(StatusCode::FORBIDDEN);
        }
        if method != Method::GET && method != Method::HEAD {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        name.strip_suffix(".wav").and_then(|id| id.parse().ok()).ok_or(StatusCode::NOT_FOUND)
    }
}

/// Whether two tokens are equal, in a time that does not tell how much of them is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = status;
    response
}

async fn wav(method: &Method, headers: &HeaderMap, sound: Sound) -> Response<Body> {
    let length = HEADER + sound.frames() * FRAME;
    let asked = headers.get(RANGE).map(|range| range.to_str().unwrap_or_default());
    let (status, range) = match asked.map(|text| byte_range(text, length)) {
        None | Some(Asked::All) => (StatusCode::OK, 0..length),
        Some(Asked::Part(range)) => (StatusCode::PARTIAL_CONTENT, range),
        Some(Asked::Nothing) => {
            let mut response = empty(StatusCode::RANGE_NOT_SATISFIABLE);
            insert(response.headers_mut(), CONTENT_RANGE, format!("bytes */{length}"));
            return response;
        }
    };
    let mut response = empty(status);
    let told = response.headers_mut();
    insert(told, CONTENT_TYPE, "audio/wav".to_owned());
    insert(told, ACCEPT_RANGES, "bytes".to_owned());
    insert(told, CACHE_CONTROL, "no-store".to_owned());
    insert(told, CONTENT_LENGTH, (range.end - range.start).to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        insert(told, CONTENT_RANGE, format!("bytes {}-{}/{length}", range.start, range.end - 1));
    }
    if method == Method::GET {
        *response.body_mut() = Either::Right(samples(sound, range).boxed());
    }
    response
}

fn insert(headers: &mut HeaderMap, name: hyper::header::HeaderName, value: String) {
    headers.insert(name, value.parse().expect("numbers and words make a header"));
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    All,
    Part(Range<u64>),
    /// A range that there is not.
    Nothing,
}

/// RFC 9110, section 14. Of several ranges, as of what is no range of bytes, we may give all.
fn byte_range(text: &str, length: u64) -> Asked {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Asked::All;
    };
    let range = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..length,
        (Err(_), Ok(suffix)) if first.trim().is_empty() => length.saturating_sub(suffix)..length,
        _ => return Asked::All,
    };
    if range.is_empty() { Asked::Nothing } else { Asked::Part(range) }
}

/// The bytes `range` of the WAV. Decoding runs on a thread of its own and ends when nobody takes the bytes any more.
fn samples(sound: Sound, range: Range<u64>) -> impl hyper::body::Body<Data = Bytes, Error = Infallible> {
    let (send, receive) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send_samples(&sound, range, &send) {
            tracing::warn!(code = ?app::Code::of(&error), "listening ended early");
        }
    });
    StreamBody::new(ReceiverStream::new(receive))
}

type Sender = mpsc::Sender<Result<Frame<Bytes>, Infallible>>;

fn send_samples(sound: &Sound, range: Range<u64>, to: &Sender) -> anyhow::Result<()> {
    let mut left = usize::try_from(range.end - range.start)?;
    if range.start < HEADER {
        let header = header(sound.sample_rate(), sound.frames());
        let end = usize::try_from(range.end.min(HEADER))?;
        let bytes = Bytes::copy_from_slice(&header[usize::try_from(range.start)?..end]);
        left -= bytes.len();
        if to.blocking_send(Ok(Frame::data(bytes))).is_err() {
            return Ok(());
        }
    }
    if left == 0 {
        return Ok(());
    }
    let offset = range.start.saturating_sub(HEADER);
    // A range may begin in the middle of a frame.
    let mut skip = usize::try_from(offset % FRAME)?;
    let mut listening: Listening = sound.listen(offset / FRAME)?;
    let (mut samples, began, mut sent) = (Vec::new(), Instant::now(), 0.0);
    while left > 0 {
        samples.clear();
        let more = listening.read(&mut samples)?;
        let mut bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).skip(skip).collect();
        skip = 0;
        if !more {
            // What was promised is sent, be it silence.
            bytes.resize(left.min(1 << 16), 0);
        }
        bytes.truncate(left);
        left -= bytes.len();
        sent += bytes.len() as f64 / FRAME as f64 / f64::from(sound.sample_rate());
        if to.blocking_send(Ok(Frame::data(bytes.into()))).is_err() {
            return Ok(());
        }
        let due = Duration::from_secs_f64(((sent - AHEAD.as_secs_f64()) / PACE).max(0.0));
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
    Ok(())
}

/// A RIFF WAVE header for 16-bit mono PCM, little-endian.
fn header(rate: u32, frames: u64) -> [u8; HEADER as usize] {
    let bytes = u32::try_from(frames * FRAME).unwrap_or(u32::MAX - 36);
    let mut header = Vec::with_capacity(HEADER as usize);
    header.extend(b"RIFF");
    header.extend((bytes + 36).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    header.extend(1_u16.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(rate.to_le_bytes());
    header.extend((rate * FRAME as u32).to_le_bytes());
    header.extend((FRAME as u16).to_le_bytes());
    header.extend(16_u16.to_le_bytes());
    header.extend(b"data");
    header.extend(bytes.to_le_bytes());
    header.try_into().expect("the parts make 44 bytes")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const ID: &str = "019a0000-0000-7000-8000-000000000001";

    fn listener() -> Listener {
        Listener { port: 4711, token: "right".to_owned() }
    }

    fn asked(host: &str, origin: Option<&str>, method: Method, path: &str) -> Result<JobId, StatusCode> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        listener().permitted(&method, &headers, path)
    }

    #[test]
    fn only_our_page_of_this_run_gets_only_recordings() {
        let path = format!("/right/{ID}.wav");
        let ours = Some("tauri://localhost");
        let get = |host: &str, origin, path: &str| asked(host, origin, Method::GET, path);
        assert_eq!(get("127.0.0.1:4711", ours, &path).unwrap().to_string(), ID);
        assert!(get("127.0.0.1:4711", None, &path).is_ok(), "media elements need not send an origin");
        for (host, origin, path, status) in [
            // Another site whose name points here.
            ("evil.example:4711", None, path.as_str(), StatusCode::FORBIDDEN),
            ("127.0.0.1:4711", Some("http://evil.example"), &path, StatusCode::FORBIDDEN),
            ("127.0.0.1:4711", Some("null"), &path, StatusCode::FORBIDDEN),
            ("127.0.0.1:4711", ours, &format!("/wrong/{ID}.wav"), StatusCode::FORBIDDEN),
            ("127.0.0.1:4711", ours, &format!("//{ID}.wav"), StatusCode::FORBIDDEN),
            ("127.0.0.1:4711", ours, "/right/../../etc/passwd", StatusCode::NOT_FOUND),
            ("127.0.0.1:4711", ours, "/right/%2e%2e%2fetc%2fpasswd.wav", StatusCode::NOT_FOUND),
            ("127.0.0.1:4711", ours, "/right/", StatusCode::NOT_FOUND),
            ("127.0.0.1:4711", ours, "/right", StatusCode::NOT_FOUND),
        ] {
            assert_eq!(get(host, origin, path), Err(status), "{host} {origin:?} {path}");
        }
        let posted = asked("127.0.0.1:4711", ours, Method::POST, &path);
        assert_eq!(posted, Err(StatusCode::METHOD_NOT_ALLOWED));
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (text, asked) in [
            ("bytes=0-", Asked::Part(0..100)),
            ("bytes=10-19", Asked::Part(10..20)),
            ("bytes=90-1000", Asked::Part(90..100)),
            ("bytes=-7", Asked::Part(93..100)),
            ("bytes=-700", Asked::Part(0..100)),
            ("bytes=100-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=9-3", Asked::All),
            ("bytes=0-1,3-4", Asked::All),
            ("bytes=18446744073709551615-18446744073709551615", Asked::Nothing),
            ("seconds=1-2", Asked::All),
            ("", Asked::All),
        ] {
            assert_eq!(byte_range(text, 100), asked, "{text}");
        }
    }

    #[test]
    fn the_header_is_that_of_a_wav() {
        let header = header(44_100, 1000);
        assert_eq!(&header[..4], b"RIFF");
        assert_eq!(u32::from_le_bytes(header[24..28].try_into().unwrap()), 44_100);
        assert_eq!(u32::from_le_bytes(header[40..44].try_into().unwrap()), 2000);
    }
}

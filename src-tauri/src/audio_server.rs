//! An HTTP server on the loopback device that serves audio to the page's audio element.
//!
//! WebKitGTK does not load media from Tauri's own schemes (tauri-apps/tauri#3725). Every recording is served in one
//! format: a WAV file of 16-bit mono, with byte ranges, which is decoded while it is sent and stored nowhere. Its
//! sample rate is that of the recording if that is a common one up to 48 kHz; it is lower if the file would exceed 4
//! GiB.
//!
//! A request must have this server as its host, come from our page or without an origin, and name a token that is new
//! in every run and a recording by its id. Only `GET` and `HEAD` are allowed. Sending is paced, so that a player that
//! reads ahead does not cause a recording of hours to be decoded.

use crate::core::Core;
use app::{JobId, Playback, PlaybackStream};
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

/// Bytes before the samples: a RIFF header, a `fmt ` chunk and the head of a `data` chunk.
const HEADER_BYTES: u64 = 44;
/// Bytes per frame (16-bit mono).
const FRAME_BYTES: u64 = 2;
/// Duration of audio that is sent as fast as it can be decoded; sending the rest is paced.
const UNPACED: Duration = Duration::from_secs(30);
/// Speed of paced sending relative to real time. The player's highest speed is 3.
const PACE: f64 = 8.0;
/// The origins of our page. The second is the development server, which only debug builds use.
const ORIGINS: &[&str] = if cfg!(debug_assertions) {
    &["tauri://localhost", "http://localhost:5273"]
} else {
    &["tauri://localhost"]
};

type Body = Either<Full<Bytes>, BoxBody<Bytes, Infallible>>;

/// The audio server of this run.
#[derive(Debug, Clone)]
pub(crate) struct AudioServer {
    port: u16,
    /// 64 hexadecimal digits.
    token: String,
}

impl AudioServer {
    /// Starts the server on a free port.
    ///
    /// # Errors
    /// If the loopback device has no free port.
    pub(crate) async fn start(handle: AppHandle) -> std::io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let server = Self { port: socket.local_addr()?.port(), token };
        let serving = server.clone();
        tauri::async_runtime::spawn(async move {
            loop {
                let Ok((stream, _)) = socket.accept().await else {
                    // For example, the process is out of file descriptors.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let (server, handle) = (serving.clone(), handle.clone());
                tauri::async_runtime::spawn(async move {
                    let service = hyper::service::service_fn(move |request| {
                        let (server, handle) = (server.clone(), handle.clone());
                        async move { Ok::<_, Infallible>(server.respond(&request, &handle).await) }
                    });
                    // Players close connections early as a matter of course, so errors are ignored.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(server)
    }

    /// The address of a recording's audio.
    pub(crate) fn address(&self, id: JobId) -> String {
        format!("http://127.0.0.1:{}/{}/{id}.wav", self.port, self.token)
    }

    async fn respond(&self, request: &Request<Incoming>, handle: &AppHandle) -> Response<Body> {
        let id = match self.authorize(request.method(), request.headers(), request.uri().path()) {
            Ok(id) => id,
            Err(status) => return empty(status),
        };
        let Ok(app) = handle.state::<Core>().app() else { return empty(StatusCode::SERVICE_UNAVAILABLE) };
        match app.playback(id).await {
            Ok(Some(sound)) => wav(request.method(), request.headers(), sound).await,
            Ok(None) => empty(StatusCode::NOT_FOUND),
            Err(error) => {
                tracing::warn!(%id, code = ?app::ErrorCode::of(&error), "the audio of a recording cannot be served");
                empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// Checks whether a request is allowed, and returns the recording it names.
    ///
    /// # Errors
    /// The status to respond with.
    fn authorize(&self, method: &Method, headers: &HeaderMap, path: &str) -> Result<JobId, StatusCode> {
        let host = headers.get(HOST).map(|host| host.as_bytes());
        // Prevents DNS rebinding: a foreign site whose name resolves to this address sends its own name.
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
        if !tokens_equal(token.as_bytes(), self.token.as_bytes()) {
            return Err(StatusCode::FORBIDDEN);
        }
        if method != Method::GET && method != Method::HEAD {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        name.strip_suffix(".wav").and_then(|id| id.parse().ok()).ok_or(StatusCode::NOT_FOUND)
    }
}

/// Compares two tokens in constant time, so that the time reveals nothing about the token.
fn tokens_equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

/// A response without content.
fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = status;
    response
}

/// The response for a recording: the WAV file, or the requested range of it.
async fn wav(method: &Method, headers: &HeaderMap, sound: Playback) -> Response<Body> {
    let length = HEADER_BYTES + sound.frames() * FRAME_BYTES;
    let requested = headers.get(RANGE).map(|range| range.to_str().unwrap_or_default());
    let (status, range) = match requested.map(|text| byte_range(text, length)) {
        None | Some(RangeRequest::Whole) => (StatusCode::OK, 0..length),
        Some(RangeRequest::Part(range)) => (StatusCode::PARTIAL_CONTENT, range),
        Some(RangeRequest::Unsatisfiable) => {
            let mut response = empty(StatusCode::RANGE_NOT_SATISFIABLE);
            insert(response.headers_mut(), CONTENT_RANGE, format!("bytes */{length}"));
            return response;
        }
    };
    let mut response = empty(status);
    let fields = response.headers_mut();
    insert(fields, CONTENT_TYPE, "audio/wav".to_owned());
    insert(fields, ACCEPT_RANGES, "bytes".to_owned());
    insert(fields, CACHE_CONTROL, "no-store".to_owned());
    insert(fields, CONTENT_LENGTH, (range.end - range.start).to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        insert(fields, CONTENT_RANGE, format!("bytes {}-{}/{length}", range.start, range.end - 1));
    }
    if method == Method::GET {
        *response.body_mut() = Either::Right(samples(sound, range).boxed());
    }
    response
}

fn insert(headers: &mut HeaderMap, name: hyper::header::HeaderName, value: String) {
    headers.insert(name, value.parse().expect("all values are valid in a header"));
}

/// What a `Range` header requests.
#[derive(Debug, PartialEq, Eq)]
enum RangeRequest {
    Whole,
    Part(Range<u64>),
    /// A range outside of the file.
    Unsatisfiable,
}

/// Parses a `Range` header (RFC 9110, section 14). For several ranges and for other units the RFC allows to send the
/// whole file.
fn byte_range(text: &str, length: u64) -> RangeRequest {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return RangeRequest::Whole;
    };
    let range = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..length,
        (Err(_), Ok(suffix)) if first.trim().is_empty() => length.saturating_sub(suffix)..length,
        _ => return RangeRequest::Whole,
    };
    if range.is_empty() { RangeRequest::Unsatisfiable } else { RangeRequest::Part(range) }
}

/// The bytes `range` of the WAV file. Decoding runs on a thread for blocking tasks and ends when the connection closes.
fn samples(sound: Playback, range: Range<u64>) -> impl hyper::body::Body<Data = Bytes, Error = Infallible> {
    let (send, receive) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send_samples(&sound, range, &send) {
            tracing::warn!(code = ?app::ErrorCode::of(&error), "sending audio ended early");
        }
    });
    StreamBody::new(ReceiverStream::new(receive))
}

type Sender = mpsc::Sender<Result<Frame<Bytes>, Infallible>>;

fn send_samples(sound: &Playback, range: Range<u64>, to: &Sender) -> anyhow::Result<()> {
    let mut left = usize::try_from(range.end - range.start)?;
    if range.start < HEADER_BYTES {
        let header = header(sound.sample_rate(), sound.frames());
        let end = usize::try_from(range.end.min(HEADER_BYTES))?;
        let bytes = Bytes::copy_from_slice(&header[usize::try_from(range.start)?..end]);
        left -= bytes.len();
        if to.blocking_send(Ok(Frame::data(bytes))).is_err() {
            return Ok(());
        }
    }
    if left == 0 {
        return Ok(());
    }
    let offset = range.start.saturating_sub(HEADER_BYTES);
    // A range may begin inside a frame.
    let mut skip = usize::try_from(offset % FRAME_BYTES)?;
    let mut stream: PlaybackStream = sound.stream_from(offset / FRAME_BYTES)?;
    let (mut samples, began, mut sent) = (Vec::new(), Instant::now(), 0.0);
    while left > 0 {
        samples.clear();
        let more = stream.read(&mut samples)?;
        let mut bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).skip(skip).collect();
        skip = 0;
        if !more {
            // The length has been announced, so missing audio is replaced by silence.
            bytes.resize(left.min(1 << 16), 0);
        }
        bytes.truncate(left);
        left -= bytes.len();
        sent += bytes.len() as f64 / FRAME_BYTES as f64 / f64::from(sound.sample_rate());
        if to.blocking_send(Ok(Frame::data(bytes.into()))).is_err() {
            return Ok(());
        }
        let due = Duration::from_secs_f64(((sent - UNPACED.as_secs_f64()) / PACE).max(0.0));
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
    Ok(())
}

/// A RIFF WAVE header for 16-bit mono PCM, little-endian.
fn header(rate: u32, frames: u64) -> [u8; HEADER_BYTES as usize] {
    let bytes = u32::try_from(frames * FRAME_BYTES).unwrap_or(u32::MAX - 36);
    let mut header = Vec::with_capacity(HEADER_BYTES as usize);
    header.extend(b"RIFF");
    header.extend((bytes + 36).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    header.extend(1_u16.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(rate.to_le_bytes());
    header.extend((rate * FRAME_BYTES as u32).to_le_bytes());
    header.extend((FRAME_BYTES as u16).to_le_bytes());
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

    fn server() -> AudioServer {
        AudioServer { port: 4711, token: "right".to_owned() }
    }

    fn request(host: &str, origin: Option<&str>, method: Method, path: &str) -> Result<JobId, StatusCode> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        server().authorize(&method, &headers, path)
    }

    #[test]
    fn only_requests_of_our_page_for_recordings_are_allowed() {
        let path = format!("/right/{ID}.wav");
        let ours = Some("tauri://localhost");
        let get = |host: &str, origin, path: &str| request(host, origin, Method::GET, path);
        assert_eq!(get("127.0.0.1:4711", ours, &path).unwrap().to_string(), ID);
        assert!(get("127.0.0.1:4711", None, &path).is_ok(), "media elements need not send an origin");
        for (host, origin, path, status) in [
            // DNS rebinding.
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
        let posted = request("127.0.0.1:4711", ours, Method::POST, &path);
        assert_eq!(posted, Err(StatusCode::METHOD_NOT_ALLOWED));
    }

    #[test]
    fn ranges_are_parsed_as_in_rfc_9110() {
        for (text, expected) in [
            ("bytes=0-", RangeRequest::Part(0..100)),
            ("bytes=10-19", RangeRequest::Part(10..20)),
            ("bytes=90-1000", RangeRequest::Part(90..100)),
            ("bytes=-7", RangeRequest::Part(93..100)),
            ("bytes=-700", RangeRequest::Part(0..100)),
            ("bytes=100-", RangeRequest::Unsatisfiable),
            ("bytes=-0", RangeRequest::Unsatisfiable),
            ("bytes=9-3", RangeRequest::Whole),
            ("bytes=0-1,3-4", RangeRequest::Whole),
            ("bytes=18446744073709551615-18446744073709551615", RangeRequest::Unsatisfiable),
            ("seconds=1-2", RangeRequest::Whole),
            ("", RangeRequest::Whole),
        ] {
            assert_eq!(byte_range(text, 100), expected, "{text}");
        }
    }

    #[test]
    fn the_header_has_the_rate_and_size() {
        let header = header(44_100, 1000);
        assert_eq!(&header[..4], b"RIFF");
        assert_eq!(u32::from_le_bytes(header[24..28].try_into().unwrap()), 44_100);
        assert_eq!(u32::from_le_bytes(header[40..44].try_into().unwrap()), 2000);
    }
}

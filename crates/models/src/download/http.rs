//! The HTTP client: requests a file, or the rest of one, from a host, and follows redirects itself.

use super::Options;
use super::error::{AttemptError, HostError};
use crate::identity::Sha256;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{HeaderMap, StatusCode, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, BodyReader, Error, Proxy, Timeout};
use url::Url;

const MAX_REDIRECTS: usize = 10;

/// A request for a file.
pub(super) struct Request<'a> {
    pub(super) address: &'a str,
    /// First byte to send: the number of bytes that are there already.
    pub(super) from: u64,
    /// Entity tag for `If-Range`: resume only if the file still has it.
    pub(super) validator: Option<&'a str>,
}

/// A successful response whose body has not been read yet.
pub(super) struct Response {
    body: BodyReader<'static>,
    /// Place of the body in the file: the requested one, or 0.
    pub(super) from: u64,
    /// Size of the whole file.
    pub(super) total: Option<u64>,
    /// Strong entity tag.
    pub(super) validator: Option<String>,
    /// Size of the file, from the hub's `x-linked-size`.
    pub(super) linked_size: Option<u64>,
    /// Hash of the file, from the hub's `x-linked-etag` or the `ETag`.
    pub(super) linked_hash: Option<Sha256>,
}

impl Response {
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer)
    }
}

/// The HTTP client of one download.
pub(super) struct Http {
    agent: Agent,
    stall: Duration,
}

impl Http {
    pub(super) fn new(options: &Options) -> Self {
        let stall = Some(options.stall);
        let roots = rustls_native_certs::load_native_certs().certs;
        let roots = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let proxy = if options.proxies_of_environment { Proxy::try_from_env() } else { None };
        let agent = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("MeetMemo/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_resolve(stall)
            .timeout_connect(stall)
            .timeout_per_read(stall)
            .timeout_per_write(stall)
            // Also bounds a host that sends its headers byte by byte.
            .timeout_recv_response(Some(options.stall.saturating_mul(2)))
            .build()
            .new_agent();
        Self { agent, stall: options.stall }
    }

    /// The client's agent; shutting it down ends a pending request.
    pub(super) fn agent(&self) -> Agent {
        self.agent.clone()
    }

    /// Sends the request and follows redirects to a response with a body.
    pub(super) fn get(&self, request: &Request<'_>) -> Result<Response, AttemptError> {
        let mut address = request.address.to_owned();
        let (mut linked_size, mut linked_hash) = (None, None);
        for _ in 0..=MAX_REDIRECTS {
            let mut http_request = self.agent.get(&address);
            if request.from > 0 {
                http_request = http_request.header(header::RANGE, format!("bytes={}-", request.from));
                if let Some(validator) = request.validator {
                    http_request = http_request.header(header::IF_RANGE, validator);
                }
            }
            let response = http_request.call().map_err(|error| self.request_error(error))?;
            let status = response.status();
            let headers = response.headers();
            linked_size = linked_size.or_else(|| number(headers, "x-linked-size"));
            linked_hash = linked_hash.or_else(|| tag(headers, "x-linked-etag").and_then(|tag| hash_in(&tag)));
            if let Some(next) = redirect(status, headers) {
                address = follow(&address, &next).ok_or(HostError::RedirectUnsafe)?;
                continue;
            }
            let (from, total) = extent(status, headers, request.from)?;
            let validator = tag(headers, header::ETAG.as_str());
            linked_hash = linked_hash.or_else(|| validator.as_deref().and_then(hash_in));
            return Ok(Response {
                from,
                total,
                validator: validator.filter(|tag| tag.starts_with('"')),
                linked_size,
                linked_hash,
                body: response.into_body().into_reader(),
            });
        }
        Err(HostError::RedirectLoop.into())
    }

    /// The error for a request that got no response.
    fn request_error(&self, error: Error) -> AttemptError {
        let error = match error {
            Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                HostError::Unreachable(io::ErrorKind::TimedOut.into())
            }
            Error::Timeout(_) => HostError::Stalled(self.stall.as_secs()),
            Error::Io(error) if is_tls(&error) => HostError::Untrusted(error),
            Error::Io(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                    HostError::Broke(error)
                }
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                    HostError::Stalled(self.stall.as_secs())
                }
                _ => HostError::Unreachable(error),
            },
            error @ (Error::Tls(_) | Error::Rustls(_) | Error::Pem(_)) => {
                HostError::Untrusted(io::Error::other(error))
            }
            error @ (Error::Protocol(_) | Error::LargeResponseHeader(..)) => {
                HostError::Broke(io::Error::other(error))
            }
            error => HostError::Unreachable(io::Error::other(error)),
        };
        error.into()
    }

    /// The error for a body that could not be read to its end.
    pub(super) fn read_error(&self, error: io::Error) -> HostError {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => HostError::Stalled(self.stall.as_secs()),
            _ => HostError::Broke(error),
        }
    }
}

/// The host of an address, with the port if it is not the default, for messages. Without user name and password.
pub(super) fn host_name(address: &str) -> String {
    let url = Url::parse(address).ok();
    let named = url.as_ref().and_then(|url| Some((url.host_str()?, url.port())));
    match named {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host.to_owned(),
        None => address.to_owned(),
    }
}

/// Whether TLS itself failed, and not the connection below it.
fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| {
        inner.is::<rustls::Error>() || inner.source().is_some_and(|source| source.is::<rustls::Error>())
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    decimal(text(headers, name)?)
}

/// Parses digits only; `str::parse` alone would accept a `+`.
fn decimal(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn tag(headers: &HeaderMap, name: &str) -> Option<String> {
    text(headers, name).filter(|tag| !tag.is_empty() && tag.len() <= 256).map(str::to_owned)
}

/// The SHA-256 in an entity tag: the hub uses the hash of a large file as its tag.
fn hash_in(tag: &str) -> Option<Sha256> {
    tag.trim_start_matches("W/").trim_matches('"').parse().ok()
}

/// The `Location` of a redirect; `None` for any other status.
fn redirect(status: StatusCode, headers: &HeaderMap) -> Option<String> {
    let redirects = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    redirects.then(|| text(headers, header::LOCATION.as_str()).unwrap_or_default().to_owned())
}

/// First byte of the body in the file, and size of the whole file if known. An error for an unusable status.
fn extent(status: StatusCode, headers: &HeaderMap, asked_from: u64) -> Result<(u64, Option<u64>), HostError> {
    match status.as_u16() {
        200 => {
            let kind = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
            if kind.to_ascii_lowercase().starts_with("text/html") {
                return Err(HostError::WebPage);
            }
            // The length of an encoded body is not that of the file.
            let is_identity =
                text(headers, header::CONTENT_ENCODING.as_str()).is_none_or(|coding| coding == "identity");
            Ok((0, number(headers, header::CONTENT_LENGTH.as_str()).filter(|_| is_identity)))
        }
        206 if asked_from > 0 => {
            let range = text(headers, header::CONTENT_RANGE.as_str()).ok_or(HostError::WrongRange)?;
            content_range(range)
                .filter(|(from, _)| *from == asked_from)
                .map(|(from, total)| (from, Some(total)))
                .ok_or(HostError::WrongRange)
        }
        206 | 416 => Err(HostError::WrongRange),
        404 | 410 => Err(HostError::NotThere),
        code @ (408 | 425 | 429 | 500..=599) => Err(HostError::Unable(code)),
        code @ 400..=499 => Err(HostError::Refused(code)),
        code => Err(HostError::Unable(code)),
    }
}

/// First byte and file size of a `Content-Range` such as `bytes 100-199/200`, which must reach the end of the file.
fn content_range(range: &str) -> Option<(u64, u64)> {
    let (span, total) = range.strip_prefix("bytes ")?.trim().split_once('/')?;
    let (from, to) = span.split_once('-')?;
    let (from, to, total) = (decimal(from)?, decimal(to)?, decimal(total)?);
    (from <= to && to.checked_add(1) == Some(total)).then_some((from, total))
}

/// The address that a redirect leads to; `None` if it is not an HTTP address, or leads from https to http.
fn follow(from: &str, location: &str) -> Option<String> {
    if location.is_empty() {
        return None;
    }
    let base = Url::parse(from).ok()?;
    let mut next = base.join(location).ok()?;
    next.set_fragment(None);
    match (base.scheme(), next.scheme()) {
        ("https", "https") | ("http", "http" | "https") => Some(next.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_resolved_and_never_lead_from_https_to_http() {
        let from = "https://hub.example/a/b/resolve/main/x.gguf?download=true";
        for (location, to) in [
            ("https://cdn.example/f?sig=a%2Fb", Some("https://cdn.example/f?sig=a%2Fb")),
            ("//cdn.example/f", Some("https://cdn.example/f")),
            ("/c/d", Some("https://hub.example/c/d")),
            ("y.gguf", Some("https://hub.example/a/b/resolve/main/y.gguf")),
            ("../v2/./y.gguf?z=..", Some("https://hub.example/a/b/resolve/v2/y.gguf?z=..")),
            ("?mirror=2", Some("https://hub.example/a/b/resolve/main/x.gguf?mirror=2")),
            ("/c#there", Some("https://hub.example/c")),
            ("http://cdn.example/f", None),
            ("file:///etc/passwd", None),
            ("ftp://cdn.example/f", None),
            ("javascript:alert(1)", None),
            ("https://", None),
            ("", None),
            ("https://exa mple/", None),
        ] {
            assert_eq!(follow(from, location).as_deref(), to, "{location}");
        }
        assert_eq!(follow("http://a/x", "https://b/y").as_deref(), Some("https://b/y"));
        assert_eq!(follow("http://a:8080/x", "/y").as_deref(), Some("http://a:8080/y"));
    }

    #[test]
    fn a_range_is_accepted_only_if_it_reaches_the_end_of_the_file() {
        for (range, found) in [
            ("bytes 100-199/200", Some((100, 200))),
            ("bytes 0-0/1", Some((0, 1))),
            ("bytes 100-150/200", None),
            ("bytes 100-199/*", None),
            ("bytes 100-/200", None),
            ("bytes +100-199/200", None),
            ("items 100-199/200", None),
            ("bytes 18446744073709551615-18446744073709551615/0", None),
            ("", None),
        ] {
            assert_eq!(content_range(range), found, "{range}");
        }
    }

    #[test]
    fn an_entity_tag_of_64_hexadecimal_digits_is_a_hash() {
        let hash = "a8bf3de2b393bd14ead5a858c3748d5e3b07a20fdeabdd3b498fba4f463fa929";
        assert_eq!(hash_in(&format!("\"{hash}\"")).unwrap().to_string(), hash);
        assert_eq!(hash_in(&format!("W/\"{hash}\"")).unwrap().to_string(), hash);
        assert!(hash_in("\"abc\"").is_none());
    }

    #[test]
    fn a_host_name_omits_user_name_and_password() {
        assert_eq!(host_name("https://me:secret@models.example:8443/a"), "models.example:8443");
        assert_eq!(host_name("https://models.example/a"), "models.example");
        assert_eq!(host_name("no address"), "no address");
    }
}

//! The way to the server: host name, port, encryption and certificate.

use super::{Report, TestOutcome, TestStep};
use crate::connect_failure::ConnectFailure;
use crate::external_url::{ExternalUrl, Tls, host_name};
use crate::managed::{Cluster, PORT};
use crate::tls::tls_connect;
use rustls::CertificateError;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Longest time for one of these steps.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);

/// The message with which a client asks for encryption: its length and the code 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// One of the places that an address names.
enum Place {
    Tcp {
        host: String,
        port: u16,
        /// `hostaddr`, which makes looking up the name unnecessary.
        address: Option<IpAddr>,
    },
    Socket(PathBuf),
}

/// Tests the places that `url` names until one can be reached. If none can, the results of the first are reported.
pub(super) async fn reach(report: &mut Report, url: &ExternalUrl) {
    let mut first_failure = None;
    for place in places(url) {
        let mut found = Report::default();
        match &place {
            Place::Tcp { host, port, address } => reach_tcp(&mut found, url, host, *port, *address).await,
            Place::Socket(path) => reach_socket(&mut found, path).await,
        }
        if !found.has_failed() {
            report.results.extend(found.results);
            return;
        }
        first_failure.get_or_insert(found);
    }
    report.results.extend(first_failure.into_iter().flat_map(|found| found.results));
}

/// Tests the way to the private server, which is started if it is not running.
pub(super) fn reach_managed(report: &mut Report, cluster: &Cluster) {
    report.skipped(TestStep::Name, "The private server is on this computer; it has no host name.");
    match tokio::task::block_in_place(|| cluster.ensure_server(&|_| ())) {
        Ok(endpoint) => report.ok(
            TestStep::Port,
            format!(
                "The private server in {} runs. It listens on a socket in {} and on no port.",
                cluster.folder().display(),
                endpoint.socket_folder.display()
            ),
        ),
        Err(error) => report.failed(
            TestStep::Port,
            format!("The private server does not run. {error}"),
            format!("Look at its log {}.", cluster.log().display()),
        ),
    }
    skip_encryption(report, "Connections through a socket stay on this computer and are not encrypted.");
}

fn skip_encryption(report: &mut Report, message: &str) {
    report.skipped(TestStep::Tls, message);
    report.skipped(TestStep::Certificate, "Without encryption there is no certificate.");
}

fn places(url: &ExternalUrl) -> Vec<Place> {
    let ports = url.config.get_ports();
    // One port may stand for all hosts.
    let port = |index: usize| ports.get(index).or_else(|| ports.first()).copied().unwrap_or(PORT);
    let places = url.config.get_hosts().iter().enumerate().map(|(index, host)| match host {
        Host::Unix(folder) => Place::Socket(folder.join(format!(".s.PGSQL.{}", port(index)))),
        Host::Tcp(_) => Place::Tcp {
            host: host_name(host),
            port: port(index),
            address: url.config.get_hostaddrs().get(index).copied(),
        },
    });
    places.collect()
}

async fn reach_socket(report: &mut Report, socket: &Path) {
    report.skipped(TestStep::Name, "The address names a socket on this computer and no host.");
    let shown = socket.display();
    let connected = timeout(STEP_TIMEOUT, UnixStream::connect(socket)).await;
    match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(_) => report.ok(TestStep::Port, format!("A server listens on {shown}.")),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => report.failed(
            TestStep::Port,
            format!("You may not use the socket {shown}."),
            "Ask the server's administrator to let your account into the folder (unix_socket_permissions), or use its port.",
        ),
        Err(error) => report.failed(
            TestStep::Port,
            format!("No server listens on {shown} ({}).", reason(&error)),
            "Start the server. Its setting unix_socket_directories names the folder, its port is the end of the file's name.",
        ),
    }
    skip_encryption(report, "Connections through a socket stay on this computer and are not encrypted.");
}

async fn reach_tcp(report: &mut Report, url: &ExternalUrl, host: &str, port: u16, address: Option<IpAddr>) {
    let Some(addresses) = find_host(report, host, port, address).await else { return };
    let Some(stream) = open_port(report, host, port, &addresses).await else { return };
    if url.tls == Tls::Off {
        skip_encryption(report, &unencrypted(host, &addresses));
        return;
    }
    let Some(stream) = ask_for_encryption(report, url, host, port, stream).await else { return };
    check_certificate(report, url, host, stream).await;
}

fn unencrypted(host: &str, addresses: &[SocketAddr]) -> String {
    if addresses.iter().all(|address| address.ip().is_loopback()) {
        return "Connections to this computer are not encrypted (sslmode=disable).".to_owned();
    }
    format!(
        "The address turns encryption off (sslmode=disable): whoever is between here and {host} can read along."
    )
}

async fn find_host(
    report: &mut Report,
    host: &str,
    port: u16,
    address: Option<IpAddr>,
) -> Option<Vec<SocketAddr>> {
    if let Some(address) = address.or_else(|| host.parse().ok()) {
        report
            .skipped(TestStep::Name, format!("{address} is a numeric address; no name has to be looked up."));
        return Some(vec![SocketAddr::new(address, port)]);
    }
    let found = timeout(STEP_TIMEOUT, lookup_host((host, port))).await;
    let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    match found.map(Iterator::collect::<Vec<_>>) {
        Ok(addresses) if !addresses.is_empty() => {
            let mut shown: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
            shown.dedup();
            report.ok(TestStep::Name, format!("{host} has the address {}.", shown.join(", ")));
            Some(addresses)
        }
        failure => {
            let why = failure.map_or_else(|error| reason(&error), |_| "it has no address".to_owned());
            report.failed(
                TestStep::Name,
                format!("The name {host} was not found ({why})."),
                "Check its spelling. Check that this computer is in the network, or the VPN, in which the name is known.",
            );
            None
        }
    }
}

async fn open_port(
    report: &mut Report,
    host: &str,
    port: u16,
    addresses: &[SocketAddr],
) -> Option<TcpStream> {
    let mut failure: io::Error = io::ErrorKind::NotFound.into();
    for address in addresses {
        match timeout(STEP_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                report.ok(TestStep::Port, format!("Port {port} of {host} accepts connections."));
                return Some(stream);
            }
            Ok(Err(error)) => failure = error,
            Err(_) => failure = io::ErrorKind::TimedOut.into(),
        }
    }
    let (message, action) = match failure.kind() {
        io::ErrorKind::ConnectionRefused => (
            format!("Nothing listens on port {port} of {host}."),
            "Check the port and that PostgreSQL runs there. Its setting listen_addresses must name an address that this computer reaches.",
        ),
        io::ErrorKind::TimedOut => (
            format!("Port {port} of {host} does not answer within {} s.", STEP_TIMEOUT.as_secs()),
            "A firewall probably drops the connection: ask for this port to be opened for this computer.",
        ),
        _ => (
            format!("Port {port} of {host} cannot be reached ({}).", reason(&failure)),
            "Check this computer's network, and the route to the server.",
        ),
    };
    report.failed(TestStep::Port, message, action);
    None
}

/// Asks the server for encryption, as every client of PostgreSQL does. `None` if there is no encryption to test.
async fn ask_for_encryption(
    report: &mut Report,
    url: &ExternalUrl,
    host: &str,
    port: u16,
    mut stream: TcpStream,
) -> Option<TcpStream> {
    let asked = timeout(STEP_TIMEOUT, async {
        stream.write_all(&SSL_REQUEST).await?;
        stream.read_u8().await
    });
    match asked.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(b'S') => return Some(stream),
        Ok(b'N') if url.tls == Tls::IfOffered => skip_encryption(
            report,
            "The server offers no encryption, and sslmode=prefer goes on without it.",
        ),
        Ok(b'N') => report.failed(
            TestStep::Tls,
            format!("The server on {host} offers no encryption."),
            "Turn it on at the server (ssl = on with a certificate). In a network that you trust, add ?sslmode=disable to the address.",
        ),
        answer => {
            let why = answer.map_or_else(|error| reason(&error), |_| "the answer is not PostgreSQL's".to_owned());
            report.failed(
                TestStep::Tls,
                format!("What listens on port {port} of {host} does not answer as PostgreSQL does ({why})."),
                "Check the port: another program may have it, or a proxy that PostgreSQL stands behind.",
            );
        }
    }
    None
}

async fn check_certificate(report: &mut Report, url: &ExternalUrl, host: &str, stream: TcpStream) {
    let connector = match tls_connect(url) {
        Ok(connector) => connector,
        Err(failure) => {
            let why = match failure {
                ConnectFailure::Store(error) => error.to_string(),
                _ => "Encryption could not be prepared on this computer.".to_owned(),
            };
            report.ok(TestStep::Tls, "The server offers encryption.");
            report.failed(TestStep::Certificate, why, "Check the path after sslrootcert.");
            return;
        }
    };
    match shake_hands(connector, host, stream).await {
        Ok(()) => {
            report.ok(TestStep::Tls, "The connection is encrypted.");
            accept_certificate(report, url, host);
        }
        Err(error) => match certificate_error(&error) {
            Some(problem) => {
                report.ok(TestStep::Tls, "The server encrypts connections.");
                let (message, action) = certificate_problem(problem, host);
                report.failed(TestStep::Certificate, message, action);
            }
            None => report.failed(
                TestStep::Tls,
                format!(
                    "The server on {host} and this computer found no common way to encrypt ({}).",
                    reason(&error)
                ),
                "The server must offer TLS 1.2 or newer (ssl_min_protocol_version).",
            ),
        },
    }
}

async fn shake_hands(mut connector: MakeRustlsConnect, host: &str, stream: TcpStream) -> io::Result<()> {
    let connect = <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::make_tls_connect(&mut connector, host)
        .map_err(io::Error::other)?;
    let connected = timeout(STEP_TIMEOUT, connect.connect(stream)).await;
    connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map(drop)
}

fn accept_certificate(report: &mut Report, url: &ExternalUrl, host: &str) {
    match url.tls {
        Tls::Full => report.ok(TestStep::Certificate, format!("The certificate is valid and issued for {host}.")),
        Tls::Chain => report.ok(
            TestStep::Certificate,
            "The certificate comes from an authority that you trust; sslmode=verify-ca does not compare the name in it.",
        ),
        _ => report.add(
            TestStep::Certificate,
            TestOutcome::Skipped,
            format!("sslmode={} does not check who the server is.", url.tls.word()),
            Some("Use sslmode=verify-full, with sslrootcert=/path/to/ca.pem for an authority of your own.".to_owned()),
        ),
    }
}

/// The fault of the certificate, if that is why the handshake failed.
fn certificate_error(error: &io::Error) -> Option<&CertificateError> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(problem) => Some(problem),
        _ => None,
    }
}

fn certificate_problem(problem: &CertificateError, host: &str) -> (String, &'static str) {
    use CertificateError as Problem;
    match problem {
        Problem::Expired | Problem::ExpiredContext { .. } => (
            format!("The certificate of {host} has expired."),
            "Ask the administrator to renew it, and check this computer's clock.",
        ),
        Problem::NotValidYet | Problem::NotValidYetContext { .. } => (
            format!("The certificate of {host} is not valid yet."),
            "Check this computer's clock and the server's.",
        ),
        Problem::NotValidForName | Problem::NotValidForNameContext { .. } => (
            format!("The certificate is not issued for the name {host}."),
            "Use the name that the certificate was issued for. sslmode=verify-ca does not compare the name.",
        ),
        Problem::UnknownIssuer => (
            format!("The certificate of {host} comes from an authority that this computer does not trust."),
            "Name the authority's certificate: add sslrootcert=/path/to/ca.pem to the address.",
        ),
        Problem::Revoked => {
            (format!("The certificate of {host} was revoked."), "Ask the administrator for a new one.")
        }
        other => (
            format!("The certificate of {host} cannot be accepted ({other:?})."),
            "Ask the administrator for a certificate from an authority, issued for this name.",
        ),
    }
}

/// The system's reason without its number.
fn reason(error: &io::Error) -> String {
    let text = match error.kind() {
        io::ErrorKind::TimedOut => "no answer".to_owned(),
        io::ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
        _ => error.to_string(),
    };
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

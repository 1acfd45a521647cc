//! Downloads from misbehaving hosts: each ends with the right content or the right error.

use crate::gguf_builder;
use crate::http_server::{Gate, Server, download_request, options, until};
use models::download::HostError;
use models::{
    Cancel, DownloadError, Downloaded, Entry, Folder, HeaderError, Options, Progress, Sha256, Source,
};
use models::{DownloadRequest, Stage};
use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) fn model() -> Arc<Vec<u8>> {
    Arc::new(gguf_builder::model(2))
}

fn folder() -> (TempDir, Folder) {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().join("models"));
    (place, folder)
}

fn get(folder: &Folder, request: &DownloadRequest) -> Result<Downloaded, DownloadError> {
    get_with(folder, request, &options())
}

fn get_with(
    folder: &Folder,
    request: &DownloadRequest,
    options: &Options,
) -> Result<Downloaded, DownloadError> {
    models::download(folder, request, options, &mut |_| {}, &Cancel::new())
}

/// The model is installed with this content, and the folder has no other files.
fn assert_installed(folder: &Folder, content: &[u8]) {
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names.retain(|name| name != "pins.json");
    assert_eq!(names, [".lock", "small-F32.gguf", "small-F32.json"]);
    assert!(fs::read(folder.path().join("small-F32.gguf")).unwrap() == content, "the content differs");
    let id = "small-F32".parse().unwrap();
    let installed = folder.current(&id).unwrap();
    assert_eq!(installed.sha256, Sha256::of(content));
    assert!(folder.partials().unwrap().is_empty());
}

fn assert_nothing_left(folder: &Folder) {
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [".lock"]);
}

fn error_text<T: std::fmt::Debug>(result: Result<T, DownloadError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_download_installs_the_model_and_reports_progress() {
    let content = model();
    let server = Server::of(&content);
    let (_place, folder) = folder();
    let mut reports: Vec<Progress> = Vec::new();
    let downloaded = models::download(
        &folder,
        &download_request(&content, &[&server]),
        &options(),
        &mut |progress| reports.push(progress.clone()),
        &Cancel::new(),
    )
    .unwrap();
    assert!(!downloaded.newly_pinned);
    assert_eq!(downloaded.model.architecture, "whisper");
    assert_eq!(downloaded.model.source, Source::Catalogue);
    assert_eq!(downloaded.model.slug.as_ref().unwrap().as_str(), "small");
    assert_installed(&folder, &content);
    let last = reports.last().unwrap();
    assert_eq!((last.stage, last.done_bytes), (Stage::Downloading, content.len() as u64));
    assert_eq!(last.total_bytes, Some(content.len() as u64));
    assert!(last.host.as_ref().unwrap().starts_with("127.0.0.1:"));
    assert!(reports.is_sorted_by_key(|progress| progress.done_bytes));
    // A second call downloads nothing.
    assert_eq!(get(&folder, &download_request(&content, &[&server])).unwrap().model, downloaded.model);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(server.requests()[0].path, "/team/small/resolve/abc/small-F32.gguf");
}

#[test]
fn a_slow_host_is_not_given_up() {
    let content = Arc::new(gguf_builder::Gguf::of("whisper").bytes());
    let slow = {
        let content = Arc::clone(&content);
        Server::start(move |_, reply| {
            reply.head("200 OK", &[("Content-Length", content.len().to_string())])?;
            for piece in content.chunks(content.len() / 12) {
                // Simulates a slow host.
                std::thread::sleep(Duration::from_millis(50));
                reply.body(piece)?;
            }
            Ok(())
        })
    };
    let (_place, folder) = folder();
    let options = Options { stall: Duration::from_secs(2), ..options() };
    get_with(&folder, &download_request(&content, &[&slow]), &options).unwrap();
    assert_eq!(slow.requests().len(), 1);
    assert_installed(&folder, &content);
}

#[test]
fn a_host_that_stops_midway_is_asked_for_the_rest() {
    let content = model();
    let server = {
        let content = Arc::clone(&content);
        Server::start(move |request, reply| {
            // A quarter more per request.
            reply.file_up_to(request, &content, "\"v1\"", content.len() * (request.number + 1) / 4)
        })
    };
    let (_place, folder) = folder();
    get(&folder, &download_request(&content, &[&server])).unwrap();
    assert_installed(&folder, &content);
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    assert_eq!(requests[1].range_start(), Some(content.len() / 4));
    assert_eq!(requests[1].headers["if-range"], "\"v1\"");
    assert_eq!(server.sent(), content.len() as u64);
}

#[test]
fn a_host_that_always_closes_early_is_given_up_with_an_error() {
    let content = model();
    let server = {
        let content = Arc::clone(&content);
        Server::start(move |request, reply| reply.file_up_to(request, &content, "\"v1\"", 100_000))
    };
    let (_place, folder) = folder();
    let message = error_text(get(&folder, &download_request(&content, &[&server])));
    assert!(
        message.contains(" closed the connection too early. The part that arrived is kept: try again later"),
        "{message}"
    );
    // One round made progress, three did not.
    assert_eq!(server.requests().len(), 4);
    let partials = folder.partials().unwrap();
    assert_eq!((partials[0].done_bytes, partials[0].running), (100_000, false));
    assert_eq!(partials[0].total_bytes, Some(content.len() as u64));
}

#[test]
fn wrong_content_is_discarded_and_the_next_host_is_tried_once() {
    let content = model();
    let mut other = content.to_vec();
    other[1_000_000] ^= 1;
    let (right, wrong) = (Server::of(&content), Server::of(&Arc::new(other)));
    let (_place, first) = folder();
    get(&first, &download_request(&content, &[&wrong, &right])).unwrap();
    assert_installed(&first, &content);
    assert_eq!(right.requests()[0].range_start(), None);
    let (_place, second) = folder();
    let error = get(&second, &download_request(&content, &[&wrong])).unwrap_err();
    assert!(matches!(error, DownloadError::WrongContent { .. }), "{error}");
    assert!(error.to_string().contains("is not the expected file"));
    assert_nothing_left(&second);
}

#[test]
fn a_host_without_the_file_is_skipped() {
    let content = model();
    let server = Server::of(&content);
    for status in ["404 Not Found", "403 Forbidden", "500 Internal Server Error"] {
        let without = Server::start(move |_, reply| reply.all(status, &[], b"no"));
        let (_place, folder) = folder();
        get(&folder, &download_request(&content, &[&without, &server])).unwrap();
        assert_eq!(without.requests().len(), 1);
        assert_installed(&folder, &content);
    }
}

#[test]
fn each_refusal_by_all_hosts_has_its_own_error() {
    let content = model();
    for (status, requests, clause) in [
        ("404 Not Found", 1, "do not have it any more: the catalogue may be out of date"),
        ("403 Forbidden", 1, "refuses to send it (status 403)"),
        ("503 Service Unavailable", 3, "cannot send it at the moment (status 503)"),
        ("204 No Content", 3, "cannot send it at the moment (status 204)"),
    ] {
        let (one, two) = (
            Server::start(move |_, reply| reply.all(status, &[], b"")),
            Server::start(move |_, reply| reply.all(status, &[], b"")),
        );
        let (_place, folder) = folder();
        let message = error_text(get(&folder, &download_request(&content, &[&one, &two])));
        assert!(message.contains(clause), "{message}");
        assert_eq!((one.requests().len(), two.requests().len()), (requests, requests), "{status}");
        assert_nothing_left(&folder);
    }
}

#[test]
fn a_host_that_is_busy_is_asked_again() {
    let content = model();
    let server = {
        let content = Arc::clone(&content);
        Server::start(move |request, reply| match request.number {
            0 | 1 => reply.all("429 Too Many Requests", &[], b""),
            _ => reply.file(request, &content, "\"v1\""),
        })
    };
    let (_place, folder) = folder();
    get(&folder, &download_request(&content, &[&server])).unwrap();
    assert_installed(&folder, &content);
}

#[test]
fn a_host_that_ignores_ranges_restarts_the_download() {
    let content = model();
    let server = {
        let content = Arc::clone(&content);
        Server::start(move |request, reply| {
            let end = if request.number == 0 { content.len() / 2 } else { content.len() };
            reply.head("200 OK", &[("Content-Length", content.len().to_string())])?;
            reply.body(&content[..end])
        })
    };
    let (_place, folder) = folder();
    get(&folder, &download_request(&content, &[&server])).unwrap();
    assert!(server.requests()[1].range_start().is_some());
    assert_installed(&folder, &content);
}

#[test]
fn a_range_that_was_not_requested_is_refused() {
    let content = model();
    for range in ["bytes 0-99/100", "bytes 5-99/100", "nonsense", ""] {
        let wrong = {
            let content = Arc::clone(&content);
            Server::start(move |request, reply| match request.number {
                0 => reply.file_up_to(request, &content, "\"v1\"", content.len() / 2),
                _ => {
                    reply.all("206 Partial Content", &[("Content-Range", range.to_owned())], &content[..100])
                }
            })
        };
        let right = Server::of(&content);
        let (_place, folder) = folder();
        // The second host closes at once, so that the first is asked for the rest.
        let broken = Server::start(|_, _| Ok(()));
        get(&folder, &download_request(&content, &[&wrong, &broken, &right])).unwrap();
        assert_installed(&folder, &content);
        let message = {
            let (_place, folder) = self::folder();
            error_text(get(&folder, &download_request(&content, &[&wrong])))
        };
        assert!(message.contains("cannot send it") || message.contains("sent another part"), "{message}");
    }
}

#[test]
fn redirects_to_other_hosts_and_relative_ones_are_followed() {
    let content = model();
    let cdn = Server::of(&content);
    let location = format!("{}/blob?sig=x%2Fy", cdn.host());
    let hub = Server::start(move |request, reply| {
        let to = match request.path.as_str() {
            "/team/small/resolve/abc/small-F32.gguf" => "../../second",
            "/team/small/second" => "/third?a=b",
            _ => location.as_str(),
        };
        reply.all("302 Found", &[("Location", to.to_owned())], b"moved")
    });
    let (_place, folder) = folder();
    get(&folder, &download_request(&content, &[&hub])).unwrap();
    assert_installed(&folder, &content);
    assert_eq!(cdn.requests()[0].path, "/blob?sig=x%2Fy");
    assert_eq!(hub.requests().len(), 3);
}

#[test]
fn circular_and_non_http_redirects_are_not_followed() {
    let content = model();
    for (location, clause, requests) in [
        ("/again", "redirected too many times", 11),
        ("file:///etc/passwd", "redirected to an address that is not safe", 1),
        ("", "redirected to an address that is not safe", 1),
    ] {
        let server = Server::start(move |_, reply| {
            reply.all("307 Temporary Redirect", &[("Location", location.into())], b"")
        });
        let (_place, folder) = folder();
        let message = error_text(get(&folder, &download_request(&content, &[&server])));
        assert!(message.contains(clause), "{message}");
        assert_eq!(server.requests().len(), requests);
    }
}

#[test]
fn the_next_host_sends_the_rest_when_one_stalls() {
    let content = model();
    let over = Gate::default();
    let half = content.len() / 2;
    let silent = {
        let (content, over) = (Arc::clone(&content), over.clone());
        Server::start(move |_, reply| {
            reply.head("200 OK", &[("Content-Length", content.len().to_string())])?;
            reply.body(&content[..half])?;
            over.wait();
            Ok(())
        })
    };
    let other = Server::of(&content);
    let (_place, folder) = folder();
    let options = Options { stall: Duration::from_secs(2), ..options() };
    get_with(&folder, &download_request(&content, &[&silent, &other]), &options).unwrap();
    over.open();
    assert_installed(&folder, &content);
    // The hash is known, so the request has no `If-Range` with a tag of the first host.
    assert_eq!(other.requests()[0].range_start(), Some(half));
    assert!(!other.requests()[0].headers.contains_key("if-range"));
}

#[test]
fn a_host_that_never_answers_has_its_own_error() {
    let content = model();
    let over = Gate::default();
    let silent = {
        let over = over.clone();
        Server::start(move |_, _| {
            over.wait();
            Ok(())
        })
    };
    let (_place, folder) = folder();
    let options = Options { stall: Duration::from_secs(1), rounds: 1, ..options() };
    let message = error_text(get_with(&folder, &download_request(&content, &[&silent]), &options));
    over.open();
    assert!(message.contains(" sent nothing for 1 s."), "{message}");
    assert_nothing_left(&folder);
}

#[test]
fn a_length_other_than_that_of_the_catalogue_is_refused() {
    let content = model();
    let longer = Server::of(&Arc::new([content.as_slice(), b"more"].concat()));
    let endless = {
        let content = Arc::clone(&content);
        Server::start(move |_, reply| {
            // No length: the body ends with the connection, and is longer than expected.
            reply.head("200 OK", &[])?;
            reply.body(&content)?;
            reply.body(&content)
        })
    };
    let right = Server::of(&content);
    for wrong in [&longer, &endless] {
        let (_place, folder) = folder();
        let message = error_text(get(&folder, &download_request(&content, &[wrong])));
        assert!(message.contains("has a file of another size"), "{message}");
        assert_nothing_left(&folder);
        get(&folder, &download_request(&content, &[wrong, &right])).unwrap();
        assert_installed(&folder, &content);
    }
}

#[test]
fn a_web_page_is_refused_whatever_its_content_type() {
    let content = model();
    let page = b"<!DOCTYPE html><html><body>Please log in</body></html>";
    let portal = Server::start(|_, reply| {
        reply.all("200 OK", &[("Content-Type", "text/html; charset=utf-8".into())], page)
    });
    let (_place, folder) = folder();
    let message = error_text(get(&folder, &download_request(&content, &[&portal])));
    assert!(message.contains("sent a web page instead: the network may want you to sign in"), "{message}");
    let dressed = Server::start(|_, reply| reply.all("200 OK", &[("Content-Type", "binary".into())], page));
    let unknown =
        DownloadRequest { byte_size: None, sha256: None, ..download_request(&content, &[&dressed]) };
    let error = get(&folder, &unknown).unwrap_err();
    assert!(matches!(&error, DownloadError::NotAModel(HeaderError::OtherFormat(_))), "{error}");
    assert!(error.to_string().starts_with("the downloaded file is not a speech model: it is a web page"));
    assert_nothing_left(&folder);
}

#[test]
fn unknown_size_and_hash_are_taken_from_the_hub_and_pinned() {
    let content = model();
    let cdn = Server::of(&content);
    let hub = {
        let (location, content) = (cdn.host(), Arc::clone(&content));
        Server::start(move |_, reply| {
            let headers = [
                ("Location", location.clone()),
                ("X-Linked-Size", content.len().to_string()),
                ("X-Linked-ETag", format!("\"{}\"", Sha256::of(&content))),
            ];
            reply.all("302 Found", &headers, b"")
        })
    };
    let (_place, folder) = folder();
    let unknown = DownloadRequest { byte_size: None, sha256: None, ..download_request(&content, &[&hub]) };
    let downloaded = get(&folder, &unknown).unwrap();
    assert!(downloaded.newly_pinned);
    assert_installed(&folder, &content);
    // The pin stays when the model is removed.
    folder.remove(&unknown.id).unwrap();
    let mut other = content.to_vec();
    *other.last_mut().unwrap() ^= 1;
    let changed = Server::of(&Arc::new(other));
    let from_changed = DownloadRequest { hosts: vec![changed.host()], ..unknown.clone() };
    assert!(matches!(get(&folder, &from_changed), Err(DownloadError::WrongContent { .. })));
    assert!(!get(&folder, &unknown).unwrap().newly_pinned);
    assert_installed(&folder, &content);
}

#[test]
fn size_and_hash_from_the_hub_are_checked() {
    let content = model();
    let liar = {
        let content = Arc::clone(&content);
        Server::start(move |_, reply| {
            let tag = format!("\"{}\"", Sha256::of(b"something else"));
            reply.all("200 OK", &[("ETag", tag)], &content)
        })
    };
    let (_place, folder) = folder();
    let unknown = DownloadRequest { byte_size: None, sha256: None, ..download_request(&content, &[&liar]) };
    assert!(matches!(get(&folder, &unknown), Err(DownloadError::WrongContent { .. })));
    assert_nothing_left(&folder);
    // Without any hash, whatever arrives is accepted and pinned.
    let plain = Server::of(&content);
    let unknown = DownloadRequest { hosts: vec![plain.host()], ..unknown };
    assert!(get(&folder, &unknown).unwrap().newly_pinned);
    assert_installed(&folder, &content);
}

#[test]
fn a_file_that_changes_at_the_hub_is_downloaded_from_the_start() {
    let content = model();
    let old = gguf_builder::model(3);
    let server = {
        let content = Arc::clone(&content);
        Server::start(move |request, reply| match request.number {
            0 => {
                let head = [("ETag", "\"v0\"".to_owned()), ("Transfer-Encoding", "chunked".to_owned())];
                reply.head("200 OK", &head)?;
                reply.body(format!("{:x}\r\n", 1 << 20).as_bytes())?;
                reply.body(&old[..1 << 20])
            }
            _ => reply.file(request, &content, "\"v1\""),
        })
    };
    let (_place, folder) = folder();
    let unknown = DownloadRequest { byte_size: None, sha256: None, ..download_request(&content, &[&server]) };
    get(&folder, &unknown).unwrap();
    assert_eq!(server.requests()[1].headers["if-range"], "\"v0\"");
    assert_installed(&folder, &content);
}

#[test]
fn a_mirror_is_tried_first_and_must_be_an_address() {
    let content = model();
    let (mirror, hub) = (Server::of(&content), Server::of(&content));
    let (_place, folder) = folder();
    let base = format!("{}/speech/", mirror.host());
    let through = Options { mirror: Some(base), ..options() };
    get_with(&folder, &download_request(&content, &[&hub]), &through).unwrap();
    assert_eq!(mirror.requests()[0].path, "/speech/team/small/resolve/abc/small-F32.gguf");
    assert!(hub.requests().is_empty());
    let nonsense = Options { mirror: Some("models".into()), ..options() };
    let message = error_text(get_with(&folder, &download_request(&content, &[&hub]), &nonsense));
    assert!(message.starts_with("the mirror “models” is not an address"), "{message}");
}

#[test]
fn without_a_network_the_error_says_so() {
    let content = model();
    // Ports without a listener.
    let gone = Server::of(&content);
    let request = download_request(&content, &[&gone]);
    drop(gone);
    let nowhere =
        DownloadRequest { hosts: vec!["http://127.0.0.1:1".into(), "https://127.0.0.1:1".into()], ..request };
    let (_place, folder) = folder();
    let message = error_text(get(&folder, &nowhere));
    assert!(message.starts_with("no host could be reached: check the network"), "{message}");
    assert_nothing_left(&folder);
}

#[test]
fn a_model_that_does_not_fit_on_the_disk_is_not_downloaded() {
    let server =
        Server::start(|_, reply| reply.head("200 OK", &[("Content-Length", (1_u64 << 60).to_string())]));
    let (_place, folder) = folder();
    let large = DownloadRequest { byte_size: Some(1 << 60), ..download_request(b"", &[&server]) };
    let message = error_text(get(&folder, &large));
    assert!(message.starts_with("there is not enough space: "), "{message}");
    assert_nothing_left(&folder);
}

#[test]
fn a_cancel_keeps_the_bytes_and_the_next_download_resumes() {
    let content = model();
    let over = Gate::default();
    let quarter = content.len() / 4;
    let server = {
        let (content, over) = (Arc::clone(&content), over.clone());
        Server::start(move |request, reply| match request.number {
            0 => {
                reply.file_up_to(request, &content, "\"v1\"", quarter)?;
                over.wait();
                Ok(())
            }
            _ => reply.file(request, &content, "\"v1\""),
        })
    };
    let (_place, folder) = folder();
    let request = download_request(&content, &[&server]);
    let patient = Options { stall: Duration::from_secs(600), ..options() };
    let cancel = Cancel::new();
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            let part = folder.path().join("small-F32.gguf.part");
            until("a quarter is there", || {
                fs::metadata(&part).is_ok_and(|found| found.len() == quarter as u64)
            });
            cancel.cancel();
        });
        models::download(&folder, &request, &patient, &mut |_| {}, &cancel)
    });
    over.open();
    assert!(matches!(result, Err(DownloadError::Cancelled)), "{result:?}");
    assert_eq!(folder.partials().unwrap()[0].done_bytes, quarter as u64);
    get(&folder, &request).unwrap();
    assert_installed(&folder, &content);
    assert_eq!(server.requests()[1].range_start(), Some(quarter));
    assert_eq!(server.sent(), content.len() as u64);
}

#[test]
fn a_cancel_ends_the_wait_for_a_host() {
    let content = model();
    for answers in [false, true] {
        let (asked, over) = (Gate::default(), Gate::default());
        let silent = {
            let (asked, over, length) = (asked.clone(), over.clone(), content.len());
            Server::start(move |_, reply| {
                if answers {
                    reply.head("200 OK", &[("Content-Length", length.to_string())])?;
                }
                asked.open();
                over.wait();
                Ok(())
            })
        };
        let (_place, folder) = folder();
        let patient = Options { stall: Duration::from_secs(600), ..options() };
        let cancel = Cancel::new();
        let begun = Instant::now();
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                asked.wait();
                cancel.cancel();
            });
            models::download(&folder, &download_request(&content, &[&silent]), &patient, &mut |_| {}, &cancel)
        });
        assert!(matches!(result, Err(DownloadError::Cancelled)), "{result:?}");
        assert!(begun.elapsed() < Duration::from_secs(60), "the host was waited for");
        over.open();
    }
}

#[test]
fn a_changed_partial_file_is_detected() {
    let content = model();
    let server = Server::of(&content);
    let request = download_request(&content, &[&server]);
    let (_place, folder) = folder();
    fs::create_dir_all(folder.path()).unwrap();
    let part = folder.path().join("small-F32.gguf.part");
    // Garbage, garbage that is too long, and the right beginning without a `.part.json`.
    for (there, requests) in
        [(vec![7; 50_000], 2), (vec![7; content.len() + 1], 1), (content[..99_999].to_vec(), 1)]
    {
        fs::write(&part, there).unwrap();
        let before = server.requests().len();
        get(&folder, &request).unwrap();
        assert_installed(&folder, &content);
        assert_eq!(server.requests().len() - before, requests);
        folder.remove(&request.id).unwrap();
    }
    fs::write(&part, &content[..99_999]).unwrap();
    fs::write(folder.path().join("small-F32.gguf.part.json"), "{ no note").unwrap();
    get(&folder, &request).unwrap();
    assert_installed(&folder, &content);
    assert_eq!(server.requests().last().unwrap().range_start(), Some(99_999));
}

#[test]
fn a_download_killed_when_complete_is_finished_without_a_request() {
    let content = model();
    let server = Server::of(&content);
    let request = download_request(&content, &[&server]);
    let (_place, folder) = folder();
    get(&folder, &request).unwrap();
    // Killed between the rename and the sidecar.
    fs::remove_file(folder.path().join("small-F32.json")).unwrap();
    let note = serde_json::json!({ "address": "http://x/y", "byte_size": content.len(), "done_bytes": 0 });
    fs::write(folder.path().join("small-F32.gguf.part.json"), note.to_string()).unwrap();
    let entry = folder.entry(&request.id).unwrap();
    assert!(matches!(&entry, Entry::Damaged { why, .. } if why.contains("Download it again")), "{entry:?}");
    get(&folder, &request).unwrap();
    assert_installed(&folder, &content);
    // Killed between the sidecar and the removal of `.part.json`.
    fs::write(folder.path().join("small-F32.gguf.part.json"), note.to_string()).unwrap();
    get(&folder, &request).unwrap();
    // Killed before the rename.
    fs::remove_file(folder.path().join("small-F32.json")).unwrap();
    fs::rename(folder.path().join("small-F32.gguf"), folder.path().join("small-F32.gguf.part")).unwrap();
    get(&folder, &request).unwrap();
    assert_installed(&folder, &content);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_missing_or_changed_file_is_replaced_and_that_of_another_model_is_not() {
    let content = model();
    let server = Server::of(&content);
    let request = download_request(&content, &[&server]);
    let (_place, folder) = folder();
    let file = folder.path().join("small-F32.gguf");
    get(&folder, &request).unwrap();
    fs::remove_file(&file).unwrap();
    get(&folder, &request).unwrap();
    assert_installed(&folder, &content);
    fs::File::options().append(true).open(&file).unwrap().write_all(b"x").unwrap();
    get(&folder, &request).unwrap();
    assert_installed(&folder, &content);
    let other = DownloadRequest { sha256: Some(Sha256::of(b"other")), ..request.clone() };
    assert!(matches!(get(&folder, &other), Err(DownloadError::OtherContent(_))));
    assert_installed(&folder, &content);
    // A file put there by hand.
    folder.remove(&request.id).unwrap();
    fs::write(&file, b"mine").unwrap();
    let asked = server.requests().len();
    assert!(matches!(get(&folder, &request), Err(DownloadError::OtherContent(_))));
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    // If it has the right content, nothing is downloaded.
    fs::write(&file, content.as_slice()).unwrap();
    get(&folder, &request).unwrap();
    assert_installed(&folder, &content);
    assert_eq!(server.requests().len(), asked);
}

#[test]
fn the_error_names_what_each_host_did() {
    let content = model();
    let (one, two) = (
        Server::start(|_, reply| reply.all("404 Not Found", &[], b"")),
        Server::start(|_, reply| reply.all("403 Forbidden", &[], b"")),
    );
    let (_place, folder) = folder();
    match get(&folder, &download_request(&content, &[&one, &two])) {
        Err(DownloadError::Failed(reasons)) => {
            assert!(matches!(reasons[0].1, HostError::NotThere));
            assert!(matches!(reasons[1].1, HostError::Refused(403)));
        }
        other => panic!("{other:?}"),
    }
}

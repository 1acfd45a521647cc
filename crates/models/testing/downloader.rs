//! Downloads a model in a process of its own, for the tests of `models`. Not part of the product.

use models::{Cancel, DownloadRequest, Folder, Options, download};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// Arguments: folder, host, path, file name, size, hash. Prints the bytes done, one number per line, then `installed` or
/// the error.
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, host, path, file_name, byte_size, sha256] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let (Some(stem), Ok(byte_size), Ok(sha256)) =
        (file_name.strip_suffix(".gguf"), byte_size.parse(), sha256.parse())
    else {
        return ExitCode::from(2);
    };
    let Ok(id) = stem.parse() else { return ExitCode::from(2) };
    let request = DownloadRequest {
        id,
        file_name: file_name.clone(),
        hosts: vec![host.clone()],
        path: path.clone(),
        byte_size: Some(byte_size),
        sha256: Some(sha256),
        slug: None,
    };
    let options = Options { stall: Duration::from_secs(300), ..Options::default() };
    let print = |line: String| {
        // Fails if the test has closed the pipe.
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    };
    match download(
        &Folder::at(folder),
        &request,
        &options,
        &mut |progress| print(progress.done_bytes.to_string()),
        &Cancel::new(),
    ) {
        Ok(_) => {
            print("installed".to_owned());
            ExitCode::SUCCESS
        }
        Err(error) => {
            print(error.to_string());
            ExitCode::FAILURE
        }
    }
}

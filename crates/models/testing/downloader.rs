//! Another process that downloads, for the tests of `models`. Not a product.

use models::{Cancel, Folder, Options, Wanted, download};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// Arguments: the folder, the host, the path, the name of the file, its size, its hash. Tells on standard output how
/// many bytes are there, line by line, and how it ended.
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
    let wanted = Wanted {
        id,
        file_name: file_name.clone(),
        hosts: vec![host.clone()],
        path: path.clone(),
        byte_size: Some(byte_size),
        sha256: Some(sha256),
        slug: None,
    };
    let options = Options { stall: Duration::from_secs(300), ..Options::default() };
    let tell = |line: String| {
        // Nobody listens any more if this fails.
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    };
    match download(
        &Folder::at(folder),
        &wanted,
        &options,
        &mut |progress| tell(progress.done_bytes.to_string()),
        &Cancel::new(),
    ) {
        Ok(_) => {
            tell("installed".to_owned());
            ExitCode::SUCCESS
        }
        Err(error) => {
            tell(error.to_string());
            ExitCode::FAILURE
        }
    }
}

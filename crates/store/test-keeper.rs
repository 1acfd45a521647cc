//! The keeper as an executable, for the tests of this crate. With `client FOLDER RUNTIME` it is an application process
//! instead: it opens the archive, prints `open` and runs until its standard input ends.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use store::managed::{Cluster, KeeperCommand};
use store::{Database, PoolSize, Store};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [mode, folder, runtime] if mode == OsStr::new("client") => client(folder.as_ref(), runtime.as_ref()),
        _ => store::managed::keeper::run(&arguments),
    }
}

fn client(folder: &Path, runtime: &Path) -> ExitCode {
    let open = async {
        let keeper = KeeperCommand { program: std::env::current_exe()?, arguments: Vec::new() };
        let cluster = Cluster::join(folder, runtime, keeper)?;
        let store = Store::open(Database::Managed(Arc::new(cluster)), PoolSize::default(), &|_| ()).await?;
        Ok::<Store, Box<dyn std::error::Error>>(store)
    };
    let mut out = std::io::stdout();
    let opened = tokio::runtime::Runtime::new().map(|runtime| (runtime.block_on(open), runtime));
    let said = match &opened {
        Ok((Ok(_), _)) => writeln!(out, "open"),
        Ok((Err(error), _)) => writeln!(out, "failed {error}"),
        Err(error) => writeln!(out, "failed {error}"),
    };
    let stayed = said.and_then(|()| out.flush()).and_then(|()| std::io::stdin().read_to_end(&mut Vec::new()));
    if stayed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

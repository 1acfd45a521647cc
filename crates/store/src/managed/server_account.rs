//! The account that the server runs as. PostgreSQL refuses to run as root, which is the usual account in containers.
//!
//! If the keeper is root, it changes permanently to an unprivileged account and keeps one capability, CAP_DAC_OVERRIDE,
//! so that it can still reach a data folder or an installation below a folder closed to others, such as `/root`. The
//! capability is *ambient*, so the programs it starts inherit it.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};

/// A user and group id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// The account to change to: `None` unless this process is root; the owner of an existing cluster, so that the archive
/// of an ordinary user stays theirs; else `nobody`.
pub(super) fn choose(cluster: &Path) -> io::Result<Option<Account>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    match fs::metadata(cluster) {
        Ok(metadata) if metadata.uid() != 0 => Ok(Some(Account { uid: metadata.uid(), gid: metadata.gid() })),
        _ => nobody().map(Some),
    }
}

fn nobody() -> io::Result<Account> {
    // SAFETY: the name is a C string; the result points into static storage and is copied before any other call.
    // The keeper has a single thread at this point.
    unsafe {
        let entry = libc::getpwnam(c"nobody".as_ptr());
        if entry.is_null() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "this system has no account named nobody"));
        }
        Ok(Account { uid: (*entry).pw_uid, gid: (*entry).pw_gid })
    }
}

/// Makes `account` the owner of `path` and everything below it.
pub(super) fn chown_all(path: &Path, account: Account) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    if metadata.uid() != account.uid {
        lchown(path, Some(account.uid), Some(account.gid))?;
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            chown_all(&entry?.path(), account)?;
        }
    }
    Ok(())
}

/// Which files below closed folders a process that was root can still reach.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access {
    /// It can open files.
    pub(super) files: bool,
    /// It can run PostgreSQL's programs, which look for one another with access(2).
    pub(super) programs: bool,
}

/// Changes this process permanently to `account`. Must be called while it has a single thread. Returns which access
/// below closed folders it keeps.
pub(super) fn become_account(account: Account) -> io::Result<Access> {
    /// From securebits.h. Without it, access(2) ignores the capabilities of processes that are not root.
    const SECBIT_NO_SETUID_FIXUP: libc::c_ulong = 1 << 2;
    let check = |result: libc::c_int| if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) };
    // SAFETY: plain system calls on integers; the empty group list is given with length zero.
    let access_respects_capabilities = unsafe {
        let access_respects_capabilities =
            libc::prctl(libc::PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == 0;
        check(libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0))?;
        check(libc::setgroups(0, std::ptr::null()))?;
        check(libc::setgid(account.gid))?;
        check(libc::setuid(account.uid))?;
        access_respects_capabilities
    };
    let files = keep_dac_override().is_ok();
    if !files {
        set_capabilities(0)?;
    }
    Ok(Access { files, programs: files && access_respects_capabilities })
}

/// Drops all capabilities but CAP_DAC_OVERRIDE and makes that ambient (capabilities(7)).
fn keep_dac_override() -> io::Result<()> {
    const CAP_DAC_OVERRIDE: u32 = 1;
    const PR_CAP_AMBIENT: libc::c_int = 47;
    const PR_CAP_AMBIENT_RAISE: libc::c_ulong = 2;
    set_capabilities(1 << CAP_DAC_OVERRIDE)?;
    // SAFETY: integers only.
    let raised = unsafe {
        libc::prctl(
            PR_CAP_AMBIENT,
            PR_CAP_AMBIENT_RAISE,
            libc::c_ulong::from(CAP_DAC_OVERRIDE),
            0 as libc::c_ulong,
            0 as libc::c_ulong,
        )
    };
    if raised == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Drops all capabilities that are not in `mask`, which holds those with numbers below 32.
fn set_capabilities(mask: u32) -> io::Result<()> {
    const VERSION_3: u32 = 0x2008_0522;
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Data {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    let header = Header { version: VERSION_3, pid: 0 };
    let data = [
        Data { effective: mask, permitted: mask, inheritable: mask },
        Data { effective: 0, permitted: 0, inheritable: 0 },
    ];
    // SAFETY: version 3 takes one header and two data structs of this layout, both alive during the call.
    if unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The topmost folder above or at `path` that this process may not enter.
pub(super) fn closed_folder(path: &Path) -> Option<PathBuf> {
    let mut ancestors: Vec<&Path> = path.ancestors().collect();
    ancestors.reverse();
    ancestors.into_iter().find(|folder| folder.is_dir() && !may_enter(folder)).map(Path::to_owned)
}

fn may_enter(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::EXEC_OK).is_ok()
}

//! Whether a file can be read, without opening it.

use rustix::fs::{Access, AtFlags, Stat, accessat, fstatfs};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// `CAP_DAC_OVERRIDE` and `CAP_DAC_READ_SEARCH`, as bits of `CapEff`.
const READS_EVERYTHING: u64 = 1 << 1 | 1 << 2;

/// File systems where somebody else decides: NFS, SMB, CIFS, FUSE, 9p, Ceph, AFS.
const ELSEWHERE: &[u32] =
    &[0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x6573_5546, 0x0102_1997, 0x00c3_6400, 0x5346_414f];

/// The user that stands for one whom a user namespace does not know: capabilities do not reach such files.
const NOBODY: u32 = 65534;

/// What this process may read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader {
    capable: bool,
    user: u32,
}

impl Reader {
    /// This process.
    pub(super) fn this() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let effective = effective.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0);
        Self { capable: effective & READS_EVERYTHING != 0, user: nix::unistd::geteuid().as_raw() }
    }

    /// Whether everything in this folder can be read, whatever its mode.
    pub(super) fn reads_all_in(self, folder: BorrowedFd<'_>) -> bool {
        self.capable && fstatfs(folder).is_ok_and(|system| !ELSEWHERE.contains(&(system.f_type as u32)))
    }

    /// Whether a file can be read; `all` is what [`Reader::reads_all_in`] said of its folder.
    pub(super) fn reads(self, all: bool, folder: BorrowedFd<'_>, name: &CStr, facts: &Stat) -> bool {
        if all && facts.st_uid != NOBODY {
            return true;
        }
        if !self.capable && facts.st_uid == self.user && facts.st_mode & 0o400 == 0 {
            return false;
        }
        accessat(folder, name, Access::READ_OK, AtFlags::empty()).is_ok()
    }
}

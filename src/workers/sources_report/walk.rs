//! The walk: every target once, by several threads, each entry asked for what the rules need and nothing more.

use super::access::Reader;
use super::expand::path;
use super::figures::Share;
use super::paths::{depth, folder_of};
use super::rules::{Place, Rules};
use super::targets::Leaf;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, Stat, fstat, open, openat, statat};
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What the kernel may tell of a folder at once.
const MOUTHFUL: usize = 32 * 1024;

/// What all threads of a walk share.
pub(super) struct Walk {
    rules: Rules,
    shares: Vec<Share>,
    depth: Option<u32>,
    reader: Reader,
    queue: Mutex<Queue>,
    more: Condvar,
    stopped: AtomicBool,
    files: AtomicU64,
    bytes: AtomicU64,
    /// Targets that the rules leave out as a whole.
    left_out: Mutex<Vec<Vec<u8>>>,
}

/// What is still to be walked. The last comes first, so that few folders wait at any time.
struct Queue {
    waiting: Vec<Task>,
    busy: usize,
}

enum Task {
    Target(Leaf),
    Folders(Folders),
}

/// The folders that were found in one folder: their names with a NUL behind each, which takes less than a path for each.
struct Folders {
    parent: Vec<u8>,
    names: Vec<u8>,
    share: usize,
}

/// One folder to be read.
struct Folder {
    path: Vec<u8>,
    share: usize,
}

enum Next {
    Target(Leaf),
    Folder(Folder),
}

/// What was found in one folder.
#[derive(Default)]
struct Found {
    files: u64,
    bytes: u64,
    excluded: u64,
}

/// An open folder, with what is known of it.
struct Opened<'a> {
    descriptor: BorrowedFd<'a>,
    path: &'a [u8],
    /// Its file system, where that counts.
    device: u64,
    /// Everything in it can be read.
    readable: bool,
}

impl Walk {
    pub(super) fn new(rules: Rules, leaves: Vec<Leaf>, shares: Vec<Share>, depth: Option<u32>) -> Self {
        let waiting = leaves.into_iter().rev().map(Task::Target).collect();
        Self {
            rules,
            shares,
            depth,
            reader: Reader::this(),
            queue: Mutex::new(Queue { waiting, busy: 0 }),
            more: Condvar::new(),
            stopped: AtomicBool::new(false),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            left_out: Mutex::default(),
        }
    }

    /// Files and bytes so far.
    pub(super) fn so_far(&self) -> (u64, u64) {
        (self.files.load(Relaxed), self.bytes.load(Relaxed))
    }

    /// Has every thread end as soon as it can.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Relaxed);
        let _queue = self.queue();
        self.more.notify_all();
    }

    /// As if a thread had taken something and never came back.
    #[cfg(test)]
    pub(super) fn hang(&self) {
        self.queue().busy += 1;
    }

    pub(super) fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// Whether the rules leave out this target as a whole.
    pub(super) fn leaves_out(&self, target: &[u8]) -> bool {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|path| path == target)
    }

    /// Walks until nothing is left: what each thread does.
    pub(super) fn work(&self) {
        let mut buffer = vec![MaybeUninit::uninit(); MOUTHFUL];
        while let Some(next) = self.next() {
            let found = match next {
                Next::Target(leaf) => self.target(&leaf, &mut buffer),
                Next::Folder(folder) => self.folder(folder, &mut buffer),
            };
            self.done(found);
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Next> {
        let mut queue = self.queue();
        loop {
            if self.stopped.load(Relaxed) {
                return None;
            }
            if let Some(next) = queue.next() {
                queue.busy += 1;
                return Some(next);
            }
            if queue.busy == 0 {
                return None;
            }
            queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, found: Option<Folders>) {
        let mut queue = self.queue();
        queue.busy -= 1;
        let several = found.as_ref().is_some_and(|folders| !folders.names.is_empty());
        queue.waiting.extend(found.filter(|folders| !folders.names.is_empty()).map(Task::Folders));
        if several || queue.busy == 0 {
            self.more.notify_all();
        }
    }

    /// Looks at a target itself; nobody has looked at what is above it.
    fn target(&self, leaf: &Leaf, buffer: &mut [MaybeUninit<u8>]) -> Option<Folders> {
        let share = &self.shares[leaf.share];
        let name = leaf.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let above = folder_of(&leaf.path);
        let leave_out = || {
            self.left_out.lock().unwrap_or_else(PoisonError::into_inner).push(leaf.path.clone());
            share.add(0, 0, 1, depth(&leaf.path), self.depth);
        };
        let parent = open(path(above), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let tagged = self.rules.has_tags()
            && parent.as_ref().is_ok_and(|parent| self.rules.tags_in(parent.as_fd()).iter().any(|tag| *tag != name));
        if tagged || self.rules.leaves_out(&leaf.path, Place::Source) {
            leave_out();
            return None;
        }
        let facts = match statat(CWD, path(&leaf.path), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(facts) => facts,
            Err(error) => {
                share.fail(&leaf.path, error);
                return None;
            }
        };
        let kind = FileType::from_raw_mode(facts.st_mode);
        let device_above = if self.rules.by_file_system() {
            parent.as_ref().ok().and_then(|parent| fstat(parent).ok()).map_or(0, |facts| facts.st_dev)
        } else {
            0
        };
        let is_folder = kind == FileType::Directory;
        if self.rules.is_elsewhere(&leaf.path, facts.st_dev, is_folder, (above, device_above))
            || !is_folder && self.rules.is_too_large(facts.st_size as u64)
        {
            leave_out();
            return None;
        }
        if is_folder {
            return self.folder(Folder { path: leaf.path.clone(), share: leaf.share }, buffer);
        }
        if kind == FileType::RegularFile {
            let Ok(parent) = parent else { return None };
            let mut terminated = name.to_vec();
            terminated.push(0);
            let Ok(name) = CStr::from_bytes_with_nul(&terminated) else { return None };
            let all = self.reader.reads_all_in(parent.as_fd());
            if self.reader.reads(all, parent.as_fd(), name, &facts) {
                let bytes = facts.st_size as u64;
                share.add(1, bytes, 0, depth(&leaf.path), self.depth);
                self.files.fetch_add(1, Relaxed);
                self.bytes.fetch_add(bytes, Relaxed);
            } else {
                share.fail(&leaf.path, rustix::io::Errno::ACCESS);
            }
        }
        None
    }

    /// Reads a folder; gives the folders in it.
    fn folder(&self, folder: Folder, buffer: &mut [MaybeUninit<u8>]) -> Option<Folders> {
        let share = &self.shares[folder.share];
        let descriptor = match open_folder(&folder.path) {
            Ok(descriptor) => descriptor,
            Err(error) => {
                share.fail(&folder.path, error);
                return None;
            }
        };
        let device = if self.rules.by_file_system() { fstat(&descriptor).map_or(0, |facts| facts.st_dev) } else { 0 };
        let opened = Opened {
            descriptor: descriptor.as_fd(),
            path: &folder.path,
            device,
            readable: self.reader.reads_all_in(descriptor.as_fd()),
        };
        let tags = if self.rules.has_tags() { self.rules.tags_in(opened.descriptor) } else { Vec::new() };
        let mut found = Found::default();
        let mut names = Vec::new();
        let mut whole = folder.path.clone();
        if !whole.ends_with(b"/") {
            whole.push(b'/');
        }
        let length = whole.len();
        let mut entries = RawDir::new(opened.descriptor, buffer);
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    share.fail(&folder.path, error);
                    break;
                }
            };
            let name = entry.file_name();
            let bytes = name.to_bytes();
            if bytes == b"." || bytes == b".." {
                continue;
            }
            if self.stopped.load(Relaxed) {
                return None;
            }
            whole.truncate(length);
            whole.extend_from_slice(bytes);
            if tags.iter().any(|tag| *tag != bytes) || self.rules.leaves_out(&whole, Place::Below) {
                found.excluded += 1;
                continue;
            }
            if self.entry(&opened, name, entry.file_type(), &whole, share, &mut found) {
                names.extend_from_slice(name.to_bytes_with_nul());
            }
        }
        share.add(found.files, found.bytes, found.excluded, depth(&folder.path) + 1, self.depth);
        self.files.fetch_add(found.files, Relaxed);
        self.bytes.fetch_add(found.bytes, Relaxed);
        Some(Folders { parent: folder.path, names, share: folder.share })
    }

    /// Looks at one entry of a folder; gives whether it is a folder to go into.
    fn entry(
        &self,
        folder: &Opened<'_>,
        name: &CStr,
        kind: FileType,
        path: &[u8],
        share: &Share,
        found: &mut Found,
    ) -> bool {
        if kind == FileType::Directory && !self.rules.by_file_system() {
            return true;
        }
        let facts: Stat = match statat(folder.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(facts) => facts,
            Err(error) => {
                share.fail(path, error);
                return false;
            }
        };
        let kind = FileType::from_raw_mode(facts.st_mode);
        let is_folder = kind == FileType::Directory;
        if self.rules.is_elsewhere(path, facts.st_dev, is_folder, (folder.path, folder.device))
            || !is_folder && self.rules.is_too_large(facts.st_size as u64)
        {
            found.excluded += 1;
            return false;
        }
        if kind == FileType::RegularFile {
            if self.reader.reads(folder.readable, folder.descriptor, name, &facts) {
                found.files += 1;
                found.bytes += facts.st_size as u64;
            } else {
                share.fail(path, rustix::io::Errno::ACCESS);
            }
        }
        is_folder
    }
}

impl Queue {
    fn next(&mut self) -> Option<Next> {
        match self.waiting.pop()? {
            Task::Target(leaf) => Some(Next::Target(leaf)),
            Task::Folders(mut folders) => {
                folders.names.pop();
                let start = folders.names.iter().rposition(|byte| *byte == 0).map_or(0, |at| at + 1);
                let path = super::paths::join(&folders.parent, &folders.names[start..]);
                let share = folders.share;
                folders.names.truncate(start);
                if !folders.names.is_empty() {
                    self.waiting.push(Task::Folders(folders));
                }
                Some(Next::Folder(Folder { path, share }))
            }
        }
    }
}

fn open_folder(folder: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(CWD, path(folder).as_os_str().as_bytes(), flags, Mode::empty())
}

//! The system's process table, as far as trees of processes are concerned.

use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// One process as the kernel lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// Its parent's.
    pub parent: Pid,
    /// `R`, `S`, `D`, `T`, `Z`, ... as in proc(5).
    pub state: char,
}

impl Process {
    /// Whether it has ended and only waits to be waited for.
    pub fn is_over(self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

fn read_all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(|pid| parse_stat(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?))
        .collect()
}

/// Reads state and parent behind the name, which may hold blanks and brackets of its own.
fn parse_stat(pid: i32, stat: &[u8]) -> Option<Process> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    Some(Process { pid: Pid::from_raw(pid), parent: Pid::from_raw(parent), state })
}

/// The direct children of `parent`, ended ones included.
pub fn children_of(parent: Pid) -> Vec<Process> {
    read_all().into_iter().filter(|process| process.parent == parent).collect()
}

/// Our own children as the kernel keeps them for each of our threads: cheaper than the whole table, and complete for
/// children that do not come or go at this moment. Without that file (a kernel without `CONFIG_PROC_CHILDREN`) the
/// table is read.
pub fn own_children() -> Vec<Pid> {
    let from_threads = || -> Option<Vec<Pid>> {
        let mut children = Vec::new();
        for thread in fs::read_dir("/proc/self/task").ok()? {
            let list = fs::read_to_string(thread.ok()?.path().join("children")).ok()?;
            children.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw));
        }
        Some(children)
    };
    from_threads().unwrap_or_else(|| children_of(nix::unistd::getpid()).iter().map(|process| process.pid).collect())
}

/// Everything below `root`, ended processes included, without `root` itself.
pub fn descendants_of(root: Pid) -> Vec<Process> {
    let mut below: BTreeMap<Pid, Vec<Process>> = BTreeMap::new();
    for process in read_all() {
        below.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([root]);
    let mut next = vec![root];
    while let Some(parent) = next.pop() {
        for process in below.get(&parent).into_iter().flatten() {
            // The table is not read at one moment: a number may be met twice.
            if seen.insert(process.pid) {
                found.push(*process);
                next.push(process.pid);
            }
        }
    }
    found
}

/// The parent of a process, its parent, and so on, as far as they can be seen.
pub fn ancestors_of(pid: Pid) -> Vec<Pid> {
    let mut found: Vec<Pid> = Vec::new();
    let mut next = pid;
    while let Some(process) =
        fs::read(format!("/proc/{next}/stat")).ok().and_then(|stat| parse_stat(next.as_raw(), &stat))
    {
        // The table is not read at one moment: a number may be met twice.
        if process.parent.as_raw() < 1 || found.contains(&process.parent) {
            break;
        }
        found.push(process.parent);
        next = process.parent;
    }
    found
}

/// The short name of a process (proc(5): comm), empty if it is gone.
pub fn name_of(pid: Pid) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}

/// Every other process that has this path among its words: an engine that writes there. Our own helpers do not count:
/// they are forked with the words of a worker, and write nothing.
pub fn mentioning(path: &std::path::Path) -> Vec<Pid> {
    use std::os::unix::ffi::OsStrExt;
    let path = path.as_os_str().as_bytes();
    let ourselves = nix::unistd::getpid();
    let names_it = |process: &Process| {
        let words = fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
        !path.is_empty() && words.split(|byte| *byte == 0).any(|word| word.windows(path.len()).any(|part| part == path))
    };
    let others = read_all().into_iter().filter(|process| process.pid != ourselves && !process.is_over());
    let is_helper = |pid: Pid| name_of(pid).starts_with("boathook-");
    others.filter(names_it).map(|process| process.pid).filter(|pid| !is_helper(*pid)).collect()
}

/// Every other process that has all of these variables in its environment: what a hook of a dead run has left. Our own
/// helpers do not count, nor does what has hidden or changed its environment.
pub fn told(variables: &[(&str, &str)]) -> Vec<Process> {
    let ourselves = nix::unistd::getpid();
    let wanted: Vec<Vec<u8>> = variables.iter().map(|(name, value)| format!("{name}={value}").into_bytes()).collect();
    let has_all = |process: &Process| {
        let environment = fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
        let pairs: BTreeSet<&[u8]> = environment.split(|byte| *byte == 0).collect();
        wanted.iter().all(|pair| pairs.contains(pair.as_slice()))
    };
    let others = read_all().into_iter().filter(|process| process.pid != ourselves && !process.is_over());
    others.filter(has_all).filter(|process| !name_of(process.pid).starts_with("boathook-")).collect()
}

/// Every process that has this file open, as far as we may know that.
pub fn holding(path: &std::path::Path) -> Vec<Pid> {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(wanted) = fs::metadata(path).map(|facts| (facts.dev(), facts.ino())) else { return Vec::new() };
    let has_it = |process: &Process| {
        let open = fs::read_dir(format!("/proc/{}/fd", process.pid)).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::metadata(entry.path()).ok()).any(|facts| (facts.dev(), facts.ino()) == wanted)
    };
    read_all().into_iter().filter(has_it).map(|process| process.pid).collect()
}

/// Whether nothing of a process will ever run its own code again, though it is still there: its main thread has ended,
/// or SIGKILL is on its way to it, and a thread hangs in the kernel (writing to a frozen file system). What cannot be
/// looked at (no descriptor is left) may live.
pub fn is_as_good_as_dead(pid: Pid) -> bool {
    let status = match fs::read_to_string(format!("/proc/{pid}/status")) {
        Ok(status) => status,
        Err(error) => return matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)),
    };
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
    let is_killed = |mask: &str| u64::from_str_radix(mask, 16).is_ok_and(|mask| mask & (1 << (libc::SIGKILL - 1)) != 0);
    field("State:").starts_with(['Z', 'X']) || is_killed(field("SigPnd:")) || is_killed(field("ShdPnd:"))
}

/// Whether the main thread of a process hangs in the kernel, where no signal reaches it.
pub fn is_uninterruptible(pid: Pid) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok();
    stat.and_then(|stat| parse_stat(pid.as_raw(), &stat)).is_some_and(|process| process.state == 'D')
}

/// Whether a process is stopped (SIGSTOP, a debugger), and so does nothing.
pub fn is_stopped(pid: Pid) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok();
    stat.and_then(|stat| parse_stat(pid.as_raw(), &stat)).is_some_and(|process| matches!(process.state, 'T' | 't'))
}

/// Where numbers of processes mean what they mean here: the boot and the pid namespace (proc(5), pid_namespaces(7)).
pub fn pid_namespace() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{} {}", boot.trim(), namespace.display())
}

/// When a process was started, in clock ticks since the system's start (proc(5): stat, field 22); `None` if it is gone
/// or has ended. With its number, this is what no other process has.
pub fn started_at(pid: Pid) -> Option<u64> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let fields: Vec<&str> = std::str::from_utf8(stat.get(end + 1..)?).ok()?.split_ascii_whitespace().collect();
    if fields.first().is_some_and(|state| matches!(*state, "Z" | "X")) {
        return None;
    }
    fields.get(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_read_past() {
        let process = parse_stat(7, b"7 (a) S 1 (x) D 42 7 7 0 -1").expect("is well-formed");
        assert_eq!((process.state, process.parent.as_raw()), ('D', 42));
        assert_eq!(parse_stat(7, b"7 no brackets"), None);
    }

    #[test]
    fn who_names_a_path_is_found_unless_it_is_a_helper_of_ours() {
        use std::process::{Command, Stdio};
        let folder = tempfile::tempdir().expect("a temporary folder");
        let named = |name: &str| {
            let program = folder.path().join(name);
            std::os::unix::fs::symlink("/bin/sh", &program).expect("is linked");
            let mut command = Command::new(&program);
            command.args(["-c", "echo; read x; :", "sh"]).arg(folder.path().join("target/below"));
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
            std::io::Read::read(child.stdout.as_mut().expect("is piped"), &mut [0]).expect("says so");
            child
        };
        let mut started = [named("boathook-read"), named("engine")];
        let found = mentioning(&folder.path().join("target"));
        let expected = Pid::from_raw(started[1].id() as i32);
        for child in &mut started {
            child.kill().and_then(|()| child.wait()).expect("ends");
        }
        assert_eq!(found, [expected]);
    }

    #[test]
    fn our_parent_is_the_first_of_our_ancestors() {
        let above = ancestors_of(nix::unistd::getpid());
        assert_eq!(above.first(), Some(&nix::unistd::getppid()));
        assert_eq!(ancestors_of(Pid::from_raw(i32::MAX)), []);
    }

    #[test]
    fn our_own_child_is_found_below_us() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().expect("cat is there");
        let found =
            descendants_of(nix::unistd::getpid()).iter().any(|process| process.pid.as_raw() == child.id() as i32);
        drop(child.stdin.take());
        child.wait().expect("cat ends with its input");
        assert!(found);
    }
}

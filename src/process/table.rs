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

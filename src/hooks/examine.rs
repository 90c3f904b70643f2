//! Whether one script can run, found without running it.

use super::permissions::{Access, may, mode, mount, others_may_change, others_may_replace, reason};
use super::{Finding, Script, names, shebang};
use nix::fcntl::OFlag;
use std::collections::BTreeMap;
use std::fs::{self, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

/// What a script cannot run for.
enum Problem {
    ExecuteBit(Finding),
    Other(Finding),
}

/// Looks at one script after the other, and at each folder once.
pub(super) struct Examiner<'a> {
    strict: bool,
    path: &'a str,
    /// The hooks folder without links.
    real: PathBuf,
    /// Who may replace files in it.
    folder: Option<Finding>,
    /// The same of the folders that links lead to.
    elsewhere: BTreeMap<PathBuf, Option<Finding>>,
}

impl<'a> Examiner<'a> {
    pub(super) fn new(directory: &Path, strict: bool, path: &'a str) -> Self {
        let real = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        let folder = others_may_replace(&real);
        Self { strict, path, real, folder, elsewhere: BTreeMap::new() }
    }

    /// Who may replace files in the hooks folder.
    pub(super) fn folder(&self) -> Option<&Finding> {
        self.folder.as_ref()
    }

    /// Everything that there is to say about the script at `path`.
    pub(super) fn script(&mut self, name: names::Name, path: PathBuf) -> Script {
        let mut warnings = Vec::new();
        let problem = self.examine(&path, &mut warnings).err();
        let not_executable = matches!(problem, Some(Problem::ExecuteBit(_)));
        let problem = problem.map(|(Problem::ExecuteBit(finding) | Problem::Other(finding))| finding);
        let names::Name { phase, owner, hook, .. } = name;
        Script { name: hook, phase, owner, path, problem, not_executable, warnings }
    }

    fn examine(&mut self, path: &Path, warnings: &mut Vec<Finding>) -> Result<(), Problem> {
        let link = fs::read_link(path).ok();
        let metadata = fs::metadata(path).map_err(|error| cannot_be_reached(path, link.as_deref(), &error))?;
        if !metadata.is_file() {
            let what = format!("is {}, not a file", kind(metadata.file_type()));
            let mend = format!("put a script in its place, or take {} away", path.display());
            return Err(Problem::Other(Finding { what, mend }));
        }
        may_be_executed(path, link.as_deref(), &metadata)?;
        let head = head(path).map_err(|error| {
            let what = format!("cannot be read ({}), and a script must be", reason(&error));
            Problem::Other(Finding { what, mend: format!("chmod a+rx {}", path.display()) })
        })?;
        let beginning = shebang::read(&head);
        if let Some(finding) = shebang::problem(path, &beginning, self.path) {
            return Err(Problem::Other(finding));
        }
        let doubts = others_may_change(path, &metadata).into_iter().chain(self.elsewhere(path, link.is_some()));
        if self.strict {
            if let Some(doubt) = doubts.chain(self.folder.clone()).next() {
                let what = format!("{}, and HOOKS_STRICT is ON", doubt.what);
                return Err(Problem::Other(Finding { what, ..doubt }));
            }
        } else {
            warnings.extend(doubts);
        }
        warnings.extend(shebang::warning(path, &beginning));
        Ok(())
    }

    /// Who may replace the file that a link leads to, if it lies in another folder.
    fn elsewhere(&mut self, path: &Path, is_link: bool) -> Option<Finding> {
        let real = is_link.then(|| path.canonicalize().ok())??;
        let folder = real.parent()?;
        // What lies below the hooks folder (`..data`) has that folder among those above it, which is looked at anyway.
        if folder == self.real {
            return None;
        }
        let found = self.elsewhere.entry(folder.to_owned()).or_insert_with(|| others_may_replace(folder)).clone();
        found.filter(|found| self.folder.as_ref() != Some(found))
    }
}

fn cannot_be_reached(path: &Path, link: Option<&Path>, error: &io::Error) -> Problem {
    let take_away = format!("mend the link, or take {} away", path.display());
    Problem::Other(match link {
        Some(target) if error.kind() == ErrorKind::NotFound => {
            Finding { what: format!("is a link to {}, which does not exist", target.display()), mend: take_away }
        }
        Some(target) => {
            Finding { what: format!("is a link to {}: {}", target.display(), reason(error)), mend: take_away }
        }
        None => Finding {
            what: format!("cannot be looked at: {}", reason(error)),
            mend: "give the running user execute permission on every folder above it".to_owned(),
        },
    })
}

fn may_be_executed(path: &Path, link: Option<&Path>, metadata: &Metadata) -> Result<(), Problem> {
    let mount = mount(path);
    if mount.no_exec {
        return Err(Problem::Other(Finding {
            what: "lies on a file system that is mounted noexec".to_owned(),
            mend: "mount it without noexec, or keep the hooks elsewhere and set HOOKS_DIR".to_owned(),
        }));
    }
    if may(path, Access::Execute) {
        return Ok(());
    }
    let mode = mode(metadata);
    let what = if metadata.mode() & 0o111 == 0 {
        format!("is not executable (mode {mode})")
    } else {
        format!("is not executable for user {} (owner {}, mode {mode})", nix::unistd::geteuid(), metadata.uid())
    };
    let change = if metadata.mode() & 0o111 == 0 { "chmod +x" } else { "chmod a+rx" };
    let mend = if link.is_some_and(leads_into_a_volume) {
        "set `defaultMode: 0755` on the ConfigMap's volume".to_owned()
    } else if mount.read_only {
        let file = path.file_name().unwrap_or_default().display();
        format!("{change} {file} where it comes from, since it is mounted read-only (ConfigMap: `defaultMode: 0755`)")
    } else {
        format!("{change} {}", path.display())
    };
    Err(Problem::ExecuteBit(Finding { what, mend }))
}

/// Whether a link is one of those that a ConfigMap's or Secret's volume consists of.
fn leads_into_a_volume(link: &Path) -> bool {
    link.components().next() == Some(Component::Normal("..data".as_ref()))
}

/// The first bytes: more than the kernel reads of a `#!` line. Never waits, should the file have become a fifo.
fn head(path: &Path) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits()).open(path)?;
    let mut head = Vec::with_capacity(512);
    file.take(512).read_to_end(&mut head)?;
    Ok(head)
}

fn kind(found: FileType) -> &'static str {
    if found.is_dir() {
        "a folder"
    } else if found.is_fifo() {
        "a fifo"
    } else if found.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::os::unix::net::UnixListener;
    use tempfile::TempDir;

    const FILE: &str = "pre-backup.sh";

    struct Hooks(TempDir);

    impl Hooks {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("there is room"))
        }

        fn with(content: &str, mode: u32) -> Self {
            let hooks = Self::new();
            fs::write(hooks.path(), content).expect("there is room");
            fs::set_permissions(hooks.path(), Permissions::from_mode(mode)).expect("is ours");
            hooks
        }

        fn path(&self) -> PathBuf {
            self.0.path().join(FILE)
        }

        fn look(&self, strict: bool) -> Script {
            let name = names::read(FILE.as_bytes(), &["backup"]).expect("is a hook");
            Examiner::new(self.0.path(), strict, "/bin").script(name, self.path())
        }

        #[track_caller]
        fn problem(&self) -> Finding {
            let script = self.look(false);
            assert!(!script.not_executable, "{script:?}");
            script.problem.expect("it cannot run")
        }

        #[track_caller]
        fn warning(&self) -> String {
            let script = self.look(false);
            assert_eq!(script.problem, None);
            assert_eq!(script.warnings.len(), 1, "{script:?}");
            script.warnings[0].what.clone()
        }
    }

    /// As a user without any rights, in a thread of its own: the kernel keeps ids by thread, and only the C library
    /// would change those of all.
    fn as_nobody<T: Send>(look: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                // SAFETY: the call takes three integers and changes this thread alone.
                assert_eq!(unsafe { libc::syscall(libc::SYS_setresuid, 65534, 65534, 65534) }, 0);
                look()
            });
            thread.join().expect("ends")
        })
    }

    fn we_are_root() -> bool {
        nix::unistd::geteuid().is_root()
    }

    #[test]
    fn a_script_with_everything_in_place_runs() {
        let script = Hooks::with("#!/bin/sh\n", 0o755).look(true);
        assert_eq!((script.problem, script.warnings), (None, Vec::new()));
    }

    #[test]
    fn a_missing_execute_bit_is_found() {
        let hooks = Hooks::with("#!/bin/sh\n", 0o644);
        let script = hooks.look(false);
        assert!(script.not_executable);
        let problem = script.problem.expect("it cannot run");
        assert_eq!(problem.what, "is not executable (mode 0644)");
        assert_eq!(problem.mend, format!("chmod +x {}", hooks.path().display()));
    }

    #[test]
    fn a_missing_execute_bit_in_a_config_map_names_its_default_mode() {
        let hooks = Hooks::new();
        let data = hooks.0.path().join("..data");
        fs::create_dir(&data).expect("there is room");
        fs::write(data.join(FILE), "#!/bin/sh\n").expect("there is room");
        symlink(Path::new("..data").join(FILE), hooks.path()).expect("there is room");
        let script = hooks.look(false);
        assert!(script.not_executable);
        assert_eq!(script.problem.expect("it cannot run").mend, "set `defaultMode: 0755` on the ConfigMap's volume");
    }

    #[test]
    fn anothers_execute_bit_is_not_ours() {
        if we_are_root() {
            let hooks = Hooks::with("#!/bin/sh\n", 0o700);
            fs::set_permissions(hooks.0.path(), Permissions::from_mode(0o755)).expect("is ours");
            let script = as_nobody(|| hooks.look(false));
            assert!(script.not_executable);
            let problem = script.problem.expect("it cannot run");
            assert_eq!(problem.what, "is not executable for user 65534 (owner 0, mode 0700)");
        } else {
            // An owner without the bit is refused, though everybody else has it.
            let script = Hooks::with("#!/bin/sh\n", 0o655).look(false);
            assert!(script.problem.expect("it cannot run").what.contains("is not executable for user"));
        }
    }

    #[test]
    fn a_script_that_can_be_executed_but_not_read_cannot_run() {
        let hooks = Hooks::with("#!/bin/sh\n", if we_are_root() { 0o711 } else { 0o355 });
        fs::set_permissions(hooks.0.path(), Permissions::from_mode(0o755)).expect("is ours");
        let problem = if we_are_root() { as_nobody(|| hooks.problem()) } else { hooks.problem() };
        assert_eq!(problem.what, "cannot be read (Permission denied), and a script must be");
    }

    #[test]
    fn roots_access_needs_but_one_execute_bit() {
        let hooks = Hooks::with("#!/bin/sh\n", if we_are_root() { 0o001 } else { 0o500 });
        assert_eq!(hooks.look(false).problem, None);
    }

    #[test]
    fn a_dangling_link_is_found() {
        let hooks = Hooks::new();
        symlink("none.sh", hooks.path()).expect("there is room");
        assert_eq!(hooks.problem().what, "is a link to none.sh, which does not exist");
    }

    #[test]
    fn a_link_to_itself_is_found() {
        let hooks = Hooks::new();
        symlink(FILE, hooks.path()).expect("there is room");
        assert_eq!(hooks.problem().what, "is a link to pre-backup.sh: Too many symbolic links encountered");
    }

    #[test]
    fn what_is_no_file_is_found() {
        let hooks = Hooks::new();
        fs::create_dir(hooks.path()).expect("there is room");
        assert_eq!(hooks.problem().what, "is a folder, not a file");
        let hooks = Hooks::new();
        nix::unistd::mkfifo(&hooks.path(), nix::sys::stat::Mode::S_IRWXU).expect("there is room");
        assert_eq!(hooks.problem().what, "is a fifo, not a file");
        let hooks = Hooks::new();
        let _socket = UnixListener::bind(hooks.path()).expect("there is room");
        assert_eq!(hooks.problem().what, "is a socket, not a file");
        let hooks = Hooks::new();
        symlink("/dev/null", hooks.path()).expect("there is room");
        assert_eq!(hooks.problem().what, "is a device, not a file");
    }

    #[test]
    fn a_mount_without_execution_is_found() {
        let hooks = Hooks::new();
        if mount(Path::new("/proc/version")).no_exec {
            symlink("/proc/version", hooks.path()).expect("there is room");
            assert_eq!(hooks.problem().what, "lies on a file system that is mounted noexec");
            return;
        }
        let problem = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let none = c"none".as_ptr();
                let folder = std::ffi::CString::new(hooks.0.path().to_str().expect("is text")).expect("has no NUL");
                // SAFETY: the strings outlive the calls; the mount is in a name space of this thread alone.
                unsafe {
                    assert_eq!(libc::unshare(libc::CLONE_NEWNS), 0, "neither is /proc noexec nor may we mount");
                    let private = libc::MS_REC | libc::MS_PRIVATE;
                    assert_eq!(libc::mount(none, c"/".as_ptr(), none, private, std::ptr::null()), 0);
                    let kind = c"tmpfs".as_ptr();
                    assert_eq!(libc::mount(none, folder.as_ptr(), kind, libc::MS_NOEXEC, std::ptr::null()), 0);
                }
                fs::write(hooks.path(), "#!/bin/sh\n").expect("there is room");
                fs::set_permissions(hooks.path(), Permissions::from_mode(0o755)).expect("is ours");
                hooks.problem()
            });
            thread.join().expect("ends")
        });
        assert_eq!(problem.what, "lies on a file system that is mounted noexec");
    }

    #[test]
    fn a_line_that_windows_wrote_is_found() {
        let what = Hooks::with("#!/bin/sh\r\necho\r\n", 0o755).problem().what;
        assert!(what.starts_with("has a carriage return at the end of its #! line"), "{what}");
    }

    #[test]
    fn a_missing_interpreter_is_found() {
        let what = Hooks::with("#!/none/python3\n", 0o755).problem().what;
        assert_eq!(what, "needs the interpreter /none/python3, which does not exist");
        let what = Hooks::with("#!/usr/bin/env no-such-program\n", 0o755).problem().what;
        assert!(what.starts_with("needs the interpreter no-such-program"), "{what}");
    }

    #[test]
    fn an_empty_file_and_one_without_an_interpreter_line_are_doubtful() {
        assert_eq!(Hooks::with("", 0o755).warning(), "is empty: it runs, and does nothing");
        assert_eq!(Hooks::with("echo\n", 0o755).warning(), "has no #! line: /bin/sh runs it");
        let what = Hooks::with("\u{feff}#!/bin/sh\n", 0o755).warning();
        assert!(what.starts_with("begins with a byte order mark"), "{what}");
    }

    #[test]
    fn a_file_that_everybody_may_write_is_doubtful_and_refused_when_strict() {
        let hooks = Hooks::with("#!/bin/sh\n", 0o777);
        assert_eq!(hooks.warning(), "may be written by everybody (mode 0777)");
        let problem = hooks.look(true).problem.expect("is refused");
        assert_eq!(problem.what, "may be written by everybody (mode 0777), and HOOKS_STRICT is ON");
    }

    #[test]
    fn a_file_of_another_user_is_doubtful() {
        if we_are_root() {
            let hooks = Hooks::with("#!/bin/sh\n", 0o755);
            chown(hooks.path(), Some(1234), None).expect("we are root");
            assert_eq!(hooks.warning(), "belongs to user 1234, who is neither root nor the user that runs it");
        } else {
            // Nothing but root can give files away: our own, then, are the ones that must not be doubted.
            assert!(Hooks::with("#!/bin/sh\n", 0o755).look(false).warnings.is_empty());
        }
    }

    #[test]
    fn a_link_into_an_open_folder_is_doubtful() {
        let elsewhere = Hooks::with("#!/bin/sh\n", 0o755);
        fs::set_permissions(elsewhere.0.path(), Permissions::from_mode(0o777)).expect("is ours");
        let hooks = Hooks::new();
        symlink(elsewhere.path(), hooks.path()).expect("there is room");
        let what = hooks.warning();
        assert!(what.contains(", into which everybody may write (mode 0777)"), "{what}");
    }
}

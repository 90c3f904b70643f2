//! Mail through the system's `sendmail` (msmtp in the image).

use super::sent::{Failure, gave_up, within};
use crate::exit;
use crate::http::quotable;
use crate::process::{Ending, Event, Exit, Spec, Stop, run_with_input};
use crate::settings::Environment;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::Signal;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where it lies on systems that keep it out of the `PATH` of ordinary users.
const BESIDE_PATH: &[&str] = &["/usr/sbin", "/sbin", "/usr/lib"];

/// How much of what it prints is kept.
const OUTPUT: usize = 64 * 1024;

/// Longest time between being asked to end and being ended.
const GRACE: Duration = Duration::from_secs(2);

/// What came of it, with what was printed.
pub(super) struct Handed {
    pub result: Result<(), Failure>,
    pub output: String,
}

/// Hands a mail over. Its recipients are read from its header: on a command line, one that begins with `-` would be an
/// option.
pub(super) fn deliver(mail: &[u8], environment: &Environment, limit: Duration) -> Handed {
    let failed = |failure| Handed { result: Err(failure), output: String::new() };
    let Some(program) = program(environment) else {
        let problem = "there is no program `sendmail`; install one (msmtp) or set SMTP_URL";
        return failed(Failure::new(exit::NOT_FOUND, problem));
    };
    let input = match held(mail) {
        Ok(input) => input,
        Err(error) => return failed(Failure::new(exit::FAILURE, format!("no memory for the mail: {error}"))),
    };
    let args = ["-t", "-i"].map(OsString::from).to_vec();
    let spec = Spec { program, args, environment: environment.clone(), directory: None, dies_with_us: None };
    // A program that the kernel does not let us end must not keep the run: somebody else waits for it.
    within(limit + GRACE, move || run(&spec, input, limit)).unwrap_or_else(|_| failed(gave_up(limit)))
}

fn run(spec: &Spec, input: OwnedFd, limit: Duration) -> Handed {
    let started = Instant::now();
    let grace = GRACE.min(limit / 4);
    let mut output = Vec::new();
    let mut asked = false;
    let exit = Stop::new().and_then(|stop| {
        let ending = Ending { signal: Signal::SIGTERM, grace: &|_| grace, limit: None };
        run_with_input(spec, input, &stop, &ending, &mut |event| {
            if let Event::Stdout(bytes) | Event::Stderr(bytes) = event {
                output.extend_from_slice(bytes);
                output.drain(..output.len().saturating_sub(OUTPUT));
            }
            if !asked && started.elapsed() >= limit.saturating_sub(grace) {
                asked = true;
                stop.ask(Signal::SIGTERM);
            }
        })
    });
    let output = String::from_utf8_lossy(&output).into_owned();
    let shown = spec.program.display();
    let result = match exit {
        Ok(Exit::Code(0)) => Ok(()),
        _ if asked => Err(gave_up(limit)),
        Ok(exit) => {
            let last = quotable(output.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default(), 300);
            let said = if last.is_empty() { last } else { format!(": {last}") };
            let code = exit.code();
            Err(Failure::new(code, format!("{shown} ended with exit code {code}{}{said}", meaning(code))))
        }
        Err(error) => Err(Failure::new(exit::CANNOT_EXECUTE, format!("{shown} cannot be started: {error}"))),
    };
    Handed { result, output }
}

/// What mail programs mean by their codes (sysexits.h).
fn meaning(code: i32) -> &'static str {
    match code {
        64 => " (wrong usage)",
        65 => " (it does not like the mail)",
        67 => " (unknown recipient)",
        68 => " (unknown mail server)",
        69 => " (mail server not available)",
        75 => " (mail server not available for now)",
        77 => " (not allowed: check user and password)",
        78 => " (its configuration is wrong or missing)",
        _ => "",
    }
}

/// The mail as a file that is nowhere: a full disk is just what a mail may have to tell of.
fn held(mail: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create(c"mail", MFdFlags::MFD_CLOEXEC)?);
    // Programs of the system want its own line ends.
    let mut rest = mail;
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        file.write_all(&rest[..end])?;
        file.write_all(b"\n")?;
        rest = &rest[end + 2..];
    }
    file.write_all(rest)?;
    file.rewind()?;
    Ok(file.into())
}

/// The program as it would be started.
pub(super) fn program(environment: &Environment) -> Option<PathBuf> {
    find(environment.raw("PATH"), BESIDE_PATH)
}

fn find(path: Option<&OsStr>, beside: &[&str]) -> Option<PathBuf> {
    let listed =
        path.unwrap_or_default().as_bytes().split(|byte| *byte == b':').map(|dir| Path::new(OsStr::from_bytes(dir)));
    let beside = beside.iter().map(Path::new);
    listed.filter(|dir| dir.is_absolute()).chain(beside).map(|dir| dir.join("sendmail")).find(|program| {
        program.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    /// A folder with a `sendmail` that does this, and an environment that finds it.
    fn with_script(script: &str) -> (tempfile::TempDir, Environment) {
        let folder = tempfile::tempdir().expect("a folder");
        let environment = fixture::sendmail(folder.path(), script);
        (folder, environment)
    }

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn a_mail_is_handed_over_with_the_systems_line_ends() {
        let (folder, environment) = with_script("echo \"$@\"; cat >\"$OUT\"");
        let handed = deliver(b"To: a\r\n\r\n.\r\nb\r\n", &environment, LIMIT);
        assert_eq!(handed.result, Ok(()));
        assert_eq!(handed.output, "-t -i\n");
        assert_eq!(std::fs::read(folder.path().join("out")).expect("is there"), b"To: a\n\n.\nb\n");
    }

    #[test]
    fn a_program_that_does_not_read_is_no_error_of_ours() {
        let (_folder, environment) = with_script("exit 0");
        assert_eq!(deliver(&vec![b'x'; 1_000_000], &environment, LIMIT).result, Ok(()));
    }

    #[test]
    fn a_refusal_has_the_programs_code_and_its_last_words() {
        let (_folder, environment) = with_script("echo one; echo 'sendmail: no such user' >&2; echo; exit 67");
        let handed = deliver(b"", &environment, LIMIT);
        let failure = handed.result.expect_err("is refused");
        assert_eq!(failure.code, 67);
        assert!(
            failure.reason.ends_with("exit code 67 (unknown recipient): sendmail: no such user"),
            "{}",
            failure.reason
        );
        assert!(handed.output.starts_with("one\n"), "{}", handed.output);
    }

    #[test]
    fn a_program_that_hangs_is_ended_at_the_limit() {
        let (folder, environment) = with_script("trap '' TERM; echo $$ >\"$OUT\"; while :; do sleep 1; done");
        let limit = Duration::from_secs(2);
        let started = Instant::now();
        let handed = deliver(b"", &environment, limit);
        assert_eq!(handed.result, Err(gave_up(limit)));
        assert!(started.elapsed() < Duration::from_secs(15));
        let pid = std::fs::read_to_string(folder.path().join("out")).expect("it ran");
        assert!(!Path::new("/proc").join(pid.trim()).exists(), "it is gone");
    }

    #[test]
    fn a_missing_or_broken_program_is_said() {
        assert_eq!(find(None, &[]), None);
        assert_eq!(find(Some(OsStr::new("relative::/nowhere")), &["/nowhere/else"]), None);
        let (folder, mut environment) = with_script("exit 0");
        assert_eq!(find(environment.raw("PATH"), &[]), Some(folder.path().join("sendmail")));
        let path = folder.path().display().to_string();
        assert_eq!(find(None, &[&path]), Some(folder.path().join("sendmail")));
        let (folder, _) = with_script("");
        std::fs::write(folder.path().join("sendmail"), "#!/no/such/interpreter\n").expect("is written");
        environment.set("PATH", folder.path());
        assert_eq!(deliver(b"", &environment, LIMIT).result.map_err(|failure| failure.code), Err(126));
    }

    #[test]
    fn only_the_end_of_a_long_output_is_kept() {
        let (_folder, environment) = with_script(
            "i=0; while [ $i -lt 3000 ]; do echo 'a line of forty characters, or nearly so'; i=$((i+1)); done; echo end",
        );
        let handed = deliver(b"", &environment, LIMIT);
        assert_eq!(handed.output.len(), OUTPUT);
        assert!(handed.output.ends_with("\nend\n"));
    }
}

//! `/entry.sh`: what the container starts, and what the words given to it mean.

use super::route::{commands, is_command};
use super::usage;
use crate::doctor;
use crate::exit;
use crate::init::{self, Command, Config};
use crate::process::Spec;
use crate::process::handover;
use crate::process::service::become_program;
use crate::scheduler::{self, Job, Plan, Start, mount::mount};
use crate::settings::{self, Environment, Settings};
use crate::workers::{crontab, find};
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// The hidden command that stands before a one-shot command which may need the repository: it mounts `NFS_TARGET`, and
/// becomes that command. In a process of its own, since a mount may hang and init must not.
pub(super) const MOUNTED: &str = "mounted";

/// Our own program, also where it has been replaced meanwhile.
const OURSELVES: &str = "/proc/self/exe";

/// Commands of ours that are nobody's to give to a container.
const INNER: [&str; 3] = ["entry.sh", handover::COMMAND, MOUNTED];

const HELP: &str = "What the container starts: the schedule, and a command beside it if one is given

Usage: /entry.sh [COMMAND [ARG...]]

  (nothing)               the schedule alone, until the container is stopped
  tail -fn0 /var/log/cron.log
                          the same: many files have it, and the log goes to the container's
                          output anyway
  a command of Boathook   (backup, restore, doctor --json, status, ...; also as /bin/backup)
                          that command alone, with all its arguments: no schedule, no banner,
                          no look at the repository. NFS_TARGET is mounted first where the
                          command uses the repository
  any other command       the schedule, and the command beside it once that is in force

A command has the standard streams and the terminal of the container, which ends with it, with
its exit code.

Signals: TERM, INT and QUIT stop the container: every run, also those of `docker exec`, has
STOP_TIMEOUT (9s) to end and to run its post hooks. HUP reads settings and hooks again. Any
other goes to the command.

Exit codes: the command's own; 0 after a stop without a command; 1 if the start fails;
2 BACKUP_CRON or TZ cannot be read; 126 the command cannot be executed; 127 it does not exist
More: docs/container.md";

/// What the words given to the container mean.
#[derive(Debug, PartialEq, Eq)]
enum Words<'a> {
    Help,
    Version,
    ScheduleAlone,
    /// One of our commands: the name it is called by, and the command's own name.
    OneShot(&'a [OsString], String),
    Beside(&'a [OsString]),
}

fn meaning_of<'a>(words: &'a [OsString], log: &Path) -> Words<'a> {
    let Some(first) = words.first() else { return Words::ScheduleAlone };
    let name = our_name(first);
    match name.as_deref() {
        // The image's entrypoint, given once more as the command: a second one inside would be a second schedule.
        Some("entry.sh") => return meaning_of(&words[1..], log),
        Some("boathook") => match words.get(1).and_then(|word| our_name(word)).as_deref() {
            Some("entry.sh") => return meaning_of(&words[2..], log),
            Some(command) => return Words::OneShot(words, command.to_owned()),
            None => return Words::OneShot(words, String::new()),
        },
        _ => {}
    }
    match name {
        Some(name) if is_command(&name) && !INNER.contains(&name.as_str()) => Words::OneShot(words, name),
        _ if first == "--help" || first == "-h" => Words::Help,
        _ if first == "--version" || first == "-V" => Words::Version,
        _ if follows_the_log(words, log) => Words::ScheduleAlone,
        _ => Words::Beside(words),
    }
}

/// The name of a word that may mean a command of ours: bare, or where the image has its links.
fn our_name(word: &OsStr) -> Option<String> {
    let word = word.to_str()?;
    let name = word.strip_prefix("/usr").unwrap_or(word).strip_prefix("/bin/").unwrap_or(word);
    let name = if word == "/entry.sh" { "entry.sh" } else { name };
    (!name.contains('/')).then(|| name.to_owned())
}

/// Whether this is `tail`, following `cron.log` and nothing else.
fn follows_the_log(words: &[OsString], log: &Path) -> bool {
    let Some(words) = words.iter().map(|word| word.to_str()).collect::<Option<Vec<&str>>>() else { return false };
    let [program, options @ .., file] = words.as_slice() else { return false };
    let is_tail = Path::new(program).file_name().is_some_and(|name| name == "tail");
    let is_log = Path::new(file) == log || *file == "/var/log/cron.log";
    let is_count = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mut follows, mut options) = (false, options.iter());
    while let Some(option) = options.next() {
        match *option {
            "-f" | "-F" | "--follow" | "--follow=name" | "--follow=descriptor" => follows = true,
            // A count may stand for itself.
            "-n" | "-fn" | "-Fn" if options.next().is_some_and(|count| is_count(count)) => {
                follows |= *option != "-n";
            }
            other => {
                let (short, count) = match other.split_once('n') {
                    Some((short @ ("-" | "-f" | "-F"), count)) => (short, count),
                    _ if other.starts_with("--lines=") => ("-", &other["--lines=".len()..]),
                    _ => return false,
                };
                if !is_count(count) {
                    return false;
                }
                follows |= short != "-";
            }
        }
    }
    is_tail && is_log && follows
}

/// Whether a program can be found: a mistyped word should not make a repository first. What has a slash in it may come with
/// a mount.
fn is_there(program: &OsStr, environment: &Environment) -> bool {
    let path = environment.raw("PATH").unwrap_or_default();
    let has_it = |folder: &[u8]| Path::new(OsStr::from_bytes(folder)).join(program).is_file();
    program.as_bytes().contains(&b'/') || path.as_bytes().split(|byte| *byte == b':').any(has_it)
}

/// Whether the command may need what is mounted from `NFS_TARGET`.
fn needs_the_repository(command: &str, words: &[OsString]) -> bool {
    let asks_for_help = words.iter().any(|word| word == "--help" || word == "-h");
    let uses_it = match command {
        "doctor" | "locked_run" | "bisync" => true,
        "notify-test" | "sources-report" => false,
        worker => find(worker).is_some(),
    };
    uses_it && !asks_for_help
}

/// Boots the container; gives its exit code.
pub(super) fn run(args: Vec<OsString>, environment: &Environment) -> i32 {
    let settings = settings::read(environment);
    let words: Vec<OsString> = args.into_iter().skip(1).collect();
    let ourselves = |args: Vec<OsString>| Spec {
        program: OURSELVES.into(),
        args,
        environment: environment.clone(),
        directory: None,
        dies_with_us: None,
    };
    let schedule = || Some(ourselves(vec![handover::COMMAND.into()]));
    let (scheduler, command) = match meaning_of(&words, &settings.paths.log.join("cron.log")) {
        Words::Help => {
            let _ = writeln!(io::stdout(), "{HELP}");
            return exit::SUCCESS;
        }
        Words::Version => {
            let _ = writeln!(io::stdout(), "boathook {}", env!("CARGO_PKG_VERSION"));
            return exit::SUCCESS;
        }
        Words::ScheduleAlone => (schedule(), None),
        // What packages bring along is there only after the boot.
        Words::Beside(words) if settings.start.packages.words.is_empty() && !is_there(&words[0], environment) => {
            let message = format!(
                "There is no command '{}': give one of Boathook's ({}), or a program of the image",
                words[0].display(),
                commands().join(", ")
            );
            usage::refuse(&message, &settings.secrets);
            return exit::NOT_FOUND;
        }
        Words::OneShot(words, name) => {
            let mounts = !settings.start.nfs_target.is_empty() && needs_the_repository(&name, words);
            let command = if mounts {
                let args = std::iter::once(MOUNTED.into()).chain(words.iter().cloned()).collect();
                Command { spec: ourselves(args), called: Some("boathook".into()) }
            } else {
                Command { spec: ourselves(words[1..].to_vec()), called: Some(words[0].clone()) }
            };
            (None, Some(command))
        }
        Words::Beside(words) => {
            let spec = Spec { program: (&words[0]).into(), ..ourselves(words[1..].to_vec()) };
            (schedule(), Some(Command { spec, called: None }))
        }
    };
    init::run(Config {
        run_dir: settings.paths.run.clone(),
        stop: settings.limits.stop,
        scheduler,
        command,
        secrets: Arc::clone(&settings.secrets),
    })
}

/// Mounts `NFS_TARGET`, and becomes the command that follows.
pub(super) fn mounted(args: &[OsString], environment: &Environment) -> i32 {
    let settings = settings::read(environment);
    let Some((called, rest)) = args.get(1..).and_then(<[OsString]>::split_first) else {
        return usage::refuse("there is no command to mount NFS_TARGET for", &settings.secrets);
    };
    // Standard output may be a document that a program reads.
    let mut say = |line: &str| {
        let _ = writeln!(io::stderr(), "{line}");
    };
    if let Err(line) = mount(&settings, &mut say) {
        say(&line);
        // To say what is wrong is what the doctor is for.
        if !args.iter().any(|word| our_name(word).as_deref() == Some("doctor")) {
            return exit::FAILURE;
        }
    }
    let spec = Spec {
        program: OURSELVES.into(),
        args: rest.to_vec(),
        environment: environment.clone(),
        directory: None,
        dies_with_us: None,
    };
    let error = become_program(&spec, Some(called));
    say(&settings.secrets.mask(&format!("❌ cannot execute {}: {error}", called.display())));
    exit::CANNOT_EXECUTE
}

/// The scheduler's process, as init starts it.
pub(super) fn scheduler(args: &[OsString], environment: &Environment) -> i32 {
    let start = match args.get(1).and_then(|word| word.to_str()) {
        Some("first") => Start::First,
        Some("again") => Start::Again,
        _ => {
            let message = format!("{} is started by /entry.sh: use that", handover::COMMAND);
            return usage::refuse(&message, &settings::read(environment).secrets);
        }
    };
    // Started as /proc/self/exe, it would be listed as `exe`.
    let _ = nix::sys::prctl::set_name(c"scheduler");
    scheduler::run(start, &Plan { jobs, crontab: crontab::rendered, complaints: doctor::complaints }, environment)
}

fn jobs(settings: &Settings) -> Vec<Job> {
    crontab::crontab(settings)
        .into_iter()
        .map(|planned| Job {
            name: planned.job,
            label: planned.label,
            lock: planned.lock,
            variable: planned.variable,
            expression: planned.expression,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(line: &str) -> String {
        let words: Vec<OsString> = line.split(' ').filter(|word| !word.is_empty()).map(Into::into).collect();
        match meaning_of(&words, Path::new("/logs/cron.log")) {
            Words::Help => "help".to_owned(),
            Words::Version => "version".to_owned(),
            Words::ScheduleAlone => "schedule".to_owned(),
            Words::OneShot(words, name) => format!("{name} of {}", words.len()),
            Words::Beside(words) => format!("beside of {}", words.len()),
        }
    }

    #[test]
    fn no_words_and_a_tail_of_the_log_mean_the_schedule_alone() {
        for line in [
            "",
            "tail -fn0 /var/log/cron.log",
            "tail -f -n0 /var/log/cron.log",
            "tail -n0 -f /var/log/cron.log",
            "tail -n 0 -F /logs/cron.log",
            "tail -F /logs/cron.log",
            "/usr/bin/tail --follow --lines=0 /var/log/cron.log",
            "tail -fn 0 /var/log/cron.log",
            "/entry.sh",
            "/entry.sh tail -fn0 /var/log/cron.log",
            "boathook entry.sh",
        ] {
            assert_eq!(meaning(line), "schedule", "{line}");
        }
    }

    #[test]
    fn any_other_tail_is_a_command_beside_the_schedule() {
        for line in [
            "tail -fn0 /var/log/other.log",
            "tail -n0 /var/log/cron.log",
            "tail -f /a /var/log/cron.log",
            "tail -fnx /var/log/cron.log",
            "tail -f -n /var/log/cron.log",
            "tail",
            "mytail -f /var/log/cron.log",
        ] {
            let count = line.split(' ').count();
            assert_eq!(meaning(line), format!("beside of {count}"), "{line}");
        }
    }

    #[test]
    fn our_commands_are_one_shot_bare_or_by_their_link() {
        for (line, expected) in [
            ("backup", "backup of 1"),
            ("/bin/backup --wait", "backup of 2"),
            ("/usr/bin/restore --list", "restore of 2"),
            ("doctor --json", "doctor of 2"),
            ("health-summary --json", "health-summary of 2"),
            ("config-check -j", "config-check of 2"),
            ("hooks list", "hooks of 2"),
            ("boathook schedule next x", "schedule of 4"),
        ] {
            assert_eq!(meaning(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_not_ours_or_not_to_be_given_is_no_one_shot() {
        for line in ["sh", "/opt/backup", "/usr/local/bin/check", "scheduler-process first", "mounted backup"] {
            assert!(meaning(line).starts_with("beside"), "{line}");
        }
        assert_eq!((meaning("--help").as_str(), meaning("-V").as_str()), ("help", "version"));
    }

    #[test]
    fn only_what_uses_the_repository_is_mounted_for() {
        let needs = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
            needs_the_repository(line.split(' ').next().unwrap_or_default(), &words)
        };
        assert!(needs("backup") && needs("restore --list") && needs("doctor --json"));
        assert!(!needs("status") && !needs("cron-list") && !needs("backup --help") && !needs("notify-test"));
    }
}

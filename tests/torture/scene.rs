//! The sandbox that a scenario is played in, again and again from the same start.

use crate::evidence::{self, Line};
use crate::points::{Deed, Place};
use crate::sandbox::{base, collect, copy, ends_in, environment, read, write_executable};
use crate::tracer::{Aim, Order, Trace, follow};
use crate::watchdog::Watchdog;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// A backup with two hooks that have an undo, one that has none, and two post hooks.
    Backup,
    /// The same, but one of the undos is due at its hold limit, about when the work ends.
    Hold,
    /// The same, and the work asks for a recovery while the run is alive.
    Inner,
    /// A run that was killed in the middle of its work is recovered.
    Recovery,
}

impl Scenario {
    pub fn word(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Hold => "hold",
            Self::Inner => "inner",
            Self::Recovery => "recovery",
        }
    }
}

/// The program to be tried.
#[derive(Debug, Clone)]
pub struct Program {
    pub path: PathBuf,
    /// The fault that is put in, as `BOATHOOK_SEEDED_FAULT` names it.
    pub fault: Option<&'static str>,
}

/// How debts of a dead run are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// `boathook hooks recover`.
    Command,
    /// The next run of the job: for a program that has no such command.
    NextRun,
}

impl Program {
    /// Which way this program knows.
    pub fn recovery(&self) -> Recovery {
        let help = Command::new(&self.path).args(["hooks", "recover", "--help"]).env_clear().output();
        if help.is_ok_and(|help| help.status.success()) { Recovery::Command } else { Recovery::NextRun }
    }
}

/// A command that was run to its end without being followed.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    pub code: i32,
    pub output: String,
    pub hung: bool,
}

pub struct Scene {
    pub scenario: Scenario,
    pub recovery: Recovery,
    folder: PathBuf,
    template: PathBuf,
    /// A name of its own for the program, so that its processes can be told from those of other sandboxes.
    program: PathBuf,
    environment: BTreeMap<String, String>,
    watchdog: Watchdog,
}

/// What marks the processes of a sandbox, by inheritance.
pub const MARK: &str = "TORTURE_MARK";
/// Nothing takes longer unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

static COUNT: AtomicU32 = AtomicU32::new(0);

const HOOKS: &str = "hooks:
  preBackup:
    - script: pre-backup.sh
      undo: {exec: {command: ['@T/bin/hook']}}
    - name: freeze
      exec: {command: ['@T/bin/hook']}
      undo: {exec: {command: ['@T/bin/hook']}}
@HOLD  postBackup:
    - name: tell
      exec: {command: ['@T/bin/hook']}
";

impl Scene {
    /// Plays the scenario once without a fault, so that there is an earlier summary, and keeps what is there then.
    ///
    /// # Errors
    /// When the sandbox cannot be made, or the run without a fault does not succeed.
    pub fn new(scenario: Scenario, program: &Program) -> io::Result<Self> {
        let name = format!("boathook-torture-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = base(&name).join(&name);
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
        fs::create_dir_all(&target)?;
        let link = target.join("boathook");
        if fs::hard_link(&program.path, &link).is_err() {
            fs::copy(&program.path, &link)?;
        }
        let mut scene = Self {
            scenario,
            recovery: program.recovery(),
            environment: environment(&folder, &link, scenario, program),
            template: folder.with_extension("template"),
            folder,
            program: link,
            watchdog: Watchdog::new(PATIENCE),
        };
        scene.lay_out()?;
        let calm = scene.run(&["backup"])?;
        if calm.code != 0 {
            return Err(io::Error::other(format!("the run without a fault fails:\n{}", calm.output)));
        }
        fs::remove_file(scene.path("evidence"))?;
        if scenario == Scenario::Recovery {
            // The dead run: everything is killed when its work has begun.
            let trace = scene.follow(&["backup"], Aim::Program("--json"), false)?;
            if !trace.met {
                return Err(io::Error::other("the run that is to be killed has never come to its work"));
            }
        }
        copy(&scene.folder, &scene.template)?;
        Ok(scene)
    }

    fn lay_out(&mut self) -> io::Result<()> {
        let _ = fs::remove_dir_all(&self.folder);
        for part in ["bin", "home", "hooks", "config", "log", "run", "state", "data", "cache", "tmp", "metrics", "held"]
        {
            fs::create_dir_all(self.path(part))?;
        }
        fs::write(self.path("data/one.txt"), "one\n")?;
        let hold = if self.scenario == Scenario::Hold { "      holdLimit: 60ms\n" } else { "" };
        let hooks = HOOKS.replace("@T", &self.folder.display().to_string()).replace("@HOLD", hold);
        fs::write(self.path("hooks/hooks.yaml"), hooks)?;
        write_executable(&self.path("bin/hook"), include_str!("hook.sh"))?;
        write_executable(&self.path("bin/restic"), include_str!("restic.sh"))?;
        for name in ["pre-backup.sh", "pre-backup.10-plain.sh", "post-backup.sh"] {
            symlink("../bin/hook", self.path("hooks").join(name))?;
        }
        Ok(())
    }

    pub fn path(&self, part: &str) -> PathBuf {
        self.folder.join(part)
    }

    /// The words of the command that is tried.
    pub fn words(&self) -> &'static [&'static str] {
        match (self.scenario, self.recovery) {
            (Scenario::Recovery, Recovery::Command) => &["hooks", "recover"],
            _ => &["backup"],
        }
    }

    /// Puts everything back as it was at the start.
    pub fn reset(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.folder)?;
        copy(&self.template, &self.folder)
    }

    fn command(&self, words: &[&str], outputs: &str) -> io::Result<Command> {
        let mut command = Command::new(&self.program);
        command.args(words).env_clear().envs(&self.environment).current_dir("/").stdin(Stdio::null());
        command.stdout(fs::File::create(self.path(&format!("{outputs}.out")))?);
        command.stderr(fs::File::create(self.path(&format!("{outputs}.err")))?);
        Ok(command)
    }

    fn outputs(&self, of: &str) -> String {
        ["out", "err"].map(|one| read(&self.path(&format!("{of}.{one}")))).concat()
    }

    /// Runs the command that is tried, and does the deed.
    ///
    /// # Errors
    /// When it cannot be followed.
    pub fn play(&self, aim: Option<(&Place, Deed)>, record: bool) -> io::Result<(Trace, String)> {
        let aim = aim.map_or(Aim::Nothing, |(place, deed)| Aim::At(place, deed));
        let trace = self.follow(self.words(), aim, record)?;
        Ok((trace, self.outputs("tried")))
    }

    fn follow(&self, words: &[&str], aim: Aim<'_>, record: bool) -> io::Result<Trace> {
        let roots = ["state", "log", "metrics"].map(|part| self.path(part));
        let command = self.command(words, "tried")?;
        follow(Order { command, program: &self.program, aim, record, roots: &roots }, &self.watchdog)
    }

    /// Runs a command without following it, and waits for the end of everything that it has started.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, words: &[&str]) -> io::Result<Ended> {
        use std::os::unix::process::ExitStatusExt as _;
        let mut child = self.command(words, "untried")?.spawn()?;
        let deadline = Instant::now() + PATIENCE;
        let mut hung = false;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                hung = true;
                child.kill()?;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Ok(Ended { code, output: self.outputs("untried"), hung })
    }

    /// Pays what the dead run owes.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub fn recover(&self) -> io::Result<Ended> {
        match self.recovery {
            Recovery::Command => self.run(&["hooks", "recover"]),
            Recovery::NextRun => self.run(&["backup"]),
        }
    }

    pub fn evidence(&self) -> Vec<Line> {
        evidence::parse(&read(&self.path("evidence")))
    }

    pub fn summary(&self) -> Option<Vec<u8>> {
        fs::read(self.path("log/last-backup.json")).ok()
    }

    pub fn metrics(&self) -> Option<String> {
        fs::read_to_string(self.path("metrics/restic_backup.prom")).ok()
    }

    pub fn log(&self) -> String {
        read(&self.path("log/backup-last.log"))
    }

    /// Files that a finished run leaves nowhere.
    pub fn strange_files(&self) -> Vec<String> {
        let mut found = Vec::new();
        for part in ["log", "metrics", "state", "config"] {
            collect(&self.path(part), part, &mut found);
        }
        found.retain(|path| {
            let name = path.rsplit('/').next().unwrap_or_default();
            name.starts_with('.') || ends_in(name, &["tmp", "new"])
        });
        found
    }

    /// The runs that are registered.
    pub fn registered(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("run/runs")).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// The lock files that somebody holds.
    pub fn held_locks(&self) -> Vec<String> {
        let mut held = Vec::new();
        for entry in fs::read_dir(self.path("run")).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if ends_in(&name, &["lock"])
                && let Ok(file) = fs::File::open(entry.path())
                && fs2::FileExt::try_lock_exclusive(&file).is_err()
            {
                held.push(name);
            }
        }
        held
    }

    /// Living processes of this sandbox that are not followed; those that are about to end get a moment.
    pub fn left(&self, patience: Duration) -> Vec<String> {
        let deadline = Instant::now() + patience;
        loop {
            let left = self.processes();
            if left.is_empty() || Instant::now() > deadline {
                return left.into_iter().map(|(pid, words)| format!("{pid} {words}")).collect();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn processes(&self) -> Vec<(i32, String)> {
        let mark = format!("{MARK}={}", self.folder.display()).into_bytes();
        let is_ours = |pid: i32| {
            fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|path| path == self.program)
                || fs::read(format!("/proc/{pid}/environ"))
                    .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|variable| variable == mark))
        };
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| is_ours(*pid))
            .map(|pid| (pid, read(Path::new(&format!("/proc/{pid}/cmdline"))).replace('\0', " ")))
            .collect()
    }

    /// Ends what is left, so that the next run starts clean.
    pub fn end_all(&self) {
        for (pid, _) in self.processes() {
            // SAFETY: a process of this sandbox, which was alive a moment ago.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    }

    /// For messages.
    pub fn tree(&self) -> String {
        let mut found = Vec::new();
        for part in ["log", "metrics", "state", "run"] {
            collect(&self.path(part), part, &mut found);
        }
        found.join(" ")
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.end_all();
        if std::env::var_os("TORTURE_KEEP").is_some() {
            println!("kept: {}", self.folder.display());
            return;
        }
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_dir_all(&self.template);
        if let Some(folder) = self.program.parent() {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

//! Init on a stage: the library's own `init::run` in a process of its own, with a stand-in for the scheduler.

use crate::support::{Finished, Running, Sandbox, wait_for, write_executable};
use crate::terminal::AtTerminal;
use boathook::init::{self, Command, Config};
use boathook::masking::Secrets;
use boathook::process::Spec;
use boathook::settings::Environment;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use std::ffi::CStr;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::sync::Arc;
use std::time::Duration;

/// A stand-in for the scheduler that is ready at once, notes its signals, and ends when it is told to finish.
pub const READY: &str = r#"
for signal in HUP TERM INT QUIT USR1; do trap "echo scheduler $signal >> $T/notes" $signal; done
printf R >&5
(head -c1 <&5 > "$T/finish") & head=$!
while kill -0 $head 2>/dev/null; do wait $head; done
echo "scheduler finishes by $(cat "$T/finish")" >> $T/notes"#;

/// What init is to be started with.
pub struct Stage<'a> {
    sandbox: &'a Sandbox,
    scheduler: bool,
    command: Option<Vec<String>>,
    stop: Duration,
    first: bool,
}

/// Init, running.
pub struct Init {
    running: Running,
    first: bool,
}

impl<'a> Stage<'a> {
    pub fn new(sandbox: &'a Sandbox) -> Self {
        Self { sandbox, scheduler: false, command: None, stop: Duration::from_secs(9), first: false }
    }

    /// With a scheduler: this shell script, which knows the sandbox's folder as `$T`. Each start is noted.
    pub fn scheduler(mut self, script: &str) -> Self {
        let folder = self.sandbox.path("");
        let text = format!(
            "#!/bin/sh\n# A stand-in for the scheduler.\nT={}\necho \"$1 $$\" >> $T/lives\n{script}\n",
            folder.display()
        );
        write_executable(&self.sandbox.path("bin/scheduler"), &text);
        self.scheduler = true;
        self
    }

    /// With a command.
    pub fn command(mut self, words: &[&str]) -> Self {
        self.command = Some(words.iter().map(|word| (*word).to_owned()).collect());
        self
    }

    /// With a command that is a shell script, which knows the sandbox's folder as `$T`.
    pub fn script(self, script: &str) -> Self {
        let text = format!("T={}\n{script}", self.sandbox.path("").display());
        self.command(&["sh", "-c", &text])
    }

    /// With another time for a stop.
    pub fn stop(mut self, stop: Duration) -> Self {
        self.stop = stop;
        self
    }

    /// As the first process of a namespace of its own.
    pub fn first(mut self) -> Self {
        self.first = true;
        self
    }

    fn spec(&self, words: &[String]) -> Spec {
        let template = self.sandbox.command("true", &[]);
        let environment: Environment =
            template.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        let args = words[1..].iter().map(Into::into).collect();
        Spec { program: (&words[0]).into(), args, environment, directory: None, dies_with_us: None }
    }

    fn config(&self) -> Config {
        let scheduler = self.sandbox.path("bin/scheduler").display().to_string();
        Config {
            run_dir: self.sandbox.path("run"),
            stop: self.stop,
            scheduler: self.scheduler.then(|| self.spec(&[scheduler])),
            command: self.command.as_ref().map(|words| Command { spec: self.spec(words), called: None }),
            secrets: Arc::new(Secrets::new()),
        }
    }

    /// A process that never becomes the program it is said to be started as, but init.
    fn process(&self, at_terminal: bool) -> std::process::Command {
        let mut config = Some(self.config());
        let mut process = self.sandbox.command("/bin/true", &[]);
        let first = self.first;
        let act = move || {
            // Above all the pipe in which the parent waits for the start.
            // SAFETY: takes three integers.
            unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
            end_with_the_test();
            if first {
                become_first();
            }
            if at_terminal {
                // SAFETY: plain system calls.
                unsafe { (libc::setsid(), libc::ioctl(0, libc::TIOCSCTTY, 0)) };
            }
            let code = init::run(config.take().expect("is started once"));
            // SAFETY: ends this process, without the destructors of the one it was forked from.
            unsafe { libc::_exit(code) }
        };
        // SAFETY: the fork has one thread, and the memory of its parent as it was.
        unsafe { process.pre_exec(act) };
        process
    }

    pub fn start(&self) -> Init {
        Init { running: Sandbox::spawn(self.process(false)), first: self.first }
    }

    #[track_caller]
    pub fn run(&self) -> Finished {
        self.start().finish()
    }

    pub fn at_terminal(&self) -> AtTerminal {
        AtTerminal::start_program(self.process(true))
    }
}

/// A test that fails leaves no init behind, and none of what that has started.
fn end_with_the_test() {
    // SAFETY: takes integers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) };
}

/// Goes on as the first process of a new namespace; the old one waits for its end.
fn become_first() {
    // SAFETY: takes an integer.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWPID | libc::CLONE_NEWNS) }, 0, "only root may");
    // SAFETY: this process has one thread.
    match unsafe { fork() }.expect("can be forked") {
        ForkResult::Child => {
            end_with_the_test();
            let mount = |kind: &CStr, to: &CStr, flags| {
                // SAFETY: the strings live, and no data is handed over.
                unsafe { libc::mount(kind.as_ptr(), to.as_ptr(), kind.as_ptr(), flags, std::ptr::null()) }
            };
            assert_eq!(mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE), 0, "can be made private");
            assert_eq!(mount(c"proc", c"/proc", 0), 0, "can be mounted");
        }
        ForkResult::Parent { child } => {
            let code = match waitpid(child, None) {
                Ok(WaitStatus::Exited(_, code)) => code,
                Ok(WaitStatus::Signaled(_, signal, _)) => 128 + signal as i32,
                other => panic!("{other:?}"),
            };
            // SAFETY: as above.
            unsafe { libc::_exit(code) }
        }
    }
}

/// Whether namespaces can be made; says by name what is skipped where not.
pub fn may_be_first(test: &str) -> bool {
    let may = nix::unistd::geteuid().is_root();
    if !may {
        eprintln!("skipped: {test} needs a process namespace, which only root may make");
    }
    may
}

impl Init {
    /// Its number, as seen from here.
    pub fn pid(&self) -> i32 {
        let pid = self.running.pid();
        if !self.first {
            return pid;
        }
        wait_for("the first process", || {
            fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?.trim().parse().ok()
        })
    }

    pub fn signal(&self, signal: i32) {
        crate::support::send(self.pid(), signal);
    }

    #[track_caller]
    pub fn finish(self) -> Finished {
        self.running.finish()
    }
}

impl Sandbox {
    /// Waits until a line of the notes begins so.
    #[track_caller]
    pub fn wait_for_note(&self, beginning: &str) {
        wait_for(beginning, || self.notes().lines().any(|line| line.starts_with(beginning)).then_some(()));
    }

    /// The lives of the stand-in scheduler: how it was started, and its number.
    pub fn lives(&self) -> Vec<(String, i32)> {
        let text = fs::read_to_string(self.path("lives")).unwrap_or_default();
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(how, pid)| (how.to_owned(), pid.parse().expect("a number")))
            .collect()
    }

    /// Starts a stand-in for a run, which init did not start: it registers as a keeper does, and notes its signals.
    pub fn start_run(&self, script: &str) -> Running {
        let text = format!(
            r#"T={folder}; R=$T/run/runs/stand-in-$$; mkdir -p $R
for signal in HUP USR1 INT; do trap "echo run $signal >> $T/notes" $signal; done
trap 'echo run TERM >> $T/notes; ended' TERM
ended() {{ rm -r $R; exit 143; }}
{script}
printf '%s\n%s\n' $$ "$(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)" > $R/pid
echo "run registered $$" >> $T/notes
while :; do sleep 0.02; done"#,
            folder = self.path("").display()
        );
        let run = self.start_program("sh", &["-c", &text]);
        self.wait_for_note("run registered");
        run
    }
}

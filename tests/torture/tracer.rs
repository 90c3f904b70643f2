//! Follows a command with all that it starts, and does one deed at one system call of it.
//!
//! A process that is followed belongs to the thread that follows it, so several can be followed at a time, each by its
//! own thread. Every process of the tree is followed, hooks and the engine, too, so that all of them can be killed at one
//! moment and the end of all of them is seen; only those of our program stop at system calls.

use crate::calls::{self, Failure};
use crate::disk::Disk;
use crate::look::{can, describe, family_of};
use crate::names::name_of;
use crate::points::{Deed, Place, Seen};
use crate::registers::{self, At, Call};
use crate::watchdog::Watchdog;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to follow, and what to do to it.
pub struct Order<'a> {
    pub command: Command,
    /// Our program: what executes this stops at system calls.
    pub program: &'a Path,
    pub aim: Aim<'a>,
    /// Notes every point.
    pub record: bool,
    /// The folders that a power cut concerns.
    pub roots: &'a [PathBuf],
}

/// When something is done.
pub enum Aim<'a> {
    Nothing,
    At(&'a Place, Deed),
    /// Everything is killed as soon as a program with this word among its arguments has been executed.
    Program(&'a str),
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Trace {
    /// How the first process ended, as `waitpid(2)` says.
    pub status: i32,
    pub seen: Vec<Seen>,
    /// Why calls were left out, with how many.
    pub not_counted: HashMap<(String, &'static str), usize>,
    /// Whether it came to the deed.
    pub met: bool,
    /// What was at it when the time was over, if it was.
    pub hung: Vec<String>,
    pub disk: Option<Disk>,
    /// Whether the aim's call was one on the console.
    pub on_console: bool,
}

impl Trace {
    /// The exit code, as a shell counts.
    pub fn code(&self) -> i32 {
        if libc::WIFEXITED(self.status) { libc::WEXITSTATUS(self.status) } else { 128 + libc::WTERMSIG(self.status) }
    }
}

#[derive(Debug)]
struct Process {
    role: String,
    /// Not of our program: it does not stop at calls.
    foreign: bool,
    /// From its first own call on, past the loader and the runtime.
    counting: bool,
    threads: u32,
    children: u32,
}

#[derive(Debug)]
struct Thread {
    process: i32,
    number: u32,
    /// Its first stop is still to come.
    fresh: bool,
    counts: HashMap<String, u32>,
    /// What the call that it is in gives.
    result: Option<i64>,
    /// The descriptor that is being synced; -1 for all.
    syncing: Option<i32>,
}

struct Tracer<'a> {
    program: &'a Path,
    aim: Aim<'a>,
    record: bool,
    threads: HashMap<i32, Thread>,
    processes: HashMap<i32, Process>,
    /// Everything is to be killed, also what is born at that moment.
    all_end: bool,
    workers: u32,
    supervisors: u32,
    cleaners: u32,
    trace: Trace,
    watchdog: &'a Watchdog,
}

const OPTIONS: i32 = libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_EXITKILL;

/// Runs the command to the end of everything that it has started.
///
/// # Errors
/// When it cannot be started or followed.
pub fn follow(mut order: Order<'_>, watchdog: &Watchdog) -> io::Result<Trace> {
    let needs_disk = matches!(order.aim, Aim::At(_, Deed::Power));
    // SAFETY: one system call between fork and exec.
    unsafe {
        order.command.pre_exec(|| {
            if libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
        });
    }
    let mut tracer = Tracer {
        program: order.program,
        aim: order.aim,
        record: order.record,
        threads: HashMap::new(),
        processes: HashMap::new(),
        all_end: false,
        workers: 0,
        supervisors: 0,
        cleaners: 0,
        trace: Trace { disk: needs_disk.then(|| Disk::new(order.roots)), ..Trace::default() },
        watchdog,
    };
    let root = order.command.spawn()?.id() as i32;
    let mut status = 0;
    // SAFETY: waits for a child of this thread.
    if unsafe { libc::waitpid(root, &raw mut status, 0) } != root || !libc::WIFSTOPPED(status) {
        return Err(io::Error::other("the first process does not stop"));
    }
    // SAFETY: sets the options of a process that has stopped.
    unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, root, 0, OPTIONS) };
    let role = "keeper".to_owned();
    tracer.processes.insert(root, Process { role, foreign: false, counting: false, threads: 1, children: 0 });
    tracer.threads.insert(root, Thread::new(root, 0, false));
    watchdog.begin();
    watchdog.follow(root);
    tracer.resume(root, 0);
    tracer.watch(root);
    tracer.trace.hung = watchdog.end();
    Ok(tracer.trace)
}

impl Thread {
    fn new(process: i32, number: u32, fresh: bool) -> Self {
        Self { process, number, fresh, counts: HashMap::new(), result: None, syncing: None }
    }
}

impl Tracer<'_> {
    fn watch(&mut self, root: i32) {
        loop {
            let mut status = 0;
            // SAFETY: waits for whatever this thread follows, and for nobody else's children.
            let tid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
            if tid < 0 {
                if io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) {
                    continue;
                }
                return;
            }
            if libc::WIFSTOPPED(status) {
                self.stopped(tid, libc::WSTOPSIG(status), status >> 16);
            } else {
                if tid == root {
                    self.trace.status = status;
                }
                self.forget(tid);
            }
        }
    }

    fn forget(&mut self, tid: i32) {
        let Some(thread) = self.threads.remove(&tid) else { return };
        if !self.threads.values().any(|other| other.process == thread.process) {
            self.processes.remove(&thread.process);
            self.watchdog.forget(thread.process);
        }
    }

    fn stopped(&mut self, tid: i32, signal: i32, event: i32) {
        if !self.threads.contains_key(&tid) {
            // Stopped for the first time before its parent has said that there is one, which a killed parent never does.
            let (of, parent) = family_of(tid);
            self.born(if self.processes.contains_key(&of) { of } else { parent }, tid);
        }
        let Some(thread) = self.threads.get_mut(&tid) else { return };
        if std::mem::take(&mut thread.fresh) && signal == libc::SIGSTOP {
            self.resume(tid, 0);
        } else if signal == libc::SIGTRAP | 0x80 {
            self.at_call(tid);
            self.resume(tid, 0);
        } else if matches!(event, libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE) {
            let mut child: libc::c_ulong = 0;
            // SAFETY: the kernel writes one number.
            unsafe { libc::ptrace(libc::PTRACE_GETEVENTMSG, tid, 0, &raw mut child) };
            self.born(tid, child as i32);
            self.resume(tid, 0);
        } else if event == libc::PTRACE_EVENT_EXEC {
            self.executed(tid);
            self.resume(tid, 0);
        } else if event != 0 {
            self.resume(tid, 0);
        } else {
            self.resume(tid, signal);
        }
    }

    /// Lets it go on: to its next call if that may be of interest.
    fn resume(&mut self, tid: i32, signal: i32) {
        let Some(thread) = self.threads.get(&tid) else { return };
        let stops = self.processes.get(&thread.process).is_some_and(|process| {
            !process.foreign
                && match &self.aim {
                    _ if self.record => true,
                    Aim::At(_, Deed::Power) => true,
                    Aim::At(place, _) => place.role == process.role && !self.trace.met || thread.result.is_some(),
                    Aim::Nothing | Aim::Program(_) => false,
                }
        });
        let how = if stops { libc::PTRACE_SYSCALL } else { libc::PTRACE_CONT };
        // SAFETY: one that was killed meanwhile gives ESRCH.
        unsafe { libc::ptrace(how, tid, 0, libc::c_long::from(signal)) };
    }

    /// `parent` is a thread of the process that has made it, as far as that is known.
    fn born(&mut self, parent: i32, child: i32) {
        if self.threads.contains_key(&child) {
            return;
        }
        let (owner, _) = family_of(child);
        if let Some(process) = self.processes.get_mut(&owner) {
            self.threads.insert(child, Thread::new(owner, process.threads, true));
            process.threads += 1;
            return;
        }
        let of = self.threads.get(&parent).map_or(parent, |thread| thread.process);
        let (role, foreign) = match self.processes.get_mut(&of) {
            Some(process) if process.foreign => ("foreign".to_owned(), true),
            Some(process) if process.role == "keeper" => {
                self.workers += 1;
                (if self.workers == 1 { "worker".to_owned() } else { format!("worker{}", self.workers) }, false)
            }
            Some(process) => {
                process.children += 1;
                (format!("{}>{}", process.role, process.children), false)
            }
            // Its parent was killed in the moment of its birth.
            None => ("orphan".to_owned(), false),
        };
        // The runtime forks nothing before main.
        self.processes.insert(child, Process { role, foreign, counting: true, threads: 1, children: 0 });
        self.threads.insert(child, Thread::new(child, 0, true));
        self.watchdog.follow(child);
        if self.all_end {
            self.kill(|_| true);
        }
    }

    /// A process has become a program.
    fn executed(&mut self, tid: i32) {
        let Some(of) = self.threads.get(&tid).map(|thread| thread.process) else { return };
        let words = fs::read(format!("/proc/{tid}/cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = words.split(|byte| *byte == 0).collect();
        let is_ours = fs::read_link(format!("/proc/{tid}/exe")).is_ok_and(|path| path == self.program);
        let Some(process) = self.processes.get_mut(&of) else { return };
        process.counting = false;
        match words.get(1) {
            _ if process.foreign => {}
            Some(&b"hook-supervisor") if is_ours => {
                self.supervisors += 1;
                process.role = format!("hook{}", self.supervisors);
            }
            Some(&b"debt-cleaner") if is_ours => {
                self.cleaners += 1;
                process.role = format!("cleaner{}", self.cleaners);
            }
            _ => process.foreign = true,
        }
        if let Aim::Program(word) = self.aim
            && words.contains(&word.as_bytes())
            && !self.trace.met
        {
            self.trace.met = true;
            self.all_end = true;
            self.kill(|_| true);
        }
    }

    fn kill(&self, whom: impl Fn(&Process) -> bool) {
        for (pid, _) in self.processes.iter().filter(|(_, process)| whom(process)) {
            // SAFETY: a number that is still waited for by us, so it is nobody else's.
            unsafe { libc::kill(*pid, libc::SIGKILL) };
        }
    }

    fn at_call(&mut self, tid: i32) {
        match registers::at(tid) {
            At::Entry(call) => self.enters(tid, call),
            At::Exit(value) => {
                let Some(thread) = self.threads.get_mut(&tid) else { return };
                if let Some(result) = thread.result.take() {
                    registers::set_result(tid, result);
                }
                if let (Some(descriptor), 0) = (thread.syncing.take(), value)
                    && let Some(disk) = &mut self.trace.disk
                {
                    if descriptor < 0 {
                        disk.sync_all();
                    } else {
                        disk.sync_descriptor(tid, descriptor);
                    }
                }
            }
            At::Elsewhere => {}
        }
    }

    fn enters(&mut self, tid: i32, call: Call) {
        let Some(thread) = self.threads.get_mut(&tid) else { return };
        let Some(process) = self.processes.get_mut(&thread.process) else { return };
        let name = name_of(call.number);
        thread.syncing = match name.as_str() {
            "fsync" | "fdatasync" => Some(call.arguments[0] as i32),
            "sync" | "syncfs" => Some(-1),
            _ => None,
        };
        if !process.counting {
            // The first thing that `main` does is to have itself told of children; before it come loader and runtime.
            process.counting = call.number == libc::SYS_rt_sigaction && call.arguments[0] as i32 == libc::SIGCHLD;
            if !process.counting {
                return;
            }
        }
        if let Some(why) = calls::not_counted(&name, &call) {
            if self.record {
                *self.trace.not_counted.entry((name, why)).or_default() += 1;
            }
            return;
        }
        let count = thread.counts.entry(name.clone()).or_default();
        *count += 1;
        let place = Place { role: process.role.clone(), thread: thread.number, call: name, nth: *count };
        if self.record {
            let met = describe(tid, &place.call, call);
            let comm = fs::read_to_string(format!("/proc/{tid}/comm")).unwrap_or_default().trim().to_owned();
            self.trace.seen.push(Seen { place: place.clone(), met, comm });
        }
        if let Aim::At(aim, deed) = self.aim
            && *aim == place
            && !self.trace.met
            // Threads race: here it may be a call of this name on something else, which cannot fail like that.
            && can(tid, &place.call, call, deed)
        {
            self.trace.met = true;
            self.act(tid, &place.call, call, deed);
        }
    }

    fn act(&mut self, tid: i32, name: &str, call: Call, deed: Deed) {
        self.trace.on_console = matches!(name, "write" | "writev") && matches!(call.arguments[0], 1 | 2);
        let Some(thread) = self.threads.get_mut(&tid) else { return };
        match deed {
            Deed::Fail(Failure::Error(_, number)) => {
                registers::skip(tid);
                thread.result = Some(-i64::from(number));
                thread.syncing = None;
            }
            Deed::Fail(Failure::After(_, number)) => thread.result = Some(-i64::from(number)),
            Deed::Fail(Failure::Short) => registers::set_third(tid, call.arguments[2] / 2),
            Deed::Kill => {
                let of = thread.process;
                // SAFETY: it has stopped, and waits for us.
                unsafe { libc::kill(of, libc::SIGKILL) };
            }
            Deed::Both => self.kill(|process| {
                process.role == "keeper" || process.role.starts_with("worker") && !process.role.contains('>')
            }),
            Deed::All | Deed::Power => {
                self.all_end = true;
                self.kill(|_| true);
            }
        }
    }
}

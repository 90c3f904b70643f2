//! Running one hook: told what it must know, under its supervisor, within its limit, and recorded.

use super::lines::{LineAssembler, last_line, shown, tail};
use super::{Hook, Told, read_handed_on};
use crate::exit;
use crate::masking::{Secrets, say};
use crate::process::{self, Alarm, Ended, Exit, Order, Spec, Stop, StopRule, Supervisor};
use crate::settings::Environment;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a hook ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookStatus {
    /// With exit code 0.
    Completed,
    /// Otherwise, or it could not run.
    Failed,
    /// At its limit.
    TimedOut,
}

impl HookStatus {
    /// The word in summaries.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
        }
    }
}

/// What came of one hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEnd {
    /// How it ended.
    pub status: HookStatus,
    /// Its exit code: 124 at its limit, 126 if it could not run, 128 and the signal if it died of one.
    pub exit_code: i32,
    /// The signal that it died of.
    pub signal: Option<i32>,
    /// How long it took.
    pub duration: Duration,
    /// Why it failed, in one line; empty if it did not.
    pub reason: String,
    /// The end of what it printed, masked.
    pub output_tail: String,
    /// What it handed on; empty unless it ended well.
    pub values: Vec<(String, String)>,
    /// A pre hook ended with one of its `skipOn` codes: the run is called off, for this reason.
    pub called_off: Option<String>,
    /// It was ended because the run was asked to stop.
    pub stopped: bool,
    /// Its supervisor died: what it left must be ended by whoever adopted it.
    pub supervisor_died: bool,
}

/// What is common to all hooks of a run.
pub struct Runner<'a> {
    /// What children inherit.
    pub environment: &'a Environment,
    /// What must not be shown.
    pub secrets: Arc<Secrets>,
    /// Asks hooks to end.
    pub stop: &'a Stop,
    /// The run's folder, for `HOOK_OUTPUT`; `None` if it could not be made.
    pub folder: Option<&'a Path>,
    /// Supervisors that may still drain what hooks left running.
    pub supervisors: Vec<Supervisor>,
}

/// How much of a hook's output is handed on to console and log, in bytes.
const FORWARDED: u64 = 10 * 1024 * 1024;
/// How much of its last line is the reason why a hook calls the run off, in bytes.
const LONGEST_REASON: usize = 4096;

impl Runner<'_> {
    /// Runs `hook`. Says what the contract says about it; never fails itself.
    pub fn run(&mut self, hook: &Hook, told: &Told<'_>, rule: &StopRule<'_>, alarm: Option<Alarm<'_>>) -> HookEnd {
        let started = Instant::now();
        if let Some(problem) = &hook.problem {
            let path = hook.path.display();
            if hook.not_executable {
                say::error(format!("❌ Hook {} is not executable ({path}); skipping.", hook.name));
            } else {
                say::error(format!("❌ Hook {} cannot run ({path}): {}.", hook.name, problem.what));
            }
            say::error(format!("   {}", problem.mend));
            return could_not_run(&problem.what, started.elapsed());
        }
        let limit = hook.timeout.map(|limit| format!(" (timeout {}s)", seconds(limit))).unwrap_or_default();
        say::info(format!("🚀 Running hook {}{limit}...", hook.name));
        let output_file = self.folder.and_then(|folder| make_output_file(folder, hook, told));
        let told = Told { output: output_file.as_deref(), ..told.clone() };
        let args = told.standing.iter().map(|standing| standing.exit_code.to_string().into()).collect();
        let spec = Spec {
            program: hook.path.clone(),
            args,
            environment: told.environment(self.environment, &hook.name, hook.phase),
            directory: Some("/".into()),
            dies_with_us: None,
        };
        tracing::debug!(program = %spec.program.display(), limit = ?hook.timeout, "the hook is started");
        let order = Order { spec, timeout: hook.timeout, kill_after: hook.kill_after, forward: FORWARDED };
        let (mut logged, mut unlogged) = (0, 0);
        let mut emit = |line: &str| {
            // Bytes that are no text grow when they are shown.
            if logged + line.len() as u64 <= FORWARDED {
                logged += line.len() as u64 + 1;
                say::hook(&hook.name, line);
            } else {
                unlogged += line.len() as u64 + 1;
            }
        };
        let mut lines = LineAssembler::new(Arc::clone(&self.secrets), &mut emit);
        let mut printed = 0;
        let result = process::supervise(&order, self.stop, rule, alarm, &mut |piece| {
            printed += piece.len() as u64;
            lines.push(piece);
        });
        lines.finish();
        let end = match result {
            Ok((ended, supervisor)) => {
                self.supervisors.push(supervisor);
                if ended.dropped + unlogged > 0 {
                    let count = ended.dropped + unlogged;
                    say::hook(&hook.name, format!("… {count} further bytes of output are not logged"));
                }
                self.judge(hook, &ended, started.elapsed(), output_file.as_deref(), printed)
            }
            Err(error) => could_not_run(&format!("its supervisor cannot be started: {error}"), started.elapsed()),
        };
        self.supervisors.retain_mut(|supervisor| !supervisor.is_gone());
        say_end(hook, &end);
        end
    }

    fn judge(&self, hook: &Hook, ended: &Ended, duration: Duration, output: Option<&Path>, printed: u64) -> HookEnd {
        let truncated = printed + ended.dropped > ended.tail.len() as u64;
        let output_tail = tail(&ended.tail, truncated, &self.secrets);
        let mut end = HookEnd {
            status: HookStatus::Completed,
            exit_code: 0,
            signal: None,
            duration,
            reason: String::new(),
            output_tail,
            values: Vec::new(),
            called_off: None,
            stopped: ended.stopped,
            supervisor_died: ended.supervisor_died,
        };
        if let Some(why) = &ended.cannot_run {
            return HookEnd { output_tail: end.output_tail, ..could_not_run(why, duration) };
        }
        if ended.supervisor_died {
            end.fail(exit::of_signal(libc::SIGKILL), "its supervisor was killed");
            end.signal = Some(libc::SIGKILL);
            return end;
        }
        if let Some(Exit::Signal(signal)) = ended.exit {
            end.signal = Some(signal);
        }
        let code = ended.exit.map_or(exit::of_signal(libc::SIGKILL), Exit::code);
        if ended.timed_out {
            end.fail(exit::TIMED_OUT, &format!("timed out after {}s", hook.timeout.map_or(0, seconds)));
            end.status = HookStatus::TimedOut;
        } else if ended.stopped {
            end.fail(code, "ended, since the run was asked to stop");
        } else if code != 0 && hook.skip_on.contains(&code) {
            // Shown to people as it is: on the terminal, in a mail's subject.
            let mut reason = shown(last_line(&end.output_tail).as_bytes());
            reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
            if reason.is_empty() {
                reason = format!("exit {code}");
            }
            end.called_off = Some(reason);
            end.exit_code = code;
        } else if code != 0 {
            let how = end.signal.map_or_else(|| format!("exit {code}"), |signal| format!("killed by signal {signal}"));
            end.fail(code, &how);
        } else if let Some(path) = output {
            match read_handed_on(path, &self.secrets) {
                Ok(values) => end.values = values,
                Err(why) => end.fail(exit::FAILURE, &why),
            }
        }
        if !ended.left.is_empty() {
            let left: Vec<String> = ended.left.iter().map(|(pid, state)| format!("{pid} (state {state})")).collect();
            let note = format!("could not be ended: process {}", left.join(", "));
            say::error(format!("❌ Hook {}: {note}", hook.name));
            end.reason = if end.reason.is_empty() { note } else { format!("{}; {note}", end.reason) };
        }
        end
    }
}

impl HookEnd {
    fn fail(&mut self, code: i32, reason: &str) {
        self.status = HookStatus::Failed;
        self.exit_code = code;
        reason.clone_into(&mut self.reason);
    }
}

fn could_not_run(why: &str, duration: Duration) -> HookEnd {
    HookEnd {
        status: HookStatus::Failed,
        exit_code: exit::CANNOT_EXECUTE,
        signal: None,
        duration,
        reason: format!("cannot run: {why}"),
        output_tail: String::new(),
        values: Vec::new(),
        called_off: None,
        stopped: false,
        supervisor_died: false,
    }
}

/// Whole seconds, rounded up for a limit below one.
fn seconds(time: Duration) -> u64 {
    time.as_secs().max(u64::from(!time.is_zero()))
}

/// The contract's end lines (workers, section 2), with the time-out told apart from a hook's own 124.
fn say_end(hook: &Hook, end: &HookEnd) {
    let (name, ran, code) = (&hook.name, end.duration.as_secs(), end.exit_code);
    if end.exit_code == exit::CANNOT_EXECUTE && end.reason.starts_with("cannot run") {
        say::error(format!("❌ Hook {name} {}", end.reason));
    }
    match end.status {
        _ if end.called_off.is_some() => {
            let reason = end.called_off.as_deref().unwrap_or_default();
            say::warn(format!("⏭ Hook {name} calls the run off in {ran}s (exit {code}): {reason}"));
        }
        HookStatus::Completed => say::info(format!("✅ Hook {name} completed in {ran}s (exit 0)")),
        HookStatus::TimedOut => {
            let limit = hook.timeout.map_or(0, seconds);
            say::error(format!("❌ Hook {name} timed out after {limit}s (exit {code}, ran {ran}s)"));
        }
        HookStatus::Failed => {
            say::error(format!("❌ Hook {name} failed in {ran}s (exit {code})"));
            if end.reason.starts_with("HOOK_OUTPUT") {
                say::error(format!("   {}", end.reason));
            }
        }
    }
}

/// A file of this hook alone, in the run's folder, which only we can write.
fn make_output_file(folder: &Path, hook: &Hook, told: &Told<'_>) -> Option<PathBuf> {
    let path = folder.join(format!("{}-{}-{}", hook.phase.word(), told.index, told.attempt));
    let made = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    match made {
        Ok(_) => Some(path),
        Err(error) => {
            say::warn(format!("⚠️ HOOK_OUTPUT cannot be made for hook {} ({}): {error}", hook.name, path.display()));
            None
        }
    }
}

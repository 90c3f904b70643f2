//! `script` and `exec`: a process under its supervisor.

use super::super::ended::{HookEnd, seconds};
use super::super::lines::{LineAssembler, last_line, shown, tail};
use super::super::{Hook, read_handed_on};
use crate::exit;
use crate::masking::{Secrets, say};
use crate::process::{self, Alarm, Ended, Exit, Identity, Order, Spec, Stop, StopRule, Supervisor};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// How much of a hook's output is handed on to console and log, in bytes.
const FORWARDED: u64 = 10 * 1024 * 1024;
/// How much of its last line is the reason why a hook calls the run off, in bytes.
const LONGEST_REASON: usize = 4096;

/// A process to be run.
pub(in super::super) struct Supervised<'a> {
    pub(in super::super) hook: &'a Hook,
    pub(in super::super) spec: Spec,
    /// As whom; as ourselves if `None`.
    pub(in super::super) user: Option<Identity>,
    pub(in super::super) handed: Handed<'a>,
    /// When the attempt began.
    pub(in super::super) begun: Instant,
}

/// Where it hands values on.
pub(in super::super) struct Handed<'a> {
    /// Its `HOOK_OUTPUT`.
    pub(in super::super) output: Option<PathBuf>,
    /// What must not be shown.
    pub(in super::super) secrets: &'a Arc<Secrets>,
}

/// Runs it to its end; the supervisor may still drain what it left running.
pub(in super::super) fn supervise(
    what: &Supervised<'_>,
    stop: &Stop,
    rule: &StopRule<'_>,
    alarm: Option<Alarm<'_>>,
) -> (HookEnd, Option<Supervisor>) {
    let (hook, secrets) = (what.hook, what.handed.secrets);
    if let Some(user) = what.user.as_ref().filter(|user| !user.may_be_ended()) {
        say::warn(format!(
            "⚠️ Hook {} runs as user {} and cannot be ended, neither at its limit nor at a stop: this container lacks \
             CAP_KILL (cap_add: [KILL])",
            hook.name, user.user
        ));
    }
    let order = Order {
        spec: what.spec.clone(),
        user: what.user.clone(),
        timeout: hook.timeout,
        kill_after: hook.kill_after,
        forward: FORWARDED,
    };
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
    let mut lines = LineAssembler::new(Arc::clone(secrets), &mut emit);
    let mut printed = 0;
    let result = process::supervise(&order, stop, rule, alarm, &mut |piece| {
        printed += piece.len() as u64;
        lines.push(piece);
    });
    lines.finish();
    match result {
        Ok((ended, supervisor)) => {
            if ended.dropped + unlogged > 0 {
                let count = ended.dropped + unlogged;
                say::hook(&hook.name, format!("… {count} further bytes of output are not logged"));
            }
            (judge(what, &ended, printed), Some(supervisor))
        }
        Err(error) => {
            let why = format!("its supervisor cannot be started: {error}");
            (HookEnd::could_not_run(&why, what.begun.elapsed()), None)
        }
    }
}

fn judge(what: &Supervised<'_>, ended: &Ended, printed: u64) -> HookEnd {
    let (hook, secrets, duration) = (what.hook, what.handed.secrets, what.begun.elapsed());
    let truncated = printed + ended.dropped > ended.tail.len() as u64;
    let output_tail = tail(&ended.tail, truncated, secrets);
    if let Some(why) = &ended.cannot_run {
        return HookEnd { output_tail, ..HookEnd::could_not_run(why, duration) };
    }
    let mut end = HookEnd {
        output_tail,
        stopped: ended.stopped,
        supervisor_died: ended.supervisor_died,
        ..HookEnd::completed(duration)
    };
    // Read once, however it ended: it may have made what its undo takes away.
    let handed = what.handed.output.as_deref().map_or_else(|| Ok(Vec::new()), |path| read_handed_on(path, secrets));
    end.values_for_undo = handed.clone().unwrap_or_default();
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
        end.time_out(&format!("timed out after {}s", hook.timeout.map_or(0, seconds)));
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
    } else {
        match handed {
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

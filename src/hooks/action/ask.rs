//! Requests and connections: made on a thread, waited for, and judged.

use super::super::Hook;
use super::super::ended::{HookEnd, seconds};
use super::super::lines::{LineAssembler, tail};
use super::http::{Failure, OnItsWay, late, place, send};
use super::waiting::{Waited, wait};
use super::{Rendered, tcp};
use crate::exit;
use crate::http::quotable;
use crate::masking::{Secrets, say};
use crate::process::{Alarm, Stop, StopRule};
use crate::settings::Environment;
use std::sync::Arc;
use std::time::Instant;

/// How much of an answer is shown, in bytes.
const SHOWN: usize = 10 * 1024;
/// How much of a refusal is quoted, in characters: what the other side says is wrong stands at its beginning.
const QUOTED: usize = 200;

/// What is asked for whom.
pub(in super::super) struct Asked<'a> {
    pub(in super::super) hook: &'a Hook,
    /// Where proxies are named.
    pub(in super::super) environment: &'a Environment,
    /// What must not be shown.
    pub(in super::super) secrets: &'a Arc<Secrets>,
    /// When the attempt began.
    pub(in super::super) begun: Instant,
}

/// What the other side said, and why that is a failure if it is one.
struct Said {
    lines: Vec<String>,
    body: Vec<u8>,
    failed: Option<String>,
}

/// Makes the request or the connection.
pub(in super::super) fn ask(
    asked: &Asked<'_>,
    rendered: Rendered,
    stop: &Stop,
    rule: &StopRule<'_>,
    alarm: Option<Alarm<'_>>,
) -> HookEnd {
    let way = Arc::new(OnItsWay::default());
    let (limit, read) = (asked.hook.timeout, SHOWN + asked.secrets.longest());
    let (on_thread, environment, secrets) = (Arc::clone(&way), asked.environment.clone(), Arc::clone(asked.secrets));
    let (where_to, work): (String, Box<dyn FnOnce() -> Result<Said, Failure> + Send>) = match rendered {
        Rendered::Request(request) => (
            request.url.parse().as_ref().map(place).unwrap_or_default(),
            Box::new(move || {
                let answer = send(&request, &environment, &secrets, limit, read, &on_thread)?;
                Ok(Said { lines: answer.lines, body: answer.body, failed: answer.failed })
            }),
        ),
        Rendered::Connection(host, port) => {
            let place = format!("{host}:{port}");
            let to = place.clone();
            let work = Box::new(move || {
                let address = tcp::connect(&to, limit, &on_thread.progress)?;
                Ok(Said { lines: vec![format!("connected to {address}")], body: Vec::new(), failed: None })
            });
            (place, work)
        }
        // A command never comes here.
        Rendered::Command(command) => return HookEnd::could_not_run(&command.program, asked.begun.elapsed()),
    };
    let waited = match wait(work, limit, &*way, stop, rule, alarm) {
        Ok(waited) => waited,
        Err(error) => {
            return HookEnd::could_not_run(&format!("the system has no room: {error}"), asked.begun.elapsed());
        }
    };
    let mut end = HookEnd::completed(asked.begun.elapsed());
    let masked = |text: &str| asked.secrets.mask(text).into_owned();
    let time_out = |end: &mut HookEnd, what: &str| {
        end.time_out(&format!("timed out after {}s: {}", limit.map_or(0, seconds), masked(what)));
    };
    match waited {
        Waited::Done(Ok(said)) => {
            end.output_tail = show(asked, &said);
            if let Some(why) = said.failed {
                let first = first_line(&said.body, asked.secrets);
                end.fail(exit::FAILURE, &format!("{}{first}", masked(&why)));
            }
        }
        Waited::Done(Err(Failure::Failed(why))) => end.fail(exit::FAILURE, &masked(&why)),
        Waited::Done(Err(Failure::TimedOut(what))) => time_out(&mut end, &what),
        Waited::TimedOut => time_out(&mut end, &late(&where_to, way.progress.stage())),
        Waited::Stopped => {
            end.fail(exit::of_signal(libc::SIGTERM), "given up, since the run was asked to stop");
            end.stopped = true;
        }
    }
    if end.exit_code == exit::FAILURE && asked.hook.skip_on.contains(&end.exit_code) {
        end.called_off = Some(std::mem::take(&mut end.reason));
        end.status = super::super::HookStatus::Completed;
    }
    end
}

/// Shows what was answered as the hook's output, and gives it as its record keeps it.
fn show(asked: &Asked<'_>, said: &Said) -> String {
    let mut record = String::new();
    let mut emit = |line: &str| {
        say::hook(&asked.hook.name, line);
        record.push_str(line);
        record.push('\n');
    };
    let mut lines = LineAssembler::new(Arc::clone(asked.secrets), &mut emit);
    for line in &said.lines {
        lines.push(line.as_bytes());
        lines.push(b"\n");
    }
    // Cut where no secret is cut.
    let cut = if said.body.len() > SHOWN { asked.secrets.cut(&said.body, SHOWN) } else { said.body.len() };
    lines.push(&said.body[..cut]);
    lines.finish();
    if said.body.len() > SHOWN {
        let note = format!("… what comes after {} KiB of the answer is not shown", SHOWN / 1024);
        lines.push(note.as_bytes());
        lines.finish();
    }
    tail(record.as_bytes(), false, asked.secrets)
}

/// `: what it says`, or nothing.
fn first_line(body: &[u8], secrets: &Secrets) -> String {
    // Masked before it is cut: half a secret is not found any more.
    let text = secrets.mask(&String::from_utf8_lossy(body)).into_owned();
    let line = text.lines().map(|line| quotable(line, QUOTED)).find(|line| !line.is_empty());
    line.map(|line| format!(": {line}")).unwrap_or_default()
}

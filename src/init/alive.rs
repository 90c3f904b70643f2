//! Whether the container's own processes answer: its health check, from outside init.

use super::door::ask;
use crate::process::handover::{INIT_SOCKET, SCHEDULER_SOCKET};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long all answers may take together.
const WITHIN: Duration = Duration::from_secs(3);

/// How the container is.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// Whether everybody who should answer does.
    pub alive: bool,
    /// `running`, `starting`, `stopping`, or `dead`.
    pub state: &'static str,
    /// One sentence: who answers, or who does not and what to do.
    pub line: String,
    /// What init said.
    pub init: Value,
    /// What the scheduler said; null if there is none, or it was not asked.
    pub scheduler: Value,
}

impl Health {
    /// As one JSON document.
    pub fn json(&self) -> Value {
        let Self { alive, state, line, init, scheduler } = self;
        json!({"alive": alive, "state": state, "message": line, "init": init, "scheduler": scheduler})
    }
}

/// Asks init, and the scheduler if init says that there is one.
pub fn look(run_dir: &Path) -> Health {
    let deadline = Instant::now() + WITHIN;
    let init = match said(&run_dir.join(INIT_SOCKET), deadline) {
        Ok(init) => init,
        Err(reason) => return dead(&format!("init {reason}: {}", mend(run_dir)), Value::Null),
    };
    let flag = |name: &str| init[name] == Value::Bool(true);
    let pid = &init["pid"];
    if flag("stopping") {
        return stopping(init);
    }
    if !flag("schedule") {
        let line = format!("alive: init ({pid}) answers; a command runs, without a schedule");
        return healthy("running", line, init, Value::Null);
    }
    if !flag("ready") {
        // A mount or a look at the repository may take long, and a restart would not make it shorter.
        let line = format!("starting: init ({pid}) answers, the schedule is not in force yet");
        return healthy("starting", line, init, Value::Null);
    }
    if init["scheduler"].is_null() {
        let line = "the scheduler has ended and is being started again: if this lasts, see the container's log";
        return dead(line, init);
    }
    match said(&run_dir.join(SCHEDULER_SOCKET), deadline) {
        // It was told so by somebody else than init, or init has been, since it was asked.
        Ok(scheduler) if scheduler["stopping"] == Value::Bool(true) => match said(&run_dir.join(INIT_SOCKET), deadline)
        {
            Ok(now) if now["stopping"] == Value::Bool(false) => {
                let line = format!(
                    "the scheduler ({0}) was asked to stop, though the container was not, and starts nothing any more: kill it (`kill -KILL {0}`), and init starts it again",
                    init["scheduler"]
                );
                Health { scheduler, ..dead(&line, now) }
            }
            Ok(now) => stopping(now),
            // It has ended since.
            Err(_) => stopping(init),
        },
        Ok(scheduler) => {
            let line = format!("alive: init ({pid}) and scheduler ({}) answer{}", init["scheduler"], next(&scheduler));
            healthy("running", line, init, scheduler)
        }
        Err(reason) => {
            let line = format!(
                "the scheduler ({}) {reason}: see the container's log; if it hangs, kill it, and init starts it again",
                init["scheduler"]
            );
            dead(&line, init)
        }
    }
}

fn stopping(init: Value) -> Health {
    let line = format!("stopping: init ({}) ends what still runs", init["pid"]);
    healthy("stopping", line, init, Value::Null)
}

fn healthy(state: &'static str, line: String, init: Value, scheduler: Value) -> Health {
    Health { alive: true, state, line, init, scheduler }
}

fn dead(line: &str, init: Value) -> Health {
    Health { alive: false, state: "dead", line: format!("not alive: {line}"), init, scheduler: Value::Null }
}

fn mend(run_dir: &Path) -> String {
    format!(
        "is this the container that `/entry.sh` runs in, as the same user, with the same RUN_DIR ('{}')? See the container's log",
        run_dir.display()
    )
}

/// One answer, or why there is none.
fn said(path: &Path, deadline: Instant) -> Result<Value, String> {
    let line = ask(path, deadline).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => format!("does not answer within {} s", WITHIN.as_secs()),
        _ => format!("cannot be asked at {} ({error})", path.display()),
    })?;
    serde_json::from_str(&line).map_err(|_| format!("answers something else than JSON at {}", path.display()))
}

/// What is next, if the scheduler says so.
fn next(scheduler: &Value) -> String {
    let word = |name: &str| scheduler["next"][name].as_str();
    match (word("job"), word("at")) {
        (Some(job), Some(at)) => format!("; next: {job} at {at}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::door::{answer, open};
    use super::*;

    /// What is said while init and scheduler answer this.
    fn health_with(init: &str, scheduler: Option<&str>) -> Health {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let doors = [(INIT_SOCKET, Some(init)), (SCHEDULER_SOCKET, scheduler)].map(|(name, line)| {
            line.map(|line| (open(&folder.path().join(name)).expect("can be opened"), format!("{line}\n")))
        });
        let path = folder.path().to_owned();
        let asked = std::thread::spawn(move || look(&path));
        while !asked.is_finished() {
            doors.iter().flatten().for_each(|(door, line)| answer(door, line));
        }
        asked.join().expect("ends")
    }

    const INIT: &str = r#"{"pid":1,"schedule":true,"scheduler":7,"command":null,"ready":true,"stopping":false}"#;

    #[test]
    fn both_must_answer() {
        let health = health_with(INIT, Some(r#"{"next":{"job":"backup","at":"2026-11-22T02:00:00Z"}}"#));
        assert!(health.alive);
        assert_eq!(health.line, "alive: init (1) and scheduler (7) answer; next: backup at 2026-11-22T02:00:00Z");
        let health = health_with(INIT, None);
        assert!(!health.alive && health.line.contains("the scheduler (7) cannot be asked"), "{}", health.line);
        let health = health_with(INIT, Some("what?"));
        assert!(!health.alive && health.line.contains("something else than JSON"), "{}", health.line);
    }

    #[test]
    fn a_container_that_starts_stops_or_has_no_schedule_is_alive() {
        for (from, to, state) in [
            ("\"ready\":true", "\"ready\":false", "starting"),
            ("\"stopping\":false", "\"stopping\":true", "stopping"),
            ("\"schedule\":true,\"scheduler\":7", "\"schedule\":false,\"scheduler\":null", "running"),
        ] {
            let health = health_with(&INIT.replace(from, to), None);
            assert_eq!((health.alive, health.state), (true, state), "{}", health.line);
        }
    }

    #[test]
    fn a_scheduler_between_two_lives_is_not_alive() {
        let health = health_with(&INIT.replace('7', "null"), None);
        assert_eq!((health.alive, health.state), (false, "dead"));
        assert!(health.line.contains("started again"), "{}", health.line);
    }

    #[test]
    fn a_scheduler_that_stops_alone_is_not_alive() {
        let health = health_with(INIT, Some(r#"{"stopping":true,"next":null}"#));
        assert_eq!((health.alive, health.state, &health.scheduler["stopping"]), (false, "dead", &Value::Bool(true)));
        assert!(
            health.line.contains("(7) was asked to stop") && health.line.contains("kill -KILL 7"),
            "{}",
            health.line
        );
    }

    #[test]
    fn nobody_there_is_said_with_what_to_look_at() {
        let health = look(Path::new("/nowhere"));
        assert!(!health.alive && health.line.contains("RUN_DIR ('/nowhere')"), "{}", health.line);
    }
}

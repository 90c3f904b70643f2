//! A run to test with: its plan, its header, its records.

use super::super::debts::Debt;
use super::super::state::{Record, State, WorkEnd};
use super::super::trial::Trial;
use super::super::work::Step;
use super::Header;
use crate::hooks::model::Exec;
use crate::hooks::{Action, Discovery, Hook, OnError, Phase, Plan, Policy, Text};
use crate::report::{HookRecord, Status};
use chrono::{DateTime, Local};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A command.
pub(super) fn exec(command: &[&str]) -> Action {
    Action::Exec(Exec { command: command.iter().map(|word| Text::plain(*word)).collect(), ..Exec::default() })
}

/// A hook with nothing said about it.
pub(super) fn hook(phase: Phase, name: &str, action: Action) -> Hook {
    Hook {
        name: name.to_owned(),
        phase,
        source: format!("/hooks/hooks.yaml:{}", name.len()),
        action,
        on_error: OnError::Continue,
        stop_phase_on_error: false,
        policy: Policy::Always,
        retries: 0,
        retry_delay: Duration::from_millis(5001),
        timeout: None,
        kill_after: Duration::from_secs(10),
        skip_on: Vec::new(),
        undo_of: None,
        hold_limit: None,
        context: None,
        executor: None,
        container_name: None,
        problem: None,
        not_executable: false,
        is_broken_file: false,
        warnings: Vec::new(),
    }
}

/// A dump, two freezes with their undos, and two post hooks: places 0 to 2, 3 and 4, 5 and 6.
pub(super) fn plan() -> Plan {
    let undo = |name: &str, of| Hook { undo_of: Some(of), ..hook(Phase::Undo, name, exec(&["thaw", "it"])) };
    let script = Action::Script(OsStr::from_bytes(b"/hooks/pre-backup.1\xff.sh").into());
    Plan {
        pre: vec![
            hook(Phase::Pre, "dump", script),
            hook(Phase::Pre, "freeze-db", exec(&["freeze", "db"])),
            hook(Phase::Pre, "freeze-fs", exec(&["freeze", "fs"])),
        ],
        undos: vec![undo("undo-freeze-fs", 2), undo("undo-freeze-db", 1)],
        post: vec![hook(Phase::Post, "tell", exec(&["tell"])), hook(Phase::Post, "clean", exec(&["clean"]))],
        absent: vec![(Phase::Post, "post-backup".to_owned(), OsStr::from_bytes(b"/hooks/\xfe.sh").into())],
        discovery: Discovery::default(),
    }
}

/// A header of a run with this id and [`plan`].
pub(super) fn header(run_id: &str) -> Header {
    Header {
        run_id: run_id.to_owned(),
        job: "backup".to_owned(),
        trigger: "schedule".to_owned(),
        parent: None,
        started_at: at("2026-05-11T07:30:00.123456789Z"),
        hostname: "host".to_owned(),
        target: "/data".to_owned(),
        namespace: "default".to_owned(),
        trial: Some(trial()),
        is_notified: true,
        pid_namespace: "4026531836 1b4e28ba-2fa1-11d2-883f-0016d3cca427".to_owned(),
        keeper: 42,
        folder: Some(PathBuf::from(OsStr::from_bytes(b"/run/\xff"))),
        plan: plan(),
    }
}

pub(super) fn at(time: &str) -> DateTime<Local> {
    DateTime::parse_from_rfc3339(time).expect("is a time").with_timezone(&Local)
}

/// A trial that runs everything.
pub(super) fn trial() -> Trial {
    let status = Some(Status::Failure);
    Trial { pre: true, post: true, exit_code: 3, status, error: "as told".to_owned(), keep: false }
}

/// A hook's record; one that is not skipped was started once.
pub(super) fn record(name: &str, status: &str) -> HookRecord {
    HookRecord {
        name: name.to_owned(),
        source: "/hooks/x".to_owned(),
        phase: "pre".to_owned(),
        action: "exec".to_owned(),
        status: status.to_owned(),
        exit_code: None,
        signal: None,
        timed_out: false,
        attempts: u32::from(status != "skipped"),
        duration_ms: 7,
        reason: String::new(),
        output_tail: String::new(),
        tries: Vec::new(),
    }
}

/// The record of the hook at this place of [`plan`].
pub(super) fn noted(place: usize, status: &str) -> Record {
    let name = plan().all().nth(place).map(|hook| hook.name.clone()).unwrap_or_default();
    Record::Hook(place, Box::new(record(&name, status)))
}

/// What the records come to.
pub(super) fn state(records: impl IntoIterator<Item = Record>) -> State {
    let mut state = State::new(plan().all().count());
    records.into_iter().for_each(|record| state.apply(record));
    state
}

/// One of each kind, in an order in which they may come.
pub(super) fn records() -> Vec<Record> {
    let debt = Debt::Folder(OsStr::from_bytes(b"/tmp/\xff \n").into());
    let step =
        Step { name: "forget".to_owned(), status: "completed".to_owned(), duration_ms: 4, reason: String::new() };
    let end = WorkEnd {
        started: true,
        warnings: vec!["a \"quoted\" word\nand a line".to_owned()],
        extras: vec![("a".to_owned(), "b".to_owned())],
        stats: [("files".to_owned(), serde_json::json!([1, "two", null]))].into_iter().collect(),
        steps: vec![step],
        finished_at: Some(at("2026-05-11T07:31:00Z")),
        milliseconds: 60_000,
        ..WorkEnd::default()
    };
    let values = || vec![("NAME".to_owned(), "value".to_owned())];
    vec![
        Record::Begun,
        Record::Trouble("no log".to_owned()),
        noted(0, "running"),
        Record::Hook(0, Box::new(HookRecord { output_tail: "\u{1b}[1mé\n".repeat(9), ..record("dump", "completed") })),
        Record::Values(values()),
        noted(1, "running"),
        Record::UndoValues(1, values()),
        noted(1, "completed"),
        Record::CalledOff("not today".to_owned()),
        Record::Interrupted(15),
        Record::WorkStarted(at("2026-05-11T07:30:01.5Z")),
        Record::Owes(debt.clone()),
        Record::OwedStill("run x still owes: the summary".to_owned()),
        Record::Damaged(2),
        Record::HeldTooLong("freeze-db was undone early".to_owned()),
        Record::Died(9),
        Record::WorkEnded(Box::new(end)),
        Record::Paid(debt),
        Record::SummaryWritten,
        Record::Cancelled(values()),
        Record::Sealed(0),
        Record::Notified(Status::Warning),
    ]
}

/// Records as they can be compared.
pub(super) fn shown(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| serde_json::to_string(record).expect("is written")).collect()
}

/// The bytes of a journal of [`records`], and where each line ends.
pub(super) fn bytes() -> (Vec<u8>, Vec<usize>) {
    let mut bytes = header("20260511T073000Z-backup-0a1b2c3d").line(&crate::masking::Secrets::new()).expect("is small");
    let mut ends = vec![bytes.len()];
    for record in records() {
        bytes.extend(super::format::line(&record).expect("is written"));
        ends.push(bytes.len());
    }
    (bytes, ends)
}

/// A folder in memory, where syncs cost nothing; elsewhere if there is none.
pub(super) fn quick_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("there is room")
}

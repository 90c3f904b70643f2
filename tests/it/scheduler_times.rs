//! What the scheduler starts, and when: at its minute, after a death, at the start of a container.

use crate::init_stand_in::Init;
use crate::support::{Sandbox, wait_for};
use chrono::{DateTime, SecondsFormat, Utc};
use std::fs;
use std::time::Duration;

/// Where backup and check stand in the crontab.
const BACKUP: u64 = 0;
const CHECK: u64 = 1;

fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let crontab = sandbox.path("crontab").display().to_string();
    sandbox.set("CRONTAB_FILE", crontab).set("BACKUP_CRON", "").set("ROTATE_LOG_CRON", "");
    sandbox.set("RESTIC_CHECK_REPOSITORY_STATUS", "OFF");
    sandbox
}

/// How often the engine was called for this.
fn calls(sandbox: &Sandbox, what: &str) -> usize {
    sandbox.engine_log().lines().filter(|line| line.split(' ').any(|word| word == what)).count()
}

fn now() -> i64 {
    Utc::now().timestamp()
}

/// Waits until this many runs have called the engine and ended.
#[track_caller]
fn expect_calls(sandbox: &Sandbox, what: &str, count: usize) {
    wait_for(&format!("{count} × {what}"), || (calls(sandbox, what) >= count).then_some(()));
    wait_for("the run's end", || (!sandbox.is_locked("cron.lock") && !sandbox.is_locked("check.lock")).then_some(()));
    assert_eq!(calls(sandbox, what), count, "{}", sandbox.engine_log());
}

/// The start of the hour, once the next is not about to begin.
fn this_hour() -> i64 {
    wait_for("an hour that goes on", || (now() % 3600 < 3540).then_some(()));
    now() / 3600 * 3600
}

#[test]
fn jobs_of_a_minute_start_within_its_first_second_in_the_crontabs_order_with_what_they_are_told() {
    let mut sandbox = sandbox();
    sandbox.set("BACKUP_CRON", "* * * * *").set("CHECK_CRON", "* * * * *");
    for job in ["backup", "check"] {
        let told = format!("echo \"{job} $(date +%s.%N) $RUN_TRIGGER $(pwd)\" >> $T/notes");
        sandbox.hook(&format!("pre-{job}.sh"), &told);
    }
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    let due = (now() / 60 + 1) * 60;
    let answer = init.ask();
    let at = DateTime::from_timestamp(due, 0).expect("is a time").to_rfc3339_opts(SecondsFormat::Secs, false);
    assert_eq!((&answer["next"]["job"], &answer["next"]["at"]), (&"backup".into(), &at.into()));
    let deadline = std::time::Instant::now() + Duration::from_secs(90);
    while sandbox.notes().lines().count() < 2 {
        assert!(std::time::Instant::now() < deadline, "nothing ran: {}", scheduler.said());
        std::thread::sleep(Duration::from_millis(20));
    }
    let notes = sandbox.notes();
    let words: Vec<Vec<&str>> = notes.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!((words[0][0], words[1][0]), ("backup", "check"), "{notes}");
    assert!(words.iter().all(|words| words[2] == "schedule" && words[3] == "/"), "{notes}");
    let second: f64 = words[0][1].parse().expect("is a time");
    assert!((0.0..1.0).contains(&(second - due as f64)), "{second} is not {due}");
    assert_eq!((init.settled(BACKUP), init.settled(CHECK)), (due, due));
    scheduler.expect(" 🏁 Finished backup at ");
    let state = fs::read_to_string(sandbox.path("state/schedule.json")).expect("is written");
    assert!(
        state.contains(&DateTime::from_timestamp(due, 0).expect("is a time").format("%FT%TZ").to_string()),
        "{state}"
    );
    scheduler.finish();
}

#[test]
fn a_minute_that_falls_into_the_gap_after_a_death_is_run_once() {
    let mut sandbox = sandbox();
    sandbox.set("BACKUP_CRON", "* * * * *");
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    let due = (now() / 60 + 1) * 60;
    while Utc::now().timestamp_millis() < due * 1000 - 100 {
        std::thread::sleep(Duration::from_millis(20));
    }
    scheduler.kill();
    wait_for("the minute", || (now() > due).then_some(()));
    assert_eq!(calls(&sandbox, "backup"), 0);
    let scheduler = init.start(&sandbox, "again");
    expect_calls(&sandbox, "backup", 1);
    assert_eq!(init.settled(BACKUP), due);
    scheduler.finish();
}

/// A scheduler that finds something due is killed at any moment of its short life, again and again: what was due has
/// been started once, by it or by the next.
#[test]
fn whenever_a_scheduler_is_killed_no_due_run_is_lost_and_none_runs_twice() {
    let mut sandbox = sandbox();
    sandbox.set("BACKUP_CRON", "0 * * * *");
    let init = Init::new(&sandbox);
    init.boot(&sandbox).kill();
    let (mut by_the_first, mut by_the_next) = (0, 0);
    for trial in 0..30_usize {
        let hour = this_hour();
        init.settle(BACKUP, hour - 3600);
        let before = calls(&sandbox, "backup");
        let scheduler = init.start(&sandbox, "again");
        // From before its first instruction to well after the start of the run.
        std::thread::sleep(Duration::from_micros(1500 * (trial as u64)));
        scheduler.kill();
        let recorded = init.settled(BACKUP) == hour;
        if recorded {
            by_the_first += 1;
        } else {
            by_the_next += 1;
        }
        let scheduler = init.start(&sandbox, "again");
        expect_calls(&sandbox, "backup", before + 1);
        assert_eq!(init.settled(BACKUP), hour);
        scheduler.finish();
        assert!(!fs::read_to_string(sandbox.path("log/cron.log")).expect("is there").contains("skipped"));
    }
    assert!(by_the_first > 0 && by_the_next > 0, "killed before and after: {by_the_first}, {by_the_next}");
}

#[test]
fn two_schedulers_that_find_the_same_run_due_start_it_once() {
    let mut sandbox = sandbox();
    sandbox.set("BACKUP_CRON", "0 * * * *");
    let init = Init::new(&sandbox);
    init.boot(&sandbox).kill();
    for trial in 1..=8 {
        init.settle(BACKUP, this_hour() - 3600);
        let both = [init.start(&sandbox, "again"), init.start(&sandbox, "again")];
        for scheduler in &both {
            scheduler.expect_ready();
        }
        expect_calls(&sandbox, "backup", trial);
        both.into_iter().for_each(crate::init_stand_in::Scheduler::kill);
        expect_calls(&sandbox, "backup", trial);
    }
    assert!(!fs::read_to_string(sandbox.path("log/cron.log")).expect("is there").contains("skipped"));
}

/// A run that stays until the file `go` is there.
fn held_run(sandbox: &mut Sandbox) -> (Init, i64) {
    sandbox.set("BACKUP_CRON", "0 * * * *").set("CHECK_CRON", "0 * * * *");
    sandbox.hook("pre-backup.sh", "echo > $T/held; while [ ! -e $T/go ]; do sleep 0.05; done");
    let init = Init::new(sandbox);
    init.boot(sandbox).kill();
    let hour = this_hour();
    init.settle(BACKUP, hour - 3600);
    (init, hour)
}

fn processes_of(sandbox: &Sandbox, job: &str) -> Vec<i32> {
    let named = |line: &str| line.split(' ').any(|word| word == job || word.ends_with(&format!("/{job}")));
    sandbox.processes().into_iter().filter(|(_, line)| named(line)).map(|(pid, _)| pid).collect()
}

#[test]
fn a_run_is_a_process_of_its_own_and_is_told_when_it_was_due() {
    let mut sandbox = sandbox();
    let (init, hour) = held_run(&mut sandbox);
    let scheduler = init.start(&sandbox, "again");
    sandbox.wait_for_file("held");
    let pid = *processes_of(&sandbox, "backup").iter().min().expect("there is one");
    let environ = fs::read(format!("/proc/{pid}/environ")).expect("is there");
    let environ = String::from_utf8_lossy(&environ);
    let variables: Vec<&str> = environ.split('\0').collect();
    for variable in [format!("BOATHOOK_DUE={hour}"), "RUN_TRIGGER=schedule".to_owned()] {
        assert!(variables.contains(&variable.as_str()), "{variable} is missing: {variables:?}");
    }
    assert!(variables.iter().any(|variable| variable.starts_with("BOATHOOK_PLACE_FD=")), "{variables:?}");
    let link = |what: &str| fs::read_link(format!("/proc/{pid}/{what}")).expect("is a link").display().to_string();
    assert_eq!((link("cwd").as_str(), link("fd/0").as_str()), ("/", "/dev/null"));
    assert_eq!(link("fd/1"), link("fd/2"));
    let group = nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(pid))).expect("it lives");
    assert_eq!(group.as_raw(), pid);
    // It goes on without its scheduler.
    scheduler.kill();
    fs::write(sandbox.path("go"), "").expect("is written");
    expect_calls(&sandbox, "backup", 1);
    assert!(sandbox.log("backup").contains("🏁 Finished backup"), "{}", sandbox.log("backup"));
}

#[test]
fn a_run_that_takes_no_place_holds_the_next_one_up_for_a_moment_only() {
    let mut sandbox = sandbox();
    let (init, hour) = held_run(&mut sandbox);
    init.settle(CHECK, hour - 3600);
    let scheduler = init.start(&sandbox, "again");
    sandbox.wait_for_file("held");
    let begun = std::time::Instant::now();
    wait_for("check beside the held backup", || (init.settled(CHECK) == hour).then_some(()));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(!processes_of(&sandbox, "backup").is_empty());
    fs::write(sandbox.path("go"), "").expect("is written");
    expect_calls(&sandbox, "check", 1);
    scheduler.finish();
}

#[test]
fn a_run_that_was_killed_is_said_and_its_successor_starts_nothing_again() {
    let mut sandbox = sandbox();
    let (init, _) = held_run(&mut sandbox);
    let scheduler = init.start(&sandbox, "again");
    sandbox.wait_for_file("held");
    let pid = *processes_of(&sandbox, "backup").iter().min().expect("there is one");
    crate::support::send(pid, 9);
    scheduler.expect(&format!("⚠️ backup: its process {pid} was killed by signal 9."));
    fs::write(sandbox.path("go"), "").expect("is written");
    expect_calls(&sandbox, "backup", 1);
    scheduler.finish();
}

#[test]
fn at_reboot_is_once_a_container_even_if_its_scheduler_dies() {
    let mut sandbox = sandbox();
    sandbox.set("CHECK_CRON", "@reboot");
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    expect_calls(&sandbox, "check", 1);
    scheduler.kill();
    let scheduler = init.start(&sandbox, "again");
    scheduler.expect_ready();
    assert_eq!(init.ask()["next"], serde_json::Value::Null);
    scheduler.finish();
    assert_eq!(calls(&sandbox, "check"), 1);
    // One that its scheduler still owed when it died.
    init.settle(CHECK, 0);
    let scheduler = init.start(&sandbox, "again");
    expect_calls(&sandbox, "check", 2);
    scheduler.finish();
}

#[test]
fn a_run_that_was_missed_while_the_container_was_down_is_made_up_for_once_if_asked() {
    let new_year = "0 0 1 1 *";
    let state = |sandbox: &Sandbox, text: &str| fs::write(sandbox.path("state/schedule.json"), text).expect("written");
    let of_times = |times: &str| {
        let settled = r#""settled": {"backup": "2020-06-01T00:00:00Z"}"#;
        format!(r#"{{"schema": "boathook.schedule/1", {settled}, "times": {{"backup": "{times}"}}}}"#)
    };
    let (missed, others) = (of_times("0 0 1 1 * UTC+0"), of_times("0 0 1 6 * UTC+0"));
    for (catch_up, document, expected) in
        [("ON", missed.as_str(), 1), ("OFF", &missed, 0), ("ON", "{", 0), ("ON", &others, 0), ("ON", &of_times(""), 0)]
    {
        let mut sandbox = sandbox();
        sandbox.set("BACKUP_CRON", new_year).set("CATCH_UP", catch_up).set("TZ", "UTC");
        state(&sandbox, document);
        for start in 0..2 {
            let _ = fs::remove_file(sandbox.path("run/scheduler.sock"));
            let init = Init::new(&sandbox);
            let scheduler = init.boot(&sandbox);
            if expected > 0 {
                expect_calls(&sandbox, "backup", expected);
            }
            let said = scheduler.finish();
            assert_eq!(calls(&sandbox, "backup"), expected, "{catch_up} {document}: {said}");
            let makes_up = said.contains("🔄 backup: making up for the run that was due at ");
            assert_eq!(makes_up, expected > 0 && start == 0, "{said}");
            assert_eq!(
                said.contains("CATCH_UP does not know what was missed"),
                document == "{" && start == 0,
                "{said}"
            );
        }
    }
}

#[test]
fn what_was_due_long_ago_is_skipped_with_a_line_where_nobody_asked_to_catch_up() {
    let mut sandbox = sandbox();
    sandbox.set("BACKUP_CRON", "0 0 1 1 *");
    let init = Init::new(&sandbox);
    init.boot(&sandbox).kill();
    init.settle(BACKUP, now() - 400 * 86_400);
    let scheduler = init.start(&sandbox, "again");
    scheduler.expect("-01-01 ");
    let said = scheduler.finish();
    assert!(said.contains("⚠️ backup: the run that was due at ") && said.contains("is skipped, since"), "{said}");
    assert_eq!(calls(&sandbox, "backup"), 0);
}

#[test]
fn after_a_stop_nothing_starts_any_more() {
    let mut sandbox = sandbox();
    sandbox.set("BACKUP_CRON", "0 * * * *");
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    scheduler.running.signal(15);
    wait_for("the stop", || (init.ask()["stopping"] == true).then_some(()));
    let hour = this_hour();
    init.settle(BACKUP, hour - 3600);
    // A hang-up would have it look for what is due.
    scheduler.running.signal(1);
    init.log(b"x\n");
    scheduler.expect(" x\n");
    scheduler.finish();
    assert_eq!(init.settled(BACKUP), hour - 3600, "nothing was started");
}

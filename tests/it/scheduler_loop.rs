//! The scheduler while nothing is due: lines, signals, the door, the end.

use crate::init_stand_in::Init;
use crate::support::{Sandbox, wait_for};
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};

/// Nothing is due before New Year.
fn quiet() -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let crontab = sandbox.path("crontab").display().to_string();
    sandbox.set("CRONTAB_FILE", crontab).set("BACKUP_CRON", "0 0 1 1 *").set("ROTATE_LOG_CRON", "");
    sandbox.set("RESTIC_CHECK_REPOSITORY_STATUS", "OFF");
    sandbox
}

fn cron_log(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.path("log/cron.log")).unwrap_or_default()
}

fn flood(lines: u32) -> String {
    (0..lines).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "line {number}");
        text
    })
}

#[test]
fn what_runs_say_stands_in_cron_log_as_it_is_and_on_the_console_with_a_time() {
    let mut sandbox = quiet();
    sandbox.set("TZ", "Asia/Kolkata");
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    init.log("🚀 Starting Backup\n\nthird\npart".as_bytes());
    init.log(b"ial\nno end");
    // After a moment of quiet, what has no end is a line, too.
    wait_for("the line without an end", || cron_log(&sandbox).ends_with("no end\n").then_some(()));
    init.log(b"last");
    let said = scheduler.finish();
    assert_eq!(cron_log(&sandbox), "🚀 Starting Backup\n\nthird\npartial\nno end\nlast\n");
    let mirrored: Vec<&str> = said.lines().skip_while(|line| !line.contains("started successfully")).skip(1).collect();
    let (times, lines): (Vec<&str>, Vec<&str>) = mirrored.iter().map(|line| line.split_once(' ').expect(&said)).unzip();
    assert_eq!(lines, ["🚀 Starting Backup", "", "third", "partial", "no end", "last"]);
    for time in times {
        let parsed = chrono::DateTime::parse_from_rfc3339(time).expect(time);
        assert_eq!(parsed.offset().local_minus_utc(), 19_800, "{time}");
    }
    assert!(!cron_log(&sandbox).contains("Container started"));
}

#[test]
fn with_json_every_line_of_the_console_is_an_object_and_cron_log_stays_as_it_is() {
    let mut sandbox = quiet();
    sandbox.set("LOG_FORMAT", "json");
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    let of_a_worker = r#"{"time":"x","level":"error","run":"r","message":"m"}"#;
    init.log(format!("❌ plain\n{of_a_worker}\n").as_bytes());
    let said = scheduler.finish();
    let objects: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}\n{said}"))).collect();
    assert_eq!(objects[objects.len() - 3]["message"], "✅ Container started successfully.");
    assert_eq!(objects[objects.len() - 2]["message"], "❌ plain");
    assert_eq!(objects[objects.len() - 2]["level"], "error");
    assert_eq!(objects.last(), serde_json::from_str(of_a_worker).ok().as_ref());
    assert_eq!(cron_log(&sandbox), format!("❌ plain\n{of_a_worker}\n"));
}

#[test]
fn a_flood_of_lines_comes_whole() {
    let sandbox = quiet();
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    let flood = flood(100_000);
    init.log(flood.as_bytes());
    let said = scheduler.finish();
    assert_eq!(cron_log(&sandbox), flood);
    assert_eq!(said.lines().filter(|line| line.contains(" line ")).count(), 100_000);
}

#[test]
fn a_cron_log_that_is_slow_holds_runs_up_and_loses_nothing() {
    let sandbox = quiet();
    let fifo = sandbox.path("log/cron.log");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("is made");
    let mut slow = fs::File::options().read(true).write(true).open(&fifo).expect("opens");
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    let flood = flood(400_000);
    let expected = flood.len();
    let reader = std::thread::spawn(move || {
        let (mut text, mut buffer) = (Vec::<u8>::new(), vec![0; 32 * 1024]);
        while text.len() < expected {
            let count = slow.read(&mut buffer).expect("is readable");
            text.extend(&buffer[..count]);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        text
    });
    init.log(flood.as_bytes());
    let said = scheduler.finish();
    assert!(reader.join().expect("reads to the end") == flood.as_bytes(), "lines were lost");
    assert!(!said.contains("were lost"), "{}", said.len());
}

#[test]
fn a_cron_log_that_takes_nothing_blocks_nobody() {
    let sandbox = quiet();
    // A fifo that nobody reads is a disk that is frozen.
    nix::unistd::mkfifo(&sandbox.path("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("is made");
    let holder = fs::File::options().read(true).write(true).open(sandbox.path("fifo")).expect("opens");
    std::os::unix::fs::symlink(sandbox.path("fifo"), sandbox.path("log/cron.log")).expect("is linked");
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    let flood = flood(300_000);
    init.log(flood.as_bytes());
    init.log(b"the end\n");
    scheduler.expect(" the end\n");
    assert_eq!(init.ask()["ready"], true);
    scheduler.finish();
    drop(holder);
}

#[test]
fn the_door_tells_what_comes_next() {
    let mut sandbox = quiet();
    sandbox.set("CHECK_CRON", "30 1 1 1 *").set("BACKUP_CRON", "15 1 1 1 *").set("TZ", "America/New_York");
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    let answer = init.ask();
    assert_eq!(answer["pid"], scheduler.running.pid());
    assert_eq!((&answer["ready"], &answer["stopping"]), (&true.into(), &false.into()));
    assert_eq!(answer["next"]["job"], "backup");
    let at = answer["next"]["at"].as_str().expect("is text");
    assert!(at.ends_with("-01-01T01:15:00-05:00"), "{at}");
    let since = answer["since"].as_str().expect("is text");
    assert!(chrono::DateTime::parse_from_rfc3339(since).is_ok(), "{since}");
    scheduler.running.signal(15);
    wait_for("the stop", || (init.ask()["stopping"] == true).then_some(()));
    assert_eq!(init.ask()["next"], serde_json::Value::Null);
    init.log(b"a run says on\n");
    scheduler.expect(" a run says on\n");
    scheduler.finish();
}

#[test]
fn a_reload_that_changes_nothing_says_so() {
    let sandbox = quiet();
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    fs::remove_file(sandbox.path("crontab")).expect("was written");
    scheduler.running.signal(1);
    scheduler.expect("ℹ️ The schedule is unchanged.");
    assert!(sandbox.path("crontab").exists(), "it is written anew");
    scheduler.finish();
    assert!(cron_log(&sandbox).starts_with("🔄 The settings were read again;"), "{}", cron_log(&sandbox));
}

#[test]
fn a_scheduler_whose_init_has_died_ends() {
    let sandbox = quiet();
    let init = Init::new(&sandbox);
    let mut scheduler = init.boot(&sandbox);
    init.log(b"still in the pipe\n");
    let (spare, _) = std::os::unix::net::UnixStream::pair().expect("a socket");
    drop(std::mem::replace(&mut scheduler.control, spare));
    let (code, said) = scheduler.end();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("still in the pipe"), "{said}");
}

#[test]
fn a_successor_says_no_banner_and_takes_up_the_schedule() {
    let sandbox = quiet();
    let init = Init::new(&sandbox);
    init.boot(&sandbox).kill();
    let scheduler = init.start(&sandbox, "again");
    scheduler.expect_ready();
    (&scheduler.control).write_all(b"?").expect("is taken");
    let said = scheduler.finish();
    assert!(!said.contains("🌟") && said.contains("⚠️ The scheduler has died and was started again"), "{said}");
    assert!(!sandbox.engine_log().contains("backup"), "nothing was due");
}

#[test]
fn a_signal_from_anybody_but_init_stops_no_schedule() {
    let sandbox = quiet();
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    for signal in ["TERM", "INT", "QUIT"] {
        let kill = format!("kill -{signal} {}; exit 0", scheduler.running.pid());
        assert!(sandbox.command("/bin/sh", &["-c", &kill]).status().expect("can be started").success());
        scheduler.expect(&format!("🛑 SIG{signal} to the scheduler alone is not a stop: stop the container."));
    }
    let answer = init.ask();
    assert_eq!((&answer["stopping"], &answer["next"]["job"]), (&false.into(), &"backup".into()));
    scheduler.running.signal(15);
    wait_for("the stop", || (init.ask()["stopping"] == true).then_some(()));
    scheduler.finish();
}

#[test]
fn a_settings_file_that_is_broken_or_gone_leaves_the_schedule_and_an_empty_one_counts() {
    let mut sandbox = quiet();
    let file = sandbox.path("settings.env");
    sandbox.set("SETTINGS_FILE", file.display().to_string()).set("BACKUP_CRON", "").set("TZ", "UTC");
    fs::write(&file, "CHECK_CRON=30 1 1 1 *\n").expect("is written");
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    let kept = |text: &str| cron_log(&sandbox).matches(text).count();
    let stays = "the schedule stays as it was";
    fs::write(&file, "CHECK_CRON\n").expect("is written");
    scheduler.running.signal(1);
    wait_for("the broken file", || (kept(stays) == 1).then_some(()));
    fs::remove_file(&file).expect("is there");
    scheduler.running.signal(1);
    wait_for("the file that is gone", || (kept(stays) == 2).then_some(()));
    assert_eq!(init.ask()["next"]["job"], "check");
    scheduler.kill();
    let scheduler = init.start(&sandbox, "again");
    scheduler.expect(stays);
    assert_eq!(init.ask()["next"]["job"], "check");
    scheduler.kill();
    fs::write(&file, "CHECK_CRON=45 1 1 1 *\n").expect("is written");
    let scheduler = init.start(&sandbox, "again");
    scheduler.expect("⏰ check: now scheduled by 45 1 1 1 *; it was 30 1 1 1 *.");
    fs::write(&file, "").expect("is written");
    scheduler.running.signal(1);
    scheduler.expect("ℹ️ check: off now; it was scheduled by 45 1 1 1 *.");
    assert_eq!(init.ask()["next"], serde_json::Value::Null);
    scheduler.finish();
}

//! A schedule that cannot be read costs the schedule, never the work that was asked for.

use crate::support::Sandbox;

const BAD: &str = "0 25 * * *";
const LINE: &str = "CHECK_CRON='0 25 * * *' has '25' as hour, which is not in 0-23; the job never runs by schedule: write \
                    five fields such as '30 2 * * *', or a name such as @daily";

#[test]
fn a_run_does_its_work_says_it_once_and_ends_as_a_warning() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let out = sandbox.set("CHECK_CRON", BAD).run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.summary("backup")["status"], "warning");
    assert!(sandbox.engine_log().contains("backup"), "{}", sandbox.engine_log());
    assert_eq!(out.all().matches(LINE).count(), 1, "{}", out.all());
    sandbox.set("CHECK_CRON", "@daily").run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.summary("backup")["status"], "success");
}

#[test]
fn doctor_and_config_check_fail_and_name_it_once() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("CHECK_CRON", BAD).set("TZ", "Europe/Amsterdm").set("UNLOCK_CRON", "@sometimes");
    let zone = "TZ='Europe/Amsterdm' is no time zone; a container does not start with it: write an IANA name such as Europe/Amsterdam or UTC";
    for words in [&["doctor", "--no-probe"][..], &["config-check"]] {
        let out = sandbox.run(words).ends_with(1).all();
        for message in [LINE, "UNLOCK_CRON='@sometimes' is none of @yearly", zone] {
            let told = out.lines().filter(|line| line.contains(message)).collect::<Vec<_>>();
            let is_failure = |line: &str| line.starts_with("[FAIL] ") || line.contains("ERROR: ");
            assert!(told.len() == 1 && is_failure(told[0]), "{words:?}, {message}: {out}");
        }
    }
    let json = sandbox.run(&["config-check", "--json"]).ends_with(1).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("is one document");
    let found: Vec<&str> =
        json["settings"].as_array().expect("a list").iter().filter_map(|m| m["variable"].as_str()).collect();
    // In the order of the table.
    assert_eq!(found, ["CHECK_CRON", "UNLOCK_CRON", "TZ"]);
}

#[test]
fn a_forget_schedule_that_cannot_be_read_still_keeps_backups_from_forgetting() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("FORGET_CRON", "nightly").set("RESTIC_FORGET_ARGS", "--keep-last 3");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert!(!sandbox.engine_log().lines().any(|line| line.contains("forget")), "{}", sandbox.engine_log());
    let said = "FORGET_CRON='nightly' has 1 field instead of 5 (minute, hour, day of the month, month, day of the week); \
                forget never runs by schedule, and backups leave forgetting to it, so old snapshots stay: write";
    assert!(out.contains(said), "{out}");
}

#[test]
fn a_line_break_at_the_end_is_no_second_line() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("BACKUP_CRON", "0 3 * * *\n").set("PRUNE_CRON", "0 4 * * *\n0 5 * * *").run(&["backup"]).ends_with(0);
    let log = sandbox.log("backup");
    assert!(
        log.contains("PRUNE_CRON='0 4 * * *\\n0 5 * * *' has more than one line") && !log.contains("BACKUP_CRON='"),
        "{log}"
    );
}

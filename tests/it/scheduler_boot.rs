//! The boot of a container: its lines, its exit codes, and what it does not let itself be kept from.

use crate::init_stand_in::{Init, Scheduler};
use crate::support::{Sandbox, assert_in_order, wait_for, write_executable};
use std::fs;
use std::time::{Duration, Instant};

/// A sandbox whose crontab lies in it, with nothing scheduled but what a test asks for.
fn quiet(mut sandbox: Sandbox) -> Sandbox {
    let crontab = sandbox.path("spool/crontabs/root").display().to_string();
    sandbox.set("CRONTAB_FILE", crontab).set("BACKUP_CRON", "0 0 1 1 *").set("ROTATE_LOG_CRON", "");
    sandbox
}

fn boot(sandbox: &Sandbox) -> Scheduler {
    Init::new(sandbox).boot(sandbox)
}

/// Boots to its end, which is not the schedule.
#[track_caller]
fn fails(sandbox: &Sandbox) -> (i32, String) {
    let _ = fs::remove_file(sandbox.path("run/scheduler.sock"));
    Init::new(sandbox).start(sandbox, "first").end()
}

/// A restic that fails its `cat` as told in a file, and notes its words.
fn scripted_restic(sandbox: &Sandbox, body: &str) {
    let text = format!("#!/bin/sh\necho \"$@\" >> \"$LOG_DIR/../engine.log\"\n{body}\n");
    write_executable(&sandbox.path("bin/restic"), &text);
}

#[test]
fn a_boot_says_the_contracts_lines_and_makes_the_repository() {
    let mut sandbox = quiet(Sandbox::new());
    sandbox.set("RESTIC_BACKUP_HELPER_RELEASE", "1.2.3").set("CHECK_CRON", "0 3 * * 7").set("SYNC_VERBOSE", "OFF");
    let scheduler = boot(&sandbox);
    let said = scheduler.finish();
    let repository = sandbox.path("repo").display().to_string();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "⚠️ SYNC_VERBOSE is deprecated; rename to REPLICATE_VERBOSE (will be removed in 3.0.0).");
    assert!(lines[1..4].iter().all(|line| line.starts_with("🌟")), "{said}");
    assert_eq!((lines[4], lines[6], lines[7]), ("", "📦 Release: 1.2.3", ""));
    let time = lines[5].strip_prefix("🚀 Starting container Restic Backup Helper 'test-host' on: ");
    let time = time.and_then(|rest| rest.strip_suffix("...")).expect(&said);
    assert!(chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %a %H:%M:%S").is_ok(), "{time}");
    assert_eq!(lines[8], "🔍 Checking repository status...");
    let code = lines[9].strip_prefix("ℹ️ Repository probe status: ").expect(&said);
    assert_eq!(
        lines[10],
        format!("🆕 Restic repository '{repository}' does not exist (probe exit {code}). Running restic init.")
    );
    let made = lines.iter().position(|line| *line == "ℹ️ Repository initialization status: 0").expect(&said);
    assert!(lines[11..made].iter().any(|line| line.contains("created restic repository")), "{said}");
    assert_eq!(
        lines[made + 1..],
        [
            "⏰ Setting up backup cron job with expression: 0 0 1 1 *",
            "⏰ Setting up check cron job with expression: 0 3 * * 7",
            "ℹ️ Replicate cron disabled (REPLICATE_CRON empty)",
            "ℹ️ Forget cron disabled (FORGET_CRON empty); backups forget by RESTIC_FORGET_ARGS instead, if that is set",
            "ℹ️ Prune cron disabled (PRUNE_CRON empty)",
            "ℹ️ Rotate log cron disabled (ROTATE_LOG_CRON empty)",
            "✅ Container started successfully.",
        ]
    );
    assert!(sandbox.path("repo/config").exists());
    let (run, log) = (sandbox.path("run"), sandbox.path("log/cron.log"));
    let line = |cron: &str, job: &str, lock: &str| {
        let lock = run.join(lock);
        format!("{cron} /bin/locked_run {job} {} /bin/{job} >> {} 2>&1\n", lock.display(), log.display())
    };
    let crontab = fs::read_to_string(sandbox.path("spool/crontabs/root")).expect("is written");
    assert_eq!(crontab, line("0 0 1 1 *", "backup", "cron.lock") + &line("0 3 * * 7", "check", "check.lock"));
    assert_eq!(fs::read_to_string(log).expect("readiness probes look for it"), "");

    fs::remove_file(sandbox.path("run/scheduler.sock")).expect("is there");
    let said = boot(&sandbox).finish();
    assert!(said.contains(&format!("✅ Restic repository '{repository}' attached and accessible.\n")), "{said}");
    assert!(!said.contains("restic init"), "{said}");
}

#[test]
fn without_the_look_at_the_repository_it_is_assumed_to_be_there() {
    let mut sandbox = quiet(Sandbox::with_stand_in_engine());
    sandbox.set("RESTIC_CHECK_REPOSITORY_STATUS", "off");
    let said = boot(&sandbox).finish();
    let repository = sandbox.path("repo").display().to_string();
    assert_in_order(&said, &[&format!("✅ Assuming repository '{repository}' is online..."), "⏰ Setting up backup"]);
    assert_eq!(sandbox.engine_log(), "");
}

#[test]
fn a_failed_look_at_the_repository_ends_with_1() {
    let newer = std::env::var("BOATHOOK_TEST_RESTIC_NEW").ok();
    for restic in [None, newer] {
        let mut sandbox = quiet(Sandbox::with_repository());
        if let Some(restic) = restic {
            std::os::unix::fs::symlink(restic, sandbox.path("bin/restic")).expect("is linked");
        }
        sandbox.set("RESTIC_PASSWORD", "another-password");
        let (code, said) = fails(&sandbox);
        assert_eq!(code, 1, "{said}");
        let repository = sandbox.path("repo").display().to_string();
        assert_in_order(
            &said,
            &[
                "ℹ️ Repository probe status: ",
                &format!("❌ Repository probe failed for '{repository}' with exit code "),
                "ℹ️ Restic stderr from probe:",
                "Fatal: wrong password or no key found",
                "ℹ️ Correct RESTIC_PASSWORD_FILE, RESTIC_PASSWORD",
            ],
        );
        assert!(said.contains("; the password is wrong.") && !said.contains("Setting up"), "{said}");
    }
}

#[test]
fn what_restic_says_at_the_look_is_masked() {
    let sandbox = quiet(Sandbox::new());
    scripted_restic(&sandbox, "echo \"cannot use $RESTIC_PASSWORD\" >&2; exit 1");
    let (code, said) = fails(&sandbox);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("cannot use ***") && !said.contains("correct-horse"), "{said}");
}

#[test]
fn a_repository_that_another_container_makes_at_the_same_time_is_attached() {
    let sandbox = quiet(Sandbox::new());
    scripted_restic(
        &sandbox,
        r#"there="$LOG_DIR/../made"
case "$*" in
cat*) [ -e "$there" ] || { echo 'Fatal: repository does not exist' >&2; exit 10; } ;;
init) echo > "$there"; echo 'Fatal: create repository failed: config file already exists' >&2; exit 1 ;;
esac"#,
    );
    let said = boot(&sandbox).finish();
    let repository = sandbox.path("repo").display().to_string();
    assert_in_order(
        &said,
        &[
            "ℹ️ Repository probe status: 10",
            &format!("🆕 Restic repository '{repository}' does not exist (probe exit 10). Running restic init."),
            "Fatal: create repository failed: config file already exists",
            "ℹ️ Repository initialization status: 1",
            "✅ Restic repository ",
            "✅ Container started successfully.",
        ],
    );
    assert!(!sandbox.engine_log().contains("unlock"), "{}", sandbox.engine_log());
}

#[test]
fn a_repository_that_cannot_be_made_ends_with_1_and_nothing_is_unlocked() {
    let sandbox = quiet(Sandbox::new());
    fs::write(sandbox.path("file"), "").expect("is written");
    let mut sandbox = sandbox;
    let repository = sandbox.path("file/repo").display().to_string();
    sandbox.set("RESTIC_REPOSITORY", repository);
    scripted_restic(&sandbox, "case \"$*\" in cat*) exit 10 ;; init) echo no >&2; exit 1 ;; esac");
    let (code, said) = fails(&sandbox);
    assert_eq!(code, 1, "{said}");
    assert_in_order(&said, &["ℹ️ Repository initialization status: 1", "❌ Failed to initialize the repository: '"]);
    let calls = sandbox.engine_log();
    assert_eq!(calls.lines().filter(|line| line.starts_with("cat")).count(), 2, "it is looked at once more: {calls}");
    assert!(!calls.contains("unlock") && !said.contains("Unlocking"), "{calls}{said}");
}

#[test]
fn a_bad_backup_schedule_or_zone_ends_with_2_and_names_it() {
    for (variable, value, names) in [
        ("BACKUP_CRON", "0 25 * * *", "❌ BACKUP_CRON='0 25 * * *' "),
        ("TZ", "Mars/Olympus", "❌ TZ='Mars/Olympus' is no time zone: write an IANA name"),
    ] {
        let mut sandbox = quiet(Sandbox::with_stand_in_engine());
        sandbox.set(variable, value).set("CHECK_CRON", "x y").set("STOP_TIMEOUT", "soon");
        let (code, said) = fails(&sandbox);
        assert_eq!(code, 2, "{said}");
        for line in [names, "❌ CHECK_CRON='x y' ", "❌ STOP_TIMEOUT='soon' "] {
            assert!(said.contains(line), "all mistakes at once: {said}");
        }
        assert_eq!(sandbox.engine_log(), "", "nothing was done");
    }
}

#[test]
fn a_bad_schedule_of_another_job_costs_that_job_alone() {
    let mut sandbox = quiet(Sandbox::with_stand_in_engine());
    sandbox.set("CHECK_CRON", "0 0 32 * *").set("NOTIFY_TEST_CRON", "0 0 * * *").set("BACKUP_CRON", "");
    sandbox.set("PRUNE_CRON", "0 5 1 * *");
    let said = boot(&sandbox).finish();
    assert_in_order(
        &said,
        &[
            "❌ CHECK_CRON='0 0 32 * *' ",
            "ℹ️ Backup cron disabled (BACKUP_CRON empty)",
            "⏰ Setting up prune cron job with expression: 0 5 1 * *",
            "✅ Container started successfully.",
        ],
    );
    assert!(!said.contains("Setting up check") && !said.contains("Check cron disabled"), "{said}");
    let crontab = fs::read_to_string(sandbox.path("spool/crontabs/root")).expect("is written");
    assert!(crontab.starts_with("0 5 1 * * ") && crontab.lines().count() == 2, "{crontab}");
}

#[test]
fn a_stop_ends_a_hanging_boot_at_once_with_0() {
    let sandbox = quiet(Sandbox::new());
    scripted_restic(&sandbox, "echo > \"$LOG_DIR/../hangs\"; exec sleep 1000");
    write_executable(&sandbox.path("bin/mount"), "#!/bin/sh\necho > \"$LOG_DIR/../hangs\"; exec sleep 1000\n");
    let mut sandbox = sandbox;
    for target in ["", "nas:/export"] {
        sandbox.set("NFS_TARGET", target);
        let _ = fs::remove_file(sandbox.path("run/scheduler.sock"));
        let _ = fs::remove_file(sandbox.path("hangs"));
        let init = Init::new(&sandbox);
        let scheduler = init.start(&sandbox, "first");
        sandbox.wait_for_file("hangs");
        let answer = init.ask();
        assert_eq!((&answer["ready"], &answer["next"]), (&false.into(), &serde_json::Value::Null));
        let asked = Instant::now();
        scheduler.running.signal(15);
        let (code, said) = scheduler.end();
        assert_eq!(code, 0, "{said}");
        assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
        assert!(!said.contains("Setting up"), "{said}");
    }
}

#[test]
fn an_end_that_init_asks_for_during_the_boot_is_not_forgotten() {
    let sandbox = quiet(Sandbox::new());
    scripted_restic(&sandbox, "echo > \"$LOG_DIR/../hangs\"; exec sleep 1000");
    let scheduler = Init::new(&sandbox).start(&sandbox, "first");
    sandbox.wait_for_file("hangs");
    assert!(scheduler.finish().contains("ℹ️ Stopped during the start; nothing was scheduled."));
}

#[test]
fn a_failed_mount_ends_with_1_and_shows_no_secret() {
    let mut sandbox = quiet(Sandbox::with_stand_in_engine());
    write_executable(&sandbox.path("bin/mount"), "#!/bin/sh\necho 'mount.nfs: access denied' >&2; exit 32\n");
    sandbox.set("NFS_TARGET", "nas:/export/correct-horse-battery");
    let (code, said) = fails(&sandbox);
    assert_eq!(code, 1, "{said}");
    assert_in_order(
        &said,
        &[
            "📂 Mounting NFS based on NFS_TARGET: nas:/export/***",
            "❌ NFS mount failed for target 'nas:/export/***' on /mnt/restic; aborting startup.",
        ],
    );
    assert_eq!(sandbox.engine_log(), "");
}

#[test]
fn packages_that_are_missing_are_installed_before_the_schedule_and_others_need_no_network() {
    let mut sandbox = quiet(Sandbox::with_stand_in_engine());
    write_executable(
        &sandbox.path("bin/dpkg-query"),
        "#!/bin/sh\nfor name; do :; done\ngrep -q \"^$name\\$\" \"$LOG_DIR/../installed\" && echo 'installed 1.0' || exit 1\n",
    );
    write_executable(
        &sandbox.path("bin/apt-get"),
        "#!/bin/sh\necho \"$@\" >> \"$LOG_DIR/../apt.log\"\n[ -e \"$LOG_DIR/../offline\" ] && { echo 'E: no network' >&2; exit 100; }\n\
         case \"$*\" in *install*) for name; do :; done; echo \"$name\" >> \"$LOG_DIR/../installed\" ;; esac\n",
    );
    fs::write(sandbox.path("installed"), "jq\n").expect("is written");
    sandbox.set("INSTALL_PACKAGES", "jq postgresql-client");
    let apt = || fs::read_to_string(sandbox.path("apt.log")).unwrap_or_default();
    let again = |sandbox: &Sandbox| {
        let _ = fs::remove_file(sandbox.path("run/scheduler.sock"));
        boot(sandbox).finish()
    };
    if nix::unistd::geteuid().as_raw() != 0 {
        let said = again(&sandbox);
        assert!(said.contains("run it as root, or build them into the image with EXTRA_PACKAGES"), "{said}");
        assert!(said.contains("✅ Container started successfully."), "{said}");
        return;
    }
    fs::write(sandbox.path("offline"), "").expect("is written");
    let said = again(&sandbox);
    assert_in_order(
        &said,
        &[
            "📦 INSTALL_PACKAGES: installing postgresql-client",
            "E: no network",
            "❌ INSTALL_PACKAGES: postgresql-client not installed: apt-get update ended with status 100",
            "✅ Container started successfully.",
        ],
    );
    fs::remove_file(sandbox.path("offline")).expect("is there");
    let said = again(&sandbox);
    assert_in_order(
        &said,
        &["✅ INSTALL_PACKAGES: installed postgresql-client", "🔍 Checking", "⏰ Setting up backup"],
    );
    let calls = apt();
    assert_eq!(calls.lines().last().and_then(|line| line.split(" -- ").nth(1)), Some("postgresql-client"), "{calls}");
    let said = again(&sandbox);
    assert!(said.contains("ℹ️ INSTALL_PACKAGES: installed already: jq postgresql-client"), "{said}");
    assert_eq!(apt(), calls, "apt is not asked again");
}

#[test]
fn what_is_no_package_never_reaches_apt() {
    let mut sandbox = quiet(Sandbox::with_stand_in_engine());
    write_executable(&sandbox.path("bin/apt-get"), "#!/bin/sh\necho \"$@\" >> \"$LOG_DIR/../apt.log\"\n");
    sandbox.set("INSTALL_PACKAGES", "jq -oAPT::x=y");
    let said = boot(&sandbox).finish();
    assert!(said.contains("❌ INSTALL_PACKAGES has '-oAPT::x=y', which is no name of a package"), "{said}");
    assert!(!sandbox.path("apt.log").exists());
}

#[test]
fn places_that_cannot_be_written_cost_no_schedule() {
    let mut sandbox = quiet(Sandbox::with_stand_in_engine());
    fs::write(sandbox.path("file"), "").expect("is written");
    let below = sandbox.path("file/below").display().to_string();
    sandbox.set("CRONTAB_FILE", below.as_str()).set("LOG_DIR", below.as_str()).set("STATE_DIR", below.as_str());
    sandbox.set("CATCH_UP", "ON").set("RESTIC_CHECK_REPOSITORY_STATUS", "OFF");
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    init.log(b"a line\n");
    scheduler.expect(" a line\n");
    scheduler.expect("cron.log cannot be written (Not a directory");
    scheduler.expect("schedule.json cannot be read");
    let said = scheduler.finish();
    assert_in_order(
        &said,
        &["⚠️ The crontab ", &format!("⚠️ {below}/cron.log cannot be written"), "✅ Container started successfully."],
    );
}

#[test]
fn without_init_the_process_says_so() {
    let sandbox = Sandbox::new();
    let out = sandbox.run(&["scheduler-process", "first"]).ends_with(1);
    assert!(out.stderr.starts_with("❌ The scheduler cannot start: descriptor 3 is not there"), "{}", out.stderr);
    wait_for("the end of it", || sandbox.processes().is_empty().then_some(()));
}

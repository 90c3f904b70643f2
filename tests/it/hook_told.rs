//! What a hook is told about its run, what it tells others, and what it prints.

use crate::support::{BOATHOOK, Sandbox, wait_for};
use std::fs;

#[test]
fn a_hook_is_told_its_place_among_those_of_its_phase() {
    let sandbox = Sandbox::with_stand_in_engine();
    for hook in ["pre-all", "pre-backup", "pre-backup.10-x", "post-backup", "post-all"] {
        sandbox.hook(&format!("{hook}.sh"), "echo $HOOK_NAME $HOOK_INDEX/$HOOK_COUNT $HOOK_ATTEMPT >> $T/notes");
    }
    sandbox.run(&["backup"]).ends_with(0);
    let expected = "pre-all 1/3 1\npre-backup 2/3 1\npre-backup.10-x 3/3 1\npost-backup 1/2 1\npost-all 2/2 1\n";
    assert_eq!(sandbox.notes(), expected);
}

#[test]
fn a_run_has_an_id_a_trigger_and_a_start() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo $RUN_ID $RUN_TRIGGER $RUN_STARTED_AT >> $T/notes");
    sandbox.run(&["backup"]).ends_with(0);
    sandbox.set("RUN_TRIGGER", "schedule").set("TZ", "Asia/Tokyo").run(&["backup"]).ends_with(0);
    let notes = sandbox.notes();
    let lines: Vec<Vec<&str>> = notes.lines().map(|line| line.split(' ').collect()).collect();
    for (line, (trigger, zone)) in lines.iter().zip([("manual", "+00:00"), ("schedule", "+09:00")]) {
        let [id, told, start] = line.as_slice() else { panic!("{notes}") };
        let (time, rest) = id.split_once('-').expect("has parts");
        let (job, chance) = rest.rsplit_once('-').expect("has parts");
        assert!(chrono::NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%SZ").is_ok(), "{id}");
        assert_eq!(job, "backup");
        assert!(chance.len() == 8 && chance.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert_eq!(*told, trigger);
        let at = chrono::DateTime::parse_from_rfc3339(start).expect("is RFC 3339");
        // The id has the same moment in UTC.
        assert_eq!(at.to_utc().format("%Y%m%dT%H%M%SZ").to_string().get(..11), time.get(..11), "{start} {id}");
        assert!(start.ends_with(zone), "{start}");
    }
    assert!(lines[0][0] < lines[1][0] || lines[0][0].get(..16) == lines[1][0].get(..16), "ids do not sort: {notes}");
    assert_ne!(lines[0][0], lines[1][0]);
    assert_eq!(sandbox.summary("backup")["trigger"], "schedule");
}

#[test]
fn the_reason_is_one_line_of_at_most_four_kibibytes() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_SKIP_ON", "75");
    sandbox.hook("pre-backup.sh", "head -c 9000 /dev/zero | tr '\\0' 'x'; echo; exit 75");
    sandbox.hook("post-backup.sh", "printf %s \"$RUN_ERROR\" | wc -lc >> $T/notes");
    sandbox.run(&["backup"]).ends_with(0);
    let notes = sandbox.notes();
    let counts: Vec<usize> = notes.split_whitespace().map(|word| word.parse().expect("is a number")).collect();
    assert_eq!(counts[0], 0, "{notes}");
    assert!((4000..=4096).contains(&counts[1]), "{notes}");
}

#[test]
fn yesterdays_summary_is_never_told_as_todays() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("post-backup.sh", "echo ${RUN_SUMMARY-unset} >> $T/notes");
    sandbox.run(&["backup"]).ends_with(0);
    let path = sandbox.path("log/last-backup.json");
    // Nobody can put a file in the place of a folder that is not empty, not even root.
    fs::rename(&path, sandbox.path("yesterday.json")).expect("is there");
    fs::create_dir_all(path.join("in the way")).expect("can be made");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert_eq!(sandbox.notes(), format!("{}\nunset\n", path.display()));
    let expected = format!("❌ The summary {} cannot be written: ", path.display());
    assert!(out.contains(&expected) && out.contains("✅ Backup Successful"), "{out}");
}

#[test]
fn a_value_reaches_every_later_hook_and_the_last_one_counts() {
    let sandbox = Sandbox::with_stand_in_engine();
    let see = "echo $HOOK_NAME [$ONE] [$TWO] >> $T/notes";
    sandbox.hook("pre-backup.10-a.sh", &format!("{see}\nprintf 'ONE=a b\\nTWO=first\\n' > $HOOK_OUTPUT"));
    sandbox.hook("pre-backup.20-b.sh", &format!("{see}\nprintf 'TWO=second' >> $HOOK_OUTPUT"));
    sandbox
        .hook("pre-backup.30-c.sh", see)
        .hook("post-backup.10-d.sh", &format!("{see}\necho ONE=late > $HOOK_OUTPUT"));
    sandbox.hook("post-backup.20-e.sh", see);
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(
        sandbox.notes(),
        "pre-backup.10-a [] []\npre-backup.20-b [a b] [first]\npre-backup.30-c [a b] [second]\n\
         post-backup.10-d [a b] [second]\npost-backup.20-e [late] [second]\n"
    );
}

#[test]
fn what_takes_the_place_of_the_file_fails_the_hook() {
    for place in ["mkdir $HOOK_OUTPUT", "mkfifo $HOOK_OUTPUT", "ln -s /dev/zero $HOOK_OUTPUT"] {
        let sandbox = Sandbox::with_stand_in_engine();
        sandbox.hook("pre-backup.sh", &format!("rm $HOOK_OUTPUT && {place}"));
        sandbox.run(&["backup"]).ends_with(0);
        let hook = &sandbox.summary("backup")["hooks"][0];
        assert_eq!((&hook["status"], &hook["exit_code"]), (&"failed".into(), &1.into()), "{place}: {hook}");
        assert!(hook["reason"].as_str().is_some_and(|reason| reason.starts_with("HOOK_OUTPUT")), "{place}: {hook}");
    }
}

#[test]
fn names_that_programs_read_and_too_much_are_refused() {
    let sandbox = Sandbox::with_stand_in_engine();
    let names = [
        "LD_PRELOAD",
        "PATH",
        "IFS",
        "ENV",
        "BASH_ENV",
        "RESTIC_REPOSITORY",
        "RCLONE_CONFIG",
        "AWS_SECRET_ACCESS_KEY",
        "HOOK_TIMEOUT",
        "HOOKS_DIR",
        "RUN_ID",
        "HTTPS_PROXY",
        "WEBHOOK_URL",
    ];
    for name in names {
        sandbox.hook("pre-backup.sh", &format!("echo {name}=x > $HOOK_OUTPUT"));
        sandbox.run(&["backup"]).ends_with(0);
        let hook = &sandbox.summary("backup")["hooks"][0];
        let expected = format!("HOOK_OUTPUT line 1: {name} is read by others");
        assert!(hook["reason"].as_str().is_some_and(|reason| reason.starts_with(&expected)), "{name}: {hook}");
    }
    sandbox.hook("pre-backup.sh", "{ printf MUCH=; head -c 65600 /dev/zero | tr '\\0' x; echo; } > $HOOK_OUTPUT");
    sandbox.hook("post-backup.sh", "echo ${#MUCH} >> $T/notes");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!((sandbox.notes().as_str(), &sandbox.summary("backup")["hooks"][0]["status"]), ("0\n", &"failed".into()));
    sandbox.hook("pre-backup.sh", "{ printf MUCH=; head -c 60000 /dev/zero | tr '\\0' x; echo; } > $HOOK_OUTPUT");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "0\n60000\n");
}

#[test]
fn what_a_hook_prints_is_shown_as_it_comes() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo first; while [ ! -e $T/go ]; do sleep 0.02; done; echo second");
    let log = sandbox.path("cron.log").display().to_string();
    let script = format!("exec {BOATHOOK} backup > {log} 2>&1");
    let mut child = sandbox.command("sh", &["-c", &script]).spawn().expect("can be started");
    let shown = |line: &str| {
        let text = fs::read_to_string(sandbox.path("cron.log")).unwrap_or_default();
        text.lines().any(|found| found == line)
    };
    // The hook waits for this test, and the test for the line.
    wait_for("the first line on the console", || shown("[pre-backup] first").then_some(()));
    wait_for("the first line in the log", || {
        sandbox.log("backup").lines().any(|line| line == "[pre-backup] first").then_some(())
    });
    assert!(!shown("[pre-backup] second"));
    fs::write(sandbox.path("go"), "").expect("can be written");
    assert!(child.wait().expect("ends").success());
    assert!(shown("[pre-backup] second"));
}

#[test]
fn a_secret_that_a_hook_prints_in_two_pieces_is_masked() {
    let sandbox = Sandbox::with_stand_in_engine();
    let wait = "while [ ! -e $T/go ]; do sleep 0.02; done";
    sandbox.hook("pre-backup.sh", &format!("printf 'it is correct-hor'; : > $T/half; {wait}; echo 'se-battery, ok?'"));
    let running = sandbox.start(&["backup"]);
    wait_for("the first half", || sandbox.path("half").exists().then_some(()));
    fs::write(sandbox.path("go"), "").expect("can be written");
    let out = running.finish().ends_with(0).all();
    assert!(out.contains("[pre-backup] it is ***, ok?"), "{out}");
    let summary = fs::read_to_string(sandbox.path("log/last-backup.json")).expect("is there");
    for text in [&out, &sandbox.log("backup"), &summary] {
        assert!(
            text.contains("it is ***, ok?") && !text.contains("battery") && !text.contains("correct-hor"),
            "{text}"
        );
    }
}

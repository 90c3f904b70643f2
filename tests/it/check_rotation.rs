//! `RESTIC_CHECK_ROTATE`: a part of the data at each run of `check`, on real repositories.

use crate::doctor::json;
use crate::support::Sandbox;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// Repositories with some packs, whose data is read in so many parts.
fn with_packs(parts: &str) -> Vec<Sandbox> {
    let mut sandboxes = Sandbox::with_each_repository();
    for sandbox in &mut sandboxes {
        for number in 0..5 {
            fs::write(sandbox.path("data/one.txt"), noise(number)).expect("can be written");
            sandbox.run(&["backup"]).ends_with(0);
        }
        sandbox.set("RESTIC_CHECK_ROTATE", parts);
    }
    sandboxes
}

/// 10 kB that cannot be compressed, so that packs of data are larger than those of folders.
fn noise(seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..10_000).map(|_| next()).collect()
}

/// The names of all packs.
fn packs(sandbox: &Sandbox) -> BTreeSet<String> {
    let folders = fs::read_dir(sandbox.path("repo/data")).expect("is a repository").flatten();
    folders
        .flat_map(|folder| fs::read_dir(folder.path()).expect("is a folder").flatten())
        .map(|pack| pack.file_name().to_string_lossy().into_owned())
        .collect()
}

/// The part that a pack belongs to, as restic reckons: by the first byte of its name.
fn part_of(pack: &str, parts: u32) -> u32 {
    u32::from_str_radix(&pack[..2], 16).expect("is in hexadecimal") % parts + 1
}

/// The one file in which it is kept how far it has come.
fn state_file(sandbox: &Sandbox) -> PathBuf {
    let files = fs::read_dir(sandbox.path("state")).expect("is a folder").flatten().map(|entry| entry.path());
    let is_ours = |path: &PathBuf| path.to_string_lossy().contains("/check-rotation-");
    let files: Vec<PathBuf> = files.filter(is_ours).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

fn state(sandbox: &Sandbox) -> Value {
    serde_json::from_slice(&fs::read(state_file(sandbox)).expect("is there")).expect("is JSON")
}

/// The line of this beginning in the log of the last run.
fn line(sandbox: &Sandbox, begin: &str) -> String {
    let log = sandbox.log("check");
    log.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("no line {begin}:\n{log}")).to_owned()
}

/// What restic itself says of the packs that it has read: `read group #1 of 9 data packs (out of total 24 packs in 3
/// groups)`.
fn group(sandbox: &Sandbox) -> (u32, usize, usize) {
    let line = line(sandbox, "read group #");
    let mut numbers = line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<usize>().ok());
    let mut next = || numbers.next().expect("is a number");
    (next() as u32, next(), next())
}

/// One round reads every pack once, in the parts that restic puts them in, with both versions.
#[test]
fn a_round_reads_every_pack_once() {
    for sandbox in with_packs("3") {
        let packs = packs(&sandbox);
        assert!(packs.len() >= 10, "{packs:?}");
        let mut read = 0;
        for part in 1..=3 {
            sandbox.run(&["check"]).ends_with(0);
            let expected = packs.iter().filter(|pack| part_of(pack, 3) == part).count();
            assert_eq!(group(&sandbox), (part, expected, packs.len()), "part {part}");
            read += expected;
            let rotation = sandbox.summary("check")["stats"]["rotation"].clone();
            assert_eq!((&rotation["part"], &rotation["parts"]), (&part.into(), &3.into()));
            assert_eq!(rotation["next_part"], part % 3 + 1);
            assert_eq!(rotation["full_round_finished_at"].is_string(), part == 3, "{rotation}");
            assert_eq!(sandbox.summary("check")["status"], "success");
        }
        assert_eq!(read, packs.len());
        assert!(line(&sandbox, "🔁 All data").starts_with("🔁 All data has been read: the round of 3 that began 2"));
        // And so on; packs that came meanwhile are in parts of their own, and no other has changed its part.
        fs::write(sandbox.path("data/two.txt"), "two\n").expect("can be written");
        sandbox.run(&["backup"]).ends_with(0);
        sandbox.run(&["check"]).ends_with(0);
        let now = self::packs(&sandbox);
        assert!(now.is_superset(&packs) && now.len() > packs.len());
        assert_eq!(group(&sandbox), (1, now.iter().filter(|pack| part_of(pack, 3) == 1).count(), now.len()));
        assert_eq!(state(&sandbox)["next_part"], 2);
    }
}

/// One flipped bit is found within a round, and the part with it is read again until it is mended.
#[test]
fn a_damaged_pack_is_found_within_a_round() {
    for sandbox in with_packs("3") {
        let packs = packs(&sandbox);
        let path = |pack: &str| sandbox.path(format!("repo/data/{}/{pack}", &pack[..2]));
        // Not one of folders, which restic reads at each check.
        let is_data = |pack: &str| fs::metadata(path(pack)).expect("is there").len() > 5000;
        let pack = packs.iter().find(|pack| is_data(pack)).expect("there is one");
        let (part, path) = (part_of(pack, 3), path(pack));
        let sound = fs::read(&path).expect("is there");
        let mut damaged = sound.clone();
        damaged[0] ^= 1;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("is ours");
        fs::write(&path, &damaged).expect("is ours");
        // restic finds nothing without reading.
        sandbox.restic(&["check"]).ends_with(0);
        for _ in 1..part {
            sandbox.run(&["check"]).ends_with(0);
        }
        for _ in 0..2 {
            let out = sandbox.run(&["check"]).ends_with(1).stdout;
            let begin = format!("🔁 Reading part {part} of 3 of the data (RESTIC_CHECK_ROTATE; ");
            assert!(out.contains(&begin), "{out}");
            assert!(out.contains(&format!("🔁 The next run reads part {part} of 3 again.\n")), "{out}");
            assert!(sandbox.log("check").contains(&pack[..8]), "{}", sandbox.log("check"));
            let summary = sandbox.summary("check");
            assert_eq!(
                (&summary["status"], &summary["stats"]["rotation"]["next_part"]),
                (&"failure".into(), &part.into())
            );
            let state = state(&sandbox);
            assert_eq!((&state["last"]["part"], &state["last"]["exit_code"]), (&part.into(), &1.into()));
        }
        assert!(line(&sandbox, "🔁 Reading part").contains("; the round began 2"));
        fs::write(&path, &sound).expect("is ours");
        sandbox.run(&["check"]).ends_with(0);
        assert_eq!(state(&sandbox)["next_part"], part % 3 + 1);
    }
}

/// restic refuses `--read-data` beside `--read-data-subset`, and takes the last of two subsets: neither is what was
/// meant. A mistake is recorded, and no restic is started.
#[test]
fn words_that_choose_the_data_themselves_are_refused() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("RESTIC_CHECK_ROTATE", "12").hook("post-check.sh", "echo post-check $1 >> $T/notes");
    for (words, flag) in [
        ("--read-data", "--read-data"),
        ("--with-cache --read-data-subset=10%", "--read-data-subset"),
        ("--read-data-subset 1/5", "--read-data-subset"),
    ] {
        sandbox.set("RESTIC_CHECK_ARGS", words);
        let out = sandbox.run(&["check"]).ends_with(2).stdout;
        let problem = format!(
            "RESTIC_CHECK_ROTATE='12' chooses what is read at each run, and so does {flag} in RESTIC_CHECK_ARGS: take one \
             of the two away"
        );
        assert!(out.contains(&format!("❌ {problem}\n")), "{out}");
        let summary = sandbox.summary("check");
        assert_eq!((&summary["exit_code"], &summary["reason"]), (&2.into(), &problem.as_str().into()));
        let checked = sandbox.run(&["config-check"]).all();
        assert!(checked.contains(&problem), "{checked}");
    }
    assert_eq!((sandbox.engine_log().as_str(), sandbox.notes().lines().count()), ("", 3));
    // A number that is none stops it just so, and other words go with it.
    sandbox.set("RESTIC_CHECK_ARGS", "--with-cache -- x");
    for number in ["1", "257", "-3", "twelve"] {
        sandbox.set("RESTIC_CHECK_ROTATE", number).run(&["check"]).ends_with(2);
    }
    assert_eq!(kept(&sandbox), Vec::<PathBuf>::new());
    sandbox.set("RESTIC_CHECK_ROTATE", "256").run(&["check"]).ends_with(0);
    assert_eq!(sandbox.engine_log(), "check --read-data-subset=1/256 --with-cache -- x\n");
}

/// A run that was interrupted has read nothing for sure.
#[test]
fn an_interrupted_run_repeats_its_part() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("RESTIC_CHECK_ROTATE", "4");
    sandbox.run(&["check"]).ends_with(0);
    let started = sandbox.path("started").display().to_string();
    sandbox.set("ENGINE_WAITS", "sleep 1000").set("ENGINE_STARTED", started);
    let running = sandbox.start(&["check"]);
    sandbox.wait_for_file("started");
    running.signal(15);
    running.finish().ends_with(143);
    assert_eq!((&state(&sandbox)["next_part"], &state(&sandbox)["last"]["part"]), (&2.into(), &2.into()));
    // And one that was killed has not even said so.
    fs::remove_file(sandbox.path("started")).expect("is there");
    let before = fs::read(state_file(&sandbox)).expect("is there");
    let running = sandbox.start(&["check"]);
    sandbox.wait_for_file("started");
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", running.pid())).expect("is there");
    let worker = children.split_whitespace().next().and_then(|word| word.parse().ok()).expect("has a worker");
    crate::support::send(worker, 9);
    running.finish().ends_with(137);
    assert_eq!(fs::read(state_file(&sandbox)).expect("is there"), before);
    sandbox.unset("ENGINE_WAITS");
    sandbox.run(&["check"]).ends_with(0);
    assert!(sandbox.engine_log().lines().last().is_some_and(|call| call == "check --read-data-subset=2/4"));
}

/// Another number of parts, another repository, and a file that somebody else has written.
#[test]
fn a_round_begins_anew_where_the_old_one_says_nothing() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("RESTIC_CHECK_ROTATE", "4");
    let out = sandbox.run(&["check"]).ends_with(0).stdout;
    assert!(out.contains("🔁 Reading part 1 of 4 of the data (RESTIC_CHECK_ROTATE; a new round begins).\n"), "{out}");
    let out = sandbox.set("RESTIC_CHECK_ROTATE", "6").run(&["check"]).ends_with(0).stdout;
    assert!(out.contains("🔁 RESTIC_CHECK_ROTATE is 6 and was 4: what was read does not count.\n"), "{out}");
    assert!(out.contains("🔁 Reading part 1 of 6 of the data (RESTIC_CHECK_ROTATE; a new round begins).\n"), "{out}");
    let file = state_file(&sandbox);
    let mode = fs::metadata(&file).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let sound = fs::read(&file).expect("is there");
    for text in [&b"{\"version\": 1"[..], b"[]", b"\xff\xfe", &vec![b' '; 100_000]] {
        fs::write(&file, text).expect("is ours");
        let out = sandbox.run(&["check"]).ends_with(0).stdout;
        let begin = format!("⚠️ {} cannot be read (", file.display());
        assert!(out.lines().any(|line| line.starts_with(&begin) && line.ends_with("from part 1 on.")), "{out}");
        assert!(out.contains("🔁 Reading part 1 of 6 "), "{out}");
        assert_eq!(sandbox.summary("check")["status"], "warning");
        assert_eq!(state(&sandbox)["next_part"], 2);
    }
    fs::write(&file, &sound).expect("is ours");
    // One repository says nothing of another one, but a password makes none.
    let elsewhere = sandbox.path("elsewhere").display().to_string();
    sandbox.set("RESTIC_REPOSITORY", elsewhere).run(&["check"]).ends_with(0);
    assert_eq!(fs::read(&file).expect("is there"), sound);
    for password in ["one-of-them", "another-one"] {
        sandbox.set("RESTIC_REPOSITORY", format!("rest:https://me:{password}@backup.example/r"));
        sandbox.run(&["check"]).ends_with(0);
    }
    let last: Vec<String> = sandbox.engine_log().lines().rev().take(3).map(str::to_owned).collect();
    assert_eq!(last, [2, 1, 1].map(|part| format!("check --read-data-subset={part}/6")));
    for path in kept(&sandbox) {
        let text = fs::read_to_string(&path).expect("is text");
        assert!(!text.contains("one-of-them") && !text.contains("another-one"), "{text}");
        assert!(!path.to_string_lossy().ends_with("tmp"), "{}", path.display());
    }
}

/// What cannot be kept costs a warning and the same part again, and nothing else.
#[test]
fn a_state_that_cannot_be_written_is_a_warning() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("RESTIC_CHECK_ROTATE", "4");
    // Where not even root can write: a file stands in the way.
    let file = sandbox.path("no-folder");
    fs::write(&file, "").expect("can be written");
    sandbox.set("STATE_DIR", file.display().to_string());
    for _ in 0..2 {
        let out = sandbox.run(&["check"]).ends_with(0).stdout;
        let told = "so the next run will read part 1 of 4 again: let this user write to STATE_DIR";
        assert!(out.lines().any(|line| line.starts_with("⚠️ ") && line.contains(told)), "{out}");
        let summary = sandbox.summary("check");
        assert_eq!((&summary["status"], &summary["exit_code"]), (&"warning".into(), &0.into()));
        assert!(summary["reason"].as_str().is_some_and(|reason| reason.contains(told)), "{summary}");
        assert_eq!(summary["stats"]["rotation"]["next_part"], 1);
    }
    assert_eq!(sandbox.engine_log(), "check --read-data-subset=1/4\n".repeat(2));
    // A folder that is not there yet is made.
    let later = sandbox.path("later/state").display().to_string();
    sandbox.set("STATE_DIR", later).run(&["check"]).ends_with(0);
    assert_eq!(sandbox.summary("check")["status"], "success");
}

/// Without the variable all is as ever: no words, no file, no key.
#[test]
fn without_rotation_nothing_is_kept() {
    let sandbox = Sandbox::with_stand_in_engine();
    let out = sandbox.run(&["check"]).ends_with(0).stdout;
    assert!(!out.contains("🔁"), "{out}");
    assert_eq!(sandbox.engine_log(), "check\n");
    assert_eq!(kept(&sandbox), Vec::<PathBuf>::new());
    assert_eq!(sandbox.summary("check")["stats"].get("rotation"), None);
}

/// `status` after real runs: in text and as a document.
#[test]
fn status_tells_how_far_it_has_come() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("RESTIC_CHECK_ROTATE", "2");
    let rotation = |sandbox: &Sandbox| {
        let document = json(&sandbox.run(&["status", "--json"]));
        assert_eq!(document["jobs"][0]["rotation"], Value::Null);
        document["jobs"][1]["rotation"].clone()
    };
    let text = |sandbox: &Sandbox| sandbox.run(&["status"]).stdout;
    assert_eq!(rotation(&sandbox)["next_part"], 1);
    sandbox.run(&["check"]).ends_with(0);
    let begun = rotation(&sandbox);
    assert_eq!((&begun["parts"], &begun["next_part"], &begun["last_part"]), (&2.into(), &2.into(), &1.into()));
    assert!(begun["round_started_at"].is_string() && begun["full_round_finished_at"].is_null(), "{begun}");
    let shown = text(&sandbox);
    assert!(shown.contains("\n  check data: part 2 of 2 next, not all read yet since 2"), "{shown}");
    sandbox.run(&["check"]).ends_with(0);
    let over = rotation(&sandbox);
    assert_eq!(over["full_round_finished_at"], sandbox.summary("check")["stats"]["rotation"]["full_round_finished_at"]);
    let shown = text(&sandbox);
    assert!(shown.contains("\n  check data: part 1 of 2 next, all read by 2"), "{shown}");
    sandbox.unset("RESTIC_CHECK_ROTATE");
    assert_eq!(rotation(&sandbox), Value::Null);
    assert!(!text(&sandbox).contains("check data"));
}

/// What lies in `STATE_DIR` beside the folder of journals.
fn kept(sandbox: &Sandbox) -> Vec<PathBuf> {
    let entries = fs::read_dir(sandbox.path("state")).expect("is a folder").flatten();
    entries.map(|entry| entry.path()).filter(|path| !path.ends_with("journal")).collect()
}

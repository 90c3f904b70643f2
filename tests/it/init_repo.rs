//! `init-repo`, through the real binary on real repositories (contract: operator-commands, section 9).

use crate::support::{BOATHOOK, Finished, Sandbox, assert_in_order, write_executable};
use crate::terminal::{AtTerminal, CTRL_C, CTRL_D};
use crate::unlock::wrap_restic;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// A sandbox for each restic at hand, whose repository is not there.
fn each_without_repository() -> Vec<Sandbox> {
    let mut all = Sandbox::with_each_repository();
    for sandbox in &mut all {
        fs::remove_dir_all(sandbox.path("repo")).expect("can be removed");
    }
    all
}

/// The lines of the summary up to `exit_code`, behind those of the envelope: the contract's keys in their order.
#[track_caller]
fn assert_extras(sandbox: &Sandbox, expected: [&str; 6]) {
    let Value::Object(summary) = sandbox.summary("init-repo") else { panic!("is no object") };
    let extras = summary.into_iter().skip_while(|(key, _)| key != "duration_seconds").skip(1);
    let extras: Vec<(String, Value)> = extras.take_while(|(key, _)| key != "exit_code").collect();
    let repository = sandbox.path("repo").display().to_string();
    let values = std::iter::once(repository.as_str()).chain(expected);
    let keys = ["repository", "dry_run", "assume_yes", "confirmed", "repo_existed", "probe_exit_code", "init_args"];
    let expected: Vec<(String, Value)> =
        keys.iter().zip(values).map(|(key, value)| ((*key).to_owned(), value.into())).collect();
    assert_eq!(extras, expected);
}

fn noting_hooks(sandbox: &Sandbox) {
    sandbox.hook("pre-init-repo.sh", "echo pre >> $T/notes");
    sandbox.hook("post-init-repo.sh", "echo post $1 >> $T/notes");
}

const QUESTION: &str = "Type 'init' to confirm, anything else to cancel: ";

/// Contract: `--yes` creates without a question; lines, extras, restic's output in the log.
#[test]
fn a_missing_repository_is_created() {
    for mut sandbox in each_without_repository() {
        noting_hooks(&sandbox);
        sandbox.set("RESTIC_INIT_ARGS", "--repository-version 1");
        let out = sandbox.run(&["init-repo", "--yes", "--", "--repository-version", "2"]).ends_with(0).stdout;
        let repository = sandbox.path("repo").display().to_string();
        let lines = [
            "🆕 Starting init-repo at ",
            "Release: ",
            &format!("Repository: {repository}"),
            "RESTIC_CACERT: ",
            "RESTIC_INIT_ARGS: --repository-version 1",
            "CLI passthrough: --repository-version 2",
            "Dry-run: OFF",
            "Assume-yes: ON",
            "Planned command: restic init --repository-version 1 --repository-version 2",
            &format!("(the repository URL comes from $RESTIC_REPOSITORY = {repository})"),
            "(--yes: ",
            "✅ Init-repo successful",
            "🏁 Finished init-repo at ",
        ];
        assert_in_order(&out, &lines);
        let log = sandbox.log("init-repo");
        assert_in_order(&log, &lines);
        assert!(log.contains("created restic repository") && !out.contains("created restic repository"), "{log}");
        assert_extras(&sandbox, ["OFF", "ON", "ON", "false", "10", "--repository-version 1 --repository-version 2"]);
        assert_eq!(sandbox.summary("init-repo")["status"], "success");
        assert_eq!(sandbox.notes(), "pre\npost 0\n");
        let config = sandbox.restic(&["cat", "config"]).ends_with(0).stdout;
        assert!(config.contains("\"version\": 2"), "the words behind -- come last: {config}");
    }
}

/// Contract: an existing repository is refused with 3, without a copy of the log; a failure for monitoring.
#[test]
fn an_existing_repository_is_left_alone() {
    for sandbox in Sandbox::with_each_repository() {
        let before = sandbox.restic(&["cat", "config"]).stdout;
        let out = sandbox.run(&["init-repo", "-y"]).ends_with(3).stdout;
        assert!(out.contains("ℹ️  Init-repo skipped: repository already exists (exit 3)."), "{out}");
        assert_extras(&sandbox, ["OFF", "ON", "OFF", "true", "0", ""]);
        assert_eq!(sandbox.summary("init-repo")["status"], "failure");
        assert_eq!((sandbox.error_log("init-repo"), sandbox.restic(&["cat", "config"]).stdout), (None, before));
        // Where nobody can be asked it is the same: there is nothing to ask.
        sandbox.run(&["init-repo"]).ends_with(3);
        assert_extras(&sandbox, ["OFF", "OFF", "OFF", "true", "0", ""]);
    }
}

/// Contract: the dry run, with the reference smoke test's case among them.
#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    for mut sandbox in Sandbox::with_each_repository() {
        let out = sandbox.run(&["init-repo", "--dry-run", "--yes"]).ends_with(0).stdout;
        assert_in_order(
            &out,
            &[
                "🧪 Starting init-repo DRY-RUN at ",
                "Dry-run: ON",
                "Verdict: ",
                "✅ Init-repo dry-run completed (repo_existed=true).",
            ],
        );
        assert!(out.contains("would REFUSE"), "{out}");
        assert_extras(&sandbox, ["ON", "ON", "OFF", "true", "0", ""]);

        sandbox.set("RESTIC_PASSWORD", "wrong-password");
        for words in [&["init-repo", "--dry-run"][..], &["init-repo", "--yes"]] {
            let out = sandbox.run(words).ends_with(2).stdout;
            assert!(out.contains("(probe exit 12)") && out.contains("password"), "{out}");
            let summary = sandbox.summary("init-repo");
            assert_eq!((&summary["probe_exit_code"], &summary["repo_existed"]), (&"12".into(), &"unknown".into()));
            assert!(sandbox.error_log("init-repo").is_some());
        }

        fs::remove_dir_all(sandbox.path("repo")).expect("can be removed");
        let out = sandbox.run(&["init-repo", "--dry-run"]).ends_with(0).stdout;
        assert_in_order(
            &out,
            &[
                "Planned command: restic init",
                "(the repository URL",
                "Verdict: ",
                "✅ Init-repo dry-run completed (repo_existed=false).",
            ],
        );
        assert!(out.contains("would CREATE"), "{out}");
        assert_extras(&sandbox, ["ON", "OFF", "OFF", "false", "10", ""]);
        assert!(!sandbox.path("repo").exists());

        // What cannot be known is neither.
        sandbox.set("RESTIC_REPOSITORY", sandbox.path("data/one.txt/repo").display().to_string());
        sandbox.run(&["init-repo", "--dry-run"]).ends_with(2);
        let summary = sandbox.summary("init-repo");
        assert_eq!((&summary["probe_exit_code"], &summary["repo_existed"]), (&"1".into(), &"unknown".into()));
    }
}

/// Weakness 6: the look took a lock, so it failed beside an exclusive one.
#[test]
fn looking_takes_no_lock() {
    for sandbox in Sandbox::with_each_repository() {
        let holder = sandbox.hold_exclusive_lock();
        sandbox.run(&["init-repo", "--dry-run"]).ends_with(0);
        assert_extras(&sandbox, ["ON", "OFF", "OFF", "true", "0", ""]);
        assert_eq!(sandbox.repository_locks(), 1);
        holder.kill();
    }
}

/// Contract: refused with 2 where nobody can be asked. Weakness 28: monitoring hears of it.
#[test]
fn where_nobody_can_be_asked_it_needs_yes() {
    for sandbox in each_without_repository() {
        noting_hooks(&sandbox);
        let out = sandbox.run(&["init-repo"]).ends_with(2).stdout;
        assert_in_order(
            &out,
            &[
                "Planned command: restic init",
                "❌ creating a repository needs --yes",
                "❌ Init-repo failed with Status 2",
            ],
        );
        assert_extras(&sandbox, ["OFF", "OFF", "OFF", "false", "10", ""]);
        assert_eq!((sandbox.path("repo").exists(), sandbox.notes().as_str()), (false, "pre\npost 2\n"));
    }
}

/// Contract: the question; exactly `init` proceeds, anything else ends with 0. Weakness 23: so does the end of the input,
/// with a summary.
#[test]
fn at_a_terminal_only_the_word_itself_creates_it() {
    for sandbox in each_without_repository() {
        noting_hooks(&sandbox);
        for answer in ["\n", "INIT\n", "y\n", "initialise\n", CTRL_D] {
            let mut terminal = AtTerminal::start(&sandbox, &["init-repo"]);
            let shown = terminal.expect(QUESTION);
            let repository = sandbox.path("repo").display().to_string();
            for part in
                ["Planned command: restic init\n", "⚠️ About to create", &repository, "Without that password nobody"]
            {
                assert!(shown.contains(part), "{part}: {shown}");
            }
            terminal.types(answer);
            let (code, text) = terminal.ends();
            assert_eq!(code, 0, "{text}");
            assert!(text.contains("🛑 Init-repo cancelled by operator "), "{text}");
            assert_extras(&sandbox, ["OFF", "OFF", "OFF", "false", "10", ""]);
            let summary = sandbox.summary("init-repo");
            assert_eq!((&summary["status"], &summary["exit_code"]), (&"skipped".into(), &0.into()));
            assert_eq!((sandbox.path("repo").exists(), sandbox.notes().as_str()), (false, ""));
        }
        let mut terminal = AtTerminal::start(&sandbox, &["init-repo"]);
        terminal.expect(QUESTION);
        fs::remove_file(sandbox.path("log/last-init-repo.json")).expect("is there");
        terminal.types(CTRL_C);
        assert_eq!(terminal.ends().0, 130);
        assert_eq!((sandbox.path("repo").exists(), sandbox.notes().as_str()), (false, ""));
        let summary = sandbox.summary("init-repo");
        assert_eq!((&summary["status"], &summary["exit_code"]), (&"interrupted".into(), &130.into()));
        assert_extras(&sandbox, ["OFF", "OFF", "OFF", "false", "10", ""]);

        let mut terminal = AtTerminal::start(&sandbox, &["init-repo"]);
        terminal.answers(QUESTION, "init");
        let (code, text) = terminal.ends();
        assert_eq!(code, 0, "{text}");
        assert_eq!(text.matches("Planned command").count(), 1, "{text}");
        assert!(sandbox.log("init-repo").contains("Planned command"));
        assert_extras(&sandbox, ["OFF", "OFF", "ON", "false", "10", ""]);
        assert_eq!(sandbox.notes(), "pre\npost 0\n");
        // It is there now: there is nothing to ask.
        assert_eq!(AtTerminal::start(&sandbox, &["init-repo"]).ends().0, 3);
    }
}

/// Contract: standard input alone decides whether a person is asked; what they read may go through a pipe.
#[test]
fn a_person_who_reads_through_a_pipe_is_asked() {
    let sandbox = Sandbox::new();
    let script = format!("{BOATHOOK} init-repo | cat");
    let mut terminal = AtTerminal::start_program(sandbox.command("sh", &["-c", &script]));
    terminal.answers(QUESTION, "init");
    terminal.ends();
    assert_extras(&sandbox, ["OFF", "OFF", "ON", "false", "10", ""]);
}

/// A pre hook may mount the disk: what counts is what is there after it.
#[test]
fn the_repository_is_looked_at_again_after_the_pre_hooks() {
    for mut sandbox in Sandbox::with_each_repository() {
        let hide = || fs::rename(sandbox.path("repo"), sandbox.path("hidden")).expect("can be renamed");
        hide();
        sandbox.hook("pre-init-repo.sh", "mv $T/hidden $T/repo");
        sandbox.run(&["init-repo", "--yes"]).ends_with(3);
        hide();
        let mut terminal = AtTerminal::start(&sandbox, &["init-repo"]);
        terminal.answers(QUESTION, "init");
        assert_eq!(terminal.ends().0, 3);
        assert_extras(&sandbox, ["OFF", "OFF", "ON", "true", "0", ""]);

        // Not even to be looked at before: a file stands where its folder is to be.
        let place = sandbox.path("disk");
        sandbox.set("RESTIC_REPOSITORY", place.join("repo").display().to_string());
        sandbox.hook("pre-init-repo.sh", "rm $T/disk; mkdir $T/disk");
        fs::write(&place, "").expect("can be written");
        let (code, text) = AtTerminal::start(&sandbox, &["init-repo"]).ends();
        assert_eq!(code, 2, "{text}");
        assert!(
            text.contains("❌ the repository is missing, and that could not be seen before")
                && !text.contains(QUESTION),
            "{text}"
        );
        fs::remove_dir(&place).expect("is empty");
        fs::write(&place, "").expect("can be written");
        sandbox.run(&["init-repo", "--yes"]).ends_with(0);
        assert!(place.join("repo/config").exists());
    }
}

/// Somebody else may create it between the look and restic's own: restic's code and words pass.
#[test]
fn a_repository_that_somebody_else_made_meanwhile_is_restics_error() {
    for sandbox in each_without_repository() {
        let real = sandbox.run_program("sh", &["-c", "readlink -f \"$(command -v restic)\""]).stdout;
        let real = real.trim();
        let _ = fs::remove_file(sandbox.path("bin/restic"));
        let script = format!("#!/bin/sh\n[ \"$1\" = init ] && {real} init -q\nexec {real} \"$@\"\n");
        write_executable(&sandbox.path("bin/restic"), &script);
        let out = sandbox.run(&["init-repo", "--yes"]).ends_with(1).stdout;
        assert!(
            out.contains("config file already exists") && out.contains("❌ Init-repo failed with Status 1"),
            "{out}"
        );
        assert_extras(&sandbox, ["OFF", "ON", "ON", "false", "10", ""]);
        assert!(sandbox.error_log("init-repo").is_some());
    }
}

/// Weakness 30: words for restic were logged as they are.
#[test]
fn secrets_among_the_words_are_in_no_output() {
    let mut sandbox = Sandbox::new();
    write_executable(
        &sandbox.path("bin/restic"),
        "#!/bin/sh\n[ $1 = cat ] && [ -e $LOG_DIR/../words ] && exit 0\n[ $1 = cat ] && { echo 'Fatal: repository does not exist' >&2; exit 10; }\necho \"$@\" | tee $LOG_DIR/../words\n",
    );
    sandbox.set("RESTIC_INIT_ARGS", "--from-password-hint=x --api-token hunter2-in-the-environment");
    let words = [
        "init-repo",
        "--yes",
        "--",
        "--from-repo",
        "rest:https://alice:hunter2/with@signs@backup.example/r",
        "--from-password",
        "hunter2 as a word",
    ];
    let Finished { stdout, stderr, .. } = sandbox.run(&words).ends_with(0);
    let given = fs::read_to_string(sandbox.path("words")).expect("was called");
    assert_eq!(
        given.trim(),
        "init --from-password-hint=x --api-token hunter2-in-the-environment --from-repo \
         rest:https://alice:hunter2/with@signs@backup.example/r --from-password hunter2 as a word"
    );
    let files: Vec<PathBuf> =
        fs::read_dir(sandbox.path("log")).expect("is there").flatten().map(|entry| entry.path()).collect();
    let written = files.iter().map(|path| fs::read_to_string(path).expect("is text"));
    for text in written.chain([stdout, stderr]) {
        assert!(!text.contains("hunter2"), "{text}");
    }
    let args = sandbox.summary("init-repo")["init_args"].clone();
    assert!(args.as_str().is_some_and(|args| args.contains("rest:https://alice:***@backup.example/r")), "{args}");
}

/// Weakness 31: a password command is a password. Without any, the run is recorded with 2, and nothing is looked at.
#[test]
fn a_password_command_is_a_password_and_none_is_recorded() {
    let mut sandbox = Sandbox::new();
    sandbox.unset("RESTIC_PASSWORD");
    sandbox.run(&["init-repo", "--yes"]).ends_with(2);
    assert_extras(&sandbox, ["OFF", "ON", "OFF", "unknown", "-1", ""]);
    sandbox.set("RESTIC_PASSWORD_COMMAND", "echo correct-horse-battery");
    sandbox.run(&["init-repo", "--yes"]).ends_with(0);
    sandbox.unset("RESTIC_PASSWORD_COMMAND").set("RESTIC_PASSWORD", "correct-horse-battery");
    sandbox.restic(&["cat", "config"]).ends_with(0);
}

/// Contract 1.2: unknown words and `--help`, without a trace.
#[test]
fn usage_errors_leave_no_trace() {
    let sandbox = Sandbox::with_stand_in_engine();
    for words in [&["init-repo", "--nope"][..], &["init-repo", "stray"], &["init-repo", "--repository-version", "2"]] {
        let Finished { stdout, stderr, .. } = sandbox.run(words).ends_with(2);
        assert!(stdout.is_empty() && stderr.starts_with("❌ Unknown argument: "), "{stderr}");
    }
    let help = sandbox.run(&["init-repo", "--help"]).ends_with(0).stdout;
    assert!(help.contains("--dry-run") && help.contains("Exit codes:"), "{help}");
    assert!(!sandbox.path("log/last-init-repo.json").exists() && sandbox.engine_log().is_empty());
}

/// What would create another repository than the one that is looked for, or none, is refused and recorded.
#[test]
fn words_that_lead_elsewhere_are_refused() {
    for mut sandbox in each_without_repository() {
        noting_hooks(&sandbox);
        let other = sandbox.path("other").display().to_string();
        let password = sandbox.path("password").display().to_string();
        for words in [
            &["--help"][..],
            &["-qh"],
            &["-r", &other],
            &[&format!("-r{other}")],
            &[&format!("-qr={other}")],
            &["--repo", &other],
            &[&format!("--repo={other}")],
            &["--repository-file", &other],
            &["-p", &password],
            &[&format!("--password-file={password}")],
            &["--password-command", "echo x"],
        ] {
            let all = [&["init-repo", "--yes", "--"], words].concat();
            let out = sandbox.run(&all).ends_with(2).stdout;
            assert_in_order(
                &out,
                &[
                    &format!("❌ the words behind --: '{}' ", words[0]),
                    "❌ Init-repo failed with Status 2",
                    "🏁 Finished",
                ],
            );
            assert_extras(&sandbox, ["OFF", "ON", "OFF", "unknown", "-1", &words.join(" ")]);
            assert_eq!(sandbox.notes(), "pre\npost 2\n");
            fs::remove_file(sandbox.path("notes")).expect("is there");
        }
        sandbox.set("RESTIC_INIT_ARGS", "-h");
        for words in [&["init-repo", "--yes"][..], &["init-repo", "--dry-run"]] {
            let out = sandbox.run(words).ends_with(2).stdout;
            assert!(out.contains("❌ RESTIC_INIT_ARGS: '-h' shows the help of restic and creates nothing"), "{out}");
        }
        // Nobody is asked about what is refused.
        let (code, text) = AtTerminal::start(&sandbox, &["init-repo"]).ends();
        assert_eq!((code, text.contains(QUESTION)), (2, false), "{text}");
        assert!(!sandbox.path("repo").exists() && !sandbox.path("other").exists());
    }
}

/// It is created when it answers, not when restic ends with 0.
#[test]
fn a_repository_that_does_not_answer_is_not_called_created() {
    for sandbox in each_without_repository() {
        wrap_restic(&sandbox, "[ $1 = init ] && exit 0");
        let out = sandbox.run(&["init-repo", "--yes"]).ends_with(1).stdout;
        assert!(out.contains("❌ restic init ended with 0, but there is no repository at "), "{out}");
        assert!(!out.contains("successful"), "{out}");
        assert_eq!(sandbox.summary("init-repo")["status"], "failure");
    }
    for sandbox in each_without_repository() {
        wrap_restic(
            &sandbox,
            "[ -e $T/made ] && { echo 'Fatal: no route' >&2; exit 1; }\n[ $1 = init ] && touch $T/made",
        );
        let out = sandbox.run(&["init-repo", "--yes"]).ends_with(0).stdout;
        assert_in_order(
            &out,
            &["⚠️ the new repository could not be looked at (probe exit 1): ", "✅ Init-repo successful"],
        );
        assert_eq!(sandbox.summary("init-repo")["status"], "warning");
        assert!(sandbox.path("repo/config").exists());
    }
}

//! What restic itself takes of a repository, held against what our workers take of it.

use crate::support::Sandbox;

/// What a worker takes beside another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    None,
    Shared,
    Exclusive,
}

/// What a command takes, seen from others: whether it goes beside one that shares, and beside one that is alone.
fn seen(beside_shared: bool, beside_exclusive: bool) -> Mode {
    match (beside_shared, beside_exclusive) {
        (true, true) => Mode::None,
        (true, false) => Mode::Shared,
        (false, false) => Mode::Exclusive,
        (false, true) => panic!("goes beside one that is alone and not beside one that shares"),
    }
}

/// The worker, the variable of its words, the words, and what restic's own command is for them. For each: what restic
/// 0.14 takes, what a later one takes, what we take for the one and the other.
const TABLE: [(&str, &str, &str, [Mode; 4]); 12] = {
    use Mode::{Exclusive, None, Shared};
    [
        ("backup", "RESTIC_JOB_ARGS", "", [Shared, Shared, Shared, Shared]),
        ("backup", "RESTIC_JOB_ARGS", "--no-lock", [Shared, Shared, Shared, Shared]),
        ("backup", "RESTIC_JOB_ARGS", "--dry-run", [Shared, None, Shared, Shared]),
        ("check", "RESTIC_CHECK_ARGS", "", [Exclusive, Exclusive, Exclusive, Exclusive]),
        ("check", "RESTIC_CHECK_ARGS", "--no-lock", [None, None, None, None]),
        ("forget", "RESTIC_FORGET_ARGS", "--keep-last 1", [Exclusive, Exclusive, Exclusive, Exclusive]),
        ("forget", "RESTIC_FORGET_ARGS", "--keep-last 1 --dry-run", [Exclusive, Exclusive, Exclusive, Exclusive]),
        ("forget", "RESTIC_FORGET_ARGS", "--keep-last 1 -n --no-lock", [None, None, None, None]),
        ("prune", "RESTIC_PRUNE_ARGS", "", [Exclusive, Exclusive, Exclusive, Exclusive]),
        ("prune", "RESTIC_PRUNE_ARGS", "--dry-run", [Exclusive, Exclusive, Exclusive, Exclusive]),
        ("prune", "RESTIC_PRUNE_ARGS", "-n --no-lock", [Exclusive, None, Exclusive, None]),
        ("restore", "", "", [Shared, Shared, Shared, Shared]),
    ]
};

#[test]
fn we_take_what_restic_takes() {
    for mut sandbox in Sandbox::with_each_repository() {
        let version = sandbox.restic_version();
        let new = usize::from(version >= (0, 17));
        sandbox.set("FORGET_CRON", "0 1 * * *");
        sandbox.run(&["backup"]).ends_with(0);
        let target = sandbox.path("back").display().to_string();
        let words_of = |worker: &'static str| match worker {
            "restore" => vec!["restore", "--yes", "--force", "--host", "", "--target", &target],
            other => vec![other],
        };
        // restic's own locks, with nobody of ours there.
        let mut of_restic = Vec::new();
        for hold in [Sandbox::hold_shared_lock, Sandbox::hold_exclusive_lock] {
            let holder = hold(&sandbox);
            of_restic.push(TABLE.map(|(worker, variable, words, _)| {
                let out = with(&mut sandbox, variable, words, &words_of(worker));
                let locked = out.code() == 11 || sandbox.log(worker).contains("already locked");
                assert!(locked || out.code() == 0, "{worker} {words}: {}\n{}", out.all(), sandbox.log(worker));
                !locked
            }));
            holder.kill();
            sandbox.restic(&["unlock", "--remove-all"]).ends_with(0);
        }
        // Our locks, with a hook that holds them.
        let mut ours = Vec::new();
        for (holder, words) in [("restore", words_of("restore")), ("check", words_of("check"))] {
            let (running, _) = sandbox.start_held(&words);
            ours.push(TABLE.map(|(worker, variable, words, _)| {
                if worker == holder {
                    // Its job's own lock is in the way, and it was seen beside the other.
                    return holder == "restore";
                }
                let words_of_it = words_of(worker);
                with(&mut sandbox, variable, words, &words_of_it).code() != 75
            }));
            sandbox.let_go(holder);
            running.finish().ends_with(0);
            std::fs::remove_file(sandbox.path(format!("hooks/pre-{holder}.sh"))).expect("is there");
        }
        for (place, (worker, _, words, expected)) in TABLE.iter().enumerate() {
            let named = format!("{worker} {words} with restic {version:?}");
            assert_eq!(seen(of_restic[0][place], of_restic[1][place]), expected[new], "{named}, restic");
            if (*worker, *words) == ("check", "--no-lock") {
                assert!(ours[0][place], "{named}, ours");
            } else {
                assert_eq!(seen(ours[0][place], ours[1][place]), expected[2 + new], "{named}, ours");
            }
        }
    }
}

fn with(sandbox: &mut Sandbox, variable: &str, value: &str, words: &[&str]) -> crate::support::Finished {
    if variable.is_empty() {
        return sandbox.run(words);
    }
    let out = sandbox.set(variable, value).run(words);
    sandbox.unset(variable);
    out
}

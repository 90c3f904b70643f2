//! Random kills at random moments, one run after the other: at the end every freeze has its thaw.
//!
//! `BOATHOOK_SOAK_RUNS` says how many runs (`make soak`), `BOATHOOK_SOAK_SEED` where the numbers begin.

use crate::declared_scene::{declare, file, plain, sh};
use crate::recovery_scene::{entries, journals};
use crate::support::{Running, Sandbox, send, wait_for};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// How many runs there are in `make test`.
const RUNS: usize = 120;
/// How many go on beside each other.
const LANES: usize = 4;
/// Longer than a run that nobody disturbs.
const LENGTH: Duration = Duration::from_millis(700);

/// Numbers that are the same in each run (Knuth's linear congruential generator).
pub struct Numbers(pub u64);

impl Numbers {
    /// From 0 to 1.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1_u64 << 24) as f64
    }

    fn below(&mut self, count: usize) -> usize {
        ((self.next() * count as f64) as usize).min(count - 1)
    }
}

/// Who is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Victim {
    Keeper,
    Worker,
    Both,
    Undoer,
    Supervisor,
    Hook,
    Ours,
    All,
}

const VICTIMS: [Victim; 8] = [
    Victim::Keeper,
    Victim::Worker,
    Victim::Both,
    Victim::Undoer,
    Victim::Supervisor,
    Victim::Hook,
    Victim::Ours,
    Victim::All,
];

/// Two hooks that freeze, one of them with a limit that may pass. Whoever freezes or thaws holds a lock meanwhile: two at a
/// time are noted.
fn scene() -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_KILL_AFTER", "1").set("ENGINE_WAITS", "sleep 0.15");
    sandbox.set("ENGINE_STARTED", sandbox.path("started").display().to_string());
    let alone = |of: &str| format!("exec 9>@T/lock-{of}; flock -n 9 || echo TWO {of} $RUN_ID >> @T/notes");
    let hook = |name: &str, further: &str| {
        let freeze = format!("{}; echo freeze {name} $RUN_ID >> @T/notes; sleep 0.05; true", alone(name));
        let thaw = format!("{}; sleep 0.05; echo thaw {name} $RUN_ID >> @T/notes", alone(name));
        format!("    - {{name: {name}, {}, {further}undo: {{{}}}}}\n", sh(&freeze), sh(&thaw))
    };
    let post = plain("post", "echo post $RUN_ID >> @T/notes; sleep 0.05", "retries: 5; retryDelay: 50ms");
    declare(&sandbox, &file(&[hook("one", ""), hook("two", "holdLimit: 150ms, ")], &[post]));
    sandbox
}

fn children_of(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn name_of(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

fn below(pid: i32) -> Vec<i32> {
    children_of(pid).into_iter().flat_map(|child| [vec![child], below(child)].concat()).collect()
}

fn kill(sandbox: &Sandbox, running: &Running, victim: Victim) {
    let keeper = running.pid();
    let all = below(keeper);
    let named = |name: &str| all.iter().copied().filter(|pid| name_of(*pid) == name).collect::<Vec<_>>();
    let worker = named("boathook");
    let victims = match victim {
        Victim::Keeper => vec![keeper],
        Victim::Worker => worker,
        Victim::Both => [vec![keeper], worker].concat(),
        Victim::Undoer => named("boathook-undo"),
        Victim::Supervisor => named("boathook-hook"),
        Victim::Hook => named("boathook-hook").into_iter().flat_map(below).collect(),
        Victim::Ours => {
            [vec![keeper], worker, named("boathook-undo"), named("boathook-hook"), named("boathook-clean")].concat()
        }
        Victim::All => sandbox.processes().into_iter().map(|(pid, _)| pid).collect(),
    };
    for pid in victims {
        send(pid, libc::SIGKILL);
    }
}

/// What is wrong with what hooks have noted: for each run, by hook.
pub fn unbalanced(notes: &str) -> Vec<String> {
    let mut frozen: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    let mut posts: BTreeMap<&str, bool> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in notes.lines() {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["freeze", hook, run] => {
                frozen.insert((run, hook), true);
                posts.entry(run).or_insert(false);
            }
            ["thaw", hook, run] => drop(frozen.insert((run, hook), false)),
            ["post", run] => {
                posts.insert(run, true);
                let is_early = frozen.iter().any(|((of, _), is_frozen)| of == run && *is_frozen);
                wrong.extend(is_early.then(|| format!("{run}: its post hook ran while something was frozen")));
            }
            _ => wrong.push(line.to_owned()),
        }
    }
    wrong.extend(frozen.iter().filter(|(_, is)| **is).map(|((run, hook), _)| format!("{run}: {hook} stays frozen")));
    wrong.extend(posts.iter().filter(|(_, has)| !**has).map(|(run, _)| format!("{run}: no post hook")));
    wrong
}

fn lane(number: usize, runs: usize, seed: u64) {
    let mut numbers = Numbers(seed.wrapping_add(number as u64 * 7919));
    let sandbox = scene();
    for run in 0..runs {
        let notes_before = sandbox.notes().len();
        let mut victims = Vec::new();
        // Now and then the recovery is killed, too.
        for words in [&["backup"][..], &["hooks", "recover"], &["hooks", "recover"]] {
            let victim = VICTIMS[numbers.below(VICTIMS.len())];
            let when = LENGTH.mul_f64(numbers.next());
            let mut running = sandbox.start(words);
            // The moment itself: nothing is asserted by it.
            std::thread::sleep(when);
            kill(&sandbox, &running, victim);
            running.end();
            victims.push((words[0], victim, when));
            sandbox.expect_no_process();
            if journals(&sandbox).is_empty() {
                break;
            }
        }
        let what = format!("lane {number}, run {run}, seed {seed}: {victims:?}");
        let out = sandbox.run(&["hooks", "recover"]);
        let notes = sandbox.notes();
        let notes = &notes[notes_before..];
        assert_eq!(out.code(), 0, "{what}: {}\n{notes}", out.all());
        assert_eq!(unbalanced(notes), [""; 0], "{what}: {}\n{notes}", out.all());
        assert_eq!(journals(&sandbox), [""; 0], "{what}");
        // Whoever has ended keeps its files for a moment longer than its environment.
        wait_for(&format!("the lock to be free: {what}"), || (!sandbox.is_locked("cron.lock")).then_some(()));
        // A half-made one is removed by whoever makes the next.
        let is_half = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "new");
        let left: Vec<_> = entries(&sandbox.path("state/journal")).into_iter().filter(|path| !is_half(path)).collect();
        assert!(left.is_empty(), "{what}: {left:?}");
    }
}

#[test]
fn whoever_is_killed_and_whenever_every_freeze_has_its_thaw() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let runs = number("BOATHOOK_SOAK_RUNS").map_or(RUNS, |runs| runs as usize);
    let seed = number("BOATHOOK_SOAK_SEED").unwrap_or(6);
    std::thread::scope(|scope| {
        let lanes: Vec<_> =
            (0..LANES).map(|lane_number| scope.spawn(move || lane(lane_number, runs.div_ceil(LANES), seed))).collect();
        for lane in lanes {
            if let Err(panic) = lane.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    println!("{runs} runs");
}

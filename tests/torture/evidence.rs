//! What hooks, undos and the work have written down: one line each time, in the order in which it happened.

/// One line: `start undo-freeze 20260511T073000Z-backup-0a1b2c3d 1 4711`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `start` and `end`; `handed` once values are handed on; `late` where a hook ends only a while after it was told to. The rest is wrong: `twice` (its lock
    /// is held by another one), `lacks` (a value that its hook has handed on), `strange` (a summary of another run),
    /// `unlocked` (nobody holds the job's lock). `recover 0` is what a recovery gave that the work has started.
    pub what: String,
    /// `HOOK_NAME`; `work`.
    pub name: String,
    pub run: String,
    /// Whether it was told that it makes up for a crash.
    pub recovery: bool,
    pub pid: String,
}

/// Reads the lines; none is half, since each is one write. The engine is not told which run it works for: that which was
/// written down last.
pub fn parse(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        if let [what @ .., name, run, recovery, pid] = words.as_slice() {
            let run = match (*run, lines.last()) {
                ("none", Some(last)) => &last.run,
                (run, _) => run,
            };
            lines.push(Line {
                run: run.to_owned(),
                what: what.join(" "),
                name: (*name).to_owned(),
                recovery: *recovery == "1",
                pid: (*pid).to_owned(),
            });
        }
    }
    lines
}

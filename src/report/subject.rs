//! The mail's subject.

use super::{Document, HookRecord, Status};
use crate::exit;

/// Stands in the reason of an undo that ran since its hold limit had passed.
pub const UNDONE_EARLY: &str = "before the work ended: the data is not consistent";

/// `<tag> <Title> <hostname> · <duration>[ · <details>][ · hook <name> failed]` (contract: reports, section 4).
/// One line: control characters become blanks.
pub fn subject(document: &Document) -> String {
    let tag = match document.status {
        Status::Success => "[OK]".to_owned(),
        Status::Warning => "[WARN]".to_owned(),
        Status::Skipped => "[SKIPPED]".to_owned(),
        Status::Failure | Status::Interrupted => format!("[FAIL {}]", document.exit_code),
    };
    let mut parts =
        vec![format!("{tag} {} {}", document.title, document.hostname), duration(document.duration_seconds)];
    if !document.details.is_empty() {
        parts.push(document.details.clone());
    }
    parts.extend(blamed(document));
    parts.join(" · ").chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The hook that made the run what it is, if it was one, and the undo that failed: what it was to take back may still
/// be there.
fn blamed(document: &Document) -> Vec<String> {
    let mut parts = Vec::new();
    let undos = failed(document, |hook| hook.phase == "undo");
    let early = document.hooks.iter().find(|hook| hook.phase == "undo" && hook.reason.contains(UNDONE_EARLY));
    match document.status {
        Status::Warning => {
            let others = failed(document, |hook| hook.phase != "undo");
            // Only an undo that failed is worse than one that came too early.
            if let (true, Some(early)) = (undos.is_empty(), early) {
                parts.push(format!("hook {} before the work ended", early.name));
            }
            let all: Vec<_> = undos.into_iter().chain(others).collect();
            parts.extend(all.first().map(|culprit| named(culprit, all.len())));
            return parts;
        }
        Status::Failure if document.exit_code == exit::POST_HOOK_FAILED => {
            let failed = failed(document, |hook| hook.phase == "post");
            parts.extend(failed.first().map(|culprit| named(culprit, failed.len())));
        }
        Status::Failure if document.work.status != "failed" => {
            let failed = failed(document, |hook| hook.phase == "pre");
            // Nothing of the pre phase runs after the critical one.
            parts.extend(failed.last().map(|culprit| named(culprit, failed.len())));
        }
        _ => {}
    }
    parts.extend(undos.first().map(|culprit| named(culprit, undos.len())));
    parts
}

fn failed(document: &Document, wanted: fn(&HookRecord) -> bool) -> Vec<&HookRecord> {
    let is_failed = |hook: &&HookRecord| matches!(hook.status.as_str(), "failed" | "timed_out") && wanted(hook);
    document.hooks.iter().filter(is_failed).collect()
}

/// A failed hook, and how many failed with it.
fn named(culprit: &HookRecord, of: usize) -> String {
    let what = if culprit.status == "timed_out" { "timed out" } else { "failed" };
    let more = if of > 1 { format!(" (and {} more)", of - 1) } else { String::new() };
    format!("hook {} {what}{more}", culprit.name)
}

/// `42s`, `5m12s`, `2h14m`, `25h1m`; `0s` for less than nothing (the clock was set back).
pub fn duration(seconds: i64) -> String {
    match seconds {
        ..0 => "0s".to_owned(),
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3600.. => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{WorkRecord, fixture};

    fn with(status: Status, exit_code: i32, work: &str, hooks: &[(&str, &str, &str)]) -> String {
        let hooks = hooks.iter().map(|(name, phase, status)| fixture::hook(name, phase, status)).collect();
        let work = WorkRecord { status: work.to_owned(), exit_code: None, reason: String::new() };
        subject(&Document { status, exit_code, work, hooks, details: String::new(), ..fixture::document() })
    }

    #[test]
    fn a_success_says_what_it_did() {
        assert_eq!(subject(&fixture::document()), "[OK] Backup node-a · 5m12s · 20.1 MiB new (snap 0a1b2c3d)");
    }

    #[test]
    fn the_tag_follows_the_status() {
        assert_eq!(with(Status::Skipped, 0, "skipped", &[]), "[SKIPPED] Backup node-a · 5m12s");
        assert_eq!(with(Status::Failure, 11, "failed", &[]), "[FAIL 11] Backup node-a · 5m12s");
        assert_eq!(with(Status::Interrupted, 143, "interrupted", &[]), "[FAIL 143] Backup node-a · 5m12s");
        assert_eq!(with(Status::Warning, 0, "completed", &[]), "[WARN] Backup node-a · 5m12s");
    }

    #[test]
    fn the_hook_that_is_to_blame_is_named() {
        let pre = ("pre-backup", "pre", "failed");
        let late = ("pre-backup.20-stop", "pre", "timed_out");
        let post = ("post-backup", "post", "failed");
        let start = "Backup node-a · 5m12s · hook";
        let warned = with(Status::Warning, 0, "completed", &[pre, post]);
        assert_eq!(warned, format!("[WARN] {start} pre-backup failed (and 1 more)"));
        let not_done = with(Status::Failure, 124, "skipped", &[pre, late]);
        assert_eq!(not_done, format!("[FAIL 124] {start} pre-backup.20-stop timed out (and 1 more)"));
        let after = with(Status::Failure, 121, "completed", &[pre, post]);
        assert_eq!(after, format!("[FAIL 121] {start} post-backup failed"));
    }

    #[test]
    fn a_failed_undo_is_named_whatever_else_failed() {
        let (pre, post) = (("pre-backup", "pre", "failed"), ("post-backup", "post", "failed"));
        let undo = ("undo-freeze-db", "undo", "timed_out");
        let start = "Backup node-a · 5m12s · hook";
        let warned = with(Status::Warning, 0, "completed", &[pre, undo, post]);
        assert_eq!(warned, format!("[WARN] {start} undo-freeze-db timed out (and 2 more)"));
        let not_done = with(Status::Failure, 120, "skipped", &[pre, undo]);
        assert_eq!(not_done, format!("[FAIL 120] {start} pre-backup failed · hook undo-freeze-db timed out"));
        let after = with(Status::Failure, 121, "completed", &[pre, undo, post]);
        assert_eq!(after, format!("[FAIL 121] {start} post-backup failed · hook undo-freeze-db timed out"));
        for (status, code, work) in
            [(Status::Failure, 1, "failed"), (Status::Interrupted, 143, "interrupted"), (Status::Skipped, 0, "skipped")]
        {
            let subject = with(status, code, work, &[undo]);
            assert!(subject.ends_with(&format!("{start} undo-freeze-db timed out")), "{subject}");
        }
    }

    #[test]
    fn a_hold_that_was_too_long_goes_before_other_failures() {
        let early = HookRecord {
            reason: format!("undone after 10m, {UNDONE_EARLY}"),
            ..fixture::hook("undo-freeze-db", "undo", "completed")
        };
        let hooks = vec![fixture::hook("pre-backup", "pre", "failed"), early];
        let document = Document { status: Status::Warning, details: String::new(), hooks, ..fixture::document() };
        let start = "[WARN] Backup node-a · 5m12s";
        let expected = format!("{start} · hook undo-freeze-db before the work ended · hook pre-backup failed");
        assert_eq!(subject(&document), expected);
    }

    #[test]
    fn a_hook_is_not_blamed_for_work_that_failed() {
        let failed = with(Status::Failure, 1, "failed", &[("pre-backup", "pre", "failed")]);
        assert_eq!(failed, "[FAIL 1] Backup node-a · 5m12s");
    }

    #[test]
    fn a_line_break_in_a_detail_begins_no_header() {
        let document = Document { details: "a\r\nBcc: b".to_owned(), ..fixture::document() };
        assert_eq!(subject(&document), "[OK] Backup node-a · 5m12s · a  Bcc: b");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let cases = [
            (i64::MIN, "0s"),
            (-1, "0s"),
            (0, "0s"),
            (59, "59s"),
            (60, "1m0s"),
            (312, "5m12s"),
            (3599, "59m59s"),
            (3600, "1h0m"),
            (8040, "2h14m"),
            (90_060, "25h1m"),
        ];
        for (seconds, shown) in cases {
            assert_eq!(duration(seconds), shown);
        }
    }
}

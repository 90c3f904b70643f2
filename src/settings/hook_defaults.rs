//! Defaults for hooks.

use super::HookDefaults;
use super::reader::{DURATIONS, Reader};
use super::values::{Switch, duration, exit_codes};
use std::path::Path;
use std::time::Duration;

/// Reads the defaults for hooks. What is wrong is loud, and means no limit, `Continue`, nothing.
pub(super) fn read(reader: &mut Reader<'_>, folder: &Path) -> HookDefaults {
    let timeout_given = reader.text("HOOK_TIMEOUT");
    let mut timeout = None;
    if let Some(given) = reader.given("HOOK_TIMEOUT") {
        match duration(&given) {
            Ok(limit) => timeout = Some(limit).filter(|limit| !limit.is_zero()),
            Err(error) => reader.loud("HOOK_TIMEOUT", format!("{error}; hooks run without a limit"), DURATIONS),
        }
    }
    let mut skip_on = Vec::new();
    if let Some(given) = reader.given("HOOK_SKIP_ON") {
        match exit_codes(&given) {
            Some(codes) => skip_on = codes,
            None => reader.loud(
                "HOOK_SKIP_ON",
                "is not a list of exit codes; no script calls a run off",
                "write numbers from 1 to 255 with commas between them",
            ),
        }
    }
    HookDefaults {
        timeout,
        timeout_given: if timeout_given.is_empty() { "0".to_owned() } else { timeout_given },
        kill_after: reader.duration("HOOK_KILL_AFTER", Duration::from_secs(10), Duration::ZERO),
        fail_on_error: reader.choice("HOOK_ON_ERROR", &["Continue", "Fail"], "Continue") == Some("Fail"),
        skip_on,
        strict: reader.switch("HOOKS_STRICT", Switch::Off),
        file: folder.join(reader.given("HOOKS_FILE").as_deref().unwrap_or("hooks.yaml")),
        // Whoever writes the default down has said nothing new.
        file_is_named: reader.given("HOOKS_FILE").is_some_and(|given| given != "hooks.yaml"),
        foreign_exec_here: reader.choice("HOOKS_FOREIGN_EXEC", &["here", "refuse"], "refuse") == Some("here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Effect, read};

    /// The defaults for hooks in this environment, and which of its variables are wrong.
    fn hooks(pairs: &[(&str, &str)]) -> (HookDefaults, Vec<&'static str>) {
        let settings = read(&pairs.iter().copied().collect());
        let loud = settings.mistakes.iter().filter(|mistake| mistake.effect == Effect::Loud);
        (settings.hooks, loud.map(|mistake| mistake.variable).collect())
    }

    #[test]
    fn no_limit_is_written_in_many_ways() {
        for text in ["", "0", "00", "0s", " "] {
            let (hooks, wrong) = hooks(&[("HOOK_TIMEOUT", text)]);
            assert_eq!((hooks.timeout, wrong), (None, vec![]), "{text:?}");
        }
    }

    #[test]
    fn a_limit_is_seconds_or_a_duration() {
        assert_eq!(hooks(&[("HOOK_TIMEOUT", "300")]).0.timeout, Some(Duration::from_secs(300)));
        assert_eq!(hooks(&[("HOOK_TIMEOUT", "1h30m")]).0.timeout, Some(Duration::from_secs(5400)));
        assert_eq!(hooks(&[("HOOK_TIMEOUT", "1h30m")]).0.timeout_given, "1h30m");
    }

    #[test]
    fn a_limit_that_cannot_be_read_is_loud_and_none() {
        for text in ["30x", "1.5", "-1", "18446744073709551616", "99999999999999999d"] {
            let (hooks, wrong) = hooks(&[("HOOK_TIMEOUT", text)]);
            assert_eq!((hooks.timeout, wrong), (None, vec!["HOOK_TIMEOUT"]), "{text:?}");
        }
    }

    #[test]
    fn words_are_read_whatever_their_case() {
        assert!(hooks(&[("HOOK_ON_ERROR", " FAIL")]).0.fail_on_error);
        assert!(!hooks(&[("HOOK_ON_ERROR", "continue")]).0.fail_on_error);
        let (hooks, wrong) = hooks(&[("HOOK_ON_ERROR", "Failed")]);
        assert_eq!((hooks.fail_on_error, wrong), (false, vec!["HOOK_ON_ERROR"]));
    }

    #[test]
    fn one_bad_exit_code_spoils_the_list() {
        assert_eq!(hooks(&[("HOOK_SKIP_ON", "75, 76")]).0.skip_on, [75, 76]);
        let (hooks, wrong) = hooks(&[("HOOK_SKIP_ON", "75,0")]);
        assert_eq!((hooks.skip_on, wrong), (vec![], vec!["HOOK_SKIP_ON"]));
    }
}

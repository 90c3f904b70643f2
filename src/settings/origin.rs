//! Who started us: a schedule, a person, or a hook of another run, and what came along in the environment.

use super::Environment;
use super::reader::Reader;

/// What a hook is told of its run: a worker that a hook starts is a run of its own and must not take them for its.
pub(super) const OF_A_HOOK: &[&str] = &[
    "HOOK_NAME",
    "HOOK_PHASE",
    "HOOK_WORKER",
    "HOOK_INDEX",
    "HOOK_COUNT",
    "HOOK_ATTEMPT",
    "HOOK_RECOVERY",
    "HOOK_OUTPUT",
    "RUN_ID",
    "RUN_TRIGGER",
    "RUN_STARTED_AT",
    "RUN_LOG",
    "RUN_TARGET",
    "RUN_EXIT_CODE",
    "RUN_STATUS",
    "RUN_ERROR",
    "RUN_SNAPSHOT",
    "RUN_SUMMARY",
];

/// The run whose hook started us, for whom it may concern.
pub(super) const PARENT: &str = "RUN_PARENT_ID";

/// The longest id of a run that is taken over, in characters.
const ID: usize = 128;

const TRIGGER: &str = "RUN_TRIGGER";
const LOCK: &str = "BOATHOOK_LOCK_FD";
const PLACE: &str = "BOATHOOK_PLACE_FD";
const DUE: &str = "BOATHOOK_DUE";

/// Words that [`TRIGGER`] may be.
const TRIGGERS: [&str; 4] = ["schedule", "manual", "api", "recovery"];

/// The run that has started us from one of its hooks; `None` if nobody did.
fn parent(environment: &Environment) -> Option<String> {
    let given = |name| environment.text(name).filter(|value| !value.is_empty());
    let id = given("HOOK_NAME").or_else(|| given("HOOK_PHASE")).and_then(|_| given("RUN_ID"))?;
    // It goes into lines and documents.
    Some(id.chars().filter(char::is_ascii_graphic).take(ID).collect())
}

/// The environment for children: without what belongs to a hook that started us, to our own lock and turn. The trigger
/// stays where no hook has started us: `locked_run` hands it on.
pub(super) fn without_origin(environment: &Environment) -> Environment {
    let mut own = environment.clone();
    let parent = parent(environment);
    for name in OF_A_HOOK.iter().filter(|name| **name != TRIGGER || parent.is_some()) {
        own.remove(name);
    }
    for name in [LOCK, PLACE, DUE] {
        own.remove(name);
    }
    if let Some(parent) = parent {
        own.set(PARENT, parent);
    }
    own
}

/// Who or what started the run.
pub(super) struct Origin {
    /// As `RUN_TRIGGER`.
    pub trigger: String,
    /// The run whose hook started us.
    pub parent_run: Option<String>,
    /// The descriptor of a lock that is held for us.
    pub lock_descriptor: Option<i32>,
    /// The descriptor that whoever started us waits to see closed.
    pub place_descriptor: Option<i32>,
    /// When the run was due, in seconds since 1970.
    pub due: Option<u64>,
}

/// Reads the origin from the snapshot as it came.
pub(super) fn read(reader: &mut Reader<'_>) -> Origin {
    let parent_run = parent(reader.environment).or_else(|| reader.given(PARENT));
    let from_hook = parent(reader.environment).is_some();
    let trigger = if from_hook { None } else { reader.choice(TRIGGER, &TRIGGERS, "manual") };
    let lock_descriptor = descriptor(reader, LOCK, "is not an open descriptor; the lock is taken anew");
    let place_descriptor = descriptor(reader, PLACE, "is not an open descriptor; nobody is told of the run's place");
    let due = reader.given(DUE).and_then(|given| {
        let due = given.parse().ok();
        if due.is_none() {
            reader.loud(DUE, "is no time; the run counts from now", "write seconds since 1970, or leave it unset");
        }
        due
    });
    let trigger = trigger.unwrap_or("manual").to_owned();
    Origin { trigger, parent_run, lock_descriptor, place_descriptor, due }
}

/// A number of a descriptor beyond the three that everybody has.
fn descriptor(reader: &mut Reader<'_>, name: &'static str, problem: &str) -> Option<i32> {
    let given = reader.given(name)?;
    let descriptor = given.parse().ok().filter(|descriptor| *descriptor > 2);
    if descriptor.is_none() {
        reader.loud(name, problem, "leave it unset");
    }
    descriptor
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Settings, read};

    fn with(pairs: &[(&str, &str)]) -> Settings {
        read(&pairs.iter().copied().collect())
    }

    #[test]
    fn a_worker_that_a_hook_starts_is_a_run_of_its_own() {
        let inherited = OF_A_HOOK.iter().map(|name| (*name, "x"));
        let pairs: Vec<_> = inherited
            .chain([
                ("RUN_ID", "one"),
                (PARENT, "zero"),
                ("RUN_TRIGGER", "schedule"),
                ("RUN_DIR", "/run"),
                ("HOOK_TIMEOUT", "5"),
            ])
            .collect();
        let settings = with(&pairs);
        assert_eq!((settings.parent_run.as_deref(), settings.trigger.as_str()), (Some("one"), "manual"));
        let left: Vec<_> = settings.environment.iter().filter_map(|(name, _)| name.to_str()).collect();
        assert_eq!(left, ["HOOK_TIMEOUT", "RUN_DIR", PARENT]);
        assert_eq!(settings.environment.text(PARENT).as_deref(), Some("one"));
    }

    #[test]
    fn the_trigger_is_the_callers() {
        for trigger in TRIGGERS {
            let settings = with(&[("RUN_TRIGGER", trigger)]);
            assert_eq!((settings.trigger.as_str(), settings.parent_run), (trigger, None));
        }
        assert_eq!(with(&[]).trigger, "manual");
        let settings = with(&[("RUN_TRIGGER", "cron")]);
        assert_eq!(settings.trigger, "manual");
        assert!(settings.mistakes.iter().any(|mistake| mistake.variable == "RUN_TRIGGER"));
    }

    #[test]
    fn what_a_hook_would_be_told_is_never_handed_on() {
        let settings = with(&[("RUN_SUMMARY", "/old.json"), ("HOOK_RECOVERY", "1"), ("RUN_TRIGGER", "api")]);
        let left: Vec<_> = settings.environment.iter().filter_map(|(name, _)| name.to_str()).collect();
        assert_eq!(left, ["RUN_TRIGGER"]);
        assert_eq!(settings.parent_run, None);
    }

    #[test]
    fn the_turn_is_ours_and_not_for_children() {
        let settings = with(&[(PLACE, "9"), (DUE, "1763719200")]);
        assert_eq!((settings.place_descriptor, settings.due), (Some(9), Some(1_763_719_200)));
        assert_eq!((settings.environment.text(PLACE), settings.environment.text(DUE)), (None, None));
        let settings = with(&[(PLACE, "1"), (DUE, "noon")]);
        assert_eq!((settings.place_descriptor, settings.due), (None, None));
        let wrong: Vec<_> = settings.mistakes.iter().map(|mistake| mistake.variable).collect();
        assert!(wrong.ends_with(&[PLACE, DUE]), "{wrong:?}");
    }

    #[test]
    fn the_lock_is_ours_and_not_for_children() {
        let settings = with(&[(LOCK, "9")]);
        assert_eq!((settings.lock_descriptor, settings.environment.text(LOCK)), (Some(9), None));
        for text in ["2", "-1", "x", ""] {
            assert_eq!(with(&[(LOCK, text)]).lock_descriptor, None, "{text:?}");
        }
    }
}

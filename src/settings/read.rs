//! Reads every setting from the snapshot.

use super::reader::{Reader, WORD_LISTS};
use super::values::Switch;
use super::{
    Console, Environment, Identity, Jobs, Limits, Log, Paths, RestoreTest, Rotation, Schedules, Settings, Start,
    aliases, hook_defaults, origin, reports, repository, secrets, settings_file, table,
};
use crate::settings::Effect;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The shortest time in which a stop can do its work (`docs/hooks.md`): less is no stop but a crash.
const SHORTEST_STOP: Duration = Duration::from_secs(4);

/// Words for [`Log::level`].
const LEVELS: [(&str, tracing::Level); 6] = [
    ("error", tracing::Level::ERROR),
    ("warn", tracing::Level::WARN),
    ("info", tracing::Level::INFO),
    ("debug", tracing::Level::DEBUG),
    ("trace", tracing::Level::TRACE),
    ("warning", tracing::Level::WARN),
];

/// Reads the settings. Never fails: what is wrong is in `mistakes`.
pub fn read(environment: &Environment) -> Settings {
    let settings_file::Read { environment, file: settings_file, mistakes: of_the_file } =
        settings_file::apply(environment);
    let environment = &environment;
    let mut own = origin::without_origin(environment);
    let file = repository::resolve(&mut own);
    let secrets = secrets::collect(environment, &own.text_or_empty("RESTIC_REPOSITORY"));
    let mut reader = Reader::new(environment, &secrets);

    let deprecated = aliases::in_effect(environment);
    let paths = paths(&mut reader);
    let schedules = schedules(&mut reader, &deprecated);
    let jobs = jobs(&mut reader, deprecated, &paths, &schedules);
    let restore_test = restore_test(&mut reader);
    let words = [&jobs.backup, &jobs.forget, &jobs.check, &jobs.prune, &jobs.init];
    let repository = repository::read(&mut reader, &own, file, words.iter().flat_map(|list| &list.words));
    let hooks = hook_defaults::read(&mut reader, &paths.hooks);
    let notify = reports::read(&mut reader);
    let limits = Limits {
        stop: reader.duration("STOP_TIMEOUT", Duration::from_secs(9), SHORTEST_STOP),
        notify_after: reader.duration("NOTIFY_AFTER", Duration::from_secs(300), Duration::ZERO),
        lock_wait: reader.duration("LOCK_WAIT", Duration::from_secs(3600), Duration::ZERO),
    };
    let rotation = Rotation {
        max_size: positive(&reader, "CRON_LOG_MAX_SIZE", 1024 * 1024),
        archives: positive(&reader, "MAX_CRON_LOG_ARCHIVES", 5),
    };
    let start = Start { nfs_target: reader.text("NFS_TARGET"), packages: reader.words("INSTALL_PACKAGES", &["entry"]) };
    let log = log(&mut reader);
    let origin = origin::read(&mut reader);
    let identity = identity(&reader);

    let mut mistakes = reader.mistakes;
    mistakes.extend(of_the_file);
    mistakes.sort_by_key(|mistake| table::place(mistake.variable));
    Settings {
        environment: own,
        file: settings_file,
        secrets: Arc::new(secrets),
        identity,
        paths,
        repository,
        jobs,
        restore_test,
        schedules,
        rotation,
        start,
        hooks,
        limits,
        notify,
        log,
        trigger: origin.trigger,
        parent_run: origin.parent_run,
        lock_descriptor: origin.lock_descriptor,
        place_descriptor: origin.place_descriptor,
        due: origin.due,
        mistakes,
    }
}

/// A number from 1 on, as digits; else what was given.
fn positive(reader: &Reader<'_>, name: &str, default: u64) -> Result<u64, String> {
    let Some(given) = reader.given(name) else { return Ok(default) };
    let digits = given.bytes().all(|byte| byte.is_ascii_digit());
    given.parse().ok().filter(|number| digits && *number > 0).ok_or(given)
}

fn identity(reader: &Reader<'_>) -> Identity {
    let of_the_system = || nix::unistd::gethostname().ok().map(|name| name.to_string_lossy().into_owned());
    let unless_empty = |value: &String| !value.is_empty();
    let unknown = || "unknown".to_owned();
    let hostname = Some(reader.text("HOSTNAME")).filter(unless_empty).or_else(of_the_system).filter(unless_empty);
    let release = Some(reader.text("RESTIC_BACKUP_HELPER_RELEASE")).filter(unless_empty);
    Identity { hostname: hostname.unwrap_or_else(unknown), release: release.unwrap_or_else(unknown) }
}

fn paths(reader: &mut Reader<'_>) -> Paths {
    let config = reader.path("CONFIG_DIR", "/config");
    // Rclone reads this one, too, and by itself: it stays as it is.
    let rclone_config = reader.environment.raw("RCLONE_CONFIG").filter(|given| !given.is_empty()).map(PathBuf::from);
    Paths {
        hooks: reader.path("HOOKS_DIR", "/hooks"),
        log: reader.path("LOG_DIR", "/var/log"),
        run: reader.path("RUN_DIR", "/var/run"),
        state: reader.path("STATE_DIR", "/var/lib/boathook"),
        restore: reader.path("RESTORE_DIR", "/restore"),
        crontab: reader.path("CRONTAB_FILE", "/var/spool/cron/crontabs/root"),
        cache: reader.text("RESTIC_CACHE_DIR"),
        temporary: reader.text("TMPDIR"),
        rclone_config: rclone_config.unwrap_or_else(|| config.join("rclone.conf")),
        config,
    }
}

/// Schedules beyond those of the reference image.
const FURTHER: [&str; 7] = [
    "RESTORE_CRON",
    "RESTORE_TEST_CRON",
    "SNAPSHOT_EXPORT_CRON",
    "FORGET_PREVIEW_CRON",
    "UNLOCK_CRON",
    "SOURCES_REPORT_CRON",
    "NOTIFY_TEST_CRON",
];

fn schedules(reader: &mut Reader<'_>, deprecated: &[(&'static str, &'static str)]) -> Schedules {
    let splay = reader.duration("SCHEDULE_SPLAY", Duration::ZERO, Duration::ZERO);
    let catch_up = reader.switch("CATCH_UP", Switch::Off);
    // Set but empty is off, also where there is a default.
    let or_default = |name: &str| {
        let default = || table::find(name).map(|variable| variable.default.to_owned());
        reader.environment.text(name).or_else(default).unwrap_or_default()
    };
    Schedules {
        backup: or_default("BACKUP_CRON"),
        check: reader.text("CHECK_CRON"),
        forget: reader.text("FORGET_CRON"),
        prune: reader.text("PRUNE_CRON"),
        replicate: reader.text(aliases::effective(deprecated, "REPLICATE_CRON")),
        rotate_log: or_default("ROTATE_LOG_CRON"),
        others: FURTHER.iter().map(|name| (*name, reader.text(name))).collect(),
        zone: reader.environment.text("TZ"),
        splay,
        catch_up,
    }
}

fn jobs(
    reader: &mut Reader<'_>,
    deprecated: Vec<(&'static str, &'static str)>,
    paths: &Paths,
    schedules: &Schedules,
) -> Jobs {
    let name = |new| aliases::effective(&deprecated, new);
    reader.must_be_text("BACKUP_ROOT_DIR", &["backup", "sources-report"]);
    let forget = reader.words("RESTIC_FORGET_ARGS", &["forget", "forget-preview"]);
    if let Some(error) = forget.error.as_ref().filter(|_| schedules.forget.is_empty()) {
        // For a backup it is beside the work.
        let problem = format!("{error}; backups do not forget old snapshots");
        reader.loud("RESTIC_FORGET_ARGS", problem, WORD_LISTS);
    }
    let check = reader.words("RESTIC_CHECK_ARGS", &["check"]);
    let check_rotate = reader.parts("RESTIC_CHECK_ROTATE", &["check"]);
    if let Some(flag) = reads_data(&check.words).filter(|_| check_rotate.is_some()) {
        let problem = format!("chooses what is read at each run, and so does {flag} in RESTIC_CHECK_ARGS");
        reader.mistake("RESTIC_CHECK_ROTATE", problem, "take one of the two away", Effect::Work(&["check"]));
    }
    Jobs {
        backup_root: reader.text("BACKUP_ROOT_DIR"),
        backup: reader.words("RESTIC_JOB_ARGS", &["backup", "sources-report"]),
        forget,
        check,
        check_rotate,
        prune: reader.words("RESTIC_PRUNE_ARGS", &["prune"]),
        init: reader.words("RESTIC_INIT_ARGS", &["init-repo"]),
        replicate_file: reader.path(name("REPLICATE_JOB_FILE"), paths.config.join("replicate_jobs.txt")),
        replicate: reader.words(name("REPLICATE_JOB_ARGS"), &["replicate"]),
        replicate_verbose: reader.switch(name("REPLICATE_VERBOSE"), Switch::On),
        replicate_check_access: reader.switch(name("REPLICATE_BISYNC_CHECK_ACCESS"), Switch::Off),
        replicate_parallel: reader.count("REPLICATE_PARALLEL", 1),
        deprecated,
    }
}

/// The flag among the words of `restic check` that says which data is read, whatever its value. restic refuses the two
/// of them together, and takes the last of one that is given twice.
fn reads_data(words: &[String]) -> Option<&'static str> {
    let is =
        |word: &str, flag: &str| word.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='));
    let flags = ["--read-data", "--read-data-subset"];
    words.iter().take_while(|word| *word != "--").find_map(|word| flags.into_iter().find(|flag| is(word, flag)))
}

fn restore_test(reader: &mut Reader<'_>) -> RestoreTest {
    const WORKER: &[&str] = &["restore-test"];
    for name in ["RESTORE_TEST_TARGET", "RESTORE_TEST_CANARY_FILE"] {
        reader.must_be_text(name, WORKER);
    }
    RestoreTest {
        paths: reader.words("RESTORE_TEST_PATH", WORKER),
        target: reader.text("RESTORE_TEST_TARGET"),
        keep: reader.loud_switch("RESTORE_TEST_KEEP", Switch::Off),
        verify: reader.loud_switch("RESTORE_TEST_VERIFY", Switch::Off),
        min_files: reader.number("RESTORE_TEST_MIN_FILES", 1, WORKER),
        canaries: reader.words("RESTORE_TEST_CANARY", WORKER),
        canary_file: reader.text("RESTORE_TEST_CANARY_FILE"),
        sample: reader.number("RESTORE_TEST_SAMPLE", 0, WORKER),
    }
}

fn log(reader: &mut Reader<'_>) -> Log {
    let words = LEVELS.map(|(word, _)| word);
    let level = reader.choice("LOG_LEVEL", &words, "info");
    let level = LEVELS.iter().find(|(word, _)| Some(*word) == level).map_or(tracing::Level::INFO, |(_, level)| *level);
    let json = reader.choice("LOG_FORMAT", &["text", "json"], "text") == Some("json");
    Log { verbose: reader.switch("LOG_VERBOSE", Switch::On), level, json, console: Console::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    const SOUND: [(&str, &str); 2] = [("RESTIC_REPOSITORY", "/srv/restic"), ("RESTIC_PASSWORD", "s3cret-of-mine")];

    /// An environment without a mistake in it, and then `pairs`.
    fn with(pairs: &[(&str, &str)]) -> Settings {
        read(&SOUND.iter().chain(pairs).copied().collect())
    }

    fn wrong(settings: &Settings) -> Vec<&'static str> {
        settings.mistakes.iter().map(|mistake| mistake.variable).collect()
    }

    #[test]
    fn a_sound_environment_has_no_mistakes() {
        assert_eq!(wrong(&with(&[])), [""; 0]);
    }

    #[test]
    fn what_is_not_set_is_what_the_table_says() {
        // These are kept as given: one means something to restic alone, the other is the system's where it is not set.
        let as_given = ["RESTIC_CACHE_DIR", "TZ"];
        let rows = table::VARIABLES.iter().filter(|row| !row.default.is_empty() && !as_given.contains(&row.name));
        let mut set: Vec<_> = rows.map(|row| (row.name, row.default)).collect();
        set.push(SOUND[0]);
        let shown = |s: &Settings| {
            format!(
                "{:?}",
                (&s.identity, &s.paths, &s.repository, &s.jobs, &s.restore_test, &s.schedules, &s.hooks, &s.limits)
            ) + &format!("{:?}", (&s.notify, &s.log, &s.trigger, &s.mistakes, &s.rotation))
        };
        assert_eq!(shown(&with(&[])), shown(&with(&set)));
    }

    #[test]
    fn all_mistakes_are_found_at_once_in_the_order_of_the_table() {
        let pairs = [
            ("STOP_TIMEOUT", "3s"),
            ("RESTIC_TAG", ""),
            ("RESTIC_AUTO_UNLOCK", "perhaps"),
            ("HOOK_TIMEOUT", "1.5"),
            ("WEBHOOK_TIMEOUT", "0"),
            ("RESTIC_CHECK_ARGS", "--x 'y"),
            ("SMTP_URL", "mail:25"),
            ("LOG_LEVEL", "loud"),
            ("METRICS_DIR", "metrics"),
        ];
        let settings = read(&pairs.into_iter().collect());
        let found = [
            "RESTIC_REPOSITORY",
            "RESTIC_PASSWORD",
            "RESTIC_TAG",
            "RESTIC_AUTO_UNLOCK",
            "RESTIC_CHECK_ARGS",
            "HOOK_TIMEOUT",
            "SMTP_URL",
            "WEBHOOK_TIMEOUT",
            "METRICS_DIR",
            "LOG_LEVEL",
            "STOP_TIMEOUT",
        ];
        assert_eq!(wrong(&settings), found);
        let stops = |worker| settings.mistakes.iter().filter(|mistake| mistake.stops(worker)).count();
        assert_eq!(["backup", "check", "prune", "restore", "replicate"].map(stops), [3, 3, 2, 2, 0]);
        assert!(settings.mistakes.iter().all(|mistake| !mistake.problem.is_empty() && !mistake.mend.is_empty()));
    }

    #[test]
    fn what_a_check_reads_is_said_once() {
        for (words, flag) in [
            ("--read-data", Some("--read-data")),
            ("-v --read-data=true", Some("--read-data")),
            ("--read-data-subset 1/5", Some("--read-data-subset")),
            ("--read-data-subset=10%", Some("--read-data-subset")),
            ("--with-cache -- --read-data", None),
            ("--read-database", None),
        ] {
            let settings = with(&[("RESTIC_CHECK_ROTATE", "12"), ("RESTIC_CHECK_ARGS", words)]);
            assert_eq!(wrong(&settings), if flag.is_some() { vec!["RESTIC_CHECK_ROTATE"] } else { vec![] }, "{words}");
            if let Some(flag) = flag {
                let line = format!(
                    "❌ RESTIC_CHECK_ROTATE='12' chooses what is read at each run, and so does {flag} in \
                     RESTIC_CHECK_ARGS: take one of the two away."
                );
                assert_eq!(settings.mistakes[0].line(), line);
                assert!(settings.mistakes[0].stops("check") && !settings.mistakes[0].stops("prune"));
            }
            assert_eq!(wrong(&with(&[("RESTIC_CHECK_ARGS", words)])), [""; 0]);
        }
    }

    #[test]
    fn a_mistake_does_not_show_a_secret() {
        let settings = with(&[("RESTIC_CHECK_ARGS", "--x 's3cret-of-mine"), ("SMTP_URL", "me:s3cret-of-mine@mail")]);
        let shown: Vec<_> = settings.mistakes.iter().map(|mistake| mistake.value.as_str()).collect();
        assert_eq!(shown, ["--x '***", "***"]);
    }

    #[test]
    fn a_switch_that_is_none_keeps_its_default_with_a_warning() {
        let settings = with(&[("LOG_VERBOSE", "loud"), ("MAILX_ON_ERROR", "maybe"), ("RESTIC_AUTO_UNLOCK", " Yes ")]);
        assert!(settings.log.verbose && !settings.notify.mail_on_error && settings.repository.auto_unlock);
        assert_eq!(wrong(&settings), ["MAILX_ON_ERROR", "LOG_VERBOSE"]);
        assert!(settings.mistakes.iter().all(|mistake| mistake.effect == Effect::Fallback));
    }

    #[test]
    fn a_restore_test_without_the_check_that_was_asked_for_is_no_plain_success() {
        let settings = with(&[("RESTORE_TEST_KEEP", "jes"), ("RESTORE_TEST_VERIFY", "0N")]);
        assert!(!settings.restore_test.keep && !settings.restore_test.verify);
        assert_eq!(wrong(&settings), ["RESTORE_TEST_KEEP", "RESTORE_TEST_VERIFY"]);
        assert!(settings.mistakes.iter().all(|mistake| mistake.effect == Effect::Loud));
    }

    #[test]
    fn a_word_list_in_error_stops_those_who_use_it() {
        let settings = with(&[("RESTIC_JOB_ARGS", "--exclude it's")]);
        assert!(settings.mistakes[0].stops("backup") && !settings.mistakes[0].stops("check"));
        assert!(settings.jobs.backup.error.is_some() && settings.jobs.backup.words.is_empty());
    }

    #[test]
    fn a_bad_retention_policy_does_not_cost_the_backup() {
        let effects = |pairs: &[(&str, &str)]| -> Vec<_> { with(pairs).mistakes.iter().map(|m| m.effect).collect() };
        let forget = Effect::Work(&["forget", "forget-preview"]);
        assert_eq!(effects(&[("RESTIC_FORGET_ARGS", "'")]), [forget, Effect::Loud]);
        assert_eq!(effects(&[("RESTIC_FORGET_ARGS", "'"), ("FORGET_CRON", "0 1 * * *")]), [forget]);
    }

    #[test]
    fn old_names_count_and_are_named() {
        let settings = with(&[
            ("SYNC_CRON", "0 1 * * *"),
            ("SYNC_JOB_FILE", "/srv/jobs"),
            ("SYNC_VERBOSE", "OFF"),
            ("SYNC_JOB_ARGS", "--fast 'a b'"),
            ("REPLICATE_BISYNC_CHECK_ACCESS", "ON"),
            ("SYNC_BISYNC_CHECK_ACCESS", "OFF"),
        ]);
        let jobs = &settings.jobs;
        assert_eq!(settings.schedules.replicate, "0 1 * * *");
        assert_eq!(jobs.replicate_file, PathBuf::from("/srv/jobs"));
        assert_eq!(jobs.replicate.words, ["--fast", "a b"]);
        assert!(!jobs.replicate_verbose && jobs.replicate_check_access);
        let old: Vec<_> = jobs.deprecated.iter().map(|(old, _)| *old).collect();
        assert_eq!(old, ["SYNC_CRON", "SYNC_JOB_FILE", "SYNC_JOB_ARGS", "SYNC_VERBOSE"]);
        assert_eq!(wrong(&with(&[("SYNC_VERBOSE", "loud")])), ["SYNC_VERBOSE"]);
    }

    #[test]
    fn set_but_empty_is_off_for_a_schedule_with_a_default() {
        assert_eq!(with(&[]).schedules.backup, "0 */6 * * *");
        assert_eq!(with(&[("BACKUP_CRON", "")]).schedules.backup, "");
    }

    #[test]
    fn the_numbers_of_the_rotation_are_kept_as_given_where_they_are_none() {
        let rotation = with(&[("CRON_LOG_MAX_SIZE", " 4096 "), ("MAX_CRON_LOG_ARCHIVES", "0")]).rotation;
        assert_eq!((rotation.max_size, rotation.archives), (Ok(4096), Err("0".to_owned())));
        for given in ["1M", "-1", "+1", "99999999999999999999"] {
            let settings = with(&[("CRON_LOG_MAX_SIZE", given)]);
            assert_eq!(settings.rotation.max_size, Err(given.to_owned()));
            assert_eq!(wrong(&settings), [""; 0], "no run is bothered");
        }
    }

    #[test]
    fn files_lie_in_the_configuration_folder_unless_they_are_named() {
        let paths = with(&[("CONFIG_DIR", "/srv/c")]);
        assert_eq!(paths.jobs.replicate_file, PathBuf::from("/srv/c/replicate_jobs.txt"));
        assert_eq!(paths.paths.rclone_config, PathBuf::from("/srv/c/rclone.conf"));
        assert_eq!(with(&[("LOG_DIR", "logs")]).paths.log, PathBuf::from("/logs"));
    }

    #[test]
    fn a_path_that_is_no_text_is_not_taken_for_another() {
        let mut environment: Environment = SOUND.into_iter().collect();
        environment.set("BACKUP_ROOT_DIR", OsString::from_vec(b"/srv/\xff".to_vec()));
        let settings = read(&environment);
        assert!(settings.mistakes[0].variable == "BACKUP_ROOT_DIR" && settings.mistakes[0].stops("backup"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_environment_is_read_without_a_panic(
            values in prop::collection::vec((0..table::VARIABLES.len(), prop::collection::vec(1_u8.., 0..24)), 0..12),
            others in prop::collection::vec(("[A-Z_]{1,12}", any::<String>()), 0..6),
            switches in prop::collection::vec((0..table::VARIABLES.len(), "[0-9a-z:/@'\"%. -]{0,12}"), 0..12),
        ) {
            let name = |index: usize| OsString::from(table::VARIABLES[index].name);
            let values = values.into_iter().map(|(index, value)| (name(index), OsString::from_vec(value)));
            let others = others.into_iter().map(|(name, value)| (name.into(), value.into()));
            let switches = switches.into_iter().map(|(index, value)| (name(index), value.into()));
            let environment: Environment = values.chain(others).chain(switches).collect();
            let settings = read(&environment);
            let _ = settings.secrets.mask("some text");
            let _ = table::hints(&environment);
            let lines: Vec<_> = settings.mistakes.iter().map(crate::settings::Mistake::line).collect();
            prop_assert!(lines.iter().all(|line| !line.contains('\n')));
        }
    }
}

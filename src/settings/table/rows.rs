//! The rows of the table, in the order of the documentation.

use super::{Class, Secrecy, Variable};

macro_rules! variables {
    ($($name:literal $default:literal $class:ident $secrecy:ident $used_by:literal: $meaning:literal;)*) => {
        &[$(Variable {
            name: $name,
            default: $default,
            class: Class::$class,
            secrecy: Secrecy::$secrecy,
            used_by: $used_by,
            meaning: $meaning,
        }),*]
    };
}

/// Every variable that is read, in the order of the documentation.
pub static VARIABLES: &[Variable] = variables! {
    // Repository
    "RESTIC_REPOSITORY" "/mnt/restic" Location Repository "all but `replicate`":
        "Where the repository is, as restic writes it.";
    "RESTIC_REPOSITORY_FILE" "" File Open "all but `replicate`":
        "A file whose first line that is neither empty nor a `#` comment is the repository; it wins over \
         `RESTIC_REPOSITORY`.";
    "RESTIC_PASSWORD_FILE" "" File Open "restic, `doctor`":
        "The file that holds the repository's password.";
    "RESTIC_PASSWORD" "" Text Secret "restic, `doctor`":
        "The repository's password itself; a file is the better place for it.";
    "RESTIC_PASSWORD_COMMAND" "" Text Open "restic, `doctor`":
        "A command that prints the repository's password.";
    "RESTIC_TAG" "automated" Text Open "all but `replicate`":
        "The tag that each backup gets and that snapshots are looked for by; set but empty, `backup` refuses to work, \
         and any snapshot will do.";
    "RESTIC_CACHE_DIR" "/.cache/restic" Path Open "restic, `doctor`":
        "Where restic keeps its cache.";
    "RESTIC_CACERT" "" File Open "all but `replicate`":
        "Certificates to trust beside the system's when talking to the repository.";
    "RESTIC_CHECK_REPOSITORY_STATUS" "ON" Switch Open "start of the container":
        "Look at the repository before the first schedule, and create it if it does not exist.";
    "RESTIC_AUTO_UNLOCK" "OFF" Switch Open "`backup`, `check`, `prune`, `forget`":
        "Run `restic unlock` after a failure.";
    "NFS_TARGET" "" Text Open "start of the container":
        "An NFS export to mount at `/mnt/restic`.";

    // What is done, and when
    "BACKUP_CRON" "0 */6 * * *" Cron Open "scheduler, `backup`":
        "When backups run.";
    "BACKUP_ROOT_DIR" "" Path Open "`backup`, `restore`, `sources-report`":
        "The one path that is backed up; more of them, and options, go into `RESTIC_JOB_ARGS`.";
    "RESTIC_JOB_ARGS" "" Words Open "`backup`, `sources-report`":
        "Further words for `restic backup`.";
    "RESTIC_FORGET_ARGS" "" Words Open "`backup`, `forget`, `forget-preview`":
        "The retention policy: words for `restic forget`, run after each backup unless `FORGET_CRON` is set.";
    "RESTIC_CHECK_ARGS" "" Words Open "`check`":
        "Further words for `restic check`.";
    "RESTIC_CHECK_ROTATE" "" Number Open "`check`":
        "In how many runs of `check` all of the data is read, a part at each, from `2` to `256`; empty reads none.";
    "RESTIC_PRUNE_ARGS" "" Words Open "`prune`":
        "Further words for `restic prune`.";
    "RESTIC_INIT_ARGS" "" Words Open "`init-repo`":
        "Further words for `restic init`.";
    "RESTORE_TEST_PATH" "" Words Open "`restore-test`":
        "Paths or patterns of the snapshot that alone are restored; empty is the whole snapshot.";
    "RESTORE_TEST_TARGET" "" Path Open "`restore-test`":
        "Where to restore; empty is a new folder in `TMPDIR`, removed afterwards.";
    "RESTORE_TEST_KEEP" "OFF" Switch Open "`restore-test`":
        "Keep what was restored.";
    "RESTORE_TEST_VERIFY" "OFF" Switch Open "`restore-test`":
        "Have restic read the restored files again.";
    "RESTORE_TEST_MIN_FILES" "1" Number Open "`restore-test`":
        "How many files must have come back; `0` is any number.";
    "RESTORE_TEST_CANARY" "" Words Open "`restore-test`":
        "Files that must have come back as they were, as `PATH=SHA256`.";
    "RESTORE_TEST_CANARY_FILE" "" File Open "`restore-test`":
        "A list of such files, as `sha256sum` writes it.";
    "RESTORE_TEST_SAMPLE" "0" Number Open "`restore-test`":
        "How many files of the snapshot are drawn at random, restored, and compared; `0` restores by `RESTORE_TEST_PATH`.";
    "CHECK_CRON" "" Cron Open "scheduler, `check`":
        "When the repository is checked.";
    "FORGET_CRON" "" Cron Open "scheduler, `forget`, `backup`":
        "When old snapshots are forgotten; set, backups no longer do it.";
    "PRUNE_CRON" "" Cron Open "scheduler, `prune`":
        "When unused data is removed.";
    "RESTORE_CRON" "" Cron Open "scheduler":
        "When `restore` runs, with no words of its own.";
    "RESTORE_TEST_CRON" "" Cron Open "scheduler":
        "When `restore-test` runs.";
    "SNAPSHOT_EXPORT_CRON" "" Cron Open "scheduler":
        "When `snapshot-export` runs.";
    "FORGET_PREVIEW_CRON" "" Cron Open "scheduler":
        "When `forget-preview` runs.";
    "UNLOCK_CRON" "" Cron Open "scheduler":
        "When `unlock` runs.";
    "SOURCES_REPORT_CRON" "" Cron Open "scheduler":
        "When `sources-report` runs.";
    "NOTIFY_TEST_CRON" "" Cron Open "scheduler":
        "When `notify-test` runs.";
    "SCHEDULE_SPLAY" "0" Duration Open "scheduler":
        "Each schedule is shifted by a time of its own below this one, always the same for this host and job.";
    "CATCH_UP" "OFF" Switch Open "scheduler":
        "Make up once, at start, for a run that was missed while the container was down.";
    "LOCK_WAIT" "1h" Duration Open "all that use the repository":
        "How long a run of the schedule waits for another one of this container that its engine could not run beside.";
    "TZ" "Europe/Amsterdam" Text Open "scheduler, all times shown":
        "The time zone.";

    // Replication
    "RCLONE_CONFIG" "/config/rclone.conf" File Open "rclone, `doctor`":
        "The configuration of rclone.";
    "REPLICATE_CRON" "" Cron Open "scheduler, `replicate`":
        "When folders are replicated.";
    "REPLICATE_JOB_FILE" "/config/replicate_jobs.txt" File Open "`replicate`, `doctor`":
        "What is replicated: one job a line, `SOURCE;DESTINATION;MODE;WORDS`.";
    "REPLICATE_JOB_ARGS" "" Words Open "`replicate`":
        "Further words for rclone, for every job.";
    "REPLICATE_VERBOSE" "ON" Switch Open "`replicate`":
        "Show informational lines on the console, too.";
    "REPLICATE_BISYNC_CHECK_ACCESS" "OFF" Switch Open "`replicate`":
        "Give `--check-access` to rclone's bisync.";
    "REPLICATE_PARALLEL" "1" Number Open "`replicate`":
        "How many jobs run at the same time.";

    // Old names
    "SYNC_CRON" "" Cron Open "as `REPLICATE_CRON`":
        "Old name of `REPLICATE_CRON`.";
    "SYNC_JOB_FILE" "" File Open "as `REPLICATE_JOB_FILE`":
        "Old name of `REPLICATE_JOB_FILE`.";
    "SYNC_JOB_ARGS" "" Words Open "as `REPLICATE_JOB_ARGS`":
        "Old name of `REPLICATE_JOB_ARGS`.";
    "SYNC_VERBOSE" "" Switch Open "as `REPLICATE_VERBOSE`":
        "Old name of `REPLICATE_VERBOSE`.";
    "SYNC_BISYNC_CHECK_ACCESS" "" Switch Open "as `REPLICATE_BISYNC_CHECK_ACCESS`":
        "Old name of `REPLICATE_BISYNC_CHECK_ACCESS`.";

    // Hooks
    "HOOK_TIMEOUT" "0" Duration Open "hooks":
        "How long a hook may take; `0` is no limit.";
    "HOOK_KILL_AFTER" "10s" Duration Open "hooks":
        "How long a hook that was told to end has before it is killed.";
    "HOOK_ON_ERROR" "Continue" Choice Open "hooks":
        "What a failed script means for the run: `Continue` or `Fail`.";
    "HOOK_SKIP_ON" "" ExitCodes Open "hooks":
        "Exit codes of a pre script that call the run off without an error, such as `75`.";
    "HOOKS_STRICT" "OFF" Switch Open "hooks":
        "Refuse scripts that other users could have written.";
    "HOOKS_FILE" "hooks.yaml" File Open "hooks":
        "The file of declared hooks; a relative path begins in `HOOKS_DIR`.";
    "HOOKS_FOREIGN_EXEC" "refuse" Choice Open "hooks":
        "Commands that another system would run in a container of its own: `here` runs them in this container, `refuse` fails \
         them.";

    // Reports
    "MAILX_RCPT" "" Text Open "reports":
        "Who gets a mail after each run; empty is nobody.";
    "MAILX_ON_ERROR" "OFF" Switch Open "reports":
        "Mail only failures and warnings.";
    "SMTP_URL" "" Url Endpoint "reports":
        "The mail server, `smtp://` or `smtps://user:password@host:port`; without it mail goes through `sendmail`.";
    "WEBHOOK_URL" "" Url Endpoint "reports":
        "Where the summary of each run is posted; empty is nowhere.";
    "WEBHOOK_HEADER_AUTH" "" Text Secret "reports":
        "The value of the `Authorization` header that is sent along.";
    "WEBHOOK_TIMEOUT" "10" Seconds Open "reports":
        "How long a post may take.";
    "WEBHOOK_ON_ERROR" "OFF" Switch Open "reports":
        "Post only failures and warnings.";
    "METRICS_DIR" "" Path Open "reports":
        "The folder for Prometheus textfiles; empty is none.";
    "NOTIFY_AFTER" "5m" Duration Open "reports":
        "How long after the end of the work notifications wait for hooks that are still running.";
    "HOSTNAME" "" Text Open "reports, `restore`":
        "The name of this host in reports and filters; not set, the system's.";
    "RESTIC_BACKUP_HELPER_RELEASE" "unknown" Text Open "reports":
        "The release that reports name; the image sets it.";

    // Lines and logs
    "LOG_VERBOSE" "ON" Switch Open "all":
        "Show informational lines on the console, too.";
    "LOG_LEVEL" "info" Choice Open "all":
        "The least important lines that are written: `error`, `warn`, `info`, `debug` or `trace`.";
    "LOG_FORMAT" "text" Choice Open "all":
        "`text` or `json`.";
    "CRON_LOG_MAX_SIZE" "1048576" Number Open "`rotate_log`":
        "The size in bytes from which on `cron.log` is rotated.";
    "MAX_CRON_LOG_ARCHIVES" "5" Number Open "`rotate_log`":
        "How many rotated logs are kept.";
    "ROTATE_LOG_CRON" "0 0 * * 6" Cron Open "scheduler, `rotate_log`":
        "When `cron.log` is looked at.";

    // Folders
    "HOOKS_DIR" "/hooks" Path Open "hooks, `doctor`":
        "Where hooks are looked for.";
    "CONFIG_DIR" "/config" Path Open "`replicate`, `doctor`":
        "Where `rclone.conf`, `replicate_jobs.txt` and `boathook.env` are looked for when their own variables are not set.";
    "SETTINGS_FILE" "/config/boathook.env" File Open "all":
        "Settings, one `NAME=value` a line, that win over the environment; not set, `boathook.env` in `CONFIG_DIR` if it is \
         there.";
    "LOG_DIR" "/var/log" Path Open "all":
        "Where logs and summaries are written.";
    "RUN_DIR" "/var/run" Path Open "all":
        "Where locks and running runs are.";
    "STATE_DIR" "/var/lib/boathook" Path Open "all":
        "What outlives a container, so put it on a volume: what killed runs owe, which missed times are settled, which part of the data `check` reads next, what `replicate` knows of its pairs.";
    "RESTORE_DIR" "/restore" Path Open "`restore`, `snapshot-export`":
        "Where restored files and archives go unless told otherwise.";
    "CRONTAB_FILE" "/var/spool/cron/crontabs/root" Path Open "scheduler, `cron-list`, `status`":
        "Where the schedule is written down for readers.";
    "TMPDIR" "" Path Open "restic, `restore-test`, `doctor`":
        "Where temporary files go; empty is `/tmp`.";

    // Stops and starts
    "INSTALL_PACKAGES" "" Words Open "start of the container":
        "Debian packages for hooks, installed before the first schedule.";
    "STOP_TIMEOUT" "9s" Duration Open "all":
        "How long everything may take from a stop request to the end; at least `4s`, and less than the \
         container runtime waits.";
    "RUN_TRIGGER" "manual" Choice Open "all":
        "Who starts the run: `schedule`, `manual`, `api` or `recovery`; the scheduler sets it.";
    "BOATHOOK_LOCK_FD" "" Number Open "all":
        "The descriptor of a lock that the caller holds already; `locked_run` sets it.";
    "BOATHOOK_PLACE_FD" "" Number Open "all":
        "The descriptor of a pipe that is closed once the run has its lock or its place in the line; the scheduler sets it.";
    "BOATHOOK_DUE" "" Number Open "all that use the repository":
        "When the run was due, in seconds since 1970; the scheduler sets it.";

    // Swift
    "OS_AUTH_URL" "" Url Open "restic":
        "OpenStack: where to authenticate.";
    "OS_PROJECT_ID" "" Text Open "restic":
        "OpenStack: the project's id.";
    "OS_PROJECT_NAME" "" Text Open "restic":
        "OpenStack: the project's name.";
    "OS_USERNAME" "" Text Open "restic":
        "OpenStack: the user.";
    "OS_PASSWORD" "" Text Secret "restic":
        "OpenStack: the user's password.";
    "OS_REGION_NAME" "" Text Open "restic":
        "OpenStack: the region.";
    "OS_INTERFACE" "" Text Open "restic":
        "OpenStack: the interface.";
    "OS_USER_DOMAIN_NAME" "Default" Text Open "restic":
        "OpenStack: the user's domain.";
    "OS_PROJECT_DOMAIN_ID" "Default" Text Open "restic":
        "OpenStack: the project's domain.";
    "OS_IDENTITY_API_VERSION" "3" Text Open "restic":
        "OpenStack: the version of the identity service.";
};

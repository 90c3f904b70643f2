//! The flags of `restore-test`, and its help text.

use clap::Parser;

const EXAMPLES: &str = "\
Nothing is asked. Without --target the files go to a new folder of mode 0700 in TMPDIR, which is removed at the end, \
also after failures and signals.

Examples:
  restore-test                       restore the latest snapshot, and count
  restore-test --path /data/docs --min-files 100
  restore-test --sample 20           compare 20 files with repository and source
  restore-test --sample 20 --sample-seed 9c0fd2a1b64e7d35 --id 1a2b3c4d
  restore-test --canary /data/docs/one.txt=<sha256> --verify
  (cd / && sha256sum data/docs/*) > list; restore-test --canary-file list
  restore-test --id 1a2b3c4d --host= --tag= --target /restore/test --keep

Exit codes:
  0    restored, and all that was checked is right; or dry run done
  1    too few files, a canary or a file of the sample is wrong, no snapshot
       matched, the folder cannot be made or written to, or restic failed
  2    bad usage, a target or a canary that is refused, more --min-files than
       a sample can give, --dry-run with a restic before 0.17
  3    the paths matched nothing
  10   the repository does not exist
  11   the repository is locked
  12   the password is wrong
  75   not run: another restore-test runs, or check, forget or prune use the
       repository
  120  a pre hook with onError Fail failed (124: timed out), so nothing
       was restored
  121  all is right, but a post hook with onError Fail failed
  126  restic cannot be executed (127: it is not there)
  130  interrupted (143: by SIGTERM)";

/// The arguments of `restore-test`.
#[derive(Parser, Debug, Clone, Default, PartialEq, Eq)]
#[command(
    name = "restore-test",
    about = "Restores a snapshot, or a part of it, to see that it can be done, and checks what came back.",
    long_about = "Restores a snapshot, or a part of it, to see that it can be done, and checks what came back.\n\nA \
                  flag that takes one value may be given again: the last one counts. Values follow as the next word \
                  or after '='.",
    after_help = EXAMPLES,
    args_override_self = true
)]
pub struct RestoreTestArgs {
    /// Snapshot to restore: `latest`, or a short or long id [default: latest]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,

    /// Only snapshots with this tag; "" for any [default: $RESTIC_TAG]
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,

    /// Only snapshots of this host; "" for any [default: $HOSTNAME]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,

    /// Restore only what matches this path or pattern of the snapshot; may be repeated, and adds to
    /// $RESTORE_TEST_PATH [default: everything]
    #[arg(long, value_name = "PATH")]
    pub path: Vec<String>,

    /// Folder to restore into; made if it is not there, and kept [default: $RESTORE_TEST_TARGET, else a new folder in
    /// $TMPDIR or /tmp that is removed]
    #[arg(long, value_name = "DIR")]
    pub target: Option<String>,

    /// Keep what was restored, and say where it is [default: $RESTORE_TEST_KEEP, OFF]
    #[arg(long)]
    pub keep: bool,

    /// Restore into a --target that is not empty; lifts no other refusal [default: off]
    #[arg(long)]
    pub force: bool,

    /// A file that must have come back with this SHA-256, cut at the last '='; may be repeated, and adds to
    /// $RESTORE_TEST_CANARY [default: none]
    #[arg(long, value_name = "PATH=SHA256")]
    pub canary: Vec<String>,

    /// A list of such files, as sha256sum writes it: a regular file of at most 16 MiB [default: $RESTORE_TEST_CANARY_FILE]
    #[arg(long, value_name = "FILE")]
    pub canary_file: Option<String>,

    /// How many files must have come back; 0 for any number; with --sample the variable asks for no more files than
    /// are drawn [default: $RESTORE_TEST_MIN_FILES, 1]
    #[arg(long, value_name = "N")]
    pub min_files: Option<u64>,

    /// Restore only so many files, drawn at random below the paths, and compare each with `restic dump`, and with the
    /// source where size and time are unchanged; 0 for all files [default: $RESTORE_TEST_SAMPLE, 0]
    #[arg(long, value_name = "N")]
    pub sample: Option<u64>,

    /// Draw as a test did that told this seed: from the same snapshot (--id), with the same --sample and --path, the
    /// same files [default: another one each time]
    #[arg(long, value_name = "SEED", value_parser = seed)]
    pub sample_seed: Option<u64>,

    /// Have restic read the restored files again and compare them with the snapshot; always so with --sample
    /// [default: $RESTORE_TEST_VERIFY, OFF]
    #[arg(long)]
    pub verify: bool,

    /// Only say what would be restored; makes and checks nothing; needs restic 0.17 or later [default: off]
    #[arg(long)]
    pub dry_run: bool,

    /// Accepted for scripts: nothing is ever asked [default: off]
    #[arg(long, short)]
    pub yes: bool,
}

/// A seed as it is told: up to 16 hex digits.
fn seed(text: &str) -> Result<u64, String> {
    let digits = Some(text).filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    digits
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or_else(|| "it is no seed: write up to 16 hex digits, as a test has told them".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(words: &[&str]) -> Result<RestoreTestArgs, clap::Error> {
        RestoreTestArgs::try_parse_from(std::iter::once("restore-test").chain(words.iter().copied()))
    }

    #[test]
    fn values_follow_or_are_glued_and_the_last_single_one_wins() {
        let apart = parse(&["--id", "a", "--path", "/x", "--canary", "/c=d=1", "--min-files", "3"]).expect("is fine");
        let glued = parse(&["--id=z", "--id=a", "--path=/x", "--canary=/c=d=1", "--min-files=3"]).expect("is fine");
        assert_eq!(apart, glued);
        assert_eq!((apart.canary[0].as_str(), apart.min_files), ("/c=d=1", Some(3)));
        let more = parse(&["--path=/x", "-y", "--path", "/y", "--keep", "--keep"]).expect("is fine");
        assert_eq!(more.path, ["/x", "/y"]);
    }

    #[test]
    fn usage_errors_end_with_2() {
        for words in [
            &["--target"][..],
            &["--min-files", "-1"],
            &["--min-files", "x"],
            &["--sample", ""],
            &["stray"],
            &["--sample-seed", "+1"],
        ] {
            assert_eq!(parse(words).expect_err("is wrong").exit_code(), 2, "{words:?}");
        }
    }

    #[test]
    fn the_help_says_the_default_of_every_flag_and_the_exit_codes() {
        let help = RestoreTestArgs::command().term_width(0).render_long_help().to_string();
        for argument in RestoreTestArgs::command().get_arguments() {
            let flag = format!("--{}", argument.get_long().expect("every argument is a flag"));
            let text = argument.get_help().expect("has help").to_string();
            assert!(help.contains(&flag) && text.contains("[default: "), "{flag}: {text}");
        }
        assert!(help.contains("Exit codes:") && help.contains("Examples:") && help.contains("Usage: restore-test"));
    }

    #[test]
    fn the_documentation_has_a_row_for_every_flag() {
        let page = include_str!("../../../docs/restore-test.md");
        for argument in RestoreTestArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            assert!(page.lines().any(|line| line.starts_with(&format!("| `--{flag}"))), "--{flag}");
        }
    }
}

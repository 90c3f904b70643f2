//! The flags of `restore`, and its help text.

use clap::Parser;

const EXAMPLES: &str = "\
Without --yes, and with a terminal on both sides, the command asks what it was not told: which snapshot, \
which target, whether to try a dry run first, and at last whether to proceed. In scripts, give --yes.

Examples:
  restore --list                                  what there is
  restore                                         ask for everything
  restore --yes --dry-run                         what would be written
  restore --yes --id 1a2b3c4d --target /restore/docs --include /data/docs
  restore --yes --since 2026-05-01T06:00 --target /restore --owner 1000:1000
  restore --yes --host other-node --tag \"\" --target /restore/other

Exit codes:
  0    restored, or listed, or dry run done
  1    restic failed, a target was refused, or no snapshot matched
  2    bad usage, flags that exclude each other, or no repository or password is
       set
  3    the includes matched nothing
  10   the repository does not exist
  11   the repository is locked
  12   the password is wrong
  75   not run: another restore runs, or check, forget or prune use the
       repository
  120  a pre hook with onError Fail failed (124: timed out), so nothing
       was restored
  121  restored, but a post hook with onError Fail failed
  126  restic cannot be executed (127: it is not there)
  130  cancelled at a prompt, or interrupted (143: by SIGTERM)";

/// The arguments of `restore`.
#[derive(Parser, Debug, Clone, Default, PartialEq, Eq)]
#[command(
    name = "restore",
    about = "Restores files of a snapshot into a folder.",
    long_about = "Restores files of a snapshot into a folder.\n\nA flag that takes one value may be given again: the \
                  last one counts. Values follow as the next word or after '='.",
    after_help = EXAMPLES,
    args_override_self = true
)]
pub struct RestoreArgs {
    /// Snapshot to restore: `latest`, or a short or long id [default: latest]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,

    /// Only snapshots with this tag; "" for any [default: $RESTIC_TAG]
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,

    /// Only snapshots of this host; "" for any [default: $HOSTNAME]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,

    /// Only snapshots that are not older: YYYY-MM-DD, or a time such as 2026-05-01T06:00, local unless it ends with Z
    /// or an offset. Without --id the newest of them is taken [default: no limit]
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,

    /// Folder to restore into; made if it is not there [default: $RESTORE_DIR, /restore]
    #[arg(long, value_name = "DIR")]
    pub target: Option<String>,

    /// Restore only what matches this path or pattern of the snapshot; may be repeated [default: everything]
    #[arg(long, value_name = "PATH")]
    pub include: Vec<String>,

    /// Leave out what matches this path or pattern of the snapshot; may be repeated; not together with --include
    /// [default: nothing]
    #[arg(long, value_name = "PATH")]
    pub exclude: Vec<String>,

    /// Give the target and everything in it to this user and group afterwards; links are not followed [default: as
    /// restored]
    #[arg(long, value_name = "UID:GID")]
    pub owner: Option<String>,

    /// Only say what would be restored; writes and makes nothing; needs restic 0.17 or later [default: off]
    #[arg(long)]
    pub dry_run: bool,

    /// Read the restored files again and compare them with the snapshot; not together with --dry-run [default: off]
    #[arg(long)]
    pub verify: bool,

    /// Show what restic does, file by file [default: off]
    #[arg(long, short)]
    pub verbose: bool,

    /// Restore into a folder that is not empty, is backed up, or belongs to the system [default: off]
    #[arg(long)]
    pub force: bool,

    /// Ask nothing [default: off]
    #[arg(long, short)]
    pub yes: bool,

    /// List the matching snapshots, newest first, and leave; no run, no hooks [default: off]
    #[arg(long)]
    pub list: bool,

    /// Show every row of a listing, however many there are [default: off]
    #[arg(long)]
    pub all: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(words: &[&str]) -> Result<RestoreArgs, clap::Error> {
        RestoreArgs::try_parse_from(std::iter::once("restore").chain(words.iter().copied()))
    }

    #[test]
    fn a_value_follows_as_a_word_or_after_an_equals_sign() {
        let apart = parse(&["--id", "abc", "--include", "/a", "--since", "2026-01-01"]).expect("is well-formed");
        let glued = parse(&["--id=abc", "--include=/a", "--since=2026-01-01"]).expect("is well-formed");
        assert_eq!(apart, glued);
        assert_eq!(apart.id.as_deref(), Some("abc"));
    }

    #[test]
    fn the_last_single_value_wins_and_repeatable_ones_add_up_in_order() {
        let args = parse(&["--id", "a", "--include", "/x", "--id", "b", "--include=/y", "-y", "--yes"])
            .expect("repetition is allowed");
        assert_eq!(args.id.as_deref(), Some("b"));
        assert_eq!(args.include, ["/x", "/y"]);
        assert!(args.yes);
    }

    #[test]
    fn an_empty_value_is_a_value() {
        let args = parse(&["--tag", "", "--host="]).expect("empty values are allowed");
        assert_eq!((args.tag.as_deref(), args.host.as_deref()), (Some(""), Some("")));
    }

    #[test]
    fn a_flag_without_its_value_and_an_unknown_word_are_usage_errors() {
        for words in [&["--target"][..], &["--nope"], &["stray"], &["--target", "--force"]] {
            assert_eq!(parse(words).expect_err("is wrong").exit_code(), 2, "{words:?}");
        }
    }

    #[test]
    fn a_command_that_takes_the_flags_takes_help_and_repetition_too() {
        let mut command = super::super::augment(clap::Command::new("restore"));
        assert!(command.render_long_help().to_string().contains("Exit codes:"));
        let matches = command.try_get_matches_from(["restore", "--id", "a", "--id=b", "-y"]).expect("is well-formed");
        assert!(super::super::make(&matches).is_ok());
    }

    #[test]
    fn the_help_names_every_flag_with_its_default_and_the_exit_codes() {
        let help = RestoreArgs::command().render_long_help().to_string();
        for flag in ["id", "tag", "host", "since", "target", "include", "exclude", "owner", "dry-run", "verify"]
            .into_iter()
            .chain(["verbose", "force", "yes", "list", "all"])
        {
            let start = help.find(&format!("--{flag}")).unwrap_or_else(|| panic!("--{flag} is missing"));
            let after: String = help[start..].lines().take(4).collect();
            assert!(after.contains("default:") || flag == "since" || flag == "exclude", "--{flag}: {after}");
        }
        assert!(help.contains("Exit codes:") && help.contains("cancelled at a prompt"));
        assert!(help.contains("Usage: restore"));
    }

    #[test]
    fn the_documentation_has_a_row_for_every_flag() {
        let page = include_str!("../../../docs/restore.md");
        for argument in RestoreArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            assert!(page.lines().any(|line| line.starts_with(&format!("| `--{flag}"))), "--{flag}");
        }
    }
}

//! The flags of `mount-snapshot`, and its help text.

use clap::Parser;

const EXAMPLES: &str = "\
The command stays in front until the mount ends: by Ctrl-C, SIGTERM (`docker stop`), or `umount` from elsewhere. All three \
are its normal end. In the folder lie ids/<short id>, snapshots/<time>, snapshots/latest, hosts/<host>, tags/<tag>.

Examples:
  mount-snapshot                               this host's, with $RESTIC_TAG
  mount-snapshot --repo-wide                   all snapshots
  mount-snapshot --host other-node --tag daily
  mount-snapshot --path /data/docs --target /restore/look
  mount-snapshot --allow-other                 other users may look, too
  docker exec CONTAINER umount /fusemount      ends it from elsewhere

Exit codes:
  0    mounted, and unmounted again, however that was asked for
  1    restic failed, or the target cannot be used, is not empty, or is mounted
       already
  2    bad usage; a target that is refused; empty host or tag; no repository or
       password is set; or this container may not mount (/dev/fuse, fusermount,
       CAP_SYS_ADMIN, AppArmor)
  10   the repository does not exist
  11   the repository is locked
  12   the password is wrong
  75   not run: another mount-snapshot runs, or check, forget or prune use
       the repository
  120  a pre hook with onError Fail failed (124: timed out), so nothing
       was mounted
  121  a post hook with onError Fail failed
  126  restic cannot be executed (127: it is not there)
  130  interrupted before it was mounted (143: by SIGTERM)";

/// The arguments of `mount-snapshot`.
#[derive(Parser, Debug, Clone, Default, PartialEq, Eq)]
#[command(
    name = "mount-snapshot",
    about = "Mounts the snapshots as a folder to look around in.",
    long_about = "Mounts the snapshots as a folder to look around in; nothing in it can be changed.\n\nA flag that takes \
                  one value may be given again: the last one counts. Values follow as the next word or after '='.",
    after_help = EXAMPLES,
    args_override_self = true
)]
pub struct MountSnapshotArgs {
    /// Folder to mount at; made if it is not there [default: /fusemount]
    #[arg(long, value_name = "DIR")]
    pub target: Option<String>,

    /// Only snapshots with this tag; not with --repo-wide [default: $RESTIC_TAG]
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,

    /// Only snapshots of this host; not with --repo-wide [default: $HOSTNAME]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,

    /// Only snapshots that hold this path; may be repeated, then a snapshot must hold all of them [default: any]
    #[arg(long, value_name = "PATH")]
    pub path: Vec<String>,

    /// Snapshots of every host and tag [default: off]
    #[arg(long)]
    pub repo_wide: bool,

    /// Let other users than this one look, too; needs user_allow_other in /etc/fuse.conf for others than root [default:
    /// off]
    #[arg(long)]
    pub allow_other: bool,

    /// Mount at a folder that is not empty, is backed up, or belongs to the system [default: off]
    #[arg(long)]
    pub force: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(words: &[&str]) -> Result<MountSnapshotArgs, clap::Error> {
        MountSnapshotArgs::try_parse_from(std::iter::once("mount-snapshot").chain(words.iter().copied()))
    }

    #[test]
    fn the_last_single_value_wins_and_paths_add_up_in_order() {
        let args = parse(&["--target", "/a", "--path", "/x", "--target=/b", "--path=/y", "--force", "--force"])
            .expect("repetition is allowed");
        assert_eq!(args.target.as_deref(), Some("/b"));
        assert_eq!(args.path, ["/x", "/y"]);
        assert_eq!(parse(&["--tag", "", "--host="]).expect("an empty value is one").tag.as_deref(), Some(""));
    }

    #[test]
    fn a_flag_without_its_value_and_an_unknown_word_are_usage_errors() {
        for words in [&["--target"][..], &["--nope"], &["stray"], &["--path", "--force"], &["-v"]] {
            assert_eq!(parse(words).expect_err("is wrong").exit_code(), 2, "{words:?}");
        }
    }

    #[test]
    fn the_help_names_every_flag_with_its_default_and_the_exit_codes() {
        let help = MountSnapshotArgs::command().render_long_help().to_string();
        for argument in MountSnapshotArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            let start = help.find(&format!("--{flag}")).unwrap_or_else(|| panic!("--{flag} is missing"));
            let after: String = help[start..].lines().take(5).collect();
            assert!(after.contains("[default:"), "--{flag}: {after}");
        }
        assert!(help.contains("Exit codes:") && help.contains("Examples:") && help.contains("Usage: mount-snapshot"));
    }

    #[test]
    fn the_documentation_has_a_row_for_every_flag() {
        let page = include_str!("../../../docs/mount-snapshot.md");
        for argument in MountSnapshotArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            assert!(page.lines().any(|line| line.starts_with(&format!("| `--{flag}"))), "--{flag}");
        }
    }
}

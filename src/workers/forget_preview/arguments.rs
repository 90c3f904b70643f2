//! The flags of `forget-preview`, and its help text.

use clap::Parser;

const NOTES: &str = "\
restic is always called with --dry-run and --no-lock: nothing in the repository is changed, not even a lock. Words \
that would undo that (--dry-run=false, -n=false, --) are refused, and so are --repo, --repository-file, \
--password-command and --cleanup-cache. --quiet is left out, since the list is the point.

forget and backup apply RESTIC_FORGET_ARGS without a filter of host or tag: --repo-wide shows exactly what they do.

Examples:
  forget-preview --repo-wide                    what the next forget will do
  forget-preview                                for this host and tag alone
  forget-preview --policy \"--keep-daily 7 --keep-weekly 4\"
  forget-preview --host nas --tag documents --policy \"--keep-last 3\"
  forget-preview --repo-wide --extra --prune    and how much space it would free
  FORGET_PREVIEW_CRON=\"0 7 * * 1\"               each Monday, without flags

Exit codes:
  0    shown
  1    restic failed (with restic 0.18 also: no --keep rule, or all snapshots
       of a group would go)
  2    bad usage, no policy, no host or tag to look for, a word that is refused,
       no repository or password
  10   the repository does not exist (11: locked, 12: wrong password; restic
       0.17 and later)
  75   not run: another forget-preview runs
  120  a pre hook with onError Fail failed (124: timed out), so nothing
       was shown
  121  shown, but a post hook with onError Fail failed
  126  restic cannot be executed (127: it is not there)
  130  interrupted (143: by SIGTERM)";

/// The flags that take no value, and so cannot be one.
const OWN: &[&str] = &["--repo-wide", "--host", "--tag", "--policy", "--extra", "--wait", "--help"];

/// The arguments of `forget-preview`.
#[derive(Parser, Debug, Clone, Default, PartialEq, Eq)]
#[command(
    name = "forget-preview",
    about = "Shows what a retention policy would keep and remove, and removes nothing.",
    long_about = "Shows what a retention policy would keep and remove, and removes nothing.\n\nA flag may be given \
                  again: the last one counts. Values follow as the next word or after '='.",
    after_help = NOTES,
    args_override_self = true
)]
pub struct ForgetPreviewArgs {
    /// All snapshots of the repository: no filter of host or tag. --host and --tag are ignored then [default: off]
    #[arg(long)]
    pub repo_wide: bool,

    /// Only snapshots of this host [default: $HOSTNAME]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,

    /// Only snapshots with this tag [default: $RESTIC_TAG]
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,

    /// The policy: words for restic forget, as one argument; quotes group [default: $RESTIC_FORGET_ARGS]
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true, value_parser = words)]
    pub policy: Option<String>,

    /// Further words for restic forget, as one argument, behind policy and filters [default: none]
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true, value_parser = words)]
    pub extra: Option<String>,
}

/// A flag of ours where the words should be was meant as one.
fn words(given: &str) -> Result<String, String> {
    let flag = given.split('=').next().unwrap_or_default();
    if OWN.contains(&flag) && !given.contains(' ') && flag != "--host" && flag != "--tag" {
        return Err(format!(
            "{flag} is a flag of this command; give the words as one argument, such as \"--keep-last 3\""
        ));
    }
    Ok(given.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(words: &[&str]) -> Result<ForgetPreviewArgs, clap::Error> {
        ForgetPreviewArgs::try_parse_from(std::iter::once("forget-preview").chain(words.iter().copied()))
    }

    #[test]
    fn a_policy_is_one_argument_that_may_begin_with_a_hyphen() {
        let apart = parse(&["--policy", "--keep-last 3", "--extra", "-c"]).expect("is well-formed");
        let glued = parse(&["--policy=--keep-last 3", "--extra=-c"]).expect("is well-formed");
        assert_eq!(apart, glued);
        assert_eq!((apart.policy.as_deref(), apart.extra.as_deref()), (Some("--keep-last 3"), Some("-c")));
        assert_eq!(parse(&["--extra", "--tag=x"]).expect("is restic's").extra.as_deref(), Some("--tag=x"));
    }

    #[test]
    fn the_last_one_counts_and_an_empty_value_is_one() {
        let args = parse(&["--host", "a", "--host=", "--policy", "a", "--policy", "", "--repo-wide", "--repo-wide"])
            .expect("repetition is allowed");
        assert_eq!((args.host.as_deref(), args.policy.as_deref(), args.repo_wide), (Some(""), Some(""), true));
    }

    #[test]
    fn usage_errors_are_refused() {
        for words in [
            &["--policy"][..],
            &["--extra"],
            &["--host"],
            &["--tag", "--repo-wide"],
            &["--policy", "--repo-wide"],
            &["--extra", "--policy=x"],
            &["--dry-run"],
            &["stray"],
        ] {
            assert_eq!(parse(words).expect_err("is wrong").exit_code(), 2, "{words:?}");
        }
    }

    #[test]
    fn the_help_names_every_flag_with_its_default_and_the_exit_codes() {
        let help = ForgetPreviewArgs::command().render_long_help().to_string();
        for argument in ForgetPreviewArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            let start = help.find(&format!("  --{flag}")).or_else(|| help.find(&format!("--{flag} "))).expect(flag);
            let after: String = help[start..].lines().take(4).collect();
            assert!(after.contains("[default: "), "--{flag}: {after}");
        }
        assert!(help.contains("Exit codes:") && help.contains("Examples:") && help.contains("FORGET_PREVIEW_CRON"));
    }

    #[test]
    fn the_documentation_has_a_row_for_every_flag() {
        let page = include_str!("../../../docs/forget-preview.md");
        for argument in ForgetPreviewArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            assert!(page.lines().any(|line| line.starts_with(&format!("| `--{flag}"))), "--{flag}");
        }
    }
}

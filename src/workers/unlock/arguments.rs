//! The flags of `unlock`, and its help text.

use clap::Parser;

const EXAMPLES: &str = "\
restic calls a lock stale that is older than 30 minutes, or was made on this host by a process that is gone.

Examples:
  unlock                        show the locks, remove the stale ones
  unlock --dry-run              only show them, and which are stale
  unlock --remove-all           remove all of them; asks first
  unlock --remove-all --yes     the same where nobody can be asked

Exit codes:
  0    done; locks that are in use may be left
  1    restic failed, or the number of a lock's process now belongs to another
       one
  2    bad usage or configuration, or --remove-all that nobody agreed to (no
       terminal, no --yes)
  10   the repository does not exist
  12   the password is wrong
  75   not run: another unlock runs
  120  a pre hook with onError Fail failed (124: timed out), so nothing
       was removed
  121  done, but a post hook with onError Fail failed
  126  restic cannot be executed (127: it is not there)
  130  cancelled at the question, or interrupted (143: by SIGTERM)";

/// The arguments of `unlock`.
#[derive(Parser, Debug, Clone, Default, PartialEq, Eq)]
#[command(
    name = "unlock",
    about = "Shows the locks of the repository, and removes those that are stale.",
    after_help = EXAMPLES,
    args_override_self = true
)]
pub struct UnlockArgs {
    /// Remove all locks, also those that are in use: whoever made them works on as if the repository were theirs
    /// [default: off]
    #[arg(long)]
    pub remove_all: bool,

    /// Only show the locks; removes nothing [default: off]
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask before --remove-all [default: off]
    #[arg(long, short)]
    pub yes: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn flags_may_be_repeated_and_unknown_words_are_usage_errors() {
        let parse = |words: &[&str]| UnlockArgs::try_parse_from(std::iter::once(&"unlock").chain(words));
        let args = parse(&["--dry-run", "-y", "--remove-all", "--yes", "--dry-run"]).expect("is well-formed");
        assert_eq!(args, UnlockArgs { remove_all: true, dry_run: true, yes: true });
        for words in [&["--nope"][..], &["stray"], &["--yes=1"]] {
            assert_eq!(parse(words).expect_err("is wrong").exit_code(), 2, "{words:?}");
        }
    }

    #[test]
    fn the_help_names_every_flag_with_its_default_and_the_exit_codes() {
        let help = super::super::augment(clap::Command::new("unlock")).render_long_help().to_string();
        for argument in UnlockArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            let start = help.find(&format!("--{flag}")).unwrap_or_else(|| panic!("--{flag} is missing"));
            assert!(help[start..].lines().take(4).any(|line| line.contains("default:")), "--{flag}");
        }
        assert!(help.contains("Exit codes:") && help.contains("Examples:"));
    }

    #[test]
    fn the_documentation_has_a_row_for_every_flag() {
        let page = include_str!("../../../docs/unlock.md");
        for argument in UnlockArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            assert!(page.lines().any(|line| line.starts_with(&format!("| `--{flag}`"))), "--{flag}");
        }
    }
}

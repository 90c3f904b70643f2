//! The flags of `init-repo`, and its help text.

use clap::Parser;

const EXAMPLES: &str = "\
Words behind -- are added to `restic init`, behind those of $RESTIC_INIT_ARGS. Refused are those that name another \
repository (--repo, -r, --repository-file) or password (--password-file, -p, --password-command), and --help.

Examples:
  init-repo                                 look, show the plan, and ask
  init-repo --dry-run                       only look and show the plan
  init-repo --yes                           ask nothing, for scripts
  init-repo --yes -- --repository-version 2
  init-repo -- --from-repo rest:https://backup/other --copy-chunker-params

Exit codes:
  0    created, called off at the question, or dry run done
  1    restic init failed, or has created nothing (any other code not listed
       here is restic's own, too)
  2    bad usage or configuration; a word that is refused; the repository could
       not be looked at (unreachable, locked, wrong password); or nobody could
       be asked and --yes is missing
  3    the repository exists: nothing was done
  75   not run: another init-repo runs
  120  a pre hook with onError Fail failed (124: timed out), so nothing
       was created
  121  created, but a post hook with onError Fail failed
  130  interrupted, also at the question (143: by SIGTERM)";

/// The arguments of `init-repo`.
#[derive(Parser, Debug, Clone, Default, PartialEq, Eq)]
#[command(name = "init-repo", about = "Creates the repository.", after_help = EXAMPLES, args_override_self = true)]
pub struct InitRepoArgs {
    /// Only look whether there is a repository, and show the plan; creates nothing [default: off]
    #[arg(long)]
    pub dry_run: bool,

    /// Ask nothing [default: off]
    #[arg(long, short)]
    pub yes: bool,

    /// Further words for `restic init` [default: $RESTIC_INIT_ARGS alone]
    #[arg(last = true, value_name = "WORDS")]
    pub words: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(words: &[&str]) -> Result<InitRepoArgs, clap::Error> {
        let mut command = super::super::augment(clap::Command::new("init-repo"));
        let matches = command.try_get_matches_from_mut(std::iter::once(&"init-repo").chain(words))?;
        clap::FromArgMatches::from_arg_matches(&matches)
    }

    #[test]
    fn words_of_restic_stand_behind_two_dashes_and_nowhere_else() {
        let args =
            parse(&["-y", "--yes", "--", "--repository-version", "2", "--yes", "--", "x"]).expect("is well-formed");
        assert_eq!(args.words, ["--repository-version", "2", "--yes", "--", "x"]);
        assert!(args.yes && !args.dry_run);
        assert!(parse(&["--dry-run", "--"]).expect("is well-formed").words.is_empty());
        for words in [&["--nope"][..], &["stray"], &["--repository-version", "2"]] {
            assert_eq!(parse(words).expect_err("is wrong").exit_code(), 2, "{words:?}");
        }
    }

    #[test]
    fn the_help_names_every_flag_with_its_default_and_the_exit_codes() {
        let help = super::super::augment(clap::Command::new("init-repo")).render_long_help().to_string();
        for flag in ["--dry-run", "--yes", "[WORDS]"] {
            let start =
                help.rfind(&format!("  {flag}")).or(help.find(flag)).unwrap_or_else(|| panic!("{flag} is missing"));
            assert!(help[start..].contains("default:"), "{flag}");
        }
        assert!(help.contains("Exit codes:") && help.contains("Examples:") && help.contains("$RESTIC_INIT_ARGS"));
    }

    #[test]
    fn the_documentation_has_a_row_for_every_flag() {
        let page = include_str!("../../../docs/init-repo.md");
        for argument in InitRepoArgs::command().get_arguments() {
            let row = argument.get_long().map_or_else(|| "| `-- WORDS".to_owned(), |flag| format!("| `--{flag}`"));
            assert!(page.lines().any(|line| line.starts_with(&row)), "{row}");
        }
    }
}

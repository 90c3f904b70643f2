//! The flags of `sources-report`, and its help text.

use clap::Parser;
use clap::builder::NonEmptyStringValueParser;

const EXAMPLES: &str = "\
What is counted is what 'restic backup' would read now: BACKUP_ROOT_DIR, the paths and lists in RESTIC_JOB_ARGS, less \
what its --exclude flags leave out. No engine is called, and neither repository nor password is needed.

Environment: BACKUP_ROOT_DIR, RESTIC_JOB_ARGS (what is counted), RESTIC_CACHE_DIR (restic leaves its cache out).

Examples:
  sources-report                                  the next backup, in figures
  sources-report --no-size                        only what is there; no walk
  sources-report --source /srv/new --source=/etc  with these, too
  sources-report --files-from /config/more.txt    the same with a list
  sources-report --depth 1                        files directly in each source

Exit codes:
  0    reported, also if something is missing or cannot be read:
       errors_count says how much
  2    bad usage, nothing to report on, or RESTIC_JOB_ARGS holds what restic
       refuses
  75   not run: another sources-report runs
  120  a pre hook with onError Fail failed (124: timed out), so nothing
       was counted
  121  reported, but a post hook with onError Fail failed
  130  interrupted (143: by SIGTERM)";

/// The arguments of `sources-report`.
#[derive(Parser, Debug, Clone, Default, PartialEq, Eq)]
#[command(
    name = "sources-report",
    about = "Counts what the next backup would read, by its own rules.",
    long_about = "Counts what the next backup would read, by its own rules.\n\nValues follow as the next word or after \
                  '='.",
    after_help = EXAMPLES,
    args_override_self = true
)]
pub struct SourcesReportArgs {
    /// A further source, beside those of the next backup; may be repeated [default: none; the backup's own are
    /// $BACKUP_ROOT_DIR and those in $RESTIC_JOB_ARGS]
    #[arg(long, value_name = "PATH", value_parser = NonEmptyStringValueParser::new())]
    pub source: Vec<String>,

    /// A further list of sources, read as restic's --files-from: a pattern a line, # begins a comment; may be repeated
    /// [default: none; the backup's own are those in $RESTIC_JOB_ARGS]
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    pub files_from: Vec<String>,

    /// Only say what is there and can be read; count and size nothing [default: off]
    #[arg(long)]
    pub no_size: bool,

    /// Count only files that are at most N levels below their source, 1 being directly in it; sizes are of all [default:
    /// unlimited]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub depth: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(words: &[&str]) -> Result<SourcesReportArgs, clap::Error> {
        SourcesReportArgs::try_parse_from(std::iter::once("sources-report").chain(words.iter().copied()))
    }

    #[test]
    fn a_value_follows_as_a_word_or_after_an_equals_sign() {
        let apart = parse(&["--source", "/a", "--files-from", "l", "--depth", "2"]).expect("is well-formed");
        let glued = parse(&["--source=/a", "--files-from=l", "--depth=2"]).expect("is well-formed");
        assert_eq!(apart, glued);
        assert_eq!((apart.source.as_slice(), apart.depth), (&["/a".to_owned()][..], Some(2)));
        let twice = parse(&["--source", "/a", "--depth=1", "--source=/b", "--depth=3"]).expect("repetition is allowed");
        assert_eq!((twice.source.len(), twice.depth), (2, Some(3)));
    }

    #[test]
    fn a_bad_depth_and_a_missing_value_are_usage_errors() {
        for words in [
            &["--depth", "0"][..],
            &["--depth=-1"],
            &["--depth", "x"],
            &["--depth"],
            &["--source"],
            &["--source="],
            &["--files-from"],
            &["--nope"],
            &["stray"],
        ] {
            assert_eq!(parse(words).expect_err("is wrong").exit_code(), 2, "{words:?}");
        }
    }

    #[test]
    fn the_help_names_every_flag_with_its_default_and_the_exit_codes() {
        let help = SourcesReportArgs::command().render_long_help().to_string();
        for argument in SourcesReportArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            let start = help.find(&format!("--{flag}")).unwrap_or_else(|| panic!("--{flag} is missing"));
            let after: String = help[start..].lines().take(5).collect();
            assert!(after.contains("default:"), "--{flag}: {after}");
        }
        assert!(help.contains("Exit codes:") && help.contains("Usage: sources-report"));
    }

    #[test]
    fn the_documentation_has_a_row_for_every_flag() {
        let page = include_str!("../../../docs/sources-report.md");
        for argument in SourcesReportArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            assert!(page.lines().any(|line| line.starts_with(&format!("| `--{flag}"))), "--{flag}");
        }
    }
}

//! The flags of `snapshot-export`, and its help text.

use super::format::Format;
use clap::Parser;

const EXAMPLES: &str = "\
The archive gets its name when it is whole, and its SHA-256 beside it in FILE.sha256. What is interrupted or fails leaves \
nothing. Paths in it are those of the snapshot, with ./ before them. Both files are readable for their owner alone. \
Pipes, devices and sockets are left out.

Examples:
  snapshot-export                  the newest snapshot, to RESTORE_DIR
  snapshot-export --dry-run        what would be written, without writing
  snapshot-export --id 1a2b3c4d --output /restore/a.tar.zst --include /data/docs
  snapshot-export --id latest:/data/docs --format tar.zst --verify
  snapshot-export --exclude '*.tmp' --exclude /data/cache --host \"\"
  docker exec backup snapshot-export --output - | tar xz

Exit codes:
  0    exported, or dry run done
  1    restic failed, the output was refused or cannot be written, or no
       snapshot matched
  2    bad usage, flags that exclude each other, or no repository or password is
       set
  3    the includes matched nothing
  10   the repository does not exist
  11   the repository is locked
  12   the password is wrong
  75   not run: another export runs, or check, forget or prune use the
       repository
  120  a pre hook with onError Fail failed (124: timed out), so nothing
       was exported
  121  exported, but a post hook with onError Fail failed
  126  restic cannot be executed (127: it is not there)
  130  interrupted (143: by SIGTERM)";

/// The arguments of `snapshot-export`.
#[derive(Parser, Debug, Clone, Default, PartialEq, Eq)]
#[command(
    name = "snapshot-export",
    about = "Writes a snapshot, or a part of it, as one compressed archive.",
    long_about = "Writes a snapshot, or a part of it, as one compressed archive.\n\nA flag that takes one value may be \
                  given again: the last one counts. Values follow as the next word or after '='. No flag but those \
                  that name one has a twin in the environment.",
    after_help = EXAMPLES,
    args_override_self = true
)]
pub struct SnapshotExportArgs {
    /// Snapshot to export: `latest`, or a short or long id; `ID:/folder` for what is in that folder, with paths from
    /// there [default: latest]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,

    /// `latest` is the newest with this tag; "" for any [default: $RESTIC_TAG, also of a pre hook]
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,

    /// `latest` is the newest of this host; "" for any [default: $HOSTNAME]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,

    /// Export only what matches this path or pattern of the snapshot; may be repeated [default: everything]
    #[arg(long, value_name = "PATH")]
    pub include: Vec<String>,

    /// Leave out what matches this path or pattern of the snapshot, also of what is included; may be repeated
    /// [default: nothing]
    #[arg(long, value_name = "PATH")]
    pub exclude: Vec<String>,

    /// The archive; `-` for standard output
    /// [default: $RESTORE_DIR/snapshot-export-ID-TIME.tar.gz, with /restore for RESTORE_DIR]
    #[arg(long, value_name = "FILE")]
    pub output: Option<String>,

    /// How the archive is compressed: tar.gz, tar.zst or tar [default: what the name of --output says, else tar.gz]
    #[arg(long, value_name = "FORMAT", value_enum, hide_possible_values = true)]
    pub format: Option<Format>,

    /// Not needed any more, and not touched: the export streams [default: none]
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<String>,

    /// Not needed any more: there is no work folder [default: off]
    #[arg(long)]
    pub keep_workdir: bool,

    /// Replace an archive that is there, write where it would be backed up, or where space is scarce [default: off]
    #[arg(long)]
    pub force: bool,

    /// Only say what would be written; writes and makes nothing [default: off]
    #[arg(long)]
    pub dry_run: bool,

    /// Read the archive again before it gets its name, and compare it with what was written [default: off]
    #[arg(long)]
    pub verify: bool,

    /// Show every member as it is written [default: off]
    #[arg(long, short)]
    pub verbose: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(words: &[&str]) -> Result<SnapshotExportArgs, clap::Error> {
        SnapshotExportArgs::try_parse_from(std::iter::once("snapshot-export").chain(words.iter().copied()))
    }

    #[test]
    fn a_value_follows_as_a_word_or_after_an_equals_sign_and_the_last_one_counts() {
        let apart = parse(&["--id", "x", "--id", "abc", "--include", "/a", "--format", "tar.zst", "-v"]).expect("fits");
        let glued = parse(&["--id=abc", "--include=/a", "--format=tar.zst", "--verbose"]).expect("fits");
        assert_eq!(apart, glued);
        assert_eq!((apart.id.as_deref(), apart.format), (Some("abc"), Some(Format::TarZst)));
        assert_eq!(parse(&["--output", "-"]).expect("fits").output.as_deref(), Some("-"));
    }

    #[test]
    fn a_flag_without_its_value_an_unknown_word_and_an_unknown_format_are_usage_errors() {
        for words in [&["--output"][..], &["--nope"], &["stray"], &["--format", "zip"], &["--work-dir"]] {
            assert_eq!(parse(words).expect_err("is wrong").exit_code(), 2, "{words:?}");
        }
    }

    #[test]
    fn the_help_names_every_flag_with_its_default_and_the_exit_codes() {
        let help = SnapshotExportArgs::command().render_long_help().to_string();
        for argument in SnapshotExportArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            let start = help.find(&format!("--{flag}")).unwrap_or_else(|| panic!("--{flag} is missing"));
            let after: String = help[start..].lines().take(5).collect();
            assert!(after.contains("default:"), "--{flag}: {after}");
        }
        assert!(help.contains("Exit codes:") && help.contains("Usage: snapshot-export"));
    }

    #[test]
    fn the_documentation_has_a_row_for_every_flag() {
        let page = include_str!("../../../docs/snapshot-export.md");
        for argument in SnapshotExportArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            assert!(page.lines().any(|line| line.starts_with(&format!("| `--{flag}"))), "--{flag}");
        }
    }
}

//! Words for `restic init` that would make something else than the repository that was looked for.

use crate::workers::flags::names_in;

/// Short flags of `restic init` that take a value.
const WITH_VALUE: &str = "opr";

/// The first word that is refused, and why, in one line.
pub(super) fn refusal(words: &[String]) -> Option<String> {
    words.iter().find_map(|word| {
        let what = names_in(word, WITH_VALUE).into_iter().find_map(|name| match name {
            "help" | "h" => Some("shows the help of restic and creates nothing: leave it out"),
            "repo" | "repository-file" | "r" => {
                Some("names another repository than the one that is looked for: set RESTIC_REPOSITORY instead")
            }
            "password-command" | "password-file" | "p" => Some(
                "names another password than the one that the repository is opened with: set RESTIC_PASSWORD, \
                 RESTIC_PASSWORD_FILE or RESTIC_PASSWORD_COMMAND instead",
            ),
            _ => None,
        })?;
        Some(format!("'{word}' {what}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(word: &str) -> Option<String> {
        refusal(&["--repository-version".to_owned(), "2".to_owned(), word.to_owned()])
    }

    #[test]
    fn words_that_lead_elsewhere_are_refused_in_every_form() {
        for (word, why) in [
            ("--help", "help of restic"),
            ("--help=true", "help of restic"),
            ("-h", "help of restic"),
            ("-vh", "help of restic"),
            ("-r", "another repository"),
            ("-r/x", "another repository"),
            ("-r=/x", "another repository"),
            ("-qr/x", "another repository"),
            ("--repo", "another repository"),
            ("--repo=/x", "another repository"),
            ("--repository-file", "another repository"),
            ("--repository-file=/x", "another repository"),
            ("-p", "another password"),
            ("-vp/x", "another password"),
            ("--password-file=/x", "another password"),
            ("--password-command", "another password"),
        ] {
            let problem = refused(word).unwrap_or_else(|| panic!("{word} is not refused"));
            assert!(problem.starts_with(&format!("'{word}' ")) && problem.contains(why), "{word}: {problem}");
        }
    }

    #[test]
    fn everything_else_is_restics() {
        for word in
            ["--from-repo", "--from-password-file=/x", "--copy-chunker-params", "-orest.path=h", "-v", "-", "ssh -p 1"]
        {
            assert_eq!(refused(word), None, "{word}");
        }
    }
}

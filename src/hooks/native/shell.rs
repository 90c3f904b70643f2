//! Commands that are handed to a shell: which of their arguments is its program.

use super::super::Text;
use super::super::model::Exec;
use super::super::template::Template;

/// Shells that take a program after `-c`.
const SHELLS: [&str; 9] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "rbash", "fish"];
/// Programs that hand what stands after their `-c` to the user's shell.
const LIKE_SU: [&str; 2] = ["su", "runuser"];

/// Programs that run the command that their arguments are.
const AROUND: [&str; 6] = ["env", "busybox", "exec", "nice", "sudo", "command"];

/// The place in [`Exec::command`] of the program of a shell, if the command runs one: `sh -c PROGRAM`, with flags joined
/// (`-ec`), options before it (`-o pipefail`), and other commands around it (`env`, `busybox`, `timeout 5`, `sudo`).
/// A template in the place of the program's name, such as `{{ env "SHELL" }}`, may be a shell.
pub(in crate::hooks) fn program(exec: &Exec) -> Option<usize> {
    if exec.shell.is_some() {
        return (!exec.command.is_empty()).then_some(0);
    }
    let words: Vec<&str> = exec.command.iter().map(Text::source).collect();
    program_in(&words)
}

/// As [`program`], of the words of a command.
pub(in crate::hooks) fn program_in(words: &[&str]) -> Option<usize> {
    let base = |place: usize| -> &str { words[place].rsplit('/').next().unwrap_or_default() };
    (0..words.len()).find_map(|place| {
        let after = place + 1;
        if LIKE_SU.contains(&base(place)) {
            let flag = words[after..].iter().position(|word| matches!(*word, "-c" | "--command"))?;
            return Some(after + flag + 1).filter(|place| *place < words.len());
        }
        let is_shell = SHELLS.contains(&base(place))
            || Template::is_in(words[place]) && (place == 0 || AROUND.contains(&base(place - 1)));
        is_shell.then(|| program_after(words, after)).flatten()
    })
}

/// The first word after the options of a shell, if `-c` is one of them.
fn program_after(words: &[&str], mut place: usize) -> Option<usize> {
    let mut takes_program = false;
    while let Some(word) = words.get(place) {
        place += 1;
        if *word == "--" {
            break;
        }
        if word.starts_with("--") {
            place += usize::from(matches!(*word, "--rcfile" | "--init-file"));
        } else if let Some(flags) = word.strip_prefix(['-', '+']) {
            takes_program |= word.starts_with('-') && flags.contains('c');
            // `-o pipefail`, `-O extglob`, also joined as in `-euo pipefail`.
            place += flags.matches(['o', 'O']).count();
        } else {
            place -= 1;
            break;
        }
    }
    (takes_program && place < words.len()).then_some(place)
}

/// The same action with `| shquote` at its end.
pub(super) fn quoted(action: &str) -> String {
    let inner = action.strip_suffix("}}").unwrap_or(action);
    let (inner, end) = inner.strip_suffix(" -").map_or((inner, "}}"), |inner| (inner, "-}}"));
    format!("{} | shquote {end}", inner.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(command: &[&str]) -> Option<usize> {
        program(&Exec { command: command.iter().map(|word| Text::plain(*word)).collect(), ..Exec::default() })
    }

    #[test]
    fn the_program_of_a_shell_is_found() {
        for (command, expected) in [
            (&["sh", "-c", "x"][..], Some(2)),
            (&["/bin/bash", "-ec", "x", "name", "arg"], Some(2)),
            (&["bash", "-lc", "x"], Some(2)),
            (&["dash", "-c", "--", "x"], Some(3)),
            (&["bash", "-o", "pipefail", "-c", "x"], Some(4)),
            (&["bash", "-euo", "pipefail", "-c", "x"], Some(4)),
            (&["bash", "-ceuo", "pipefail", "x"], Some(3)),
            (&["bash", "--norc", "-c", "x"], Some(3)),
            (&["bash", "--rcfile", "f", "-c", "x"], Some(4)),
            (&["busybox", "sh", "-c", "x"], Some(3)),
            (&["/usr/bin/env", "sh", "-c", "x"], Some(3)),
            (&["/usr/bin/env", "-i", "A=b", "zsh", "-c", "x"], Some(5)),
            (&["timeout", "5", "ksh", "-c", "x"], Some(4)),
            (&["su", "postgres", "-c", "x"], Some(3)),
            (&["sh", "/scripts/x.sh", "-c"], None),
            (&["sh"], None),
            (&["sh", "-c"], None),
            (&["bash", "-e", "x"], None),
            (&["grep", "-c", "x"], None),
            (&["{{ env \"SHELL\" }}", "-c", "x"], Some(2)),
            (&["/usr/bin/env", "{{ env \"SHELL\" }}", "-ec", "x"], Some(3)),
            (&["{{ env \"SHELL\" }}", "x"], None),
            (&["grep", "{{ .Name }}", "-c", "x"], None),
            (&[], None),
        ] {
            assert_eq!(place(command), expected, "{command:?}");
        }
        let exec = Exec { command: vec![Text::plain("x")], shell: Some("/bin/bash".to_owned()), ..Exec::default() };
        assert_eq!(program(&exec), Some(0));
    }

    #[test]
    fn shquote_is_put_at_the_end() {
        assert_eq!(quoted("{{ .Status.Error }}"), "{{ .Status.Error | shquote }}");
        assert_eq!(quoted("{{- .X -}}"), "{{- .X | shquote -}}");
    }
}

//! What would keep an action from running, found without starting it.

use super::super::permissions::{Access, may};
use super::super::template::{SecretValues, Value};
use super::super::{Action, Finding, Hook};
use super::unknown::{self, Unknown};
use super::{Command, Rendered, render};
use crate::process::{Capability, Identity};
use crate::settings::Environment;
use std::path::{Path, PathBuf};

/// Why `action` would not run: a template that fails, a program, folder or user that is not there. For an undo before
/// its pre hook starts: nothing is frozen that cannot be thawed. Scripts are looked at when the run is planned, and what hangs
/// on values that have not been handed on yet is looked at in its turn.
pub fn cannot_run(
    action: &Action,
    hook: &Hook,
    data: &Value,
    secrets: &SecretValues,
    environment: &Environment,
) -> Option<Finding> {
    let (action, unknown) = unknown::known_part(action, data);
    match render(&action, hook, data, secrets) {
        Ok(_) if matches!(action, Action::Script(_)) => None,
        Ok(Rendered::Command(command)) => problem_of_command(&command, environment, unknown),
        Ok(_) => None,
        Err(what) => Some(Finding { what, mend: "mend that field of the definition".to_owned() }),
    }
}

/// Why a command would not run.
pub(in super::super) fn problem_of(rendered: &Rendered, environment: &Environment) -> Option<Finding> {
    let Rendered::Command(command) = rendered else { return None };
    problem_of_command(command, environment, Unknown::default())
}

fn problem_of_command(command: &Command, environment: &Environment, unknown: Unknown) -> Option<Finding> {
    let program = || if unknown.program { None } else { program(command, environment) };
    directory(command).or_else(|| user(command)).or_else(program)
}

fn directory(command: &Command) -> Option<Finding> {
    let path = Path::new(&command.directory);
    let shown = path.display();
    let what = match path.metadata() {
        Ok(facts) if !facts.is_dir() => format!("has the working directory {shown}, which is no folder"),
        Ok(_) if !may(path, Access::Execute) => format!("has the working directory {shown}, which may not be entered"),
        Ok(_) => return None,
        Err(error) => format!("has the working directory {shown}, which cannot be used: {error}"),
    };
    Some(Finding { what, mend: "make the folder, or set workingDir to another".to_owned() })
}

fn user(command: &Command) -> Option<Finding> {
    let given = command.user.as_deref()?;
    let what = match Identity::read(given) {
        Ok(identity) => {
            let lacking = identity.lacking();
            if lacking.is_empty() {
                return None;
            }
            return Some(not_allowed(given, &lacking));
        }
        Err(why) => format!("has a user that {why}"),
    };
    Some(Finding { what, mend: "write a user of this container, or numbers: 1000:1000".to_owned() })
}

/// Why we may not become another user: root lacks capabilities only where somebody has dropped them.
fn not_allowed(given: &str, lacking: &[Capability]) -> Finding {
    let ours = nix::unistd::geteuid();
    let words: Vec<&str> = lacking.iter().map(|capability| capability.word()).collect();
    if !ours.is_root() {
        return Finding {
            what: format!("is to run as user '{given}', which only root may do, and we run as user {ours}"),
            mend: "run the container as root, or as that user, or leave 'user' out".to_owned(),
        };
    }
    let names: Vec<String> = words.iter().map(|word| format!("CAP_{word}")).collect();
    Finding {
        what: format!("is to run as user '{given}', for which this container lacks {}", names.join(" and ")),
        mend: format!("give the container these back (cap_add: [{}]), or leave 'user' out", words.join(", ")),
    }
}

fn program(command: &Command, environment: &Environment) -> Option<Finding> {
    let program = &command.program;
    let finding = |what: String, mend: &str| Some(Finding { what, mend: mend.to_owned() });
    if program.contains('/') {
        let path = Path::new(&command.directory).join(program);
        return match path.metadata() {
            Err(error) => finding(
                format!("has the program {}, which cannot be used: {error}", path.display()),
                "install it, or write the path where it lies",
            ),
            Ok(facts) if facts.is_dir() => {
                finding(format!("has the program {}, which is a folder", path.display()), "write the path of a program")
            }
            Ok(_) if !may(&path, Access::Execute) => {
                finding(format!("has the program {}, which is not executable", path.display()), "chmod +x it")
            }
            Ok(_) => None,
        };
    }
    let own = command.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    // What execvp(3) takes where there is none.
    let search = own.or_else(|| environment.text("PATH")).unwrap_or_else(|| "/bin:/usr/bin".to_owned());
    let places: Vec<PathBuf> =
        search.split(':').map(|folder| Path::new(&command.directory).join(folder).join(program)).collect();
    let is_file = |path: &&PathBuf| path.metadata().is_ok_and(|facts| !facts.is_dir());
    if places.iter().any(|path| is_file(&path) && may(path, Access::Execute)) {
        return None;
    }
    match places.iter().find(is_file) {
        Some(path) => finding(format!("has the program {}, which is not executable", path.display()), "chmod +x it"),
        None => finding(
            format!("has the program '{program}', which is in no folder of its PATH"),
            &format!("install it, or write its whole path; PATH is {search}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture;
    use super::super::super::model::Exec;
    use super::super::super::{Text, model};
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn problem(exec: Exec, path: &str) -> Option<String> {
        let action = Action::Exec(exec);
        let environment = [("PATH", path)].into_iter().collect();
        cannot_run(&action, &fixture::hook(action.clone()), &Value::Nil, &SecretValues::default(), &environment)
            .map(|finding| finding.what)
    }

    fn exec(word: &str) -> Exec {
        Exec { command: vec![Text::plain(word)], ..Exec::default() }
    }

    #[test]
    fn a_program_is_found_as_the_system_would() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        for (name, mode) in [("runs", 0o755), ("lies", 0o644)] {
            std::fs::write(at(name), "").expect("can be written");
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).expect("is ours");
        }
        let path = folder.path().display().to_string();
        assert_eq!(problem(exec("runs"), &path), None);
        assert_eq!(problem(exec(&at("runs")), "/nowhere"), None);
        assert!(problem(exec("lies"), &path).is_some_and(|what| what.contains("lies, which is not executable")));
        assert!(problem(exec("gone"), &path).is_some_and(|what| what.contains("in no folder of its PATH")));
        assert!(problem(exec(&at("gone")), &path).is_some_and(|what| what.contains("cannot be used")));
        assert!(problem(exec(&path), &path).is_some_and(|what| what.contains("is a folder")));
        let own = Exec { env: vec![("PATH".to_owned(), Text::plain(&path))], ..exec("runs") };
        assert_eq!(problem(own, "/nowhere"), None);
        let relative = Exec { working_dir: Some(Text::plain(&path)), ..exec("./runs") };
        assert_eq!(problem(relative, "/nowhere"), None);
    }

    #[test]
    fn a_folder_or_user_that_is_not_there_is_named() {
        let inside = |folder: &str| Exec { working_dir: Some(Text::plain(folder)), ..exec("sh") };
        assert!(
            problem(inside("/nowhere"), "/bin").is_some_and(|what| what.contains("/nowhere, which cannot be used"))
        );
        assert!(problem(inside("/etc/passwd"), "/bin").is_some_and(|what| what.contains("is no folder")));
        let user = Exec { user: Some(Text::plain("no-such-user")), ..exec("sh") };
        assert!(problem(user, "/bin").is_some_and(|what| what.contains("no user of this container: 'no-such-user'")));
    }

    #[test]
    fn a_request_can_be_judged_by_its_fields_alone() {
        let tcp = |port| Action::TcpSocket(model::Tcp { host: Text::plain("localhost"), port });
        let check = |action: &Action| {
            let hook = fixture::hook(action.clone());
            cannot_run(action, &hook, &Value::Nil, &SecretValues::default(), &Environment::default())
        };
        assert_eq!(check(&tcp(model::Port::Number(1))), None);
        assert!(check(&tcp(model::Port::Name("db".to_owned()))).is_some_and(|finding| finding.what.contains("'db'")));
    }
}

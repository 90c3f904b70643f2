//! `INSTALL_PACKAGES`: what hooks need, installed before the schedule begins.
//!
//! None of it costs the schedule: a hook that misses its tool fails by its own rules, and the backup is made.

use crate::process::{self, Ending, Event, Exit, Request, Spec, Stop};
use crate::settings::{Environment, Settings};
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::{AccessFlags, access, geteuid};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How long each of apt's commands may take: a mirror that does not answer must not hold up the schedule for ever.
const LIMIT: Duration = Duration::from_secs(600);
/// How long one question to dpkg may take.
const QUESTION: Duration = Duration::from_secs(30);
/// How long they may take to end when they are asked to.
const GRACE: Duration = Duration::from_secs(2);
/// Where packages are written to.
const WRITTEN: [&str; 2] = ["/usr", "/var/lib/dpkg"];

/// Installs what is not installed yet, and says how that went.
pub(super) fn install(settings: &Settings, stop: &Stop, say: &mut dyn FnMut(&str)) {
    let packages = &settings.start.packages.words;
    if packages.is_empty() {
        return;
    }
    if let Err(problem) = packages.iter().try_for_each(|package| check(package)) {
        say(&format!("❌ INSTALL_PACKAGES {problem}. Nothing was installed; the schedule starts without it."));
        return;
    }
    let missing: Vec<&str> =
        packages.iter().map(String::as_str).filter(|package| !is_installed(package, settings, stop)).collect();
    if missing.is_empty() {
        say(&format!("ℹ️ INSTALL_PACKAGES: installed already: {}", packages.join(" ")));
        return;
    }
    let writable = WRITTEN.iter().find_map(|folder| access(*folder, AccessFlags::W_OK).err().map(|why| (*folder, why)));
    let done = match refusal(geteuid().as_raw(), writable) {
        Some(why) => Err(why),
        None => with_apt(&missing, settings, stop, say),
    };
    match done {
        Ok(()) => say(&format!("✅ INSTALL_PACKAGES: installed {}", missing.join(" "))),
        Err(why) => say(&format!(
            "❌ INSTALL_PACKAGES: {} not installed: {why}. The schedule starts without; hooks that need it will fail.",
            missing.join(" ")
        )),
    }
}

/// What a name of a package may be, with `=version` behind it or not: nothing that apt takes for an option, an address
/// or a removal.
fn check(package: &str) -> Result<(), String> {
    let (name, version) = package.split_once('=').map_or((package, None), |(name, version)| (name, Some(version)));
    let of = |text: &str, further: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || further.as_bytes().contains(&byte))
    };
    let begins_well = |text: &str| text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    // Behind the last letter, apt reads + and - as "install" and "remove".
    let removes = version.is_none() && name.ends_with('-');
    let good = begins_well(name)
        && of(name, "+-.:")
        && !removes
        && version.is_none_or(|version| begins_well(version) && of(version, "+-.:~"));
    if good { Ok(()) } else { Err(format!("has '{package}', which is no name of a package")) }
}

/// Why nothing can be installed here at all.
fn refusal(user: u32, unwritable: Option<(&str, Errno)>) -> Option<String> {
    const BAKE: &str = "build them into the image with EXTRA_PACKAGES";
    if user != 0 {
        return Some(format!("the container runs as user {user}; run it as root, or {BAKE}"));
    }
    let (folder, why) = unwritable?;
    Some(match why {
        Errno::EROFS => format!("the root file system is read-only; {BAKE}"),
        why => format!("{folder} cannot be written ({}); {BAKE}", why.desc()),
    })
}

fn is_installed(package: &str, settings: &Settings, stop: &Stop) -> bool {
    let (name, version) = package.split_once('=').map_or((package, None), |(name, version)| (name, Some(version)));
    let format = "--showformat=${db:Status-Status} ${Version}\\n";
    let mut answer = String::new();
    let exit = call("dpkg-query", &["--show", format, "--", name], settings, stop, QUESTION, &mut |event| {
        if let Event::Stdout(piece) = event {
            answer.push_str(&String::from_utf8_lossy(piece));
        }
    });
    exit == Ok(Exit::Code(0))
        && answer.lines().any(|line| {
            line.split_once(' ')
                .is_some_and(|(status, has)| status == "installed" && version.is_none_or(|version| version == has))
        })
}

fn with_apt(missing: &[&str], settings: &Settings, stop: &Stop, say: &mut dyn FnMut(&str)) -> Result<(), String> {
    say(&format!("📦 INSTALL_PACKAGES: installing {}", missing.join(" ")));
    let install = ["-qq", "install", "--yes", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", "--"];
    let install: Vec<&str> = install.iter().chain(missing).copied().collect();
    for words in [["-qq", "update"].as_slice(), &install] {
        let mut said = crate::engine::Lines::new();
        let exit = call("apt-get", words, settings, stop, LIMIT, &mut |event| {
            if let Event::Stdout(piece) | Event::Stderr(piece) = event {
                said.push(piece, &mut *say);
            }
        });
        said.finish(&mut *say);
        match exit? {
            Exit::Code(0) => {}
            _ if stop.request().is_some() => return Err("the container is being stopped".to_owned()),
            exit => return Err(format!("apt-get {} ended with status {}", words[1], exit.code())),
        }
    }
    Ok(())
}

fn call(
    program: &str,
    words: &[&str],
    settings: &Settings,
    stop: &Stop,
    limit: Duration,
    event: &mut dyn FnMut(Event<'_>),
) -> Result<Exit, String> {
    let mut environment: Environment = settings.environment.clone();
    environment.set("DEBIAN_FRONTEND", "noninteractive");
    environment.set("LC_ALL", "C");
    let args = words.iter().map(OsString::from).collect();
    let spec =
        Spec { program: PathBuf::from(program), args, environment, directory: Some("/".into()), dies_with_us: None };
    let grace = |_: &Request| GRACE;
    let ending = Ending { signal: Signal::SIGINT, grace: &grace, limit: Some(limit) };
    process::run(&spec, stop, &ending, event).map_err(|error| format!("{program} could not be started: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_packages_reach_apt() {
        for good in ["jq", "g++", "libc6:arm64", "postgresql-client-17", "jq=1.7.1-3", "x=2:1.0~rc1+b2"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["--allow-unauthenticated", "jq-", "/tmp/x.deb", "./x.deb", "", "a b", "jq=", "jq;id", "=1"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_says_why_and_what_to_do() {
        assert_eq!(refusal(0, None), None);
        let user = refusal(1000, None).expect("is one");
        assert!(user.contains("user 1000") && user.contains("EXTRA_PACKAGES"), "{user}");
        let frozen = refusal(0, Some(("/usr", Errno::EROFS))).expect("is one");
        assert!(frozen.contains("read-only") && frozen.contains("EXTRA_PACKAGES"), "{frozen}");
        let denied = refusal(0, Some(("/var/lib/dpkg", Errno::EACCES))).expect("is one");
        assert!(denied.contains("/var/lib/dpkg"), "{denied}");
    }
}

//! bisync's own state: the listings of each pair in its working folder.
//!
//! When bisync gives up it sets the listings of the pair aside (`.lst` becomes `.lst-err`), and from then on wants a
//! resync. It does so also where nothing has been changed yet: a check file that is missing, a side that is empty
//! because a disk is not mounted. A resync then brings back whatever has been deleted on one side; put back, the
//! listings are as good as before.

use crate::settings::Environment;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const SIDES: [&str; 2] = ["path1", "path2"];

/// The pairs that had listings before a command.
#[derive(Debug)]
pub struct Listings {
    folder: Option<PathBuf>,
    before: BTreeSet<String>,
    /// What the pair is called there, as far as it can be told from its two ends.
    session: String,
}

impl Listings {
    /// Looks at the working folder that bisync will use with these words.
    pub fn of(source: &str, destination: &str, words: &[String], environment: &Environment) -> Self {
        let folder = working_folder(words, environment);
        let before = folder.as_deref().map(|folder| sessions(folder, ".lst")).unwrap_or_default();
        Self { folder, before, session: format!("{}..{}", canonical(source), canonical(destination)) }
    }

    /// Whether bisync has left anything of this pair.
    pub fn has_traces(&self) -> bool {
        let Some(folder) = &self.folder else { return false };
        self.before.contains(&self.session) || sessions(folder, ".lst-err").contains(&self.session)
    }

    /// Whether both listings of the pair that `message` names are whole, and of folders without a file. One that was
    /// cut off says nothing about what was there.
    pub fn were_empty(message: &str) -> bool {
        let path = message.split_once("listing: ").map_or("", |(_, path)| path);
        let Some(end) = SIDES.iter().find_map(|side| path.find(&format!(".{side}.lst"))) else { return false };
        SIDES.iter().all(|side| {
            let at = |end_of_name: &str| fs::read_to_string(format!("{}.{side}{end_of_name}", &path[..end]));
            at(".lst").or_else(|_| at(".lst-err")).is_ok_and(|text| {
                let mut lines = text.lines().filter(|line| !line.trim().is_empty());
                lines.next().is_some_and(|line| line.starts_with("# bisync listing")) && lines.next().is_none()
            })
        })
    }

    /// Puts back what bisync has set aside since. `alone` says that no other bisync ran meanwhile: then a pair whose
    /// name cannot be told, as of an alias, is known by being the only one that changed.
    pub fn put_back(&self, alone: bool) -> bool {
        let Some(folder) = &self.folder else { return false };
        let (now, aside) = (sessions(folder, ".lst"), sessions(folder, ".lst-err"));
        let changed: Vec<&String> =
            self.before.iter().filter(|one| !now.contains(*one) && aside.contains(*one)).collect();
        let session = match changed.as_slice() {
            [one] if alone => one,
            several => match several.iter().find(|one| ***one == self.session) {
                Some(one) => one,
                None => return false,
            },
        };
        SIDES.iter().all(|side| {
            let at = |end: &str| folder.join(format!("{session}.{side}{end}"));
            at(".lst").exists() || fs::rename(at(".lst-err"), at(".lst")).is_ok()
        })
    }
}

/// The pairs of which both files with this ending are there.
fn sessions(folder: &Path, end: &str) -> BTreeSet<String> {
    let names: BTreeSet<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let first = format!(".{}{end}", SIDES[0]);
    let pairs = names.iter().filter_map(|name| name.strip_suffix(&first));
    pairs.filter(|one| names.contains(&format!("{one}.{}{end}", SIDES[1]))).map(str::to_owned).collect()
}

/// An end of a pair as rclone writes it into file names.
fn canonical(end: &str) -> String {
    end.trim_matches(['/', '\\'])
        .chars()
        .map(|c| if c.is_whitespace() || matches!(c, '\\' | '/' | ':' | '?' | '*') { '_' } else { c })
        .collect()
}

/// `--workdir`, or `bisync` in rclone's cache.
fn working_folder(words: &[String], environment: &Environment) -> Option<PathBuf> {
    let option = |name: &str| {
        let mut found = None;
        for (index, word) in words.iter().enumerate() {
            if word == name {
                found = words.get(index + 1).cloned().or(found);
            } else if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                found = Some(value.to_owned());
            }
        }
        found
    };
    let variable = |name: &str| environment.text(name).filter(|value| !value.is_empty());
    if let Some(folder) = option("--workdir").or_else(|| variable("RCLONE_WORKDIR")) {
        return Some(folder.into());
    }
    let cache = option("--cache-dir").or_else(|| variable("RCLONE_CACHE_DIR")).map(PathBuf::from);
    let of_user = || {
        let base = variable("XDG_CACHE_HOME").map(PathBuf::from);
        Some(base.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cache")))?.join("rclone"))
    };
    cache.or_else(of_user).map(|cache| cache.join("bisync"))
}

/// Has bisync keep its listings in `STATE_DIR`, which outlives the container, where nobody has chosen a place for them
/// (`words` are those of all jobs) and rclone's own place holds none.
pub fn keep_in_state(environment: &mut Environment, state: &Path, words: &[String]) {
    let is_place = |word: &String| ["--workdir", "--cache-dir"].iter().any(|name| word.starts_with(name));
    let is_set = |name: &&str| !environment.text_or_empty(name).is_empty();
    let chosen = words.iter().any(is_place) || ["RCLONE_WORKDIR", "RCLONE_CACHE_DIR"].iter().any(is_set);
    let ours = state.join("bisync");
    let holds_some = |folder: &Path| !sessions(folder, ".lst").is_empty();
    // A bisync by hand leaves listings in rclone's place: once there are some in ours, that stays the place.
    let in_use = working_folder(&[], environment).is_some_and(|folder| holds_some(&folder)) && !holds_some(&ours);
    if !chosen && !in_use {
        environment.set("RCLONE_WORKDIR", ours);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listings(folder: &Path, source: &str, destination: &str) -> Listings {
        let environment = Environment::from_iter([("RCLONE_WORKDIR", folder)]);
        Listings::of(source, destination, &[], &environment)
    }

    fn touch(folder: &Path, session: &str, end: &str) {
        for side in SIDES {
            fs::write(folder.join(format!("{session}.{side}{end}")), "#").expect("is writable");
        }
    }

    fn set_aside(folder: &Path, session: &str) {
        for side in SIDES {
            let at = |end: &str| folder.join(format!("{session}.{side}{end}"));
            fs::rename(at(".lst"), at(".lst-err")).expect("is there");
        }
    }

    #[test]
    fn what_was_set_aside_is_put_back_for_its_own_pair_alone() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let at = folder.path();
        for session in ["a..nas_b", "c..nas_b"] {
            touch(at, session, ".lst");
        }
        let listings = listings(at, "/a/", "nas:b");
        assert!(listings.has_traces());
        set_aside(at, "a..nas_b");
        set_aside(at, "c..nas_b");
        assert!(listings.put_back(true));
        assert_eq!(sessions(at, ".lst"), BTreeSet::from(["a..nas_b".to_owned()]));
        assert_eq!(sessions(at, ".lst-err"), BTreeSet::from(["c..nas_b".to_owned()]));
    }

    #[test]
    fn a_pair_of_another_name_is_known_only_when_nothing_else_runs() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let at = folder.path();
        touch(at, "srv_a..srv_b", ".lst");
        let listings = listings(at, "alias:", "/srv/b");
        set_aside(at, "srv_a..srv_b");
        assert!(!listings.put_back(false));
        assert!(listings.put_back(true));
        assert_eq!(sessions(at, ".lst").len(), 1);
    }

    #[test]
    fn what_was_aside_before_stays_there() {
        let folder = tempfile::tempdir().expect("temporary folder");
        touch(folder.path(), "a..b", ".lst-err");
        let listings = listings(folder.path(), "/a", "/b");
        assert!(listings.has_traces() && !listings.put_back(true));
    }

    #[test]
    fn the_working_folder_is_where_rclone_would_look() {
        let of = |words: &[&str], pairs: &[(&str, &str)]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            working_folder(&words, &pairs.iter().copied().collect()).map(|folder| folder.display().to_string())
        };
        assert_eq!(of(&["--workdir", "/w"], &[("HOME", "/h")]).as_deref(), Some("/w"));
        assert_eq!(of(&["--workdir=/w"], &[]).as_deref(), Some("/w"));
        assert_eq!(of(&["--cache-dir=/c"], &[("HOME", "/h")]).as_deref(), Some("/c/bisync"));
        assert_eq!(of(&[], &[("HOME", "/h")]).as_deref(), Some("/h/.cache/rclone/bisync"));
        assert_eq!(of(&[], &[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]).as_deref(), Some("/x/rclone/bisync"));
        assert_eq!(of(&[], &[]), None);
    }

    #[test]
    fn listings_are_kept_in_the_state_unless_they_have_a_place() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let home_path = home.path().to_str().expect("is text");
        let of = |pairs: &[(&str, &str)], words: &[&str]| {
            let mut environment: Environment = pairs.iter().copied().chain([("HOME", home_path)]).collect();
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            keep_in_state(&mut environment, Path::new("/state"), &words);
            environment.text_or_empty("RCLONE_WORKDIR")
        };
        assert_eq!(of(&[], &["-v"]), "/state/bisync");
        assert_eq!(of(&[("RCLONE_WORKDIR", "/w")], &[]), "/w");
        assert_eq!(of(&[("RCLONE_CACHE_DIR", "/c")], &[]), "");
        assert_eq!(of(&[], &["--workdir=/w"]), "");
        let own = home.path().join(".cache/rclone/bisync");
        fs::create_dir_all(&own).expect("can be made");
        touch(&own, "a..b", ".lst");
        assert_eq!(of(&[], &[]), "");
    }
}

//! The snapshots that there are: `restic snapshots --json`, read and filtered.

use super::table::shown;
use crate::engine::{Bounds, Restic, run_whole};
use crate::settings::Environment;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;

/// One snapshot, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// RFC 3339, as restic writes it.
    pub time: String,
    /// The host that was backed up.
    #[serde(default, deserialize_with = "null_is_nothing")]
    pub hostname: String,
    /// Its tags.
    #[serde(default, deserialize_with = "null_is_nothing")]
    pub tags: Vec<String>,
    /// What was backed up.
    #[serde(default, deserialize_with = "null_is_nothing")]
    pub paths: Vec<String>,
    /// All 64 digits.
    pub id: String,
    #[serde(default)]
    short_id: String,
    /// What the backup read, where restic says so (since 0.17).
    #[serde(default, deserialize_with = "null_is_nothing")]
    summary: Read,
}

/// What a backup read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
struct Read {
    /// Bytes of all files; `None` if that is not known.
    #[serde(default)]
    total_bytes_processed: Option<u64>,
}

fn null_is_nothing<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl Snapshot {
    /// The id as people write it.
    pub fn short(&self) -> &str {
        if self.short_id.is_empty() { self.id.get(..8).unwrap_or(&self.id) } else { &self.short_id }
    }

    /// How many bytes its files have, where restic has noted it.
    pub fn bytes(&self) -> Option<u64> {
        self.summary.total_bytes_processed
    }

    fn at(&self) -> Option<DateTime<FixedOffset>> {
        DateTime::parse_from_rfc3339(&self.time).ok()
    }
}

/// `--since` as it was given, and as an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// As given.
    pub given: String,
    /// As understood.
    pub at: DateTime<FixedOffset>,
}

/// Which snapshots are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Empty for any.
    pub tag: String,
    /// Empty for any.
    pub host: String,
    /// `None` for any time.
    pub since: Option<Since>,
}

impl Filters {
    /// The words that restic knows for them. It knows none for a time.
    pub fn words(&self) -> Vec<String> {
        [("--tag", &self.tag), ("--host", &self.host)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .flat_map(|(flag, value)| [flag.to_owned(), value.clone()])
            .collect()
    }

    /// `tag='..' host='..'`, with a star for what is not filtered by.
    pub fn shown(&self) -> String {
        format!("tag='{}' host='{}'", star(&self.tag), star(&self.host))
    }

    /// As [`Filters::shown`], with the time.
    pub fn shown_with_since(&self) -> String {
        format!("{} since='{}'", self.shown(), star(self.since.as_ref().map_or("", |since| &since.given)))
    }

    /// The environment for a call with these filters: restic takes `RESTIC_HOST` for a host filter of its own, which
    /// would undo "any host".
    pub fn environment(&self, base: &Environment) -> Environment {
        let mut environment = base.clone();
        if self.host.is_empty() {
            environment.remove("RESTIC_HOST");
        }
        environment
    }

    fn are_any(&self) -> bool {
        self.tag.is_empty() && self.host.is_empty() && self.since.is_none()
    }

    fn keep(&self, mut snapshots: Vec<Snapshot>) -> Vec<Snapshot> {
        if let Some(since) = &self.since {
            // What has no readable time is shown rather than hidden.
            snapshots.retain(|snapshot| snapshot.at().is_none_or(|at| at >= since.at));
        }
        snapshots.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.at()));
        snapshots
    }
}

fn star(value: &str) -> String {
    if value.is_empty() { "*".to_owned() } else { shown(value) }
}

/// Why there is no listing.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// restic failed, or could not be started; the reason, as it may be shown.
    #[error("{0}")]
    Failed(String),
    /// restic said something that is not its JSON.
    #[error("restic snapshots wrote what cannot be read as JSON: {0}")]
    Unreadable(serde_json::Error),
}

/// The matching snapshots, newest first.
pub fn matching(restic: &Restic, filters: &Filters, bounds: &Bounds<'_>) -> Result<Vec<Snapshot>, ListingError> {
    Ok(filters.keep(list(restic, &filters.words(), bounds)?))
}

/// The snapshot that `latest` means; as `matching(..).first()`, but restic sends a few rows only.
pub fn newest(restic: &Restic, filters: &Filters, bounds: &Bounds<'_>) -> Result<Option<Snapshot>, ListingError> {
    let mut words = filters.words();
    words.extend(["--latest".to_owned(), "1".to_owned()]);
    Ok(filters.keep(list(restic, &words, bounds)?).into_iter().next())
}

/// The one snapshot that an id means, whatever its host and tags; `None` if there is no such, or several.
///
/// # Errors
/// Why there is no listing.
pub fn by_id(restic: &Restic, id: &str, bounds: &Bounds<'_>) -> Result<Option<Snapshot>, ListingError> {
    let mut found = list(restic, &[id.to_owned()], bounds)?;
    found.retain(|snapshot| snapshot.id.starts_with(id));
    Ok(found.pop().filter(|_| found.is_empty()))
}

fn list(restic: &Restic, words: &[String], bounds: &Bounds<'_>) -> Result<Vec<Snapshot>, ListingError> {
    // Looking writes nothing: it also works on a repository that is read-only, or locked by a prune.
    let words = ["--json", "--no-lock"].into_iter().chain(words.iter().map(String::as_str));
    let (outcome, listing) = run_whole(&restic.spec("snapshots", words), bounds);
    if !outcome.is_ok() {
        return Err(ListingError::Failed(shown(&outcome.reason())));
    }
    parse(&listing).map_err(ListingError::Unreadable)
}

/// Reads restic's listing.
pub fn parse(json: &[u8]) -> Result<Vec<Snapshot>, serde_json::Error> {
    // An empty repository was `null` in some versions.
    Ok(serde_json::from_slice::<Option<Vec<Snapshot>>>(json)?.unwrap_or_default())
}

/// How filters are chosen, for [`explain_nothing`]: by the three flags of `restore`.
pub const HOST_TAG_SINCE: &str = "--host, --tag and --since, \"\" for any";

/// The same, where there is no `--since`.
pub const HOST_TAG: &str = "--host and --tag, \"\" for any";

/// The same, where an empty value is refused.
pub const HOST_TAG_REPO_WIDE: &str = "--host and --tag, or take --repo-wide";

/// Says why nothing matched: what the repository holds without the filters, and by which `flags` of the command to
/// choose. `restic` must be one for any host.
pub fn explain_nothing(restic: &Restic, filters: &Filters, bounds: &Bounds<'_>, flags: &str) -> String {
    if filters.are_any() {
        return "the repository holds no snapshot at all".to_owned();
    }
    match list(restic, &[], bounds) {
        Ok(all) => explain(&all, flags),
        Err(error) => format!("what there is without these filters is not known: {error}"),
    }
}

fn explain(all: &[Snapshot], flags: &str) -> String {
    if all.is_empty() {
        return "the repository holds no snapshot at all".to_owned();
    }
    let hosts: BTreeSet<&str> = all.iter().map(|snapshot| snapshot.hostname.as_str()).collect();
    let tags: BTreeSet<&str> = all.iter().flat_map(|snapshot| &snapshot.tags).map(String::as_str).collect();
    format!(
        "without these filters there {} (hosts: {}; tags: {}); choose with {flags}",
        if all.len() == 1 { "is 1 snapshot".to_owned() } else { format!("are {} snapshots", all.len()) },
        first_few(&hosts),
        first_few(&tags),
    )
}

fn first_few(names: &BTreeSet<&str>) -> String {
    const FEW: usize = 8;
    if names.is_empty() {
        return "none".to_owned();
    }
    let few: Vec<String> = names.iter().take(FEW).map(|name| shown(name)).collect();
    few.join(", ") + if names.len() > FEW { ", ..." } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::restore::since;

    const LISTING: &str = r#"[
        {"time":"2026-05-01T06:00:00.123456789+02:00","tree":"00","hostname":"node \"a\"","tags":["x"],
         "paths":["/da{ta","/b]"],"id":"11111111aa","short_id":"11111111"},
        {"time":"2026-05-01T05:00:00Z","hostname":"node-b","tags":null,"paths":["/data"],"id":"22222222bbcc"},
        {"time":"2026-04-30T23:00:00-03:00","hostname":"node-b","paths":null,"id":"33333333cc","short_id":"33333333"}
    ]"#;

    fn since(text: &str) -> Filters {
        let at = since::parse(text).expect("is a time");
        Filters { since: Some(Since { given: text.to_owned(), at }), ..Filters::default() }
    }

    fn kept(filters: &Filters) -> Vec<String> {
        let all = parse(LISTING.as_bytes()).expect("is JSON");
        filters.keep(all).iter().map(|snapshot| snapshot.short().to_owned()).collect()
    }

    #[test]
    fn braces_quotes_and_missing_lists_are_read() {
        let all = parse(LISTING.as_bytes()).expect("is JSON");
        assert_eq!(all[0].paths, ["/da{ta", "/b]"]);
        assert_eq!(all[0].hostname, "node \"a\"");
        assert_eq!((all[1].short(), all[1].tags.len(), all[2].paths.len()), ("22222222", 0, 0));
        assert_eq!(parse(b"null").expect("is JSON"), []);
        assert!(parse(b"[{]").is_err());
    }

    #[test]
    fn newest_first_is_by_instant_not_by_text() {
        // 04:00Z, 05:00Z and 02:00Z of the same morning.
        assert_eq!(kept(&Filters::default()), ["22222222", "11111111", "33333333"]);
    }

    #[test]
    fn since_compares_instants_and_keeps_its_own_moment() {
        assert_eq!(kept(&since("2026-05-01T07:00:00+03:00")), ["22222222", "11111111"]);
        assert_eq!(kept(&since("2026-05-01T05:00:00Z")), ["22222222"]);
        assert!(kept(&since("2026-05-01T05:00:01Z")).is_empty());
    }

    #[test]
    fn any_host_drops_the_hosts_default_of_restic() {
        let base: Environment = [("RESTIC_HOST", "other"), ("PATH", "/bin")].into_iter().collect();
        assert_eq!(Filters::default().environment(&base).text("RESTIC_HOST"), None);
        let named = Filters { host: "h".to_owned(), ..Filters::default() };
        assert_eq!(named.environment(&base).text("RESTIC_HOST").as_deref(), Some("other"));
        assert_eq!(named.words(), ["--host", "h"]);
    }

    #[test]
    fn the_explanation_names_hosts_and_tags() {
        let all = parse(LISTING.as_bytes()).expect("is JSON");
        let said = explain(&all, HOST_TAG_REPO_WIDE);
        assert!(said.contains("are 3 snapshots (hosts: node \"a\", node-b; tags: x)"), "{said}");
        assert!(said.ends_with("; choose with --host and --tag, or take --repo-wide"), "{said}");
        assert_eq!(explain(&[], HOST_TAG), "the repository holds no snapshot at all");
    }
}

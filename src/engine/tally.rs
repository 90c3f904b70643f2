//! Counts from what restic prints as text, for commands (and stand-ins) that give no JSON.

use super::Message;
use serde_json::Value;

/// Something that counts while lines go by.
pub trait Tally {
    /// Takes note of a line of either output.
    fn hear(&mut self, line: &str);
}

/// What `forget` kept and removed, over all groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ForgetTally {
    /// Snapshots kept.
    pub kept: u64,
    /// Snapshots removed.
    pub removed: u64,
}

impl Tally for ForgetTally {
    fn hear(&mut self, line: &str) {
        if let Some(count) = between(line, "keep ", " snapshots:") {
            self.kept += count;
        } else if let Some(count) = between(line, "remove ", " snapshots:") {
            self.removed += count;
        } else if line.starts_with("[{")
            && let Ok(Value::Array(groups)) = serde_json::from_str(line)
        {
            // The operator's own --json: one array of groups.
            let count = |group: &Value, key: &str| {
                group.get(key).and_then(Value::as_array).map_or(0, |snapshots| snapshots.len() as u64)
            };
            self.kept += groups.iter().map(|group| count(group, "keep")).sum::<u64>();
            self.removed += groups.iter().map(|group| count(group, "remove")).sum::<u64>();
        }
    }
}

/// What `check` found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckTally {
    /// Errors, one for each that restic names.
    pub errors: u64,
}

impl Tally for CheckTally {
    fn hear(&mut self, line: &str) {
        if let Some(Message::Summary(summary)) = Message::parse(line) {
            self.errors = summary.errors.unwrap_or(self.errors);
            return;
        }
        // A pack that no index knows is harmless, and restic says so itself.
        let is_error = ["error", "Error", "pack ", "Pack ", "download error"].iter().any(|word| line.starts_with(word));
        if is_error && !line.contains("not referenced in any index") {
            self.errors += 1;
        }
    }
}

/// What `prune` did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PruneTally {
    /// Blobs removed.
    pub blobs_removed: Option<u64>,
    /// Blobs that remain.
    pub blobs_remaining: Option<u64>,
}

impl Tally for PruneTally {
    fn hear(&mut self, line: &str) {
        let blobs = |label: &str| between(line.strip_prefix(label)?.trim_start(), "", " blobs");
        self.blobs_removed = blobs("total prune:").or(self.blobs_removed);
        self.blobs_remaining = blobs("remaining:").or(self.blobs_remaining);
    }
}

/// What a backup printed in text; the last of each counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextSummary {
    /// The id of `snapshot … saved`.
    pub snapshot: Option<String>,
    /// Files: new, changed, unmodified.
    pub files: Option<[u64; 3]>,
    /// `1.234 MiB`.
    pub added: Option<String>,
    /// `567.890 KiB`.
    pub stored: Option<String>,
}

impl Tally for TextSummary {
    fn hear(&mut self, line: &str) {
        if let Some(id) = line.strip_prefix("snapshot ").and_then(|rest| rest.strip_suffix(" saved")) {
            if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                self.snapshot = Some(id.to_owned());
            }
        } else if let Some(rest) = line.strip_prefix("Files:") {
            let counts = ["new", "changed", "unmodified"].map(|word| {
                rest.split(',').find_map(|part| part.trim().strip_suffix(word)?.trim().parse::<u64>().ok())
            });
            if let [Some(new), Some(changed), Some(unmodified)] = counts {
                self.files = Some([new, changed, unmodified]);
            }
        } else if let Some(rest) = line.strip_prefix("Added to the repository:") {
            let (added, stored) = rest.split_once('(').map_or((rest, None), |(added, stored)| (added, Some(stored)));
            self.added = Some(added.trim().to_owned());
            self.stored = stored.and_then(|text| Some(text.split_once("stored")?.0.trim().to_owned()));
        }
    }
}

/// The number between two texts, the first at the line's start, the second right behind the number.
fn between(line: &str, before: &str, after: &str) -> Option<u64> {
    line.strip_prefix(before)?.split_once(after)?.0.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<T: Tally + Default>(text: &str) -> T {
        let mut tally = T::default();
        text.lines().for_each(|line| tally.hear(line));
        tally
    }

    #[test]
    fn forget_counts_over_all_groups() {
        let text = "Applying Policy: keep 3 latest snapshots\nkeep 3 snapshots:\n3 snapshots\n\nremove 6 snapshots:\n\
                    6 snapshots\nkeep 2 snapshots:\n[0:00] 100.00%  6 / 6 files deleted";
        assert_eq!(told::<ForgetTally>(text), ForgetTally { kept: 5, removed: 6 });
        let json = r#"[{"keep":[{"id":"a"}],"remove":null},{"keep":[{}],"remove":[{},{}]}]"#;
        assert_eq!(told::<ForgetTally>(json), ForgetTally { kept: 2, removed: 2 });
    }

    #[test]
    fn check_counts_errors_and_neither_retries_nor_harmless_packs() {
        let text = "pack 15: not referenced in any index\n\
                    Load(<data/af>, 515, 0) returned error, retrying after 3.7s: no such file\n\
                    error for tree 475ad39a:\n  ReadFull(<data/af>): no such file\n\
                    pack af5a: does not exist\nFatal: repository contains errors";
        assert_eq!(told::<CheckTally>(text).errors, 2);
        assert_eq!(told::<CheckTally>(r#"{"message_type":"summary","num_errors":3}"#).errors, 3);
    }

    #[test]
    fn prune_counts_blobs() {
        let text = "this removes:          4 blobs / 59.365 KiB\ntotal prune:          11 blobs / 61.733 KiB\n\
                    remaining:            12 blobs / 60.485 KiB";
        let tally = told::<PruneTally>(text);
        assert_eq!((tally.blobs_removed, tally.blobs_remaining), (Some(11), Some(12)));
    }

    #[test]
    fn a_backup_in_text_gives_the_contracts_fields() {
        let text = "Files:           4 new,     0 changed,    12 unmodified\n\
                    Added to the repository: 89.934 KiB (89.271 KiB stored)\nsnapshot 36fa2101 saved";
        let summary = told::<TextSummary>(text);
        assert_eq!(summary.files, Some([4, 0, 12]));
        assert_eq!(summary.added.as_deref(), Some("89.934 KiB"));
        assert_eq!(summary.stored.as_deref(), Some("89.271 KiB"));
        assert_eq!(summary.snapshot.as_deref(), Some("36fa2101"));
    }
}

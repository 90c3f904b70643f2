//! What restic would keep and remove, group by group, from what it tells.

use crate::engine::Tally;
use serde_json::Value;

/// A group of snapshots that the policy is applied to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// `host [nas], paths [/data]`; empty if restic does not tell.
    pub name: String,
    /// Snapshots that would be kept.
    pub kept: u64,
    /// Snapshots that would be removed.
    pub removed: u64,
}

/// All groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Preview {
    pub groups: Vec<Group>,
    /// The next line lists what would be removed, without a policy.
    named_follow: bool,
}

impl Preview {
    /// Snapshots that would be kept, and that would be removed.
    pub(super) fn totals(&self) -> (u64, u64) {
        self.groups.iter().fold((0, 0), |(kept, removed), group| (kept + group.kept, removed + group.removed))
    }

    /// The group that a table belongs to: the last one, unless that has such a table already.
    fn open(&mut self, has_one: impl Fn(&Group) -> bool) -> &mut Group {
        if self.groups.last().is_none_or(has_one) {
            self.groups.push(Group::default());
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }
}

impl Tally for Preview {
    fn hear(&mut self, line: &str) {
        let count = |before: &str| line.strip_prefix(before)?.strip_suffix(" snapshots:")?.parse::<u64>().ok();
        if let Some(name) = line.strip_prefix("snapshots for (").and_then(|rest| rest.strip_suffix("):")) {
            self.groups.push(Group { name: name.to_owned(), ..Group::default() });
        } else if let Some(count) = count("keep ") {
            // What is kept is told before what is removed.
            self.open(|group| group.kept > 0 || group.removed > 0).kept = count;
        } else if let Some(count) = count("remove ") {
            self.open(|group| group.removed > 0).removed = count;
        } else if self.named_follow && self.groups.is_empty() {
            let ids = line.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
            let removed = ids.split_whitespace().count() as u64;
            self.groups.extend((removed > 0).then(|| Group { removed, ..Group::default() }));
        } else if line.starts_with("[{")
            && let Ok(Value::Array(groups)) = serde_json::from_str(line)
        {
            self.groups.extend(groups.iter().map(of_json));
        }
        self.named_follow = line.starts_with("Would have removed the following snapshots:");
    }
}

fn of_json(group: &Value) -> Group {
    let count = |key: &str| group[key].as_array().map_or(0, |snapshots| snapshots.len() as u64);
    let host = group["host"].as_str().filter(|host| !host.is_empty()).map(|host| format!("host [{host}]"));
    let paths: Vec<&str> = group["paths"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let paths = (!paths.is_empty()).then(|| format!("paths [{}]", paths.join(", ")));
    let name = host.into_iter().chain(paths).collect::<Vec<_>>().join(", ");
    Group { name, kept: count("keep"), removed: count("remove") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, u64, u64)> {
        let mut preview = Preview::default();
        text.lines().for_each(|line| preview.hear(line));
        preview.groups.into_iter().map(|group| (group.name, group.kept, group.removed)).collect()
    }

    fn group(name: &str, kept: u64, removed: u64) -> (String, u64, u64) {
        (name.to_owned(), kept, removed)
    }

    #[test]
    fn groups_with_headings_are_told_apart() {
        let text = "Applying Policy: keep all snapshots with tags [[x]]\nsnapshots for (host [a], paths [/d]):\n\
                    keep 1 snapshots:\n1 snapshots\n\nsnapshots for (host [b], paths [/d]):\nremove 3 snapshots:\n\
                    3 snapshots\n\nWould have removed the following snapshots:\n{a b c}\n";
        assert_eq!(told(text), [group("host [a], paths [/d]", 1, 0), group("host [b], paths [/d]", 0, 3)]);
    }

    #[test]
    fn without_headings_a_table_of_its_kind_begins_a_group() {
        let text = "keep 1 snapshots:\nremove 2 snapshots:\nkeep 3 snapshots:\nkeep 4 snapshots:\nremove 5 snapshots:\n\
                    remove 6 snapshots:";
        assert_eq!(told(text), [group("", 1, 2), group("", 3, 0), group("", 4, 5), group("", 0, 6)]);
    }

    #[test]
    fn snapshots_that_are_named_are_counted() {
        assert_eq!(told("Would have removed the following snapshots:\n{0a1b2c3d 1a2b3c4d}"), [group("", 0, 2)]);
        assert_eq!(told("Applying Policy: keep 1 latest snapshots"), []);
    }

    #[test]
    fn json_is_counted_too() {
        let json = r#"[{"tags":null,"host":"h","paths":["/d","/e"],"keep":[{}],"remove":null},{"host":"","paths":null,"keep":null,"remove":[{},{}]}]"#;
        assert_eq!(told(json), [group("host [h], paths [/d, /e]", 1, 0), group("", 0, 2)]);
    }
}

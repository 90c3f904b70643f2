//! What a snapshot holds, by `restic ls --json`: how much there is to export, and the folders above a part of it.

use super::header::{self, Header};
use super::pax::{self, Records};
use super::select::{Choice, Selection, is_below};
use crate::engine::{Bounds, Outcome, Output, Restic, run_text};
use chrono::DateTime;
use serde::Deserialize;
use std::collections::BTreeMap;

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// Members, with the folders above them.
    pub members: u64,
    /// Bytes of files.
    pub bytes: u64,
    /// Members without the folders above them.
    pub chosen: u64,
    /// Pipes, devices and sockets: they are no members.
    pub left_out: u64,
}

/// One line of the listing.
#[derive(Debug, Clone, Deserialize)]
pub struct Node {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    uid: u64,
    #[serde(default)]
    gid: u64,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    mode: u32,
    #[serde(default)]
    mtime: String,
}

impl Node {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.kind == "dir"
    }

    /// Where it is in the snapshot.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is a file, a folder or a link: `restic dump` knows nothing else.
    pub fn is_dumped(&self) -> bool {
        matches!(self.kind.as_str(), "dir" | "file" | "symlink")
    }

    /// The folder as restic would have it in a tar stream.
    pub fn as_member(&self) -> Vec<u8> {
        // Go's bits for these three are others than Unix's.
        const BITS: [(u32, u32); 3] = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];
        let special: u32 = BITS.iter().filter(|(go, _)| self.mode & go != 0).map(|(_, unix)| unix).sum();
        // restic's own headers have the nearest second.
        let nearest = |at: DateTime<_>| at.timestamp() + i64::from(at.timestamp_subsec_millis() >= 500);
        let mtime = DateTime::parse_from_rfc3339(&self.mtime).map_or(0, nearest);
        let name = format!("{}/", self.path.trim_start_matches('/')).into_bytes();
        let mut records = Records::default();
        let mut folder = Header::new(b"", header::FOLDER);
        if !folder.set_facts(self.mode & 0o777 | special, self.uid, self.gid, mtime) {
            let owners = [(&b"uid"[..], self.uid.to_string()), (b"gid", self.gid.to_string())];
            for (key, number) in owners.into_iter().chain([(&b"mtime"[..], mtime.to_string())]) {
                records.set(key, number.into_bytes());
            }
        }
        if !name.is_ascii() || !folder.set_name(&name) {
            records.set(pax::PATH, name);
        }
        let mut member = Vec::new();
        if !records.is_empty() {
            let data = records.write();
            let mut extension = Header::new(b"PaxHeaders.0/member", header::PAX);
            extension.set_size(data.len() as u64);
            member.extend_from_slice(&extension.finished());
            member.extend_from_slice(&data);
            member.resize(member.len() + header::padding(data.len() as u64) as usize, 0);
        }
        member.extend_from_slice(&folder.finished());
        member
    }
}

/// What there is about one path.
#[derive(Debug, Default)]
pub struct Way {
    /// The nodes from the root down to the path, both ends included.
    pub nodes: Vec<Node>,
    /// What lies in the last folder and is no file, folder or link: restic dumps it as an empty file.
    pub special: Vec<String>,
}

/// The way from the root down to `path`; `None` if there is no such path in the snapshot.
///
/// # Errors
/// What came of restic, if that is not well.
pub fn way_to(restic: &Restic, id: &str, path: &str, bounds: &Bounds<'_>) -> Result<Option<Way>, Outcome> {
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    let steps: Vec<&str> = ends.map(|end| &path[..end]).collect();
    let mut found: BTreeMap<String, Node> = BTreeMap::new();
    let words = ["--json", "--no-lock", id].into_iter().chain(steps.iter().copied());
    let mut special = Vec::new();
    let outcome = list(restic, words, bounds, &mut |node| {
        if !node.is_dumped() {
            special.push(node.path.clone());
        }
        if steps.contains(&node.path.as_str()) {
            found.insert(node.path.clone(), node);
        }
    });
    if !outcome.is_ok() {
        return Err(outcome);
    }
    let nodes: Option<Vec<Node>> = steps.iter().map(|step| found.remove(*step)).collect();
    Ok(nodes.map(|nodes| Way { nodes, special }))
}

/// What lies in the root and is no file, folder or link.
///
/// # Errors
/// What came of restic, if that is not well.
pub fn special_in_root(restic: &Restic, id: &str, bounds: &Bounds<'_>) -> Result<Vec<String>, Outcome> {
    let mut special = Vec::new();
    let outcome = list(restic, ["--json", "--no-lock", id, "/"].into_iter(), bounds, &mut |node| {
        if !node.is_dumped() {
            special.push(node.path);
        }
    });
    if outcome.is_ok() { Ok(special) } else { Err(outcome) }
}

/// How much there is of what is selected, below a folder or everywhere.
///
/// # Errors
/// What came of restic, if that is not well.
pub fn total(
    restic: &Restic,
    id: &str,
    part: &Part<'_>,
    selection: &Selection,
    bounds: &Bounds<'_>,
) -> Result<Total, Outcome> {
    let Part { folder, below, above } = *part;
    let mut total = Total::default();
    let mut walk = selection.walk();
    let mut parents: Vec<String> = Vec::new();
    let words = ["--json", "--no-lock", "--recursive", id].into_iter().chain((folder != "/").then_some(folder));
    let outcome = list(restic, words, bounds, &mut |node| {
        let Some(path) = node.path.strip_prefix(below.unwrap_or_default()).filter(|path| !path.is_empty()) else {
            return;
        };
        if !node.is_dumped() {
            total.left_out += u64::from(walk.choose(path.as_bytes(), false) == Choice::Take);
            return;
        }
        match walk.choose(path.as_bytes(), node.is_folder()) {
            Choice::Leave => {}
            Choice::Parent => {
                parents.retain(|parent| is_below(path.as_bytes(), parent.as_bytes()));
                parents.push(path.to_owned());
            }
            Choice::Take => {
                parents.retain(|parent| is_below(path.as_bytes(), parent.as_bytes()));
                total.members += 1 + std::mem::take(&mut parents).len() as u64;
                total.chosen += 1;
                total.bytes += node.size;
            }
        }
    });
    if total.chosen > 0 {
        total.members += above;
    }
    if outcome.is_ok() { Ok(total) } else { Err(outcome) }
}

/// The part of a snapshot that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The folder that holds it.
    pub folder: &'a str,
    /// Where paths begin, if not at the root.
    pub below: Option<&'a str>,
    /// How many folders above it are members, too.
    pub above: u64,
}

fn list<'a>(
    restic: &Restic,
    words: impl Iterator<Item = &'a str>,
    bounds: &Bounds<'_>,
    each: &mut dyn FnMut(Node),
) -> Outcome {
    run_text(&restic.spec("ls", words), bounds, &mut |output| {
        // The first line is the snapshot.
        if let Output::Stdout(line) = output
            && let Ok(node) = serde_json::from_str::<Node>(line)
        {
            each(node);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_member_as_restic_would_have_it() {
        let json = r#"{"name":"exp","type":"dir","path":"/tmp/ü","uid":3000000,"gid":7,"mode":2148532735,
            "permissions":"dtrwxrwxrwx","mtime":"2026-05-01T06:00:00.5+02:00","struct_type":"node"}"#;
        let node: Node = serde_json::from_str(json).expect("is a node");
        let mut bytes = node.as_member();
        bytes.extend(super::super::stream::END);
        let mut archive = tar::Archive::new(&*bytes);
        let entry = archive.entries().expect("is a tar").next().expect("is there").expect("is whole");
        assert_eq!(&*entry.path_bytes(), "tmp/ü/".as_bytes());
        assert_eq!(entry.header().mode().ok(), Some(0o1777));
        assert_eq!(entry.header().mtime().ok(), Some(1_777_608_001));
        assert_eq!(entry.header().uid().ok(), Some(3_000_000));
    }

    #[test]
    fn a_folder_keeps_a_time_that_its_field_has_no_room_for() {
        for (time, seconds) in [("1955-01-01T00:00:00Z", "-473385600"), ("2300-01-01T00:00:00Z", "10413792000")] {
            let json = format!(r#"{{"type":"dir","path":"/old","mode":2147484141,"mtime":"{time}"}}"#);
            let node: Node = serde_json::from_str(&json).expect("is a node");
            let bytes = node.as_member();
            let record = format!(" mtime={seconds}\n");
            assert!(bytes.windows(record.len()).any(|window| window == record.as_bytes()), "{time}");
        }
    }
}

//! What is written: one line a record, with its checksum before it.
//!
//! A line is the CRC-32 (ISO-HDLC) of the JSON as 8 hexadecimal digits in lower case, a space, the JSON, a newline.
//! JSON as it is written here has no newline in it.

use super::super::trial::Trial;
use super::by_name;
use crate::hooks::{Plan, path_of_any_bytes};
use crate::masking::Secrets;
use chrono::{DateTime, Local};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;

/// The version of the format that this program writes.
pub const VERSION: u32 = 1;
/// The longest line that is read, in bytes.
pub(super) const LONGEST: usize = 16 * 1024 * 1024;
/// The largest journal that is read, in bytes.
pub(super) const LARGEST: u64 = 64 * 1024 * 1024;

/// The first record: what does not change while the run lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The run's id.
    pub run_id: String,
    /// The worker's name.
    pub job: String,
    /// Who or what started it.
    pub trigger: String,
    /// The run whose hook started it.
    pub parent: Option<String>,
    /// When its clock began.
    pub started_at: DateTime<Local>,
    /// The host's name as reports have it. Masked.
    pub hostname: String,
    /// What is read or written, as far as known at the start. Masked.
    pub target: String,
    /// The namespace of native hooks, for templates. Masked.
    pub namespace: String,
    /// Only the hooks are tried. Its error is masked.
    pub trial: Option<Trial>,
    /// Whether webhook and mail tell of it.
    pub is_notified: bool,
    /// Whose number is `keeper`: an inode (`/proc/self/ns/pid`), and the boot's id.
    pub pid_namespace: String,
    /// The keeper's number there.
    pub keeper: i32,
    /// The run's folder in `RUN_DIR`, where what hooks hand on lies.
    #[serde(with = "path_of_any_bytes::option")]
    pub folder: Option<PathBuf>,
    /// Its hooks. A hook whose definition holds a secret is kept by name and source, and looked up when it is owed
    /// ([`super::resolve`]); so is one that this program cannot read. Until then it is one that cannot run, and says so
    /// ([`super::is_by_name`]). What was found beside the hooks is not kept.
    #[serde(deserialize_with = "by_name::read")]
    pub plan: Plan,
}

/// The header with the key that tells what it is.
#[derive(Serialize)]
struct First<'a> {
    boathook_journal: u32,
    #[serde(flatten)]
    header: &'a Header,
}

/// What a header of any version has.
#[derive(Deserialize)]
struct Version {
    boathook_journal: u32,
}

impl Header {
    /// The first line, without secrets.
    ///
    /// # Errors
    /// When the plan is too large to be read back.
    pub(super) fn line(&self, secrets: &Secrets) -> io::Result<Vec<u8>> {
        let mask = |text: &str| secrets.mask(text).into_owned();
        let header = Self {
            hostname: mask(&self.hostname),
            target: mask(&self.target),
            namespace: mask(&self.namespace),
            trial: self.trial.as_ref().map(|trial| Trial { error: mask(&trial.error), ..trial.clone() }),
            plan: by_name::reduced(&self.plan, secrets),
            ..self.clone()
        };
        let line = line(&First { boathook_journal: VERSION, header: &header })?;
        if line.len() > LONGEST {
            return Err(io::Error::other("the plan of hooks is larger than 16 MiB: declare fewer of them"));
        }
        Ok(line)
    }

    /// Reads the JSON of the first line.
    ///
    /// # Errors
    /// What is wrong with it, as a predicate of the journal.
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let version: Version =
            serde_json::from_slice(json).map_err(|_| "its first line is none of a journal".to_owned())?;
        match version.boathook_journal {
            VERSION => serde_json::from_slice(json).map_err(|error| format!("its first line cannot be read: {error}")),
            newer if newer > VERSION => Err(format!(
                "it is of version {newer}, this program reads {VERSION}: use the newer boathook that wrote it"
            )),
            other => Err(format!("it is of version {other}, which there never was")),
        }
    }
}

/// One record as its line.
pub(super) fn line(record: &impl Serialize) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(record)?;
    let mut line = format!("{:08x} ", crc32fast::hash(&json)).into_bytes();
    line.extend(json);
    line.push(b'\n');
    Ok(line)
}

/// The JSON of a line without its newline; `None` if its checksum says that it is none.
pub(super) fn json_of(line: &[u8]) -> Option<&[u8]> {
    let (digits, json) = line.split_at_checked(9)?;
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if line.len() > LONGEST || digits[8] != b' ' || !digits[..8].iter().all(is_digit) {
        return None;
    }
    let sum = u32::from_str_radix(std::str::from_utf8(&digits[..8]).ok()?, 16).ok()?;
    (crc32fast::hash(json) == sum).then_some(json)
}

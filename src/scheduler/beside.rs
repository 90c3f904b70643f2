//! Files of ours that other programs read: written beside, synced, renamed.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Puts a file with `content` in the place of `path`, and makes its folders. One caller at a time for each path.
///
/// # Errors
/// When any of it fails; what was there before then stands untouched.
pub(super) fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file");
    let (folder, name) = (path.parent().ok_or_else(missing)?, path.file_name().ok_or_else(missing)?);
    fs::create_dir_all(folder)?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = folder.join(beside);
    // What a dead namesake left is in the way of nobody; a link that lies there is not followed.
    let _ = fs::remove_file(&beside);
    let written = File::create_new(&beside).and_then(|mut file| {
        let _ = file.set_permissions(Permissions::from_mode(mode));
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_with_its_folders_made_and_nothing_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b/root");
        for content in ["one", "two"] {
            replace(&path, content.as_bytes(), 0o600).expect("is written");
            assert_eq!(fs::read_to_string(&path).expect("reads"), content);
        }
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path().join("a/b")).expect("is there").count(), 1);
        assert!(replace(&path.join("below-a-file"), b"", 0o600).is_err());
    }
}

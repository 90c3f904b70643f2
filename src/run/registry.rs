//! The folder of a run in `RUN_DIR`: says that the run is there, and holds what its hooks hand on.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A registered run; the folder is removed by [`Registered::remove`].
#[derive(Debug)]
pub struct Registered {
    folder: PathBuf,
}

impl Registered {
    /// Registers the run: `RUN_DIR/runs/<id>`, which only we can write, with the keeper's number in `pid`.
    ///
    /// # Errors
    /// When the folder cannot be made: the run goes on without, hooks cannot hand values on.
    pub fn new(run_dir: &Path, id: &str) -> io::Result<Self> {
        let runs = run_dir.join("runs");
        DirBuilder::new().recursive(true).mode(0o755).create(&runs)?;
        let folder = runs.join(id);
        DirBuilder::new().mode(0o700).create(&folder)?;
        let registered = Self { folder };
        if let Err(error) = fs::write(registered.folder.join("pid"), format!("{}\n", nix::unistd::getpid())) {
            registered.remove();
            return Err(error);
        }
        Ok(registered)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The run is over.
    pub fn remove(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

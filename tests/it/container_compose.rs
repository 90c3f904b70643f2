//! `docker-compose up` of our service as it stands, with the image under test.

use crate::compose::{compose, composes};
use crate::containers::{image, run};
use crate::support::Finished;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A project of its own, taken down with its volumes when it is dropped.
struct Project {
    words: Vec<&'static str>,
    folder: TempDir,
    image: String,
}

impl Project {
    fn name(&self) -> String {
        let name = self.folder.path().file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        name.replace('.', "")
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    #[track_caller]
    fn compose(&self, args: &[&str]) -> Finished {
        let (name, source) = (self.name(), self.source().display().to_string());
        let variables = [
            ("RESTIC_PASSWORD", "only-for-a-test"),
            ("BOATHOOK_IMAGE", &self.image),
            ("BACKUP_SOURCE", &source),
            ("BACKUP_CRON", "* * * * *"),
            ("TZ", "UTC"),
        ];
        let args = [&["-p", &name], args].concat();
        run(&mut compose(&self.words, &variables, &args))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.compose(&["down", "-v", "-t", "1"]);
    }
}

#[test]
fn our_service_backs_up_with_nothing_but_a_password() {
    let Some(image) = image() else { return };
    let Some(words) = composes().into_iter().next() else { return };
    let folder = tempfile::Builder::new().prefix("boathook-compose-").tempdir().expect("a temporary folder");
    let project = Project { words, folder, image };
    fs::create_dir(project.source()).expect("can be made");
    fs::write(project.source().join("letter.txt"), "a letter\n").expect("can be written");
    project.compose(&["up", "-d", "--no-build"]).ends_with(0);

    let deadline = Instant::now() + Duration::from_secs(150);
    loop {
        let log = project.compose(&["exec", "-T", "backup", "cat", "/var/log/cron.log"]).stdout;
        if log.contains("🏁 Finished backup") && log.contains("hello from the hook post-backup") {
            break;
        }
        assert!(Instant::now() < deadline, "{}", project.compose(&["logs"]).all());
        std::thread::sleep(Duration::from_millis(500));
    }
    let snapshots = project.compose(&["exec", "-T", "backup", "restic", "snapshots", "--json"]).ends_with(0);
    assert!(snapshots.stdout.contains(r#""hostname":"backup-node""#), "{}", snapshots.stdout);
    let metrics = project.compose(&["exec", "-T", "backup", "cat", "/metrics/restic_backup.prom"]).ends_with(0);
    assert!(metrics.stdout.contains("restic_backup_last_exit_code"), "{}", metrics.stdout);
    project.compose(&["exec", "-T", "backup", "status"]).ends_with(0);
    let started = Instant::now();
    project.compose(&["stop"]).ends_with(0);
    assert!(started.elapsed() < Duration::from_secs(50), "it was killed: {:?}", started.elapsed());
    // What is to be kept outlives the container.
    project.compose(&["up", "-d", "--no-build", "--force-recreate"]).ends_with(0);
    let again = project.compose(&["exec", "-T", "backup", "restic", "snapshots", "--json"]).ends_with(0);
    assert!(again.stdout.len() >= snapshots.stdout.len(), "{}", again.stdout);
}

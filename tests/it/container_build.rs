//! Builds with other arguments than the image under test has.

use crate::containers::{docker, image, run};
use crate::support::{Finished, write_executable};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// An image that goes when it is dropped.
struct Built(String);

impl Built {
    fn named(what: &str) -> Self {
        Self(format!("boathook-test-{what}:{}", std::process::id()))
    }

    /// Builds it from a folder; gives what the builder said.
    #[track_caller]
    fn from(&self, folder: &Path, words: &[&str]) -> Finished {
        run(Command::new("docker").args(["build", "--force-rm", "-t", &self.0]).args(words).arg(folder))
    }

    /// Builds it from the project; what is as in the image under test is taken from there.
    #[track_caller]
    fn build(&self, words: &[&str]) -> Finished {
        let release = ["--build-arg", "RESTIC_BACKUP_HELPER_RELEASE=test"];
        self.from(Path::new(env!("CARGO_MANIFEST_DIR")), &[release.as_slice(), words].concat())
    }

    /// Builds the first part of the Dockerfile, up to the instruction that begins like this: what follows takes long and
    /// tells nothing more.
    #[track_caller]
    fn build_up_to(&self, end: &str, words: &[&str]) -> Finished {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile")).expect("is there");
        let (first, _) = text.split_once(&format!("\n{end}")).expect("has this instruction");
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("Dockerfile"), format!("{first}\n")).expect("can be written");
        self.from(folder.path(), words)
    }

    #[track_caller]
    fn run(&self, program: &str, args: &[&str]) -> Finished {
        docker(&[&["run", "--rm", "--entrypoint", program, &self.0], args].concat())
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        docker(&["rmi", "-f", &self.0]);
    }
}

/// A server of rclone's releases, with one release.
struct Releases {
    folder: TempDir,
    server: Child,
    address: String,
}

impl Releases {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = r##"
import hashlib, http.server, os, subprocess, zipfile
arch = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True).stdout.strip()
os.mkdir("v9.9.9")
name = f"rclone-v9.9.9-linux-{arch}"
with zipfile.ZipFile(f"v9.9.9/{name}.zip", "w") as archive:
    archive.writestr(f"{name}/rclone", "#!/bin/sh\necho rclone v9.9.9\n")
digest = hashlib.sha256(open(f"v9.9.9/{name}.zip", "rb").read()).hexdigest()
# As it is signed: text around the sums, and the sums of other archives.
with open("v9.9.9/SHA256SUMS", "w") as sums:
    sums.write(f"-----BEGIN PGP SIGNED MESSAGE-----\n\n{'0' * 64}  rclone-v9.9.9-plan9-386.zip\n{digest}  {name}.zip\n")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(server.server_port, flush=True)
server.serve_forever()
"##;
        let mut server = Command::new("python3")
            .args(["-c", script])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is there");
        let mut port = String::new();
        let mut lines = BufReader::new(server.stdout.take().expect("is piped"));
        lines.read_line(&mut port).expect("says its port");
        Self { folder, server, address: format!("http://127.0.0.1:{}", port.trim()) }
    }

    #[track_caller]
    fn build(&self, built: &Built, version: &str) -> Finished {
        let version = format!("RCLONE_VERSION={version}");
        let mirror = format!("RCLONE_MIRROR={}", self.address);
        let args = ["--build-arg", &version, "--build-arg", &mirror];
        // The server is this machine's.
        built.build_up_to("ARG EXTRA_PACKAGES", &[&["--network", "host"], args.as_slice()].concat())
    }
}

impl Drop for Releases {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn an_rclone_that_is_asked_for_is_the_official_one_and_no_other_is_taken_for_it() {
    if image().is_none() {
        return;
    }
    let (releases, built) = (Releases::start(), Built::named("rclone"));
    let unknown = releases.build(&built, "9.9.8");
    assert_ne!(unknown.code(), 0, "{}", unknown.all());
    assert!(unknown.all().contains("RCLONE_VERSION=9.9.8: cannot fetch "), "{}", unknown.all());

    // With and without the letter in front.
    releases.build(&built, "v9.9.9").ends_with(0);
    assert_eq!(built.run("rclone", &[]).ends_with(0).stdout, "rclone v9.9.9\n");
    let packages = built.run("dpkg-query", &["-W", "rclone", "unzip"]);
    assert_eq!(packages.code(), 1, "Debian's package is there as well, or unzip is: {}", packages.all());
    assert_eq!(built.run("ls", &["/tmp"]).stdout, "");

    let sums = releases.folder.path().join("v9.9.9/SHA256SUMS");
    let text = fs::read_to_string(&sums).expect("is there");
    let (from, to) = text.rsplit_once("  ").map(|(before, _)| (before.len() - 64, before.len())).expect("has a sum");
    fs::write(&sums, format!("{}{}{}", &text[..from], "1".repeat(64), &text[to..])).expect("can be written");
    let forged = releases.build(&built, "9.9.9");
    assert_ne!(forged.code(), 0, "{}", forged.all());
    assert!(forged.all().contains("is not what SHA256SUMS says"), "{}", forged.all());
}

#[test]
fn packages_for_hooks_are_there_when_they_are_asked_for() {
    if image().is_none() {
        return;
    }
    let built = Built::named("packages");
    built.build_up_to("# A user for", &["--build-arg", "EXTRA_PACKAGES=tree pv"]).ends_with(0);
    built.run("tree", &["--version"]).ends_with(0);
    built.run("pv", &["--version"]).ends_with(0);
}

#[test]
fn a_build_from_source_takes_what_cargo_makes() {
    if image().is_none() {
        return;
    }
    // A stand-in for the Rust image, whose compiler is as fast as none: what is tested is the way of the files.
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_executable(
        &folder.path().join("cargo"),
        "#!/bin/sh\nset -eu\n[ \"$*\" = 'build --release --locked --bin boathook' ]\ntest -f Cargo.lock\ntest -f src/main.rs\n\
         test -f tests/it/main.rs\nmkdir -p target/release\nprintf '#!/bin/sh\\necho built from source\\n' > target/release/boathook\n\
         chmod 755 target/release/boathook\n",
    );
    let dockerfile = "FROM debian:trixie-slim\nCOPY cargo /usr/local/bin/cargo\n";
    fs::write(folder.path().join("Dockerfile"), dockerfile).expect("can be written");
    let rust = Built::named("rust");
    rust.from(folder.path(), &[]).ends_with(0);
    let built = Built::named("final");
    let from = format!("RUST_IMAGE={}", rust.0);
    built.build(&["--build-arg", &from]).ends_with(0);
    assert_eq!(built.run("/entry.sh", &[]).ends_with(0).stdout, "built from source\n");
}

#[test]
fn an_image_without_a_program_says_how_to_build_one_with_it() {
    if image().is_none() {
        return;
    }
    let built = Built::named("empty");
    built.build(&["--target", "prebuilt"]).ends_with(0);
    let ended = built.run("/entry.sh", &["backup"]);
    assert_eq!(ended.code(), 1);
    assert!(ended.stderr.contains("build it with --build-arg BINARY="), "{}", ended.all());
    // What is no program of this system is found while building.
    let wrong = built.build(&["--target", "prebuilt", "--build-arg", "BINARY=Cargo.toml"]);
    assert_ne!(wrong.code(), 0, "{}", wrong.all());
}

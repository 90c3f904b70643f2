//! Disks that take nothing more, or nothing at all.

use super::fixture::{header, quick_folder, records, shown};
use super::{Damage, Journal, Writer, look};
use crate::masking::Secrets;
use crate::run::state::Record;
use nix::mount::{MsFlags, mount};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ID: &str = "20260511T073000Z-backup-0a1b2c3d";
/// For what takes a moment.
const PATIENCE: Duration = Duration::from_secs(20);

/// A run up to the end of its records or of the disk. What the disk said: of the journal, or of its records.
fn run(state: &Path) -> (io::Result<()>, bool) {
    let journal = match Journal::create(state, &header(ID), &Secrets::new()) {
        Ok(journal) => journal,
        Err(error) => return (Err(error), false),
    };
    let writer = journal.writer(Arc::default()).expect("has a thread");
    for record in records() {
        writer.note(&record);
    }
    let said = writer.sync(PATIENCE);
    if let Err(error) = &said {
        // The first error stays.
        writer.note(&Record::SummaryWritten);
        let again = writer.sync(PATIENCE).expect_err("has failed");
        assert_eq!((again.kind(), again.to_string()), (error.kind(), error.to_string()));
    }
    (said, true)
}

/// The records that are found afterwards; `None` if there is no journal.
fn left(state: &Path) -> Option<(Vec<String>, Damage)> {
    let mut found = look(state).expect("can be read");
    assert!(found.len() <= 1);
    let (_, records, damage) = found.pop()?.content.expect("has its header");
    Some((shown(&records), damage))
}

#[test]
fn a_disk_that_is_full_at_any_byte_costs_no_record_before_it() {
    let child = "run::journal::disk_tests::the_child_of_the_full_disk";
    let us = std::env::current_exe().expect("is known");
    let ended = Command::new(us).args(["--exact", child, "--ignored", "--nocapture", "--test-threads=1"]).output();
    let ended = ended.expect("can be started");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}

/// Run by the test above in a process of its own: a limit is one of the whole process.
#[test]
#[ignore = "is a part of another test"]
fn the_child_of_the_full_disk() {
    // SAFETY: ignoring runs no code of ours.
    let _ = unsafe { nix::sys::signal::signal(nix::sys::signal::SIGXFSZ, nix::sys::signal::SigHandler::SigIgn) };
    let (_, most) = getrlimit(Resource::RLIMIT_FSIZE).expect("is known");
    let (bytes, ends) = super::fixture::bytes();
    let all = shown(&records());
    for length in 0..=bytes.len() {
        let state = quick_folder();
        setrlimit(Resource::RLIMIT_FSIZE, length as u64, most).expect("is below the limit");
        let (said, made) = run(state.path());
        let whole = ends.iter().filter(|end| **end <= length).count();
        match left(state.path()) {
            None => {
                assert!(whole == 0 && !made, "{length}");
                let names = fs::read_dir(super::folder(state.path())).expect("is there").count();
                assert_eq!(names, 0, "{length}: something is left");
            }
            Some((found, damage)) => {
                assert_eq!((found.as_slice(), damage), (&all[..whole - 1], Damage::default()), "{length}");
            }
        }
        match said {
            Ok(()) => assert_eq!(length, bytes.len()),
            Err(error) => {
                let text = error.to_string();
                let path = if made { format!("{ID}.journal: ") } else { format!(".{ID}.new: ") };
                assert!(length < bytes.len() && text.contains(&path) && text.contains("File too large"), "{text}");
            }
        }
    }
}

/// Runs `test` in a thread that sees a tmpfs with `options` at a folder; nobody else does, and it is gone with the
/// thread. Not without root.
fn with_mount(name: &str, options: &str, test: impl FnOnce(&Path) + Send) {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped (not root): {name}");
        return;
    }
    let folder = tempfile::tempdir().expect("there is room");
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: concerns this thread's view of mounts alone.
            if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
                eprintln!("skipped (no mounts of its own: {}): {name}", io::Error::last_os_error());
                return;
            }
            mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).expect("root");
            mount(Some("tmpfs"), folder.path(), Some("tmpfs"), MsFlags::empty(), Some(options)).expect("are root");
            test(folder.path());
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn a_full_disk_is_an_error_that_says_so() {
    let all = shown(&records());
    let mut seen = [false; 3];
    let see = std::sync::Mutex::new(&mut seen);
    // A page more each time: for what has just been removed room may be kept by a thread that is about to end.
    for pages in 1..=12 {
        with_mount("a_full_disk_is_an_error_that_says_so", &format!("size={}k", pages * 4), |disk| {
            let state = disk.join("state");
            let (said, made) = run_long(&state);
            let text = said.as_ref().err().map(ToString::to_string).unwrap_or_default();
            assert!(said.is_ok() || text.contains("No space left") && text.contains("free some space"), "{text}");
            let found = left(&state);
            assert_eq!(found.is_some(), made);
            if let Some((found, damage)) = &found {
                assert_eq!(*damage, Damage::default());
                assert!(found.iter().zip(all.iter().cycle()).all(|(found, written)| found == written));
            }
            let kind = usize::from(said.is_ok()) + 2 * usize::from(said.is_err() && made);
            see.lock().expect("nobody has panicked")[kind] = true;
        });
    }
    assert!(seen == [true; 3] || seen == [false; 3], "not made, made and whole, made and cut short: {seen:?}");
}

/// As [`run`], with as many records as make four pages.
fn run_long(state: &Path) -> (io::Result<()>, bool) {
    let journal = match Journal::create(state, &header(ID), &Secrets::new()) {
        Ok(journal) => journal,
        Err(error) => return (Err(error), false),
    };
    let writer = journal.writer(Arc::default()).expect("has a thread");
    for record in records().iter().cycle().take(records().len() * 4) {
        writer.note(record);
    }
    (writer.sync(PATIENCE), true)
}

#[test]
fn a_disk_that_is_read_only_is_an_error_that_says_so() {
    with_mount("a_disk_that_is_read_only_is_an_error_that_says_so", "size=64k", |disk| {
        let remount = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(None::<&str>, disk, None::<&str>, remount, None::<&str>).expect("nothing is open");
        let (said, made) = run(&disk.join("state"));
        let text = said.expect_err("is read-only").to_string();
        assert!(!made && text.contains("Read-only file system") && text.contains("mount it for writing"), "{text}");
    });
}

/// Stands in for a disk that takes nothing: a pipe that is full.
fn stuck() -> (File, File) {
    let (reading, writing): (OwnedFd, OwnedFd) = nix::unistd::pipe().expect("there is room");
    let (reading, mut writing) = (File::from(reading), File::from(writing));
    let capacity = nix::fcntl::fcntl(&writing, nix::fcntl::FcntlArg::F_GETPIPE_SZ).expect("is a pipe");
    writing.write_all(&vec![b'x'; capacity as usize]).expect("takes as much");
    (reading, writing)
}

#[test]
fn a_stuck_disk_holds_nobody_up_for_longer_than_he_likes() {
    let (mut reading, writing) = stuck();
    let writer = Writer::start(&writing, Path::new("/state/x.journal"), Arc::default()).expect("has a thread");
    writer.sync(Duration::ZERO).expect("nothing is noted");
    let large = Record::Trouble("x".repeat(1024 * 1024));
    let began = Instant::now();
    for _ in 0..15 {
        writer.note(&large);
    }
    let error = writer.sync(Duration::from_millis(20)).expect_err("is stuck");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(error.to_string().starts_with("/state/x.journal is not on disk after 0.0s"), "{error}");
    // It is no error yet. Too much is one.
    writer.note(&large);
    let error = writer.sync(PATIENCE).expect_err("is too much");
    assert_eq!(error.to_string(), "the disk of /state/x.journal takes nothing: 16 MiB of records wait for it");
    drop(writer);
    assert!(began.elapsed() < PATIENCE, "nobody has waited for the disk");
    // The thread ends as soon as the disk lets it, and writes nothing more.
    drop(writing);
    let mut written = Vec::new();
    reading.read_to_end(&mut written).expect("ends with the thread");
    assert_eq!(written.split(|byte| *byte == b'\n').count(), 2);
}

#[test]
fn what_cannot_be_synced_is_an_error_that_stays() {
    // A pipe knows no sync.
    let (reading, writing) = nix::unistd::pipe().expect("there is room");
    let writer = Writer::start(&File::from(writing), Path::new("/x.journal"), Arc::default()).expect("has a thread");
    writer.note(&Record::Begun);
    for _ in 0..2 {
        let error = writer.sync(PATIENCE).expect_err("cannot be synced").to_string();
        assert!(error.starts_with("cannot sync /x.journal: Invalid argument"), "{error}");
        writer.note(&Record::SummaryWritten);
    }
    drop(reading);
}

#[test]
fn what_is_noted_by_many_is_all_there_in_the_order_of_each() {
    let state = quick_folder();
    let journal = Journal::create(state.path(), &header(ID), &Secrets::new()).expect("can be made");
    // Two writers, as of two processes.
    let writers = [(); 2].map(|()| journal.writer(Arc::default()).expect("has a thread"));
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let writer = writers[thread % 2].clone();
            scope.spawn(move || {
                for number in 0..50 {
                    writer.note(&Record::Died((thread * 1000 + number) as i32));
                    if number % 10 == 9 {
                        writer.sync(PATIENCE).expect("is on disk");
                    }
                }
            });
        }
    });
    let (_, records, damage) = look(state.path()).expect("can be read").remove(0).content.expect("is whole");
    assert_eq!((records.len(), damage), (300, Damage::default()));
    for thread in 0..6 {
        let numbers = records.iter().filter_map(|record| match record {
            Record::Died(number) if number / 1000 == thread => Some(number % 1000),
            _ => None,
        });
        assert!(numbers.eq(0..50), "{thread}");
    }
}

#[test]
fn what_is_noted_is_written_when_the_last_writer_goes() {
    let state = quick_folder();
    let journal = Journal::create(state.path(), &header(ID), &Secrets::new()).expect("can be made");
    let mut secrets = Secrets::new();
    secrets.add("s3cret");
    let writer = journal.writer(Arc::new(secrets)).expect("has a thread");
    writer.note(&Record::Trouble("the s3cret word".to_owned()));
    drop(writer);
    let until = Instant::now() + PATIENCE;
    let noted = loop {
        let noted = left(state.path()).expect("is there").0;
        if !noted.is_empty() || Instant::now() > until {
            break noted;
        }
        std::thread::yield_now();
    };
    assert_eq!(noted, [r#"{"Trouble":"the *** word"}"#]);
}

#[test]
fn a_journal_never_grows_so_large_that_it_is_not_read() {
    let state = quick_folder();
    let journal = Journal::create(state.path(), &header(ID), &Secrets::new()).expect("can be made");
    let large = |status: &str, attempts| {
        let hook = super::fixture::record("dump", status);
        let hook = crate::report::HookRecord { attempts, output_tail: "x".repeat(1024 * 1024), ..hook };
        Record::Hook(0, Box::new(hook))
    };
    let writer = journal.writer(Arc::default()).expect("has a thread");
    for attempt in 1..80 {
        writer.note(&large("running", attempt));
        writer.sync(PATIENCE).expect("there is room");
    }
    writer.note(&large("completed", 80));
    writer.sync(PATIENCE).expect("there is room");
    let size = fs::metadata(journal.path()).expect("is there").len();
    assert!(size < 34 * 1024 * 1024, "{size}");
    let (_, found, damage) = look(state.path()).expect("can be read").remove(0).content.expect("is whole");
    assert_eq!((found.len(), damage), (80, Damage::default()));
    let Some(Record::Hook(0, last)) = found.last() else { panic!("is the hook's end") };
    assert_eq!((last.status.as_str(), last.attempts, last.output_tail.as_str()), ("completed", 80, ""));
}

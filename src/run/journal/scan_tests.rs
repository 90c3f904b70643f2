//! The living and the dead, and what is in the way.

use super::fixture::{bytes, header, quick_folder, records, shown};
use super::{Damage, Found, Journal, Taken, folder, look, take};
use crate::masking::Secrets;
use crate::run::state::Record;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const ID: &str = "20260511T073000Z-restore-test-0a1b2c3d";
const PATIENCE: Duration = Duration::from_secs(20);

fn create(state: &Path, id: &str) -> Journal {
    Journal::create(state, &header(id), &Secrets::new()).expect("can be made")
}

fn only(state: &Path) -> Found {
    let mut found = look(state).expect("can be read");
    assert_eq!(found.len(), 1, "{found:?}");
    found.pop().expect("is one")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("is there").permissions().mode() & 0o7777
}

#[test]
fn a_journal_lives_as_long_as_anybody_has_it_open() {
    let state = quick_folder();
    assert!(look(&state.path().join("none")).expect("is no error").is_empty());
    let journal = create(state.path(), ID);
    let path = journal.path().to_owned();
    assert_eq!(path, folder(state.path()).join(format!("{ID}.journal")));
    assert_eq!((mode(&path), mode(&folder(state.path()))), (0o600, 0o700));
    let found = only(state.path());
    assert_eq!((found.run_id.as_str(), found.job.as_str(), found.alive), (ID, "restore-test", true));
    let (read, noted, damage) = found.content.expect("is whole");
    assert_eq!((*read, noted.len(), damage), (header(ID), 0, Damage::default()));
    assert!(matches!(take(&path), Taken::Alive));
    // Another process of the run goes on.
    let shared = journal.as_fd().try_clone_to_owned().expect("there is room");
    drop(journal);
    assert!(only(state.path()).alive);
    assert!(matches!(take(&path), Taken::Alive));
    drop(shared);
    assert!(!only(state.path()).alive);
    let Taken::Dead(dead) = take(&path) else { panic!("is not taken") };
    assert_eq!((&dead.header, dead.records.len()), (&header(ID), 0));
    // Whoever recovers it lives.
    assert!(only(state.path()).alive);
    assert!(matches!(take(&path), Taken::Alive));
    dead.journal.remove().expect("is ours");
    assert!(matches!(take(&path), Taken::Gone));
}

#[test]
fn a_recovery_goes_on_in_the_same_journal() {
    let state = quick_folder();
    let journal = create(state.path(), ID);
    let path = journal.path().to_owned();
    let all = records();
    let note = |journal: &Journal, records: &[Record]| {
        let writer = journal.writer(Arc::default()).expect("has a thread");
        for record in records {
            writer.note(record);
        }
        writer.sync(PATIENCE).expect("is on disk");
    };
    note(&journal, &all[..5]);
    drop(journal);
    // The thread may still be about to end.
    let dead = loop {
        if let Taken::Dead(dead) = take(&path) {
            break dead;
        }
    };
    assert_eq!(shown(&dead.records), shown(&all[..5]));
    note(&dead.journal, &all[5..]);
    let found = only(state.path()).content.expect("is whole");
    assert_eq!((shown(&found.1), found.2), (shown(&all), Damage::default()));
}

#[test]
fn a_torn_end_swallows_nothing_of_who_goes_on() {
    let state = quick_folder();
    let journal = create(state.path(), ID);
    let path = journal.path().to_owned();
    drop(journal);
    let (_, ends) = bytes();
    let (bytes, _) = bytes();
    for cut in ends[2]..ends[3] {
        fs::write(&path, &bytes[..cut]).expect("there is room");
        let Taken::Dead(dead) = take(&path) else { panic!("is not taken") };
        assert_eq!(dead.damage.torn, cut > ends[2]);
        let writer = dead.journal.writer(Arc::default()).expect("has a thread");
        writer.note(&Record::SummaryWritten);
        writer.sync(PATIENCE).expect("is on disk");
        let (_, found, damage) = only(state.path()).content.expect("can be read");
        // Torn off at its newline, a record is whole again.
        let mended = usize::from(cut + 1 == ends[3]);
        assert_eq!((found.len(), damage.torn), (3 + mended, false), "{cut}");
        assert_eq!(damage.lost, usize::from(cut > ends[2]) - mended);
        drop((writer, dead));
        while matches!(take(&path), Taken::Alive) {}
    }
}

#[test]
fn what_is_no_journal_is_reported_and_stays() {
    let state = quick_folder();
    let home = folder(state.path());
    drop(create(state.path(), ID));
    let whole = fs::read(home.join(format!("{ID}.journal"))).expect("is there");
    let put = |name: &str, bytes: &[u8]| {
        let path = home.join(name);
        fs::write(&path, bytes).expect("there is room");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("is ours");
    };
    put("a-empty-1.journal", b"");
    put("b-torn-1.journal", &whole[..40]);
    put("c-open-1.journal", &whole);
    fs::set_permissions(home.join("c-open-1.journal"), Permissions::from_mode(0o620)).expect("is ours");
    put("large.journal", b"");
    let large = fs::File::options().write(true).open(home.join("large.journal")).expect("is there");
    large.set_len(64 * 1024 * 1024 + 1).expect("needs no room");
    symlink(format!("{ID}.journal"), home.join("link.journal")).expect("there is room");
    fs::create_dir(home.join("dir.journal")).expect("there is room");
    nix::unistd::mkfifo(&home.join("pipe.journal"), nix::sys::stat::Mode::S_IRWXU).expect("there is room");
    if nix::unistd::geteuid().is_root() {
        put("other.journal", &whole);
        std::os::unix::fs::chown(home.join("other.journal"), Some(65534), None).expect("are root");
    }
    // None of these is one, by its name.
    put(".hidden.journal", b"");
    put("notes.txt", b"");
    let found = look(state.path()).expect("can be read");
    let reasons: Vec<(String, String)> =
        found.iter().filter_map(|found| Some((found.run_id.clone(), found.content.as_ref().err()?.clone()))).collect();
    for (name, why) in [
        ("a-empty-1", "it is empty"),
        ("b-torn-1", "its first line is not whole"),
        ("c-open-1", "others may write it (mode 0620)"),
        ("dir", "it is a folder"),
        ("large", "it is larger than 64 MiB"),
        ("link", "it is a symbolic link"),
        ("pipe", "it is a pipe"),
    ] {
        let said = reasons.iter().find(|(of, _)| of == name).unwrap_or_else(|| panic!("{name}: {reasons:?}"));
        assert!(said.1.starts_with(why), "{said:?}");
        let Taken::Unreadable(taken) = take(&home.join(format!("{name}.journal"))) else { panic!("{name} is taken") };
        assert_eq!(taken, said.1);
    }
    if nix::unistd::geteuid().is_root() {
        assert!(reasons.iter().any(|(of, why)| of == "other" && why.starts_with("it belongs to user 65534")));
    }
    let good: Vec<&str> = found.iter().filter(|one| one.content.is_ok()).map(|one| one.run_id.as_str()).collect();
    assert_eq!(good, [ID]);
    assert_eq!(found.len(), reasons.len() + 1, "{found:?}");
}

#[test]
fn journals_stand_in_the_order_of_their_age() {
    let state = quick_folder();
    let ids = ["20260511T073001Z-check-0a1b2c3d", "20251231T235959Z-prune-ffffffff", ID];
    let living: Vec<Journal> = ids.iter().map(|id| create(state.path(), id)).collect();
    let found: Vec<String> = look(state.path()).expect("can be read").into_iter().map(|found| found.run_id).collect();
    assert_eq!(found, [ids[1], ids[2], ids[0]]);
    drop(living);
}

#[test]
fn what_was_left_half_made_is_removed_unless_somebody_makes_it() {
    let state = quick_folder();
    let home = folder(state.path());
    drop(create(state.path(), "old"));
    fs::write(home.join(".stale.new"), "half").expect("there is room");
    fs::write(home.join("keep.new"), "mine").expect("there is room");
    symlink("keep.new", home.join(".link.new")).expect("there is room");
    let making = fs::File::create(home.join(".making.new")).expect("there is room");
    fs2::FileExt::lock_exclusive(&making).expect("is free");
    drop(create(state.path(), ID));
    let mut names: Vec<String> = fs::read_dir(&home)
        .expect("is there")
        .map(|entry| entry.expect("can be read").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, [".link.new", ".making.new", &format!("{ID}.journal"), "keep.new", "old.journal"]);
}

#[test]
fn nothing_in_the_way_is_overwritten_or_followed() {
    let state = quick_folder();
    let home = folder(state.path());
    drop(create(state.path(), "old"));
    let victim = state.path().join("victim");
    fs::write(&victim, "dear diary").expect("there is room");
    symlink(&victim, home.join(format!(".{ID}.new"))).expect("there is room");
    let error = Journal::create(state.path(), &header(ID), &Secrets::new()).expect_err("is in the way").to_string();
    assert!(error.contains(".new: File exists") && error.contains("move away what lies there"), "{error}");
    fs::remove_file(home.join(format!(".{ID}.new"))).expect("is ours");
    let path = home.join(format!("{ID}.journal"));
    symlink(&victim, &path).expect("there is room");
    let error = Journal::create(state.path(), &header(ID), &Secrets::new()).expect_err("is in the way").to_string();
    assert!(error.starts_with(&format!("cannot make {}: File exists", path.display())), "{error}");
    assert_eq!(fs::read_to_string(&victim).expect("is there"), "dear diary");
    assert!(!home.join(format!(".{ID}.new")).exists(), "nothing is left");
    // The folder itself.
    let other = quick_folder();
    symlink(&home, folder(other.path())).expect("there is room");
    let error = Journal::create(other.path(), &header(ID), &Secrets::new()).expect_err("is a link").to_string();
    assert!(error.contains("cannot open"), "{error}");
    fs::set_permissions(&home, Permissions::from_mode(0o777)).expect("is ours");
    fs::remove_file(&path).expect("is ours");
    drop(create(state.path(), ID));
    assert_eq!(mode(&home), 0o700, "closed to others");
}

#[test]
fn many_that_make_journals_at_once_do_not_take_each_other_for_stale() {
    let state = quick_folder();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let state = state.path();
            scope.spawn(move || {
                for run in 0..40 {
                    let journal = create(state, &format!("20260511T073000Z-backup-{thread:04x}{run:04x}"));
                    assert!(journal.path().exists(), "{}", journal.path().display());
                }
            });
        }
    });
    let found = look(state.path()).expect("can be read");
    assert_eq!(found.len(), 320);
    assert!(found.iter().all(|one| !one.alive && one.content.is_ok()));
}

#[test]
fn who_only_looks_keeps_nobody_from_taking() {
    let state = quick_folder();
    let path = create(state.path(), ID).path().to_owned();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    only(state.path());
                }
            });
        }
        for _ in 0..100 {
            assert!(matches!(take(&path), Taken::Dead(_)));
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_journal_that_is_removed_while_it_is_taken_is_gone() {
    for _ in 0..50 {
        let state = quick_folder();
        let journal = create(state.path(), ID);
        let path = journal.path().to_owned();
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| take(&path));
            journal.remove().expect("is ours");
            drop(journal);
            assert!(matches!(taking.join().expect("ends"), Taken::Gone));
        });
    }
}

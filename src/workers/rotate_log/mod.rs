//! `rotate_log`: archives `cron.log` once it is large (contract: workers, section 10). No other log is touched.
//!
//! No run and no worker: no hooks, no summary, no notification.

mod archive;
mod cut;

use super::skeleton::timestamp;
use crate::exit;
use crate::masking::{output, say};
use crate::settings::{Rotation, Settings};
use chrono::Local;
use cut::Cut;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long another rotation is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);

/// Looks at `cron.log`, and archives it if it is due. Gives the exit code.
pub fn rotate(settings: &Settings) -> i32 {
    let output = match output::open(Arc::clone(&settings.secrets), settings.log.clone()) {
        Ok(output) => output,
        Err(error) => {
            let _ = writeln!(io::stderr(), "❌ rotate_log cannot start: {error}");
            return exit::FAILURE;
        }
    };
    let own_log = settings.paths.log.join("rotate-last.log");
    let _ = fs::remove_file(&own_log);
    if let Err(error) = output.open_log(&own_log) {
        say::warn(format!("⚠️ The log {} cannot be written: {error}", own_log.display()));
    }
    say::info(format!("📋 Starting rotation check at {}...", timestamp()));
    say::log_only(format!("ROTATE_LOG_CRON: {}", settings.schedules.rotate_log));
    let Rotation { max_size, archives } = &settings.rotation;
    for (variable, value) in [("CRON_LOG_MAX_SIZE", max_size), ("MAX_CRON_LOG_ARCHIVES", archives)] {
        let shown = value.as_ref().map_or_else(Clone::clone, u64::to_string);
        say::log_only(format!("{variable}: {shown}"));
    }
    let result = numbers(&settings.rotation).and_then(|(limit, archives)| {
        let folder = &settings.paths.log;
        match rotate_at(&folder.join("cron.log"), limit)? {
            Some(new) => remove_old(folder, archives, &new),
            None => Ok(()),
        }
    });
    let code = match result {
        Ok(()) => {
            say::info(format!("✅ Log rotation check completed successfully at {}...", timestamp()));
            exit::SUCCESS
        }
        Err(problem) => {
            say::error(format!("❌ {problem}"));
            // What is said on standard output may land in the very log that cannot be rotated.
            let _ = writeln!(io::stderr(), "❌ rotate_log: {}", settings.secrets.mask(&problem));
            exit::FAILURE
        }
    };
    output.flush();
    code
}

/// The two numbers.
fn numbers(rotation: &Rotation) -> Result<(u64, u64), String> {
    let number = |name: &str, value: &Result<u64, String>| {
        value.clone().map_err(|given| format!("{name} must be a positive integer (got '{given}')."))
    };
    Ok((number("CRON_LOG_MAX_SIZE", &rotation.max_size)?, number("MAX_CRON_LOG_ARCHIVES", &rotation.archives)?))
}

/// Archives the log if it has reached the limit, in bytes; gives the archive's name if it did.
fn rotate_at(log: &Path, limit: u64) -> Result<Option<String>, String> {
    let shown = log.display();
    // Two rotations at once would archive the same lines, and remove twice as many. The log itself is not locked for
    // so long: whoever appends may use that lock.
    let _rotating = match log.parent().map(File::open) {
        Some(Ok(folder)) => {
            cut::lock(&folder, LOCK_PATIENCE)
                .map_err(|error| format!("Log file {shown} cannot be rotated: {error}"))?;
            Some(folder)
        }
        _ => None,
    };
    let file = match File::options().read(true).write(true).open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(format!("Log file does not exist: {shown}..."));
        }
        Err(error) => return Err(format!("Log file {shown} cannot be opened: {error}")),
    };
    let size = file.metadata().map_err(|error| format!("Log file {shown} cannot be read: {error}"))?.len();
    if size < limit {
        say::info(format!("📊 Log file size is {size} bytes, rotation not needed."));
        return Ok(None);
    }
    let cut = Cut::plan(&file, size).map_err(|error| format!("Log file {shown} cannot be read: {error}"))?;
    let archive = archive::free_name(log, Local::now());
    archive::write(&archive, &file, cut.archived())
        .map_err(|error| format!("Failed to create archive {} ({error}); cron.log left intact.", archive.display()))?;
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    cut.carry_out(&file, &name)
        .map_err(|error| format!("Log file {shown} cannot be shortened ({error}); what it holds is in {name}, too."))?;
    say::info(format!("🔄 Log file rotated and archived as {name}..."));
    Ok(Some(name))
}

/// Removes the oldest archives, so that `keep` of them are left. The new one is the newest, whatever its name says: a
/// clock may have been set back.
fn remove_old(folder: &Path, keep: u64, new: &str) -> Result<(), String> {
    let mut names = archive::names(folder)
        .map_err(|error| format!("The archives in {} cannot be listed: {error}", folder.display()))?;
    names.retain(|name| name != new);
    let others = usize::try_from(keep).unwrap_or(usize::MAX).saturating_sub(1);
    let surplus = names.len().saturating_sub(others);
    for name in &names[..surplus] {
        fs::remove_file(folder.join(name))
            .map_err(|error| format!("The old archive {name} cannot be removed: {error}"))?;
        say::info(format!("🗑️ Removed old archive {name}"));
    }
    Ok(())
}

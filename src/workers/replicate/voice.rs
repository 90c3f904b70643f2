//! The lines of one job: said at once, or kept as a block while other jobs run.

use crate::masking::{Secrets, say};
use crate::settings::Settings;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use tempfile::SpooledTempFile;

/// How much of a block is kept in memory, in bytes; what is longer goes to a file without a name.
const IN_MEMORY: usize = 256 * 1024;

/// Who speaks for a job.
pub(super) struct Voice<'a> {
    /// Informational lines go to the console, too.
    verbose: bool,
    /// What is secret in this job.
    secrets: &'a Secrets,
    block: Option<Block>,
}

/// Lines for the log that wait for their turn.
pub(super) struct Block {
    mark: String,
    lines: SpooledTempFile,
    lost: u64,
}

impl<'a> Voice<'a> {
    /// A voice that is heard at once.
    pub(super) fn at_once(settings: &Settings, secrets: &'a Secrets) -> Self {
        Self { verbose: settings.jobs.replicate_verbose, secrets, block: None }
    }

    /// A voice beside others: the console hears it at once with the job's number, the log gets it as one block.
    pub(super) fn beside_others(settings: &Settings, secrets: &'a Secrets, number: usize) -> Self {
        let log = &settings.log;
        let verbose = settings.jobs.replicate_verbose && log.verbose && log.level >= tracing::Level::INFO;
        let folder = Some(settings.paths.temporary.as_str()).filter(|folder| !folder.is_empty()).unwrap_or("/tmp");
        let lines = SpooledTempFile::new_in(IN_MEMORY, Path::new(folder));
        Self { verbose, secrets, block: Some(Block { mark: format!("[job {number}] "), lines, lost: 0 }) }
    }

    /// Informational: console when verbose, and log.
    pub(super) fn info(&mut self, line: impl AsRef<str>) {
        let line = self.secrets.mask(line.as_ref());
        match &mut self.block {
            None if self.verbose => say::info(line),
            None => say::log_only(line),
            Some(block) => {
                block.keep(&line);
                if self.verbose {
                    say::console_only(format!("{}{line}", block.mark));
                }
            }
        }
    }

    /// An error or a warning: always on the console, and log.
    pub(super) fn error(&mut self, line: impl AsRef<str>) {
        let line = self.secrets.mask(line.as_ref());
        match &mut self.block {
            None => say::error(line),
            Some(block) => {
                block.keep(&line);
                say::console_error(format!("{}{line}", block.mark));
            }
        }
    }

    /// To the log alone.
    pub(super) fn log(&mut self, line: impl AsRef<str>) {
        let line = self.secrets.mask(line.as_ref());
        match &mut self.block {
            None => say::log_only(line),
            Some(block) => block.keep(&line),
        }
    }

    /// Something that is only told, without the job's secrets.
    pub(super) fn masked(&self, text: &str) -> String {
        self.secrets.mask(text).into_owned()
    }

    /// What waits for its turn.
    pub(super) fn into_block(self) -> Option<Block> {
        self.block
    }
}

impl Block {
    fn keep(&mut self, line: &str) {
        // A full disk costs the lines, and the job goes on.
        if self.lost > 0 || writeln!(self.lines, "{line}").is_err() {
            self.lost += 1;
        }
    }

    /// Its turn has come.
    pub(super) fn print(mut self) {
        if self.lines.seek(SeekFrom::Start(0)).is_ok() {
            for line in BufReader::new(&mut self.lines).lines().map_while(Result::ok) {
                say::log_only(line);
            }
        }
        if self.lost > 0 {
            let lost = self.lost;
            say::error(format!("⚠️ {}{lost} lines were lost: the temporary folder takes no more.", self.mark));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masking::heard::heard;
    use crate::settings::{self, Environment};

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        settings::read(&pairs.iter().copied().collect::<Environment>())
    }

    fn speak(mut voice: Voice<'_>) -> Option<Block> {
        voice.info("an info of s3cret");
        voice.error("an error");
        voice.log("a line of rclone");
        voice.into_block()
    }

    #[test]
    fn a_voice_alone_is_heard_at_once() {
        let mut secrets = Secrets::new();
        secrets.add("s3cret");
        let (_, lines) = heard(|| speak(Voice::at_once(&settings(&[]), &secrets)));
        assert_eq!(lines, ["info: an info of ***", "error: an error", "log: a line of rclone"]);
        let (_, lines) = heard(|| speak(Voice::at_once(&settings(&[("REPLICATE_VERBOSE", "OFF")]), &secrets)));
        assert_eq!(lines, ["log: an info of ***", "error: an error", "log: a line of rclone"]);
    }

    #[test]
    fn beside_others_the_log_waits() {
        let secrets = Secrets::new();
        let (block, lines) = heard(|| speak(Voice::beside_others(&settings(&[]), &secrets, 3)));
        assert_eq!(lines, ["console: [job 3] an info of s3cret", "console: [job 3] an error"]);
        let ((), lines) = heard(|| block.expect("waits").print());
        assert_eq!(lines, ["log: an info of s3cret", "log: an error", "log: a line of rclone"]);
    }

    #[test]
    fn a_long_block_goes_through_a_file() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let settings = settings(&[("TMPDIR", &folder.path().display().to_string())]);
        let secrets = Secrets::new();
        let mut voice = Voice::beside_others(&settings, &secrets, 1);
        let line = "x".repeat(1000);
        for _ in 0..1000 {
            voice.log(&line);
        }
        let block = voice.into_block().expect("waits");
        assert!(block.lines.is_rolled());
        assert_eq!(heard(|| block.print()).1.len(), 1000);
    }
}

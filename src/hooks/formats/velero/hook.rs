//! What an annotation or an item of a spec says, as a hook of ours, and where the two differ.

use super::super::super::document::At;
use super::super::super::model::{Exec, Executor, Origin};
use super::super::super::{Action, Declared, Finding, OnError, Owner, Phase, Policy, Text};
use super::Reading;
use std::time::Duration;

/// The limit of a hook that has none of its own.
const LIMIT: Duration = Duration::from_secs(30);

/// When a hook runs: Velero has these three times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    PreBackup,
    PostBackup,
    PostRestore,
}

impl Time {
    pub(super) fn worker(self) -> &'static str {
        if self == Self::PostRestore { "restore" } else { "backup" }
    }

    pub(super) fn phase(self) -> Phase {
        if self == Self::PreBackup { Phase::Pre } else { Phase::Post }
    }

    /// What an unset `on-error` means, as Velero documents it.
    pub(super) fn on_error(self) -> OnError {
        if self == Self::PostRestore { OnError::Continue } else { OnError::Fail }
    }
}

/// What an annotation or an item of a spec says.
pub(super) struct Said {
    pub(super) at: At,
    pub(super) name: String,
    pub(super) time: Time,
    pub(super) command: Vec<String>,
    pub(super) container: Option<String>,
    pub(super) on_error: Option<OnError>,
    pub(super) timeout: Option<Duration>,
    pub(super) executor: Executor,
    pub(super) notes: Vec<String>,
    pub(super) warnings: Vec<Finding>,
}

impl Said {
    /// Adds the hook to what was found.
    pub(super) fn declare(self, reading: &mut Reading<'_>) {
        let Self { at, time, .. } = self;
        let origin = Origin { file: reading.file.to_owned(), at, document: reading.document.clone() };
        let command: Vec<Text> = self.command.iter().map(Text::plain).collect();
        let action = Action::Exec(Exec { command, ..Exec::default() });
        let mut hook = Declared::new(Owner::Worker(time.worker()), time.phase(), Some(action), origin);
        let on_error = self.on_error.unwrap_or(time.on_error());
        hook.name = Some(self.name);
        hook.on_error = Some(on_error);
        hook.timeout = Some(self.timeout.filter(|limit| !limit.is_zero()).unwrap_or(LIMIT));
        hook.executor = Some(self.executor);
        hook.container_name = self.container;
        hook.notes = self.notes;
        hook.warnings = self.warnings;
        if self.timeout.is_some_and(|limit| limit.is_zero()) {
            hook.notes.push("a time limit of 0 is Velero's default of 30s".to_owned());
        }
        if time != Time::PostRestore && self.on_error.is_none() {
            hook.notes.push(
                "on-error is not given: Velero's documentation says Fail, and so it is here; Velero itself went on as \
                 with Continue"
                    .to_owned(),
            );
        }
        if let [word] = self.command.as_slice()
            && word.contains(char::is_whitespace)
        {
            hook.notes
                .push(format!("'{word}' is one word, the name of a program with blanks in it: nothing splits it"));
            hook.warnings.push(Finding {
                what: format!("runs the program '{word}', whose name has blanks in it"),
                mend: "write program and arguments as a list of texts".to_owned(),
            });
        }
        if time == Time::PostRestore {
            // A pod that was not restored had no hooks run in it.
            hook.policy = Policy::OnSuccess;
            hook.stop_phase_on_error = on_error == OnError::Fail;
        }
        for note in time_notes(time) {
            reading.note(*note);
        }
        reading.found.hooks.push(hook);
    }
}

/// Where hooks of this time differ from what Velero did with them.
fn time_notes(time: Time) -> &'static [&'static str] {
    match time {
        Time::PreBackup | Time::PostBackup => &[
            "after a pre hook that failed with Fail, Velero ran no post hook of that pod, and what was frozen stayed \
             frozen; here the post hooks run whatever became of the run",
            "after a pre hook that failed with Fail, Velero left the pod out and backed up its volumes and the other \
             pods; here nothing is backed up",
            "after a post hook that failed with Fail, Velero ran no later post hook of that pod; here they run",
            "Velero had no order between pods; here the hooks run one after the other, as they stand",
            "a failed hook made Velero's backup PartiallyFailed; here the run fails where on-error is Fail, and is a \
             warning where it is Continue",
            "a command that timed out went on in its container under Velero; here everything that it started is ended",
        ],
        Time::PostRestore => &[
            "Velero waited until the restored container was running or ready; here the hook runs when the restore has \
             ended, and nothing is waited for: wait-timeout and wait-for-ready have no effect",
            "a wait-timeout that had passed did not keep Velero from running the hook, and a failure that was to be \
             tolerated kept hooks of other pods from running; here neither happens",
            "Velero ran hooks in pods that had been restored; here they run after a restore that succeeded",
            "a command that timed out went on in its container under Velero; here everything that it started is ended",
        ],
    }
}

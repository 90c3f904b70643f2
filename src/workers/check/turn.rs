//! One run's part of the data: which it is, and what came of it.

use super::rotation::{Begins, Moment, Rotation};
use crate::engine::Outcome;
use crate::exit;
use crate::masking::say;
use crate::run::WorkContext;
use crate::workers::maintenance::Beside;
use chrono::Utc;
use serde_json::json;
use std::path::PathBuf;

/// What a run of `check` has of the rotation; nothing where there is none.
#[derive(Debug, Default)]
pub struct Turn {
    taken: Option<(PathBuf, Rotation)>,
    warnings: Vec<String>,
}

impl Beside for Turn {
    fn begin(&mut self, cx: &WorkContext<'_>) -> Vec<String> {
        let Some(parts) = cx.settings.jobs.check_rotate else { return Vec::new() };
        let shown = &cx.settings.repository.shown;
        let file = Rotation::file(&cx.settings.paths.state, shown);
        let (rotation, begins) = Rotation::begin(Rotation::read(&file), shown, parts, Utc::now());
        let round = match (&begins, rotation.round_started_at) {
            (Begins::WithinARound, Some(began)) => format!("the round began {}", began.day()),
            _ => "a new round begins".to_owned(),
        };
        match begins {
            Begins::AsPartsWere(before) => {
                say::info(format!("🔁 RESTIC_CHECK_ROTATE is {parts} and was {before}: what was read does not count."));
            }
            Begins::Unknowing(why) => {
                let warning =
                    format!("{} cannot be read ({why}): all data is read again, from part 1 on", file.display());
                say::warn(format!("⚠️ {warning}."));
                self.warnings.push(warning);
            }
            Begins::WithinARound | Begins::ARound => {}
        }
        let part = rotation.next_part;
        say::info(format!("🔁 Reading part {part} of {parts} of the data (RESTIC_CHECK_ROTATE; {round})."));
        self.taken = Some((file, rotation));
        // Before the operator's words, among which there may be a `--`.
        vec![format!("--read-data-subset={part}/{parts}")]
    }

    fn end(&mut self, cx: &mut WorkContext<'_>, outcome: &Outcome) -> Vec<String> {
        let mut warnings = std::mem::take(&mut self.warnings);
        let Some((file, mut rotation)) = self.taken.take() else { return warnings };
        let (part, parts, began) = (rotation.next_part, rotation.parts, rotation.round_started_at);
        let over = rotation.end(outcome.code(), Utc::now());
        let written = rotation.write(&file);
        let again = match &written {
            Ok(()) => outcome.code() != exit::SUCCESS,
            Err(error) => {
                let warning = format!(
                    "{} cannot be written ({error}), so the next run will read part {part} of {parts} again: let this \
                     user write to STATE_DIR",
                    file.display()
                );
                say::warn(format!("⚠️ {warning}."));
                warnings.push(warning);
                false
            }
        };
        if again {
            say::info(format!("🔁 The next run reads part {part} of {parts} again."));
        }
        if let Some(began) = over {
            say::info(format!("🔁 All data has been read: the round of {parts} that began {} is over.", began.day()));
        }
        let next = if written.is_ok() { rotation.next_part } else { part };
        cx.stat(
            "rotation",
            json!({
                "part": part,
                "parts": parts,
                "next_part": next,
                "round_started_at": began.map(Moment::text),
                "full_round_finished_at": rotation.full_round_finished_at.map(Moment::text),
            }),
        );
        warnings
    }
}

//! The console while the container boots. Nobody need read it: a boot waits for that no longer than the schedule does.

use super::outlet::{Format, Outlet};
use crate::masking::Secrets;
use crate::schedule::Zone;
use crate::settings::Settings;
use chrono::Utc;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a console that is behind is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Where the lines of a boot go.
pub(super) struct Console {
    /// Taken by the schedule, or at the end.
    outlet: Mutex<Option<Outlet>>,
    secrets: Arc<Secrets>,
    /// The format where lines are objects.
    objects: Option<Format>,
}

impl Console {
    /// Standard output.
    pub fn open(settings: &Settings) -> Self {
        let zone = Zone::of_setting(settings.schedules.zone.as_deref());
        let zone = zone.unwrap_or_else(|_| Zone::of_setting(Some("")).expect("empty is UTC"));
        let objects = settings.log.json.then_some(Format { zone, json: true });
        let outlet = Mutex::new(Some(Outlet::to(io::stdout())));
        Self { outlet, secrets: Arc::clone(&settings.secrets), objects }
    }

    /// Prints a line: as it is, without a time, masked; an object where lines are objects.
    pub fn say(&self, line: &str) {
        let shown = self.shown(&self.secrets.mask(line));
        while self.outlet().as_mut().is_some_and(|outlet| outlet.is_pressed(Instant::now())) {
            std::thread::sleep(LOOK_EVERY);
        }
        if let Some(outlet) = self.outlet().as_mut() {
            outlet.put(&shown, |lost| self.shown(&format!("⚠️ {lost} lines were lost here, since nobody took them.")));
        }
    }

    /// Hands on the way to standard output, with what is still to be written.
    pub fn take(&self) -> Option<Outlet> {
        self.outlet().take()
    }

    fn outlet(&self) -> MutexGuard<'_, Option<Outlet>> {
        self.outlet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, line: &str) -> Vec<u8> {
        let mut shown = Vec::new();
        if let Some(objects) = self.objects {
            objects.add(&mut shown, line.as_bytes(), Utc::now());
        } else {
            shown.extend(line.as_bytes());
            shown.push(b'\n');
        }
        shown
    }
}

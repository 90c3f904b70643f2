//! What is due is started, one after the other.

use super::super::Job;
use super::super::due::{self, CatchUp, Verdict};
use super::super::ledger::Ledger;
use super::super::start::{Started, start};
use super::{Going, Round};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long the next job waits for the one before it to take its place in the repository's queue.
const PLACE_WITHIN: Duration = Duration::from_secs(2);
/// The first and the longest pause after a start that failed.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A job that is due.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// Its place in the timetable.
    place: usize,
    /// What that was decided from.
    settled: Option<DateTime<Utc>>,
    due: DateTime<Utc>,
}

impl Found {
    /// Its place among those that are due.
    fn turn(&self) -> (DateTime<Utc>, usize) {
        due::turn(self.place, self.due)
    }
}

impl Round {
    pub(super) fn start_what_is_due(&mut self) {
        while !self.is_held_up() {
            let now = Utc::now();
            if self.next.is_some_and(|next| now < next) {
                return;
            }
            let Some(found) = self.first_due(now) else {
                self.next = self.upcoming(now).map(|(_, at)| at).or(Some(DateTime::<Utc>::MAX_UTC));
                return;
            };
            self.start(found, now);
        }
    }

    /// Whether a run has yet to take its place, or a start has failed a moment ago.
    fn is_held_up(&mut self) -> bool {
        let now = Instant::now();
        self.place.take_if(|(_, until)| *until <= now);
        self.pause_until.take_if(|until| *until <= now);
        self.place.is_some() || self.pause_until.is_some()
    }

    fn first_due(&mut self, now: DateTime<Utc>) -> Option<Found> {
        let catch_up = if self.scene.settings.schedules.catch_up { CatchUp::On } else { CatchUp::Off };
        let (mut found, mut lines) = (Vec::new(), Vec::new());
        let ledger = &self.scene.handed.ledger;
        for (place, row) in self.timetable.rows.iter().enumerate() {
            let (Some(entry), label) = (&row.entry, &row.job.label) else { continue };
            let settled = ledger.settled(place);
            let Some(settled) = raise(ledger, &mut self.floors, place, settled, now) else {
                // Only a start of the container is ever owed like this.
                found.push(Found { place, settled: None, due: now });
                continue;
            };
            match due::verdict(entry, settled, now, self.timetable.zone, catch_up) {
                Verdict::Wait => {}
                Verdict::Run(due) => found.push(Found { place, settled: Some(settled), due }),
                Verdict::Skip(due) => {
                    ledger.settle_on(place, Some(settled), Some(due));
                    lines.push(format!(
                        "⚠️ {label}: the run that was due at {} is skipped, since that is more than 3 hours ago; \
                         CATCH_UP=ON makes up for such runs.",
                        self.stamp(due)
                    ));
                }
                Verdict::CountFromNow => {
                    ledger.settle_on(place, Some(settled), Some(now));
                    self.floors.insert(place, settled);
                    lines.push(format!("⚠️ {label}: the clock was put back by far; its times count from now."));
                }
            }
        }
        for line in lines {
            self.say(&line);
        }
        found.into_iter().min_by_key(Found::turn)
    }

    fn start(&mut self, found: Found, now: DateTime<Utc>) {
        let Found { place, settled, due } = found;
        let (job, handed) = (&self.timetable.rows[place].job, &self.scene.handed);
        let claim = handed.ledger.claim(place, settled, due);
        let (label, name) = (job.label.clone(), job.name);
        match start(job, due, &self.scene.environment, handed.log_write.as_fd(), claim) {
            Ok(Started { child, place }) => {
                (self.pause, self.pause_until) = (None, None);
                self.running.push(Going { label: label.clone(), job: Some(name), child });
                self.place = Some((place, Instant::now() + PLACE_WITHIN));
                if now - due > due::WORTH_A_LINE {
                    let line = format!("🔄 {label}: making up for the run that was due at {}.", self.stamp(due));
                    self.say(&line);
                }
                self.record();
            }
            // A predecessor of ours had it started at its last moment.
            Err(error) if error.raw_os_error() == Some(libc::EALREADY) => {}
            Err(error) => {
                let pause = self.pause.map_or(PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
                (self.pause, self.pause_until) = (Some(pause), Some(Instant::now() + pause));
                let seconds = pause.as_secs_f32();
                self.say(&format!("❌ {label} could not be started ({error}); it is tried again in {seconds} s."));
            }
        }
    }

    /// The job that starts next, and when.
    pub(super) fn upcoming(&self, now: DateTime<Utc>) -> Option<(&Job, DateTime<Utc>)> {
        let ledger = &self.scene.handed.ledger;
        let next = self.timetable.rows.iter().enumerate().filter_map(|(place, row)| {
            let settled = ledger.settled(place)?;
            Some((&row.job, due::next(row.entry.as_ref()?, settled, now, self.timetable.zone)?))
        });
        next.min_by_key(|(_, at)| *at)
    }
}

/// Up to when a job is settled, with the floor from before the clock was put back, if the clock has come there again.
fn raise(
    ledger: &Ledger,
    floors: &mut BTreeMap<usize, DateTime<Utc>>,
    place: usize,
    settled: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let settled = settled?;
    let raised = floors.get(&place).and_then(|floor| due::raised(settled, *floor, now));
    let Some(raised) = raised else { return Some(settled) };
    floors.remove(&place);
    ledger.settle_on(place, Some(settled), Some(raised));
    ledger.settled(place)
}

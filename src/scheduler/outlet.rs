//! The way to one output that nothing waits for, and how a line looks on the console.

use crate::schedule::Zone;
use chrono::{DateTime, SecondsFormat, Utc};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

/// What a queue holds, in bytes, before whoever fills it is asked to wait.
const ENOUGH: u64 = 1024 * 1024;
/// How many batches a queue holds; each is one mouthful of the pipe, so that bytes are the limit.
const BATCHES: usize = 256;
/// How long an output that takes nothing is waited for. Counted once: until it takes something again, its lines are lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// How lines look on the console.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    /// The zone of their times.
    pub zone: Zone,
    /// `LOG_FORMAT=json`: an object each.
    pub json: bool,
}

impl Format {
    /// Adds a line as it is shown at this time. What is an object already, as workers write it, stays as it is.
    pub fn add(self, to: &mut Vec<u8>, line: &[u8], now: DateTime<Utc>) {
        let time = self.zone.local(now);
        if !self.json {
            to.extend(time.to_rfc3339_opts(SecondsFormat::Secs, false).into_bytes());
            to.push(b' ');
            to.extend(line);
        } else if is_object(line) {
            to.extend(line);
        } else {
            let message = String::from_utf8_lossy(line);
            let time = time.to_rfc3339_opts(SecondsFormat::Millis, false);
            let object = serde_json::json!({"time": time, "level": level(&message), "message": message});
            to.extend(object.to_string().into_bytes());
        }
        to.push(b'\n');
    }
}

fn is_object(line: &[u8]) -> bool {
    line.starts_with(b"{\"") && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

/// The level of a line that has none, by how it begins.
fn level(line: &str) -> &'static str {
    // Some lines of the contract have a time in front.
    let text = line.split_once("] ").filter(|(time, _)| time.starts_with('[')).map_or(line, |(_, text)| text);
    match text {
        _ if text.starts_with(['❌', '🚨']) => "error",
        _ if text.starts_with('⚠') => "warn",
        _ => "info",
    }
}

/// How many lines a batch has: each has its end.
pub(super) fn line_count(batch: &[u8]) -> u64 {
    batch.split(|byte| *byte == b'\n').skip(1).count() as u64
}

/// How far the two ends of a queue are.
#[derive(Debug, Default)]
struct Count {
    queued: AtomicU64,
    taken: AtomicU64,
    batches_queued: AtomicU64,
    batches_taken: AtomicU64,
}

/// The end of a queue where batches of lines go in. A thread of its own takes them out.
#[derive(Clone)]
pub(super) struct Inlet {
    writer: NonBlocking,
    count: Arc<Count>,
}

impl Inlet {
    /// Queues a batch; `false` if there is no room for it.
    pub fn put(&self, batch: &[u8]) -> bool {
        if self.is_full() {
            return false;
        }
        self.count.queued.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.count.batches_queued.fetch_add(1, Ordering::Relaxed);
        let _ = self.writer.clone().write_all(batch);
        true
    }

    fn is_full(&self) -> bool {
        let waiting = |queued: &AtomicU64, taken: &AtomicU64| {
            let taken = taken.load(Ordering::Relaxed);
            queued.load(Ordering::Relaxed).saturating_sub(taken)
        };
        waiting(&self.count.queued, &self.count.taken) >= ENOUGH
            || waiting(&self.count.batches_queued, &self.count.batches_taken) >= BATCHES as u64
    }

    fn taken(&self) -> u64 {
        self.count.taken.load(Ordering::Relaxed)
    }
}

/// A queue with its patience.
pub(super) struct Outlet {
    inlet: Inlet,
    _guard: WorkerGuard,
    /// Full since when, and how much had been taken then.
    full: Option<(u64, Instant)>,
    /// Patience with it has ended; how much had been taken then.
    stuck: Option<u64>,
    /// Lines that it lost since it was last told.
    lost: u64,
}

impl Outlet {
    /// A queue to this output.
    pub fn to(output: impl Write + Send + 'static) -> Self {
        let count = Arc::<Count>::default();
        let sink = Sink { output, count: Arc::clone(&count) };
        // Twice the room: batches are counted before they go in, but for those of several threads at once.
        let builder = NonBlockingBuilder::default().buffered_lines_limit(2 * BATCHES).lossy(true);
        let (writer, guard) = builder.thread_name("writer").finish(sink);
        Self { inlet: Inlet { writer, count }, _guard: guard, full: None, stuck: None, lost: 0 }
    }

    /// The end where batches go in, for another thread.
    pub fn inlet(&self) -> Inlet {
        self.inlet.clone()
    }

    /// Queues a batch of lines, or counts them as lost; `told` is the line that says how many were.
    pub fn put(&mut self, batch: &[u8], told: impl FnOnce(u64) -> Vec<u8>) {
        if self.lost > 0 && !self.inlet.is_full() {
            self.inlet.put(&told(self.lost));
            self.lost = 0;
        }
        if self.lost > 0 || !self.inlet.put(batch) {
            self.lost += line_count(batch);
        }
    }

    /// Whether it is full, and worth waiting for.
    pub fn is_pressed(&mut self, now: Instant) -> bool {
        if !self.inlet.is_full() {
            (self.full, self.stuck) = (None, None);
            return false;
        }
        let taken = self.inlet.taken();
        match self.full {
            _ if self.stuck == Some(taken) => false,
            Some((seen, since)) if seen == taken && now.duration_since(since) >= PATIENCE => {
                self.stuck = Some(taken);
                false
            }
            Some((seen, _)) if seen == taken => true,
            _ => {
                self.full = Some((taken, now));
                true
            }
        }
    }

    /// Waits until everything is written, as long as patience allows.
    pub fn finish(self) {
        let (mut seen, mut since) = (self.inlet.taken(), Instant::now());
        while self.inlet.count.queued.load(Ordering::Relaxed) > self.inlet.taken() {
            if seen != self.inlet.taken() {
                (seen, since) = (self.inlet.taken(), Instant::now());
            } else if self.stuck.is_some() || since.elapsed() >= PATIENCE {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// What the writer's thread writes to. Never fails: an output's failures are its own affair.
struct Sink<W> {
    output: W,
    count: Arc<Count>,
}

impl<W: Write> Write for Sink<W> {
    fn write(&mut self, batch: &[u8]) -> io::Result<usize> {
        let _ = self.output.write_all(batch).and_then(|()| self.output.flush());
        self.count.taken.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.count.batches_taken.fetch_add(1, Ordering::Relaxed);
        Ok(batch.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// An output that takes a batch for each permission.
    struct Gate(Receiver<()>, Sender<Vec<u8>>);

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            let _ = self.1.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_output_that_takes_nothing_is_waited_for_once_and_told_what_it_lost() {
        let ((permit, permits), (written, writes)) = (channel(), channel());
        let mut outlet = Outlet::to(Gate(permits, written));
        let told = |lost: u64| format!("lost {lost}\n").into_bytes();
        let batch = vec![b'\n'; 64 * 1024];
        let begun = Instant::now();
        let mut put = 0;
        while !outlet.is_pressed(begun) {
            outlet.put(&batch, told);
            put += 1;
        }
        assert_eq!(put, ENOUGH / 65_536);
        assert!(outlet.is_pressed(begun + PATIENCE / 2));
        assert!(!outlet.is_pressed(begun + PATIENCE), "patience has ended");
        assert!(!outlet.is_pressed(begun + PATIENCE * 2));
        outlet.put(b"one\ntwo\n", told);
        assert!(begun.elapsed() < PATIENCE, "nothing has waited");
        for _ in 0..=put + 2 {
            permit.send(()).expect("is listened to");
        }
        let full = outlet.inlet();
        while full.is_full() {
            std::thread::yield_now();
        }
        outlet.put(b"three\n", told);
        outlet.finish();
        let all: Vec<Vec<u8>> = writes.try_iter().collect();
        assert_eq!(all.iter().map(Vec::len).sum::<usize>(), put as usize * batch.len() + "lost 2\nthree\n".len());
        assert_eq!(all[put as usize..], [b"lost 2\n".to_vec(), b"three\n".to_vec()]);
    }

    #[test]
    fn a_line_has_its_time_in_front_or_is_an_object() {
        let now = "2026-11-21T08:30:00.250Z".parse().expect("is a time");
        let zone = Zone::named("Europe/Paris").expect("is one");
        let shown = |json, line: &str| {
            let mut shown = Vec::new();
            Format { zone, json }.add(&mut shown, line.as_bytes(), now);
            String::from_utf8(shown).expect("is text")
        };
        assert_eq!(shown(false, "✅ done"), "2026-11-21T09:30:00+01:00 ✅ done\n");
        let object = "{\"time\":\"x\",\"level\":\"info\",\"message\":\"of a worker\"}";
        assert_eq!(shown(true, object), format!("{object}\n"));
        for (line, level) in
            [("❌ a \"b\"", "error"), ("[2026-05-11 Mon] ❌ c", "error"), ("⚠️ d", "warn"), ("{\"", "info")]
        {
            let value: serde_json::Value = serde_json::from_str(&shown(true, line)).expect("is one");
            let time = "2026-11-21T09:30:00.250+01:00";
            assert_eq!(value, serde_json::json!({"time": time, "level": level, "message": line}));
        }
    }
}

//! The one way out: every line of a run to console and log, masked, by a thread that nothing waits for.
//!
//! The subscriber turns `tracing` events into lines; `tracing-appender` writes them from bounded queues. Errors of the
//! console (a closed pipe) are ignored, the first error of the log is said once on the console. An output that takes
//! nothing for a while (a terminal that is held, a pipe that nobody reads) loses lines, and the run goes on.

use super::{Secrets, say};
use crate::settings::{Console, Log};
use chrono::{Local, SecondsFormat};
use std::cell::Cell;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd as _, RawFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Lines that a queue holds before whoever prints has to wait.
const QUEUE: u64 = 1024;
/// How long a line or a flush waits for an output that takes nothing, counted from when it took its last line. Then,
/// until it takes something again, nothing waits for it: an undo that finds the log on a frozen file system does not.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a full queue is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// A message to the writer's thread that is no line but a question: are you done with all before me?
const FLUSH: &[u8] = b"\0flush\n";

/// The outputs of this process. Kept for as long as lines are printed.
pub struct Output {
    shared: Arc<Shared>,
    _console: WorkerGuard,
    log: Mutex<Option<WorkerGuard>>,
    letting_go: Cell<Option<LettingGo>>,
}

type Waiters = Arc<Mutex<Vec<SyncSender<()>>>>;

struct Shared {
    secrets: Arc<Secrets>,
    settings: Log,
    console: Queue,
    log: RwLock<Option<Queue>>,
}

/// Opens the console for this process; call once, in the process that prints, and keep the result.
///
/// # Errors
/// When the system has no thread left.
pub fn open(secrets: Arc<Secrets>, settings: Log) -> io::Result<Output> {
    there_is_a_thread()?;
    let console: Box<dyn Write + Send> = match settings.console {
        Console::Stdout => Box::new(io::stdout()),
        Console::Stderr => Box::new(io::stderr()),
    };
    let (console, guard) = Queue::to(console, None);
    let shared = Arc::new(Shared { secrets, settings, console, log: RwLock::new(None) });
    let subscriber = tracing_subscriber::registry().with(Lines(Arc::clone(&shared)));
    // Only a test that opens twice in one process could fail here, and keeps its first output.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(Output { shared, _console: guard, log: Mutex::new(None), letting_go: Cell::new(None) })
}

impl Output {
    /// From now on the thread of a log lets go of everything that it does not write to, in this way.
    pub fn let_logs_let_go(&self, how: LettingGo) {
        self.letting_go.set(Some(how));
    }

    /// Opens the run's log for appending, and copies lines to it from now on.
    ///
    /// # Errors
    /// When it cannot be opened; lines then go to the console alone.
    pub fn open_log(&self, path: &Path) -> io::Result<()> {
        let file = open_to_append(path)?;
        there_is_a_thread()?;
        self.log_to(
            path,
            Box::new(LogFile { path: path.to_owned(), file: Some(file), letting_go: self.letting_go.get() }),
        );
        Ok(())
    }

    /// As [`Output::open_log`], but it is opened with its first line, by the thread that writes: its file system may be
    /// frozen, and who opens a file there waits for the thaw. That it cannot be opened is said as that it cannot be
    /// written.
    pub fn open_log_later(&self, path: &Path) {
        if there_is_a_thread().is_err() {
            // Lines go to the console alone.
            return;
        }
        self.log_to(path, Box::new(LogFile { path: path.to_owned(), file: None, letting_go: self.letting_go.get() }));
    }

    fn log_to(&self, path: &Path, to: Box<dyn Write + Send>) {
        let console = self.shared.console.clone();
        let shown = self.shared.secrets.mask(&path.display().to_string()).into_owned();
        let on_error = move |error: &io::Error| {
            let line = format!("❌ The log {shown} cannot be written ({error}); it ends here, the run goes on.\n");
            console.line(line.as_bytes());
        };
        let (log, guard) = Queue::to(to, Some(Box::new(on_error)));
        *self.shared.log.write().unwrap_or_else(PoisonError::into_inner) = Some(log);
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
    }

    /// Lets another thread flush.
    pub fn flusher(&self) -> Flusher {
        Flusher(Arc::clone(&self.shared))
    }

    /// Waits until every line so far is written, or a moment has passed.
    pub fn flush(&self) {
        self.flusher().flush();
    }
}

/// The appender has no way to say that it got no thread.
fn there_is_a_thread() -> io::Result<()> {
    let probe = std::thread::Builder::new().name("probe".into()).spawn(|| {})?;
    let _ = probe.join();
    Ok(())
}

fn open_to_append(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(path)
}

/// A file that is opened when the first line is written.
/// Has the calling thread let go of every descriptor but these.
pub type LettingGo = fn(&[RawFd]) -> bool;

/// The log as its thread has it, perhaps opened later.
struct LogFile {
    path: PathBuf,
    file: Option<File>,
    letting_go: Option<LettingGo>,
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(let_go) = self.letting_go.take() {
            // The thread may hang in the kernel, and outlive its process: then it must hold no lock, nor anybody's socket.
            let kept: Vec<RawFd> = self.file.iter().map(File::as_raw_fd).collect();
            let_go(&kept);
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(open_to_append(&self.path)?),
        };
        file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// Flushes the outputs of this process, from any thread.
pub struct Flusher(Arc<Shared>);

impl Flusher {
    /// Waits until every line so far is written, or a moment has passed.
    pub fn flush(&self) {
        let log = self.0.log.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(log) = log {
            log.flush();
        }
        self.0.console.flush();
    }
}

/// The way to one output: lines go in, a thread of its own takes them out.
#[derive(Clone)]
struct Queue {
    writer: NonBlocking,
    waiters: Waiters,
    count: Arc<Count>,
}

/// How far the two ends of a queue are.
#[derive(Default)]
struct Count {
    queued: AtomicU64,
    taken: AtomicU64,
    /// Since when it has been at the line that it is at, in milliseconds since [`start`].
    since: AtomicU64,
    /// Patience with it has ended: how much had been taken then, and one.
    stuck_at: AtomicU64,
    /// Lines that it lost since.
    lost: AtomicU64,
    /// One at a time says how many.
    telling: AtomicBool,
}

/// When this process first asked for the time: what others are counted from.
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

impl Count {
    fn begins_a_line(&self) {
        self.since.store(start().elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// How long it may still take nothing.
    fn patience_left(&self) -> Duration {
        let since = Duration::from_millis(self.since.load(Ordering::Relaxed));
        PATIENCE.saturating_sub(start().elapsed().saturating_sub(since))
    }
}

impl Queue {
    fn to(to: Box<dyn Write + Send>, on_error: Option<OnError>) -> (Self, WorkerGuard) {
        let (waiters, count) = (Waiters::default(), Arc::new(Count::default()));
        let sink = Sink { to, waiters: Arc::clone(&waiters), count: Arc::clone(&count), on_error };
        // There is always room: lines are counted before they go in, but for those of several threads at once.
        let builder = NonBlockingBuilder::default().buffered_lines_limit(2 * QUEUE as usize).lossy(true);
        let (writer, guard) = builder.thread_name("writer").finish(sink);
        (Self { writer, waiters, count }, guard)
    }

    /// Queues a line; drops it if the output has taken nothing for too long.
    fn line(&self, line: &[u8]) {
        if !self.has_room() {
            self.count.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if self.count.lost.load(Ordering::Relaxed) > 0 && !self.count.telling.swap(true, Ordering::AcqRel) {
            let lost = self.count.lost.swap(0, Ordering::Relaxed);
            self.put(format!("⚠️ {lost} lines were lost here, since nobody took them.\n").as_bytes());
            self.count.telling.store(false, Ordering::Release);
        }
        self.put(line);
    }

    fn put(&self, line: &[u8]) {
        let queued = self.count.queued.fetch_add(1, Ordering::Relaxed);
        if queued == self.count.taken.load(Ordering::Relaxed) {
            self.count.begins_a_line();
        }
        let _ = self.writer.clone().write_all(line);
    }

    /// Waits until the queue has room, as long as patience allows.
    fn has_room(&self) -> bool {
        loop {
            let taken = self.count.taken.load(Ordering::Relaxed);
            if self.count.queued.load(Ordering::Relaxed).saturating_sub(taken) < QUEUE {
                return true;
            }
            if self.is_stuck() {
                return false;
            }
            if self.count.patience_left().is_zero() {
                self.count.stuck_at.store(taken + 1, Ordering::Relaxed);
                return false;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Whether it has taken nothing since patience with it ended.
    fn is_stuck(&self) -> bool {
        self.count.stuck_at.load(Ordering::Relaxed) == self.count.taken.load(Ordering::Relaxed) + 1
    }

    fn flush(&self) {
        if self.is_stuck() || !self.has_room() {
            return;
        }
        let (done, wait) = sync_channel(1);
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner).push(done);
        self.put(FLUSH);
        if wait.recv_timeout(PATIENCE).is_err() {
            self.count.stuck_at.store(self.count.taken.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }
}

type OnError = Box<dyn FnMut(&io::Error) + Send>;

/// What the writer's thread writes to. Never fails: a broken output costs the output.
struct Sink {
    to: Box<dyn Write + Send>,
    waiters: Waiters,
    count: Arc<Count>,
    on_error: Option<OnError>,
}

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if line == FLUSH {
            let _ = self.to.flush();
            for waiter in self.waiters.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                let _ = waiter.send(());
            }
        } else if let Err(error) = self.to.write_all(line)
            && let Some(mut on_error) = self.on_error.take()
        {
            on_error(&error);
            self.to = Box::new(io::sink());
        }
        self.count.begins_a_line();
        self.count.taken.fetch_add(1, Ordering::Relaxed);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.to.flush();
        Ok(())
    }
}

struct Lines(Arc<Shared>);

#[derive(Default)]
struct Parts {
    message: String,
    kind: String,
    hook: String,
    others: String,
}

impl Visit for Parts {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "kind" => value.clone_into(&mut self.kind),
            "hook" => value.clone_into(&mut self.hook),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            let _ = write!(self.others, " {}={value:?}", field.name());
        }
    }
}

/// The fields of a span, kept for the lines within it (`LOG_FORMAT=json`).
struct SpanFields(Vec<(String, String)>);

impl Visit for SpanFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name().to_owned(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push((field.name().to_owned(), format!("{value:?}")));
    }
}

impl<S> Layer<S> for Lines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("boathook")
            && (metadata.is_span() || metadata.target() == say::TARGET || *metadata.level() <= self.0.settings.level)
    }

    fn on_new_span(&self, attributes: &tracing::span::Attributes<'_>, id: &tracing::Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = SpanFields(Vec::new());
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut parts = Parts::default();
        event.record(&mut parts);
        let level = *event.metadata().level();
        let shared = &self.0;
        let masked = shared.secrets.mask(&parts.message);
        let mut text = String::with_capacity(masked.len() + 32);
        if !parts.hook.is_empty() {
            let _ = write!(text, "[{}] ", parts.hook);
        }
        text.push_str(&masked);
        if !parts.others.is_empty() {
            text.push_str(&shared.secrets.mask(&parts.others));
        }
        if shared.on_console(&parts.kind, level) {
            let mut line =
                if shared.settings.json { json_line(level, &parts, &masked, event, &context) } else { text.clone() };
            line.push('\n');
            shared.console.line(line.as_bytes());
        }
        if parts.kind != "console"
            && let Some(log) = &*shared.log.read().unwrap_or_else(PoisonError::into_inner)
        {
            text.push('\n');
            log.line(text.as_bytes());
        }
    }
}

impl Shared {
    fn on_console(&self, kind: &str, level: Level) -> bool {
        match kind {
            "log" => false,
            // Off with LOG_VERBOSE=OFF or a LOG_LEVEL above it; what a hook says and what fails is always shown.
            "info" => self.settings.verbose && level <= self.settings.level,
            _ => true,
        }
    }
}

fn json_line<S>(level: Level, parts: &Parts, masked: &str, event: &Event<'_>, context: &Context<'_, S>) -> String
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let mut object = serde_json::Map::new();
    object.insert("time".into(), Local::now().to_rfc3339_opts(SecondsFormat::Millis, false).into());
    object.insert("level".into(), level.as_str().to_ascii_lowercase().into());
    for span in context.event_scope(event).into_iter().flatten().collect::<Vec<_>>().into_iter().rev() {
        if let Some(SpanFields(fields)) = span.extensions().get::<SpanFields>() {
            for (name, value) in fields {
                object.insert(name.clone(), value.clone().into());
            }
        }
    }
    if !parts.hook.is_empty() {
        object.insert("hook".into(), parts.hook.clone().into());
    }
    object.insert("message".into(), masked.into());
    serde_json::Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    #[test]
    fn a_log_that_is_opened_later_is_opened_with_its_first_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut log = LogFile { path: path.clone(), file: None, letting_go: None };
        log.flush().expect("nothing to do");
        assert!(!path.exists());
        std::fs::write(&path, "of the predecessor\n").expect("is written");
        log.write_all(b"ours\n").expect("is written");
        assert_eq!(std::fs::read_to_string(&path).expect("is there"), "of the predecessor\nours\n");
        let mut nowhere = LogFile { path: path.join("below"), file: None, letting_go: None };
        assert_eq!(nowhere.write(b"x").expect_err("cannot be opened").kind(), io::ErrorKind::NotADirectory);
    }

    /// An output that takes nothing until the other end is gone.
    struct Frozen(Receiver<()>);

    impl Write for Frozen {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_an_output_that_has_taken_nothing_for_long() {
        let (thaw, frozen) = channel();
        let (queue, guard) = Queue::to(Box::new(Frozen(frozen)), None);
        for _ in 0..QUEUE {
            queue.line(b"x\n");
        }
        while !queue.count.patience_left().is_zero() {
            std::thread::sleep(LOOK_EVERY);
        }
        // Its patience has ended before anybody has waited.
        let began = Instant::now();
        queue.line(b"lost\n");
        queue.flush();
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
        assert_eq!(queue.count.lost.load(Ordering::Relaxed), 1);
        drop(thaw);
        while queue.is_stuck() {
            std::thread::sleep(LOOK_EVERY);
        }
        drop(guard);
    }
}

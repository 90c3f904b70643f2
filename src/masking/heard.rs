//! For tests: what is said while something runs.

use super::say::TARGET;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Runs `body`, and gives the lines that it says, each as `kind: line`.
pub(crate) fn heard<T>(body: impl FnOnce() -> T) -> (T, Vec<String>) {
    let recorder = Recorder::default();
    let result = tracing::subscriber::with_default(tracing_subscriber::registry().with(recorder.clone()), body);
    let lines = recorder.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (result, lines)
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == TARGET {
            let mut line = Line::default();
            event.record(&mut line);
            let line = format!("{}: {}", line.kind, line.message);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }
}

#[derive(Default)]
struct Line {
    kind: String,
    message: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "kind" {
            value.clone_into(&mut self.kind);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}

//! Waiting for something that is being sent, no longer than there is somebody who waits.

use super::ledger::end_own;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Why nothing is known of a delivery.
#[derive(Debug)]
pub enum GivenUp {
    /// The system has no thread left.
    NotStarted(io::Error),
    /// Nobody waits any more, or the sender is gone.
    Abandoned,
}

/// Sends on a thread of its own, and waits until that is done or `is_over` says so. What it has started by then (a
/// sendmail that does not end) is ended; nobody hears of the thread again.
///
/// # Errors
/// When it could not be started, or was not over in time.
pub fn deliver<T: Send + 'static>(
    send: impl FnOnce() -> T + Send + 'static,
    is_over: impl Fn() -> bool,
) -> Result<T, GivenUp> {
    let (done, wait) = channel();
    let sender = std::thread::Builder::new().name("notify".into()).spawn(move || {
        // Nobody waits any more once a stop has left no time.
        let _ = done.send(send());
    });
    sender.map_err(GivenUp::NotStarted)?;
    loop {
        match wait.recv_timeout(Duration::from_millis(50)) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) if !is_over() => {}
            Err(_) => {
                end_own(Duration::ZERO);
                return Err(GivenUp::Abandoned);
            }
        }
    }
}

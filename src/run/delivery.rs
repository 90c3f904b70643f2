//! Waiting for something that is being sent, no longer than there is somebody who waits.

use super::ledger::end_own;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Why nothing is known of a delivery.
#[derive(Debug)]
pub enum GivenUp {
    /// The system has no thread left.
    NotStarted(io::Error),
    /// Nobody waits any more, or the sender is gone.
    Abandoned,
}

/// Something on its way, on a thread of its own.
pub struct Delivery<T>(Receiver<T>);

impl<T: Send + 'static> Delivery<T> {
    /// Begins to send, and waits for nothing.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn begin(send: impl FnOnce() -> T + Send + 'static) -> Result<Self, GivenUp> {
        let (done, wait) = channel();
        let sender = std::thread::Builder::new().name("notify".into()).spawn(move || {
            // Nobody waits any more once a stop has left no time.
            let _ = done.send(send());
        });
        sender.map_err(GivenUp::NotStarted)?;
        Ok(Self(wait))
    }

    /// Waits until it is done or `is_over` says so. What it has started by then (a sendmail that does not end) is ended;
    /// nobody hears of the thread again.
    ///
    /// # Errors
    /// When it was not over in time.
    pub fn wait(self, is_over: impl Fn() -> bool) -> Result<T, GivenUp> {
        loop {
            match self.0.recv_timeout(Duration::from_millis(50)) {
                Ok(result) => return Ok(result),
                Err(RecvTimeoutError::Timeout) if !is_over() => {}
                Err(_) => {
                    end_own(Duration::ZERO);
                    return Err(GivenUp::Abandoned);
                }
            }
        }
    }
}

/// Sends on a thread of its own, and waits as `Delivery::wait`.
///
/// # Errors
/// When it could not be started, or was not over in time.
pub fn deliver<T: Send + 'static>(
    send: impl FnOnce() -> T + Send + 'static,
    is_over: impl Fn() -> bool,
) -> Result<T, GivenUp> {
    Delivery::begin(send)?.wait(is_over)
}

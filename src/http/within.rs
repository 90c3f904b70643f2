//! Work that may hang, with a limit.

use std::io;
use std::time::Duration;

/// Why there is no result.
#[derive(Debug)]
pub enum GaveUp {
    /// The limit has passed.
    Limit,
    /// The system has no thread left for it.
    NoThread(io::Error),
}

/// Does `work` on a thread of its own and waits for it no longer than `limit`. Work that is given up goes on unheard
/// until the process ends.
///
/// # Errors
/// When it takes longer, or when the system has no thread left.
pub fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, GaveUp> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("limited".to_owned())
        .spawn(move || drop(sender.send(work())))
        .map_err(GaveUp::NoThread)?;
    receiver.recv_timeout(limit).map_err(|_| GaveUp::Limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_hangs_is_given_up_at_the_limit() {
        let (keep, wait) = std::sync::mpsc::channel::<()>();
        let given_up = within(Duration::from_millis(20), move || wait.recv().is_err());
        assert!(matches!(given_up, Err(GaveUp::Limit)), "{given_up:?}");
        drop(keep);
        assert_eq!(within(Duration::from_secs(20), || 7).ok(), Some(7));
    }
}

//! SHA-256 of files, several at once.

use crate::process::Stop;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::io::{self, Read};
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// More at once would only compete for the disk.
const MOST: usize = 8;

/// What is read at once.
const MOUTHFUL: usize = 128 * 1024;

/// The digest of what is fed to it.
#[derive(Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Takes a piece.
    pub fn take(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// 64 hex digits in lower case.
    pub fn finish(self) -> String {
        self.0.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// The digest of all that `from` gives.
///
/// # Errors
/// When it cannot be read to its end, or a stop was asked for meanwhile ([`io::ErrorKind::Interrupted`]).
pub fn sha256(mut from: impl Read, stop: &Stop) -> io::Result<String> {
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; MOUTHFUL];
    loop {
        if stop.request().is_some() {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "a stop was asked for"));
        }
        match from.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.take(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Does `each` for all items on as many threads as the machine has, and gives what came of them in their order.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        while let Some((index, item)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?)))
        {
            let result = each(item);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    let count = thread::available_parallelism().map_or(1, NonZero::get).min(MOST).min(items.len());
    thread::scope(|scope| {
        for _ in 1..count {
            // Where no more threads can be had, those that are there do it.
            let _ = thread::Builder::new().name("digest".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_sha_256() {
        let stop = Stop::new().expect("descriptors are there");
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&b"abc"[..], &stop).expect("can be read"), expected);
        let mut pieces = Hasher::default();
        pieces.take(b"a");
        pieces.take(b"bc");
        assert_eq!(pieces.finish(), expected);
        stop.ask(nix::sys::signal::Signal::SIGTERM);
        assert_eq!(sha256(&b"abc"[..], &stop).expect_err("is stopped").kind(), io::ErrorKind::Interrupted);
    }

    #[test]
    fn results_come_in_the_order_of_their_items() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(in_parallel(&items, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(in_parallel(&[0; 0], |item| *item), [0; 0]);
    }
}

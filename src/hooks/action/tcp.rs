//! `tcpSocket`: whether a port takes connections.

use super::http::{Failure, late};
use crate::http::{Progress, Stage, look_up};
use std::io::{Error, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Connects to `place`, `host:port`, one of its addresses after the other; the first that accepts is the answer.
pub(super) fn connect(place: &str, limit: Option<Duration>, progress: &Progress) -> Result<SocketAddr, Failure> {
    let deadline = limit.map(|limit| Instant::now() + limit);
    let late = |progress: &Progress| Failure::TimedOut(late(place, progress.stage()));
    progress.reach(Stage::LookingUp);
    let found = look_up(place, limit)
        .map_err(|not_found| Failure::Failed(format!("{not_found}; check the name of the host")))?;
    let Some(addresses) = found else { return Err(late(progress)) };
    progress.reach(Stage::Connecting);
    let mut last = None;
    for (at, address) in addresses.iter().enumerate() {
        // An address that does not answer at all must leave time for the others.
        let rest = deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            left / u32::try_from(addresses.len() - at).unwrap_or(1)
        });
        let connected = match rest {
            Some(rest) if rest.is_zero() => break,
            Some(rest) => TcpStream::connect_timeout(address, rest),
            None => TcpStream::connect(address),
        };
        match connected {
            Ok(_) => return Ok(*address),
            Err(error) if error.kind() == ErrorKind::TimedOut && last.is_some() => {}
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) if error.kind() != ErrorKind::TimedOut => Err(Failure::Failed(refused(place, &error))),
        _ => Err(late(progress)),
    }
}

fn refused(place: &str, error: &Error) -> String {
    if error.kind() == ErrorKind::ConnectionRefused {
        format!("{place} refuses the connection; does the service run, and is the port right?")
    } else {
        format!("no connection to {place} ({error}); check host and port")
    }
}

//! Framed messages over a socket pair: between keeper and worker, and between worker and hook supervisor.
//!
//! A frame is its length (32 bits, little-endian, of what follows), one byte that says its kind, and a body. The end
//! of the stream is the death of the other side.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, recv, send, shutdown, socketpair};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// No frame is larger: output travels in pieces, and records are bounded.
const LARGEST: usize = 64 * 1024 * 1024;

/// How long a system that is short of memory is left alone.
const SHORT_OF_MEMORY: Duration = Duration::from_millis(5);

/// What is read at once.
const MOUTHFUL: usize = 64 * 1024;

/// One end of a channel. Sending never blocks: what does not fit is kept and sent on [`Channel::flush`].
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
    /// Made once: clearing a buffer of its size for every message would cost more than the message.
    buffer: Box<[u8]>,
    incoming: Vec<u8>,
    outgoing: VecDeque<u8>,
    closed: bool,
}

/// A message: its kind and its body.
pub type Frame = (u8, Vec<u8>);

impl Channel {
    /// Both ends of a new channel, neither of them inherited by children.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (left, right) =
            socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK)?;
        Ok((Self::over(left), Self::over(right)))
    }

    /// A channel over a socket that was handed to this process.
    pub fn over(socket: OwnedFd) -> Self {
        let buffer = vec![0; MOUTHFUL].into_boxed_slice();
        Self { socket, buffer, incoming: Vec::new(), outgoing: VecDeque::new(), closed: false }
    }

    /// The socket, to be waited for.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The socket itself, to hand it to a child.
    pub fn into_socket(self) -> OwnedFd {
        self.socket
    }

    /// Whether the other side is gone.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// How many bytes wait to be sent.
    pub fn waiting(&self) -> usize {
        self.outgoing.len()
    }

    /// Queues a frame and sends what the socket takes now.
    pub fn send(&mut self, kind: u8, body: &[u8]) {
        if self.closed {
            return;
        }
        let length = u32::try_from(body.len() + 1).unwrap_or(u32::MAX);
        self.outgoing.extend(length.to_le_bytes());
        self.outgoing.push_back(kind);
        self.outgoing.extend(body);
        self.flush();
    }

    /// Sends what the socket takes now.
    pub fn flush(&mut self) {
        while !self.outgoing.is_empty() && !self.closed {
            let (piece, _) = self.outgoing.as_slices();
            match send(self.socket.as_raw_fd(), piece, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT) {
                Ok(count) => {
                    self.outgoing.drain(..count);
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                Err(Errno::ENOBUFS | Errno::ENOMEM) => {
                    // The system is short of memory: tried again, by whoever waits for the socket.
                    std::thread::sleep(SHORT_OF_MEMORY);
                    return;
                }
                Err(_) => self.give_up(),
            }
        }
        if self.closed {
            self.outgoing.clear();
        }
    }

    /// Nothing goes over it any more, which the other side is to see, too.
    fn give_up(&mut self) {
        self.closed = true;
        let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Both);
    }

    /// Waits until everything is sent, or the other side is gone.
    pub fn flush_all(&mut self) {
        while !self.outgoing.is_empty() && !self.closed {
            let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLOUT)];
            if poll(&mut fds, PollTimeout::NONE).is_err() {
                std::thread::sleep(SHORT_OF_MEMORY);
            }
            self.flush();
        }
    }

    /// Reads what is there, without waiting, and gives the complete frames.
    pub fn receive(&mut self) -> Vec<Frame> {
        loop {
            match recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => {
                    self.closed = true;
                    break;
                }
                Ok(count) => {
                    self.incoming.extend_from_slice(&self.buffer[..count]);
                    // One mouthful at a time keeps memory flat under a flood.
                    if self.incoming.len() >= MOUTHFUL {
                        break;
                    }
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(Errno::ENOBUFS | Errno::ENOMEM) => {
                    std::thread::sleep(SHORT_OF_MEMORY);
                    break;
                }
                Err(_) => {
                    self.give_up();
                    break;
                }
            }
        }
        self.complete_frames()
    }

    /// Waits for frames; an empty list means that the other side is gone.
    pub fn receive_waiting(&mut self) -> Vec<Frame> {
        loop {
            let frames = self.receive();
            if !frames.is_empty() || self.closed {
                return frames;
            }
            let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, PollTimeout::NONE);
        }
    }

    fn complete_frames(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut at = 0;
        while let Some(header) = self.incoming.get(at..at + 4) {
            let length = header.iter().rev().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
            if length == 0 || length > LARGEST {
                // Not ours: whoever writes this is no partner to go on with.
                self.closed = true;
                break;
            }
            let Some(frame) = self.incoming.get(at + 4..at + 4 + length) else { break };
            frames.push((frame[0], frame[1..].to_vec()));
            at += 4 + length;
        }
        self.incoming.drain(..at);
        frames
    }
}

/// A list of byte strings as the body of a frame: the count, then each with its length.
pub fn pack(strings: &[&[u8]]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(strings.iter().map(|string| string.len() + 4).sum::<usize>() + 4);
    packed.extend((strings.len() as u32).to_le_bytes());
    for string in strings {
        packed.extend((string.len() as u32).to_le_bytes());
        packed.extend_from_slice(string);
    }
    packed
}

/// The byte strings of [`pack`]; `None` if the body is not one.
pub fn unpack(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let count = u32::from_le_bytes(body.get(..4)?.try_into().ok()?);
    let mut strings = Vec::new();
    let mut rest = 4;
    for _ in 0..count {
        let length = u32::from_le_bytes(body.get(rest..rest + 4)?.try_into().ok()?) as usize;
        strings.push(body.get(rest + 4..rest + 4 + length)?.to_vec());
        rest += 4 + length;
    }
    Some(strings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_whole_and_in_order() {
        let (mut left, mut right) = Channel::pair().expect("descriptors are there");
        left.send(1, b"one");
        left.send(2, b"");
        assert_eq!(right.receive(), vec![(1, b"one".to_vec()), (2, Vec::new())]);
        drop(left);
        assert_eq!(right.receive_waiting(), Vec::new());
        assert!(right.is_closed());
    }

    #[test]
    fn a_frame_larger_than_the_socket_waits_without_blocking_the_sender() {
        let (mut left, mut right) = Channel::pair().expect("descriptors are there");
        let body = vec![7; 4 * 1024 * 1024];
        left.send(3, &body);
        assert!(left.waiting() > 0);
        let mut got = Vec::new();
        while got.is_empty() {
            got = right.receive();
            left.flush();
        }
        assert_eq!(got, vec![(3, body)]);
    }

    #[test]
    fn packed_strings_come_back() {
        let strings: [&[u8]; 3] = [b"a", b"", b"\xff\0x"];
        assert_eq!(unpack(&pack(&strings)), Some(strings.iter().map(|string| string.to_vec()).collect()));
        assert_eq!(unpack(&[9, 0, 0, 0, 1]), None);
    }
}

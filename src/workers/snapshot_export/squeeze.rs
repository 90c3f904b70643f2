//! Compression by several threads: blocks in, one stream in their order out.
//!
//! Every queue is short: where the output takes nothing, whoever feeds waits, and hears a stop meanwhile.

use super::format::{Compressor, Format};
use super::writer::{Output, Written, write};
use crate::process::Stop;
use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded};
use std::io;
use std::thread;
use std::time::Duration;

/// How often a stop is looked for while an output takes nothing.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A block on its way to a compressor, and where it goes from there.
type Job = (Vec<u8>, Sender<io::Result<Vec<u8>>>);

/// What the writer is given, in order.
pub enum Part {
    /// A block that is being compressed.
    Block(Receiver<io::Result<Vec<u8>>>),
    /// The stream is complete. Whoever is let go without this leaves it cut off.
    End,
}

/// Why nothing more is taken.
#[derive(Debug)]
pub enum Halt {
    /// A stop was asked for.
    Stopped,
    /// The output failed.
    Broken(io::Error),
}

/// Takes bytes, and has them compressed and written.
pub struct Squeezer<'a> {
    block: Vec<u8>,
    size: usize,
    jobs: Sender<Job>,
    parts: Sender<Part>,
    result: Receiver<io::Result<Written>>,
    stop: &'a Stop,
}

impl<'a> Squeezer<'a> {
    /// Starts the threads. They end with what feeds them; nobody waits for one that is stuck in a write.
    ///
    /// # Errors
    /// When a compressor or a thread cannot be had.
    pub fn start(format: Format, output: Output, stop: &'a Stop) -> io::Result<Self> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(format.most_threads());
        // One for each thread to work at, one that is written, one that waits.
        let (jobs, to_do) = bounded::<Job>(threads + 2);
        let (parts, in_order) = bounded(threads + 2);
        let (told, result) = bounded(1);
        for number in 0..threads {
            let (to_do, compressor) = (to_do.clone(), format.compressor()?);
            thread::Builder::new().name(format!("squeeze-{number}")).spawn(move || work(&to_do, compressor))?;
        }
        thread::Builder::new().name("archive".into()).spawn(move || {
            if let Some(end) = write(&in_order, output) {
                let _ = told.send(end);
            }
        })?;
        let size = format.block();
        Ok(Self { block: Vec::with_capacity(size), size, jobs, parts, result, stop })
    }

    /// Takes bytes; waits where the output is slow.
    ///
    /// # Errors
    /// When nothing more is taken.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Halt> {
        while !bytes.is_empty() {
            let taken = bytes.len().min(self.size - self.block.len());
            self.block.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.block.len() == self.size {
                self.hand_on()?;
            }
        }
        Ok(())
    }

    /// Completes the stream, and waits until it is where it is to be.
    ///
    /// # Errors
    /// When it did not get there.
    pub fn finish(mut self) -> Result<Written, Halt> {
        if !self.block.is_empty() {
            self.hand_on()?;
        }
        self.send(Part::End)?;
        self.end()
    }

    fn hand_on(&mut self) -> Result<(), Halt> {
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(self.size));
        let (done, wait) = bounded(1);
        self.send(Part::Block(wait))?;
        // There is room: whatever is in this queue is in the other one, too.
        self.jobs.send((block, done)).map_err(|_| Halt::Broken(io::Error::other("a compressor has died")))
    }

    fn send(&self, mut part: Part) -> Result<(), Halt> {
        loop {
            if self.stop.request().is_some() {
                return Err(Halt::Stopped);
            }
            match self.parts.send_timeout(part, LOOK_EVERY) {
                Ok(()) => return Ok(()),
                Err(SendTimeoutError::Timeout(back)) => part = back,
                // Only an error ends it before its input.
                Err(SendTimeoutError::Disconnected(_)) => return self.end().map(|_| ()),
            }
        }
    }

    fn end(&self) -> Result<Written, Halt> {
        loop {
            match self.result.recv_timeout(LOOK_EVERY) {
                Ok(Ok(written)) => return Ok(written),
                Ok(Err(error)) => return Err(Halt::Broken(error)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Halt::Broken(io::Error::other("the thread that writes has died")));
                }
                Err(RecvTimeoutError::Timeout) if self.stop.request().is_some() => return Err(Halt::Stopped),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

fn work(to_do: &Receiver<Job>, mut compressor: Compressor) {
    for (block, done) in to_do {
        let _ = done.send(compressor.compress(block));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::Signal;
    use sha2::{Digest as _, Sha256};
    use std::fs::File;
    use std::io::Read as _;

    #[test]
    fn what_goes_in_comes_out_in_order_and_is_hashed() {
        let stop = Stop::new().expect("descriptors are there");
        let data: Vec<u8> = (0..5_000_000_u32).map(|number| (number.wrapping_mul(number) >> 7) as u8).collect();
        for format in [Format::TarGz, Format::TarZst, Format::Tar] {
            let file = tempfile::tempfile().expect("a temporary file");
            let output = Output::File(file.try_clone().expect("can be had twice"));
            let mut squeezer = Squeezer::start(format, output, &stop).expect("starts");
            for piece in data.chunks(70_000) {
                squeezer.feed(piece).expect("is taken");
            }
            let written = squeezer.finish().expect("is written");
            let whole = whole(file);
            assert_eq!(written.bytes, whole.len() as u64);
            assert_eq!(written.sha256, <[u8; 32]>::from(Sha256::digest(&whole)));
            let mut back = Vec::new();
            format.reader(&*whole).expect("is made").read_to_end(&mut back).expect("is whole");
            assert!(back == data, "{format:?}");
        }
    }

    /// Whoever reads it must see that something is missing, wherever it was cut off.
    #[test]
    fn a_stream_that_was_not_finished_is_no_whole_one() {
        let stop = Stop::new().expect("descriptors are there");
        for format in [Format::TarGz, Format::TarZst, Format::Tar] {
            let file = tempfile::tempfile().expect("a temporary file");
            let output = Output::File(file.try_clone().expect("can be had twice"));
            let mut squeezer = Squeezer::start(format, output, &stop).expect("starts");
            squeezer.feed(&vec![1; 4 * format.block()]).expect("is taken");
            let Squeezer { jobs, parts, result, .. } = squeezer;
            drop((jobs, parts));
            assert!(result.recv().is_err(), "nothing is told of it");
            let whole = whole(file);
            assert!(!whole.is_empty());
            let read = format.reader(&*whole).expect("is made").read_to_end(&mut Vec::new());
            match format {
                Format::Tar => assert_ne!(whole.len() % 512, 0),
                _ => assert!(read.is_err(), "{format:?}"),
            }
        }
    }

    #[test]
    fn a_stop_is_heard_while_the_output_takes_nothing() {
        let stop = Stop::new().expect("descriptors are there");
        let (_reader, pipe) = nix::unistd::pipe().expect("a pipe");
        let mut squeezer = Squeezer::start(Format::Tar, Output::Stdout(File::from(pipe)), &stop).expect("starts");
        let asked = stop.clone();
        let asking = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            asked.ask(Signal::SIGTERM);
        });
        let end = (0..100).find_map(|_| squeezer.feed(&vec![0; 1_000_000]).err());
        assert!(matches!(end, Some(Halt::Stopped)), "{end:?}");
        asking.join().expect("ends");
    }

    #[test]
    fn an_output_that_fails_is_told() {
        let stop = Stop::new().expect("descriptors are there");
        let full = File::options().write(true).open("/dev/full").expect("is there");
        let mut squeezer = Squeezer::start(Format::TarZst, Output::File(full), &stop).expect("starts");
        let end = (0..100).find_map(|_| squeezer.feed(&vec![0; 1_000_000]).err());
        let Some(Halt::Broken(error)) = end.or_else(|| squeezer.finish().err()) else { panic!("it was written") };
        assert_eq!(error.raw_os_error(), Some(libc::ENOSPC));
    }

    fn whole(mut file: File) -> Vec<u8> {
        use std::io::Seek as _;
        let mut bytes = Vec::new();
        file.rewind().expect("is a file");
        file.read_to_end(&mut bytes).expect("can be read");
        bytes
    }
}

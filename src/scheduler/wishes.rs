//! What signals ask of the scheduler: to stop, to read the settings again, to look after its children.

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::read;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::{flag, low_level::pipe};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// Init asked us to stop. A handler reaches nothing but what lives as long as the process.
static STOP: AtomicBool = AtomicBool::new(false);
/// The last signal to stop that came from somebody else; 0 if there was none.
static STRAY: AtomicI32 = AtomicI32::new(0);

/// The wishes of this process; made once.
pub(super) struct Wishes {
    reload: Arc<AtomicBool>,
    wake: UnixStream,
}

impl Wishes {
    /// Hears signals from now on, also those that come before anybody asks.
    ///
    /// # Errors
    /// When the system gives no descriptors.
    pub fn hear() -> io::Result<Self> {
        let (wake, rings) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let wishes = Self { reload: Arc::default(), wake };
        // Before the bell, which goes on to what was there: who hears that one finds the wish.
        flag::register(SIGHUP, Arc::clone(&wishes.reload))?;
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
            let flags = SaFlags::SA_SIGINFO | SaFlags::SA_RESTART;
            let action = SigAction::new(SigHandler::SigAction(asked_to_stop), flags, SigSet::empty());
            // SAFETY: the handler stores to atomics and asks for a number, both of which a handler may do.
            unsafe { sigaction(signal, &action) }?;
        }
        for signal in [SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD] {
            pipe::register(signal, rings.try_clone()?)?;
        }
        Ok(wishes)
    }

    /// Becomes readable at every signal; [`Wishes::heard`] takes note.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// Takes note of every signal so far.
    pub fn heard(&self) {
        let mut buffer = [0; 64];
        while matches!(read(&self.wake, &mut buffer), Ok(n) if n > 0) {}
    }

    /// Whether init asked us to stop.
    #[expect(clippy::unused_self, reason = "nothing was heard before there is one")]
    pub fn stop(&self) -> bool {
        STOP.load(Ordering::SeqCst)
    }

    /// What is to be said about a signal to stop that came, since the last time, from anybody but init. It counts for
    /// nothing: nobody would end this process then, and nothing would be started any more.
    #[expect(clippy::unused_self, reason = "nothing was heard before there is one")]
    pub fn take_stray(&self) -> Option<String> {
        let signal = Signal::try_from(STRAY.swap(0, Ordering::SeqCst)).ok()?;
        Some(format!("🛑 {signal} to the scheduler alone is not a stop: stop the container."))
    }

    /// Whether we were asked, since the last time, to read the settings again.
    pub fn take_reload(&self) -> bool {
        self.reload.swap(false, Ordering::SeqCst)
    }
}

/// A stop is init's to ask for, which also says when to end. A sender of number 0 is the kernel, or somebody outside of
/// the container.
extern "C" fn asked_to_stop(signal: i32, facts: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel hands a valid record to a handler that asks for it, and these signals have a sender.
    let sender = unsafe { (*facts).si_pid() };
    // SAFETY: takes nothing, and cannot fail.
    if sender == unsafe { libc::getppid() } {
        STOP.store(true, Ordering::SeqCst);
    } else {
        STRAY.store(signal, Ordering::SeqCst);
    }
}

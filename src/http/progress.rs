//! How far a request has come: what somebody who gives it up can say about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use ureq::Error;
use ureq::unversioned::transport::{ConnectionDetails, Connector, Transport};

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// The address of a host.
    LookingUp,
    /// A connection.
    Connecting,
    /// The other side's part of TLS.
    Securing,
    /// To be heard, or an answer.
    Asking,
    /// The rest of an answer whose head is there.
    Answered,
}

/// The stage of a request, shared between the thread that makes it and whoever waits for that.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU8>);

impl Progress {
    /// Notes that this stage is reached.
    pub fn reach(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Release);
    }

    /// The stage that was reached last.
    pub fn stage(&self) -> Stage {
        let stages = [Stage::LookingUp, Stage::Connecting, Stage::Securing, Stage::Asking, Stage::Answered];
        stages[usize::from(self.0.load(Ordering::Acquire))]
    }
}

/// A link in a chain of connectors: what comes after it is this stage.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) progress: Progress,
    /// The stage where TLS is wanted, and where it is not.
    pub(super) stages: (Stage, Stage),
}

impl<In: Transport> Connector<In> for Note {
    type Out = In;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<In>, Error> {
        if chained.is_some() {
            self.progress.reach(if details.needs_tls() { self.stages.0 } else { self.stages.1 });
        }
        Ok(chained)
    }
}

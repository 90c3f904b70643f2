//! Looking up host names for requests: with a limit, with the host in the error, and without a panic when the system
//! has no thread left (the resolver that `ureq` brings has one).

use super::sent::within;
use std::fmt;
use std::net::ToSocketAddrs;
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How long a look-up takes at most when nothing else says so.
const AT_MOST: Duration = Duration::from_secs(60);

/// A host that could not be looked up.
#[derive(Debug)]
pub(super) struct NotFound {
    /// The host and port.
    pub host: String,
    /// The system's reason.
    pub reason: String,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the address of {} was not found ({})", self.host, self.reason)
    }
}

impl std::error::Error for NotFound {}

/// Asks the system, on a thread.
#[derive(Debug)]
pub(super) struct Names;

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let name = uri
            .scheme()
            .zip(uri.authority())
            .and_then(|(scheme, authority)| DefaultResolver::host_and_port(scheme, authority))
            .ok_or_else(|| ureq::Error::BadUri("has no host".to_owned()))?;
        let not_found = |reason: String| {
            ureq::Error::Other(Box::new(NotFound {
                host: name.rsplit_once(':').map_or(&*name, |n| n.0).to_owned(),
                reason,
            }))
        };
        let limit = if timeout.after.is_not_happening() { AT_MOST } else { *timeout.after };
        let asked = name.clone();
        let found = match within(limit, move || asked.to_socket_addrs().map(Iterator::collect::<Vec<_>>)) {
            Ok(found) => found.map_err(|error| not_found(error.to_string()))?,
            Err(failure) if failure.code == crate::exit::TIMED_OUT => return Err(ureq::Error::Timeout(timeout.reason)),
            Err(failure) => return Err(not_found(failure.reason)),
        };
        let mut addresses = self.empty();
        for address in found {
            // There is room for more than anybody tries.
            let _ = addresses.try_push(address);
        }
        if addresses.is_empty() { Err(not_found("no usable address".to_owned())) } else { Ok(addresses) }
    }
}

//! Looking up host names for requests: with a limit, with the host in the error, and without a panic when the system
//! has no thread left (the resolver that `ureq` brings has one).

use super::progress::{Progress, Stage};
use super::within::{GaveUp, within};
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How long a look-up takes at most when nothing else says so.
const AT_MOST: Duration = Duration::from_secs(60);

/// A host that could not be looked up.
#[derive(Debug)]
pub struct NotFound {
    /// The host.
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

/// The addresses of `name`, `host:port` with an IPv6 address in brackets, in the system's order; at least one. `Ok(None)`
/// if the limit has passed.
///
/// # Errors
/// When there is none.
pub fn look_up(name: &str, limit: Option<Duration>) -> Result<Option<Vec<SocketAddr>>, NotFound> {
    if let Ok(address) = name.parse() {
        return Ok(Some(vec![address]));
    }
    let not_found =
        |reason: String| NotFound { host: name.rsplit_once(':').map_or(name, |(host, _)| host).to_owned(), reason };
    let asked = name.to_owned();
    match within(limit.unwrap_or(AT_MOST), move || asked.to_socket_addrs().map(Iterator::collect::<Vec<_>>)) {
        Ok(Ok(found)) if found.is_empty() => Err(not_found("no usable address".to_owned())),
        Ok(found) => found.map(Some).map_err(|error| not_found(error.to_string())),
        Err(GaveUp::Limit) => Ok(None),
        Err(GaveUp::NoThread(error)) => Err(not_found(format!("the system has no thread left: {error}"))),
    }
}

/// Asks the system, on a thread.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) progress: Progress,
}

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let name = uri
            .scheme()
            .zip(uri.authority())
            .and_then(|(scheme, authority)| DefaultResolver::host_and_port(scheme, authority))
            .ok_or_else(|| ureq::Error::BadUri("has no host".to_owned()))?;
        self.progress.reach(Stage::LookingUp);
        let limit = (!timeout.after.is_not_happening()).then(|| *timeout.after);
        let found = look_up(&name, limit).map_err(|not_found| ureq::Error::Other(Box::new(not_found)))?;
        let found = found.ok_or(ureq::Error::Timeout(timeout.reason))?;
        self.progress.reach(Stage::Connecting);
        let mut addresses = self.empty();
        for address in found {
            // There is room for more than anybody tries.
            let _ = addresses.try_push(address);
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_not_looked_up() {
        for (name, port) in [("127.0.0.1:80", 80), ("[::1]:8443", 8443)] {
            let found = look_up(name, Some(Duration::ZERO)).expect("is an address").expect("takes no time");
            assert_eq!(found.iter().map(SocketAddr::port).collect::<Vec<_>>(), [port]);
        }
    }

    #[test]
    fn a_name_that_is_none_is_named() {
        let not_found = look_up("nowhere.invalid:80", Some(Duration::from_secs(20))).expect_err("is reserved");
        assert_eq!(not_found.host, "nowhere.invalid");
    }
}

//! What went wrong with a request, told apart as far as a person can act on it.

use super::certificate;
use super::names::NotFound;
use super::quoted::quotable;
use std::io::ErrorKind::{
    BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData, TimedOut, UnexpectedEof, WouldBlock,
};

/// How much of others' words is quoted, in characters.
const QUOTED: usize = 200;

/// What went wrong. Texts are one short line, and may hold what the other side says: they are not masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The limit has passed.
    TimedOut,
    /// The host has no address: which, and why.
    NotFound(String),
    /// Nobody is reached: the system's reason.
    NoConnection(String),
    /// The connection was closed before anything was answered.
    NoAnswer,
    /// The connection was cut off: the system's reason.
    CutOff(String),
    /// The proxy does not let us through: its reason.
    Proxy(String),
    /// The system has no certificates to verify others with.
    NoCaStore,
    /// The other side's certificate is not accepted: the TLS library's reason.
    Certificate(String),
    /// Another failure of TLS.
    Tls(String),
    /// What answers does not speak HTTP.
    NotHttp(String),
    /// The address cannot be used.
    BadAddress(String),
    /// Anything else.
    Other(String),
}

impl Trouble {
    /// What an error of the library means.
    pub fn of(error: &ureq::Error) -> Self {
        use ureq::Error;
        let quoted = |text: &dyn ToString| quotable(&text.to_string(), QUOTED);
        match error {
            Error::Timeout(_) => Self::TimedOut,
            Error::Io(error) => match error.kind() {
                TimedOut | WouldBlock => Self::TimedOut,
                InvalidData => Self::of_tls(&error.to_string()),
                UnexpectedEof => Self::NoAnswer,
                ConnectionReset | ConnectionAborted | BrokenPipe => Self::CutOff(error.to_string()),
                _ => Self::NoConnection(error.to_string()),
            },
            Error::Other(other) => match other.downcast_ref::<NotFound>() {
                Some(not_found) => Self::NotFound(not_found.to_string()),
                None => Self::Other(quoted(other)),
            },
            Error::HostNotFound => Self::NotFound("the host was not found".to_owned()),
            Error::ConnectionFailed => Self::NoConnection("no reason is known".to_owned()),
            Error::ConnectProxyFailed(why) => Self::Proxy(quotable(&of_proxy(why), QUOTED)),
            Error::Rustls(error) => Self::of_tls(&error.to_string()),
            Error::Tls(why) => Self::of_tls(why),
            Error::Protocol(error) => Self::NotHttp(quoted(error)),
            Error::BadUri(why) => Self::BadAddress(why.clone()),
            other => Self::Other(quoted(other)),
        }
    }

    /// TLS errors reach us as text alone.
    pub fn of_tls(why: &str) -> Self {
        let why = quotable(why, QUOTED);
        if why.contains("No CA certificates") {
            Self::NoCaStore
        } else if certificate::is_about(&why) {
            Self::Certificate(why)
        } else {
            Self::Tls(why)
        }
    }
}

/// A proxy's answer in our words: the library gives its status twice (`proxy server responded 403/403`).
fn of_proxy(why: &str) -> String {
    let status = why.strip_prefix("proxy server responded ").and_then(|status| status.split('/').next());
    status.map_or_else(|| why.to_owned(), |status| format!("it answered HTTP {status}"))
}

/// What [`Trouble::NoCaStore`] means, and what to do about it.
pub fn no_ca_store() -> &'static str {
    "the system has no CA certificates to check the server's with; install ca-certificates, or name a file in \
     SSL_CERT_FILE"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_of_tls_are_told_apart() {
        let unknown = "invalid peer certificate: UnknownIssuer";
        assert_eq!(Trouble::of_tls(unknown), Trouble::Certificate(unknown.to_owned()));
        let none = "unexpected error: No CA certificates were loaded from the system";
        assert_eq!(Trouble::of_tls(none), Trouble::NoCaStore);
        let refused = ureq::Error::ConnectProxyFailed("proxy server responded 403/403".to_owned());
        assert_eq!(Trouble::of(&refused), Trouble::Proxy("it answered HTTP 403".to_owned()));
        assert!(matches!(Trouble::of_tls("received corrupt message of type InvalidContentType"), Trouble::Tls(_)));
    }
}

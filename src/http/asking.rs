//! The client that requests are made with.

use super::names::Names;
use super::progress::{Note, Progress, Stage};
use std::time::Duration;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, RustlsConnector, TcpConnector};
use ureq::{Agent, Proxy};

/// How a request is made.
#[derive(Debug, Clone)]
pub struct Asking {
    /// From the first look-up to the end of the answer.
    pub limit: Option<Duration>,
    /// From the head of the answer to its end, if that is to be shorter.
    pub body_limit: Option<Duration>,
    /// Through which proxy.
    pub proxy: Option<Proxy>,
    /// Whether the certificate of the other side is verified, by what the system trusts.
    pub verify: bool,
    /// Where the stages are noted.
    pub progress: Progress,
}

impl Asking {
    /// What we call ourselves where nobody says otherwise.
    pub const USER_AGENT: &str = concat!("boathook/", env!("CARGO_PKG_VERSION"));

    /// A client that follows no redirect, and for which no status is an error.
    pub fn agent(&self) -> Agent {
        let tls =
            TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).disable_verification(!self.verify).build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(self.limit)
            .timeout_recv_body(self.body_limit)
            .proxy(self.proxy.clone())
            .user_agent(Self::USER_AGENT)
            .tls_config(tls)
            .build();
        let note = |stages| Note { progress: self.progress.clone(), stages };
        // As the library's own chain, with the stages noted.
        let connector =
            ().chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(note((Stage::Securing, Stage::Asking)))
                .chain(RustlsConnector::default())
                .chain(note((Stage::Asking, Stage::Asking)));
        Agent::with_parts(config, connector, Names { progress: self.progress.clone() })
    }
}

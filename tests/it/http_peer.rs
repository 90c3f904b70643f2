//! Web servers on the loopback that do as a test says, with and without TLS.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, LazyLock};
use std::thread;

/// A server; every connection has a thread of its own.
pub struct Peer {
    address: SocketAddr,
    requests: Receiver<Asked>,
}

/// One request as it came.
#[derive(Debug)]
pub struct Asked {
    /// `POST /hook HTTP/1.1`.
    pub line: String,
    /// As they were sent, names and all.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    /// The headers of exactly this name.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The header of this name, however it is written.
    pub fn any(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Peer {
    /// Does `serve` with each connection and its number, after its request was read.
    pub fn new(serve: impl Fn(&mut TcpStream, usize) + Send + Sync + 'static) -> Self {
        Self::on([127, 0, 0, 1].into(), serve)
    }

    /// The same at another address.
    pub fn on(ip: IpAddr, serve: impl Fn(&mut TcpStream, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((ip, 0)).expect("a port is free");
        let address = listener.local_addr().expect("is bound");
        let (sender, requests) = channel();
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for (number, mut stream) in listener.incoming().flatten().enumerate() {
                let (sender, serve) = (sender.clone(), Arc::clone(&serve));
                thread::spawn(move || {
                    if let Some(asked) = read(&stream) {
                        // Known to the test before the client can go on.
                        let _ = sender.send(asked);
                        serve(&mut stream, number);
                    }
                });
            }
        });
        Self { address, requests }
    }

    /// Gives this answer to all.
    pub fn answering(answer: impl Into<String>) -> Self {
        let answer = answer.into();
        Self::new(move |stream, _| drop(stream.write_all(answer.as_bytes())))
    }

    /// Speaks TLS, and answers `204`.
    pub fn with_tls() -> Self {
        Self::with_tls_answering(NO_CONTENT)
    }

    /// Speaks TLS, and gives this answer to all.
    pub fn with_tls_answering(answer: impl Into<Arc<str>>) -> Self {
        let answer: Arc<str> = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("is bound");
        let (sender, requests) = channel();
        let config = tls_config();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (sender, config, answer) = (sender.clone(), Arc::clone(&config), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut tls = rustls::ServerConnection::new(config).expect("is configured");
                    let mut tls = rustls::Stream::new(&mut tls, &mut stream);
                    if let Some(asked) = read(&mut tls) {
                        let _ = sender.send(asked);
                        let _ = tls.write_all(answer.as_bytes());
                        tls.conn.send_close_notify();
                        let _ = tls.flush();
                    }
                });
            }
        });
        Self { address, requests }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has come and was not asked for yet; complete once the client has ended.
    pub fn requests(&self) -> Vec<Asked> {
        self.requests.try_iter().collect()
    }
}

/// An answer without a body.
pub const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// An answer with a body.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    let mut text = format!("HTTP/1.1 {status}\r\n{headers}");
    let _ = write!(text, "Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    text
}

/// The first byte of a client that begins with TLS: it sends no lines.
const TLS: u8 = 0x16;

fn read(stream: impl Read) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    if reader.fill_buf().ok()?.first() == Some(&TLS) {
        return Some(Asked { line: "TLS".to_owned(), headers: Vec::new(), body: String::new() });
    }
    let mut line = || {
        let mut text = Vec::new();
        reader.read_until(b'\n', &mut text).ok().filter(|length| *length > 0)?;
        Some(String::from_utf8_lossy(&text).trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = Vec::new();
    while let Some((name, value)) = line()?.split_once(':') {
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut asked = Asked { line: first, headers, body: String::new() };
    let length = asked.any("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).ok()?;
    Some(asked)
}

/// Certificates for these tests alone, made when they are first needed: no key lies in a file.
struct Certificates {
    authority: String,
    config: Arc<ServerConfig>,
}

static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(|| {
    let (authority, issuer) = new_authority();
    let key = KeyPair::generate().expect("a key can be made");
    let names = CertificateParams::new(vec!["localhost".to_owned()]).expect("is a name");
    let certificate = names.signed_by(&key, &issuer).expect("can be signed");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("is a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions are there")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("the key fits");
    Certificates { authority, config: Arc::new(config) }
});

fn new_authority() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().expect("a key can be made");
    let mut params = CertificateParams::new(Vec::new()).expect("are no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority for tests");
    let pem = params.self_signed(&key).expect("can be signed").pem();
    (pem, Issuer::new(params, key))
}

/// What a client must trust to trust [`Peer::with_tls`], whose certificate is for `localhost` alone.
pub fn authority() -> &'static str {
    &CERTIFICATES.authority
}

/// An authority that has signed nothing.
pub fn other_authority() -> String {
    new_authority().0
}

fn tls_config() -> Arc<ServerConfig> {
    Arc::clone(&CERTIFICATES.config)
}

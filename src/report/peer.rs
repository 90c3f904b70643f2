//! Other sides to test with: small servers on the loopback that do as they are told.

use crate::masking::from_base64;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// An address where nobody listens.
pub(super) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free")
}

/// Serves each connection in turn, the n-th by `serve(n, ..)`, until the test ends.
fn serve(serve: impl Fn(usize, TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("is bound");
    thread::spawn(move || {
        for (index, stream) in listener.incoming().flatten().enumerate() {
            serve(index, stream);
        }
    });
    address
}

/// A web server.
pub(super) struct Http {
    address: SocketAddr,
    requests: Receiver<String>,
}

impl Http {
    fn new(answer: impl Fn(usize, TcpStream) + Send + 'static) -> Self {
        let (sender, requests) = channel();
        let address = serve(move |index, stream| {
            let _ = sender.send(request(&stream));
            answer(index, stream);
        });
        Self { address, requests }
    }

    /// Gives these answers, one to each connection, and then none.
    pub(super) fn answering(answers: &[&str]) -> Self {
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        Self::new(move |index, mut stream| {
            let _ = stream.write_all(answers.get(index).map_or(b"", |answer| answer.as_bytes()));
        })
    }

    /// Takes what comes and says nothing until it is left.
    pub(super) fn silent() -> Self {
        Self::new(|_, mut stream| drop(stream.read(&mut [0; 1])))
    }

    /// Begins an answer and goes on byte by byte until it is left.
    pub(super) fn dribbling(head: &'static str) -> Self {
        Self::new(|_, mut stream| {
            let mut sent = stream.write_all(head.as_bytes());
            let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
            while sent.is_ok() && !matches!(stream.read(&mut [0; 1]), Ok(0)) {
                sent = stream.write_all(b"x");
            }
        })
    }

    /// Begins an answer and goes on as fast as it can until it is left.
    pub(super) fn endless(head: &'static str) -> Self {
        Self::new(|_, mut stream| {
            let mut sent = stream.write_all(head.as_bytes());
            while sent.is_ok() {
                sent = stream.write_all(&[b'x'; 8192]);
            }
        })
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request that came, head and body.
    pub(super) fn request(&self) -> String {
        self.requests.recv_timeout(PATIENCE).expect("a request came")
    }
}

fn request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut text = String::new();
    let mut length = 0;
    while !text.ends_with("\r\n\r\n") {
        let mut line = Vec::new();
        match reader.read_until(b'\n', &mut line) {
            // A client that begins with TLS sends no lines.
            Ok(0) => return text,
            Err(error) if error.kind() != ErrorKind::Interrupted => return text,
            _ if line[0] == 0x16 => return text,
            _ => {}
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("is a number");
        }
        text.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body as long as was said");
    text + &String::from_utf8(body).expect("is UTF-8")
}

/// A mail server that offers AUTH and nothing else.
pub(super) struct Smtp {
    address: SocketAddr,
    talks: Receiver<Vec<String>>,
}

impl Smtp {
    /// Answers each command that begins with `refused.0` with `refused.1`, every other one as a friendly server does.
    pub(super) fn new(refused: Option<(&'static str, &'static str)>) -> Self {
        let (sender, talks) = channel();
        let address = serve(move |_, stream| drop(sender.send(talk(&stream, refused))));
        Self { address, talks }
    }

    /// Greets nobody.
    pub(super) fn silent() -> Self {
        let (sender, talks) = channel();
        let address = serve(move |_, mut stream| {
            let _ = stream.read(&mut [0; 1]);
            let _ = sender.send(Vec::new());
        });
        Self { address, talks }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every line that the client sent in one connection.
    pub(super) fn talk(&self) -> Vec<String> {
        self.talks.recv_timeout(PATIENCE).expect("a client came")
    }
}

fn talk(mut stream: &TcpStream, refused: Option<(&str, &str)>) -> Vec<String> {
    let reader = BufReader::new(stream);
    let mut lines = Vec::new();
    let mut in_data = false;
    let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
    // The connection's end ends it.
    for line in reader.lines().map_while(Result::ok) {
        let answer = match line.as_str() {
            _ if in_data && line != "." => "",
            "." => "250 2.0.0 queued as 4711",
            _ if refused.is_some_and(|(command, _)| line.starts_with(command)) => {
                refused.map_or("", |(_, answer)| answer)
            }
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ if line.starts_with("EHLO ") => "250-mail.example\r\n250 AUTH PLAIN LOGIN",
            _ if line.starts_with("AUTH ") => "235 welcome",
            _ => "250 ok",
        };
        in_data = line != "." && (in_data || answer.starts_with("354"));
        lines.push(line);
        if !answer.is_empty() {
            let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(b"\r\n"));
        }
    }
    lines
}

/// The header of this name, unfolded and decoded (RFC 2047, base64 alone).
pub(super) fn header(lines: &[String], name: &str) -> String {
    let start = lines.iter().position(|line| line.starts_with(&format!("{name}: "))).expect("is there");
    let folded = lines[start + 1..].iter().take_while(|line| line.starts_with(' '));
    let mut text = lines[start][name.len() + 2..].to_owned();
    folded.for_each(|line| text.push_str(line));
    let mut decoded = String::new();
    let mut rest = text.as_str();
    while let Some((before, word)) = rest.split_once("=?utf-8?b?") {
        let (word, after) = word.split_once("?=").expect("ends");
        // Blanks between two encoded words do not count.
        if decoded.is_empty() || !before.trim().is_empty() {
            decoded.push_str(before);
        }
        decoded.push_str(&base64(word));
        rest = after;
    }
    decoded + rest
}

/// What `text` encodes.
pub(super) fn base64(text: &str) -> String {
    String::from_utf8(from_base64(text).expect("is base64")).expect("is UTF-8")
}

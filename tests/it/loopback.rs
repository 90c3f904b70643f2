//! Other sides to report to, on the loopback: a web server and a mail server that note what they are sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// An address where nobody listens.
pub fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free")
}

/// Serves each connection in turn until the test ends.
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
pub struct Http {
    address: SocketAddr,
    requests: Receiver<Request>,
}

/// What a client asked for.
#[derive(Debug)]
pub struct Request {
    /// `POST /hook HTTP/1.1`.
    pub line: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    /// The header of this name, in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Http {
    /// Gives every client this answer, such as `204 No Content`.
    pub fn answering(status: &'static str) -> Self {
        Self::answering_each(&[status])
    }

    /// Gives these answers in turn, and the last of them for ever.
    pub fn answering_each(statuses: &[&'static str]) -> Self {
        let statuses = statuses.to_vec();
        let (sender, requests) = channel();
        let address = serve(move |index, mut stream| {
            let Some(request) = read(&stream) else { return };
            // Known to the test before the client can go on.
            let _ = sender.send(request);
            let status = statuses[index.min(statuses.len() - 1)];
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        });
        Self { address, requests }
    }

    /// Takes what comes and says nothing until it is left.
    pub fn silent() -> Self {
        let (sender, requests) = channel();
        let address = serve(move |_, mut stream| {
            if let Some(request) = read(&stream) {
                let _ = sender.send(request);
            }
            let _ = stream.read(&mut [0]);
        });
        Self { address, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request.
    #[track_caller]
    pub fn request(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("a request came")
    }

    /// What has come and was not asked for yet; complete once the client has ended.
    pub fn others(&self) -> Vec<Request> {
        self.requests.try_iter().collect()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut text = String::new();
        reader.read_line(&mut text).ok().filter(|length| *length > 0)?;
        Some(text.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = Vec::new();
    while let Some((name, value)) = line()?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { line: first, headers, body: String::new() };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).ok()?;
    Some(request)
}

/// A mail server that knows a login and nothing else.
pub struct Smtp {
    address: SocketAddr,
    talks: Receiver<Vec<String>>,
}

impl Smtp {
    pub fn new() -> Self {
        let (sender, talks) = channel();
        let address = serve(move |_, stream| drop(sender.send(talk(&stream, None))));
        Self { address, talks }
    }

    /// Gives this answer to lines that begin so.
    pub fn refusing(start: &'static str, answer: &'static str) -> Self {
        let (sender, talks) = channel();
        let address = serve(move |_, stream| drop(sender.send(talk(&stream, Some((start, answer))))));
        Self { address, talks }
    }

    /// Takes a client, tells the test so, and says nothing until it is left.
    pub fn silent() -> Self {
        let (sender, talks) = channel();
        let address = serve(move |_, mut stream| {
            let _ = sender.send(Vec::new());
            let _ = stream.read(&mut [0]);
        });
        Self { address, talks }
    }

    /// `smtp://[login@]127.0.0.1:port?tls=none`.
    pub fn url(&self, login: &str) -> String {
        format!("smtp://{login}{}?tls=none", self.address)
    }

    /// What a client said until it left.
    #[track_caller]
    pub fn talk(&self) -> Vec<String> {
        self.talks.recv_timeout(PATIENCE).expect("a client came")
    }

    /// What has come and was not asked for yet; complete once the client has ended.
    pub fn others(&self) -> Vec<Vec<String>> {
        self.talks.try_iter().collect()
    }
}

fn talk(mut stream: &TcpStream, refusal: Option<(&str, &str)>) -> Vec<String> {
    let reader = BufReader::new(stream);
    let mut lines = Vec::new();
    let mut in_mail = false;
    let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
    for line in reader.lines().map_while(Result::ok) {
        let answer = match line.as_str() {
            "." => "250 2.0.0 queued as 4711",
            _ if in_mail => "",
            _ if refusal.is_some_and(|(start, _)| line.starts_with(start)) => refusal.map_or("", |(_, answer)| answer),
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ if line.starts_with("EHLO ") => "250-mail.example\r\n250 AUTH PLAIN LOGIN",
            _ if line.starts_with("AUTH ") => "235 welcome",
            _ => "250 ok",
        };
        in_mail = line != "." && (in_mail || line == "DATA");
        lines.push(line);
        if !answer.is_empty() {
            let _ = write!(stream, "{answer}\r\n");
        }
    }
    lines
}

/// A mail as it was sent.
#[derive(Debug)]
pub struct Mail {
    headers: Vec<(String, String)>,
    /// As the reader sees it.
    pub body: String,
}

impl Mail {
    /// Reads what a mail program is given.
    pub fn parse(text: &str) -> Self {
        let text = text.replace("\r\n", "\n");
        let (head, body) = text.split_once("\n\n").expect("the head ends");
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in head.lines() {
            match (line.split_once(": "), headers.last_mut()) {
                (_, Some((_, value))) if line.starts_with(' ') => value.push_str(line),
                (Some((name, value)), _) => headers.push((name.to_owned(), value.to_owned())),
                _ => panic!("no header: {line}"),
            }
        }
        let mut mail = Self { headers, body: String::new() };
        mail.body = match mail.header("Content-Transfer-Encoding").as_str() {
            "7bit" | "8bit" => body.to_owned(),
            "quoted-printable" => quoted_printable(body),
            "base64" => base64(&body.replace('\n', "")),
            other => panic!("unknown encoding {other}"),
        };
        mail
    }

    /// Reads what a mail server was sent.
    pub fn of_talk(talk: &[String]) -> Self {
        let start = talk.iter().position(|line| line == "DATA").expect("a mail was sent") + 1;
        let end = talk[start..].iter().position(|line| line == ".").expect("the mail ends") + start;
        let lines = talk[start..end].iter().map(|line| line.strip_prefix('.').unwrap_or(line));
        Self::parse(&lines.flat_map(|line| [line, "\n"]).collect::<String>())
    }

    /// The header of this name, decoded (RFC 2047, base64 alone).
    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        let (_, text) = self.headers.iter().find(|(known, _)| known == name).expect("is there");
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
}

/// The text that RFC 2045 writes so.
fn quoted_printable(text: &str) -> String {
    let mut bytes = Vec::new();
    let text = text.replace("=\n", "");
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = (*first == b'=').then(|| after.get(..2)).flatten().and_then(|hex| str::from_utf8(hex).ok());
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).expect("is text")
}

/// The text that these digits stand for.
pub fn base64(digits: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let values = digits.bytes().filter(|digit| *digit != b'=');
    let mut bits = 0_u32;
    let mut count = 0;
    let mut bytes = Vec::new();
    for value in values.map(|digit| DIGITS.iter().position(|known| *known == digit).expect("a digit of base64")) {
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    String::from_utf8(bytes).expect("is text")
}

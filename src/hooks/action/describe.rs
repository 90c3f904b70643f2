//! What would be done, for a person to read.

use super::{Command, Rendered, Request};
use std::fmt::Write as _;

/// What would be done, line by line: a command as a shell would be given it, a request with its headers and body. Every text
/// goes through `mask` as a whole, before it is quoted or taken apart.
pub fn describe(rendered: &Rendered, mask: &dyn Fn(&str) -> String) -> Vec<String> {
    match rendered {
        Rendered::Command(command) => vec![described(command, mask)],
        Rendered::Request(request) => of_request(request, mask),
        Rendered::Connection(host, port) => vec![format!("connect to {}:{port}", mask(host))],
    }
}

fn described(command: &Command, mask: &dyn Fn(&str) -> String) -> String {
    let quoted = |word: &str| quoted(&mask(word));
    let words: Vec<String> = std::iter::once(&command.program).chain(&command.args).map(|word| quoted(word)).collect();
    let mut line = words.join(" ");
    if command.directory != "/" {
        let _ = write!(line, " in {}", quoted(&command.directory));
    }
    if let Some(user) = &command.user {
        let _ = write!(line, " as {}", quoted(user));
    }
    for (at, (name, value)) in command.env.iter().enumerate() {
        let before = if at == 0 { " with " } else { " " };
        let _ = write!(line, "{before}{name}={}", quoted(value));
    }
    line
}

/// As a shell would have to be given it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    if word.chars().any(char::is_control) {
        return escaped(word);
    }
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// As bash and others take what has line ends or other control characters in it.
fn escaped(word: &str) -> String {
    let mut text = "$'".to_owned();
    for c in word.chars() {
        match c {
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            '\'' | '\\' => text.extend(['\\', c]),
            c if c.is_ascii_control() => _ = write!(text, "\\x{:02x}", u32::from(c)),
            c if c.is_control() => _ = write!(text, "\\u{:04x}", u32::from(c)),
            c => text.push(c),
        }
    }
    text.push('\'');
    text
}

fn of_request(request: &Request, mask: &dyn Fn(&str) -> String) -> Vec<String> {
    let skips = if request.verify { "" } else { " (its certificate is not verified)" };
    let mut lines = vec![format!("{} {}{skips}", request.method, mask(&request.url))];
    lines.extend(request.headers.iter().map(|(name, value)| format!("{}: {}", mask(name), mask(value))));
    if let Some(body) = &request.body {
        lines.push(String::new());
        lines.extend(mask(body).lines().map(str::to_owned));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_read_back_by_a_shell() {
        let command = Command {
            program: "sh".to_owned(),
            args: ["-c", "echo it's $HOME", ""].map(str::to_owned).to_vec(),
            env: vec![("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2 3".to_owned())],
            directory: "/srv/my data".to_owned(),
            user: Some("postgres".to_owned()),
        };
        let line = r"sh -c 'echo it'\''s $HOME' '' in '/srv/my data' as postgres with A=1 B='2 3'";
        assert_eq!(describe(&Rendered::Command(command), &str::to_owned), [line]);
    }

    #[test]
    fn a_request_is_its_address_headers_and_body() {
        let request = Request {
            method: "POST",
            url: "https://h.example/x".to_owned(),
            headers: vec![("X-A".to_owned(), "1".to_owned())],
            body: Some("{\n}".to_owned()),
            verify: true,
        };
        assert_eq!(
            describe(&Rendered::Request(request), &str::to_owned),
            ["POST https://h.example/x", "X-A: 1", "", "{", "}"]
        );
        assert_eq!(
            describe(&Rendered::Connection("[::1]".to_owned(), 5432), &str::to_owned),
            ["connect to [::1]:5432"]
        );
    }
}

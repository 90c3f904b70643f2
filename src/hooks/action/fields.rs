//! What the rendered fields of a request may hold, and how it is written on the wire.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

/// What keeps a text from being sent as a part of a head, by its first such character; `allowed` may stand in it.
fn forbidden(text: &str, allowed: &[char]) -> Option<String> {
    let c = text.chars().find(|c| c.is_control() && !allowed.contains(c))?;
    Some(match c {
        '\r' => "a carriage return".to_owned(),
        '\n' => "a line feed".to_owned(),
        '\0' => "a NUL".to_owned(),
        c => format!("the control character U+{:04X}", c as u32),
    })
}

/// Refuses what would begin another line of the head, and other control characters but the tab.
pub(super) fn in_head(field: &str, text: &str) -> Result<(), String> {
    match forbidden(text, &['\t']) {
        None => Ok(()),
        Some(what) => Err(format!(
            "{field} holds {what}, which no header can: write it on one line, or pipe what a template puts there \
             through trim or replace"
        )),
    }
}

/// The name of a header: what RFC 9110 calls a token.
pub(super) fn header_name(field: &str, name: &str) -> Result<(), String> {
    in_head(field, name)?;
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !name.is_empty() && name.chars().all(is_token) {
        return Ok(());
    }
    Err(format!("{field} is '{name}', which is no name of a header: use letters, digits and -"))
}

/// A host as it stands in an address: an IPv6 address between brackets.
pub(super) fn host(field: &str, host: &str) -> Result<String, String> {
    if let Some(what) = forbidden(host, &[]) {
        return Err(format!("{field} holds {what}: write a host name or an address"));
    }
    let host = host.trim();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if bare.parse::<Ipv6Addr>().is_ok() {
        return Ok(format!("[{bare}]"));
    }
    let mend = if host.is_empty() {
        "write a host name or an address"
    } else if host.contains("://") || host.contains('/') {
        "write the host alone; what stands before and behind it belongs into scheme and path"
    } else if host.contains(':') {
        "write the host alone, and its port as 'port'"
    } else if !host.is_ascii() {
        "write a name with other letters in its ASCII form (xn--...)"
    } else if host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')) {
        return Ok(host.to_owned());
    } else {
        "write letters, digits, dots and hyphens alone"
    };
    Err(format!("{field} is '{host}', which is no host: {mend}"))
}

/// A path with its query as it is sent: with a slash before it, and what may not stand in an address percent-encoded.
/// What is encoded already is left alone. `#` is data here: nobody sends what stands behind one.
pub(super) fn path(field: &str, path: &str) -> Result<String, String> {
    if let Some(what) = forbidden(path, &[]) {
        return Err(format!(
            "{field} holds {what}: write it percent-encoded, or pipe what a template puts there through trim or replace"
        ));
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok(format!("{slash}{}", encoded(path)))
}

/// The text with everything percent-encoded that may not stand in an address.
pub(super) fn encoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut written = String::with_capacity(text.len());
    for (at, byte) in bytes.iter().enumerate() {
        let is_escape = || bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let may_stand = match byte {
            b'%' => is_escape(),
            b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
            byte => byte.is_ascii_graphic(),
        };
        if may_stand {
            written.push(char::from(*byte));
        } else {
            let _ = write!(written, "%{byte:02X}");
        }
    }
    written
}

/// `application/x-www-form-urlencoded`, in the order given.
pub(super) fn form(pairs: &[(String, String)]) -> String {
    let part = |text: &str| {
        let mut written = String::new();
        for byte in text.bytes() {
            match byte {
                b' ' => written.push('+'),
                b'-' | b'.' | b'_' | b'~' => written.push(char::from(byte)),
                byte if byte.is_ascii_alphanumeric() => written.push(char::from(byte)),
                byte => {
                    let _ = write!(written, "%{byte:02X}");
                }
            }
        }
        written
    };
    pairs.iter().map(|(key, value)| format!("{}={}", part(key), part(value))).collect::<Vec<_>>().join("&")
}

/// Refuses what no argument and no variable can hold.
pub(super) fn for_process(field: &str, text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err(format!("{field} holds a NUL, which neither arguments nor variables can: take it out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_end_or_a_nul_in_the_head_is_refused_with_its_field() {
        for (text, what) in
            [("a\r\nX: b", "a carriage return"), ("a\n", "a line feed"), ("a\0", "a NUL"), ("\x1b", "U+001B")]
        {
            for check in [
                in_head,
                header_name,
                |field: &str, text: &str| host(field, text).map(drop),
                |field: &str, text: &str| path(field, text).map(drop),
            ] {
                let error = check("httpPost.x", text).expect_err(text);
                assert!(error.starts_with("httpPost.x holds ") && error.contains(what), "{error}");
            }
        }
        assert_eq!(in_head("x", "a\tb é"), Ok(()));
        for name in ["", "a b", "a:", "é"] {
            assert!(header_name("x", name).is_err(), "{name}");
        }
        assert_eq!(header_name("x", "X-Api_key"), Ok(()));
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for (given, written) in [
            ("db.example", "db.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "[::1]"),
            ("[fd00::2]", "[fd00::2]"),
            ("my_service", "my_service"),
        ] {
            assert_eq!(host("h", given).as_deref(), Ok(written));
        }
        for (given, mend) in [
            ("", "write a host name"),
            ("http://db", "scheme and path"),
            ("db/x", "scheme and path"),
            ("db:80", "as 'port'"),
            ("bücher.example", "xn--"),
            ("a b", "letters, digits"),
            ("me@db", "letters, digits"),
        ] {
            let error = host("h", given).expect_err(given);
            assert!(error.contains(mend), "{error}");
        }
    }

    #[test]
    fn a_path_is_encoded_where_it_must_be() {
        for (given, written) in [
            ("", "/"),
            ("healthz", "/healthz"),
            ("/a b?c=ü#d", "/a%20b?c=%C3%BC%23d"),
            ("/a%20b%2Fc", "/a%20b%2Fc"),
            ("/100%", "/100%25"),
            ("/x?{\"a\"}", "/x?%7B%22a%22%7D"),
        ] {
            assert_eq!(path("p", given).as_deref(), Ok(written));
        }
        assert!(path("p", "/a\tb").is_err());
    }

    #[test]
    fn a_form_keeps_its_order() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let pairs = [pair("b", "1 2"), pair("a&", "ü=+\n"), pair("b", "")];
        assert_eq!(form(&pairs), "b=1+2&a%26=%C3%BC%3D%2B%0A&b=");
    }
}

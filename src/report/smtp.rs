//! Mail to a mail server, by `SMTP_URL`.

use super::letter::Letter;
use super::sent::{Failure, within};
use crate::exit;
use crate::http::{UserInfo, is_about_certificate, mend_of_certificate, percent_decoded, quotable};
use lettre::address::{Address, Envelope};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{SmtpTransport, Transport};
use std::time::Duration;

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    /// From the first byte: `smtps://`.
    FromStart,
    /// By STARTTLS if the server offers it: `smtp://`.
    WhenOffered,
    /// By STARTTLS, or no mail: `smtp://…?tls=required`.
    Required,
    /// Never: `smtp://…?tls=none`.
    Never,
}

/// A mail server, and how it is spoken to.
#[derive(Clone)]
pub(super) struct Server {
    encryption: Encryption,
    host: String,
    port: u16,
    /// User and password.
    login: Option<(String, String)>,
    /// `from=` in the address.
    from: Option<String>,
}

impl Server {
    /// Reads `SMTP_URL`: `smtp[s]://[user:password@]host[:port][?tls=…&from=…]`.
    ///
    /// # Errors
    /// When it cannot be read; the message does not show it.
    pub(super) fn read(url: &str) -> Result<Self, Failure> {
        let bad = |what: &str| {
            let form = "write smtps://user:password@host:465 or smtp://host:25";
            Failure::new(exit::USAGE, format!("SMTP_URL {what}; {form}"))
        };
        let (scheme, rest) =
            url.trim().split_once("://").ok_or_else(|| bad("does not begin with smtp:// or smtps://"))?;
        let mut encryption = match scheme.to_ascii_lowercase().as_str() {
            "smtps" => Encryption::FromStart,
            "smtp" => Encryption::WhenOffered,
            _ => return Err(bad("does not begin with smtp:// or smtps://")),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (info, address) = UserInfo::split(rest).map_err(|_| bad("has a user or password that is no UTF-8 text"))?;
        let login = match info {
            None => None,
            Some(UserInfo { user, password: Some(password) }) => Some((user, password)),
            Some(_) => return Err(bad("has a user without a password")),
        };
        let address = address.trim_end_matches('/');
        let (host, port) = match address.rsplit_once(':') {
            // The colons of an IPv6 address stand between brackets.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (address, None),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || !host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':')) {
            return Err(bad("names no usable host (a character of the password may have to be percent-encoded)"));
        }
        let port = match port.map(str::parse) {
            Some(Ok(0) | Err(_)) => return Err(bad("has a port that is not between 1 and 65535")),
            Some(Ok(port)) => port,
            None if encryption == Encryption::FromStart => 465,
            None if login.is_some() => 587,
            None => 25,
        };
        let mut from = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("from", address)) => {
                    from = Some(sender(address).ok_or_else(|| bad("has a from= that is no mail address"))?);
                }
                Some(("tls", "required")) if encryption != Encryption::FromStart => encryption = Encryption::Required,
                Some(("tls", "opportunistic")) if encryption != Encryption::FromStart => {}
                Some(("tls", "none")) if encryption != Encryption::FromStart => encryption = Encryption::Never,
                _ => {
                    return Err(bad(
                        "has something behind the ? that is neither from=ADDRESS nor, with smtp://, tls=required, tls=opportunistic or tls=none",
                    ));
                }
            }
        }
        Ok(Self { encryption, host: host.to_owned(), port, login, from })
    }

    /// Who the mail is from: `from=`, else the user if that is an address, else ourselves at our host.
    pub(super) fn from(&self, domain: &str) -> String {
        let user = self.login.as_ref().map(|(user, _)| user).filter(|user| user.parse::<Address>().is_ok());
        self.from.as_ref().or(user).cloned().unwrap_or_else(|| format!("boathook@{domain}"))
    }

    /// `smtp://mail.example:587`.
    pub(super) fn shown(&self) -> String {
        let scheme = if self.encryption == Encryption::FromStart { "smtps" } else { "smtp" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{scheme}://{host}:{}", self.port)
    }

    /// Hands a mail over; the server's last word if it took it.
    ///
    /// # Errors
    /// When it did not, or took longer than `limit`.
    pub(super) fn deliver(&self, letter: &Letter, limit: Duration) -> Result<String, Failure> {
        let refused = |what: String| Failure::new(exit::USAGE, what);
        let address = |text: &str| {
            text.parse::<Address>()
                .map_err(|_| refused(format!("'{text}' is no mail address: an SMTP server wants user@domain")))
        };
        let from = address(letter.from.as_deref().unwrap_or_default())?;
        let to = letter.to.iter().map(|to| address(to)).collect::<Result<_, _>>()?;
        let envelope = Envelope::new(Some(from), to).map_err(|error| refused(error.to_string()))?;
        let (server, mut mail, domain) = (self.clone(), letter.format(), letter.domain.clone());
        // The client ends the last line itself.
        mail.truncate(mail.strip_suffix(b"\r\n").unwrap_or(&mail).len());
        // The limits of the client are for each command alone.
        within(limit, move || server.talk(&envelope, &mail, domain, limit))?
    }

    fn talk(self, envelope: &Envelope, mail: &[u8], domain: String, limit: Duration) -> Result<String, Failure> {
        let Self { encryption, host, port, login, .. } = self;
        // Without TLS no certificates are read: the machine may have none.
        let parameters = || TlsParameters::new(host.clone()).map_err(|error| explain(&error, &host, port));
        let tls = match encryption {
            Encryption::FromStart => Tls::Wrapper(parameters()?),
            Encryption::WhenOffered => Tls::Opportunistic(parameters()?),
            Encryption::Required => Tls::Required(parameters()?),
            Encryption::Never => Tls::None,
        };
        let mut client = SmtpTransport::builder_dangerous(host.clone())
            .port(port)
            .tls(tls)
            .timeout(Some(limit))
            .hello_name(ClientId::Domain(domain));
        if let Some((user, password)) = login {
            client = client.credentials(Credentials::new(user, password));
        }
        let answer = client.build().send_raw(envelope, mail).map_err(|error| explain(&error, &host, port))?;
        Ok(format!("{} {}", answer.code(), answer.message().collect::<Vec<_>>().join(" ")))
    }
}

fn sender(text: &str) -> Option<String> {
    percent_decoded(text).ok().filter(|text| text.is_ascii() && text.parse::<Address>().is_ok())
}

fn explain(error: &lettre::transport::smtp::Error, host: &str, port: u16) -> Failure {
    // Of sysexits.h, as mail programs end with them.
    const UNAVAILABLE: i32 = 69;
    const REFUSED: i32 = 77;
    const LATER: i32 = 75;
    let why = quotable(&error.to_string(), 300);
    let at = format!("{host}:{port}");
    let status = error.status().map(|code| code.to_string()).unwrap_or_default();
    let (code, mend) = match status.as_str() {
        "530" | "534" | "535" | "538" => (REFUSED, "check user and password in SMTP_URL"),
        "550" | "551" | "553" | "554" => {
            (UNAVAILABLE, "if it does not like the sender, set ?from=ADDRESS in SMTP_URL, else check MAILX_RCPT")
        }
        _ if error.is_transient() => (LATER, "it may work later"),
        _ if error.is_permanent() => (UNAVAILABLE, "the server does not take the mail"),
        _ if is_about_certificate(&why) => (UNAVAILABLE, mend_of_certificate(&why)),
        _ if why.contains("corrupt message") => {
            (UNAVAILABLE, "does it speak TLS on this port, or is it smtp:// in SMTP_URL?")
        }
        _ => (UNAVAILABLE, "check host and port in SMTP_URL"),
    };
    Failure::new(code, format!("{at}: {why}; {mend}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> (Encryption, String, Option<(String, String)>, String) {
        let server = Server::read(url).unwrap_or_else(|failure| panic!("{url}: {}", failure.reason));
        (server.encryption, server.shown(), server.login.clone(), server.from("node-a"))
    }

    fn login(user: &str, password: &str) -> (String, String) {
        (user.to_owned(), password.to_owned())
    }

    #[test]
    fn an_address_says_how_the_server_is_spoken_to() {
        let ours = || "boathook@node-a".to_owned();
        assert_eq!(read("smtp://mail"), (Encryption::WhenOffered, "smtp://mail:25".to_owned(), None, ours()));
        let account = "a@x.example".to_owned();
        assert_eq!(
            read("smtps://a%40x.example:p%2Fw%3f@mail.example/"),
            (Encryption::FromStart, "smtps://mail.example:465".to_owned(), Some(login("a@x.example", "p/w?")), account)
        );
        assert_eq!(
            read("SMTP://me:p@w@[::1]:2525"),
            (Encryption::WhenOffered, "smtp://[::1]:2525".to_owned(), Some(login("me", "p@w")), ours())
        );
        let from = "b@x.example".to_owned();
        assert_eq!(
            read("smtp://me:pw@mail?tls=required&from=b%40x.example"),
            (Encryption::Required, "smtp://mail:587".to_owned(), Some(login("me", "pw")), from)
        );
        assert_eq!(read("smtp://mail?tls=none").0, Encryption::Never);
    }

    #[test]
    fn a_bad_address_is_an_error_that_does_not_show_it() {
        for url in [
            "s3cret",
            "http://s3cret",
            "smtp://",
            "smtp://s3cret@mail",
            "smtp://me:s3cret/x@",
            "smtp://me:pw@mail:s3cret",
            "smtp://mail:0",
            "smtp://mail:70000",
            "smtp://me:s3cret?tls@mail",
            "smtp://mail?tls=s3cret",
            "smtps://mail?tls=none",
            "smtp://mail?from=s3cret",
            "smtp://me:s3/cret@ma il",
        ] {
            let failure = Server::read(url).map(|_| ()).expect_err(url);
            assert!(failure.reason.starts_with("SMTP_URL ") && !failure.reason.contains("cret"), "{}", failure.reason);
        }
    }
}

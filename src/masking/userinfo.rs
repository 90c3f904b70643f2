//! Where user and password end in an address: at which `@`.

/// How an address is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// After `scheme://`. A user without a password may be a token.
    Url,
    /// After `sftp://` or `ssh://`. A user without a password is a name.
    SshUrl,
    /// `user@host:path`. A user without a password is a name.
    Scp,
}

/// How sure it is that a text is a host, perhaps with a port.
#[derive(PartialEq)]
enum Host {
    /// A name with a dot in it, an address, `localhost`, or nothing at all.
    Sure,
    /// One word, with digits behind a colon if any: a host of a local network, or the start of a password.
    Perhaps,
    /// No host looks like this.
    No,
}

/// The place of the `@` that ends user and password; `None` if there is neither.
pub(super) fn end_of_userinfo(rest: &str, form: Form) -> Option<usize> {
    let [standard, longest] = ends_of_userinfo(rest, form);
    longest.or(standard)
}

/// The same in both readings: by the standard, and with a password that holds `/`, `?`, `#` or `@`. The second one
/// only where the text leaves it open.
pub(super) fn ends_of_userinfo(rest: &str, form: Form) -> [Option<usize>; 2] {
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let standard = authority.rfind('@');
    let host = &authority[standard.map_or(0, |at| at + 1)..];
    if form == Form::Scp && standard.is_none() && is_host_of_path(rest, host) {
        return [None, None];
    }
    let path = &rest[..rest.find(['?', '#']).filter(|at| *at >= authority.len()).unwrap_or(rest.len())];
    let has_password = authority[..standard.unwrap_or(authority.len())].contains(':');
    // Without a host behind it, an `@` was not the end.
    let likeness = if host.is_empty() && standard.is_some() { Host::No } else { host_likeness(host) };
    let longest = match likeness {
        Host::No => rest.rfind('@'),
        Host::Perhaps if has_password => path.rfind('@'),
        Host::Perhaps | Host::Sure => None,
    };
    [standard, longest.filter(|end| Some(*end) != standard)]
}

/// Whether this is `host:/path`, without a user: then an `@` in the path means nothing.
fn is_host_of_path(rest: &str, host: &str) -> bool {
    host.strip_suffix(':').is_some_and(|name| !name.contains(':'))
        && rest.rfind('@').is_none_or(|at| !rest[at..].contains(':'))
}

fn host_likeness(host: &str) -> Host {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    if port.len() > 5 || port.contains(|c: char| !c.is_ascii_digit()) {
        return Host::No;
    }
    if name.is_empty() && port.is_empty() || name.starts_with('[') && name.ends_with(']') || name == "localhost" {
        return Host::Sure;
    }
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || !name.chars().all(is_plain) {
        return Host::No;
    }
    if name.contains('.') { Host::Sure } else { Host::Perhaps }
}

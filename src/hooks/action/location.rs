//! Where a redirect leads (RFC 3986, section 5; RFC 9110, section 15.4).

use super::fields::encoded;
use ureq::http::Uri;

/// Where a redirect leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To the same host, port and scheme.
    Same(Uri),
    /// To another port or scheme of the same host: maybe another service, which our secrets are not for.
    Beside(Uri),
    /// From HTTPS to HTTP on the same host, where everybody between reads along.
    Clear,
    /// To another host.
    Other(String),
    /// To nowhere that a request can be sent to: why.
    Unusable(String),
}

/// Where `location` leads from `base`.
pub(super) fn target(base: &Uri, location: &str) -> Target {
    let location = location.trim();
    let location = location.split_once('#').map_or(location, |(location, _)| location);
    let written = encoded(&absolute(base, location));
    let Ok(uri) = written.parse::<Uri>() else {
        return Target::Unusable("an address that cannot be read".to_owned());
    };
    let scheme = uri.scheme_str().unwrap_or_default();
    if !matches!(scheme, "http" | "https") {
        return Target::Unusable(format!("{scheme}://, which is no HTTP"));
    }
    let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
        return Target::Unusable("an address without a host".to_owned());
    };
    let of = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
    if base.host().is_none_or(|known| of(known) != of(host)) {
        Target::Other(host.to_owned())
    } else if scheme == "http" && base.scheme_str() == Some("https") {
        Target::Clear
    } else if base.scheme_str() == Some(scheme) && port(base) == port(&uri) {
        Target::Same(uri)
    } else {
        Target::Beside(uri)
    }
}

/// The port that an address means.
pub(super) fn port(uri: &Uri) -> u16 {
    let own = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    uri.port_u16().unwrap_or(own)
}

fn absolute(base: &Uri, location: &str) -> String {
    let scheme = base.scheme_str().unwrap_or("http");
    let authority = base.authority().map(ToString::to_string).unwrap_or_default();
    if has_scheme(location) {
        return location.to_owned();
    }
    if let Some(rest) = location.strip_prefix("//") {
        return format!("{scheme}://{rest}");
    }
    let (path, query) = location.split_once('?').map_or((location, None), |(path, query)| (path, Some(query)));
    let query = query.map(|query| format!("?{query}"));
    let path = if path.is_empty() {
        let own = base.query().map(|query| format!("?{query}")).unwrap_or_default();
        return format!("{scheme}://{authority}{}{}", base.path(), query.unwrap_or(own));
    } else if path.starts_with('/') {
        path.to_owned()
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/{path}")
    };
    format!("{scheme}://{authority}{}{}", without_dots(&path), query.unwrap_or_default())
}

fn has_scheme(location: &str) -> bool {
    location.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

/// The path without `.` and `..`.
fn without_dots(path: &str) -> String {
    let mut parts = Vec::new();
    let mut rest = path.split('/').skip(1).peekable();
    while let Some(part) = rest.next() {
        let is_last = rest.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    parts.pop();
                }
                if is_last {
                    parts.push("");
                }
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(base: &str, location: &str) -> Target {
        target(&base.parse().expect("an address"), location)
    }

    #[test]
    fn a_redirect_is_read_from_where_it_was_given() {
        let base = "http://h.example:8080/a/b?q=1";
        for (location, leads) in [
            ("/x", "http://h.example:8080/x"),
            ("x?y=2#z", "http://h.example:8080/a/x?y=2"),
            ("../x/./y/..", "http://h.example:8080/x/"),
            ("../../../x", "http://h.example:8080/x"),
            ("?r=3", "http://h.example:8080/a/b?r=3"),
            ("", "http://h.example:8080/a/b?q=1"),
            ("//H.example:8080/x", "http://H.example:8080/x"),
            ("http://h.example.:8080/ü", "http://h.example.:8080/%C3%BC"),
        ] {
            assert_eq!(from(base, location), Target::Same(leads.parse().expect("an address")), "{location}");
        }
        assert_eq!(
            from("https://h.example/", "https://h.example:443/x"),
            Target::Same("https://h.example:443/x".parse().expect("an address"))
        );
    }

    #[test]
    fn another_port_or_scheme_is_beside_and_never_in_the_clear() {
        for (base, location, leads) in [
            ("http://h.example:8080/a", "//H.example/x", "http://H.example/x"),
            ("http://h.example/", "https://h.example/x y", "https://h.example/x%20y"),
            ("http://h.example:443/", "https://h.example/", "https://h.example/"),
            ("https://h.example/", "https://h.example:8443/", "https://h.example:8443/"),
        ] {
            assert_eq!(from(base, location), Target::Beside(leads.parse().expect("an address")), "{location}");
        }
        for location in ["http://h.example/", "http://H.example.:443/", "http://h.example:8443/"] {
            assert_eq!(from("https://h.example:8443/", location), Target::Clear, "{location}");
        }
    }

    #[test]
    fn another_host_is_another_host() {
        for location in ["http://other.example/", "//other.example/x", "https://me:pw@other.example:1/"] {
            assert_eq!(from("http://h.example/", location), Target::Other("other.example".to_owned()), "{location}");
        }
        assert_eq!(from("http://127.0.0.1:1/", "http://localhost:1/"), Target::Other("localhost".to_owned()));
        assert_eq!(from("http://[::1]:1/", "http://[::1]:2/"), Target::Beside("http://[::1]:2/".parse().expect("is")));
    }

    #[test]
    fn what_is_no_address_is_told_so() {
        for location in ["ftp://h.example/x", "mailto:a@h.example", "http://", "http://a b/"] {
            assert!(matches!(from("http://h.example/", location), Target::Unusable(_)), "{location}");
        }
    }
}

//! Which proxy a request goes through, by the variables that curl reads (its manual: ENVIRONMENT).

use crate::masking;
use crate::settings::Environment;
use std::net::IpAddr;
use ureq::Proxy;
use ureq::http::Uri;

/// The proxy for a request to `uri`; `None` to go directly.
///
/// # Errors
/// When the one that is set cannot be used: why, and what to do.
pub fn proxy_for(uri: &Uri, environment: &Environment) -> Result<Option<Proxy>, String> {
    let scheme = uri.scheme_str().unwrap_or("http");
    let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    let Some(given) = given(scheme, uri.host().unwrap_or_default(), port, environment) else { return Ok(None) };
    let shown = masking::endpoint(&given);
    if given.to_ascii_lowercase().starts_with("socks") {
        return Err(format!("the proxy {shown} is a SOCKS proxy, which cannot be used; name the host in NO_PROXY"));
    }
    Proxy::new(&given)
        .map(Some)
        .map_err(|_| format!("the proxy {shown} is not a usable address; write http://host:port"))
}

/// The proxy for a request to `host`, as it was given.
///
/// The variable of the scheme comes before `all_proxy`, small letters before capitals; an empty variable counts as
/// unset. Unlike curl, and like restic, `HTTP_PROXY` counts as well.
fn given(scheme: &str, host: &str, port: u16, environment: &Environment) -> Option<String> {
    let text =
        |name: &str| environment.text(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let either = |name: &str| text(name).or_else(|| text(&name.to_ascii_uppercase()));
    let proxy = either(&format!("{scheme}_proxy")).or_else(|| either("all_proxy"))?;
    let excepted = either("no_proxy").is_some_and(|list| is_excepted(host, port, &list));
    (!excepted).then_some(proxy)
}

/// Whether a host is in the list of those that are asked directly.
fn is_excepted(host: &str, port: u16, list: &str) -> bool {
    let host = bare(host).trim_end_matches('.').to_ascii_lowercase();
    list.split([',', ' ', '\t', '\n']).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" || is_in_network(&host, entry) {
            return true;
        }
        let (name, wanted) = match entry.rsplit_once(':') {
            // More than one colon: an address, not a port.
            Some((name, digits)) if !name.contains(':') || name.ends_with(']') => (name, digits.parse().ok()),
            _ => (entry, None),
        };
        let name = bare(name).trim_start_matches("*.").trim_matches('.').to_ascii_lowercase();
        let below = || host.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.'));
        !name.is_empty() && wanted.is_none_or(|wanted: u16| wanted == port) && (host == name || below())
    })
}

/// An IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Whether `host` is an address in the network `entry` (`10.0.0.0/8`).
fn is_in_network(host: &str, entry: &str) -> bool {
    let Some((network, bits)) = entry.split_once('/') else { return false };
    let (Ok(host), Ok(network), Ok(bits)) = (host.parse(), bare(network).parse(), bits.parse::<u32>()) else {
        return false;
    };
    match (host, network) {
        (IpAddr::V4(host), IpAddr::V4(network)) if bits <= 32 => {
            (host.to_bits() ^ network.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(host), IpAddr::V6(network)) if bits <= 128 => {
            (host.to_bits() ^ network.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(scheme: &str, host: &str, variables: &[(&str, &str)]) -> Option<String> {
        let port = if scheme == "https" { 443 } else { 80 };
        given(scheme, host, port, &variables.iter().copied().collect())
    }

    #[test]
    fn the_variable_of_the_scheme_comes_before_the_one_for_all() {
        let all = [("https_proxy", "http://s"), ("HTTP_PROXY", "http://h"), ("ALL_PROXY", "http://a")];
        assert_eq!(chosen("https", "x", &all).as_deref(), Some("http://s"));
        assert_eq!(chosen("http", "x", &all).as_deref(), Some("http://h"));
        assert_eq!(chosen("http", "x", &all[2..]).as_deref(), Some("http://a"));
        assert_eq!(
            chosen("https", "x", &[("https_proxy", " "), ("all_proxy", "http://a")]).as_deref(),
            Some("http://a")
        );
        assert_eq!(chosen("http", "x", &all[..1]), None);
        assert_eq!(chosen("https", "x", &[]), None);
    }

    #[test]
    fn a_host_is_excepted_by_name_domain_port_address_or_network() {
        let list = "localhost, .corp.example intern.example:8080,10.0.0.0/8,[fd00::]/8,192.168.1.1,::1";
        for (host, port) in [
            ("localhost", 80),
            ("corp.example", 80),
            ("HOOK.Corp.Example.", 443),
            ("intern.example", 8080),
            ("a.intern.example", 8080),
            ("10.200.3.4", 80),
            ("[fd12::7]", 80),
            ("192.168.1.1", 80),
            ("[::1]", 80),
        ] {
            assert!(is_excepted(host, port, list), "{host}:{port}");
        }
        for (host, port) in [
            ("mylocalhost", 80),
            ("corp.example.org", 80),
            ("notcorp.example", 80),
            ("intern.example", 80),
            ("11.0.0.1", 80),
            ("[fe80::1]", 80),
            ("192.168.1.10", 80),
        ] {
            assert!(!is_excepted(host, port, list), "{host}:{port}");
        }
        assert!(is_excepted("anything", 1, "*"));
        assert!(is_excepted("1.2.3.4", 1, "0.0.0.0/0"));
        assert!(!is_excepted("anything", 1, ", . ,/,a/b,1.2.3.4/33"));
    }

    #[test]
    fn an_excepted_host_is_asked_directly() {
        let all = [("http_proxy", "http://h"), ("NO_PROXY", "x")];
        assert_eq!(chosen("http", "x", &all), None);
        assert_eq!(chosen("http", "y", &all).as_deref(), Some("http://h"));
    }
}

//! Repositories and endpoints as they may be shown, and which parts of them are secret.
//!
//! An address that no parser would accept (a password with `/` or `@` in it, not encoded) is still shown to people in
//! error messages. So where one and the same text may be read in two ways, the reading with the longer password
//! counts: rather a host is hidden than the end of a password shown.

use super::MASK;
use super::decode::percent_decoded;
use super::names::names_a_secret;
use super::secrets::SHORTEST;
use super::userinfo::{Form, end_of_userinfo, ends_of_userinfo};
use std::ops::Range;

/// Backends of restic whose locations hold nothing secret: a folder, or a bucket and a path.
const WITHOUT_USER: &[&str] = &["local:", "b2:", "gs:", "azure:", "swift:"];

/// The shortest part of a webhook's path, and the shortest nameless query, that counts as a secret by itself, in bytes.
const PATH_SECRET: usize = 8;

/// A repository as it may be shown: a password is `***` and the user's name stays; a token in the user's place or in
/// the query is `***`. Anything without such parts stays as it is, byte for byte.
pub fn repository(location: &str) -> String {
    let mut shown = location.to_owned();
    for place in hidden(location).into_iter().rev() {
        shown.replace_range(place, MASK);
    }
    shown
}

/// An endpoint as `scheme://authority/...`, with `***` for user and password; `***` alone where it is neither
/// `http://` nor `https://`.
pub fn endpoint(url: &str) -> String {
    let Some((scheme, rest)) = ["https://", "http://"].iter().find_map(|s| Some((s, url.strip_prefix(s)?))) else {
        return MASK.to_owned();
    };
    let (user, rest) = match end_of_userinfo(rest, Form::Url) {
        Some(end) => (format!("{MASK}@"), &rest[end + 1..]),
        None => (String::new(), rest),
    };
    match authority(rest) {
        "" => MASK.to_owned(),
        host => format!("{scheme}{user}{host}/..."),
    }
}

/// The secrets in a location or in any text that holds URLs: passwords, tokens in the user's place, tokens in
/// queries; each as written and percent-decoded.
pub fn secrets_of_location(text: &str) -> Vec<String> {
    let mut secrets = Vec::new();
    let alone = text.split_whitespace().nth(1).is_none();
    for piece in text.split_whitespace().filter(|piece| alone || piece.contains("://")) {
        secrets_of_one(piece, &mut secrets);
        // Several addresses may stand in one word, with a comma between them.
        let mut rest = piece;
        while let Some(next) = rest.find("://").and_then(|at| rest[at + 3..].find("://").map(|next| at + 3 + next)) {
            let start = rest[..next].rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |before| before + 1);
            if start == 0 {
                break;
            }
            secrets_of_one(&rest[..start], &mut secrets);
            rest = &rest[start..];
            secrets_of_one(rest, &mut secrets);
        }
    }
    with_decoded(secrets)
}

/// The secrets of a webhook's URL: beside those of any location all that follows the authority, as a whole and in
/// parts of at least eight bytes. What is but a word of everybody's counts only behind its host.
pub fn secrets_of_webhook(url: &str) -> Vec<String> {
    let mut secrets = Vec::new();
    if let Some(at) = url.find("://") {
        let rest = &url[at + 3..];
        let rest = &rest[end_of_userinfo(rest, Form::Url).map_or(0, |end| end + 1)..];
        let host = authority(rest);
        let all = rest[host.len()..].trim_start_matches('/');
        let (path, query) = all.split_once(['?', '#']).unwrap_or((all, ""));
        for whole in [all, path].into_iter().filter(|whole| whole.len() >= SHORTEST) {
            secrets.push(if is_everyday(whole) { format!("{host}/{whole}") } else { whole.to_owned() });
        }
        let values = query.split(['&', ';', '#']).filter_map(|pair| pair.rsplit('=').next());
        let parts = path.split('/').chain(values).filter(|part| part.len() >= PATH_SECRET && !is_everyday(part));
        secrets.extend(parts.map(str::to_owned));
    }
    let mut secrets = with_decoded(secrets);
    secrets.extend(secrets_of_location(url));
    secrets
}

/// Whether a part of a webhook's path is a word that stands in other texts, too: a short one of small letters, or one
/// that well-known services have in all their webhooks.
fn is_everyday(part: &str) -> bool {
    const ROUTES: &[&str] = &["services", "webhooks", "messages", "integrations", "notifications", "workflows"];
    ROUTES.contains(&part) || part.len() < PATH_SECRET && part.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn with_decoded(mut secrets: Vec<String>) -> Vec<String> {
    let decoded: Vec<_> =
        secrets.iter().map(|secret| String::from_utf8_lossy(&percent_decoded(secret)).into_owned()).collect();
    secrets.extend(decoded);
    secrets.retain(|secret| !secret.is_empty() && secret != MASK);
    secrets.sort();
    secrets.dedup();
    secrets
}

/// The authority at the start of `rest`.
fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// The part of a location in which a user may stand: where it begins, and the form in which it is written. `None`
/// for folders and buckets.
fn part_with_user(location: &str) -> Option<(usize, Form)> {
    if location.starts_with(['/', '.', '~']) {
        return None;
    }
    if let Some(at) = location.find("://") {
        let scheme = location[..at].rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
        let named = |name: &str| scheme == Some(name);
        return Some((at + 3, if named("sftp") || named("ssh") { Form::SshUrl } else { Form::Url }));
    }
    if WITHOUT_USER.iter().any(|backend| location.starts_with(backend)) || location.starts_with("rclone:") {
        return None;
    }
    if location.starts_with("sftp:") {
        return Some((5, Form::Scp));
    }
    let start =
        ["s3:", "rest:"].iter().find(|backend| location.starts_with(*backend)).map_or(0, |backend| backend.len());
    // A relative path with a colon somewhere in it.
    if let (Some(slash), Some(colon)) = (location[start..].find('/'), location[start..].find(':'))
        && slash < colon
    {
        return None;
    }
    Some((start, Form::Scp))
}

/// The places of a location that must not be shown, in order and apart from each other.
fn hidden(location: &str) -> Vec<Range<usize>> {
    let quoted = quoted_urls(location);
    if quoted.is_empty() {
        return apart(hidden_of_one(location));
    }
    let of_url = |url: Range<usize>| {
        let start = url.start;
        hidden_of_one(&location[url]).into_iter().map(move |place| start + place.start..start + place.end)
    };
    apart(quoted.into_iter().flat_map(of_url).chain(connection_secrets(location, 0)).collect())
}

/// The places in order, with those that meet as one.
fn apart(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_by_key(|place| place.start);
    let mut found: Vec<Range<usize>> = Vec::new();
    for place in places {
        match found.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(place.end),
            _ => found.push(place),
        }
    }
    found
}

/// The URLs that are quoted values of a connection string (`:s3,endpoint="http://nas:9000":bucket`), without the
/// quotes. None where the first URL is not one of them: what looks like it may be a part of a password then.
fn quoted_urls(location: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = location[from..].find("://").map(|at| from + at) {
        let before = location[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric());
        let quote = before.chars().last().filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote.filter(|_| before[..before.len() - 1].ends_with('=')) else {
            if found.is_empty() {
                return found;
            }
            from = at + 3;
            continue;
        };
        let end = end_of_quoted(location, before.len(), quote);
        found.push(before.len()..end);
        from = end;
    }
    found
}

/// Where a quoted text ends that begins at `start`, behind its quote; a doubled quote is a character of it.
fn end_of_quoted(text: &str, start: usize, quote: char) -> usize {
    let mut at = start;
    while let Some(end) = text[at..].find(quote).map(|end| at + end) {
        if !text[end + 1..].starts_with(quote) {
            return end;
        }
        at = end + 2;
    }
    text.len()
}

fn hidden_of_one(location: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut after = 0;
    if let Some((start, form)) = part_with_user(location) {
        after = start;
        if let Some(end) = end_of_userinfo(&location[start..], form).map(|end| start + end) {
            places.extend(secret_of_user(&location[start..end], form).map(|from| start + from..end));
            after = end + 1;
        }
    }
    if location.contains("://") {
        places.extend(query_values(location, after).map(|(place, _)| place));
    }
    places.extend(connection_secrets(location, start_of_connection(location, after)));
    places
}

/// Where parameters of a connection string may begin: before a URL in it, or else behind the user.
fn start_of_connection(location: &str, after: usize) -> usize {
    let comma = location.find(',').unwrap_or(location.len());
    if location.find("://").is_some_and(|url| comma < url) { 0 } else { after }
}

/// Where the secret begins in what stands before the `@`; `None` if a user's name stands there alone.
fn secret_of_user(user: &str, form: Form) -> Option<usize> {
    match user.find(':') {
        Some(colon) => Some(colon + 1),
        None if form == Form::Url && !user.is_empty() => Some(0),
        None => None,
    }
}

fn secrets_of_one(location: &str, secrets: &mut Vec<String>) {
    let quoted = quoted_urls(location);
    if quoted.is_empty() {
        return secrets_of_plain(location, secrets);
    }
    for url in quoted {
        secrets_of_plain(&location[url], secrets);
    }
    add_connection_secrets(location, 0, secrets);
}

/// The values of secret parameters, as written and as rclone reads them.
fn add_connection_secrets(location: &str, after: usize, secrets: &mut Vec<String>) {
    for value in connection_secrets(location, after).map(|place| &location[place]) {
        secrets.push(value.to_owned());
        if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let inner = &value[1..end_of_quoted(value, 1, quote)];
            secrets.push(inner.replace(&format!("{quote}{quote}"), &quote.to_string()));
        }
    }
}

fn secrets_of_plain(location: &str, secrets: &mut Vec<String>) {
    let mut after = 0;
    if let Some((start, form)) = part_with_user(location) {
        // Each reading has a password of its own.
        for end in ends_of_userinfo(&location[start..], form).into_iter().flatten().map(|end| start + end) {
            let secret = secret_of_user(&location[start..end], form);
            secrets.extend(secret.map(|from| location[start + from..end].to_owned()));
            after = end + 1;
        }
    }
    if location.contains("://") {
        let is_secret =
            |place: &Range<usize>, key: Option<&str>| key.map_or(place.len() >= PATH_SECRET, names_a_secret);
        let told = query_values(location, after).filter(|(place, key)| is_secret(place, *key));
        secrets.extend(told.map(|(place, _)| location[place].trim_end_matches(['"', '\'', ':']).to_owned()));
    }
    add_connection_secrets(location, start_of_connection(location, after), secrets);
}

/// The values of a URL's query, and of a fragment that looks like one: their places, and their names if they have any.
fn query_values(location: &str, after: usize) -> impl Iterator<Item = (Range<usize>, Option<&str>)> {
    let start = location[after..].find(['?', '#']).map_or(location.len(), |at| after + at + 1);
    let mut at = start;
    location[start..].split_inclusive(['&', '#', ';', '?']).filter_map(move |part| {
        let (begin, part) = (at, part.trim_end_matches(['&', '#', ';', '?']));
        at = begin + part.len();
        at += usize::from(at < location.len());
        let (from, key) = part.split_once('=').map_or((0, None), |(key, _)| (key.len() + 1, Some(key)));
        (from < part.len()).then_some((begin + from..begin + part.len(), key))
    })
}

/// The values of secret parameters in a connection string of rclone: `:sftp,host=nas,pass=xyz:/srv`.
fn connection_secrets(location: &str, after: usize) -> impl Iterator<Item = Range<usize>> {
    let mut from = after;
    std::iter::from_fn(move || {
        loop {
            let comma = from + location[from..].find(',')?;
            let equals = comma + location[comma..].find('=')?;
            let value = equals + 1;
            let end = match location[value..].chars().next() {
                Some(quote @ ('"' | '\'')) => location.len().min(end_of_quoted(location, value + 1, quote) + 1),
                _ => location[value..].find([',', ':']).map_or(location.len(), |at| value + at),
            };
            let key = &location[comma + 1..equals];
            if key.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                from = comma + 1;
                continue;
            }
            from = end;
            if names_a_secret(key) && end > value {
                return Some(value..end);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_stays_and_the_password_goes() {
        for (location, shown) in [
            ("rest:https://alice:s3cret@repo.example:8000/main", "rest:https://alice:***@repo.example:8000/main"),
            ("s3:https://AKIA1:zzz@s3.example/bucket", "s3:https://AKIA1:***@s3.example/bucket"),
            ("sftp:bob:pw@nas:/srv", "sftp:bob:***@nas:/srv"),
            ("user:pw@host/path", "user:***@host/path"),
            ("https://:pw@host/", "https://:***@host/"),
            ("https://bob:@host/", "https://bob:***@host/"),
            ("rest:http://bob:pw@[::1]:8000/r", "rest:http://bob:***@[::1]:8000/r"),
            ("rest:https://alice@example.com:pw@host/r", "rest:https://alice@example.com:***@host/r"),
        ] {
            assert_eq!(repository(location), shown);
            assert_eq!(repository(shown), shown, "masking twice changes nothing");
        }
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        for location in [
            "",
            "/mnt/restic",
            "/mnt/a:b@c/d",
            "./a:b@c",
            "data/a:b@c",
            "rclone:vault:main",
            "rclone:vault:users/me@home",
            "vault:main",
            "b2:bucket:dir",
            "local:/srv/a:b@c",
            "s3:s3.amazonaws.com/bucket",
            "s3:https://s3.example:9000/bucket",
            "rest:http://rest-server:8000/",
            "rest:https://repo.example:8000/me@home/",
            "sftp:backup@nas:/srv",
            "sftp:backup@nas:/srv/me@home",
            "sftp:nas:/srv/me@home",
            "sftp://backup@nas:2222//srv",
            "backup@nas:/srv",
            "azure:container:/",
            "https://host/x@y",
        ] {
            assert_eq!(repository(location), location);
            assert_eq!(secrets_of_location(location), [""; 0], "{location}");
        }
    }

    #[test]
    fn a_password_with_any_character_is_masked_whole() {
        for password in
            ["pa/ss", "pa:ss", "p@ss", "p@ss/w:rd", "pa?ss", "pa#ss", "1/2", "/x", "x/", "@", "a://b", "12345@/x"]
        {
            for (before, after) in [
                ("rest:https://alice:", "@host/r"),
                ("https://alice:", "@repo.example:8000/r"),
                ("s3:http://ab:", "@h/b"),
            ] {
                let location = format!("{before}{password}{after}");
                assert_eq!(repository(&location), format!("{before}***{after}"));
                assert!(secrets_of_location(&location).contains(&password.to_owned()), "{location}");
            }
        }
        assert_eq!(repository("sftp:bob:/x@nas:/srv"), "sftp:bob:***@nas:/srv");
        for password in ["pa/ss", "pa:ss", "p@ss", "p@ss/w:rd"] {
            assert_eq!(repository(&format!("sftp:bob:{password}@nas:/srv")), "sftp:bob:***@nas:/srv");
            assert_eq!(repository(&format!("user:{password}@host/path")), "user:***@host/path");
        }
    }

    #[test]
    fn tokens_are_masked() {
        for (location, shown, secret) in [
            ("https://tok3n@host/x", "https://***@host/x", "tok3n"),
            ("rest:https://host/r?token=abcd", "rest:https://host/r?token=***", "abcd"),
            ("https://h.example/r?a=1&api_key=k%2Fey#x", "https://h.example/r?a=***&api_key=***#***", "k/ey"),
            ("https://h.example/r?0123456789", "https://h.example/r?***", "0123456789"),
            ("rclone::sftp,host=nas,pass=xyzw:/srv", "rclone::sftp,host=nas,pass=***:/srv", "xyzw"),
            (":s3,secret_access_key=\"a:b,c\",x=y:b", ":s3,secret_access_key=***,x=y:b", "\"a:b,c\""),
        ] {
            assert_eq!(repository(location), shown);
            assert!(secrets_of_location(location).contains(&secret.to_owned()), "{:?}", secrets_of_location(location));
        }
    }

    #[test]
    fn a_connection_string_with_a_url_in_it_shows_no_secret() {
        for (location, shown, secrets) in [
            (
                ":s3,provider=Minio,secret_access_key=S3CR3Tc,endpoint=\"http://127.0.0.1:1\":bucket",
                ":s3,provider=Minio,secret_access_key=***,endpoint=\"http://127.0.0.1:1\":bucket",
                &["S3CR3Tc"][..],
            ),
            (
                "rclone::s3,secret_access_key=S3,endpoint=http://h:b",
                "rclone::s3,secret_access_key=***,endpoint=http://h:b",
                &["S3"],
            ),
            (
                ":webdav,url=\"http://u:p1@h\",user=a@b,pass=X9:",
                ":webdav,url=\"http://u:***@h\",user=a@b,pass=***:",
                &["X9", "p1"],
            ),
            (":http,url='http://h/?token=K7':x", ":http,url='http://h/?token=***':x", &["K7"]),
            (
                ":azureblob,sas_url=\"https://h.example/c?sp=r&sig=K%2F7\":c",
                ":azureblob,sas_url=\"https://h.example/c?sp=***&sig=***\":c",
                &["K%2F7", "K/7"],
            ),
            (
                ":s3,secret_access_key=\"a\"\"b\",endpoint=\"http://h\":",
                ":s3,secret_access_key=***,endpoint=\"http://h\":",
                &["\"a\"\"b\"", "a\"b"],
            ),
        ] {
            assert_eq!(repository(location), shown);
            assert_eq!(secrets_of_location(location), secrets, "{location}");
        }
    }

    #[test]
    fn the_secrets_of_a_location_are_found_in_other_text_too() {
        let secrets =
            secrets_of_location("--repo=rest:https://u:first%40@h.example/r,https://v:second@h --x a:third@c");
        assert_eq!(secrets, ["first%40", "first@", "second"]);
        assert_eq!(secrets_of_location("--from sftp://backup@nas/x"), [""; 0]);
    }

    #[test]
    fn an_endpoint_is_its_scheme_and_authority() {
        for (url, shown) in [
            ("https://ping.example/1111-2222", "https://ping.example/..."),
            ("http://host?tok=1", "http://host/..."),
            ("https://host", "https://host/..."),
            ("https://me:pw@hook.example:8443/a?b#c", "https://***@hook.example:8443/..."),
            ("https://tok3n@hook.example/a", "https://***@hook.example/..."),
            ("https://me:p/w@hook.example/a", "https://***@hook.example/..."),
            ("http://gotify/message@x", "http://gotify/..."),
            ("HTTPS://host/x", "***"),
            ("ftp://host/x", "***"),
            ("host/x", "***"),
            ("https:///x", "***"),
            ("", "***"),
        ] {
            assert_eq!(endpoint(url), shown, "{url}");
        }
    }

    #[test]
    fn all_of_a_webhook_after_the_host_is_secret() {
        let secrets = secrets_of_webhook("https://hooks.example/services/T0001/B0123456789?thread=0123456789&x=1");
        for secret in ["services/T0001/B0123456789", "B0123456789", "0123456789"] {
            assert!(secrets.contains(&secret.to_owned()), "{secret} in {secrets:?}");
        }
        assert!(!secrets.iter().any(|secret| secret == "T0001" || secret == "services"), "{secrets:?}");
        assert_eq!(secrets_of_webhook("https://ntfy.example/Top1c"), ["Top1c"]);
        assert_eq!(secrets_of_webhook("http://me:pw@gotify/message"), ["gotify/message", "pw"]);
        assert!(secrets_of_webhook("https://me:p/w@h.example/").contains(&"p/w".to_owned()));
    }
}

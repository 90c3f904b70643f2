//! Declared hooks that ask by HTTP, against real servers on the loopback.

use crate::http_peer::{NO_CONTENT, Peer, answer, authority, other_authority};
use crate::loopback::nobody;
use crate::support::{Sandbox, wait_for};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::time::Duration;

/// Runs a backup with these pre hooks, each a name and what the file says about it, and gives their records.
#[track_caller]
fn records(sandbox: &Sandbox, hooks: &[(&str, String)]) -> Vec<Value> {
    let list: Vec<_> = hooks.iter().map(|(name, rest)| format!("{{name: {name}, {rest}}}")).collect();
    let text = format!("hooks:\n  preBackup: [{}]\n", list.join(", "));
    fs::write(sandbox.path("hooks/hooks.yaml"), text).expect("can be written");
    let out = sandbox.run(&["backup"]).ends_with(0);
    let records = sandbox.summary("backup")["hooks"].as_array().expect("are there").clone();
    assert_eq!(records.len(), hooks.len(), "{}", out.all());
    records
}

fn get(port: u16, rest: &str) -> String {
    format!("httpGet: {{host: 127.0.0.1, port: {port}, path: /x}}{rest}")
}

/// Status, exit code and reason.
fn end(record: &Value) -> (&str, i64, &str) {
    let text = |key: &str| record[key].as_str().unwrap_or_default();
    (text("status"), record["exit_code"].as_i64().unwrap_or(-1), text("reason"))
}

#[test]
fn statuses_from_200_to_399_are_success() {
    let peers: Vec<(&str, Peer)> = [
        "200 OK",
        "204 No Content",
        "304 Not Modified",
        "399 Odd",
        "400 Bad Request",
        "500 Internal Server Error",
        "101 Switching Protocols",
    ]
    .into_iter()
    .map(|status| (status, Peer::answering(answer(status, "", "\n the disk is full \nmore\n"))))
    .collect();
    // Only an announcement, and nothing after it.
    let early = Peer::answering("HTTP/1.1 199 Soon\r\n\r\n");
    let sandbox = Sandbox::with_stand_in_engine();
    let mut hooks: Vec<_> =
        peers.iter().enumerate().map(|(at, (_, peer))| (format!("h{at}"), get(peer.port(), ""))).collect();
    hooks.push(("early".to_owned(), get(early.port(), "")));
    let hooks: Vec<_> = hooks.iter().map(|(name, rest)| (name.as_str(), rest.clone())).collect();
    let records = records(&sandbox, &hooks);
    for ((status, peer), record) in peers.iter().zip(&records) {
        let (word, code, reason) = end(record);
        if ("200".."400").contains(&&status[..3]) {
            assert_eq!((word, code, reason), ("completed", 0, ""), "{status}");
            let tail = record["output_tail"].as_str().expect("is text");
            assert!(tail.starts_with(&format!("HTTP {}", &status[..3])), "{tail}");
        } else {
            assert_eq!((word, code), ("failed", 1), "{status}");
            let said = format!("127.0.0.1:{} answered HTTP {status}", peer.port());
            assert!(reason.starts_with(&said), "{reason}");
        }
        assert_eq!(peer.requests()[0].line, "GET /x HTTP/1.1");
    }
    assert!(end(&records[5]).2.ends_with("500 Internal Server Error: the disk is full"), "{}", records[5]);
    let (word, code, reason) = end(&records[7]);
    assert_eq!((word, code), ("failed", 1));
    assert!(reason.contains("closed the connection without an answer"), "{reason}");
    let log = sandbox.log("backup");
    assert!(log.contains("[h0] HTTP 200 OK\n") && log.contains("[h0]  the disk is full \n"), "{log}");
    assert!(log.contains("❌ Hook h5 failed in 0s (exit 1)\n"), "{log}");
}

#[test]
fn a_redirect_is_followed_on_the_same_host() {
    let moving = Peer::new(|stream, number| {
        let text = match number {
            0 => answer("302 Found", "Location: /there?a=1\r\n", ""),
            1 => answer("308 Permanent Redirect", "Location: ../end\r\n", "moved"),
            _ => NO_CONTENT.to_owned(),
        };
        let _ = stream.write_all(text.as_bytes());
    });
    let sandbox = Sandbox::with_stand_in_engine();
    let headers = "httpHeaders: [{name: Authorization, value: Bearer abc}, {name: X-Own, value: kept}]";
    let action = format!("httpGet: {{host: 127.0.0.1, port: {}, path: /a/b, {headers}}}", moving.port());
    let records = records(&sandbox, &[("moves", action)]);
    assert_eq!(end(&records[0]), ("completed", 0, ""));
    let asked = moving.requests();
    let lines: Vec<_> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(lines, ["GET /a/b HTTP/1.1", "GET /there?a=1 HTTP/1.1", "GET /end HTTP/1.1"]);
    for asked in &asked {
        assert_eq!((asked.header("Authorization"), asked.header("X-Own")), (vec!["Bearer abc"], vec!["kept"]));
    }
}

#[test]
fn only_307_and_308_repeat_a_post() {
    for (status, line, body) in [
        ("301 Moved Permanently", "GET /next HTTP/1.1", ""),
        ("302 Found", "GET /next HTTP/1.1", ""),
        ("303 See Other", "GET /next HTTP/1.1", ""),
        ("307 Temporary Redirect", "POST /next HTTP/1.1", "{\"a\": 1}"),
        ("308 Permanent Redirect", "POST /next HTTP/1.1", "{\"a\": 1}"),
    ] {
        let moving = Peer::new(move |stream, number| {
            let moved = answer(status, "Location: /next\r\n", "");
            let _ = stream.write_all(if number == 0 { moved.as_bytes() } else { NO_CONTENT.as_bytes() });
        });
        let sandbox = Sandbox::with_stand_in_engine();
        let action = format!("httpPost: {{host: 127.0.0.1, port: {}, body: '{{\"a\": 1}}'}}", moving.port());
        let records = records(&sandbox, &[("posts", action)]);
        assert_eq!(end(&records[0]), ("completed", 0, ""), "{status}");
        let asked = moving.requests();
        assert_eq!(asked[0].body, "{\"a\": 1}");
        assert_eq!((asked[1].line.as_str(), asked[1].body.as_str()), (line, body), "{status}");
        let kind = (!body.is_empty()).then_some("application/json");
        assert_eq!(asked[1].any("content-type"), kind, "{status}");
    }
}

#[test]
fn another_port_of_the_host_gets_no_credentials_and_nothing_that_was_posted() {
    let secret = "correct-horse-battery";
    let headers = "httpHeaders: [{name: authorization, value: Bearer abc}, {name: Cookie, value: a=b}, {name: X-Own, value: \
         kept}, {name: X-Token, value: '{{ env \"OWN_WORD\" }}'}]";
    for (status, line) in [
        ("302 Found", Some("GET /next HTTP/1.1")),
        ("303 See Other", Some("GET /next HTTP/1.1")),
        ("307 Temporary Redirect", None),
        ("308 Permanent Redirect", None),
    ] {
        let beside = Peer::answering(NO_CONTENT);
        let place = format!("127.0.0.1:{}", beside.port());
        let first = Peer::answering(answer(status, &format!("Location: http://{place}/next\r\n"), ""));
        let mut sandbox = Sandbox::with_stand_in_engine();
        sandbox.set("OWN_WORD", secret);
        let action = format!("httpPost: {{host: 127.0.0.1, port: {}, body: posted, {headers}}}", first.port());
        let records = records(&sandbox, &[("posts", action)]);
        assert_eq!(end(&records[0]), ("completed", 0, ""), "{status}");
        assert_eq!(first.requests()[0].any("X-Token"), Some(secret));
        let (asked, tail) = (beside.requests(), records[0]["output_tail"].as_str().expect("is text"));
        assert_eq!(asked.first().map(|asked| asked.line.as_str()), line, "{status}");
        if let Some(asked) = asked.first() {
            let has = |name| asked.any(name).is_some();
            assert_eq!(["authorization", "cookie", "x-token", "x-own"].map(has), [false, false, false, true]);
            assert!(tail.contains(&format!("followed to {place} on the same host, without credentials")), "{tail}");
        } else {
            let what = format!("HTTP {status}: to {place}, where what was posted is not sent; not followed\n");
            assert_eq!(tail, what);
        }
    }
}

#[test]
fn a_redirect_from_https_to_http_is_not_followed() {
    let clear = Peer::answering(NO_CONTENT);
    let location = format!("Location: http://localhost:{}/x\r\n", clear.port());
    let server = Peer::with_tls_answering(answer("307 Temporary Redirect", &location, ""));
    let mut sandbox = Sandbox::with_stand_in_engine();
    fs::write(sandbox.path("ca.pem"), authority()).expect("can be written");
    sandbox.set("SSL_CERT_FILE", sandbox.path("ca.pem").display().to_string());
    let action = format!("httpPost: {{host: localhost, port: {}, scheme: HTTPS, body: posted}}", server.port());
    let records = records(&sandbox, &[("leads-out", action)]);
    assert_eq!(end(&records[0]), ("completed", 0, ""));
    let line = "HTTP 307 Temporary Redirect: from HTTPS to HTTP, which is not followed\n";
    assert_eq!(records[0]["output_tail"], line);
    assert!(clear.requests().is_empty());
}

#[test]
fn what_a_template_makes_of_a_secret_is_not_shown() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("OWN_WORD", "Blue-Kettle-Seven");
    let print = |text: &str| format!("exec: {{command: [/bin/echo, 'it is {text}!']}}");
    let hooks = [
        ("upper", print("{{ env \"OWN_WORD\" | upper }}")),
        ("cut", print("{{ env \"OWN_WORD\" | trunc 9 }}")),
        ("kept", print("{{ $w := env \"OWN_WORD\" }}{{ with $w }}{{ . | replace \"-\" \"_\" }}{{ end }}")),
        ("elsewhere", "exec: {command: [/bin/echo, 'it is blue-kettle-seven!']}".to_owned()),
    ];
    for record in records(&sandbox, &hooks) {
        assert_eq!(record["output_tail"], "it is ***!\n", "{record}");
    }
    let log = sandbox.log("backup").to_lowercase();
    assert!(!log.contains("blue-kett") && !log.contains("blue_kett"), "{log}");
}

#[test]
fn no_limit_is_the_limit_of_requests_and_undos() {
    let server = Peer::answering(NO_CONTENT);
    let sandbox = Sandbox::with_stand_in_engine();
    let undo = "exec: {command: [/bin/true]}, timeout: 0, undo: {exec: {command: [/bin/true]}, timeout: 0}";
    let text = format!(
        "hooks:\n  preBackup: [{{name: asks, {}}}, {{name: holds, {undo}}}]\n",
        get(server.port(), ", timeout: 0")
    );
    fs::write(sandbox.path("hooks/hooks.yaml"), text).expect("can be written");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    for line in ["hook asks (timeout 300s)", "hook holds...", "hook undo-holds (timeout 300s)"] {
        assert!(out.contains(line), "{line}: {out}");
    }
}

#[test]
fn a_redirect_to_another_host_is_success_and_not_followed() {
    let other = Peer::answering(NO_CONTENT);
    let location = format!("Location: http://localhost:{}/x\r\n", other.port());
    let first = Peer::answering(answer("302 Found", &location, ""));
    let sandbox = Sandbox::with_stand_in_engine();
    let records = records(&sandbox, &[("leads-away", get(first.port(), ""))]);
    assert_eq!(end(&records[0]), ("completed", 0, ""));
    let line = "HTTP 302 Found: to another host (localhost), which is not followed";
    assert_eq!(records[0]["output_tail"], format!("{line}\n"));
    assert!(other.requests().is_empty());
}

#[test]
fn redirects_without_end_fail() {
    let turns = Peer::answering(answer("302 Found", "Location: /x\r\n", ""));
    let strange = Peer::answering(answer("302 Found", "Location: ftp://127.0.0.1/x\r\n", ""));
    let sandbox = Sandbox::with_stand_in_engine();
    let records = records(&sandbox, &[("turns", get(turns.port(), "")), ("strange", get(strange.port(), ""))]);
    let (word, code, reason) = end(&records[0]);
    assert_eq!((word, code), ("failed", 1));
    assert!(reason.contains("redirected more than 10 times"), "{reason}");
    assert_eq!(turns.requests().len(), 11);
    let (word, code, reason) = end(&records[1]);
    assert_eq!((word, code), ("failed", 1));
    assert!(reason.contains("a redirect to ftp://, which is no HTTP"), "{reason}");
}

#[test]
fn a_peer_that_does_not_answer_is_left_at_the_limit() {
    let silent = Peer::new(|stream, _| drop(std::io::Read::read(stream, &mut [0])));
    // Byte by byte, and never to the end of the head.
    let slow = Peer::new(|stream, _| {
        while stream.write_all(b"HTTP/1.1 200 OK\r\nX: ").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let sandbox = Sandbox::with_stand_in_engine();
    let limit = ", timeout: 1s";
    // Nothing is said by the other side of TLS either.
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let mute_port = mute.local_addr().expect("is bound").port();
    let tls = format!("httpGet: {{host: 127.0.0.1, port: {mute_port}, scheme: HTTPS}}{limit}");
    let hooks = [("silent", get(silent.port(), limit)), ("slow", get(slow.port(), limit)), ("mute", tls)];
    let records = records(&sandbox, &hooks);
    drop(mute);
    for (record, what) in records.iter().zip(["did not answer", "did not answer", "does not answer to TLS"]) {
        let (word, code, reason) = end(record);
        assert_eq!((word, code, &record["timed_out"]), ("timed_out", 124, &true.into()), "{record}");
        assert!(reason.starts_with("timed out after 1s: 127.0.0.1:") && reason.contains(what), "{reason}");
        assert!((1000..5000).contains(&record["duration_ms"].as_i64().expect("is a number")), "{record}");
    }
    let log = sandbox.log("backup");
    assert!(log.contains("❌ Hook silent timed out after 1s (exit 124, ran 1s)\n   timed out after 1s: "), "{log}");
}

#[test]
fn a_body_without_end_does_not_hold_a_hook_up() {
    let slow = Peer::new(|stream, _| {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfirst\n");
        while sent.is_ok() {
            std::thread::sleep(Duration::from_millis(50));
            sent = stream.write_all(b"x");
        }
    });
    let endless = Peer::new(|stream, _| {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while sent.is_ok() {
            sent = stream.write_all(&[b'x'; 8192]);
        }
    });
    let failing = Peer::new(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 1000\r\n\r\nwait\n");
        let _ = std::io::Read::read(stream, &mut [0]);
    });
    let sandbox = Sandbox::with_stand_in_engine();
    let hooks = [
        ("slow", get(slow.port(), ", timeout: 20s")),
        ("endless", get(endless.port(), ", timeout: 20s")),
        ("failing", get(failing.port(), ", timeout: 20s")),
    ];
    let records = records(&sandbox, &hooks);
    for record in &records {
        assert!(record["duration_ms"].as_i64().expect("is a number") < 10_000, "{record}");
    }
    assert_eq!((end(&records[0]), end(&records[1])), (("completed", 0, ""), ("completed", 0, "")));
    assert!(records[0]["output_tail"].as_str().is_some_and(|tail| tail.starts_with("HTTP 200 OK\nfirst\n")));
    let tail = records[1]["output_tail"].as_str().expect("is text");
    assert!(tail.len() < 11_000 && tail.contains("10 KiB of the answer is not shown"), "{}", tail.len());
    let said = format!("127.0.0.1:{} answered HTTP 503 Service Unavailable: wait", failing.port());
    assert_eq!(end(&records[2]), ("failed", 1, said.as_str()));
}

#[test]
fn every_failure_says_what_to_look_at() {
    let gone = nobody().port();
    let cuts = Peer::new(|stream, _| reset(stream));
    let closes = Peer::new(|_, _| {});
    let strange = Peer::answering("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    let sandbox = Sandbox::with_stand_in_engine();
    let named = "httpGet: {host: nowhere.invalid, path: /}".to_owned();
    let tls = format!("httpGet: {{host: 127.0.0.1, port: {}, scheme: HTTPS}}", strange.port());
    let hooks = [
        ("gone", get(gone, "")),
        ("cuts", get(cuts.port(), "")),
        ("closes", get(closes.port(), "")),
        ("strange", get(strange.port(), "")),
        ("named", named),
        ("no-tls", tls),
    ];
    let records = records(&sandbox, &hooks);
    for (record, what) in records.iter().zip([
        format!("127.0.0.1:{gone} refuses the connection; does the service run"),
        format!("127.0.0.1:{} cut the connection off (", cuts.port()),
        format!("127.0.0.1:{} closed the connection without an answer", closes.port()),
        format!("what answers at 127.0.0.1:{} does not speak HTTP", strange.port()),
        "the address of nowhere.invalid was not found".to_owned(),
        format!("no TLS connection to 127.0.0.1:{}", strange.port()),
    ]) {
        let (word, code, reason) = end(record);
        assert_eq!((word, code), ("failed", 1), "{record}");
        assert!(reason.starts_with(&what), "{what}: {reason}");
        assert!(sandbox.log("backup").contains(&format!("   {reason}\n")), "{reason}");
    }
}

/// Closes a connection so that the other side sees a reset.
fn reset(stream: &TcpStream) {
    let linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };
    nix::sys::socket::setsockopt(stream, nix::sys::socket::sockopt::Linger, &linger).expect("is a socket");
}

#[test]
fn a_certificate_is_verified_unless_the_hook_says_otherwise() {
    let server = Peer::with_tls();
    let mut sandbox = Sandbox::with_stand_in_engine();
    fs::write(sandbox.path("ca.pem"), authority()).expect("can be written");
    let https = |host: &str, rest: &str| {
        format!("httpGet: {{host: {host}, port: {}, path: /x, scheme: HTTPS{rest}}}", server.port())
    };
    let hooks = [
        ("right", https("localhost", "")),
        ("other-name", https("127.0.0.1", "")),
        ("unverified", https("127.0.0.1", ", insecureSkipTLSVerify: true")),
    ];
    sandbox.set("SSL_CERT_FILE", sandbox.path("ca.pem").display().to_string());
    let trusted = records(&sandbox, &hooks);
    assert_eq!(end(&trusted[0]), ("completed", 0, ""));
    let (word, code, reason) = end(&trusted[1]);
    assert_eq!((word, code), ("failed", 1));
    assert!(
        reason.contains("is not accepted") && reason.contains("use a host name that the certificate is made for"),
        "{reason}"
    );
    assert_eq!(end(&trusted[2]), ("completed", 0, ""));
    // An authority that the system does not know.
    fs::write(sandbox.path("ca.pem"), other_authority()).expect("can be written");
    let untrusted = records(&sandbox, &hooks);
    let (word, code, reason) = end(&untrusted[0]);
    assert_eq!((word, code), ("failed", 1));
    assert!(reason.contains("add the CA that signed it"), "{reason}");
    assert_eq!(end(&untrusted[2]), ("completed", 0, ""));
    assert_eq!(server.requests().len(), 3);
    // Plain HTTP to a server that wants TLS.
    let plain = records(&sandbox, &[("plain", get(server.port(), ""))]);
    assert!(end(&plain[0]).2.contains("use scheme HTTPS"), "{}", plain[0]);
}

#[test]
fn an_ipv6_address_is_asked() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let server = Peer::on(Ipv6Addr::LOCALHOST.into(), |stream, _| drop(stream.write_all(NO_CONTENT.as_bytes())));
    let sandbox = Sandbox::with_stand_in_engine();
    let action = format!("httpGet: {{host: '::1', port: {}}}", server.port());
    assert_eq!(end(&records(&sandbox, &[("six", action)])[0]), ("completed", 0, ""));
    assert_eq!(server.requests()[0].any("host"), Some(format!("[::1]:{}", server.port()).as_str()));
}

#[test]
fn proxies_are_those_of_the_environment() {
    let direct = Peer::answering(NO_CONTENT);
    // Opens the tunnel, and answers itself what is asked through it.
    let proxy = Peer::new(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let _ = std::io::Read::read(stream, &mut [0; 4096]);
        let _ = stream.write_all(NO_CONTENT.as_bytes());
    });
    let closed = Peer::answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HTTP_PROXY", format!("http://{}", proxy.address())).set("NO_PROXY", "127.0.0.1");
    let far = "httpGet: {host: service.invalid, path: /x}".to_owned();
    let both = records(&sandbox, &[("far", far.clone()), ("near", get(direct.port(), ""))]);
    assert_eq!((end(&both[0]), end(&both[1])), (("completed", 0, ""), ("completed", 0, "")), "{both:?}");
    assert_eq!(proxy.requests()[0].line, "CONNECT service.invalid:80 HTTP/1.1");
    assert_eq!(direct.requests().len(), 1);
    sandbox.set("HTTP_PROXY", format!("http://me:proxy-word@{}", closed.address()));
    let refused = records(&sandbox, &[("far", far.clone())]);
    let what = format!("the proxy {} does not let us through to service.invalid:80", closed.address());
    let reason = end(&refused[0]).2;
    assert!(
        reason.starts_with(&format!("{what} (it answered HTTP 403); have it allow CONNECT to port 80")),
        "{reason}"
    );
    assert!(!sandbox.log("backup").contains("proxy-word"));
    sandbox.set("HTTP_PROXY", "socks5://127.0.0.1:1080");
    assert!(end(&records(&sandbox, &[("far", far)])[0]).2.contains("SOCKS"));
}

#[test]
fn headers_and_bodies_are_sent_as_they_are_set() {
    let server = Peer::answering(NO_CONTENT);
    let sandbox = Sandbox::with_stand_in_engine();
    let post = |rest: &str| {
        format!("httpPost: {{host: 127.0.0.1, port: {}, path: '/{{{{ \"a b\" }}}}?c=ü', {rest}}}", server.port())
    };
    let own = "httpHeaders: [{name: cOntent-type, value: text/x-own}, {name: Host, value: v.example}, {name: User-Agent, \
               value: mine}, {name: X-Api, value: one}, {name: X-Api, value: two}], body: '{}'";
    let hooks = [
        ("own", post(own)),
        ("json", post("body: '[1, \"é\"]'")),
        ("text", post("body: hello")),
        ("form", post("form: [{key: b, values: [1 2, '&']}, {key: a, values: ['ü']}]")),
        ("nothing", format!("httpPost: {{host: 127.0.0.1, port: {}}}", server.port())),
    ];
    for record in records(&sandbox, &hooks) {
        assert_eq!(end(&record), ("completed", 0, ""), "{record}");
    }
    let asked = server.requests();
    let first = &asked[0];
    assert_eq!(first.line, "POST /a%20b?c=%C3%BC HTTP/1.1");
    assert_eq!(first.header("cOntent-type"), ["text/x-own"]);
    assert_eq!((first.header("Host"), first.header("User-Agent")), (vec!["v.example"], vec!["mine"]));
    assert_eq!(first.header("X-Api"), ["one", "two"]);
    let count = |name: &str| first.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).count();
    assert_eq!((count("host"), count("content-type"), count("user-agent")), (1, 1, 1));
    let version = concat!("boathook/", env!("CARGO_PKG_VERSION"));
    assert_eq!(asked[1].any("user-agent"), Some(version));
    let typed: Vec<_> =
        asked[1..].iter().map(|asked| (asked.any("content-type").unwrap_or_default(), asked.body.as_str())).collect();
    assert_eq!(
        typed,
        [
            ("application/json", "[1, \"é\"]"),
            ("text/plain; charset=utf-8", "hello"),
            ("application/x-www-form-urlencoded", "b=1+2&b=%26&a=%C3%BC"),
            ("", ""),
        ]
    );
    assert_eq!(asked[4].any("content-length"), Some("0"));
}

#[test]
fn a_request_that_cannot_be_made_is_not_made() {
    let server = Peer::answering(NO_CONTENT);
    let sandbox = Sandbox::with_stand_in_engine();
    let post = |rest: &str| format!("httpPost: {{host: 127.0.0.1, port: {}, {rest}}}", server.port());
    let hooks = [
        ("header", post("httpHeaders: [{name: X, value: '{{ \"a\\r\\nEvil: 1\" }}'}]")),
        ("path", post("path: '{{ \"/a\\nb\" }}'")),
        ("port", "httpGet: {host: 127.0.0.1, port: web}, containerName: app".to_owned()),
    ];
    let records = records(&sandbox, &hooks);
    for (record, what) in records.iter().zip([
        "cannot run: httpPost.httpHeaders[0].value holds a carriage return",
        "cannot run: httpPost.path holds a line feed",
        "cannot run: asks the port 'web' of a container",
    ]) {
        let (word, code, reason) = end(record);
        assert_eq!((word, code), ("failed", 126));
        assert!(reason.starts_with(what), "{reason}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn no_secret_of_a_request_or_its_answer_is_shown() {
    let secret = "correct-horse-battery";
    let server = Peer::answering(answer("500 Internal Server Error", "", &format!("you said {secret}\n")));
    let sandbox = Sandbox::with_stand_in_engine();
    let headers = format!("httpHeaders: [{{name: Authorization, value: Bearer {secret}}}], path: /{secret}");
    let action = format!("httpPost: {{host: 127.0.0.1, port: {}, {headers}, body: {secret}}}", server.port());
    let moved = Peer::answering(answer("302 Found", &format!("Location: http://{secret}.invalid/\r\n"), ""));
    let records = records(&sandbox, &[("tells", action), ("moved", get(moved.port(), ""))]);
    assert!(end(&records[0]).2.ends_with(": you said ***"), "{}", records[0]);
    assert_eq!(server.requests()[0].header("Authorization"), [format!("Bearer {secret}")]);
    let shown = format!("{}{}", sandbox.log("backup"), sandbox.summary("backup"));
    assert!(!shown.contains(secret) && shown.contains("***"), "{shown}");
}

#[test]
fn a_stop_gives_a_request_up_at_once() {
    let silent = Peer::new(|stream, _| drop(std::io::Read::read(stream, &mut [0])));
    let sandbox = Sandbox::with_stand_in_engine();
    let text = format!("hooks:\n  preBackup:\n    - {{name: waits, {}}}\n", get(silent.port(), ""));
    fs::write(sandbox.path("hooks/hooks.yaml"), text).expect("can be written");
    let running = sandbox.start(&["backup"]);
    wait_for("the request", || silent.requests().pop());
    running.signal(nix::libc::SIGTERM);
    running.finish().ends_with(143);
    let summary = sandbox.summary("backup");
    assert_eq!(end(&summary["hooks"][0]), ("failed", 143, "given up, since the run was asked to stop"));
    assert_eq!(summary["status"], "interrupted");
    assert!(summary["hooks"][0]["duration_ms"].as_i64().expect("is a number") < 8_000, "{summary}");
}

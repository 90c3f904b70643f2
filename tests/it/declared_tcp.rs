//! Declared hooks that connect by TCP.

use crate::loopback::nobody;
use crate::support::Sandbox;
use nix::sys::socket::{Backlog, listen};
use serde_json::Value;
use std::fs;
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::time::Duration;

#[track_caller]
fn records(sandbox: &Sandbox, hooks: &[&str]) -> Vec<Value> {
    let list: Vec<_> = hooks.iter().map(|hook| format!("{{{hook}}}")).collect();
    let text = format!("hooks:\n  preBackup: [{}]\n", list.join(", "));
    fs::write(sandbox.path("hooks/hooks.yaml"), text).expect("can be written");
    sandbox.run(&["backup"]).ends_with(0);
    sandbox.summary("backup")["hooks"].as_array().expect("are there").clone()
}

fn end(record: &Value) -> (&str, i64, &str) {
    let text = |key: &str| record[key].as_str().unwrap_or_default();
    (text("status"), record["exit_code"].as_i64().unwrap_or(-1), text("reason"))
}

#[test]
fn a_port_that_takes_connections_is_success() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("is bound").port();
    let sandbox = Sandbox::with_stand_in_engine();
    // The name has an address of each kind, and maybe only one of them is listened at.
    let hooks = [
        format!("name: address, tcpSocket: {{host: 127.0.0.1, port: {port}}}"),
        format!("name: name, tcpSocket: {{host: localhost, port: {port}}}"),
    ];
    let records = records(&sandbox, &[&hooks[0], &hooks[1]]);
    for record in &records {
        assert_eq!(end(record), ("completed", 0, ""), "{record}");
        assert_eq!(record["output_tail"], format!("connected to 127.0.0.1:{port}\n"));
    }
}

#[test]
fn an_ipv6_address_is_connected_to() {
    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        eprintln!("skipped: this machine has no IPv6");
        return;
    };
    let port = listener.local_addr().expect("is bound").port();
    let sandbox = Sandbox::with_stand_in_engine();
    let hook = format!("name: six, tcpSocket: {{host: '::1', port: {port}}}");
    assert_eq!(end(&records(&sandbox, &[&hook])[0]), ("completed", 0, ""));
}

#[test]
fn every_failure_says_what_to_look_at() {
    let gone = nobody().port();
    let sandbox = Sandbox::with_stand_in_engine();
    let refused = format!("name: gone, tcpSocket: {{host: 127.0.0.1, port: {gone}}}");
    let records = records(
        &sandbox,
        &[
            &refused,
            "name: unknown, tcpSocket: {host: nowhere.invalid, port: 5432}",
            "name: named, containerName: db, tcpSocket: {host: localhost, port: postgres}",
        ],
    );
    let reason = format!("127.0.0.1:{gone} refuses the connection; does the service run, and is the port right?");
    assert_eq!(end(&records[0]), ("failed", 1, reason.as_str()));
    let (word, code, reason) = end(&records[1]);
    assert_eq!((word, code), ("failed", 1));
    assert!(reason.starts_with("the address of nowhere.invalid was not found ("), "{reason}");
    let (word, code, reason) = end(&records[2]);
    assert_eq!((word, code), ("failed", 126));
    assert!(reason.starts_with("cannot run: asks the port 'postgres' of a container"), "{reason}");
}

/// A port whose queue is full: what connects to it is not answered. It stays so while what is given beside it lives.
fn full() -> (u16, (TcpListener, Vec<TcpStream>)) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listen(&listener, Backlog::new(0).expect("is in range")).expect("listens");
    let address = listener.local_addr().expect("is bound");
    let patience = Duration::from_millis(300);
    let clients: Vec<_> = std::iter::from_fn(|| TcpStream::connect_timeout(&address, patience).ok()).take(20).collect();
    assert!(clients.len() < 20, "the queue is never full");
    (address.port(), (listener, clients))
}

#[test]
fn a_port_that_does_not_answer_is_left_at_the_limit() {
    let (port, queue) = full();
    let sandbox = Sandbox::with_stand_in_engine();
    let hook = format!("name: full, timeout: 1s, tcpSocket: {{host: 127.0.0.1, port: {port}}}");
    let http = format!("name: http, timeout: 1s, httpGet: {{host: 127.0.0.1, port: {port}}}");
    for record in records(&sandbox, &[&hook, &http]) {
        let (word, code, reason) = end(&record);
        assert_eq!((word, code), ("timed_out", 124), "{record}");
        let what = format!("timed out after 1s: no connection to 127.0.0.1:{port}: nothing answers there");
        assert!(reason.starts_with(&what), "{reason}");
        assert!(record["duration_ms"].as_i64().expect("is a number") < 5_000, "{record}");
    }
    drop(queue);
}

//! What a declared hook that asks by HTTP costs beside its request.

use crate::scene::Scene;
use crate::stopwatch::{Cost, Row, compare};
use nix::sys::resource::{UsageWho, getrusage};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

/// How many hooks.
const HOOKS: usize = 100;

/// A run with so many hooks, one without any, and their requests alone, each over a connection of its own.
pub fn report(scene: &Scene) {
    let address = serve();
    let mut text = "hooks:\n  preBackup:\n".to_owned();
    for number in 0..HOOKS {
        let port = address.port();
        let _ = writeln!(text, "    - {{name: h{number}, httpGet: {{host: 127.0.0.1, port: {port}, path: /x}}}}");
    }
    fs::write(scene.path("with-hooks.yaml"), text).expect("can be written");
    for script in ["hooks/pre-backup.sh", "hooks/post-backup.sh"] {
        let _ = fs::remove_file(scene.path(script));
    }
    let backup = |file: &str| {
        let mut command = scene.command(env!("CARGO_BIN_EXE_boathook"));
        Cost::of(command.arg("backup").env("HOOKS_FILE", scene.path(file)))
    };
    let rows = [
        Row::new("100 requests, run bare", Box::new(|| bare(address))),
        Row::new("backup without hooks", Box::new(|| backup("no-such-file.yaml"))),
        Row::new("backup with 100 http hooks", Box::new(|| backup("with-hooks.yaml"))),
    ];
    compare("declared http hooks on the loopback; (last - second - first) / 100 is a hook's own cost", &rows, 20);
    let median = |run: &dyn Fn() -> Cost| {
        let mut times: Vec<Duration> = (0..20).map(|_| run().wall).collect();
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1000.0
    };
    let own =
        median(&|| backup("with-hooks.yaml")) - median(&|| backup("no-such-file.yaml")) - median(&|| bare(address));
    println!("  a hook's own cost: {:.3} ms (to stay below 1 ms)", own / HOOKS as f64);
}

/// The same requests with the same library.
fn bare(address: SocketAddr) -> Cost {
    let cpu = own_cpu();
    let started = Instant::now();
    for _ in 0..HOOKS {
        let agent: ureq::Agent = ureq::Agent::config_builder().max_idle_connections(0).build().into();
        let answer = agent.get(format!("http://{address}/x")).call().expect("is answered");
        assert_eq!(answer.status(), 204);
    }
    Cost { wall: started.elapsed(), cpu: own_cpu().saturating_sub(cpu) }
}

/// CPU time of this process; its server's share is in it for all rows alike.
fn own_cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("is always there");
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000))
        .sum()
}

/// A server that answers at once and closes.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("is bound");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut line = String::new();
            let mut reader = BufReader::new(&stream);
            while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
                line.clear();
            }
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        }
    });
    address
}

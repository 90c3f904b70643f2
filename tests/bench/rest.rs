//! What a container costs while it waits for its next job, and how punctual that job is.

use crate::scene::Scene;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long the processes are watched.
const WATCHED: Duration = Duration::from_secs(60);

pub fn report(scene: &Scene) {
    println!("\ninit and scheduler at rest, until the next year");
    let Some(container) = Container::start(scene, "0 0 1 1 *") else {
        println!("  they did not start");
        return;
    };
    let pids = container.pids();
    let memory: Vec<f64> = pids.iter().map(|pid| proportional_set_size(*pid)).collect();
    println!("  proportional set size   {:8.2} MiB  (init and scheduler: {memory:.2?})", memory.iter().sum::<f64>());
    let before: u64 = pids.iter().map(|pid| wake_ups(*pid)).sum();
    std::thread::sleep(WATCHED);
    let after: u64 = pids.iter().map(|pid| wake_ups(*pid)).sum();
    let seconds = WATCHED.as_secs();
    println!("  wake-ups in {seconds} s        {:8}", after - before);
    // Not in the same minute: strace itself wakes what it attaches to.
    match Calls::watch(&pids) {
        Some(calls) => {
            std::thread::sleep(WATCHED);
            println!("  system calls in {seconds} s    {:8}  (strace)", calls.count());
        }
        None => println!("  skipped: system calls (strace is not installed)"),
    }
    drop(container);
    punctuality(scene);
}

/// When the first hook of a job runs, after the second that it was due in.
fn punctuality(scene: &Scene) {
    let note = scene.path("first");
    let _ = fs::remove_file(&note);
    scene.only_pre_hook(&format!("date +%s.%N > '{}.new' && mv '{0}.new' '{0}'", note.display()));
    let Some(_container) = Container::start(scene, "* * * * *") else { return };
    let until = Instant::now() + Duration::from_secs(70);
    while !note.exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    let Ok(at) = fs::read_to_string(&note).unwrap_or_default().trim().parse::<f64>() else {
        println!("  no job was started within 70 s");
        return;
    };
    println!("  first hook of a job     {:8.1} ms after its second", at % 60.0 * 1000.0);
}

struct Container(Child);

impl Container {
    fn start(scene: &Scene, backup: &str) -> Option<Self> {
        let mut command = scene.entry();
        command.env("BACKUP_CRON", backup).env("ROTATE_LOG_CRON", "").env("TZ", "UTC");
        command.env("RESTIC_CHECK_REPOSITORY_STATUS", "OFF");
        // A job that falls due while it starts would be measured from the wrong second.
        let into_the_minute = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() % 60;
        if into_the_minute > 55 {
            std::thread::sleep(Duration::from_secs(60 - into_the_minute + 1));
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let output = child.stdout.take()?;
        let container = Self(child);
        let mut lines = BufReader::new(output).lines();
        lines.by_ref().map_while(Result::ok).find(|line| line.contains("Container started"))?;
        // Its output must go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Some(container)
    }

    fn pids(&self) -> Vec<u32> {
        let init = self.0.id();
        let children = fs::read_to_string(format!("/proc/{init}/task/{init}/children")).unwrap_or_default();
        std::iter::once(init).chain(children.split_whitespace().filter_map(|pid| pid.parse().ok())).collect()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.0.id() as i32);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// In MiB.
fn proportional_set_size(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / 1024.0
}

/// How often the process has given the processor up by itself: it gives it up once for each time that it is woken.
fn wake_ups(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of_task = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<u64>().ok()
    };
    tasks.filter_map(|task| of_task(fs::read_to_string(task.path().join("status")).ok()?)).sum()
}

/// strace, attached to some processes.
struct Calls {
    strace: Child,
    file: tempfile::NamedTempFile,
}

impl Calls {
    fn watch(pids: &[u32]) -> Option<Self> {
        let file = tempfile::NamedTempFile::new().ok()?;
        let mut strace = Command::new("strace");
        strace.arg("-f").arg("-o").arg(file.path());
        for pid in pids {
            strace.args(["-p", &pid.to_string()]);
        }
        let strace = strace.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        Some(Self { strace, file })
    }

    fn count(mut self) -> usize {
        let pid = nix::unistd::Pid::from_raw(self.strace.id() as i32);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT);
        let _ = self.strace.wait();
        let text = fs::read_to_string(self.file.path()).unwrap_or_default();
        // The call that each was waiting in when strace came is shown as begun, and never as ended.
        text.lines().filter(|line| !line.contains("<unfinished ...>") && !line.contains("<detached ...>")).count()
    }
}

//! Times a command with all that it started.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run costs.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
}

impl Cost {
    /// Runs the command to its end; what it prints is dropped.
    pub fn of(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let cpu = children_cpu();
        let started = Instant::now();
        let status = command.status();
        let wall = started.elapsed();
        assert!(status.is_ok(), "{command:?}: {status:?}");
        Self { wall, cpu: children_cpu().saturating_sub(cpu) }
    }
}

/// CPU time of every child that was waited for, and of what those waited for.
fn children_cpu() -> Duration {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).expect("is always there");
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000))
        .sum()
}

/// One thing that is measured.
pub struct Row<'a> {
    name: &'a str,
    run: Box<dyn Fn() -> Cost + 'a>,
}

impl<'a> Row<'a> {
    pub fn new(name: &'a str, run: Box<dyn Fn() -> Cost + 'a>) -> Self {
        Self { name, run }
    }
}

/// Measures the rows in turns and prints them side by side.
pub fn compare(title: &str, rows: &[Row<'_>], times: usize) {
    println!("\n{title} ({times} runs each)");
    let mut costs: Vec<Vec<Cost>> = rows.iter().map(|_| Vec::new()).collect();
    for row in rows {
        (row.run)();
    }
    for _ in 0..times {
        for (row, costs) in rows.iter().zip(&mut costs) {
            costs.push((row.run)());
        }
    }
    let medians: Vec<Cost> = costs
        .into_iter()
        .map(|costs| Cost {
            wall: median(costs.iter().map(|cost| cost.wall).collect()),
            cpu: median(costs.iter().map(|cost| cost.cpu).collect()),
        })
        .collect();
    for (row, cost) in rows.iter().zip(&medians) {
        let over = |a: Duration, b: Duration| (a.as_secs_f64() - b.as_secs_f64()) * 1000.0;
        println!(
            "  {:32} wall {:9.2} ms   cpu {:9.2} ms   {:+9.2} / {:+9.2} ms",
            row.name,
            cost.wall.as_secs_f64() * 1000.0,
            cost.cpu.as_secs_f64() * 1000.0,
            over(cost.wall, medians[0].wall),
            over(cost.cpu, medians[0].cpu),
        );
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

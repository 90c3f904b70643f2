//! Ends a run that does not end by itself, and says what hung.

use std::collections::HashSet;
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct Watch {
    until: Option<Instant>,
    processes: HashSet<i32>,
    hung: Vec<String>,
    over: bool,
}

/// One for each thread that follows processes: that one waits in the kernel.
#[derive(Debug)]
pub struct Watchdog {
    watch: Arc<Mutex<Watch>>,
    patience: Duration,
}

fn lock(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watchdog {
    pub fn new(patience: Duration) -> Self {
        let watch = Arc::new(Mutex::new(Watch::default()));
        let theirs = Arc::clone(&watch);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(100));
                let mut watch = lock(&theirs);
                if watch.over {
                    return;
                }
                if watch.until.is_some_and(|until| Instant::now() > until) {
                    watch.until = None;
                    let processes: Vec<i32> = watch.processes.iter().copied().collect();
                    watch.hung.extend(processes.iter().map(|pid| what_it_does(*pid)));
                    for pid in processes {
                        // SAFETY: still followed, so its number is nobody else's.
                        unsafe { libc::kill(pid, libc::SIGKILL) };
                    }
                }
            }
        });
        Self { watch, patience }
    }

    pub fn begin(&self) {
        let mut watch = lock(&self.watch);
        watch.until = Some(Instant::now() + self.patience);
        watch.hung.clear();
        watch.processes.clear();
    }

    pub fn follow(&self, pid: i32) {
        lock(&self.watch).processes.insert(pid);
    }

    pub fn forget(&self, pid: i32) {
        lock(&self.watch).processes.remove(&pid);
    }

    /// What hung, if anything did.
    pub fn end(&self) -> Vec<String> {
        let mut watch = lock(&self.watch);
        watch.until = None;
        std::mem::take(&mut watch.hung)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        lock(&self.watch).over = true;
    }
}

fn what_it_does(pid: i32) -> String {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let call = read("syscall").split(' ').next().and_then(|number| number.parse().ok()).map(crate::names::name_of);
    let words = read("cmdline").replace('\0', " ");
    format!("{} ({}) in {}", read("comm").trim(), words.trim(), call.unwrap_or_else(|| "no call".to_owned()))
}

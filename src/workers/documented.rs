//! The user's page holds what the table of workers says.

use super::WORKERS;

#[test]
fn the_page_lists_every_workers_lock_file_and_schedule() {
    let page = include_str!("../../docs/workers.md");
    let (_, section) = page.split_once("## Lock files").expect("the page has the section");
    let (section, _) = section.split_once("\n## ").expect("another section follows");
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), WORKERS.len());
    for worker in WORKERS {
        let schedule = if worker.schedule.is_empty() { String::new() } else { format!(" `{}`", worker.schedule) };
        let row = format!("| `{}` | `{}` |{schedule} |", worker.job.name, worker.job.lock);
        assert!(rows.contains(&row.as_str()), "{row}");
    }
}

#[test]
fn the_page_of_reports_lists_every_workers_gauges() {
    let page = include_str!("../../docs/reports.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("  | `")).collect();
    let with_gauges = WORKERS.iter().filter(|worker| !worker.job.gauges.is_empty());
    assert_eq!(rows.len(), with_gauges.clone().count());
    for worker in with_gauges {
        let gauges: Vec<String> = worker.job.gauges.iter().map(|gauge| format!("`{gauge}`")).collect();
        let row = format!("  | `{}` | {} |", worker.job.name, gauges.join(", "));
        assert!(rows.contains(&row.as_str()), "{row}");
    }
}

//! `boathook schedule next`: times out, or one line that says what is wrong.

use crate::support::Sandbox;

fn next(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let out = sandbox.run(&[&["schedule", "next"], words].concat()).ends_with(0);
    assert_eq!(out.stderr, "");
    out.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn times_are_printed_one_a_line_with_the_offset_of_the_zone() {
    let sandbox = Sandbox::new();
    let spring = ["--tz", "Europe/Amsterdam", "--from", "2026-03-28T00:00:00+01:00", "--count", "3", "30 2 * * *"];
    assert_eq!(
        next(&sandbox, &spring),
        ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    );
    let autumn = ["--tz=America/New_York", "--from=2026-11-01T00:45", "-n4", "*/30 1 * * *"];
    assert_eq!(
        next(&sandbox, &autumn),
        [
            "2026-11-01T01:00:00-04:00",
            "2026-11-01T01:30:00-04:00",
            "2026-11-01T01:00:00-05:00",
            "2026-11-01T01:30:00-05:00"
        ]
    );
}

#[test]
fn one_time_in_the_zone_of_tz_from_now_on_is_what_is_not_asked_otherwise() {
    let mut sandbox = Sandbox::new();
    sandbox.set("TZ", "Asia/Kolkata");
    let times = next(&sandbox, &["@yearly"]);
    let year = chrono::Utc::now().format("%Y").to_string().parse::<i32>().expect("a number");
    // At the turn of the year it may be either.
    let possible = [year + 1, year + 2].map(|year| format!("{year}-01-01T00:00:00+05:30"));
    assert!(times.len() == 1 && possible.contains(&times[0]), "{times:?}");
}

#[test]
fn a_local_time_is_read_as_the_clock_of_the_zone_shows_it() {
    let sandbox = Sandbox::new();
    for from in
        ["2026-06-01", "2026-06-01T00:00", "2026-06-01 00:00:00", "2026-05-31T22:00:00Z", "2026-06-01T03:30:00+05:30"]
    {
        let times = next(&sandbox, &["--tz", "Europe/Amsterdam", "--from", from, "0 */2 * * *"]);
        assert_eq!(times, ["2026-06-01T02:00:00+02:00"], "{from}");
    }
}

#[test]
fn bare_words_are_one_expression() {
    let times = next(&Sandbox::new(), &["--from", "2026-06-01", "0", "3", "1", "*", "mon"]);
    assert_eq!(times, ["2026-06-01T03:00:00+00:00"]);
}

#[test]
fn what_cannot_be_read_is_named_and_ends_with_2() {
    let mut sandbox = Sandbox::new();
    let with = |words: &[&str], message: &str| {
        let out = sandbox.run(&[&["schedule", "next"], words].concat()).ends_with(2);
        assert_eq!((out.stdout.as_str(), out.stderr.trim_end()), ("", message));
    };
    with(&["0 25 * * *"], "❌ '0 25 * * *' has '25' as hour, which is not in 0-23");
    with(&["0 0 30 2 *"], "❌ '0 0 30 2 *' never comes: month '2' has no day '30'");
    with(&["0 0 * * *\n1 1 * * *"], "❌ '0 0 * * *\n1 1 * * *' has more than one line");
    with(
        &["0", "3", "bin", "etc", "*", "*"],
        "❌ '0 3 bin etc * *' has 6 fields instead of 5 (minute, hour, day of the month, month, day of the week): put the \
         whole expression in quotes",
    );
    with(
        &["--tz", "Amsterdam", "@daily"],
        "❌ --tz='Amsterdam' is no time zone: write an IANA name such as Europe/Amsterdam or UTC",
    );
    with(
        &["--from", "tomorrow", "@daily"],
        "❌ --from='tomorrow' is no time: write it as 2026-03-29T02:30:00+01:00, 2026-03-29T02:30 or 2026-03-29",
    );
    for (words, part) in
        [(&["--count", "0", "@daily"][..], "--count"), (&["--count", "x", "@daily"], "--count"), (&[], "EXPR")]
    {
        let out = sandbox.run(&[&["schedule", "next"], words].concat()).ends_with(2);
        assert!(out.stderr.contains(part) && out.stderr.contains("--help"), "{words:?}: {}", out.stderr);
    }
    sandbox.set("TZ", "CET-1CEST");
    let out = sandbox.run(&["schedule", "next", "@daily"]).ends_with(2);
    let message =
        "❌ TZ='CET-1CEST' is no time zone: write an IANA name such as Europe/Amsterdam or UTC, or give --tz\n";
    assert_eq!(out.stderr, message);
    sandbox.run(&["schedule", "next", "--tz", "UTC", "@daily"]).ends_with(0);
}

#[test]
fn where_there_is_no_time_the_reason_is_said_and_the_exit_code_is_1() {
    let sandbox = Sandbox::new();
    let out = sandbox.run(&["schedule", "next", "@reboot"]).ends_with(1);
    assert_eq!(
        (out.stdout.as_str(), out.stderr.as_str()),
        ("", "❌ @reboot means the start of the container: it has no time\n")
    );
    let out = sandbox.run(&["schedule", "next", "--count", "3", "--from", "9998-06-01", "@yearly"]).ends_with(1);
    assert_eq!(out.stdout, "9999-01-01T00:00:00+00:00\n");
    assert_eq!(out.stderr, "❌ '@yearly' has no further time before the year 10000\n");
}

#[test]
fn help_has_examples_and_exit_codes() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(&["schedule", "next", "--help"]).ends_with(0).stdout;
    for part in ["--count", "--from", "--tz", "Examples:", "Exit codes: 0 printed", "docs/schedule.md"] {
        assert!(help.contains(part), "{part} is missing: {help}");
    }
    // The examples are run as they stand there.
    let examples: Vec<&str> = help.lines().filter_map(|line| line.trim().strip_prefix("boathook ")).collect();
    assert!(examples.len() >= 3, "{help}");
    for example in examples {
        let line = format!("{} {example}", crate::support::BOATHOOK);
        sandbox.run_program("/bin/sh", &["-c", &line]).ends_with(0);
    }
    assert!(sandbox.run(&["schedule", "--help"]).ends_with(0).stdout.contains("next"));
    sandbox.run(&["schedule"]).ends_with(2);
}

#[test]
fn the_examples_of_the_page_print_what_the_page_says() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schedule.md")).expect("is there");
    let sandbox = Sandbox::new();
    let mut ran = 0;
    for block in page.split("```console\n").skip(1) {
        let block = block.split("```").next().expect("is closed");
        for example in block.split("$ boathook ").skip(1) {
            let (words, printed) = example.split_once('\n').expect("prints something");
            let line = format!("{} {words}", crate::support::BOATHOOK);
            assert_eq!(sandbox.run_program("/bin/sh", &["-c", &line]).ends_with(0).stdout, printed, "{words}");
            ran += 1;
        }
    }
    assert!(ran >= 3, "{ran} examples");
}

//! onError × executionPolicy × outcome of the work × outcome of an earlier hook, against the table of the documentation.

use crate::declared_scene::{declare, file, hook_of, plain};
use crate::support::Sandbox;

/// A row of the table: work, earlier hooks, policies, the hook, reason, with `Continue`, with `Fail`.
type Row = [String; 7];

fn table() -> Vec<Row> {
    let page = include_str!("../../docs/hooks/policies.md");
    let from = page.find("| the work |").expect("the table is there");
    let rows = page[from..].lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let cells: Vec<String> =
            line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('|').trim().to_owned()).collect();
        cells.try_into().unwrap_or_else(|cells| panic!("not seven cells: {cells:?}"))
    })
    .collect()
}

fn with_hooks(earlier: &str, policy: &str, on_error: &str) -> Sandbox {
    let sandbox = Sandbox::with_stand_in_engine();
    let (pre, first): (Vec<String>, Vec<String>) = match earlier {
        "all end well" => (vec![plain("pre", "exit 0", "")], vec![plain("first", "exit 0", "")]),
        "a pre hook fails, `Continue`" => (vec![plain("pre", "exit 4", "")], Vec::new()),
        "a pre hook fails, `Fail`" => (vec![plain("pre", "exit 4", "onError: Fail")], Vec::new()),
        "a pre hook times out, `Fail`" => {
            (vec![plain("pre", "exec sleep 1000", "onError: Fail; timeout: 50ms")], Vec::new())
        }
        "a pre hook calls the run off (`skipOn`)" => (vec![plain("pre", "exit 75", "skipOn: [75]")], Vec::new()),
        "a post hook fails, `Continue`" => (Vec::new(), vec![plain("first", "exit 4", "")]),
        "a post hook fails, `Fail`" => (Vec::new(), vec![plain("first", "exit 4", "onError: Fail")]),
        other => panic!("no scene for {other:?}"),
    };
    let then =
        plain("then", "echo then >> @T/notes; exit 9", &format!("onError: {on_error}; executionPolicy: {policy}"));
    declare(&sandbox, &file(&pre, &[first, vec![then]].concat()));
    sandbox
}

/// Lets the work end so; gives the exit code and the words for the work in the summary.
fn run(sandbox: &mut Sandbox, work: &str) -> (i32, &'static str) {
    let status = match work {
        "succeeds" => "completed",
        "fails (3)" => {
            sandbox.set("ENGINE_EXIT", "3");
            "failed"
        }
        "cannot start (2)" => {
            sandbox.unset("RESTIC_PASSWORD");
            "failed"
        }
        "is not done" => "skipped",
        "is interrupted (SIGTERM)" => {
            let started = sandbox.path("started").display().to_string();
            sandbox.set("ENGINE_WAITS", "setsid sleep 1000").set("ENGINE_STARTED", started);
            let running = sandbox.start(&["backup"]);
            sandbox.wait_for_file("started");
            running.signal(15);
            return (running.finish().code(), "interrupted");
        }
        other => panic!("no scene for {other:?}"),
    };
    (sandbox.run(&["backup"]).code(), status)
}

#[test]
fn every_case_is_as_the_documentation_says() {
    let table = table();
    let mut cells = 0;
    for row in &table {
        let [work, earlier, policies, what, reason, with_continue, with_fail] = row;
        for policy in policies.split(", ") {
            for (on_error, expected) in [("Continue", with_continue), ("Fail", with_fail)] {
                cells += 1;
                let case = format!("{work}, {earlier}, {policy}, {on_error}");
                let mut sandbox = with_hooks(earlier, policy, on_error);
                let (code, of_work) = run(&mut sandbox, work);
                let summary = sandbox.summary("backup");
                let status = summary["status"].as_str().expect("is a text");
                assert_eq!(&format!("{status} {code}"), expected, "{case}: {summary}");
                assert_eq!(
                    (&summary["exit_code"], &summary["work"]["status"]),
                    (&code.into(), &of_work.into()),
                    "{case}"
                );
                let then = hook_of(&summary, "then");
                let (as_expected, notes) = match what.as_str() {
                    "runs" => (("failed", "exit 9".to_owned(), 9.into()), "then\n"),
                    "is skipped" => (("skipped", reason.replace('…', policy), serde_json::Value::Null), ""),
                    other => panic!("no such thing: {other}"),
                };
                let found = (&then["status"], &then["reason"], &then["exit_code"]);
                assert_eq!(found, (&as_expected.0.into(), &as_expected.1.into(), &as_expected.2), "{case}");
                assert_eq!(sandbox.notes(), notes, "{case}");
            }
        }
    }
    // Each work that is done with each earlier hook, and what forbids it, for each policy and each onError.
    assert_eq!(cells, (4 * 4 + 3) * 4 * 2);
}

//! Hooks that were written for Borgitory, through the real binary.

use crate::pages::{assert_same, blocks, put};
use crate::support::Sandbox;
use serde_json::json;

#[test]
fn the_page_shows_the_same_hooks_before_and_after() {
    let sandbox = Sandbox::new();
    let (json, yaml) = (blocks("from-borgitory.md", &["json"]), blocks("from-borgitory.md", &["yaml"]));
    assert_eq!((json.len(), yaml.len()), (1, 1));
    let before = put(&sandbox, "photos.json", &json[0]);
    assert_same(&sandbox, &before, &yaml[0]);
}

#[test]
fn both_sides_of_the_page_do_the_same() {
    let before = blocks("from-borgitory.md", &["json"]).remove(0);
    let after = blocks("from-borgitory.md", &["yaml"]).remove(0);
    for (file, text) in [("photos.json", before), ("hooks.yaml", after)] {
        let sandbox = Sandbox::with_stand_in_engine();
        put(&sandbox, file, &text.replace("/tmp/indexer", &sandbox.path("notes").display().to_string()));
        sandbox.run(&["backup"]).ends_with(0);
        assert_eq!(sandbox.notes(), "stop\nstart 2\n", "{file}");
    }
}

#[test]
fn a_command_is_told_its_environment_place_and_directory() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("MYSQL_PASSWORD_FILE", "/run/secrets/mysql");
    let words = "$BORGITORY_REPOSITORY_ID $BORGITORY_TASK_INDEX $BORGITORY_JOB_TYPE $LEVEL $MYSQL_PASSWORD_FILE";
    let command = |name: &str| format!("echo \"{name} {words} $(pwd) {{{{ x }}}}\" >> $LOG_DIR/../notes");
    let hook = |name: &str| json!({"name": name, "command": command(name), "shell": "/bin/sh"});
    let mut two = hook("two");
    two["environment_vars"] = json!({"LEVEL": "2"});
    two["working_directory"] = json!("/usr");
    let text = json!({
        "name": "n",
        "repository_id": 3,
        "pre_job_hooks": json!([hook("one"), two]).to_string(),
        "post_job_hooks": json!([hook("three")]).to_string(),
    })
    .to_string();
    put(&sandbox, "n.json", &text);
    sandbox.run(&["backup"]).ends_with(0);
    // The backup itself is task 2.
    assert_eq!(
        sandbox.notes(),
        "one 3 0 manual  /run/secrets/mysql / {{ x }}\ntwo 3 1 manual 2 /run/secrets/mysql /usr {{ x }}\nthree 3 3 manual  \
         /run/secrets/mysql / {{ x }}\n"
    );
}

#[test]
fn a_failure_stops_its_list_where_it_says_so() {
    let sandbox = Sandbox::with_stand_in_engine();
    put(
        &sandbox,
        "n.json",
        r#"{"pre_job_hooks": [
            {"name": "a", "command": "exit 3", "shell": "/bin/sh", "continue_on_failure": false},
            {"name": "b", "command": "echo MUST NOT RUN >> $LOG_DIR/../notes", "shell": "/bin/sh"}],
          "post_job_hooks": [{"name": "c", "command": "echo c >> $LOG_DIR/../notes", "shell": "/bin/sh"}]}"#,
    );
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "c\n");
    assert!(sandbox.engine_log().contains("backup"));
    assert_eq!(sandbox.summary("backup")["hooks"][1]["status"], "skipped");
}

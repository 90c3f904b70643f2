//! The documentation of the variables is the table in the code.

use boathook::settings::table::VARIABLES;
use std::collections::BTreeMap;

/// The rows of `docs/environment.md` that begin with a variable's name, by that name.
fn documented() -> BTreeMap<String, String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/environment.md");
    let text = std::fs::read_to_string(path).expect("docs/environment.md is there");
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let Some((name, _)) = line.strip_prefix("| `").and_then(|rest| rest.split_once("` |")) else { continue };
        let is_name = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if is_name && line.matches(" | ").count() == 4 {
            assert!(rows.insert(name.to_owned(), line.to_owned()).is_none(), "{name} is documented twice");
        }
    }
    rows
}

#[test]
fn every_variable_is_documented_as_it_is() {
    let documented = documented();
    let wrong: Vec<_> = VARIABLES.iter().map(|variable| (variable.name, variable.row())).collect();
    let wrong: Vec<_> =
        wrong.iter().filter(|(name, row)| documented.get(*name) != Some(row)).map(|(_, row)| row).collect();
    let list: String = wrong.iter().flat_map(|row| [row.as_str(), "\n"]).collect();
    assert!(wrong.is_empty(), "these rows are missing in docs/environment.md or differ there:\n{list}");
}

#[test]
fn no_other_variable_is_documented() {
    let mut documented = documented();
    documented.retain(|name, _| !VARIABLES.iter().any(|variable| variable.name == name));
    assert!(documented.is_empty(), "these variables are documented and unknown: {:?}", documented.keys());
}

//! `sources-report`: counts what the next backup would read, by its own rules, without an engine or a password.
//!
//! The words of `restic backup` are read as restic reads them (`words`), the lists that they name too (`lists`,
//! `expand`). What is to be saved becomes a tree of targets (`targets`), so that nothing that two of them hold is counted
//! twice; each is walked once, by several threads (`walk`), under the same rules (`rules`). What came of it is shown
//! (`tables`) and recorded (`work`).

mod access;
mod arguments;
mod expand;
mod figures;
mod inventory;
mod lists;
mod nested;
mod paths;
mod rules;
mod scope;
mod tables;
mod targets;
mod walk;
mod words;
mod work;

pub use arguments::SourcesReportArgs;
pub use work::{SourcesReport, augment, make};

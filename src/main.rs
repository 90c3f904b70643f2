//! Runs the command that the process was called as.

fn main() {}

//! Runs the command that the process was called as; the one place that prints a final error and ends the process.

use anyhow::Context as _;
use boathook::process::supervisor;
use boathook::settings::Environment;
use std::io::Write;

fn main() {
    boathook::process::hear_of_children();
    let code = run().unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "❌ {error:#}");
        boathook::exit::FAILURE
    });
    std::process::exit(code);
}

fn run() -> anyhow::Result<i32> {
    let args: Vec<_> = std::env::args_os().collect();
    // Started once for every hook: straight to it, before anything else costs time.
    if args.get(1).is_some_and(|word| word == supervisor::COMMAND) {
        supervisor::main().context("the hook's supervisor cannot do its work")?;
        return Ok(boathook::exit::SUCCESS);
    }
    boathook::cli::run(args, &Environment::capture())
}

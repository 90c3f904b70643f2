//! What a run costs.

fn main() {}

//! Fuzz target: any text as a template, rendered over a summary that has a value of every kind.

#![no_main]

use boathook_fuzz::checks::{seeds, templates};
use boathook_fuzz::plant;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: plant(&seeds::templates()),
    |data: &[u8]| templates::check(data)
);

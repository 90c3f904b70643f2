//! Fuzz target: any bytes as a hooks file, of the native form or of another system.

#![no_main]

use boathook_fuzz::checks::{hooks_file, seeds};
use boathook_fuzz::plant;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: plant(&seeds::hooks_files()),
    |data: &[u8]| hooks_file::check(data)
);

//! What the fuzz targets share.

pub mod checks;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// Puts the seeds of a target where libFuzzer begins: into the folder `FUZZ_SEEDS`.
pub fn plant(seeds: &BTreeSet<String>) {
    let Some(folder) = std::env::var_os("FUZZ_SEEDS").map(PathBuf::from) else { return };
    fs::create_dir_all(&folder).expect("there is room");
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), seed).expect("there is room");
    }
}

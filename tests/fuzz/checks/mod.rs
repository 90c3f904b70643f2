//! What must hold for any input: shared by the fuzz targets and by the short form in the tests.

pub mod hooks_file;
pub mod seeds;
pub mod templates;

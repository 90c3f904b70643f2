//! `hooks show`.

use crate::exit;
use crate::hooks::{document, listing, load};
use crate::settings::Settings;
use crate::workers;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Shows what each file means here: documents to standard output, what is wrong to standard error.
pub(super) fn run(settings: &Settings, files: &[PathBuf]) -> i32 {
    let mut shown = Vec::new();
    let mut wrong = Vec::new();
    for path in files {
        let meaning = if path == Path::new("-") {
            input(settings)
        } else {
            // A bare name has an empty folder.
            let beside = path.parent().map(|folder| if folder == Path::new("") { Path::new(".") } else { folder });
            file(path, path, beside, settings)
        };
        match meaning {
            Ok(document) => shown.push(document),
            Err(lines) => wrong.extend(lines),
        }
    }
    // Several documents of one file, as a hooks file may have them.
    let _ = write!(io::stdout(), "{}", settings.secrets.mask(&shown.join("---\n")));
    for line in &wrong {
        let _ = writeln!(io::stderr(), "{}", settings.secrets.mask(line));
    }
    if wrong.is_empty() { exit::SUCCESS } else { exit::FAILURE }
}

/// What the file at `path`, which people call `name`, means, with the definitions in the folder `beside` it.
fn file(path: &Path, name: &Path, beside: Option<&Path>, settings: &Settings) -> Result<String, Vec<String>> {
    let Some(mut file) = load::read_file_among(path, beside, Some(&settings.paths.hooks), &workers::names()) else {
        return Err(vec![format!("{} does not exist", name.display())]);
    };
    name.clone_into(&mut file.path);
    for hook in &mut file.hooks {
        name.clone_into(&mut hook.origin.file);
    }
    listing::show(&file).map_err(|mut lines| {
        // What is no hooks file at all has mistakes that say little.
        let is_claimed = file.documents.iter().any(|document| document != "native");
        if !is_claimed
            && !file.mistakes.is_empty()
            && text_of(path).is_some_and(|text| !listing::is_of_a_known_form(&text))
        {
            lines.push(listing::no_known_form(name));
        }
        lines
    })
}

/// The text of a file that can be read as one.
fn text_of(path: &Path) -> Option<String> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    File::open(path).ok()?.take(document::LARGEST as u64).read_to_string(&mut text).ok()?;
    Some(text)
}

/// What comes on standard input, by way of a file: what is read as hooks is a file that has an end.
fn input(settings: &Settings) -> Result<String, Vec<String>> {
    let copied = || -> io::Result<_> {
        let mut copy = tempfile::NamedTempFile::new()?;
        // One byte more than is read shows that it is too large.
        io::copy(&mut io::stdin().take(document::LARGEST as u64 + 1), &mut copy)?;
        Ok(copy)
    };
    let copy = copied().map_err(|error| vec![format!("standard input cannot be read: {error}")])?;
    file(copy.path(), Path::new("-"), None, settings)
}

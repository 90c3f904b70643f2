//! rclone's statistics in text: read for progress and summary, and taken out of the lines where we asked for them.

/// What rclone has transferred, and what it knows of so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transfers {
    /// Files transferred.
    pub files: u64,
    /// Files to transfer, those included.
    pub total_files: u64,
    /// Bytes transferred, to the four digits that rclone gives.
    pub bytes: u64,
    /// Bytes to transfer, those included.
    pub total_bytes: u64,
}

/// Blocks of statistics among rclone's lines: a line of time and level alone, figures, an empty line.
#[derive(Debug)]
pub(super) struct StatsBlocks {
    /// Whether we asked for them, so that nobody else is to see them.
    ours: bool,
    state: Within,
    told: Option<Transfers>,
    news: bool,
}

#[derive(Debug, PartialEq)]
enum Within {
    Lines,
    /// Behind a line that may begin a block.
    Beginning(String),
    Block,
}

impl StatsBlocks {
    pub(super) fn new(ours: bool) -> Self {
        Self { ours, state: Within::Lines, told: None, news: false }
    }

    /// Reads a line, and hands on what is to be seen.
    pub(super) fn take(&mut self, line: &str, hand_on: &mut dyn FnMut(&str)) {
        match std::mem::replace(&mut self.state, Within::Lines) {
            Within::Block => {
                self.read(line);
                let is_end = line.trim().is_empty();
                if !is_end {
                    self.state = Within::Block;
                }
                if !self.ours {
                    hand_on(line);
                }
            }
            Within::Beginning(first) if line.starts_with("Transferred:") => {
                self.state = Within::Block;
                self.read(line);
                if !self.ours {
                    hand_on(&first);
                    hand_on(line);
                }
            }
            state => {
                if let Within::Beginning(first) = state {
                    hand_on(&first);
                }
                if is_beginning(line) {
                    self.state = Within::Beginning(line.to_owned());
                } else if line.starts_with("Transferred:") {
                    // Without time and level, as `--progress` writes it.
                    self.state = Within::Block;
                    self.read(line);
                    hand_on(line);
                } else {
                    hand_on(line);
                }
            }
        }
    }

    /// Hands on what was held back.
    pub(super) fn finish(&mut self, hand_on: &mut dyn FnMut(&str)) {
        if let Within::Beginning(first) = std::mem::replace(&mut self.state, Within::Lines) {
            hand_on(&first);
        }
    }

    /// What was told last, once a block of it is over, and if it was since the last call.
    pub(super) fn news(&mut self) -> Option<Transfers> {
        let is_over = self.state == Within::Lines;
        (is_over && std::mem::take(&mut self.news)).then_some(self.told).flatten()
    }

    /// What was told last.
    pub(super) fn told(&self) -> Option<Transfers> {
        self.told
    }

    fn read(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("Transferred:") else { return };
        let Some((done, total)) = rest.split(',').next().and_then(|amounts| amounts.split_once(" / ")) else { return };
        let (done, total) = (done.trim(), total.trim());
        let mut told = self.told.unwrap_or_default();
        if let (Ok(files), Ok(total_files)) = (done.parse(), total.parse()) {
            (told.files, told.total_files) = (files, total_files);
        } else if let (Some(bytes), Some(total_bytes)) = (size(done), size(total)) {
            (told.bytes, told.total_bytes) = (bytes, total_bytes);
        } else {
            return;
        }
        self.told = Some(told);
        self.news = true;
    }
}

/// `2026/11/21 10:45:30 NOTICE: ` and nothing behind it.
fn is_beginning(line: &str) -> bool {
    let line = line.trim_end();
    line.starts_with(|c: char| c.is_ascii_digit()) && (line.ends_with(" NOTICE:") || line.ends_with(" INFO  :"))
}

/// `1.027 MiB`, `12 B`, and `2.861M` as older versions write it.
fn size(text: &str) -> Option<u64> {
    let letters = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number: f64 = text[..letters].trim().parse().ok()?;
    let power = match text[letters..].chars().next()? {
        'B' => 0,
        'k' | 'K' => 1,
        'M' => 2,
        'G' => 3,
        'T' => 4,
        'P' => 5,
        'E' => 6,
        _ => return None,
    };
    (number >= 0.0).then(|| (number * 1024_f64.powi(power)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "2026/11/21 10:45:30 NOTICE: \nTransferred:   \t    1.500 MiB / 2.861 MiB, 36%, 0 B/s, ETA -\n\
                         Checks:                 6 / 6, 100%\nTransferred:            1 / 2, 50%\n\
                         Elapsed time:         0.5s\nTransferring:\n *  big: 35% /2.861Mi, 0/s, -\n\n";

    fn seen(ours: bool, text: &str) -> (String, Option<Transfers>) {
        let (mut blocks, mut seen) = (StatsBlocks::new(ours), String::new());
        let mut hand_on = |line: &str| {
            seen.push_str(line);
            seen.push('\n');
        };
        text.lines().for_each(|line| blocks.take(line, &mut hand_on));
        blocks.finish(&mut hand_on);
        (seen, blocks.told())
    }

    #[test]
    fn what_we_asked_for_is_read_and_not_seen() {
        let text = format!("before\n{BLOCK}between\n{BLOCK}after\n");
        let told = Transfers { files: 1, total_files: 2, bytes: 1_572_864, total_bytes: 2_999_975 };
        assert_eq!(seen(true, &text), ("before\nbetween\nafter\n".to_owned(), Some(told)));
    }

    #[test]
    fn what_somebody_else_asked_for_is_read_and_seen() {
        let text = format!("before\n{BLOCK}after\n").replace("NOTICE:", "INFO  :");
        let (lines, told) = seen(false, &text);
        assert_eq!((lines, told.map(|told| told.files)), (text, Some(1)));
    }

    #[test]
    fn an_empty_notice_is_no_block() {
        let text = "2026/11/21 10:45:30 NOTICE: \nsomething\n2026/11/21 10:45:30 NOTICE: \n";
        assert_eq!(seen(true, text), (text.to_owned(), None));
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(["12 B", "1.5 KiB", "2 GiB", "x"].map(size), [Some(12), Some(1536), Some(2 << 30), None]);
    }
}

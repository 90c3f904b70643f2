//! Where formatted text is written to, and how: width, precision, flags.

use super::super::budget::BYTES;

/// Text that grows; what would make it longer than [`BYTES`] makes it one byte longer at most in parts of one write.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// What has been written.
    pub(super) text: String,
}

/// The flags, width and precision of a verb.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spec {
    /// `-`.
    pub(super) minus: bool,
    /// `+`.
    pub(super) plus: bool,
    /// `#`.
    pub(super) sharp: bool,
    /// A space.
    pub(super) space: bool,
    /// `0`.
    pub(super) zero: bool,
    /// `%+v`.
    pub(super) plus_v: bool,
    /// `%#v`.
    pub(super) sharp_v: bool,
    /// In characters.
    pub(super) width: Option<usize>,
    /// Digits or characters.
    pub(super) precision: Option<usize>,
}

impl Sheet {
    /// Whether it is longer than it may be.
    pub(super) fn is_full(&self) -> bool {
        self.text.len() > BYTES
    }

    /// Writes `text`.
    pub(super) fn push_str(&mut self, text: &str) {
        if !self.is_full() {
            self.text.push_str(text);
        }
    }

    /// Writes `text` in the width that is asked for.
    pub(super) fn pad(&mut self, spec: Spec, text: &str) {
        let missing = spec.width.unwrap_or(0).saturating_sub(text.chars().count());
        if spec.minus {
            self.push_str(text);
            self.padding(spec, missing);
        } else {
            self.padding(spec, missing);
            self.push_str(text);
        }
    }

    /// Writes so many spaces or zeros.
    pub(super) fn padding(&mut self, spec: Spec, count: usize) {
        let room = (BYTES + 1).saturating_sub(self.text.len());
        let with = if spec.zero { '0' } else { ' ' };
        self.text.extend(std::iter::repeat_n(with, count.min(room)));
    }
}

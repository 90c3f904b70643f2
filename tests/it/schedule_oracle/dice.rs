//! Expressions by chance that are the same at every run.

use super::reading::{FIELDS, Field};

/// Numbers that are the same at every run (SplitMix64).
pub struct Dice(pub u64);

/// Which ranges an oracle can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ranges {
    /// Also those that run over the end.
    All,
    Rising,
}

impl Dice {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub fn expression(&mut self, ranges: Ranges) -> String {
        FIELDS.each_ref().map(|field| self.field(field, ranges)).join(" ")
    }

    fn field(&mut self, field: &Field, ranges: Ranges) -> String {
        if self.below(100) < field.stars {
            return "*".to_owned();
        }
        let items = [1, 1, 1, 2, 3][self.below(5) as usize];
        let items: Vec<String> = (0..items).map(|_| self.item(field, ranges)).collect();
        items.join(",")
    }

    fn item(&mut self, field: &Field, ranges: Ranges) -> String {
        let span = u64::from(field.last - field.first + 1);
        let step = 1 + self.below(span.min(20));
        let mut value = || field.first + self.below(span) as u32;
        let (mut low, mut high) = (value(), value());
        if ranges == Ranges::Rising && low > high {
            (low, high) = (high, low);
        }
        match self.below(10) {
            0 => format!("*/{step}"),
            1 => format!("{}/{step}", self.word(field, low)),
            2 | 3 => format!("{}-{}", self.word(field, low), self.word(field, high)),
            4 => format!("{}-{}/{step}", self.word(field, low), self.word(field, high)),
            _ => self.word(field, low),
        }
    }

    /// A number, or its name in any case.
    fn word(&mut self, field: &Field, value: u32) -> String {
        let name = field.names.get((value - field.first) as usize);
        match (name, self.below(4)) {
            (Some(name), 0) => (*name).to_owned(),
            (Some(name), 1) => name.to_uppercase(),
            _ => value.to_string(),
        }
    }
}

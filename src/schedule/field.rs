//! One field of an expression: which values it names.

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What may stand in a field.
pub(super) struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    /// The greatest value that is not another name of the first one.
    top: u32,
    /// What may stand for numbers, the first of them for `first`.
    words: &'static [&'static str],
}

/// The five fields, in their order.
pub(super) const FIELDS: [Field; 5] = [
    Field { name: "minute", first: 0, last: 59, top: 59, words: &[] },
    Field { name: "hour", first: 0, last: 23, top: 23, words: &[] },
    Field { name: "day of the month", first: 1, last: 31, top: 31, words: &[] },
    Field { name: "month", first: 1, last: 12, top: 12, words: &MONTHS },
    // 7 is Sunday as well.
    Field { name: "day of the week", first: 0, last: 7, top: 6, words: &DAYS },
];

/// The values that a field names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Values {
    bits: u64,
    /// Whether `*` or `*/n` is among its items.
    pub wildcard: bool,
}

impl Values {
    /// Whether a value is among them.
    pub fn has(self, value: u32) -> bool {
        self.bits & (1 << value) != 0
    }
}

impl Field {
    /// Every value that the field can have.
    pub fn range(&self) -> std::ops::RangeInclusive<u32> {
        self.first..=self.top
    }

    /// Whether these are all values that there are: the field says nothing then, however it is written.
    pub fn is_full(&self, values: Values) -> bool {
        self.range().all(|value| values.has(value))
    }

    /// Reads a field: items with commas between them.
    ///
    /// # Errors
    /// Says what is wrong, as a predicate that names the field.
    pub fn parse(&self, text: &str) -> Result<Values, String> {
        let mut values = Values::default();
        text.split(',').try_for_each(|item| self.item(item, &mut values))?;
        Ok(values)
    }

    /// `*`, `5`, `1-5`, `mon-fri`, each with `/step` behind it or not. A range may run over the end (`22-4`); a single
    /// value with a step runs to the end (`5/15` is `5-59/15`).
    fn item(&self, item: &str, values: &mut Values) -> Result<(), String> {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let step = step.map(|step| number(step).filter(|number| *number > 0).ok_or(step)).transpose();
        let step = step.map_err(|step| format!("has '{item}' as {}, and '{step}' is not a step", self.name))?;
        let (first, last) = if range == "*" {
            values.wildcard = true;
            (self.first, self.top)
        } else if let Some((first, last)) = range.split_once('-') {
            (self.value(first)?, self.value(last)?)
        } else {
            let first = self.value(range)?;
            (first, if step.is_some() { self.top.max(first) } else { first })
        };
        self.insert(first, last, step.unwrap_or(1), values);
        Ok(())
    }

    fn insert(&self, first: u32, last: u32, step: u32, values: &mut Values) {
        let count = self.top - self.first + 1;
        let (first, last) = if first > self.top { (first - count, last % count) } else { (first, last) };
        let length = if last < first { last + count - first } else { last - first };
        for distance in (0..=length).step_by(step as usize) {
            values.bits |= 1 << (self.first + (first - self.first + distance) % count);
        }
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let of_word = |index: usize| self.first + index as u32;
        if let Some(index) = self.words.iter().position(|word| text.eq_ignore_ascii_case(word)) {
            return Ok(of_word(index));
        }
        number(text)
            .filter(|number| (self.first..=self.last).contains(number))
            .ok_or_else(|| format!("has '{text}' as {}, which is not in {}-{}", self.name, self.first, self.last))
    }
}

/// Digits alone: no sign, no blank.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: usize = 1;
    const DAY: usize = 2;
    const MONTH: usize = 3;
    const WEEKDAY: usize = 4;

    fn read(field: usize, text: &str) -> Vec<u32> {
        let values = FIELDS[field].parse(text).expect("can be read");
        FIELDS[field].range().filter(|value| values.has(*value)).collect()
    }

    #[test]
    fn lists_ranges_and_steps_are_read() {
        assert_eq!(read(HOUR, "3,1-5/2,20"), [1, 3, 5, 20]);
        assert_eq!(read(HOUR, "*/7"), [0, 7, 14, 21]);
        assert_eq!(read(HOUR, "5/7"), [5, 12, 19]);
        assert_eq!(read(HOUR, "*/90"), [0]);
        assert_eq!(read(DAY, "*/10"), [1, 11, 21, 31]);
        assert_eq!(read(MONTH, "JAN-mar,12"), [1, 2, 3, 12]);
        assert_eq!(read(HOUR, "08"), [8]);
    }

    #[test]
    fn a_range_may_run_over_the_end() {
        assert_eq!(read(HOUR, "22-4"), [0, 1, 2, 3, 4, 22, 23]);
        assert_eq!(read(HOUR, "22-4/2"), [0, 2, 4, 22]);
        assert_eq!(read(DAY, "30-2"), [1, 2, 30, 31]);
        assert_eq!(read(MONTH, "nov-feb"), [1, 2, 11, 12]);
        assert_eq!(read(WEEKDAY, "fri-mon"), [0, 1, 5, 6]);
    }

    #[test]
    fn sunday_is_0_and_7() {
        for sunday in ["0", "7", "sun", "SUN", "7-7", "7/2", "sun-7/7"] {
            assert_eq!(read(WEEKDAY, sunday), [0], "{sunday}");
        }
        assert_eq!(read(WEEKDAY, "5-7"), [0, 5, 6]);
        assert_eq!(read(WEEKDAY, "fri-sun"), [0, 5, 6]);
        assert_eq!(read(WEEKDAY, "7-2"), [0, 1, 2]);
        assert_eq!(read(WEEKDAY, "0-7/2"), [0, 2, 4, 6]);
        assert_eq!(read(WEEKDAY, "1-7"), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_star_makes_a_wildcard_and_a_full_range_does_not() {
        for (text, wildcard, full) in [
            ("*", true, true),
            ("*/1", true, true),
            ("*/2", true, false),
            ("5,*/12", true, false),
            ("0-23", false, true),
            ("5", false, false),
        ] {
            let values = FIELDS[HOUR].parse(text).expect("can be read");
            assert_eq!((values.wildcard, FIELDS[HOUR].is_full(values)), (wildcard, full), "{text}");
        }
    }
}

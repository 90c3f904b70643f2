//! How each oracle reads an expression where it reads it otherwise than we do, written so that we understand it.
//!
//! Each way of reading has its heading in `docs/schedule.md`. What an oracle says must be what we say of the expression as
//! rewritten here: an explanation is a prediction, not an excuse.

use std::collections::BTreeSet;

/// What may stand in a field; for the oracles, and for the dice.
pub struct Field {
    pub first: u32,
    pub last: u32,
    pub names: &'static [&'static str],
    /// How often the dice make it a star, in a hundred.
    pub stars: u64,
}

pub const FIELDS: [Field; 5] = [
    Field { first: 0, last: 59, names: &[], stars: 15 },
    Field { first: 0, last: 23, names: &[], stars: 30 },
    Field { first: 1, last: 31, names: &[], stars: 60 },
    Field {
        first: 1,
        last: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        stars: 70,
    },
    Field { first: 0, last: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"], stars: 60 },
];

const DAY: usize = 2;
const WEEKDAY: usize = 4;

pub const ONE_VALUE: &str = "A range of one value";
pub const OVER_THE_END: &str = "A step over the end";
pub const SEVEN_WITH_STEP: &str = "Sunday as 7 with a step";
pub const EVERY_DAY: &str = "A list that names every day";
pub const STAR_WITH_STEP: &str = "Days by `*/n`";
pub const TO_SUNDAY: &str = "A step to the end of the week";
pub const LATER_STAR: &str = "A star behind a comma";
pub const WHOLE_DAY: &str = "A day whose times are all left out";
pub const PART_OF_AN_HOUR: &str = "Clocks that change by or at a part of an hour";

/// An expression as an oracle reads it: its times are those that all of `expressions` have.
pub struct Reading {
    pub expressions: Vec<String>,
    pub because: BTreeSet<&'static str>,
}

/// One item of a list.
struct Item<'a> {
    text: &'a str,
    /// First and last value, the same for one value; none for a star.
    range: Option<(u32, u32)>,
    is_range: bool,
    step: Option<u32>,
}

impl Field {
    fn value(&self, text: &str) -> u32 {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        named.map_or_else(|| text.parse().expect("the dice make numbers"), |index| self.first + index as u32)
    }

    fn item<'a>(&self, text: &'a str) -> Item<'a> {
        let (range, step) = text.split_once('/').map_or((text, None), |(range, step)| (range, Some(step)));
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let range = (range != "*").then(|| (self.value(first), self.value(last)));
        let step = step.map(|step| step.parse().expect("the dice make numbers"));
        Item { text, range, is_range: text.contains('-'), step }
    }

    /// Whether our schedule takes the field for every day.
    fn is_full(index: usize, text: &str) -> bool {
        let named: BTreeSet<u32> = text.split(',').flat_map(|item| values(index, &FIELDS[index].item(item))).collect();
        named.len() as u32 == count(index)
    }
}

/// How many values the field has; 7 is no eighth day.
fn count(index: usize) -> u32 {
    FIELDS[index].last - FIELDS[index].first + u32::from(index != WEEKDAY)
}

/// The values of an item as we read it.
fn values(index: usize, item: &Item<'_>) -> Vec<u32> {
    let (first, count) = (FIELDS[index].first, count(index));
    let top = first + count - 1;
    let (from, to) = match item.range {
        None => (first, top),
        Some((value, _)) if !item.is_range && item.step.is_some() => (value, top.max(value)),
        // A week that begins with 7 begins with 0.
        Some((7, to)) if index == WEEKDAY => (0, to % 7),
        Some(range) => range,
    };
    let to = if to < from { to + count } else { to };
    let step = item.step.unwrap_or(1) as usize;
    (from..=to).step_by(step).map(|value| first + (value - first) % count).collect()
}

fn list(values: impl IntoIterator<Item = u32>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}

/// `croniter` 7.0.0.
pub fn by_croniter(expression: &str) -> Reading {
    let mut because = BTreeSet::new();
    let mut fields: Vec<String> = expression
        .split_whitespace()
        .enumerate()
        .map(|(index, text)| {
            let items = text.split(',').map(|text| by_croniter_item(index, &FIELDS[index].item(text), &mut because));
            items.collect::<Vec<_>>().join(",")
        })
        .collect();
    let written: Vec<&str> = expression.split_whitespace().collect();
    for (field, other) in [(DAY, WEEKDAY), (WEEKDAY, DAY)] {
        if Field::is_full(field, &fields[field]) && !written[field].eq("*") && !written[other].contains('*') {
            because.insert(EVERY_DAY);
            fields[other] = String::from("*");
        }
    }
    Reading { expressions: vec![fields.join(" ")], because }
}

fn by_croniter_item(index: usize, item: &Item<'_>, because: &mut BTreeSet<&'static str>) -> String {
    let (first, count) = (FIELDS[index].first, count(index));
    let end = first + count;
    let Some((from, to)) = item.range else { return item.text.to_owned() };
    let step = item.step.unwrap_or(1);
    let (from_first, to_first) = if index == WEEKDAY { (from % 7, to % 7) } else { (from, to) };
    if !item.is_range {
        if from == 7 && index == WEEKDAY && item.step.is_some() {
            because.insert(SEVEN_WITH_STEP);
            return format!("0-6/{step}");
        }
        return item.text.to_owned();
    }
    if from_first == to_first {
        because.insert(ONE_VALUE);
        return format!("{first}-{}/{step}", end - 1);
    }
    if from_first < to_first {
        return item.text.to_owned();
    }
    // What it names up to the end is right; behind it, it begins one step after the end, instead of after the last.
    let mut named: Vec<u32> = (from_first..end).step_by(step as usize).collect();
    let last = *named.last().expect("the first is one");
    let behind = if last + step > end { step - (end - 1 - last) } else { 0 };
    named.extend((first + behind..=to_first).step_by(step as usize));
    if BTreeSet::from_iter(named.clone()) != BTreeSet::from_iter(values(index, item)) {
        because.insert(OVER_THE_END);
    }
    list(named)
}

/// `cronsim` 2.8.
pub fn by_cronsim(expression: &str) -> Reading {
    let mut because = BTreeSet::new();
    let mut fields: Vec<String> = expression.split_whitespace().map(str::to_owned).collect();
    let starred = |text: &str| text.starts_with('*');
    let both_days_must_match = starred(&fields[DAY]) || starred(&fields[WEEKDAY]);
    for (index, field) in fields.iter_mut().enumerate() {
        let items = field.split(',').map(|text| {
            let item = FIELDS[index].item(text);
            let is_one = item.is_range && item.range.is_some_and(|(from, to)| from == to);
            match text.split_once('-').zip(item.step).filter(|_| is_one) {
                Some(((value, _), step)) => {
                    because.insert(ONE_VALUE);
                    format!("{value}/{step}")
                }
                None => text.to_owned(),
            }
        });
        *field = items.collect::<Vec<_>>().join(",");
    }
    let weekdays = fields[WEEKDAY].split(',').map(|text| {
        let item = FIELDS[WEEKDAY].item(text);
        match (item.range, item.step) {
            (Some((from, _)), Some(step)) if !item.is_range && (7 - from) % step == 0 && from % 7 != 0 => {
                because.insert(TO_SUNDAY);
                format!("{from}-7/{step}")
            }
            _ => text.to_owned(),
        }
    });
    fields[WEEKDAY] = weekdays.collect::<Vec<_>>().join(",");
    for field in 0..2 {
        if !starred(&fields[field]) && fields[field].contains('*') {
            because.insert(LATER_STAR);
            let last = FIELDS[field].last;
            fields[field] = fields[field].replace('*', &format!("0-{last}"));
        }
    }
    let restricted = |field: usize| !Field::is_full(field, &fields[field]);
    if both_days_must_match && restricted(DAY) && restricted(WEEKDAY) {
        because.insert(STAR_WITH_STEP);
        let with = |field: usize| {
            let mut fields = fields.clone();
            fields[field] = String::from("*");
            fields.join(" ")
        };
        return Reading { expressions: vec![with(DAY), with(WEEKDAY)], because };
    }
    if !both_days_must_match && restricted(DAY) != restricted(WEEKDAY) {
        because.insert(EVERY_DAY);
        (fields[DAY], fields[WEEKDAY]) = (String::from("*"), String::from("*"));
    }
    Reading { expressions: vec![fields.join(" ")], because }
}

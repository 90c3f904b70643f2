//! Whole numbers.

use super::quote::{is_printable, quote_character};
use super::sheet::{Sheet, Spec};
use std::fmt::Write as _;

/// Writes `number`; `false` if there is no such verb for it.
pub(super) fn write(sheet: &mut Sheet, spec: Spec, number: i64, verb: char) -> bool {
    match verb {
        'c' => sheet.pad(spec, character(number).encode_utf8(&mut [0; 4])),
        'q' => sheet.pad(spec, &quote_character(character(number), spec.plus)),
        'U' => unicode(sheet, spec, number),
        'v' | 'd' | 'b' | 'o' | 'O' | 'x' | 'X' => digits(sheet, spec, number, verb),
        _ => return false,
    }
    true
}

fn character(number: i64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn digits(sheet: &mut Sheet, spec: Spec, number: i64, verb: char) {
    let absolute = number.unsigned_abs();
    let plain = Spec { zero: false, ..spec };
    if spec.precision == Some(0) && number == 0 {
        sheet.padding(plain, spec.width.unwrap_or(0));
        return;
    }
    let sign = match (number < 0, spec.plus, spec.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (.., true) => " ",
        _ => "",
    };
    let digits = match verb {
        'b' => format!("{absolute:b}"),
        'o' | 'O' => format!("{absolute:o}"),
        'x' => format!("{absolute:x}"),
        'X' => format!("{absolute:X}"),
        _ => absolute.to_string(),
    };
    let least = match (spec.precision, spec.width) {
        (Some(precision), _) => precision,
        (None, Some(width)) if spec.zero => width.saturating_sub(sign.len()),
        _ => 0,
    };
    let zeros = "0".repeat(least.saturating_sub(digits.len()));
    let prefix = match verb {
        'b' if spec.sharp => "0b",
        'o' | 'O' if spec.sharp && !digits.starts_with('0') && zeros.is_empty() => {
            if verb == 'O' {
                "0o0"
            } else {
                "0"
            }
        }
        'O' => "0o",
        'x' if spec.sharp => "0x",
        'X' if spec.sharp => "0X",
        _ => "",
    };
    sheet.pad(plain, &[sign, prefix, &zeros, &digits].concat());
}

fn unicode(sheet: &mut Sheet, spec: Spec, number: i64) {
    let bits = number.cast_unsigned();
    let least = spec.precision.unwrap_or(4).max(4);
    let mut text = format!("{bits:X}");
    text.insert_str(0, &"0".repeat(least.saturating_sub(text.len())));
    text.insert_str(0, "U+");
    if spec.sharp
        && let Some(shown) = u32::try_from(bits).ok().and_then(char::from_u32).filter(|shown| is_printable(*shown))
    {
        write!(text, " '{shown}'").expect("a text can be written to");
    }
    sheet.pad(Spec { zero: false, ..spec }, &text);
}

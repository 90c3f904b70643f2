//! Floating point numbers.

use super::sheet::{Sheet, Spec};

/// A number of 64 bits has no more decimal digits than this; whatever is asked for beyond is zeros.
const DIGITS: usize = 1100;

/// Writes `number`; `false` if there is no such verb for it.
pub(super) fn write(sheet: &mut Sheet, spec: Spec, number: f64, verb: char) -> bool {
    let (verb, precision) = match verb {
        'v' => ('g', None),
        'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
        'f' | 'F' => ('f', Some(6)),
        'e' | 'E' => (verb, Some(6)),
        _ => return false,
    };
    let precision = spec.precision.or(precision);
    let sign = match (number.is_sign_negative() && !number.is_nan(), spec.plus, spec.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (.., true) => " ",
        _ => "",
    };
    let plain = Spec { zero: false, ..spec };
    if number.is_nan() {
        sheet.pad(plain, &format!("{sign}NaN"));
        return true;
    }
    if number.is_infinite() {
        let sign = if sign.is_empty() { "+" } else { sign };
        sheet.pad(plain, &format!("{sign}Inf"));
        return true;
    }
    let mut text = unsigned(number.abs(), verb, precision);
    if spec.sharp && verb != 'b' {
        text = with_point(&text, verb, precision);
    }
    let missing = spec.width.unwrap_or(0).saturating_sub(sign.len() + text.len());
    if spec.zero && !sign.is_empty() && missing > 0 {
        sheet.push_str(sign);
        sheet.padding(spec, missing);
        sheet.push_str(&text);
    } else {
        sheet.pad(spec, &format!("{sign}{text}"));
    }
    true
}

/// The digits of a number and the place of its point: `0.d1d2d3... * 10^point`.
struct Decimal {
    digits: String,
    point: i32,
}

impl Decimal {
    /// Rounded to so many digits, or as few as tell it apart.
    fn of(number: f64, digits: Option<usize>) -> Self {
        if number == 0.0 {
            return Self { digits: String::new(), point: 0 };
        }
        let text = match digits {
            Some(digits) => format!("{number:.*e}", digits.clamp(1, DIGITS) - 1),
            None => format!("{number:e}"),
        };
        let (mantissa, exponent) = text.split_once('e').expect("this notation has an exponent");
        let digits = mantissa.replace('.', "").trim_end_matches('0').to_owned();
        Self { digits, point: exponent.parse::<i32>().expect("exponents are small numbers") + 1 }
    }
}

fn unsigned(number: f64, verb: char, precision: Option<usize>) -> String {
    match verb {
        'e' | 'E' => exponential(number, precision, verb),
        'f' => fixed(number, precision),
        'b' => binary(number),
        'x' | 'X' => hexadecimal(number, precision, verb),
        _ => general(number, precision, if verb == 'G' { 'E' } else { 'e' }),
    }
}

fn fixed(number: f64, precision: Option<usize>) -> String {
    let Some(precision) = precision else {
        return format!("{number}");
    };
    let mut text = format!("{number:.*}", precision.min(DIGITS));
    text.extend(std::iter::repeat_n('0', precision.saturating_sub(DIGITS)));
    text
}

fn exponential(number: f64, precision: Option<usize>, mark: char) -> String {
    let text = match precision {
        Some(precision) => format!("{number:.*e}", precision.min(DIGITS)),
        None => format!("{number:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').expect("this notation has an exponent");
    let exponent: i32 = exponent.parse().expect("exponents are small numbers");
    let zeros = "0".repeat(precision.unwrap_or(0).saturating_sub(DIGITS));
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}{zeros}{mark}{sign}{:02}", exponent.abs())
}

/// `%e` for very large and very small numbers, else `%f`, without needless zeros.
fn general(number: f64, precision: Option<usize>, mark: char) -> String {
    const LIMIT: i32 = 6;
    let precision = precision.map(|precision| precision.max(1));
    let decimal = Decimal::of(number, precision);
    let digits = decimal.digits.len() as i32;
    let limit = match precision {
        None => LIMIT,
        Some(precision) => {
            let precision = precision as i32;
            if precision > digits && digits >= decimal.point { digits } else { precision }
        }
    };
    let exponent = decimal.point - 1;
    if exponent < -4 || exponent >= limit {
        let shown = digits.max(1) - 1;
        exponential(number, Some(shown as usize), mark)
    } else {
        fixed(number, Some((digits - decimal.point).max(0) as usize))
    }
}

/// The fraction as a whole number and its power of two.
fn parts(number: f64) -> (u64, i32) {
    let bits = number.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

fn binary(number: f64) -> String {
    let (fraction, exponent) = parts(number);
    format!("{fraction}p{exponent:+}")
}

fn hexadecimal(number: f64, precision: Option<usize>, verb: char) -> String {
    let (mut fraction, mut exponent) = parts(number);
    if fraction == 0 {
        exponent = 0;
    } else {
        let shift = fraction.leading_zeros() as i32 - 11;
        fraction <<= shift;
        exponent += 52 - shift;
    }
    let mut digits = precision.unwrap_or(13);
    if digits < 13 {
        let dropped = 4 * (13 - digits) as u32;
        let (kept, rest, half) = (fraction >> dropped, fraction & ((1 << dropped) - 1), 1_u64 << (dropped - 1));
        let rounded = kept + u64::from(rest > half || (rest == half && kept & 1 == 1));
        fraction = rounded << dropped;
        if fraction >> 53 == 1 {
            fraction >>= 1;
            exponent += 1;
        }
    }
    let mut text = format!("{:013x}", fraction & ((1 << 52) - 1));
    if precision.is_none() {
        digits = text.trim_end_matches('0').len();
    }
    text.extend(std::iter::repeat_n('0', digits.saturating_sub(13)));
    text.truncate(digits);
    let point = if digits > 0 { "." } else { "" };
    let sign = if exponent < 0 { '-' } else { '+' };
    let text = format!("0x{}{point}{text}p{sign}{:02}", fraction >> 52, exponent.abs());
    if verb == 'X' { text.to_uppercase() } else { text }
}

/// `#`: a point in every case, and for `%g` the zeros that it leaves out.
fn with_point(text: &str, verb: char, precision: Option<usize>) -> String {
    let mut wanted = match verb {
        'g' | 'G' | 'x' => precision.map_or(6, |precision| precision as i64),
        _ => 0,
    };
    let hexadecimal = verb == 'x' || verb == 'X';
    let tail = text.find(|mark| matches!(mark, 'p' | 'P') || (!hexadecimal && matches!(mark, 'e' | 'E')));
    let (number, tail) = text.split_at(tail.unwrap_or(text.len()));
    let counted = number.trim_start_matches(['0', '.']).chars().filter(|mark| *mark != '.').count();
    wanted -= counted as i64;
    let mut result = number.to_owned();
    if !result.contains('.') {
        if number == "0" {
            wanted -= 1;
        }
        result.push('.');
    }
    result.extend(std::iter::repeat_n('0', wanted.max(0) as usize));
    result.push_str(tail);
    result
}

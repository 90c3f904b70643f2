//! Constants as Go writes them: texts, characters and numbers.

/// A number of the source.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Number {
    /// `int`.
    Int(i64),
    /// `float64`.
    Float(f64),
    /// It fits in no `int`: an error where it is used.
    TooLarge,
}

/// The text of a constant in quotes or back quotes.
///
/// # Errors
/// `invalid syntax`, as Go says.
pub(super) fn text(literal: &str) -> Result<String, String> {
    let invalid = || "invalid syntax".to_owned();
    let inside = literal.get(1..literal.len().saturating_sub(1)).ok_or_else(invalid)?;
    if literal.starts_with('`') {
        return Ok(inside.replace('\r', ""));
    }
    let mut bytes = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while !rest.is_empty() {
        let (unit, after) = unit(rest, '"').ok_or_else(invalid)?;
        unit.append_to(&mut bytes);
        rest = after;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The code point of a constant in single quotes.
///
/// # Errors
/// As Go says it.
pub(super) fn character(literal: &str) -> Result<i64, String> {
    let (unit, rest) = unit(&literal[1..], '\'').ok_or_else(|| "invalid syntax".to_owned())?;
    if rest != "'" {
        return Err(format!("malformed character constant: {literal}"));
    }
    Ok(match unit {
        Unit::Character(character) => i64::from(u32::from(character)),
        Unit::Byte(byte) => i64::from(byte),
    })
}

enum Unit {
    Character(char),
    Byte(u8),
}

impl Unit {
    fn append_to(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Character(character) => bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Self::Byte(byte) => bytes.push(*byte),
        }
    }
}

/// The first character of `text`, escapes understood, and the rest.
fn unit(text: &str, quote: char) -> Option<(Unit, &str)> {
    let mut characters = text.chars();
    let first = characters.next()?;
    if first == quote && quote == '\'' {
        return None;
    }
    if first != '\\' {
        return Some((Unit::Character(first), characters.as_str()));
    }
    let escape = characters.next()?;
    let rest = characters.as_str();
    let simple = |character| Some((Unit::Character(character), rest));
    match escape {
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{b}'),
        '\\' => simple('\\'),
        '\'' | '"' if escape == quote => simple(escape),
        'x' => {
            let (number, rest) = digits(rest, 2, 16)?;
            Some((Unit::Byte(u8::try_from(number).ok()?), rest))
        }
        'u' | 'U' => {
            let (number, rest) = digits(rest, if escape == 'u' { 4 } else { 8 }, 16)?;
            Some((Unit::Character(char::from_u32(number)?), rest))
        }
        '0'..='7' => {
            let (number, rest) = digits(&text[1..], 3, 8)?;
            Some((Unit::Byte(u8::try_from(number).ok()?), rest))
        }
        _ => None,
    }
}

fn digits(text: &str, count: usize, radix: u32) -> Option<(u32, &str)> {
    let taken = text.get(..count).filter(|taken| taken.chars().all(|digit| digit.is_digit(radix)))?;
    Some((u32::from_str_radix(taken, radix).ok()?, &text[count..]))
}

/// The number of a constant.
///
/// # Errors
/// As Go says it; complex numbers do not exist here.
pub(super) fn number(literal: &str) -> Result<Number, String> {
    if literal.ends_with('i') {
        return Err(format!("complex numbers are not supported: {literal}"));
    }
    match integer(literal) {
        Some(Ok(number)) => return Ok(Number::Int(number)),
        Some(Err(TooLarge::Unsigned)) => return Ok(Number::TooLarge),
        Some(Err(TooLarge::Any)) => return Err(format!("integer overflow: \"{literal}\"")),
        None => {}
    }
    match float(literal) {
        Some(number) if literal.contains(['.', 'e', 'E', 'p', 'P']) => Ok(Number::Float(number)),
        Some(_) => Err(format!("integer overflow: \"{literal}\"")),
        None => Err(format!("illegal number syntax: \"{literal}\"")),
    }
}

enum TooLarge {
    /// It fits in 64 bits without a sign.
    Unsigned,
    /// It does not.
    Any,
}

/// The integer, `None` if it is written as no integer.
fn integer(literal: &str) -> Option<Result<i64, TooLarge>> {
    let (negative, unsigned) = sign(literal);
    let (radix, prefixed, number) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, true, &unsigned[2..]),
        [b'0', b'o' | b'O', ..] => (8, true, &unsigned[2..]),
        [b'0', b'b' | b'B', ..] => (2, true, &unsigned[2..]),
        [b'0', _, ..] => (8, true, &unsigned[1..]),
        _ => (10, false, unsigned),
    };
    let number = without_underscores(number, prefixed)?;
    if number.is_empty() || !number.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let Ok(absolute) = u64::from_str_radix(&number, radix) else {
        return Some(Err(TooLarge::Any));
    };
    let signed = if negative { 0_i128 - i128::from(absolute) } else { i128::from(absolute) };
    Some(match i64::try_from(signed) {
        Ok(number) => Ok(number),
        Err(_) if negative || literal.starts_with('+') => Err(TooLarge::Any),
        Err(_) => Err(TooLarge::Unsigned),
    })
}

fn float(literal: &str) -> Option<f64> {
    let (negative, unsigned) = sign(literal);
    let value = if let Some(hexadecimal) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        hexadecimal_float(&without_underscores(hexadecimal, true)?)?
    } else {
        let number = without_underscores(unsigned, false)?;
        let plain = number.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
        number.parse::<f64>().ok().filter(|value| plain && value.is_finite())?
    };
    Some(if negative { -value } else { value })
}

/// `1.8p3`: digits to base 16, a power of two.
fn hexadecimal_float(number: &str) -> Option<f64> {
    let (mantissa, exponent) = number.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse().ok().filter(|exponent| (-2000..=2000).contains(exponent))?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 || whole.len() + fraction.len() > 64 {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let value = value * 2.0_f64.powi(exponent - 4 * fraction.len() as i32);
    value.is_finite().then_some(value)
}

fn sign(literal: &str) -> (bool, &str) {
    match literal.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, literal.strip_prefix('+').unwrap_or(literal)),
    }
}

/// Underscores stand between digits only; a prefix counts as one.
fn without_underscores(number: &str, prefixed: bool) -> Option<String> {
    let mut before = if prefixed { '0' } else { ' ' };
    for character in number.chars() {
        let between =
            if character == '_' { before.is_ascii_hexdigit() } else { before != '_' || character.is_ascii_hexdigit() };
        if !between {
            return None;
        }
        before = character;
    }
    (before != '_').then(|| number.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_go_writes_them() {
        for (literal, number) in [
            ("0", Number::Int(0)),
            ("-0x1F", Number::Int(-31)),
            ("017", Number::Int(15)),
            ("0b1_01", Number::Int(5)),
            ("1_000", Number::Int(1000)),
            ("1e3", Number::Float(1000.0)),
            (".5", Number::Float(0.5)),
            ("0x1p-2", Number::Float(0.25)),
            ("18446744073709551615", Number::TooLarge),
        ] {
            assert_eq!(super::number(literal), Ok(number), "{literal}");
        }
        for wrong in ["1__0", "1_", "08", "0x", "1i", "99999999999999999999", "1e999", "+", "."] {
            assert!(super::number(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn texts_as_go_writes_them() {
        assert_eq!(text(r#""a\n\x41\u00e9\101\"""#), Ok("a\nA\u{e9}A\"".to_owned()));
        assert_eq!(text("`a\\n\r`"), Ok("a\\n".to_owned()));
        assert_eq!(text(r#""\q""#), Err("invalid syntax".to_owned()));
        assert_eq!(text(r#""\ud800""#), Err("invalid syntax".to_owned()));
        assert_eq!(text(r#""\xff""#), Ok("\u{fffd}".to_owned()));
    }

    #[test]
    fn characters_are_numbers() {
        assert_eq!(character("'a'"), Ok(97));
        assert_eq!(character(r"'\''"), Ok(39));
        assert_eq!(character("'ab'"), Err("malformed character constant: 'ab'".to_owned()));
        assert!(character("''").is_err());
    }
}

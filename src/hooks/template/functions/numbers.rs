//! Arithmetic: of whole numbers, which go round at their ends as Go's do, and of floating point numbers.

use super::super::value::Value;
use super::call::{Answer, Call};
use super::decimal::Decimal;
use super::go::{self, float64, int64};

pub(super) fn int(call: &Call<'_>) -> Answer {
    Ok(Value::Int(int64(call.value(0))))
}

pub(super) fn float(call: &Call<'_>) -> Answer {
    Ok(Value::Float(float64(call.value(0))))
}

pub(super) fn atoi(call: &Call<'_>) -> Answer {
    Ok(Value::Int(go::atoi(call.text(0)?)))
}

/// What an octal number is in decimal: `511` for `777`.
pub(super) fn to_decimal(call: &Call<'_>) -> Answer {
    let text = call.shown(call.value(0))?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let is_octal = !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    Ok(Value::Int(if is_octal { i64::from_str_radix(&text, 8).unwrap_or(0) } else { 0 }))
}

fn folded(call: &Call<'_>, first: i64, from: usize, fold: impl Fn(i64, i64) -> i64) -> Answer {
    Ok(Value::Int(call.all()[from..].iter().map(int64).fold(first, fold)))
}

pub(super) fn add(call: &Call<'_>) -> Answer {
    folded(call, 0, 0, i64::wrapping_add)
}

pub(super) fn add1(call: &Call<'_>) -> Answer {
    folded(call, 1, 0, i64::wrapping_add)
}

pub(super) fn sub(call: &Call<'_>) -> Answer {
    folded(call, int64(call.value(0)), 1, i64::wrapping_sub)
}

pub(super) fn mul(call: &Call<'_>) -> Answer {
    folded(call, int64(call.value(0)), 1, i64::wrapping_mul)
}

pub(super) fn max(call: &Call<'_>) -> Answer {
    folded(call, int64(call.value(0)), 1, i64::max)
}

pub(super) fn min(call: &Call<'_>) -> Answer {
    folded(call, int64(call.value(0)), 1, i64::min)
}

pub(super) fn div(call: &Call<'_>) -> Answer {
    Ok(Value::Int(int64(call.value(0)).wrapping_div(divisor(call)?)))
}

pub(super) fn modulo(call: &Call<'_>) -> Answer {
    Ok(Value::Int(int64(call.value(0)).wrapping_rem(divisor(call)?)))
}

fn divisor(call: &Call<'_>) -> Result<i64, String> {
    match int64(call.value(1)) {
        0 => Err("runtime error: integer divide by zero".to_owned()),
        divisor => Ok(divisor),
    }
}

/// Decimals are what they are written as: 0.1 and 0.2 make 0.3.
fn in_decimal(
    call: &Call<'_>,
    first: f64,
    from: usize,
    exact: impl Fn(Decimal, Decimal) -> Option<Decimal>,
    rounded: impl Fn(f64, f64) -> f64,
) -> Answer {
    let numbers = || call.all()[from..].iter().map(float64);
    let decimal = numbers().try_fold(Decimal::of(first), |result, number| {
        Some(result.zip(Decimal::of(number)).and_then(|(one, other)| exact(one, other)))
    });
    let result = decimal.flatten().map_or_else(|| numbers().fold(first, rounded), Decimal::float);
    Ok(Value::Float(result))
}

pub(super) fn addf(call: &Call<'_>) -> Answer {
    in_decimal(call, 0.0, 0, Decimal::add, |one, other| one + other)
}

pub(super) fn add1f(call: &Call<'_>) -> Answer {
    in_decimal(call, 1.0, 0, Decimal::add, |one, other| one + other)
}

pub(super) fn subf(call: &Call<'_>) -> Answer {
    in_decimal(call, float64(call.value(0)), 1, Decimal::sub, |one, other| one - other)
}

pub(super) fn mulf(call: &Call<'_>) -> Answer {
    in_decimal(call, float64(call.value(0)), 1, Decimal::mul, |one, other| one * other)
}

pub(super) fn divf(call: &Call<'_>) -> Answer {
    if call.all()[1..].iter().any(|divisor| float64(divisor) == 0.0) {
        return Err("decimal division by 0".to_owned());
    }
    in_decimal(call, float64(call.value(0)), 1, Decimal::div, |one, other| one / other)
}

pub(super) fn maxf(call: &Call<'_>) -> Answer {
    extreme(call, f64::max)
}

pub(super) fn minf(call: &Call<'_>) -> Answer {
    extreme(call, f64::min)
}

/// What is no number makes all of it none, as in Go.
fn extreme(call: &Call<'_>, of: impl Fn(f64, f64) -> f64) -> Answer {
    let either = |one: f64, other: f64| if one.is_nan() || other.is_nan() { f64::NAN } else { of(one, other) };
    Ok(Value::Float(call.all()[1..].iter().map(float64).fold(float64(call.value(0)), either)))
}

pub(super) fn floor(call: &Call<'_>) -> Answer {
    Ok(Value::Float(float64(call.value(0)).floor()))
}

pub(super) fn ceil(call: &Call<'_>) -> Answer {
    Ok(Value::Float(float64(call.value(0)).ceil()))
}

/// `round 1.255 2`; the third argument is from which fraction on it goes up, one half by default.
pub(super) fn round(call: &Call<'_>) -> Answer {
    let up_from = if call.all().len() > 2 { call.float(2)? } else { 0.5 };
    let power = 10_f64.powf(call.int(1)? as f64);
    let digits = power * float64(call.value(0));
    let rounded = if digits.fract() >= up_from { digits.ceil() } else { digits.floor() };
    Ok(Value::Float(rounded / power))
}

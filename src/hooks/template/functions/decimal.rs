//! Decimal numbers of bounded length, so that 0.1 and 0.2 make 0.3.

/// How many places behind the point a quotient has.
const PLACES: i32 = 16;

/// `digits * 10^exponent`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    /// The shortest decimal number that is read as this one. `None` for one that is not finite.
    pub(super) fn of(number: f64) -> Option<Self> {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent = exponent.parse::<i32>().ok()? - fraction.len() as i32;
        Some(Self { digits: format!("{whole}{fraction}").parse().ok()?, exponent })
    }

    /// The nearest floating point number.
    pub(super) fn float(self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or(f64::NAN)
    }

    /// `None` where it does not fit.
    pub(super) fn add(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        let digits = self.digits_at(exponent)?.checked_add(other.digits_at(exponent)?)?;
        Some(Self { digits, exponent })
    }

    /// As [`Self::add`].
    pub(super) fn sub(self, other: Self) -> Option<Self> {
        self.add(Self { digits: other.digits.checked_neg()?, ..other })
    }

    /// As [`Self::add`].
    pub(super) fn mul(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.checked_add(other.exponent)?;
        Some(Self { digits: self.digits.checked_mul(other.digits)?, exponent })
    }

    /// Rounded to 16 places. As [`Self::add`].
    pub(super) fn div(self, other: Self) -> Option<Self> {
        let shift = PLACES.checked_add(self.exponent)?.checked_sub(other.exponent)?;
        let (mut above, mut below) = (self.digits, other.digits);
        if shift < 0 {
            below = scaled(below, -shift)?;
        } else {
            above = scaled(above, shift)?;
        }
        let (quotient, left) = (above.checked_div(below)?, above.checked_rem(below)?);
        let is_up = left.unsigned_abs() >= below.unsigned_abs().div_ceil(2) && left != 0;
        let sign = above.signum() * below.signum();
        Some(Self { digits: quotient.checked_add(if is_up { sign } else { 0 })?, exponent: -PLACES })
    }

    fn digits_at(self, exponent: i32) -> Option<i128> {
        scaled(self.digits, self.exponent.checked_sub(exponent)?)
    }
}

fn scaled(digits: i128, places: i32) -> Option<i128> {
    if digits == 0 {
        return Some(0);
    }
    digits.checked_mul(10_i128.checked_pow(u32::try_from(places).ok()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(number: f64) -> Decimal {
        Decimal::of(number).expect("is finite")
    }

    fn float(decimal: Option<Decimal>) -> f64 {
        decimal.expect("fits").float()
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "exact is the point")]
    fn decimals_are_exact() {
        assert_eq!(float(of(0.1).add(of(0.2))), 0.3);
        assert_eq!(float(of(1.1).sub(of(1.0))), 0.1);
        assert_eq!(float(of(1.1).mul(of(3.0))), 3.3);
        assert_eq!(float(of(-1.0).div(of(3.0))), -0.333_333_333_333_333_3);
        assert_eq!(float(of(2.0).div(of(3.0))), 0.666_666_666_666_666_7);
        assert_eq!(float(of(1.0).div(of(8.0))), 0.125);
    }

    #[test]
    fn what_does_not_fit_is_none() {
        assert_eq!(of(1e300).add(of(1.0)), None);
        assert_eq!(of(1.0).div(of(0.0)), None);
        assert_eq!(Decimal::of(f64::NAN), None);
        assert_eq!(Decimal::of(f64::INFINITY), None);
    }
}

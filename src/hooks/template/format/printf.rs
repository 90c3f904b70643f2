//! `printf`.

use super::super::Value;
use super::sheet::{Sheet, Spec};
use super::values;

/// Numbers in a format beyond this are none.
const LARGEST: usize = 1_000_000;

/// Go's `Sprintf`.
pub(in super::super) fn sprintf(format: &str, arguments: &[Value]) -> String {
    let mut printer =
        Printer { format, at: 0, arguments, next: 0, reordered: false, good: true, sheet: Sheet::default() };
    printer.run();
    printer.sheet.text
}

struct Printer<'a> {
    format: &'a str,
    at: usize,
    arguments: &'a [Value],
    /// The argument of the next verb.
    next: usize,
    /// Whether `[n]` stood anywhere.
    reordered: bool,
    /// Whether all `[n]` of this verb were right.
    good: bool,
    sheet: Sheet,
}

impl Printer<'_> {
    fn run(&mut self) {
        while self.at < self.format.len() && !self.sheet.is_full() {
            let rest = &self.format[self.at..];
            let text = rest.find('%').map_or(rest, |verb| &rest[..verb]);
            self.sheet.push_str(text);
            self.at += text.len();
            if self.at < self.format.len() {
                self.at += 1;
                self.verb();
            }
        }
        self.extra();
    }

    fn verb(&mut self) {
        self.good = true;
        let mut spec = self.flags();
        let mut indexed = self.index();
        if self.accept(b'*') {
            match self.number_argument() {
                Some(width) => {
                    spec.width = Some(width.unsigned_abs() as usize);
                    if width < 0 {
                        spec.minus = true;
                        spec.zero = false;
                    }
                }
                None => self.sheet.push_str("%!(BADWIDTH)"),
            }
            indexed = false;
        } else {
            spec.width = self.number();
            if indexed && spec.width.is_some() {
                self.good = false;
            }
        }
        if self.peek() == Some(b'.') && self.at + 1 < self.format.len() {
            self.at += 1;
            if indexed {
                self.good = false;
            }
            indexed = self.index();
            if self.accept(b'*') {
                match self.number_argument() {
                    Some(precision) if precision >= 0 => spec.precision = Some(precision as usize),
                    _ => self.sheet.push_str("%!(BADPREC)"),
                }
                indexed = false;
            } else {
                spec.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !indexed {
            self.index();
        }
        let Some(verb) = self.format[self.at..].chars().next() else {
            self.sheet.push_str("%!(NOVERB)");
            return;
        };
        self.at += verb.len_utf8();
        if verb == '%' {
            self.sheet.push_str("%");
        } else if !self.good {
            self.sheet.push_str(&format!("%!{verb}(BADINDEX)"));
        } else if let Some(argument) = self.arguments.get(self.next) {
            if verb == 'v' {
                spec = Spec { sharp: false, plus: false, sharp_v: spec.sharp, plus_v: spec.plus, ..spec };
            }
            values::argument(&mut self.sheet, spec, argument, verb);
            self.next += 1;
        } else {
            self.sheet.push_str(&format!("%!{verb}(MISSING)"));
        }
    }

    fn flags(&mut self) -> Spec {
        let mut spec = Spec::default();
        while let Some(flag) = self.peek() {
            match flag {
                b'#' => spec.sharp = true,
                b'0' => spec.zero = !spec.minus,
                b'+' => spec.plus = true,
                b'-' => {
                    spec.minus = true;
                    spec.zero = false;
                }
                b' ' => spec.space = true,
                _ => break,
            }
            self.at += 1;
        }
        spec
    }

    /// `[n]`: whether one stood here.
    fn index(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let Some(end) = rest.find(']') else {
            self.good = false;
            self.at += 1;
            return false;
        };
        let written = &rest[1..end];
        self.at += end + 1;
        let digits = !written.is_empty() && written.bytes().all(|digit| digit.is_ascii_digit());
        let number = written.parse::<usize>().ok().filter(|number| digits && *number <= LARGEST * 10);
        match number.map(|number| number.checked_sub(1)) {
            Some(Some(index)) if index < self.arguments.len() => {
                self.next = index;
                true
            }
            Some(_) => {
                self.good = false;
                true
            }
            None => {
                self.good = false;
                false
            }
        }
    }

    /// A number in the format; one that is too large is none, and the rest of the format belongs to it.
    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            let so_far = number.unwrap_or(0);
            if so_far > LARGEST {
                self.at = self.format.len();
                return None;
            }
            number = Some(so_far * 10 + usize::from(digit - b'0'));
            self.at += 1;
        }
        number
    }

    /// A number among the arguments.
    fn number_argument(&mut self) -> Option<i64> {
        let argument = self.arguments.get(self.next)?;
        self.next += 1;
        match argument {
            Value::Int(number) if number.unsigned_abs() <= LARGEST as u64 => Some(*number),
            _ => None,
        }
    }

    fn extra(&mut self) {
        if self.reordered || self.next >= self.arguments.len() {
            return;
        }
        self.sheet.push_str("%!(EXTRA ");
        for (index, argument) in self.arguments[self.next..].iter().enumerate() {
            if index > 0 {
                self.sheet.push_str(", ");
            }
            if *argument != Value::Nil {
                self.sheet.push_str(argument.type_name());
                self.sheet.push_str("=");
            }
            values::argument(&mut self.sheet, Spec::default(), argument, 'v');
        }
        self.sheet.push_str(")");
    }

    fn peek(&self) -> Option<u8> {
        self.format.as_bytes().get(self.at).copied()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let accepted = self.peek() == Some(byte);
        self.at += usize::from(accepted);
        accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_cannot_exhaust_memory() {
        let format = "%999999d".repeat(100);
        let arguments = vec![Value::Int(1); 100];
        assert!(sprintf(&format, &arguments).len() < 3 * 1024 * 1024);
    }

    #[test]
    fn mistakes_are_shown() {
        assert_eq!(sprintf("%d", &[]), "%!d(MISSING)");
        assert_eq!(sprintf("%d", &[Value::text("x")]), "%!d(string=x)");
        assert_eq!(sprintf("a", &[Value::Int(1), Value::Nil]), "a%!(EXTRA int=1, <nil>)");
        assert_eq!(sprintf("%", &[]), "%!(NOVERB)");
        assert_eq!(sprintf("%[3]d", &[Value::Int(1)]), "%!d(BADINDEX)");
    }
}

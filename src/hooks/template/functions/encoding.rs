//! Base 64, base 32 and check sums.

use super::super::value::Value;
use super::call::{Answer, Call};
use sha2::{Digest, Sha256};

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A base: its digits, the bits of one, and how many of them make whole bytes.
struct Base {
    digits: &'static [u8],
    bits: u32,
    group: usize,
    name: &'static str,
}

const OF_64: Base = Base { digits: BASE64, bits: 6, group: 4, name: "base64" };
const OF_32: Base = Base { digits: BASE32, bits: 5, group: 8, name: "base32" };

pub(super) fn b64enc(call: &Call<'_>) -> Answer {
    encoded(call, &OF_64)
}

pub(super) fn b32enc(call: &Call<'_>) -> Answer {
    encoded(call, &OF_32)
}

pub(super) fn b64dec(call: &Call<'_>) -> Answer {
    decoded(call, &OF_64)
}

pub(super) fn b32dec(call: &Call<'_>) -> Answer {
    decoded(call, &OF_32)
}

fn encoded(call: &Call<'_>, base: &Base) -> Answer {
    let text = call.text(0)?;
    call.room(text.len())?;
    call.made(base.encode(text.as_bytes()))
}

/// Sprig gives the error as the text. Bytes that are no text become U+FFFD.
fn decoded(call: &Call<'_>, base: &Base) -> Answer {
    let text = call.text(0)?;
    call.room(text.len())?;
    match base.decode(text.as_bytes()) {
        Ok(bytes) => call.made(String::from_utf8_lossy(&bytes)),
        Err(at) => call.made(format!("illegal {} data at input byte {at}", base.name)),
    }
}

impl Base {
    fn encode(&self, bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len() * 2 + self.group);
        let (mut held, mut bits) = (0_u32, 0);
        for byte in bytes {
            held = held << 8 | u32::from(*byte);
            bits += 8;
            while bits >= self.bits {
                bits -= self.bits;
                text.push(self.digit(held >> bits));
            }
            held &= (1 << bits) - 1;
        }
        if bits > 0 {
            text.push(self.digit(held << (self.bits - bits)));
        }
        while !text.len().is_multiple_of(self.group) {
            text.push('=');
        }
        text
    }

    fn digit(&self, number: u32) -> char {
        char::from(self.digits[number as usize % self.digits.len()])
    }

    /// The bytes, or the place of what is none of this base. Ends of lines count for nothing.
    fn decode(&self, text: &[u8]) -> Result<Vec<u8>, usize> {
        let digits: Vec<(usize, u8)> =
            text.iter().copied().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n')).collect();
        let mut bytes = Vec::with_capacity(text.len());
        let (mut held, mut bits) = (0_u32, 0);
        let end = digits.iter().position(|(_, byte)| *byte == b'=').unwrap_or(digits.len());
        for (at, byte) in &digits[..end] {
            let digit = self.digits.iter().position(|digit| digit == byte).ok_or(*at)?;
            held = held << self.bits | digit as u32;
            bits += self.bits;
            if bits >= 8 {
                bits -= 8;
                bytes.push((held >> bits) as u8);
                held &= (1 << bits) - 1;
            }
        }
        let padding = &digits[end..];
        let lacks = (self.group - end % self.group) % self.group;
        // A digit that ends no byte is one too many.
        let is_whole = bits < self.bits;
        if let Some((at, _)) = padding.iter().find(|(_, byte)| *byte != b'=') {
            return Err(*at);
        }
        if padding.len() == lacks && is_whole {
            return Ok(bytes);
        }
        // Without padding it is the last group that is said to be wrong.
        Err(match padding.len() {
            0 => text.len() - end % self.group,
            length if length > lacks => padding[lacks].0,
            _ => text.len(),
        })
    }
}

pub(super) fn sha256sum(call: &Call<'_>) -> Answer {
    let text = call.text(0)?;
    call.room(text.len())?;
    call.made(hex(&Sha256::digest(text.as_bytes())))
}

pub(super) fn sha1sum(call: &Call<'_>) -> Answer {
    let text = call.text(0)?;
    call.room(text.len())?;
    call.made(hex(&sha1(text.as_bytes())))
}

pub(super) fn adler32sum(call: &Call<'_>) -> Answer {
    let text = call.text(0)?;
    call.room(text.len())?;
    let (low, high) = text.bytes().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(byte)) % 65521;
        (low, (high + low) % 65521)
    });
    Ok(Value::text((high << 16 | low).to_string()))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |number: u8| char::from(b"0123456789abcdef"[usize::from(number)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// FIPS 180-4. For telling texts apart, not for security.
fn sha1(text: &[u8]) -> [u8; 20] {
    let mut message = text.to_vec();
    message.push(0x80);
    message.resize(message.len().next_multiple_of(64), 0);
    if message.len() - text.len() < 9 {
        message.resize(message.len() + 64, 0);
    }
    let length = message.len();
    message[length - 8..].copy_from_slice(&(text.len() as u64 * 8).to_be_bytes());
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in message.chunks_exact(64) {
        let mut words = [0_u32; 80];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        for at in 16..80 {
            words[at] = (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
        }
        let mut mixed = state;
        for (at, word) in words.iter().enumerate() {
            let [first, second, third, fourth, fifth] = mixed;
            let (choice, constant) = match at / 20 {
                0 => (second & third | !second & fourth, 0x5a82_7999),
                1 => (second ^ third ^ fourth, 0x6ed9_eba1),
                2 => (second & third | second & fourth | third & fourth, 0x8f1b_bcdc),
                _ => (second ^ third ^ fourth, 0xca62_c1d6_u32),
            };
            let next = [choice, fifth, constant, *word].into_iter().fold(first.rotate_left(5), u32::wrapping_add);
            mixed = [next, first, second.rotate_left(30), third, fourth];
        }
        for (state, more) in state.iter_mut().zip(mixed) {
            *state = state.wrapping_add(more);
        }
    }
    let mut sum = [0; 20];
    for (bytes, word) in sum.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_every_length_around_a_block() {
        // From `sha1sum`.
        for (length, sum) in [
            (0, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"),
            (56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"),
            (63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"),
            (64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"),
        ] {
            assert_eq!(hex(&sha1("a".repeat(length).as_bytes())), sum, "{length}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for base in [&OF_64, &OF_32] {
            for length in 0..20_u8 {
                let bytes: Vec<u8> = (0..length).map(|at| at.wrapping_mul(37) ^ 0xa5).collect();
                assert_eq!(base.decode(base.encode(&bytes).as_bytes()), Ok(bytes));
            }
        }
        assert_eq!(OF_64.decode(b"aGk"), Err(0));
        assert_eq!(OF_64.decode(b"a*k="), Err(1));
        assert_eq!(OF_64.decode(b"aGk\n=\r\n"), Ok(b"hi".to_vec()));
    }
}

//! Small changes to valid inputs, which lead further into a reader than noise does.

use crate::rng::SeededRng;

/// Changes inputs.
pub struct Mutator<'m> {
    pub random: &'m mut SeededRng,
    /// Inputs to take pieces from.
    pub others: &'m [&'m [u8]],
}

impl Mutator<'_> {
    /// The input with one to five changes; rarely noise alone.
    pub fn mutate(&mut self, input: &[u8]) -> Vec<u8> {
        if self.random.chance_permille(20) {
            return (0..self.random.below(200)).map(|_| self.byte()).collect();
        }
        let mut bytes = input.to_vec();
        for _ in 0..=self.random.below(5) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let (from, to) = self.range(bytes.len());
        match self.random.below(9) {
            0 => {
                if let Some(byte) = bytes.get_mut(from) {
                    *byte ^= 1 << self.random.below(8);
                }
            }
            1 => {
                if let Some(byte) = bytes.get_mut(from) {
                    *byte = self.random.any().to_le_bytes()[0];
                }
            }
            2 => drop(bytes.drain(from..to)),
            3 => {
                let piece = bytes[from..to].to_vec();
                bytes.splice(from..from, piece);
            }
            4 => bytes.truncate(from),
            5 => {
                let other = self.others[self.random.index_below(self.others.len())];
                let (first, last) = self.range(other.len());
                bytes.splice(from..to, other[first..last].iter().copied());
            }
            6 => {
                let byte = self.byte();
                bytes.insert(from, byte);
            }
            7 => self.replace_number(bytes),
            _ => {
                let word = WORDS[self.random.index_below(WORDS.len())];
                bytes.splice(from..to.min(from + 8), word.bytes());
            }
        }
    }

    /// One of the numbers in it becomes an extreme one.
    fn replace_number(&mut self, bytes: &mut Vec<u8>) {
        let starts: Vec<usize> = (0..bytes.len())
            .filter(|at| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[at - 1].is_ascii_digit()))
            .collect();
        if starts.is_empty() {
            return;
        }
        let start = starts[self.random.index_below(starts.len())];
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = NUMBERS[self.random.index_below(NUMBERS.len())];
        bytes.splice(start..start + length, number.bytes());
    }

    /// A range within a length; short ones are likelier.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let from = self.random.index_below(length + 1);
        let most = (length - from).min(if self.random.chance_permille(900) { 12 } else { usize::MAX });
        (from, from + self.random.index_below(most + 1))
    }

    fn byte(&mut self) -> u8 {
        let any = self.random.any().to_le_bytes();
        // Mostly letters of the formats.
        if any[0] < 200 { ALPHABET[usize::from(any[1]) % ALPHABET.len()] } else { any[1] }
    }
}

const ALPHABET: &[u8] =
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~%/?&=+:;,{}[]\"\\<>() \n\0";

const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "-0",
    "1e309",
    "-1e309",
    "1e-400",
    "0.1",
    "00",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "253402300800",
    "99999999999999999999999999999999",
];

const WORDS: &[&str] = &[
    "null",
    "true",
    "[]",
    "{}",
    "[[[[[[[[",
    "{\"a\":",
    "\"\"",
    "\"\\u0000\"",
    "\\ud800",
    "\u{202e}",
    "é",
    "\u{10ffff}",
    "%00",
    "%2e%2e",
    "../",
    "//",
    ";",
    "none",
    "HS256",
    "RS256",
    "\"alg\":",
    "\"exp\":",
    "\"kid\":",
    "reel-ballers-api",
    "bytes=",
    "W/\"",
    "&limit=",
    "<Part>",
    "&amp;",
    "&#x0;",
];

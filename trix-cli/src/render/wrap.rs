//! Line breaks between words.
//!
//! Invariant: a word stays whole, and a number stays on the line of its unit.

use textwrap::{Options, WordSeparator, WordSplitter, core::Word};

/// The units of numbers in reports and messages.
const UNITS: [&str; 23] = [
    "bytes", "KiB", "MiB", "GiB", "TiB", "%", "bit/s", "kbit/s", "Mbit/s", "kbit", "s", "ms", "us", "fps", "Hz", "kHz",
    "dB", "dBTP", "LU", "LUFS", "bits", "frames", "cores",
];

/// `line` with line breaks, so that its lines have at most `width` columns. Further lines begin with `indent`.
pub fn wrapped(line: &str, width: usize, indent: &str) -> String {
    let options = Options::new(width)
        .subsequent_indent(indent)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation)
        .word_separator(WordSeparator::Custom(words));
    textwrap::fill(line, &options)
}

/// The words of a line. A number and its unit are one.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut words: Vec<&str> = Vec::new();
    let mut start = 0;
    for word in WordSeparator::AsciiSpace.find_words(line) {
        let end = start + word.word.len() + word.whitespace.len();
        match words.last_mut() {
            Some(before) if is_number(before) && is_unit(word.word) => *before = &line[start - before.len()..end],
            _ => words.push(&line[start..end]),
        }
        start = end;
    }
    Box::new(words.into_iter().map(Word::from))
}

fn is_number(word: &str) -> bool {
    let word = word.trim_end().trim_start_matches(['(', '[', '+', '-']);
    word.starts_with(|first: char| first.is_ascii_digit()) && word.ends_with(|last: char| last.is_ascii_digit())
}

fn is_unit(word: &str) -> bool {
    UNITS.contains(&word.trim_end_matches([',', ';', ':', '.', ')', ']']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stays_with_its_unit_and_a_name_stays_whole() {
        let text = "memory up to 24.6 MiB: x264 12.0 MiB, (-3.5 dB) a-long-name.mov 7 names";
        for width in 1..80 {
            let lines = wrapped(text, width, "  ");
            for whole in ["24.6 MiB:", "12.0 MiB,", "(-3.5 dB)", "a-long-name.mov"] {
                assert!(lines.contains(whole), "{width}: {lines}");
            }
            let same: Vec<&str> = lines.split_whitespace().collect();
            assert_eq!(same, text.split_whitespace().collect::<Vec<_>>());
        }
        assert_eq!(wrapped("about 24.6 MiB  free", 12, "  "), "about\n  24.6 MiB\n  free");
        assert_eq!(wrapped("7 names", 3, ""), "7\nnames");
    }
}

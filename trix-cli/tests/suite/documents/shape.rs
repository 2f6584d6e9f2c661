//! Compares what a page shows with what a program prints, in shape. Words and whole numbers have to agree, also counts of
//! frames, samples, packets and checks. These numbers may differ: all with a point, such as `23.976` (most of them are
//! times, sizes, rates and versions), times of day, whole numbers in front of a unit, and threads.

/// Units of size. A size may have another unit in another run.
const SIZES: [&str; 4] = ["bytes", "KiB", "MiB", "GiB"];

/// Other words after a number that make it a measured one, or one of the machine: its cores, and "threads of each encoder: 2
/// for 6 % of the work".
const UNITS: [&str; 12] = ["%", "kbit/s", "Mbit/s", "dB", "ms", "s", "fps", "LUFS", "LU", "dBTP", "cores", "for"];

/// Keys whose values depend on the machine.
const KEYS: [&str; 3] = ["threads", "pools", "frame-threads"];

/// True for a number that a run measures: with a point (a time, a size, a version), hours with minutes and seconds, or with a
/// unit behind it.
fn is_measured(number: &str, next: Option<&str>) -> bool {
    let digits = |c: char| c.is_ascii_digit();
    if !number.starts_with(digits) {
        return false;
    }
    let is_decimal = number.contains('.') && number.split(['.', ':']).all(|part| part.starts_with(digits));
    let is_whole = number.chars().all(digits);
    let is_clock =
        number.split(':').count() == 3 && number.split(':').all(|part| !part.is_empty() && part.chars().all(digits));
    is_decimal || is_clock || is_whole && next.is_some_and(|next| UNITS.contains(&next) || SIZES.contains(&next))
}

fn is_hash(word: &str) -> bool {
    let digits = word.trim_end_matches("...");
    digits.len() >= 7
        && digits.chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
        && digits.contains(|c: char| c.is_ascii_digit())
        && (digits.len() != word.len() || digits.len() == 64 || digits.contains(|c: char| c.is_ascii_alphabetic()))
}

/// Replaces each number in `text` by `N`.
fn without_numbers(text: &str) -> String {
    let mut shape = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_point = c == '.' && shape.ends_with('N') && rest.peek().is_some_and(char::is_ascii_digit);
        match c {
            _ if is_point => {}
            '0'..='9' if shape.ends_with('N') => {}
            '0'..='9' => shape.push('N'),
            c => shape.push(c),
        }
    }
    shape
}

/// A word without the signs around it: where it begins and ends.
fn core(word: &str) -> (usize, usize) {
    let front = word.len() - word.trim_start_matches(['(', '"', '\'', '+', '-', '[']).len();
    let back = word.trim_end_matches([')', ',', ';', ':', '"', '\'', ']']).len();
    (front.min(back), back)
}

/// A line without what may differ between two runs.
fn of_line(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut shape = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let (from, to) = core(word);
        let inner = &word[from..to];
        let next = words.get(index + 1).map(|next| {
            let (from, to) = core(next);
            &next[from..to]
        });
        let (front, back) = (word[..from].replace(['+', '-'], ""), &word[to..]);
        let key = inner.split_once('=').filter(|(key, _)| KEYS.contains(key));
        shape.push(if let Some((key, _)) = key {
            format!("{front}{key}=N{back}")
        } else if is_hash(inner) {
            format!("{front}HASH{back}")
        } else if is_measured(inner, next) {
            format!("{front}N{back}")
        } else if SIZES.contains(&inner) {
            format!("{front}SIZE{back}")
        } else if word.contains("\":") {
            without_numbers(word)
        } else {
            (*word).to_owned()
        });
    }
    // Encoders have as many frame threads as the machine allows.
    let is_threads = |part: &&str| part.ends_with(" frame thread") || part.ends_with(" frame threads");
    let shape = shape.join(" ");
    shape.split(", ").filter(|part| !is_threads(part)).collect::<Vec<_>>().join(", ")
}

/// True if `found` is `shown`, where each `...` in `shown` stands for any text.
fn line_agrees(shown: &str, found: &str) -> bool {
    let mut parts = shown.split("...");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = found.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The first line of `shown` that does not agree with `found`; `None` if all agree. A line `...` stands for any lines.
pub fn difference(shown: &[&str], found: &[&str]) -> Option<String> {
    let found: Vec<String> = found.iter().map(|line| of_line(line)).collect();
    let shapes: Vec<String> = shown.iter().map(|line| of_line(line)).collect();
    let mut deepest = 0;
    if agree(&shapes, &found, 0, &mut deepest) {
        return None;
    }
    Some(shown.get(deepest).map_or_else(|| "(more lines follow)".to_owned(), |line| (*line).to_owned()))
}

fn agree(shown: &[String], found: &[String], at: usize, deepest: &mut usize) -> bool {
    *deepest = (*deepest).max(at);
    match shown.get(at).map(String::as_str) {
        None => found.is_empty(),
        Some("...") => (0..=found.len()).any(|skipped| agree(shown, &found[skipped..], at + 1, deepest)),
        Some(line) => {
            found.first().is_some_and(|first| line_agrees(line, first)) && agree(shown, &found[1..], at + 1, deepest)
        }
    }
}

#[test]
fn numbers_that_a_run_measures_may_differ() {
    let shown =
        ["copy.mp4  1.3 MiB", "  video   x264 4:2:0 8 bits, threads=3, 3 frame threads", "  sha256  a3db3c7c..."];
    let hash = "a3db3c7c00112233445566778899aabbccddeeff00112233445566778899aabb";
    let found =
        format!("copy.mp4  913.0 KiB\n  video   x264 4:2:0 8 bits, threads=12, 1 frame thread\n  sha256  {hash}");
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(difference(&shown, &found), None);
}

#[test]
fn other_words_and_counts_are_differences() {
    for (shown, found) in [
        ("  frames  50 decoded, 50 encoded", "  frames  50 decoded, 49 encoded"),
        ("  video   x264 640x360 8 bits", "  video   x264 640x360 10 bits"),
        ("  0.1 s to copy", "  0.1 s to encode"),
        ("  verify  44 checks hold", "  verify  43 checks hold"),
        ("  audio   97 packets, 96000 samples", "  audio   97 packets, 95976 samples"),
        ("  decided ... of the work", "  decided threads of the job"),
    ] {
        assert_eq!(difference(&[shown], &[found]), Some(shown.to_owned()), "{found}");
    }
    assert_eq!(difference(&["a", "...", "c"], &["a", "b", "b", "c"]), None);
    assert_eq!(difference(&["a", "...", "c"], &["a", "b"]), Some("c".to_owned()));
    assert_eq!(difference(&["a"], &["a", "b"]), Some("(more lines follow)".to_owned()));
}

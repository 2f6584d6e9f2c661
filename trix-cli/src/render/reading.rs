//! Reports for people on a terminal: lines wrapped at words, and colour for what needs a look.
//!
//! Invariant: without a width, and without its styles, the text is what it was.

use anstyle::{AnsiColor, Style};

use super::{width_of, wrap};

/// The column at which the values of a report stand, behind their labels.
const VALUES: usize = 10;

const NOTICED: Style = AnsiColor::Yellow.on_default();
const WRONG: Style = AnsiColor::Red.on_default().bold();

/// Words that say that something is wrong.
const WORDS: [&str; 3] = ["FAILED", "PARTLY", "MISSING"];

/// `text` with styles, wrapped to `width` columns if there is one.
pub fn shown(text: &str, width: Option<usize>) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        out.push_str(&styled(line, &wrapped(line, width)));
        out.push_str(end);
    }
    out
}

/// A line with line breaks between words. Further lines are indented as far as the values of the line.
fn wrapped(line: &str, width: Option<usize>) -> String {
    let Some(width) = width.filter(|width| width_of(line) > *width) else { return line.to_owned() };
    let is_labelled = line.starts_with("  ") && line.chars().nth(VALUES - 1) == Some(' ') && width > 3 * VALUES;
    let own = line.len() - line.trim_start().len();
    let indent = " ".repeat(if is_labelled { VALUES } else { own + 2 });
    wrap::wrapped(line, width, &indent)
}

/// The wrapped form of `line` with the styles that `line` asks for.
fn styled(line: &str, wrapped: &str) -> String {
    let label = line.trim_start().split(' ').next().unwrap_or_default();
    if line.starts_with('!') || matches!(label, "warning" | "damage") {
        return format!("{NOTICED}{wrapped}{NOTICED:#}");
    }
    match WORDS.into_iter().find(|word| line.split(' ').any(|own| own == *word)) {
        Some(word) => wrapped.replacen(word, &format!("{WRONG}{word}{WRONG:#}"), 1),
        None => wrapped.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, width: Option<usize>) -> String {
        anstream::adapter::strip_str(&shown(text, width)).to_string()
    }

    #[test]
    fn a_report_is_wrapped_behind_its_labels() {
        let text = "film.mkv  1.2 MiB\n  video   x264 320x180 4:2:0 8 bits, preset medium, crf=16 threads=2\n";
        assert_eq!(plain(text, None), text);
        assert_eq!(plain(text, Some(200)), text);
        let narrow = "film.mkv  1.2 MiB\n  video   x264 320x180 4:2:0 8 bits,\n          preset medium, crf=16\n          threads=2\n";
        assert_eq!(plain(text, Some(36)), narrow);
    }

    #[test]
    fn what_needs_a_look_has_colour() {
        let text = shown("! disagrees    size\n  FAILED frames: 3\n  ok     damage: none\n", None);
        assert!(text.starts_with(&NOTICED.to_string()), "{text}");
        assert!(text.contains(&format!("{WRONG}FAILED{WRONG:#} frames")), "{text}");
        assert_eq!(plain(&text, None), "! disagrees    size\n  FAILED frames: 3\n  ok     damage: none\n");
    }
}

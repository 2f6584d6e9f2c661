//! Reports for people on a terminal: lines wrapped at words, and colour for what needs a look.
//!
//! Invariant: without a width, and without its styles, the text is what it was.

use anstyle::{AnsiColor, Style};

use super::{width_of, wrap};

/// Labels that are as long as their column, so that one space follows.
const LABELS: [&str; 6] = ["because", "decided", "machine", "package", "sprites", "warning"];

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

/// A line with line breaks between words. Further lines are indented as far as the values of the line, behind its label.
fn wrapped(line: &str, width: Option<usize>) -> String {
    let Some(width) = width.filter(|width| width_of(line) > *width) else { return line.to_owned() };
    let own = line.len() - line.trim_start().len();
    let values = values_of(line).filter(|values| 2 * values < width).unwrap_or(own + 2);
    wrap::wrapped(line, width, &" ".repeat(values))
}

/// The column at which the values of a line stand: behind its label, which ends with two spaces or is one of [`LABELS`].
fn values_of(line: &str) -> Option<usize> {
    let own = line.len() - line.trim_start().len();
    let text = &line[own..];
    let is_alone = |label: &&&str| text.strip_prefix(**label).is_some_and(|rest| rest.starts_with(' '));
    let label = LABELS.iter().find(is_alone).map(|label| label.len()).or_else(|| text.find("  "))?;
    let values = text[label..].trim_start();
    Some(width_of(&line[..line.len() - values.len()]))
}

/// The wrapped form of `line` with the styles that `line` asks for.
fn styled(line: &str, wrapped: &str) -> String {
    let label = line.trim_start().split(' ').next().unwrap_or_default();
    let is_noticed = line.starts_with('!') || matches!(label, "warning" | "damage") && !line.ends_with("none found");
    if is_noticed {
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
    fn pages_are_wrapped_behind_labels_of_any_width() {
        let stream = "stream 0     h264 320x180 yuv420p, 65.5 Mbit/s, default";
        let settings = "    settings     crf=16, preset medium, bframes=3";
        for (width, line, narrow) in [
            (45, stream, "stream 0     h264 320x180 yuv420p,\n             65.5 Mbit/s, default"),
            (46, settings, "    settings     crf=16, preset medium,\n                 bframes=3"),
            (
                36,
                "  because the source has more than eight bits",
                "  because the source has more than\n          eight bits",
            ),
            (30, "a line without a label that is longer than one", "a line without a label that is\n  longer than one"),
        ] {
            assert_eq!(plain(line, Some(width)), narrow, "{width}");
        }
        // There is no room behind a label that takes half of the line.
        assert_eq!(plain("a-long-label   two words", Some(20)), "a-long-label   two\n  words");
    }

    #[test]
    fn what_needs_a_look_has_colour() {
        assert_eq!(shown("damage       none found", None), "damage       none found");

        let text = shown("! disagrees    size\n  FAILED frames: 3\n  ok     damage: none\n", None);
        assert!(text.starts_with(&NOTICED.to_string()), "{text}");
        assert!(text.contains(&format!("{WRONG}FAILED{WRONG:#} frames")), "{text}");
        assert_eq!(plain(&text, None), "! disagrees    size\n  FAILED frames: 3\n  ok     damage: none\n");
    }
}

//! Text that is safe to print.
//!
//! Invariant: no text of a source, a document or an argument controls the terminal.

use std::borrow::Cow;

/// True for a control character that is no line feed and no tab.
pub fn is_hidden(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\t')
}

/// `text` with every control character but line feeds and tabs in the form of an escape. Text of a source, such as a
/// title, may contain them.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match is_hidden(character) {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    shown.into()
}

/// A name, or another text that is part of a line, with every control character in the form of an escape.
pub fn visible_name(text: &str) -> String {
    let escaped = |letter: char| match letter {
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        other => other.to_string(),
    };
    visible(text).chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_source_cannot_control_the_terminal() {
        assert_eq!(visible("title\ta\nb é"), "title\ta\nb é");
        assert_eq!(visible_name("one\ttwo\nthree\u{1b}[m é"), "one\\ttwo\\nthree\\u{1b}[m é");
        assert_eq!(visible("a\u{1b}[2Jb\rc\u{9b}d\u{7}"), "a\\u{1b}[2Jb\\rc\\u{9b}d\\u{7}");
    }
}

//! Errors for people: the message, wrapped at words, and the line or argument that it is about.
//!
//! Invariant: text of a source or a document cannot control the terminal.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use trix_core::mistake::Excerpt;

use super::{
    visible::{is_hidden, visible},
    wrap,
};

/// One problem: a message, and the line or argument that it is about.
pub struct Problem {
    /// The message.
    pub message: String,
    /// The line or argument.
    pub excerpt: Option<Excerpt>,
}

/// The widest excerpt where nothing says how wide lines are. An excerpt has at most 166 characters.
const WIDEST: usize = 200;

/// The problems, one under the other, with styles for a terminal. Messages are wrapped to `width` columns if there is
/// one.
pub fn text(problems: &[Problem], width: Option<usize>) -> String {
    const NAME: &str = "trix:";
    let renderer = Renderer::styled().term_width(width.unwrap_or(WIDEST)).hyperlink(false);
    let mut shown = String::new();
    for (at, Problem { message, excerpt }) in problems.iter().enumerate() {
        let message = if at == 0 { format!("{NAME} {message}") } else { message.clone() };
        let wrapped = wrapped(&visible(&message), width);
        match wrapped.strip_prefix(NAME).filter(|_| at == 0) {
            Some(rest) => {
                let style = annotate_snippets::renderer::DEFAULT_ERROR_STYLE;
                shown.push_str(&format!("{style}{NAME}{style:#}{rest}\n"));
            }
            None => shown.push_str(&format!("{wrapped}\n")),
        }
        if let Some(excerpt) = excerpt {
            shown.push_str(&drawn(excerpt, &renderer));
            shown.push('\n');
        }
    }
    shown
}

/// `text` with line breaks between words. Further lines are indented.
pub fn wrapped(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let lines: Vec<String> = text.lines().map(|line| wrap::wrapped(line, width, "  ")).collect();
    lines.join("\n")
}

/// The line with its number, and carets under what is wrong.
fn drawn(excerpt: &Excerpt, renderer: &Renderer) -> String {
    // In place of an escape, which would be longer and move what is behind it.
    let letters =
        excerpt.text.chars().map(|letter| if is_hidden(letter) { char::REPLACEMENT_CHARACTER } else { letter });
    let shown = Excerpt { text: letters.collect(), ..excerpt.clone() };
    let snippet = Snippet::source(shown.text.as_str())
        .line_numbering(excerpt.line.is_some())
        .line_start(excerpt.line.unwrap_or(1))
        .annotation(AnnotationKind::Primary.span(shown.bytes()));
    renderer.render(&[Group::with_level(Level::ERROR).element(snippet)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(message: &str, excerpt: Excerpt, width: Option<usize>) -> String {
        let styled = text(&[Problem { message: message.into(), excerpt: Some(excerpt) }], width);
        anstream::adapter::strip_str(&styled).to_string()
    }

    #[test]
    fn the_wrong_part_is_underlined_also_behind_wide_letters_and_tabs() {
        let line = "\ttitle = \"映画\", preset = \"fasst\"";
        let start = line.find("\"fasst\"").expect("a value");
        let shown = plain("a mistake", Excerpt::new(Some(12), line, start..start + 7), None);
        assert_eq!(
            shown,
            "trix: a mistake\n   |\n12 |     title = \"映画\", preset = \"fasst\"\n   |                              ^^^^^^^\n"
        );
    }

    #[test]
    fn what_is_missing_is_shown_behind_the_last_letter() {
        let shown = plain("no value", Excerpt::new(None, "--crf", 5..5), None);
        assert_eq!(shown, "trix: no value\n |\n | --crf\n |      ^\n");
    }

    #[test]
    fn messages_are_wrapped_at_words_and_names_stay_whole() {
        let message = "/a/rather/long/name/of/a/file/that/stays/whole.mov: one two three-four";
        assert_eq!(
            wrapped(message, Some(20)),
            "/a/rather/long/name/of/a/file/that/stays/whole.mov:\n  one two three-four"
        );
        assert_eq!(wrapped(message, None), message);
    }

    #[test]
    fn a_document_cannot_control_the_terminal() {
        let shown = plain("a \u{1b}[2J", Excerpt::new(Some(1), "key = \u{1b}[2J\u{9b}", 0..3), None);
        assert!(!shown.contains(['\u{1b}', '\u{9b}']), "{shown:?}");
    }
}

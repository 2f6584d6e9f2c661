//! Formats values of trix-core for operators.

pub mod doctor;
pub mod events;
pub mod plan;
pub mod problem;
pub mod progress;
pub mod reading;
pub mod report;
mod screen;
pub mod status;
pub mod summary;
pub mod verify;
pub mod visible;
mod wrap;

use console::measure_text_width;

/// Seconds as `H:MM:SS`.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.round().max(0.0) as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The columns that `text` takes on a terminal. A letter can take none, one or two.
pub fn width_of(text: &str) -> usize {
    measure_text_width(text)
}

/// `text`, and the spaces that make it `width` columns wide.
pub fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(width_of(text))))
}

/// `text` in at most `width` columns, of which one is the least. The end of a file name says more than its middle.
pub fn shortened(text: &str, width: usize) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let tail = (width - 1) * 2 / 3;
    let head = length_of(text.chars(), width - 1 - tail);
    let tail = length_of(text.chars().rev(), tail);
    format!("{}…{}", &text[..head], &text[text.len() - tail..])
}

/// The bytes of the first letters that fit into `width` columns.
fn length_of(letters: impl Iterator<Item = char>, width: usize) -> usize {
    let (mut bytes, mut taken) = (0, 0);
    for letter in letters {
        taken += width_of(letter.encode_utf8(&mut [0; 4]));
        if taken > width {
            break;
        }
        bytes += letter.len_utf8();
    }
    bytes
}
